"""Deposits: money taken ahead, what of it is used, and what is left."""

from collections.abc import Callable

from flask import Response, request

from reconciler.books.people import Role
from reconciler.errors import NotFound, Refused
from reconciler.reads import (
    attachments,
    ledger,
    pay_links,
    screens_documents,
    screens_people,
    screens_refunds,
)
from reconciler.reads.deposits import terms_of
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.reads.screens_documents import DepositLine
from reconciler.services import applications, deposit_terms
from reconciler.web import forms
from reconciler.web.admin import errors, paging, timeline, words
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()

Step = Callable[[Work], None]


_LISTED = Listed(
    "deposits",
    (
        "id", "code", "customer_id", "customer", "project_id", "status", "currency", "amount",
        "received", "applied", "refunded", "remaining", "taken_on", "received_into", "notes",
        "created_at", "forfeited", "due_on", "expires_on", "ended_at",
    ),
    ("amount", "received", "applied", "refunded", "remaining", "forfeited"),
)  # fmt: skip


def _rows(desk: Desk, session: Session, wanted: Wanted) -> Page[DepositLine]:
    del desk
    lines = screens_documents.deposits(
        session,
        view=request.args.get("view", ""),
        customer_id=request.args.get("customer") or None,
        before=paging.after(wanted.cursor),
        limit=wanted.limit,
    )
    return paging.page_of(lines, wanted, lambda one: (one.created_at, one.id))


@screens.get("/deposits")
@offers_csv(_LISTED, _rows)
def list_deposits(desk: Desk) -> Response:
    """Deposits, the newest first."""
    with desk.runtime.read() as session:
        page = _rows(desk, session, paging.wanted())
    sums: dict[str, tuple[int, int, int]] = {}
    for line in page.data:
        received, applied, remaining = sums.get(line.currency, (0, 0, 0))
        sums[line.currency] = (
            received + line.received,
            applied + line.applied,
            remaining + line.remaining,
        )
    return desk.page(
        "deposits.html",
        lines=page.data,
        sums=dict(sorted(sums.items())),
        view=request.args.get("view", ""),
        customer_id=request.args.get("customer") or None,
        older=paging.next_page(page.next_cursor),
    )


@screens.get("/deposits/<name>")
def show_deposit(desk: Desk, name: str) -> Response:
    """One deposit, by its id or its code."""
    return show(desk, name)


@screens.post("/deposits/<name>/apply", Role.RECONCILER)
def apply_to_invoice(desk: Desk, name: str) -> Response:
    """Use the deposit on an invoice."""
    with desk.runtime.read() as session:
        deposit = screens_documents.deposit(session, name)
    if deposit is None:
        raise NotFound(f"There is no deposit {name[:80]}")
    try:
        invoice_id = forms.text(request.form, "invoice_id")
        amount = forms.amount(request.form, "amount", deposit.currency).minor
        on = forms.day(request.form, "applied_on") if request.form.get("applied_on") else None
        desk.once(lambda work: applications.apply(work, deposit.id, invoice_id, amount, on=on))
    except NotFound:
        raise
    except Refused as error:
        return show(desk, name, status=422, error=errors.sentence(error))
    return go("show_deposit", name=deposit.id, applied=1)


@screens.post("/deposits/<name>/unapply", Role.RECONCILER)
def unapply_from_invoice(desk: Desk, name: str) -> Response:
    """Take the deposit off an invoice again, by a reversing entry."""
    try:
        application_id = forms.text(request.form, "application")
        desk.do(lambda work: applications.unapply(work, name, application_id))
    except NotFound:
        gone = "It was taken off already. Below is how the deposit stands now."
        return show(desk, name, status=409, error=gone)
    except Refused as error:
        return show(desk, name, status=422, error=errors.sentence(error))
    return go("show_deposit", name=name, undone=1)


def show(desk: Desk, name: str, *, status: int = 200, error: str = "") -> Response:
    """The page of one deposit."""
    with desk.runtime.read() as session:
        deposit = screens_documents.deposit(session, name)
        if deposit is None:
            raise NotFound(f"There is no deposit {name[:80]}")
        receipts = screens_documents.received_by(session, deposit.id)
        uses = screens_documents.uses(session, deposit.id)
        invoices = screens_documents.open_invoices(session, deposit.customer_id, deposit.currency)
        entries = ledger.entries_of(session, "deposit_id", [deposit.id]).get(deposit.id, [])
        names = screens_people.names(session, timeline.causes(entries))
        files = attachments.newest_of(session, [deposit.id]).get(deposit.id, [])
        pay_link = pay_links.live(session, deposit.id)
        held_back = deposit_terms.held_back(session, [deposit.id], desk.today).get(deposit.id)
        offer = pay_links.offers(session, [deposit.id])[deposit.id]
        refundable = screens_refunds.most_of_deposit(session, deposit.id, deposit.remaining)
    return desk.page(
        "deposit.html",
        status=status,
        deposit=deposit,
        receipts=[one for one in receipts if one.closed_at is None],
        uses=[one for one in uses if one.closed_at is None],
        invoices=invoices,
        refundable=refundable,
        pay_link=pay_link,
        held_back=held_back,
        terms=terms_of(deposit),
        offer=offer,
        files=files,
        chosen=request.form.get("invoice_id", ""),
        typed=request.form.get("amount", ""),
        applied_on=request.form.get("applied_on", "") or desk.today.isoformat(),
        error=error,
        notice=_notice(deposit) if not error else "",
        moments=timeline.in_order(timeline.of_entries(entries, names)),
    )


def _notice(deposit: DepositLine) -> str:
    if "terms" in request.args:
        return f"Terms changed: {_stands(deposit)}"
    if "began" in request.args:
        on = deposit.work_began_on
        return f"Work began on {words.day(on)}." if on else "Noted that no work has begun."
    return next((text for name, text in _NOTICES.items() if name in request.args), "")


def _stands(deposit: DepositLine) -> str:
    terms = terms_of(deposit)
    said = [
        f"due {words.day(deposit.due_on)}" if deposit.due_on else "no due day",
        f"asked for until {words.day(deposit.expires_on)}" if deposit.expires_on else "",
        terms.words.removesuffix(".") if terms else "all that remains of it is given back",
    ]
    return f"{'; '.join(one for one in said if one)}."


# What was done on the page before.
_NOTICES = {
    "applied": "The deposit is applied. The invoice is owed that much less.",
    "kept": "Kept as income. It is owed to the customer no more.",
    "held": "The deposit holds it again, and it is no income any more.",
    "ended": "It is asked for no more: no reminder and no page to pay on asks for it.",
    "asked": "It is asked for again.",
    "linked": "The pay link is made. Copy it below.",
    "unlinked": "The pay link has ended: nobody pays through it any more.",
    "attached": "The file is attached.",
    "undone": "Taken off the invoice again. A reversing entry was posted.",
}
