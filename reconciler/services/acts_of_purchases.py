"""What people did about vendors, bills and prepayments, done again from their audit lines."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from reconciler.books.bills import CostLine
from reconciler.services import bill_payments, bills, prepayments, vendor_credits, vendors
from reconciler.services.acts import SUBJECT, Again
from reconciler.services.bill_payments import Paid
from reconciler.services.bills import NewBill
from reconciler.services.prepayments import NewPrepayment
from reconciler.services.vendor_credits import NewCredit

_DAYS = frozenset({"issued_on", "due_on", "paid_on"})
_Said = Mapping[str, Any]


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


def _credit(said: _Said) -> dict[str, Any]:
    given = _given(said)
    return given | {"total": given.pop("amount")}


def _paid(said: _Said, day: str) -> Paid:
    on = date.fromisoformat(said[day])
    return Paid(on=on, amount=said["amount"], reference=said["reference"])


AGAIN = {
    "vendor.created": Again(lambda w, a: vendors.create(w, **a.after), makes={"ven": SUBJECT}),
    "vendor.changed": Again(lambda w, a: vendors.patch(w, a.subject, a.after)),
    "bill.created": Again(
        lambda w, a: bills.create(w, NewBill(**_given(a.after))), makes={"bill": SUBJECT}
    ),
    "bill.changed": Again(lambda w, a: bills.patch(w, a.subject, _given(a.after))),
    "bill.opened": Again(lambda w, a: bills.open_(w, a.subject)),
    "bill.voided": Again(lambda w, a: bills.void(w, a.subject)),
    "bill.paid": Again(
        lambda w, a: bill_payments.pay(w, a.subject, _paid(a.after, "paid_on")),
        makes={"bpy": "payment"},
    ),
    "bill.payment_taken_back": Again(
        lambda w, a: bill_payments.take_back(w, a.subject, a.before["payment"])
    ),
    "prepayment.paid": Again(
        lambda w, a: prepayments.pay(w, NewPrepayment(**_given(a.after))), makes={"pre": SUBJECT}
    ),
    "vendor_credit.noted": Again(
        lambda w, a: vendor_credits.note(w, NewCredit(**_credit(a.after))), makes={"pre": SUBJECT}
    ),
    "prepayment.changed": Again(lambda w, a: prepayments.patch(w, a.subject, a.after)),
    "prepayment.voided": Again(lambda w, a: prepayments.void(w, a.subject)),
    "prepayment.applied": Again(
        lambda w, a: prepayments.apply(w, a.subject, a.after["bill"], a.after["amount"]),
        makes={"pap": "application"},
    ),
    "prepayment.unapplied": Again(
        lambda w, a: prepayments.unapply(w, a.subject, a.after["application"])
    ),
    "prepayment.refunded": Again(
        lambda w, a: prepayments.refund(w, a.subject, _paid(a.after, "received_on")),
        makes={"vrf": "refund"},
    ),
    "prepayment.refund_taken_back": Again(
        lambda w, a: prepayments.take_refund_back(w, a.subject, a.before["refund"])
    ),
}
