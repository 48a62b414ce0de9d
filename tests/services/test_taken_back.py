"""Credit notes and receipts by hand that were wrong: reversed, and refused where used since."""

from datetime import date

import pytest

from reconciler.books.consent import RefundPolicy
from reconciler.books.invoice_lines import Line
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.reads import client_statements
from reconciler.services import (
    allocations,
    applications,
    closings,
    credits_taken_back,
    invoices,
    projects,
    receipts,
    receipts_taken_back,
    refunds,
    statements,
)
from reconciler.services.allocations import Part
from reconciler.services.projects import NewProject
from reconciler.services.receipts import Receipt
from reconciler.services.refunds import RefundAsk
from reconciler.services.statements import Statement
from reconciler.work import Cause
from tests.builders import (
    asked,
    balances,
    captured,
    customer,
    deposit,
    held_on,
    invoice,
    named,
    observe,
    paid_on,
    unapplied,
)
from tests.runtime import Office

ANN = Cause("person", "usr_ann")
TODAY = date(2026, 11, 22)
TAXED = (Line(description="Work", unit_price=10_000, tax_rate="19"),)


@pytest.fixture
def ann(office: Office) -> str:
    return customer(office)


def credit(office: Office, invoice_id: str, amount: int, to: str | None = None) -> str:
    return office.do(
        lambda work: invoices.credit_note(
            work, invoice_id, amount=amount, reason="less", freed_to=to, policy=RefundPolicy()
        ),
        ANN,
    )


def take_credit_back(office: Office, note_id: str, reason: str | None = None) -> None:
    office.do(lambda work: credits_taken_back.take_back(work, note_id, reason=reason), ANN)


def pay(office: Office, number: str, amount: int) -> str:
    [payment] = observe(office, captured(amount, named=named(invoice=number)))
    return payment


def receive(office: Office, target: str, amount: int | None = None, **more) -> str:
    said = {"source": "cash", "received_on": date(2026, 11, 20), "amount": amount} | more
    return office.do(lambda work: receipts.receive(work, target, Receipt(**said)), ANN)


def take_receipt_back(office: Office, payment_id: str, reason: str | None = None) -> None:
    office.do(lambda work: receipts_taken_back.take_back(work, payment_id, reason=reason), ANN)


def put(office: Office, payment_id: str, invoice_id: str, amount: int | None = None) -> str:
    part = Part(invoice_id=invoice_id, amount=amount)
    return office.do(lambda work: allocations.allocate(work, payment_id, [part]), ANN)[0]


# Credit notes


def test_what_a_credit_note_lowered_is_owed_again(office, ann):
    owed = invoice(office, "INV-1", 10_000, customer_id=ann)
    before = balances(office)
    note = credit(office, owed, 4_000)
    take_credit_back(office, note, "It was not less")
    assert paid_on(office, owed) == (0, 0, 10_000)
    assert balances(office) == before
    assert office.scalar("select reason from credit_note_taken_back") == "It was not less"
    reversed_ = "select reverses from journal_entry where key = :key"
    assert office.scalar(reversed_, key=f"credit_note/{note}/taken_back") == f"credit_note/{note}"
    with pytest.raises(Conflict, match="taken back already"):
        take_credit_back(office, note)
    assert office.violations() == []
    again = credit(office, owed, 10_000)
    numbers = office.rows("select id, number from credit_note order by number")
    assert [(one.id, one.number) for one in numbers] == [(note, "CN-1001"), (again, "CN-1002")]
    assert office.violations() == []


def test_of_several_any_one_is_taken_back_and_the_tax_of_the_others_adds_up(office, ann):
    owed = invoice(office, "INV-1", None, lines=TAXED, customer_id=ann)
    notes = [credit(office, owed, amount) for amount in (1, 3_333, 777)]
    for note in notes:
        take_credit_back(office, note)
        assert office.violations() == []
    assert balances(office) == {
        "accounts_receivable": 11_900, "revenue": -10_000, "sales_tax_payable": -1_900,
    }  # fmt: skip
    office.do(lambda work: invoices.void(work, owed), ANN)
    assert balances(office) == {}


def test_money_that_it_freed_pays_the_invoice_again(office, ann):
    owed = invoice(office, "INV-1", 15_000, customer_id=ann)
    payment = pay(office, "INV-1", 10_000)
    take_credit_back(office, credit(office, owed, 12_000, "credit"))
    assert paid_on(office, owed) == (10_000, 0, 5_000)
    assert (unapplied(office, payment), asked(office, payment)) == (0, {})
    assert office.violations() == []


