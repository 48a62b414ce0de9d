"""Deeds for vendors, bills and prepayments; `house` is the House of deeds.py."""

from collections.abc import Callable
from typing import Any

Sent = tuple[dict[str, str], dict[str, Any]]
Deed = Callable[[Any], Sent]

_API = "/api/v1"
_LINE = {"description": "Oak", "unit_price": 100, "category": "materials"}
_ON = {"paid_on": "2026-11-20"}
_BACK = {"received_on": "2026-11-20"}


_ACCOUNT = {"holder": "Oak Ltd", "number": "DE89 3704 0044 0532 0130 00"}


def _paid_to(house: Any) -> str:
    """A vendor whose account is known."""
    vendor = _vendor(house)
    house.api.call("PUT", f"/payee-accounts/{vendor}", json=_ACCOUNT)
    return vendor


def _vendor(house: Any) -> str:
    return str(house.api.a_vendor()["id"])


def _bill(**body: Any) -> Deed:
    return lambda house: ({"bill_id": house.api.a_bill()["id"]}, body)


def _draft(**body: Any) -> Deed:
    return lambda house: ({"bill_id": house.api.a_bill(open=False)["id"]}, body)


def _prepayment(**body: Any) -> Deed:
    return lambda house: ({"prepayment_id": house.api.a_prepayment()["id"]}, body)


def _paid(house: Any) -> tuple[str, str]:
    bill = house.api.a_bill()["id"]
    made = house.api.make(f"/bills/{bill}/payments", _ON)
    return bill, made["payments"][0]["id"]


def _two(house: Any) -> tuple[str, str]:
    """A prepayment, and an open bill of its vendor."""
    ahead = house.api.a_prepayment()
    return ahead["id"], house.api.a_bill(vendor_id=ahead["vendor_id"])["id"]


def _used(house: Any) -> tuple[str, str]:
    ahead, bill = _two(house)
    made = house.api.make(f"/prepayments/{ahead}/applications", {"bill_id": bill})
    return ahead, made["applications"][0]["id"]


def _given_back(house: Any) -> tuple[str, str]:
    ahead = house.api.a_prepayment()["id"]
    made = house.api.make(f"/prepayments/{ahead}/refunds", _BACK)
    return ahead, made["refunds"][0]["id"]


def _named(make: Callable[[Any], tuple[str, str]], *names: str) -> Deed:
    return lambda house: (dict(zip(names, make(house), strict=True)), {})


def _new_bill(house: Any) -> Sent:
    form = {
        "vendor_id": _vendor(house), "number": "7", "currency": "usd", "due_on": "2026-12-01",
        "line_description": "Oak", "line_quantity": "2", "line_unit_price": "50.00",
        "line_tax_rate": "19", "line_tax_name": "VAT", "line_category": "Materials", "do": "save",
    }  # fmt: skip
    return {}, form


def _new_credit(house: Any) -> Sent:
    form = _new_bill(house)[1]
    del form["due_on"]
    return {}, form | {"issued_on": "2026-11-20"}


def _edits(house: Any) -> Sent:
    made = house.api.a_bill(open=False)
    form = _new_bill(house)[1] | {"vendor_id": made["vendor_id"], "rev": str(made["rev"])}
    return {"bill_id": made["id"]}, form


def _on_screen(called: str, make: Callable[[Any], dict[str, Any]], **form: Any) -> Deed:
    """A form on the page of a thing, with its revision."""

    def sent(house: Any) -> Sent:
        made = make(house)
        return {called: made["id"]}, {"rev": str(made["rev"])} | form

    return sent


def _picks(make: Callable[[Any], tuple[str, str]], name: str, field: str, **form: Any) -> Deed:
    """A form on the page of a thing that names another."""

    def sent(house: Any) -> Sent:
        one, other = make(house)
        return {name: one}, {field: other} | form

    return sent


def _two_turned(house: Any) -> tuple[str, str]:
    ahead, bill = _two(house)
    return bill, ahead


def _used_on(house: Any) -> tuple[str, str]:
    ahead, use = _used(house)
    return house.api.read(f"/prepayments/{ahead}")["applications"][0]["bill_id"], use


def _applies(house: Any) -> Sent:
    ahead, bill = _two(house)
    return {"prepayment_id": ahead}, {"bill_id": bill}


