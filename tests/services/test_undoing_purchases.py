"""Deeds on bills, prepayments and bank lines are taken back by the opposite deed, once."""

import pytest

from reconciler.errors import Conflict, Refused
from reconciler.services import bill_payments, bills, statements, undoing
from reconciler.services.bill_payments import Paid
from tests.builders import balances, bill, prepayment, vendor
from tests.services.test_purchases import ON, Workshop, held, owed
from tests.services.test_statements import HEAD, do, lines, take


def last(office, action):
    return office.scalar("select max(seq) from audit_line where action = :a", a=action)


def undo(office, action):
    seq = last(office, action)
    return office.do(lambda work: undoing.undo(work, seq))


@pytest.fixture
def shop(office):
    return Workshop(office)


def test_a_payment_of_a_bill_is_taken_back_and_made_again(shop):
    office = shop.office
    before = balances(office)
    shop.pay(shop.first, 150)
    undo(office, "bill.paid")
    assert (owed(office, shop.first), balances(office)) == ((0, 400), before)
    with pytest.raises(Conflict, match="already"):
        undo(office, "bill.paid")
    undo(office, "bill.payment_taken_back")
    assert owed(office, shop.first) == (150, 250)
    days = office.rows("select paid_on from bill_payment where closed_at is null")
    assert [one.paid_on for one in days] == [ON], "on the day on which it was paid"
    assert office.violations() == []


def test_a_use_and_a_refund_of_a_prepayment_go_there_and_back(shop):
    office = shop.office
    shop.apply(shop.first, 100)
    undo(office, "prepayment.applied")
    assert held(office, shop.ahead) == (0, 0, 600)
    undo(office, "prepayment.unapplied")
    shop.refund(50)
    undo(office, "prepayment.refunded")
    assert held(office, shop.ahead) == (100, 0, 500)
    undo(office, "prepayment.refund_taken_back")
    assert held(office, shop.ahead) == (100, 50, 450)
    with pytest.raises(Refused, match="was used"):
        undo(office, "prepayment.paid")
    assert office.violations() == []


def test_a_prepayment_that_was_none_is_void(office):
    ahead = prepayment(office, 700, vendor_id=vendor(office))
    undo(office, "prepayment.paid")
    assert balances(office) == {}
    assert office.scalar("select voided_at is not null from prepayment where id = :id", id=ahead)


def test_what_stands_says_what_to_do_instead(office):
    made = bill(office, "A-1", 100)
    with pytest.raises(Refused, match="void it on its own page"):
        undo(office, "bill.opened")
    office.do(lambda w: bills.void(w, made))
    with pytest.raises(Refused, match="number is free again"):
        undo(office, "bill.voided")


def test_a_tie_and_a_line_set_aside_are_taken_back(office):
    owed_on = bill(office, "OAK-2026-1", 700)
    paid = Paid(on=office.clock().date())
    office.do(lambda w: bill_payments.pay(w, owed_on, paid))
    take(office, HEAD + f"{office.clock().date()},-7.00,USD,OAK-2026-1\n")
    (row,) = lines(office)
    do(office, statements.untie, row.id, rev=None)
    undo(office, "bank_line.untied")
    (row,) = lines(office)
    assert (row.state, row.target_kind) == ("tied", "bill_payment")
    undo(office, "bank_line.tied")
    with pytest.raises(Conflict, match="already"):
        undo(office, "bank_line.tied")
    do(office, statements.set_aside, row.id, "Not ours", rev=None)
    with pytest.raises(Conflict, match="something else by now"):
        undo(office, "bank_line.untied")
    undo(office, "bank_line.set_aside")
    assert lines(office)[0].state == "open"
    with pytest.raises(Conflict, match="already"):
        undo(office, "bank_line.set_aside")


def test_a_line_tied_to_something_else_since_is_left_alone(office):
    oak = vendor(office)
    day = office.clock().date()
    ahead = [prepayment(office, 700, vendor_id=oak, paid_on=day) for _ in range(2)]
    take(office, HEAD + f"{day},-7.00,USD,Transfer\n")
    (row,) = lines(office)
    kind = statements.TargetKind.PREPAYMENT
    do(office, statements.tie, row.id, kind, ahead[0], rev=None)
    first = last(office, "bank_line.tied")
    do(office, statements.untie, row.id, rev=None)
    do(office, statements.tie, row.id, kind, ahead[1], rev=None)
    with pytest.raises(Conflict, match="already"):
        office.do(lambda work: undoing.undo(work, first))
    assert lines(office)[0].target_id == ahead[1]
