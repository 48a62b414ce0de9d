"""Customers: who owes what, who is owed, and all that one of them has with us."""

from collections.abc import Iterator, Mapping

from flask import Response, request

from reconciler.books import part_payments
from reconciler.books.deposits import DepositPolicy
from reconciler.books.overpayments import OverpaymentPolicy
from reconciler.books.people import Role
from reconciler.errors import Conflict, NotFound, Refused
from reconciler.reads import (
    customers,
    invoices as invoice_reads,
    messages,
    on_hold,
    payees,
    screens_documents,
    screens_payments,
    short_payments,
)
from reconciler.reads.customers import CustomerRow
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.services import customers as customer_services
from reconciler.web import forms
from reconciler.web.admin import errors, paging, part_forms
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.reminders import KINDS
from reconciler.web.admin.routes import Screens

screens = Screens()

SHOWN_MAX = 10  # of each kind; there is a link to the rest
MAILS_MAX = 5
_FIELDS = ("name", "email", "stripe", "overpayment_policy", "parts", "least", "deposit_policy")
POLICIES = {
    OverpaymentPolicy.HOLD: "Keep it as credit until somebody here decides, under Unmatched",
    OverpaymentPolicy.NEXT_INVOICE: "Pay what they owe next, the oldest due first",
    OverpaymentPolicy.DEPOSIT: "Hold it as a deposit",
    OverpaymentPolicy.REFUND: "Propose to give it back",
}


DEPOSITS = {
    DepositPolicy.AUTOMATIC: "Used on their milestone's invoice by themselves",
    DepositPolicy.BY_HAND: "Used by hand only",
}


_BALANCE = (
    "billed", "credited", "paid", "outstanding", "overdue", "on_its_way", "deposits",
    "deposits_due", "credit", "refunds",
)  # fmt: skip


def _told(_desk: Desk, row: CustomerRow) -> Iterator[Mapping[str, object]]:
    """A customer once for each currency; those who have nothing with us once, without one."""
    who = {"id": row.id, "name": row.name, "email": row.email, "created_at": row.created_at}
    none = dict.fromkeys(("currency", *_BALANCE))
    for balance in row.balances.values():
        yield who | {name: getattr(balance, name) for name in none}
    if not row.balances:
        yield who | none


_LISTED = Listed(
    "customers",
    ("id", "name", "email", "currency", *_BALANCE, "created_at"),
    _BALANCE,
    told=_told,
)


def _rows(desk: Desk, session: Session, wanted: Wanted) -> Page[CustomerRow]:
    return customers.page(session, {"name": _looked_for()}, wanted, today=desk.today)


def _looked_for() -> str | None:
    return request.args.get("name", "").strip() or None


@screens.get("/customers")
@offers_csv(_LISTED, _rows)
def list_customers(desk: Desk) -> Response:
    """Customers, the newest first, with what each owes and what is held for them."""
    with desk.runtime.read() as session:
        page = _rows(desk, session, paging.wanted())
        held = on_hold.of_customers(session, [one.id for one in page.data], today=desk.today)
    return desk.page(
        "customers.html",
        customers=page.data,
        held=held,
        looked_for=_looked_for(),
        older=paging.next_page(page.next_cursor),
    )


@screens.get("/customers/new", Role.RECONCILER)
def new_customer(desk: Desk) -> Response:
    """A form for a new customer."""
    return _new(desk, {})


@screens.post("/customers/new", Role.RECONCILER)
def add_customer(desk: Desk) -> Response:
    """Keep a new customer."""
    try:
        name = forms.text(request.form, "name")
        email = request.form.get("email", "").strip() or None
        rail_customers = {"stripe": request.form.get("stripe", "").strip() or None}
        made = desk.once(
            lambda work: customer_services.create(
                work, name=name, email=email, rail_customers=rail_customers
            )
        )
    except Refused as refusal:
        return _new(desk, request.form, refusal=refusal)
    return go("show_customer", customer_id=made)


def _new(desk: Desk, typed: Mapping[str, str], *, refusal: Refused | None = None) -> Response:
    return desk.page(
        "customer_new.html",
        typed={name: typed.get(name, "") for name in ("name", "email", "stripe")},
        **errors.told(refusal),
    )


