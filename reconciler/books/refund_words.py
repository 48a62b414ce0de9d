"""A refund in plain words: for the client who waits for it, and for whoever has to do something.

Pure, so that the portal, the screens and the API say the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.books.refund_routes import Keep, Method, Route
from reconciler.books.refunds import NO_BALANCE, RefundStatus, overall
from reconciler.money import shown

# Stripe: "Customers see the refund … approximately 5-10 business days later".
_UNTIL_SEEN = "Your bank usually shows it within 5 to 10 business days."
_S = RefundStatus
_FOR_CLIENT = {
    _S.REQUESTED: "We are looking at this refund. Nothing has been sent yet.",
    _S.APPROVED: f"On its way. {_UNTIL_SEEN}",
    _S.SUBMITTED: f"On its way. {_UNTIL_SEEN}",
    _S.UNKNOWN: f"On its way. {_UNTIL_SEEN}",
    _S.PENDING: f"On its way. {_UNTIL_SEEN}",
    _S.REQUIRES_ACTION: "It needs something from you: please follow the e-mail you were sent "
    "about it.",
    _S.SUCCEEDED: f"Sent back to where you paid from. {_UNTIL_SEEN}",
    _S.FAILED: "Your bank sent it back. We will contact you.",
    _S.CANCELED: "It was called off. No money is on its way.",
    _S.REJECTED: "It was not agreed to. No money is on its way.",
    _S.MANUAL: "We are arranging another way to pay it back. We will contact you.",
}
_PAID: Mapping[str, str] = {
    Method.BANK_TRANSFER: "Paid back to you by bank transfer.",
    Method.CASH: "Paid back to you in cash.",
    Method.CHECK: "Paid back to you by cheque.",
    Method.OTHER: "Paid back to you.",
    Keep.CREDIT: "As agreed, it stays with us as your credit.",
    Keep.DEPOSIT: "As agreed, it stays with us as your deposit.",
}
_ARRIVING = frozenset(
    {_S.APPROVED, _S.SUBMITTED, _S.UNKNOWN, _S.PENDING, _S.REQUIRES_ACTION, _S.SUCCEEDED}
)
_AWAITS_BALANCE = (
    "It is agreed to, and will be sent as soon as we can. There is nothing to do for you."
)

# Stripe's words for why a refund failed (`failure_reason` of a Refund).
_DISPUTED = "charge_for_pending_refund_disputed"
_FAILURES = {
    "lost_or_stolen_card": "the card was lost or stolen",
    "expired_or_canceled_card": "the card has expired or was canceled",
    _DISPUTED: "the customer disputed the payment while it waited",
    NO_BALANCE: "there was not enough on our balance at the rail",
    "declined": "the customer's bank declined it",
    "merchant_request": "it was called off",
    "unknown": "the rail does not say why",
}
# What was paid with takes nothing any more: what is sent there again fails again.
_CLOSED = frozenset({"lost_or_stolen_card", "expired_or_canceled_card"})
_NOT_THERE_AGAIN = (
    "Pay it another way, with a second person; or keep it as credit or deposit, if the customer "
    "agrees. What it was paid with is closed: sent on the same rail again, it fails again."
)
_ANOTHER_WAY = (
    "Try it again on the same rail; or pay it another way, with a second person; or keep it as "
    "credit or deposit, if the customer agrees."
)
_NEXT = {
    _S.REQUESTED: "Somebody else than who asked for it approves or declines it.",
    _S.APPROVED: "Nothing to do: it goes out by itself.",
    _S.SUBMITTED: "Nothing to do: the rail's answer is awaited.",
    _S.UNKNOWN: "Nothing to do: it is looked up on the rail before anything is sent again.",
    _S.PENDING: "Nothing to do: the rail has it, and carries it out when it can.",
    _S.REQUIRES_ACTION: "The customer has to follow the rail's e-mail. Until then it can be "
    "called off.",
    _S.SUCCEEDED: "Nothing to do.",
    _S.FAILED: _ANOTHER_WAY,
    _S.CANCELED: "Nothing is on its way. Where the customer still gets this money, pay it another "
    "way or ask for it anew.",
    _S.REJECTED: "Nothing to do.",
    _S.MANUAL: "Look at the payment in the rail's dashboard. Then try it again here, which looks "
    f"there first. {_ANOTHER_WAY}",
}


@dataclass(frozen=True, slots=True)
class LegTold:
    """What the words need of one leg. `amount` in minor units; `sends` is how often it was sent.

    `is_at_rail`: the rail shows, or once showed, a refund of it. `is_uncovered`: what its rail
    holds for us does not carry it, as far as is known here.
    """

    status: RefundStatus
    amount: int
    route: Route = Route.RAIL
    method: str | None = None
    is_by_hand: bool = False
    sends: int = 0
    failure: str | None = None
    is_at_rail: bool = True
    is_uncovered: bool = False

    @property
    def awaits_balance(self) -> bool:
        """Whether it is agreed to and the rail lacks the money; no day can be told of it then."""
        if self.status in {_S.APPROVED, _S.SUBMITTED}:
            return self.is_uncovered and self.route is Route.RAIL
        return self.status is _S.PENDING and self.failure == NO_BALANCE


def for_client(legs: Sequence[LegTold], currency: str) -> str:
    """One or two sentences for the client: where the money is, and what they have to expect."""
    said = {_leg_for_client(leg) for leg in legs}
    if len(said) == 1:
        return said.pop()
    return _of_parts(legs, currency)


def _of_parts(legs: Sequence[LegTold], currency: str) -> str:
    waiting = sum(leg.amount for leg in legs if leg.awaits_balance)
    arriving = sum(leg.amount for leg in legs if leg.status in _ARRIVING) - waiting
    whole = sum(leg.amount for leg in legs)
    if arriving == whole:
        return f"On its way, in parts. {_UNTIL_SEEN}"
    if not arriving and not waiting:
        return _FOR_CLIENT[overall(leg.status for leg in legs)]
    come = f"{shown(arriving, currency)} of {shown(whole, currency)} is on its way or with you. "
    if arriving + waiting == whole:
        return f"{come}The rest will be sent as soon as we can."
    if not arriving:
        some = f"{shown(waiting, currency)} of {shown(whole, currency)}"
        come = f"{some} will be sent as soon as we can. "
    return f"{come}We will contact you about the rest."


def next_step(legs: Sequence[LegTold]) -> str:
    """What somebody here has to do now, in words."""
    status = overall(leg.status for leg in legs)
    by_hand = [leg for leg in legs if leg.status is _S.MANUAL and _waits_for_a_hand(leg)]
    if by_hand:
        how = {leg.method for leg in by_hand if leg.method}
        by = f" by {' and '.join(sorted(how)).replace('_', ' ')}" if how - {Method.OTHER} else ""
        return f"A second person pays it back{by} and records how."
    if any(leg.status is _S.MANUAL and not leg.sends for leg in legs):
        return "It was never sent. Call it off, and ask for what can still be refunded."
    if any(leg.failure == _DISPUTED for leg in legs):
        return "Wait for the dispute: the bank decides who gets this money. Once won, try it again."
    failed = [leg for leg in legs if leg.status is _S.FAILED]
    if status is _S.FAILED and failed and all(is_closed(leg.failure) for leg in failed):
        return _NOT_THERE_AGAIN
    return _of_balance(legs, status) or _NEXT[status]


def _of_balance(legs: Sequence[LegTold], status: RefundStatus) -> str | None:
    if any(leg.status is _S.PENDING and leg.awaits_balance for leg in legs):
        return "Put money on our balance at the rail. The rail carries it out by itself then."
    if status is _S.APPROVED and any(leg.awaits_balance for leg in legs):
        return (
            "Put money on our balance at the rail. It is sent by itself; until there is enough it "
            "waits at the rail where it goes back to a card, and fails where it does not."
        )
    return None


def why(failure: str | None) -> str | None:
    """A rail's code for a failure in words; what is in words already stays."""
    return _FAILURES.get(failure, failure) if failure else None


def is_closed(failure: str | None) -> bool:
    """Whether what it was paid with takes nothing any more, by the rail's code for the failure."""
    return failure in _CLOSED


def _leg_for_client(leg: LegTold) -> str:
    if leg.status is _S.SUCCEEDED and (leg.is_by_hand or leg.route is not Route.RAIL):
        return _PAID.get(leg.method or Method.OTHER, _PAID[Method.OTHER])
    if leg.status is _S.MANUAL and leg.route is Route.HAND and leg.method == Method.BANK_TRANSFER:
        return "We are paying it back to your bank account. We will contact you about it."
    if leg.failure == _DISPUTED and leg.status is _S.FAILED:
        return "The bank is deciding about this payment, and with it about this money."
    if leg.status is _S.FAILED and (not leg.is_at_rail or leg.failure == NO_BALANCE):
        return "It could not be sent. We will contact you."
    if leg.awaits_balance:
        return _AWAITS_BALANCE
    return _FOR_CLIENT[leg.status]


def _waits_for_a_hand(leg: LegTold) -> bool:
    return leg.is_by_hand or leg.route is Route.HAND
