"""The routes under /projects."""

from http import HTTPStatus
from typing import Annotated, Any

from pydantic import Field, model_validator

from reconciler.errors import Invalid
from reconciler.reads import milestones as milestone_reads, projects as reads
from reconciler.reads.milestones import MilestoneRow
from reconciler.reads.pages import Page
from reconciler.reads.projects import ProjectRow
from reconciler.services import change_orders, milestones, projects
from reconciler.services.change_orders import NewChangeOrder
from reconciler.services.projects import NewProject
from reconciler.web.api.fields import (
    Amount,
    Body,
    Changes,
    Currency,
    Day,
    Line128,
    Line255,
    Line500,
    Paged,
    Rev,
)
from reconciler.web.api.routes import Look, Resource
from reconciler.web.api.stages import StageBody, Stages
from reconciler.work import Work

resource = Resource("projects")

_APPROVED_BEFORE = "Approved before the project was noted here"
_BY_CHANGE_ORDER = (
    "the approved price moves with the client's word for it: POST /projects/{id}/change-orders"
    " with approved_price and reason"
)
_Name = Annotated[Line255, Field(max_length=projects.NAME_CHARS_MAX)]


class ProjectBody(Body):
    """Work for a customer at a price, and the milestones it is billed by."""

    customer_id: Line128
    name: _Name
    currency: Currency
    original_price: Amount
    approved_price: Annotated[
        Amount | None,
        Field(description="Where another price is approved by now: kept as a change order."),
    ] = None
    milestones: Stages = Field(default_factory=list)


class ProjectChanges(Changes):
    """What is to be changed; what is left out stays. The approved price moves by change order."""

    customer_id: Line128 = ""
    name: _Name = ""
    currency: Currency = ""
    original_price: Amount = 0
    rev: Rev

    @model_validator(mode="before")
    @classmethod
    def _says_the_way(cls, said: Any) -> Any:  # noqa: ANN401  any JSON
        if isinstance(said, dict) and "approved_price" in said:
            raise Invalid(_BY_CHANGE_ORDER, field="approved_price")
        return said


class ProjectQuery(Paged):
    """Which projects."""

    customer_id: Line128 | None = None
    currency: Currency | None = None
    name: Annotated[Line255 | None, Field(description="A part of the name.")] = None


class ChangeOrderBody(Body):
    """The price that the client approved, and why it is another."""

    approved_price: Amount
    reason: Line500
    approved_by: Annotated[
        Line255 | None, Field(max_length=200, description="Who said so at the client's.")
    ] = None
    approved_on: Annotated[Day | None, Field(description="Today, if left out.")] = None
    document: Annotated[
        Line128 | None, Field(description="The attachment or reference that proves it.")
    ] = None
    milestones: Annotated[
        Stages, Field(description="For what the price rises by; together exactly that.")
    ] = Field(default_factory=list)
    rev: Rev


class MilestoneBody(StageBody):
    """One more milestone."""

    currency: Annotated[
        Currency | None, Field(description="The project's; whoever says it has to say that one.")
    ] = None


def _one(work: Work, project_id: str) -> ProjectRow:
    return reads.one(work.session, project_id, today=work.now.date())


@resource.post("/projects", status=HTTPStatus.CREATED)
def create(work: Work, body: ProjectBody) -> ProjectRow:
    """Begin a project, with its milestones if they are sent along."""
    given = body.model_dump(exclude={"milestones", "approved_price"})
    project_id = projects.create(work, NewProject(**given))
    if body.approved_price not in {None, body.original_price}:
        order = NewChangeOrder(approved_price=body.approved_price, reason=_APPROVED_BEFORE)
        change_orders.approve(work, project_id, order)
    if body.milestones:
        milestones.plan(work, project_id, [one.stage() for one in body.milestones])
    return _one(work, project_id)


@resource.get("/projects")
def listed(look: Look, query: ProjectQuery) -> Page[ProjectRow]:
    """List projects, the newest first."""
    return reads.page(look.session, query.filters, query.wanted, today=look.today)


@resource.get("/projects/{project_id}")
def one(look: Look, project_id: str) -> ProjectRow:
    """Read one project."""
    return reads.one(look.session, project_id, today=look.today)


@resource.patch("/projects/{project_id}")
def patch(work: Work, project_id: str, body: ProjectChanges) -> ProjectRow:
    """Change a project."""
    projects.patch(work, project_id, body.given(), rev=body.rev)
    return _one(work, project_id)


@resource.get("/projects/{project_id}/milestones")
def its_milestones(look: Look, project_id: str, query: Paged) -> Page[MilestoneRow]:
    """List the milestones of a project, the newest first."""
    reads.one(look.session, project_id, today=look.today)
    wanted = query.filters | {"project_id": project_id}
    return milestone_reads.page(look.session, wanted, query.wanted, today=look.today)


@resource.post("/projects/{project_id}/milestones", status=HTTPStatus.CREATED)
def add_milestone(work: Work, project_id: str, body: MilestoneBody) -> MilestoneRow:
    """Plan one more milestone of a project."""
    held_in = _one(work, project_id).currency
    if body.currency not in {None, held_in}:
        raise Invalid(f"the project is in {held_in}", field="currency")
    milestone_id = milestones.create(work, project_id, body.stage())
    return milestone_reads.one(work.session, milestone_id, today=work.now.date())


@resource.post("/projects/{project_id}/change-orders", status=HTTPStatus.CREATED)
def change_order(work: Work, project_id: str, body: ChangeOrderBody) -> ProjectRow:
    """Record that the client approved another price."""
    given = body.model_dump(exclude={"milestones", "rev"})
    order = NewChangeOrder(**given, stages=[one.stage() for one in body.milestones])
    change_orders.approve(work, project_id, order, rev=body.rev)
    return _one(work, project_id)
