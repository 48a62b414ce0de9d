"""Refunds: ask, approve, decline. Who asked never approves; each button names the money."""

from collections.abc import Callable
from functools import partial, wraps

from flask import Response, request

from reconciler.books import refund_words
from reconciler.books.people import Role
from reconciler.books.refund_routes import Keep, Method
from reconciler.errors import Conflict, Forbidden, NotFound, Refused
from reconciler.flows import another_route
from reconciler.reads import audit, screens_people, screens_refunds
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.reads.refunds import RefundRow
from reconciler.reads.screens_refunds import DONE, SENT, RefundCard, WantedRefunds
from reconciler.services import refund_preview, refund_routes, refunds
from reconciler.services.refund_limits import policy_of
from reconciler.web import forms
from reconciler.web.admin import (
    consequences,
    errors,
    next_up,
    paging,
    refund_effects,
    refund_told,
    timeline,
)
from reconciler.web.admin.consequences import Foreseen
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.next_up import NextUp
from reconciler.web.admin.routes import Screens, Tells, View

screens = Screens()

ID_CHARS_MAX = 80
_WORDS = ("why", "reference", "consent")  # what people type into the forms of this page


PER_PAGE = 20  # each is a card with all that can be done about it
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


def _told_of(deed: str) -> Tells:
    """What one of these deeds comes to, for the page that asks who does it."""
    return lambda desk, refund_id: refund_told.confirming(desk, deed, refund_id, request.form)


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
        page = _rows(desk, session, paging.wanted(PER_PAGE))
    return desk.page(
        "refunds.html",
        cards=page.data,
        tabs=[(name, label, number, name == tab) for name, (label, number) in tabs.items()],
        tab=tab,
        own=counts.others if tab == "me" else 0,
        effect=refund_effects.effect,
        loose=refund_effects.loose,
        foreseen=partial(_foreseen, desk),
        steps=refund_effects.steps,
        ways=partial(refund_told.ways, desk),
        why=refund_words.why,
        waits_since=refund_told.waits_since,
        older=paging.next_page(page.next_cursor),
    )


@screens.get("/refunds/<refund_id>")
def show_refund(desk: Desk, refund_id: str) -> Response:
    """One refund with its legs and every step."""
    return _show(desk, refund_id)


# What people decide: one frame, which takes the deed that each makes of what was typed.
Decision = Callable[..., object]  # with the work, and the revision `rev` that they saw


def _decides(
    path: str, role: Role, did: str, *, deed: str = ""
) -> Callable[[Callable[[Desk, str], Decision]], View]:
    """A form of a refund's page; with `deed`, who sends it shows who they are."""

    def keep(made: Callable[[Desk, str], Decision]) -> View:
        @wraps(made)
        def view(desk: Desk, refund_id: str) -> Response:
            return _decide(desk, refund_id, did, made)

        told = _told_of(did) if deed else None
        return screens.post(f"/refunds/<refund_id>/{path}", role, deed=deed, told=told)(view)

    return keep


@_decides("approve", Role.APPROVER, "approve", deed="approve this refund")
def approve_refund(desk: Desk, refund_id: str) -> Decision:
    """Let it go."""
    policy = policy_of(desk.runtime.settings)
    return partial(refunds.approve, refund_id=refund_id, policy=policy)


@_decides("decline", Role.APPROVER, "decline")
def decline_refund(_: Desk, refund_id: str) -> Decision:
    """Say no, and why."""
    why = forms.text(request.form, "why", chars_max=forms.NOTE_CHARS_MAX)
    return partial(refunds.reject, refund_id=refund_id, why=why)


@_decides("cancel", Role.RECONCILER, "cancel")
def cancel_refund(_: Desk, refund_id: str) -> Decision:
    """Call it off."""
    return partial(refunds.cancel, refund_id=refund_id)


@_decides("retry", Role.APPROVER, "retry", deed="try this refund again")
def retry_refund(_: Desk, refund_id: str) -> Decision:
    """Try it again on the same rail; the rail is looked at first."""
    return partial(refunds.retry, refund_id=refund_id)


@_decides("paid-back", Role.APPROVER, "settle", deed="record that it was paid back")
def settle_refund(_: Desk, refund_id: str) -> Decision:
    """Say that it was paid back by hand, and how."""
    reference = forms.text(request.form, "reference")
    paid_on = forms.day(request.form, "paid_on") if request.form.get("paid_on") else None
    return partial(
        refunds.settle_by_hand, refund_id=refund_id, reference=reference, paid_on=paid_on
    )


@_decides("another-way", Role.APPROVER, "another", deed="pay it another way")
def pay_another_way(desk: Desk, refund_id: str) -> Decision:
    """Give what the rail could not pay to people; the rail is asked first whether it went."""
    names = [method.value for method in Method]
    method = forms.choice(request.form, "method", names, ask="Choose how it is paid")
    looked = another_route.look(desk.runtime, refund_id)
    return partial(refund_routes.pay_another_way, refund_id=refund_id, looked=looked, method=method)


@_decides("keep", Role.APPROVER, "keep", deed="keep the money for the customer")
def keep_refund(desk: Desk, refund_id: str) -> Decision:
    """Keep the money as credit or deposit; the rail is asked first whether it went."""
    names = [keep.value for keep in Keep]
    kept_as = forms.choice(request.form, "kept_as", names, ask="Choose what it becomes")
    consent = forms.text(request.form, "consent")
    looked = another_route.look(desk.runtime, refund_id)
    return partial(
        refund_routes.keep, refund_id=refund_id, looked=looked, kept_as=kept_as, consent=consent
    )


def _decide(
    desk: Desk, refund_id: str, did: str, made: Callable[[Desk, str], Decision]
) -> Response:
    try:
        rev = forms.whole(request.form, "rev")
        decision = made(desk, refund_id)
        desk.do(lambda work: decision(work, rev=rev))
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
    return go("show_refund", refund_id=refund_id, did=did)


# Where what was done waited: its next one is looked for there.
_QUEUES = {
    "approve": "me", "decline": "me", "asked": "others", "cancel": "others",
    "retry": "trouble", "settle": "trouble", "another": "trouble", "keep": "trouble",
}  # fmt: skip


def _next_up(desk: Desk, session: Session, refund: RefundRow, did: str) -> NextUp | None:
    if did == "asked":
        return next_up.of_payments(desk, session, refund.payment_id or "")
    tab = _QUEUES[did]
    counts = screens_refunds.counts(session, desk.person.id)
    left = {"me": counts.me, "others": counts.others, "trouble": counts.trouble}[tab]
    if tab == "others" and not desk.may("approver"):
        left += counts.me  # all of them wait for others then
    return next_up.of_refunds(session, _wanted(desk, tab), refund, tab=tab, left=left)


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
        did = request.args.get("did", "") if not error else ""
        known = did in refund_told.DONE_WORDS
        following = _next_up(desk, session, card.refund, did) if known else None
    return desk.page(
        "refund.html",
        status=status,
        card=card,
        did=refund_told.done(card, did),
        next_up=following,
        effect=refund_effects.effect,
        loose=refund_effects.loose,
        foreseen=partial(_foreseen, desk),
        steps=refund_effects.steps,
        ways=partial(refund_told.ways, desk),
        why=refund_words.why,
        sending=refund_told.sending,
        waits_since=refund_told.waits_since,
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
