"""What is decided on is held until it is done: else it had no place in any order."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

from reconciler.books.consent import RefundPolicy
from reconciler.services import closings, invoices, payments, receipts, receipts_taken_back, refunds
from reconciler.services.receipts import Receipt
from reconciler.services.refunds import RefundAsk
from reconciler.store import statement_rows
from reconciler.work import Cause, Work
from tests.builders import captured, deposit, invoice, named, observe
from tests.runtime import Office
from tests.store.test_races import wait_until_somebody_waits

ANN, BEN = Cause("person", "usr_ann"), Cause("person", "usr_ben")
TODAY = date(2026, 11, 22)
FREE = "select id from payment order by id for no key update skip locked"


@contextmanager
def while_waits(office: Office, other: Callable[[], object]) -> Iterator[Work]:
    """A transaction that ends once the other one waits for it; then that one is over as well."""
    waiting = threading.Thread(target=other)
    with office.runtime.work(BEN) as work:
        yield work
        waiting.start()
        wait_until_somebody_waits(office)
    waiting.join()


def test_a_day_that_a_person_named_is_not_closed_before_it_is_posted_on(office: Office) -> None:
    nobody_posts = "select pg_try_advisory_xact_lock(7201956)"
    with office.runtime.work(ANN) as work:
        closings.must_be_open(work.session, TODAY, field="on")
        assert not office.scalar(nobody_posts)
    assert office.scalar(nobody_posts)


def test_all_that_is_owed_is_what_is_owed_when_it_is_received(office: Office) -> None:
    target = invoice(office, "INV-1", 500)
    receipt = Receipt(source="cash", received_on=TODAY)
    with while_waits(
        office, lambda: office.do(lambda work: receipts.receive(work, target, receipt))
    ) as work:
        invoices.credit_note(work, target, amount=200, reason="less work")
    assert office.rows("select captured from payment") == [(300,)]


def test_all_of_a_deposit_is_what_all_its_payments_brought(office: Office) -> None:
    target = deposit(office, "DEP-1", 900)
    observe(office, captured(500, "pi_1", named=named(deposit="DEP-1")))
    second = captured(400, "pi_2", named=named(deposit="DEP-1"))
    ask = RefundAsk(reason="goodwill", deposit_id=target)
    with while_waits(
        office, lambda: office.do(lambda work: refunds.request(work, ask, RefundPolicy()), ANN)
    ) as work:
        payments.observe(work, [(second, ())])
    assert office.rows("select amount from refund") == [(900,)]
    assert office.rows("select amount from refund_leg order by 1") == [(400,), (500,)]


def test_what_a_refund_held_of_a_payment_is_let_go_while_that_is_held(office: Office) -> None:
    invoice(office, "INV-1", 500)
    (payment,) = observe(office, captured(500, named=named(invoice="INV-1")))
    for deed in (refunds.reject, refunds.cancel):
        ask = RefundAsk(reason="goodwill", payment_id=payment, amount=500)
        made = office.do(lambda work: refunds.request(work, ask, RefundPolicy()), ANN)  # noqa: B023
        with office.runtime.work(BEN) as work:
            deed(work, made)
            assert office.rows(FREE) == []
    assert office.rows(FREE) == [(payment,)]


def test_no_line_is_tied_to_a_receipt_that_is_being_taken_back(office: Office) -> None:
    target = invoice(office, "INV-1", 500)
    receipt = Receipt(source="bank_transfer", received_on=TODAY)
    payment = office.do(lambda work: receipts.receive(work, target, receipt))
    with office.runtime.work(ANN) as work:
        receipts_taken_back.take_back(work, payment)
        with office.runtime.work(BEN) as other:
            assert not statement_rows.is_our_turn(other.session)
