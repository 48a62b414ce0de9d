"""Payments whose money waits: match, split, hold as a deposit. Each is undone by a reversal."""

from dataclasses import dataclass
from datetime import timedelta

from flask import Response, request

from reconciler.books.people import Role
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.reads import (
    lines_shown,
    screens_bulk,
    screens_payments,
    screens_refunds,
    screens_unmatched,
    told_apart,
)
from reconciler.reads.pages import Session
from reconciler.reads.screens_payments import PaymentLine
from reconciler.reads.screens_refunds import SENT
from reconciler.reads.screens_unmatched import Ranked, Suggested
from reconciler.services import allocations, revisions
from reconciler.services.allocations import Part
from reconciler.web import forms
from reconciler.web.admin import (
    asking_payer,
    bank_fees,
    consequences,
    errors,
    holding,
    matched,
    opened,
    paging,
    queue_views,
    splitting,
    words,
)
from reconciler.web.admin.consequences import Deed, Foreseen
from reconciler.web.admin.desk import Desk
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.opened import Selected
from reconciler.web.admin.routes import Screens
from reconciler.web.admin.splitting import Split, Step
from reconciler.work import Work

screens = Screens()

_SAME = timedelta(seconds=1)
ALLOCATIONS_MAX = 20
QUEUE_PAGE = 25  # each has its suggestions looked up


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a form that did not go through: why, and what was typed."""

    status: int = 200
    error: str = ""
    field: str = ""
    conflict: str = ""
    split: Split | None = None
    foreseen: Foreseen | None = None


_LISTED = Listed(
    "unmatched",
    (
        "id", "kind", "payment_id", "rail", "rail_payment_id", "who", "payer_email", "customer_id",
        "method", "description", "currency", "amount", "captured", "allocated", "unapplied",
        "occurred_at", "opened_at",
    ),
    ("amount", "captured", "allocated", "unapplied"),
    inside="payment",
)  # fmt: skip


@screens.get("/unmatched")
@offers_csv(_LISTED, queue_views.rows)
def list_unmatched(desk: Desk) -> Response:
    """The queue, with its first payment opened."""
    return _show(desk, None, Said())


@screens.get("/unmatched/<payment_id>")
def show_unmatched(desk: Desk, payment_id: str) -> Response:
    """The queue, with this payment opened."""
    return _show(desk, payment_id, Said())


@screens.post("/unmatched/<payment_id>/match", Role.RECONCILER)
def match(desk: Desk, payment_id: str) -> Response:
    """Put the payment where a suggestion says."""

    def step(work: Work) -> list[str]:
        revisions.unchanged(work, payment_id, forms.whole(request.form, "rev"))
        parts = _suggested_parts()
        made = allocations.allocate(work, payment_id, parts)
        bank_fees.bear_rest(desk, work, [p.target for p in parts], payment_id)
        return made

    return _decided(desk, payment_id, step)


@screens.post("/unmatched/<payment_id>/split", Role.RECONCILER)
def save_split(desk: Desk, payment_id: str) -> Response:
    """Put parts of the payment on several targets, or only work out what is left."""
    payment = _payment(desk, payment_id)
    kept = splitting.as_typed(desk, payment, request.form)
    try:
        if "save" in request.form and forms.whole(request.form, "rev") != payment.rev:
            return _stale(desk, payment_id, kept)
        split = splitting.typed(desk, payment, request.form)
    except Refused as error:
        return _refused(desk, payment_id, error, kept)
    if "save" not in request.form:
        return _show(desk, payment_id, Said(split=split, foreseen=_of_split(desk, payment, split)))

    def step(work: Work) -> list[str]:
        revisions.unchanged(work, payment_id, forms.whole(request.form, "rev"))
        return allocations.allocate(work, payment_id, split.parts())

    return _decided(desk, payment_id, step, split)


@screens.post("/unmatched/<payment_id>/hold", Role.RECONCILER)
def hold_as_deposit(desk: Desk, payment_id: str) -> Response:
    """Keep what is left of the payment as a deposit of a customer: a debt, no income."""
    payment = _payment(desk, payment_id)

    def step(work: Work) -> list[str]:
        revisions.unchanged(work, payment_id, forms.whole(request.form, "rev"))
        owner = holding.typed(payment, request.form)
        return holding.hold(work, payment, owner, forms.words(request.form, "notes") or None)

    return _decided(desk, payment_id, step, is_held=True)


def _decided(
    desk: Desk, payment_id: str, step: Step, split: Split | None = None, *, is_held: bool = False
) -> Response:
    with desk.runtime.read() as session:
        item = screens_unmatched.of_payment(session, payment_id)
    try:
        made = desk.do(step)
    except Conflict:
        kept = split or splitting.as_typed(desk, _payment(desk, payment_id), request.form)
        return _stale(desk, payment_id, kept)
    except NotFound:
        raise
    except Refused as error:
        return _refused(desk, payment_id, error, split)
    return matched.go_on(desk, item, made, is_held=is_held)


def _stale(desk: Desk, payment_id: str, split: Split) -> Response:
    conflict = _who_was_first(desk, payment_id)
    return _show(desk, payment_id, Said(status=409, conflict=conflict, split=split))


def _refused(desk: Desk, payment_id: str, error: Refused, split: Split | None) -> Response:
    text = errors.sentence(error)
    said = Said(status=422, error=text, field=error.field or "", split=split)
    return _show(desk, payment_id, said)


def _suggested_parts() -> list[Part]:
    """What the button's form carries: targets with amounts, made by a page of ours."""
    targets = request.form.getlist("target")
    amounts = request.form.getlist("amount")
    if not targets or len(targets) != len(amounts) or len(targets) > ALLOCATIONS_MAX:
        raise Invalid("Choose one of the suggestions", field="target")
    return [
        splitting.part(target, forms.whole({"amount": amount}, "amount"))
        for target, amount in zip(targets, amounts, strict=True)
    ]


