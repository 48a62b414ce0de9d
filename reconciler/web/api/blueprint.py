"""/api/v1: all resources, their document, and the page to read it on."""

from functools import lru_cache

from flask import Blueprint, Response

from reconciler.runtime import Runtime
from reconciler.web import problems
from reconciler.web.api import (
    attachments,
    audit,
    bank_lines,
    bills,
    client_statements,
    closings,
    customers,
    deposits,
    disputes,
    docs,
    events,
    exports,
    imports,
    invoices,
    ledger,
    milestones,
    notes,
    openapi,
    pay_links,
    payees,
    payments,
    payouts,
    portal_links,
    prepayments,
    projects,
    proposals,
    reconciliation_runs,
    refunds,
    reminders,
    restore,
    review_items,
    statements,
    status,
    suspense,
    switches,
    tie_out,
    vendors,
    webhook_endpoints,
)
from reconciler.web.api.routes import Route, add_to

PREFIX = "/api/v1"
RESOURCES = (
    customers.resource,
    projects.resource,
    portal_links.resource,
    client_statements.resource,
    milestones.resource,
    proposals.resource,
    invoices.resource,
    deposits.resource,
    pay_links.resource,
    vendors.resource,
    payees.resource,
    bills.resource,
    prepayments.resource,
    attachments.resource,
    payments.resource,
    refunds.resource,
    disputes.resource,
    payouts.resource,
    review_items.resource,
    notes.resource,
    reconciliation_runs.resource,
    statements.resource,
    bank_lines.resource,
    tie_out.resource,
    imports.resource,
    exports.resource,
    events.resource,
    ledger.resource,
    suspense.resource,
    closings.resource,
    reminders.resource,
    webhook_endpoints.resource,
    switches.resource,
    audit.resource,
    restore.resource,
    status.resource,
)
ROUTES: tuple[Route, ...] = tuple(route for one in RESOURCES for route in one.routes)


def api_blueprint(runtime: Runtime) -> Blueprint:
    """Everything under /api/v1."""
    blueprint = Blueprint("api", __name__, url_prefix=PREFIX)
    problems.answer_errors(blueprint)
    for route in ROUTES:
        add_to(blueprint, runtime, route)
    _add_document(blueprint, runtime)
    return blueprint


def _add_document(blueprint: Blueprint, runtime: Runtime) -> None:
    base_url = runtime.settings.base_url

    @blueprint.get("/openapi.json")
    def openapi_json() -> Response:
        return Response(_document(base_url)[0], content_type="application/json")

    @blueprint.get("/docs")
    def docs_page() -> Response:
        return docs.answer(_document(base_url)[1])

    @blueprint.get("/docs.css")
    def docs_style() -> Response:
        return Response(docs.STYLE, content_type="text/css; charset=utf-8")


@lru_cache(maxsize=4)
def _document(base_url: str) -> tuple[bytes, str]:
    """The document and its page, made when first asked for: half a second, which few ever need."""
    document = openapi.document(ROUTES, PREFIX, base_url)
    return openapi.as_json(document), docs.page(document)
