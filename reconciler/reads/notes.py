"""Notes on things, and who wrote them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.work import Cause

NOTES_MAX = 100  # of one thing; a thing with more is talked about elsewhere

# A question that is asked again is another row: what was noted on it before is noted on it.
_ALSO = """array(select cast({subject} as text) union select e.id from review_item q
        join review_item e on e.kind = q.kind and e.subject = q.subject
          and e.opened_at <= q.opened_at where q.id = {subject})"""
_OF = sa.text(
    f"""select n.id, n.subject, n.body, n.at, n.cause_kind, n.cause_id,
      coalesce(u.name, k.name) as name
    from (select * from record_note
      where subject = any({_ALSO.format(subject=":subject")})
      order by at desc, id desc limit :limit) n
    left join user_account u on n.cause_kind = 'person' and u.id = n.cause_id
    left join api_key k on n.cause_kind = 'api_key' and k.id = n.cause_id
    order by n.at, n.id"""
)
_OF_SEVERAL = sa.text(
    f"""select n.id, n.subject, s.subject as asked, n.body, n.at, n.cause_kind, n.cause_id,
      coalesce(u.name, k.name) as name
    from unnest(cast(:subjects as text[])) s(subject) cross join lateral (
      select * from record_note r
      where r.subject = any({_ALSO.format(subject="s.subject")})
      order by r.at desc, r.id desc limit :limit) n
    left join user_account u on n.cause_kind = 'person' and u.id = n.cause_id
    left join api_key k on n.cause_kind = 'api_key' and k.id = n.cause_id
    order by n.at, n.id"""
)


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A note. `subject` is our id of what it is on; `name` what its writer is called today."""

    id: str
    subject: str
    body: str
    at: datetime
    by: Cause
    name: str | None


def of(session: Session, subject: str) -> list[NoteRow]:
    """The notes on one thing, the first first; of more than NOTES_MAX, the last of them.

    On a question also those on the same one when it was asked before.
    """
    rows = session.execute(_OF, {"subject": subject, "limit": NOTES_MAX})
    return [_read(row) for row in rows]


def last_of(session: Session, subjects: Collection[str], *, limit: int) -> dict[str, list[NoteRow]]:
    """The last notes on each of these things, the first first; by what they are on."""
    found: dict[str, list[NoteRow]] = {}
    given = {"subjects": sorted(set(subjects)), "limit": limit}
    for row in session.execute(_OF_SEVERAL, given):
        found.setdefault(row.asked, []).append(_read(row))
    return found


def _read(row: sa.Row[tuple[object, ...]]) -> NoteRow:
    cause = Cause(row.cause_kind, row.cause_id)
    return NoteRow(row.id, row.subject, row.body, row.at, cause, row.name)