def _show(desk: Desk, payment_id: str | None, said: Said) -> Response:
    view = queue_views.named()
    with desk.runtime.read() as session:
        page, ranked = queue_views.seen(desk, session, paging.wanted(QUEUE_PAGE))
        items, best = page.data, screens_unmatched.best_of(ranked)
        strong = [one for one in screens_bulk.strong(session, items, best) if not one.crowded_out]
        sums = queue_views.sums(desk, session)
        why_away = queue_views.why_away(session, items, view)
    ticked = set(request.args.getlist("payment"))  # those, when another payment is opened
    picked = [one for one in items if one.payment.id in ticked]
    chosen = payment_id or (items[0].payment.id if items else None)
    selected = _selected(desk, chosen, said, ranked) if chosen else None
    return desk.page(
        "unmatched.html",
        status=said.status,
        items=items,
        why_away=why_away,
        confidence={name: one.confidence for name, one in best.items()},
        strong=len(strong),
        strong_sums=screens_bulk.sums(strong),
        head=queue_views.head(sums, view),
        chips=queue_views.chips(sums, view),
        mine_away=queue_views.mine_away(sums),
        view=view,
        place=queue_views.place(),
        sorts=queue_views.SORTS,
        sort=queue_views.sorted_by(),
        older=paging.next_page(page.next_cursor),
        chosen=selected,
        is_chosen=payment_id is not None,
        picked={one.payment.id for one in picked},
        picked_sums=screens_bulk.amounts(picked),
        before=request.args.get("before"),
        was_undone="undone" in request.args and said.status == 200,
        undone=matched.undone(selected.claims) if selected else "",
        made_along=matched.made_along(desk, selected.payment, selected.claims) if selected else "",
        said=said,
        done=matched.done(desk, queue_views.number(sums, view)),
    )


