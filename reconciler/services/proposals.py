"""Proposals: written, sent, and accepted once: then project, milestones and deposit are made."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date

from sqlmodel import col, select

from reconciler import currencies
from reconciler.books import invoice_lines, plans, proposals as rules, texts
from reconciler.books.invoice_lines import Line
from reconciler.books.milestones import MilestoneKind
from reconciler.books.plans import Part
from reconciler.books.proposals import (
    Offer,
    OfferedLine,
    OfferedStage,
    ProposalState,
    ProposalStatus,
)
from reconciler.books.webhooks import Told
from reconciler.errors import Conflict, Invalid, NotFound
from reconciler.ids import new_id
from reconciler.money import MINOR_MAX
from reconciler.services import (
    audit,
    billing,
    customers,
    milestones,
    news,
    projects,
    staff_mail,
)
from reconciler.services.milestones import Stage
from reconciler.services.projects import NewProject
from reconciler.store.customers import Customer
from reconciler.store.proposals import Proposal, ProposalVersion
from reconciler.work import Work

NAME_CHARS_MAX = 200
INTRODUCTION_CHARS_MAX = 4_000
CONDITIONS_CHARS_MAX = 20_000
REASON_CHARS_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProposal:
    """What is offered: its lines make the price, and the stages come to it."""

    customer_id: str
    name: str
    currency: str
    lines: Sequence[Line]
    stages: Sequence[Stage]
    introduction: str | None = None
    conditions: str | None = None
    valid_until: date | None = None


def create(work: Work, new: NewProposal) -> str:
    """A draft; gives its id. Raises Invalid, naming the field."""
    proposal = Proposal(id=new_id("prop"), state=ProposalState.DRAFT, created_at=work.now)
    _put(work, proposal, new)
    work.session.add(proposal)
    work.session.flush()
    audit.note(work, "proposal.created", proposal.id, after=_as_said(proposal))
    return proposal.id


def rewrite(work: Work, proposal_id: str, new: NewProposal, *, rev: int | None = None) -> None:
    """Say all of a draft anew. Raises NotFound, Conflict, Invalid, Refused once it was sent."""
    proposal = _locked(work, proposal_id, rev)
    _must_be(work, proposal, [ProposalStatus.DRAFT], deed="changed")
    before = _as_said(proposal)
    _put(work, proposal, new)
    was, became = audit.changes(before, _as_said(proposal))
    audit.note(work, "proposal.changed", proposal_id, before=was, after=became)
    _done(work, proposal)


def send(work: Work, proposal_id: str, *, rev: int | None = None) -> None:
    """Offer it: from here on it can be accepted, and this version of its text is kept.

    Raises NotFound, Conflict, Refused.
    """
    proposal = _locked(work, proposal_id, rev)
    _must_be(work, proposal, [ProposalStatus.DRAFT], deed="sent")
    if proposal.valid_until is not None and proposal.valid_until < work.now.date():
        raise Invalid("its last day is over already", field="valid_until")
    proposal.sent_at = work.now
    said = rules.text(offer_of(work, proposal))
    work.session.add(
        ProposalVersion(
            proposal_id=proposal.id,
            version=proposal.version,
            text=said,
            sha256=rules.digest(said),
            price=proposal.price,
            sent_at=work.now,
        )
    )
    after: dict[str, object] = {"version": proposal.version, "sha256": rules.digest(said)}
    _become(work, proposal, ProposalState.SENT, "proposal.sent", after=after)


def withdraw(work: Work, proposal_id: str, *, reason: str, rev: int | None = None) -> None:
    """Offer it no longer, and say why. Raises NotFound, Conflict, Invalid, Refused."""
    proposal = _locked(work, proposal_id, rev)
    open_ones = [ProposalStatus.DRAFT, ProposalStatus.SENT, ProposalStatus.EXPIRED]
    _must_be(work, proposal, open_ones, deed="withdrawn")
    proposal.reason = texts.line(reason, field="reason", chars_max=REASON_CHARS_MAX)
    _become(work, proposal, ProposalState.WITHDRAWN, "proposal.withdrawn", why=proposal.reason)


def revise(work: Work, proposal_id: str, *, rev: int | None = None) -> None:
    """Make a draft of it again, as its next version; what was sent before stays as it was.

    Raises NotFound, Conflict, Refused.
    """
    proposal = _locked(work, proposal_id, rev)
    closed = [
        ProposalStatus.SENT, ProposalStatus.EXPIRED, ProposalStatus.DECLINED,
        ProposalStatus.WITHDRAWN,
    ]  # fmt: skip
    _must_be(work, proposal, closed, deed="revised")
    proposal.version += 1
    proposal.sent_at = proposal.decided_at = None
    proposal.decided_by = proposal.reason = None
    proposal.decided_cause_kind = proposal.decided_cause_id = None
    after: dict[str, object] = {"version": proposal.version}
    _become(work, proposal, ProposalState.DRAFT, "proposal.revised", after=after)


def decline(work: Work, proposal_id: str, *, name: str, reason: str | None = None) -> None:
    """The client does not want it. Raises NotFound, Invalid, Refused."""
    proposal = _locked(work, proposal_id, None)
    _must_be(work, proposal, [ProposalStatus.SENT, ProposalStatus.EXPIRED], deed="declined")
    _decided(work, proposal, name)
    if reason:
        proposal.reason = texts.line(reason, field="reason", chars_max=REASON_CHARS_MAX)
    said: dict[str, object] = {"declined_by": proposal.decided_by}
    _become(
        work, proposal, ProposalState.DECLINED, "proposal.declined", after=said, why=proposal.reason
    )
    news.of_proposal(work, proposal, Told.PROPOSAL_DECLINED)
    staff_mail.of_answer(work, proposal)


def accept(work: Work, proposal_id: str, *, name: str, seen: str) -> str:
    """The client accepts it; gives the project that is made of it, with all its milestones.

    `seen` is the SHA-256 of the text that they accept. A deposit among the milestones is asked for
    at once. Raises NotFound, Invalid, Refused where it is not open, Conflict for another text.
    """
    proposal = _locked(work, proposal_id, None)
    _must_be(work, proposal, [ProposalStatus.SENT], deed="accepted")
    said = rules.text(offer_of(work, proposal))
    if rules.digest(said) != seen:
        raise Conflict("the proposal was changed meanwhile; read it again", field="sha256")
    _decided(work, proposal, name)
    proposal.accepted_text, proposal.accepted_sha256 = said, seen
    proposal.project_id = _begin(work, proposal)
    _become(
        work,
        proposal,
        ProposalState.ACCEPTED,
        "proposal.accepted",
        after={
            "accepted_by": proposal.decided_by, "sha256": seen, "project_id": proposal.project_id,
        },
    )  # fmt: skip
    news.of_proposal(work, proposal, Told.PROPOSAL_ACCEPTED)
    staff_mail.of_answer(work, proposal)
    return proposal.project_id


def offer_of(work: Work, proposal: Proposal) -> Offer:
    """All that is offered, as values."""
    return Offer(
        id=proposal.id,
        version=proposal.version,
        customer=_customer_name(work, proposal.customer_id),
        name=proposal.name,
        introduction=proposal.introduction,
        currency=proposal.currency,
        price=proposal.price,
        valid_until=proposal.valid_until.isoformat() if proposal.valid_until else None,
        lines=_offered(proposal),
        stages=[OfferedStage(**one) for one in proposal.terms["stages"]],
        conditions=proposal.conditions,
    )


def _decided(work: Work, proposal: Proposal, name: str) -> None:
    proposal.decided_by = texts.line(name, field="name", chars_max=NAME_CHARS_MAX)
    proposal.decided_at = work.now
    proposal.decided_cause_kind, proposal.decided_cause_id = work.cause.kind, work.cause.id


def _customer_name(work: Work, customer_id: str) -> str:
    name = select(Customer.name).where(col(Customer.id) == customer_id)
    return work.session.exec(name).one()


def _offered(proposal: Proposal) -> list[OfferedLine]:
    names = ("description", "quantity", "unit_price", "net", "tax", "tax_rate")
    return [OfferedLine(**{name: one[name] for name in names}) for one in proposal.terms["lines"]]


def _begin(work: Work, proposal: Proposal) -> str:
    project_id = projects.create(
        work,
        NewProject(
            customer_id=proposal.customer_id,
            name=proposal.name,
            currency=proposal.currency,
            original_price=proposal.price,
        ),
    )
    offered = [OfferedStage(**one) for one in proposal.terms["stages"]]
    stages = [
        Stage(
            kind=one.kind,
            part=Part(amount=one.amount),
            name=one.name,
            description=one.description,
            due_on=date.fromisoformat(one.due_on) if one.due_on else None,
        )
        for one in offered
    ]
    made = milestones.plan(work, project_id, stages)
    for stage, milestone_id in zip(stages, made, strict=True):
        if stage.kind == MilestoneKind.DEPOSIT:
            billing.deposit(work, milestone_id)
    return project_id


def _put(work: Work, proposal: Proposal, new: NewProposal) -> None:
    customers.must_exist(work, new.customer_id)
    proposal.customer_id = new.customer_id
    proposal.name = texts.line(new.name, field="name", chars_max=NAME_CHARS_MAX)
    proposal.currency = currencies.code(new.currency)
    proposal.valid_until = texts.day(new.valid_until, field="valid_until")
    proposal.introduction = _words(new.introduction, "introduction", INTRODUCTION_CHARS_MAX)
    proposal.conditions = _words(new.conditions, "conditions", CONDITIONS_CHARS_MAX)
    if not new.lines:
        raise Invalid("a proposal has at least one line", field="lines")
    checked = [invoice_lines.checked(one, place=place) for place, one in enumerate(new.lines)]
    priced = invoice_lines.priced(checked, proposal.currency)
    if not 0 < priced.total <= MINOR_MAX:
        raise Invalid("the lines come to nothing that could be paid", field="lines")
    proposal.price = priced.total
    amounts = plans.amounts(priced.total, [one.part for one in new.stages], proposal.currency)
    proposal.terms = {
        "lines": [asdict(one.line) | {"net": one.net, "tax": one.tax} for one in priced.lines],
        "stages": [_stage(one, amount) for one, amount in zip(new.stages, amounts, strict=True)],
    }


def _words(said: str | None, field: str, chars_max: int) -> str | None:
    return texts.words(said, field=field, chars_max=chars_max) or None if said else None


def _stage(stage: Stage, amount: int) -> dict[str, object]:
    kind, name = milestones.named(stage)
    due_on = texts.day(stage.due_on, field="due_on")
    return {
        "kind": kind,
        "name": name,
        "description": milestones.described(stage.description),
        "amount": amount,
        "due_on": due_on.isoformat() if due_on else None,
    }


def _locked(work: Work, proposal_id: str, rev: int | None) -> Proposal:
    proposal = work.session.get(Proposal, proposal_id, with_for_update={"key_share": True})
    if proposal is None:
        raise NotFound(f"there is no proposal {proposal_id}")
    if rev is not None and rev != proposal.rev:
        raise Conflict(f"the proposal {proposal.name} was changed meanwhile", field="rev")
    return proposal


def _must_be(
    work: Work, proposal: Proposal, wanted: Sequence[ProposalStatus], *, deed: str
) -> None:
    now = rules.status(
        ProposalState(proposal.state), valid_until=proposal.valid_until, today=work.now.date()
    )
    rules.must_be(now, wanted, deed=deed)


def _become(
    work: Work,
    proposal: Proposal,
    state: ProposalState,
    action: str,
    *,
    after: dict[str, object] | None = None,
    why: str | None = None,
) -> None:
    said = {"state": state} | (after or {})
    audit.note(work, action, proposal.id, before={"state": proposal.state}, after=said, why=why)
    proposal.state = state
    _done(work, proposal)


def _done(work: Work, proposal: Proposal) -> None:
    proposal.rev += 1
    work.session.flush()


def _as_said(proposal: Proposal) -> dict[str, object]:
    names = ("customer_id", "name", "introduction", "conditions", "currency", "price", "terms")
    said = {name: getattr(proposal, name) for name in names}
    return said | {"valid_until": proposal.valid_until}
