"""Everything that can be taken over elsewhere, as one file: each row says by `kind` what it is.

The columns are those that an import reads, so what leaves here comes back as the same. What a rail
took is not among it: that is read from the rail. Nor is what was credited, given back or kept: such
a row says so, and is refused where it comes in.
"""

from collections.abc import Iterator
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.reads.export_more import Kind
from reconciler.reads.export_rows import UNTIL, Row, Table, Window, streamed

TABLE = Table(
    (
        "kind", "external_id", "customer_id", "vendor_id", "project_id", "number", "code", "name",
        "email", "overpayment_policy", "rail_customers", "currency", "original_price", "total",
        "tax", "credited", "amount", "refunded", "forfeited", "state", "date", "issued_on",
        "due_on", "expires_on", "received_on", "applied_on", "paid_on", "source", "reference",
        "description", "notes", "quantity", "unit_price", "tax_rate", "tax_name", "category",
    ),
    {},
)  # fmt: skip
_SINCE = ">= coalesce(cast(:since as timestamptz), '-infinity')"
_OF_MANUAL = """allocation a join payment p on p.id = a.payment_id and p.rail = 'manual'
    left join invoice i on i.id = a.invoice_id left join deposit d on d.id = a.deposit_id
    where a.amount > 0 and p.created_at"""
# By kind: the columns, and whence. The last word of whence is the instant that a window chooses by.
_KINDS = {
    "customer": (
        """x.id as external_id, x.name, x.email, x.overpayment_policy,
        array(select r.rail || ':' || r.rail_customer_id from customer_rail_id r
          where r.customer_id = x.id order by 1) as rail_customers""",
        "customer x where x.created_at",
    ),
    "project": (
        """x.id as external_id, x.customer_id, x.name, x.currency,
        x.approved_price as original_price""",
        "project x where x.created_at",
    ),
    "invoice": (
        """x.number, x.customer_id, x.project_id, x.currency, x.total, nullif(x.tax, 0) as tax,
        nullif(x.credited, 0) as credited, x.state, x.issued_on, x.due_on, x.description""",
        "invoice x where x.state <> 'void' and x.created_at",
    ),
    "invoice_line": (
        """i.number, i.currency, x.description, x.quantity, x.unit_price, x.tax_rate,
        x.tax_name""",
        """invoice_line x join invoice i on i.id = x.invoice_id
        where i.state <> 'void' and i.created_at""",
    ),
    "deposit": (
        """x.code, x.customer_id, x.project_id, x.currency, x.amount,
        nullif(x.refunded, 0) as refunded, nullif(x.forfeited, 0) as forfeited,
        x.taken_on as date, x.due_on, x.expires_on, x.notes""",
        "deposit x where x.ended_at is null and x.created_at",
    ),
    "receipt": (
        """p.id || case when count(*) over (partition by p.id) > 1
          then '/' || coalesce(i.number, d.code) else '' end as external_id,
        i.number, d.code, p.currency, a.amount,
        (p.occurred_at at time zone 'UTC')::date as received_on,
        p.facts #>> '{payer,method,1}' as source, p.facts #>> '{texts,reference,1}' as reference""",
        _OF_MANUAL,
    ),
    "application": (
        """x.id as external_id, d.code, i.number, d.currency, x.amount,
        e.effective_on as applied_on""",
        """application x join deposit d on d.id = x.deposit_id join invoice i on i.id = x.invoice_id
        left join journal_entry e on e.key = 'application/' || x.id || '/1'
        where x.amount > 0 and x.created_at""",
    ),
    "vendor": (
        "x.id as external_id, x.name, x.email, x.notes",
        "vendor x where x.created_at",
    ),
    "bill": (
        """x.number, x.vendor_id, x.currency, x.total, nullif(x.tax, 0) as tax, x.state,
        x.issued_on, x.due_on, x.description""",
        "bill x where x.state <> 'void' and x.created_at",
    ),
    "bill_line": (
        """b.number, b.vendor_id, b.currency, x.description, x.quantity, x.unit_price, x.tax_rate,
        x.tax_name, x.category""",
        "bill_line x join bill b on b.id = x.bill_id where b.state <> 'void' and b.created_at",
    ),
    "bill_payment": (
        """x.id as external_id, b.number, b.vendor_id, b.currency, x.amount, x.paid_on,
        x.reference""",
        "bill_payment x join bill b on b.id = x.bill_id where x.closed_at is null and x.created_at",
    ),
}
_ORDER = {
    "invoice_line": "i.created_at, i.id, x.place",
    "bill_line": "b.created_at, b.id, x.place",
    "receipt": "p.created_at, p.id, a.created_at, a.id",
}


def _statement(kind: str) -> sa.TextClause:
    columns, whence = _KINDS[kind]
    at = whence.rpartition(" ")[2]
    order = _ORDER.get(kind, f"{at}, x.id")
    return sa.text(f"select {columns} from {whence} {_SINCE} and {at} {UNTIL} order by {order}")


def _rows(session: Session, window: Window, _today: date) -> Iterator[Row]:
    given = {"since": window.since, "until": window.until}
    blank = dict.fromkeys(TABLE.columns)
    for kind in _KINDS:
        for row in streamed(session, _statement(kind), given):
            yield TABLE.filled(blank | row | {"kind": kind})


DOCUMENTS = Kind("when it was made", TABLE, _rows)
