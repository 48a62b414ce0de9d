"""Deposits used on invoices, and taken off them again. Never spent twice."""

from datetime import date

from reconciler import ids
from reconciler.books.allocations import Offer
from reconciler.books.invoices import InvoiceState
from reconciler.errors import Invalid, NotFound, Refused
from reconciler.money import shown
from reconciler.services import audit, closings, settlement
from reconciler.store.claims import ApplicationRow
from reconciler.work import Work


def new_use(
    work: Work, deposit_id: str, invoice_id: str | None, *, on: date | None
) -> ApplicationRow:
    """A use that takes nothing yet, to be staged; without an invoice, what is kept as income."""
    return ApplicationRow(
        id=ids.new_id("app"),
        deposit_id=deposit_id,
        invoice_id=invoice_id,
        wanted=0,
        offer=Offer(),
        amount=0,
        turns=0,
        created_at=work.now,
        is_new=True,
        on=on,
    )


def apply(
    work: Work,
    deposit_id: str,
    invoice_id: str,
    amount: int | None = None,
    *,
    on: date | None = None,
) -> str:
    """Use a deposit on an invoice; gives the application's id.

    Without an amount, as much as the deposit has and the invoice owes. `on` is the day on which
    it counts, today if not said. Raises Refused, naming the field, when either has less or the
    day is closed, and Invalid for a day to come or before the invoice's. Both are locked, so that
    two who apply the same deposit at once cannot both have it.
    """
    day = closings.posting_day(work, on, field="applied_on")
    use = new_use(work, deposit_id, invoice_id, on=day)
    scene = settlement.stage(work, {}, new_applications=[use])
    deposit, invoice = scene.deposits.get(deposit_id), scene.invoices.get(invoice_id)
    if deposit is None:
        raise NotFound(f"there is no deposit {deposit_id}")
    if invoice is None:
        raise Refused(f"there is no invoice {invoice_id}", field="invoice_id")
    if invoice.state != InvoiceState.SENT:
        raise Refused(f"invoice {invoice.number} is {invoice.state}", field="invoice_id")
    if invoice.currency != deposit.currency:
        raise Refused(
            f"the invoice is in {invoice.currency}, the deposit in {deposit.currency}",
            field="invoice_id",
        )
    if invoice.customer_id != deposit.customer_id:
        raise Refused("the invoice is another customer's", field="invoice_id")
    if on is not None and invoice.issued_on is not None and on < invoice.issued_on:
        raise Invalid(f"the invoice is of {invoice.issued_on}", field="applied_on")
    remaining = deposit.received - deposit.applied - deposit.refunded
    use.wanted = _fitting(amount, remaining, invoice.outstanding, deposit.currency)
    settlement.finish(work, scene)
    _note(work, "deposit.applied", use, use.wanted, on=on)
    return use.id


def unapply(work: Work, deposit_id: str, application_id: str) -> None:
    """Take a deposit off an invoice again, by a reversing entry. Raises NotFound."""
    scene = settlement.stage(work, {}, deposits=[deposit_id])
    use = scene.applications.get(application_id)
    if use is None or use.deposit_id != deposit_id or use.invoice_id is None:
        raise NotFound(f"deposit {deposit_id} has no live application {application_id}")
    _note(work, "deposit.unapplied", use, use.amount)
    use.wanted = 0
    use.is_changed = True
    settlement.finish(work, scene)


def _note(
    work: Work, action: str, use: ApplicationRow, amount: int, *, on: date | None = None
) -> None:
    moved: dict[str, object] = {
        "application": use.id,
        "invoice": use.invoice_id,
        "amount": amount,
    } | ({"applied_on": on} if on else {})
    audit.note(work, action, use.deposit_id, after=moved)


def _fitting(amount: int | None, remaining: int, owed: int, currency: str) -> int:
    wanted = min(remaining, owed) if amount is None else amount
    if amount is None and not wanted:
        why = (
            "nothing remains of the deposit" if not remaining else "nothing is owed on the invoice"
        )
        raise Refused(why, field="amount")
    if wanted <= 0:
        raise Refused("the amount must be more than nothing", field="amount")
    if wanted > remaining:
        over = shown(wanted - remaining, currency)
        raise Refused(f"that is {over} more than remains of the deposit", field="amount")
    if wanted > owed:
        over = shown(wanted - owed, currency)
        raise Refused(f"that is {over} more than is owed on the invoice", field="amount")
    return wanted
