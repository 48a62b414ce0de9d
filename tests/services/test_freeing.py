"""Credit notes and voids of invoices that money is on: nothing vanishes, and all of it is told."""

from datetime import date

import pytest

from reconciler.books.consent import RefundPolicy
from reconciler.books.invoice_lines import Line
from reconciler.errors import Conflict, Invalid, Refused
from reconciler.services import applications, invoices, receipts
from reconciler.services.receipts import Receipt
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
    refund,
    unapplied,
)

ANN = Cause("person", "usr_ann")
TAXED = (Line(description="Work", unit_price=10_000, tax_rate="50"),)


@pytest.fixture
def ann(office) -> str:
    return customer(office)


def credit(office, invoice_id, amount, to=None):
    return office.do(
        lambda work: invoices.credit_note(
            work, invoice_id, amount=amount, reason="less", freed_to=to, policy=RefundPolicy()
        ),
        ANN,
    )


def void(office, invoice_id, to=None, rev=None):
    office.do(lambda work: invoices.void(work, invoice_id, release_to=to, rev=rev), ANN)


def pay(office, number, amount, payment_id="pi_1", **more):
    [payment] = observe(office, captured(amount, payment_id, named=named(invoice=number), **more))
    return payment


def use(office, deposit_id, invoice_id, amount):
    office.do(lambda work: receipts.receive(work, deposit_id, Receipt("cash", date(2026, 11, 20))))
    return office.do(lambda work: applications.apply(work, deposit_id, invoice_id, amount))


def test_credit_of_120_on_100_paid_of_150_lowers_50_and_frees_70(office, ann):
    owed = invoice(office, "INV-1", 15_000, customer_id=ann)
    payment = pay(office, "INV-1", 10_000)
    with pytest.raises(Refused, match=r"USD 50\.00, not more; say what becomes") as refusal:
        credit(office, owed, 12_000)
    assert refusal.value.field == "amount"
    credit(office, owed, 12_000, "credit")
    assert paid_on(office, owed) == (3_000, 12_000, 0)
    assert unapplied(office, payment) == 7_000
    assert asked(office, payment) == {}, "who credited it has said where the money belongs"
    said = office.scalar("select resolution from review_item")
    assert said.startswith("kept as credit: CN-1001")
    observe(office, captured(10_000, named=named(invoice="INV-1"), livemode=True))
    assert asked(office, payment) == {}, "nor is it asked when the rail has more to say"
    assert office.violations() == []


def test_what_a_credit_note_frees_may_become_a_deposit(office, ann):
    owed = invoice(office, "INV-1", 10_000, customer_id=ann)
    payment = pay(office, "INV-1", 10_000)
    credit(office, owed, 4_000, "deposit")
    made = office.scalar("select id from deposit")
    assert held_on(office, made) == (4_000, 0, 0, 4_000)
    assert (unapplied(office, payment), asked(office, payment)) == (0, {})
    assert paid_on(office, owed) == (6_000, 4_000, 0)
    assert office.violations() == []


def test_what_a_credit_note_frees_may_be_asked_back_from_what_paid_last(office, ann):
    owed = invoice(office, "INV-1", 10_000, customer_id=ann)
    pay(office, "INV-1", 7_000)
    last = pay(office, "INV-1", 3_000, "pi_2")
    credit(office, owed, 4_000, "refund")
    asks = office.rows("select payment_id, amount, reason, status from refund order by amount")
    assert sorted((one.amount, one.reason) for one in asks) == [
        (1_000, "overpayment"), (3_000, "overpayment"),
    ]  # fmt: skip
    assert {one.status for one in asks} == {"requested"}, "a second person lets it go"
    assert {one.payment_id for one in asks if one.amount == 3_000} == {last}
    assert office.violations() == []


def test_what_a_deposit_had_paid_is_the_deposits_again(office, ann):
    owed = invoice(office, "INV-1", 10_000, customer_id=ann)
    dep = deposit(office, "DEP-1", 10_000, customer_id=ann)
    use(office, dep, owed, 10_000)
    credit(office, owed, 2_500, "credit")
    assert held_on(office, dep) == (10_000, 7_500, 0, 2_500)
    void_refused(office, owed)
    assert office.violations() == []


def void_refused(office, invoice_id):
    with pytest.raises(Refused, match="has credit notes"):
        void(office, invoice_id, "credit")


