"""A rail's refunds are known by our references, so that one that is there twice is found at once."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# What the facts say of refunds that were asked for here.
_NAMED = """select p.rail, p.account, r.key as object_id, r.value ->> 'reference' as reference
    from payment p cross join lateral jsonb_each(p.facts -> 'refunds') r
    where p.rail <> 'manual' and jsonb_typeof(p.facts -> 'refunds') = 'object'
      and r.value ->> 'reference' is not null"""


def upgrade() -> None:
    op.add_column("rail_object", sa.Column("reference", sa.Text(), nullable=True))
    op.execute(
        f"""update rail_object o set reference = n.reference from ({_NAMED}) n
        where o.kind = 'refund' and o.rail = n.rail and o.account = n.account
          and o.object_id = n.object_id"""  # noqa: S608  our own words
    )
    left = op.get_bind().scalar(
        sa.text(
            f"""select count(*) from ({_NAMED}) n join rail_object o on o.kind = 'refund'
              and o.rail = n.rail and o.account = n.account and o.object_id = n.object_id
            where o.reference is distinct from n.reference"""  # noqa: S608
        )
    )
    assert not left, f"{left} refunds are known by another reference than their facts say"
    op.create_index(
        "ix_rail_object_reference",
        "rail_object",
        ["reference"],
        postgresql_include=["object_id", "payment_id"],
        postgresql_where=sa.text("reference is not null"),
    )
    op.create_index(
        "ix_refund_leg_under_way",
        "refund_leg",
        ["payment_id"],
        postgresql_where=sa.text("status in ('approved', 'submitted', 'unknown')"),
    )
    op.create_index(
        "ix_refund_leg_other_route",
        "refund_leg",
        ["id"],
        postgresql_where=sa.text("route <> 'rail'"),
    )


def downgrade() -> None:
    op.drop_index("ix_refund_leg_other_route", "refund_leg")
    op.drop_index("ix_refund_leg_under_way", "refund_leg")
    op.drop_index("ix_rail_object_reference", "rail_object")
    op.drop_column("rail_object", "reference")
