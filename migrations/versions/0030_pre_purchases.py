"""What we buy: vendors, bills, prepayments, and expenses by category."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0031"
branch_labels = None
depends_on = None

_ROLES = (
    "'bank', 'clearing', 'undeposited', 'accounts_receivable', 'disputed_funds',"
    " 'payouts_in_transit', 'vendor_prepayments', {asset}'customer_deposits', 'unapplied_cash',"
    " 'refunds_payable', 'accounts_payable', 'sales_tax_payable', 'revenue', 'credits',"
    " {expense}'processing_fees', 'chargeback_losses', 'currency_conversion', 'suspense'"
)
# What a bill consists of is settled once it is open: nobody owes another thing afterwards.
_LINES_STAY = """
create function bill_lines_stay_once_open() returns trigger language plpgsql as $$
declare
  whose text := case when tg_op = 'DELETE' then old.bill_id else new.bill_id end;
begin
  if exists (select 1 from bill b where b.id = whose and b.state <> 'draft') then
    raise exception 'bill % is open: its lines stay', whose
      using errcode = 'check_violation', constraint = 'bill_lines_stay_once_open';
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $$
"""
_LINES_STAY_TRIGGER = """
create trigger bill_lines_stay_once_open before insert or update or delete on bill_line
  for each row execute function bill_lines_stay_once_open()