def test_no_more_is_credited_than_is_left_of_the_invoice(office, ann):
    owed = invoice(office, "INV-1", 10_000, customer_id=ann)
    pay(office, "INV-1", 10_000)
    credit(office, owed, 6_000, "credit")
    with pytest.raises(Refused, match=r"has USD 40\.00 left"):
        credit(office, owed, 4_001, "credit")
    for word in ("nobody", ""):
        with pytest.raises(Invalid) as refusal:
            credit(office, owed, 1, word)
        assert refusal.value.field == "freed_to"
    assert office.scalar("select count(*) from credit_note") == 1


@pytest.mark.parametrize("to", ["credit", "deposit"])
def test_a_void_with_money_on_it_says_where_the_money_is(office, ann, to):
    owed = invoice(office, "INV-1", None, lines=TAXED, customer_id=ann)
    dep = deposit(office, "DEP-1", 5_000, customer_id=ann)
    use(office, dep, owed, 5_000)
    payment = pay(office, "INV-1", 6_000)
    with pytest.raises(Refused, match="say what becomes of it"):
        void(office, owed)
    with pytest.raises(Conflict):
        void(office, owed, to, rev=1)
    void(office, owed, to)
    assert office.scalar("select state from invoice") == "void"
    assert held_on(office, dep) == (5_000, 0, 0, 5_000)
    if to == "credit":
        assert unapplied(office, payment) == 6_000
    else:
        other = office.scalar("select id from deposit where id <> :dep", dep=dep)
        assert held_on(office, other) == (6_000, 0, 0, 6_000)
    assert asked(office, payment) == {}
    left = balances(office)
    assert {role: left.get(role, 0) for role in ("accounts_receivable", "revenue")} == {
        "accounts_receivable": 0, "revenue": 0,
    }  # fmt: skip
    assert left.get("sales_tax_payable", 0) == 0
    actions = [row.action for row in office.rows("select action from audit_line order by seq")]
    assert "invoice.money_freed" in actions
    assert actions.index("invoice.money_freed") < actions.index("invoice.voided")
    assert office.violations() == []


def test_a_void_undoes_what_a_refund_credited_on_it(office, ann):
    owed = invoice(office, "INV-1", None, lines=TAXED, customer_id=ann)
    payment = pay(office, "INV-1", 15_000)
    observe(office, captured(15_000, named=named(invoice="INV-1"), refunds=refund("re_1", 3_000)))
    assert paid_on(office, owed) == (12_000, 3_000, 0)
    assert office.scalar("select tax_credited from invoice") == 1_000
    void(office, owed, "credit")
    assert unapplied(office, payment) == 12_000
    assert office.scalar("select tax_credited from invoice") == 0
    assert office.violations() == []


def test_another_word_is_no_place_for_money(office, ann):
    owed = invoice(office, "INV-1", 10_000, customer_id=ann)
    with pytest.raises(Invalid) as refusal:
        void(office, owed, "refund")
    assert refusal.value.field == "release_to"
    void(office, owed, "credit")
    with pytest.raises(Refused, match="is void already"):
        void(office, owed, "credit")


def test_the_order_of_notes_and_refunds_changes_no_account(office, ann):
    """Two invoices of odd totals, credited and refunded in two orders: the same accounts."""
    ends = []
    for place, order in enumerate((("note", "refund"), ("refund", "note"))):
        number = f"INV-{place}"
        line = (Line(description="Work", unit_price=3_333, tax_rate="19"),)
        owed = invoice(office, number, None, lines=line, customer_id=ann)
        total = office.scalar("select total from invoice where id = :id", id=owed)
        known = {"named": named(invoice=number)}
        pay(office, number, total, f"pi_{place}")
        for deed in order:
            if deed == "note":
                credit(office, owed, 1_001, "credit")
            else:
                back = refund(f"re_{place}", 1_999)
                observe(office, captured(total, f"pi_{place}", refunds=back, **known))
        rows = office.rows(
            """select a.role, sum(p.amount)::bigint as amount from posting p
            join journal_entry e on e.id = p.entry_id join ledger_account a on a.id = p.account_id
            where e.invoice_id = :id group by 1""",
            id=owed,
        )
        ends.append({row.role: row.amount for row in rows if row.amount})
    assert ends[0] == ends[1]
    assert office.violations() == []
