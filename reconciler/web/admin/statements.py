"""Bank statements: reading one, and saying what each of its lines is."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Response, request

from reconciler import currencies
from reconciler.books import bank_fees
from reconciler.books.bank_lines import DayOrder, Fit, LineState, TargetKind
from reconciler.books.bank_sums import Sum
from reconciler.books.people import Role
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.reads import bank_corrections as corrected, screens_people, statements as reads
from reconciler.reads.pages import LIMIT_MAX, Page, Session, Wanted
from reconciler.reads.statements import LineShown, Named, StatementRow
from reconciler.services import bank_corrections, statements
from reconciler.services.bank_fees import Granted
from reconciler.services.statements import Statement
from reconciler.web import forms
from reconciler.web.admin import errors, paging
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
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
    bounds: Mapping[str, int]
    also: list[Named]

    def fee(self, fit: Fit) -> int:
        """What the bank would have taken, if that may be; else 0. Minor units."""
        line = reads.as_line(self.shown)
        return bank_fees.difference(line, fit.target) if self._may_be(fit) else 0

    def _may_be(self, fit: Fit) -> bool:
        return bank_fees.fits(reads.as_line(self.shown), fit.target, self.bounds)

    @property
    def may_have_a_fee(self) -> bool:
        """Whether any of what fits could be tied with one."""
        return any(map(self.fee, self.fits))


_LISTED = Listed(
    "statements",
    (
        "id", "bank_account", "file_name", "form", "lines", "new", "open", "tied", "set_aside",
        "bad", "first_on", "last_on", "read_at",
    ),
)  # fmt: skip
_LISTED_LINES = Listed(
    "bank-lines",
    (
        "id", "number", "booked_on", "currency", "amount", "text", "reference", "counterparty",
        "state", "target_kind", "target_id", "name", "also", "tied_by", "reasons", "why",
    ),
    ("amount",),
)  # fmt: skip


def _rows(desk: Desk, session: Session, wanted: Wanted) -> Page[StatementRow]:
    del desk
    return reads.page(session, wanted)


def _state() -> str | None:
    asked = request.values.get("state", "")
    return asked if asked in _SHOWN else None


def _lines(desk: Desk, session: Session, wanted: Wanted, statement_id: str) -> Page[LineShown]:
    del desk
    return reads.lines(session, statement_id, _state(), wanted)


@screens.get("/statements")
@offers_csv(_LISTED, _rows)
def list_statements(desk: Desk) -> Response:
    """Statements that were read, and what ought to stand on them and does not."""
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
@offers_csv(_LISTED_LINES, _lines)
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


@screens.post("/bank-corrections/<correction_id>", Role.RECONCILER)
def decide_correction(desk: Desk, correction_id: str) -> Response:
    """Take a line as the bank says now, or keep it as it is."""
    with desk.runtime.read() as session:
        statement_id = corrected.one(session, correction_id).statement_id
    try:
        rev = forms.whole(request.form, "rev")
        said = forms.choice(
            request.form, "do", {"take", "decline"}, ask="Take it, or keep the line"
        )
        if said == "take":
            desk.do(lambda work: bank_corrections.take(work, correction_id, rev=rev))
        else:
            why = forms.text(request.form, "why", chars_max=statements.WHY_CHARS_MAX)
            desk.do(lambda work: bank_corrections.decline(work, correction_id, why, rev=rev))
    except NotFound:
        raise
    except Conflict as error:
        return _show(desk, statement_id, status=409, error=errors.sentence(error))
    except Refused as error:
        return _show(desk, statement_id, status=422, error=errors.sentence(error))
    return go("show_statement", statement_id=statement_id)


def _settle(desk: Desk, line_id: str, said: str, rev: int) -> None:
    deed, _, target = said.partition(" ")
    if deed == "untie":
        desk.do(lambda work: statements.untie(work, line_id, rev=rev))
    elif deed == "take_up":
        desk.do(lambda work: statements.take_up(work, line_id, rev=rev))
    elif deed == "set_aside":
        why = forms.text(request.form, "why", chars_max=statements.WHY_CHARS_MAX)
        desk.do(lambda work: statements.set_aside(work, line_id, why, rev=rev))
    elif deed in set(TargetKind) and target.startswith("less "):
        bounds = desk.runtime.settings.bank_fee_max
        fee = Granted(request.form.get("fee_why", ""), bounds)
        of, kind = target.removeprefix("less "), TargetKind(deed)
        desk.do(lambda work: statements.tie(work, line_id, kind, of, rev=rev, fee=fee))
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
    with desk.runtime.read() as session:
        page = _rows(desk, session, paging.wanted())
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
        older=paging.next_page(page.next_cursor),
    )


def _show(desk: Desk, statement_id: str, *, status: int = 200, error: str = "") -> Response:
    with desk.runtime.read() as session:
        statement = reads.one(session, statement_id)
        page = _lines(desk, session, paging.wanted(), statement_id)
        bounds = desk.runtime.settings.bank_fee_max
        suggested = reads.suggestions(session, page.data, bounds)
        waiting = corrected.page(
            session, {"statement_id": statement_id, "state": "open"}, Wanted(LIMIT_MAX)
        )
        people = {line.tied_by for line in page.data if line.tied_by}
        names = screens_people.names(session, people)
        parts = reads.named(session, {other for line in page.data for other in line.also})
    return desk.page(
        "statement.html",
        status=status,
        statement=statement,
        corrections=waiting.data,
        state=_state() or "",
        lines=[
            Line(
                one,
                suggested.fits.get(one.id, []),
                suggested.sums.get(one.id, []),
                names.get(one.tied_by or "", ""),
                bounds,
                [parts[other] for other in one.also if other in parts],
            )
            for one in page.data
        ],
        is_repeated=request.args.get("again") == "1",
        error=error,
        older=paging.next_page(page.next_cursor),
    )
