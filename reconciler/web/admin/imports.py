"""Import: a file is handed over, seen with what it would change, and taken over; and exports."""

from collections.abc import Callable

from flask import Response, request

from reconciler.books.import_kinds import ImportKind
from reconciler.books.people import Role
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.flows import import_files
from reconciler.reads import export_kinds, export_text, imports as reads
from reconciler.reads.export_kinds import KINDS, ONLY_ADMINS
from reconciler.reads.export_rows import Window
from reconciler.reads.imports import DraftRow
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.services import import_drafts
from reconciler.web import downloads, forms
from reconciler.web.admin import errors, paging
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.routes import Screens

screens = Screens()

Deed = Callable[..., None]

REFRESH_SECONDS = 2
KIND_WORDS = {
    ImportKind.CUSTOMER: "Customers",
    ImportKind.PROJECT: "Projects",
    ImportKind.INVOICE: "Invoices",
    ImportKind.INVOICE_LINE: "Lines of invoices",
    ImportKind.DEPOSIT: "Deposits",
    ImportKind.RECEIPT: "Money received",
    ImportKind.APPLICATION: "Deposits used",
    ImportKind.VENDOR: "Vendors",
    ImportKind.BILL: "Bills",
    ImportKind.BILL_LINE: "Lines of bills",
    ImportKind.BILL_PAYMENT: "Bills paid",
}
STATES = {
    "looking": ("Being looked at", "info"),
    "looked": ("Waits for you", "warn"),
    "taking": ("Being taken over", "info"),
    "taken": ("Taken over", "pos"),
    "failed": ("Not readable", "neg"),
    "dropped": ("Dropped", ""),
}
_FORMS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
_LISTED = Listed(
    "imports",
    (
        "id", "file_name", "kind", "state", "bytes", "refused", "would_change", "import_id", "why",
        "by", "created_at", "changed_at",
    ),
)  # fmt: skip


def _rows(desk: Desk, session: Session, wanted: Wanted) -> Page[DraftRow]:
    del desk
    return reads.page(session, wanted)


@screens.get("/imports")
@offers_csv(_LISTED, _rows)
def list_imports(desk: Desk) -> Response:
    """Files that were handed over, and the form for another."""
    return _list(desk)


@screens.post("/imports", Role.RECONCILER)
def hand_over(desk: Desk) -> Response:
    """Keep a file, and have it looked at."""
    try:
        file = request.files.get("file")
        if file is None or not file.filename:
            raise Invalid("Choose a file with the rows", field="file")
        with file.stream as stream:  # a large one lies in a temporary file
            body = stream.read()
        kind = request.form.get("kind", "")
        handed = import_files.keep(
            desk.runtime,
            body,
            file_name=file.filename,
            kind=ImportKind(kind) if kind in set(ImportKind) else None,
        )
        made = desk.do(lambda work: import_drafts.add(work, handed))
    except Refused as error:
        return _list(desk, status=422, error=errors.sentence(error))
    return go("show_import", draft_id=made)


@screens.get("/imports/<draft_id>")
def show_import(desk: Desk, draft_id: str) -> Response:
    """One file: how far it has come, what it would change, and each row that is refused."""
    return _show(desk, draft_id)


@screens.post("/imports/<draft_id>/take", Role.RECONCILER)
def take_import(desk: Desk, draft_id: str) -> Response:
    """Take all of its rows over."""
    return _decide(desk, draft_id, import_drafts.ask)


@screens.post("/imports/<draft_id>/drop", Role.RECONCILER)
def drop_import(desk: Desk, draft_id: str) -> Response:
    """Take nothing over from it."""
    return _decide(desk, draft_id, import_drafts.drop)


@screens.get("/exports")
def list_exports(desk: Desk) -> Response:
    """Everything that can be taken out in files; or one of them."""
    noun = request.args.get("noun")
    if noun is None:
        nouns = [(name, kind) for name, kind in KINDS.items() if _may_read(desk, name)]
        return desk.page("exports.html", nouns=nouns)
    form = request.args.get("format", "csv")
    if noun not in KINDS or form not in _FORMS or not _may_read(desk, noun):
        raise NotFound("There is no such export")
    with desk.runtime.read() as session:
        export_kinds.take_time(session)
        made = downloads.spool(
            export_text.pieces(session, noun, form, Window(), today=desk.today),
            file_name=f"{noun}-{desk.today.isoformat()}.{form}",
            content_type=_FORMS[form],
        )
    return downloads.answer(made)


def _may_read(desk: Desk, noun: str) -> bool:
    return noun not in ONLY_ADMINS or desk.may(Role.ADMIN)


def _decide(desk: Desk, draft_id: str, deed: Deed) -> Response:
    try:
        rev = forms.whole(request.form, "rev")
        desk.do(lambda work: deed(work, draft_id, rev=rev))
    except NotFound:
        raise
    except Conflict as error:
        return _show(desk, draft_id, status=409, error=errors.sentence(error))
    except Refused as error:
        return _show(desk, draft_id, status=422, error=errors.sentence(error))
    return go("show_import", draft_id=draft_id)


def _list(desk: Desk, *, status: int = 200, error: str = "") -> Response:
    with desk.runtime.read() as session:
        page = _rows(desk, session, paging.wanted())
    return desk.page(
        "imports.html",
        status=status,
        lines=page.data,
        kinds=KIND_WORDS,
        states=STATES,
        typed=request.form,
        error=error,
        older=paging.next_page(page.next_cursor),
    )


def _show(desk: Desk, draft_id: str, *, status: int = 200, error: str = "") -> Response:
    with desk.runtime.read() as session:
        draft = reads.one(session, draft_id)
    is_watched = draft.is_under_way and "still" not in request.args
    return desk.page(
        "import.html",
        status=status,
        draft=draft,
        kinds=KIND_WORDS,
        state=STATES[draft.state],
        error=error,
        refresh=REFRESH_SECONDS if is_watched else None,
    )
