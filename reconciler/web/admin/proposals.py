"""Proposals: written, offered, taken back, and the client's answer recorded."""

from collections.abc import Mapping

from flask import Response, request

from reconciler.books.invoice_lines import LINES_MAX, Line
from reconciler.books.people import Role
from reconciler.books.plans import STAGES_MAX
from reconciler.errors import Refused
from reconciler.money import parse
from reconciler.reads import customers, proposals as reads, screens_people, screens_projects
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.reads.proposals import ProposalRow
from reconciler.services import mailings, proposals
from reconciler.services.proposals import NewProposal
from reconciler.web import forms, stage_forms
from reconciler.web.admin import errors, paging, words
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.projects import customer_of
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()

_LINE_ROWS = 5
_ANSWERS = ("accepted", "declined")
_FIELDS = ("customer", "name", "currency", "valid_until", "introduction", "conditions")
_LINE_FIELDS = ("description", "quantity", "unit_price", "tax_rate")
_NOTICES = {
    "made": "The proposal is drafted. Read it as the client will, then offer it.",
    "changed": "Written anew. Read it as the client will, then offer it.",
    "sent": "It is offered: from here on it can be accepted.",
    "mailed": "It is offered, and a mail with a link to it leaves within moments.",
    "withdrawn": "It is offered no longer.",
}


_LISTED = Listed(
    "proposals",
    (
        "id", "customer_id", "customer", "name", "currency", "price", "status", "version",
        "valid_until", "sent_at", "decided_by", "decided_at", "reason", "sha256", "project_id",
        "created_at",
    ),
    ("price",),
)  # fmt: skip


def _rows(desk: Desk, session: Session, wanted: Wanted) -> Page[ProposalRow]:
    state = request.args.get("state")
    filters: dict[str, object] = {"state": state} if state in _ANSWERS else {}
    return reads.page(session, filters, wanted, today=desk.today)


@screens.get("/proposals")
@offers_csv(_LISTED, _rows)
def list_proposals(desk: Desk) -> Response:
    """Proposals, the newest first."""
    with desk.runtime.read() as session:
        page = _rows(desk, session, paging.wanted())
    return desk.page(
        "proposals.html",
        proposals=page.data,
        chosen=request.args.get("state"),
        answers=_ANSWERS,
        older=paging.next_page(page.next_cursor),
    )


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


@screens.get("/proposals/<proposal_id>/change", Role.RECONCILER)
def change_proposal(desk: Desk, proposal_id: str) -> Response:
    """A draft, to be written anew."""
    return _form(desk, proposal=_of(desk, proposal_id))


@screens.post("/proposals/<proposal_id>/change", Role.RECONCILER)
def rewrite_proposal(desk: Desk, proposal_id: str) -> Response:
    """Say all of a draft anew."""
    known = _of(desk, proposal_id)

    def deed() -> Response:
        rev = forms.whole(request.form, "rev")
        new = _typed(desk)
        desk.do(lambda work: proposals.rewrite(work, proposal_id, new, rev=rev))
        return go("show_proposal", proposal_id=proposal_id, done="changed")

    return errors.or_again(deed, lambda error: _form(desk, error=error, proposal=known))


@screens.post("/proposals/<proposal_id>/revise", Role.RECONCILER)
def revise_proposal(desk: Desk, proposal_id: str) -> Response:
    """Begin its next version; what was sent is kept."""

    def deed() -> Response:
        rev = forms.whole(request.form, "rev")
        desk.do(lambda work: proposals.revise(work, proposal_id, rev=rev))
        return go("change_proposal", proposal_id=proposal_id)

    return errors.or_again(deed, lambda error: _show(desk, proposal_id, error=error))


@screens.post("/proposals/<proposal_id>/send", Role.RECONCILER)
def send_proposal(desk: Desk, proposal_id: str) -> Response:
    """Offer it."""

    def deed() -> Response:
        rev = forms.whole(request.form, "rev")
        is_mailed = "mail" in request.form

        def send(work: Work) -> None:
            proposals.send(work, proposal_id, rev=rev)
            if is_mailed:
                mailings.of_proposal(work, proposal_id)

        desk.do(send)
        return go("show_proposal", proposal_id=proposal_id, done="mailed" if is_mailed else "sent")

    return errors.or_again(deed, lambda error: _show(desk, proposal_id, error=error))


@screens.post("/proposals/<proposal_id>/mail", Role.RECONCILER)
def mail_proposal(desk: Desk, proposal_id: str) -> Response:
    """Mail the client a link on which they read and answer it."""

    def deed() -> Response:
        desk.once(lambda work: mailings.of_proposal(work, proposal_id))
        return go("show_proposal", proposal_id=proposal_id, done="mailed")

    return errors.or_again(deed, lambda error: _show(desk, proposal_id, error=error))


@screens.post("/proposals/<proposal_id>/withdraw", Role.RECONCILER)
def withdraw_proposal(desk: Desk, proposal_id: str) -> Response:
    """Offer it no longer."""

    def deed() -> Response:
        rev = forms.whole(request.form, "rev")
        reason = forms.text(request.form, "reason", chars_max=proposals.REASON_CHARS_MAX)
        desk.do(lambda work: proposals.withdraw(work, proposal_id, reason=reason, rev=rev))
        return go("show_proposal", proposal_id=proposal_id, done="withdrawn")

    return errors.or_again(deed, lambda error: _show(desk, proposal_id, error=error))


