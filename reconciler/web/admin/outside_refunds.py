"""Refunds made outside: what the books took from which invoice, and whether that is owed again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
from flask import Response, request, url_for

from reconciler.books.allocations import REFUND_TREATMENTS
from reconciler.books.people import Role
from reconciler.books.reviews import ReviewKind
from reconciler.errors import Conflict, NotFound, Refused
from reconciler.rails.protocol import Remark
from reconciler.reads import (
    lines_shown,
    rail_messages,
    refund_splits,
    review_queue,
    screens_payments,
    screens_people,
)
from reconciler.reads.pages import Session, Wanted
from reconciler.reads.review_queue import ReviewRow
from reconciler.reads.screens_payments import ClaimLine, PaymentLine
from reconciler.services import resolutions
from reconciler.services.refund_limits import policy_of
from reconciler.services.resolutions import Resolution
from reconciler.web import forms
from reconciler.web.admin import consequences, errors, next_up, words
from reconciler.web.admin.consequences import Foreseen, Planned
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.masking import masked
from reconciler.web.admin.next_up import NextUp
from reconciler.web.admin.question_groups import GROUPS
from reconciler.web.admin.routes import Screens
from reconciler.web.admin.splitting import part
from reconciler.work import Work

screens = Screens()

LINES_MAX = 30
TYPED_CHARS_MAX = 40
_WHOLE = ("credit", "reopen")


@dataclass(frozen=True, slots=True)
class Answer:
    """One thing that can be said about the whole refund, and what it will do, in words."""

    action: str
    after: str
    entries: Sequence[Planned] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A document that the payment was put to, with what the refund took of it as typed.

    `put` is what of the payment was put there before anything was taken back, in minor units.
    """

    target: str
    name: str
    is_deposit: bool
    put: int
    typed: str = ""
    amount: int = 0

    @property
    def field(self) -> str:
        """The name of its input."""
        return f"amount-{self.target}"


@dataclass(frozen=True, slots=True)
class Split:
    """Another split than the books', as far as it is typed; `after` is what it will do.

    `wrong` says why it cannot be done, where that was looked at.
    """

    lines: Sequence[Line]
    treatment: str = ""
    after: str = ""
    wrong: str = ""
    entries: Sequence[Planned] = ()

    def resolution(self, note: str) -> Resolution:
        """The same as an answer."""
        parts = tuple(part(line.target, line.amount) for line in self.lines if line.amount)
        return Resolution(action="split", parts=parts, treatment=self.treatment, note=note)


@screens.get("/questions/<item_id>")
def show_question(desk: Desk, item_id: str) -> Response:
    """One question. What has no page of its own is shown among the others of its kind."""
    with desk.runtime.read() as session:
        item = review_queue.one(session, item_id)
    if item.dispute_id:
        return go("show_dispute", dispute_id=item.dispute_id)
    if not _is_about_a_refund(item):
        return go("list_questions", kind=item.kind, subject=item.subject)
    return _show(desk, item_id)


@screens.post("/questions/<item_id>/decide", Role.RECONCILER)
def decide_question(desk: Desk, item_id: str) -> Response:
    """Say what is owed after a refund made outside; or look what another split would do."""
    _must_be_about_a_refund(desk, item_id)
    action = request.form.get("action", "")
    try:
        rev, note = forms.whole(request.form, "rev"), forms.words(request.form, "note")
        if action in _WHOLE:
            answer = Resolution(action=action, note=note)
        else:
            answer = _typed_split(desk, item_id).resolution(note)
        if action == "look":
            return _show(desk, item_id, looked=answer)
        policy = policy_of(desk.runtime.settings)
        desk.do(lambda work: resolutions.resolve(work, item_id, answer, policy, rev=rev))
    except NotFound:
        raise
    except Refused as error:
        return _show(desk, item_id, refusal=error)
    return go("show_question", item_id=item_id, said=answer.action)


