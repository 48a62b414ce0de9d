"""Statements as clients see them, for whoever here has to print or explain one."""

from collections.abc import Callable

from flask import Response, request

from reconciler.reads import client_statements, customers, projects
from reconciler.reads.client_statements import Part
from reconciler.web import periods
from reconciler.web.admin.desk import Desk
from reconciler.web.admin.routes import Screens

screens = Screens()

LINES_MAX = 300  # of a part: a page of more is more than 100 KB


@screens.get("/customers/<customer_id>/statement")
def show_customer_statement(desk: Desk, customer_id: str) -> Response:
    """What happened with a customer in a period, and what they owed before and after."""
    return _statement(desk, client_statements.part_of_customer, customer_id=customer_id)


@screens.get("/projects/<project_id>/statement")
def show_project_statement(desk: Desk, project_id: str) -> Response:
    """The same of one project."""
    return _statement(desk, client_statements.part_of_project, project_id=project_id)


def _statement(
    desk: Desk,
    part_of: Callable[..., Part],
    *,
    customer_id: str = "",
    project_id: str | None = None,
) -> Response:
    since, until, error = periods.asked(request.args, desk.today)
    project = None
    with desk.runtime.read() as session:
        if project_id is not None:
            project = projects.one(session, project_id, today=desk.today)
            customer_id = project.customer_id
        customer = customers.one(session, customer_id, today=desk.today)
        found, error = periods.told(
            lambda: part_of(
                session,
                project_id or customer_id,
                since,
                until,
                after=request.args.get("after"),
                lines_max=LINES_MAX,
            ),
            error,
        )
    return desk.page(
        "client_statement.html",
        status=422 if error else 200,
        part=found,
        statements=found.statements,
        customer=customer,
        project=project,
        since=since,
        until=until,
        error=error,
    )
