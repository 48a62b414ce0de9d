"""Traps 94 and 95: what was never delivered, or is not listed any more, is read from the rail.

What did arrive came in many orders and repetitions, and all of it comes again in the end.
"""

import random
from datetime import timedelta

import pytest

from reconciler.books.reconciliation import Window
from reconciler.flows.reconcile import carry_on, reconcile
from reconciler.reads import reconciliation as reads
from reconciler.reads.reconciliation import RunRow
from reconciler.services import reconciliation
from reconciler.services.reconciliation import OWN
from reconciler.services.run_plans import KINDS, PLANS
from tests.builders import balances, invoice
from tests.runtime import Office

BUSY = {
    "clearing": 17_040, "processing_fees": 2_460, "credits": 500, "accounts_receivable": 10_000,
    "revenue": -30_000,
}  # fmt: skip
# In `./test` some of the news came before all went silent, or none did.
ORDERS = [0, 2, *(pytest.param(n, marks=pytest.mark.thorough) for n in (1, 3, 4, 5))]
FOUR_DAYS, FORTY_DAYS = timedelta(days=4), timedelta(days=40)


def trap(name: str, *given) -> object:
    """A case with a number and a name of its own."""
    return pytest.param(*given, id=name)


def busy_days(office: Office) -> list[dict]:
    """Three payments in three days: one is refunded in part, another is disputed and lost."""
    charges = []
    for number in ("INV-1", "INV-2", "INV-3"):
        invoice(office, number, 10_000)
        charges.append(office.world.pay(10_000, metadata={"invoice": number}).charge)
        office.clock.advance(days=1)
    office.world.refund(charges[1], 500)
    office.world.close_dispute(office.world.dispute(charges[2]), "lost")
    return office.world.events()


