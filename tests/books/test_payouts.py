"""Payouts: merging what is said of them, and what the ledger holds because of it."""

import functools
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given, strategies as st

from reconciler.books import payouts
from reconciler.books.observations import BalanceFact
from reconciler.books.payouts import Movement, PayoutFacts, PayoutStage, PayoutStatus, join

NAMES = st.sampled_from([None, "a", "b"])
SENT = BalanceFact(id="txn_1", amount=-900, fee=5, currency="USD", category="payout")
BACK = BalanceFact(id="txn_2", amount=900, fee=0, currency="USD", category="payout_reversal")
ROWS = st.sampled_from([{}, {"txn_1": SENT}, {"txn_2": BACK}, {"txn_1": SENT, "txn_2": BACK}])
anything = st.builds(
    PayoutFacts,
    rail=st.just("stripe"),
    account=st.just("own"),
    payout_id=st.just("po_1"),
    currency=st.sampled_from([None, "USD"]),
    amount=st.sampled_from([None, 900, -900]),
    stage=st.sampled_from(list(map(int, PayoutStage))),
    is_automatic=st.booleans(),
    is_instant=st.booleans(),
    is_listable=st.booleans(),
    arrival=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    rows=ROWS,
    balance_ref=NAMES,
    trace_id=NAMES,
    reversed_by=NAMES,
    created=st.integers(0, 3),
)


def said(**more) -> PayoutFacts:
    given = {"currency": "USD", "amount": 900} | more
    return PayoutFacts(rail="stripe", account="own", payout_id="po_1", **given)


def held(entries) -> dict[str, int]:
    """What the entries come to, by role."""
    found: Counter[str] = Counter()
    for line in (line for entry in entries for line in entry.postings):
        found[line.account.role.value] += line.signed
    return {role: amount for role, amount in found.items() if amount}


def booked(*told: PayoutFacts) -> dict[str, int]:
    """What the ledger holds after hearing these one after the other."""
    entries, state, facts = [], {}, told[0]
    for one in told:
        facts = join(facts, one)
        due, state = payouts.entries_due(facts, state, ours="po_ours")
        entries += due
    assert len({entry.key for entry in entries}) == len(entries)
    assert {entry.payout_id for entry in entries} <= {"po_ours"}
    return held(entries)


@given(anything, anything, anything)
def test_order_grouping_and_repetition_cannot_matter(a, b, c) -> None:
    assert join(a, b) == join(b, a)
    assert join(join(a, b), c) == join(a, join(b, c))
    assert join(join(a, b), a) == join(a, b)


