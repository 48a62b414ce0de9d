"""Refunds as lists and screens show them, with their legs and every step they took."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import refund_words
from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.refund_routes import FROM_BANK, Route
from reconciler.books.refund_words import LegTold
from reconciler.books.refunds import RefundStatus
from reconciler.errors import NotFound
from reconciler.reads import rail_balances
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order
from reconciler.reads.rail_balances import Warned
from reconciler.work import Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class LegRow:
    """A refund's part on one payment, in minor units. `reference` is what the rail keeps of us.

    `route` is rail, hand (people pay it, though a rail brought it) or kept (it stays here as credit
    or deposit); `method` says which way of that; `settled_reference` how people settled it.
    """

    id: str
    payment_id: str
    rail: str
    rail_payment_id: str
    amount: int
    status: str
    reference: str
    rail_refund_id: str | None
    failure: str | None
    route: str
    method: str | None
    settled_reference: str | None
    routed_by: str | None
    settled_by: str | None
    attempts: int

    @property
    def is_for_people(self) -> bool:
        """Whether people pay it back: they received it, or no rail can any more."""
        return self.rail == MANUAL_RAIL or self.route == Route.HAND

    @property
    def is_from_bank(self) -> bool:
        """Whether what people pay back leaves our account at the bank, and not the drawer."""
        return self.route == Route.HAND and self.method in FROM_BANK


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One change of a refund's or a leg's status, and who or what made it."""

    at: datetime
    leg_id: str | None
    before: str | None
    after: str
    why: str | None
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRow:
    """A refund as it was asked for, in minor units of `currency`.

    `rail` and `rail_refund_id` are the first leg's; a refund over several payments has several.
    `terms_override` is why a deposit's terms were set aside for it, by `terms_overridden_by`.
    `method` is how it was asked to go: `rail`, or `hand`, which people pay by bank transfer.
    `edited_by` are those who changed what was asked for; none of them can approve it.
    A leg that failed and was tried again shows as the leg that replaced it; `steps` tell of both.
    `client_words` is what the client may be told; `next_step` what somebody here has to do.
    `balance_warning` says, before it is sent (again), that what its rail holds does not carry it;
    once it is sent and waits for that, what holds now.
    """

    id: str
    payment_id: str | None
    invoice_id: str | None
    deposit_id: str | None
    customer_id: str | None
    amount: int
    currency: str
    reason: str
    note: str | None
    treatment: str
    method: str
    status: str
    rail: str | None
    rail_refund_id: str | None
    requested_by: str
    requested_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    edited_by: list[str]
    terms_override: str | None
    terms_overridden_by: str | None
    failure: str | None
    client_words: str
    next_step: str
    balance_warning: str | None
    legs: list[LegRow]
    steps: list[StepRow]
    rev: int


@dataclass(frozen=True, slots=True)
class Outline:
    """As much of a refund as is told where something else is decided. Minor units of `currency`."""

    id: str
    amount: int
    currency: str
    status: str
    requested_at: datetime
    next_step: str


LISTING = Listing(
    source="refund r",
    order=Order(("r.requested_at", "r.id"), ("timestamptz", "text")),
    conditions={
        "status": "r.status = :status",
        "payment_id": """exists (select 1 from refund_leg l
            where l.refund_id = r.id and l.payment_id = :payment_id)""",
        "invoice_id": "r.invoice_id = :invoice_id",
        "deposit_id": "r.deposit_id = :deposit_id",
        "customer_id": "r.customer_id = :customer_id",
        "reason": "r.reason = :reason",
        "requested_by": "r.requested_by = :requested_by",
        "rail_refund_id": """exists (select 1 from refund_leg l
            where l.refund_id = r.id and l.rail_refund_id = :rail_refund_id)""",
    },
)
_REFUNDS = sa.text(
    """select id, payment_id, invoice_id, deposit_id, customer_id, amount, currency, reason, note,
      treatment, method, status, requested_by, requested_at, approved_by, approved_at, edited_by,
      failure, terms_override, terms_overridden_by, rev
    from refund where id = any(:ids)"""
)
_LEGS = sa.text(
    """select l.id, l.refund_id, l.payment_id, p.rail, p.rail_payment_id, l.amount, l.status,
      l.reference, l.rail_refund_id, l.failure,
      l.route, l.method, l.settled_reference, l.routed_by, l.settled_by,
      coalesce((select sum(t.sends) from refund_attempt t where t.leg_id = l.id), 0)::bigint
        as attempts
    from refund_leg l join payment p on p.id = l.payment_id
    where l.refund_id = any(:ids) and l.replaced_by is null order by p.occurred_at desc, l.id"""
)
_OUTLINES = sa.text(
    "select id, amount, currency, status, requested_at from refund where id = any(:ids)"
)
_STEPS = sa.text(
    """select refund_id, at, leg_id, before, after, why, cause_kind, cause_id from refund_step
    where refund_id = any(:ids) order by seq"""
)


