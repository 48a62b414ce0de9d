"""The client's page as one blueprint: a token opens it, and every wrong one is answered alike."""

from collections.abc import Callable

import structlog
from flask import Blueprint, Response, current_app, make_response, redirect, request, url_for
from werkzeug.exceptions import HTTPException

from reconciler.errors import Conflict, Invalid, NotFound, Refused, Unavailable
from reconciler.flows import pay_links
from reconciler.ids import new_id
from reconciler.reads import client_page, pay_links as pay_link_reads
from reconciler.reads.deposits import DepositRow
from reconciler.reads.invoices import InvoiceRow
from reconciler.reads.milestones import MilestoneRow
from reconciler.runtime import Runtime
from reconciler.services import portal_links, sign_offs
from reconciler.services.pay_links import PayAsk
from reconciler.services.sign_offs import SIGNER_CHARS_MAX
from reconciler.web import forms, periods
from reconciler.web.admin import errors
from reconciler.web.paper.papers import STYLE
from reconciler.web.portal import guesses, pages, papers, proposals
from reconciler.web.portal.visit import Visit, page
from reconciler.work import Cause

_log = structlog.get_logger()
View = Callable[..., Response]

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


def portal_blueprint(runtime: Runtime) -> Blueprint:
    """Everything under /portal/."""
    blueprint = Blueprint("portal", __name__, url_prefix="/portal", static_folder="static")
    looks: tuple[tuple[str, View], ...] = (
        ("/<token>", show),
        ("/<token>/invoices/<invoice_id>", show_invoice),
        ("/<token>/receipts/<payment_id>", show_receipt),
        ("/<token>/statement", show_statement),
        ("/<token>/invoices/<invoice_id>/print", papers.print_invoice),
        ("/<token>/credit-notes/<note_id>/print", papers.print_credit_note),
        ("/<token>/receipts/<payment_id>/print", papers.print_receipt),
        ("/<token>/statement/print", papers.print_statement),
        ("/<token>/pay/<pay_link_id>", go_and_pay),
        ("/<token>/proposals/<proposal_id>", proposals.show_proposal),
    )
    for rule, view in looks:
        blueprint.add_url_rule(rule, view.__name__, _opened(runtime, view), methods=["GET"])
    deeds: tuple[tuple[str, View], ...] = (
        ("/<token>/pay", pay),
        ("/<token>/milestones/<milestone_id>/sign-off", sign_off),
        ("/<token>/proposals/<proposal_id>/accept", proposals.accept_proposal),
        ("/<token>/proposals/<proposal_id>/decline", proposals.decline_proposal),
    )
    for rule, view in deeds:
        blueprint.add_url_rule(rule, view.__name__, _opened(runtime, view), methods=["POST"])
    for rule, name in (("/paid", "paid"), ("/not-paid", "not_paid")):
        blueprint.add_url_rule(rule, name, _after(runtime, f"{name}.html"), methods=["GET"])
    blueprint.add_url_rule("/paper.css", "paper_style", _paper_style, methods=["GET"])
    blueprint.register_error_handler(forms.Stale, lambda _: _failed(runtime, 400))
    blueprint.register_error_handler(Refused, lambda _: _missing(runtime))
    blueprint.register_error_handler(HTTPException, lambda error: _misused(runtime, error))
    blueprint.register_error_handler(Unavailable, lambda _: _failed(runtime, 503))
    blueprint.register_error_handler(Exception, lambda error: _broken(runtime, error))
    blueprint.after_request(_dressed)
    return blueprint


def show(visit: Visit) -> Response:
    """All that the link shows, as it stands now; an open proposal by itself."""
    if proposals.is_all_of(visit):
        return proposals.show_proposal(visit, visit.link.subject_id)
    return _show(visit)


def _show(visit: Visit, *, status: int = 200, error: str = "") -> Response:
    with visit.runtime.read() as session:
        found = client_page.page(session, visit.seen, today=visit.today)
        asked_for = [one.id for one in found.invoices] + [one.id for one in found.deposits]
        offers = pay_link_reads.offers(session, asked_for)
    return visit.page(
        "page.html",
        status=status,
        page=found,
        offers=offers,
        error=error,
        has_begun="begun" in request.args,
        owes_deposit=any(one.amount > one.received + one.on_its_way for one in found.deposits),
    )