def _selected(desk: Desk, payment_id: str, said: Said, ranked: Ranked) -> Selected:
    with desk.runtime.read() as session:
        waiting = screens_unmatched.of_payment(session, payment_id)
        payment = waiting.payment if waiting else _known(session, payment_id)
        suggested = screens_unmatched.suggested(session, payment_id, ranked)
        claims = screens_payments.claims(session, payment_id)
        twice = screens_unmatched.twice(session, payment_id)
        refunds = screens_refunds.of_payment(session, payment_id)
        short = bank_fees.of_suggestions(desk, session, suggested)
        shown = {target.id for one in suggested for target in one.shown}
        what_for = told_apart.told(session, shown, today=desk.today)
        lines = lines_shown.of(session, shown)
        ask_payer = asking_payer.link(desk, session, payment, suggested)
        is_away = waiting is not None and waiting.snoozed_until is not None
        asked_on = asking_payer.asked_on(session, payment_id) if is_away else None
        wished = screens_unmatched.wish(session, payment_id)
        owners = holding.owners(session, payment, request.form)
    asked = [one for one in refunds if one.refund.status in {"requested", *SENT}]
    is_over = opened.is_too_much(payment, waiting, suggested, None if asked else twice)
    wished = wished if is_over else None
    split = said.split or splitting.proposed(
        payment, suggested, wished=wished, is_twice=twice is not None
    )
    best, borne, held = _foreseen(desk, payment, suggested, short)
    return Selected(
        payment, waiting, suggested, split, claims, owners, None if asked else twice, best,
        held, asked, short, borne, what_for, lines, ask_payer,
        wished, asked_on,
    )  # fmt: skip


def _foreseen(
    desk: Desk, payment: PaymentLine, suggested: list[Suggested], short: set[str]
) -> tuple[Foreseen, Foreseen, Foreseen]:
    """What is posted by taking the first suggestion, by that with a bank's fee, by holding."""
    if payment.unapplied <= 0 or not desk.may(Role.RECONCILER.value):
        return Foreseen(), Foreseen(), Foreseen()
    ways = next((one.ways for one in suggested if one.ways), ())
    deeds = []
    if ways:
        parts = [splitting.part(way.target.id, way.amount) for way in ways]
        deeds.append(_placing(payment.id, parts))
    if len(ways) == 1 and (target := ways[0].target.id) in short:
        deeds.append(lambda work: bank_fees.bear_what_is_missing(desk, work, target, payment.id))
    found = consequences.in_turn(desk, *deeds) if deeds else []
    best, borne = [*found, Foreseen(), Foreseen()][:2]
    return best, borne, holding.foreseen(payment)


def _of_split(desk: Desk, payment: PaymentLine, split: Split) -> Foreseen:
    if split.left < 0 or not split.parts() or not desk.may(Role.RECONCILER.value):
        return Foreseen()
    return consequences.of_any(desk, _placing(payment.id, split.parts()))


def _placing(payment_id: str, parts: list[Part]) -> Deed:
    return lambda work: allocations.allocate(work, payment_id, parts)


def _payment(desk: Desk, payment_id: str) -> PaymentLine:
    with desk.runtime.read() as session:
        return _known(session, payment_id)


def _known(session: Session, payment_id: str) -> PaymentLine:
    payment = screens_payments.payment(session, payment_id)
    if payment is None:
        raise NotFound(f"There is no payment {payment_id[:80]}")
    return payment


def _who_was_first(desk: Desk, payment_id: str) -> str:
    with desk.runtime.read() as session:
        payment = screens_payments.payment(session, payment_id)
        claims = screens_payments.claims(session, payment_id)
    stands = [claim for claim in claims if claim.person]
    latest = max(stands, key=lambda claim: claim.closed_at or claim.created_at, default=None)
    updated = payment.updated_at if payment else desk.now
    if latest and latest.person and (latest.closed_at or latest.created_at) >= updated - _SAME:
        verb = "took back a match of" if latest.closed_at else "matched"
        who = "You" if latest.cause_id == desk.person.id and not latest.closed_at else latest.person
        ago = words.age(latest.closed_at or latest.created_at, desk.now)
        return f"{who} {verb} this {ago} ago."
    return f"News from the payment provider changed this {words.age(updated, desk.now)} ago."
