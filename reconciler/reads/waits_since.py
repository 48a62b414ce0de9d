"""Since when a question has waited, for a statement that has the question as `r`.

Money waits since it moved, and not since we heard of it: payments that are taken over from a file,
or that a rail told late, are as old as they are.
"""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

WAITS_SINCE = "least(r.opened_at, r.happened_at)"
_OF = sa.text(f"select r.id, {WAITS_SINCE} as since from review_item r where r.id = any(:ids)")


def of(session: Session, ids: Collection[str]) -> dict[str, datetime]:
    """Since when each of these questions has waited."""
    return {row.id: row.since for row in session.execute(_OF, {"ids": list(ids)})}
