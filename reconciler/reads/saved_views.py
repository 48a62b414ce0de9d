"""Views of a list that somebody sees: their own, and what others share."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session

_OF = sa.text(
    """select v.id, v.page, v.name, v.query, v.is_shared, v.user_id = :user as is_mine,
      u.name as owner
    from saved_view v join user_account u on u.id = v.user_id
    where v.page = :page and (v.user_id = :user or v.is_shared)
    order by v.user_id <> :user, lower(v.name), v.id limit :limit"""
)
SHOWN_MAX = 40


@dataclass(frozen=True, slots=True)
class View:
    """A list's filters under a name."""

    id: str
    page: str
    name: str
    query: str
    is_shared: bool
    is_mine: bool
    owner: str

    @property
    def address(self) -> str:
        """Where it leads."""
        return f"{self.page}?{self.query}" if self.query else self.page


def of(session: Session, *, user: str, page: str) -> list[View]:
    """The views of a page that somebody sees, their own first."""
    rows = session.execute(_OF, {"user": user, "page": page, "limit": SHOWN_MAX})
    return [View(**row._asdict()) for row in rows]
