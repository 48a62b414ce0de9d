"""The parts of a payment that move money after it: refunds, disputes and balance rows, as facts."""

from collections.abc import Collection, Sequence
from functools import partial

from reconciler.books.observations import (
    BalanceFact,
    DisputeFact,
    PaymentFacts,
    RefundFact,
    RefundStage,
)
from reconciler.books.payments import RELEASED_CATEGORY
from reconciler.errors import Invalid
from reconciler.rails.protocol import Sighting
from reconciler.rails.stripe.envelope import OWN_ACCOUNT, RAIL
from reconciler.rails.stripe.fields import (
    Obj,
    amount,
    currency,
    expanded,
    identifier,
    link,
    mapping,
    rows,
    seconds,
    signed_amount,
    text,
    word,
)

REFERENCE_KEY = "reconciler_refund_id"  # in a refund's metadata: the leg of ours that made it
FOR_EVER = 1 << 52  # an instant after all others: the word of a state that is never left

_REFUND_STAGES = {
    "pending": RefundStage.PROMISED,
    "requires_action": RefundStage.PROMISED,
    "succeeded": RefundStage.LEFT,
    "failed": RefundStage.FAILED,
    "canceled": RefundStage.CANCELED,
}
_WAITING = ("pending", "requires_action")
_REFUND_RANKS = ("pending", "requires_action", "succeeded", "canceled", "failed")
# As a dispute goes on: of two words of the same second the later one is shown.
_DISPUTE_RANKS = (
    "warning_needs_response",
    "warning_under_review",
    "warning_closed",
    "prevented",
    "needs_response",
    "under_review",
    "charge_refunded",
    "lost",
    "appeal_needs_response",  # only of what was lost
    "appeal_under_review",
    "won",
)

facts_of = partial(PaymentFacts, rail=RAIL, account=OWN_ACCOUNT)


def refund_facts(refund: Obj, at: int, *, payment_id: str | None = None) -> Sighting:
    """Money going back, or a remainder let go that an old API version shows as a refund."""
    refund_id = identifier(refund.get("id"), "refund.id")
    payment_id, via = _payment_of_part(refund, payment_id)
    if payment_id is None:  # money of a customer's cash balance: no payment is behind it
        return Sighting(kept_for="refund of a customer's cash balance")
    fact = _refund_fact(refund, refund_id, at)
    facts = facts_of(
        payment_id=payment_id,
        currency=currency(refund),
        refunds={refund_id: fact} if fact else {},
        balance=expanded_rows(refund, "balance_transaction", "failure_balance_transaction"),
        livemode=refund.get("livemode") is True,
        created=seconds(refund, "created"),
    )
    kept_for = None if fact else f"the refund's status {word(refund, 'status')!r} is unknown"
    return Sighting(facts=facts, via=via, aliases=(refund_id,), kept_for=kept_for)


def dispute_facts(dispute: Obj, at: int, *, payment_id: str | None = None) -> Sighting:
    """The bank's claim. Its currency may differ from the payment's, so it names none."""
    dispute_id = identifier(dispute.get("id"), "dispute.id")
    payment_id, via = _payment_of_part(dispute, payment_id)
    if payment_id is None:
        return Sighting(kept_for="dispute of no payment")
    status = word(dispute, "status") or ""
    is_inquiry = status.startswith("warning_")
    fact = DisputeFact(
        id=dispute_id,
        amount=amount(dispute, "amount"),  # may exceed the charge: it can bundle several payments
        is_inquiry=is_inquiry,
        was_formal=not is_inquiry,
        shown=(at, _rank(status, _DISPUTE_RANKS), status),  # no word is final: `lost` can be won
        charge=link(dispute, "charge"),
        reason=word(dispute, "reason"),
        evidence_due=seconds(mapping(dispute, "evidence_details"), "due_by") or None,
        created=seconds(dispute, "created"),
    )
    facts = facts_of(
        payment_id=payment_id,
        disputes={dispute_id: fact},
        balance=_dispute_rows(dispute, dispute_id),
        livemode=dispute.get("livemode") is True,
        created=fact.created,
    )
    return Sighting(
        facts=facts,
        via=via,
        aliases=(dispute_id,),
        kept_for=unknown_word("dispute", status, _DISPUTE_RANKS),
    )


