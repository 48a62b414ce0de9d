"""A vendor's credit note with its lines: as with a bill, each button sends the form."""

from flask import Response, request

from reconciler import currencies
from reconciler.books.invoice_lines import Priced
from reconciler.books.people import Role
from reconciler.errors import Invalid, Refused
from reconciler.reads import bills, vendors
from reconciler.reads.bills import BillRow
from reconciler.reads.pages import LIMIT_MAX, Session, Wanted
from reconciler.services import vendor_credits
from reconciler.services.vendor_credits import NewCredit
from reconciler.web import forms
from reconciler.web.admin import bill_editor, errors, line_sheet
from reconciler.web.admin.account_words import category_name
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.line_sheet import Editor, Sheet
from reconciler.web.admin.routes import Screens

screens = Screens()

_ABOUT = ("vendor_id", "currency", "number", "issued_on", "bill_id", "notes")


@screens.get("/vendor-credits/new", Role.RECONCILER)
def new_vendor_credit(desk: Desk) -> Response:
    """An empty sheet, for a vendor or a bill where one is named."""
    about = dict.fromkeys(_ABOUT, "") | {
        "vendor_id": request.args.get("vendor", ""),
        "bill_id": request.args.get("bill", ""),
        "issued_on": desk.today.isoformat(),
    }
    if about["bill_id"]:
        with desk.runtime.read() as session:
            bill = bills.one(session, about["bill_id"], today=desk.today)
        about |= {"vendor_id": bill.vendor_id, "currency": bill.currency}
    return _sheet(desk, line_sheet.empty(about, bill_editor.COLUMNS))


@screens.post("/vendor-credits/new", Role.RECONCILER)
def write_vendor_credit(desk: Desk) -> Response:
    """Another line, one line less, what it comes to, or the credit note itself."""

    def keep(new: NewCredit) -> Response:
        made = desk.once(lambda work: vendor_credits.note(work, new))
        return go("show_prepayment", prepayment_id=made, noted=1)

    return _EDITOR.answer(lambda sheet, refusal: _sheet(desk, sheet, refusal), keep)


def _given(sheet: Sheet) -> NewCredit:
    about = sheet.about
    if not about["vendor_id"]:
        raise Invalid("Choose a vendor", field="vendor_id")
    return NewCredit(
        vendor_id=about["vendor_id"],
        currency=currencies.code(about["currency"]),
        number=about["number"],
        lines=tuple(bill_editor.lines_of(sheet)),
        issued_on=forms.day(about, "issued_on"),
        notes=about["notes"].strip() or None,
        bill_id=about["bill_id"] or None,
    )


def _price(new: NewCredit) -> Priced:
    return bill_editor.price(new.lines, new.currency)


_EDITOR = Editor(_ABOUT, bill_editor.COLUMNS, _given, _price)


def _sheet(desk: Desk, sheet: Sheet, refusal: Refused | None = None) -> Response:
    with desk.runtime.read() as session:
        known, categories = vendors.names(session), bills.categories(session)
        owed = _owed(desk, session, sheet.about["vendor_id"] or None)
    return desk.page(
        "vendor_credit.html",
        sheet=sheet,
        vendors=known,
        bills=owed,
        categories=[category_name(one) for one in categories],
        **errors.told(refusal),
    )


def _owed(desk: Desk, session: Session, vendor_id: str | None) -> list[BillRow]:
    filters = {"is_open": True, "vendor_id": vendor_id}
    return bills.page(session, filters, Wanted(LIMIT_MAX), today=desk.today).data
