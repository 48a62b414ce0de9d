"""Proposals as lists and pages show them, with the text that is accepted and its hash."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import proposals as rules
from reconciler.books.proposals import (
    Offer,
    OfferedLine,
    OfferedStage,
    ProposalState,
    ProposalStatus,
)
from reconciler.errors import NotFound
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order
from reconciler.work import Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRow:
    """An offer to a customer, in minor units of `currency`.

    `text` is what is accepted, to the letter, and `sha256` its hash; once accepted, what was.
    `decided_by` is the name that the client gave, `decided_at` when, and `decided_through` by
    what: the link of their page (`portal`), or whoever recorded it for them.
    """

    id: str
    customer_id: str
    customer: str
    name: str
    introduction: str | None
    conditions: str | None
    currency: str
    price: int
    lines: list[OfferedLine]
    milestones: list[OfferedStage]
    valid_until: date | None
    version: int
    status: ProposalStatus
    text: str
    sha256: str
    decided_by: str | None
    decided_at: datetime | None
    decided_through: Cause | None
    reason: str | None
    project_id: str | None
    sent_at: datetime | None
    created_at: datetime
    rev: int


LISTING = Listing(
    source="proposal p",
    order=Order(("p.created_at", "p.id"), ("timestamptz", "text")),
    conditions={
        "customer_id": "p.customer_id = :customer_id",
        "state": "p.state = :state",
    },
)
_PROPOSALS = sa.text(
    """select p.*, c.name as customer from proposal p join customer c on c.id = p.customer_id
    where p.id = any(:ids)"""
)


_VERSIONS = sa.text(
    """select version, text, sha256, price, sent_at from proposal_version
    where proposal_id = :id order by version desc"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalVersionRow:
    """A version as it was sent, in minor units of the proposal's currency."""

    version: int
    text: str
    sha256: str
    price: int
    sent_at: datetime


def page(
    session: Session, filters: dict[str, object], wanted: Wanted, *, today: date
) -> Page[ProposalRow]:
    """Proposals, the newest first."""
    ids, more = LISTING.keys(session, filters, wanted)
    return Page(in_order(ids, load(session, ids, today=today)), more)


def one(session: Session, proposal_id: str, *, today: date) -> ProposalRow:
    """One proposal. Raises NotFound."""
    found = load(session, [proposal_id], today=today)
    if proposal_id not in found:
        raise NotFound(f"there is no proposal {proposal_id}")
    return found[proposal_id]


def versions(session: Session, proposal_id: str) -> list[ProposalVersionRow]:
    """Every version that was sent, the newest first."""
    found = session.execute(_VERSIONS, {"id": proposal_id})
    return [ProposalVersionRow(**row._asdict()) for row in found]


def load(session: Session, ids: Collection[str], *, today: date) -> dict[str, ProposalRow]:
    """These proposals, as they stand on a day."""
    rows = session.execute(_PROPOSALS, {"ids": list(ids)})
    return {row.id: _proposal(row, today) for row in rows}


def _proposal(row: sa.Row[tuple[object, ...]], today: date) -> ProposalRow:
    names = ("description", "quantity", "unit_price", "net", "tax", "tax_rate")
    lines = [OfferedLine(**{name: one[name] for name in names}) for one in row.terms["lines"]]
    stages = [OfferedStage(**one) for one in row.terms["stages"]]
    said = row.accepted_text or rules.text(
        Offer(
            id=row.id,
            version=row.version,
            customer=row.customer,
            name=row.name,
            introduction=row.introduction,
            currency=row.currency,
            price=row.price,
            valid_until=row.valid_until.isoformat() if row.valid_until else None,
            lines=lines,
            stages=stages,
            conditions=row.conditions,
        )
    )
    same = (
        "id", "customer_id", "customer", "name", "introduction", "conditions", "currency", "price",
        "valid_until", "version", "decided_by", "decided_at", "reason", "project_id", "sent_at",
        "created_at", "rev",
    )  # fmt: skip
    return ProposalRow(
        **{name: getattr(row, name) for name in same},
        lines=lines,
        milestones=stages,
        decided_through=Cause(row.decided_cause_kind, row.decided_cause_id)
        if row.decided_cause_kind
        else None,
        status=rules.status(ProposalState(row.state), valid_until=row.valid_until, today=today),
        text=said,
        sha256=rules.digest(said),
    )
