"""Projects as lists and screens show them: what was agreed, and what became of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.errors import NotFound
from reconciler.reads import balances, milestones
from reconciler.reads.balances import Balance
from reconciler.reads.milestones import MilestoneRow
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order
from reconciler.work import Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOrderRow:
    """The client approved another price, in minor units of the project's currency."""

    id: str
    number: int
    price_before: int
    price_after: int
    reason: str
    approved_by: str | None
    approved_on: date
    document: str | None
    created_at: datetime
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRow:
    """Work for a customer, in minor units of `currency`.

    `planned` is what the milestones come to; what of `approved_price` it leaves has none yet.
    `invoiced` counts invoices that were sent and are not void; invoiced less `credited` less `paid`
    is `outstanding`, of which `overdue` is late. `held` came in as deposits and is not used yet,
    and `on_its_way` was promised by cards and banks and has not come.
    """

    id: str
    customer_id: str
    name: str
    currency: str
    original_price: int
    approved_price: int
    planned: int
    invoiced: int
    credited: int
    paid: int
    outstanding: int
    overdue: int
    held: int
    on_its_way: int
    milestones: list[MilestoneRow]
    change_orders: list[ChangeOrderRow]
    created_at: datetime
    rev: int


LISTING = Listing(
    source="project p",
    order=Order(("p.created_at", "p.id"), ("timestamptz", "text")),
    conditions={
        "customer_id": "p.customer_id = :customer_id",
        "currency": "p.currency = :currency",
        "name": "strpos(lower(p.name), lower(:name)) > 0",
    },
)
_PROJECTS = sa.text("select * from project where id = any(:ids)")
_CHANGE_ORDERS = sa.text(
    "select * from change_order where project_id = any(:ids) order by project_id, number"
)


def page(
    session: Session, filters: dict[str, object], wanted: Wanted, *, today: date
) -> Page[ProjectRow]:
    """Projects, the newest first."""
    ids, more = LISTING.keys(session, filters, wanted)
    return Page(in_order(ids, load(session, ids, today=today)), more)


def one(session: Session, project_id: str, *, today: date) -> ProjectRow:
    """One project. Raises NotFound."""
    found = load(session, [project_id], today=today)
    if project_id not in found:
        raise NotFound(f"there is no project {project_id}")
    return found[project_id]


def load(session: Session, ids: Collection[str], *, today: date) -> dict[str, ProjectRow]:
    """These projects, as they stand on a day."""
    its = milestones.of_projects(session, ids, today=today)
    changes: dict[str, list[ChangeOrderRow]] = {}
    for row in session.execute(_CHANGE_ORDERS, {"ids": list(ids)}):
        values = row._asdict()
        cause = Cause(values.pop("cause_kind"), values.pop("cause_id"))
        project_id = values.pop("project_id")
        changes.setdefault(project_id, []).append(ChangeOrderRow(**values, cause=cause))
    standing = balances.of_projects(session, ids, today=today)
    return {
        row.id: ProjectRow(
            **row._asdict(),
            **_figures(standing.get(row.id, {}).get(row.currency)),
            planned=sum(one.amount for one in its.get(row.id, [])),
            milestones=its.get(row.id, []),
            change_orders=changes.get(row.id, []),
        )
        for row in session.execute(_PROJECTS, {"ids": list(ids)})
    }


def _figures(balance: Balance | None) -> dict[str, Any]:
    same = ("credited", "paid", "outstanding", "overdue", "on_its_way")
    figures = {name: getattr(balance, name) if balance else 0 for name in same}
    figures["invoiced"] = balance.billed if balance else 0
    figures["held"] = balance.deposits if balance else 0
    return figures
