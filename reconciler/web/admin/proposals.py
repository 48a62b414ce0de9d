"""Proposals: written, offered, taken back, and the client's answer recorded."""

from flask import Response, request

from reconciler.books.invoice_lines import Line
from reconciler.books.people import Role
from reconciler.errors import Conflict, NotFound, Refused
from reconciler.money import parse
from reconciler.reads import proposals as reads, screens_projects
from reconciler.reads.pages import Wanted
from reconciler.services import proposals
from reconciler.services.proposals import NewProposal
from reconciler.web import forms, stage_forms
from reconciler.web.admin import errors
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.paging import PER_PAGE, next_page
from reconciler.web.admin.projects import customer_of
from reconciler.web.admin.routes import Screens

screens = Screens()

_LINE_ROWS = 5
_FIELDS = ("customer", "name", "currency", "valid_until", "introduction")
_LINE_FIELDS = ("description", "quantity", "unit_price", "tax_rate")
_NOTICES = {
    "made": "The proposal is drafted. Read it as the client will, then offer it.",
    "sent": "It is offered: from here on it can be accepted.",
    "withdrawn": "It is offered no longer.",
}


@screens.get("/proposals")
def list_proposals(desk: Desk) -> Response:
    """Proposals, the newest first."""
    wanted = Wanted(PER_PAGE, request.args.get("before") or None)
    with desk.runtime.read() as session:
        found = reads.page(session, {}, wanted, today=desk.today)
    return desk.page("proposals.html", proposals=found.data, older=next_page(found.next_cursor))


@screens.get("/proposals/new", Role.RECONCILER)
def new_proposal(desk: Desk) -> Response:
    """A form for priced lines and a plan."""
    return _form(desk)


@screens.post("/proposals/new", Role.RECONCILER)
def draft_proposal(desk: Desk) -> Response:
    """Draft a proposal."""
    try:
        new = _typed(desk)
        proposal_id = desk.once(lambda work: proposals.create(work, new))
    except Refused as error:
        return _form(desk, error=error)
    return go("show_proposal", proposal_id=proposal_id, done="made")


@screens.get("/proposals/<proposal_id>")
def show_proposal(desk: Desk, proposal_id: str) -> Response:
    """One proposal, as it is read by the client."""
    return _show(desk, proposal_id)


@screens.post("/proposals/<proposal_id>/send", Role.RECONCILER)
def send_proposal(desk: Desk, proposal_id: str) -> Response:
    """Offer it."""
    try:
        rev = forms.whole(request.form, "rev")
        desk.do(lambda work: proposals.send(work, proposal_id, rev=rev))
    except NotFound:
        raise
    except Refused as error:
        return _show(desk, proposal_id, error=error)
    return go("show_proposal", proposal_id=proposal_id, done="sent")


@screens.post("/proposals/<proposal_id>/withdraw", Role.RECONCILER)
def withdraw_proposal(desk: Desk, proposal_id: str) -> Response:
    """Offer it no longer."""
    try:
        rev = forms.whole(request.form, "rev")
        reason = forms.text(request.form, "reason", chars_max=proposals.REASON_CHARS_MAX)
        desk.do(lambda work: proposals.withdraw(work, proposal_id, reason=reason, rev=rev))
    except NotFound:
        raise
    except Refused as error:
        return _show(desk, proposal_id, error=error)
    return go("show_proposal", proposal_id=proposal_id, done="withdrawn")


@screens.post("/proposals/<proposal_id>/accept", Role.RECONCILER)
def record_acceptance(desk: Desk, proposal_id: str) -> Response:
    """The client accepted by another way: record it, and begin the project."""
    try:
        name = forms.text(request.form, "name", chars_max=proposals.NAME_CHARS_MAX)
        seen = forms.text(request.form, "sha256", chars_max=64)
        made = desk.once(lambda work: proposals.accept(work, proposal_id, name=name, seen=seen))
    except NotFound:
        raise
    except Refused as error:
        return _show(desk, proposal_id, error=error)
    return go("show_project", project_id=made, done="made")


def _typed(desk: Desk) -> NewProposal:
    form = request.form
    currency = forms.text(form, "currency", chars_max=3).upper()
    until = form.get("valid_until", "").strip()
    lines = [
        Line(
            description=row["description"],
            quantity=row["quantity"] or "1",
            unit_price=parse(row["unit_price"], currency, field=f"unit_price-line-{place}").minor,
            tax_rate=row["tax_rate"] or "0",
        )
        for place, row in enumerate(_line_rows(), 1)
        if row["unit_price"]
    ]
    return NewProposal(
        customer_id=customer_of(desk, forms.text(form, "customer")),
        name=forms.text(form, "name", chars_max=proposals.NAME_CHARS_MAX),
        currency=currency,
        lines=lines,
        stages=stage_forms.stages(form, currency),
        introduction=form.get("introduction", "").strip() or None,
        valid_until=forms.day(form, "valid_until") if until else None,
    )


def _line_rows() -> list[dict[str, str]]:
    return [
        {name: request.form.get(f"{name}-line-{place}", "").strip() for name in _LINE_FIELDS}
        for place in range(1, _LINE_ROWS + 1)
    ]


def _form(desk: Desk, *, error: Refused | None = None) -> Response:
    with desk.runtime.read() as session:
        customers = screens_projects.customers(session)
    typed = {name: request.form.get(name, "") for name in _FIELDS}
    rows = stage_forms.typed(request.form)
    if request.method == "GET":
        typed |= {"currency": "USD"}
        rows = [*stage_forms.USUAL, *stage_forms.blank(4, stage_forms.ROWS)]
    return desk.page(
        "proposal_new.html",
        status=_status(error),
        customers=customers,
        typed=typed,
        lines=_line_rows(),
        rows=rows,
        kinds=stage_forms.KINDS,
        error=errors.sentence(error) if error else "",
        field=(error.field or "") if error else "",
    )


def _show(desk: Desk, proposal_id: str, *, error: Refused | None = None) -> Response:
    with desk.runtime.read() as session:
        proposal = reads.one(session, proposal_id, today=desk.today)
    return desk.page(
        "proposal.html",
        status=_status(error),
        proposal=proposal,
        error=errors.sentence(error) if error else "",
        notice=_NOTICES.get(request.args.get("done", ""), "") if not error else "",
    )


def _status(error: Refused | None) -> int:
    if error is None:
        return 200
    return 409 if isinstance(error, Conflict) else 422
