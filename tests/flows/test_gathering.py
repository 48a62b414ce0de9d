"""Events that keep coming are let gather; one that comes alone, and a backlog, wait for nothing."""

from dataclasses import replace

from reconciler.flows.apply_inbox import GATHER_SECONDS, apply_inbox
from tests.builders import invoice
from tests.runtime import Office

_OPEN = "select count(*) from invoice where outstanding > 0"


def pay(office: Office, number: int) -> int:
    """A payment of its own invoice is told; gives how many events tell it."""
    since = office.world.events_made()
    invoice(office, f"INV-{number}", 10_000)
    office.world.pay(10_000, metadata={"invoice": f"INV-{number}"})
    events = office.world.events(since)
    office.deliver(*events)
    return len(events)


def test_events_that_keep_coming_are_gathered_between_batches(office: Office) -> None:
    told = sum(pay(office, number) for number in range(3))
    waited: list[float] = []

    def pause(seconds: float) -> None:
        nonlocal told
        waited.append(seconds)
        if len(waited) < 4:
            told += pay(office, 10 + len(waited))

    # One full batch, the newest payment, and what is left of the second: from then on they trickle.
    assert apply_inbox(replace(office.runtime, pause=pause), batch_events=5) == told
    assert waited == [GATHER_SECONDS] * 4
    assert office.scalar(_OPEN) == 0
    assert office.violations() == []


def test_what_comes_alone_is_not_waited_for(office: Office) -> None:
    told = pay(office, 1)
    waited: list[float] = []
    assert apply_inbox(replace(office.runtime, pause=waited.append)) == told
    assert waited == []


def test_a_backlog_is_worked_off_without_a_pause(office: Office) -> None:
    told = sum(pay(office, number) for number in range(4))
    waited: list[float] = []
    assert apply_inbox(replace(office.runtime, pause=waited.append), batch_events=4) == told
    assert waited == []