def test_what_a_deposit_had_paid_pays_again(office, ann):
    owed = invoice(office, "INV-1", 10_000, customer_id=ann)
    held = deposit(office, "DEP-1", 10_000, customer_id=ann)
    receive(office, held)
    office.do(lambda work: applications.apply(work, held, owed), ANN)
    take_credit_back(office, credit(office, owed, 2_500, "credit"))
    assert held_on(office, held) == (10_000, 10_000, 0, 0)
    assert paid_on(office, owed) == (10_000, 0, 0)
    assert office.violations() == []


def test_money_that_was_used_since_stands_in_the_way_until_it_is_free(office, ann):
    owed = invoice(office, "INV-1", 10_000, customer_id=ann)
    other = invoice(office, "INV-2", 3_000, customer_id=ann)
    payment = pay(office, "INV-1", 10_000)
    note = credit(office, owed, 4_000, "credit")
    claim = put(office, payment, other)
    with pytest.raises(Conflict, match=r"USD 30\.00 of what it freed was used since"):
        take_credit_back(office, note)
    assert paid_on(office, owed) == (6_000, 4_000, 0)
    office.do(lambda work: allocations.unallocate(work, payment, claim), ANN)
    take_credit_back(office, note)
    assert paid_on(office, owed) == (10_000, 0, 0)
    assert (unapplied(office, payment), asked(office, payment)) == (0, {})
    assert office.violations() == []


def test_what_became_a_deposit_is_taken_off_it_first(office, ann):
    owed = invoice(office, "INV-1", 4_000, customer_id=ann)
    payment = pay(office, "INV-1", 4_000)
    note = credit(office, owed, 4_000, "deposit")
    with pytest.raises(Conflict, match="used since"):
        take_credit_back(office, note)
    claim = office.scalar("select id from allocation where deposit_id is not null")
    office.do(lambda work: allocations.unallocate(work, payment, claim), ANN)
    take_credit_back(office, note)
    assert paid_on(office, owed) == (4_000, 0, 0)
    assert office.violations() == []


def test_what_is_asked_back_is_called_off_first(office, ann):
    owed = invoice(office, "INV-1", 10_000, customer_id=ann)
    pay(office, "INV-1", 10_000)
    note = credit(office, owed, 4_000, "refund")
    refund = office.scalar("select id from refund")
    with pytest.raises(Conflict, match=f"a refund of what it freed is asked for .{refund}."):
        take_credit_back(office, note)
    office.do(lambda work: refunds.cancel(work, refund), ANN)
    take_credit_back(office, note)
    assert paid_on(office, owed) == (10_000, 0, 0)
    assert office.violations() == []


def test_what_was_billed_anew_since_is_not_owed_twice(office, ann):
    new = NewProject(customer_id=ann, name="Kitchen", currency="USD", original_price=10_000)
    project = office.do(lambda work: projects.create(work, new))
    first = invoice(office, "INV-1", 10_000, customer_id=ann, project_id=project)
    note = credit(office, first, 4_000)
    second = invoice(office, "INV-2", 3_000, customer_id=ann, project_id=project)
    with pytest.raises(Refused, match=r"billed anew since: USD 10\.00 of the price of Kitchen"):
        take_credit_back(office, note)
    office.do(lambda work: invoices.void(work, second), ANN)
    take_credit_back(office, note)
    assert paid_on(office, first) == (0, 0, 10_000)
    assert office.violations() == []


def test_there_is_no_such_note_and_a_rails_own_stands(office, ann):
    with pytest.raises(NotFound):
        take_credit_back(office, "cn_none")
    owed = invoice(office, "INV-1", 10_000, customer_id=ann, rail_invoice_id="in_1")
    observe(
        office,
        captured(9_000, rail_invoices={"in_1": 9_000}, rail_credits={"in_1": (1_000, 9_000)}),
    )
    assert paid_on(office, owed) == (9_000, 1_000, 0)
    with pytest.raises(Refused, match="corrected at the rail"):
        take_credit_back(office, office.scalar("select id from credit_note"))


# Receipts


def test_a_receipt_that_never_came_is_reversed(office, ann):
    owed = invoice(office, "INV-1", 500, customer_id=ann)
    before = balances(office)
    payment = receive(office, owed)
    take_receipt_back(office, payment, "Noted twice")
    assert paid_on(office, owed) == (0, 0, 500)
    assert balances(office) == before
    assert (unapplied(office, payment), asked(office, payment)) == (0, {})
    assert office.scalar("select status from payment") == "canceled"
    entries = office.rows(
        "select posted_on, reverses from journal_entry where key like 'manual/%' order by at, id"
    )
    assert [one.posted_on for one in entries] == [date(2026, 11, 20), TODAY]
    assert entries[1].reverses is not None
    with pytest.raises(Conflict, match="taken back already"):
        take_receipt_back(office, payment)
    receive(office, owed)
    assert paid_on(office, owed) == (500, 0, 0)
    assert office.violations() == []


