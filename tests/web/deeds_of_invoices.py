"""Deeds for the screens that write invoices; `house` is the House of deeds.py."""

from collections.abc import Callable
from typing import Any

Sent = tuple[dict[str, str], dict[str, Any]]
Deed = Callable[[Any], Sent]

_LINES = {
    "currency": "USD", "line_description": "Work", "line_quantity": "2", "line_unit_price": "50.00",
    "line_tax_rate": "19", "line_tax_name": "VAT", "do": "save",
}  # fmt: skip


def _writes_an_invoice(house: Any) -> Sent:
    return {}, _LINES | {"customer_id": house.api.a_customer()["id"]}


def _draft_form(**form: Any) -> Deed:
    def made(house: Any) -> Sent:
        draft = house.api.an_invoice(send=False)
        known = {"rev": str(draft["rev"]), "customer_id": draft["customer_id"]}
        return {"name": draft["id"]}, known | form

    return made


def _invoice_form(**form: Any) -> Deed:
    return lambda house: ({"name": house.invoice()}, form)


def _voids_on_screen(house: Any) -> Sent:
    made = house.api.an_invoice()
    return {"name": made["id"]}, {"rev": str(made["rev"]), "release_to": "credit"}


def _mails(house: Any) -> Sent:
    customer = house.api.a_customer(email="ann@example.com")["id"]
    return {"name": (made := house.invoice(customer_id=customer)), "invoice_id": made}, {}


def _takes_a_credit_back(house: Any) -> Sent:
    invoice, body = house.invoice(), {"amount": 1, "reason": "late"}
    [note] = house.api.make(f"/invoices/{invoice}/credit-notes", body)["credit_notes"]
    return {"invoice_id": invoice, "note_id": note["id"]}, {"reason": "It was in time"}


def _takes_a_receipt_back(house: Any) -> Sent:
    [claim] = house.api.in_cash(house.invoice())["allocations"]
    return {"payment_id": claim["payment_id"]}, {"reason": "It was noted twice"}


def _short(house: Any) -> str:
    """An invoice of which a little is missing."""
    made = house.api.an_invoice(10_000)["id"]
    house.api.in_cash(made, 9_990)
    return made


def _fee_on(house: Any) -> tuple[str, str]:
    made = _short(house)
    [fee] = house.api.make(f"/invoices/{made}/bank-fees", {"reason": "Wire"})["bank_fees"]
    return made, fee["id"]


def _bears(**form: Any) -> Deed:
    def sent(house: Any) -> Sent:
        made = _short(house)
        return {"name": made, "invoice_id": made}, form

    return sent


def _takes_a_fee_back(house: Any) -> Sent:
    made, fee = _fee_on(house)
    return {"invoice_id": made, "fee_id": fee}, {"reason": "It was none"}


INVOICES: dict[str, Deed] = {
    "POST /admin/invoices/<name>/bank-fee": _bears(amount="0.10", reason="Wire", do="write"),
    "POST /admin/bank-fees/<fee_id>/take-back": _takes_a_fee_back,
    "POST /api/v1/invoices/<invoice_id>/bank-fees": _bears(reason="Wire"),
    "POST /api/v1/invoices/<invoice_id>/bank-fees/<fee_id>/take-back": _takes_a_fee_back,
    "POST /admin/invoices/new": _writes_an_invoice,
    "POST /admin/invoices/<name>/edit": _draft_form(**_LINES),
    "POST /admin/invoices/<name>/send": _draft_form(due_on="2026-12-20"),
    "POST /admin/invoices/<name>/receive": _invoice_form(
        amount="1.00", source="cash", received_on="2026-11-20"
    ),
    "POST /admin/invoices/<name>/credit": _invoice_form(amount="1.00", reason="less", do="write"),
    "POST /admin/invoices/<name>/void": _voids_on_screen,
    "POST /admin/invoices/<name>/mail": _mails,
    "POST /admin/payments/<payment_id>/take-back": _takes_a_receipt_back,
    "POST /admin/credit-notes/<note_id>/take-back": _takes_a_credit_back,
    "POST /api/v1/invoices/<invoice_id>/mail": _mails,
    "POST /api/v1/invoices/<invoice_id>/credit-notes/<note_id>/take-back": _takes_a_credit_back,
    "POST /api/v1/payments/<payment_id>/take-back": _takes_a_receipt_back,
}
