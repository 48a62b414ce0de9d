"""Projects: what was agreed, its milestones in their order, and what each still waits for."""

from datetime import date

from flask import Response, request

from reconciler.books import sign_offs as sign_off_rules
from reconciler.books.invoices import InvoiceStatus
from reconciler.books.people import Role
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.reads import (
    invoices as invoices_read,
    milestones as milestones_read,
    screens_people,
    screens_projects,
)
from reconciler.reads.milestones import Drafted, MilestoneRow
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.reads.projects import ProjectRow
from reconciler.reads.screens_projects import ProjectLine, Which
from reconciler.services import billing, change_orders, milestones, projects
from reconciler.services.change_orders import NewChangeOrder
from reconciler.services.projects import NewProject
from reconciler.web import forms, stage_forms
from reconciler.web.admin import errors, invoice_editor, paging
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()

_NOTICES = {
    "made": "The project has begun. Its milestones are below.",
    "planned": "The milestone is planned.",
    "kept": "The milestone is changed.",
    "dropped": "The milestone was given up.",
    "asked": "The deposit is asked for. Whatever is paid is held for the client until it is used.",
    "sent": "The invoice is sent: from here on it is owed. Nothing was mailed: its own page does"
    " that.",
    "changed": "The approved price has moved.",
}
_FIELDS = ("customer", "name", "currency", "price")
_CHANGE_ROWS = 3


_FIGURES = ("approved_price", "planned", "invoiced", "credited", "paid", "outstanding", "overdue",
            "held", "on_its_way")  # fmt: skip
_LISTED = Listed(
    "projects",
    ("id", "customer_id", "customer", "name", "currency", "original_price", *_FIGURES,
     "created_at"),
    ("original_price", *_FIGURES),
    inside="project",
)  # fmt: skip


def _rows(desk: Desk, session: Session, wanted: Wanted) -> Page[ProjectLine]:
    return _page(desk, session, wanted, _waiting(session))


def _waiting(session: Session) -> list[Drafted] | None:
    """The milestones that wait for a sign-off, where those are what is looked for."""
    return milestones_read.unsigned(session) if _view() == "unsigned" else None


def _waits(session: Session) -> int:
    return sum(one.number for one in milestones_read.drafts(session).unsigned)


def _view() -> str:
    return request.args.get("view", "")


def _page(
    desk: Desk, session: Session, wanted: Wanted, waiting: list[Drafted] | None
) -> Page[ProjectLine]:
    which = Which(
        only_open=_view() not in {"all", "unsigned"},
        customer_id=request.args.get("customer") or None,
        ids=None if waiting is None else {one.project_id for one in waiting},
    )
    lines = screens_projects.lines(
        session,
        which,
        before=paging.after(wanted.cursor),
        limit=wanted.limit,
        today=desk.today,
    )
    return paging.page_of(lines, wanted, lambda one: (one.created_at, one.id))


@screens.get("/projects")
@offers_csv(_LISTED, _rows)
def list_projects(desk: Desk) -> Response:
    """Projects, the newest first."""
    with desk.runtime.read() as session:
        waiting = _waiting(session)
        page = _page(desk, session, paging.wanted(), waiting)
        waits = _waits(session) if waiting is None else len(waiting)
    of_project: dict[str, list[Drafted]] = {line.id: [] for line in page.data}
    for one in waiting or []:
        of_project.get(one.project_id, []).append(one)
    sums: dict[str, list[int]] = {}
    for line in page.data:
        its = line.project
        figures = (its.approved_price, its.invoiced, its.paid, its.held, its.outstanding)
        known = sums.setdefault(its.currency, [0] * len(figures))
        sums[its.currency] = [sum(pair) for pair in zip(known, figures, strict=True)]
    return desk.page(
        "projects.html",
        lines=page.data,
        unsigned={line.id: _unsigned(line.project, desk.today) for line in page.data},
        sums=dict(sorted(sums.items())),
        waiting=of_project,
        waits=waits,
        view=_view(),
        customer_id=request.args.get("customer") or None,
        older=paging.next_page(page.next_cursor),
    )


def _unsigned(project: ProjectRow, today: date) -> int:
    """How many milestones are billed or due, and nothing in force says that they are done."""
    return sum(
        one.kind not in sign_off_rules.NEEDS_NONE
        and (one.invoice_id is not None or (one.due_on is not None and one.due_on <= today))
        and not any(said.is_current for said in one.sign_offs)
        for one in project.milestones
    )