def before_the_gap(office: Office, news: list[dict], chance: random.Random) -> list[dict]:
    """Some of what was told arrives before all goes silent, mixed and repeated; gives that."""
    count = chance.choice((0, 1, len(news) // 3, len(news) // 2))
    heard = chance.sample(news, count)
    for event in heard + chance.sample(heard, count // 2):
        assert office.deliver(event) == [200]
        if chance.randrange(2):
            office.apply()
    return heard


def by_the_clock(office: Office) -> None:
    """Turns of the timed job, more than there are plans."""
    for _ in range(len(PLANS) + 2):
        reconcile(office.runtime)


def compared(office: Office, back: timedelta) -> RunRow:
    office.clock.advance(minutes=3)
    now = office.clock()
    window = Window(now - back, now - timedelta(minutes=2))
    begun = office.do(lambda work: reconciliation.start(work, "stripe", OWN, window))
    while carry_on(office.runtime):
        pass
    with office.runtime.read() as session:
        return reads.one(session, begun)


def by_a_run(office: Office) -> None:
    told = compared(office, timedelta(days=60))
    assert (told.status, told.drift, told.unhealed) == ("done", {}, 0)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("gap", "heal"),
    [
        trap("94-most-was-lost-for-four-days", FOUR_DAYS, by_the_clock),
        trap("95-most-was-lost-for-forty-days", FORTY_DAYS, by_a_run),
    ],
)
def test_what_was_lost_is_read_from_the_rails_objects(
    office: Office, gap: timedelta, heal, order: int
) -> None:
    chance = random.Random(order)
    news = busy_days(office)
    heard = before_the_gap(office, news, chance)
    office.clock.instant += gap
    heal(office)
    office.drain()
    assert balances(office) == BUSY
    assert office.scalar("select count(*) from inbox_event") >= len(heard)
    again = compared(office, timedelta(days=60))
    assert (again.healed, again.unhealed, again.drift) == (0, 0, {})
    entries = office.scalar("select count(*) from journal_entry")
    late = [event for event in news for _ in range(chance.randrange(1, 4))]
    chance.shuffle(late)
    assert set(office.deliver(*late)) == {200}
    office.drain()
    office.replay()
    assert office.scalar("select count(*) from journal_entry") == entries
    assert (balances(office), office.unfinished(), office.violations()) == (BUSY, [], [])


def a_refund_fails_after_29_days(office: Office) -> dict[str, int]:
    invoice(office, "INV-1", 10_000)
    paid = office.world.pay(10_000, metadata={"invoice": "INV-1"})
    refund = office.world.refund(paid.charge, 2_000)
    office.deliver(*office.world.events())
    office.drain()
    by_the_clock(office)
    office.clock.advance(days=29)
    office.world.advance_refund(refund, "failed", "expired_or_canceled_card")
    return {"clearing": 9_680, "processing_fees": 320, "revenue": -10_000}


def a_dispute_is_lost_after_months(office: Office) -> dict[str, int]:
    invoice(office, "INV-1", 10_000)
    paid = office.world.pay(10_000, metadata={"invoice": "INV-1"})
    dispute = office.world.dispute(paid.charge)
    office.deliver(*office.world.events())
    office.drain()
    by_the_clock(office)
    office.clock.advance(days=100)
    office.world.close_dispute(dispute, "lost")
    return {
        "accounts_receivable": 10_000, "clearing": -1_820, "processing_fees": 1_820,
        "revenue": -10_000,
    }  # fmt: skip


def nothing_arrives_for_five_days(office: Office) -> dict[str, int]:
    busy_days(office)
    office.clock.advance(days=2)
    return BUSY


def nothing_arrives_for_forty_days(office: Office) -> dict[str, int]:
    """The rail has forgotten the events by then."""
    busy_days(office)
    office.clock.advance(days=37)
    return BUSY


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "befalls",
    [
        a_refund_fails_after_29_days,
        a_dispute_is_lost_after_months,
        nothing_arrives_for_five_days,
        nothing_arrives_for_forty_days,
    ],
)
def test_the_clocks_own_runs_heal_it_and_then_have_nothing_to_do(office: Office, befalls) -> None:
    by_the_clock(office)  # complete up to here
    wanted = befalls(office)
    told = len(office.world.events())
    before = office.scalar("select count(*) from inbox_event")
    assert before < told, "something was never delivered"
    office.clock.advance(minutes=3)
    by_the_clock(office)
    office.drain()
    assert balances(office) == wanted
    assert (office.unfinished(), office.violations()) == ([], [])
    with office.runtime.read() as session:
        complete = reads.complete_up_to(reads.complete(session), KINDS)
    assert complete is not None
    assert office.clock() - complete < timedelta(minutes=5)
    healed = "select coalesce(sum(healed), 0) from reconciliation_run"
    before = office.scalar(healed)
    assert before > 0
    office.clock.advance(days=1)
    by_the_clock(office)
    assert office.scalar(healed) == before
    assert balances(office) == wanted


def test_what_a_rail_lists_long_after_it_was_made_is_found_within_a_month(office: Office) -> None:
    compared(office, timedelta(days=100))
    with office.world.at(int((office.clock() - timedelta(days=60)).timestamp())):
        late = office.world.pay(4_200)
    office.clock.advance(days=30)
    by_the_clock(office)
    found = office.rows("select rail_payment_id as id from payment")
    assert [row.id for row in found] == [late.intent]
    assert office.violations() == []


def test_of_an_account_that_is_new_here_only_the_last_weeks_are_taken_in(office: Office) -> None:
    for days in (2, 30, 60):
        with office.world.at(int((office.clock() - timedelta(days=days)).timestamp())):
            office.world.pay(1_000 + days)
    for _ in range(2):
        by_the_clock(office)
        office.clock.advance(days=31)
    taken = office.rows("select captured from payment order by 1")
    assert [row.captured for row in taken] == [1_002, 1_030], "the rest is a backfill's"


@pytest.mark.parametrize(
    "place",
    [trap(f"95-one-event-alone-is-left-after-forty-days-{place}", place) for place in (1, 2, 3)],
)
def test_one_event_that_is_left_is_enough(office: Office, place: int) -> None:
    invoice(office, "INV-1", 10_000)
    office.world.pay(10_000, metadata={"invoice": "INV-1"})
    news = office.world.events()
    assert len(news) == 4  # the first of them says only that somebody means to pay
    office.clock.advance(days=40)
    for _ in range(2):
        office.deliver(news[place], news[place])
        office.drain()
        assert balances(office) == {"clearing": 9_680, "processing_fees": 320, "revenue": -10_000}
        assert (office.unfinished(), office.violations()) == ([], [])
        office.replay()
