"""Questions about disputes that a bank has under review are closed: nobody here has to answer.

Since decision 84 such a question closes with the next news of its payment. Of one that was asked
before, that may be weeks away.
"""

import sqlalchemy as sa
from alembic import op

revision = "0079"
down_revision = "0078"
branch_labels = None
depends_on = None

_LEFT = """select count(*) from review_item r join dispute d on d.payment_id = r.payment_id
    and d.rail_dispute_id = r.subject and d.stage = 'under_review'
  where r.state = 'open' and r.kind = 'dispute'"""
# By a job, as news closes it, and in the same words: no person has answered it.
CLOSE = """update review_item r set state = 'resolved', resolved_at = now(),
    resolved_by = 'job/upgrade', resolution = 'it is settled', rev = r.rev + 1
  from dispute d where d.payment_id = r.payment_id and d.rail_dispute_id = r.subject
    and d.stage = 'under_review' and r.state = 'open' and r.kind = 'dispute'"""


def upgrade() -> None:
    books = op.get_bind()
    books.execute(sa.text(CLOSE))
    left = books.execute(sa.text(_LEFT)).scalar_one()
    assert left == 0, f"{left} questions about disputes under review are open still"


def downgrade() -> None:
    """The old code asks again with the next news of each payment."""