"""


def upgrade() -> None:
    _accounts()
    _vendors()
    _bills()
    _prepayments()


def _accounts() -> None:
    _roles(asset="'input_tax', ", expense="'expenses', ")
    op.add_column(
        "ledger_account",
        sa.Column("category", sa.Text(), server_default=sa.text("''"), nullable=False),
    )
    op.drop_constraint(op.f("uq_ledger_account_role_rail_currency"), "ledger_account")
    op.create_unique_constraint(
        op.f("uq_ledger_account_role_rail_category_currency"),
        "ledger_account",
        ["role", "rail", "category", "currency"],
    )
    for noun in ("bill", "prepayment"):
        op.add_column("journal_entry", _text(f"{noun}_id", nullable=True))
        op.create_index(
            f"ix_journal_entry_{noun}",
            "journal_entry",
            [f"{noun}_id"],
            postgresql_where=sa.text(f"{noun}_id is not null"),
        )


def _vendors() -> None:
    op.create_table(
        "vendor",
        _text("id"),
        _text("name"),
        _text("email", nullable=True),
        _text("notes", nullable=True),
        _instant("created_at"),
        _whole("rev", 1),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor")),
    )


def _bills() -> None:
    op.create_table(
        "bill",
        *(_text(name) for name in ("id", "number", "vendor_id", "currency")),
        *(_whole(name) for name in ("total", "tax")),
        _text("state"),
        _whole("paid"),
        sa.Column(
            "outstanding",
            sa.BigInteger(),
            sa.Computed("total - paid", persisted=True),
            nullable=False,
        ),
        _text("description", nullable=True),
        *(sa.Column(name, sa.Date(), nullable=True) for name in ("issued_on", "due_on")),
        _instant("created_at"),
        *(_instant(name, nullable=True) for name in ("opened_at", "voided_at")),
        _whole("rev", 1),
        sa.CheckConstraint("state in ('draft', 'open', 'void')", name=op.f("bill_state_is_known")),
        sa.CheckConstraint("total > 0", name=op.f("bill_total_is_positive")),
        sa.CheckConstraint(
            "paid >= 0 and paid <= total", name=op.f("bill_is_not_paid_beyond_its_total")
        ),
        sa.CheckConstraint("tax >= 0 and tax <= total", name=op.f("bill_tax_is_part_of_its_total")),
        sa.CheckConstraint(
            "state = 'open' or paid = 0", name=op.f("only_an_open_bill_holds_money")
        ),
        _belongs("bill", "vendor"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bill")),
    )
    op.create_index(op.f("ix_bill_vendor_id"), "bill", ["vendor_id"])
    op.create_index(
        "uq_bill_number",
        "bill",
        ["vendor_id", sa.text("lower(btrim(number))")],
        unique=True,
        postgresql_where=sa.text("state <> 'void'"),
    )
    op.create_index(
        "ix_bill_open",
        "bill",
        ["due_on", "id"],
        postgresql_where=sa.text("state = 'open' and outstanding > 0"),
    )
    op.create_index("ix_bill_created", "bill", ["created_at", "id"])
    op.create_table(
        "bill_line",
        _text("bill_id"),
        _whole("place"),
        *(_text(name) for name in ("description", "category", "quantity")),
        _whole("unit_price"),
        _text("tax_rate"),
        _text("tax_name", nullable=True),
        *(_whole(name) for name in ("net", "tax")),
        sa.CheckConstraint("place > 0", name=op.f("bill_line_has_a_place")),
        _belongs("bill_line", "bill"),
        sa.PrimaryKeyConstraint("bill_id", "place", name=op.f("pk_bill_line")),
    )
    op.execute(_LINES_STAY)
    op.execute(_LINES_STAY_TRIGGER)
    _moved("bill_payment", ("bill",), "paid_on")


def _prepayments() -> None:
    op.create_table(
        "prepayment",
        *(_text(name) for name in ("id", "code", "vendor_id", "currency")),
        *(_whole(name) for name in ("amount", "applied", "refunded")),
        sa.Column("paid_on", sa.Date(), nullable=False),
        *(_text(name, nullable=True) for name in ("reference", "notes")),
        _instant("created_at"),
        _instant("voided_at", nullable=True),
        _whole("rev", 1),
        sa.CheckConstraint("amount > 0", name=op.f("prepayment_amount_is_positive")),
        sa.CheckConstraint(
            "applied >= 0 and refunded >= 0", name=op.f("prepayment_parts_are_not_negative")
        ),
        sa.CheckConstraint(
            "applied + refunded <= amount", name=op.f("no_prepayment_is_spent_twice")
        ),
        sa.CheckConstraint(
            "voided_at is null or (applied = 0 and refunded = 0)",
            name=op.f("nothing_came_of_a_void_prepayment"),
        ),
        _belongs("prepayment", "vendor"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prepayment")),
    )
    op.create_index(op.f("ix_prepayment_vendor_id"), "prepayment", ["vendor_id"])
    op.create_index(
        "uq_prepayment_code", "prepayment", [sa.text("lower(btrim(code))")], unique=True
    )
    op.create_index("ix_prepayment_created", "prepayment", ["created_at", "id"])
    _moved("prepayment_application", ("prepayment", "bill"), None)
    _moved("vendor_refund", ("prepayment",), "received_on")


def downgrade() -> None:
    for table in ("vendor_refund", "prepayment_application", "bill_payment", "bill_line"):
        op.drop_table(table)
    op.execute("drop function bill_lines_stay_once_open()")
    for table in ("prepayment", "bill", "vendor"):
        op.drop_table(table)
    for noun in ("prepayment", "bill"):
        op.drop_index(f"ix_journal_entry_{noun}", "journal_entry")
        op.drop_column("journal_entry", f"{noun}_id")
    op.drop_constraint(op.f("uq_ledger_account_role_rail_category_currency"), "ledger_account")
    op.drop_column("ledger_account", "category")
    op.create_unique_constraint(
        op.f("uq_ledger_account_role_rail_currency"),
        "ledger_account",
        ["role", "rail", "currency"],
    )
    _roles(asset="", expense="")


def _moved(table: str, of: tuple[str, ...], day: str | None) -> None:
    """Money of one thing for another, on a day where it passed through the bank."""
    on = (sa.Column(day, sa.Date(), nullable=False), _text("reference", nullable=True))
    op.create_table(
        table,
        _text("id"),
        *(_text(f"{one}_id") for one in of),
        _whole("amount"),
        *(on if day else ()),
        _instant("created_at"),
        _instant("closed_at", nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f(f"{table}_amount_is_positive")),
        *(_belongs(table, one) for one in of),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    for one in of:
        op.create_index(op.f(f"ix_{table}_{one}_id"), table, [f"{one}_id"])


def _roles(*, asset: str, expense: str) -> None:
    op.drop_constraint(op.f("account_role_is_known"), "ledger_account")
    roles = _ROLES.format(asset=asset, expense=expense)
    op.create_check_constraint(
        op.f("account_role_is_known"), "ledger_account", f"role in ({roles})"
    )


def _belongs(table: str, to: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{to}_id_{to}")
    return sa.ForeignKeyConstraint([f"{to}_id"], [f"{to}.id"], name=name)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _whole(name: str, default: int = 0) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text(str(default)), nullable=False)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