def show_invoice(visit: Visit, invoice_id: str) -> Response:
    """One invoice, with its lines and what was paid on it."""
    with visit.runtime.read() as session:
        invoice = client_page.invoice(session, visit.seen, invoice_id, today=visit.today)
        customer = client_page.customer_name(session, visit.seen)
        offer = pay_link_reads.offers(session, [invoice_id])[invoice_id]
    return visit.page("invoice.html", invoice=invoice, customer=customer, offer=offer)


def show_receipt(visit: Visit, payment_id: str) -> Response:
    """A receipt for one payment. Raises NotFound."""
    with visit.runtime.read() as session:
        found = client_page.receipts(session, visit.seen, payment_id=payment_id)
        customer = client_page.customer_name(session, visit.seen)
    if not found:
        raise NotFound("there is no such payment")
    return visit.page("receipt.html", receipt=found[0], customer=customer)


def show_statement(visit: Visit) -> Response:
    """Their statement for a period, or their project's; this year so far, unless they say so."""
    since, until, error = periods.asked(request.args, visit.today)
    with visit.runtime.read() as session:
        found, error = periods.told(
            lambda: client_page.statements(
                session, visit.seen, since, until, after=request.args.get("after")
            ),
            error,
        )
        customer = client_page.customer_name(session, visit.seen)
        in_dispute = client_page.in_dispute(session, visit.seen, today=visit.today)
    return visit.page(
        "statement.html",
        status=422 if error else 200,
        part=found,
        after=request.args.get("after"),
        statements=found.statements,
        in_dispute=in_dispute,
        customer=customer,
        since=since,
        until=until,
        error=error,
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
    if isinstance(document, InvoiceRow) and document.on_hold:
        return _show(visit, status=409, error=pages.IN_DISPUTE)
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
        found = client_page.page(session, visit.seen, today=visit.today)
    plan = {m.id: m for project in found.projects for m in project.milestones}
    if milestone_id not in plan:
        raise NotFound("there is no such milestone")
    try:
        _must_be_on(plan[milestone_id])
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


def _must_be_on(milestone: MilestoneRow) -> None:
    if milestone.is_called_off:
        raise Refused("Nothing is left to sign off: none of it is paid or owed any more")


def go_and_pay(visit: Visit, pay_link_id: str) -> Response:
    """Where to pay, as a link: a browser would not follow a form to another site from here."""
    with visit.runtime.read() as session:
        found = client_page.pay_link(session, visit.seen, pay_link_id, now=visit.now)
    if found.on_hold:
        return _show(visit, status=409, error=pages.IN_DISPUTE)
    return visit.page("pay.html", link=found)


_OF_A_PROPOSAL = frozenset(
    {show, proposals.show_proposal, proposals.accept_proposal, proposals.decline_proposal}
)


def _opened(runtime: Runtime, view: View) -> View:
    def answer(token: str, **values: str) -> Response:
        request.max_content_length = FORM_BYTES_MAX
        if any("\0" in value for value in values.values()):
            return _missing(runtime)
        link = runtime.do(
            Cause("portal", "visit"),
            lambda work: portal_links.link_of(work, token, is_visit=request.method == "GET"),
        )
        if link is None:
            return _wrong(runtime)
        if link.is_over:
            return page(runtime, "ended.html", status=404)
        visit = Visit(runtime, token, link, runtime.now())
        if proposals.is_all_of(visit) and view not in _OF_A_PROPOSAL:
            return _missing(runtime)
        try:
            return view(visit, **values)
        except NotFound:
            # A good link, and something that it does not show: a slip, or somebody who tries ids.
            asked = [*values.values(), *request.form.getlist("target")]
            _log.warning("portal.not_theirs", link=link.id, at=request.endpoint, asked=asked)
            raise

    return answer


def _paper_style() -> Response:
    return Response(STYLE.read_text(), mimetype="text/css")


def _after(runtime: Runtime, template: str) -> View:
    def answer() -> Response:
        return page(runtime, template, status=200)

    return answer


def _missing(runtime: Runtime) -> Response:
    """The same for a token that never was, one that was changed, and what it does not show."""
    return page(runtime, "missing.html", status=404)


def _wrong(runtime: Runtime) -> Response:
    if not guesses.is_one_too_many(runtime, request.remote_addr):
        return _missing(runtime)
    answer = page(runtime, "guessed.html", status=429)
    answer.headers["Retry-After"] = str(guesses.WINDOW_SECONDS)
    return answer


def _failed(runtime: Runtime, status: int) -> Response:
    return page(runtime, "failed.html", status=status)


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
