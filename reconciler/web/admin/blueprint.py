"""The screens as one blueprint: who may in, what every answer carries, what errors look like."""

from collections.abc import Callable, Mapping
from functools import partial

import structlog
from flask import Blueprint, Response, current_app, make_response, redirect, request, url_for
from werkzeug.exceptions import HTTPException

from reconciler.books.people import is_at_least
from reconciler.errors import Forbidden, Invalid, NotFound, ReconcilerError
from reconciler.ids import new_id
from reconciler.runtime import Runtime
from reconciler.services import people
from reconciler.services.people import OpenSession
from reconciler.web import forms, static_files
from reconciler.web.admin import (
    account,
    attachments,
    audit,
    bank_fees,
    bill_editor,
    bills,
    bulk,
    client_statements,
    closings,
    customers,
    deposit_deeds,
    deposits,
    disputes,
    errors,
    events,
    figures,
    imports,
    invoice_deeds,
    invoice_editor,
    invoices,
    jobs,
    kept_forms,
    keys,
    ledger,
    ledger_accounts,
    milestones,
    outside_refunds,
    papers,
    pay_links,
    payees,
    payments,
    payouts,
    people as people_screens,
    picked,
    portal_links,
    prepayments,
    projects,
    proposals,
    proving,
    questions,
    recent,
    reconciliation,
    refund_asking,
    refunds,
    reminder_texts,
    reminders,
    replays,
    restore,
    review_desk,
    saved_views,
    search,
    settings,
    sign_in,
    sign_offs,
    statements,
    suspense,
    switches,
    taking_back,
    tie_out,
    today,
    unmatched,
    vendor_credits,
    vendors,
    webhooks,
    words,
)
from reconciler.web.admin.desk import Desk
from reconciler.web.admin.pages import STATIC
from reconciler.web.admin.routes import Route
from reconciler.work import Cause

_log = structlog.get_logger()

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
FORM_BYTES_MAX = 11 << 20  # a bank's statement, and what the form says beside it
YEAR_SECONDS = 365 * 24 * 3600
_FILES = (
    today,
    unmatched,
    bulk,
    picked,
    payments,
    projects,
    milestones,
    proposals,
    invoices,
    invoice_editor,
    invoice_deeds,
    bank_fees,
    taking_back,
    papers,
    customers,
    client_statements,
    deposits,
    deposit_deeds,
    pay_links,
    attachments,
    sign_offs,
    vendors,
    payees,
    bill_editor,
    bills,
    prepayments,
    vendor_credits,
    refunds,
    refund_asking,
    disputes,
    payouts,
    portal_links,
    restore,
    questions,
    review_desk,
    recent,
    outside_refunds,
    tie_out,
    reconciliation,
    statements,
    imports,
    reminders,
    reminder_texts,
    webhooks,
    replays,
    events,
    ledger,
    ledger_accounts,
    suspense,
    figures,
    closings,
    jobs,
    switches,
    people_screens,
    keys,
    account,
    saved_views,
    audit,
    settings,
    search,
)


def admin_blueprint(runtime: Runtime) -> Blueprint:
    """Everything under /admin/."""
    blueprint = Blueprint("admin", __name__, url_prefix="/admin")
    blueprint.add_url_rule("/static/<path:filename>", "static", static_files.handing_out(STATIC))
    for rule, method, view in sign_in.pages(runtime):
        blueprint.add_url_rule(rule, view.__name__, view, methods=[method])
    for route in routes():
        blueprint.add_url_rule(
            route.rule, route.endpoint, _guarded(runtime, route), methods=[route.method]
        )
    blueprint.add_url_rule("/<path:address>", "nowhere", _nowhere(runtime))
    blueprint.register_error_handler(ReconcilerError, _failed(runtime))
    blueprint.register_error_handler(HTTPException, _misused(runtime))
    blueprint.register_error_handler(Exception, _broken(runtime))
    blueprint.after_request(_dressed)
    return blueprint


