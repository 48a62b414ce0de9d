"""Refunds: ask, approve, decline. Who asked never approves; each button names the money."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from flask import Response, request

from reconciler.books import refund_words
from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.allocations import Treatment
from reconciler.books.people import Role
from reconciler.books.refund_routes import Keep, Method, Route, has_stopped
from reconciler.errors import Conflict, Forbidden, NotFound, Refused
from reconciler.flows import another_route
from reconciler.reads import audit, screens_people, screens_refunds
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.reads.refunds import LegRow, RefundRow
from reconciler.reads.screens_refunds import DONE, SENT, RefundCard, WantedRefunds
from reconciler.services import refund_preview, refund_routes, refunds
from reconciler.web import forms
from reconciler.web.admin import account_words, consequences, errors, paging, timeline, words
from reconciler.web.admin.consequences import Foreseen
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()

ID_CHARS_MAX = 80
_WORDS = ("why", "reference", "consent")  # what people type into the forms of this page


@dataclass(frozen=True, slots=True)
class Step:
    """One station on a refund's way: `state` is done, now, bad or nothing."""

    text: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class Ways:
    """What can be done with what did not arrive, each as the amount it is about, in minor units.

    `by_hand` waits to be paid by people; `waiting` for any decision of people, and can be called
    off; `is_mine`: whoever looks chose that way and cannot pay it.
    """

    retry: int
    another: int
    keep: int
    by_hand: int
    waiting: int
    is_mine: bool

    @property
    def are_any(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.retry or self.another or self.keep or self.by_hand)


_TABS = ("me", "others", "sent", "trouble", "done")
_LISTED = Listed(
    "refunds",
    (
        "id", "customer_id", "customer", "payment_id", "invoice_id", "number", "deposit_id", "code",
        "currency", "amount", "reason", "treatment", "status", "rail", "rail_refund_id", "note",
        "asked_by", "requested_at", "approved_by", "approved_at", "failure",
    ),
    ("amount",),
    told=lambda _, card: (_told(card),),
)  # fmt: skip


def _told(card: RefundCard) -> dict[str, object]:
    """A refund with the names of what and whom it is about."""
    around = {name: getattr(card.around, name) for name in card.around.__slots__}
    refund = {name: getattr(card.refund, name) for name in card.refund.__slots__}
    return refund | around | {"id": card.refund.id, "currency": card.refund.currency}


def _tab(desk: Desk) -> str:
    tab = request.args.get("tab", "")
    return tab if tab in _TABS else ("me" if desk.may("approver") else "others")


def _rows(desk: Desk, session: Session, wanted: Wanted) -> Page[RefundCard]:
    tab = _tab(desk)
    if tab == "me" and not desk.may("approver"):
        return Page([], None)
    cards = screens_refunds.cards(
        session, _wanted(desk, tab), before=paging.after(wanted.cursor), limit=wanted.limit
    )
    return paging.page_of(cards, wanted, lambda one: (one.refund.requested_at, one.refund.id))


@screens.get("/refunds")
@offers_csv(_LISTED, _rows)
def list_refunds(desk: Desk) -> Response:
    """Refunds by what they wait for."""
    tab = _tab(desk)
    is_approver = desk.may("approver")
    with desk.runtime.read() as session:
        counts = screens_refunds.counts(session, desk.person.id)
        tabs = {
            "me": ("Waiting for me", counts.me if is_approver else 0),
            "others": ("Waiting for others", counts.others + (0 if is_approver else counts.me)),
            "sent": ("Sent", counts.sent),
            "trouble": ("Failed or by hand", counts.trouble),
            "done": ("Done", counts.done),
        }
        page = _rows(desk, session, paging.wanted())
    return desk.page(
        "refunds.html",
        cards=page.data,
        tabs=[(name, label, number, name == tab) for name, (label, number) in tabs.items()],
        tab=tab,
        effect=_effect,
        foreseen=partial(_foreseen, desk),
        steps=_steps,
        ways=partial(_ways, desk),
        why=refund_words.why,
        waits_since=_waits_since,
        older=paging.next_page(page.next_cursor),
    )


@screens.get("/refunds/<refund_id>")
def show_refund(desk: Desk, refund_id: str) -> Response:
    """One refund with its legs and every step."""
    return _show(desk, refund_id)


@screens.post("/refunds/<refund_id>/approve", Role.APPROVER, deed="approve this refund")
def approve_refund(desk: Desk, refund_id: str) -> Response:
    """Let it go."""
    return _decide(desk, refund_id, lambda work, rev: refunds.approve(work, refund_id, rev=rev))