@screens.post("/questions/<item_id>/take-back", Role.RECONCILER)
def take_back_answer(desk: Desk, item_id: str) -> Response:
    """Take back what was said; the question is asked again, under another id."""

    def step(work: Work) -> str:
        resolutions.undo(work, item_id)
        work.session.flush()
        item = review_queue.one(work.session, item_id)
        found = review_queue.page(work.session, _open_again(item), Wanted(limit=1))
        return found.data[0].id if found.data else item_id

    _must_be_about_a_refund(desk, item_id)
    try:
        again = desk.do(step)
    except NotFound:
        raise
    except Refused as error:
        return _show(desk, item_id, refusal=error)
    return go("show_question", item_id=again, said="take_back")


def _following(desk: Desk, session: Session, item: ReviewRow) -> NextUp | None:
    """The next of its group; with none left, of all that the menu counts beside Questions."""
    seen = {"state": "open", "in_sight_on": desk.today, "waits_as_refund": False}
    queues = [
        (GROUPS[name].filters | seen, url_for("admin.list_questions", group=name))
        for name in ("outside", "here")
    ]
    return next_up.of_questions(session, item, queues)


def _must_be_about_a_refund(desk: Desk, item_id: str) -> None:
    with desk.runtime.read() as session:
        item = review_queue.one(session, item_id)
    if not _is_about_a_refund(item):
        raise NotFound(f"{item_id} asks about no refund that was made outside")


def _is_about_a_refund(item: ReviewRow) -> bool:
    return item.kind is ReviewKind.EXTERNAL_REFUND and item.payment_id is not None


def _open_again(item: ReviewRow) -> dict[str, object]:
    return {"state": "open", "kind": item.kind.value, "subject": item.subject}


def _answered_before(session: Session, item: ReviewRow) -> ReviewRow | None:
    """The answer that was taken back, of a question that is asked again because of that."""
    if item.state != "open" or "taken_back" not in item.details:
        return None
    answered = _open_again(item) | {"state": "resolved"}
    found = review_queue.page(session, answered, Wanted(limit=1)).data
    return found[0] if found else None


def _show(
    desk: Desk, item_id: str, *, refusal: Refused | None = None, looked: Resolution | None = None
) -> Response:
    is_late = isinstance(refusal, Conflict)
    with desk.runtime.read() as session:
        item = review_queue.one(session, item_id)
        assert item.payment_id, "a question without a payment has no page"
        payment = screens_payments.payment(session, item.payment_id)
        claims = screens_payments.claims(session, item.payment_id)
        stands = refund_splits.stands(session, item_id)
        told_at = refund_splits.told_at(session, item.payment_id, item.subject)
        remark = remark_of(desk, payment, item.subject, session)
        again = review_queue.page(session, _open_again(item), Wanted(limit=1)).data
        before = _answered_before(session, item)
        answered_by = ((before or item).resolved_by or "").partition("/")[2]
        names = screens_people.names(session, [answered_by])
        said = request.args.get("said", "")
        was_said = said if said in words.OWES and refusal is None else ""
        following = _following(desk, session, item) if was_said else None
        about = [*(one.invoice_id for one in claims), *(one.invoice_id for one in item.took_from)]
        lines = lines_shown.of(session, {one for one in about if one})
    answers, why_not = _answers(desk, item)
    return desk.page(
        "outside_refund.html",
        status=200 if refusal is None else 409 if is_late else 422,
        item=item,
        payment=payment,
        lines=lines.values(),
        answers=answers,
        why_not=why_not,
        split=_split(desk, item, claims, looked),
        stands=stands,
        told_at=told_at,
        remark=remark,
        undone=_undone(desk, item) if stands else "",
        before=before,
        again=again[0].id if again and again[0].id != item.id else "",
        answered_by=names.get(answered_by, (before or item).resolved_by or ""),
        was_said=was_said,
        next_up=following,
        error=_error(refusal, is_late=is_late),
        field=refusal.field if refusal else "",
        typed=request.form,
    )


def remark_of(
    desk: Desk, payment: PaymentLine | None, refund_id: str, session: Session
) -> Remark | None:
    """What people wrote to it at the rail, as the last message that shows it has it."""
    told = rail_messages.of(session, [payment.id] if payment else [], "refund")
    return remark_in(desk, payment, refund_id, told)


def remark_in(
    desk: Desk, payment: PaymentLine | None, refund_id: str, told: Mapping[str, list[bytes]]
) -> Remark | None:
    """The same from messages by payment, the latest first."""
    rail = desk.runtime.rails.get(payment.rail) if payment else None
    if payment is None or rail is None:
        return None
    for body in told.get(payment.id, []):
        found = rail.remark(body, refund_id)
        if found is not None:
            return msgspec.structs.replace(found, metadata=masked(dict(found.metadata)))
    return None


