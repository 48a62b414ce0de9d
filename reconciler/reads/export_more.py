"""What leaves in files and can be said in one statement: an entry here is all that a noun needs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.reads.export_rows import UNTIL, Row, Table, Window, streamed

_SINCE = ">= coalesce(cast(:since as timestamptz), '-infinity')"
_CAUSE = {"cause_kind": "x.cause_kind", "cause_id": "x.cause_id"}

Rows = Callable[[Session, Window, date], Iterator[Row]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A noun that is exported: its columns, its rows, and by what instant a window chooses them.

    `counted` is the statement that says how many rows there will be, where one can.
    """

    by: str
    table: Table
    rows: Rows
    counted: str | None = None


def _kind(
    by: str,
    source: str,
    order: tuple[str, str],
    columns: Mapping[str, str],
    money: Sequence[str] | Mapping[str, str] = (),
) -> Kind:
    """A noun made of one statement: each column by its expression, in the order of (instant, id).

    `money` names the columns in minor units; each in `currency`, unless it says another column.
    """
    at, key = order
    listed = ", ".join(f"{expression} as {name}" for name, expression in columns.items())
    inside = f"from {source} where {at} {_SINCE} and {at} {UNTIL}"
    query = sa.text(f"select {listed} {inside} order by {at}, {key}")
    in_currency = money if isinstance(money, Mapping) else dict.fromkeys(money, "currency")
    table = Table(tuple(columns), in_currency)

    def rows(session: Session, window: Window, _today: date) -> Iterator[Row]:
        given = {"since": window.since, "until": window.until}
        return map(table.filled, streamed(session, query, given))

    return Kind(by, table, rows, f"select count(*) {inside}")


def _own(*names: str) -> dict[str, str]:
    return {name: f"x.{name}" for name in names}


def _yes(expression: str) -> str:
    return f"case when {expression} then 'yes' else 'no' end"


