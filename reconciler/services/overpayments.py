"""What a customer wants done with money beyond what is owed, done once it has come to rest.

A step of its own after settling, under the payment's lock, as a person would take it: settling
itself stays a function of facts and claims alone (decisions/0052). All that it does can be undone
like anything a person does. What was paid twice is nobody's wish to pay ahead: unless the policy is
to give it back, a person is asked.
"""

from datetime import datetime, timedelta

from sqlmodel import Session

from reconciler.books.consent import RefundPolicy
from reconciler.books.overpayments import OverpaymentPolicy
from reconciler.books.refunds import RefundReason
from reconciler.books.reviews import MATCHING_KINDS
from reconciler.money import shown
from reconciler.services import allocations, audit, deposits, refund_requests, reviews
from reconciler.services.allocations import Part
from reconciler.services.deposits import NewDeposit
from reconciler.services.refund_grounds import RefundAsk
from reconciler.store import claims, overpayments as store
from reconciler.store.overpayments import Overpaid
from reconciler.work import Work

# News of one payment comes within minutes; a refund made by somebody who saw it does too.
REST = timedelta(minutes=10)
BATCH_MAX = 100


def due(session: Session, now: datetime) -> list[str]:
    """Payments whose excess a policy speaks of, and which have come to rest."""
    return store.payments_due(session, until=now - REST, limit=BATCH_MAX)


def are_due(session: Session, now: datetime) -> bool:
    """Whether there are any."""
    return store.are_any_due(session, until=now - REST)


def follow_policy(work: Work, payment_id: str, refunds: RefundPolicy) -> None:
    """Do what the customer's policy says with a payment's excess, if it still has one.

    Raises Refused where a refund may not be asked for, for example of disputed money.
    """
    claims.lock_payments(work.session, [payment_id])
    asked = store.question(work.session, payment_id)
    if asked is None:
        return
    policy = OverpaymentPolicy(asked.policy)
    store.note_seen(work.session, payment_id)
    twice = store.twice(work.session, [payment_id]).get(payment_id)
    if policy is OverpaymentPolicy.REFUND:
        later = twice.later.payment_id if twice else payment_id
        amount = min(asked.amount, twice.later.kept) if twice else asked.amount
        reason = RefundReason.DUPLICATE if twice else RefundReason.OVERPAYMENT
        ask = RefundAsk(reason=reason.value, payment_id=later, amount=amount, note=_WHY)
        made = refund_requests.request(work, ask, refunds)
        _note(work, payment_id, asked, {"refund": made})
    elif policy is OverpaymentPolicy.DEPOSIT and not twice:
        _to_deposit(work, payment_id, asked)
    elif policy is OverpaymentPolicy.NEXT_INVOICE and not twice:
        _to_invoices(work, payment_id, asked)


def let_be(work: Work, payment_id: str) -> None:
    """The policy could not be followed: a person is asked as ever, and it is not tried again."""
    store.note_seen(work.session, payment_id)


_WHY = "By the customer's policy for overpayments"


def _to_deposit(work: Work, payment_id: str, asked: Overpaid) -> None:
    new = NewDeposit(
        customer_id=asked.customer_id, currency=asked.currency, amount=asked.amount, notes=_WHY
    )
    made = deposits.create(work, new)
    _close(work, payment_id, f"kept as a deposit: {shown(asked.amount, asked.currency)}")
    allocations.allocate(work, payment_id, [Part(deposit_id=made, amount=asked.amount)])
    _note(work, payment_id, asked, {"deposit": made})


def _to_invoices(work: Work, payment_id: str, asked: Overpaid) -> None:
    left, parts, numbers = asked.amount, [], []
    for owed in store.owed_by(work.session, asked.customer_id, asked.currency):
        amount = min(left, owed.outstanding)
        if amount:
            parts.append(Part(invoice_id=owed.id, amount=amount))
            numbers.append(owed.number)
            left -= amount
    if parts:
        _close(work, payment_id, f"credited to {', '.join(numbers)}")
        allocations.allocate(work, payment_id, parts)
        _note(work, payment_id, asked, {"invoices": numbers})


def _close(work: Work, payment_id: str, what: str) -> None:
    said = f"{_WHY.lower()}: {what}"
    reviews.close_items(work, MATCHING_KINDS, [payment_id], resolution=said)


def _note(work: Work, payment_id: str, asked: Overpaid, became: dict[str, object]) -> None:
    after = {"policy": asked.policy, "amount": asked.amount, "currency": asked.currency} | became
    audit.note(work, "overpayment.policy_followed", payment_id, after=after, why=_WHY)