def routes() -> list[Route]:
    """Every screen's addresses."""
    return [route for file in _FILES for route in file.screens.routes]


def _guarded(runtime: Runtime, route: Route) -> Callable[..., Response]:
    def answer(**values: str) -> Response:
        request.max_content_length = FORM_BYTES_MAX  # past it, reading raises 413
        session = _session(runtime, is_there=not route.is_by_itself)
        if session is None:
            return _to_the_door(runtime)
        if route.method == "POST":
            forms.prove(request, session.form_token, base_url=runtime.settings.base_url)
        if not is_at_least(session.person.role, route.needs):
            raise Forbidden(words.need(route.needs.value, "do this"))
        _readable(values)
        desk = _desk(runtime, session)
        if proving.lacks_code(runtime, session, route):
            return proving.ask_for_code(desk)
        if not proving.may_go_on(session, route, desk):
            return proving.prove(desk, session, route, partial(route.view, desk, **values))
        return route.view(desk, **values)

    return answer


def _readable(values: Mapping[str, str]) -> None:
    """A NUL is no text: no id holds one, and the database would stumble over it."""
    if any("\0" in value for value in values.values()):
        raise NotFound("There is no such thing")
    if any("\0" in value for values in request.values.listvalues() for value in values):
        raise Invalid("Something in there is no text")


def _session(runtime: Runtime, *, is_there: bool = True) -> OpenSession | None:
    token = request.cookies.get(sign_in.cookie_name(runtime.settings))
    if not token:
        return None
    cause = Cause("browser", "session")
    idle_max = sign_in.idle_max(runtime.settings)
    return runtime.do(
        cause, lambda work: people.session_of(work, token, is_there=is_there, idle_max=idle_max)
    )


def _desk(runtime: Runtime, session: OpenSession) -> Desk:
    return Desk(runtime, session.person, session.form_token, runtime.now(), session.id)


def _to_the_door(runtime: Runtime) -> Response:
    where = request.full_path.rstrip("?") if request.method == "GET" else None
    door = url_for("admin.ask", next=where)
    if request.headers.get("HX-Request"):
        # A fragment of a page is no place to sign in: the browser goes there as a whole.
        return Response(status=204, headers={"HX-Redirect": url_for("admin.ask")})
    kept = kept_forms.sent_too_late()
    if kept is not None:
        return sign_in.ask_again(runtime, kept)
    return make_response(redirect(door, 303))


def _nowhere(runtime: Runtime) -> Callable[..., Response]:
    def nowhere(address: str) -> Response:
        del address
        session = _session(runtime)
        if session is None:
            return _to_the_door(runtime)
        return errors.missing(_desk(runtime, session))

    return nowhere


def _failed(runtime: Runtime) -> Callable[[ReconcilerError], Response]:
    def failed(error: ReconcilerError) -> Response:
        return errors.page(_whoever(runtime), error)

    return failed


def _misused(runtime: Runtime) -> Callable[[HTTPException], Response]:
    def misused(error: HTTPException) -> Response:
        return errors.misused(_whoever(runtime), error.code or 400)

    return misused


def _broken(runtime: Runtime) -> Callable[[Exception], Response]:
    def broken(error: Exception) -> Response:
        if current_app.testing:
            raise error
        request_id = new_id("req")
        _log.exception("screen.broken", request_id=request_id, path=request.path)
        return errors.broken(_whoever(runtime), request_id)

    return broken


def _whoever(runtime: Runtime) -> Desk | None:
    """Who is signed in, if that can be told at all: the page of an error must not fail too."""
    try:
        session = _session(runtime)
    except ReconcilerError:
        return None
    return _desk(runtime, session) if session else None


def _dressed(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)  # a file that is handed out has stricter ones
    if request.endpoint == "admin.static" and "v" in request.args:
        response.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
    elif request.endpoint == "admin.static":
        response.headers["Cache-Control"] = "public, max-age=300"
    else:
        response.headers["Cache-Control"] = "no-store"
        response.headers["Vary"] = "HX-Request, Cookie"
    return response
