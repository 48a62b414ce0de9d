"""What was paid to vendors meets the bank's lines: by name, by amount and day, by a person."""

from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from reconciler.books import bank_fees
from reconciler.books.bank_fees import Fee
from reconciler.books.bank_lines import TargetKind
from reconciler.errors import NotFound, Refused
from reconciler.reads import bills as bill_reads, prepayments as ahead_reads, statements as reads
from reconciler.services import bill_payments, prepayments, statements
from reconciler.services.bank_fees import Granted
from reconciler.services.bill_payments import Paid
from tests.builders import balances, bill, prepayment, vendor
from tests.services.test_statements import HEAD, do, lines, take


def pay(office, bill_id, reference=None, *, days=0, amount=None):
    paid = Paid(on=office.clock().date() + timedelta(days=days), amount=amount, reference=reference)
    return office.do(lambda work: bill_payments.pay(work, bill_id, paid))


def line(office, amount, text="Transfer", *, days=0):
    return f"{office.clock().date() + timedelta(days=days)},{amount},USD,{text}\n"


def shown(office):
    with office.runtime.read() as session:
        return reads.some_lines(session, [row.id for row in lines(office)])


def test_what_leaves_and_comes_back_finds_its_lines_and_no_money_moves(office):
    oak = vendor(office)
    owed = bill(office, "OAK-2026-7", 40_000, vendor_id=oak)
    paid = pay(office, owed)
    ahead = prepayment(office, 9_000, vendor_id=oak, paid_on=office.clock().date())
    back = office.do(
        lambda w: prepayments.refund(w, ahead, Paid(on=office.clock().date(), amount=2_500))
    )
    before = balances(office)
    text = HEAD + line(office, "-400.00") + line(office, "-90.00") + line(office, "25.00")
    assert take(office, text).tied == 3
    assert [(row.target_kind, row.target_id, row.tied_by) for row in lines(office)] == [
        ("bill_payment", paid, None), ("prepayment", ahead, None), ("vendor_refund", back, None),
    ]  # fmt: skip
    assert balances(office) == before
    assert office.violations() == []
    code = office.scalar("select code from prepayment")
    assert sorted((one.name, one.document_id) for one in shown(office).values()) == sorted(
        [("OAK-2026-7, Oak Ltd", owed), (f"{code}, Oak Ltd", ahead), (f"{code}, Oak Ltd", ahead)]
    )
    (statement,) = office.rows("select id from bank_statement")
    with office.runtime.read() as session:
        of_bill = bill_reads.one(session, owed, today=office.clock().date())
        of_prepayment = ahead_reads.one(session, ahead)
    at_bank = [of_bill.payments[0], of_prepayment, of_prepayment.refunds[0]]
    assert {one.statement_id for one in at_bank} == {statement.id}


def test_the_number_of_the_bill_tells_two_payments_of_one_amount_apart(office):
    oak = vendor(office)
    first, second = (pay(office, bill(office, f"OAK-2026-{n}", 700, vendor_id=oak)) for n in (1, 2))
    assert take(office, HEAD + line(office, "-7.00", "OAK-2026-2 thank you")).tied == 1
    assert lines(office)[0].target_id == second
    assert lines(office)[0].reasons[0] == "The bank's text names it"
    assert take(office, HEAD + line(office, "-7.00", "No word"), name="b.csv").tied == 1
    assert lines(office)[1].target_id == first, "it is alone now"


def test_the_reference_of_a_payment_is_a_name_too(office):
    oak = vendor(office)
    made = [pay(office, bill(office, f"{n}", 700, vendor_id=oak), f"E2E-77000{n}") for n in (1, 2)]
    assert take(office, HEAD + line(office, "-7.00", "e2e 770002")).tied == 1
    assert lines(office)[0].target_id == made[1]


def test_money_in_is_never_a_payment_that_left(office):
    pay(office, bill(office, "OAK-2026-1", 700))
    assert take(office, HEAD + line(office, "7.00", "OAK-2026-1")).tied == 0
    (row,) = lines(office)
    with office.runtime.read() as session:
        assert reads.suggestions(session, shown(office).values()).fits == {}
    assert row.state == "open"


