"""Payments as lists and screens show them, with where their money is and what happened."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.matching import Strategy
from reconciler.books.observations import PaymentFacts, RefundFact
from reconciler.books.payments import PaymentStatus, is_released
from reconciler.errors import NotFound
from reconciler.reads import timeline
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order
from reconciler.reads.timeline import Happening
from reconciler.store.claims import decode_facts
from reconciler.timestamps import from_epoch

# How sure each way of matching is, in the words that suggestions use.
CONFIDENCE = {
    Strategy.PERSON: "certain",
    Strategy.BY_HAND: "certain",
    Strategy.METADATA: "certain",
    Strategy.MADE_HERE: "certain",
    Strategy.RAIL_INVOICE: "certain",
    Strategy.TEXT: "strong",
    Strategy.CUSTOMER_AMOUNT: "strong",
}


@dataclass(frozen=True, slots=True)
class MatchRow:
    """How the payment came to its target, or why it did not: then `strategy` is null."""

    strategy: str | None
    confidence: str | None
    reasons: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPart:
    """What of a payment is for one invoice or one deposit.

    `amount` is what the target takes up, `gross` what was meant for it, `credited` and
    `reopened` what refunds and disputes took back of that. Minor units.
    """

    id: str
    invoice_id: str | None
    deposit_id: str | None
    number: str
    amount: int
    gross: int
    credited: int
    reopened: int
    strategy: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRefund:
    """Money of this payment that goes or went back. `refund_id` if it was asked for here."""

    rail_refund_id: str | None
    refund_id: str | None
    leg_id: str | None
    amount: int
    status: str
    reason: str | None
    failure: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRow:
    """A payment as its rail knows it, in minor units of `currency`.

    captured less refunded less lost is allocated plus unapplied. `disputed` is what banks took by
    disputes and have not given back, `lost` what of that is gone for good: so after a lost dispute
    both hold it, and the status stays `disputed`. `fee` is in `fee_currency`. `is_held`: a person
    has to say what it is for; not where all of it went back, unless it comes back again.
    """

    id: str
    rail: str
    account: str
    rail_payment_id: str
    customer_id: str | None
    currency: str | None
    authorized: int
    captured: int
    refunded: int
    disputed: int
    lost: int
    fee: int
    fee_currency: str | None
    allocated: int
    unapplied: int
    status: PaymentStatus
    match: MatchRow
    is_held: bool
    payer: dict[str, str]
    description: str | None
    allocations: list[PaymentPart]
    refunds: list[PaymentRefund]
    timeline: list[Happening]
    livemode: bool
    occurred_at: datetime
    created_at: datetime
    updated_at: datetime
    rev: int


_ALLOCATED = """coalesce((select sum(a.amount) from allocation a where a.payment_id = p.id), 0)"""
_UNAPPLIED = f"p.captured - p.refunded - p.lost - {_ALLOCATED}"
_TARGETED = """exists (select 1 from allocation a where a.payment_id = p.id
    and a.{name} = :{name} and a.closed_at is null)"""
LISTING = Listing(
    source="payment p",
    order=Order(("p.occurred_at", "p.id"), ("timestamptz", "text")),
    conditions={
        "customer_id": "p.customer_id = :customer_id",
        "rail": "p.rail = :rail",
        "rail_payment_id": """p.rail_payment_id = :rail_payment_id or p.id in (
            select payment_id from payment_alias where object_id = :rail_payment_id)""",
        "currency": "p.currency = :currency",
        "status": "p.status = :status",
        # Where nothing is left of it nobody is asked; what comes back is matched anew.
        "is_held": f"(p.is_held and {_UNAPPLIED} > 0) = :is_held",
        "has_unapplied": f"({_UNAPPLIED} > 0) = :has_unapplied",
        "invoice_id": _TARGETED.format(name="invoice_id"),
        "deposit_id": _TARGETED.format(name="deposit_id"),
        "since": "p.occurred_at >= :since",
        "until": "p.occurred_at < :until",
    },
)
_PAYMENTS = sa.text(
    """select id, rail, account, rail_payment_id, customer_id, currency, authorized, captured,
      refunded, disputed, lost, fee, fee_currency, status, strategy, reasons, is_held, livemode,
      facts::text as facts, occurred_at, created_at, updated_at, rev
    from payment where id = any(:ids)"""
)
_PARTS = sa.text(
    """select a.id, a.payment_id, a.invoice_id, a.deposit_id, coalesce(i.number, d.code) as number,
      a.amount, a.gross, a.credited, a.reopened, a.strategy, a.created_at
    from allocation a left join invoice i on i.id = a.invoice_id
      left join deposit d on d.id = a.deposit_id
    where a.payment_id = any(:ids) and a.closed_at is null order by a.created_at, a.id"""
)
_LEGS = sa.text(
    """select l.id, l.payment_id, l.refund_id, l.amount, l.status, l.reference, l.rail_refund_id,
      l.failure, r.reason, r.requested_at
    from refund_leg l join refund r on r.id = l.refund_id
    where l.payment_id = any(:ids) order by r.requested_at, l.id"""
)


def page(session: Session, filters: Mapping[str, object], wanted: Wanted) -> Page[PaymentRow]:
    """Payments, the newest first."""
    ids, more = LISTING.keys(session, filters, wanted)
    return Page(in_order(ids, load(session, ids)), more)


def one(session: Session, payment_id: str) -> PaymentRow:
    """One payment. Raises NotFound."""
    found = load(session, [payment_id])
    if not found:
        raise NotFound(f"there is no payment {payment_id}")
    return found[payment_id]


def load(session: Session, ids: Collection[str]) -> dict[str, PaymentRow]:
    """These payments, whole."""
    given = {"ids": list(ids)}
    parts: dict[str, list[PaymentPart]] = {}
    for row in session.execute(_PARTS, given):
        values = row._asdict()
        parts.setdefault(values.pop("payment_id"), []).append(PaymentPart(**values))
    legs: dict[str, list[sa.Row[tuple[object, ...]]]] = {}
    for row in session.execute(_LEGS, given):
        legs.setdefault(row.payment_id, []).append(row)
    histories = timeline.of_payments(session, ids)
    return {
        row.id: _payment(
            row, parts.get(row.id, []), legs.get(row.id, []), histories.get(row.id, [])
        )
        for row in session.execute(_PAYMENTS, given)
    }


def match_of(strategy: str | None, reasons: Collection[str]) -> MatchRow:
    """How a payment came to its target, in the words of the interface."""
    confidence = CONFIDENCE[Strategy(strategy)] if strategy else None
    return MatchRow(strategy, confidence, list(reasons))


def _payment(
    row: sa.Row[tuple[object, ...]],
    parts: list[PaymentPart],
    legs: list[sa.Row[tuple[object, ...]]],
    history: list[Happening],
) -> PaymentRow:
    facts = decode_facts(row.facts)
    allocated = sum(part.amount for part in parts)
    unapplied = row.captured - row.refunded - row.lost - allocated
    same = (
        "id", "rail", "account", "rail_payment_id", "customer_id", "currency", "authorized",
        "captured", "refunded", "disputed", "lost", "fee", "fee_currency", "livemode",
        "occurred_at", "created_at", "updated_at", "rev",
    )  # fmt: skip
    texts = sorted(facts.texts.items())
    return PaymentRow(
        **{name: getattr(row, name) for name in same},
        allocated=allocated,
        unapplied=unapplied,
        is_held=row.is_held and unapplied > 0,
        status=PaymentStatus(row.status),
        match=match_of(row.strategy, row.reasons),
        payer={name: value for name, (_, value) in facts.payer.items()},
        description=texts[0][1][1] if texts else None,
        allocations=parts,
        refunds=sorted(_refunds(facts, legs), key=lambda r: (r.created_at, r.rail_refund_id or "")),
        timeline=history,
    )


def _refunds(
    facts: PaymentFacts, legs: list[sa.Row[tuple[object, ...]]]
) -> Iterator[PaymentRefund]:
    by_reference = {leg.reference: leg for leg in legs}
    by_rail_id = {leg.rail_refund_id: leg for leg in legs if leg.rail_refund_id}
    seen = set()
    for refund in facts.refunds.values():
        if is_released(refund, facts):
            continue  # an uncaptured remainder let go; no money of the customer's
        leg = by_rail_id.get(refund.id) or by_reference.get(refund.reference or "")
        seen.add(leg.id if leg else None)
        yield _seen(refund, leg)
    for leg in legs:
        if leg.id not in seen:
            yield PaymentRefund(
                rail_refund_id=leg.rail_refund_id, refund_id=leg.refund_id, leg_id=leg.id,
                amount=leg.amount, status=leg.status, reason=leg.reason, failure=leg.failure,
                created_at=leg.requested_at,
            )  # fmt: skip


def _seen(refund: RefundFact, leg: sa.Row[tuple[object, ...]] | None) -> PaymentRefund:
    return PaymentRefund(
        rail_refund_id=refund.id,
        refund_id=leg.refund_id if leg else None,
        leg_id=leg.id if leg else None,
        amount=refund.amount,
        status=refund.shown[2],
        reason=leg.reason if leg else refund.reason,
        failure=refund.failure_reason,
        created_at=from_epoch(refund.created),
    )
