"""The routes under /statements."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from pydantic import Field

from reconciler.books.bank_lines import DayOrder, LineState
from reconciler.reads import statements as reads
from reconciler.reads.pages import Page
from reconciler.reads.statements import LineShown, StatementRow
from reconciler.services import statements
from reconciler.services.statements import FILE_NAME_CHARS_MAX, Statement
from reconciler.web.api.fields import Body, Currency, Line64, Paged
from reconciler.web.api.routes import Look, Resource
from reconciler.web.http import GivenFile
from reconciler.work import Work

resource = Resource("statements")

_UNNAMED = "statement"  # a file that whoever sent it gave no name


class StatementForm(Body):
    """Whose statement it is, and how to read what can be read two ways."""

    bank_account: Annotated[
        Line64, Field(description="Which bank account; the same name each time.")
    ]
    currency: Annotated[
        Currency | None, Field(description="The account's, where the file names none.")
    ] = None
    day_order: Annotated[
        DayOrder | None, Field(description="Where days such as 03/04/2026 can be read two ways.")
    ] = None


class LineQuery(Paged):
    """Which lines of a statement."""

    state: LineState | None = None


@dataclass(frozen=True, slots=True)
class StatementTaken:
    """A statement as it was read; `is_repeated` says that it was read before and added nothing."""

    statement: StatementRow
    is_repeated: bool


@resource.post("/statements", status=HTTPStatus.CREATED)
def take(work: Work, table: GivenFile, body: StatementForm) -> StatementTaken:
    """Read a bank's file, CSV or camt.053, and tie its lines where that is certain.

    Lines that an earlier file held are not added again. Rows that cannot be read are named in
    `bad_rows`, the first hundred of them, and the rest is taken.
    """
    taken = statements.take(
        work,
        Statement(
            bank_account=body.bank_account,
            file_name=table.name[:FILE_NAME_CHARS_MAX] or _UNNAMED,
            body=table.body,
            currency=body.currency,
            day_order=body.day_order,
        ),
    )
    return StatementTaken(reads.one(work.session, taken.statement_id), taken.is_repeated)


@resource.get("/statements")
def listed(look: Look, query: Paged) -> Page[StatementRow]:
    """List statements, the last read first."""
    return reads.page(look.session, query.wanted)


@resource.get("/statements/{statement_id}")
def one(look: Look, statement_id: str) -> StatementRow:
    """Read how one statement stands: its lines by state, and the rows that could not be read."""
    return reads.one(look.session, statement_id)


@resource.get("/statements/{statement_id}/lines")
def lines(look: Look, statement_id: str, query: LineQuery) -> Page[LineShown]:
    """List the lines that this file was the first to bring, the latest first, and their ties."""
    statement = reads.one(look.session, statement_id)
    return reads.lines(look.session, statement.id, query.state, query.wanted)