@screens.post("/refunds/<refund_id>/decline", Role.APPROVER)
def decline_refund(desk: Desk, refund_id: str) -> Response:
    """Say no, and why."""

    def decline(work: Work, rev: int) -> None:
        why = forms.text(request.form, "why", chars_max=forms.NOTE_CHARS_MAX)
        refunds.reject(work, refund_id, why=why, rev=rev)

    return _decide(desk, refund_id, decline)


@screens.post("/refunds/<refund_id>/cancel", Role.RECONCILER)
def cancel_refund(desk: Desk, refund_id: str) -> Response:
    """Call it off."""
    return _decide(desk, refund_id, lambda work, rev: refunds.cancel(work, refund_id, rev=rev))


@screens.post("/refunds/<refund_id>/retry", Role.APPROVER, deed="try this refund again")
def retry_refund(desk: Desk, refund_id: str) -> Response:
    """Try it again on the same rail; the rail is looked at first."""
    return _decide(desk, refund_id, lambda work, rev: refunds.retry(work, refund_id, rev=rev))


@screens.post("/refunds/<refund_id>/paid-back", Role.APPROVER, deed="record that it was paid back")
def settle_refund(desk: Desk, refund_id: str) -> Response:
    """Say that it was paid back by hand, and how."""

    def settle(work: Work, rev: int) -> None:
        reference = forms.text(request.form, "reference")
        refunds.settle_by_hand(work, refund_id, reference=reference, rev=rev)

    return _decide(desk, refund_id, settle)


@screens.post("/refunds/<refund_id>/another-way", Role.APPROVER, deed="pay it another way")
def pay_another_way(desk: Desk, refund_id: str) -> Response:
    """Give what the rail could not pay to people; the rail is asked first whether it went."""
    looked = another_route.look(desk.runtime, refund_id)

    def route(work: Work, rev: int) -> None:
        names = [method.value for method in Method]
        method = forms.choice(request.form, "method", names, ask="Choose how it is paid")
        refund_routes.pay_another_way(work, refund_id, looked, method=method, rev=rev)

    return _decide(desk, refund_id, route)


@screens.post("/refunds/<refund_id>/keep", Role.APPROVER, deed="keep the money for the customer")
def keep_refund(desk: Desk, refund_id: str) -> Response:
    """Keep the money as credit or deposit; the rail is asked first whether it went."""
    looked = another_route.look(desk.runtime, refund_id)

    def kept(work: Work, rev: int) -> None:
        names = [keep.value for keep in Keep]
        kept_as = forms.choice(request.form, "kept_as", names, ask="Choose what it becomes")
        consent = forms.text(request.form, "consent")
        refund_routes.keep(work, refund_id, looked, kept_as=kept_as, consent=consent, rev=rev)

    return _decide(desk, refund_id, kept)


def _ways(desk: Desk, card: RefundCard) -> Ways:
    legs = card.refund.legs
    by_hand = [leg for leg in legs if leg.status == "manual" and _is_for_people(leg)]
    stopped = [leg for leg in legs if has_stopped(leg.status, leg.route, leg.rail_refund_id)]
    on_a_rail = [leg for leg in stopped if leg.rail != MANUAL_RAIL]
    return Ways(
        retry=sum(leg.amount for leg in on_a_rail if leg.status != "canceled"),
        another=sum(leg.amount for leg in on_a_rail),
        keep=sum(leg.amount for leg in stopped) if card.refund.customer_id else 0,
        by_hand=sum(leg.amount for leg in by_hand),
        waiting=sum(leg.amount for leg in legs if leg.status == "manual"),
        is_mine=any(leg.routed_by == desk.person.id for leg in by_hand),
    )


def _is_for_people(leg: LegRow) -> bool:
    return leg.rail == MANUAL_RAIL or leg.route == Route.HAND


def _decide(desk: Desk, refund_id: str, step: Callable[[Work, int], None]) -> Response:
    try:
        rev = forms.whole(request.form, "rev")
        desk.do(lambda work: step(work, rev))
    except NotFound:
        raise
    except Conflict as error:
        said = f"{errors.sentence(error)} Nothing was done. Below is how it stands now."
        return _show(desk, refund_id, status=409, error=said, is_late=True)
    except Refused as error:
        status = 403 if isinstance(error, Forbidden) else 422
        return _show(
            desk, refund_id, status=status, error=errors.sentence(error), field=error.field
        )
    return go("show_refund", refund_id=refund_id)


