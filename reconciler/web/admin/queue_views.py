"""The views of the queue of unmatched payments: which each shows, in which order, and how many.

What fits a payment is worked out and not kept, so views by suggestion go through the queue some
payments at a time and sift. They tell no number, and a page of them may hold fewer than it could.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from flask import request

from reconciler.books.reviews import MATCHING_KINDS, ReviewKind
from reconciler.reads import (
    asked_back,
    notes,
    pages,
    screens_unmatched,
    suggestions,
    unmatched_sums,
)
from reconciler.reads.notes import NoteRow
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.reads.screens_unmatched import Ranked, Sort, Waiting, Which
from reconciler.reads.suggestions import SuggestionRow
from reconciler.reads.unmatched_sums import Sum
from reconciler.web import question_notes
from reconciler.web.admin import paging
from reconciler.web.admin.desk import Desk

OLD = timedelta(days=2)
_LOOKS_MAX = 4  # for one page, so that it comes soon whatever waits
_NEXT_OF = 5  # in a view that is sifted, the next one may be further on
_AT_ONCE = 100  # payments whose suggestions are looked up in one go, where all are gone through
_ALL_MAX = 200  # looked through for one answer; the next ones come after these
_NOTES_LOOKED_AT = 20  # the last of one payment, for why it is put off
_ALL = sorted(kind.value for kind in MATCHING_KINDS)
_OVER = [ReviewKind.OVERPAYMENT.value]
_SEVERAL = [ReviewKind.AMBIGUOUS_MATCH.value]
_VIEWS = {
    "all": ("All", _ALL),
    "strong": ("Strong suggestion", [k for k in _ALL if k not in _OVER]),
    "none": ("No suggestion", [k for k in _ALL if k not in _OVER]),
    "unmatched": ("No sure match", [k for k in _ALL if k not in {*_OVER, *_SEVERAL}]),
    "several": ("Several fit", _SEVERAL),
    "over": ("Overpayments", _OVER),
    "old": ("Older than 2 days", _ALL),
    "mine": ("Mine", _ALL),
    "snoozed": ("Snoozed", _ALL),
    "asked": ("Asked back", _ALL),
}
_COUNTED = {"old": "old", "mine": "mine", "snoozed": "snoozed", "asked": "asked"}
# What a view holds, after how many there are and what they come to; of another, "waiting".
_HOLDS = {
    "strong": "waiting in all",
    "none": "waiting in all",
    "mine": "of yours waiting",
    "snoozed": "put off until later",
    "asked": "asked back and not gone yet",
}
_SIFTED = {"strong": "strong", "none": None}  # the word of the best suggestion, or that none is


SORTS = {
    Sort.OLDEST: "Oldest money first",
    Sort.NEWEST: "Newest money first",
    Sort.LARGEST: "Largest first",
    Sort.ASKED: "Asked about last",
}


Seen: TypeAlias = tuple[Page[Waiting], Ranked]  # a page, and what fits each payment of it


@dataclass(frozen=True, slots=True)
class Piece:
    """What was found in one go through a part of the queue.

    `looked_at` payments were gone through for it; `next_cursor` is after which it goes on.
    """

    items: list[Waiting]
    best: dict[str, SuggestionRow]
    looked_at: int
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Head:
    """How many a view holds and what they come to by currency, as the page is headed.

    Of a view that is sifted only the whole queue is known, and `words` say so. `oldest`: since when
    the oldest of what waits does; what is out of sight has no such haste.
    """

    number: int
    sums: list[tuple[str, int]]
    words: str
    oldest: datetime | None


def named() -> str:
    """The view that the address asks for."""
    view = request.args.get("view", "")
    return view if view in _VIEWS else "all"


def sorted_by() -> Sort:
    """The order that the address asks for: the oldest money first, unless it says otherwise."""
    name = request.args.get("sort", "")
    return Sort(name) if name in set(Sort) else Sort.OLDEST


def place() -> dict[str, str]:
    """Where in the queue somebody is, as it stands in the address: view, order and page."""
    view, sort, before = named(), sorted_by(), request.args.get("before", "")
    found = {
        "view": view if view != "all" else "",
        "sort": sort.value if sort is not Sort.OLDEST else "",
        "before": before,
    }
    return {name: value for name, value in found.items() if value}


def which(desk: Desk, session: Session, view: str) -> Which:
    """What a view shows to who is at the desk, before it is sifted."""
    return Which(
        kinds=_VIEWS[view][1],
        today=desk.today,
        asked=asked_back.now(session),
        until=desk.now - OLD if view == "old" else None,
        assigned_to=desk.person.id if view == "mine" else None,
        is_snoozed=view == "snoozed",
        is_asked=view == "asked",
    )


def rows(desk: Desk, session: Session, wanted: Wanted) -> Page[Waiting]:
    """The page of the queue that the address asks for."""
    view = named()
    if view in _SIFTED:
        return _sifted(desk, session, wanted, view)[0]
    return paging.page_of(_some(desk, session, wanted, view), wanted, _key)


def seen(desk: Desk, session: Session, wanted: Wanted) -> Seen:
    """The same with what fits each, which is looked up once."""
    view = named()
    if view in _SIFTED:
        return _sifted(desk, session, wanted, view)
    page = rows(desk, session, wanted)
    return page, suggestions.for_payments(session, [item.payment.id for item in page.data])


def following(desk: Desk, session: Session, item: Waiting | None) -> Waiting | None:
    """The payment that comes after this one in the view; after the last, the first of all."""
    starts = [None] if item is None else [pages.encode(_key(item)), None]
    for cursor in starts:
        found = rows(desk, session, Wanted(_NEXT_OF, cursor)).data
        others = [one for one in found if item is None or one.payment.id != item.payment.id]
        if others:
            return others[0]
    return None


def all_strong(desk: Desk, session: Session, most: int, cursor: str | None) -> Piece:
    """Those of a view whose best suggestion is strong, of all its pages from `cursor` on.

    No more than `most`, and of no more than may be looked through for one answer.
    """
    view = named()
    found: list[Waiting] = []
    ranked: dict[str, SuggestionRow] = {}
    looked_at = 0
    for _ in range(_ALL_MAX // _AT_ONCE):
        items = _some(desk, session, Wanted(_AT_ONCE, cursor), view)
        best = screens_unmatched.best(session, [item.payment.id for item in items])
        for item in items:
            suggestion = best.get(item.payment.id)
            if suggestion is not None and suggestion.confidence == _SIFTED["strong"]:
                if len(found) == most:
                    return Piece(found, ranked, looked_at, cursor)
                found.append(item)
                ranked[item.payment.id] = suggestion
            looked_at += 1
            cursor = pages.encode(_key(item))
        if len(items) < _AT_ONCE:
            return Piece(found, ranked, looked_at, None)
    return Piece(found, ranked, looked_at, cursor)


def chips(found: list[Sum], view: str) -> list[tuple[str, str, int | None, bool]]:
    """Each view with its name, how many it holds where that is known, and whether it is open."""
    return [(name, label, number(found, name), name == view) for name, (label, _) in _VIEWS.items()]


def head(found: list[Sum], view: str) -> Head:
    """What the view that is open holds."""
    kinds, counted = _VIEWS[view][1], _COUNTED.get(view)
    held = [one for one in found if one.kind in kinds]
    if view in _SIFTED:
        held = found
    sums: dict[str, int] = {}
    for one in held:
        amount = int(getattr(one, f"{counted}_amount" if counted else "amount"))
        sums[one.currency] = sums.get(one.currency, 0) + amount
    return Head(
        number=sum(int(getattr(one, counted or "number")) for one in held),
        sums=sorted((code, amount) for code, amount in sums.items() if code and amount),
        words=_HOLDS.get(view, "waiting"),
        oldest=None
        if view in {"mine", "snoozed", "asked"}
        else min((one.oldest for one in held if one.oldest), default=None),
    )


def mine_away(found: list[Sum]) -> int:
    """How many that are somebody's are out of sight."""
    return sum(one.mine_snoozed for one in found)


