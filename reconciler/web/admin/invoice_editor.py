"""A draft of an invoice with its lines: each button sends the form, so nothing here needs a script.

The lines that were typed go round with the form until they are saved; a line whose description,
price and quantity are all empty is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from reconciler import currencies, money
from reconciler.books import invoice_lines as rules
from reconciler.books.invoice_lines import Line, Priced
from reconciler.books.people import Role
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.reads import invoices as reads, screens_people
from reconciler.reads.invoices import InvoiceRow
from reconciler.services import invoices
from reconciler.services.invoices import NewInvoice
from reconciler.web import forms
from reconciler.web.admin import errors, words
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()

COLUMNS = ("description", "quantity", "unit_price", "tax_rate", "tax_name")
_ABOUT = ("customer_id", "currency", "number", "issued_on", "due_on", "description")
_ROWS_AT_FIRST = 3
_TYPED_CHARS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Sheet:
    """The form as it stands: what is said about the invoice, and its rows of five cells."""

    about: Mapping[str, str]
    rows: list[dict[str, str]]
    priced: Priced | None = None


@screens.get("/invoices/new", Role.RECONCILER)
def new_invoice(desk: Desk) -> Response:
    """An empty sheet, for a customer where one is named."""
    about = dict.fromkeys(_ABOUT, "") | {"customer_id": request.args.get("customer", "")}
    return _sheet(desk, Sheet(about, [_row() for _ in range(_ROWS_AT_FIRST)]))


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
    sheet, deed = _typed(), request.form.get("do", "")
    try:
        if deed == "add":
            return _sheet(desk, Sheet(sheet.about, [*sheet.rows, _row()]), name)
        if deed.startswith("remove-"):
            kept = [row for at, row in enumerate(sheet.rows) if deed != f"remove-{at}"]
            return _sheet(desk, Sheet(sheet.about, kept), name)
        sheet = Sheet(sheet.about, [row for row in sheet.rows if _is_used(row)])
        lines, given = _lines(sheet), _given(sheet)
        if deed == "look":
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


def _row() -> dict[str, str]:
    return dict.fromkeys(COLUMNS, "")


def _typed() -> Sheet:
    about = {name: request.form.get(name, "")[:_TYPED_CHARS_MAX] for name in _ABOUT}
    cells = {column: request.form.getlist(f"line_{column}") for column in COLUMNS}
    length = min(len(cells["description"]), rules.LINES_MAX + 1)
    rows = [
        {
            column: (cells[column][at] if at < len(cells[column]) else "")[:_TYPED_CHARS_MAX]
            for column in COLUMNS
        }
        for at in range(length)
    ]
    return Sheet(about, rows)


def _lines(sheet: Sheet) -> list[Line]:
    currency = currencies.code(sheet.about["currency"])
    return [_line(row, currency, place) for place, row in enumerate(sheet.rows)]


def _is_used(row: Mapping[str, str]) -> bool:
    return any(row[column].strip() for column in ("description", "quantity", "unit_price"))


def _line(row: Mapping[str, str], currency: str, place: int) -> Line:
    at = f"lines.{place}"
    if not row["unit_price"].strip():
        raise Invalid("Write a price", field=f"{at}.unit_price")
    return Line(
        description=row["description"],
        quantity=row["quantity"].strip() or "1",
        unit_price=money.parse(row["unit_price"], currency, field=f"{at}.unit_price").minor,
        tax_rate=row["tax_rate"].strip().rstrip("%").strip() or "0",
        tax_name=row["tax_name"].strip() or None,
    )


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
        rows = [_row() | {"description": invoice.description or invoice.number,
                          "quantity": "1", "unit_price": price}]  # fmt: skip
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
