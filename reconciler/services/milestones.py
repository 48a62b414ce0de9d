"""Milestones: the plan of a project, and what may be billed under it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlmodel import col, select

from reconciler.books import plans, texts
from reconciler.books.milestones import NAMES, MilestoneKind
from reconciler.books.plans import Part
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.ids import new_id
from reconciler.money import MINOR_MAX, shown
from reconciler.services import audit, projects
from reconciler.store.deposits import Deposit
from reconciler.store.invoices import Invoice
from reconciler.store.projects import Milestone, Project
from reconciler.work import Work

NAME_CHARS_MAX = 200
DESCRIPTION_CHARS_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A milestone as it is planned: an amount in minor units, or a share of the price."""

    kind: str
    part: Part
    name: str | None = None
    description: str | None = None
    due_on: date | None = None


def plan(work: Work, project_id: str, stages: Sequence[Stage]) -> list[str]:
    """Milestones for what of the approved price has none yet; together exactly that.

    Raises NotFound, Invalid where the stages do not come to it.
    """
    project = projects.lock(work, project_id)
    rest = project.approved_price - projects.planned(work, project_id)
    amounts = plans.amounts(rest, [stage.part for stage in stages], project.currency)
    return [
        add(work, project, stage, amount) for stage, amount in zip(stages, amounts, strict=True)
    ]


def create(work: Work, project_id: str, stage: Stage) -> str:
    """One more milestone. A share is one of the approved price, rounded to the nearest unit.

    Raises NotFound, Invalid, or Refused where all come to more than was approved.
    """
    project = projects.lock(work, project_id)
    if stage.part.share:
        amount, _ = plans.divide(
            project.approved_price, [stage.part.share, plans.WHOLE - stage.part.share]
        )
    else:
        amount = _amount(stage.part.amount)
    projects.must_hold(project, projects.planned(work, project_id) + amount, field="amount")
    return add(work, project, stage, amount)


def patch(
    work: Work, milestone_id: str, changes: Mapping[str, object], *, rev: int | None = None
) -> None:
    """Change a milestone; its amount and kind only while no document asks for it.

    Raises NotFound, Invalid, Refused, or Conflict if `rev` is not the latest.
    """
    milestone, project = lock(work, milestone_id, rev=rev)
    before = _as_said(milestone)
    for name, value in changes.items():
        if name not in _CHECKS:
            raise Invalid(f"{name} cannot be changed", field=name)
        setattr(milestone, name, _CHECKS[name](value))
    fixed = sorted(changes.keys() & {"amount", "kind"})
    if fixed:
        _nothing_asks_for(work, milestone, field=fixed[0])
        work.session.flush()
        projects.must_hold(project, projects.planned(work, project.id), field="amount")
    was, became = audit.changes(before, _as_said(milestone))
    audit.note(work, "milestone.changed", milestone_id, before=was, after=became)
    milestone.rev += 1
    work.session.flush()


def drop(work: Work, milestone_id: str, *, rev: int | None = None) -> None:
    """Give a milestone up, so that its amount can be planned otherwise.

    Raises NotFound, Conflict, Refused where a document asks for it.
    """
    milestone, _ = lock(work, milestone_id, rev=rev)
    _nothing_asks_for(work, milestone, field=None)
    audit.note(work, "milestone.dropped", milestone_id, before=_as_said(milestone))
    milestone.dropped_at = work.now
    milestone.rev += 1
    work.session.flush()


def add(
    work: Work,
    project: Project,
    stage: Stage,
    amount: int,
    *,
    change_order_id: str | None = None,
) -> str:
    """A milestone of a project that is held, at an amount that was judged. Raises Invalid."""
    last = select(sa.func.coalesce(sa.func.max(Milestone.position), 0)).where(
        col(Milestone.project_id) == project.id
    )
    kind, name = named(stage)
    milestone = Milestone(
        id=new_id("mil"),
        project_id=project.id,
        change_order_id=change_order_id,
        kind=kind,
        name=name,
        description=described(stage.description),
        amount=amount,
        currency=project.currency,
        due_on=_due_on(stage.due_on),
        position=int(work.session.exec(last).one()) + 1,
        created_at=work.now,
    )
    work.session.add(milestone)
    work.session.flush()
    after = _as_said(milestone) | {"project_id": project.id, "change_order": change_order_id}
    audit.note(work, "milestone.created", milestone.id, after=after)
    return milestone.id


def lock(work: Work, milestone_id: str, *, rev: int | None = None) -> tuple[Milestone, Project]:
    """A milestone and its project, held for this transaction. Raises NotFound, Conflict."""
    known = work.session.get(Milestone, milestone_id)
    if known is None or known.dropped_at is not None:
        raise NotFound(f"there is no milestone {milestone_id}")
    project = projects.lock(work, known.project_id)
    work.session.refresh(known)
    if known.dropped_at is not None:
        raise NotFound(f"there is no milestone {milestone_id}")
    if rev is not None and rev != known.rev:
        raise Conflict(f"the milestone {known.name} was changed meanwhile", field="rev")
    return known, project


def bill(work: Work, invoice: Invoice) -> None:
    """An invoice may name its milestone and project. Raises Invalid, Conflict, Refused.

    One invoice a milestone, of at most its amount; all invoices of a project together of at most
    what was approved. The project is held, so that two who bill at once take turns.
    """
    if invoice.milestone_id is not None:
        milestone = _named(work, invoice.milestone_id)
        if invoice.project_id not in (None, milestone.project_id):
            raise Invalid("the milestone is one of another project", field="project_id")
        invoice.project_id = milestone.project_id
        _not_billed(work, milestone, invoice)
    if invoice.project_id is not None:
        project = _project_of(work, invoice.project_id, invoice)
        _within_the_price(work, project, invoice)


