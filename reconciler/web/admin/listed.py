"""A list as a file: the rows that its page shows, by the same filters, all of them.

A list says once how its rows after a known one are read. The page takes the first of them, the file
takes all, from one snapshot.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import wraps
from typing import Any

from flask import Response, g, request

from reconciler.reads import export_text
from reconciler.reads.export_rows import Cell, Row, Table
from reconciler.reads.pages import ROWS_OF_A_FILE, Page, Session, Wanted
from reconciler.web import downloads
from reconciler.web.admin.desk import Desk
from reconciler.web.admin.routes import View

AS = "as"  # what of an address says that its list is wanted as a file
CSV = "csv"
_TYPE = "text/csv; charset=utf-8"

Rows = Callable[..., Page[Any]]  # (desk, session, wanted, and what stands in the address)
Told = Callable[[Desk, Any], Iterable[Mapping[str, object] | object]]


@dataclass(frozen=True, slots=True)
class Listed:
    """How a list is written: its columns, each an attribute of a row, or of what `inside` names.

    `told` makes of a row what is written of it, where that is not the row itself. Columns in
    `money` are minor units of the row's `currency`, and come a second time as decimals.
    """

    name: str
    columns: tuple[str, ...]
    money: tuple[str, ...] = ()
    inside: str = ""
    told: Told | None = None

    @property
    def table(self) -> Table:
        """Its columns and their amounts."""
        return Table(self.columns, dict.fromkeys(self.money, "currency"))


def offers_csv(listed: Listed, rows: Rows) -> Callable[[View], View]:
    """A list's page that is also handed out as CSV, at the same address with `as=csv`."""

    def decorate(view: View) -> View:
        @wraps(view)
        def either(desk: Desk, **names: str) -> Response:
            if request.args.get(AS) == CSV:
                return _file(desk, listed, lambda *given: rows(*given, **names))
            g.offers_csv = True
            return view(desk, **names)

        return either

    return decorate


def _file(desk: Desk, listed: Listed, rows: Rows) -> Response:
    with desk.runtime.read() as session:
        lines = _lines(desk, session, listed, rows)
        made = downloads.spool(
            export_text.as_csv(listed.table, lines),
            file_name=f"{listed.name}-{desk.today.isoformat()}.csv",
            content_type=_TYPE,
        )
    return downloads.answer(made)


def _lines(desk: Desk, session: Session, listed: Listed, rows: Rows) -> Iterator[Row]:
    table = listed.table
    wanted: Wanted | None = Wanted(ROWS_OF_A_FILE)
    while wanted is not None:
        page = rows(desk, session, wanted)
        for row in page.data:
            for told in listed.told(desk, row) if listed.told else (row,):
                yield table.filled(
                    {name: _cell(told, name, listed, desk) for name in table.columns}
                )
        wanted = Wanted(ROWS_OF_A_FILE, page.next_cursor) if page.next_cursor else None


def _cell(told: Mapping[str, object] | object, name: str, listed: Listed, desk: Desk) -> Cell:
    if isinstance(told, Mapping):
        return _plain(told[name])
    ones = (told, getattr(told, listed.inside)) if listed.inside else (told,)
    said = [getattr(one, name) for one in ones if hasattr(one, name)]
    assert said, f"the list {listed.name} has no {name}"
    found = next((value for value in said if value is not None), None)
    return _plain(found(desk.today) if callable(found) else found)


def _plain(value: object) -> Cell:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, int | datetime | date):
        return value
    if isinstance(value, Mapping):
        return [f"{name}: {one}" for name, one in value.items()]
    if isinstance(value, list | tuple):
        return [str(one) for one in value]
    return str(value)
