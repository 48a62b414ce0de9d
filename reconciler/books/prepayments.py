"""Money paid to a vendor ahead of their bill: an asset until bills absorb it. Mirrors deposits."""

from datetime import date
from enum import StrEnum

from reconciler.books import accounts, journal
from reconciler.books.journal import JournalEntry
from reconciler.errors import Refused
from reconciler.money import Money, shown


class PrepaymentKind(StrEnum):
    """Where credit with a vendor came from: money that left the bank, or a note that they wrote."""

    PAID_AHEAD = "paid_ahead"
    CREDIT_NOTE = "credit_note"


class PrepaymentStatus(StrEnum):
    """How much of it bills have absorbed, or the vendor has given back."""

    UNAPPLIED = "unapplied"
    PARTIALLY_APPLIED = "partially_applied"
    COMPLETED = "completed"
    VOID = "void"


def remaining(*, amount: int, applied: int, refunded: int) -> int:
    """What is left to apply or to be given back, in minor units."""
    rest = amount - applied - refunded
    assert rest >= 0, f"applied {applied} and refunded {refunded} of {amount}"
    return rest


def status(*, amount: int, applied: int, refunded: int, is_void: bool) -> PrepaymentStatus:
    """Completed once nothing is left of what was paid, as with deposits."""
    if is_void:
        return PrepaymentStatus.VOID
    if remaining(amount=amount, applied=applied, refunded=refunded) == 0:
        return PrepaymentStatus.COMPLETED
    return PrepaymentStatus.PARTIALLY_APPLIED if applied else PrepaymentStatus.UNAPPLIED


def to_apply(amount: int | None, *, remaining: int, owed: int, currency: str) -> int:
    """How much a bill absorbs: as much as there is and as is owed, unless an amount is given.

    Raises Refused, naming the excess, for more than either.
    """
    if amount is None and not (remaining and owed):
        where = "of the prepayment" if not remaining else "on the bill"
        what = "remains" if not remaining else "is owed"
        raise Refused(f"nothing {what} {where}", field="amount")
    wanted = min(remaining, owed) if amount is None else amount
    _is_at_most(wanted, remaining, "remains of the prepayment", currency)
    _is_at_most(wanted, owed, "is owed on the bill", currency)
    return wanted


def to_refund(amount: int | None, *, remaining: int, currency: str) -> int:
    """How much the vendor gave back: all that remains, unless an amount is given.

    Raises Refused, naming the excess.
    """
    if not remaining:
        raise Refused("nothing remains of the prepayment", field="amount")
    wanted = remaining if amount is None else amount
    _is_at_most(wanted, remaining, "remains of the prepayment", currency)
    return wanted


def may_be_voided(code: str, *, applied: int, refunded: int, is_void: bool) -> None:
    """Only one that nothing became of. Raises Refused with what is in the way."""
    if is_void:
        raise Refused(f"prepayment {code} is void already")
    if applied or refunded:
        raise Refused(
            f"prepayment {code} was used; take it off its bills, and its refunds back, first"
        )


def paid_entry(prepayment_id: str, amount: Money, *, on: date | None = None) -> JournalEntry:
    """Money left the bank on that day, and the vendor owes us for it."""
    postings = journal.lines(amount, debit=accounts.VENDOR_PREPAYMENTS, credit=accounts.BANK)
    return JournalEntry(
        key=f"prepayment/{prepayment_id}/paid",
        postings=postings,
        prepayment_id=prepayment_id,
        on=on,
    )


def voided_entry(prepayment_id: str, amount: Money) -> JournalEntry:
    """It was never paid: the mirror."""
    postings = journal.lines(-amount, debit=accounts.VENDOR_PREPAYMENTS, credit=accounts.BANK)
    return JournalEntry(
        key=f"prepayment/{prepayment_id}/voided",
        postings=postings,
        reverses=f"prepayment/{prepayment_id}/paid",
        prepayment_id=prepayment_id,
    )


def applied_entry(
    application_id: str, prepayment_id: str, bill_id: str, amount: Money
) -> JournalEntry:
    """A bill is owed that much less, and the prepayment holds that much less."""
    return JournalEntry(
        key=f"prepayment_application/{application_id}/applied",
        postings=journal.lines(
            amount, debit=accounts.ACCOUNTS_PAYABLE, credit=accounts.VENDOR_PREPAYMENTS
        ),
        prepayment_id=prepayment_id,
        bill_id=bill_id,
    )


def unapplied_entry(
    application_id: str, prepayment_id: str, bill_id: str, amount: Money
) -> JournalEntry:
    """The mirror: it is free again, and the bill is owed again."""
    return JournalEntry(
        key=f"prepayment_application/{application_id}/unapplied",
        postings=journal.lines(
            -amount, debit=accounts.ACCOUNTS_PAYABLE, credit=accounts.VENDOR_PREPAYMENTS
        ),
        reverses=f"prepayment_application/{application_id}/applied",
        prepayment_id=prepayment_id,
        bill_id=bill_id,
    )


def refunded_entry(
    refund_id: str, prepayment_id: str, amount: Money, *, on: date | None = None
) -> JournalEntry:
    """The vendor gave money back, and it is at the bank since that day."""
    return _refund(f"vendor_refund/{refund_id}/received", prepayment_id, amount, on=on)


def refund_taken_back_entry(refund_id: str, prepayment_id: str, amount: Money) -> JournalEntry:
    """It never came: the mirror."""
    return _refund(
        f"vendor_refund/{refund_id}/taken_back",
        prepayment_id,
        -amount,
        reverses=f"vendor_refund/{refund_id}/received",
    )


def _refund(
    key: str,
    prepayment_id: str,
    amount: Money,
    *,
    reverses: str | None = None,
    on: date | None = None,
) -> JournalEntry:
    return JournalEntry(
        key=key,
        postings=journal.lines(amount, debit=accounts.BANK, credit=accounts.VENDOR_PREPAYMENTS),
        reverses=reverses,
        prepayment_id=prepayment_id,
        on=on,
    )


def _is_at_most(wanted: int, most: int, what: str, currency: str) -> None:
    if wanted <= 0:
        raise Refused("the amount must be more than nothing", field="amount")
    if wanted > most:
        over = shown(wanted - most, currency)
        raise Refused(f"that is {over} more than {what}", field="amount")
