"""What a payment's facts say of each single object of its rail, in a form that can be compared.

Both sides of a comparison are made by `views`: what a listing of the rail shows is read as facts
and viewed, and what we know of the payment is viewed the same way. So a difference is never one of
wording.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from reconciler.books import payouts
from reconciler.books.observations import BalanceFact, PaymentFacts, RailEvent, RefundStage
from reconciler.books.payouts import PAYMENTS_BALANCE, Movement, PayoutFacts

EVENTS = "event"  # what is listed beside the kinds of objects


class ObjectKind(StrEnum):
    """A kind of object that a rail lists."""

    CHARGE = "charge"
    REFUND = "refund"
    DISPUTE = "dispute"
    MOVEMENT = "balance_transaction"
    PAYOUT = "payout"


@dataclass(frozen=True, slots=True)
class View:
    """One object. `amount` is in minor units of `currency`, `made` the rail's own second.

    `reference` is our name of a refund that was asked for here. It is no part of what is compared.
    """

    kind: ObjectKind
    id: str
    amount: int
    currency: str
    state: str
    made: int
    reference: str | None = field(default=None, compare=False)

    @property
    def is_of_payments(self) -> bool:
        """Whether a movement is on the balance of payments, and on no other one of the rail."""
        return "/" not in self.state


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One row of a rail's listing. `made` is the rail's own second.

    Every object that can be read has a `view`. One of a payment has `facts`; where it names its
    payment only through another object, that is `via`, and `aliases` lead to the payment from now
    on. A payout, or a movement of one, is `payout`; a movement of neither `movement`. An event is
    the event. `why_unread` says in words what of it nobody here can read: that is for a person.
    """

    id: str
    made: int
    view: View | None = None
    facts: PaymentFacts | None = None
    via: str | None = None
    aliases: tuple[str, ...] = ()
    payout: PayoutFacts | None = None
    movement: Movement | None = None
    event: RailEvent | None = None
    why_unread: str | None = None


def views(facts: PaymentFacts) -> Iterator[View]:
    """Every object of the payment that its rail lists. What people did by hand is not there."""
    currency = facts.currency or ""
    for charge in facts.charges.values():
        # Flags that only grow (pending, failed) are no state of now; the money is.
        yield View(ObjectKind.CHARGE, charge.id, charge.captured, currency, "", charge.created)
    for refund in facts.refunds.values():
        if refund.is_by_hand:
            continue
        state = RefundStage(refund.stage).name.lower()
        made, name = refund.created, refund.reference
        yield View(ObjectKind.REFUND, refund.id, refund.amount, currency, state, made, name)
    for dispute in facts.disputes.values():
        state = dispute.shown[2]
        # Its own currency is not known: only its balance rows are money.
        yield View(ObjectKind.DISPUTE, dispute.id, dispute.amount, "", state, dispute.created)
    yield from map(_moved, facts.balance.values())


def views_of_payout(facts: PayoutFacts) -> Iterator[View]:
    """A payout, once its amount is known, and its own movements."""
    currency, amount = payouts.currency_of(facts), payouts.amount(facts)
    if currency is not None and amount is not None and facts.created:
        state = payouts.status(facts).value
        yield View(ObjectKind.PAYOUT, facts.payout_id, amount, currency, state, facts.created)
    yield from map(_moved, facts.rows.values())


def view_of_movement(movement: Movement) -> View:
    """A movement of no payment. On another balance than that of payments its state says so."""
    view = _moved(movement.row)
    if movement.balance_type == PAYMENTS_BALANCE:
        return view
    return replace(view, state=f"{view.state}/{movement.balance_type}")


def _moved(row: BalanceFact) -> View:
    return View(ObjectKind.MOVEMENT, row.id, row.net, row.currency, row.category, row.created)
