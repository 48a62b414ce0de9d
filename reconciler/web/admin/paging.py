"""Older rows: a cursor in the address, made and checked by reads.pages."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar, cast
from urllib.parse import quote, urlencode

from flask import g, request

from reconciler.reads import pages
from reconciler.reads.pages import Page, Wanted

_BY_TIME = ("timestamptz", "text")
PER_PAGE = 50

T = TypeVar("T")


def wanted(per_page: int = PER_PAGE) -> Wanted:
    """Which part of its list this page shows."""
    return Wanted(per_page, request.args.get("before") or None)


def after(cursor: str | None) -> tuple[datetime, str] | None:
    """After which row a list goes on, if it does not begin there. Raises Invalid."""
    if not cursor:
        return None
    at, row_id = pages.decode(cursor, _BY_TIME)
    return cast("datetime", at), cast("str", row_id)


def before() -> tuple[datetime, str] | None:
    """After which row this page goes on, if it is not the first. Raises Invalid."""
    return after(request.args.get("before"))


def older(rows: int, last: tuple[datetime, str] | None, *, per_page: int = PER_PAGE) -> str | None:
    """The address of the next page, if this one is full."""
    return None if rows < per_page or last is None else next_page(pages.encode(last))


def page_of(rows: list[T], wanted: Wanted, key: Callable[[T], tuple[object, ...]]) -> Page[T]:
    """Rows as a page: there are more where it is full, after the key of the last one."""
    is_full = len(rows) == wanted.limit
    return Page(rows, pages.encode(key(rows[-1])) if is_full else None)


def as_csv() -> str | None:
    """The address of this list as a file, with the filters it has; None where it is no list."""
    if not g.get("offers_csv"):
        return None
    filters = [(name, value) for name, value in request.args.items() if name != "before"]
    return f"{quote(request.path)}?{urlencode([*filters, ('as', 'csv')])}"


def next_page(cursor: str | None) -> str | None:
    """This page's address, from after `cursor` on, with the filters it has."""
    if cursor is None:
        return None
    filters = [(name, value) for name, value in request.args.items() if name != "before"]
    return f"{quote(request.path)}?{urlencode([*filters, ('before', cursor)])}"
