"""After a payment was matched or held: what was done, how to undo it, and what comes next."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask import Response, request

from reconciler.reads import customers, screens_payments, short_payments
from reconciler.reads.screens_payments import ClaimLine, MatchedPart, PaymentLine
from reconciler.reads.screens_unmatched import Waiting
from reconciler.web.admin import pages, queue_views, words
from reconciler.web.admin.desk import Desk, go

ALLOCATIONS_MAX = 20


@dataclass(frozen=True, slots=True)
class Done:
    """What was just done, so that it can be undone; `left` in the view, if that is known."""

    text: str
    payment_id: str
    allocations: list[str]
    undo: str
    left: int | None


def go_on(desk: Desk, item: Waiting | None, made: list[str], *, is_held: bool) -> Response:
    """The next payment of the queue that it was done in, at the same place of it."""
    place = queue_views.place()
    with desk.runtime.read() as session:
        following = queue_views.following(desk, session, item)
    said: dict[str, str] = {"matched": ",".join(made)} | ({"held": "1"} if is_held else {})
    if following is None:
        place.pop("before", None)
        return go("list_unmatched", **place, **said)
    return go("show_unmatched", payment_id=following.payment.id, **place, **said)


def done(desk: Desk, left: int | None) -> Done | None:
    """What the address says was just matched, if it still stands."""
    ids = [one for one in request.args.get("matched", "").split(",") if one][:ALLOCATIONS_MAX]
    if not ids:
        return None
    with desk.runtime.read() as session:
        parts = screens_payments.matched(session, ids)
        fee = short_payments.borne_with(session, [part.id for part in parts])
        payment = screens_payments.payment(session, parts[0].payment_id) if parts else None
    if payment is None:
        return None
    rest = words.shown(payment.unapplied, payment.currency)
    borne = f" {words.shown(fee, payment.currency)} more is booked as a bank fee." if fee else ""
    return Done(
        _told(parts) + borne + (f" {rest} of it still waits." if payment.unapplied > 0 else ""),
        payment.id,
        [part.id for part in parts],
        pages.to("undo", payment_id=payment.id, **queue_views.place()),
        left,
    )


def undone(claims: Iterable[ClaimLine]) -> str:
    """What the address says was just taken back: the names of what the money was on."""
    ids = request.args.get("undone", "").split(",")[:ALLOCATIONS_MAX]
    names = [one.target for one in claims if one.id in ids and one.closed_at is not None]
    return " and ".join(dict.fromkeys(names))


def made_along(desk: Desk, payment: PaymentLine, claims: Iterable[ClaimLine]) -> str:
    """Who was made in the one deed with what was just taken back, and stays; empty for nobody."""
    ids = request.args.get("undone", "").split(",")[:ALLOCATIONS_MAX]
    moments = {one.created_at for one in claims if one.id in ids and one.closed_at is not None}
    if not moments or not payment.customer_id:
        return ""
    with desk.runtime.read() as session:
        customer = customers.one(session, payment.customer_id, today=desk.today)
    return customer.name if customer.created_at in moments else ""


def _told(parts: list[MatchedPart]) -> str:
    amount = words.shown(sum(part.amount for part in parts), parts[0].currency)
    where = " and ".join(part.target for part in parts)
    is_held = "held" in request.args
    return f"Held {amount} as deposit {where}." if is_held else f"Matched {amount} to {where}."
