"""Older rows: a cursor in the address, made and checked by reads.pages."""

from datetime import datetime
from typing import cast
from urllib.parse import quote, urlencode

from flask import request

from reconciler.reads import pages

_BY_TIME = ("timestamptz", "text")
PER_PAGE = 50


def before() -> tuple[datetime, str] | None:
    """After which row this page goes on, if it is not the first. Raises Invalid."""
    cursor = request.args.get("before")
    if not cursor:
        return None
    at, row_id = pages.decode(cursor, _BY_TIME)
    return cast("datetime", at), cast("str", row_id)


def older(rows: int, last: tuple[datetime, str] | None, *, per_page: int = PER_PAGE) -> str | None:
    """The address of the next page, if this one is full."""
    if rows < per_page or last is None:
        return None
    return next_page(pages.encode(last))


def next_page(cursor: str | None) -> str | None:
    """This page's address, from after `cursor` on, with the filters it has."""
    if cursor is None:
        return None
    filters = [(name, value) for name, value in request.args.items() if name != "before"]
    return f"{quote(request.path)}?{urlencode([*filters, ('before', cursor)])}"
