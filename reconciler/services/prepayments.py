"""Credit with vendors, paid ahead or by their note: used on bills, taken off again, given back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlmodel import col, select

from reconciler import currencies
from reconciler.books import (
    bills as bill_rules,
    prepayments as rules,
    texts,
    vendor_credits as credit_rules,
)
from reconciler.books.bills import BillState
from reconciler.books.journal import JournalEntry
from reconciler.books.prepayments import PrepaymentKind
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.ids import new_id
from reconciler.money import MINOR_MAX, Money
from reconciler.services import audit, bills, ledger, numbering, vendors
from reconciler.services.bill_payments import Paid, reference
from reconciler.store.purchases import (
    Bill,
    Prepayment,
    PrepaymentApplication,
    VendorCreditLine,
    VendorRefund,
)
from reconciler.work import Work

PREFIX = "PRE-"
CODE_CHARS_MAX = 64
NOTES_CHARS_MAX = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPrepayment:
    """What was paid ahead, from the bank: `amount` in minor units of `currency`."""

    vendor_id: str
    currency: str
    amount: int
    paid_on: date
    reference: str | None = None
    code: str | None = None
    notes: str | None = None


def pay(work: Work, new: NewPrepayment) -> str:
    """Record a prepayment, under the next free code if none is given; gives its id.

    Raises Invalid, or Conflict for a code that is taken.
    """
    vendors.must_exist(work, new.vendor_id)
    code = new.code or numbering.next_free(work.session, "prepayment", PREFIX)
    if type(new.amount) is not int or not 0 < new.amount <= MINOR_MAX:
        raise Invalid("the amount is a whole number of minor units above 0", field="amount")
    prepayment = Prepayment(
        id=new_id("pre"),
        code=texts.line(code, field="code", chars_max=CODE_CHARS_MAX),
        vendor_id=new.vendor_id,
        currency=currencies.code(new.currency),
        amount=new.amount,
        paid_on=texts.day_come(new.paid_on, field="paid_on", today=work.now.date()),
        reference=reference(new.reference),
        notes=_notes(new.notes),
        created_at=work.now,
    )
    _not_taken(work, prepayment)
    work.session.add(prepayment)
    work.session.flush()
    paid = rules.paid_entry(prepayment.id, _all_of(prepayment), on=prepayment.paid_on)
    ledger.post(work, [paid])
    fields = (
        "code", "vendor_id", "currency", "amount", "paid_on", "reference", "notes",
    )  # fmt: skip
    said = {name: getattr(prepayment, name) for name in fields}
    audit.note(work, "prepayment.paid", prepayment.id, after=said)
    return prepayment.id


def patch(
    work: Work, prepayment_id: str, changes: Mapping[str, object], *, rev: int | None = None
) -> None:
    """Change the words around it. Raises NotFound, Invalid, or Conflict for an old rev."""
    prepayment = _lock(work, prepayment_id, rev)
    before = {name: getattr(prepayment, name) for name in _WORDS}
    for name, value in changes.items():
        if name not in _WORDS:
            raise Invalid(f"{name} cannot be changed", field=name)
        setattr(prepayment, name, _WORDS[name](None if value is None else str(value)))
    prepayment.rev += 1
    work.session.flush()
    was, became = audit.changes(before, {name: getattr(prepayment, name) for name in _WORDS})
    audit.note(work, "prepayment.changed", prepayment_id, before=was, after=became)


def void(work: Work, prepayment_id: str, *, rev: int | None = None) -> None:
    """It was never paid. Raises NotFound, Conflict, and Refused once something came of it."""
    prepayment = _lock(work, prepayment_id, rev)
    is_credit = prepayment.kind == PrepaymentKind.CREDIT_NOTE
    may_be_voided = credit_rules.may_be_voided if is_credit else rules.may_be_voided
    may_be_voided(
        prepayment.code,
        applied=prepayment.applied,
        refunded=prepayment.refunded,
        is_void=prepayment.voided_at is not None,
    )
    prepayment.voided_at = work.now
    prepayment.rev += 1
    work.session.flush()
    voided = _credit_voided(work, prepayment) if is_credit else _voided(prepayment)
    ledger.post(work, [voided])
    audit.note(work, "prepayment.voided", prepayment_id, before={"amount": prepayment.amount})


def apply(work: Work, prepayment_id: str, bill_id: str, amount: int | None = None) -> str:
    """Use a prepayment on a bill of its vendor; gives the application's id.

    Without an amount, as much as there is and as is owed. Raises NotFound, and Refused, naming the
    field, when either has less. Both are locked, so that two who apply the same prepayment at once
    cannot both have it.
    """
    prepayment = _usable(work, prepayment_id)
    bill = _bill_for(work, prepayment, bill_id)
    wanted = rules.to_apply(
        amount,
        remaining=_remaining(prepayment),
        owed=bill.outstanding,
        currency=prepayment.currency,
    )
    use = PrepaymentApplication(
        id=new_id("pap"),
        prepayment_id=prepayment_id,
        bill_id=bill_id,
        amount=wanted,
        created_at=work.now,
    )
    work.session.add(use)
    _move(work, prepayment, bill, wanted)
    money = Money(wanted, prepayment.currency)
    ledger.post(work, [rules.applied_entry(use.id, prepayment_id, bill_id, money)])
    _note(work, "prepayment.applied", use)
    return use.id


def unapply(work: Work, prepayment_id: str, application_id: str) -> None:
    """Take a prepayment off a bill again, by a reversing entry. Raises NotFound."""
    prepayment = _lock(work, prepayment_id)
    use = work.session.get(PrepaymentApplication, application_id)
    if use is None or use.prepayment_id != prepayment_id or use.closed_at is not None:
        raise NotFound(f"prepayment {prepayment_id} has no live application {application_id}")
    bill = bills.lock(work, use.bill_id)
    use.closed_at = work.now
    _move(work, prepayment, bill, -use.amount)
    money = Money(use.amount, prepayment.currency)
    ledger.post(work, [rules.unapplied_entry(use.id, prepayment_id, use.bill_id, money)])
    _note(work, "prepayment.unapplied", use)


def refund(work: Work, prepayment_id: str, back: Paid) -> str:
    """The vendor gave it back, or what is left of it; gives the refund's id.

    Raises NotFound, Invalid, and Refused, naming the excess, for more than remains.
    """
    prepayment = _usable(work, prepayment_id)
    amount = rules.to_refund(
        back.amount, remaining=_remaining(prepayment), currency=prepayment.currency
    )
    made = VendorRefund(
        id=new_id("vrf"),
        prepayment_id=prepayment_id,
        amount=amount,
        received_on=texts.day_come(back.on, field="received_on", today=work.now.date()),
        reference=reference(back.reference),
        created_at=work.now,
    )
    work.session.add(made)
    prepayment.refunded += amount
    prepayment.rev += 1
    work.session.flush()
    money = Money(amount, prepayment.currency)
    back_on = made.received_on
    ledger.post(work, [rules.refunded_entry(made.id, prepayment_id, money, on=back_on)])
    said = {
        "refund": made.id, "amount": amount, "currency": prepayment.currency,
        "received_on": made.received_on, "reference": made.reference,
    }  # fmt: skip
    audit.note(work, "prepayment.refunded", prepayment_id, after=said)
    return made.id


def take_refund_back(work: Work, prepayment_id: str, refund_id: str) -> None:
    """It never came: a reversing entry. Raises NotFound."""
    prepayment = _lock(work, prepayment_id)
    made = work.session.get(VendorRefund, refund_id)
    if made is None or made.prepayment_id != prepayment_id or made.closed_at is not None:
        raise NotFound(f"prepayment {prepayment_id} has no live refund {refund_id}")
    made.closed_at = work.now
    prepayment.refunded -= made.amount
    prepayment.rev += 1
    work.session.flush()
    money = Money(made.amount, prepayment.currency)
    ledger.post(work, [rules.refund_taken_back_entry(refund_id, prepayment_id, money)])
    said = {"refund": refund_id, "amount": made.amount, "currency": prepayment.currency}
    audit.note(work, "prepayment.refund_taken_back", prepayment_id, before=said)


def _voided(prepayment: Prepayment) -> JournalEntry:
    return rules.voided_entry(prepayment.id, _all_of(prepayment))


def _credit_voided(work: Work, credit: Prepayment) -> JournalEntry:
    wanted = select(VendorCreditLine).where(col(VendorCreditLine.prepayment_id) == credit.id)
    lines = work.session.exec(wanted).all()
    costs = bill_rules.costs((line.category, line.net) for line in lines)
    return credit_rules.voided_entry(
        credit.id, costs=costs, tax=credit.tax, currency=credit.currency
    )


def _lock(work: Work, prepayment_id: str, rev: int | None = None) -> Prepayment:
    found = work.session.get(Prepayment, prepayment_id, with_for_update={"key_share": True})
    if found is None:
        raise NotFound(f"there is no prepayment {prepayment_id}")
    if rev is not None and rev != found.rev:
        raise Conflict(f"prepayment {found.code} was changed meanwhile", field="rev")
    return found


def _usable(work: Work, prepayment_id: str) -> Prepayment:
    prepayment = _lock(work, prepayment_id)
    if prepayment.voided_at is not None:
        raise Refused(f"prepayment {prepayment.code} is void")
    return prepayment


def _bill_for(work: Work, prepayment: Prepayment, bill_id: str) -> Bill:
    try:
        bill = bills.lock(work, bill_id)
    except NotFound as error:
        raise Refused(str(error), field="bill_id") from None
    if bill.state != BillState.OPEN:
        raise Refused(f"bill {bill.number} is {bill.state}", field="bill_id")
    if bill.currency != prepayment.currency:
        raise Refused(
            f"the bill is in {bill.currency}, the prepayment in {prepayment.currency}",
            field="bill_id",
        )
    if bill.vendor_id != prepayment.vendor_id:
        raise Refused("the bill is another vendor's", field="bill_id")
    return bill


def _move(work: Work, prepayment: Prepayment, bill: Bill, amount: int) -> None:
    prepayment.applied += amount
    bill.paid += amount
    if amount < 0:
        bill.snoozed_until = None  # it is owed again, which is news
    for one in (prepayment, bill):
        one.rev += 1
    work.session.flush()


def _remaining(prepayment: Prepayment) -> int:
    return rules.remaining(
        amount=prepayment.amount, applied=prepayment.applied, refunded=prepayment.refunded
    )


def _all_of(prepayment: Prepayment) -> Money:
    return Money(prepayment.amount, prepayment.currency)


def _note(work: Work, action: str, use: PrepaymentApplication) -> None:
    moved = {"application": use.id, "bill": use.bill_id, "amount": use.amount}
    audit.note(work, action, use.prepayment_id, after=moved)


def _not_taken(work: Work, prepayment: Prepayment) -> None:
    same = sa.func.lower(sa.func.btrim(Prepayment.code)) == prepayment.code.lower()
    taken = select(Prepayment.id).where(same, col(Prepayment.kind) == PrepaymentKind.PAID_AHEAD)
    if work.session.exec(taken).first():
        raise Conflict(f"the code {prepayment.code} is taken", field="code")


def _notes(value: str | None) -> str | None:
    if value is None:
        return None
    return texts.words(value, field="notes", chars_max=NOTES_CHARS_MAX) or None


_WORDS = {"reference": reference, "notes": _notes}
