"""Credit notes of vendors: credit with a vendor that was no money before."""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "prepayment",
        sa.Column("kind", sa.Text(), server_default=sa.text("'paid_ahead'"), nullable=False),
    )
    op.add_column("prepayment", _whole("tax"))
    op.create_check_constraint(
        op.f("prepayment_kind_is_known"), "prepayment", "kind in ('paid_ahead', 'credit_note')"
    )
    op.create_check_constraint(
        op.f("only_a_credit_note_has_tax"),
        "prepayment",
        "tax >= 0 and tax < amount and (kind = 'credit_note' or tax = 0)",
    )
    op.drop_index("uq_prepayment_code", "prepayment")
    _unique("uq_prepayment_code", [], "kind = 'paid_ahead'")
    _unique("uq_vendor_credit_number", ["vendor_id"], "kind = 'credit_note' and voided_at is null")
    op.create_table(
        "vendor_credit_line",
        _text("prepayment_id"),
        _whole("place"),
        *(_text(name) for name in ("description", "category", "quantity")),
        _whole("unit_price"),
        _text("tax_rate"),
        sa.Column("tax_name", sa.Text(), nullable=True),
        *(_whole(name) for name in ("net", "tax")),
        sa.CheckConstraint("place > 0", name=op.f("vendor_credit_line_has_a_place")),
        sa.ForeignKeyConstraint(
            ["prepayment_id"],
            ["prepayment.id"],
            name=op.f("fk_vendor_credit_line_prepayment_id_prepayment"),
        ),
        sa.PrimaryKeyConstraint("prepayment_id", "place", name=op.f("pk_vendor_credit_line")),
    )
    op.execute(
        "create trigger append_only before update or delete or truncate on vendor_credit_line"
        " for each statement execute function append_only()"
    )


def downgrade() -> None:
    op.drop_table("vendor_credit_line")
    op.drop_index("uq_vendor_credit_number", "prepayment")
    op.drop_index("uq_prepayment_code", "prepayment")
    op.create_index(
        "uq_prepayment_code", "prepayment", [sa.text("lower(btrim(code))")], unique=True
    )
    for name in ("only_a_credit_note_has_tax", "prepayment_kind_is_known"):
        op.drop_constraint(op.f(name), "prepayment")
    for column in ("tax", "kind"):
        op.drop_column("prepayment", column)


def _unique(name: str, first: list[str], where: str) -> None:
    columns = [*first, sa.text("lower(btrim(code))")]
    op.create_index(name, "prepayment", columns, unique=True, postgresql_where=sa.text(where))


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)
