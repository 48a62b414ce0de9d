"""Terms and due day of a deposit, when its work began, when it is asked for no more; and policies."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0034"
branch_labels = None
depends_on = None

# What was agreed before a deposit was paid is what holds after it.
_FROZEN = """
create or replace function deposit_terms_are_frozen_once_paid() returns trigger
language plpgsql as $$
begin
  if old.received > 0 and (old.forfeit_once_begun, old.forfeit_within_days, old.forfeit_kept)
      is distinct from (new.forfeit_once_begun, new.forfeit_within_days, new.forfeit_kept) then
    raise exception 'deposit % was paid on its terms: they stand', old.code
      using errcode = 'check_violation', constraint = 'deposit_terms_are_frozen_once_paid';
  end if;
  return new;
end $$;
create trigger deposit_terms_are_frozen_once_paid before update on deposit
  for each row execute function deposit_terms_are_frozen_once_paid();
"""


def upgrade() -> None:
    op.add_column(
        "customer",
        sa.Column(
            "deposit_policy", sa.Text(), server_default=sa.text("'automatic'"), nullable=False
        ),
    )
    op.create_check_constraint(
        op.f("deposit_policy_is_known"), "customer", "deposit_policy in ('automatic', 'by_hand')"
    )
    op.add_column("deposit", sa.Column("due_on", sa.Date(), nullable=True))
    op.add_column("deposit", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("deposit", sa.Column("ended_why", sa.Text(), nullable=True))
    op.add_column("deposit", sa.Column("work_began_on", sa.Date(), nullable=True))
    op.add_column(
        "deposit",
        sa.Column(
            "forfeit_once_begun", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
    )
    op.add_column("deposit", sa.Column("forfeit_within_days", sa.BigInteger(), nullable=True))
    op.add_column("deposit", sa.Column("forfeit_kept", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        op.f("deposit_terms_say_what_is_kept"),
        "deposit",
        "forfeit_kept between 1 and 10000"
        " or (forfeit_kept is null and not forfeit_once_begun and forfeit_within_days is null)",
    )
    op.create_check_constraint(
        op.f("an_ended_deposit_says_why"), "deposit", "(ended_at is null) = (ended_why is null)"
    )
    op.create_index(
        "ix_deposit_held",
        "deposit",
        ["milestone_id"],
        postgresql_where=sa.text("received > applied + refunded"),
    )
    op.create_index(
        "ix_deposit_due",
        "deposit",
        ["due_on", "id"],
        postgresql_where=sa.text("received < amount and ended_at is null"),
    )
    op.add_column("refund", sa.Column("terms_override", sa.Text(), nullable=True))
    op.execute(_FROZEN)


def downgrade() -> None:
    op.execute("drop trigger deposit_terms_are_frozen_once_paid on deposit")
    op.execute("drop function deposit_terms_are_frozen_once_paid()")
    op.drop_column("refund", "terms_override")
    op.drop_index("ix_deposit_due", "deposit")
    op.drop_index("ix_deposit_held", "deposit")
    op.drop_constraint(op.f("an_ended_deposit_says_why"), "deposit")
    op.drop_constraint(op.f("deposit_terms_say_what_is_kept"), "deposit")
    for name in (
        "forfeit_kept", "forfeit_within_days", "forfeit_once_begun", "work_began_on",
        "ended_why", "ended_at", "due_on",
    ):  # fmt: skip
        op.drop_column("deposit", name)
    op.drop_constraint(op.f("deposit_policy_is_known"), "customer")
    op.drop_column("customer", "deposit_policy")