PURCHASES: dict[str, Deed] = {
    f"POST {_API}/vendors": lambda _: ({}, {"name": "Oak Ltd"}),
    f"PATCH {_API}/vendors/<vendor_id>": lambda house: (
        {"vendor_id": _vendor(house)}, {"notes": "Pays in oak"},
    ),
    f"POST {_API}/bills": lambda house: (
        {}, {"vendor_id": _vendor(house), "number": "7", "currency": "USD", "lines": [_LINE]},
    ),
    f"PATCH {_API}/bills/<bill_id>": _draft(description="Oak"),
    f"POST {_API}/bills/<bill_id>/open": _draft(),
    f"POST {_API}/bills/<bill_id>/void": _bill(),
    f"POST {_API}/bills/<bill_id>/snooze": _bill(until="2026-12-24"),
    f"POST {_API}/bills/<bill_id>/payments": _bill(**_ON),
    f"DELETE {_API}/bills/<bill_id>/payments/<payment_id>": _named(_paid, "bill_id", "payment_id"),
    f"POST {_API}/prepayments": lambda house: (
        {}, {"vendor_id": _vendor(house), "currency": "USD", "amount": 100, **_ON},
    ),
    f"POST {_API}/prepayments/credit-notes": lambda house: (
        {},
        {
            "vendor_id": _vendor(house), "number": "CN-7", "currency": "USD",
            "issued_on": "2026-11-20", "lines": [_LINE],
        },
    ),
    f"PATCH {_API}/prepayments/<prepayment_id>": _prepayment(notes="For oak"),
    f"POST {_API}/prepayments/<prepayment_id>/void": _prepayment(),
    f"POST {_API}/prepayments/<prepayment_id>/applications": _applies,
    f"DELETE {_API}/prepayments/<prepayment_id>/applications/<application_id>": _named(
        _used, "prepayment_id", "application_id"
    ),
    f"POST {_API}/prepayments/<prepayment_id>/refunds": _prepayment(**_BACK),
    f"DELETE {_API}/prepayments/<prepayment_id>/refunds/<refund_id>": _named(
        _given_back, "prepayment_id", "refund_id"
    ),
    f"PUT {_API}/payee-accounts/<owner_id>": lambda house: (
        {"owner_id": _vendor(house)}, _ACCOUNT,
    ),
    f"DELETE {_API}/payee-accounts/<owner_id>": lambda house: ({"owner_id": _paid_to(house)}, {}),
    "POST /admin/payees/<owner_id>": lambda house: (
        {"owner_id": _vendor(house)}, _ACCOUNT | {"rev": "0"},
    ),
    "POST /admin/vendors/new": lambda _: ({}, {"name": "Ash Ltd"}),
    "POST /admin/vendors/<vendor_id>/change": _on_screen(
        "vendor_id", lambda house: house.api.a_vendor(), name="Ash Ltd"
    ),
    "POST /admin/bills/new": _new_bill,
    "POST /admin/bills/<bill_id>/edit": _edits,
    "POST /admin/bills/<bill_id>/open": _on_screen(
        "bill_id", lambda house: house.api.a_bill(open=False)
    ),
    "POST /admin/bills/<bill_id>/void": _on_screen("bill_id", lambda house: house.api.a_bill()),
    "POST /admin/bills/<bill_id>/pay": _on_screen(
        "bill_id", lambda house: house.api.a_bill(), amount="1.00", paid_on="2026-11-20"
    ),
    "POST /admin/bills/<bill_id>/snooze": _on_screen(
        "bill_id", lambda house: house.api.a_bill(), until="2026-12-24"
    ),
    "POST /admin/bills/<bill_id>/take-back": _picks(_paid, "bill_id", "payment"),
    "POST /admin/bills/<bill_id>/apply": _picks(
        _two_turned, "bill_id", "prepayment_id", applied="1.00"
    ),
    "POST /admin/bills/<bill_id>/take-off": _picks(_used_on, "bill_id", "application"),
    "POST /admin/prepayments/new": lambda house: (
        {}, {"vendor_id": _vendor(house), "currency": "usd", "amount": "1.00", **_ON},
    ),
    "POST /admin/vendor-credits/new": _new_credit,
    "POST /admin/prepayments/<prepayment_id>/apply": _picks(
        _two, "prepayment_id", "bill_id", applied="1.00"
    ),
    "POST /admin/prepayments/<prepayment_id>/take-off": _picks(
        _used, "prepayment_id", "application"
    ),
    "POST /admin/prepayments/<prepayment_id>/refund": _on_screen(
        "prepayment_id", lambda house: house.api.a_prepayment(), amount="1.00", **_BACK
    ),
    "POST /admin/prepayments/<prepayment_id>/refund-back": _picks(
        _given_back, "prepayment_id", "refund"
    ),
    "POST /admin/prepayments/<prepayment_id>/words": _on_screen(
        "prepayment_id", lambda house: house.api.a_prepayment(), notes="For oak"
    ),
    "POST /admin/prepayments/<prepayment_id>/void": _on_screen(
        "prepayment_id", lambda house: house.api.a_prepayment()
    ),
}  # fmt: skip
