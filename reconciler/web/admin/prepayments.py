"""Prepayments: what vendors were paid ahead, what bills absorb of it, and what is left."""

from collections.abc import Callable
from datetime import date

from flask import Response, request

from reconciler import currencies
from reconciler.books.people import Role
from reconciler.errors import Conflict, NotFound, Refused
from reconciler.reads import bills, ledger, payees, prepayments as reads, screens_people, vendors
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.reads.prepayments import PrepaymentRow
from reconciler.services import prepayments
from reconciler.services.bill_payments import REFERENCE_CHARS_MAX, Paid
from reconciler.services.prepayments import NewPrepayment
from reconciler.web import forms
from reconciler.web.admin import errors, paging, timeline
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()

_FIELDS = ("vendor_id", "currency", "amount", "paid_on", "reference", "code", "notes")
_NOTICES = {
    "recorded": "The prepayment is recorded.",
    "noted": "The credit note is recorded.",
    "applied": "It is applied. The bill is owed that much less.",
    "undone": "Taken back. A reversing entry was posted.",
    "refunded": "What the vendor gave back is recorded.",
    "kept": "Its reference and its note are saved.",
    "voided": "Void. A reversing entry was posted.",
}
_GONE = "It was taken back already. Below is how the prepayment stands now."

Step = Callable[[Work], object]


_LISTED = Listed(
    "prepayments",
    (
        "id", "kind", "code", "vendor_id", "vendor_name", "status", "paid_on", "currency", "amount",
        "applied", "refunded", "remaining", "reference", "notes",
    ),
    ("amount", "applied", "refunded", "remaining"),
)  # fmt: skip


def _rows(desk: Desk, session: Session, wanted: Wanted) -> Page[PrepaymentRow]:
    del desk
    only_left = request.args.get("view") == "left"
    vendor_id = request.args.get("vendor") or None
    filters = {"vendor_id": vendor_id, "has_remaining": True if only_left else None}
    return reads.page(session, filters, wanted)


@screens.get("/prepayments")
@offers_csv(_LISTED, _rows)
def list_prepayments(desk: Desk) -> Response:
    """Prepayments, the newest first, with what is left of all."""
    with desk.runtime.read() as session:
        page = _rows(desk, session, paging.wanted())
        totals = vendors.payable(session, today=desk.today)
    sums: dict[str, tuple[int, int, int]] = {}
    for one in page.data:
        if one.voided_at is None:
            paid, applied, left = sums.get(one.currency, (0, 0, 0))
            sums[one.currency] = (
                paid + one.amount, applied + one.applied, left + one.remaining,
            )  # fmt: skip
    return desk.page(
        "prepayments.html",
        prepayments=page.data,
        sums=dict(sorted(sums.items())),
        left=[(currency, one.prepaid) for currency, one in totals.items() if one.prepaid],
        only_left=request.args.get("view") == "left",
        vendor_id=request.args.get("vendor") or None,
        older=paging.next_page(page.next_cursor),
    )


@screens.get("/prepayments/new", Role.RECONCILER)
def new_prepayment(desk: Desk) -> Response:
    """An empty form, for a vendor where one is named: with the account that they are paid to."""
    return _form(desk)


@screens.post("/prepayments/new", Role.RECONCILER)
def record_prepayment(desk: Desk) -> Response:
    """Record money that left the bank for a vendor, ahead of a bill; or look to which account."""
    form = request.form
    if form.get("do") == "look":
        return _form(desk)
    try:
        currency = currencies.code(form.get("currency", ""))
        new = NewPrepayment(
            vendor_id=forms.choice(form, "vendor_id", _vendors(desk), ask="Choose a vendor"),
            currency=currency,
            amount=forms.amount(form, "amount", currency).minor,
            paid_on=forms.day(form, "paid_on"),
            reference=forms.words(form, "reference", chars_max=REFERENCE_CHARS_MAX) or None,
            code=form.get("code", "").strip() or None,
            notes=forms.words(form, "notes") or None,
        )
        made = desk.once(lambda work: prepayments.pay(work, new))
    except Refused as error:
        return _form(desk, refusal=error)
    return go("show_prepayment", prepayment_id=made, recorded=1)


@screens.get("/prepayments/<prepayment_id>")
def show_prepayment(desk: Desk, prepayment_id: str) -> Response:
    """One prepayment."""
    return _show(desk, prepayment_id)


@screens.post("/prepayments/<prepayment_id>/apply", Role.RECONCILER)
def apply_to_bill(desk: Desk, prepayment_id: str) -> Response:
    """Use the prepayment on a bill."""

    def asked(ahead: PrepaymentRow) -> Step:
        bill_id = forms.text(request.form, "bill_id")
        amount = forms.amount(request.form, "applied", ahead.currency).minor
        return lambda work: prepayments.apply(work, prepayment_id, bill_id, amount)

    return _done(desk, prepayment_id, "applied", asked, sheet="apply")


