"""Disputes: what banks ask for or took, until when to answer, and what becomes of a loss."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from flask import Response, request

from reconciler.books.accounts import Role as AccountRole
from reconciler.books.disputes import Decision
from reconciler.books.people import Role
from reconciler.books.reviews import ANSWERED
from reconciler.errors import Conflict, NotFound, Refused
from reconciler.reads import (
    agreed,
    audit,
    disputes as reads,
    ledger,
    lines_shown,
    pages,
    review_queue,
    screens_people,
)
from reconciler.reads.disputes import DisputeRow
from reconciler.reads.ledger import EntryRow
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.services import disputes, resolutions
from reconciler.services.refund_limits import policy_of
from reconciler.services.resolutions import Resolution
from reconciler.web import forms, rail_pages
from reconciler.web.admin import (
    consequences,
    dispute_case,
    dispute_story,
    dispute_words,
    errors,
    next_up,
    paging,
    timeline,
    words,
)
from reconciler.web.admin.consequences import Foreseen, Planned
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.reminders import KINDS
from reconciler.web.admin.routes import Screens
from reconciler.work import Cause

screens = Screens()

_TURN = ("text",)  # a page goes on after a dispute, by its id
_SAID = frozenset({*Decision, ANSWERED, "unanswered"})
_CHOICES = (Decision.CHASE, Decision.WRITE_OFF, Decision.CREDIT)


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that a loss may become, when one would say so, and what it will do, in words."""

    decision: str
    label: str
    when: str
    after: str
    entries: Sequence[Planned]


_LISTED = Listed(
    "disputes",
    (
        "id", "rail", "rail_dispute_id", "payment_id", "rail_payment_id", "customer_id", "customer",
        "kind", "stage", "status", "reason", "currency", "amount", "taken", "lost",
        "evidence_due_at", "evidence_days_left", "decision", "on_hold", "opened_at", "updated_at",
    ),
    ("amount", "taken", "lost"),
)  # fmt: skip


def _is_all() -> bool:
    return request.args.get("view") == "all"


def _rows(desk: Desk, session: Session, wanted: Wanted) -> Page[DisputeRow]:
    if _is_all():
        return reads.page(session, {}, wanted, now=desk.now)
    after = str(pages.decode(wanted.cursor, _TURN)[0]) if wanted.cursor else None
    rows = reads.waiting(session, now=desk.now, after=after, limit=wanted.limit + 1)
    page, more = rows[: wanted.limit], len(rows) > wanted.limit
    return Page(page, pages.encode([page[-1].id]) if more else None)


@screens.get("/disputes")
@offers_csv(_LISTED, _rows)
def list_disputes(desk: Desk) -> Response:
    """What waits, the nearest day first; or all of them, the last opened first."""
    with desk.runtime.read() as session:
        page = _rows(desk, session, paging.wanted())
        waiting = reads.numbers_waiting(session, desk.today)
        snoozed = reads.snoozed(session, [one.id for one in page.data], desk.today)
    return desk.page(
        "disputes.html",
        lines=page.data,
        waiting=waiting,
        snoozed=snoozed,
        is_all=_is_all(),
        days_left=words.days_left,
        older=paging.next_page(page.next_cursor),
    )


@screens.get("/disputes/<dispute_id>")
def show_dispute(desk: Desk, dispute_id: str) -> Response:
    """One dispute."""
    return _show(desk, dispute_id)


@screens.post("/disputes/<dispute_id>/decide", Role.RECONCILER)
def decide_dispute(desk: Desk, dispute_id: str) -> Response:
    """Say what becomes of a loss, or take back what was said."""

    def decide() -> str:
        said = forms.choice(
            request.form,
            "decision",
            [word.value for word in Decision],
            ask="Choose what becomes of it",
        )
        note = forms.words(request.form, "note")
        rev = forms.whole(request.form, "rev")
        desk.do(lambda work: disputes.decide(work, dispute_id, Decision(said), note=note, rev=rev))
        return said

    return _tried(desk, dispute_id, decide)


@screens.post("/disputes/<dispute_id>/answered", Role.RECONCILER)
def note_answer(desk: Desk, dispute_id: str) -> Response:
    """Say that it was answered at the rail, when and with what: the bank decides now."""
    policy = policy_of(desk.runtime.settings)

    def answer() -> str:
        given = Resolution(
            action=ANSWERED,
            answered_on=forms.day(request.form, "answered_on"),
            note=forms.text(request.form, "handed_in", chars_max=forms.NOTE_CHARS_MAX),
        )
        item, rev = forms.text(request.form, "item"), forms.whole(request.form, "item_rev")
        desk.do(lambda work: resolutions.resolve(work, item, given, policy, rev=rev))
        return ANSWERED

    return _tried(desk, dispute_id, answer)


@screens.post("/disputes/<dispute_id>/answered/undo", Role.RECONCILER)
def take_answer_back(desk: Desk, dispute_id: str) -> Response:
    """It was not answered after all: it is asked again."""
    try:
        item = forms.text(request.form, "item")
        desk.do(lambda work: resolutions.undo(work, item))
    except NotFound:
        raise
    except Refused as error:
        return _show(desk, dispute_id, status=409, error=errors.sentence(error))
    return go("show_dispute", dispute_id=dispute_id, said="unanswered")


