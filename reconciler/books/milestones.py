"""A milestone's status: that of the document which asks for its money; never set by hand."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from reconciler.books.invoices import InvoiceStatus


class MilestoneKind(StrEnum):
    """Where in a project it stands."""

    DEPOSIT = "deposit"
    MIDPOINT = "midpoint"
    FINAL = "final"
    NAMED = "named"


# What a milestone is called that was given no name; a named one is called what it is named.
NAMES = {
    MilestoneKind.DEPOSIT: "Deposit",
    MilestoneKind.MIDPOINT: "Midpoint",
    MilestoneKind.FINAL: "Final payment",
}


@dataclass(frozen=True, slots=True)
class Held:
    """A deposit asked for by a milestone: what is expected and what came, in minor units."""

    amount: int
    received: int


def status(
    invoice: InvoiceStatus | None, deposit: Held | None, *, due_on: date | None, today: date
) -> InvoiceStatus:
    """The status of the milestone.

    `invoice` is that of its invoice, where it has one that is not void; it says all. Before there
    is one, a deposit that was asked for speaks: its money is held, and the milestone paid. With
    neither it is a draft.
    """
    if invoice is not None:
        return invoice
    if deposit is None:
        return InvoiceStatus.DRAFT
    if deposit.received >= deposit.amount:
        return InvoiceStatus.PAID
    if due_on is not None and due_on < today:
        return InvoiceStatus.OVERDUE
    return InvoiceStatus.PARTIALLY_PAID if deposit.received else InvoiceStatus.SENT
