"""What has not come to nothing at a rail is kept by whom it is about, so that a tie-out reads that."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0056"
down_revision = "0053"
branch_labels = None
depends_on = None

_SQL = Path(__file__).resolve().parent.parent / "sql"

_MARK = """insert into untied_mark (id, counted_to) select 1, counted_to from ledger_mark"""
# What moved, and what was posted up to the mark; without one, all of that is still to be added.
_KEPT = """insert into untied (kind, rail, subject, currency, amount)
    select kind, rail, subject, currency, sum(amount) from (
      select 'clearing' as kind, o.rail, coalesce(o.payment_id, w.id, o.object_id) as subject,
        o.currency, o.amount
      from rail_object o left join (
          select p.id, p.rail, p.account, row_id
          from payout p, jsonb_object_keys(coalesce(p.facts -> 'rows', '{}')) row_id) w
        on o.payment_id is null and w.rail = o.rail and w.account = o.account
          and w.row_id = o.object_id
      where o.kind = 'balance_transaction' and o.state not like '%/%'
      union all
      select a.role, case a.role when 'clearing' then a.rail else split_part(e.key, '/', 1) end,
        case a.role when 'clearing'
          then coalesce(e.payment_id, e.payout_id, split_part(e.key, '/', 3))
          else regexp_replace(e.key, '/[^/]*$', '') end,
        a.currency, -p.amount
      from journal_entry e join posting p on p.entry_id = e.id
        join ledger_account a on a.id = p.account_id and a.role in ('clearing', 'suspense')
      where e.at <= (select counted_to from untied_mark)) as both_sides
    group by 1, 2, 3, 4 having sum(amount) <> 0"""


def upgrade() -> None:
    op.create_table(
        "untied",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("rail", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_untied")),
    )
    op.create_index("ix_untied_subject", "untied", ["kind", "rail", "subject", "currency"])
    op.create_table(
        "untied_mark",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("counted_to", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("there_is_one_untied_mark")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_untied_mark")),
    )
    op.create_table(
        "untied_batch",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("rail", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        *(
            sa.Column(name, ARRAY(kind), server_default=sa.text("'{}'"), nullable=False)
            for name, kind in (("subjects", sa.Text()), ("amounts", sa.BigInteger()))
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_untied_batch")),
    )
    op.create_index(
        "ix_payout_rows", "payout", [sa.text("(facts -> 'rows')")], postgresql_using="gin"
    )
    # From here on nobody else writes movements until this is committed, so none is missed.
    op.execute((_SQL / "untied.sql").read_text(encoding="utf-8"))
    op.execute(_MARK)
    op.execute(_KEPT)


def downgrade() -> None:
    for word in ("new", "changed"):
        op.execute(f"drop trigger note_{word}_movements on rail_object")
        op.execute(f"drop function note_{word}_movements()")
    op.drop_index("ix_payout_rows", "payout")
    for table in ("untied_batch", "untied_mark", "untied"):
        op.drop_table(table)