def _tried(desk: Desk, dispute_id: str, deed: Callable[[], str]) -> Response:
    """Do it and say its word; what is refused is said on the page itself."""
    try:
        said = deed()
    except NotFound:
        raise
    except Conflict as error:
        return _show(desk, dispute_id, status=409, error=errors.sentence(error))
    except Refused as error:
        return _show(desk, dispute_id, status=422, error=errors.sentence(error))
    return go("show_dispute", dispute_id=dispute_id, said=said)


def _show(desk: Desk, dispute_id: str, *, status: int = 200, error: str = "") -> Response:
    with desk.runtime.read() as session:
        dispute = reads.one(session, dispute_id, now=desk.now)
        found = ledger.entries_of(session, "payment_id", [dispute.payment_id])
        entries = _own(found.get(dispute.payment_id, []), dispute)
        causes = [line.cause for line in dispute.history if line.cause]
        people = [*timeline.causes(entries), *_people(causes), *_answerer(dispute)]
        names = screens_people.names(session, people)
        told = audit.about(session, [dispute.rail_dispute_id], ["dispute.decided"])
        was_said = _was_said(error)
        case = dispute_case.of(desk, session, {dispute.rail_dispute_id: dispute.payment_id}).get(
            dispute.rail_dispute_id
        )
        following = next_up.of_losses(desk, session, dispute_id) if was_said else None
        asked = dispute.review_item_id
        question = review_queue.one(session, asked) if asked else None
        told_of = [one.invoice_id for one in dispute.invoices]
        proof = agreed.about(
            session,
            [*told_of, *(one.deposit_id for one in dispute.deposits)],
            dispute.payment_id,
            today=desk.today,
        )
        lines = lines_shown.of(session, told_of)
    return desk.page(
        "dispute.html",
        status=status,
        dispute=dispute,
        heading=_heading(dispute),
        url=rail_pages.of_dispute(dispute, desk.runtime.settings),
        left=words.days_left(dispute.evidence_days_left),
        choices=_choices(desk, dispute),
        error=error,
        typed=request.form.get("note", ""),
        answer={"handed_in": "", "answered_on": desk.today.isoformat()} | request.form.to_dict(),
        answered_by=" ".join(names.get(one, "") for one in _answerer(dispute)),
        was_said=was_said,
        next_up=following,
        case=case,
        question=question,
        proof=proof,
        lines=lines,
        mail_kinds=KINDS,
        posted=[*entries, *_opened(found.get(dispute.payment_id, []), entries)],
        decided=told[-1] if told and dispute.decision is not Decision.UNDECIDED else None,
        moments=dispute_story.moments(dispute, entries, names, told),
    )


def _was_said(error: str) -> str:
    said = request.args.get("said", "")
    return said if said in _SAID and not error else ""


def _answerer(dispute: DisputeRow) -> list[str]:
    return [dispute.answer.by.rpartition("/")[2]] if dispute.answer else []


def _heading(dispute: DisputeRow) -> str:
    bank = f"The bank of {dispute.customer}" if dispute.customer else "A payer's bank"
    claimed = words.shown(dispute.amount, dispute.currency) if dispute.currency else "a payment"
    return f"{bank} {dispute_words.DISPUTING[dispute.kind]} {claimed}"


def _own(entries: Iterable[EntryRow], dispute: DisputeRow) -> list[EntryRow]:
    """The payment's entries that are about this dispute."""
    return [entry for entry in entries if f"/dispute/{dispute.rail_dispute_id}/" in entry.key]


_OPENED = frozenset({AccountRole.ACCOUNTS_RECEIVABLE.value, AccountRole.CUSTOMER_DEPOSITS.value})


def _opened(entries: Iterable[EntryRow], own: Iterable[EntryRow]) -> list[EntryRow]:
    """Those by which documents were owed again, or a deposit held less, in the same moment."""
    keys, moments = {entry.key for entry in own}, {entry.at for entry in own}
    return [
        entry
        for entry in entries
        if entry.key not in keys
        and entry.at in moments
        and any(line.debit and line.role in _OPENED for line in entry.postings)
    ]


def _people(causes: Iterable[Cause]) -> list[str]:
    return [cause.id for cause in causes if cause.kind == "person"]


def _choices(desk: Desk, dispute: DisputeRow) -> list[Choice]:
    """What can be decided now, each with what it will do: seen by doing it and giving it up."""
    if not dispute.lost or not desk.may(Role.RECONCILER.value):
        return []
    possible = _CHOICES if dispute.decision is Decision.UNDECIDED else (Decision.UNDECIDED,)
    found = []
    for decision in possible:
        deed = partial(disputes.decide, dispute_id=dispute.id, decision=decision)
        foreseen = consequences.of_payment(desk, dispute.payment_id, deed)
        label = words.DECISIONS[decision.value]
        when = dispute_words.CHOSEN_WHEN.get(decision.value, "")
        after = _after(decision, foreseen)
        found.append(Choice(decision.value, label, when, after, foreseen.entries))
    return found


def _after(decision: Decision, foreseen: Foreseen) -> str:
    if foreseen.wrong:
        return foreseen.wrong
    if not foreseen.after:
        return words.NO_EFFECT[decision.value]
    return f"{foreseen.after}. {words.EFFECTS[decision.value]}"
