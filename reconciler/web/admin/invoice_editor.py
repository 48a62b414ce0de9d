"""A draft of an invoice with its lines: each button sends the form, so no script is needed."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Response, request

from reconciler.books import invoice_lines as rules
from reconciler.books.invoice_lines import Line, Priced
from reconciler.books.people import Role
from reconciler.errors import Conflict, Invalid, Refused
from reconciler.reads import invoices as reads, screens_people
from reconciler.reads.invoices import InvoiceRow
from reconciler.services import invoices
from reconciler.services.invoices import NewInvoice
from reconciler.web import forms
from reconciler.web.admin import errors, line_sheet, words
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.line_sheet import COLUMNS, Editor, Sheet
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()

_ABOUT = ("customer_id", *line_sheet.ABOUT)


@dataclass(frozen=True, slots=True)
class _Typed:
    said: dict[str, object]
    lines: list[Line]


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

    def deed() -> Response:
        rev = forms.whole(request.form, "rev")
        due_on = due_day(_draft(desk, name))
        desk.do(lambda work: send(work, name, due_on, rev=rev))
        return go("show_invoice", name=name, sent=1)

    def again(refusal: Refused) -> Response:
        return _sheet(desk, _of(_draft(desk, name)), name, refusal)

    return errors.or_again(deed, again)


def due_day(draft: InvoiceRow) -> date | None:
    """Until when it is to be paid, if it does not say so itself. Raises Invalid if nobody does."""
    if draft.due_on is not None or draft.status != "draft":
        return None
    if not request.form.get("due_on", "").strip():
        ask = f"Say until when {draft.number} is to be paid: without a due day it never gets late"
        raise Invalid(ask, field="due_on")
    return forms.day(request.form, "due_on")


def send(
    work: Work,
    name: str,
    due_on: date | None,
    *,
    rev: int | None = None,
    without_sign_off: str | None = None,
) -> None:
    """Send it, once the day until which it is to be paid is on it."""
    if due_on is not None:
        invoices.patch(work, name, {"due_on": due_on}, rev=rev)
        rev = None
    invoices.send(work, name, rev=rev, without_sign_off=without_sign_off)


def _edited(desk: Desk, name: str | None) -> Response:
    def keep(invoice: _Typed) -> Response:
        kept = desk.once(lambda work: _save(work, name, invoice))
        return go("show_invoice", name=kept, saved=1)

    return _EDITOR.answer(lambda sheet, refusal: _sheet(desk, sheet, name, refusal), keep)


def _save(work: Work, name: str | None, invoice: _Typed) -> str:
    said = {what: value for what, value in invoice.said.items() if what != "number" or value}
    if name is None:
        new: Any = said | {"lines": tuple(invoice.lines)}
        return invoices.create(work, NewInvoice(**new))
    changes = said | {"lines": invoice.lines}
    invoices.patch(work, name, changes, rev=forms.whole(request.form, "rev"))
    return name


def _read(sheet: Sheet) -> _Typed:
    said = line_sheet.said_of(sheet.about, "customer_id", "Choose a customer")
    currency = str(said["currency"])
    cells = (line_sheet.cells(row, currency, place) for place, row in enumerate(sheet.rows))
    return _Typed(said, [Line(**one) for one in cells])


def _price(invoice: _Typed) -> Priced:
    checked = [rules.checked(line, place=place) for place, line in enumerate(invoice.lines)]
    return rules.priced(checked, str(invoice.said["currency"]))


_EDITOR = Editor(_ABOUT, COLUMNS, _read, _price)


def _draft(desk: Desk, name: str) -> InvoiceRow:
    with desk.runtime.read() as session:
        invoice = reads.one(session, name, today=desk.today)
    if invoice.status != "draft":
        raise Conflict(f"Invoice {invoice.number} is {invoice.status}, only a draft is changed")
    return invoice


def _of(invoice: InvoiceRow) -> Sheet:
    about = {name: str(getattr(invoice, name) or "") for name in _ABOUT}
    rows = [line_sheet.row_of(line, invoice.currency) for line in invoice.lines]
    if not rows:  # only a total was given: it becomes the first line as soon as it is saved
        price = words.typed(invoice.total, invoice.currency)
        said = {"description": invoice.description or invoice.number, "quantity": "1"}
        rows = [dict.fromkeys(COLUMNS, "") | said | {"unit_price": price}]
    return Sheet(about, rows)


def _sheet(
    desk: Desk, sheet: Sheet, name: str | None = None, refusal: Refused | None = None
) -> Response:
    with desk.runtime.read() as session:
        customers = screens_people.customers(session)
    draft = _draft(desk, name) if name else None
    return desk.page(
        "invoice_editor.html",
        sheet=sheet,
        draft=draft,
        rev=request.form.get("rev") or (draft.rev if draft else ""),
        customers=customers,
        **errors.told(refusal),
    )