def test_the_client_reads_that_it_was_taken_back(office, ann):
    owed = invoice(office, "INV-1", 500, customer_id=ann)
    take_receipt_back(office, receive(office, owed))
    with office.runtime.read() as session:
        [told] = client_statements.of_customer(session, ann, date(2026, 11, 1), TODAY)
    assert [(line.text, line.amount) for line in told.lines if line.text != "Invoice INV-1"] == [
        ("Payment received", -500), ("Payment taken back, it had not come", 500),
    ]  # fmt: skip
    assert told.closing == 500


def test_what_was_more_than_owed_goes_too_and_nobody_is_asked(office, ann):
    owed = invoice(office, "INV-1", 500, customer_id=ann)
    payment = receive(office, owed, 800, may_overpay=True)
    assert asked(office, payment) == {"overpayment": 300}
    take_receipt_back(office, payment)
    assert asked(office, payment) == {}
    assert office.violations() == []


def test_another_payment_steps_in(office, ann):
    owed = invoice(office, "INV-1", 500, customer_id=ann)
    first = receive(office, owed)
    second = pay(office, "INV-1", 500)
    assert unapplied(office, second) == 500
    take_receipt_back(office, first)
    assert paid_on(office, owed) == (500, 0, 0)
    assert unapplied(office, second) == 0
    assert office.violations() == []


def test_what_was_used_since_is_refused_with_what_to_do(office, ann):
    owed, other = (invoice(office, n, 500, customer_id=ann) for n in ("INV-1", "INV-2"))
    payment = receive(office, owed, 800, may_overpay=True)
    claim = put(office, payment, other)
    with pytest.raises(Conflict, match="its money was put on INV-2 since"):
        take_receipt_back(office, payment)
    office.do(lambda work: allocations.unallocate(work, payment, claim), ANN)
    take_receipt_back(office, payment)
    assert paid_on(office, owed) == paid_on(office, other) == (0, 0, 500)
    assert office.violations() == []


def test_a_deposit_that_was_applied_is_taken_off_first(office, ann):
    owed = invoice(office, "INV-1", 500, customer_id=ann)
    held = deposit(office, "DEP-1", 500, customer_id=ann)
    payment = receive(office, held)
    use = office.do(lambda work: applications.apply(work, held, owed), ANN)
    with pytest.raises(Conflict, match="DEP-1 is applied to invoices"):
        take_receipt_back(office, payment)
    office.do(lambda work: applications.unapply(work, held, use), ANN)
    take_receipt_back(office, payment)
    assert held_on(office, held) == (0, 0, 0, 0)
    assert office.violations() == []


def test_what_is_asked_back_or_at_the_bank_stands(office, ann):
    owed = invoice(office, "INV-1", 500, customer_id=ann)
    payment = receive(office, owed, reference="transfer 7")
    ask = RefundAsk(reason="goodwill", payment_id=payment, amount=200)
    refund = office.do(lambda work: refunds.request(work, ask, RefundPolicy()), ANN)
    with pytest.raises(Conflict, match=refund):
        take_receipt_back(office, payment)
    office.do(lambda work: refunds.cancel(work, refund), ANN)
    body = b"Date,Amount,Currency,Description\n2026-11-20,5.00,USD,transfer 7\n"
    given = Statement(bank_account="Giro", file_name="nov.csv", body=body)
    assert office.do(lambda work: statements.take(work, given), ANN).tied == 1
    with pytest.raises(Conflict, match="a line of the bank says that it came"):
        take_receipt_back(office, payment)
    line = office.scalar("select id from bank_line")
    office.do(lambda work: statements.untie(work, line, rev=None), ANN)
    take_receipt_back(office, payment)
    assert office.violations() == []


def test_only_what_was_noted_by_hand_is_taken_back(office, ann):
    with pytest.raises(NotFound):
        take_receipt_back(office, "pay_none")
    invoice(office, "INV-1", 500, customer_id=ann)
    payment = pay(office, "INV-1", 500)
    with pytest.raises(Refused, match="came by stripe"):
        take_receipt_back(office, payment)
    with pytest.raises(Invalid):
        take_receipt_back(office, receive(office, invoice(office, "INV-2", 500)), "x\ny")


def test_in_closed_books_it_counts_on_the_first_open_day(office, ann):
    owed = invoice(office, "INV-1", 500, customer_id=ann, issued_on=date(2026, 11, 1))
    payment = receive(office, owed)
    office.do(lambda work: closings.close(work, date(2026, 11, 21)), ANN)
    take_receipt_back(office, payment)
    last = office.scalar("select max(posted_on) from journal_entry")
    assert last == TODAY
    assert office.violations() == []