@screens.get("/projects/new", Role.RECONCILER)
def new_project(desk: Desk) -> Response:
    """A form for a project and its plan."""
    return _form(desk)


@screens.post("/projects/new", Role.RECONCILER)
def begin_project(desk: Desk) -> Response:
    """Begin a project with its milestones."""
    try:
        project_id = _begin(desk)
    except Refused as error:
        return _form(desk, status=422, error=error)
    return go("show_project", project_id=project_id, done="made")


@screens.get("/projects/<project_id>")
def show_project(desk: Desk, project_id: str) -> Response:
    """One project."""
    return _show(desk, project_id)


@screens.post("/projects/<project_id>/milestones", Role.RECONCILER)
def plan_milestone(desk: Desk, project_id: str) -> Response:
    """Plan one more milestone."""
    try:
        currency = _of(desk, project_id).currency
        [row] = stage_forms.typed(request.form, rows=1)
        stage = stage_forms.stage(row, currency)
        desk.once(lambda work: milestones.create(work, project_id, stage))
    except NotFound:
        raise
    except Refused as error:
        return _show(desk, project_id, status=422, error=error, sheet="milestone")
    return go("show_project", project_id=project_id, done="planned")


@screens.post("/projects/<project_id>/change-orders", Role.RECONCILER)
def change_price(desk: Desk, project_id: str) -> Response:
    """The client approved another price."""
    try:
        currency = _of(desk, project_id).currency
        day = request.form.get("approved_on", "").strip()
        order = NewChangeOrder(
            approved_price=forms.amount(request.form, "approved_price", currency).minor,
            reason=forms.text(request.form, "reason", chars_max=change_orders.REASON_CHARS_MAX),
            approved_by=request.form.get("approved_by", "").strip() or None,
            approved_on=forms.day(request.form, "approved_on") if day else None,
            stages=stage_forms.stages(request.form, currency, rows=_CHANGE_ROWS),
        )
        desk.once(lambda work: change_orders.approve(work, project_id, order, rev=_rev()))
    except NotFound:
        raise
    except Refused as error:
        return _show(desk, project_id, status=_status(error), error=error, sheet="change")
    return go("show_project", project_id=project_id, done="changed")


@screens.post("/milestones/<milestone_id>/invoice", Role.RECONCILER)
def bill_milestone(desk: Desk, milestone_id: str) -> Response:
    """Draft the milestone's invoice."""
    project_id = _project_of(desk, milestone_id)
    try:
        invoice_id = desk.once(lambda work: billing.invoice(work, milestone_id, rev=_rev()))
    except Refused as error:
        return _show(desk, project_id, status=_status(error), error=error)
    return go("show_invoice", name=invoice_id)


@screens.post("/milestones/<milestone_id>/send", Role.RECONCILER)
def send_milestone_invoice(desk: Desk, milestone_id: str) -> Response:
    """Send the milestone's invoice; without a sign-off only with a reason."""
    project_id = _project_of(desk, milestone_id)
    try:
        invoice_id = forms.text(request.form, "invoice_id")
        why = request.form.get("without_sign_off", "").strip() or None
        with desk.runtime.read() as session:
            draft = invoices_read.one(session, invoice_id, today=desk.today)
        due_on = invoice_editor.due_day(draft)
        desk.do(lambda work: invoice_editor.send(work, invoice_id, due_on, without_sign_off=why))
    except Refused as error:
        return _show(desk, project_id, status=_status(error), error=error)
    return go("show_project", project_id=project_id, done="sent")


@screens.post("/milestones/<milestone_id>/deposit", Role.RECONCILER)
def ask_for_deposit(desk: Desk, milestone_id: str) -> Response:
    """Ask for the milestone's money ahead of the work."""
    project_id = _project_of(desk, milestone_id)
    try:
        desk.once(lambda work: billing.deposit(work, milestone_id, rev=_rev()))
    except Refused as error:
        return _show(desk, project_id, status=_status(error), error=error)
    return go("show_project", project_id=project_id, done="asked")


@screens.post("/milestones/<milestone_id>/drop", Role.RECONCILER)
def drop_milestone(desk: Desk, milestone_id: str) -> Response:
    """Give a milestone up that nothing asks for."""
    project_id = _project_of(desk, milestone_id)
    try:
        desk.do(lambda work: milestones.drop(work, milestone_id, rev=_rev()))
    except Refused as error:
        return _show(desk, project_id, status=_status(error), error=error)
    return go("show_project", project_id=project_id, done="dropped")


