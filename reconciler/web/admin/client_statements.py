"""Statements as clients see them, for whoever here has to print or explain one."""

from flask import Response, request

from reconciler.books.portal import Event
from reconciler.reads import client_statements, customers, projects
from reconciler.web import periods
from reconciler.web.admin.desk import Desk
from reconciler.web.admin.routes import Screens

screens = Screens()


@screens.get("/customers/<customer_id>/statement")
def show_customer_statement(desk: Desk, customer_id: str) -> Response:
    """What happened with a customer in a period, and what they owed before and after."""
    since, until, error = periods.asked(request.args, desk.today)
    with desk.runtime.read() as session:
        customer = customers.one(session, customer_id, today=desk.today)
        found, error = periods.told(
            lambda: client_statements.part_of_customer(
                session, customer_id, since, until, after=request.args.get("after")
            ),
            error,
        )
    return desk.page(
        "client_statement.html",
        status=422 if error else 200,
        part=found,
        statements=found.statements,
        customer=customer,
        project=None,
        since=since,
        until=until,
        error=error,
        Event=Event,
    )


@screens.get("/projects/<project_id>/statement")
def show_project_statement(desk: Desk, project_id: str) -> Response:
    """The same of one project."""
    since, until, error = periods.asked(request.args, desk.today)
    with desk.runtime.read() as session:
        project = projects.one(session, project_id, today=desk.today)
        customer = customers.one(session, project.customer_id, today=desk.today)
        found, error = periods.told(
            lambda: client_statements.part_of_project(
                session, project_id, since, until, after=request.args.get("after")
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
        Event=Event,
    )
