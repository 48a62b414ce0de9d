"""Credit notes of vendors: they lower a bill, stay as credit or are paid out, and are undone."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from reconciler.books import vendor_credits as rules
from reconciler.books.bills import CostLine
from reconciler.errors import Conflict, Invalid, Refused
from reconciler.services import bill_payments, prepayments, statements, undoing, vendor_credits
from reconciler.services.bill_payments import Paid
from reconciler.services.vendor_credits import NewCredit
from tests.books.test_bills import categories, net, some_costs
from tests.builders import balances, bill, prepayment, vendor
from tests.services.test_purchases import held, owed
from tests.services.test_statements import HEAD, do, lines, take

ON = date(2026, 11, 20)


def credit(office, amount=1_000, *, rate="19", number="CN-7", **more):
    """A credit note of one line; gives its id."""
    line = CostLine(
        description="Returned", unit_price=amount, tax_rate=rate, category="Office supplies"
    )
    given = {"number": number, "currency": "USD", "lines": (line,), "issued_on": ON} | more
    return office.do(lambda work: vendor_credits.note(work, NewCredit(**given)))


def test_it_lowers_what_things_cost_and_is_credit_with_the_vendor(office):
    oak = vendor(office)
    made = credit(office, vendor_id=oak)
    assert balances(office) == {
        "vendor_prepayments": 1_190, "expenses": -1_000, "input_tax": -190,
    }  # fmt: skip
    assert held(office, made) == (0, 0, 1_190)
    day = office.scalar("select effective_on from journal_entry")
    assert day == ON
    assert office.violations() == []


def test_it_lowers_a_bill_at_once_and_the_rest_stays(office):
    oak = vendor(office)
    target = bill(office, "A-1", 700, vendor_id=oak)
    made = credit(office, vendor_id=oak, bill_id=target)
    assert owed(office, target) == (700, 0)
    assert held(office, made) == (700, 0, 490)
    other = bill(office, "A-2", 900, vendor_id=oak)
    office.do(lambda w: prepayments.apply(w, made, other))
    assert owed(office, other) == (490, 410)
    assert office.violations() == []


def test_it_is_paid_out_and_the_bank_shows_it(office):
    made = credit(office, vendor_id=vendor(office))
    back = Paid(on=office.clock().date(), reference="CN-7 back")
    paid = office.do(lambda w: prepayments.refund(w, made, back))
    assert balances(office) == {"bank": 1_190, "expenses": -1_000, "input_tax": -190}
    day = office.clock().date()
    assert take(office, HEAD + f"{day},11.90,USD,Refund\n{day},-11.90,USD,Other\n").tied == 1
    tied, other = lines(office)
    assert (tied.target_kind, tied.target_id) == ("vendor_refund", paid)
    with pytest.raises(Exception, match="there is no prepayment"):
        do(office, statements.tie, other.id, statements.TargetKind.PREPAYMENT, made, rev=None)
    assert office.violations() == []


def test_it_is_undone_by_reversal_and_its_number_is_free_again(office):
    oak = vendor(office)
    made = credit(office, vendor_id=oak)
    with pytest.raises(Conflict, match="cn-7 of this vendor is here already"):
        credit(office, vendor_id=oak, number=" cn-7 ")
    credit(office, 5, rate="0", vendor_id=vendor(office, "Ash"))
    before = balances(office)
    seq = office.scalar("select min(seq) from audit_line where action = 'vendor_credit.noted'")
    office.do(lambda w: undoing.undo(w, seq))
    assert balances(office) == {"vendor_prepayments": 5, "expenses": -5} != before
    with pytest.raises(Refused, match="credit note CN-7 is void already"):
        office.do(lambda w: prepayments.void(w, made))
    again = credit(office, vendor_id=oak)
    target = bill(office, "A-1", 700, vendor_id=oak)
    office.do(lambda w: prepayments.apply(w, again, target))
    with pytest.raises(Refused, match="was used; take it off its bills"):
        office.do(lambda w: prepayments.void(w, again))
    assert office.violations() == []


def test_a_code_of_ours_and_a_number_of_theirs_may_be_the_same(office):
    oak = vendor(office)
    code = office.scalar(
        "select code from prepayment where id = :id", id=prepayment(office, 9, vendor_id=oak)
    )
    credit(office, vendor_id=oak, number=code)
    assert office.scalar("select count(*) from prepayment where code = :code", code=code) == 2


@pytest.mark.parametrize(
    ("more", "field", "said"),
    [
        ({"lines": ()}, "lines", "between 1 and"),
        ({"total": 1_191}, "total", "come to 1190"),
        ({"number": " "}, "number", "number"),
        ({"vendor_id": "ven_none"}, "vendor_id", "there is no vendor"),
        ({"issued_on": date(1066, 10, 14)}, "issued_on", "issued_on"),
        ({"currency": "XXY"}, "currency", "currency"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(office, more, field, said):
    given = {"vendor_id": vendor(office)} | more
    with pytest.raises(Invalid, match=said) as refusal:
        credit(office, **given)
    assert refusal.value.field == field
    assert office.scalar("select count(*) from prepayment") == 0


def test_a_bill_that_cannot_take_it_keeps_the_note_from_being_recorded(office):
    oak = vendor(office)
    paid = bill(office, "A-1", 700, vendor_id=oak)
    office.do(lambda w: bill_payments.pay(w, paid, Paid(on=ON)))
    before = balances(office)
    for target, said in (
        (paid, "nothing is owed"),
        (bill(office, "A-2", 700, open_=False, vendor_id=oak), "is draft"),
        (bill(office, "B-1", 700, open_=False), "is draft"),
        ("bill_none", "no bill"),
    ):
        with pytest.raises(Refused, match=said):
            credit(office, vendor_id=oak, bill_id=target)
    assert balances(office) == before
    assert office.scalar("select count(*) from prepayment") == 0


@given(some_costs, st.integers(0, 5_000), categories)
def test_what_it_takes_off_costs_its_void_puts_back(costs, tax, name):
    total = sum(costs.values()) + tax
    if total <= tax:
        return
    said = {"costs": costs, "tax": tax, "currency": "USD"}
    noted = rules.noted_entry("pre_1", **said, on=ON)
    assert net(noted)["vendor_prepayments", ""] == total
    assert net(noted).get(("expenses", name), 0) == -costs.get(name, 0)
    voided = rules.voided_entry("pre_1", **said)
    assert net(noted, voided) == {}
    assert voided.reverses == noted.key


deeds = st.lists(
    st.tuples(st.sampled_from(["note", "apply", "refund", "pay", "undo"]), st.integers(1, 900)),
    max_size=12,
)


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(deeds)
def test_whatever_is_done_and_taken_back_the_books_add_up(office, told) -> None:
    oak = vendor(office)
    target = bill(office, f"B-{oak}", 1_000, vendor_id=oak)
    made: list[str] = []
    for deed, amount in told:
        with suppress(Refused, IndexError):
            if deed == "note":
                made.append(credit(office, amount, vendor_id=oak, number=f"CN-{len(made)}"))
            elif deed == "apply":
                office.do(lambda w, a=amount: prepayments.apply(w, made[-1], target, a))
            elif deed == "refund":
                back = Paid(on=ON, amount=amount)
                office.do(lambda w, b=back: prepayments.refund(w, made[-1], b))
            elif deed == "pay":
                paid = Paid(on=ON, amount=amount)
                office.do(lambda w, p=paid: bill_payments.pay(w, target, p))
            else:
                seq = office.scalar("select max(seq) from audit_line")
                office.do(lambda w, s=seq: undoing.undo(w, s))
    assert office.violations() == []
