"""What a client sees on their page: theirs, or one project of theirs, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import sign_offs
from reconciler.books.observations import PaymentFacts
from reconciler.books.payments import is_released
from reconciler.books.refund_words import LegTold, for_client
from reconciler.books.refunds import RefundStatus
from reconciler.errors import NotFound
from reconciler.reads import (
    balances,
    client_statements,
    deposits,
    invoices,
    projects,
    proposals,
    refunds,
)
from reconciler.reads.balances import Balance
from reconciler.reads.client_statements import Part
from reconciler.reads.deposits import DepositRow
from reconciler.reads.invoices import InvoiceRow
from reconciler.reads.milestones import MilestoneRow
from reconciler.reads.projects import ProjectRow
from reconciler.reads.proposals import ProposalRow
from reconciler.store.claims import decode_facts
from reconciler.store.holds import ON_HOLD

ROWS_MAX = 100

_CUSTOMER = sa.text("select name from customer where id = :customer")
_PROJECT_NAME = sa.text("select name from project where id = :project")
_PROJECTS = sa.text(
    """select id from project where customer_id = :customer
      and (cast(:project as text) is null or id = :project)
    order by created_at desc, id limit :limit"""
)
_INVOICES = sa.text(
    """select id from invoice where customer_id = :customer and state = 'sent'
      and (cast(:project as text) is null or project_id = :project)
    order by outstanding > 0 desc, due_on nulls last, created_at desc, id limit :limit"""
)
# Offered or accepted; one that is open comes first.
_PROPOSALS = sa.text(
    """select id from proposal where customer_id = :customer and state in ('sent', 'accepted')
      and (cast(:project as text) is null or project_id = :project)
    order by state = 'sent' desc, created_at desc, id limit :limit"""
)
_DEPOSITS = sa.text(
    """select id from deposit where customer_id = :customer
      and (cast(:project as text) is null or project_id = :project)
      -- What is asked for no more, and of which nothing came, is nothing to them.
      and (ended_at is null or received > 0)
    order by received < amount desc, created_at desc, id limit :limit"""
)
# What is left of invoices that nobody is asked to pay now, by the rule that keeps reminders silent.
_IN_DISPUTE = sa.text(
    f"""select i.currency, sum(i.outstanding)::bigint as amount,
      coalesce(sum(i.outstanding) filter (where i.due_on < :today), 0)::bigint as overdue
    from invoice i where i.customer_id = :customer and i.state = 'sent' and i.outstanding > 0
      and (cast(:project as text) is null or i.project_id = :project) and {ON_HOLD}
    group by i.currency"""
)
# Of a project, only what of each payment is meant for it.
_RECEIPTS = sa.text(
    """select p.id, p.occurred_at as at, p.currency, p.rail,
      p.facts -> 'payer' -> 'method' ->> 1 as method,
      case when cast(:project as text) is null then p.captured
        else coalesce(x.gross, 0) end::bigint as amount, coalesce(x.documents, '{}') as documents,
      t.taken::bigint as taken_back,
      (case when cast(:project as text) is null then p.refunded
        else least(p.refunded, coalesce(x.back, 0)) end)::bigint as went_back
    from payment p cross join lateral (
      select coalesce(sum(d.taken), 0) as taken from dispute d where d.payment_id = p.id
    ) t left join lateral (
      select sum(a.gross) as gross, sum(a.credited + a.reopened) as back,
        array_agg(coalesce(i.number, d.code) order by a.created_at, a.id) as documents
      from allocation a left join invoice i on i.id = a.invoice_id
        left join deposit d on d.id = a.deposit_id
      where a.payment_id = p.id and a.closed_at is null
        and (cast(:project as text) is null or coalesce(i.project_id, d.project_id) = :project)
    ) x on true
    where p.customer_id = :customer and p.captured > 0
      and (cast(:project as text) is null or x.gross is not null)
      and (cast(:payment as text) is null or p.id = :payment)
    order by p.occurred_at desc, p.id limit :limit"""
)
_REFUNDS = sa.text(
    """select r.id from refund r
      left join invoice i on i.id = r.invoice_id left join deposit d on d.id = r.deposit_id
      left join payment p on p.id = r.payment_id
    where coalesce(r.customer_id, i.customer_id, d.customer_id, p.customer_id) = :customer
      and r.status not in ('rejected', 'canceled')
      and (cast(:project as text) is null or coalesce(i.project_id, d.project_id) = :project)
    order by r.requested_at desc, r.id limit :limit"""
)
# What looks like refunds that people made on the rail itself. One that failed is asked for again as
# a refund of ours: as much of it as that takes is not told a second time.
_FOREIGN = sa.text(
    """select o.object_id, o.currency, o.state, o.made_at, p.facts::text as facts,
      case when o.state <> 'failed' then o.amount else least(o.amount, greatest(0,
        sum(o.amount) over (partition by o.payment_id, o.state order by o.made_at, o.object_id)
        - coalesce((select sum(l.amount) from refund_leg l join refund f on f.id = l.refund_id
          where l.payment_id = o.payment_id and l.replaced_by is null
            and l.status not in ('rejected', 'canceled') and f.requested_at >= (
              select min(q.opened_at) from review_item q
              where q.kind = 'refund_failed' and q.subject = o.object_id)), 0))) end::bigint
        as amount
    from rail_object o join payment p on p.id = o.payment_id
    where o.kind = 'refund' and p.customer_id = :customer and cast(:project as text) is null
      and not exists (select 1 from refund_leg l where l.rail_refund_id = o.object_id)
    order by o.made_at desc limit :limit"""
)
_PAY_LINK = sa.text(
    f"""select coalesce(i.number, d.code) as number, l.amount, l.currency, l.url,
      coalesce({ON_HOLD}, false) as on_hold from pay_link l
      left join invoice i on i.id = l.invoice_id left join deposit d on d.id = l.deposit_id
    where l.id = :id and l.state = 'open' and l.expires_at > :now
      and coalesce(i.customer_id, d.customer_id) = :customer
      and (cast(:project as text) is null or coalesce(i.project_id, d.project_id) = :project)"""
)
_STAGES = {
    "promised": RefundStatus.PENDING,
    "left": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.CANCELED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientReceipt:
    """Money that came from the client, in minor units, and what it is for.

    `taken_back` is what their bank has of the payment now, because of disputes; `went_back` what
    was refunded of it, also while it is on its way.
    """

    id: str
    at: datetime
    currency: str
    amount: int
    rail: str
    method: str | None
    documents: list[str]
    taken_back: int
    went_back: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRefund:
    """Money going back, and where it is in words for the client."""

    at: datetime
    currency: str
    amount: int
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientPayLink:
    """Where an amount for a document can be paid, in minor units; not while that is `on_hold`."""

    number: str
    amount: int
    currency: str
    url: str
    on_hold: bool


@dataclass(frozen=True, slots=True)
class InDispute:
    """What is left to pay and not asked for while a dispute is undecided; `overdue` is of it."""

    amount: int
    overdue: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientPage:
    """All of it, as it stands now. `balances` are by currency, with the largest debt first.

    `in_dispute`, by currency, is a part of what is left in them.
    `to_sign` are the milestones that the client may sign off, by id, with the digest of the terms
    that are shown.
    """

    customer_id: str
    customer: str
    is_whole: bool
    balances: list[Balance]
    in_dispute: dict[str, InDispute]
    projects: list[ProjectRow]
    to_sign: dict[str, str]
    proposals: list[ProposalRow]
    invoices: list[InvoiceRow]
    deposits: list[DepositRow]
    receipts: list[ClientReceipt]
    refunds: list[ClientRefund]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a link shows: of this customer all, or this one project."""

    customer_id: str
    project_id: str | None

    def given(self, **more: object) -> dict[str, object]:
        """The same as values of a query."""
        at = {"customer": self.customer_id, "project": self.project_id, "limit": ROWS_MAX}
        return at | {"payment": None} | more


