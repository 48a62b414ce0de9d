"""Questions keep when what they are about happened, so that a long queue is dated without it."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None

_SQL = Path(__file__).resolve().parent.parent / "sql"
_FILLED = (
    """update review_item r set happened_at = p.occurred_at from payment p
      where p.id = r.payment_id and r.kind in ('ambiguous_match', 'currency_mismatch',
        'invoice_not_payable', 'overpayment', 'unmatched_payment')""",
    """update review_item r set happened_at = d.opened_at from dispute d
      where r.kind = 'dispute' and d.payment_id = r.payment_id and d.rail_dispute_id = r.subject""",
)
_MISSED = """select count(*) from review_item r left join payment p on p.id = r.payment_id
  where r.kind in ('ambiguous_match', 'currency_mismatch', 'invoice_not_payable', 'overpayment',
      'unmatched_payment') and r.happened_at is distinct from p.occurred_at"""


def upgrade() -> None:
    op.add_column(
        "review_item", sa.Column("happened_at", sa.DateTime(timezone=True), nullable=True)
    )
    # From here on nobody else asks or moves a payment until this is committed, so none is missed.
    op.execute((_SQL / "question_ages.sql").read_text(encoding="utf-8"))
    for statement in _FILLED:
        op.execute(statement)
    missed = op.get_bind().execute(sa.text(_MISSED)).scalar_one()
    assert missed == 0, f"{missed} questions have another day than their payment"
    op.create_index(
        "ix_review_item_happened",
        "review_item",
        [sa.text("coalesce(happened_at, opened_at)"), "id"],
        postgresql_where=sa.text("state = 'open'"),
    )


def downgrade() -> None:
    op.drop_index("ix_review_item_happened", "review_item")
    op.execute("drop trigger date_question on review_item")
    op.execute("drop trigger date_questions_of_payment on payment")
    for name in ("date_questions_of_new_dispute", "date_questions_of_dispute"):
        op.execute(f"drop trigger {name} on dispute")
    for name in ("date_question", "date_questions_of_payment", "date_questions_of_dispute"):
        op.execute(f"drop function {name}()")
    op.drop_column("review_item", "happened_at")
