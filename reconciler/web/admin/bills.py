"""Bills of vendors: the list with its totals, and one with all that is done to it."""

from collections.abc import Callable
from datetime import timedelta

from flask import Response, request

from reconciler.books.people import Role
from reconciler.errors import Conflict, NotFound, Refused
from reconciler.reads import bills as reads, ledger, payees, prepayments, screens_people, vendors
from reconciler.reads.bills import DUE_SOON, BillRow
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.reads.prepayments import PrepaymentRow
from reconciler.services import bill_payments, bills, prepayments as prepaid, review_desk
from reconciler.services.bill_payments import REFERENCE_CHARS_MAX, Paid
from reconciler.web import forms, question_notes
from reconciler.web.admin import errors, paging, timeline
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()

_VIEWS: dict[str, tuple[str, dict[str, object]]] = {
    "all": ("All", {}),
    "open": ("To pay", {"is_open": True}),
    "part": ("Partly paid", {"is_part_paid": True}),  # overdue or not
    "due": ("Due within a week", {"is_open": True}),
    "overdue": ("Overdue", {"status": "overdue"}),
    "paid": ("Paid", {"status": "paid"}),
    "draft": ("Drafts", {"status": "draft"}),
    "snoozed": ("Snoozed", {"is_snoozed": True}),
}
# What was done on the page before.
_NOTICES = {
    "saved": "The draft is saved. Nobody owes it until it is opened.",
    "opened": "Open: from today on we owe it.",
    "paid": "The payment is recorded.",
    "applied": "It is applied. The bill is owed that much less.",
    "undone": "Taken back. A reversing entry was posted, and the bill is owed again.",
    "away": "Put off. It is owed all the same, and counts among what is late from its day on.",
    "woken": "In sight again.",
    "voided": "Void. Its number is free again.",
}
_GONE = "It was taken back already. Below is how the bill stands now."

Step = Callable[[Work], object]


_LISTED = Listed(
    "bills",
    (
        "id", "number", "vendor_id", "vendor_name", "status", "issued_on", "due_on", "currency",
        "subtotal", "tax", "total", "paid", "outstanding", "description",
    ),
    ("subtotal", "tax", "total", "paid", "outstanding"),
)  # fmt: skip


def _view() -> str:
    asked = request.args.get("view", "all")
    return asked if asked in _VIEWS else "all"


def _rows(desk: Desk, session: Session, wanted: Wanted) -> Page[BillRow]:
    filters = _VIEWS[_view()][1] | {"vendor_id": request.args.get("vendor") or None}
    if _view() == "due":
        within = desk.today + DUE_SOON + timedelta(days=1)
        filters |= {"due_from": desk.today, "due_before": within}
    return reads.page(session, filters, wanted, today=desk.today)


@screens.get("/bills")
@offers_csv(_LISTED, _rows)
def list_bills(desk: Desk) -> Response:
    """Bills, the newest first, with the totals of all that are open or paid."""
    view, vendor_id = _view(), request.args.get("vendor") or None
    with desk.runtime.read() as session:
        page = _rows(desk, session, paging.wanted())
        numbers = reads.numbers(session, today=desk.today, vendor_id=vendor_id)
        totals = vendors.payable(session, today=desk.today)
    return desk.page(
        "bills.html",
        bills=page.data,
        sums=_sums(page.data),
        totals=[one for one in totals.values() if one.billed],
        chips=[(name, label, numbers[name], name == view) for name, (label, _) in _VIEWS.items()],
        view=view,
        vendor_id=vendor_id,
        older=paging.next_page(page.next_cursor),
    )


@screens.get("/bills/<bill_id>")
def show_bill(desk: Desk, bill_id: str) -> Response:
    """One bill."""
    return _show(desk, bill_id)


@screens.post("/bills/<bill_id>/open", Role.RECONCILER)
def open_bill(desk: Desk, bill_id: str) -> Response:
    """From here on we owe it."""

    def asked(_: BillRow) -> Step:
        rev = forms.whole(request.form, "rev")
        return lambda work: bills.open_(work, bill_id, rev=rev)

    return _done(desk, bill_id, "opened", asked)


@screens.post("/bills/<bill_id>/pay", Role.RECONCILER)
def pay_bill(desk: Desk, bill_id: str) -> Response:
    """Record money that left the bank for it; never more than is owed."""

    def asked(bill: BillRow) -> Step:
        paid = Paid(
            amount=forms.amount(request.form, "amount", bill.currency).minor,
            on=forms.day(request.form, "paid_on"),
            reference=forms.words(request.form, "reference", chars_max=REFERENCE_CHARS_MAX) or None,
        )
        return lambda work: bill_payments.pay(work, bill_id, paid)

    return _done(desk, bill_id, "paid", asked, sheet="pay")