def page(session: Session, seen: Seen, *, today: date) -> ClientPage:
    """The page. Raises NotFound where there is no such customer."""
    name = session.scalar(_CUSTOMER, {"customer": seen.customer_id})
    if name is None:
        raise NotFound("there is no such customer")
    bills, held = _ids(session, _INVOICES, seen), _ids(session, _DEPOSITS, seen)
    plans = _ids(session, _PROJECTS, seen)
    offered = _ids(session, _PROPOSALS, seen)
    offers = proposals.load(session, offered, today=today)
    rows = invoices.load(session, bills, today=today)
    reserves = deposits.load(session, held)
    works = projects.load(session, plans, today=today)
    return ClientPage(
        customer_id=seen.customer_id,
        customer=name,
        is_whole=seen.project_id is None,
        balances=_balances(session, seen, today),
        in_dispute=in_dispute(session, seen, today=today),
        projects=[works[at] for at in plans],
        to_sign={
            milestone.id: _terms(milestone)
            for at in plans
            for milestone in works[at].milestones
            if milestone.kind not in sign_offs.NEEDS_NONE
            and not milestone.is_called_off
            and not _is_signed(milestone)
        },
        proposals=[offers[at] for at in offered],
        invoices=[rows[at] for at in bills],
        deposits=[reserves[at] for at in held],
        receipts=receipts(session, seen),
        refunds=_refunds(session, seen),
    )


