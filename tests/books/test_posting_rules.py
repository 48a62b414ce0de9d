"""What is posted depends on what is known at the end, and on nothing that lies between."""

import functools
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given, strategies as st

from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.journal import JournalEntry
from reconciler.books.observations import PaymentFacts, RefundStage
from reconciler.books.payments import join
from reconciler.books.posting_rules import entries_due, position
from tests.books.lives import anything, pieces
from tests.builders import AT, charge, dispute, facts, refund, row

LOST = {"shown": (1, 7, "lost")}
OWN_MONEY = ("charge", "partial_capture_reversal", "charge_failure", "refund", "refund_failure")


def tally(entries: Iterable[JournalEntry]) -> Counter:
    """The ledger after these entries: debits less credits by account and currency."""
    sums: Counter = Counter()
    for entry in entries:
        for line in entry.postings:
            sums[line.account.role.value, line.account.rail, line.amount.currency] += line.signed
    return Counter({account: amount for account, amount in sums.items() if amount})


def booked(told: PaymentFacts) -> dict[str, int]:
    """The ledger of a payment by role, where one currency is enough to tell."""
    entries, _ = entries_due(told, {}, ours="pay_1")
    return {role: amount for (role, _, _), amount in tally(entries).items()}


@given(pieces(), st.randoms(use_true_random=False))
def test_every_way_of_being_told_ends_in_the_same_ledger(told: list, chance) -> None:
    told = [facts(), *told]
    chance.shuffle(told)
    entries: list[JournalEntry] = []
    known, done = told[0], {}
    for piece in told:
        known = join(known, piece)
        due, done = entries_due(known, done, ours="pay_1")
        entries += due

    assert tally(entries) == tally(entries_due(known, {}, ours="pay_1")[0])
    assert entries_due(known, done, ours="pay_1") == ([], done)
    keys = [entry.key for entry in entries]
    assert len(set(keys)) == len(keys)


@given(pieces())
def test_a_reversal_mirrors_the_entry_that_it_names(told: list) -> None:
    by_key: dict[str, JournalEntry] = {}
    known, done = told[0], {}
    for piece in told:
        known = join(known, piece)
        due, done = entries_due(known, done, ours="pay_1")
        by_key |= {entry.key: entry for entry in due}
        for entry in due:
            if entry.reverses:
                assert not tally([entry, by_key[entry.reverses]])


@given(anything)
def test_every_entry_balances_and_names_its_payment(told: PaymentFacts) -> None:
    for entry in entries_due(told, {}, ours="pay_1")[0]:
        net: Counter = Counter()
        for line in entry.postings:
            net[line.amount.currency] += line.signed
        assert not any(net.values())
        assert entry.payment_id == "pay_1"


@given(anything)
def test_no_part_of_a_payment_is_negative(told: PaymentFacts) -> None:
    at = position(told)
    assert at.kept == at.captured - at.refunded - at.lost
    assert min(at.captured, at.refunded, at.lost, at.kept) >= 0


@given(anything)
def test_the_ledger_holds_what_the_payment_keeps(told: PaymentFacts) -> None:
    told = join(told, facts())
    held = tally(entries_due(told, {}, ours="pay_1")[0])
    assert held["unapplied_cash", "", "USD"] == -position(told).kept


@given(anything)
def test_rows_alone_move_what_no_payment_explains(told: PaymentFacts) -> None:
    held = tally(entries_due(facts(balance=told.balance), {}, ours="pay_1")[0])
    for currency in ("USD", "EUR"):
        rows = [r for r in told.balance.values() if r.currency == currency]
        # A charge's or refund's own money is told by the payment, where it settles in its currency.
        explained = {"dispute", "dispute_reversal", *(OWN_MONEY if currency == "USD" else ())}
        moved = sum(r.net if r.category not in explained else -r.fee for r in rows)
        assert held["clearing", "stripe", currency] == moved


@given(pieces())
def test_a_payment_of_no_known_currency_posts_nothing_yet(told: list) -> None:
    known = functools.reduce(join, told)
    if known.currency is None:
        assert entries_due(known, {}, ours="pay_1") == ([], {})


def test_money_by_hand_lies_in_the_drawer() -> None:
    told = facts("hand_1", charges=charge(captured=500))
    told = PaymentFacts(**{**_fields(told), "rail": MANUAL_RAIL})
    assert booked(told) == {"undeposited": 500, "unapplied_cash": -500}


