"""A vendor's credit note with its lines: as with a bill, each button sends the form."""

from flask import Response, request

from reconciler import currencies
from reconciler.books import bills as bill_rules, invoice_lines as rules
from reconciler.books.people import Role
from reconciler.errors import Conflict, Invalid, Refused
from reconciler.reads import bills, vendors
from reconciler.reads.bills import BillRow
from reconciler.reads.pages import LIMIT_MAX, Session, Wanted
from reconciler.services import vendor_credits
from reconciler.services.vendor_credits import NewCredit
from reconciler.web import forms
from reconciler.web.admin import bill_editor, errors, line_sheet
from reconciler.web.admin.account_words import category_name
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.line_sheet import Sheet
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
    sheet = line_sheet.typed(_ABOUT, bill_editor.COLUMNS)
    try:
        edited = line_sheet.edited(sheet, bill_editor.COLUMNS)
        if edited is not None:
            return _sheet(desk, edited)
        sheet = line_sheet.used(sheet)
        new = _given(sheet)
        if request.form.get("do") == "look":
            checked = [bill_rules.checked(one, place=place) for place, one in enumerate(new.lines)]
            priced = rules.priced(checked, new.currency)
            return _sheet(desk, Sheet(sheet.about, sheet.rows, priced))
        made = desk.once(lambda work: vendor_credits.note(work, new))
    except Refused as error:
        return _sheet(desk, sheet, refusal=error)
    return go("show_prepayment", prepayment_id=made, noted=1)


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


def _sheet(desk: Desk, sheet: Sheet, *, refusal: Refused | None = None) -> Response:
    with desk.runtime.read() as session:
        known, categories = vendors.names(session), bills.categories(session)
        owed = _owed(desk, session, sheet.about["vendor_id"] or None)
    status = 200
    if refusal is not None:
        status = 409 if isinstance(refusal, Conflict) else 422
    return desk.page(
        "vendor_credit.html",
        status=status,
        sheet=sheet,
        vendors=known,
        bills=owed,
        categories=[category_name(one) for one in categories],
        error=errors.sentence(refusal) if refusal else "",
        field=(refusal.field or "") if refusal else "",
    )


def _owed(desk: Desk, session: Session, vendor_id: str | None) -> list[BillRow]:
    filters = {"is_open": True, "vendor_id": vendor_id}
    return bills.page(session, filters, Wanted(LIMIT_MAX), today=desk.today).data
