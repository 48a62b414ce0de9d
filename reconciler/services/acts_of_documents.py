"""Customers, invoices, deposits, and whose money is whose: done again from their audit lines."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import msgspec

from reconciler.books.audit import IMPORTED
from reconciler.books.consent import RefundPolicy
from reconciler.books.deposit_terms import DepositTerms
from reconciler.books.invoice_lines import Line
from reconciler.errors import NotFound
from reconciler.money import MINOR_MAX
from reconciler.services import (
    allocations,
    applications,
    closings,
    credit_notes,
    credits_taken_back,
    customers,
    deposit_requests,
    deposits,
    forfeits,
    imports,
    invoices,
    rail_references,
    receipts,
    receipts_taken_back,
    short_payments,
)
from reconciler.services.acts import SUBJECT, Act, Again, given
from reconciler.services.allocations import Part
from reconciler.services.deposits import NewDeposit
from reconciler.services.invoices import NewInvoice
from reconciler.services.receipts import Receipt
from reconciler.store import claims
from reconciler.work import Work

REQUESTED = "refund.requested"
_FOLLOWS = frozenset({"tax"})  # from the lines
_POLICIES = ("overpayment_policy", "part_payments", "deposit_policy")


def policy_then(asked: Iterable[Act]) -> RefundPolicy:
    """Limits under which refunds that were asked for need the consent that they needed then."""
    return RefundPolicy(
        approval_thresholds={
            one.after["currency"]: -1 if one.after["needs_second_person"] else MINOR_MAX
            for one in asked
        }
    )


def _document(said: Mapping[str, Any]) -> dict[str, Any]:
    words = {name: value for name, value in given(said).items() if name not in _FOLLOWS}
    if "lines" in words:
        words["lines"] = tuple(msgspec.convert(one, Line) for one in words["lines"])
    if words.get("terms"):
        words["terms"] = msgspec.convert(words["terms"], DepositTerms)
    if "rail_payment_ids" in words:
        words["rail_payment_ids"] = tuple(words["rail_payment_ids"])
    return words


def _customer_created(work: Work, act: Act) -> None:
    said = act.after
    customers.create(
        work,
        name=said["name"],
        email=said["email"],
        rail_customers=said["rail_customers"] or None,
        **{name: said[name] for name in _POLICIES},
    )


def _customer_changed(work: Work, act: Act) -> None:
    changes = dict(act.after)
    if "rail_customers" in changes:
        gone = dict.fromkeys(act.before["rail_customers"])
        changes["rail_customers"] = gone | changes["rail_customers"]
    customers.patch(work, act.subject, changes)


def _invoice_created(work: Work, act: Act) -> None:
    invoices.create(work, NewInvoice(**_document(act.after)))


def _invoice_changed(work: Work, act: Act) -> None:
    invoices.patch(work, act.subject, _document(act.after))


def _invoice_sent(work: Work, act: Act) -> None:
    invoices.send(work, act.subject, without_sign_off=act.why)


def _invoice_voided(work: Work, act: Act) -> None:
    invoices.void(work, act.subject, release_to=act.after.get("release_to"))


def _invoice_credited(work: Work, act: Act) -> None:
    invoices.credit_note(
        work,
        act.subject,
        amount=act.after["amount"],
        reason=act.why or "",
        freed_to=act.after.get("freed_to"),
        policy=policy_then(act.beside(REQUESTED)),
    )


def _credit_taken_back(work: Work, act: Act) -> None:
    credits_taken_back.take_back(work, act.before["credit_note"], reason=act.why)


def _short_payment_accepted(work: Work, act: Act) -> None:
    said = act.after
    short_payments.bear(
        work,
        act.subject,
        why=act.why or "",
        bounds={said["currency"]: MINOR_MAX},  # that was judged then
        amount=said["amount"],
        payment_id=said["payment"],
    )


def _short_payment_taken_back(work: Work, act: Act) -> None:
    short_payments.take_back(work, act.before["short_payment"], reason=act.why)


def _invoice_referred(work: Work, act: Act) -> None:
    invoices.add_references(work, act.subject, act.after["rail"], act.after["objects"])


def _deposit_created(work: Work, act: Act) -> None:
    deposits.create(work, NewDeposit(**_document(act.after)))


def _deposit_changed(work: Work, act: Act) -> None:
    deposits.patch(work, act.subject, _document(act.after))


def _deposit_referred(work: Work, act: Act) -> None:
    deposits.add_references(work, act.subject, act.after["rail"], act.after["objects"])


def _work_began(work: Work, act: Act) -> None:
    deposit_requests.begin_work(work, act.subject, given(act.after)["work_began_on"])


def _deposit_ended(work: Work, act: Act) -> None:
    deposit_requests.end(work, act.subject, why=act.why or "")


def _deposit_asked_again(work: Work, act: Act) -> None:
    deposit_requests.ask_again(work, act.subject)


def _deposit_applied(work: Work, act: Act) -> None:
    said = act.after.get("applied_on")
    on = date.fromisoformat(said) if said else None
    applications.apply(work, act.subject, act.after["invoice"], act.after["amount"], on=on)


def _deposit_forfeited(work: Work, act: Act) -> None:
    forfeits.keep(work, act.subject, act.after["amount"], on=given(act.after).get("applied_on"))


def _forfeit_reversed(work: Work, act: Act) -> None:
    forfeits.take_back(work, act.subject, act.before["application"])


def _deposit_unapplied(work: Work, act: Act) -> None:
    applications.unapply(work, act.subject, act.after["application"])


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
        amount=said["asked"],
        reference=said["reference"],
        may_overpay=said["may_overpay"],
    )
    receipts.receive(work, said["target"], receipt)


def _receipt_taken_back(work: Work, act: Act) -> None:
    receipts_taken_back.take_back(work, act.subject, reason=act.why)


def _parts_changed(work: Work, act: Act) -> None:
    invoices.take_parts(work, act.subject, act.after["part_payments"])


def _closed(work: Work, act: Act) -> None:
    closings.close(work, date.fromisoformat(act.after["through"]), note=act.why)


def _reopened(work: Work, act: Act) -> None:
    through = act.after["through"]
    closings.reopen(work, date.fromisoformat(through) if through else None, reason=act.why or "")


def _pay_link_opened(work: Work, act: Act) -> None:
    # The link itself is nothing that books hold; what is paid through it is for its document.
    said = act.after
    target = said["target"]
    rail_references.add(
        work,
        said["rail"],
        [said["object_id"]],
        invoice_id=None if target.startswith("dep_") else target,
        deposit_id=target if target.startswith("dep_") else None,
    )


def _imported(work: Work, act: Act) -> None:
    imports.take_again(work, act.subject, act.after["rows"])


_FEE_BACK = "invoice.short_payment_taken_back"
_FREED = frozenset({"deposit.created", "payment.allocated"})
AGAIN = {
    # What its rows said is there already (store/replay_evidence.py).
    IMPORTED: Again(_imported),
    "customer.created": Again(_customer_created, makes={"cust": SUBJECT}),
    "customer.changed": Again(_customer_changed),
    "invoice.created": Again(_invoice_created, makes={"inv": SUBJECT}),
    "invoice.changed": Again(_invoice_changed),
    # What the milestone has on deposit is used on it.
    "invoice.sent": Again(_invoice_sent, brings=frozenset({"deposit.applied"})),
    # What was paid is freed, and becomes a credit, a deposit or a refund.
    "invoice.voided": Again(_invoice_voided, brings=_FREED),
    "invoice.credited": Again(
        _invoice_credited,
        makes={"cn": "credit_note", credit_notes.PREFIX: "number"},
        brings=_FREED | {REQUESTED},
    ),
    # What it had freed pays the invoice again.
    "invoice.credit_taken_back": Again(_credit_taken_back, brings=frozenset({"payment.allocated"})),
    "invoice.short_payment_accepted": Again(
        _short_payment_accepted, makes={"fee": "short_payment"}
    ),
    _FEE_BACK: Again(_short_payment_taken_back),
    "invoice.referred": Again(_invoice_referred),
    "invoice.parts_changed": Again(_parts_changed),
    "deposit.created": Again(_deposit_created, makes={"dep": SUBJECT}),
    "deposit.changed": Again(_deposit_changed),
    "deposit.referred": Again(_deposit_referred),
    "deposit.applied": Again(_deposit_applied, makes={"app": "application"}),
    "deposit.unapplied": Again(_deposit_unapplied),
    "deposit.forfeited": Again(_deposit_forfeited, makes={"app": "application"}),
    "deposit.forfeit_reversed": Again(_forfeit_reversed),
    "deposit.work_began": Again(_work_began),
    "deposit.ended": Again(_deposit_ended),
    "deposit.asked_again": Again(_deposit_asked_again),
    "payment.allocated": Again(_allocated),
    "payment.unallocated": Again(_unallocated, brings=frozenset({_FEE_BACK})),
    "payment.received_by_hand": Again(_received, makes={"pay": SUBJECT}),
    "payment.receipt_taken_back": Again(_receipt_taken_back, brings=frozenset({_FEE_BACK})),
    "pay_link.opened": Again(_pay_link_opened),
    "books.closed": Again(_closed),
    "books.reopened": Again(_reopened),
}