def _begin(desk: Desk) -> str:
    currency = forms.text(request.form, "currency", chars_max=3).upper()
    new = NewProject(
        customer_id=customer_of(desk, forms.text(request.form, "customer")),
        name=forms.text(request.form, "name", chars_max=projects.NAME_CHARS_MAX),
        currency=currency,
        original_price=forms.amount(request.form, "price", currency).minor,
    )
    stages = stage_forms.stages(request.form, currency)

    def begin(work: Work) -> str:
        project_id = projects.create(work, new)
        if stages:
            milestones.plan(work, project_id, stages)
        return project_id

    return desk.once(begin)


def customer_of(desk: Desk, name: str) -> str:
    """Whom somebody typed, by name or id. Raises Invalid unless there is one such customer."""
    with desk.runtime.read() as session:
        found = screens_projects.called(session, name)
    if not found:
        raise Invalid(f"There is no customer called {name}", field="customer")
    if len(found) > 1:
        raise Invalid(f"Several customers are called {name}: write the id", field="customer")
    return found[0]


def _of(desk: Desk, project_id: str) -> ProjectRow:
    with desk.runtime.read() as session:
        line = screens_projects.one(session, project_id, today=desk.today)
    if line is None:
        raise NotFound(f"There is no project {project_id[:80]}")
    return line.project


def _project_of(desk: Desk, milestone_id: str) -> str:
    with desk.runtime.read() as session:
        return screens_projects.project_of(session, milestone_id)


def _rev() -> int | None:
    return forms.whole(request.form, "rev") if request.form.get("rev") else None


def _status(error: Refused) -> int:
    return 409 if isinstance(error, Conflict) else 422


def _form(desk: Desk, *, status: int = 200, error: Refused | None = None) -> Response:
    with desk.runtime.read() as session:
        customers = screens_projects.customers(session)
    typed = {name: request.form.get(name, "") for name in _FIELDS}
    if request.method == "GET":
        typed |= {"currency": "USD", "customer": request.args.get("customer", "")}
        rows = [*stage_forms.USUAL, *stage_forms.blank(4, stage_forms.ROWS)]
    else:
        rows = stage_forms.typed(request.form)
    return desk.page(
        "project_new.html",
        status=status,
        customers=customers,
        typed=typed,
        rows=rows,
        kinds=stage_forms.KINDS,
        error=errors.sentence(error) if error else "",
        field=(error.field or "") if error else "",
    )


def _show(
    desk: Desk,
    project_id: str,
    *,
    status: int = 200,
    error: Refused | None = None,
    sheet: str = "",
) -> Response:
    with desk.runtime.read() as session:
        line = screens_projects.one(session, project_id, today=desk.today)
        if line is None:
            raise NotFound(f"There is no project {project_id[:80]}")
        causes = {one.cause.id for one in line.project.change_orders}
        names = screens_people.names(session, causes)
        bills = [one.invoice_id for one in line.project.milestones if one.invoice_id]
        held = invoices_read.why_on_hold(session, bills)
        undated = _undated(session, line.project, desk.today)
    form = request.form if sheet else {}
    fields = ("approved_price", "approved_by", "approved_on", "reason")
    return desk.page(
        "project.html",
        on_hold=held,
        undated=undated,
        status=status,
        line=line,
        project=line.project,
        next_one=_next(line.project.milestones),
        names=names,
        kinds=stage_forms.KINDS,
        typed={name: form.get(name, "") for name in fields},
        row=stage_forms.typed(form, rows=1)[0]
        if sheet == "milestone"
        else stage_forms.blank(1, 1)[0],
        rows=stage_forms.typed(form, rows=_CHANGE_ROWS)
        if sheet == "change"
        else stage_forms.blank(1, _CHANGE_ROWS),
        sheet=sheet,
        error=errors.sentence(error) if error else "",
        field=(error.field or "") if error else "",
        notice=_NOTICES.get(request.args.get("done", ""), "") if not error else "",
    )


def _undated(session: Session, project: ProjectRow, today: date) -> set[str]:
    """Drafts of its milestones that do not say until when they are to be paid."""
    drafts = [
        one.invoice_id
        for one in project.milestones
        if one.invoice_id and one.status is InvoiceStatus.DRAFT
    ]
    found = invoices_read.load(session, drafts, today=today)
    return {row.id for row in found.values() if row.due_on is None}


def _next(its: list[MilestoneRow]) -> str:
    """The first milestone that nobody was asked to pay for."""
    waiting = (one.id for one in its if one.status is InvoiceStatus.DRAFT and not one.invoice_id)
    return next(waiting, "")