@screens.get("/customers/<customer_id>")
def show_customer(desk: Desk, customer_id: str) -> Response:
    """One customer."""
    return _show(desk, customer_id)


@screens.get("/customers/<customer_id>/change")
def change_customer(desk: Desk, customer_id: str) -> Response:
    """What they are called, here and at the rail."""
    return _form(desk, customer_id)


@screens.post("/customers/<customer_id>/change", Role.RECONCILER)
def save_customer(desk: Desk, customer_id: str) -> Response:
    """Keep what was typed; money that waits for somebody like that is looked at again."""
    try:
        rev = forms.whole(request.form, "rev")
        changes = {
            "name": forms.text(request.form, "name"),
            "email": request.form.get("email", "").strip() or None,
            "rail_customers": {"stripe": request.form.get("stripe", "").strip() or None},
            "overpayment_policy": request.form.get("overpayment_policy", OverpaymentPolicy.HOLD),
            "deposit_policy": request.form.get("deposit_policy", DepositPolicy.AUTOMATIC),
            "part_payments": part_forms.read(request.form) or part_payments.ANY,
        }
        desk.do(lambda work: customer_services.patch(work, customer_id, changes, rev=rev))
    except NotFound:
        raise
    except Conflict as error:
        if error.field != "rev":
            return _form(desk, customer_id, status=409, error=errors.sentence(error))
        changed = "Somebody changed this customer meanwhile. Nothing of yours is kept yet."
        return _form(desk, customer_id, status=409, error=changed)
    except Refused as error:
        return _form(desk, customer_id, status=422, error=errors.sentence(error))
    return go("show_customer", customer_id=customer_id, changed=1)


def _show(desk: Desk, customer_id: str) -> Response:
    with desk.runtime.read() as session:
        customer = customers.one(session, customer_id, today=desk.today)
        invoices = screens_documents.invoices(
            session,
            view="all",
            customer_id=customer_id,
            today=desk.today,
            before=None,
            limit=SHOWN_MAX,
        )
        deposits = screens_documents.deposits(
            session, customer_id=customer_id, before=None, limit=SHOWN_MAX
        )
        payments = screens_payments.latest(
            session, state=None, customer_id=customer_id, before=None, limit=SHOWN_MAX
        )
        payee = payees.one(session, customer_id)
        held = on_hold.of_customers(session, [customer_id], today=desk.today)
        held_invoices = invoice_reads.why_on_hold(session, [one.id for one in invoices])
        mails = messages.page(session, {"customer_id": customer_id}, Wanted(limit=MAILS_MAX)).data
        borne = short_payments.borne(session, customer_id)
    return desk.page(
        "customer.html",
        borne=borne,
        mails=mails,
        mail_kinds=KINDS,
        customer=customer,
        invoices=invoices,
        on_hold=held_invoices,
        held_of=held.get(customer_id, {}),
        deposits=deposits,
        payments=payments,
        payee=payee,
        shown_max=SHOWN_MAX,
        policies=POLICIES,
        parts=part_forms.words(customer.part_payments),
        deposit_policies=DEPOSITS,
        notice="Changed." if "changed" in request.args else "",
    )


def _form(desk: Desk, customer_id: str, *, status: int = 200, error: str = "") -> Response:
    with desk.runtime.read() as session:
        customer = customers.one(session, customer_id, today=desk.today)
    typed = request.form if error else _as_typed(customer)
    return desk.page(
        "customer_change.html",
        status=status,
        customer=customer,
        typed={name: typed.get(name, "") for name in _FIELDS},
        policies=POLICIES,
        part_rules=part_forms.RULES,
        deposit_policies=DEPOSITS,
        error=error,
    )


def _as_typed(customer: CustomerRow) -> Mapping[str, str]:
    return {
        "name": customer.name,
        "email": customer.email or "",
        "stripe": customer.rail_customers.get("stripe", ""),
        "overpayment_policy": customer.overpayment_policy,
        **part_forms.typed(customer.part_payments),
        "deposit_policy": customer.deposit_policy,
    }