TAKEN = {"charges": charge(authorized=1_000, captured=1_000, is_whole=True)}
BOTH_WAYS = refund("re_1", 1_000) | refund("re_hand", 1_000, is_by_hand=True, created=AT + 1)
OWN_ROW = row("txn_1", 1_000, "charge", source="ch_1", fee=30)
IN_EUROS = row("txn_1", 900, "charge", source="ch_1", fee=30, currency="EUR")

BOOKED = {
    "a-hold-is-not-booked": (facts(charges=charge(authorized=1_000)), {}),
    "captured": (facts(**TAKEN), {"clearing": 1_000, "unapplied_cash": -1_000}),
    "the-fee-is-read-from-its-row": (
        facts(**TAKEN, balance=OWN_ROW),
        {"clearing": 970, "processing_fees": 30, "unapplied_cash": -1_000},
    ),
    "a-negative-fee": (
        facts(balance=row("txn_2", 0, "refund", fee=-9)),
        {"clearing": 9, "processing_fees": -9},
    ),
    "a-row-of-a-debit-under-way-is-only-announced": (
        facts(charges=charge(is_pending=True, balance_ref="txn_1"), balance=OWN_ROW),
        {},
    ),
    "a-row-that-names-the-debit-is-announced-too": (
        facts(charges=charge(is_pending=True), balance=OWN_ROW),
        {},
    ),
    "a-debit-that-failed-waits-for-what-takes-its-row-back": (
        facts(charges=charge(is_pending=True, is_failed=True), balance=OWN_ROW),
        {},
    ),
    "a-debit-that-failed-costs-what-its-rows-keep": (
        facts(
            charges=charge(is_pending=True, is_failed=True),
            balance=OWN_ROW | row("txn_2", -1_000, "charge_failure", source="ch_1", fee=-20),
        ),
        {"clearing": -10, "processing_fees": 10},
    ),
    "a-debit-that-came-through": (
        facts(charges=charge(is_pending=True, captured=1_000), balance=OWN_ROW),
        {"clearing": 970, "processing_fees": 30, "unapplied_cash": -1_000},
    ),
    "a-fee-row-costs-its-amount": (
        facts(balance=row("txn_2", -12, "network_cost")),
        {"clearing": -12, "processing_fees": 12},
    ),
    "an-unknown-movement": (
        facts(balance=row("txn_2", 7, "hocus", fee=1)),
        {"clearing": 6, "processing_fees": 1, "suspense": -7},
    ),
    "a-charges-own-movement-is-booked-once-whatever-it-is-called": (
        facts(
            charges=charge(captured=1_000, is_whole=True, balance_ref="txn_1"),
            balance=row("txn_1", 1_000, "hocus", source="ch_1", fee=30),
        ),
        {"clearing": 970, "processing_fees": 30, "unapplied_cash": -1_000},
    ),
    "paid-back-out-of-the-drawer": (
        facts(**TAKEN, refunds=refund("re_1", 400, is_by_hand=True)),
        {"clearing": 1_000, "undeposited": -400, "unapplied_cash": -600},
    ),
    "paid-back-from-the-bank": (
        facts(**TAKEN, refunds=refund("re_1", 400, is_by_hand=True, is_from_bank=True)),
        {"clearing": 1_000, "bank": -400, "unapplied_cash": -600},
    ),
    "a-refunds-own-movement-is-booked-once-whatever-it-is-called": (
        facts(
            **TAKEN,
            refunds=refund("re_1", 400, balance_ref="txn_2"),
            balance=row("txn_2", -400, "hocus", source="re_1"),
        ),
        {"clearing": 600, "unapplied_cash": -600},
    ),
    "what-may-be-a-refund-is-none-for-a-movement-that-nobody-knows": (
        facts(
            charges=charge(authorized=1_000, captured=700),
            refunds=refund("re_1", 300, is_real=False, balance_ref="txn_2"),
            balance=row("txn_2", -300, "hocus", source="re_1"),
        ),
        {"clearing": 400, "unapplied_cash": -700, "suspense": 300},
    ),
    "a-refund-is-promised": (
        facts(**TAKEN, refunds=refund("re_1", 400, RefundStage.PROMISED)),
        {"clearing": 1_000, "unapplied_cash": -600, "refunds_payable": -400},
    ),
    "a-refund-has-left": (
        facts(**TAKEN, refunds=refund("re_1", 400)),
        {"clearing": 600, "unapplied_cash": -600},
    ),
    "paid-back-by-the-rail-and-by-hand-as-well-a-person-has-to-ask-for-it": (
        facts(**TAKEN, refunds=BOTH_WAYS),
        {"suspense": 1_000, "undeposited": -1_000},
    ),
    "a-refund-before-its-capture-waits": (facts(refunds=refund("re_1", 400)), {}),
    "a-refund-failed": (
        facts(**TAKEN, refunds=refund("re_1", 400, RefundStage.FAILED)),
        {"clearing": 1_000, "unapplied_cash": -1_000},
    ),
    "a-released-remainder-is-no-refund": (
        facts(**TAKEN, refunds=refund("re_1", 400, is_real=False, is_released=True)),
        {"clearing": 1_000, "unapplied_cash": -1_000},
    ),
    "taken-while-disputed": (
        facts(
            **TAKEN,
            disputes=dispute("du_1", 1_000),
            balance=row("txn_2", -1_000, "dispute", source="du_1", fee=15),
        ),
        {
            "clearing": -15,
            "processing_fees": 15,
            "disputed_funds": 1_000,
            "unapplied_cash": -1_000,
        },
    ),
    "lost": (
        facts(
            **TAKEN,
            disputes=dispute("du_1", 1_000, **LOST),
            balance=row("txn_2", -1_000, "dispute", source="du_1"),
        ),
        {},
    ),
    "lost-and-more-than-there-was": (
        facts(
            **TAKEN,
            disputes=dispute("du_1", 2_500, **LOST),
            balance=row("txn_2", -2_500, "dispute", source="du_1"),
        ),
        {"clearing": -1_500, "chargeback_losses": 1_500},
    ),
    "the-movement-of-a-dispute-not-told-of-yet-waits": (
        facts(**TAKEN, balance=row("txn_2", -1_000, "dispute", source="du_1")),
        {"clearing": 1_000, "unapplied_cash": -1_000},
    ),
}


