"""A draft of a bill with its lines: as with an invoice, each button sends the form."""

from typing import Any

from flask import Response, request

from reconciler import currencies
from reconciler.books import bills as bill_rules, invoice_lines as rules
from reconciler.books.bills import CostLine
from reconciler.books.people import Role
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.reads import bills as reads, vendors
from reconciler.reads.bills import BillRow
from reconciler.services import bills
from reconciler.services.bills import NewBill
from reconciler.web import forms
from reconciler.web.admin import errors, line_sheet, words
from reconciler.web.admin.account_words import category_name
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.line_sheet import Sheet
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()

COLUMNS = (*line_sheet.COLUMNS, "category")
_ABOUT = ("vendor_id", "currency", "number", "issued_on", "due_on", "description")


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
    sheet = line_sheet.typed(_ABOUT, COLUMNS)
    try:
        edited = line_sheet.edited(sheet, COLUMNS)
        if edited is not None:
            return _sheet(desk, edited, bill_id)
        sheet = line_sheet.used(sheet)
        lines, given = lines_of(sheet), _given(sheet)
        if request.form.get("do") == "look":
            checked = [bill_rules.checked(line, place=place) for place, line in enumerate(lines)]
            priced = rules.priced(checked, currencies.code(sheet.about["currency"]))
            return _sheet(desk, Sheet(sheet.about, sheet.rows, priced), bill_id)
        kept = desk.once(lambda work: _save(work, bill_id, given, lines))
    except NotFound:
        raise
    except Refused as error:
        return _sheet(desk, sheet, bill_id, refusal=error)
    return go("show_bill", bill_id=kept, saved=1)


def _save(work: Work, bill_id: str | None, given: dict[str, object], lines: list[CostLine]) -> str:
    if bill_id is None:
        new: Any = given | {"lines": tuple(lines)}
        return bills.create(work, NewBill(**new))
    rev = forms.whole(request.form, "rev")
    bills.patch(work, bill_id, given | {"lines": lines}, rev=rev)
    return bill_id


def lines_of(sheet: Sheet) -> list[CostLine]:
    """The lines of a sheet as they were typed. Raises Invalid, naming the field."""
    """The lines of a sheet as they were typed. Raises Invalid, naming the field."""
    currency = currencies.code(sheet.about["currency"])
    return [
        CostLine(**line_sheet.cells(row, currency, place), category=row["category"])
        for place, row in enumerate(sheet.rows)
    ]


def _given(sheet: Sheet) -> dict[str, object]:
    about = sheet.about
    if not about["vendor_id"]:
        raise Invalid("Choose a vendor", field="vendor_id")
    return {
        "vendor_id": about["vendor_id"],
        "currency": currencies.code(about["currency"]),
        "number": about["number"],
        "issued_on": forms.day(about, "issued_on") if about["issued_on"] else None,
        "due_on": forms.day(about, "due_on") if about["due_on"] else None,
        "description": about["description"].strip() or None,
    }


def _draft(desk: Desk, bill_id: str) -> BillRow:
    with desk.runtime.read() as session:
        bill = reads.one(session, bill_id, today=desk.today)
    if bill.status != "draft":
        raise Conflict(f"Bill {bill.number} is {bill.status}, only a draft is changed")
    return bill


def _of(bill: BillRow) -> Sheet:
    about = {name: str(getattr(bill, name) or "") for name in _ABOUT}
    rows = [
        {
            "description": line.description,
            "quantity": line.quantity,
            "unit_price": words.typed(line.unit_price, bill.currency),
            "tax_rate": line.tax_rate,
            "tax_name": line.tax_name or "",
            "category": category_name(line.category),
        }
        for line in bill.lines
    ]
    return Sheet(about, rows)


def _sheet(
    desk: Desk, sheet: Sheet, bill_id: str | None = None, *, refusal: Refused | None = None
) -> Response:
    with desk.runtime.read() as session:
        known, categories = vendors.names(session), reads.categories(session)
    draft = _draft(desk, bill_id) if bill_id else None
    status = 200
    if refusal is not None:
        status = 409 if isinstance(refusal, Conflict) else 422
    return desk.page(
        "bill_editor.html",
        status=status,
        sheet=sheet,
        draft=draft,
        rev=request.form.get("rev") or (draft.rev if draft else ""),
        vendors=known,
        categories=[category_name(one) for one in categories],
        error=errors.sentence(refusal) if refusal else "",
        field=(refusal.field or "") if refusal else "",
    )