@screens.post("/prepayments/<prepayment_id>/take-off", Role.RECONCILER)
def take_off_bill(desk: Desk, prepayment_id: str) -> Response:
    """Take it off a bill again, by a reversing entry."""

    def asked(_: PrepaymentRow) -> Step:
        use = forms.text(request.form, "application")
        return lambda work: prepayments.unapply(work, prepayment_id, use)

    return _done(desk, prepayment_id, "undone", asked)


@screens.post("/prepayments/<prepayment_id>/refund", Role.RECONCILER)
def record_vendor_refund(desk: Desk, prepayment_id: str) -> Response:
    """Record what the vendor gave back."""

    def asked(ahead: PrepaymentRow) -> Step:
        back = Paid(
            amount=forms.amount(request.form, "amount", ahead.currency).minor,
            on=forms.day(request.form, "received_on"),
            reference=forms.words(request.form, "reference", chars_max=REFERENCE_CHARS_MAX) or None,
        )
        return lambda work: prepayments.refund(work, prepayment_id, back)

    return _done(desk, prepayment_id, "refunded", asked, sheet="refund")


@screens.post("/prepayments/<prepayment_id>/refund-back", Role.RECONCILER)
def take_vendor_refund_back(desk: Desk, prepayment_id: str) -> Response:
    """What was recorded as given back never came."""

    def asked(_: PrepaymentRow) -> Step:
        refund_id = forms.text(request.form, "refund")
        return lambda work: prepayments.take_refund_back(work, prepayment_id, refund_id)

    return _done(desk, prepayment_id, "undone", asked)


@screens.post("/prepayments/<prepayment_id>/words", Role.RECONCILER)
def change_prepayment(desk: Desk, prepayment_id: str) -> Response:
    """Its reference and its note."""

    def asked(_: PrepaymentRow) -> Step:
        said = {
            "reference": forms.words(request.form, "reference", chars_max=REFERENCE_CHARS_MAX),
            "notes": forms.words(request.form, "notes"),
        }
        rev = forms.whole(request.form, "rev")
        return lambda work: prepayments.patch(work, prepayment_id, said, rev=rev)

    return _done(desk, prepayment_id, "kept", asked, sheet="words")


@screens.post("/prepayments/<prepayment_id>/void", Role.RECONCILER)
def void_prepayment(desk: Desk, prepayment_id: str) -> Response:
    """It was never paid."""

    def asked(_: PrepaymentRow) -> Step:
        rev = forms.whole(request.form, "rev")
        return lambda work: prepayments.void(work, prepayment_id, rev=rev)

    return _done(desk, prepayment_id, "voided", asked)


def _done(
    desk: Desk,
    prepayment_id: str,
    what: str,
    asked: Callable[[PrepaymentRow], Step],
    *,
    sheet: str = "",
) -> Response:
    """Do what the form asks for, once, and show the prepayment; or say there why it cannot be."""
    with desk.runtime.read() as session:
        ahead = reads.one(session, prepayment_id)
    try:
        step = asked(ahead)
        desk.once(lambda work: str(step(work) or prepayment_id))
    except NotFound:
        return _show(desk, prepayment_id, refusal=Conflict(_GONE))
    except Refused as error:
        return _show(desk, prepayment_id, refusal=error, sheet=sheet)
    return go("show_prepayment", prepayment_id=prepayment_id, **{what: 1})


def _show(
    desk: Desk, prepayment_id: str, *, refusal: Refused | None = None, sheet: str = ""
) -> Response:
    with desk.runtime.read() as session:
        ahead = reads.one(session, prepayment_id)
        entries = ledger.entries_of(session, "prepayment_id", [prepayment_id])
        booked = entries.get(prepayment_id, [])
        names = screens_people.names(session, timeline.causes(booked))
        theirs = {"vendor_id": ahead.vendor_id, "currency": ahead.currency, "is_open": True}
        owed = bills.page(session, theirs, Wanted(paging.PER_PAGE), today=desk.today).data
    return desk.page(
        "prepayment.html",
        prepayment=ahead,
        bills=sorted(owed, key=lambda one: (one.due_on or date.max, one.number)),
        sheet=sheet,
        typed=request.form if refusal else {},
        **errors.told(refusal),
        notice="" if refusal else next((n for at, n in _NOTICES.items() if at in request.args), ""),
        moments=timeline.in_order(timeline.of_entries(booked, names)),
    )


def _form(desk: Desk, *, refusal: Refused | None = None) -> Response:
    typed = {name: request.form.get(name, "") for name in _FIELDS}
    if request.method == "GET":
        vendor_id = request.args.get("vendor_id") or request.args.get("vendor", "")
        typed |= {"vendor_id": vendor_id, "paid_on": desk.today.isoformat()}
    with desk.runtime.read() as session:
        known = vendors.names(session)
        payee = payees.of(session, {typed["vendor_id"]} & dict(known).keys())
    return desk.page(
        "prepayment_new.html",
        payee=payee.get(typed["vendor_id"]),
        vendors=known,
        typed=typed,
        **errors.told(refusal),
    )


def _vendors(desk: Desk) -> list[str]:
    with desk.runtime.read() as session:
        return [vendor_id for vendor_id, _ in vendors.names(session)]
