"""Traps 70 to 79: payouts in every order, told one to three times and all over again."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import permutations

import pytest
import sqlalchemy as sa

from reconciler.books.observations import BalanceFact
from reconciler.books.payouts import Movement
from reconciler.books.reconciliation import Window
from reconciler.flows.reconcile import carry_on
from reconciler.flows.tie_out import tie_out
from reconciler.reads import reconciliation as reads
from reconciler.reads.reconciliation import RunRow
from reconciler.sandbox.world import World
from reconciler.services import payouts, reconciliation
from reconciler.services.reconciliation import OWN
from tests.builders import balances
from tests.runtime import Office
from tests.tiers import size

CREATED = {"payouts_in_transit": 90_000, "clearing": -90_000}
AT_THE_BANK = {"bank": 90_000, "clearing": -90_000}
LATER = 10 * 86_400  # seconds
FEW_ORDERS, EACH = 6, size(quick=5, full=1)  # more orders than those are not all taken


def paid(world, payout: str) -> None:
    world.pay_payout(payout)


def failed(world, payout: str) -> None:
    world.pay_payout(payout)
    world.fail_payout(payout)
    back = world.table("payout")[payout]["failure_balance_transaction"]
    # Otherwise the next payout would carry it.
    world.table("balance_transaction")[back]["available_on"] += LATER


def canceled(world, payout: str) -> None:
    world.cancel_payout(payout)


def nothing(world, payout: str) -> None:
    """It stays on its way."""


def ledger(office: Office, payout: str) -> dict[str, int]:
    """What was posted because of one of the rail's payouts, by role."""
    found: Counter[str] = Counter()
    for row in office.rows(
        """select a.role, p.amount from posting p join journal_entry e on e.id = p.entry_id
        join ledger_account a on a.id = p.account_id join payout o on o.id = e.payout_id
        where o.rail_payout_id = :id""",
        id=payout,
    ):
        found[row.role] += row.amount
    return {role: amount for role, amount in found.items() if amount}


def trap(name: str, *given) -> object:
    """A case with a number and a name of its own."""
    return pytest.param(*given, id=name)


def in_every_order(office: Office, make: Callable[[], str]) -> list[str]:
    """A payout for each order that its news can come in, told once to three times; their ids.

    `./test` tells of four news in some of their orders: each of them comes first and last.
    """
    made: list[str] = []
    orders = 1
    while len(made) < orders:
        place, before = len(made), office.world.events_made()
        made.append(make())
        news = list(permutations(office.world.events(before)))
        news = news[:: EACH if len(news) > FEW_ORDERS else 1]
        queue, orders = news[place], len(news)
        for event in (*queue, *queue[: place % 3]):
            assert office.deliver(event) == [200]
            if place % 2:
                office.apply()
    return made


def suspense(office: Office) -> int:
    """What lies in suspense, in minor units."""
    return balances(office).get("suspense", 0)


def compared(office: Office) -> RunRow:
    """A run over the last month, as the clock would begin it."""
    office.clock.advance(minutes=3)
    now = office.clock()
    window = Window(now - timedelta(days=30), now - timedelta(minutes=2))
    begun = office.do(lambda work: reconciliation.start(work, "stripe", OWN, window))
    while carry_on(office.runtime):
        pass
    with office.runtime.read() as session:
        return reads.one(session, begun)


FROM_THE_BANK = {"bank": -2_000, "clearing": 2_000}


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("currency", "amount", "then", "status", "wanted"),
    [
        ("usd", 90_000, nothing, "pending", CREATED),
        trap("73-failed-is-heard-before-paid", "usd", 90_000, failed, "failed", {}),
        trap("74-manual-moves-its-amount", "usd", 90_000, paid, "paid", AT_THE_BANK),
        ("usd", 90_000, canceled, "canceled", {}),
        trap("76-the-bank-is-debited", "usd", -2_000, paid, "paid", FROM_THE_BANK),
        ("jpy", 5_000, paid, "paid", {"bank": 5_000, "clearing": -5_000}),
        ("kwd", 5_120, paid, "paid", {"bank": 5_120, "clearing": -5_120}),
        ("isk", 500, paid, "paid", {"bank": 500, "clearing": -500}),
        ("huf", 1_000, paid, "paid", {"bank": 1_000, "clearing": -1_000}),
        ("twd", 1_000, paid, "paid", {"bank": 1_000, "clearing": -1_000}),
    ],
)
def test_a_payout_ends_the_same_in_every_order(
    office: Office, currency: str, amount: int, then, status: str, wanted: dict[str, int]
) -> None:
    def make() -> str:
        made = office.world.payout(currency, amount, automatic=False)
        then(office.world, made)
        return made

    payouts_made = in_every_order(office, make)
    office.drain()
    for _ in range(2):
        assert office.unfinished() == []
        assert office.violations() == []
        for made in payouts_made:
            assert ledger(office, made) == wanted
            told = office.rows("select * from payout where rail_payout_id = :id", id=made)
            assert [(row.amount, row.status) for row in told] == [(amount, status)]
        assert office.scalar("select count(*) from payout_line") == 0, "nobody asks for any"
        office.replay()
    failures = office.scalar("select count(*) from review_item where state = 'open'")
    assert failures == (len(payouts_made) if wanted == {} else 0)


