"""How much a pay link may ask for: never more than is left, less what is on its way already."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler import currencies
from reconciler.errors import Conflict, Invalid
from reconciler.money import shown


class PayLinkState(StrEnum):
    """Where a pay link stands: `planned` may be at the rail or not, `closing` is to be ended."""

    PLANNED = "planned"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutOrder:
    """A page to be made on which somebody pays `amount`, in minor units, for a document.

    Sent again under the same `key` it is the same page, so all of it stays as it was first sent.
    """

    link_id: str
    noun: str
    number: str
    amount: int
    currency: str
    email: str | None
    expires_at: datetime
    key: str


def room(*, outstanding: int, on_its_way: int) -> int:
    """What may still be asked for, in minor units."""
    return max(0, outstanding - on_its_way)


def agreed(amount: int | None, *, room: int, currency: str, least: int = 1) -> int:
    """What the link asks for: all that there is room for, or the part that was chosen.

    `least` is taken at a time (books/part_payments.py). Raises Conflict where nothing may be asked
    for, Invalid for an amount that cannot be.
    """
    step = currencies.step(currency)
    most = room - room % step
    if most <= 0:
        raise Conflict("Nothing is left to pay here", field="amount")
    if amount is None:
        return most
    if amount <= 0:
        raise Invalid("An amount must be more than zero", field="amount")
    if amount > most:
        excess = shown(amount - most, currency)
        raise Invalid(f"That is {excess} more than is left to pay", field="amount")
    if amount < least:
        raise Invalid(_too_little(least, most, currency), field="amount")
    if amount % step:
        raise Invalid(f"It has to be a multiple of {shown(step, currency)}", field="amount")
    return amount


def _too_little(least: int, most: int, currency: str) -> str:
    if least == most:
        return f"It has to be paid in full: {shown(most, currency)}"
    return f"At least {shown(least, currency)} has to be paid at a time"