def _wanted(desk: Desk, tab: str) -> WantedRefunds:
    if tab in {"me", "others"}:
        mine = desk.person.id if desk.may("approver") else None
        return WantedRefunds(("requested",), mine, is_mine=tab == "others")
    if tab == "trouble":
        return WantedRefunds(trouble="only")
    return WantedRefunds(SENT) if tab == "sent" else WantedRefunds(DONE, trouble="past")


def _show(
    desk: Desk,
    refund_id: str,
    *,
    status: int = 200,
    error: str = "",
    field: str | None = None,
    is_late: bool = False,
) -> Response:
    with desk.runtime.read() as session:
        found = screens_refunds.some(session, [refund_id])
        if not found:
            raise NotFound(f"There is no refund {refund_id[:ID_CHARS_MAX]}")
        card = found[0]
        names = screens_people.names(session, timeline.causes([], [card.refund]))
        done = audit.about(session, [refund_id], timeline.AUDITED)
    return desk.page(
        "refund.html",
        status=status,
        card=card,
        effect=_effect,
        foreseen=partial(_foreseen, desk),
        steps=_steps,
        ways=partial(_ways, desk),
        why=refund_words.why,
        waits_since=_waits_since,
        moments=timeline.in_order(
            timeline.of_refunds([card.refund], names, is_own_page=True), timeline.of_audit(done)
        ),
        error=error,
        field=field,
        typed=request.form,
        # The form may be gone with what it was for; what was typed into it is not.
        kept=[request.form[name] for name in _WORDS if request.form.get(name)] if is_late else [],
    )


def _foreseen(desk: Desk, card: RefundCard) -> Foreseen:
    """What will be posted once the refund has arrived, for whoever is about to let it go."""
    deed = partial(refund_preview.arrived, refund_id=card.refund.id)
    return consequences.of_any(desk, deed)


def _effect(card: RefundCard) -> str:
    """What the refund will do, or did, to the books and to what is owed, in one sentence."""
    refund, around = card.refund, card.around
    books = _booked(card)
    if not refund.invoice_id or around.number is None or refund.status != "requested":
        is_open = refund.payment_id and refund.status not in DONE
        return f"{books} What is unapplied is taken first." if is_open else books
    owed = (around.total or 0) - (around.credited or 0)
    if refund.treatment == Treatment.CREDIT:
        then = words.shown(max(0, owed - refund.amount), refund.currency)
        before_it = words.shown(owed, refund.currency)
        return f"{books} {around.number} drops from {before_it} to {then}; nobody is chased for it."
    opens = words.shown(around.outstanding + refund.amount, refund.currency)
    return f"{books} {around.number} goes back to {opens} open."


def _booked(card: RefundCard) -> str:
    """Which accounts the refund's money passes in all: unapplied money, then what it had paid."""
    refund = card.refund
    rail = (
        account_words.account("clearing", refund.rail)
        if refund.rail != "manual"
        else "Undeposited funds"
    )
    debit = "Credits" if refund.treatment == Treatment.CREDIT else "Accounts receivable"
    parts = {
        "Unapplied cash": card.unapplied,
        "Customer deposits" if refund.deposit_id else debit: refund.amount - card.unapplied,
    }
    debits = " and ".join(
        f"{name} {words.shown(part, refund.currency)}" for name, part in parts.items() if part
    )
    return f"Debit {debits}, credit {rail} {words.shown(refund.amount, refund.currency)}."


def _waits_since(refund: RefundRow) -> datetime | None:
    """When the first part that still has not arrived failed, or came to people."""
    stuck = {leg.id: leg.status for leg in refund.legs if leg.status in {"failed", "manual"}}
    since = {
        step.leg_id: step.at for step in refund.steps if step.after == stuck.get(step.leg_id or "")
    }
    return min(since.values(), default=None)


_WAY = ("Asked for", "Approved", "Sent to the provider", "Confirmed and booked")
_REACHED = {
    "requested": 0,
    "approved": 1,
    "submitted": 2,
    "unknown": 2,
    "pending": 2,
    "requires_action": 2,
    "succeeded": 3,
}


def _steps(status: str) -> list[Step]:
    """How far it has come."""
    if status not in _REACHED:
        return [Step(_WAY[0], "done"), Step(words.pill("refund", status).text, "bad")]
    reached = _REACHED[status]
    return [
        Step(text, "done" if n <= reached else "now" if n == reached + 1 else "")
        for n, text in enumerate(_WAY)
    ]