def at_once(world, payout: str) -> None:
    """An instant one, for a fee that its own row bears."""
    made = world.table("payout")[payout]
    made["method"] = "instant"
    row = world.table("balance_transaction")[made["balance_transaction"]]
    row |= {"fee": 900, "net": row["amount"] - 900}
    world.pay_payout(payout)


SOME_ORDERS = size(quick=5, full=12)


@pytest.mark.parametrize(
    ("then", "status", "wanted"),
    [
        trap("70-members-come-to-an-automatic-one", World.send_payout, "in_transit", CREATED),
        trap("71-paid-is-heard-before-created", paid, "paid", AT_THE_BANK),
        trap("72-failed-after-paid", failed, "failed", {}),
        (at_once, "paid", AT_THE_BANK | {"clearing": -90_900, "processing_fees": 900}),
    ],
)
def test_an_automatic_payout_adds_up_in_every_order(
    office: Office, then, status: str, wanted: dict[str, int]
) -> None:
    """Its parts come to 90 000, whatever is heard when."""
    chance, made = random.Random(70), []
    for place in range(SOME_ORDERS):
        office.world.other_row(92_000, kind="payment", category="topup")
        office.world.other_row(-2_000)
        before = office.world.events_made()
        made.append(office.world.payout())
        then(office.world, made[-1])
        news = office.world.events(before) * (1 + place % 3)
        chance.shuffle(news)
        for event in news:
            assert office.deliver(event) == [200]
            if place % 2:
                office.apply()
    office.drain()
    for _ in range(2):
        assert (office.unfinished(), office.violations()) == ([], [])
        for payout in made:
            assert ledger(office, payout) == wanted
            (row,) = office.rows("select * from payout where rail_payout_id = :id", id=payout)
            is_told = then is not at_once
            lines = (90_000, 2) if is_told else (0, 0)
            assert (row.amount, row.status) == (90_000, status)
            assert (row.lines_net, row.line_count) == lines
        office.replay()
    moved = office.scalar("select sum(amount) from balance_movement")
    assert moved == (len(made) * 90_000 if then is not at_once else None)
    asked = office.rows(
        "select kind, count(*) as n from review_item where state = 'open' group by 1"
    )
    assert {row.kind: row.n for row in asked} == (
        {"payout_failed": len(made)} if status == "failed" else {}
    )


def a_page_short(world, payout: str, row: str) -> int:
    """The rail lists one line too few; gives what is missing."""
    one = world.table("balance_transaction")[row]
    one["_payout"] = None
    one["available_on"] += LATER  # otherwise the next payout would carry it
    return 90_000


def itself_among_them(world, payout: str, row: str) -> int:
    """The rail lists the payout's own row with its parts, as it always does."""
    own = world.table("payout")[payout]["balance_transaction"]
    assert world.table("balance_transaction")[own]["_payout"] == payout
    return 0


@pytest.mark.parametrize(
    ("shown", "rest"),
    [
        trap("75-lines-that-do-not-add-up", a_page_short, 90_000),
        trap("75-its-own-row-is-among-its-lines", itself_among_them, 0),
    ],
)
def test_lines_tie_or_the_rest_is_a_question_in_every_order(
    office: Office, shown, rest: int
) -> None:
    world, rows = office.world, {}

    def make() -> str:
        world.other_row(-5_000)
        row = world.other_row(90_000, kind="payment", category="topup")
        made = world.payout()
        rows[made] = row
        assert shown(world, made, row) == rest
        world.pay_payout(made)
        return made

    made = in_every_order(office, make)
    assert len(made) == size(quick=5, full=24)
    for _ in range(2):
        office.drain()
        told = office.rows("select id, amount, lines_net from payout")
        assert {(one.amount, one.amount - one.lines_net) for one in told} == {(85_000, rest)}
        for payout in made:
            assert ledger(office, payout) == {"bank": 85_000, "clearing": -85_000}
        asked = office.rows("select subject, amount, state from review_item")
        wanted = sorted((one.id, rest, "open") for one in told) if rest else []
        assert sorted(tuple(one) for one in asked) == wanted
        assert office.violations() == []
        office.replay()
    for payout, row in rows.items():
        world.table("balance_transaction")[row]["_payout"] = payout
    office.ask_soon(made)
    office.drain()
    assert {row[0] for row in office.rows("select amount - lines_net from payout")} == {0}
    assert office.scalar("select count(*) from review_item where state = 'open'") == 0


