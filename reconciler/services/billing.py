"""Milestones are billed: by an invoice, or a deposit that is held until the work has begun."""

from dataclasses import dataclass
from datetime import date

from sqlmodel import col, select

from reconciler.books.milestones import MilestoneKind
from reconciler.errors import Refused
from reconciler.services import deposits, invoices, milestones
from reconciler.services.deposits import NewDeposit
from reconciler.services.invoices import NewInvoice
from reconciler.store.deposits import Deposit
from reconciler.store.projects import Milestone, Project
from reconciler.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What may be said of an invoice; the rest follows from the milestone."""

    number: str | None = None
    due_on: date | None = None


def invoice(
    work: Work, milestone_id: str, wanted: Wanted | None = None, *, rev: int | None = None
) -> str:
    """Draft the milestone's invoice; gives its id. Its deposit is used on it once it is sent.

    Raises NotFound, Conflict for a milestone that is billed already or an old `rev`.
    """
    wanted = wanted or Wanted()
    milestone, project = milestones.lock(work, milestone_id, rev=rev)
    new = NewInvoice(
        customer_id=project.customer_id,
        currency=milestone.currency,
        total=milestone.amount,
        number=wanted.number,
        due_on=wanted.due_on or milestone.due_on,
        project_id=project.id,
        milestone_id=milestone.id,
        description=_words(milestone, project),
    )
    return invoices.create(work, new)


def deposit(work: Work, milestone_id: str, *, rev: int | None = None) -> str:
    """Ask for the milestone's money ahead of the work; gives the deposit's id.

    It is owed to the customer until an invoice uses it. Raises NotFound, Conflict, Refused for a
    milestone that is no deposit.
    """
    milestone, project = milestones.lock(work, milestone_id, rev=rev)
    if milestone.kind != MilestoneKind.DEPOSIT:
        raise Refused(f"{milestone.name} is no deposit: it is asked for by an invoice")
    new = NewDeposit(
        customer_id=project.customer_id,
        currency=milestone.currency,
        amount=milestone.amount,
        project_id=project.id,
        milestone_id=milestone.id,
        due_on=milestone.due_on,
        notes=_words(milestone, project),
    )
    return deposits.create(work, new)


def held_for(work: Work, milestone_id: str) -> Deposit | None:
    """The deposit that a milestone asked for, if it did."""
    its = select(Deposit).where(col(Deposit.milestone_id) == milestone_id)
    return work.session.exec(its).first()


def _words(milestone: Milestone, project: Project) -> str:
    what = f"{project.name}: {milestone.name}"
    return f"{what}\n{milestone.description}" if milestone.description else what
