"""What part of a document may be paid at a time, where we ask for the money.

A customer has a policy and an invoice may have its own. It holds for what a link or the client's
page asks for; money that comes by another way is taken and shown, however much it is.

It is written in one word: `any`, `full`, or the least that is taken at a time, as `at_least:25%` of
the document or as `at_least:5000:USD` in minor units.
"""

import re
from dataclasses import dataclass

from reconciler import currencies
from reconciler.books import plans
from reconciler.errors import Invalid
from reconciler.money import MINOR_MAX, shown

ANY, FULL = "any", "full"
FORM = r"any|full|at_least:[0-9]{1,3}(\.[0-9]{1,2})?%|at_least:[1-9][0-9]{0,14}:[A-Z]{3}"
_SHARE = re.compile(r"at_least:([0-9.]+)%")
_AMOUNT = re.compile(r"at_least:([0-9]+):([A-Za-z]{3})")


@dataclass(frozen=True, slots=True)
class PartPolicy:
    """What part is taken at a time.

    `is_whole`: only all that is left. Else at least a share of the document, in hundredths of a
    percent, or an amount in minor units of one currency, or any part.
    """

    is_whole: bool = False
    share: int | None = None
    amount: int | None = None
    currency: str | None = None

    @property
    def text(self) -> str:
        """As it is kept."""
        if self.is_whole:
            return FULL
        if self.share is not None:
            return f"at_least:{plans.percent(self.share)}%"
        return ANY if self.amount is None else f"at_least:{self.amount}:{self.currency}"


def read(said: object, *, field: str = "part_payments") -> PartPolicy:
    """A policy from its word. Raises Invalid."""
    text = str(said).strip()
    if text == ANY:
        return PartPolicy()
    if text == FULL:
        return PartPolicy(is_whole=True)
    if found := _SHARE.fullmatch(text):
        return PartPolicy(share=plans.share(found[1], field=field))
    if found := _AMOUNT.fullmatch(text):
        amount = int(found[1]) if len(found[1]) <= len(str(MINOR_MAX)) else 0
        if 0 < amount <= MINOR_MAX:
            return PartPolicy(amount=amount, currency=currencies.code(found[2]))
    raise Invalid("say any, full, at_least:25% or at_least:5000:USD (minor units)", field=field)


def least(policy: PartPolicy, *, total: int, room: int, currency: str) -> int:
    """The least that is taken at a time of a document of `total` with `room` left, in minor units.

    Never more than there is room for, so that a last part can always be paid; in amounts that a
    rail takes. A least amount in another currency says nothing.
    """
    step = currencies.step(currency)
    most = room - room % step
    if policy.is_whole:
        return most
    wanted = 1
    if policy.share is not None:
        wanted = -(-total * policy.share // plans.WHOLE)
    elif policy.amount is not None and policy.currency == currency:
        wanted = policy.amount
    return max(0, min(most, -(-wanted // step) * step))


def words(policy: PartPolicy, *, total: int, room: int, currency: str) -> str:
    """What a client is told; nothing where any part will do."""
    if policy.is_whole:
        return "It is to be paid in full."
    if policy.share is None and policy.currency != currency:
        return ""
    if least(policy, total=total, room=room, currency=currency) == room:
        return "The rest is to be paid at once."
    smallest = least(policy, total=total, room=total, currency=currency)
    return f"Pay all of it, or at least {shown(smallest, currency)} at a time."