def test_a_movement_of_no_known_kind_is_suspense_and_ties_in_every_order(office: Office) -> None:
    """78: it belongs to no payment, and no message tells of it: only the rail's lists do."""
    world, odd = office.world, []

    def make() -> str:
        odd.append(world.other_row(-25, kind="hocus_pocus", category="hocus"))
        world.other_row(90_025, kind="payment", category="topup")
        made = world.payout()
        world.pay_payout(made)
        return made

    made = in_every_order(office, make)
    for _ in range(2):
        office.drain()
        assert suspense(office) == 25 * len(made)
        for _ in range(2):
            told = compared(office)
            assert (told.status, told.drift, told.unhealed) == ("done", {}, 0)
        assert told.healed == 0
        (tied,) = tie_out(office.runtime)
        assert [(one.difference, one.unexplained) for one in tied.tied] == [(0, 0)]
        asked = office.rows("select kind, subject, amount from review_item where state = 'open'")
        wanted = [("unclassified_movement", row, -25) for row in sorted(odd)]
        assert sorted(tuple(one) for one in asked) == wanted
        assert office.violations() == []
        office.replay()


@pytest.mark.parametrize("is_compared_first", [True, False])
def test_such_a_movement_is_booked_once_whoever_shows_it_first(
    office: Office, *, is_compared_first: bool
) -> None:
    office.world.other_row(-25, kind="hocus_pocus", category="hocus")
    if is_compared_first:
        assert compared(office).healed == 1
        assert (suspense(office), compared(office).healed) == (25, 0)
    office.world.pay_payout(office.world.payout())
    office.deliver(*office.world.events())
    office.drain()
    told = [compared(office).healed for _ in range(2)]
    office.replay()
    assert (suspense(office), told, office.violations()) == (25, [0, 0], [])


def test_a_payout_from_the_bank_that_fails_takes_nothing(office: Office) -> None:
    office.world.other_row(-2_000)
    made = office.world.payout()
    for then, wanted in (
        (paid, {"bank": -2_000, "clearing": 2_000}),
        (World.fail_payout, {}),
    ):
        then(office.world, made)
        office.deliver(*reversed(office.world.events()))
        office.drain()
        assert ledger(office, made) == wanted
        assert office.scalar("select lines_net from payout") == -2_000
        assert office.violations() == []
    office.replay()
    assert ledger(office, made) == {}


def test_a_late_paid_does_not_undo_a_failure(office: Office) -> None:
    made = office.world.payout("usd", 90_000, automatic=False)
    failed(office.world, made)
    news = {event["type"]: event for event in office.world.events()}
    for kind in ("payout.failed", "payout.paid"):
        office.deliver(news[kind])
        office.drain()
        assert ledger(office, made) == {}


@pytest.mark.parametrize(
    "kind",
    [
        trap("77-an-available-balance-has-no-id", "balance.available"),
        trap("77-no-more-has-a-cash-balance", "cash_balance.funds_available"),
    ],
)
def test_a_balance_is_kept_and_books_nothing(office: Office, kind: str) -> None:
    event = {
        "id": "evt_balance", "object": "event", "type": kind, "livemode": False,
        "api_version": "2026-10-28.endive", "created": int(office.clock().timestamp()),
        "data": {"object": {"object": "balance", "available": [], "pending": []}},
    }  # fmt: skip
    assert office.deliver(event, event) == [200, 200]
    office.drain()
    office.replay()
    assert office.scalar("select status from inbox_outcome") == "ignored"
    assert office.scalar("select count(*) from journal_entry") == 0


def test_events_that_were_ignored_before_payouts_were_read_are_applied_by_a_replay(
    office: Office,
) -> None:
    made = office.world.payout("usd", 90_000, automatic=False)
    office.deliver(*office.world.events())
    ignored = "insert into inbox_outcome (seq, status) select seq, 'ignored' from inbox_event"
    office.do(lambda work: work.session.execute(sa.text(ignored)))
    office.drain()
    assert ledger(office, made) == {}
    office.replay()
    assert ledger(office, made) == CREATED
    assert office.violations() == []


@pytest.mark.parametrize(
    ("category", "wanted", "asked"),
    [
        ("hocus", {"suspense": 25, "clearing": -25}, ["unclassified_movement"]),
        ("fee", {"processing_fees": 25, "clearing": -25}, []),
    ],
)
def test_a_movement_of_no_payment_is_booked_once(
    office: Office, category: str, wanted: dict[str, int], asked: list[str]
) -> None:
    row = BalanceFact(id="txn_x", amount=-25, fee=0, currency="USD", category=category)
    movement = Movement(rail="stripe", account="own", row=row, kind="odd")
    counts = [
        office.do(lambda work: payouts.observe_movements(work, [movement, movement]))
        for _ in range(2)
    ]
    assert counts == [1, 0]
    found = office.rows(
        """select a.role, sum(p.amount)::int as amount from posting p
        join ledger_account a on a.id = p.account_id group by 1"""
    )
    assert {r.role: r.amount for r in found} == wanted
    assert [r.kind for r in office.rows("select kind from review_item")] == asked
    assert office.violations() == []
