"""Lines of invoices, the tax on them, and numbers of credit notes."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_ROLES = (
    "'bank', 'clearing', 'undeposited', 'accounts_receivable', 'disputed_funds',"
    " 'payouts_in_transit', 'vendor_prepayments', 'customer_deposits', 'unapplied_cash',"
    " 'refunds_payable', 'accounts_payable', {more}'revenue', 'credits', 'processing_fees',"
    " 'chargeback_losses', 'currency_conversion', 'suspense'"
)
# What an invoice consists of is settled once it is sent: nobody is owed another thing afterwards.
_LINES_STAY = """
create function lines_stay_once_sent() returns trigger language plpgsql as $$
declare
  whose text := case when tg_op = 'DELETE' then old.invoice_id else new.invoice_id end;
begin
  if exists (select 1 from invoice i where i.id = whose and i.state <> 'draft') then
    raise exception 'invoice % is sent: its lines stay', whose
      using errcode = 'check_violation', constraint = 'lines_stay_once_sent';
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $$
"""
_LINES_STAY_TRIGGER = """
create trigger lines_stay_once_sent before insert or update or delete on invoice_line
  for each row execute function lines_stay_once_sent()
"""


def upgrade() -> None:
    _roles("'sales_tax_payable', ")
    for name in ("tax", "tax_credited"):
        op.add_column("invoice", _whole(name))
    op.create_check_constraint(
        op.f("invoice_tax_is_part_of_its_total"),
        "invoice",
        "tax >= 0 and tax <= total and tax_credited >= 0 and tax_credited <= tax",
    )
    op.create_table(
        "invoice_line",
        _text("invoice_id"),
        _whole("place"),
        _text("description"),
        _text("quantity"),
        _whole("unit_price"),
        _text("tax_rate"),
        _text("tax_name", nullable=True),
        _whole("net"),
        _whole("tax"),
        sa.CheckConstraint("place > 0", name=op.f("invoice_line_has_a_place")),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_line_invoice_id_invoice")
        ),
        sa.PrimaryKeyConstraint("invoice_id", "place", name=op.f("pk_invoice_line")),
    )
    op.execute(_LINES_STAY)
    op.execute(_LINES_STAY_TRIGGER)
    op.add_column("credit_note", _text("number", nullable=True))
    op.add_column("credit_note", _whole("tax"))
    op.create_index(
        "uq_credit_note_number", "credit_note", [sa.text("lower(btrim(number))")], unique=True
    )
    op.create_check_constraint(
        op.f("credit_note_tax_is_part_of_it"), "credit_note", "tax >= 0 and tax <= amount"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("credit_note_tax_is_part_of_it"), "credit_note")
    op.drop_index("uq_credit_note_number", "credit_note")
    op.drop_column("credit_note", "tax")
    op.drop_column("credit_note", "number")
    op.drop_table("invoice_line")
    op.execute("drop function lines_stay_once_sent()")
    op.drop_constraint(op.f("invoice_tax_is_part_of_its_total"), "invoice")
    for name in ("tax_credited", "tax"):
        op.drop_column("invoice", name)
    _roles("")


def _roles(more: str) -> None:
    op.drop_constraint(op.f("account_role_is_known"), "ledger_account")
    op.create_check_constraint(
        op.f("account_role_is_known"), "ledger_account", f"role in ({_ROLES.format(more=more)})"
    )


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)
