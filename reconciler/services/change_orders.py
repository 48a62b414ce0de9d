"""Change orders: the client approved another price, and why. Never changed, only followed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlmodel import col, select

from reconciler.books import plans, texts
from reconciler.errors import Invalid, Refused
from reconciler.ids import new_id
from reconciler.money import MINOR_MAX, shown
from reconciler.services import audit, milestones, projects
from reconciler.services.milestones import Stage
from reconciler.store.projects import ChangeOrder, Project
from reconciler.work import Work

REASON_CHARS_MAX = 500
NAME_CHARS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChangeOrder:
    """The price that was approved, in minor units; by whom at the client's, and on which day.

    `stages` are milestones for what the price rises by; together exactly that.
    """

    approved_price: int
    reason: str
    approved_by: str | None = None
    approved_on: date | None = None
    document: str | None = None
    stages: Sequence[Stage] = ()


def approve(work: Work, project_id: str, new: NewChangeOrder, *, rev: int | None = None) -> str:
    """Move the approved price of a project; gives the change order's id.

    Raises NotFound, Conflict, Invalid, or Refused below what is planned or billed already.
    """
    project = projects.lock(work, project_id, rev=rev)
    order = _order(work, project, new)
    work.session.add(order)
    project.approved_price = new.approved_price
    project.rev += 1
    work.session.flush()
    projects.must_hold(project, projects.planned(work, project_id), field="approved_price")
    _covers_what_is_billed(work, project)
    for stage, amount in _divided(order, new.stages, project.currency):
        milestones.add(work, project, stage, amount, change_order_id=order.id)
    audit.note(
        work,
        "project.price_changed",
        project_id,
        before={"approved_price": order.price_before},
        after={
            "approved_price": order.price_after,
            "change_order": order.id,
            "approved_by": order.approved_by,
            "approved_on": order.approved_on,
            "document": order.document,
        },
        why=order.reason,
    )
    return order.id


def _order(work: Work, project: Project, new: NewChangeOrder) -> ChangeOrder:
    if type(new.approved_price) is not int or not 0 < new.approved_price <= MINOR_MAX:
        raise Invalid("a price is a whole number of minor units above 0", field="approved_price")
    if new.approved_price == project.approved_price:
        price = shown(project.approved_price, project.currency)
        raise Invalid(f"{price} is approved already", field="approved_price")
    today = work.now.date()
    last = select(sa.func.coalesce(sa.func.max(ChangeOrder.number), 0)).where(
        col(ChangeOrder.project_id) == project.id
    )
    return ChangeOrder(
        id=new_id("cho"),
        project_id=project.id,
        number=int(work.session.exec(last).one()) + 1,
        price_before=project.approved_price,
        price_after=new.approved_price,
        reason=texts.line(new.reason, field="reason", chars_max=REASON_CHARS_MAX),
        approved_by=_line(new.approved_by, "approved_by"),
        approved_on=texts.day_come(new.approved_on or today, field="approved_on", today=today),
        document=_line(new.document, "document"),
        cause_kind=work.cause.kind,
        cause_id=work.cause.id,
        created_at=work.now,
    )


def _line(text: str | None, field: str) -> str | None:
    return None if text is None else texts.line(text, field=field, chars_max=NAME_CHARS_MAX)


def _divided(order: ChangeOrder, stages: Sequence[Stage], currency: str) -> list[tuple[Stage, int]]:
    if not stages:
        return []
    rise = order.price_after - order.price_before
    if rise < 0:
        raise Invalid("a lower price brings no milestones", field="milestones")
    amounts = plans.amounts(rise, [stage.part for stage in stages], currency)
    return list(zip(stages, amounts, strict=True))


def _covers_what_is_billed(work: Work, project: Project) -> None:
    billed = projects.billed(work, project.id)
    if billed > project.approved_price:
        already = shown(billed, project.currency)
        raise Refused(f"{already} is billed already", field="approved_price")
