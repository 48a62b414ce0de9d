"""Projects, what was offered and what was signed: done again from their audit lines."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from reconciler.books.file_kinds import MediaType
from reconciler.books.invoice_lines import Line
from reconciler.books.plans import Part
from reconciler.services import change_orders, milestones, projects, proposals, sign_offs
from reconciler.services.acts import SUBJECT, Act, Again, given
from reconciler.services.attachments import StoredFile
from reconciler.services.change_orders import NewChangeOrder
from reconciler.services.milestones import Stage
from reconciler.services.projects import NewProject
from reconciler.services.proposals import NewProposal
from reconciler.store.proposals import Proposal
from reconciler.work import Work

_NO_BOUND = 1 << 60  # bytes: that there was room was judged then
_FOLLOWS = frozenset({"net", "tax"})  # from a line


def _stage(said: Mapping[str, Any]) -> Stage:
    due_on = said["due_on"]
    return Stage(
        kind=said["kind"],
        part=Part(amount=said["amount"]),
        name=said["name"],
        description=said["description"],
        due_on=date.fromisoformat(due_on) if due_on else None,
    )


def _project_created(work: Work, act: Act) -> None:
    said = {name: value for name, value in act.after.items() if name != "approved_price"}
    projects.create(work, NewProject(**said))


def _project_changed(work: Work, act: Act) -> None:
    changes = {name: value for name, value in act.after.items() if name != "approved_price"}
    projects.patch(work, act.subject, changes)


def _price_changed(work: Work, act: Act) -> None:
    said = given(act.after)
    new = NewChangeOrder(
        approved_price=said["approved_price"],
        reason=act.why or "",
        approved_by=said["approved_by"],
        approved_on=said["approved_on"],
        document=said["document"],
        stages=[
            _stage(one.after)
            for one in act.beside("milestone.created")
            if one.after["change_order"] == said["change_order"]
        ],
    )
    change_orders.approve(work, act.subject, new)


def _milestone_created(work: Work, act: Act) -> None:
    milestones.create(work, act.after["project_id"], _stage(act.after))


def _milestone_changed(work: Work, act: Act) -> None:
    milestones.patch(work, act.subject, given(act.after))


def _milestone_dropped(work: Work, act: Act) -> None:
    milestones.drop(work, act.subject)


def _signed_off(work: Work, act: Act) -> None:
    said = act.after
    if said["source"] == "portal":
        name, seen = said["signed_by_name"], said["sha256"]
        sign_offs.sign_off_by_client(work, act.subject, name, seen=seen)
        return
    kept = next(
        one.after
        for one in act.beside("attachment.kept")
        if one.after["attachment"] == said["attachment_id"]
    )
    file = StoredFile(
        stored_as=kept["attachment"],  # its bytes lie with the books, and are not looked at here
        media_type=MediaType(kept["media_type"]),
        bytes=kept["bytes"],
        sha256=kept["sha256"],
        quota=_NO_BOUND,
    )
    sign_offs.sign_off_by_file(
        work, act.subject, kept["file_name"], file, signed_by=said["signed_by_name"]
    )


def _offer(said: Mapping[str, Any]) -> NewProposal:
    words = given(said)
    terms = words["terms"]
    return NewProposal(
        customer_id=words["customer_id"],
        name=words["name"],
        currency=words["currency"],
        lines=_lines(terms["lines"]),
        stages=[_stage(one) for one in terms["stages"]],
        introduction=words["introduction"],
        conditions=words["conditions"],
        valid_until=words["valid_until"],
    )


def _lines(said: Sequence[Mapping[str, Any]]) -> list[Line]:
    return [
        msgspec.convert({name: v for name, v in one.items() if name not in _FOLLOWS}, Line)
        for one in said
    ]


def _proposal_created(work: Work, act: Act) -> None:
    proposals.create(work, _offer(act.after))


def _proposal_changed(work: Work, act: Act) -> None:
    proposal = work.session.get_one(Proposal, act.subject)
    valid_until = proposal.valid_until
    stands = {
        "customer_id": proposal.customer_id,
        "name": proposal.name,
        "introduction": proposal.introduction,
        "conditions": proposal.conditions,
        "currency": proposal.currency,
        "terms": proposal.terms,
        "valid_until": valid_until.isoformat() if valid_until else None,
    }
    proposals.rewrite(work, act.subject, _offer({**stands, **act.after}))


def _proposal_sent(work: Work, act: Act) -> None:
    proposals.send(work, act.subject)


def _proposal_withdrawn(work: Work, act: Act) -> None:
    proposals.withdraw(work, act.subject, reason=act.why or "")


def _proposal_revised(work: Work, act: Act) -> None:
    proposals.revise(work, act.subject)


def _proposal_declined(work: Work, act: Act) -> None:
    proposals.decline(work, act.subject, name=act.after["declined_by"], reason=act.why)


def _proposal_accepted(work: Work, act: Act) -> None:
    said = act.after
    proposals.accept(work, act.subject, name=said["accepted_by"], seen=said["sha256"])


AGAIN = {
    "project.created": Again(_project_created, makes={"prj": SUBJECT}),
    "project.changed": Again(_project_changed),
    # Milestones for what the price rises by.
    "project.price_changed": Again(
        _price_changed, makes={"cho": "change_order"}, brings=frozenset({"milestone.created"})
    ),
    "milestone.created": Again(_milestone_created, makes={"mil": SUBJECT}),
    "milestone.changed": Again(_milestone_changed),
    "milestone.dropped": Again(_milestone_dropped),
    "milestone.signed_off": Again(_signed_off, makes={"so": "sign_off", "att": "attachment_id"}),
    "proposal.created": Again(_proposal_created, makes={"prop": SUBJECT}),
    "proposal.changed": Again(_proposal_changed),
    "proposal.sent": Again(_proposal_sent),
    "proposal.withdrawn": Again(_proposal_withdrawn),
    "proposal.revised": Again(_proposal_revised),
    "proposal.declined": Again(_proposal_declined),
    # A project with its milestones, and the deposit that it begins with.
    "proposal.accepted": Again(
        _proposal_accepted,
        brings=frozenset({"project.created", "milestone.created", "deposit.created"}),
    ),
}
