"""Projects for the screens: with their customer's name, and what of them waits for somebody."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.errors import NotFound
from reconciler.reads import projects
from reconciler.reads.projects import ProjectRow

_CHOICES_MAX = 500
_PROJECTS = sa.text(
    """select p.id, p.created_at, c.name as customer from project p
    join customer c on c.id = p.customer_id
    where (cast(:customer as text) is null or p.customer_id = :customer)
      and (cast(:ids as text[]) is null or p.id = any(:ids))
      and (not :only_open or exists (select 1 from milestone m where m.project_id = p.id
          and m.dropped_at is null and not exists (select 1 from invoice i
            where i.milestone_id = m.id and i.state = 'sent' and i.outstanding = 0)))
      and (cast(:before as timestamptz) is null
        or (p.created_at, p.id) < (:before, cast(:before_id as text)))
    order by p.created_at desc, p.id desc limit :limit"""
)
_ONE = sa.text(
    """select p.id, p.created_at, c.name as customer from project p
    join customer c on c.id = p.customer_id where p.id = :id"""
)
_PROJECT_OF = sa.text("select project_id from milestone where id = :id and dropped_at is null")
_CUSTOMERS = sa.text("select id, name from customer order by created_at desc, id limit :limit")
_BY_NAME = sa.text("select id from customer where lower(name) = lower(btrim(:name)) or id = :name")


@dataclass(frozen=True, slots=True)
class ProjectLine:
    """A project and whose it is."""

    id: str
    created_at: datetime
    customer: str
    project: ProjectRow


@dataclass(frozen=True, slots=True)
class Which:
    """Which projects: `only_open` with a milestone that is not paid; one customer's; of `ids`."""

    only_open: bool
    customer_id: str | None
    ids: Collection[str] | None = None


def lines(
    session: Session,
    which: Which,
    *,
    before: tuple[datetime, str] | None,
    limit: int,
    today: date,
) -> list[ProjectLine]:
    """Projects, the newest first."""
    at, last = before or (None, None)
    given = {
        "only_open": which.only_open, "customer": which.customer_id, "before": at,
        "before_id": last, "limit": limit, "ids": None if which.ids is None else sorted(which.ids),
    }  # fmt: skip
    return _with_rows(session, session.execute(_PROJECTS, given).all(), today)


def one(session: Session, project_id: str, *, today: date) -> ProjectLine | None:
    """One project."""
    found = _with_rows(session, session.execute(_ONE, {"id": project_id}).all(), today)
    return found[0] if found else None


def project_of(session: Session, milestone_id: str) -> str:
    """The project of a milestone. Raises NotFound."""
    found = session.execute(_PROJECT_OF, {"id": milestone_id}).scalar()
    if found is None:
        raise NotFound(f"There is no milestone {milestone_id[:80]}")
    return str(found)


def customers(session: Session) -> list[tuple[str, str]]:
    """Ids and names of customers to choose from, the newest first; not all where there are many."""
    return [(row.id, row.name) for row in session.execute(_CUSTOMERS, {"limit": _CHOICES_MAX})]


def called(session: Session, name: str) -> list[str]:
    """The ids of customers of this name, or id, in any case."""
    return [row.id for row in session.execute(_BY_NAME, {"name": name})]


def _with_rows(
    session: Session, found: Sequence[sa.Row[tuple[object, ...]]], today: date
) -> list[ProjectLine]:
    rows = projects.load(session, [one.id for one in found], today=today)
    return [ProjectLine(one.id, one.created_at, one.customer, rows[one.id]) for one in found]
