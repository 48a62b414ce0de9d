"""A draft of an invoice with its lines: each button sends the form, so no script is needed."""

from typing import Any

from flask import Response, request

from reconciler import currencies
from reconciler.books import invoice_lines as rules
from reconciler.books.invoice_lines import Line
from reconciler.books.people import Role
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.reads import invoices as reads, screens_people
from reconciler.reads.invoices import InvoiceRow
from reconciler.services import invoices
from reconciler.services.invoices import NewInvoice
from reconciler.web import forms
from reconciler.web.admin import errors, line_sheet, words
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.line_sheet import COLUMNS, Sheet
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()

_ABOUT = ("customer_id", "currency", "number", "issued_on", "due_on", "description")


@screens.get("/invoices/new", Role.RECONCILER)
def new_invoice(desk: Desk) -> Response:
    """An empty sheet, for a customer where one is named."""
    named = {"customer_id": "customer", "currency": "currency"}
    about = dict.fromkeys(_ABOUT, "") | {k: request.args.get(v, "")[:40] for k, v in named.items()}
    return _sheet(desk, line_sheet.empty(about, COLUMNS))


@screens.post("/invoices/new", Role.RECONCILER)
def write_invoice(desk: Desk) -> Response:
    """Another line, one line less, what it comes to, or the draft itself."""
    return _edited(desk, None)


@screens.get("/invoices/<name>/edit", Role.RECONCILER)
def edit_invoice(desk: Desk, name: str) -> Response:
    """A draft as it stands."""
    return _sheet(desk, _of(_draft(desk, name)), name)


@screens.post("/invoices/<name>/edit", Role.RECONCILER)
def change_invoice(desk: Desk, name: str) -> Response:
    """The same as for a new one, on a draft that is there."""
    return _edited(desk, name)


@screens.post("/invoices/<name>/send", Role.RECONCILER)
def send_invoice(desk: Desk, name: str) -> Response:
    """From here on it is owed."""
    try:
        rev = forms.whole(request.form, "rev")
        desk.do(lambda work: invoices.send(work, name, rev=rev))
    except NotFound:
        raise
    except Refused as error:
        return _sheet(desk, _of(_draft(desk, name)), name, refusal=error)
    return go("show_invoice", name=name, sent=1)


def _edited(desk: Desk, name: str | None) -> Response:
    sheet = line_sheet.typed(_ABOUT, COLUMNS)
    try:
        edited = line_sheet.edited(sheet, COLUMNS)
        if edited is not None:
            return _sheet(desk, edited, name)
        sheet = line_sheet.used(sheet)
        lines, given = _lines(sheet), _given(sheet)
        if request.form.get("do") == "look":
            checked = [rules.checked(line, place=place) for place, line in enumerate(lines)]
            priced = rules.priced(checked, currencies.code(sheet.about["currency"]))
            return _sheet(desk, Sheet(sheet.about, sheet.rows, priced), name)
        invoice_id = desk.once(lambda work: _save(work, name, given, lines))
    except NotFound:
        raise
    except Refused as error:
        return _sheet(desk, sheet, name, refusal=error)
    return go("show_invoice", name=invoice_id, saved=1)


def _save(work: Work, name: str | None, given: dict[str, object], lines: list[Line]) -> str:
    said = {what: value for what, value in given.items() if what != "number" or value}
    if name is None:
        new: Any = said | {"lines": tuple(lines)}
        return invoices.create(work, NewInvoice(**new))
    invoices.patch(work, name, said | {"lines": lines}, rev=forms.whole(request.form, "rev"))
    return name


def _lines(sheet: Sheet) -> list[Line]:
    currency = currencies.code(sheet.about["currency"])
    return [Line(**line_sheet.cells(row, currency, place)) for place, row in enumerate(sheet.rows)]


def _given(sheet: Sheet) -> dict[str, object]:
    about = sheet.about
    if not about["customer_id"]:
        raise Invalid("Choose a customer", field="customer_id")
    return {
        "customer_id": about["customer_id"],
        "currency": currencies.code(about["currency"]),
        "number": about["number"].strip(),
        "issued_on": forms.day(about, "issued_on") if about["issued_on"] else None,
        "due_on": forms.day(about, "due_on") if about["due_on"] else None,
        "description": about["description"].strip() or None,
    }


def _draft(desk: Desk, name: str) -> InvoiceRow:
    with desk.runtime.read() as session:
        invoice = reads.one(session, name, today=desk.today)
    if invoice.status != "draft":
        raise Conflict(f"Invoice {invoice.number} is {invoice.status}, only a draft is changed")
    return invoice


def _of(invoice: InvoiceRow) -> Sheet:
    about = {name: str(getattr(invoice, name) or "") for name in _ABOUT}
    rows = [
        {
            "description": line.description,
            "quantity": line.quantity,
            "unit_price": words.typed(line.unit_price, invoice.currency),
            "tax_rate": line.tax_rate,
            "tax_name": line.tax_name or "",
        }
        for line in invoice.lines
    ]
    if not rows:  # only a total was given: it becomes the first line as soon as it is saved
        price = words.typed(invoice.total, invoice.currency)
        said = {"description": invoice.description or invoice.number, "quantity": "1"}
        rows = [dict.fromkeys(COLUMNS, "") | said | {"unit_price": price}]
    return Sheet(about, rows)


def _sheet(
    desk: Desk, sheet: Sheet, name: str | None = None, *, refusal: Refused | None = None
) -> Response:
    with desk.runtime.read() as session:
        customers = screens_people.customers(session)
    draft = _draft(desk, name) if name else None
    status = 200
    if refusal is not None:
        status = 409 if isinstance(refusal, Conflict) else 422
    return desk.page(
        "invoice_editor.html",
        status=status,
        sheet=sheet,
        draft=draft,
        rev=request.form.get("rev") or (draft.rev if draft else ""),
        customers=customers,
        error=errors.sentence(refusal) if refusal else "",
        field=(refusal.field or "") if refusal else "",
    )
