"""The routes under /review-items."""

from functools import partial
from typing import Annotated, Literal

from pydantic import Field

from reconciler.books.people import Scope, grants
from reconciler.books.refunds import RefundReason
from reconciler.books.reviews import ReviewKind
from reconciler.errors import Forbidden, Refused
from reconciler.reads import review_queue as reads
from reconciler.reads.pages import Page
from reconciler.reads.review_queue import ReviewRow
from reconciler.services import effects, resolutions, review_desk
from reconciler.services.allocations import Part
from reconciler.services.effects import Effect
from reconciler.services.refund_limits import policy_of
from reconciler.services.resolutions import Resolution
from reconciler.web import question_notes
from reconciler.web.api.fields import (
    Amount,
    Body,
    Currency,
    Day,
    Line128,
    Line255,
    Paged,
    RefundTreatment,
    Rev,
    Start,
    Words2000,
)
from reconciler.web.api.payments import PARTS_MAX, PartBody
from reconciler.web.api.routes import Call, Look, Resource
from reconciler.web.question_notes import WHY_CHARS_MAX
from reconciler.work import Work

resource = Resource("review-items")

Action = Literal[
    "match", "refund", "acknowledge", "retry", "paid_back", "replay",
    "credit", "reopen", "split", "chase", "write_off", "answered",
]  # fmt: skip
_MOVES_REFUNDS = frozenset({"refund", "retry", "paid_back"})


class ResolveBody(Body):
    """What is to be done about a question.

    `match` takes `allocations`, or one `invoice_id` or `deposit_id` with an `amount`; `refund`
    takes `amount`, `reason`, `treatment`; `paid_back` takes `reference`. What the client owes
    after a refund made outside: `credit` nothing, `reopen` all of it again, `split` the
    `allocations` it took from, with one `treatment`. `answered` says of a dispute that it was
    answered where the rail takes answers, on the day `answered_on`, today where that is left out.
    """

    action: Action
    allocations: Annotated[list[PartBody], Field(max_length=PARTS_MAX, default_factory=list)]
    invoice_id: Line128 | None = None
    deposit_id: Line128 | None = None
    amount: Amount | None = None
    reason: RefundReason | None = None
    treatment: RefundTreatment | None = None
    reference: Annotated[Line255 | None, Field(max_length=200)] = None
    answered_on: Day | None = None
    note: Words2000 | None = None
    rev: Rev

    def resolution(self) -> Resolution:
        """The same for the service."""
        parts = [part.part() for part in self.allocations]
        if self.invoice_id or self.deposit_id:
            parts.append(Part(self.invoice_id, self.deposit_id, self.amount))
        return Resolution(
            action=self.action,
            parts=tuple(parts),
            amount=self.amount,
            reason=self.reason.value if self.reason else None,
            treatment=self.treatment,
            reference=self.reference,
            answered_on=self.answered_on,
            note=self.note,
        )


Why = Annotated[
    Words2000 | None,
    Field(max_length=WHY_CHARS_MAX, description="Kept as a note on what the question is about."),
]


class AssignBody(Body):
    """Whose a question is to answer: a person's id or mail address; null for nobody's."""

    assigned_to: Line255 | None
    reason: Why = None


class SnoozeBody(Body):
    """Until which day a question is out of sight; null brings it back."""

    until: Day | None
    reason: Why = None


class ReviewQuery(Paged):
    """Which questions. `snoozed` says whether out of sight or not; both if it is not given."""

    state: Literal["open", "resolved"] | None = None
    kind: ReviewKind | None = None
    subject: Line255 | None = None
    payment_id: Line128 | None = None
    invoice_id: Line128 | None = None
    deposit_id: Line128 | None = None
    refund_id: Line128 | None = None
    currency: Currency | None = None
    assigned_to: Line128 | None = None
    snoozed: bool | None = None
    opened_before: Start | None = None


@resource.get("/review-items")
def listed(look: Look, query: ReviewQuery) -> Page[ReviewRow]:
    """List what waits, or waited, for a person; the last opened first."""
    filters = query.filters
    if (snoozed := filters.pop("snoozed", None)) is not None:
        filters["snoozed_on" if snoozed else "in_sight_on"] = look.today
    return reads.page(look.session, filters, query.wanted)


@resource.get("/review-items/{item_id}")
def one(look: Look, item_id: str) -> ReviewRow:
    """Read one question, with what is suggested."""
    return reads.one(look.session, item_id)


@resource.post("/review-items/{item_id}/resolve")
def resolve(work: Work, item_id: str, body: ResolveBody, call: Call) -> ReviewRow:
    """Answer a question. What moves money back needs a key that may refund as well."""
    _may(body, call)
    policy = policy_of(call.runtime.settings)
    resolutions.resolve(work, item_id, body.resolution(), policy, rev=body.rev)
    work.session.flush()
    return reads.one(work.session, item_id)


def _may(body: ResolveBody, call: Call) -> None:
    if body.action in _MOVES_REFUNDS and not grants(call.principal.scope, Scope.REFUND):
        raise Forbidden(f"the action {body.action} needs a key of scope admin")


@resource.post("/review-items/{item_id}/preview")
def preview(work: Work, item_id: str, body: ResolveBody, call: Call) -> list[Effect]:
    """What an answer would do in money to all that hangs on the payment. Nothing is done."""
    work.has_only_looked = True
    _may(body, call)
    item = reads.one(work.session, item_id)
    if item.payment_id is None:
        raise Refused("this question is about no payment, so no amount changes")
    policy = policy_of(call.runtime.settings)

    def deed(inner: Work) -> None:
        resolutions.resolve(inner, item_id, body.resolution(), policy, rev=body.rev)

    return call.runtime.rehearse(
        work.cause, partial(effects.of, payment_id=item.payment_id, deed=deed)
    )


@resource.post("/review-items/{item_id}/undo")
def undo(work: Work, item_id: str) -> ReviewRow:
    """Take back what was decided about a refund made outside; the question is asked again."""
    resolutions.undo(work, item_id)
    work.session.flush()
    return reads.one(work.session, item_id)


@resource.post("/review-items/{item_id}/assign")
def assign(work: Work, item_id: str, body: AssignBody) -> ReviewRow:
    """Make an open question somebody's to answer, or nobody's."""
    review_desk.assign(work, item_id, body.assigned_to)
    question_notes.keep(work, item_id, body.reason or "")
    return reads.one(work.session, item_id)


@resource.post("/review-items/{item_id}/snooze")
def snooze(work: Work, item_id: str, body: SnoozeBody) -> ReviewRow:
    """Put an open question out of sight until a day begins. It is back earlier if it changes."""
    review_desk.snooze(work, item_id, body.until)
    question_notes.keep(work, item_id, body.reason or "", until=body.until)
    return reads.one(work.session, item_id)