@given(st.lists(anything, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_the_ledger_holds_what_the_join_calls_for(told, chance) -> None:
    shuffled = told + told
    chance.shuffle(shuffled)
    assert booked(*shuffled) == booked(functools.reduce(join, told))


CREATED, PAID = said(), said(stage=PayoutStage.PAID)
FAILED, CANCELED = said(stage=PayoutStage.FAILED), said(stage=PayoutStage.CANCELED)
MOVED, RETURNED = said(amount=None, rows={"txn_1": SENT}), said(amount=None, rows={"txn_2": BACK})
AT_THE_BANK = {"bank": 900, "clearing": -900}
CASES = {
    "created": ([CREATED], {"payouts_in_transit": 900, "clearing": -900}),
    "paid, and its creation never heard of": ([PAID], AT_THE_BANK),
    "paid": ([CREATED, PAID], AT_THE_BANK),
    "failed after it was paid": ([CREATED, PAID, FAILED], {}),
    "canceled": ([CREATED, CANCELED], {}),
    "taken from the bank": (
        [said(amount=-900), said(amount=-900, stage=PayoutStage.PAID)],
        {"bank": -900, "clearing": 900},
    ),
    "only its row was seen": (
        [MOVED],
        {"payouts_in_transit": 900, "clearing": -905, "processing_fees": 5},
    ),
    "its row with a fee": (
        [CREATED, MOVED, PAID],
        {"bank": 900, "clearing": -905, "processing_fees": 5},
    ),
    "the row of its return says that it failed": (
        [PAID, MOVED, RETURNED],
        {"clearing": -5, "processing_fees": 5},
    ),
    "nothing is known of it but its name": ([said(amount=None)], {}),
    "only the row of its return": ([RETURNED], {}),
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_payout_in_every_order(case: str) -> None:
    told, wanted = CASES[case]
    for order in permutations(told):
        assert booked(*order, *order) == wanted


def test_a_failure_names_the_entry_that_it_reverses() -> None:
    first, state = payouts.entries_due(PAID, {}, ours="po_ours")
    second, _ = payouts.entries_due(join(PAID, FAILED), state, ours="po_ours")
    assert {entry.reverses for entry in second} == {entry.key for entry in first}


def test_the_status_is_the_latest_in_its_life() -> None:
    assert payouts.status(join(FAILED, PAID)) is PayoutStatus.FAILED
    assert payouts.status(join(PAID, MOVED)) is PayoutStatus.PAID
    assert payouts.status(RETURNED) is PayoutStatus.FAILED
    assert payouts.status(join(CANCELED, RETURNED)) is PayoutStatus.CANCELED


def test_what_is_not_known_of_a_payout_is_asked() -> None:
    assert payouts.open_questions(CREATED) == ["the balance movement of po_1"]
    assert payouts.open_questions(MOVED) == ["what po_1 is"]
    assert payouts.open_questions(join(CREATED, MOVED)) == []
    assert payouts.open_questions(join(join(CREATED, MOVED), FAILED)) == ["the return of po_1"]
    assert payouts.open_questions(join(join(FAILED, MOVED), RETURNED)) == []


def test_a_payout_in_two_currencies_is_refused() -> None:
    with pytest.raises(AssertionError, match="changed currency"):
        join(CREATED, said(currency="EUR"))
    with pytest.raises(AssertionError, match="two payouts"):
        join(CREATED, PayoutFacts(rail="stripe", account="own", payout_id="po_2"))


@pytest.mark.parametrize(
    ("category", "amount", "fee", "wanted", "is_asked"),
    [
        ("fee", -40, 0, {"processing_fees": 40, "clearing": -40}, False),
        ("tax", 40, 0, {"processing_fees": -40, "clearing": 40}, False),
        ("topup", 500, 0, {"bank": -500, "clearing": 500}, False),
        ("topup_reversal", -500, 0, {"bank": 500, "clearing": -500}, False),
        (
            "hocus",
            -25,
            2,
            {"suspense": 25, "clearing": -27, "processing_fees": 2},
            True,
        ),
        ("risk_reserved_funds", -70, 0, {"suspense": 70, "clearing": -70}, True),
        ("hocus", 0, 0, {}, False),
    ],
)
def test_a_movement_of_no_payment(category, amount, fee, wanted, is_asked) -> None:
    row = BalanceFact(id="txn_3", amount=amount, fee=fee, currency="USD", category=category)
    movement = Movement(rail="stripe", account="own", row=row, kind="any")
    assert held(payouts.movement_entries(movement)) == wanted
    assert payouts.is_unclassified(movement) is is_asked
    elsewhere = Movement(rail="stripe", account="own", row=row, kind="any", balance_type="issuing")
    assert payouts.movement_entries(elsewhere) == []
    assert not payouts.is_unclassified(elsewhere)


@pytest.mark.parametrize(
    ("arrives", "late_from"),
    [
        ("2026-11-23", "2026-11-30"),  # from Monday to Monday
        ("2026-11-25", "2026-12-02"),
        ("2026-11-28", "2026-12-04"),  # a Saturday is no day of a bank
    ],
)
def test_a_payout_is_late_after_five_business_days(arrives: str, late_from: str) -> None:
    day, late = (datetime.fromisoformat(d).replace(tzinfo=UTC) for d in (arrives, late_from))
    expected = said(arrival=(1, int(day.timestamp())))
    assert not payouts.is_late(expected, late)
    assert payouts.is_late(expected, late + timedelta(seconds=1))
    assert payouts.is_late(said(created=int(day.timestamp())), late + timedelta(seconds=1))
    assert not payouts.is_late(said(), late)
