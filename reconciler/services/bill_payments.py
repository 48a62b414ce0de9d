"""Money that left the bank for a bill, recorded by hand, and taken back where it did not."""

from dataclasses import dataclass
from datetime import date

from reconciler.books import bills as rules, texts
from reconciler.books.bills import BillState
from reconciler.errors import NotFound
from reconciler.ids import new_id
from reconciler.money import Money
from reconciler.services import audit, bills, ledger
from reconciler.store.purchases import BillPayment
from reconciler.work import Work

REFERENCE_CHARS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """What a person saw leave the bank, or come in: `amount` in minor units, None for all of it."""

    on: date
    amount: int | None = None
    reference: str | None = None


def pay(work: Work, bill_id: str, paid: Paid, *, rev: int | None = None) -> str:
    """Record a payment of an open bill; gives its id. Without an amount, all that is owed.

    Raises NotFound, Conflict, Invalid, and Refused, naming the excess, for more than is owed.
    """
    bill = bills.lock(work, bill_id, rev)
    amount = rules.to_pay(
        BillState(bill.state),
        bill.number,
        paid.amount,
        outstanding=bill.outstanding,
        currency=bill.currency,
    )
    payment = BillPayment(
        id=new_id("bpy"),
        bill_id=bill_id,
        amount=amount,
        paid_on=texts.day_come(paid.on, field="paid_on", today=work.now.date()),
        reference=reference(paid.reference),
        created_at=work.now,
    )
    work.session.add(payment)
    bill.paid += amount
    bill.rev += 1
    work.session.flush()
    money = Money(amount, bill.currency)
    ledger.post(work, [rules.paid_entry(payment.id, bill_id, money, on=payment.paid_on)])
    said = {
        "payment": payment.id, "amount": amount, "currency": bill.currency,
        "paid_on": payment.paid_on, "reference": payment.reference,
    }  # fmt: skip
    audit.note(work, "bill.paid", bill_id, after=said)
    return payment.id


def take_back(work: Work, bill_id: str, payment_id: str) -> None:
    """It was not paid, or came back: a reversing entry, and the bill is owed again.

    Raises NotFound where the bill has no such payment, or none any more.
    """
    bill = bills.lock(work, bill_id)
    payment = work.session.get(BillPayment, payment_id, with_for_update={"key_share": True})
    if payment is None or payment.bill_id != bill_id or payment.closed_at is not None:
        raise NotFound(f"bill {bill_id} has no live payment {payment_id}")
    payment.closed_at = work.now
    bill.paid -= payment.amount
    bill.snoozed_until = None  # money that came back is news
    bill.rev += 1
    work.session.flush()
    amount = Money(payment.amount, bill.currency)
    ledger.post(work, [rules.taken_back_entry(payment_id, bill_id, amount)])
    said = {"payment": payment_id, "amount": payment.amount, "currency": bill.currency}
    audit.note(work, "bill.payment_taken_back", bill_id, before=said)


def reference(value: str | None) -> str | None:
    """What the bank's statement will name it by. Raises Invalid."""
    if not value:
        return None
    return texts.line(value, field="reference", chars_max=REFERENCE_CHARS_MAX)