CUSTOMERS = _kind(
    "when they were added",
    "customer x",
    ("x.created_at", "x.id"),
    _own("id", "name", "email", "overpayment_policy")
    | {
        "rail_customers": """array(select r.rail || ':' || r.rail_customer_id
          from customer_rail_id r where r.customer_id = x.id order by 1)""",
        "created_at": "x.created_at",
    },
)
PROJECTS = _kind(
    "when it was begun",
    "project x join customer c on c.id = x.customer_id",
    ("x.created_at", "x.id"),
    {"id": "x.id", "customer_id": "x.customer_id", "customer_name": "c.name"}
    | _own("name", "currency", "original_price", "approved_price", "created_at"),
    ("original_price", "approved_price"),
)
CHANGE_ORDERS = _kind(
    "when it was recorded",
    "change_order x join project p on p.id = x.project_id",
    ("x.created_at", "x.id"),
    _own("id", "project_id", "number")
    | {"currency": "p.currency"}
    | _own("price_before", "price_after", "reason", "approved_by", "approved_on", "document")
    | _CAUSE
    | _own("created_at"),
    ("price_before", "price_after"),
)
MILESTONES = _kind(
    "when it was planned",
    """milestone x join project p on p.id = x.project_id
      left join invoice i on i.milestone_id = x.id and i.state <> 'void'
      left join deposit d on d.milestone_id = x.id""",
    ("x.created_at", "x.id"),
    _own("id", "project_id")
    | {"customer_id": "p.customer_id"}
    | _own("position", "kind", "name", "description", "currency", "amount", "due_on")
    | {"invoice_id": "i.id", "deposit_id": "d.id"}
    | _own("change_order_id", "dropped_at", "created_at"),
    ("amount",),
)
PROPOSALS = _kind(
    "when it was drafted",
    "proposal x join customer c on c.id = x.customer_id",
    ("x.created_at", "x.id"),
    {"id": "x.id", "customer_id": "x.customer_id", "customer_name": "c.name"}
    | _own(
        "name", "currency", "price", "state", "version", "valid_until", "sent_at", "decided_at",
        "decided_by", "reason", "accepted_sha256", "project_id", "created_at",
    ),
    ("price",),
)  # fmt: skip
INVOICE_LINES = _kind(
    "when the invoice was made",
    "invoice_line x join invoice i on i.id = x.invoice_id",
    ("i.created_at", "i.id, x.place"),
    {"invoice_id": "i.id", "number": "i.number", "currency": "i.currency"}
    | _own("place", "description", "quantity", "unit_price", "tax_rate", "tax_name", "net", "tax"),
    ("unit_price", "net", "tax"),
)
CREDIT_NOTES = _kind(
    "when it was written",
    """credit_note x join invoice i on i.id = x.invoice_id
      left join credit_note_taken_back t on t.credit_note_id = x.id""",
    ("x.created_at", "x.id"),
    _own("id", "number", "invoice_id")
    | {"invoice_number": "i.number", "customer_id": "i.customer_id", "currency": "i.currency"}
    | _own("amount", "tax", "reason")
    | _CAUSE
    | _own("created_at")
    | {"taken_back_at": "t.created_at"},
    ("amount", "tax"),
)
DEPOSITS = _kind(
    "when it was asked for",
    "deposit x join customer c on c.id = x.customer_id",
    ("x.created_at", "x.id"),
    _own("id", "code", "customer_id")
    | {"customer_name": "c.name"}
    | _own("project_id", "milestone_id", "currency", "amount", "received", "applied", "refunded")
    | {"remaining": "x.received - x.applied - x.refunded", "date": "x.taken_on"}
    | _own("received_into", "notes", "created_at", "forfeited", "ended_at", "due_on")
    | _own("expires_on"),
    ("amount", "received", "applied", "refunded", "remaining", "forfeited"),
)
ALLOCATIONS = _kind(
    "when it was made",
    """allocation x join payment p on p.id = x.payment_id
      left join invoice i on i.id = x.invoice_id left join deposit d on d.id = x.deposit_id""",
    ("x.created_at", "x.id"),
    _own("id", "payment_id")
    | {"rail_payment_id": "p.rail_payment_id"}
    | _own("invoice_id", "deposit_id")
    | {"allocated_to": "coalesce(i.number, d.code)", "currency": "p.currency"}
    | _own("amount", "gross", "credited", "reopened", "written_off", "strategy")
    | _CAUSE
    | _own("created_at", "closed_at"),
    ("amount", "gross", "credited", "reopened", "written_off"),
)
APPLICATIONS = _kind(
    "when it was made",
    """application x join deposit d on d.id = x.deposit_id
      left join invoice i on i.id = x.invoice_id""",
    ("x.created_at", "x.id"),
    _own("id", "deposit_id")
    | {"code": "d.code", "invoice_id": "x.invoice_id", "number": "i.number"}
    | {"currency": "d.currency"}
    | _own("amount", "gross", "credited", "reopened", "written_off")
    | _CAUSE
    | _own("created_at", "closed_at"),
    ("amount", "gross", "credited", "reopened", "written_off"),
)
DISPUTES = _kind(
    "when it was opened",
    "dispute x join payment p on p.id = x.payment_id",
    ("x.opened_at", "x.id"),
    _own("id", "payment_id")
    | {"rail": "p.rail", "rail_payment_id": "p.rail_payment_id", "customer_id": "p.customer_id"}
    | _own(
        "rail_dispute_id", "kind", "stage", "status", "reason", "currency", "amount", "taken",
        "lost", "evidence_due_at", "decision",
    )
    | {"on_hold": _yes("x.is_unsettled"), "opened_at": "x.opened_at", "updated_at": "x.updated_at"},
    ("amount", "taken", "lost"),
)  # fmt: skip
BANK_LINES = _kind(
    "the day on which the bank booked it",
    "bank_line x join bank_statement s on s.id = x.statement_id",
    ("x.booked_on::timestamp at time zone 'UTC'", "x.id"),
    _own("id", "statement_id")
    | {"file_name": "s.file_name", "bank_account": "x.bank_account"}
    | _own(
        "booked_on", "currency", "amount", "text", "reference", "counterparty", "bank_reference",
        "state", "target_kind", "target_id",
    )
    | {
        "also": """array(select p.target_id from bank_line_part p where p.line_id = x.id
          order by 1)"""
    }
    | _own("tied_by", "reasons", "why", "settled_at"),
    ("amount",),
)  # fmt: skip
REVIEW_ITEMS = _kind(
    "when it was opened",
    "review_item x",
    ("x.opened_at", "x.id"),
    _own(
        "id", "kind", "state", "subject", "payment_id", "invoice_id", "deposit_id", "refund_id",
        "currency", "amount", "opened_at", "resolved_at", "resolved_by", "resolution",
    ),
    ("amount",),
)  # fmt: skip
EVENTS = _kind(
    "when it was received",
    "inbox_event x left join inbox_outcome o on o.seq = x.seq",
    ("x.received_at", "x.seq"),
    _own("seq", "rail", "account", "rail_event_id", "type")
    | {"livemode": _yes("x.livemode"), "api_version": "x.api_version", "about": "x.about"}
    | {"created": "to_timestamp(x.created)", "received_at": "x.received_at"}
    | {"status": "coalesce(o.status, 'pending')", "attempts": "coalesce(o.attempts, 0)"}
    | {"error": "o.error", "note": "coalesce(o.note, x.quarantine)"}
    | {name: f"o.{name}" for name in ("payment_id", "payout_id", "applied_at")}
    | {"body_bytes": "length(x.body)", "body_sha256": "encode(sha256(x.body), 'hex')"},
)
MESSAGES = _kind(
    "when it was planned",
    "message x",
    ("x.created_at", "x.id"),
    _own("id", "kind", "state", "customer_id", "about", "step")
    | {"to": "x.recipient", "to_name": "x.recipient_name", "subject": "x.subject"}
    | _own("why", "tries", "carried_by", "created_at", "sent_at"),
)
AUDIT = _kind(
    "when it was done",
    "audit_line x left join audit_words w on w.seq = x.seq",
    ("x.at", "x.seq"),
    _own("seq", "at", "cause_kind", "cause_id", "action", "subject", "request_id")
    | {"words": "w.body", "hash": "x.hash"},
)