@screens.post("/proposals/<proposal_id>/accept", Role.RECONCILER)
def record_acceptance(desk: Desk, proposal_id: str) -> Response:
    """The client accepted by another way: record it, and begin the project."""

    def deed() -> Response:
        name = forms.text(request.form, "name", chars_max=proposals.NAME_CHARS_MAX)
        seen = forms.text(request.form, "sha256", chars_max=64)
        made = desk.once(lambda work: proposals.accept(work, proposal_id, name=name, seen=seen))
        return go("show_project", project_id=made, done="made")

    return errors.or_again(deed, lambda error: _show(desk, proposal_id, error=error))


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
        for place, row in enumerate(_line_rows(form), 1)
        if row["unit_price"]
    ]
    return NewProposal(
        customer_id=customer_of(desk, forms.text(form, "customer")),
        name=forms.text(form, "name", chars_max=proposals.NAME_CHARS_MAX),
        currency=currency,
        lines=lines,
        stages=stage_forms.stages(form, currency, rows=_stage_rows(form)),
        introduction=form.get("introduction", "").strip() or None,
        conditions=form.get("conditions", "").strip() or None,
        valid_until=forms.day(form, "valid_until") if until else None,
    )


def _line_rows(form: Mapping[str, str]) -> list[dict[str, str]]:
    """As many as the form has, and never fewer than a new one begins with."""
    rows = _LINE_ROWS
    while rows < LINES_MAX and f"unit_price-line-{rows + 1}" in form:
        rows += 1
    return [
        {name: form.get(f"{name}-line-{place}", "").strip() for name in _LINE_FIELDS}
        for place in range(1, rows + 1)
    ]


def _stage_rows(form: Mapping[str, str]) -> int:
    rows = stage_forms.ROWS
    while rows < STAGES_MAX and f"share-{rows + 1}" in form:
        rows += 1
    return rows


def _form(
    desk: Desk, *, error: Refused | None = None, proposal: ProposalRow | None = None
) -> Response:
    with desk.runtime.read() as session:
        known = screens_projects.customers(session)
        namesakes = screens_projects.called(session, proposal.customer) if proposal else []
    form: Mapping[str, str] = request.form
    if request.method == "GET" and proposal is not None:
        whose = proposal.customer if len(namesakes) == 1 else proposal.customer_id
        form = _as_typed(proposal) | {"customer": whose}
    typed = {name: form.get(name, "") for name in _FIELDS}
    rows = stage_forms.typed(form, rows=_stage_rows(form))
    if request.method == "GET" and proposal is None:
        typed |= {"currency": "USD", "customer": request.args.get("customer", "")}
        rows = [*stage_forms.USUAL, *stage_forms.blank(4, stage_forms.ROWS)]
    return desk.page(
        "proposal_new.html",
        status=errors.status_of(error),
        proposal=proposal,
        customers=known,
        typed=typed,
        lines=_line_rows(form),
        rows=rows,
        kinds=stage_forms.KINDS,
        error=errors.sentence(error) if error else "",
        field=(error.field or "") if error else "",
    )


def _as_typed(proposal: ProposalRow) -> dict[str, str]:
    """What is kept of a draft, as somebody would have typed it, with a row to spare."""
    p, currency = proposal, proposal.currency
    form = {
        "name": p.name, "currency": currency,
        "valid_until": p.valid_until.isoformat() if p.valid_until else "",
        "introduction": p.introduction or "", "conditions": p.conditions or "",
    }  # fmt: skip
    for at, line in enumerate(p.lines, 1):
        form |= {
            f"description-line-{at}": line.description, f"quantity-line-{at}": line.quantity,
            f"unit_price-line-{at}": words.typed(line.unit_price, currency),
            f"tax_rate-line-{at}": line.tax_rate,
        }  # fmt: skip
    for at, stage in enumerate(p.milestones, 1):
        form |= {
            f"kind-{at}": stage.kind, f"name-{at}": stage.name,
            f"description-{at}": stage.description or "", f"due_on-{at}": stage.due_on or "",
            f"share-{at}": words.typed(stage.amount, currency),
        }  # fmt: skip
    spare = {f"unit_price-line-{len(p.lines) + 1}": "", f"share-{len(p.milestones) + 1}": ""}
    kinds = {f"kind-{at}": "named" for at in range(len(p.milestones) + 1, stage_forms.ROWS + 2)}
    return form | spare | kinds


def _of(desk: Desk, proposal_id: str) -> ProposalRow:
    with desk.runtime.read() as session:
        return reads.one(session, proposal_id, today=desk.today)


def _show(desk: Desk, proposal_id: str, *, error: Refused | None = None) -> Response:
    with desk.runtime.read() as session:
        proposal = reads.one(session, proposal_id, today=desk.today)
        email = customers.one(session, proposal.customer_id, today=desk.today).email
        sent = reads.versions(session, proposal_id)
        through = proposal.decided_through
        names = screens_people.names_of_causes(session, {through.id} if through else set())
    return desk.page(
        "proposal.html",
        status=errors.status_of(error),
        proposal=proposal,
        email=email,
        earlier=[one for one in sent if one.version < proposal.version or not proposal.sent_at],
        names=names,
        error=errors.sentence(error) if error else "",
        notice=_NOTICES.get(request.args.get("done", ""), "") if not error else "",
    )
