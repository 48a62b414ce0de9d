"""Payments that came short by a bank's fee: borne within a limit, and taken back by reversal."""

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from reconciler.books.invoice_lines import Line
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.services import (
    allocations,
    credits_taken_back,
    invoices,
    receipts,
    receipts_taken_back,
    short_payments,
    undoing,
)
from reconciler.services.allocations import Part
from reconciler.services.receipts import Receipt
from tests.builders import balances, customer, invoice
from tests.runtime import Office

DAY = date(2026, 11, 20)


def cash(office: Office, owed: str, amount: int) -> str:
    return office.do(lambda w: receipts.receive(w, owed, Receipt("bank_transfer", DAY, amount)))


def bear(office: Office, owed: str, bounds=None, **more) -> str:
    return office.do(
        lambda w: short_payments.bear(w, owed, why="Wire", bounds=bounds or {}, **more)
    )


def stand(office: Office, owed: str) -> tuple[int, int, int]:
    """Paid, borne and outstanding."""
    found = "select paid, bank_fees, outstanding from invoice where id = :id"
    return tuple(office.rows(found, id=owed)[0])


def back(office: Office, fee: str) -> None:
    office.do(lambda w: short_payments.take_back(w, fee))


def test_what_is_missing_is_an_expense_and_nobody_owes_it_until_it_is_taken_back(office: Office):
    owed = invoice(office, "INV-1", 120_000)
    payment = cash(office, owed, 119_500)
    before = balances(office)
    fee = bear(office, owed, payment_id=payment)
    assert stand(office, owed) == (119_500, 500, 0)
    after = balances(office)
    assert after["bank_fees"] == 500
    assert after.get("accounts_receivable", 0) == before["accounts_receivable"] - 500 == 0
    assert office.violations() == []
    back(office, fee)
    assert (stand(office, owed), balances(office)) == ((119_500, 0, 500), before)
    with pytest.raises(Conflict, match="taken back already"):
        back(office, fee)
    with pytest.raises(NotFound):
        back(office, "fee_none")
    assert office.violations() == []


def test_no_tax_goes_with_it_and_credit_notes_beside_it_take_theirs(office: Office):
    line = Line(description="Day", unit_price=100_000, tax_rate="19")
    owed = invoice(office, "INV-1", None, lines=(line,))
    cash(office, owed, 100_000)
    note = office.do(lambda w: invoices.credit_note(w, owed, amount=11_900, reason="less"))
    bear(office, owed, amount=1_000)
    taxed = "select tax, tax_credited, outstanding from invoice where id = :id"
    assert tuple(office.rows(taxed, id=owed)[0]) == (19_000, 1_900, 6_100)
    assert office.violations() == []
    office.do(lambda w: credits_taken_back.take_back(w, note))
    assert tuple(office.rows(taxed, id=owed)[0]) == (19_000, 0, 18_000)
    assert office.violations() == []


def test_it_keeps_to_the_limit_and_several_do_not_go_around_it(office: Office):
    owed = invoice(office, "INV-1", 10_000)
    cash(office, owed, 9_000)
    with pytest.raises(Refused, match=r"BANK_FEE_MAX allows USD 5\.00"):
        bear(office, owed)
    bear(office, owed, amount=300)
    with pytest.raises(Refused, match=r"BANK_FEE_MAX allows USD 2\.00"):
        bear(office, owed, amount=201)
    bear(office, owed, {"USD": 1_000})
    assert stand(office, owed) == (9_000, 1_000, 0)
    assert office.violations() == []


