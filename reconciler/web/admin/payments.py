"""Payments: the list, and one with its amounts, what became of them, and how it came to that."""

from dataclasses import dataclass

from flask import Response, request

from reconciler.books.overpayments import PaidTwice
from reconciler.books.payments import PaymentStatus
from reconciler.books.people import Role
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.reads import (
    audit,
    disputes,
    ledger,
    payouts,
    review_queue,
    screens_payments,
    screens_people,
    screens_refunds,
    screens_unmatched,
)
from reconciler.reads.disputes import DisputeRow
from reconciler.reads.ledger import EntryRow
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.reads.payouts import PayoutRow
from reconciler.reads.screens_payments import ClaimLine, PaymentLine
from reconciler.reads.screens_refunds import RefundCard
from reconciler.services import matches, revisions
from reconciler.web import forms
from reconciler.web.admin import (
    dispute_words,
    errors,
    matched,
    paging,
    queue_views,
    timeline,
    unmatching,
    words,
)
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()

UNDO_MAX = 20
_MAY = Role.RECONCILER.value


@dataclass(frozen=True, slots=True)
class Around:
    """A payment with all that is shown around it."""

    payment: PaymentLine
    claims: list[ClaimLine]
    refunds: list[RefundCard]
    disputes: list[DisputeRow]
    payouts: list[PayoutRow]
    entries: list[EntryRow]
    aliases: list[str]
    refundable: int
    moments: list[timeline.Moment]
    twice: PaidTwice | None

    @property
    def live(self) -> list[ClaimLine]:
        """The claims that stand, and hold or wait for money."""
        return [claim for claim in self.claims if claim.closed_at is None]

    @property
    def on_invoices(self) -> int:
        """What of it pays invoices."""
        return sum(claim.amount for claim in self.live if claim.invoice_id)

    @property
    def on_deposits(self) -> int:
        """What of it is on deposit."""
        return sum(claim.amount for claim in self.live if claim.deposit_id)


_LISTED = Listed(
    "payments",
    (
        "id", "rail", "rail_payment_id", "who", "customer_id", "payer_email", "method",
        "description", "status", "currency", "authorized", "captured", "refunded", "lost",
        "disputed", "allocated", "unapplied", "strategy", "occurred_at", "updated_at",
    ),
    ("authorized", "captured", "refunded", "lost", "disputed", "allocated", "unapplied"),
)  # fmt: skip


def _state() -> str | None:
    state = request.args.get("status") or None
    if state is not None and state not in set(PaymentStatus):
        raise Invalid("There is no such status", field="status")
    return state


def _rows(desk: Desk, session: Session, wanted: Wanted) -> Page[PaymentLine]:
    del desk
    lines = screens_payments.latest(
        session,
        state=_state(),
        customer_id=request.args.get("customer") or None,
        before=paging.after(wanted.cursor),
        limit=wanted.limit,
    )
    return paging.page_of(lines, wanted, lambda one: (one.occurred_at, one.id))


@screens.get("/payments")
@offers_csv(_LISTED, _rows)
def list_payments(desk: Desk) -> Response:
    """Payments, the newest first."""
    with desk.runtime.read() as session:
        page = _rows(desk, session, paging.wanted())
    return desk.page(
        "payments.html",
        lines=page.data,
        filter=_state(),
        customer_id=request.args.get("customer") or None,
        states=[status.value for status in PaymentStatus],
        older=paging.next_page(page.next_cursor),
    )


@screens.get("/payments/<payment_id>")
def show_payment(desk: Desk, payment_id: str) -> Response:
    """One payment."""
    return _show(desk, payment_id)


@screens.post("/payments/<payment_id>/unmatch", Role.RECONCILER)
def unmatch(desk: Desk, payment_id: str) -> Response:
    """Take one allocation back, by a reversing entry."""
    try:
        desk.do(lambda work: _take_back(work, payment_id, is_checked=True))
    except Conflict:
        gone = "The payment was changed meanwhile. Nothing was undone. Below is how it stands now."
        return _show(desk, payment_id, status=409, error=gone)
    except NotFound:
        raise
    except Refused as error:
        return _show(desk, payment_id, status=422, error=errors.sentence(error))
    return go("show_payment", payment_id=payment_id, undone=_undone())


