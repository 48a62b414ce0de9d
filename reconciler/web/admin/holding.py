"""What is left of a payment kept as a deposit: of its customer, of one chosen, or of a new one.

A new customer is made with the deposit, in one transaction: nobody is left over whose deposit
could not be made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.books.allocations import placed
from reconciler.errors import Invalid
from reconciler.money import Money
from reconciler.reads import customers as customer_reads, screens_people
from reconciler.reads.pages import Session, Wanted
from reconciler.reads.screens_payments import PaymentLine
from reconciler.services import allocations, customers, deposits
from reconciler.services.allocations import Part
from reconciler.services.deposits import NewDeposit
from reconciler.web import forms
from reconciler.web.admin import consequences
from reconciler.web.admin.consequences import Foreseen
from reconciler.work import Work

NEW = "new"  # what the list of customers says for somebody who is not in it


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose deposit it becomes: a customer, or somebody new by name and mail address."""

    customer_id: str = ""
    name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Owners:
    """Who may own it: all to choose from, who is chosen, and what is filled in for somebody new.

    `known_by` is the mail address that the chosen one and the payer have in common.
    """

    customers: Sequence[tuple[str, str]]
    chosen: str
    name: str
    email: str
    known_by: str = ""


def typed(payment: PaymentLine, form: Mapping[str, str]) -> Owner:
    """Whose it is to be. Raises Invalid, naming the field, where nobody is named."""
    if payment.customer_id:
        return Owner(payment.customer_id)
    chosen = forms.text(form, "customer_id")
    if chosen != NEW:
        return Owner(chosen)
    name = form.get("name", "").strip()
    if not name:
        raise Invalid("Write the name of the new customer", field="name")
    return Owner(name=name, email=form.get("email", "").strip())


def hold(work: Work, payment: PaymentLine, owner: Owner, notes: str | None) -> list[str]:
    """Keep what is left of the payment as a deposit; gives the ids of its allocations."""
    customer_id = owner.customer_id or customers.create(
        work, name=owner.name, email=owner.email or None
    )
    deposit_id = deposits.create(
        work,
        NewDeposit(
            customer_id=customer_id,
            currency=payment.currency,
            amount=payment.unapplied,
            notes=notes,
        ),
    )
    return allocations.allocate(work, payment.id, [Part(deposit_id=deposit_id)])


def foreseen(payment: PaymentLine) -> Foreseen:
    """What holding it would post, whosever it becomes: all that is left, put on a new deposit."""
    left = Money(payment.unapplied, payment.currency)
    return consequences.by_rule(placed(left, is_deposit=True))


def owners(session: Session, payment: PaymentLine, said: Mapping[str, str]) -> Owners | None:
    """Whom the form offers; None where the payment's customer is known. `said`: what was typed."""
    if payment.customer_id:
        return None
    known = _with_address(session, payment.payer_email)
    name = said.get("name", payment.payer_name or "")
    chosen = said.get("customer_id") or known or (NEW if name else "")
    return Owners(
        screens_people.customers(session),
        chosen,
        name,
        said.get("email", payment.payer_email or ""),
        (payment.payer_email or "") if known and chosen == known else "",
    )


def _with_address(session: Session, email: str | None) -> str:
    """The one customer with this mail address; none where several have it."""
    if not email:
        return ""
    found, _ = customer_reads.LISTING.keys(session, {"email": email}, Wanted(limit=2))
    return found[0] if len(found) == 1 else ""
