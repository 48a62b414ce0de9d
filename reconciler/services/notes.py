"""Notes on things of ours: written once, never changed, moving no money."""

import sqlalchemy as sa

from reconciler.books import texts
from reconciler.errors import Invalid, NotFound
from reconciler.ids import new_id
from reconciler.services import audit
from reconciler.store.notes import RecordNote
from reconciler.work import Work

NOTE_CHARS_MAX = 2_000
# What a note may be on: the tables whose ids are ours alone, each with a prefix of its own.
_TABLES = (
    "payment", "invoice", "deposit", "refund", "customer", "project", "proposal", "milestone",
    "dispute", "payout", "bank_statement", "review_item", "vendor", "bill", "prepayment",
)  # fmt: skip
_EXISTS = sa.text(" union all ".join(f"select 1 from {table} where id = :id" for table in _TABLES))


def add(work: Work, subject: str, body: str) -> str:
    """Write a note on what has this id; gives the note's id.

    Raises Invalid for no words or too many, NotFound where nothing has that id.
    """
    said = texts.words(body, field="note", chars_max=NOTE_CHARS_MAX)
    if not said:
        raise Invalid("write a note", field="note")
    if work.session.execute(_EXISTS, {"id": subject}).first() is None:
        raise NotFound(f"there is nothing with the id {subject}")
    made = new_id("note")
    work.session.add(
        RecordNote(
            id=made,
            subject=subject,
            body=said,
            cause_kind=work.cause.kind,
            cause_id=work.cause.id,
            at=work.now,
        )
    )
    # Its words stand in the note alone: they are not kept twice.
    audit.note(work, "note.added", subject, after={"note": made, "chars": len(said)})
    return made
