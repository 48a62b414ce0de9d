"""The client's page as one blueprint: a token opens it, and every wrong one is answered alike."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

import structlog
from flask import Blueprint, Response, current_app, make_response, redirect, request, url_for
from werkzeug.exceptions import HTTPException

from reconciler.books.portal import Event, Scope
from reconciler.errors import Conflict, Invalid, NotFound, Refused, Unavailable
from reconciler.flows import pay_links
from reconciler.ids import new_id
from reconciler.reads import client_page, client_statements
from reconciler.reads.client_page import Seen
from reconciler.reads.deposits import DepositRow
from reconciler.reads.invoices import InvoiceRow
from reconciler.runtime import Runtime
from reconciler.services import portal_links, sign_offs
from reconciler.services.pay_links import PayAsk
from reconciler.services.portal_links import Link
from reconciler.services.sign_offs import SIGNER_CHARS_MAX
from reconciler.web import forms, http
from reconciler.web.admin import errors
from reconciler.web.portal import pages
from reconciler.work import Cause, Work

_log = structlog.get_logger()
View = Callable[..., Response]
T = TypeVar("T")

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
YEAR_SECONDS = 365 * 24 * 3600
FORM_BYTES_MAX = 16 << 10
STATEMENT_DAYS_MAX = 3_660


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody with a good link, in front of one page."""

    runtime: Runtime
    token: str
    link: Link
    now: datetime

    @property
    def today(self) -> date:
        """The day it is, in UTC."""
        return self.now.date()

    @property
    def form_token(self) -> str:
        """What their forms carry: nobody without the link can know it."""
        return hashlib.sha256(f"portal-form/{self.token}".encode(errors="replace")).hexdigest()

    @property
    def seen(self) -> Seen:
        """What the link shows."""
        return Seen.of(self.link.scope, self.link.subject_id, self.link.customer_id)

    def do(self, step: Callable[[Work], T]) -> T:
        """Change something in the client's name."""
        return self.runtime.do(Cause("portal", self.link.id), http.accountable(step))

    def page(self, template: str, *, status: int = 200, **values: object) -> Response:
        """A whole page."""
        return _page(self.runtime, template, status=status, visit=self, **values)


def portal_blueprint(runtime: Runtime) -> Blueprint:
    """Everything under /portal/."""
    blueprint = Blueprint("portal", __name__, url_prefix="/portal", static_folder="static")
    for rule, view in (
        ("/<token>", show),
        ("/<token>/invoices/<invoice_id>", show_invoice),
        ("/<token>/receipts/<payment_id>", show_receipt),
        ("/<token>/statement", show_statement),
        ("/<token>/pay/<pay_link_id>", go_and_pay),
    ):
        blueprint.add_url_rule(rule, view.__name__, _opened(runtime, view), methods=["GET"])
    paying = _opened(runtime, pay)
    blueprint.add_url_rule("/<token>/pay", "pay", paying, methods=["POST"])
    signing = _opened(runtime, sign_off)
    blueprint.add_url_rule(
        "/<token>/milestones/<milestone_id>/sign-off", "sign_off", signing, methods=["POST"]
    )
    for rule, name in (("/paid", "paid"), ("/not-paid", "not_paid")):
        blueprint.add_url_rule(rule, name, _after(runtime, f"{name}.html"), methods=["GET"])
    blueprint.register_error_handler(forms.Stale, lambda _: _failed(runtime, 400))
    blueprint.register_error_handler(Refused, lambda _: _missing(runtime))
    blueprint.register_error_handler(HTTPException, lambda error: _misused(runtime, error))
    blueprint.register_error_handler(Unavailable, lambda _: _failed(runtime, 503))
    blueprint.register_error_handler(Exception, lambda error: _broken(runtime, error))
    blueprint.after_request(_dressed)
    return blueprint


def show(visit: Visit) -> Response:
    """All that the link shows, as it stands now."""
    return _show(visit)


def _show(visit: Visit, *, status: int = 200, error: str = "") -> Response:
    with visit.runtime.read() as session:
        page = client_page.page(session, visit.seen, today=visit.today)
    return visit.page("page.html", status=status, page=page, error=error)


def show_invoice(visit: Visit, invoice_id: str) -> Response:
    """One invoice, with its lines and what was paid on it."""
    with visit.runtime.read() as session:
        invoice = client_page.invoice(session, visit.seen, invoice_id, today=visit.today)
        customer = client_page.customer_name(session, visit.seen)
    return visit.page("invoice.html", invoice=invoice, customer=customer)


def show_receipt(visit: Visit, payment_id: str) -> Response:
    """A receipt for one payment. Raises NotFound."""
    with visit.runtime.read() as session:
        found = client_page.receipts(session, visit.seen, payment_id=payment_id)
        customer = client_page.customer_name(session, visit.seen)
    if not found:
        raise NotFound("there is no such payment")
    return visit.page("receipt.html", receipt=found[0], customer=customer)


def show_statement(visit: Visit) -> Response:
    """Their statement for a period; this year so far, unless they say another."""
    if visit.seen.project_id is not None:
        raise NotFound("a project has no statement of its own")
    error, (since, until) = "", (visit.today.replace(month=1, day=1), visit.today)
    try:
        since, until = _period(since, until)
    except Invalid as problem:
        error = str(problem)
    with visit.runtime.read() as session:
        found = client_statements.of_customer(session, visit.link.customer_id, since, until)
        customer = client_page.customer_name(session, visit.seen)
    return visit.page(
        "statement.html",
        status=422 if error else 200,
        statements=found,
        customer=customer,
        since=since,
        until=until,
        error=error,
        Event=Event,
    )


