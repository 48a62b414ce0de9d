"""Bills and prepayments as rules: laws for all amounts, and tables of cases."""

from collections import Counter
from datetime import date

import pytest
from hypothesis import given, strategies as st

from reconciler.books import bills, invoice_lines, prepayments
from reconciler.books.bills import BillState, BillStatus, CostLine
from reconciler.books.journal import JournalEntry
from reconciler.books.prepayments import PrepaymentStatus
from reconciler.errors import Invalid, Refused
from reconciler.money import Money

TODAY = date(2026, 11, 22)
TEN = Money(10, "USD")

categories = st.sampled_from(["travel", "office_supplies", "rent", "discounts"])
some_costs = st.dictionaries(categories, st.integers(-10_000, 10_000), min_size=1)


def net(*entries: JournalEntry) -> dict[tuple[str, str], int]:
    """What entries come to by role and category, debits positive."""
    sums: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        for posting in entry.postings:
            sums[posting.account.role.value, posting.account.category] += posting.signed
    return {at: amount for at, amount in sums.items() if amount}


@given(some_costs, st.integers(0, 5_000))
def test_a_bill_is_owed_whole_and_costs_by_category(costs, tax):
    total = sum(costs.values()) + tax
    if total <= 0:
        return
    given = {"costs": costs, "tax": tax, "currency": "USD"}
    opened, voided = bills.opened_entry("bill_1", **given), bills.voided_entry("bill_1", **given)
    wanted = {("expenses", name): amount for name, amount in costs.items() if amount}
    wanted |= {("input_tax", ""): tax} if tax else {}
    assert net(opened) == wanted | {("accounts_payable", ""): -total}
    assert net(opened, voided) == {}
    assert voided.reverses == opened.key


@given(st.lists(st.tuples(categories, st.integers(-500, 500))))
def test_costs_lose_nothing_and_know_no_order(lines):
    found = bills.costs(lines)
    assert sum(found.values()) == sum(amount for _, amount in lines)
    assert found == bills.costs(reversed(lines))
    assert set(found) == {name for name, _ in lines}


def test_costs_of_priced_lines_are_their_nets_without_tax():
    lines = [
        CostLine(
            description="Train", quantity="2", unit_price=4_950, tax_rate="7", category="Travel"
        ),
        CostLine(description="Hotel", unit_price=10_000, tax_rate="7", category="travel"),
        CostLine(description="Paper", unit_price=1_000, category="Office supplies"),
    ]
    cleaned = [bills.checked(line, place=place) for place, line in enumerate(lines)]
    priced = invoice_lines.priced(cleaned, "USD")
    assert bills.costs_of(priced.lines) == {"office_supplies": 1_000, "travel": 19_900}
    assert priced.tax == 1_393


CATEGORIES = {
    "travel": "travel",
    " Office  supplies ": "office_supplies",
    "Büro-Möbel": "buro_mobel",
    "office_supplies": "office_supplies",
    "Line 2": "line2",
    "a" * 40: "a" * 40,
}


@pytest.mark.parametrize("typed", CATEGORIES)
def test_a_category_is_one_name_for_what_is_meant(typed):
    name = bills.category(typed)
    assert name == CATEGORIES[typed]
    assert bills.category(name) == name


@pytest.mark.parametrize("typed", ["", " ", "東京", "12", "2 things", "a" * 41])
def test_what_is_no_category_names_its_field(typed):
    line = CostLine(description="x", unit_price=1, category=typed)
    with pytest.raises(Invalid) as refusal:
        bills.checked(line, place=3)
    assert refusal.value.field == "lines.3.category"


STATUSES = [
    (BillState.DRAFT, 0, date(2026, 1, 1), BillStatus.DRAFT),
    (BillState.VOID, 0, None, BillStatus.VOID),
    (BillState.OPEN, 0, None, BillStatus.OPEN),
    (BillState.OPEN, 0, TODAY, BillStatus.OPEN),
    (BillState.OPEN, 40, TODAY, BillStatus.PARTIALLY_PAID),
    (BillState.OPEN, 40, date(2026, 11, 21), BillStatus.OVERDUE),
    (BillState.OPEN, 100, date(2026, 11, 21), BillStatus.PAID),
]


@pytest.mark.parametrize(("state", "paid", "due_on", "word"), STATUSES)
def test_a_bill_says_where_it_stands(state, paid, due_on, word):
    assert bills.status(state, total=100, paid=paid, due_on=due_on, today=TODAY) is word


def test_nothing_is_owed_below_zero():
    assert bills.outstanding(total=100, paid=30) == 70
    for paid in (-1, 101):
        with pytest.raises(AssertionError):
            bills.outstanding(total=100, paid=paid)


def test_only_a_draft_is_opened_and_only_what_nothing_was_paid_on_is_voided():
    bills.may_be_opened(BillState.DRAFT, "7")
    for state in (BillState.OPEN, BillState.VOID):
        with pytest.raises(Refused, match=state.value):
            bills.may_be_opened(state, "7")
    for state in (BillState.DRAFT, BillState.OPEN):
        bills.may_be_voided(state, "7", paid=0, currency="USD")
    for state, paid, why in ((BillState.VOID, 0, "already"), (BillState.OPEN, 150, r"USD 1\.50")):
        with pytest.raises(Refused, match=why):
            bills.may_be_voided(state, "7", paid=paid, currency="USD")


