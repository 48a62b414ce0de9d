"""What leaves in files: journal, invoices, payments, refunds, payouts, row by row, oldest first.

What is simpler to say stands in export_more.py, and all of it in the table of export_kinds.py.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.invoices import InvoiceState, status
from reconciler.books.observations import RefundFact
from reconciler.books.payments import is_released
from reconciler.books.payout_lines import Lines, difference
from reconciler.reads.export_rows import AFTER, PAGE_ROWS, UNTIL, Cell, Row, Table, Window, walk
from reconciler.reads.ledger import EntryRow, PostingLine
from reconciler.store.claims import decode_facts
from reconciler.store.ledger import POSTED_ON
from reconciler.store.payout_rows import decode_facts as decode_payout
from reconciler.timestamps import from_epoch
from reconciler.work import Cause

JOURNAL = Table(
    (
        "entry_id", "key", "at", "reverses", "payment_id", "invoice_id", "deposit_id", "payout_id",
        "bill_id", "prepayment_id", "cause_kind", "cause_id", "line", "role", "rail", "category",
        "currency", "debit", "credit", "posted_on", "effective_on",
    ),
    {"debit": "currency", "credit": "currency"},
)  # fmt: skip
INVOICES = Table(
    (
        "id", "number", "customer_id", "customer_name", "project_id", "milestone_id",
        "description", "currency", "subtotal", "tax", "total", "tax_credited", "paid", "credited",
        "outstanding", "status", "issued_on", "due_on", "created_at", "sent_at", "voided_at",
    ),
    dict.fromkeys(
        ("subtotal", "tax", "total", "tax_credited", "paid", "credited", "outstanding"), "currency"
    ),
)  # fmt: skip
PAYMENTS = Table(
    (
        "id", "rail", "account", "rail_payment_id", "customer_id", "customer_name", "status",
        "currency", "authorized", "captured", "refunded", "lost", "disputed", "allocated",
        "unapplied", "fee_currency", "fee", "match_strategy", "allocated_to", "occurred_at",
        "created_at",
    ),
    {
        **dict.fromkeys(
            ("authorized", "captured", "refunded", "lost", "disputed", "allocated", "unapplied"),
            "currency",
        ),
        "fee": "fee_currency",
    },
)  # fmt: skip
REFUNDS = Table(
    (
        "refund_id", "leg_id", "rail", "rail_refund_id", "payment_id", "rail_payment_id",
        "invoice_id", "deposit_id", "customer_id", "currency", "amount", "status", "reason",
        "treatment", "note", "failure", "made", "requested_by", "requested_at", "approved_by",
        "approved_at",
    ),
    {"amount": "currency"},
)  # fmt: skip
PAYOUTS = Table(
    (
        "id", "rail", "account", "rail_payout_id", "status", "currency", "amount", "line_count",
        "lines_net", "difference", "automatic", "instant", "arrival_at", "trace_id", "failure",
        "occurred_at", "listed_at",
    ),
    dict.fromkeys(("amount", "lines_net", "difference"), "currency"),
)  # fmt: skip
PAYOUT_LINES = Table(
    (
        "payout_id", "rail_payout_id", "rail_movement_id", "category", "source", "payment_id",
        "rail_payment_id", "customer_id", "customer_name", "currency", "amount", "fee", "net",
        "moved_at",
    ),
    dict.fromkeys(("amount", "fee", "net"), "currency"),
)  # fmt: skip

_ENTRIES = sa.text(
    f"""with page as (select e.*, {POSTED_ON} as posted,
        coalesce(e.effective_on, {POSTED_ON}) as effective
      from journal_entry e where (e.at, e.id) {AFTER}
      and e.at {UNTIL} order by e.at, e.id limit :limit)
    select page.id, page.key, page.at, page.reverses, page.posted, page.effective,
      page.payment_id, page.invoice_id, page.deposit_id, page.payout_id, page.bill_id,
      page.prepayment_id, page.cause_kind, page.cause_id, a.role, a.rail, a.category, a.currency,
      p.amount
    from page join posting p on p.entry_id = page.id join ledger_account a on a.id = p.account_id
    order by page.at, page.id, p.line"""
)
# The day on an invoice is what accountants go by; a draft has only the day it was made.
_INVOICE_DAY = """coalesce(i.issued_on::timestamp, date_trunc('day', i.created_at at time zone
    'UTC')) at time zone 'UTC'"""
INVOICE_WINDOW = f"""{_INVOICE_DAY} >= coalesce(cast(:since as timestamptz), '-infinity')
    and {_INVOICE_DAY} {UNTIL}"""
_INVOICES = sa.text(
    f"""select i.id, i.number, i.customer_id, c.name as customer_name, i.project_id,
      i.milestone_id, i.description, i.currency, i.total - i.tax as subtotal, i.tax, i.total,
      i.tax_credited, i.paid, i.credit_notes, i.refund_credits, i.write_offs, i.credited,
      i.outstanding, i.state, i.issued_on, i.due_on, i.created_at, i.sent_at, i.voided_at,
      i.created_at as walk_at, i.id as walk_id
    from invoice i join customer c on c.id = i.customer_id
    where (i.created_at, i.id) {AFTER} and {INVOICE_WINDOW}
    order by i.created_at, i.id limit :limit"""
)
_PAYMENTS = sa.text(
    f"""select p.id, p.rail, p.account, p.rail_payment_id, p.customer_id, c.name as customer_name,
      p.status, p.currency, p.authorized, p.captured, p.refunded, p.lost, p.disputed, p.fee,
      p.fee_currency, p.strategy as match_strategy, p.created_at, p.occurred_at,
      coalesce(x.allocated, 0)::bigint as allocated,
      (p.captured - p.refunded - p.lost - coalesce(x.allocated, 0))::bigint as unapplied,
      coalesce(x.allocated_to, '{{}}') as allocated_to,
      p.occurred_at as walk_at, p.id as walk_id
    from payment p left join customer c on c.id = p.customer_id
    left join lateral (select sum(a.amount) as allocated,
        array_agg(coalesce(i.number, d.code) order by a.created_at, a.id) as allocated_to
      from allocation a left join invoice i on i.id = a.invoice_id
        left join deposit d on d.id = a.deposit_id
      where a.payment_id = p.id and a.amount > 0) x on true
    where (p.occurred_at, p.id) {AFTER} and p.occurred_at {UNTIL}
    order by p.occurred_at, p.id limit :limit"""
)
_LEGS = sa.text(
    f"""select r.id as refund_id, l.id as leg_id, p.rail, l.rail_refund_id, l.payment_id,
      p.rail_payment_id, r.invoice_id, r.deposit_id, r.customer_id, r.currency, l.amount,
      l.status, r.reason, r.treatment, r.note, coalesce(l.failure, r.failure) as failure,
      'here' as made, r.requested_by, r.requested_at, r.approved_by, r.approved_at,
      r.requested_at as walk_at, l.id as walk_id
    from refund_leg l join refund r on r.id = l.refund_id join payment p on p.id = l.payment_id
    where (r.requested_at, l.id) {AFTER} and r.requested_at {UNTIL}
    order by r.requested_at, l.id limit :limit"""
)
_REFUNDED = sa.text(
    f"""select p.id as payment_id, p.rail, p.rail_payment_id, p.customer_id, p.currency,
      p.facts::text as facts, p.occurred_at as walk_at, p.id as walk_id,
      array(select unnest(array[l.reference, l.rail_refund_id]) from refund_leg l
        where l.payment_id = p.id) as ours
    from payment p where p.facts ? 'refunds' and (p.occurred_at, p.id) {AFTER}
    order by p.occurred_at, p.id limit :limit"""
)
_PAYOUTS = sa.text(
    f"""select p.id, p.rail, p.account, p.rail_payout_id, p.status, p.currency, p.amount,
      p.line_count, p.lines_net, p.arrival_at, p.occurred_at, p.listed_at,
      p.facts::text as facts, p.occurred_at as walk_at, p.id as walk_id
    from payout p where (p.occurred_at, p.id) {AFTER} and p.occurred_at {UNTIL}
    order by p.occurred_at, p.id limit :limit"""
)
_PAYOUT_LINES = sa.text(
    f"""select l.payout_id, w.rail_payout_id, l.rail_movement_id, l.category, l.source,
      o.payment_id, p.rail_payment_id, p.customer_id, c.name as customer_name, l.currency,
      l.amount, l.fee, l.amount - l.fee as net, l.moved_at,
      l.moved_at as walk_at, l.payout_id || '/' || l.rail_movement_id as walk_id
    from payout_line l join payout w on w.id = l.payout_id
      left join rail_object o on o.rail = w.rail and o.account = w.account
        and o.kind = 'balance_transaction' and o.object_id = l.rail_movement_id
      left join payment p on p.id = o.payment_id left join customer c on c.id = p.customer_id
    where (l.moved_at, l.payout_id || '/' || l.rail_movement_id) {AFTER} and l.moved_at {UNTIL}
    order by 15, 16 limit :limit"""
)
_OF_THE_PAYMENT = ("payment_id", "rail", "rail_payment_id", "customer_id", "currency")


def journal(session: Session, window: Window) -> Iterator[EntryRow]:
    """Entries with their postings, in the order in which they were booked."""
    after: tuple[object, str] = (window.since or "-infinity", "")
    while page := _entries(session, after, window.until):
        yield from page
        after = (page[-1].at, page[-1].id)


def lines_of(entry: EntryRow) -> Iterator[Row]:
    """An entry as flat rows, one a posting."""
    shared: dict[str, Cell] = {
        "entry_id": entry.id, "key": entry.key, "at": entry.at, "reverses": entry.reverses,
        "payment_id": entry.payment_id, "invoice_id": entry.invoice_id,
        "deposit_id": entry.deposit_id, "payout_id": entry.payout_id,
        "bill_id": entry.bill_id, "prepayment_id": entry.prepayment_id,
        "cause_kind": entry.cause.kind, "cause_id": entry.cause.id,
        "posted_on": entry.posted_on, "effective_on": entry.effective_on,
    }  # fmt: skip
    for number, line in enumerate(entry.postings, 1):
        yield JOURNAL.filled(
            shared
            | {
                "line": number, "role": line.role, "rail": line.rail,
                "category": line.category, "currency": line.currency,
                "debit": line.debit, "credit": line.credit,
            }
        )  # fmt: skip


def days(session: Session, window: Window) -> tuple[date, date] | None:
    """The days, in UTC, of the first entry of all and of the last one before the window ends."""
    ends = sa.text(f"select min(at), max(at) from journal_entry where at {UNTIL}")
    first, last = session.execute(ends, {"until": window.until}).one()
    return (first.astimezone(UTC).date(), last.astimezone(UTC).date()) if first else None


def invoices(session: Session, window: Window, *, today: date) -> Iterator[Row]:
    """Invoices by the day on them, as they stand today."""
    for row in walk(session, _INVOICES, window):
        shown = status(
            InvoiceState(row["state"]),
            total=row["total"],
            paid=row["paid"],
            credited=row["credited"],
            refunded=row["refund_credits"],
            written_off=row["write_offs"],
            due_on=row["due_on"],
            today=today,
        )
        yield INVOICES.filled(row | {"status": shown.value})


def payments(session: Session, window: Window) -> Iterator[Row]:
    """Payments by the instant that their rail gives them."""
    return map(PAYMENTS.filled, walk(session, _PAYMENTS, window, starts_at=window.since))


def refunds(session: Session, window: Window) -> Iterator[Row]:
    """Money that goes back: each leg of a refund asked for here, then what others asked the rail.

    Without the second kind a refund made in the rail's dashboard would be missing.
    """
    yield from map(REFUNDS.filled, walk(session, _LEGS, window, starts_at=window.since))
    for row in walk(session, _REFUNDED, window):
        facts = decode_facts(row["facts"])
        for refund in facts.refunds.values():
            is_ours = {refund.id, refund.reference} & set(filter(None, row["ours"]))
            is_inside = window.holds(from_epoch(refund.created))
            if is_inside and not is_ours and not is_released(refund, facts):
                yield REFUNDS.filled(row | _made_elsewhere(refund))


def payouts(session: Session, window: Window) -> Iterator[Row]:
    """Payouts by when they were made, with what of each nothing explains."""
    for row in walk(session, _PAYOUTS, window, starts_at=window.since):
        facts = decode_payout(row["facts"])
        known = Lines(
            count=row["line_count"], net=row["lines_net"], is_whole=row["listed_at"] is not None
        )
        more = {
            "difference": difference(facts, known),
            "automatic": "yes" if facts.is_automatic else "no",
            "instant": "yes" if facts.is_instant else "no",
            "trace_id": facts.trace_id,
            "failure": facts.failure,
        }
        yield PAYOUTS.filled(row | more)


def payout_lines(session: Session, window: Window) -> Iterator[Row]:
    """What payouts consist of, by when it moved, with the payment that each line is of."""
    rows = walk(session, _PAYOUT_LINES, window, starts_at=window.since)
    return map(PAYOUT_LINES.filled, rows)


def _entries(session: Session, after: tuple[object, str], until: datetime | None) -> list[EntryRow]:
    given = {"after_at": after[0], "after_id": after[1], "until": until, "limit": PAGE_ROWS}
    found: dict[str, EntryRow] = {}
    for row in session.execute(_ENTRIES, given):
        entry = found.get(row.id)
        if entry is None:
            entry = found[row.id] = EntryRow(
                row.id, row.key, row.at, row.posted, row.effective, row.reverses,
                row.payment_id, row.invoice_id, row.deposit_id,
                Cause(row.cause_kind, row.cause_id), [], row.payout_id,
                row.bill_id, row.prepayment_id,
            )  # fmt: skip
        debit, credit = max(row.amount, 0), max(-row.amount, 0)
        entry.postings.append(
            PostingLine(
                row.role, row.rail or None, row.currency, debit, credit, row.category or None
            )
        )
    return list(found.values())


def _made_elsewhere(refund: RefundFact) -> dict[str, Any]:
    blank: dict[str, Any] = dict.fromkeys(REFUNDS.columns)
    for known in _OF_THE_PAYMENT:
        del blank[known]
    return blank | {
        "rail_refund_id": refund.id,
        "amount": refund.amount,
        "status": refund.shown[2],
        "reason": refund.reason,
        "failure": refund.failure_reason,
        "made": "at the rail",
        "requested_at": from_epoch(refund.created),
    }