def page(session: Session, filters: Mapping[str, object], wanted: Wanted) -> Page[RefundRow]:
    """Refunds, the newest first."""
    ids, more = LISTING.keys(session, filters, wanted)
    return Page(in_order(ids, load(session, ids)), more)


def one(session: Session, refund_id: str) -> RefundRow:
    """One refund. Raises NotFound."""
    found = load(session, [refund_id])
    if not found:
        raise NotFound(f"there is no refund {refund_id}")
    return found[refund_id]


def load(session: Session, ids: Collection[str]) -> dict[str, RefundRow]:
    """These refunds, whole."""
    given = {"ids": list(ids)}
    legs = _legs(session, ids)
    steps: dict[str, list[StepRow]] = {}
    for row in session.execute(_STEPS, given):
        cause = Cause(row.cause_kind, row.cause_id)
        step = StepRow(
            at=row.at, leg_id=row.leg_id, before=row.before, after=row.after, why=row.why,
            cause=cause,
        )  # fmt: skip
        steps.setdefault(row.refund_id, []).append(step)
    rows = session.execute(_REFUNDS, given).all()
    to_leave = [row.id for row in rows if row.status in rail_balances.TO_LEAVE]
    careful = rail_balances.warnings(session, to_leave)
    return {
        row.id: RefundRow(
            **row._asdict(),
            client_words=refund_words.for_client(
                _told(legs.get(row.id, []), careful.get(row.id)), row.currency
            ),
            next_step=_next_step(legs.get(row.id, []), careful.get(row.id)),
            balance_warning=careful[row.id].text if row.id in careful else None,
            rail=next((leg.rail for leg in legs.get(row.id, [])), None),
            rail_refund_id=next((leg.rail_refund_id for leg in legs.get(row.id, [])), None),
            legs=legs.get(row.id, []),
            steps=steps.get(row.id, []),
        )
        for row in rows
    }


def outlines(session: Session, ids: Collection[str]) -> dict[str, Outline]:
    """These refunds in outline."""
    legs = _legs(session, ids)
    rows = session.execute(_OUTLINES, {"ids": list(ids)}).all()
    let_go = [row.id for row in rows if row.status == RefundStatus.APPROVED.value]
    careful = rail_balances.warnings(session, let_go)
    return {
        row.id: Outline(
            **row._asdict(), next_step=_next_step(legs.get(row.id, []), careful.get(row.id))
        )
        for row in rows
    }


def _legs(session: Session, ids: Collection[str]) -> dict[str, list[LegRow]]:
    legs: dict[str, list[LegRow]] = {}
    for row in session.execute(_LEGS, {"ids": list(ids)}):
        values = row._asdict()
        legs.setdefault(values.pop("refund_id"), []).append(LegRow(**values))
    return legs


def _next_step(legs: Collection[LegRow], careful: Warned | None) -> str:
    return refund_words.next_step(_told(legs, careful))


def _told(legs: Collection[LegRow], careful: Warned | None) -> list[LegTold]:
    return [
        LegTold(
            status=RefundStatus(leg.status),
            amount=leg.amount,
            route=Route(leg.route),
            method=leg.method,
            is_by_hand=leg.rail == MANUAL_RAIL,
            sends=leg.attempts,
            failure=leg.failure,
            is_at_rail=leg.rail_refund_id is not None,
            is_uncovered=careful is not None and leg.rail in careful.short,
        )
        for leg in legs
    ]
