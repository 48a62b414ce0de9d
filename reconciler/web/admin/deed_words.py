"""What somebody did, as they would say it themselves; and what taking it back will do."""

from collections.abc import Mapping

from reconciler.books.disputes import Decision
from reconciler.books.reviews import ReviewKind
from reconciler.reads.audit import AuditRow
from reconciler.reads.subjects import Subject
from reconciler.web.admin import audit, words
from reconciler.web.admin.question_groups import TITLES

DID = {
    "payment.allocated": "Matched",
    "payment.unallocated": "Took a match back",
    "payment.received_by_hand": "Noted money that was received by hand",
    "payment.receipt_taken_back": "Took money by hand back",
    "deposit.applied": "Applied a deposit",
    "deposit.unapplied": "Took a deposit off its invoice",
    "deposit.forfeited": "Kept a deposit by its terms",
    "invoice.credited": "Wrote a credit note",
    "invoice.credit_taken_back": "Took a credit note back",
    "invoice.short_payment_accepted": "Booked a bank fee",
    "invoice.short_payment_taken_back": "Took a bank fee back",
    "invoice.sent": "Sent an invoice",
    "invoice.voided": "Voided an invoice",
    "refund.requested": "Asked for a refund",
    "refund.changed": "Changed what a refund asks for",
    "refund.approved": "Approved a refund",
    "refund.rejected": "Declined a refund",
    "refund.canceled": "Called a refund off",
    "refund.retried": "Let a refund be tried again",
    "refund.paid_back": "Recorded a refund as paid back by hand",
    "refund.sent_another_way": "Let a refund go another way",
    "refund.kept": "Kept a refund's money for the customer",
    "review_item.resolved": "Answered a question",
    "review_item.assigned": "Assigned a question",
    "review_item.snoozed": "Put a question off",
    "bill.snoozed": "Put a bill off",
    "review_item.decision_taken_back": "Took an answer back",
    "dispute.decided": "Decided about a lost dispute",
    "note.added": "Wrote a note",
    "suspense.moved": "Moved money out of suspense",
    "reminders.paused": "Paused reminders",
    "portal_link.created": "Made a link to a client's page",
    "customer.page_mailed": "Mailed a link to a client's page",
    "payee_account.kept": "Wrote down a bank account",
    "payee_account.removed": "Took a bank account away",
    "bank_line.tied": "Tied a bank line",
    "bank_line.untied": "Untied a bank line",
    "bank_line.set_aside": "Set a bank line aside",
}
# Each of what can be taken back: what that does, as in "Undo: it waits …".
UNDOING = {
    "payment.allocated": "a reversing entry takes it off, and the money waits unmatched again",
    "payment.unallocated": "the money goes back to where it was",
    "payment.received_by_hand": "the money is taken off, and what it paid is owed again",
    "deposit.applied": "the deposit holds the money again, and the invoice is owed again",
    "deposit.unapplied": "the deposit pays the invoice again",
    "deposit.forfeited": "it is no income any more, and the deposit holds it again",
    "invoice.credited": "the credit note is reversed, and the invoice is owed again",
    "invoice.short_payment_accepted": "the fee is reversed, and the invoice is owed again",
    "refund.requested": "the request is called off; nothing is refunded",
    "review_item.resolved": "what the answer booked is reversed, and the question is asked again",
    "review_item.assigned": "it is given back to whose it was before",
    "review_item.snoozed": "it is in sight, or put off, as it was before",
    "bill.snoozed": "it is in sight, or put off, as it was before",
    "dispute.decided": "what was booked for it is reversed, and the loss waits to be decided",
    "reminders.paused": "reminders go on",
    "portal_link.created": "the link opens nothing any more",
    "suspense.moved": "the money stands in suspense again",
    "bill.paid": "the payment is reversed, and the bill is owed again",
    "bill.payment_taken_back": "the payment is noted again",
    "prepayment.paid": "the prepayment is void, and its money counts as never paid",
    "vendor_credit.noted": "the vendor's credit note is void",
    "prepayment.applied": "the prepayment holds the money again, and the bill is owed again",
    "prepayment.unapplied": "the prepayment pays the bill again",
    "prepayment.refunded": "what the vendor gave back is reversed",
    "prepayment.refund_taken_back": "what the vendor gave back is noted again",
    "bank_line.tied": "the line is tied to nothing again; no money moves",
    "bank_line.untied": "the line is tied again; no money moves",
    "bank_line.set_aside": "the line waits to be tied again",
}


def did(line: AuditRow) -> str:
    """`Approved a refund`."""
    if line.action == "dispute.decided" and line.after.get("decision") == Decision.UNDECIDED:
        return "Took the decision about a lost dispute back"
    return DID.get(line.action) or audit.what(line)


def named(found: Mapping[str, Subject]) -> dict[str, str]:
    """`Invoice INV-12, Ada Birch, $60.00`: each thing in words, by its id."""
    return {name: _named(one) for name, one in found.items()}


def _named(one: Subject) -> str:
    number = one.number
    if one.noun == "person":
        return one.whose or "Somebody"
    if one.noun == "question":
        number = f"\u201c{TITLES[ReviewKind(number)]}\u201d"
    amount = words.shown(one.amount, one.currency) if one.amount is not None else ""
    head = f"{one.noun[:1].upper()}{one.noun[1:]}{' ' if number else ''}{number}"
    return ", ".join(part for part in (head, one.whose or "", amount) if part)
