"""A credit note that was wrong, taken back: the invoice is owed again what it had lowered.

The note stays as it was written, its number too; what it did is reversed. Money that it had freed
pays the invoice again, unless it was used since: then what uses it is taken back first.
"""

import sqlalchemy as sa

from reconciler.books import accounts, invoice_lines, texts
from reconciler.books.invoices import InvoiceState
from reconciler.books.journal import JournalEntry, lines
from reconciler.errors import Conflict, NotFound, Refused
from reconciler.money import Money, shown
from reconciler.services import (
    allocations,
    audit,
    credit_notes,
    freeing,
    ledger,
    projects,
    settlement,
)
from reconciler.services.allocations import Part
from reconciler.store import claims
from reconciler.store.claims import InvoiceRow
from reconciler.store.invoices import CreditNote, CreditNoteTakenBack
from reconciler.work import Work

REASON_CHARS_MAX = 500
GONE = "it is taken back already"

_PAYERS = sa.text("select distinct payment_id from allocation where invoice_id = :id")
_PROJECT = sa.text("select project_id from invoice where id = :id")
_ASKED_BACK = sa.text(
    """select l.refund_id from refund_leg l where l.payment_id = any(:payments)
      and l.replaced_by is null
      and l.status in ('requested', 'approved', 'submitted', 'unknown', 'manual') limit 1"""
)


def take_back(work: Work, note_id: str, *, reason: str | None = None) -> None:
    """Reverse a credit note that a person or a program wrote.

    Raises NotFound, Invalid, Conflict where it is taken back already or what it freed was used
    since, and Refused for credit of the rail, or where the project's price leaves no room for it.
    """
    why = texts.line(reason, field="reason", chars_max=REASON_CHARS_MAX) if reason else None
    note = work.session.get(CreditNote, note_id)
    if note is None:
        raise NotFound(f"there is no credit note {note_id}")
    if credit_notes.is_of_a_rail(note):
        raise Refused("the rail used credit of its own there: it is corrected at the rail")
    payers = sorted(work.session.scalars(_PAYERS, {"id": note.invoice_id}))
    claims.lock_payments(work.session, payers)
    held = freeing.hold(work, note.invoice_id)
    invoice = held.invoice
    if work.session.get(CreditNoteTakenBack, note_id) is not None:
        raise Conflict(GONE)
    assert invoice.state == InvoiceState.SENT, "what has credit notes is not voided"
    _within_the_price(work, note)
    if note.freed:
        _not_asked_back(work, payers)
    was_paid = invoice.paid
    _reverse(work, note, invoice, why)
    settlement.finish(work, held.scene)
    missing = note.freed - (invoice.paid - was_paid)
    if missing > 0:
        _bring_back(work, invoice, payers, missing)
    said = {
        "credit_note": note.id, "number": note.number, "amount": note.amount,
        "currency": invoice.currency,
    }  # fmt: skip
    audit.note(work, "invoice.credit_taken_back", invoice.id, before=said, why=why)


def _reverse(work: Work, note: CreditNote, invoice: InvoiceRow, why: str | None) -> None:
    left = invoice.credited_by_notes - note.amount
    # Its tax as the others make it now: so that those that stand add up to theirs.
    before, now = (
        invoice_lines.tax_share(tax=invoice.tax, total=invoice.total, credited=credited)
        for credited in (invoice.credited_by_notes, left)
    )
    work.session.add(
        CreditNoteTakenBack(
            credit_note_id=note.id,
            tax=before - now,
            reason=why,
            cause_kind=work.cause.kind,
            cause_id=work.cause.id,
            created_at=work.now,
        )
    )
    work.session.flush()
    invoice.credit_notes -= note.amount
    invoice.is_changed = True
    entry = JournalEntry(
        key=f"credit_note/{note.id}/taken_back",
        reverses=f"credit_note/{note.id}",
        postings=lines(
            Money(note.amount, invoice.currency),
            debit=accounts.ACCOUNTS_RECEIVABLE,
            credit=accounts.CREDITS,
        ),
        invoice_id=invoice.id,
    )
    ledger.post(work, [entry])


def _within_the_price(work: Work, note: CreditNote) -> None:
    """What was credited may have been billed anew since. Raises Refused."""
    project_id = work.session.scalar(_PROJECT, {"id": note.invoice_id})
    if project_id is None:
        return
    project = projects.lock(work, project_id)
    room = project.approved_price - projects.billed(work, project_id)
    if note.amount > room:
        left = shown(max(0, room), project.currency)
        raise Refused(
            f"what it credited was billed anew since: {left} of the price of {project.name} is not"
            " billed yet"
        )


def _not_asked_back(work: Work, payers: list[str]) -> None:
    refund = work.session.scalar(_ASKED_BACK, {"payments": payers})
    if refund is not None:
        raise Conflict(f"a refund of what it freed is asked for ({refund}): cancel that first")


def _bring_back(work: Work, invoice: InvoiceRow, payers: list[str], missing: int) -> None:
    """Put what the note had freed on the invoice again. Raises Conflict where it was used since."""
    rows = claims.lock_payments(work.session, payers)
    scene = settlement.stage(work, rows, invoices=[invoice.id])
    for payment_id in payers:
        amount = min(missing, settlement.unapplied(scene, payment_id))
        if amount > 0:
            allocations.allocate(work, payment_id, [Part(invoice_id=invoice.id, amount=amount)])
            missing -= amount
    if missing > 0:
        raise Conflict(
            f"{shown(missing, invoice.currency)} of what it freed was used since: take that back"
            " first, or invoice the amount anew"
        )
