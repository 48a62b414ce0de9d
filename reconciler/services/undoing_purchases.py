"""What somebody did to bills, prepayments and bank lines, done the other way round."""

from collections.abc import Callable, Mapping
from datetime import date

from reconciler.books.bank_lines import LineState, TargetKind
from reconciler.books.deeds import Deed
from reconciler.errors import Conflict, NotFound
from reconciler.services import bill_payments, bills, prepayments, review_desk, statements
from reconciler.services.bill_payments import Paid
from reconciler.store import statement_rows
from reconciler.store.purchases import BillPayment, VendorRefund
from reconciler.store.statement_rows import LineRow
from reconciler.work import Work

GONE = "it is taken back already"


def _bill_paid(work: Work, deed: Deed) -> None:
    bill_payments.take_back(work, deed.subject, deed.after["payment"])


def _bill_payment_taken_back(work: Work, deed: Deed) -> None:
    was = work.session.get(BillPayment, deed.before["payment"])
    assert was is not None, "a payment that was taken back stays as a row"
    paid = Paid(on=was.paid_on, amount=was.amount, reference=was.reference)
    bill_payments.pay(work, deed.subject, paid)


def _bill_snoozed(work: Work, deed: Deed) -> None:
    if _day(bills.lock(work, deed.subject).snoozed_until) != deed.after["snoozed_until"]:
        raise Conflict("it was put off anew since, or is in sight again")
    until = deed.before["snoozed_until"]
    review_desk.snooze_bill(work, deed.subject, date.fromisoformat(until) if until else None)


def _day(value: date | None) -> str | None:
    return value.isoformat() if value else None


def _prepaid(work: Work, deed: Deed) -> None:
    prepayments.void(work, deed.subject)


def _applied(work: Work, deed: Deed) -> None:
    prepayments.unapply(work, deed.subject, deed.after["application"])


def _unapplied(work: Work, deed: Deed) -> None:
    prepayments.apply(work, deed.subject, deed.after["bill"], deed.after["amount"])


def _refunded(work: Work, deed: Deed) -> None:
    prepayments.take_refund_back(work, deed.subject, deed.after["refund"])


def _refund_taken_back(work: Work, deed: Deed) -> None:
    was = work.session.get(VendorRefund, deed.before["refund"])
    assert was is not None, "a refund that was taken back stays as a row"
    back = Paid(on=was.received_on, amount=was.amount, reference=was.reference)
    prepayments.refund(work, deed.subject, back)


def _tied(work: Work, deed: Deed) -> None:
    row = _line(work, deed)
    said = deed.after
    if row.state != LineState.TIED or row.target_id not in said.get(
        "targets", [said.get("target")]
    ):
        raise Conflict(GONE)
    statements.untie(work, deed.subject, rev=None)


def _untied(work: Work, deed: Deed) -> None:
    statement_rows.take_turn(work.session)  # before the line, as everybody who ties
    if _line(work, deed).state != LineState.OPEN:
        raise Conflict("the line is said to be something else by now")
    kind = TargetKind(deed.before["kind"])
    statements.tie(work, deed.subject, kind, deed.before["target"], rev=None)


def _set_aside(work: Work, deed: Deed) -> None:
    if _line(work, deed).state != LineState.SET_ASIDE:
        raise Conflict(GONE)
    statements.take_up(work, deed.subject, rev=None)


def _line(work: Work, deed: Deed) -> LineRow:
    row = statement_rows.lock(work.session, deed.subject)
    if row is None:
        raise NotFound(f"there is no bank line {deed.subject}")
    return row


def _once(step: Callable[[Work, Deed], None]) -> Callable[[Work, Deed], None]:
    """What is not there any more was taken back by somebody already."""

    def taken(work: Work, deed: Deed) -> None:
        try:
            step(work, deed)
        except NotFound:
            raise Conflict(GONE) from None

    return taken


UNDOING: Mapping[str, Callable[[Work, Deed], None]] = {
    "bill.paid": _once(_bill_paid),
    "bill.snoozed": _bill_snoozed,
    "bill.payment_taken_back": _bill_payment_taken_back,
    "prepayment.paid": _prepaid,
    "vendor_credit.noted": _prepaid,
    "prepayment.applied": _once(_applied),
    "prepayment.unapplied": _unapplied,
    "prepayment.refunded": _once(_refunded),
    "prepayment.refund_taken_back": _refund_taken_back,
    "bank_line.tied": _tied,
    "bank_line.untied": _untied,
    "bank_line.set_aside": _set_aside,
}
WHY_NOT: Mapping[str, str] = {
    "bill.opened": "A bill that was opened is not unopened: void it on its own page.",
    "bill.voided": "A void stands: write the bill anew, its number is free again.",
    "prepayment.voided": "A void stands: record the prepayment again.",
    "bank_line.taken_up": "Set the line aside again on its statement, and say why.",
    "bank_line.corrected": "The line before stays as withdrawn; the new one can be untied.",
    "bank_line.kept": "Both lines stand: set one aside on its statement.",
    "statement.read": "What a bank's file says is evidence: set lines aside that are not yours.",
}
