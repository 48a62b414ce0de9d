"""Pages to pay on, made and revoked; and what part of an invoice may be paid at a time."""

from contextlib import suppress

from flask import Response, request

from reconciler.books.people import Role
from reconciler.errors import Conflict, NotFound, Refused, Unavailable
from reconciler.flows import pay_links
from reconciler.reads import pay_links as reads, screens_documents
from reconciler.services import invoices as invoice_services
from reconciler.services.pay_links import PayAsk
from reconciler.web import forms
from reconciler.web.admin import deposits, errors, invoices, part_forms
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.routes import Screens

screens = Screens()


@screens.post("/deposits/<name>/pay-link", Role.RECONCILER)
def make_deposit_link(desk: Desk, name: str) -> Response:
    """A page of the rail on which what is left of a deposit can be paid, or a part of it."""
    with desk.runtime.read() as session:
        deposit = screens_documents.deposit(session, name)
    if deposit is None:
        raise NotFound(f"There is no deposit {name[:80]}")
    try:
        typed = forms.amount_or_none(request.form, "pay_amount", deposit.currency)
        amount = typed.minor if typed else None
        ask = PayAsk(noun="deposit", target_id=deposit.id, amount=amount)
        pay_links.open_page(desk.runtime, desk.do, ask)
    except (Refused, Unavailable) as error:
        return deposits.show(desk, name, status=422, error=errors.sentence(error))
    return go("show_deposit", name=deposit.id, linked=1)


@screens.post("/pay-links/<pay_link_id>/revoke", Role.RECONCILER)
def revoke_pay_link(desk: Desk, pay_link_id: str) -> Response:
    """Nobody pays through it any more; one that has ended already is left as it is."""
    with desk.runtime.read() as session:
        link = reads.one(session, pay_link_id)
    with suppress(Conflict):
        pay_links.revoke(desk.runtime, desk.do, pay_link_id)
    if link.invoice_id:
        return go("show_invoice", name=link.invoice_id, unlinked=1)
    return go("show_deposit", name=link.deposit_id, unlinked=1)


@screens.post("/invoices/<name>/part-payments", Role.RECONCILER)
def take_parts(desk: Desk, name: str) -> Response:
    """What part of an invoice may be paid at a time, where we ask for the money."""
    try:
        rev = forms.whole(request.form, "rev")
        said = part_forms.read(request.form)
        desk.do(lambda work: invoice_services.take_parts(work, name, said, rev=rev))
    except NotFound:
        raise
    except Conflict:
        changed = "Somebody changed this invoice meanwhile. Below is how it stands now."
        return invoices.show(desk, name, status=409, error=changed)
    except Refused as error:
        return invoices.show(desk, name, status=422, error=errors.sentence(error))
    return go("show_invoice", name=name, parts=1)
