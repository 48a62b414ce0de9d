"""How a row of each kind is read: what it has to say, and what it may."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from reconciler.books import bills, import_cells as cells, invoice_lines, texts
from reconciler.books.bills import CostLine
from reconciler.books.import_cells import KEY_CHARS_MAX, Cells
from reconciler.books.import_kinds import ImportKind, Taken
from reconciler.books.invoice_lines import Line
from reconciler.books.overpayments import OverpaymentPolicy
from reconciler.books.receipts import ReceiptSource
from reconciler.errors import Invalid

RAIL_CHARS_MAX = 32
RAIL_ID_CHARS_MAX = 255
_STATES = {
    ImportKind.INVOICE: {"draft": "draft", "sent": "sent", "overdue": "sent"},
    ImportKind.BILL: {"draft": "draft", "open": "open", "overdue": "open"},
}


def _customer(said: Cells) -> Taken:
    email = said.get("email")
    policy = said.get("overpayment_policy", "").strip().lower() or None
    if policy is not None and policy not in set(OverpaymentPolicy):
        words = ", ".join(OverpaymentPolicy)
        raise Invalid(f"is one of {words}", field="overpayment_policy")
    more = {"overpayment_policy": policy, "rail_customers": _rail_customers(said)}
    return Taken(
        kind=ImportKind.CUSTOMER,
        key=cells.external(said),
        name=cells.line(said, "name"),
        email=texts.mail(email) if email else None,
        more=_said(more),
    )


def _rail_customers(said: Cells) -> dict[str, str] | None:
    """`stripe:cus_1; other:42`: what each rail calls them."""
    found = {}
    for part in filter(str.strip, said.get("rail_customers", "").split(";")):
        rail, _, known_as = part.partition(":")
        field = "rail_customers"
        rail = texts.line(rail, field=field, chars_max=RAIL_CHARS_MAX)
        if rail in found:
            raise Invalid(f"{rail} is there twice", field=field)
        found[rail] = texts.line(known_as, field=field, chars_max=RAIL_ID_CHARS_MAX)
    return found or None


def _project(said: Cells) -> Taken:
    currency = cells.currency(said)
    # Elsewhere change orders moved the price; here it begins where they left it.
    has_moved = any(name.startswith("approved_price") for name in said)
    return Taken(
        kind=ImportKind.PROJECT,
        key=cells.external(said),
        name=cells.line(said, "name"),
        customer_key=cells.line(said, "customer_id", KEY_CHARS_MAX),
        currency=currency,
        amount=cells.amount(said, "approved_price" if has_moved else "original_price", currency),
    )


def _invoice(said: Cells) -> Taken:
    currency, number = cells.currency(said), cells.line(said, "number", KEY_CHARS_MAX)
    total = cells.amount(said, "total", currency)
    return Taken(
        kind=ImportKind.INVOICE,
        key=number.lower(),
        name=number,
        customer_key=cells.line(said, "customer_id", KEY_CHARS_MAX),
        project_key=cells.line_or_none(said, "project_id"),
        currency=currency,
        amount=total,
        issued_on=cells.day(said, "issued_on"),
        due_on=cells.day(said, "due_on"),
        state=_state(said, ImportKind.INVOICE, currency, total),
        words=cells.words(said, "description"),
        more=_said(_taxed(said, currency, total)),
    )


def _state(said: Cells, kind: ImportKind, currency: str, total: int) -> str:
    field = "status" if "status" in said and "state" not in said else "state"
    typed, known = said.get(field, "draft").strip().lower(), _STATES[kind]
    if typed in ("paid", "partially_paid") and (paid := cells.signed(said, "paid", currency)):
        if (typed == "paid") != (paid == total):
            raise Invalid(f"says {typed}, and that {paid} of {total} are paid", field=field)
        typed = "overdue"
    state = known.get(typed)
    if state is None:
        words = " or ".join(sorted(set(known.values())))
        raise Invalid(f"is {words}; what is paid of it stands in the column paid", field=field)
    return state


def _taxed(said: Cells, currency: str, total: int) -> dict[str, Any]:
    """The tax on a document: by its lines, or by one rate on all of it."""
    tax = cells.signed(said, "tax", currency)
    if "tax_rate" not in said:
        return {"tax": tax}
    if tax is None:
        raise Invalid("say beside the rate what the tax comes to", field="tax")
    line = _checked(
        Line(
            description=_shortened(said.get("description")) or said["number"],
            unit_price=total - tax,
            tax_rate=said["tax_rate"],
            tax_name=said.get("tax_name"),
        )
    )
    return {"tax": tax, "line": line}


def _shortened(text: str | None) -> str:
    first = (text or "").strip().splitlines()
    return first[0][: invoice_lines.DESCRIPTION_CHARS_MAX].strip() if first else ""


def _checked(line: Line) -> dict[str, Any]:
    try:
        found = (
            bills.checked(line, place=0)
            if isinstance(line, CostLine)
            else invoice_lines.checked(line, place=0)
        )
    except Invalid as error:
        raise Invalid(str(error), field=(error.field or "").rpartition(".")[2]) from None
    names = ("description", "quantity", "unit_price", "tax_rate", "tax_name")
    said: dict[str, Any] = {name: getattr(found, name) for name in names}
    return said | ({"category": found.category} if isinstance(found, CostLine) else {})


def _line_of(said: Cells, kind: ImportKind) -> Taken:
    currency = cells.currency(said)
    price = cells.signed(said, "unit_price", currency)
    if price is None:
        raise Invalid("say what one of it costs", field="unit_price")
    given: dict[str, Any] = {
        "description": said.get("description", ""),
        "quantity": said.get("quantity", "1"),
        "unit_price": price,
        "tax_rate": said.get("tax_rate", "0"),
        "tax_name": said.get("tax_name"),
    }
    is_bought = kind is ImportKind.BILL_LINE
    line = _checked(
        CostLine(**given, category=cells.line(said, "category")) if is_bought else Line(**given)
    )
    return Taken(
        kind=kind,
        key="",  # it is told by its document and its place there
        name=line["description"],
        customer_key=cells.line(said, "vendor_id", KEY_CHARS_MAX) if is_bought else None,
        currency=currency,
        amount=price,
        of_kind=kind.value.removesuffix("_line"),
        of_key=cells.line(said, "number", KEY_CHARS_MAX).lower(),
        more=line,
    )


def _invoice_line(said: Cells) -> Taken:
    return _line_of(said, ImportKind.INVOICE_LINE)


def _bill_line(said: Cells) -> Taken:
    return _line_of(said, ImportKind.BILL_LINE)


def _deposit(said: Cells) -> Taken:
    currency, code = cells.currency(said), cells.line(said, "code", KEY_CHARS_MAX)
    due_on, expires_on = cells.day(said, "due_on"), cells.day(said, "expires_on")
    if due_on and expires_on and expires_on < due_on:
        raise Invalid(f"it is due on {due_on}: ask for it until then", field="expires_on")
    return Taken(
        kind=ImportKind.DEPOSIT,
        key=code.lower(),
        name=code,
        customer_key=cells.line(said, "customer_id", KEY_CHARS_MAX),
        project_key=cells.line_or_none(said, "project_id"),
        currency=currency,
        amount=cells.amount(said, "amount", currency),
        issued_on=cells.day(said, "date"),
        due_on=due_on,
        words=cells.words(said, "notes"),
        more=_said({"expires_on": expires_on.isoformat() if expires_on else None}),
    )


def _receipt(said: Cells) -> Taken:
    currency = cells.currency(said)
    of = [name for name in ("number", "code") if name in said]
    if len(of) != 1:
        raise Invalid(
            "a receipt is for an invoice, by number, or a deposit, by code", field="number"
        )
    return _paid(
        said,
        (ImportKind.INVOICE if of == ["number"] else ImportKind.DEPOSIT, of[0]),
        key=cells.external(said),
        amount=cells.amount(said, "amount", currency),
        on=cells.day_that_is_there(said, "received_on"),
        source=_source(said, "source"),
    )


def _source(said: Cells, name: str) -> str:
    typed = said.get(name, ReceiptSource.OTHER).strip().lower().replace(" ", "_")
    if typed not in set(ReceiptSource):
        raise Invalid(f"is one of {', '.join(ReceiptSource)}", field=name)
    return typed


def _paid(
    said: Cells, of: tuple[ImportKind, str], *, key: str, amount: int, on: date, source: str | None
) -> Taken:
    """Money for the document of a kind that stands in a column."""
    called = cells.line(said, of[1], KEY_CHARS_MAX)
    reference = cells.line_or_none(said, "reference", cells.NAME_CHARS_MAX)
    vendor = cells.line(said, "vendor_id", KEY_CHARS_MAX) if of[0] is ImportKind.BILL else None
    return Taken(
        kind=ImportKind.RECEIPT if source else ImportKind.BILL_PAYMENT,
        key=key,
        name=called,
        customer_key=vendor,
        currency=cells.currency(said),
        amount=amount,
        issued_on=on,
        of_kind=of[0].value,
        of_key=called.lower(),
        more=_said({"source": source, "reference": reference}),
    )


def _application(said: Cells) -> Taken:
    currency = cells.currency(said)
    code, number = (cells.line(said, name, KEY_CHARS_MAX) for name in ("code", "number"))
    has_key = "external_id" in said or "id" in said
    return Taken(
        kind=ImportKind.APPLICATION,
        key=cells.external(said) if has_key else f"{code}/{number}".lower(),
        name=f"{code} on {number}",
        currency=currency,
        amount=cells.amount(said, "amount", currency),
        issued_on=cells.day(said, "applied_on"),
        of_kind=ImportKind.DEPOSIT.value,
        of_key=code.lower(),
        more={"invoice": number.lower()},
    )


def _vendor(said: Cells) -> Taken:
    email = said.get("email")
    return Taken(
        kind=ImportKind.VENDOR,
        key=cells.external(said),
        name=cells.line(said, "name"),
        email=texts.mail(email) if email else None,
        words=cells.words(said, "notes"),
    )


def _bill(said: Cells) -> Taken:
    currency, number = cells.currency(said), cells.line(said, "number", KEY_CHARS_MAX)
    total = cells.amount(said, "total", currency)
    vendor = cells.line(said, "vendor_id", KEY_CHARS_MAX)
    more = _taxed(said, currency, total)
    if "category" in said:
        line = more.get("line") or _checked(
            Line(
                description=_shortened(said.get("description")) or number,
                unit_price=total - (more["tax"] or 0),
            )
        )
        category = bills.category(said["category"], field="category")
        more["line"] = line | {"category": category}
    return Taken(
        kind=ImportKind.BILL,
        key=f"{vendor}/{number.lower()}",
        name=number,
        customer_key=vendor,
        currency=currency,
        amount=total,
        issued_on=cells.day(said, "issued_on"),
        due_on=cells.day(said, "due_on"),
        state=_state(said, ImportKind.BILL, currency, total),
        words=cells.words(said, "description"),
        more=_said(more),
    )


def _bill_payment(said: Cells) -> Taken:
    currency = cells.currency(said)
    return _paid(
        said,
        (ImportKind.BILL, "number"),
        key=cells.external(said),
        amount=cells.amount(said, "amount", currency),
        on=cells.day_that_is_there(said, "paid_on"),
        source=None,
    )


def _paid_already(said: Cells, taken: Taken) -> Taken | None:
    """What the row of a document says was paid on it: money of one day, like a row of its own."""
    column = "received" if taken.kind is ImportKind.DEPOSIT else "paid"
    assert taken.currency, "a document is in a currency"
    amount = cells.amount_or_none(said, column, taken.currency)
    if amount is None:
        return None
    on = cells.day(said, "paid_on")
    if on is None:
        raise Invalid("say in a column paid_on when it was paid; or bring what was paid as rows of"
                      " their own, and leave this out", field=column)  # fmt: skip
    is_bill = taken.kind is ImportKind.BILL
    return _paid(
        said,
        (taken.kind, "code" if taken.kind is ImportKind.DEPOSIT else "number"),
        key=f"{taken.kind.value}/{taken.key}",
        amount=amount,
        on=on,
        source=None if is_bill else _source(said, "paid_by"),
    )


def _said(more: Mapping[str, Any]) -> dict[str, Any] | None:
    return {name: value for name, value in more.items() if value is not None} or None


READERS: Mapping[ImportKind, Callable[[Cells], Taken]] = {
    ImportKind.CUSTOMER: _customer,
    ImportKind.PROJECT: _project,
    ImportKind.INVOICE: _invoice,
    ImportKind.INVOICE_LINE: _invoice_line,
    ImportKind.DEPOSIT: _deposit,
    ImportKind.RECEIPT: _receipt,
    ImportKind.APPLICATION: _application,
    ImportKind.VENDOR: _vendor,
    ImportKind.BILL: _bill,
    ImportKind.BILL_LINE: _bill_line,
    ImportKind.BILL_PAYMENT: _bill_payment,
}
PAYMENTS: Mapping[ImportKind, Callable[[Cells, Taken], Taken | None]] = dict.fromkeys(
    (ImportKind.INVOICE, ImportKind.DEPOSIT, ImportKind.BILL), _paid_already
)