@screens.post("/payments/<payment_id>/undo", Role.RECONCILER)
def undo(desk: Desk, payment_id: str) -> Response:
    """Take back what was matched just now: the payment waits again where it waited before."""
    try:
        desk.do(lambda work: _take_back(work, payment_id, is_checked=False))
    except NotFound:
        gone = "That match is gone already. Below is how the payment stands now."
        return _show(desk, payment_id, status=409, error=gone)
    except Refused as error:
        return _show(desk, payment_id, status=422, error=errors.sentence(error))
    return go("show_unmatched", payment_id=payment_id, undone=_undone(), **queue_views.place())


def _undone() -> str:
    return ",".join(request.form.getlist("allocation")[:UNDO_MAX])


def _take_back(work: Work, payment_id: str, *, is_checked: bool) -> None:
    wanted = request.form.getlist("allocation")[:UNDO_MAX]
    if not wanted:
        raise Invalid("Say which match to undo", field="allocation")
    if is_checked:
        revisions.unchanged(work, payment_id, forms.whole(request.form, "rev"))
    for allocation_id in wanted:
        matches.take_back(work, payment_id, allocation_id)


def _show(desk: Desk, payment_id: str, *, status: int = 200, error: str = "") -> Response:
    around = _around(desk, payment_id)
    payment = around.payment
    return desk.page(
        "payment.html",
        status=status,
        around=around,
        payment=payment,
        error=error,
        was_undone="undone" in request.args and not error,
        undone=matched.undone(around.claims),
        was_taken_back="taken_back" in request.args and not error,
        after=unmatching.foretold(desk, payment, around.live) if desk.may(_MAY) else {},
        bar_label=_bar_label(around),
        losses=dispute_words.LOSSES,
    )


def _around(desk: Desk, payment_id: str) -> Around:
    with desk.runtime.read() as session:
        payment = screens_payments.payment(session, payment_id)
        if payment is None:
            raise NotFound(f"There is no payment {payment_id[:80]}")
        claims = screens_payments.claims(session, payment_id)
        cards = screens_refunds.of_payment(session, payment_id)
        disputed = disputes.of_payment(session, payment_id, now=desk.now)
        carried = payouts.page(
            session, {"payment_id": payment_id}, Wanted(limit=paging.PER_PAGE), shown=0
        ).data
        entries = ledger.entries_of(session, "payment_id", [payment_id]).get(payment_id, [])
        events = screens_payments.events(session, payment_id)
        rows = [card.refund for card in cards]
        names = screens_people.names(session, timeline.causes(entries, rows))
        refundable = screens_refunds.refundable(session, [payment_id]).get(payment_id, 0)
        subjects = [*(row.id for row in rows), *(one.rail_dispute_id for one in disputed)]
        subjects += review_queue.about_payment(session, payment_id)
        done = audit.about(session, subjects, timeline.AUDITED)
        aliases = screens_payments.aliases(session, payment_id)
        twice = screens_unmatched.twice(session, payment_id) if payment.unapplied > 0 else None
    moments = timeline.in_order(
        timeline.of_events(events),
        timeline.of_claims(claims, payment.currency),
        timeline.of_refunds(rows, names),
        timeline.of_audit(done),
        timeline.of_entries(entries, names),
    )
    return Around(
        payment, claims, cards, disputed, carried, entries, aliases, refundable, moments, twice
    )


def _bar_label(around: Around) -> str:
    payment = around.payment
    parts = [
        (around.on_invoices, "on invoices"),
        (around.on_deposits, "on deposit"),
        (payment.unapplied, "unapplied"),
        (payment.refunded - payment.promised, "refunded"),
        (payment.promised, "on its way back"),
        (payment.lost, "lost to disputes"),
    ]
    said = [f"{words.shown(amount, payment.currency)} {what}" for amount, what in parts if amount]
    return f"Of {words.shown(payment.captured, payment.currency)}: " + (
        ", ".join(said) or "nothing"
    )
