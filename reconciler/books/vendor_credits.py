"""Credit notes of vendors: what cost less is credit with the vendor, until something uses it.

It stands where money paid ahead stands, because from then on it is the same: a bill absorbs it, or
the vendor pays it out. Only where it came from differs: it lowers expenses and input tax, not the
bank.
"""

from collections.abc import Mapping
from datetime import date

from reconciler.books import accounts
from reconciler.books.bills import costed
from reconciler.books.journal import JournalEntry
from reconciler.errors import Invalid, Refused


def may_be_noted(*, total: int, tax: int) -> None:
    """It has to lower something, and not by tax alone. Raises Invalid."""
    if not 0 <= tax < total:
        raise Invalid("a credit note comes to more than its tax, and to more than nothing",
                      field="lines")  # fmt: skip


def may_be_voided(number: str, *, applied: int, refunded: int, is_void: bool) -> None:
    """Only one that nothing became of. Raises Refused with what is in the way."""
    if is_void:
        raise Refused(f"credit note {number} is void already")
    if applied or refunded:
        raise Refused(
            f"credit note {number} was used; take it off its bills, and its refunds back, first"
        )


def noted_entry(
    prepayment_id: str, *, costs: Mapping[str, int], tax: int, currency: str, on: date
) -> JournalEntry:
    """The vendor owes us for it since that day, and what it is for has cost less. Minor units."""
    return JournalEntry(
        key=f"vendor_credit/{prepayment_id}/noted",
        postings=tuple(costed(costs, tax, currency, against=accounts.VENDOR_PREPAYMENTS, sign=-1)),
        prepayment_id=prepayment_id,
        on=on,
    )


def voided_entry(
    prepayment_id: str, *, costs: Mapping[str, int], tax: int, currency: str
) -> JournalEntry:
    """It was never given: the mirror."""
    return JournalEntry(
        key=f"vendor_credit/{prepayment_id}/voided",
        postings=tuple(costed(costs, tax, currency, against=accounts.VENDOR_PREPAYMENTS, sign=1)),
        reverses=f"vendor_credit/{prepayment_id}/noted",
        prepayment_id=prepayment_id,
    )
