"""The routes under /exports: everything, as files."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.books.people import Scope, grants
from reconciler.errors import Forbidden, Invalid, NotFound
from reconciler.reads import export_kinds, export_text
from reconciler.reads.export_kinds import KINDS, ONLY_ADMINS
from reconciler.reads.export_rows import Window
from reconciler.reads.pages import Page
from reconciler.web import downloads
from reconciler.web.api.fields import End, Query, Start
from reconciler.web.api.routes import Call, Look, Resource
from reconciler.web.downloads import Spooled

resource = Resource("exports")


class Form(StrEnum):
    """How a file is written."""

    CSV = "csv"
    JSON = "json"


_TYPES = {Form.CSV: "text/csv; charset=utf-8", Form.JSON: "application/json"}


class ExportQuery(Query):
    """How, and from when to when."""

    format: Form = Form.CSV
    since: Start | None = None
    until: End | None = None


@dataclass(frozen=True, slots=True)
class ExportRow:
    """A noun that is exported, the columns of its CSV, and by what instant a window chooses."""

    noun: str
    by: str
    columns: list[str]


@resource.get("/exports")
def listed(look: Look) -> Page[ExportRow]:
    """List the nouns that are exported."""
    del look
    return Page([ExportRow(noun, kind.by, kind.table.header) for noun, kind in KINDS.items()], None)


@resource.get("/exports/{noun}")
def export(look: Look, noun: str, query: ExportQuery, call: Call) -> Spooled:
    """Hand out everything of a noun as CSV or JSON, the oldest first.

    Amounts are there twice: in minor units, and as decimals. All of it is of one moment. `audit`
    needs a key of scope `admin`.
    """
    if noun not in KINDS:
        raise NotFound(f"there is no export of {noun[:40]}")
    if noun in ONLY_ADMINS and not grants(call.principal.scope, Scope.ADMIN):
        raise Forbidden(
            f"this needs a key of scope {Scope.ADMIN}; yours has {call.principal.scope}"
        )
    if query.since and query.until and query.since >= query.until:
        raise Invalid("must be after since", field="until")
    window = Window(query.since, query.until)
    export_kinds.take_time(look.session)
    pieces = export_text.pieces(look.session, noun, query.format, window, today=look.today)
    name = f"{noun}-{look.today.isoformat()}.{query.format}"
    return downloads.spool(pieces, file_name=name, content_type=_TYPES[query.format])
