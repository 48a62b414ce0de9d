"""Invoices: the list with its totals, and one with what paid it and what lowered it."""

from flask import Response, request

from reconciler.books.people import Role
from reconciler.errors import NotFound, Refused, Unavailable
from reconciler.flows import pay_links
from reconciler.reads import (
    balances,
    customers,
    disputes,
    invoices as invoice_reads,
    ledger,
    milestones,
    on_hold,
    pay_links as pay_link_reads,
    screens_documents,
    screens_payments,
    screens_people,
    screens_refunds,
    short_payments,
)
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.reads.screens_documents import DepositLine, InvoiceLine
from reconciler.services import applications
from reconciler.services.pay_links import PayAsk
from reconciler.web import forms
from reconciler.web.admin import bank_fees, errors, paging, part_forms, timeline
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.routes import Screens

screens = Screens()

_VIEWS = {
    "all": "All",
    "open": "Open",
    "part": "Partly paid",
    "overdue": "Overdue",
    "paid": "Paid",
    "draft": "Drafts",
}


# What was done on the page before.
_NOTICES = {
    "saved": "The draft is saved. Nobody owes it until it is sent.",
    "sent": "Sent: from today on it is owed. {mail}",
    "mailed": "A mail with a link to see and pay it leaves within moments.",
    "received": "The payment is recorded.",
    "unlinked": "The pay link has ended: nobody pays through it any more.",
    "parts": "Part payments changed: {parts}. A page to pay on that was made before ends.",
    "credited": "The credit note is written.",
    "bank_fee": "Booked as a bank fee: nobody owes it any more.",
    "fee_taken_back": "The bank fee is taken back: what it had lowered is owed again.",
    "credit_taken_back": "The credit note is taken back: what it had lowered is owed again.",
    "voided": "Void. Reversing entries were posted, and the money is where it was said to go.",
}


_LISTED = Listed(
    "invoices",
    (
        "id", "number", "customer_id", "customer", "project_id", "description", "status",
        "currency", "total", "tax", "paid", "credited", "outstanding", "issued_on", "due_on",
        "created_at", "sent_at", "voided_at",
    ),
    ("total", "tax", "paid", "credited", "outstanding"),
)  # fmt: skip


def _view() -> str:
    asked = request.args.get("view", "all")
    return asked if asked in _VIEWS else "all"


def _rows(desk: Desk, session: Session, wanted: Wanted) -> Page[InvoiceLine]:
    lines = screens_documents.invoices(
        session,
        view=_view(),
        customer_id=request.args.get("customer") or None,
        today=desk.today,
        before=paging.after(wanted.cursor),
        limit=wanted.limit,
    )
    return paging.page_of(lines, wanted, lambda one: (one.created_at, one.id))


@screens.get("/invoices")
@offers_csv(_LISTED, _rows)
def list_invoices(desk: Desk) -> Response:
    """Invoices, the newest first, with the totals of all that were sent."""
    view, customer_id = _view(), request.args.get("customer") or None
    with desk.runtime.read() as session:
        page = _rows(desk, session, paging.wanted())
        sent = balances.of_all_invoices(session, today=desk.today)
        numbers = screens_documents.invoice_views(session, desk.today, customer_id)
        held = on_hold.of_customers(session, None, today=desk.today)
        held_invoices = invoice_reads.why_on_hold(session, [one.id for one in page.data])
    # What is on hold is not overdue, and the view of what is does not hold it either.
    theirs = {customer_id: held.get(customer_id, {})} if customer_id else held
    numbers["overdue"] -= sum(one.number_overdue for one in on_hold.by_currency(theirs).values())
    return desk.page(
        "invoices.html",
        lines=page.data,
        totals=[one for one in sent.values() if one.billed],
        held=on_hold.by_currency(held),
        on_hold=held_invoices,
        sums=_sums(page.data),
        chips=[(name, label, numbers[name], name == view) for name, label in _VIEWS.items()],
        view=view,
        customer_id=customer_id,
        older=paging.next_page(page.next_cursor),
    )


@screens.get("/invoices/<name>")
def show_invoice(desk: Desk, name: str) -> Response:
    """One invoice, by its id or its number."""
    return show(desk, name)


@screens.post("/invoices/<name>/apply", Role.RECONCILER)
def apply_deposit(desk: Desk, name: str) -> Response:
    """Use a deposit of the customer on the invoice."""
    with desk.runtime.read() as session:
        invoice = screens_documents.the_invoice(session, name)
    try:
        deposit_id = forms.text(request.form, "deposit_id")
        amount = forms.amount(request.form, "amount", invoice.currency).minor
        desk.once(lambda work: applications.apply(work, deposit_id, invoice.id, amount))
    except NotFound:
        raise
    except Refused as error:
        return show(desk, name, status=422, error=errors.sentence(error))
    return go("show_invoice", name=invoice.id, applied=1)


