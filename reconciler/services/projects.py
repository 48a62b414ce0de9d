"""Projects: work for a customer at a price. What changes a project's plan holds its row."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import col, select

from reconciler import currencies
from reconciler.books import texts
from reconciler.books.invoices import InvoiceState
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.ids import new_id
from reconciler.money import MINOR_MAX, shown
from reconciler.services import audit, customers
from reconciler.store.invoices import Invoice
from reconciler.store.projects import Milestone, Project
from reconciler.work import Work

NAME_CHARS_MAX = 200
_CHANGED = sa.text("select 1 from change_order where project_id = :id limit 1")
_DOCUMENTS = sa.text(
    """select 1 from invoice where project_id = :id and state <> 'void'
    union all select 1 from deposit where project_id = :id limit 1"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProject:
    """What a project is made of. `original_price` in minor units of `currency`."""

    customer_id: str
    name: str
    currency: str
    original_price: int


def create(work: Work, new: NewProject) -> str:
    """A project without milestones, at the price that was agreed. Raises Invalid."""
    customers.must_exist(work, new.customer_id)
    price = _price(new.original_price)
    project = Project(
        id=new_id("prj"),
        customer_id=new.customer_id,
        name=_name(new.name),
        currency=currencies.code(new.currency),
        original_price=price,
        approved_price=price,
        created_at=work.now,
    )
    work.session.add(project)
    work.session.flush()
    audit.note(work, "project.created", project.id, after=_as_said(project))
    return project.id


def patch(
    work: Work, project_id: str, changes: Mapping[str, object], *, rev: int | None = None
) -> None:
    """Change its name; and whose it is or what was agreed, while nothing rests on that.

    Raises NotFound, Invalid, Refused once there are documents or change orders, or Conflict if
    `rev` is not the latest.
    """
    project = lock(work, project_id, rev=rev)
    before = _as_said(project)
    for name, value in changes.items():
        if name not in _CHECKS:
            raise Invalid(f"{name} cannot be changed", field=name)
        setattr(project, name, _CHECKS[name](value))
    fixed = sorted(changes.keys() - {"name"})
    if fixed:
        _nothing_rests_on(work, project, fixed[0])
    if "customer_id" in changes:
        customers.must_exist(work, project.customer_id)
    if "original_price" in changes:
        project.approved_price = project.original_price
        must_hold(project, planned(work, project.id), field="original_price")
    if "currency" in changes:
        its = sa.update(Milestone).where(col(Milestone.project_id) == project.id)
        work.session.execute(its.values(currency=project.currency))
    was, became = audit.changes(before, _as_said(project))
    audit.note(work, "project.changed", project_id, before=was, after=became)
    project.rev += 1
    work.session.flush()


def lock(work: Work, project_id: str, *, rev: int | None = None) -> Project:
    """The project, and with it its plan, held for this transaction. Raises NotFound, Conflict."""
    project = work.session.get(
        Project, project_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if project is None:
        raise NotFound(f"there is no project {project_id}")
    if rev is not None and rev != project.rev:
        raise Conflict(f"the project {project.name} was changed meanwhile", field="rev")
    return project


def planned(work: Work, project_id: str) -> int:
    """What the milestones of a project come to, in minor units."""
    found = select(sa.func.coalesce(sa.func.sum(Milestone.amount), 0)).where(
        col(Milestone.project_id) == project_id, col(Milestone.dropped_at).is_(None)
    )
    return int(work.session.exec(found).one())


def must_hold(project: Project, milestones: int, *, field: str) -> None:
    """Raises Refused, naming `field`, if milestones come to more than was approved."""
    if milestones > project.approved_price:
        price = shown(project.approved_price, project.currency)
        come_to = shown(milestones, project.currency)
        raise Refused(
            f"the milestones would come to {come_to}, and {price} is approved: "
            "a change order moves that",
            field=field,
        )


def billed(work: Work, project_id: str, *, but_for: str = "") -> int:
    """What the invoices of a project come to that are not void, less what was credited."""
    credited = col(Invoice.credit_notes) - col(Invoice.bank_fees)
    found = select(sa.func.coalesce(sa.func.sum(col(Invoice.total) - credited), 0)).where(
        col(Invoice.project_id) == project_id,
        col(Invoice.state) != InvoiceState.VOID,
        col(Invoice.id) != but_for,
    )
    with work.session.no_autoflush:
        return int(work.session.exec(found).one())


def _nothing_rests_on(work: Work, project: Project, field: str) -> None:
    given = {"id": project.id}
    if work.session.execute(_CHANGED, given).first():
        raise Refused("a change order rests on what was agreed first", field=field)
    if work.session.execute(_DOCUMENTS, given).first():
        raise Refused(f"invoices or deposits rest on the project; its {field} stands", field=field)


def _as_said(project: Project) -> dict[str, object]:
    return {name: getattr(project, name) for name in (*_CHECKS, "approved_price")}


def _name(value: object) -> str:
    return texts.line(str(value or ""), field="name", chars_max=NAME_CHARS_MAX)


def _price(value: object) -> int:
    if type(value) is not int or not 0 < value <= MINOR_MAX:
        raise Invalid("the price is a whole number of minor units above 0", field="original_price")
    return value


def _currency(value: object) -> str:
    return currencies.code(str(value or ""))


def _customer_id(value: object) -> str:
    return texts.line(str(value or ""), field="customer_id", chars_max=128)


_CHECKS = {
    "customer_id": _customer_id,
    "name": _name,
    "currency": _currency,
    "original_price": _price,
}