def sums(desk: Desk, session: Session) -> list[Sum]:
    """How much waits, by kind and currency."""
    return unmatched_sums.sums(
        session, until=desk.now - OLD, today=desk.today, person=desk.person.id
    )


def number(found: list[Sum], view: str, *, is_sifted: bool = False) -> int | None:
    """How many a view holds; of one that is sifted it is only known how many are gone through."""
    if view in _SIFTED and not is_sifted:
        return None
    kinds, counted = _VIEWS[view][1], _COUNTED.get(view, "number")
    return sum(int(getattr(one, counted)) for one in found if one.kind in kinds)


def _some(desk: Desk, session: Session, wanted: Wanted, view: str) -> list[Waiting]:
    sort = sorted_by()
    after = None
    if wanted.cursor:
        after = pages.decode(wanted.cursor, screens_unmatched.places(sort))
    return screens_unmatched.waiting(
        session, which(desk, session, view), sort, after=after, limit=wanted.limit
    )


def _sifted(desk: Desk, session: Session, wanted: Wanted, view: str) -> Seen:
    found: list[Waiting] = []
    ranked: dict[str, Sequence[SuggestionRow]] = {}
    cursor = wanted.cursor
    for _ in range(_LOOKS_MAX):
        items = _some(desk, session, Wanted(wanted.limit, cursor), view)
        ranked |= suggestions.for_payments(session, [item.payment.id for item in items])
        best = screens_unmatched.best_of(ranked)
        words = {name: one.confidence for name, one in best.items()}
        for item in items:
            if words.get(item.payment.id) == _SIFTED[view]:
                found.append(item)
            cursor = pages.encode(_key(item))
            if len(found) == wanted.limit:
                return Page(found, cursor), ranked
        if len(items) < wanted.limit:
            return Page(found, None), ranked
    return Page(found, cursor), ranked


def _key(item: Waiting) -> tuple[object, ...]:
    known = item.place
    return screens_unmatched.place_of(item, sorted_by()) if known is None else known, item.id


def why_away(session: Session, items: Sequence[Waiting], view: str) -> dict[str, NoteRow]:
    """By payment why it is put off, as its note says, in the view that shows what is."""
    if view != "snoozed":
        return {}
    noted = notes.last_of(session, [one.payment_id for one in items], limit=_NOTES_LOOKED_AT)
    found = {
        one.payment_id: question_notes.why_put_off(noted.get(one.payment_id, []), one.snoozed_until)
        for one in items
        if one.snoozed_until
    }
    return {name: note for name, note in found.items() if note}
