"""The demo's projects: a milestone for each invoice of the story, signed off or with a reason.

Two projects go on: one has a milestone that is billed as a draft and waits for its sign-off, one
a change that the client agreed to, and a last milestone that nobody has billed yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.books import sign_offs as rules
from reconciler.books.plans import Part
from reconciler.sandbox.story import DemoCustomer, DemoInvoice, DemoProject
from reconciler.services import billing, change_orders, milestones, projects, sign_offs
from reconciler.services.change_orders import NewChangeOrder
from reconciler.services.milestones import Stage
from reconciler.services.projects import NewProject
from reconciler.work import Work

WAITING = "showroom"  # its last milestone waits for the client's word
CHANGED = "ordering"  # its client wanted more
TO_COME = 60_000
AGREED = "Agreed on the telephone before these books began"
_NAMES = ("Design", "Build", "Content", "Tests", "Handover")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an invoice of the story belongs."""

    project_id: str
    milestone_id: str


@dataclass(frozen=True, slots=True)
class Planned:
    """The projects by the story's keys, each invoice's place by its number, and what waits."""

    ids: dict[str, str]
    places: dict[str, Place]
    waiting: list[str]


def plan(
    work: Work,
    told: list[DemoProject],
    invoices: list[DemoInvoice],
    customers: Mapping[str, DemoCustomer],
    ids: Mapping[str, str],
) -> Planned:
    """Make the projects, with a milestone for each of their invoices."""
    made = Planned({}, {}, [])
    for one in told:
        billed = [invoice for invoice in invoices if invoice.project == one.key]
        if not billed:
            continue
        goes_on = TO_COME if one.key in (WAITING, CHANGED) else 0
        new = NewProject(
            customer_id=ids[one.customer],
            name=one.name,
            currency=one.currency,
            original_price=one.price + (goes_on if one.key == WAITING else 0),
        )
        project = made.ids[one.key] = projects.create(work, new)
        stages = [_stage(_NAMES[at % len(_NAMES)], invoice) for at, invoice in enumerate(billed)]
        if one.key == WAITING:
            stages.append(Stage(kind="final", part=Part(amount=goes_on)))
        parts = milestones.plan(work, project, stages)
        for invoice, milestone in zip(billed, parts, strict=False):
            made.places[invoice.number] = Place(project, milestone)
        made.waiting.extend(parts[len(billed) :])
        _sign(work, parts[0], customers[one.customer].name)
        if one.key == CHANGED:
            change_orders.approve(work, project, _more(one.price + goes_on))
    return made


def bill_what_waits(work: Work, planned: Planned) -> None:
    """Draft the invoice of the milestone that waits for its sign-off."""
    for milestone in planned.waiting:
        billing.invoice(work, milestone)


def _stage(name: str, invoice: DemoInvoice) -> Stage:
    return Stage(kind="named", name=name, part=Part(amount=invoice.total))


def _more(price: int) -> NewChangeOrder:
    late = Stage(kind="named", name="Delivery slots", part=Part(amount=TO_COME))
    return NewChangeOrder(
        approved_price=price, reason="Delivery slots, asked for in the second meeting",
        approved_by="C. Reyes", stages=[late],
    )  # fmt: skip


def _sign(work: Work, milestone_id: str, name: str) -> None:
    """The client says that it is as agreed."""
    terms = sign_offs.terms(milestones.lock(work, milestone_id)[0])
    sign_offs.sign_off_by_client(work, milestone_id, name, seen=rules.digest(terms))
