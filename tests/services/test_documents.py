"""Customers, invoices and deposits as services: what the screens and imports rely on."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
import sqlalchemy as sa

from reconciler.errors import Conflict, Invalid, NotFound
from reconciler.services import customers, deposits, invoices, numbering, receipts
from reconciler.services.deposits import NewDeposit
from reconciler.services.invoices import NewInvoice
from reconciler.services.receipts import Receipt
from reconciler.work import Task


@pytest.fixture
def ann(office) -> str:
    return office.do(lambda work: customers.create(work, name="Ann"))


def an_invoice(office, customer_id, **more) -> str:
    given = {"customer_id": customer_id, "currency": "usd", "total": 10_000, **more}
    return office.do(lambda work: invoices.create(work, NewInvoice(**given)))


def numbered(office, ann, *numbers):
    for number in numbers:
        an_invoice(office, ann, number=number)


@pytest.mark.parametrize(
    ("taken", "next_one"),
    [
        ([], "INV-1001"),
        (["INV-1001"], "INV-1002"),
        (["inv-1001", "INV-1002"], "INV-1003"),
        (["INV-1002"], "INV-1001"),
        (["INV-0001", "INV-01001", "X-1001"], "INV-1001"),
        ([f"INV-{n}" for n in range(1001, 1071)], "INV-1071"),
    ],
)
def test_the_next_number_is_free(office, ann, taken, next_one):
    numbered(office, ann, *taken)
    found = office.do(lambda work: numbering.next_free(work.session, "invoice", "INV-"))
    assert found == next_one


def test_the_end_of_a_long_run_is_found_by_few_questions(office, ann):
    office.do(
        lambda work: work.session.execute(
            sa.text(
                """insert into invoice (id, number, customer_id, currency, total, state, created_at)
                select 'inv_' || n, 'INV-' || n, :ann, 'USD', 5, 'draft', now()
                from generate_series(1001, 9700) n"""
            ),
            {"ann": ann},
        )
    )
    asked = []

    def count_questions(*_):
        asked.append(1)

    sa.event.listen(office.runtime.engine, "before_cursor_execute", count_questions)
    found = office.do(lambda work: numbering.next_free(work.session, "invoice", "INV-"))
    assert found == "INV-9701"
    assert len(asked) <= 6


def test_who_numbers_at_the_same_time_takes_turns(office, ann):
    with ThreadPoolExecutor(6) as crowd:
        made = list(crowd.map(lambda _: an_invoice(office, ann), range(12)))
    numbers = {row.number for row in office.rows("select number from invoice")}
    assert len(made) == 12
    assert numbers == {f"INV-{n}" for n in range(1001, 1013)}


def test_sending_asks_for_a_look_at_the_money_that_waits(office, ann):
    invoice_id = an_invoice(office, ann)

    def send(work):
        invoices.send(work, invoice_id)
        return work.nudges

    assert office.do(send) == {Task.FIND_PAYMENTS}
    assert office.scalar("select seeks_payment from invoice") is True


def test_a_day_that_was_given_stays_the_day_it_was_issued(office, ann):
    invoice_id = an_invoice(office, ann, issued_on=date(2026, 11, 1))
    office.do(lambda work: invoices.send(work, invoice_id))
    assert office.scalar("select issued_on from invoice") == date(2026, 11, 1)


def test_voiding_while_money_is_looked_for_stops_the_looking(office, ann):
    invoice_id = an_invoice(office, ann)
    office.do(lambda work: invoices.send(work, invoice_id))
    office.do(lambda work: invoices.void(work, invoice_id))
    assert office.scalar("select seeks_payment from invoice") is False
    assert office.violations() == []


def test_a_credit_note_and_a_payment_at_once_never_take_more_than_is_owed(office, ann):
    invoice_id = an_invoice(office, ann)
    office.do(lambda work: invoices.send(work, invoice_id))

    def credit(_):
        return office.do(
            lambda work: invoices.credit_note(work, invoice_id, amount=4_000, reason="less")
        )

    def pay(_):
        return office.do(
            lambda work: receipts.receive(
                work, invoice_id, Receipt("cash", date(2026, 11, 20), 4_000)
            )
        )

    with ThreadPoolExecutor(4) as crowd:
        running = [crowd.submit(deed, None) for deed in (credit, pay, credit, pay)]
        outcomes = [one.exception() for one in running]
    assert sum(outcome is None for outcome in outcomes) == 2
    assert office.scalar("select total - paid - credit_notes from invoice") == 2_000
    assert office.violations() == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"state": "sent"}, "state"),
        ({"paid": 5}, "paid"),
        ({"total": 5.5}, "total"),
        ({"due_on": "2026-11-22"}, "due_on"),
        ({"customer_id": "cust_none"}, "customer_id"),
    ],
)
def test_only_what_may_change_changes(office, ann, changes, field):
    invoice_id = an_invoice(office, ann)
    with pytest.raises(Invalid) as refusal:
        office.do(lambda work: invoices.patch(work, invoice_id, changes))
    assert refusal.value.field == field
    assert office.scalar("select rev from invoice") == 1


def test_a_deposit_keeps_to_what_may_change(office, ann):
    new = NewDeposit(customer_id=ann, currency="USD", amount=5_000)
    deposit_id = office.do(lambda work: deposits.create(work, new))
    for changes, field in (({"received": 5}, "received"), ({"date": None}, "date")):
        with pytest.raises(Invalid) as refusal:
            office.do(lambda work, changes=changes: deposits.patch(work, deposit_id, changes))
        assert refusal.value.field == field
    with pytest.raises(NotFound):
        office.do(lambda work: deposits.patch(work, "dep_none", {}))


def test_a_customer_keeps_to_what_may_change(office, ann):
    with pytest.raises(Invalid) as refusal:
        office.do(lambda work: customers.patch(work, ann, {"id": "cust_mine"}))
    assert refusal.value.field == "id"


def test_two_who_take_one_rails_customer_at_once_do_not_both_have_it(office):
    def take(n: int):
        try:
            return office.do(
                lambda work: customers.create(
                    work, name=f"Ann {n}", rail_customers={"stripe": "cus_1"}
                )
            )
        except Conflict:
            return None

    with ThreadPoolExecutor(4) as crowd:
        made = [one for one in crowd.map(take, range(4)) if one]
    assert len(made) == 1
    assert office.scalar("select count(*) from customer") == 1


def test_a_credit_note_of_nothing_is_no_credit_note(office, ann):
    invoice_id = an_invoice(office, ann)
    office.do(lambda work: invoices.send(work, invoice_id))
    for amount in (0, -5):
        with pytest.raises(Invalid):
            office.do(
                lambda work, amount=amount: invoices.credit_note(
                    work, invoice_id, amount=amount, reason="x"
                )
            )
    assert office.scalar("select count(*) from credit_note") == 0


def test_a_document_is_not_tied_to_more_objects_than_anybody_reads(office, ann):
    names = tuple(f"pi_{n}" for n in range(51))
    with pytest.raises(Invalid):
        an_invoice(office, ann, rail_payment_ids=names)
    assert office.scalar("select count(*) from invoice") == 0


def test_a_draft_that_is_told_of_an_intent_looks_for_money_only_once_it_is_sent(office, ann):
    invoice_id = an_invoice(office, ann)
    for _ in range(2):
        office.do(lambda work: invoices.add_references(work, invoice_id, "stripe", ["pi_9"]))
    assert office.scalar("select seeks_payment from invoice") is False
    assert office.scalar("select count(*) from rail_reference") == 1


def test_one_object_of_a_rail_stands_for_one_document(office, ann):
    an_invoice(office, ann, rail_payment_ids=("pi_1", "pi_1"), rail_invoice_id="in_1")
    assert office.scalar("select count(*) from rail_reference") == 2
    new = NewDeposit(customer_id=ann, currency="USD", amount=5, rail_payment_ids=("pi_1",))
    with pytest.raises(Conflict):
        office.do(lambda work: deposits.create(work, new))
    assert office.scalar("select count(*) from deposit") == 0
