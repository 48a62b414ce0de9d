"""The views of the queue of unmatched payments: which of them each shows, and how many those are.

What fits a payment is worked out and not kept, so views by suggestion go through the queue some
payments at a time and sift. They tell no number, and a page of them may hold fewer than it could.
"""

from datetime import timedelta

from flask import request

from reconciler.books.reviews import MATCHING_KINDS, ReviewKind
from reconciler.reads import pages, screens_unmatched
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.reads.screens_unmatched import Sum, Waiting, Which
from reconciler.reads.suggestions import SuggestionRow
from reconciler.web.admin import paging
from reconciler.web.admin.desk import Desk

OLD = timedelta(days=2)
_LOOKS_MAX = 4  # for one page, so that it comes soon whatever waits
_AT_ONCE = 100  # payments whose suggestions are looked up in one go, where all are gone through
_ALL_MAX = 500
_ALL = sorted(kind.value for kind in MATCHING_KINDS)
_OVER = [ReviewKind.OVERPAYMENT.value]
_SEVERAL = [ReviewKind.AMBIGUOUS_MATCH.value]
_VIEWS = {
    "all": ("All", _ALL),
    "strong": ("Strong suggestion", _ALL),
    "none": ("No suggestion", [k for k in _ALL if k not in _OVER]),
    "unmatched": ("Unmatched", [k for k in _ALL if k not in {*_OVER, *_SEVERAL}]),
    "several": ("Several fit", _SEVERAL),
    "over": ("Overpayments", _OVER),
    "old": ("Older than 2 days", _ALL),
    "mine": ("Mine", _ALL),
    "snoozed": ("Snoozed", _ALL),
    "asked": ("Asked back", _ALL),
}
_COUNTED = {"old": "old", "mine": "mine", "snoozed": "snoozed", "asked": "asked"}
_SIFTED = {"strong": "strong", "none": None}  # the word of the best suggestion, or that none is


def named() -> str:
    """The view that the address asks for."""
    view = request.args.get("view", "")
    return view if view in _VIEWS else "all"


def which(desk: Desk, view: str) -> Which:
    """What a view shows to who is at the desk, before it is sifted."""
    return Which(
        kinds=_VIEWS[view][1],
        today=desk.today,
        until=desk.now - OLD if view == "old" else None,
        assigned_to=desk.person.id if view == "mine" else None,
        is_snoozed=view == "snoozed",
        is_asked=view == "asked",
    )


def rows(desk: Desk, session: Session, wanted: Wanted) -> Page[Waiting]:
    """The page of the queue that the address asks for."""
    view = named()
    if view in _SIFTED:
        return _sifted(desk, session, wanted, view)
    return paging.page_of(_some(desk, session, wanted, view), wanted, _key)


def all_strong(
    desk: Desk, session: Session, most: int
) -> tuple[list[Waiting], dict[str, SuggestionRow], bool]:
    """All of a view, of all its pages, whose best suggestion is strong, with those suggestions.

    No more than `most`; and whether the queue goes on after the last that was looked at.
    """
    view = named()
    found: list[Waiting] = []
    ranked: dict[str, SuggestionRow] = {}
    cursor: str | None = None
    for _ in range(_ALL_MAX // _AT_ONCE):
        items = _some(desk, session, Wanted(_AT_ONCE, cursor), view)
        best = screens_unmatched.best(session, [item.payment.id for item in items])
        for item in items:
            suggestion = best.get(item.payment.id)
            if suggestion is not None and suggestion.confidence == _SIFTED["strong"]:
                if len(found) == most:
                    return found, ranked, True
                found.append(item)
                ranked[item.payment.id] = suggestion
            cursor = pages.encode(_key(item))
        if len(items) < _AT_ONCE:
            return found, ranked, False
    return found, ranked, True


def chips(sums: list[Sum], view: str) -> list[tuple[str, str, int | None, bool]]:
    """Each view with its name, how many it holds where that is known, and whether it is open."""
    numbers = {
        name: sum(getattr(one, _COUNTED.get(name, "number")) for one in sums if one.kind in kinds)
        for name, (_, kinds) in _VIEWS.items()
        if name not in _SIFTED
    }
    return [(name, label, numbers.get(name), name == view) for name, (label, _) in _VIEWS.items()]


def _some(desk: Desk, session: Session, wanted: Wanted, view: str) -> list[Waiting]:
    before = paging.after(wanted.cursor)
    return screens_unmatched.waiting(session, which(desk, view), before=before, limit=wanted.limit)


def _sifted(desk: Desk, session: Session, wanted: Wanted, view: str) -> Page[Waiting]:
    found: list[Waiting] = []
    cursor = wanted.cursor
    for _ in range(_LOOKS_MAX):
        items = _some(desk, session, Wanted(wanted.limit, cursor), view)
        best = screens_unmatched.best(session, [item.payment.id for item in items])
        words = {name: one.confidence for name, one in best.items()}
        for item in items:
            if words.get(item.payment.id) == _SIFTED[view]:
                found.append(item)
            cursor = pages.encode(_key(item))
            if len(found) == wanted.limit:
                return Page(found, cursor)
        if len(items) < wanted.limit:
            return Page(found, None)
    return Page(found, cursor)


def _key(item: Waiting) -> tuple[object, ...]:
    return item.opened_at, item.id
