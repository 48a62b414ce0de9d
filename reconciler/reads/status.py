"""How the program is doing: what waits, what is stuck, and whether the books balance."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.reads import audit as trail, closings, reconciliation, restore
from reconciler.reads.reconciliation import Complete, LastDrift
from reconciler.reads.restore import Held
from reconciler.store import inbox_rows, ledger_totals
from reconciler.store.ledger_totals import TOTALS


@dataclass(frozen=True, slots=True)
class InboxStatus:
    """What came in and is not in the books.

    `pending` counts what a worker will still do by itself, retries included, of payments that the
    rail is to be asked about at most ten thousand; what only a person can move on is `failed`.
    """

    pending: int
    parked: int
    failed: int
    quarantined: int
    oldest_seconds: int


@dataclass(frozen=True, slots=True)
class RefundsStatus:
    """Refunds that are `in_flight` (approved, submitted or unknown), and what needs a person."""

    in_flight: int
    manual: int
    waiting_for_approval: int


@dataclass(frozen=True, slots=True)
class ReviewStatus:
    """Questions that wait for a person."""

    open: int


@dataclass(frozen=True, slots=True)
class BooksStatus:
    """Whether debits equal credits in every currency; what differs, if anything does.

    `closed_through` is the last day on which nothing can be posted any more.
    """

    balanced: bool
    differences: dict[str, int]
    closed_through: date | None


@dataclass(frozen=True, slots=True)
class AuditStatus:
    """How long the audit trail is, and its head: kept elsewhere, it proves that nothing changed."""

    lines: int
    head: str


@dataclass(frozen=True, slots=True)
class Status:
    """How the program is doing. `restore`: why no money moves after a restored database, if so."""

    inbox: InboxStatus
    refunds: RefundsStatus
    review: ReviewStatus
    books: BooksStatus
    audit: AuditStatus
    restore: Held | None
    complete: list[Complete]
    drift: list[LastDrift]


_UNFINISHED = sa.text(
    """select o.status, count(*) as n, min(e.received_at) as oldest
    from inbox_outcome o join inbox_event e on e.seq = o.seq
    where o.status in ('pending', 'parked', 'failed', 'quarantined') group by o.status"""
)
_NEW = sa.text(
    f"""select count(*) as n, min(e.received_at) as oldest from inbox_event e
    where {inbox_rows.IS_NEW}"""
)
# Of payments that nobody could ask about yet so many are counted: while the rail does not answer,
# they may be all there are.
FOLLOWING_MAX = 10_000
# What follows from an event at once, though the event itself is done: the first question to the
# rail about a payment, and held money that a new document may be for.
_FOLLOWING = sa.text(
    f"""select (select count(*) from (select 1 from payment
        where fetch_due_at is not null and fetch_attempts = 0 limit {FOLLOWING_MAX}) as asked)
      + (select count(*) from invoice where seeks_payment)
      + (select count(*) from deposit where seeks_payment)
      + (select count(*) from customer where seeks_payment) as n"""
)
_REFUNDS = sa.text(
    """select status, count(*) as n from refund
    where status in ('approved', 'submitted', 'unknown', 'manual', 'requested') group by status"""
)
_REVIEW = sa.text("select count(*) from review_item where state = 'open'")
_DIFFERENCES = sa.text(
    f"""select a.currency, sum(t.debit - t.credit)::bigint as difference
    from ({TOTALS}) t join ledger_account a on a.id = t.account_id
    group by a.currency having sum(t.debit - t.credit) <> 0"""
)


def status(session: Session, now: datetime) -> Status:
    """How the program is doing at this instant."""
    return Status(
        inbox=inbox(session, now),
        refunds=refunds(session),
        review=ReviewStatus(session.execute(_REVIEW).scalar_one()),
        books=books(session),
        audit=audit(session),
        restore=restore.held(session),
        complete=reconciliation.complete(session),
        drift=reconciliation.drifts(session),
    )


def inbox(session: Session, now: datetime) -> InboxStatus:
    """What came in and is not in the books."""
    waiting = {row.status: row for row in session.execute(_UNFINISHED)}
    new = session.execute(_NEW).one()
    counts = {name: row.n for name, row in waiting.items()}
    moving = [
        new.oldest,
        *(waiting[name].oldest for name in ("pending", "parked") if name in waiting),
    ]
    oldest = min((at for at in moving if at is not None), default=now)
    following = session.execute(_FOLLOWING).scalar_one()
    return InboxStatus(
        pending=counts.get("pending", 0) + new.n + following,
        parked=counts.get("parked", 0),
        failed=counts.get("failed", 0),
        quarantined=counts.get("quarantined", 0),
        oldest_seconds=max(0, int((now - oldest).total_seconds())),
    )


def refunds(session: Session) -> RefundsStatus:
    """Refunds on their way, and those that only a person can move on."""
    counts = {row.status: row.n for row in session.execute(_REFUNDS)}
    return RefundsStatus(
        in_flight=sum(counts.get(name, 0) for name in ("approved", "submitted", "unknown")),
        manual=counts.get("manual", 0),
        waiting_for_approval=counts.get("requested", 0),
    )


def books(session: Session) -> BooksStatus:
    """Whether debits equal credits."""
    found = {
        row.currency: row.difference
        for row in session.execute(_DIFFERENCES, ledger_totals.told(session))
    }
    return BooksStatus(
        balanced=not found, differences=found, closed_through=closings.through(session)
    )


def audit(session: Session) -> AuditStatus:
    """The audit trail's head."""
    head = trail.head(session)
    return AuditStatus(head.seq, str(head))