def deposit_of(work: Work, invoice_id: str) -> str | None:
    """The deposit of the invoice's milestone, held for this transaction, if something is left.

    None where the customer wants deposits used by hand. It is held before the invoice, as
    everywhere.
    """
    its = sa.text(
        """select d.id from deposit d join invoice i on i.milestone_id = d.milestone_id
          join customer c on c.id = d.customer_id and c.deposit_policy = 'automatic'
        where i.id = :id and d.received > d.applied + d.refunded for no key update of d"""
    )
    found = work.session.execute(its, {"id": invoice_id}).scalar()
    return None if found is None else str(found)


def secure(work: Work, deposit: Deposit) -> None:
    """A deposit may name its milestone and project. Raises Invalid, Conflict, Refused."""
    if deposit.milestone_id is not None:
        milestone = _named(work, deposit.milestone_id)
        if milestone.kind != MilestoneKind.DEPOSIT:
            raise Invalid(f"{milestone.name} is no deposit, ask by invoice", field="milestone_id")
        if deposit.project_id not in (None, milestone.project_id):
            raise Invalid("the milestone is one of another project", field="project_id")
        deposit.project_id = milestone.project_id
        others = select(Deposit.code).where(
            col(Deposit.milestone_id) == milestone.id, col(Deposit.id) != deposit.id
        )
        if code := work.session.exec(others).first():
            raise Conflict(f"{milestone.name} is asked for by {code}", field="milestone_id")
        _at_most(milestone, deposit.amount, field="amount")
    if deposit.project_id is not None:
        _project_of(work, deposit.project_id, deposit)


def _named(work: Work, milestone_id: str) -> Milestone:
    try:
        return lock(work, milestone_id)[0]
    except NotFound as error:
        raise Invalid(str(error), field="milestone_id") from None


def _project_of(work: Work, project_id: str, document: Invoice | Deposit) -> Project:
    try:
        project = projects.lock(work, project_id)
    except NotFound as error:
        raise Invalid(str(error), field="project_id") from None
    if document.customer_id != project.customer_id:
        raise Invalid("the project is another customer's", field="customer_id")
    if document.currency != project.currency:
        raise Invalid(f"the project is in {project.currency}", field="currency")
    return project


def _not_billed(work: Work, milestone: Milestone, invoice: Invoice) -> None:
    others = select(Invoice.number).where(
        col(Invoice.milestone_id) == milestone.id,
        col(Invoice.state) != "void",
        col(Invoice.id) != invoice.id,
    )
    with work.session.no_autoflush:
        if number := work.session.exec(others).first():
            raise Conflict(f"{milestone.name} is billed by {number}", field="milestone_id")
    _at_most(milestone, invoice.total, field="total")


def _at_most(milestone: Milestone, amount: int, *, field: str) -> None:
    if amount > milestone.amount:
        most = shown(milestone.amount, milestone.currency)
        raise Refused(f"the milestone {milestone.name} is {most}, not more", field=field)


def _within_the_price(work: Work, project: Project, invoice: Invoice) -> None:
    already = projects.billed(work, project.id, but_for=invoice.id)
    if already + invoice.total > project.approved_price:
        left = shown(max(0, project.approved_price - already), project.currency)
        raise Refused(
            f"{left} of the price of {project.name} is not billed yet: a change order moves that",
            field="total",
        )


def _nothing_asks_for(work: Work, milestone: Milestone, *, field: str | None) -> None:
    invoice = select(Invoice.number).where(
        col(Invoice.milestone_id) == milestone.id, col(Invoice.state) != "void"
    )
    deposit = select(Deposit.code).where(col(Deposit.milestone_id) == milestone.id)
    asking = work.session.exec(invoice).first() or work.session.exec(deposit).first()
    if asking:
        raise Refused(f"{asking} asks for {milestone.name}: it stands", field=field)


def named(stage: Stage) -> tuple[str, str]:
    """The kind of a stage and what it is called. Raises Invalid, naming the field."""
    kind = _kind(stage.kind)
    return kind, _name(stage.name or NAMES.get(MilestoneKind(kind)))


def _as_said(milestone: Milestone) -> dict[str, object]:
    return {name: getattr(milestone, name) for name in _CHECKS}


def _kind(value: object) -> str:
    if value not in list(MilestoneKind):
        words = ", ".join(MilestoneKind)
        raise Invalid(f"a milestone's kind is one of {words}", field="kind")
    return str(value)


def _name(value: object) -> str:
    return texts.line(str(value or ""), field="name", chars_max=NAME_CHARS_MAX)


def described(value: object) -> str | None:
    """What is delivered, as it is kept. Raises Invalid."""
    if value is None:
        return None
    words = texts.words(str(value), field="description", chars_max=DESCRIPTION_CHARS_MAX)
    return words or None


def _amount(value: object) -> int:
    if type(value) is not int or not 0 < value <= MINOR_MAX:
        raise Invalid("the amount is a whole number of minor units above 0", field="amount")
    return value


def _due_on(value: object) -> date | None:
    return texts.day(value, field="due_on")


_CHECKS = {
    "kind": _kind,
    "name": _name,
    "description": described,
    "amount": _amount,
    "due_on": _due_on,
}
