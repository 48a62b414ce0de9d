"""Payouts and balance rows as facts."""

from reconciler.books import disputes
from reconciler.books.payments import REFUND_CATEGORIES
from reconciler.books.payouts import (
    CATEGORIES,
    PAYMENTS_BALANCE,
    Movement,
    PayoutFacts,
    PayoutStage,
)
from reconciler.books.posting_rules import CHARGE_CATEGORIES
from reconciler.errors import Invalid
from reconciler.rails.protocol import Sighting
from reconciler.rails.stripe.envelope import OWN_ACCOUNT, RAIL
from reconciler.rails.stripe.fields import (
    Obj,
    currency,
    expanded,
    identifier,
    link,
    mapping,
    seconds,
    signed_amount,
    text,
    word,
)
from reconciler.rails.stripe.parts import balance_fact, expanded_rows, facts_of, unknown_word

_STAGES = {
    "pending": PayoutStage.PENDING,
    "in_transit": PayoutStage.IN_TRANSIT,
    "paid": PayoutStage.PAID,
    "canceled": PayoutStage.CANCELED,
    "failed": PayoutStage.FAILED,
}
_OF_PAYMENTS = (
    CHARGE_CATEGORIES | REFUND_CATEGORIES | disputes.CATEGORIES | disputes.RETURN_CATEGORIES
)
# What the source of a payment's row begins with: charges, refunds and disputes.
_PAYMENT_SOURCES = ("ch_", "py_", "re_", "pyr_", "dp_", "du_")


def payout_facts(payout: Obj, at: int) -> Sighting:
    """A payout. Its amount is negative where Stripe takes money from the bank. Raises Invalid."""
    payout_id = identifier(payout.get("id"), "payout.id")
    paid_in = currency(payout)
    if paid_in is None or payout.get("amount") is None:
        raise Invalid("a payout without an amount or a currency", field="amount")
    status = word(payout, "status")
    facts = PayoutFacts(
        rail=RAIL,
        account=OWN_ACCOUNT,
        payout_id=payout_id,
        currency=paid_in,
        amount=signed_amount(payout, "amount"),
        stage=_STAGES.get(status or "", PayoutStage.PENDING),
        is_automatic=payout.get("automatic") is True,
        is_instant=word(payout, "method") == "instant",
        is_listable=word(payout, "reconciliation_status") == "completed",
        arrival=(at, seconds(payout, "arrival_date")),
        rows=expanded_rows(payout, "balance_transaction", "failure_balance_transaction"),
        balance_ref=link(payout, "balance_transaction"),
        failure_ref=link(payout, "failure_balance_transaction"),
        failure=word(payout, "failure_code"),
        original=link(payout, "original_payout"),
        reversed_by=link(payout, "reversed_by"),
        trace_id=text(mapping(payout, "trace_id"), "value") or None,  # null until the bank has it
        descriptor=text(payout, "statement_descriptor") or None,
        # Nothing else of the bank account is kept.
        destination_last4=text(expanded(payout, "destination") or {}, "last4")[-4:] or None,
        livemode=payout.get("livemode") is True,
        created=seconds(payout, "created"),
    )
    return Sighting(payout=facts, kept_for=unknown_word("payout", status, _STAGES))


def row_facts(row: Obj) -> Sighting:
    """One row of the balance: of a payment (by its `via`), a payout, or neither. Raises Invalid."""
    fact = balance_fact(row)
    balance_type = word(row, "balance_type") or PAYMENTS_BALANCE
    if balance_type == PAYMENTS_BALANCE and fact.source:
        if fact.category in CATEGORIES:
            return Sighting(
                payout=PayoutFacts(
                    rail=RAIL, account=OWN_ACCOUNT, payout_id=fact.source, rows={fact.id: fact}
                )
            )
        # A fee of its own can name the charge that it is for: then it is the payment's.
        if fact.category in _OF_PAYMENTS or fact.source.startswith(_PAYMENT_SOURCES):
            return Sighting(facts=facts_of(payment_id="", balance={fact.id: fact}), via=fact.source)
    return Sighting(
        movement=Movement(
            rail=RAIL,
            account=OWN_ACCOUNT,
            row=fact,
            kind=word(row, "type") or fact.category,
            balance_type=balance_type,
        )
    )
