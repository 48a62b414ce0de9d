"""Everything else that waits for a person: what it is about, and a note that closes it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask import Response, request

from reconciler.books.people import Role
from reconciler.books.reviews import MATCHING_KINDS, ReviewKind
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.rails.protocol import Remark
from reconciler.reads import (
    lines_shown,
    notes,
    rail_messages,
    review_queue,
    screens_payments,
    screens_refunds,
    waits_since,
)
from reconciler.reads.notes import NoteRow
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.reads.question_order import Sort
from reconciler.reads.refunds import Outline
from reconciler.reads.review_queue import ReviewRow
from reconciler.reads.screens_payments import ClaimLine
from reconciler.services import resolutions
from reconciler.services.refund_limits import policy_of
from reconciler.services.resolutions import Resolution
from reconciler.web import forms
from reconciler.web.admin import (
    dispute_case,
    errors,
    next_up,
    outside_refunds,
    paging,
    question_words,
)
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.question_groups import GROUPS, TITLES
from reconciler.web.admin.question_words import Told
from reconciler.web.admin.routes import Screens
from reconciler.web.question_notes import noted_on

screens = Screens()

OLD = timedelta(days=2)
PER_PAGE = 18  # each is a card with all that can be done about it, five kilobytes at most
_NOTES_MAX = 3  # of each: the rest is where it is noted
_OF_REFUNDS = {ReviewKind.REFUND_FAILED, ReviewKind.EXTERNAL_REFUND, ReviewKind.MANUAL_REFUND}
_OUTSIDE = {ReviewKind.REFUND_FAILED, ReviewKind.EXTERNAL_REFUND}

# What of them is shown: with no view, all that is not put off.
VIEWS = {"mine": "Mine", "old": "Older than 2 days", "snoozed": "Snoozed"}

SORTS = {
    Sort.URGENT: "Most urgent first",
    Sort.OLDEST: "Oldest first",
    Sort.NEWEST: "Newest first",
    Sort.LARGEST: "Largest first",
}

_LISTED = Listed(
    "questions",
    (
        "id", "kind", "subject", "payment_id", "invoice_id", "deposit_id", "refund_id",
        "dispute_id", "currency", "amount", "opened_at",
    ),
    ("amount",),
)  # fmt: skip


def _kind() -> str | None:
    kind = request.values.get("kind") or None
    if kind is not None and kind not in set(ReviewKind):
        raise Invalid("There is no such kind of question", field="kind")
    return kind


def _group() -> str | None:
    group = request.values.get("group") or None
    if group is not None and group not in GROUPS:
        raise Invalid("There is no such group of questions", field="group")
    return group


def _rows(desk: Desk, session: Session, wanted: Wanted) -> Page[ReviewRow]:
    return review_queue.page(session, _filters(desk), wanted, _sorted_by())


def _sorted_by() -> Sort:
    """The order that the address asks for: the most urgent first, unless it says otherwise."""
    name = request.args.get("sort", "")
    return Sort(name) if name in set(Sort) else Sort.URGENT


def _filters(desk: Desk) -> dict[str, object]:
    subject = request.args.get("subject") or None
    filters: dict[str, object] = {"state": "open", "kind": _kind(), "subject": subject}
    if group := _group():
        filters |= GROUPS[group].filters
    if not filters["kind"] and not subject:
        filters["waits_as_refund"] = False  # what is asked back waits there, and once
    return filters | _seen(desk, request.args.get("view", ""))


def _place() -> dict[str, str | None]:
    """Where among the questions somebody is, as it stands in the address."""
    view, before, sort = request.args.get("view"), request.args.get("before"), _sorted_by()
    return {
        "kind": _kind(),
        "group": _group(),
        "view": view or None,
        "sort": sort.value if sort is not Sort.URGENT else None,
        "before": before or None,
    }


@screens.get("/questions")
@offers_csv(_LISTED, _rows)
def list_questions(desk: Desk) -> Response:
    """Open questions, of one group or kind, or of all."""
    return _show(desk)


@screens.post("/questions/<item_id>/acknowledge", Role.RECONCILER)
def acknowledge(desk: Desk, item_id: str) -> Response:
    """Close a question with a note."""
    policy = policy_of(desk.runtime.settings)
    try:
        note = forms.text(request.form, "note", chars_max=forms.NOTE_CHARS_MAX)
        rev = forms.whole(request.form, "rev")
        answer = Resolution(action="acknowledge", note=note)
        desk.do(lambda work: resolutions.resolve(work, item_id, answer, policy, rev=rev))
    except NotFound:
        raise
    except Conflict as error:
        return _show(desk, status=409, item_id=item_id, error=errors.sentence(error))
    except Refused as error:
        return _show(desk, status=422, item_id=item_id, error=errors.sentence(error))
    return go("list_questions", **_place(), closed=item_id, _anchor="done")


def _seen(desk: Desk, view: str) -> dict[str, object]:
    """What a view asks for, and no more."""
    if view == "snoozed":
        return {"snoozed_on": desk.today}
    seen: dict[str, object] = {"in_sight_on": desk.today}
    if view == "mine":
        seen["assigned_to"] = desk.person.id
    elif view == "old":
        seen["since_before"] = desk.now - OLD
    return seen


@dataclass(frozen=True, slots=True)
class About:
    """Whose payment a question is about, what the payment stands on now, and what is asked back.

    `refunds` are those of it that were asked for here since.
    """

    who: str
    rail: str
    claims: Sequence[ClaimLine]
    refunds: Sequence[Outline]


def _about(session: Session, items: Sequence[ReviewRow]) -> dict[str, About]:
    """By question. What its payment pays is looked up where money went back, or should have."""
    lines = screens_payments.payments(session, [one.payment_id for one in items if one.payment_id])
    back = [one.payment_id for one in items if one.payment_id and one.kind in _OF_REFUNDS]
    claims = screens_payments.claims_of(session, back)
    failed = [one for one in items if one.payment_id and one.kind is ReviewKind.REFUND_FAILED]
    asked = screens_refunds.outlines(session, [one.payment_id or "" for one in failed])
    return {
        one.id: About(
            lines[one.payment_id].who,
            lines[one.payment_id].rail,
            [c for c in claims.get(one.payment_id, []) if c.amount]
            if one.kind in _OF_REFUNDS
            else [],
            _since(one, asked.get(one.payment_id, [])) if one in failed else [],
        )
        for one in items
        if one.payment_id in lines
    }


def _told(items: Iterable[ReviewRow], about: Mapping[str, About]) -> dict[str, Told]:
    rails = {item_id: one.rail for item_id, one in about.items()}
    return {one.id: question_words.told(one, rails.get(one.id, "")) for one in items}


def _invoices(items: Iterable[ReviewRow], about: Mapping[str, About]) -> set[str]:
    """The invoices that these questions are about: their own, and those that the payment is on."""
    claims = (claim for one in about.values() for claim in one.claims)
    own = {one.invoice_id for one in items} | {claim.invoice_id for claim in claims}
    return {one for one in own if one} | {
        part.invoice_id for one in items for part in one.took_from if part.invoice_id
    }


@dataclass(frozen=True, slots=True)
class Closed:
    """What was just closed, before which question of the list it stood, and how many are left."""

    text: str
    before_id: str
    next: str
    left: int


def _closed(desk: Desk, session: Session, items: Sequence[ReviewRow]) -> Closed | None:
    """What the address says was just closed, if it is closed."""
    try:
        item = review_queue.one(session, request.args.get("closed", ""))
    except NotFound:
        return None
    if item.state == "open":
        return None
    after = review_queue.following(session, _filters(desk), item.id, _sorted_by())
    here = [one for one in items if after and one.id == after.id] or list(items[:1])
    following = here[0] if here else None
    return Closed(
        next_up.told(item),
        following.id if following else "",
        next_up.told(following) if following else "",
        review_queue.number(session, _filters(desk)),
    )


def _remarks(desk: Desk, session: Session, items: Sequence[ReviewRow]) -> dict[str, Remark]:
    """By question about a refund made outside, failed or not, what people wrote to it there."""
    outside = [
        one for one in items if one.kind in _OUTSIDE and one.payment_id and not one.refund_id
    ]
    ids = [one.payment_id or "" for one in outside]
    paid = screens_payments.payments(session, ids)
    told = rail_messages.of(session, ids, "refund")
    found = {
        one.id: outside_refunds.remark_in(desk, paid.get(one.payment_id or ""), one.subject, told)
        for one in outside
    }
    return {item_id: remark for item_id, remark in found.items() if remark}


def _since(item: ReviewRow, refunds: Iterable[Outline]) -> list[Outline]:
    return [
        one for one in refunds if one.requested_at >= item.opened_at and one.id != item.refund_id
    ]


def _mine_away(desk: Desk, session: Session) -> int:
    """How many questions of whoever looks are out of sight."""
    mine = {"state": "open", "assigned_to": desk.person.id, "snoozed_on": desk.today}
    return review_queue.number(session, mine)


def _chips(asked: Sequence[tuple[str, bool, int]], shown: str | None) -> list[tuple[str, str, int]]:
    """Each group that holds something, or is open, with its title and how many it holds."""
    found = [(name, group.title, group.number(asked)) for name, group in GROUPS.items()]
    return [one for one in found if one[2] or one[0] == shown]


@dataclass(frozen=True, slots=True)
class Noted:
    """What a note on a question is kept on, and the last of them."""

    subject: str
    notes: Sequence[NoteRow]


def _noted(session: Session, items: Sequence[ReviewRow]) -> dict[str, Noted]:
    """By question, its last notes and what they are on."""
    on = {one.id: noted_on(one) for one in items}
    last = notes.last_of(session, on.values(), limit=_NOTES_MAX)
    return {item_id: Noted(subject, last.get(subject, [])) for item_id, subject in on.items()}


def _show(desk: Desk, *, status: int = 200, item_id: str = "", error: str = "") -> Response:
    kind, group, view = _kind(), _group(), request.args.get("view", "")
    with desk.runtime.read() as session:
        page = _rows(desk, session, paging.wanted(PER_PAGE))
        shown = _seen(desk, view) | {"state": "open", "waits_as_refund": False}
        asked = review_queue.by_kind(session, shown)
        about = _about(session, page.data)
        lines = lines_shown.of(session, _invoices(page.data, about))
        since = waits_since.of(session, [one.id for one in page.data])
        mine_away = _mine_away(desk, session) if view == "mine" else 0
        closed = _closed(desk, session, page.data) if not error else None
        cases = dispute_case.of(
            desk,
            session,
            {one.subject: one.payment_id for one in page.data if one.dispute_id and one.payment_id},
        )
        remarks = _remarks(desk, session, page.data)
        noted = _noted(session, page.data)
    return desk.page(
        "questions.html",
        status=status,
        items=page.data,
        titles=TITLES,
        about=about,
        lines=lines,
        since=since,
        told=_told(page.data, about),
        cases=cases,
        remarks=remarks,
        noted=noted,
        matching=MATCHING_KINDS,
        kind=kind,
        group=group,
        about_group=GROUPS[group].text if group else "",
        view=view if view in VIEWS else "",
        views=VIEWS,
        sorts=SORTS,
        sort=_sorted_by(),
        chips=_chips(asked, group),
        everything=sum(number for _, _, number in asked),
        only_here=GROUPS["here"].number(asked),
        closed=closed,
        mine_away=mine_away,
        place=_place(),
        is_of_one=bool(request.args.get("subject")),
        wrong_id=item_id,
        error=error,
        typed=request.form.get("note", ""),
        older=paging.next_page(page.next_cursor),
    )
