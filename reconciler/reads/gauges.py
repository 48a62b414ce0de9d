"""Numbers for a monitor: counts and ages, no amounts but differences that should be nothing."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.reads import restore, status


@dataclass(frozen=True, slots=True)
class Gauge:
    """One measured value."""

    name: str
    help: str
    value: int
    labels: tuple[tuple[str, str], ...] = ()


_IGNORED = sa.text(
    """select count(*) from inbox_outcome
    where status = 'ignored' and applied_at > cast(:now as timestamptz) - interval '1 day'"""
)
_REFUNDS = sa.text("select status, count(*) as n from refund group by status order by status")
_UNKNOWN = sa.text(
    """select min(s.at) from refund r join refund_step s on s.refund_id = r.id
    where r.status = 'unknown' and s.after = 'unknown'"""
)
_REVIEWS = sa.text(
    "select kind, count(*) as n from review_item where state = 'open' group by kind order by kind"
)
_POISON = sa.text("select count(*) from review_item where kind = 'event_failed'")
_OUTBOX = sa.text(
    """select 'mail' as what, min(due_at) as since from message
      where state in ('waiting', 'claimed') and due_at <= :now
    union all select 'webhook', min(d.due_at) from webhook_delivery d
      join webhook_endpoint e on e.id = d.endpoint_id
      where e.is_on and d.state in ('waiting', 'claimed') and d.due_at <= :now"""
)
_CURRENCIES = sa.text("select distinct currency from ledger_account order by currency")


def gauges(session: Session, now: datetime) -> list[Gauge]:
    """Everything that is measured from the database."""
    return [
        *_inbox(session, now),
        *_refunds(session, now),
        *_outbox(session, now),
        *(
            Gauge("review_open", "Questions that wait for a person.", row.n, (("kind", row.kind),))
            for row in session.execute(_REVIEWS)
        ),
        *_ledger(session),
        Gauge(
            "restore_held",
            "1 while no money moves because the database was restored.",
            int(restore.is_held(session)),
        ),
        Gauge("audit_lines", "Length of the audit trail.", status.audit(session).lines),
    ]


def _inbox(session: Session, now: datetime) -> list[Gauge]:
    inbox = status.inbox(session, now)
    counts = {
        "pending": inbox.pending,
        "parked": inbox.parked,
        "failed": inbox.failed,
        "quarantined": inbox.quarantined,
    }
    rows = [
        Gauge("inbox_rows", "Events that are not in the books.", count, (("status", name),))
        for name, count in counts.items()
    ]
    oldest = Gauge(
        "inbox_oldest_seconds", "Age of the oldest event still to apply.", inbox.oldest_seconds
    )
    poison = Gauge(
        "poison_total",
        "Events that were set aside after their last try, so far.",
        session.scalar(_POISON) or 0,
    )
    ignored = Gauge(
        "inbox_ignored_last_day",
        "Events of the last day that tell of nothing that is handled; kept, for a replay.",
        session.scalar(_IGNORED, {"now": now}) or 0,
    )
    return [*rows, oldest, poison, ignored]


def _outbox(session: Session, now: datetime) -> list[Gauge]:
    return [
        Gauge(
            "outbox_oldest_seconds",
            "Since something that goes out should have gone.",
            int((now - row.since).total_seconds()) if row.since else 0,
            (("of", row.what),),
        )
        for row in session.execute(_OUTBOX, {"now": now})
    ]


def _refunds(session: Session, now: datetime) -> list[Gauge]:
    states = [
        Gauge("refund_state", "Refunds by status.", row.n, (("state", row.status),))
        for row in session.execute(_REFUNDS)
    ]
    since = session.execute(_UNKNOWN).scalar()
    age = int((now - since).total_seconds()) if since else 0
    return [
        *states,
        Gauge("refund_unknown_oldest_seconds", "Longest time without a known outcome.", age),
    ]


def _ledger(session: Session) -> list[Gauge]:
    differences = status.books(session).differences
    return [
        Gauge(
            "ledger_drift_minor",
            "Debits less credits, in minor units; not 0 is an alarm.",
            differences.get(currency, 0),
            (("currency", currency),),
        )
        for currency in session.scalars(_CURRENCIES)
    ]