def test_several_payments_in_one_sum_tie_together(office):
    oak = vendor(office)
    made = [pay(office, bill(office, f"{n}", n * 1_000, vendor_id=oak)) for n in (1, 2, 4)]
    assert take(office, HEAD + line(office, "-70.00", "Payment run")).tied == 1
    (row,) = lines(office)
    assert row.reasons[-1] == "All that came that day"
    parts = office.rows("select target_id from bank_line_part")
    assert {row.target_id, *(one.target_id for one in parts)} == set(made)
    do(office, statements.untie, row.id, rev=row.rev)
    do(office, statements.tie_sum, row.id, TargetKind.BILL_PAYMENT, made, rev=row.rev + 1)
    assert lines(office)[0].tied_by == "usr_1"


def test_what_was_taken_back_is_no_target_and_a_tied_line_says_so(office):
    owed = bill(office, "OAK-2026-1", 700)
    first = pay(office, owed)
    office.do(lambda w: bill_payments.take_back(w, owed, first))
    assert take(office, HEAD + line(office, "-7.00")).tied == 0
    (row,) = lines(office)
    with pytest.raises(NotFound, match="bill_payment"):
        do(office, statements.tie, row.id, TargetKind.BILL_PAYMENT, first, rev=row.rev)
    second = pay(office, owed)
    assert do(office, statements.tie_open_lines) == 1
    assert not shown(office)[row.id].has_failed
    office.do(lambda w: bill_payments.take_back(w, owed, second))
    assert shown(office)[row.id].has_failed


def test_a_fee_on_what_left_is_an_expense_and_is_taken_back(office):
    paid = pay(office, bill(office, "OAK-2026-1", 40_000))
    assert take(office, HEAD + line(office, "-403.50")).tied == 0
    (row,) = lines(office)
    with office.runtime.read() as session:
        (fit,) = reads.suggestions(session, shown(office).values()).fits[row.id]
    assert (fit.target.id, fit.target.title) == (paid, "OAK-2026-1, Oak Ltd")
    kind = TargetKind.BILL_PAYMENT
    with pytest.raises(Refused, match="another amount"):
        do(office, statements.tie, row.id, kind, paid, rev=row.rev)
    do(office, statements.tie, row.id, kind, paid, rev=row.rev, fee=Granted("Wire abroad"))
    assert balances(office) == {"expenses": 40_000, "bank_fees": 350, "bank": -40_350}
    assert office.violations() == []
    (row,) = lines(office)
    do(office, statements.untie, row.id, rev=row.rev)
    assert balances(office) == {"expenses": 40_000, "bank": -40_000}
    assert office.violations() == []


def test_what_the_books_paid_and_the_bank_never_shows_is_named(office):
    oak = vendor(office)
    pay(office, bill(office, "OAK-2026-1", 700, vendor_id=oak))
    lost = pay(office, bill(office, "OAK-2026-2", 900, vendor_id=oak))
    later = line(office, "-1.00", "Coffee", days=30)
    take(office, HEAD + line(office, "-7.00", "OAK-2026-1", days=-1) + later)
    with office.runtime.read() as session:
        (missing,) = reads.missing(session)
    assert (missing.kind, missing.id, missing.amount) == ("bill_payment", lost, -900)
    take(office, HEAD + line(office, "-9.00", "OAK-2026-2"), name="b.csv")
    with office.runtime.read() as session:
        assert reads.missing(session) == []


@given(st.sampled_from(TargetKind))
def test_only_what_people_took_in_or_paid_back_is_not_at_the_bank_yet(kind):
    fee = Fee(line_id="bln_1", turn=1, kind=kind, target_id="x", amount=5, currency="USD")
    credited = bank_fees.entry(fee).postings[1].account.role
    by_hand = {TargetKind.RECEIPT, TargetKind.REFUND}
    assert credited == ("undeposited" if kind in by_hand else "bank")
