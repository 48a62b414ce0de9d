"""What people look for is found by index: words, a customer's newest, what was booked late."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0045"
branch_labels = None
depends_on = None

_APART = r"(\W|_)+"


def _words(text: str) -> sa.TextClause:
    split = f"regexp_split_to_array(lower(left({text}, 500)), '{_APART}')"
    return sa.text(f"array_to_tsvector(array_remove({split}, ''))")


def _number(text: str) -> sa.TextClause:
    return _words(rf"{text} || ' ' || regexp_replace({text}, '(^|\W|_)0+', '\1', 'g')")


_WHO = "coalesce(name, '') || ' ' || coalesce(email, '')"
_PAYER = """coalesce(facts -> 'payer' -> 'name' ->> 1, '')
    || ' ' || coalesce(facts -> 'payer' -> 'email' ->> 1, '')"""
_FOUND_BY = {
    "customer": _words(_WHO),
    "vendor": _words(_WHO),
    "invoice": _number("number"),
    "deposit": _number("code"),
    "bill": _number("number"),
    "prepayment": _number("(code || ' ' || coalesce(reference, ''))"),
    "payment": _words(_PAYER),
}
_EVENTS = (
    ("ix_inbox_event_about", "about", "about is not null"),
    ("ix_inbox_event_quarantined", "seq", "quarantine is not null"),
)
_OPEN = sa.text("state = 'sent' and outstanding > 0")
# Of a customer's payments and invoices the newest are wanted first.
_NEWEST = {"payment": "occurred_at", "invoice": "created_at"}


def _waiting(beside: list[str]) -> None:
    op.drop_index("ix_payment_fetch_due", "payment")
    op.create_index(
        "ix_payment_fetch_due",
        "payment",
        ["fetch_due_at"],
        postgresql_include=beside or None,
        postgresql_where=sa.text("fetch_due_at is not null"),
    )


def upgrade() -> None:
    for table, text in _FOUND_BY.items():
        op.create_index(f"ix_{table}_words", table, [text], postgresql_using="gin")
    for table, at in _NEWEST.items():
        op.drop_index(f"ix_{table}_customer_id", table)
        op.create_index(f"ix_{table}_customer_id", table, ["customer_id", at, "id"])
    op.drop_index("ix_invoice_due", "invoice")
    op.create_index(
        "ix_invoice_due",
        "invoice",
        ["due_on", "id"],
        postgresql_include=["currency", "outstanding"],
        postgresql_where=_OPEN,
    )
    op.create_index(
        "ix_payment_status",
        "payment",
        ["status", "occurred_at", "id"],
        postgresql_where=sa.text("status <> 'captured'"),
    )
    _waiting(["fetch_attempts"])
    for name, column, rows in _EVENTS:
        op.create_index(name, "inbox_event", [column], postgresql_where=sa.text(rows))
    views = {"open": _OPEN, "draft": sa.text("state = 'draft'")}
    for view, rows in views.items():
        name = f"ix_invoice_{view}_created"
        op.create_index(name, "invoice", ["created_at", "id"], postgresql_where=rows)
    op.create_index(
        "ix_journal_entry_late",
        "journal_entry",
        ["at", "id"],
        postgresql_where=sa.text("coalesce(effective_on < posted_on, false)"),
    )


def downgrade() -> None:
    op.drop_index("ix_journal_entry_late", "journal_entry")
    for view in ("open", "draft"):
        op.drop_index(f"ix_invoice_{view}_created", "invoice")
    for name, *_ in _EVENTS:
        op.drop_index(name, "inbox_event")
    _waiting([])
    op.drop_index("ix_payment_status", "payment")
    op.drop_index("ix_invoice_due", "invoice")
    op.create_index("ix_invoice_due", "invoice", ["due_on", "id"], postgresql_where=_OPEN)
    for table in _NEWEST:
        op.drop_index(f"ix_{table}_customer_id", table)
        op.create_index(f"ix_{table}_customer_id", table, ["customer_id"])
    for table in _FOUND_BY:
        op.drop_index(f"ix_{table}_words", table)
