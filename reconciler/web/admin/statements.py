"""Bank statements: reading one, and saying what each of its lines is."""

from dataclasses import dataclass

from flask import Response, request

from reconciler import currencies
from reconciler.books.bank_lines import DayOrder, Fit, LineState, TargetKind
from reconciler.books.bank_sums import Sum
from reconciler.books.people import Role
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.reads import screens_people, statements as reads
from reconciler.reads.pages import Wanted
from reconciler.reads.statements import LineShown
from reconciler.services import statements
from reconciler.services.statements import Statement
from reconciler.web import forms
from reconciler.web.admin import errors
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.paging import PER_PAGE, next_page
from reconciler.web.admin.routes import Screens

screens = Screens()

_SHOWN = {state.value for state in LineState}


@dataclass(frozen=True, slots=True)
class Line:
    """A line with what it might be, and who said what it is."""

    shown: LineShown
    fits: list[Fit]
    sums: list[Sum]
    by: str


@screens.get("/statements")
def list_statements(desk: Desk) -> Response:
    """Statements that were read, and the payouts that ought to stand on them and do not."""
    return _list(desk)


@screens.post("/statements", Role.RECONCILER)
def read_statement(desk: Desk) -> Response:
    """Read a bank's file, and tie what is certain."""
    try:
        given = _given()
        taken = desk.do(lambda work: statements.take(work, given))
    except Refused as error:
        return _list(desk, status=422, error=errors.sentence(error))
    return go("show_statement", statement_id=taken.statement_id, again=int(taken.is_repeated))


@screens.get("/statements/<statement_id>")
def show_statement(desk: Desk, statement_id: str) -> Response:
    """One statement, line by line."""
    return _show(desk, statement_id)


@screens.post("/statements/<statement_id>/lines/<bank_line_id>", Role.RECONCILER)
def settle_line(desk: Desk, statement_id: str, bank_line_id: str) -> Response:
    """Say what a line is, or take back what was said."""
    try:
        said = forms.text(request.form, "do")
        rev = forms.whole(request.form, "rev")
        _settle(desk, bank_line_id, said, rev)
    except NotFound:
        raise
    except Conflict as error:
        return _show(desk, statement_id, status=409, error=errors.sentence(error))
    except Refused as error:
        return _show(desk, statement_id, status=422, error=errors.sentence(error))
    return go("show_statement", statement_id=statement_id, state=request.form.get("state") or None)


def _settle(desk: Desk, line_id: str, said: str, rev: int) -> None:
    deed, _, target = said.partition(" ")
    if deed == "untie":
        desk.do(lambda work: statements.untie(work, line_id, rev=rev))
    elif deed == "take_up":
        desk.do(lambda work: statements.take_up(work, line_id, rev=rev))
    elif deed == "set_aside":
        why = forms.text(request.form, "why", chars_max=statements.WHY_CHARS_MAX)
        desk.do(lambda work: statements.set_aside(work, line_id, why, rev=rev))
    elif deed in set(TargetKind) and " " in target:
        parts = target.split()
        desk.do(lambda work: statements.tie_sum(work, line_id, TargetKind(deed), parts, rev=rev))
    elif deed in set(TargetKind) and target:
        kind = TargetKind(deed)
        desk.do(lambda work: statements.tie(work, line_id, kind, target, rev=rev))
    else:
        raise Invalid("Say what this line is", field="do")


def _given() -> Statement:
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Invalid("Choose the file that the bank gave you", field="file")
    with file.stream as stream:  # a large one lies in a temporary file
        body = stream.read()
    order = request.form.get("day_order", "")
    return Statement(
        bank_account=forms.text(
            request.form, "bank_account", chars_max=statements.ACCOUNT_CHARS_MAX
        ),
        file_name=file.filename[: statements.FILE_NAME_CHARS_MAX],
        body=body,
        currency=currencies.code(typed) if (typed := request.form.get("currency")) else None,
        day_order=DayOrder(order) if order in set(DayOrder) else None,
    )


def _list(desk: Desk, *, status: int = 200, error: str = "") -> Response:
    wanted = Wanted(limit=PER_PAGE, cursor=request.args.get("before") or None)
    with desk.runtime.read() as session:
        page = reads.page(session, wanted)
        missing = reads.missing(session)
        accounts = reads.accounts(session)
    return desk.page(
        "statements.html",
        status=status,
        lines=page.data,
        missing=missing,
        accounts=accounts,
        typed=request.form,
        error=error,
        older=next_page(page.next_cursor),
    )


def _show(desk: Desk, statement_id: str, *, status: int = 200, error: str = "") -> Response:
    asked = request.values.get("state", "")
    state = asked if asked in _SHOWN else None
    wanted = Wanted(limit=PER_PAGE, cursor=request.args.get("before") or None)
    with desk.runtime.read() as session:
        statement = reads.one(session, statement_id)
        page = reads.lines(session, statement_id, state, wanted)
        fits = reads.suggestions(session, page.data)
        sums = reads.sums(session, page.data)
        people = {line.tied_by for line in page.data if line.tied_by}
        names = screens_people.names(session, people)
    return desk.page(
        "statement.html",
        status=status,
        statement=statement,
        state=state or "",
        lines=[
            Line(one, fits.get(one.id, []), sums.get(one.id, []), names.get(one.tied_by or "", ""))
            for one in page.data
        ],
        is_repeated=request.args.get("again") == "1",
        error=error,
        older=next_page(page.next_cursor),
    )
