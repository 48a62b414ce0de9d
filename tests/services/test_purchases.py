"""Bills and prepayments: nothing is spent twice, and what is undone is undone to the unit."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from reconciler.books.bills import CostLine
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.services import bill_payments, bills, closings, prepayments, vendors
from reconciler.services.bill_payments import Paid
from reconciler.services.bills import NewBill
from reconciler.services.prepayments import NewPrepayment
from tests.builders import balances, bill, prepayment, vendor
from tests.runtime import Office

ON = date(2026, 11, 20)


def owed(office: Office, bill_id: str) -> tuple[int, int]:
    """Paid and outstanding."""
    return tuple(office.rows("select paid, outstanding from bill where id = :id", id=bill_id)[0])


def held(office: Office, prepayment_id: str) -> tuple[int, int, int]:
    """Applied, refunded, remaining."""
    return tuple(
        office.rows(
            """select applied, refunded, amount - applied - refunded from prepayment
            where id = :id""",
            id=prepayment_id,
        )[0]
    )


class Workshop:
    """A vendor with a prepayment of 600 and bills of 400 and 300."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.vendor = vendor(office)
        self.ahead = prepayment(office, 600, vendor_id=self.vendor)
        self.first, self.second = (
            bill(office, number, net, vendor_id=self.vendor)
            for number, net in (("A-1", 400), ("A-2", 300))
        )

    def apply(self, target: str, amount: int | None = None) -> str:
        return self.office.do(lambda work: prepayments.apply(work, self.ahead, target, amount))

    def unapply(self, use: str) -> None:
        self.office.do(lambda work: prepayments.unapply(work, self.ahead, use))

    def pay(self, target: str, amount: int | None = None) -> str:
        paid = Paid(on=ON, amount=amount)
        return self.office.do(lambda work: bill_payments.pay(work, target, paid))

    def take_back(self, target: str, payment: str) -> None:
        self.office.do(lambda work: bill_payments.take_back(work, target, payment))

    def refund(self, amount: int | None = None) -> str:
        back = Paid(on=ON, amount=amount)
        return self.office.do(lambda work: prepayments.refund(work, self.ahead, back))

    def take_refund_back(self, made: str) -> None:
        self.office.do(lambda work: prepayments.take_refund_back(work, self.ahead, made))


@pytest.fixture
def shop(office: Office) -> Workshop:
    return Workshop(office)


def test_a_life_of_a_prepayment_and_its_bills(shop: Workshop) -> None:
    office = shop.office
    assert balances(office) == {
        "vendor_prepayments": 600, "bank": -600, "expenses": 700, "accounts_payable": -700,
    }  # fmt: skip
    shop.apply(shop.first)
    use = shop.apply(shop.second)
    assert (owed(office, shop.first), owed(office, shop.second)) == ((400, 0), (200, 100))
    assert held(office, shop.ahead) == (600, 0, 0)
    shop.unapply(use)
    shop.refund()
    assert held(office, shop.ahead) == (400, 200, 0)
    shop.pay(shop.second)
    assert balances(office) == {"expenses": 700, "bank": -700}
    assert office.violations() == []


# Each step is a deed and its place; the amounts are whatever the other side has.
steps = st.lists(
    st.tuples(
        st.sampled_from(["apply", "pay", "refund", "undo"]),
        st.integers(0, 1),
        st.none() | st.integers(1, 450),
    ),
    max_size=14,
)


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps)
def test_whatever_is_done_and_undone_no_money_is_spent_twice(office: Office, deeds) -> None:
    shop = Workshop(office)
    bills_of = [shop.first, shop.second]
    undoable: list = []
    for deed, place, amount in deeds:
        target = bills_of[place]
        with suppress(Refused):  # more than there is: nothing is done
            if deed == "apply":
                use = shop.apply(target, amount)
                undoable.append(lambda use=use: shop.unapply(use))
            elif deed == "pay":
                paid = shop.pay(target, amount)
                undoable.append(lambda paid=paid, target=target: shop.take_back(target, paid))
            elif deed == "refund":
                made = shop.refund(amount)
                undoable.append(lambda made=made: shop.take_refund_back(made))
            elif undoable:
                undoable.pop(place * (len(undoable) - 1))()
    assert office.violations() == []
    for undo in reversed(undoable):
        undo()
    assert held(office, shop.ahead) == (0, 0, 600)
    assert [owed(office, one) for one in bills_of] == [(0, 400), (0, 300)]
    assert office.violations() == []