@screens.post("/bills/<bill_id>/apply", Role.RECONCILER)
def apply_prepayment(desk: Desk, bill_id: str) -> Response:
    """Use a prepayment of its vendor on the bill."""

    def asked(bill: BillRow) -> Step:
        ahead = forms.text(request.form, "prepayment_id")
        amount = forms.amount(request.form, "applied", bill.currency).minor
        return lambda work: prepaid.apply(work, ahead, bill_id, amount)

    return _done(desk, bill_id, "applied", asked, sheet="apply")


@screens.post("/bills/<bill_id>/take-back", Role.RECONCILER)
def take_payment_back(desk: Desk, bill_id: str) -> Response:
    """A payment of the bill was none, or came back."""

    def asked(_: BillRow) -> Step:
        payment = forms.text(request.form, "payment")
        return lambda work: bill_payments.take_back(work, bill_id, payment)

    return _done(desk, bill_id, "undone", asked)


@screens.post("/bills/<bill_id>/take-off", Role.RECONCILER)
def take_prepayment_off(desk: Desk, bill_id: str) -> Response:
    """Take a prepayment off the bill again."""

    def asked(bill: BillRow) -> Step:
        wanted = forms.text(request.form, "application")
        use = next((one for one in bill.applications if one.id == wanted), None)
        if use is None:
            raise NotFound(_GONE)
        return lambda work: prepaid.unapply(work, use.prepayment_id, use.id)

    return _done(desk, bill_id, "undone", asked)


@screens.post("/bills/<bill_id>/snooze", Role.RECONCILER)
def snooze_bill(desk: Desk, bill_id: str) -> Response:
    """Put a bill that is to be paid out of sight until a day begins, or bring it back; note why."""
    is_woken = "wake" in request.form

    def asked(_: BillRow) -> Step:
        until = None if is_woken else forms.day(request.form, "until")
        why = forms.words(request.form, "note")

        def step(work: Work) -> None:
            review_desk.snooze_bill(work, bill_id, until)
            question_notes.keep_on_bill(work, bill_id, why, until=until)

        return step

    return _done(desk, bill_id, "woken" if is_woken else "away", asked, sheet="snooze")


@screens.post("/bills/<bill_id>/void", Role.RECONCILER)
def void_bill(desk: Desk, bill_id: str) -> Response:
    """It was never owed."""

    def asked(_: BillRow) -> Step:
        rev = forms.whole(request.form, "rev")
        return lambda work: bills.void(work, bill_id, rev=rev)

    return _done(desk, bill_id, "voided", asked)


def _done(
    desk: Desk, bill_id: str, what: str, asked: Callable[[BillRow], Step], *, sheet: str = ""
) -> Response:
    """Do what the form asks for, once, and show the bill; or say there why it cannot be."""
    with desk.runtime.read() as session:
        bill = reads.one(session, bill_id, today=desk.today)
    try:
        step = asked(bill)
        desk.once(lambda work: str(step(work) or bill_id))
    except NotFound:
        return _show(desk, bill_id, refusal=Conflict(_GONE))
    except Refused as error:
        return _show(desk, bill_id, refusal=error, sheet=sheet)
    return go("show_bill", bill_id=bill_id, **{what: 1})


def _show(desk: Desk, bill_id: str, *, refusal: Refused | None = None, sheet: str = "") -> Response:
    with desk.runtime.read() as session:
        bill = reads.one(session, bill_id, today=desk.today)
        entries = ledger.entries_of(session, "bill_id", [bill_id]).get(bill_id, [])
        names = screens_people.names(session, timeline.causes(entries))
        payee = payees.one(session, bill.vendor_id)
        theirs = {"vendor_id": bill.vendor_id, "currency": bill.currency, "has_remaining": True}
        ahead: list[PrepaymentRow] = prepayments.page(session, theirs, Wanted(paging.PER_PAGE)).data
    return desk.page(
        "bill.html",
        bill=bill,
        payee=payee,
        prepayments=ahead,
        sheet=sheet,
        typed=request.form if refusal else {},
        **errors.told(refusal),
        notice="" if refusal else next((n for at, n in _NOTICES.items() if at in request.args), ""),
        moments=timeline.in_order(timeline.of_entries(entries, names)),
    )


def _sums(page: list[BillRow]) -> dict[str, tuple[int, int, int]]:
    """Total, paid and left of what this page shows, by currency; a draft owes nothing yet."""
    sums: dict[str, tuple[int, int, int]] = {}
    for bill in page:
        if bill.opened_at is None or bill.voided_at is not None:
            continue
        total, paid, left = sums.get(bill.currency, (0, 0, 0))
        sums[bill.currency] = (
            total + bill.total, paid + bill.paid, left + bill.outstanding,
        )  # fmt: skip
    return dict(sorted(sums.items()))
