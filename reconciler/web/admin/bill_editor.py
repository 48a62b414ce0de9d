"""A draft of a bill with its lines: as with an invoice, each button sends the form."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from reconciler import currencies
from reconciler.books import bills as bill_rules, invoice_lines as rules
from reconciler.books.bills import CostLine
from reconciler.books.invoice_lines import Priced
from reconciler.books.people import Role
from reconciler.errors import Conflict, Refused
from reconciler.reads import bills as reads, vendors
from reconciler.reads.bills import BillRow
from reconciler.services import bills
from reconciler.services.bills import NewBill
from reconciler.web import forms
from reconciler.web.admin import errors, line_sheet
from reconciler.web.admin.account_words import category_name
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.line_sheet import Editor, Sheet
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()

COLUMNS = (*line_sheet.COLUMNS, "category")
_ABOUT = ("vendor_id", *line_sheet.ABOUT)


@dataclass(frozen=True, slots=True)
class _Typed:
    said: dict[str, object]
    lines: list[CostLine]


@screens.get("/bills/new", Role.RECONCILER)
def new_bill(desk: Desk) -> Response:
    """An empty sheet, for a vendor where one is named."""
    about = dict.fromkeys(_ABOUT, "") | {"vendor_id": request.args.get("vendor", "")}
    return _sheet(desk, line_sheet.empty(about, COLUMNS))


@screens.post("/bills/new", Role.RECONCILER)
def write_bill(desk: Desk) -> Response:
    """Another line, one line less, what it comes to, or the draft itself."""
    return _edited(desk, None)


@screens.get("/bills/<bill_id>/edit", Role.RECONCILER)
def edit_bill(desk: Desk, bill_id: str) -> Response:
    """A draft as it stands."""
    return _sheet(desk, _of(_draft(desk, bill_id)), bill_id)


@screens.post("/bills/<bill_id>/edit", Role.RECONCILER)
def change_bill(desk: Desk, bill_id: str) -> Response:
    """The same as for a new one, on a draft that is there."""
    return _edited(desk, bill_id)


def _edited(desk: Desk, bill_id: str | None) -> Response:
    def keep(bill: _Typed) -> Response:
        kept = desk.once(lambda work: _save(work, bill_id, bill))
        return go("show_bill", bill_id=kept, saved=1)

    return _EDITOR.answer(lambda sheet, refusal: _sheet(desk, sheet, bill_id, refusal), keep)


def _save(work: Work, bill_id: str | None, bill: _Typed) -> str:
    if bill_id is None:
        new: Any = bill.said | {"lines": tuple(bill.lines)}
        return bills.create(work, NewBill(**new))
    rev = forms.whole(request.form, "rev")
    bills.patch(work, bill_id, bill.said | {"lines": bill.lines}, rev=rev)
    return bill_id


def lines_of(sheet: Sheet) -> list[CostLine]:
    """The lines of a sheet as they were typed. Raises Invalid, naming the field."""
    currency = currencies.code(sheet.about["currency"])
    return [
        CostLine(**line_sheet.cells(row, currency, place), category=row["category"])
        for place, row in enumerate(sheet.rows)
    ]


def price(lines: Sequence[CostLine], currency: str) -> Priced:
    """What lines come to. Raises Invalid, naming the field."""
    checked = [bill_rules.checked(line, place=place) for place, line in enumerate(lines)]
    return rules.priced(checked, currency)


def _read(sheet: Sheet) -> _Typed:
    return _Typed(line_sheet.said_of(sheet.about, "vendor_id", "Choose a vendor"), lines_of(sheet))


def _draft(desk: Desk, bill_id: str) -> BillRow:
    with desk.runtime.read() as session:
        bill = reads.one(session, bill_id, today=desk.today)
    if bill.status != "draft":
        raise Conflict(f"Bill {bill.number} is {bill.status}, only a draft is changed")
    return bill


def _of(bill: BillRow) -> Sheet:
    about = {name: str(getattr(bill, name) or "") for name in _ABOUT}
    rows = [
        line_sheet.row_of(line, bill.currency) | {"category": category_name(line.category)}
        for line in bill.lines
    ]
    return Sheet(about, rows)


def _sheet(
    desk: Desk, sheet: Sheet, bill_id: str | None = None, refusal: Refused | None = None
) -> Response:
    with desk.runtime.read() as session:
        known, categories = vendors.names(session), reads.categories(session)
    draft = _draft(desk, bill_id) if bill_id else None
    return desk.page(
        "bill_editor.html",
        sheet=sheet,
        draft=draft,
        rev=request.form.get("rev") or (draft.rev if draft else ""),
        vendors=known,
        categories=[category_name(one) for one in categories],
        **errors.told(refusal),
    )


def _price(bill: _Typed) -> Priced:
    return price(bill.lines, str(bill.said["currency"]))


_EDITOR = Editor(_ABOUT, COLUMNS, _read, _price)
