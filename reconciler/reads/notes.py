"""Notes on one thing, and who wrote them."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.work import Cause

NOTES_MAX = 100  # of one thing; a thing with more is talked about elsewhere

_OF = sa.text(
    """select n.id, n.subject, n.body, n.at, n.cause_kind, n.cause_id,
      coalesce(u.name, k.name) as name
    from (select * from record_note where subject = :subject order by at desc, id desc
      limit :limit) n
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
    """The notes on one thing, the first first; of more than NOTES_MAX, the last of them."""
    rows = session.execute(_OF, {"subject": subject, "limit": NOTES_MAX})
    return [
        NoteRow(r.id, r.subject, r.body, r.at, Cause(r.cause_kind, r.cause_id), r.name)
        for r in rows
    ]
