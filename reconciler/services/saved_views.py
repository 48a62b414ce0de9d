"""Views of lists that people keep under a name: theirs, and shared where they say so."""

import re
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa
from sqlmodel import col, select

from reconciler.books import texts
from reconciler.errors import Conflict, Invalid, NotFound
from reconciler.ids import new_id
from reconciler.services import audit
from reconciler.store.saved_views import SavedView
from reconciler.work import Work

NAME_CHARS_MAX = 60
QUERY_CHARS_MAX = 1_000
VIEWS_MAX = 20  # of one person on one page: with more, nobody finds theirs
_PAGE = re.compile(r"/admin/[a-z-]+(?:/[a-z-]+)?")
# What stands in an address and is no filter: where a page goes on, and what was just done.
_PASSING = frozenset({"before", "matched", "undone", "said", "snoozed", "snoozed_before"})


def save(work: Work, *, page: str, query: str, name: str, is_shared: bool) -> str:
    """Keep an address under a name; gives its id. One that has the name already is replaced.

    Raises Invalid, naming the field, and Conflict for one too many.
    """
    if not _PAGE.fullmatch(page):
        raise Invalid("that is no list of ours", field="page")
    called = texts.line(name, field="name", chars_max=NAME_CHARS_MAX)
    kept = filters_of(query)
    mine = work.session.exec(
        select(SavedView).where(SavedView.user_id == work.cause.id, SavedView.page == page)
    ).all()
    view = next((one for one in mine if one.name.lower() == called.lower()), None)
    before = {"query": view.query, "is_shared": view.is_shared} if view else {}
    if view is None:
        if len(mine) >= VIEWS_MAX:
            raise Conflict(f"{VIEWS_MAX} views are kept of one page: remove one first")
        view = SavedView(id=new_id("view"), user_id=work.cause.id, page=page, created_at=work.now)
    view.name, view.query, view.is_shared = called, kept, is_shared
    work.session.add(view)
    after = {"page": page, "name": called, "query": kept, "is_shared": is_shared}
    audit.note(work, "view.saved", view.id, before=before, after=after)
    return view.id


def remove(work: Work, view_id: str) -> str:
    """Forget one's own view; gives the page that it was of. Raises NotFound."""
    view = work.session.exec(
        select(SavedView).where(SavedView.id == view_id, SavedView.user_id == work.cause.id)
    ).first()
    if view is None:
        raise NotFound("you have kept no such view")
    before = {"page": view.page, "name": view.name, "query": view.query}
    audit.note(work, "view.removed", view_id, before=before)
    work.session.execute(sa.delete(SavedView).where(col(SavedView.id) == view_id))
    return view.page


def filters_of(query: str) -> str:
    """The filters of an address, without what passes. Raises Invalid for what is none."""
    if len(query) > QUERY_CHARS_MAX or not query.isprintable():
        raise Invalid("that is no list of filters", field="query")
    said = parse_qsl(query, keep_blank_values=False)
    return urlencode([(name, value) for name, value in said if name not in _PASSING])