@pytest.mark.parametrize("case", BOOKED, ids=str)
def test_the_table_of_postings(case: str) -> None:
    told, wanted = BOOKED[case]
    assert booked(told) == wanted


CONVERTED = {
    "converted": ({}, {("clearing", "EUR"): 870, ("processing_fees", "EUR"): 30}, -1_000),
    "converted-and-refunded": (
        {
            "refunds": refund("re_1", 400, balance_ref="txn_2"),
            "balance": IN_EUROS | row("txn_2", -380, "refund", source="re_1", currency="EUR"),
        },
        {("clearing", "EUR"): 490, ("processing_fees", "EUR"): 30},
        -600,
    ),
    "converted-and-the-refund-has-no-row-yet": (
        {"refunds": refund("re_1", 400)},
        {
            ("clearing", "EUR"): 870,
            ("processing_fees", "EUR"): 30,
            ("clearing", "USD"): -400,
        },
        -600,
    ),
    "converted-and-lost": (
        {
            "disputes": dispute("du_1", 1_000, **LOST),
            "balance": IN_EUROS | row("txn_2", -950, "dispute", source="du_1", currency="EUR"),
        },
        {("clearing", "EUR"): -80, ("processing_fees", "EUR"): 30},
        0,
    ),
    "converted-and-lost-for-the-half": (
        {
            "disputes": dispute("du_1", 1_000, **LOST),
            "balance": IN_EUROS
            | row("txn_2", -950, "dispute", source="du_1", currency="EUR")
            | row("txn_3", 475, "dispute_reversal", source="du_1", currency="EUR"),
        },
        {("clearing", "EUR"): 395, ("processing_fees", "EUR"): 30},
        -500,
    ),
}


@pytest.mark.parametrize("case", CONVERTED, ids=str)
def test_money_that_settles_in_another_currency(case: str) -> None:
    more, wanted, unapplied = CONVERTED[case]
    told = facts(**TAKEN | {"balance": IN_EUROS} | more)

    held = tally(entries_due(told, {}, ours="pay_1")[0])

    trading = {key: held.pop(key) for key in [*held] if key[0] == "currency_conversion"}
    assert held.pop(("unapplied_cash", "", "USD"), 0) == unapplied
    assert {(role, currency): amount for (role, _, currency), amount in held.items()} == wanted
    for currency in ("USD", "EUR"):  # what was exchanged stands between the two
        others = sum(amount for (_, _, c), amount in held.items() if c == currency)
        others += unapplied if currency == "USD" else 0
        assert trading.get(("currency_conversion", "", currency), 0) == -others


def _fields(told: PaymentFacts) -> dict:
    return {name: getattr(told, name) for name in told.__struct_fields__}