def to_pay(amount, outstanding=100, state=BillState.OPEN):
    return bills.to_pay(state, "7", amount, outstanding=outstanding, currency="USD")


def test_a_payment_is_the_balance_unless_it_is_less():
    assert [to_pay(None), to_pay(100), to_pay(1)] == [100, 100, 1]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"amount": 150}, r"USD 0\.50 more than is owed"),
        ({"amount": 0}, "more than nothing"),
        ({"amount": None, "outstanding": 0}, "nothing is owed"),
        ({"amount": 1, "state": BillState.DRAFT}, "draft"),
        ({"amount": 1, "state": BillState.VOID}, "void"),
    ],
)
def test_a_payment_that_does_not_fit_says_by_how_much(given, why):
    with pytest.raises(Refused, match=why):
        to_pay(**given)


def test_payments_and_what_takes_them_back_are_mirrors():
    pairs = (
        (bills.paid_entry("p", "b", TEN), bills.taken_back_entry("p", "b", TEN)),
        (prepayments.paid_entry("q", TEN), prepayments.voided_entry("q", TEN)),
        (
            prepayments.applied_entry("a", "q", "b", TEN),
            prepayments.unapplied_entry("a", "q", "b", TEN),
        ),
        (
            prepayments.refunded_entry("r", "q", TEN),
            prepayments.refund_taken_back_entry("r", "q", TEN),
        ),
    )
    for done, undone in pairs:
        assert net(done) != {}
        assert net(done, undone) == {}
        assert undone.reverses == done.key
        assert (undone.bill_id, undone.prepayment_id) == (done.bill_id, done.prepayment_id)


def test_a_prepayment_is_an_asset_until_a_bill_absorbs_it():
    paid, applied = prepayments.paid_entry("q", TEN), prepayments.applied_entry("a", "q", "b", TEN)
    back = prepayments.refunded_entry("r", "q", TEN)
    assert net(paid) == {("vendor_prepayments", ""): 10, ("bank", ""): -10}
    assert net(paid, applied) == {("accounts_payable", ""): 10, ("bank", ""): -10}
    assert net(paid, back) == {}


PREPAYMENTS = {
    (100, 0, 0): (100, PrepaymentStatus.UNAPPLIED),
    (100, 30, 0): (70, PrepaymentStatus.PARTIALLY_APPLIED),
    (100, 0, 30): (70, PrepaymentStatus.UNAPPLIED),
    (100, 70, 30): (0, PrepaymentStatus.COMPLETED),
    (100, 0, 100): (0, PrepaymentStatus.COMPLETED),
    (100, 100, 0): (0, PrepaymentStatus.COMPLETED),
}


@pytest.mark.parametrize("amounts", PREPAYMENTS)
def test_a_prepayment_says_where_it_stands(amounts):
    given = dict(zip(("amount", "applied", "refunded"), amounts, strict=True))
    rest, word = PREPAYMENTS[amounts]
    assert prepayments.remaining(**given) == rest
    assert prepayments.status(**given, is_void=False) is word
    assert prepayments.status(**given, is_void=True) is PrepaymentStatus.VOID


def test_no_prepayment_is_used_twice():
    with pytest.raises(AssertionError):
        prepayments.remaining(amount=100, applied=60, refunded=50)


@given(st.integers(1, 500), st.integers(1, 500), st.none() | st.integers(-5, 600))
def test_a_bill_absorbs_no_more_than_there_is_and_than_is_owed(remaining, owed, amount):
    given = {"remaining": remaining, "owed": owed, "currency": "USD"}
    if amount is None:
        assert prepayments.to_apply(None, **given) == min(remaining, owed)
    elif 0 < amount <= min(remaining, owed):
        assert prepayments.to_apply(amount, **given) == amount
    else:
        with pytest.raises(Refused) as refusal:
            prepayments.to_apply(amount, **given)
        assert refusal.value.field == "amount"


@pytest.mark.parametrize(
    ("remaining", "owed", "why"),
    [(0, 5, "nothing remains of the prepayment"), (5, 0, "nothing is owed on the bill")],
)
def test_where_there_is_nothing_to_apply_it_says_which(remaining, owed, why):
    with pytest.raises(Refused, match=why):
        prepayments.to_apply(None, remaining=remaining, owed=owed, currency="USD")


def test_what_a_vendor_gives_back_is_the_rest_unless_it_is_less():
    assert prepayments.to_refund(None, remaining=70, currency="USD") == 70
    assert prepayments.to_refund(20, remaining=70, currency="USD") == 20
    for amount, remaining, why in (
        (100, 70, r"USD 0\.30 more than remains"),
        (0, 70, "more than nothing"),
        (None, 0, "nothing remains"),
    ):
        with pytest.raises(Refused, match=why):
            prepayments.to_refund(amount, remaining=remaining, currency="USD")


def test_only_a_prepayment_that_nothing_came_of_is_voided():
    prepayments.may_be_voided("PRE-1", applied=0, refunded=0, is_void=False)
    for applied, refunded, is_void in ((1, 0, False), (0, 1, False), (0, 0, True)):
        with pytest.raises(Refused, match="PRE-1"):
            prepayments.may_be_voided("PRE-1", applied=applied, refunded=refunded, is_void=is_void)
