"""The routes under /notes."""

from dataclasses import dataclass
from http import HTTPStatus

from reconciler.reads import notes as reads
from reconciler.reads.notes import NoteRow
from reconciler.services import notes
from reconciler.web.api.fields import Body, Line128, Query, Words2000
from reconciler.web.api.routes import Look, Resource
from reconciler.work import Work

resource = Resource("notes")


@dataclass(frozen=True, slots=True)
class Notes:
    """The notes on one thing, the first first; of more than a hundred, the last of them."""

    data: list[NoteRow]


class NotesQuery(Query):
    """On what: the id of a payment, invoice, deposit, refund, customer, question and so on."""

    subject: Line128


class NoteBody(Body):
    """A note on what has the id `subject`."""

    subject: Line128
    body: Words2000


@resource.get("/notes")
def listed(look: Look, query: NotesQuery) -> Notes:
    """Read the notes on one thing."""
    return Notes(reads.of(look.session, query.subject))


@resource.post("/notes", status=HTTPStatus.CREATED)
def create(work: Work, body: NoteBody) -> Notes:
    """Write a note. It is never changed or removed; gives all notes on the same thing."""
    notes.add(work, body.subject, body.body)
    work.session.flush()
    return Notes(reads.of(work.session, body.subject))
