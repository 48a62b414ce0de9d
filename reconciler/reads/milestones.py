"""Milestones as lists and screens show them, with the documents that ask for their money."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.invoices import InvoiceState, InvoiceStatus, status as invoice_status
from reconciler.books.milestones import Held, MilestoneKind, status
from reconciler.books.sign_offs import NEEDS_NONE, terms
from reconciler.errors import NotFound
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOff:
    """The client said that a milestone is done: by a document, or by name on their page.

    `is_current` is false once a newer one is there, or the milestone was changed since.
    """

    id: str
    attachment_id: str | None
    signed_by_name: str | None
    source: str
    sha256: str
    version: int
    is_current: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MilestoneRow:
    """A part of a project that is paid for by itself, in minor units of `currency`.

    `invoice_id` is the invoice that bills it and is not void, `deposit_id` the deposit it asked
    for; `status` follows from them. `paid` is what came in for it, held or applied.
    """

    id: str
    project_id: str
    kind: MilestoneKind
    name: str
    description: str | None
    amount: int
    currency: str
    due_on: date | None
    invoice_id: str | None
    invoice_number: str | None
    deposit_id: str | None
    deposit_code: str | None
    paid: int
    status: InvoiceStatus
    sign_offs: list[SignOff]
    change_order_id: str | None
    position: int
    created_at: datetime
    rev: int

    @property
    def is_called_off(self) -> bool:
        """Whether its invoice is settled and none of it was paid: all went back, or was credited.

        There is nothing to sign off then.
        """
        is_settled = self.status in {InvoiceStatus.PAID, InvoiceStatus.REFUNDED}
        return self.invoice_id is not None and is_settled and not self.paid and self.amount > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A milestone whose invoice is drafted, and `since` when.

    It waits to be signed off or, once it is, for its invoice to be sent.
    """

    id: str
    project_id: str
    name: str
    amount: int
    currency: str
    invoice_id: str
    invoice_number: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Unsigned:
    """How many milestones of a currency are drafted and not signed off, the first `since` when."""

    currency: str
    number: int
    amount: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Drafts:
    """What milestones with drafted invoices wait for: to be signed off, or only to be sent.

    `unsigned` by currency. `to_send` each since it was signed or drafted, whichever came later; the
    first drafted first.
    """

    unsigned: list[Unsigned]
    to_send: list[Drafted]


LISTING = Listing(
    source="milestone m join project p on p.id = m.project_id and m.dropped_at is null",
    order=Order(("m.created_at", "m.id"), ("timestamptz", "text")),
    conditions={
        "project_id": "m.project_id = :project_id",
        "customer_id": "p.customer_id = :customer_id",
        "kind": "m.kind = :kind",
    },
)
_FREE = {"free": sorted(kind.value for kind in NEEDS_NONE)}
_MILESTONES = sa.text(
    """select m.*, i.id as invoice_id, i.number as invoice_number, i.state, i.total, i.paid,
      i.credited, i.refund_credits, i.write_offs, i.due_on as invoice_due_on, d.id as deposit_id,
      d.code as deposit_code, d.amount as asked, d.received - d.refunded as held
    from milestone m
    left join invoice i on i.milestone_id = m.id and i.state <> 'void'
    left join deposit d on d.milestone_id = m.id
    where m.id = any(:ids)"""
)
_SIGN_OFFS = sa.text(
    """select id, milestone_id, attachment_id, signed_by_name, source, signed, sha256, version, at
    from sign_off where milestone_id = any(:ids) order by milestone_id, version"""
)
_BILLED = sa.text(
    """select id, milestone_id from invoice
    where id = any(:ids) and milestone_id is not null and state <> 'void'"""
)
_OF_PROJECTS = sa.text(
    """select project_id, id from milestone
    where project_id = any(:ids) and dropped_at is null order by project_id, position, id"""
)

# Their invoices are drafted; whether the last sign-off is in force is seen in its words.
_DRAFTED = """select m.id, m.project_id, m.name, m.description, m.amount, m.currency,
      i.id as invoice_id, i.number as invoice_number, i.created_at as since, s.signed, s.at
    from invoice i join milestone m on m.id = i.milestone_id
      left join lateral (select o.signed, o.at from sign_off o where o.milestone_id = m.id
        order by o.version desc limit 1) s on true
    where i.state = 'draft' and m.dropped_at is null and not m.kind = any(:free)"""
_ALL_DRAFTED = sa.text(f"{_DRAFTED} order by i.created_at, m.id")
# Those that nobody ever signed are only added up: they are many, and nothing of them is to be read.
_DRAFTS = sa.text(
    f"""with d as materialized ({_DRAFTED})
    select d.*, 1 as number from d where signed is not null
    union all
    select null, null, null, null, sum(amount)::bigint, currency, null, null, min(since),
      null, null, count(*) from d where signed is null group by currency
    order by since, id"""
)


def page(
    session: Session, filters: dict[str, object], wanted: Wanted, *, today: date
) -> Page[MilestoneRow]:
    """Milestones, the newest first."""
    ids, more = LISTING.keys(session, filters, wanted)
    return Page(in_order(ids, load(session, ids, today=today)), more)


