"""Credit notes: less is owed, because a person says so or the rail used credit of its own."""

from collections.abc import Collection

import sqlalchemy as sa

from reconciler.books import accounts, invoice_lines
from reconciler.books.invoices import InvoiceState
from reconciler.books.journal import JournalEntry, lines
from reconciler.money import Money
from reconciler.services import ledger, numbering
from reconciler.services.settlement import Scene
from reconciler.store import documents
from reconciler.store.claims import InvoiceRow, PaymentRow
from reconciler.store.invoices import CreditNote
from reconciler.work import Work

PREFIX = "CN-"

# our invoice -> (rail, its own invoice) -> the credit that it used there, and what it left to pay
RailCredits = dict[str, dict[tuple[str, str], tuple[int, int]]]

_NOTED = sa.text(
    """select coalesce(sum(amount), 0)::bigint from credit_note
    where invoice_id = :invoice and starts_with(id, :prefix)"""
)


def write(work: Work, invoice: InvoiceRow, note_id: str, *, amount: int, reason: str) -> str:
    """Note `amount` minor units on a locked invoice, which is then to be settled; gives its number.

    It gets the next number of its own. Its tax is what the notes so far lower together, less what
    those before it did: so that the notes of an invoice add up to its tax.
    """
    upto = invoice.credited_by_notes + amount
    before, now = (
        invoice_lines.tax_share(tax=invoice.tax, total=invoice.total, credited=credited)
        for credited in (invoice.credited_by_notes, upto)
    )
    number = numbering.next_free(work.session, "credit_note", PREFIX)
    # What was paid beyond what is left of the invoice then, of which somebody says what becomes.
    freed = max(0, amount - invoice.outstanding)
    note = CreditNote(
        id=note_id,
        number=number,
        invoice_id=invoice.id,
        amount=amount,
        tax=now - before,
        freed=freed,
        reason=reason,
        cause_kind=work.cause.kind,
        cause_id=work.cause.id,
        created_at=work.now,
    )
    work.session.add(note)
    work.session.flush()
    invoice.credit_notes += amount
    invoice.is_changed = True
    ledger.post(work, [_credited(note, invoice.currency)])
    return number


def is_of_a_rail(note: CreditNote) -> bool:
    """Whether it follows the rail's own credit, and not what somebody here wrote."""
    return "_" in note.id.removeprefix("cn_")  # the rail and the name of its invoice: follow_rail


def given_by_rail(work: Work, rows: Collection[PaymentRow]) -> RailCredits:
    """Our invoices on whose counterpart at the rail its own credit was used, as payments tell."""
    told: dict[tuple[str, str], tuple[int, int]] = {}
    for row in rows:
        for rail_invoice, amounts in row.facts.rail_credits.items():
            at = (row.facts.rail, rail_invoice)
            told[at] = max(told.get(at, amounts), amounts)
    found: RailCredits = {}
    for rail in {rail for rail, _ in told}:
        names = [name for (where, name), (used, _) in told.items() if where == rail and used]
        for name, document in documents.by_rail_objects(work.session, rail, names).items():
            if not document.is_deposit:
                found.setdefault(document.id, {})[rail, name] = told[rail, name]
    return found


def follow_rail(work: Work, scene: Scene, given: RailCredits) -> None:
    """Note what of the rail's credit is not noted yet. The invoices are locked in the scene.

    Never more than our invoice is beyond what the rail left to pay: ours may have been written
    with the credit taken off already.
    """
    for invoice_id, told in sorted(given.items()):
        invoice = scene.invoices[invoice_id]
        if invoice.state != InvoiceState.SENT:
            continue  # it is decided again when it is sent
        for (rail, name), (used, due) in sorted(told.items()):
            # Several payments of one invoice of the rail tell of the same credit: its name is in
            # the note's, so that it is noted once.
            prefix = f"cn_{rail}_{name}_"
            noted = work.session.execute(_NOTED, {"invoice": invoice_id, "prefix": prefix}).scalar()
            credit = min(used, invoice.total - due)
            amount = min(credit - int(noted or 0), invoice.total - invoice.credit_notes)
            if amount > 0:
                reason = f"Credit of the customer at {rail}, used on its invoice {name}"
                write(work, invoice, f"{prefix}{credit}", amount=amount, reason=reason)


def _credited(note: CreditNote, currency: str) -> JournalEntry:
    return JournalEntry(
        key=f"credit_note/{note.id}",
        postings=lines(
            Money(note.amount, currency),
            debit=accounts.CREDITS,
            credit=accounts.ACCOUNTS_RECEIVABLE,
        ),
        invoice_id=note.invoice_id,
    )