def test_what_was_undone_is_not_undone_twice(shop: Workshop) -> None:
    use, paid, made = shop.apply(shop.first, 100), shop.pay(shop.first, 50), shop.refund(10)
    shop.unapply(use)
    shop.take_back(shop.first, paid)
    shop.take_refund_back(made)
    for again in (
        lambda: shop.unapply(use),
        lambda: shop.take_back(shop.first, paid),
        lambda: shop.take_refund_back(made),
        lambda: shop.take_back(shop.second, paid),
    ):
        with pytest.raises(NotFound):
            again()
    assert shop.office.violations() == []


def test_a_prepayment_pays_only_open_bills_of_its_vendor_in_its_currency(shop: Workshop) -> None:
    office = shop.office
    euros = bill(office, "E-1", 400, vendor_id=shop.vendor, currency="EUR")
    draft = bill(office, "D-1", 400, vendor_id=shop.vendor, open_=False)
    others = bill(office, "O-1", 400)
    void = bill(office, "V-1", 400, vendor_id=shop.vendor)
    office.do(lambda work: bills.void(work, void))
    for target in (euros, draft, others, void, "bill_nowhere"):
        with pytest.raises(Refused) as refusal:
            shop.apply(target)
        assert refusal.value.field == "bill_id"
    assert held(office, shop.ahead) == (0, 0, 600)


def test_what_is_in_the_way_of_voiding_is_said(shop: Workshop) -> None:
    office = shop.office
    use = shop.apply(shop.first, 100)
    with pytest.raises(Refused, match=r"USD 1\.00 paid on it"):
        office.do(lambda work: bills.void(work, shop.first))
    with pytest.raises(Refused, match="was used"):
        office.do(lambda work: prepayments.void(work, shop.ahead))
    shop.unapply(use)
    office.do(lambda work: bills.void(work, shop.first))
    office.do(lambda work: prepayments.void(work, shop.ahead))
    assert balances(office) == {"expenses": 300, "accounts_payable": -300}
    for deed in (shop.refund, lambda: shop.apply(shop.second)):
        with pytest.raises(Refused, match="is void"):
            deed()
    with pytest.raises(Refused, match="void already"):
        office.do(lambda work: prepayments.void(work, shop.ahead))
    assert office.violations() == []


def test_a_number_is_a_vendors_own_and_free_again_after_a_void(shop: Workshop) -> None:
    office = shop.office
    assert bill(office, "a-1", 5)  # of another vendor
    with pytest.raises(Conflict) as refusal:
        bill(office, " a-1 ", 5, vendor_id=shop.vendor)
    assert refusal.value.field == "number"
    office.do(lambda work: bills.void(work, shop.first))
    assert bill(office, "A-1", 5, vendor_id=shop.vendor)


def test_a_draft_is_changed_and_what_is_open_stays(office: Office) -> None:
    made = bill(office, "7", 400, open_=False)
    line = CostLine(description="Oak", unit_price=1_000, tax_rate="19", category="Wood")
    office.do(lambda work: bills.patch(work, made, {"lines": [line], "total": 1_190}, rev=1))
    assert balances(office) == {}
    with pytest.raises(Conflict):
        office.do(lambda work: bills.open_(work, made, rev=1))
    office.do(lambda work: bills.open_(work, made, rev=2))
    assert balances(office) == {"expenses": 1_000, "input_tax": 190, "accounts_payable": -1_190}
    with pytest.raises(Refused, match="only a draft"):
        office.do(lambda work: bills.patch(work, made, {"number": "8"}))
    assert office.violations() == []


REFUSED = {
    "no-vendor": ({"vendor_id": "ven_nobody"}, "vendor_id"),
    "no-number": ({"number": " "}, "number"),
    "no-currency": ({"currency": "XX"}, "currency"),
    "no-lines": ({"lines": ()}, "lines"),
    "another-total": ({"total": 7}, "total"),
    "no-day": ({"due_on": date(1900, 1, 1)}, "due_on"),
}


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_a_bill_that_does_not_hold_together_names_the_field(office: Office, case: str) -> None:
    more, field = REFUSED[case]
    with pytest.raises(Refused) as refusal:
        bill(office, **{"number": "7", "net": 400} | more)
    assert refusal.value.field == field