def invoice(session: Session, seen: Seen, invoice_id: str, *, today: date) -> InvoiceRow:
    """One invoice that was sent to them. Raises NotFound."""
    row = invoices.load(session, [invoice_id], today=today).get(invoice_id)
    is_theirs = row is not None and row.customer_id == seen.customer_id and row.sent_at is not None
    if row is None or not is_theirs or seen.project_id not in {None, row.project_id}:
        raise NotFound("there is no such invoice")
    return row


def deposit(session: Session, seen: Seen, deposit_id: str) -> DepositRow:
    """One deposit of theirs. Raises NotFound."""
    row = deposits.load(session, [deposit_id]).get(deposit_id)
    if row is None or row.customer_id != seen.customer_id:
        raise NotFound("there is no such deposit")
    if seen.project_id not in {None, row.project_id}:
        raise NotFound("there is no such deposit")
    return row


def receipts(session: Session, seen: Seen, *, payment_id: str | None = None) -> list[ClientReceipt]:
    """What came from them, the newest first; or one payment alone."""
    found = session.execute(_RECEIPTS, seen.given(payment=payment_id))
    return [ClientReceipt(**row._asdict()) for row in found]


def in_dispute(session: Session, seen: Seen, *, today: date) -> dict[str, InDispute]:
    """By currency, what of theirs is left to pay and not asked for while disputes are undecided."""
    rows = session.execute(_IN_DISPUTE, seen.given(today=today))
    return {row.currency: InDispute(row.amount, row.overdue) for row in rows}


def pay_link(session: Session, seen: Seen, link_id: str, *, now: datetime) -> ClientPayLink:
    """A page on which they can pay now. Raises NotFound."""
    row = session.execute(_PAY_LINK, seen.given(id=link_id, now=now)).first()
    if row is None:
        raise NotFound("there is no such link")
    return ClientPayLink(**row._asdict())


def customer_name(session: Session, seen: Seen) -> str:
    """Who they are."""
    return str(session.scalar(_CUSTOMER, {"customer": seen.customer_id}) or "")


def project_name(session: Session, seen: Seen) -> str | None:
    """The project that is shown, where it is one alone."""
    name = session.scalar(_PROJECT_NAME, {"project": seen.project_id})
    return None if name is None else str(name)


def statements(
    session: Session, seen: Seen, since: date, until: date, *, after: str | None = None
) -> Part:
    """Their statement for a period, or their project's, in each currency: a part of it."""
    if seen.project_id is not None:
        return client_statements.part_of_project(
            session, seen.project_id, since, until, after=after
        )
    return client_statements.part_of_customer(session, seen.customer_id, since, until, after=after)


def _terms(milestone: MilestoneRow) -> str:
    said = sign_offs.terms(
        milestone.id,
        name=milestone.name,
        description=milestone.description,
        amount=milestone.amount,
        currency=milestone.currency,
    )
    return sign_offs.digest(said)


def _is_signed(milestone: MilestoneRow) -> bool:
    return any(one.is_current for one in milestone.sign_offs)


def _ids(session: Session, query: sa.TextClause, seen: Seen) -> Sequence[str]:
    return [row.id for row in session.execute(query, seen.given())]


def _balances(session: Session, seen: Seen, today: date) -> list[Balance]:
    if seen.project_id is None:
        of = balances.of_customers(session, [seen.customer_id], today=today)
        found = of.get(seen.customer_id, {})
    else:
        of = balances.of_projects(session, [seen.project_id], today=today)
        found = of.get(seen.project_id, {})
    return sorted(found.values(), key=lambda one: (-one.outstanding, one.currency))


def _refunds(session: Session, seen: Seen) -> list[ClientRefund]:
    ids = _ids(session, _REFUNDS, seen)
    rows = refunds.load(session, ids)
    ours = [
        ClientRefund(
            at=row.requested_at, currency=row.currency, amount=row.amount, words=row.client_words
        )
        for row in rows.values()
    ]
    foreign = [
        ClientRefund(
            at=row.made_at,
            currency=row.currency,
            amount=row.amount,
            words=for_client([LegTold(_STAGES[row.state], row.amount)], row.currency),
        )
        for row in session.execute(_FOREIGN, seen.given())
        if row.amount and _is_refund(row.object_id, decode_facts(row.facts))
    ]
    return sorted([*ours, *foreign], key=lambda one: one.at, reverse=True)[:ROWS_MAX]


def _is_refund(refund_id: str, facts: PaymentFacts) -> bool:
    """Whether the books take it for one: a remainder that was let go is no money sent back."""
    refund = facts.refunds.get(refund_id)
    return refund is not None and is_released(refund, facts) is False
