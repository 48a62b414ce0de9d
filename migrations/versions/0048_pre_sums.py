"""What customers' documents and rails' movements come to, kept beside them by triggers."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

_SQL = Path(__file__).resolve().parent.parent / "sql"
_SUMS = (
    "billed", "credited", "paid", "credit", "invoices", "open", "part", "settled", "drafts",
)  # fmt: skip
_TABLES = {
    "invoice": "invoices",
    "payment": "payments",
    "allocation": "allocations",
    "rail_object": "movements",
}

_INVOICES = """insert into customer_sum (customer_id, currency, billed, credited, paid, invoices,
      open, part, settled, drafts)
    select customer_id, currency, coalesce(sum(total) filter (where state = 'sent'), 0),
      coalesce(sum(credited) filter (where state = 'sent'), 0),
      coalesce(sum(paid) filter (where state = 'sent'), 0), count(*),
      count(*) filter (where state = 'sent' and outstanding > 0),
      count(*) filter (where state = 'sent' and outstanding > 0 and paid > 0),
      count(*) filter (where state = 'sent' and outstanding = 0),
      count(*) filter (where state = 'draft')
    from invoice group by 1, 2"""
_CREDIT = """insert into customer_sum (customer_id, currency, credit)
    select p.customer_id, p.currency,
      sum(p.captured - p.refunded - p.lost - coalesce(a.amount, 0)) as credit
    from payment p left join (select payment_id, sum(amount) as amount from allocation group by 1) a
      on a.payment_id = p.id
    where p.customer_id is not null and p.currency is not null group by 1, 2
    having sum(p.captured - p.refunded - p.lost - coalesce(a.amount, 0)) <> 0"""
_MOVED = """insert into movement_sum (rail, currency, amount)
    select rail, currency, sum(amount) from rail_object
    where kind = 'balance_transaction' and state not like '%/%' group by 1, 2"""
_BILLED = "select coalesce(sum(total), 0)::bigint from invoice where state = 'sent'"
_KEPT = "select coalesce(sum(billed), 0)::bigint from customer_sum"


def upgrade() -> None:
    op.create_table(
        "customer_sum",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)
            for name in _SUMS
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_sum")),
    )
    op.create_index("ix_customer_sum_customer", "customer_sum", ["customer_id", "currency"])
    op.create_table(
        "movement_sum",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("rail", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_movement_sum")),
    )
    # From here on nobody else writes to the tables until this is committed, so nothing is missed.
    for file in ("customer_sums.sql", "movement_sums.sql"):
        op.execute((_SQL / file).read_text(encoding="utf-8"))
    for statement in (_INVOICES, _CREDIT, _MOVED):
        op.execute(statement)
    connection = op.get_bind()
    billed, kept = (connection.scalar(sa.text(one)) for one in (_BILLED, _KEPT))
    assert billed == kept, f"{kept} is kept of {billed} billed"


def downgrade() -> None:
    for table, noun in _TABLES.items():
        for word in ("new", "changed"):
            op.execute(f"drop trigger sum_{word}_{noun} on {table}")
            op.execute(f"drop function sum_{word}_{noun}()")
    op.drop_table("movement_sum")
    op.drop_table("customer_sum")