def pay(visit: Visit) -> Response:
    """A page of the rail is made on which they pay what they chose."""
    forms.prove(request, visit.form_token, base_url=visit.runtime.settings.base_url)
    noun = forms.choice(request.form, "noun", ("invoice", "deposit"), ask="Say what to pay")
    target_id = forms.text(request.form, "target")
    with visit.runtime.read() as session:
        document: InvoiceRow | DepositRow = (
            client_page.invoice(session, visit.seen, target_id, today=visit.today)
            if noun == "invoice"
            else client_page.deposit(session, visit.seen, target_id)
        )
    try:
        amount = forms.amount(request.form, "amount", document.currency).minor
        ask = PayAsk(noun=noun, target_id=document.id, amount=amount, portal_link_id=visit.link.id)
        planned = pay_links.open_page(visit.runtime, visit.do, ask)
    except (Refused, Unavailable) as error:
        return _show(visit, status=422, error=errors.sentence(error))
    place = url_for("portal.go_and_pay", token=visit.token, pay_link_id=planned.id)
    return make_response(redirect(place, 303))


def sign_off(visit: Visit, milestone_id: str) -> Response:
    """The client says, with their name and a tick, that a milestone is as agreed."""
    forms.prove(request, visit.form_token, base_url=visit.runtime.settings.base_url)
    with visit.runtime.read() as session:
        page = client_page.page(session, visit.seen, today=visit.today)
    if milestone_id not in {m.id for project in page.projects for m in project.milestones}:
        raise NotFound("there is no such milestone")
    try:
        if request.form.get("agreed") != "yes":
            raise Invalid("Tick that it is as agreed, to sign it off", field="agreed")
        name = forms.text(request.form, "name", chars_max=SIGNER_CHARS_MAX)
        seen = request.form.get("seen", "")
        visit.do(lambda work: sign_offs.sign_off_by_client(work, milestone_id, name, seen=seen))
    except Conflict:
        changed = "This milestone was changed while you read it. Below is how it stands now."
        return _show(visit, status=409, error=changed)
    except Refused as error:
        return _show(visit, status=422, error=errors.sentence(error))
    return make_response(redirect(url_for("portal.show", token=visit.token), 303))


def go_and_pay(visit: Visit, pay_link_id: str) -> Response:
    """Where to pay, as a link: a browser would not follow a form to another site from here."""
    with visit.runtime.read() as session:
        found = client_page.pay_link(session, visit.seen, pay_link_id, now=visit.now)
    return visit.page("pay.html", link=found)


def _period(since: date, until: date) -> tuple[date, date]:
    if "since" in request.args:
        since = forms.day(request.args, "since")
    if "until" in request.args:
        until = forms.day(request.args, "until")
    if since > until:
        raise Invalid("The first day has to come before the last", field="since")
    if until - since > timedelta(days=STATEMENT_DAYS_MAX):
        raise Invalid("Ask for at most ten years at once", field="since")
    return since, until


def _opened(runtime: Runtime, view: View) -> View:
    def answer(token: str, **values: str) -> Response:
        request.max_content_length = FORM_BYTES_MAX
        if any("\0" in value for value in values.values()):
            return _missing(runtime)
        link = runtime.do(
            Cause("portal", "visit"),
            lambda work: portal_links.link_of(work, token, is_visit=request.method == "GET"),
        )
        if link is None or link.scope is Scope.PROPOSAL:
            return _missing(runtime)
        if link.is_over:
            return _page(runtime, "ended.html", status=404)
        return view(Visit(runtime, token, link, runtime.now()), **values)

    return answer


def _after(runtime: Runtime, template: str) -> View:
    def answer() -> Response:
        return _page(runtime, template, status=200)

    return answer


def _page(runtime: Runtime, template: str, *, status: int, **values: object) -> Response:
    sender = runtime.settings.mail_sender
    values.setdefault("visit", None)
    html = pages.render(
        template,
        house=sender.display_name,
        is_sandbox=runtime.settings.is_sandbox,
        **values,
    )
    return make_response(html, status)


def _missing(runtime: Runtime) -> Response:
    """The same for a token that never was, one that was changed, and what it does not show."""
    return _page(runtime, "missing.html", status=404)


def _failed(runtime: Runtime, status: int) -> Response:
    return _page(runtime, "failed.html", status=status)


def _misused(runtime: Runtime, error: HTTPException) -> Response:
    code = error.code or 400
    return _missing(runtime) if code == 404 else _failed(runtime, code)


def _broken(runtime: Runtime, error: Exception) -> Response:
    if current_app.testing:
        raise error
    _log.exception("portal.broken", request_id=new_id("req"), endpoint=request.endpoint)
    return _failed(runtime, 500)


def _dressed(response: Response) -> Response:
    response.headers.update(HEADERS)
    if request.endpoint == "portal.static" and "v" in request.args:
        response.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
    elif request.endpoint == "portal.static":
        response.headers["Cache-Control"] = "public, max-age=300"
    else:
        response.headers["Cache-Control"] = "no-store"
    return response