@screens.post("/invoices/<name>/pay-link", Role.RECONCILER)
def make_pay_link(desk: Desk, name: str) -> Response:
    """A page of the rail on which what is left can be paid, or a part of it."""
    with desk.runtime.read() as session:
        invoice = screens_documents.the_invoice(session, name)
    try:
        typed = forms.amount_or_none(request.form, "amount", invoice.currency)
        amount = typed.minor if typed else None
        ask = PayAsk(noun="invoice", target_id=invoice.id, amount=amount)
        planned = pay_links.open_page(desk.runtime, desk.do, ask)
    except (Refused, Unavailable) as error:
        return show(desk, name, status=422, error=errors.sentence(error))
    return show(desk, name, pay_url=planned.url or "", pay_amount=planned.amount)


def show(
    desk: Desk,
    name: str,
    *,
    status: int = 200,
    error: str = "",
    pay_url: str = "",
    pay_amount: int = 0,
) -> Response:
    """The page of one invoice."""
    with desk.runtime.read() as session:
        invoice = screens_documents.the_invoice(session, name)
        sources = screens_documents.paid_by(session, invoice.id)
        notes = screens_documents.credit_notes(session, invoice.id)
        entries = ledger.entries_of(session, "invoice_id", [invoice.id]).get(invoice.id, [])
        names = screens_people.names(session, timeline.causes(entries))
        around = _around(desk, session, invoice)
        disputed = disputes.of_invoice(session, invoice.id, now=desk.now)
    return desk.page(
        "invoice.html",
        status=status,
        invoice=invoice,
        pay_url=pay_url,
        pay_amount=pay_amount,
        sources=[source for source in sources if source.closed_at is None],
        notes=notes,
        disputed=[one for one in disputed if one.taken],
        notice=_notice(str(around["parts_in_words"]), _mail_words(invoice, around)),
        typed=request.form.get("amount", ""),
        error=error,
        was_applied="applied" in request.args and not error,
        moments=timeline.in_order(
            timeline.of_sources(sources, invoice.currency),
            timeline.of_disputes(disputed),
            timeline.of_credit_notes(notes, invoice.currency),
            timeline.of_entries(entries, names),
        ),
        **around,
    )


def _notice(parts: str, mail: str) -> str:
    text = next((text for name, text in _NOTICES.items() if name in request.args), "")
    return text.format(parts=parts[:1].lower() + parts[1:], mail=mail)


def _mail_words(invoice: InvoiceLine, around: dict[str, object]) -> str:
    """Sending it mails nothing: how the customer gets it."""
    if invoice.outstanding <= 0:
        return "Nothing was mailed, and nothing is left to pay."
    if around["email"]:
        return f"Nothing was mailed yet: “Mail it” mails it to {around['email']}."
    return f"Nothing was mailed: no mail address of {invoice.customer} is kept here. Print it."


def _around(desk: Desk, session: Session, invoice: InvoiceLine) -> dict[str, object]:
    """What the page says of it beside what paid it and what happened to it."""
    offer = pay_link_reads.offers(session, [invoice.id])[invoice.id]
    own = invoice_reads.parts_of(session, invoice.id)
    typed = {name: request.form.get(name, was) for name, was in part_forms.typed(own).items()}
    return {
        "fees": short_payments.of_invoices(session, [invoice.id]).get(invoice.id, []),
        "fee_most": bank_fees.most_of(desk, session, invoice.id),
        "lines": screens_documents.invoice_lines(session, invoice.id),
        "taxes": screens_documents.taxes(session, invoice.id),
        "on_hold": invoice_reads.is_on_hold(session, invoice.id),
        "naming": screens_payments.naming(session, invoice.number) if invoice.number else [],
        "deposits": _held_for(session, invoice),
        "milestone": milestones.of_invoices(session, [invoice.id], today=desk.today).get(
            invoice.id
        ),
        "asked_back": screens_refunds.of_invoice(session, invoice.id),
        "refundable": screens_refunds.most_of_invoice(session, invoice.id),
        "email": customers.one(session, invoice.customer_id, today=desk.today).email,
        "pay_link": pay_link_reads.live(session, invoice.id),
        "offer": offer,
        "own_parts": own,
        "parts_typed": typed,
        "part_rules": part_forms.RULES_OF_INVOICE,
        "parts_in_words": part_forms.words(offer.policy),
        "balance": balances.of_invoices(session, [invoice.id], today=desk.today)[invoice.id],
    }


def _held_for(session: Session, invoice: InvoiceLine) -> list[DepositLine]:
    """Deposits of its customer that could be used on it."""
    found = screens_documents.deposits(
        session, view="left", customer_id=invoice.customer_id, before=None, limit=paging.PER_PAGE
    )
    return [one for one in found if one.currency == invoice.currency]


def _sums(lines: list[InvoiceLine]) -> dict[str, tuple[int, int, int]]:
    """Total, paid and left of what this page shows, by currency."""
    sums: dict[str, tuple[int, int, int]] = {}
    for line in lines:
        if line.state == "void":
            continue
        total, paid, left = sums.get(line.currency, (0, 0, 0))
        owed = line.outstanding if line.state == "sent" else 0
        sums[line.currency] = (total + line.total, paid + line.paid, left + owed)
    return dict(sorted(sums.items()))