_OF_A_BILL = {"bill_id": "x.bill_id", "number": "b.number", "currency": "b.currency"}
_OF_A_PREPAYMENT = {
    "prepayment_id": "x.prepayment_id", "code": "q.code", "currency": "q.currency",
}  # fmt: skip
# What is bought: vendors, what they bill, and what pays it.
PURCHASES: Mapping[str, Kind] = {
    "vendors": _kind(
        "when they were added",
        "vendor x",
        ("x.created_at", "x.id"),
        _own("id", "name", "email", "notes", "created_at"),
    ),
    "bills": _kind(
        "when it was drafted",
        "bill x join vendor v on v.id = x.vendor_id",
        ("x.created_at", "x.id"),
        _own("id", "number", "vendor_id")
        | {"vendor_name": "v.name"}
        | _own("description", "currency")
        | {"subtotal": "x.total - x.tax"}
        | _own("tax", "total", "paid", "outstanding", "state", "issued_on", "due_on", "created_at")
        | _own("opened_at", "voided_at"),
        ("subtotal", "tax", "total", "paid", "outstanding"),
    ),
    "bill-lines": _kind(
        "when the bill was drafted",
        "bill_line x join bill b on b.id = x.bill_id",
        ("b.created_at", "b.id, x.place"),
        _OF_A_BILL
        | _own("place", "description", "category", "quantity", "unit_price", "tax_rate")
        | _own("tax_name", "net", "tax"),
        ("unit_price", "net", "tax"),
    ),
    "bill-payments": _kind(
        "when it was recorded",
        "bill_payment x join bill b on b.id = x.bill_id",
        ("x.created_at", "x.id"),
        {"id": "x.id"}
        | _OF_A_BILL
        | _own("amount", "paid_on", "reference", "created_at", "closed_at"),
        ("amount",),
    ),
    "prepayments": _kind(
        "when it was recorded",
        "prepayment x join vendor v on v.id = x.vendor_id",
        ("x.created_at", "x.id"),
        _own("id", "code", "vendor_id")
        | {"vendor_name": "v.name"}
        | _own("currency", "amount", "applied", "refunded")
        | {
            "remaining": """case when x.voided_at is null
              then x.amount - x.applied - x.refunded else 0 end"""
        }
        | _own("paid_on", "reference", "notes", "created_at", "voided_at", "kind", "tax"),
        ("amount", "applied", "refunded", "remaining", "tax"),
    ),
    "vendor-credit-lines": _kind(
        "when the credit note was recorded",
        "vendor_credit_line x join prepayment q on q.id = x.prepayment_id",
        ("q.created_at", "q.id, x.place"),
        _OF_A_PREPAYMENT
        | _own("place", "description", "category", "quantity", "unit_price", "tax_rate")
        | _own("tax_name", "net", "tax"),
        ("unit_price", "net", "tax"),
    ),
    "prepayment-applications": _kind(
        "when it was made",
        """prepayment_application x join prepayment q on q.id = x.prepayment_id
          join bill b on b.id = x.bill_id""",
        ("x.created_at", "x.id"),
        {"id": "x.id"}
        | _OF_A_PREPAYMENT
        | {"bill_id": "x.bill_id", "number": "b.number"}
        | _own("amount", "created_at", "closed_at"),
        ("amount",),
    ),
    "vendor-refunds": _kind(
        "when it was recorded",
        "vendor_refund x join prepayment q on q.id = x.prepayment_id",
        ("x.created_at", "x.id"),
        {"id": "x.id"}
        | _OF_A_PREPAYMENT
        | _own("amount", "received_on", "reference", "created_at", "closed_at"),
        ("amount",),
    ),
}


def _accounts() -> Kind:
    """What each account came to in the window: sums instead of rows, so there is no order in time.

    Over all time these are the balances.
    """
    query = sa.text(
        f"""select a.role, a.rail, a.category, a.currency, count(*) as postings,
          coalesce(sum(p.amount) filter (where p.amount > 0), 0)::bigint as debit,
          coalesce(-sum(p.amount) filter (where p.amount < 0), 0)::bigint as credit,
          coalesce(sum(p.amount), 0)::bigint as balance
        from posting p join journal_entry e on e.id = p.entry_id
          join ledger_account a on a.id = p.account_id
        where e.at {_SINCE} and e.at {UNTIL}
        group by a.currency, a.role, a.rail, a.category
        order by a.currency, a.role, a.rail, a.category"""
    )
    names = ("role", "rail", "category", "currency", "postings", "debit", "credit", "balance")
    table = Table(names, dict.fromkeys(("debit", "credit", "balance"), "currency"))

    def rows(session: Session, window: Window, _today: date) -> Iterator[Row]:
        given: dict[str, datetime | None] = {"since": window.since, "until": window.until}
        return map(table.filled, streamed(session, query, given))

    return Kind("when it was booked", table, rows)


ACCOUNTS = _accounts()
