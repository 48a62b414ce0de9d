"""What waits for a person, with what may be done about it and what is suggested."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.overpayments import PaidTwice
from reconciler.books.reviews import MATCHING_KINDS, ReviewKind, actions
from reconciler.errors import NotFound
from reconciler.reads import refund_splits, suggestions
from reconciler.reads.asked_back import WAITS_AS_REFUND
from reconciler.reads.pages import Listing, Order, Page, Wanted, encode, in_order
from reconciler.reads.question_order import ORDERS, Sort
from reconciler.reads.suggestions import SuggestedPart, SuggestionRow
from reconciler.reads.waits_since import WAITS_SINCE
from reconciler.store import overpayments


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRow:
    """One question for a person. `amount` is what is in question, in minor units.

    `paid_twice`: of money beyond what is owed, the payment that its invoice has no use for at all,
    and those that paid it before; that one is to be refunded as a duplicate.
    `subject` is the id, ours or the rail's, of what it is about; `actions` is what
    POST …/resolve takes while it is open. `took_from`: of a refund made outside, what the books
    took from which invoice or deposit, in the words that the action `split` takes.
    `asked_again`: of a refund that failed, how much was asked back of its payment since.
    `assigned_to`: whose it is to answer, by name `assigned_name`; it is out of sight until the day
    `snoozed_until` begins, or until what it asks about changes.
    """

    id: str
    kind: ReviewKind
    state: str
    subject: str
    payment_id: str | None
    invoice_id: str | None
    deposit_id: str | None
    refund_id: str | None
    dispute_id: str | None
    event_id: str | None
    amount: int | None
    currency: str | None
    details: dict[str, Any]
    suggestions: list[SuggestionRow]
    paid_twice: PaidTwice | None
    took_from: list[SuggestedPart]
    asked_again: int
    actions: list[str]
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: str | None
    assigned_to: str | None
    assigned_name: str | None
    snoozed_until: date | None
    rev: int


ABOUT_MAX = 50
_ABOUT = sa.text(
    """select id from review_item where payment_id = :payment_id
    order by opened_at desc, id desc limit :limit"""
)
LISTING = Listing(
    source="review_item r",
    order=Order(("r.opened_at", "r.id"), ("timestamptz", "text")),
    conditions={
        "state": "r.state = :state",
        "kind": "r.kind = :kind",
        "kinds": "r.kind = any(:kinds)",
        # Of failed refunds: whether it is none of ours.
        "is_outside": """(r.kind <> 'refund_failed'
            or (r.subject is distinct from r.refund_id) = :is_outside)""",
        "waits_as_refund": f"{WAITS_AS_REFUND} = :waits_as_refund",
        "subject": "r.subject = :subject",
        "payment_id": "r.payment_id = :payment_id",
        "invoice_id": "r.invoice_id = :invoice_id",
        "deposit_id": "r.deposit_id = :deposit_id",
        "refund_id": "r.refund_id = :refund_id",
        "currency": "r.currency = :currency",
        "assigned_to": "r.assigned_to = :assigned_to",
        "opened_before": "r.opened_at < :opened_before",
        "since_before": f"{WAITS_SINCE} < :since_before",
        # Both are given the day it is.
        "in_sight_on": "r.snoozed_until is null or r.snoozed_until <= :in_sight_on",
        "snoozed_on": "r.snoozed_until > :snoozed_on",
    },
)
_ITEMS = sa.text(
    """select r.id, r.kind, r.state, r.subject, r.payment_id, r.invoice_id, r.deposit_id,
      r.refund_id, r.event_seq::text as event_id, r.amount, r.currency, r.details, r.opened_at,
      r.resolved_at, r.resolved_by, r.resolution, r.rev, d.id as dispute_id,
      r.assigned_to, u.name as assigned_name, r.snoozed_until
    from review_item r left join user_account u on u.id = r.assigned_to
    left join dispute d on r.kind = 'dispute'
      and d.payment_id = r.payment_id and d.rail_dispute_id = r.subject
    where r.id = any(:ids)"""
)


_ASKED_AGAIN = sa.text(
    """select i.id, sum(l.amount)::bigint as amount
    from review_item i join refund_leg l on l.payment_id = i.payment_id
      join refund f on f.id = l.refund_id
    where i.id = any(:ids) and f.requested_at >= i.opened_at and l.replaced_by is null
      and l.status not in ('rejected', 'failed', 'canceled') group by i.id"""
)


def page(
    session: Session, filters: Mapping[str, object], wanted: Wanted, sort: Sort | None = None
) -> Page[ReviewRow]:
    """Review items, the last opened first unless another order is named."""
    ids, more = _sorted(sort).keys(session, filters, wanted)
    return Page(in_order(ids, _load(session, ids)), more)


def following(
    session: Session, filters: Mapping[str, object], item_id: str, sort: Sort = Sort.URGENT
) -> ReviewRow | None:
    """The item that comes after this one, which need not be among them; after the last, the first.

    None where there is no other.
    """
    listing = _sorted(sort)
    place = f"select {', '.join(listing.order.columns)} from review_item r where r.id = :id"
    found = session.execute(sa.text(place), {"id": item_id}).first()
    for cursor in (encode(found) if found else None, None):
        ids, _ = listing.keys(session, filters, Wanted(2, cursor))
        others = [one for one in ids if one != item_id]
        if others:
            return _load(session, others[:1])[others[0]]
    return None


def _sorted(sort: Sort | None) -> Listing:
    return LISTING if sort is None else replace(LISTING, order=ORDERS[sort])


def number(session: Session, filters: Mapping[str, object]) -> int:
    """How many review items there are of these."""
    return LISTING.number(session, filters)


def by_kind(session: Session, filters: Mapping[str, object]) -> list[tuple[str, bool, int]]:
    """How many of these there are of each kind, of refunds of nobody here apart from ours."""
    by = ("r.kind", "r.subject is distinct from r.refund_id as is_outside")
    found = LISTING.groups(session, filters, by)
    return [(row.kind, row.is_outside, row.number) for row in found]


def one(session: Session, item_id: str) -> ReviewRow:
    """One review item. Raises NotFound."""
    found = _load(session, [item_id])
    if not found:
        raise NotFound(f"there is no review item {item_id}")
    return found[item_id]


def about_payment(session: Session, payment_id: str) -> list[str]:
    """The ids of the last questions about a payment, open or not."""
    return list(session.scalars(_ABOUT, {"payment_id": payment_id, "limit": ABOUT_MAX}))


def _load(session: Session, ids: Collection[str]) -> dict[str, ReviewRow]:
    rows = session.execute(_ITEMS, {"ids": list(ids)}).all()
    matching = {
        row.payment_id
        for row in rows
        if row.state == "open" and row.payment_id and row.kind in MATCHING_KINDS
    }
    suggested = suggestions.for_payments(session, matching)
    over = {r.payment_id for r in rows if r.kind == ReviewKind.OVERPAYMENT and r.payment_id}
    twice = overpayments.twice(session, over)
    outside = {r.payment_id for r in rows if r.kind == ReviewKind.EXTERNAL_REFUND and r.payment_id}
    splits = refund_splits.of_payments(session, outside)
    failed = [r.id for r in rows if r.kind == ReviewKind.REFUND_FAILED and r.state == "open"]
    asked = session.execute(_ASKED_AGAIN, {"ids": failed}).all() if failed else []
    again = {r.id: r.amount for r in asked}
    return {
        row.id: _item(row, suggested, splits, twice, asked_again=again.get(row.id, 0))
        for row in rows
    }


def _item(
    row: sa.Row[tuple[object, ...]],
    suggested: Mapping[str, list[SuggestionRow]],
    splits: Mapping[str, list[SuggestedPart]],
    twice: Mapping[str, PaidTwice],
    *,
    asked_again: int,
) -> ReviewRow:
    is_open = row.state == "open"
    kind = ReviewKind(row.kind)
    values = row._asdict() | {
        "kind": kind,
        "actions": list(actions(kind, row.details)) if is_open else [],
        "suggestions": suggested.get(row.payment_id, [])
        if is_open and kind in MATCHING_KINDS
        else [],
        "paid_twice": twice.get(row.payment_id)
        if is_open and kind is ReviewKind.OVERPAYMENT
        else None,
        "took_from": splits.get(row.subject, []) if kind is ReviewKind.EXTERNAL_REFUND else [],
        "asked_again": asked_again,
    }
    return ReviewRow(**values)
