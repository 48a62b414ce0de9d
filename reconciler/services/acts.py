"""What people and programs did, done again from the line that it left in the audit trail.

Only what says all that is needed. Refunds asked for here, and what was decided about refunds and
losses, are rows that say more than their lines: they are taken as they stand.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from reconciler import ids
from reconciler.books.bank_fees import Fee
from reconciler.books.bank_lines import TargetKind
from reconciler.books.deposit_terms import DepositTerms
from reconciler.books.invoice_lines import Line
from reconciler.errors import NotFound, Refused
from reconciler.services import (
    allocations,
    applications,
    bank_fees,
    closings,
    customers,
    deposit_requests,
    deposits,
    invoices,
    purchase_acts,
    receipts,
)
from reconciler.services.allocations import Part
from reconciler.services.deposits import NewDeposit
from reconciler.services.invoices import NewInvoice
from reconciler.services.receipts import Receipt
from reconciler.store import claims
from reconciler.work import Work

_DAYS = frozenset({"due_on", "issued_on", "date", "received_on", "work_began_on"})
_NOT_GIVEN = frozenset({"tax"})  # follows from the lines
_POLICIES = ("overpayment_policy", "part_payments", "deposit_policy")
_SIGNED_OFF_THEN = "signed off, or sent with a reason, when it was sent"


@dataclass(frozen=True, slots=True)
class Act:
    """A line of the audit trail. `rail_payment_id` of the payment that it is about, if any."""

    action: str
    subject: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    why: str | None = None
    rail_payment_id: str | None = None


def again(work: Work, act: Act) -> None:
    """Do it again. Raises what the service raises, if it cannot be done any more."""
    with ids.given(_ids(act).get):
        if act.action in _DEEDS:
            _DEEDS[act.action](work, act)
        else:
            purchase_acts.DEEDS[act.action](work, act.subject, act.before, act.after)


def _ids(act: Act) -> dict[str, str]:
    known = {_PREFIXES[act.action]: act.subject} if act.action in _PREFIXES else {}
    if act.action == "payment.received_by_hand" and act.rail_payment_id:
        known["hand"] = act.rail_payment_id
    for prefix, name in (
        ("cn", "credit_note"),
        ("app", "application"),
        *purchase_acts.NAMED,
    ):
        if name in act.after:
            known[prefix] = act.after[name]
    return known


def _given(said: Mapping[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name, value in said.items():
        if name in _DAYS and value is not None:
            given[name] = date.fromisoformat(value)
        elif name == "lines":
            given[name] = tuple(msgspec.convert(one, Line) for one in value)
        elif name == "terms":
            given[name] = msgspec.convert(value, DepositTerms) if value else None
        elif name == "rail_payment_ids":
            given[name] = tuple(value)
        elif name not in _NOT_GIVEN:
            given[name] = value
    return given


def _customer_created(work: Work, act: Act) -> None:
    said = act.after
    rails = said["rail_customers"] or None
    policies = {name: said[name] for name in _POLICIES if name in said}
    customers.create(work, name=said["name"], email=said["email"], rail_customers=rails, **policies)


def _customer_changed(work: Work, act: Act) -> None:
    changes = dict(act.after)
    if "rail_customers" in changes:
        gone = dict.fromkeys(act.before["rail_customers"])
        changes["rail_customers"] = gone | changes["rail_customers"]
    customers.patch(work, act.subject, changes)


def _invoice_created(work: Work, act: Act) -> None:
    invoices.create(work, NewInvoice(**_given(act.after)))


def _invoice_changed(work: Work, act: Act) -> None:
    invoices.patch(work, act.subject, _given(act.after))


def _invoice_sent(work: Work, act: Act) -> None:
    # Sign-offs are not done over; that it might go was judged then.
    invoices.send(work, act.subject, without_sign_off=act.why or _SIGNED_OFF_THEN)


def _invoice_voided(work: Work, act: Act) -> None:
    invoices.void(work, act.subject)


def _invoice_credited(work: Work, act: Act) -> None:
    invoices.credit_note(work, act.subject, amount=act.after["amount"], reason=act.why or "")


def _invoice_referred(work: Work, act: Act) -> None:
    invoices.add_references(work, act.subject, act.after["rail"], act.after["objects"])


def _deposit_created(work: Work, act: Act) -> None:
    deposits.create(work, NewDeposit(**_given(act.after)))


def _deposit_changed(work: Work, act: Act) -> None:
    deposits.patch(work, act.subject, _given(act.after))


def _deposit_referred(work: Work, act: Act) -> None:
    deposits.add_references(work, act.subject, act.after["rail"], act.after["objects"])


def _work_began(work: Work, act: Act) -> None:
    deposit_requests.begin_work(work, act.subject, _given(act.after)["work_began_on"])


def _deposit_ended(work: Work, act: Act) -> None:
    deposit_requests.end(work, act.subject, why=act.why or "")


def _deposit_asked_again(work: Work, act: Act) -> None:
    deposit_requests.ask_again(work, act.subject)


def _deposit_applied(work: Work, act: Act) -> None:
    said = act.after.get("applied_on")
    on = date.fromisoformat(said) if said else None
    applications.apply(work, act.subject, act.after["invoice"], act.after["amount"], on=on)


def _deposit_unapplied(work: Work, act: Act) -> None:
    applications.unapply(work, act.subject, act.after["application"])


def _closed(work: Work, act: Act) -> None:
    closings.close(work, date.fromisoformat(act.after["through"]), note=act.why)


def _reopened(work: Work, act: Act) -> None:
    through = act.after["through"]
    closings.reopen(work, date.fromisoformat(through) if through else None, reason=act.why or "")


def _allocated(work: Work, act: Act) -> None:
    parts = [_part(one["target"], one["amount"]) for one in act.after["allocations"]]
    allocations.allocate(work, act.subject, parts)


def _part(target: str, amount: int) -> Part:
    is_deposit = target.startswith("dep_")
    return Part(
        invoice_id=None if is_deposit else target,
        deposit_id=target if is_deposit else None,
        amount=amount,
    )


def _unallocated(work: Work, act: Act) -> None:
    # What the matching claims has another id each time; of a payment there is one claim a target.
    live = claims.allocations_of(work.session, [act.subject])
    claim = next((one.id for one in live if one.target == act.before["target"]), None)
    if claim is None:
        raise NotFound(f"no live allocation of {act.subject} on {act.before['target']}")
    allocations.unallocate(work, act.subject, claim)


def _received(work: Work, act: Act) -> None:
    said = act.after
    receipt = Receipt(
        source=said["source"],
        received_on=date.fromisoformat(said["received_on"]),
        amount=said.get("asked", said["amount"]),
        reference=said["reference"],
        # Lines from before this was said: as far as it was needed.
        may_overpay=said.get("may_overpay", False),
    )
    receipts.receive(work, said["target"], receipt)


def _fee(act: Act, said: Mapping[str, Any]) -> Fee:
    return Fee(
        line_id=act.subject,
        turn=said["turn"],
        kind=TargetKind(said["kind"]),
        target_id=said["target"],
        amount=said["amount"],
        currency=said["currency"],
    )


def _bank_fee_booked(work: Work, act: Act) -> None:
    bank_fees.post(work, _fee(act, act.after), why=act.why)


def _bank_fee_taken_back(work: Work, act: Act) -> None:
    bank_fees.post_back(work, _fee(act, act.before))


_PREFIXES = {
    "customer.created": "cust",
    "invoice.created": "inv",
    "deposit.created": "dep",
    "payment.received_by_hand": "pay",
    **purchase_acts.PREFIXES,
}
_DEEDS: Mapping[str, Callable[[Work, Act], None]] = {
    "customer.created": _customer_created,
    "customer.changed": _customer_changed,
    "invoice.created": _invoice_created,
    "invoice.changed": _invoice_changed,
    "invoice.sent": _invoice_sent,
    "invoice.voided": _invoice_voided,
    "invoice.credited": _invoice_credited,
    "invoice.referred": _invoice_referred,
    "deposit.created": _deposit_created,
    "deposit.changed": _deposit_changed,
    "deposit.referred": _deposit_referred,
    "deposit.work_began": _work_began,
    "deposit.ended": _deposit_ended,
    "deposit.asked_again": _deposit_asked_again,
    "deposit.applied": _deposit_applied,
    "deposit.unapplied": _deposit_unapplied,
    "payment.allocated": _allocated,
    "payment.unallocated": _unallocated,
    "payment.received_by_hand": _received,
    "books.closed": _closed,
    "books.reopened": _reopened,
    "bank_fee.booked": _bank_fee_booked,
    "bank_fee.taken_back": _bank_fee_taken_back,
}
ACTIONS = (*_DEEDS, *purchase_acts.DEEDS)


def read(action: str, subject: str, words: str | None, rail_payment_id: str | None) -> Act:
    """A line with its words. Raises Refused where they were erased."""
    if words is None:
        raise Refused("what was said was erased")
    said = msgspec.json.decode(words, type=dict[str, Any])
    return Act(action, subject, said["before"], said["after"], said["why"], rail_payment_id)