def test_what_cannot_be_a_fee_is_refused_and_changes_nothing(office: Office):
    ann = customer(office)
    owed = invoice(office, "INV-1", 10_000, customer_id=ann)
    other = cash(office, invoice(office, "INV-2", 100, customer_id=ann), 100)
    draft = invoice(office, "INV-3", 100, customer_id=ann, send=False)
    before = balances(office)
    with pytest.raises(Refused, match="nothing has paid INV-1"):
        bear(office, owed)
    cash(office, owed, 9_900)
    held = balances(office)
    for what, error, more in (
        ("inv_none", NotFound, {}),
        (draft, Refused, {}),
        (owed, Invalid, {"payment_id": other}),
        (owed, Invalid, {"amount": 0}),
        (owed, Refused, {"amount": 101}),
    ):
        with pytest.raises(error):
            bear(office, what, **more)
    with pytest.raises(Invalid):
        office.do(lambda w: short_payments.bear(w, owed, why=" ", bounds={}))
    assert balances(office) == held != before


def test_with_the_payment_that_came_short_its_fee_goes_too(office: Office):
    owed = invoice(office, "INV-1", 10_000)
    payment = cash(office, owed, 9_990)
    bear(office, owed, payment_id=payment)
    claim = office.scalar("select id from allocation")
    office.do(lambda w: allocations.unallocate(w, payment, claim))
    assert stand(office, owed) == (0, 0, 10_000)
    office.do(lambda w: allocations.allocate(w, payment, [Part(invoice_id=owed)]))
    bear(office, owed, payment_id=payment)
    claim = office.scalar("select id from allocation where closed_at is null and amount > 0")
    office.do(lambda w: allocations.unallocate(w, payment, claim))
    assert stand(office, owed) == (0, 0, 10_000)
    other = invoice(office, "INV-2", 10_000)
    payment = cash(office, other, 9_990)
    bear(office, other, payment_id=payment)
    office.do(lambda w: receipts_taken_back.take_back(w, payment))
    assert stand(office, other) == (0, 0, 10_000)
    assert office.violations() == []


def test_it_is_undone_from_its_line_and_an_invoice_that_bears_it_is_not_voided(office: Office):
    owed = invoice(office, "INV-1", 10_000)
    cash(office, owed, 9_990)
    bear(office, owed)
    with pytest.raises(Refused, match="take that back first"):
        office.do(lambda w: invoices.void(w, owed, release_to="credit"))
    seq = office.scalar(
        "select max(seq) from audit_line where action = 'invoice.short_payment_accepted'"
    )
    office.do(lambda w: undoing.undo(w, seq))
    assert stand(office, owed) == (9_990, 0, 10)
    with pytest.raises(Conflict):
        office.do(lambda w: undoing.undo(w, seq))
    office.do(lambda w: invoices.void(w, owed, release_to="credit"))
    assert office.violations() == []


STEPS = st.lists(
    st.tuples(st.sampled_from(("pay", "bear", "back", "credit", "unmatch")), st.integers(1, 900)),
    max_size=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(STEPS)
def test_whatever_is_done_and_undone_no_law_is_broken(office: Office, steps) -> None:
    owed = invoice(office, f"INV-{office.scalar('select count(*) from invoice')}", 10_000)
    for what, amount in steps:
        try:
            _step(office, owed, what, amount)
        except Refused:
            continue
    paid, borne, left = stand(office, owed)
    assert min(paid, borne, left) >= 0
    assert office.violations() == []


def _step(office: Office, owed: str, what: str, amount: int) -> None:
    if what == "pay":
        cash(office, owed, amount * 10)
    elif what == "bear":
        bear(office, owed, amount=amount)
    elif what == "credit":
        office.do(lambda w: invoices.credit_note(w, owed, amount=amount, reason="less"))
    elif what == "back":
        live = "select min(id) from short_payment where invoice_id = :i and closed_at is null"
        back(office, office.scalar(live, i=owed) or "fee_none")
    else:
        claim = office.rows(
            "select id, payment_id from allocation where invoice_id = :i and amount > 0 limit 1",
            i=owed,
        )
        for one in claim:
            office.do(lambda w: allocations.unallocate(w, one.payment_id, one.id))  # noqa: B023
