"""The first books: every table, and the walls around them."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQL = Path(__file__).resolve().parent.parent / "sql"
SQL_FILES = ("journal.sql", "refunds.sql")
FUNCTIONS = (
    "append_only",
    "entry_balances",
    "event_takes_its_transaction_first",
    "postings_come_with_their_entry",
    "refund_is_a_rails_word",
    "refund_leg_may_become",
    "refund_leg_wall",
    "refund_may_become",
    "refund_never_goes",
    "refund_terms",
    "refund_wall",
    "refund_was_sent",
)


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_key_key_hash")),
    )
    op.create_table(
        "customer",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("seeks_payment", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rev", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("principal", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_table(
        "inbox_event",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("rail", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("rail_event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("livemode", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("api_version", sa.Text(), nullable=True),
        sa.Column("about", sa.Text(), nullable=True),
        sa.Column("created", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("quarantine", sa.Text(), nullable=True),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_inbox_event")),
        sa.UniqueConstraint(
            "rail",
            "account",
            "rail_event_id",
            name=op.f("uq_inbox_event_rail_account_rail_event_id"),
        ),
    )
    op.create_table(
        "inbox_horizon",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_xact", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("there_is_one_horizon")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_horizon")),
    )
    op.create_table(
        "job_tick",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("tick", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("job", "tick", name=op.f("pk_job_tick")),
    )
    op.create_table(
        "journal_entry",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("reverses", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.Column("invoice_id", sa.Text(), nullable=True),
        sa.Column("deposit_id", sa.Text(), nullable=True),
        sa.Column("cause_kind", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "xact",
            sa.BigInteger(),
            server_default=sa.text("pg_current_xact_id()::text::bigint"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_entry")),
        sa.UniqueConstraint("key", name=op.f("uq_journal_entry_key")),
    )
    op.create_index("ix_journal_entry_at", "journal_entry", ["at", "id"], unique=False)
    op.create_index(
        "ix_journal_entry_deposit",
        "journal_entry",
        ["deposit_id"],
        unique=False,
        postgresql_where=sa.text("deposit_id is not null"),
    )
    op.create_index(
        "ix_journal_entry_invoice",
        "journal_entry",
        ["invoice_id"],
        unique=False,
        postgresql_where=sa.text("invoice_id is not null"),
    )
    op.create_index(
        "ix_journal_entry_payment",
        "journal_entry",
        ["payment_id"],
        unique=False,
        postgresql_where=sa.text("payment_id is not null"),
    )
    op.create_table(
        "ledger_account",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("rail", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "role in ('bank', 'clearing', 'undeposited', 'accounts_receivable', 'disputed_funds', 'payouts_in_transit', 'vendor_prepayments', 'customer_deposits', 'unapplied_cash', 'refunds_payable', 'accounts_payable', 'revenue', 'credits', 'processing_fees', 'chargeback_losses', 'currency_conversion', 'suspense')",
            name=op.f("account_role_is_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_account")),
        sa.UniqueConstraint(
            "role", "rail", "currency", name=op.f("uq_ledger_account_role_rail_currency")
        ),
    )
    op.create_table(
        "sign_in_attempt",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempt")),
    )
    op.create_index("ix_sign_in_attempt_who", "sign_in_attempt", ["who", "at"], unique=False)
    op.create_table(
        "switch",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("on", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "name in ('refunds', 'apply', 'outbound')", name=op.f("switch_is_known")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_switch")),
    )
    op.create_table(
        "user_account",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role in ('viewer', 'reconciler', 'approver', 'admin')", name=op.f("role_is_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
    )
    op.create_index(
        "uq_user_account_email", "user_account", [sa.literal_column("lower(email)")], unique=True
    )
    op.create_table(
        "customer_rail_id",
        sa.Column("rail", sa.Text(), nullable=False),
        sa.Column("rail_customer_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_customer_rail_id_customer_id_customer")
        ),
        sa.PrimaryKeyConstraint("rail", "rail_customer_id", name=op.f("pk_customer_rail_id")),
    )
    op.create_index(
        op.f("ix_customer_rail_id_customer_id"), "customer_rail_id", ["customer_id"], unique=False
    )
    op.create_table(
        "deposit",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=True),
        sa.Column("taken_on", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("received", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("applied", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refunded", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("received_into", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("seeks_payment", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rev", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("deposit_amount_is_positive")),
        sa.CheckConstraint(
            "applied + refunded <= received", name=op.f("no_deposit_is_spent_twice")
        ),
        sa.CheckConstraint("received <= amount", name=op.f("deposit_receives_no_more_than_asked")),
        sa.CheckConstraint(
            "received >= 0 and applied >= 0 and refunded >= 0",
            name=op.f("deposit_parts_are_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_deposit_customer_id_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deposit")),
    )
    op.create_index("ix_deposit_created", "deposit", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_deposit_customer_id"), "deposit", ["customer_id"], unique=False)
    op.create_index(
        "ix_deposit_seeks_payment",
        "deposit",
        ["id"],
        unique=False,
        postgresql_where=sa.text("seeks_payment"),
    )
    op.create_index(
        "uq_deposit_code", "deposit", [sa.literal_column("lower(btrim(code))")], unique=True
    )
    op.create_table(
        "inbox_outcome",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.Column("waits_for", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status in ('pending', 'parked', 'applied', 'ignored', 'quarantined', 'failed')",
            name=op.f("outcome_status_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["seq"], ["inbox_event.seq"], name=op.f("fk_inbox_outcome_seq_inbox_event")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_inbox_outcome")),
    )
    op.create_index(
        "ix_inbox_outcome_due",
        "inbox_outcome",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at is not null"),
    )
    op.create_index(
        "ix_inbox_outcome_unfinished",
        "inbox_outcome",
        ["status"],
        unique=False,
        postgresql_where=sa.text("status in ('pending', 'parked', 'failed', 'quarantined')"),
    )
    op.create_index(
        "ix_inbox_outcome_waits_for",
        "inbox_outcome",
        ["waits_for"],
        unique=False,
        postgresql_where=sa.text("waits_for is not null"),
    )
    op.create_table(
        "invoice",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=True),
        sa.Column("milestone_id", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("paid", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("credit_notes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refund_credits", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("seeks_payment", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rev", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "state = 'sent' or (paid = 0 and credit_notes = 0 and refund_credits = 0)",
            name=op.f("only_a_sent_invoice_holds_money"),
        ),
        sa.CheckConstraint(
            "state in ('draft', 'sent', 'void')", name=op.f("invoice_state_is_known")
        ),
        sa.CheckConstraint(
            "paid >= 0 and credit_notes >= 0 and refund_credits >= 0 and paid + credit_notes + refund_credits <= total",
            name=op.f("invoice_is_not_paid_beyond_its_total"),
        ),
        sa.CheckConstraint("total > 0", name=op.f("invoice_total_is_positive")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_invoice_customer_id_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
    )
    op.create_index("ix_invoice_created", "invoice", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_invoice_customer_id"), "invoice", ["customer_id"], unique=False)
    op.create_index(
        "ix_invoice_open",
        "invoice",
        ["customer_id", "currency"],
        unique=False,
        postgresql_where=sa.text("state = 'sent' and paid + credit_notes + refund_credits < total"),
    )
    op.create_index(
        "ix_invoice_seeks_payment",
        "invoice",
        ["id"],
        unique=False,
        postgresql_where=sa.text("seeks_payment"),
    )
    op.create_index(
        "uq_invoice_number", "invoice", [sa.literal_column("lower(btrim(number))")], unique=True
    )
    op.create_table(
        "payment",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("rail", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("rail_payment_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("authorized", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("captured", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refunded", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lost", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("disputed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("fee", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("fee_currency", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "booked",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("strategy", sa.Text(), nullable=True),
        sa.Column("match_dated", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "reasons", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("is_held", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "clues", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("fetch_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fetch_attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("livemode", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rev", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "status in ('processing', 'authorized', 'partially_captured', 'captured', 'partially_refunded', 'refunded', 'disputed', 'failed', 'canceled')",
            name=op.f("payment_status_is_known"),
        ),
        sa.CheckConstraint(
            "captured >= 0 and refunded >= 0 and lost >= 0",
            name=op.f("payment_parts_are_not_negative"),
        ),
        sa.CheckConstraint(
            "refunded + lost <= captured", name=op.f("payment_gives_back_no_more_than_it_took")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_payment_customer_id_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint(
            "rail",
            "account",
            "rail_payment_id",
            name=op.f("uq_payment_rail_account_rail_payment_id"),
        ),
    )
    op.create_index(
        "ix_payment_clues",
        "payment",
        ["clues"],
        unique=False,
        postgresql_using="gin",
        postgresql_where=sa.text("is_held"),
    )
    op.create_index(op.f("ix_payment_customer_id"), "payment", ["customer_id"], unique=False)
    op.create_index(
        "ix_payment_fetch_due",
        "payment",
        ["fetch_due_at"],
        unique=False,
        postgresql_where=sa.text("fetch_due_at is not null"),
    )
    op.create_index("ix_payment_occurred", "payment", ["occurred_at", "id"], unique=False)
    op.create_index(
        "ix_payment_unsure",
        "payment",
        ["customer_id"],
        unique=False,
        postgresql_where=sa.text("is_held or strategy = 'customer_amount'"),
    )
    op.create_table(
        "posting",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("line", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("posting_amount_is_not_zero")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ledger_account.id"], name=op.f("fk_posting_account_id_ledger_account")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["journal_entry.id"], name=op.f("fk_posting_entry_id_journal_entry")
        ),
        sa.PrimaryKeyConstraint("entry_id", "line", name=op.f("pk_posting")),
    )
    op.create_table(
        "user_session",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("form_token", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_user_session_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_user_session")),
    )
    op.create_index(op.f("ix_user_session_user_id"), "user_session", ["user_id"], unique=False)
    op.create_table(
        "allocation",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.Text(), nullable=True),
        sa.Column("deposit_id", sa.Text(), nullable=True),
        sa.Column("wanted", sa.BigInteger(), nullable=True),
        sa.Column("gross", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("credited", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("reopened", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("turns", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("cause_kind", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "closed_at is null or amount = 0", name=op.f("a_closed_allocation_is_empty")
        ),
        sa.CheckConstraint(
            "gross >= 0 and credited >= 0 and reopened >= 0 and amount >= 0 and amount <= gross - credited - reopened",
            name=op.f("allocation_takes_up_what_is_offered"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(invoice_id, deposit_id) = 1", name=op.f("allocation_has_one_target")
        ),
        sa.ForeignKeyConstraint(
            ["deposit_id"], ["deposit.id"], name=op.f("fk_allocation_deposit_id_deposit")
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_allocation_invoice_id_invoice")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_allocation_payment_id_payment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation")),
    )
    op.create_index(op.f("ix_allocation_deposit_id"), "allocation", ["deposit_id"], unique=False)
    op.create_index(op.f("ix_allocation_invoice_id"), "allocation", ["invoice_id"], unique=False)
    op.create_index(op.f("ix_allocation_payment_id"), "allocation", ["payment_id"], unique=False)
    op.create_index(
        "uq_allocation_one_claim_a_target",
        "allocation",
        ["payment_id", sa.literal_column("coalesce(invoice_id, deposit_id)")],
        unique=True,
        postgresql_where=sa.text("closed_at is null"),
    )
    op.create_table(
        "application",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("deposit_id", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("wanted", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("gross", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("credited", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("reopened", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("turns", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cause_kind", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "closed_at is null or amount = 0", name=op.f("a_closed_application_is_empty")
        ),
        sa.CheckConstraint(
            "gross >= 0 and credited >= 0 and reopened >= 0 and amount >= 0 and amount <= gross - credited - reopened",
            name=op.f("application_takes_up_what_is_offered"),
        ),
        sa.ForeignKeyConstraint(
            ["deposit_id"], ["deposit.id"], name=op.f("fk_application_deposit_id_deposit")
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_application_invoice_id_invoice")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
    )
    op.create_index(op.f("ix_application_deposit_id"), "application", ["deposit_id"], unique=False)
    op.create_index(op.f("ix_application_invoice_id"), "application", ["invoice_id"], unique=False)
    op.create_table(
        "credit_note",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cause_kind", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("credit_note_amount_is_positive")),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_credit_note_invoice_id_invoice")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_note")),
    )
    op.create_index(op.f("ix_credit_note_invoice_id"), "credit_note", ["invoice_id"], unique=False)
    op.create_table(
        "payment_alias",
        sa.Column("rail", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_payment_alias_payment_id_payment")
        ),
        sa.PrimaryKeyConstraint("rail", "account", "object_id", name=op.f("pk_payment_alias")),
    )
    op.create_index(
        op.f("ix_payment_alias_payment_id"), "payment_alias", ["payment_id"], unique=False
    )
    op.create_table(
        "rail_reference",
        sa.Column("rail", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.Text(), nullable=True),
        sa.Column("deposit_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "num_nonnulls(invoice_id, deposit_id) = 1", name=op.f("a_reference_has_one_target")
        ),
        sa.ForeignKeyConstraint(
            ["deposit_id"], ["deposit.id"], name=op.f("fk_rail_reference_deposit_id_deposit")
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_rail_reference_invoice_id_invoice")
        ),
        sa.PrimaryKeyConstraint("rail", "object_id", name=op.f("pk_rail_reference")),
    )
    op.create_index(
        op.f("ix_rail_reference_deposit_id"), "rail_reference", ["deposit_id"], unique=False
    )
    op.create_index(
        op.f("ix_rail_reference_invoice_id"), "rail_reference", ["invoice_id"], unique=False
    )
    op.create_table(
        "refund",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.Column("invoice_id", sa.Text(), nullable=True),
        sa.Column("deposit_id", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("treatment", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "needs_second_person", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rev", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "reason in ('cancellation', 'partial_scope', 'goodwill', 'duplicate', 'overpayment', 'fraudulent', 'other')",
            name=op.f("refund_reason_is_known"),
        ),
        sa.CheckConstraint(
            "status in ('requested', 'approved', 'rejected', 'submitted', 'unknown', 'pending', 'requires_action', 'succeeded', 'failed', 'canceled', 'manual')",
            name=op.f("refund_status_is_known"),
        ),
        sa.CheckConstraint(
            "treatment in ('credit', 'reopen')", name=op.f("refund_treatment_is_known")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("refund_amount_is_positive")),
        sa.CheckConstraint(
            "approved_by is null or approved_by <> requested_by",
            name=op.f("nobody_approves_their_own"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(payment_id, invoice_id, deposit_id) = 1",
            name=op.f("a_refund_is_asked_of_one_thing"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_refund_customer_id_customer")
        ),
        sa.ForeignKeyConstraint(
            ["deposit_id"], ["deposit.id"], name=op.f("fk_refund_deposit_id_deposit")
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_refund_invoice_id_invoice")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_refund_payment_id_payment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
    )
    op.create_index(op.f("ix_refund_customer_id"), "refund", ["customer_id"], unique=False)
    op.create_index(op.f("ix_refund_deposit_id"), "refund", ["deposit_id"], unique=False)
    op.create_index(op.f("ix_refund_invoice_id"), "refund", ["invoice_id"], unique=False)
    op.create_index(op.f("ix_refund_payment_id"), "refund", ["payment_id"], unique=False)
    op.create_index("ix_refund_requested", "refund", ["requested_at", "id"], unique=False)
    op.create_index("ix_refund_status", "refund", ["status", "requested_at"], unique=False)
    op.create_table(
        "review_item",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.Column("invoice_id", sa.Text(), nullable=True),
        sa.Column("deposit_id", sa.Text(), nullable=True),
        sa.Column("refund_id", sa.Text(), nullable=True),
        sa.Column("event_seq", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column(
            "details",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("rev", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "kind in ('unmatched_payment', 'ambiguous_match', 'overpayment', 'currency_mismatch', 'invoice_not_payable', 'refund_failed', 'external_refund', 'dispute', 'drift', 'manual_refund', 'refunds_held', 'refunds_stopped', 'event_failed', 'event_quarantined', 'event_conflict', 'unclassified_movement', 'unknown_status')",
            name=op.f("review_kind_is_known"),
        ),
        sa.CheckConstraint("state in ('open', 'resolved')", name=op.f("review_state_is_known")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_review_item_payment_id_payment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_item")),
    )
    op.create_index(
        "ix_review_item_opened", "review_item", ["state", "opened_at", "id"], unique=False
    )
    op.create_index(op.f("ix_review_item_payment_id"), "review_item", ["payment_id"], unique=False)
    op.create_index("ix_review_item_subject", "review_item", ["subject", "kind"], unique=False)
    op.create_index(
        "uq_review_item_open",
        "review_item",
        ["kind", "subject"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "refund_leg",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("refund_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=True),
        sa.Column("amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("rail_refund_id", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("replaced_by", sa.Text(), nullable=True),
        sa.Column("generation", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("generations_max", sa.BigInteger(), server_default=sa.text("3"), nullable=False),
        sa.Column("unsettled_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "is_cancel_wanted", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("lease_token", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("tries", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("settled_reference", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status in ('requested', 'approved', 'rejected', 'submitted', 'unknown', 'pending', 'requires_action', 'succeeded', 'failed', 'canceled', 'manual')",
            name=op.f("leg_status_is_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("leg_amount_is_positive")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_refund_leg_payment_id_payment")
        ),
        sa.ForeignKeyConstraint(
            ["refund_id"], ["refund.id"], name=op.f("fk_refund_leg_refund_id_refund")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_leg")),
        sa.UniqueConstraint("reference", name=op.f("uq_refund_leg_reference")),
    )
    op.create_index(
        "ix_refund_leg_due",
        "refund_leg",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at is not null"),
    )
    op.create_index(op.f("ix_refund_leg_payment_id"), "refund_leg", ["payment_id"], unique=False)
    op.create_index(op.f("ix_refund_leg_refund_id"), "refund_leg", ["refund_id"], unique=False)
    op.create_index(
        "uq_refund_leg_one_a_source",
        "refund_leg",
        ["refund_id", "payment_id", sa.literal_column("coalesce(target_id, '')")],
        unique=True,
        postgresql_where=sa.text("replaced_by is null"),
    )
    op.create_table(
        "refund_step",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("refund_id", sa.Text(), nullable=False),
        sa.Column("leg_id", sa.Text(), nullable=True),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("cause_kind", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["refund_id"], ["refund.id"], name=op.f("fk_refund_step_refund_id_refund")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_refund_step")),
    )
    op.create_index(op.f("ix_refund_step_refund_id"), "refund_step", ["refund_id"], unique=False)
    op.create_table(
        "refund_attempt",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("leg_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("first_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sends", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("is_refused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["leg_id"], ["refund_leg.id"], name=op.f("fk_refund_attempt_leg_id_refund_leg")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_attempt")),
        sa.UniqueConstraint("key", name=op.f("uq_refund_attempt_key")),
        sa.UniqueConstraint(
            "leg_id", "generation", name=op.f("uq_refund_attempt_leg_id_generation")
        ),
    )
    op.create_index(
        "ix_refund_attempt_first_sent", "refund_attempt", ["first_sent_at"], unique=False
    )
    op.create_index(op.f("ix_refund_attempt_leg_id"), "refund_attempt", ["leg_id"], unique=False)
    for name in SQL_FILES:
        op.execute((SQL / name).read_text())


def downgrade() -> None:
    op.drop_index(op.f("ix_refund_attempt_leg_id"), table_name="refund_attempt")
    op.drop_index("ix_refund_attempt_first_sent", table_name="refund_attempt")
    op.drop_table("refund_attempt")
    op.drop_index(op.f("ix_refund_step_refund_id"), table_name="refund_step")
    op.drop_table("refund_step")
    op.drop_index(
        "uq_refund_leg_one_a_source",
        table_name="refund_leg",
        postgresql_where=sa.text("replaced_by is null"),
    )
    op.drop_index(op.f("ix_refund_leg_refund_id"), table_name="refund_leg")
    op.drop_index(op.f("ix_refund_leg_payment_id"), table_name="refund_leg")
    op.drop_index(
        "ix_refund_leg_due", table_name="refund_leg", postgresql_where=sa.text("due_at is not null")
    )
    op.drop_table("refund_leg")
    op.drop_index(
        "uq_review_item_open", table_name="review_item", postgresql_where=sa.text("state = 'open'")
    )
    op.drop_index("ix_review_item_subject", table_name="review_item")
    op.drop_index(op.f("ix_review_item_payment_id"), table_name="review_item")
    op.drop_index("ix_review_item_opened", table_name="review_item")
    op.drop_table("review_item")
    op.drop_index("ix_refund_status", table_name="refund")
    op.drop_index("ix_refund_requested", table_name="refund")
    op.drop_index(op.f("ix_refund_payment_id"), table_name="refund")
    op.drop_index(op.f("ix_refund_invoice_id"), table_name="refund")
    op.drop_index(op.f("ix_refund_deposit_id"), table_name="refund")
    op.drop_index(op.f("ix_refund_customer_id"), table_name="refund")
    op.drop_table("refund")
    op.drop_index(op.f("ix_rail_reference_invoice_id"), table_name="rail_reference")
    op.drop_index(op.f("ix_rail_reference_deposit_id"), table_name="rail_reference")
    op.drop_table("rail_reference")
    op.drop_index(op.f("ix_payment_alias_payment_id"), table_name="payment_alias")
    op.drop_table("payment_alias")
    op.drop_index(op.f("ix_credit_note_invoice_id"), table_name="credit_note")
    op.drop_table("credit_note")
    op.drop_index(op.f("ix_application_invoice_id"), table_name="application")
    op.drop_index(op.f("ix_application_deposit_id"), table_name="application")
    op.drop_table("application")
    op.drop_index(
        "uq_allocation_one_claim_a_target",
        table_name="allocation",
        postgresql_where=sa.text("closed_at is null"),
    )
    op.drop_index(op.f("ix_allocation_payment_id"), table_name="allocation")
    op.drop_index(op.f("ix_allocation_invoice_id"), table_name="allocation")
    op.drop_index(op.f("ix_allocation_deposit_id"), table_name="allocation")
    op.drop_table("allocation")
    op.drop_index(op.f("ix_user_session_user_id"), table_name="user_session")
    op.drop_table("user_session")
    op.drop_table("posting")
    op.drop_index("ix_payment_unsure", table_name="payment")
    op.drop_index("ix_payment_occurred", table_name="payment")
    op.drop_index(
        "ix_payment_fetch_due",
        table_name="payment",
        postgresql_where=sa.text("fetch_due_at is not null"),
    )
    op.drop_index(op.f("ix_payment_customer_id"), table_name="payment")
    op.drop_index(
        "ix_payment_clues",
        table_name="payment",
        postgresql_using="gin",
        postgresql_where=sa.text("is_held"),
    )
    op.drop_table("payment")
    op.drop_index("uq_invoice_number", table_name="invoice")
    op.drop_index(
        "ix_invoice_seeks_payment", table_name="invoice", postgresql_where=sa.text("seeks_payment")
    )
    op.drop_index(
        "ix_invoice_open",
        table_name="invoice",
        postgresql_where=sa.text("state = 'sent' and paid + credit_notes + refund_credits < total"),
    )
    op.drop_index(op.f("ix_invoice_customer_id"), table_name="invoice")
    op.drop_index("ix_invoice_created", table_name="invoice")
    op.drop_table("invoice")
    op.drop_index(
        "ix_inbox_outcome_waits_for",
        table_name="inbox_outcome",
        postgresql_where=sa.text("waits_for is not null"),
    )
    op.drop_index(
        "ix_inbox_outcome_unfinished",
        table_name="inbox_outcome",
        postgresql_where=sa.text("status in ('pending', 'parked', 'failed', 'quarantined')"),
    )
    op.drop_index(
        "ix_inbox_outcome_due",
        table_name="inbox_outcome",
        postgresql_where=sa.text("due_at is not null"),
    )
    op.drop_table("inbox_outcome")
    op.drop_index("uq_deposit_code", table_name="deposit")
    op.drop_index(
        "ix_deposit_seeks_payment", table_name="deposit", postgresql_where=sa.text("seeks_payment")
    )
    op.drop_index(op.f("ix_deposit_customer_id"), table_name="deposit")
    op.drop_index("ix_deposit_created", table_name="deposit")
    op.drop_table("deposit")
    op.drop_index(op.f("ix_customer_rail_id_customer_id"), table_name="customer_rail_id")
    op.drop_table("customer_rail_id")
    op.drop_index("uq_user_account_email", table_name="user_account")
    op.drop_table("user_account")
    op.drop_table("switch")
    op.drop_index("ix_sign_in_attempt_who", table_name="sign_in_attempt")
    op.drop_table("sign_in_attempt")
    op.drop_table("ledger_account")
    op.drop_index(
        "ix_journal_entry_payment",
        table_name="journal_entry",
        postgresql_where=sa.text("payment_id is not null"),
    )
    op.drop_index(
        "ix_journal_entry_invoice",
        table_name="journal_entry",
        postgresql_where=sa.text("invoice_id is not null"),
    )
    op.drop_index(
        "ix_journal_entry_deposit",
        table_name="journal_entry",
        postgresql_where=sa.text("deposit_id is not null"),
    )
    op.drop_index("ix_journal_entry_at", table_name="journal_entry")
    op.drop_table("journal_entry")
    op.drop_table("job_tick")
    op.drop_table("inbox_horizon")
    op.drop_table("inbox_event")
    op.drop_table("idempotency_key")
    op.drop_table("customer")
    op.drop_table("api_key")
    for name in FUNCTIONS:
        op.execute(f"drop function if exists {name} cascade")