def test_fields_that_nobody_has_are_refused(shop: Workshop) -> None:
    office = shop.office
    made = bill(office, "D-2", 400, open_=False)
    for patch, its in (
        (vendors.patch, shop.vendor),
        (bills.patch, made),
        (prepayments.patch, shop.ahead),
    ):
        with pytest.raises(Invalid) as refusal:
            office.do(lambda work, patch=patch, its=its: patch(work, its, {"paid": 5}))
        assert refusal.value.field == "paid"
    with pytest.raises(Invalid, match="a list of lines"):
        office.do(lambda work: bills.patch(work, made, {"lines": ["one"]}))


def test_what_is_not_there_is_not_found(office: Office) -> None:
    for patch in (vendors.patch, bills.patch, prepayments.patch):
        with pytest.raises(NotFound):
            office.do(lambda work, patch=patch: patch(work, "nothing", {}))


def test_an_amount_ahead_is_more_than_nothing_and_a_code_is_taken_once(shop: Workshop) -> None:
    for more, kind, field in (
        ({"amount": 0}, Invalid, "amount"),
        ({"amount": 5, "code": "pre-1001"}, Conflict, "code"),
        ({"amount": 5, "vendor_id": "ven_nobody"}, Invalid, "vendor_id"),
        ({"amount": 5, "paid_on": None}, Invalid, "paid_on"),
    ):
        with pytest.raises(kind) as refusal:
            prepayment(shop.office, **more)
        assert refusal.value.field == field


def test_expenses_stand_apart_by_category(office: Office) -> None:
    lines = (
        CostLine(description="Train", unit_price=900, category="Travel"),
        CostLine(description="Paper", unit_price=200, category="office supplies"),
        CostLine(description="Discount", unit_price=-100, category="discounts"),
    )
    new = NewBill(vendor_id=vendor(office), number="1", currency="USD", lines=lines)

    def step(work):
        bills.open_(work, bills.create(work, new))

    office.do(step)
    found = office.rows(
        """select a.category, sum(p.amount)::bigint as amount from posting p
        join ledger_account a on a.id = p.account_id where a.role = 'expenses' group by 1"""
    )
    assert {one.category: one.amount for one in found} == {
        "travel": 900, "office_supplies": 200, "discounts": -100,
    }  # fmt: skip
    assert office.violations() == []


def test_a_word_around_a_prepayment_changes_and_its_money_does_not(shop: Workshop) -> None:
    office = shop.office
    changes = {"reference": "SEPA 7", "notes": " For oak \n"}
    office.do(lambda work: prepayments.patch(work, shop.ahead, changes, rev=1))
    found = office.rows("select reference, notes, amount from prepayment")[0]
    assert tuple(found) == ("SEPA 7", "For oak", 600)
    with pytest.raises(Conflict):
        office.do(lambda work: prepayments.patch(work, shop.ahead, {"notes": None}, rev=1))


def test_a_new_prepayment_takes_the_next_free_code(office: Office) -> None:
    of = vendor(office)
    for _ in range(2):
        prepayment(office, 5, vendor_id=of)
    new = NewPrepayment(vendor_id=of, currency="usd", amount=5, paid_on=ON, code="PRE-1003")
    office.do(lambda work: prepayments.pay(work, new))
    prepayment(office, 5, vendor_id=of)
    codes = [one.code for one in office.rows("select code from prepayment order by code")]
    assert codes == ["PRE-1001", "PRE-1002", "PRE-1003", "PRE-1004"]


def test_what_is_bought_counts_on_its_day_or_on_the_first_open_one(office: Office) -> None:
    october, november = date(2026, 10, 20), date(2026, 11, 1)
    of = vendor(office)
    office.do(lambda work: closings.close(work, date(2026, 10, 31)))
    ahead = prepayment(office, 600, vendor_id=of, paid_on=october)
    owed_ = bill(office, "7", 400, vendor_id=of, issued_on=ON)

    def step(work) -> None:
        bill_payments.pay(work, owed_, Paid(on=ON, amount=100))
        prepayments.refund(work, ahead, Paid(on=october, amount=50))
        prepayments.apply(work, ahead, owed_, 100)

    office.do(step)
    found = office.rows("select key, effective_on, posted_on from journal_entry")
    days = {one.key.partition("/")[0]: (one.effective_on, one.posted_on) for one in found}
    today = date(2026, 11, 22)
    assert days == {
        "prepayment": (october, november), "vendor_refund": (october, november),
        "bill": (ON, ON), "bill_payment": (ON, ON), "prepayment_application": (today, today),
    }  # fmt: skip
    assert office.violations() == []