def one(session: Session, milestone_id: str, *, today: date) -> MilestoneRow:
    """One milestone that was not given up. Raises NotFound."""
    found = load(session, [milestone_id], today=today)
    if milestone_id not in found:
        raise NotFound(f"there is no milestone {milestone_id}")
    return found[milestone_id]


def of_projects(
    session: Session, projects: Collection[str], *, today: date
) -> dict[str, list[MilestoneRow]]:
    """The milestones of these projects, in their order."""
    listed = session.execute(_OF_PROJECTS, {"ids": list(projects)}).all()
    rows = load(session, [row.id for row in listed], today=today)
    found: dict[str, list[MilestoneRow]] = {}
    for row in listed:
        found.setdefault(row.project_id, []).append(rows[row.id])
    return found


def of_invoices(session: Session, ids: Collection[str], *, today: date) -> dict[str, MilestoneRow]:
    """The milestones that these invoices bill, by invoice; a void one bills none any more."""
    billed = session.execute(_BILLED, {"ids": list(ids)}).all()
    rows = load(session, [row.milestone_id for row in billed], today=today) if billed else {}
    return {row.id: rows[row.milestone_id] for row in billed if row.milestone_id in rows}


def unsigned(session: Session) -> list[Drafted]:
    """Milestones that are drafted, and no sign-off in force says that they are done.

    The longest waiting first. All of them: so no more is read of each than is shown.
    """
    rows = session.execute(_ALL_DRAFTED, _FREE)
    return [_drafted(row, row.since) for row in rows if not _is_signed(row)]


def drafts(session: Session) -> Drafts:
    """What is drafted and not signed off; and what is, and waits to be sent."""
    waiting: dict[str, Unsigned] = {}
    signed = []
    for row in session.execute(_DRAFTS, _FREE):
        if _is_signed(row):
            signed.append(_drafted(row, max(row.at, row.since)))
            continue
        known = waiting.get(row.currency, Unsigned(row.currency, 0, 0, row.since))
        waiting[row.currency] = Unsigned(
            row.currency,
            known.number + row.number,
            known.amount + row.amount,
            min(known.since, row.since),
        )
    return Drafts([one for _, one in sorted(waiting.items())], signed)


def _is_signed(row: sa.Row[Any]) -> bool:
    """Whether the last sign-off was of these words; of most there is none."""
    return row.signed is not None and row.signed == _terms(row)


def _drafted(row: sa.Row[Any], since: datetime) -> Drafted:
    return Drafted(
        id=row.id,
        project_id=row.project_id,
        name=row.name,
        amount=row.amount,
        currency=row.currency,
        invoice_id=row.invoice_id,
        invoice_number=row.invoice_number,
        since=since,
    )


def load(session: Session, ids: Collection[str], *, today: date) -> dict[str, MilestoneRow]:
    """These milestones, as they stand on a day."""
    rows = session.execute(_MILESTONES, {"ids": list(ids)})
    signed: dict[str, list[sa.Row[tuple[object, ...]]]] = {}
    for row in session.execute(_SIGN_OFFS, {"ids": list(ids)}):
        signed.setdefault(row.milestone_id, []).append(row)
    return {
        row.id: _milestone(row, signed.get(row.id, []), today)
        for row in rows
        if row.dropped_at is None
    }


def _sign_offs(rows: Sequence[sa.Row[Any]], of: sa.Row[Any]) -> list[SignOff]:
    if not rows:
        return []
    now = _terms(of)
    same = (
        "id", "attachment_id", "signed_by_name", "source", "sha256", "version", "at",
    )  # fmt: skip
    return [
        SignOff(
            **{name: getattr(row, name) for name in same},
            is_current=row is rows[-1] and row.signed == now,
        )
        for row in rows
    ]


def _milestone(
    row: sa.Row[tuple[object, ...]], signed: Sequence[sa.Row[tuple[object, ...]]], today: date
) -> MilestoneRow:
    invoiced = None
    if row.invoice_id is not None:
        invoiced = invoice_status(
            InvoiceState(row.state),
            total=row.total,
            paid=row.paid,
            credited=row.credited,
            refunded=row.refund_credits,
            written_off=row.write_offs,
            due_on=row.invoice_due_on,
            today=today,
        )
    held = None if row.deposit_id is None else Held(row.asked, row.held)
    same = (
        "id", "project_id", "name", "description", "amount", "currency", "due_on", "invoice_id",
        "invoice_number", "deposit_id", "deposit_code", "change_order_id", "position",
        "created_at", "rev",
    )  # fmt: skip
    return MilestoneRow(
        **{name: getattr(row, name) for name in same},
        kind=MilestoneKind(row.kind),
        paid=row.paid if invoiced is not None else (row.held or 0),
        status=status(invoiced, held, due_on=row.due_on, today=today),
        sign_offs=_sign_offs(signed, row),
    )


def _terms(row: sa.Row[tuple[object, ...]]) -> str:
    return terms(
        row.id,
        name=row.name,
        description=row.description,
        amount=row.amount,
        currency=row.currency,
    )
