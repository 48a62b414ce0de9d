"""Deposits as lists and screens show them, with what came in and what it was used for."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import deposit_terms, deposits, plans
from reconciler.books.deposit_terms import DepositTerms
from reconciler.books.deposits import AppliedStatus, PaymentStatus
from reconciler.errors import NotFound
from reconciler.reads import attachments, balances, timeline
from reconciler.reads.attachments import AttachmentRow
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order
from reconciler.reads.timeline import Happening

DayTaken = date  # under its own name, because a field is called `date`


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositUse:
    """What of a deposit is used on an invoice. Minor units."""

    id: str
    invoice_id: str
    invoice_number: str
    amount: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositForfeit:
    """What of a deposit is kept as income under its terms. Minor units."""

    id: str
    amount: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositReceipt:
    """What one payment brought into a deposit. Minor units."""

    id: str
    payment_id: str
    amount: int
    strategy: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsRow:
    """When a deposit is forfeited, and what percentage of it is kept then; `words` say it."""

    once_work_has_begun: bool
    refundable_within_days: int | None
    kept_percent: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositRow:
    """Money taken ahead of an invoice, in minor units of `currency`. A liability.

    received = applied + refunded + remaining; of what is applied, `forfeited` is kept as income and
    the rest used on invoices. `on_its_way` is held on a card or being collected for
    it, and not part of what is received. `fees` is what rails kept of the payments, in
    proportion, where the fee is in the same currency. `terms` say on what it is given back; none:
    all that remains is. One that has `ended_at` is asked for no more; where nothing of it came by
    the end of `expires_on`, that happens by itself.
    """

    id: str
    code: str
    customer_id: str
    project_id: str | None
    milestone_id: str | None
    date: DayTaken
    currency: str
    amount: int
    received: int
    applied: int
    forfeited: int
    refunded: int
    remaining: int
    on_its_way: int
    fees: int
    payment_status: PaymentStatus
    applied_status: AppliedStatus
    received_into: str | None
    notes: str | None
    due_on: DayTaken | None
    expires_on: DayTaken | None
    terms: TermsRow | None
    work_began_on: DayTaken | None
    ended_at: datetime | None
    ended_why: str | None
    attachments: list[AttachmentRow]
    applications: list[DepositUse]
    forfeits: list[DepositForfeit]
    receipts: list[DepositReceipt]
    history: list[Happening]
    created_at: datetime
    rev: int


_REMAINING = "(d.received - d.applied - d.refunded)"
_APPLIED_STATUS = f"""case when d.received > 0 and {_REMAINING} = 0 then 'completed'
    when d.applied > 0 then 'partially_applied' else 'unapplied' end"""
LISTING = Listing(
    source="deposit d",
    order=Order(("d.created_at", "d.id"), ("timestamptz", "text")),
    conditions={
        "customer_id": "d.customer_id = :customer_id",
        "project_id": "d.project_id = :project_id",
        "code": "lower(btrim(d.code)) = lower(btrim(:code))",
        "currency": "d.currency = :currency",
        "payment_status": """case when d.received >= d.amount then 'cleared' else 'pending' end
            = :payment_status""",
        "applied_status": f"{_APPLIED_STATUS} = :applied_status",
        "has_remaining": f"({_REMAINING} > 0) = :has_remaining",
    },
)
_DEPOSITS = sa.text("select d.* from deposit d where d.id = any(:ids)")
_USES = sa.text(
    """select u.id, u.deposit_id, u.invoice_id, i.number as invoice_number, u.amount, u.created_at
    from application u left join invoice i on i.id = u.invoice_id
    where u.deposit_id = any(:ids) and u.closed_at is null order by u.created_at, u.id"""
)
_RECEIPTS = sa.text(
    """select a.id, a.deposit_id, a.payment_id, a.amount, a.strategy, a.created_at,
      case when p.captured > 0 and p.fee_currency = p.currency
        then (p.fee::numeric * a.gross / p.captured)::bigint else 0 end as fee
    from allocation a join payment p on p.id = a.payment_id
    where a.deposit_id = any(:ids) and a.closed_at is null order by a.created_at, a.id"""
)


def page(session: Session, filters: Mapping[str, object], wanted: Wanted) -> Page[DepositRow]:
    """Deposits, the newest first."""
    ids, more = LISTING.keys(session, filters, wanted)
    return Page(in_order(ids, load(session, ids)), more)


def one(session: Session, deposit_id: str) -> DepositRow:
    """One deposit. Raises NotFound."""
    found = load(session, [deposit_id])
    if not found:
        raise NotFound(f"there is no deposit {deposit_id}")
    return found[deposit_id]


def load(session: Session, ids: Collection[str]) -> dict[str, DepositRow]:
    """These deposits."""
    given = {"ids": list(ids)}
    uses: dict[str, list[DepositUse]] = {}
    forfeits: dict[str, list[DepositForfeit]] = {}
    for row in session.execute(_USES, given):
        values = row._asdict()
        deposit_id = values.pop("deposit_id")
        if row.invoice_id is not None:
            uses.setdefault(deposit_id, []).append(DepositUse(**values))
        else:
            kept = DepositForfeit(id=row.id, amount=row.amount, created_at=row.created_at)
            forfeits.setdefault(deposit_id, []).append(kept)
    receipts: dict[str, list[DepositReceipt]] = {}
    fees: dict[str, int] = {}
    for row in session.execute(_RECEIPTS, given):
        values = row._asdict()
        deposit_id = values.pop("deposit_id")
        fees[deposit_id] = fees.get(deposit_id, 0) + values.pop("fee")
        receipts.setdefault(deposit_id, []).append(DepositReceipt(**values))
    histories = timeline.of_documents(session, "deposit_id", ids)
    stand = balances.of_deposits(session, ids)
    files = attachments.newest_of(session, ids)
    return {
        row.id: _deposit(
            row,
            {
                "on_its_way": stand[row.id].on_its_way,
                "applications": uses.get(row.id, []),
                "forfeits": forfeits.get(row.id, []),
                "receipts": receipts.get(row.id, []),
                "fees": fees.get(row.id, 0),
                "history": histories.get(row.id, []),
                "attachments": files.get(row.id, []),
            },
        )
        for row in session.execute(_DEPOSITS, given)
    }


def terms_of(row: Any) -> TermsRow | None:  # noqa: ANN401  whatever row has the columns
    """The terms of a row of deposits, if it has any."""
    if row.forfeit_kept is None:
        return None
    terms = DepositTerms(
        once_begun=row.forfeit_once_begun,
        within_days=row.forfeit_within_days,
        kept=row.forfeit_kept,
    )
    return TermsRow(
        once_work_has_begun=terms.once_begun,
        refundable_within_days=terms.within_days,
        kept_percent=plans.percent(terms.kept),
        words=deposit_terms.words(terms),
    )


def _deposit(row: sa.Row[tuple[object, ...]], more: Mapping[str, Any]) -> DepositRow:
    """The row with `more`: what stands in other tables about it, by its field."""
    used = {"received": row.received, "applied": row.applied, "refunded": row.refunded}
    same = (
        "id", "code", "customer_id", "project_id", "milestone_id", "currency", "amount",
        "received_into", "notes", "forfeited", "due_on", "expires_on", "work_began_on",
        "ended_at", "ended_why", "created_at", "rev",
    )  # fmt: skip
    return DepositRow(
        **{name: getattr(row, name) for name in same},
        **used,
        **more,
        date=row.taken_on,
        terms=terms_of(row),
        remaining=deposits.remaining(**used),
        payment_status=deposits.payment_status(amount=row.amount, received=row.received),
        applied_status=deposits.applied_status(**used),
    )