def _error(refusal: Refused | None, *, is_late: bool) -> str:
    if refusal is None:
        return ""
    text = errors.sentence(refusal)
    return f"{text} Nothing was done. Below is how it stands now." if is_late else text


def _answers(desk: Desk, item: ReviewRow) -> tuple[list[Answer], str]:
    """What can be said about all of it, each with what it will do; or why nothing can be."""
    if item.state != "open" or not desk.may(Role.RECONCILER.value):
        return [], ""
    found = []
    for action in _WHOLE:
        foreseen = _foreseen(desk, item, _resolving(desk, item, Resolution(action=action)))
        if foreseen.wrong:  # it is one of ours, or moves nothing any more
            return [], foreseen.wrong
        found.append(Answer(action, _after(action, foreseen), foreseen.entries))
    return found, ""


def _undone(desk: Desk, item: ReviewRow) -> str:
    if not desk.may(Role.RECONCILER.value):
        return ""
    foreseen = _foreseen(desk, item, lambda work: resolutions.undo(work, item.id))
    return _after("take_back", foreseen)


def _split(
    desk: Desk, item: ReviewRow, claims: Sequence[ClaimLine], looked: Resolution | None
) -> Split:
    """As typed, or as the books have it; with what it will do once that was asked for."""
    lines = _lines(item, claims)
    if request.method != "POST":
        return Split(lines)
    split = Split(_as_typed(lines, request.form), request.form.get("treatment", ""))
    if looked is None:
        return split
    foreseen = _foreseen(desk, item, _resolving(desk, item, looked))
    if foreseen.wrong:
        return replace(split, wrong=foreseen.wrong)
    return replace(split, after=_after("split", foreseen), entries=foreseen.entries)


def _resolving(desk: Desk, item: ReviewRow, answer: Resolution) -> Callable[[Work], object]:
    policy = policy_of(desk.runtime.settings)
    return lambda work: resolutions.resolve(work, item.id, answer, policy, rev=item.rev)


def _foreseen(desk: Desk, item: ReviewRow, deed: Callable[[Work], object]) -> Foreseen:
    return consequences.of_payment(desk, item.payment_id or "", deed)


def _after(action: str, foreseen: Foreseen) -> str:
    said = foreseen.after
    return f"{said}. {words.OWING[action]}" if said else words.NOTHING_OWED[action]


# Another split


def _lines(item: ReviewRow, claims: Sequence[ClaimLine]) -> list[Line]:
    """Every document that the payment is put to, with what the books say the refund took of it."""
    took = {one.invoice_id or one.deposit_id: one.amount for one in item.took_from}
    found: dict[str, Line] = {}
    for claim in claims:
        target = claim.invoice_id or claim.deposit_id
        if claim.closed_at is not None or target is None or len(found) >= LINES_MAX:
            continue
        amount = took.get(target, 0)
        typed = words.typed(amount, item.currency) if amount and item.currency else ""
        found[target] = Line(
            target, claim.target, bool(claim.deposit_id), claim.gross, typed, amount
        )
    return list(found.values())


def _typed_split(desk: Desk, item_id: str) -> Split:
    """What was typed. Raises Refused, naming the field, where it cannot be read."""
    with desk.runtime.read() as session:
        item = review_queue.one(session, item_id)
        claims = screens_payments.claims(session, item.payment_id or "")
    treatment = forms.choice(
        request.form, "treatment", REFUND_TREATMENTS, ask="Choose whether these are owed again"
    )
    lines = [_read(line, request.form, item.currency or "") for line in _lines(item, claims)]
    return Split(lines, treatment)


def _read(line: Line, form: Mapping[str, str], currency: str) -> Line:
    amount = forms.amount_or_none(form, line.field, currency)
    return replace(line, amount=amount.minor if amount else 0)


def _as_typed(lines: Sequence[Line], form: Mapping[str, str]) -> list[Line]:
    return [
        replace(line, typed=form.get(line.field, line.typed)[:TYPED_CHARS_MAX]) for line in lines
    ]
