"""Make the books again beside themselves, and say where they differ. Nothing of it is kept."""

from reconciler.flows.replay_books import DoneOver, replay
from reconciler.runtime import Runtime
from reconciler.services import rebuild as service
from reconciler.services.rebuild import Told
from reconciler.services.verification import Violation
from reconciler.work import Cause

CAUSE = Cause("command", "verify --rebuild")


def rebuild(runtime: Runtime) -> tuple[list[Violation], DoneOver]:
    """Every difference between the books and what their evidence and decisions make of them.

    And how much was done over for that. Claims are settled in transactions that are rolled back;
    each holds the rows of some hundred payments for as long as that takes, as any other change of
    them would.
    """
    with runtime.read() as session:
        found = list(service.of_facts(session, runtime.rails))
    found = [*_events(runtime), *found, *_claims(runtime)]
    done = replay(runtime)
    return [*found, *done.differing], done


def _events(runtime: Runtime) -> list[Violation]:
    found: list[Violation] = []
    events = _applied(runtime, 0)
    while events:
        for event in events:
            sighting = runtime.rails[event.rail].sighting(event.body)
            missing = service.untold(event, sighting.facts, sighting.payout)
            found += [missing] if missing else []
        events = _applied(runtime, events[-1].seq)
    return found


def _applied(runtime: Runtime, after: int) -> list[Told]:
    with runtime.read() as session:
        return service.applied_events(session, after)


def _claims(runtime: Runtime) -> list[Violation]:
    found: list[Violation] = []
    ids = _payments(runtime, "")
    while ids:
        found += runtime.rehearse(CAUSE, lambda work: service.settled_again(work, ids))  # noqa: B023  run at once
        ids = _payments(runtime, ids[-1])
    return found


def _payments(runtime: Runtime, after: str) -> list[str]:
    with runtime.read() as session:
        return service.payment_ids(session, after)
