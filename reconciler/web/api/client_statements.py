"""The statements of a customer and of a project, as the client sees them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Annotated

from pydantic import Field

from reconciler.reads import client_statements as reads, customers, projects
from reconciler.reads.client_statements import ClientStatement, Part
from reconciler.web import periods
from reconciler.web.api.fields import Day, Paged
from reconciler.web.api.routes import Look, Resource

resource = Resource("client-statements")


class PeriodQuery(Paged):
    """Which days, both included: this year so far where none are said; and which part of them.

    `limit` is of lines, of all currencies together.
    """

    since: Annotated[Day | None, Field(description="The first day.")] = None
    until: Annotated[Day | None, Field(description="The last day.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientStatements:
    """A part of the statements of a period, one for each currency that moved or stands.

    `opening` is what is owed before the first line of this part, `closing` after its last one, in
    minor units; below zero it is the client's. All is told where `next_cursor` is null.
    """

    since: date
    until: date
    data: list[ClientStatement]
    is_continued: bool
    next_cursor: str | None


@resource.get("/customers/{customer_id}/statement")
def of_customer(look: Look, customer_id: str, query: PeriodQuery) -> ClientStatements:
    """Read what happened with a customer in a period, in the order in which it counts."""
    customers.one(look.session, customer_id, today=look.today)
    return _told(look, query, partial(reads.part_of_customer, look.session, customer_id))


@resource.get("/projects/{project_id}/statement")
def of_project(look: Look, project_id: str, query: PeriodQuery) -> ClientStatements:
    """Read the same of one project: its invoices less what is held as its deposits."""
    projects.one(look.session, project_id, today=look.today)
    return _told(look, query, partial(reads.part_of_project, look.session, project_id))


def _told(look: Look, query: PeriodQuery, read: Callable[..., Part]) -> ClientStatements:
    since, until = periods.within(query.since, query.until, look.today)
    part = read(since, until, after=query.cursor, lines_max=query.limit)
    return ClientStatements(
        since=since,
        until=until,
        data=part.statements,
        is_continued=part.is_continued,
        next_cursor=part.next_cursor,
    )
