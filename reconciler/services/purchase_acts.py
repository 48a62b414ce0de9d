"""What people did about vendors, bills and prepayments, done again from its audit line."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import msgspec

from reconciler.books.bills import CostLine
from reconciler.services import bill_payments, bills, prepayments, vendors
from reconciler.services.bill_payments import Paid
from reconciler.services.bills import NewBill
from reconciler.services.prepayments import NewPrepayment
from reconciler.work import Work

_DAYS = frozenset({"issued_on", "due_on", "paid_on"})
# Whose names in a line go with which prefix of an id.
NAMED = (("bpy", "payment"), ("pap", "application"), ("vrf", "refund"))
PREFIXES = {"vendor.created": "ven", "bill.created": "bill", "prepayment.paid": "pre"}

_Said = Mapping[str, Any]
_Deed = Callable[[Work, str, _Said, _Said], object]


def _given(said: _Said) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name, value in said.items():
        if name in _DAYS and value is not None:
            given[name] = date.fromisoformat(value)
        elif name == "lines":
            given[name] = tuple(msgspec.convert(one, CostLine) for one in value)
        elif name != "tax":  # which follows from the lines
            given[name] = value
    return given


def _paid(said: _Said, day: str) -> Paid:
    on = date.fromisoformat(said[day])
    return Paid(on=on, amount=said["amount"], reference=said["reference"])


DEEDS: Mapping[str, _Deed] = {
    "vendor.created": lambda work, _id, _was, said: vendors.create(work, **said),
    "vendor.changed": lambda work, its, _was, said: vendors.patch(work, its, said),
    "bill.created": lambda work, _id, _was, said: bills.create(work, NewBill(**_given(said))),
    "bill.changed": lambda work, its, _was, said: bills.patch(work, its, _given(said)),
    "bill.opened": lambda work, its, _was, _said: bills.open_(work, its),
    "bill.voided": lambda work, its, _was, _said: bills.void(work, its),
    "bill.paid": lambda work, its, _was, said: bill_payments.pay(work, its, _paid(said, "paid_on")),
    "bill.payment_taken_back": lambda work, its, was, _said: bill_payments.take_back(
        work, its, was["payment"]
    ),
    "prepayment.paid": lambda work, _id, _was, said: prepayments.pay(
        work, NewPrepayment(**_given(said))
    ),
    "prepayment.changed": lambda work, its, _was, said: prepayments.patch(work, its, said),
    "prepayment.voided": lambda work, its, _was, _said: prepayments.void(work, its),
    "prepayment.applied": lambda work, its, _was, said: prepayments.apply(
        work, its, said["bill"], said["amount"]
    ),
    "prepayment.unapplied": lambda work, its, _was, said: prepayments.unapply(
        work, its, said["application"]
    ),
    "prepayment.refunded": lambda work, its, _was, said: prepayments.refund(
        work, its, _paid(said, "received_on")
    ),
    "prepayment.refund_taken_back": lambda work, its, was, _said: prepayments.take_refund_back(
        work, its, was["refund"]
    ),
}