def balance_fact(row: Obj, *, source: str | None = None) -> BalanceFact:
    """One movement of our balance at Stripe, in the settlement currency."""
    settled = currency(row)
    if settled is None:
        raise Invalid("a balance transaction without a currency", field="currency")
    moved = signed_amount(row, "amount")
    return BalanceFact(
        id=identifier(row.get("id"), "balance_transaction.id"),
        amount=moved,
        fee=signed_amount(row, "fee"),  # negative where a fee comes back
        currency=settled,
        # Stripe's advice: go by this one; `type` lumps withdrawals and reversals together.
        category=word(row, "reporting_category") or word(row, "type") or "unknown",
        source=source or link(row, "source"),
        created=seconds(row, "created"),
    )


def expanded_rows(obj: Obj, *fields: str) -> dict[str, BalanceFact]:
    """The balance rows in link fields, as far as they were expanded."""
    found = (expanded(obj, field) for field in fields)
    facts = (balance_fact(row) for row in found if row)
    return {fact.id: fact for fact in facts}


def unknown_word(noun: str, status: str | None, known: Collection[str]) -> str | None:
    """Why a message has to be seen by a person; None for a word that is known, or absent."""
    is_known = status is None or status in known
    return None if is_known else f"the {noun}'s status {status!r} is unknown"


def _refund_fact(refund: Obj, refund_id: str, at: int) -> RefundFact | None:
    """None where its status is a word that nobody has classified: a person has to look."""
    status = word(refund, "status")
    balance_ref = link(refund, "balance_transaction")
    # The oldest refunds carry no status at all; their balance row proves that they left.
    stage = _REFUND_STAGES.get(status or ("succeeded" if balance_ref else ""))
    if stage is None:
        return None
    if stage == RefundStage.PROMISED and balance_ref:
        stage = RefundStage.LEFT
    is_over = stage in {RefundStage.FAILED, RefundStage.CANCELED}
    category = text(expanded(refund, "balance_transaction") or {}, "reporting_category")
    reason = word(refund, "reason")
    shown = status or "succeeded"
    return RefundFact(
        id=refund_id,
        amount=amount(refund, "amount"),
        stage=stage,
        shown=(FOR_EVER if is_over else at, _REFUND_RANKS.index(shown), shown),
        charge=link(refund, "charge"),
        reference=text(mapping(refund, "metadata"), REFERENCE_KEY) or None,
        # A quick real refund is a "reversal" to the card networks too; the category alone tells.
        is_released=category == RELEASED_CATEGORY or reason == "expired_uncaptured_charge",
        # A remainder is let go at once; what waits is a customer's money on its way back.
        is_real=category == "refund" or status in _WAITING,
        balance_ref=balance_ref,
        failure_ref=link(refund, "failure_balance_transaction"),
        failure_reason=word(refund, "failure_reason"),
        reason=reason,
        waits=(at, word(refund, "pending_reason") or ""),
        created=seconds(refund, "created"),
    )


def _dispute_rows(dispute: Obj, dispute_id: str) -> dict[str, BalanceFact]:
    """Its money: a dispute shows its balance rows whole, and no other field may be booked."""
    single = expanded(dispute, "balance_transaction")  # the oldest shape knows but one
    found = rows(dispute, "balance_transactions") or ([single] if single else [])
    facts = (balance_fact(row, source=dispute_id) for row in found)
    return {fact.id: fact for fact in facts}


def _payment_of_part(part: Obj, parent: str | None) -> tuple[str | None, str | None]:
    """The payment of a refund or dispute, or the charge through which it has to be looked up."""
    charge_id = link(part, "charge")
    charge = expanded(part, "charge") or {}
    known = parent or link(part, "payment_intent") or link(charge, "payment_intent")
    if known or charge_id is None:
        return known, None
    if charge or "payment_intent" in part:  # null: there is none, and the charge is the payment
        return charge_id, None
    return "", charge_id


def _rank(status: str, ranks: Sequence[str]) -> int:
    return ranks.index(status) if status in ranks else 0
