"""All strong suggestions of a view at once: each is a match of its own, with its own undo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Response, request

from reconciler.books.people import Role
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.reads import screens_bulk, screens_payments, screens_unmatched
from reconciler.reads.pages import Session
from reconciler.reads.screens_payments import ClaimLine, PaymentLine
from reconciler.services import allocations, revisions
from reconciler.services.allocations import Part
from reconciler.web import forms
from reconciler.web.admin import errors, picked, queue_views, words
from reconciler.web.admin.desk import Desk
from reconciler.web.admin.queue_views import Piece
from reconciler.web.admin.routes import Screens
from reconciler.web.admin.splitting import part
from reconciler.work import Work

screens = Screens()

ROWS_MAX = 80  # a page of more is heavy, and nobody reads it; the next ones come after these
_PARTS_CHARS_MAX = 2_000
_CHANGED = "It was changed since this list was made. Nothing was done."
_WEAKER = "The suggestion is not the same any more, or not strong. Nothing was done."


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one payment: `claims` are the matches that stand and can be undone."""

    payment: PaymentLine
    state: str
    text: str
    claims: Sequence[ClaimLine] = ()


@screens.get("/unmatched/strong", Role.RECONCILER)
def confirm_strong(desk: Desk) -> Response:
    """What would be matched, line by line, before it is."""
    chosen = list(dict.fromkeys(request.args.getlist("payment")))[:ROWS_MAX]
    with desk.runtime.read() as session:
        cursor = request.args.get("from") or None
        if chosen:
            piece = _of_picked(session, chosen)
        else:
            piece = queue_views.all_strong(desk, session, ROWS_MAX, cursor)
        found = screens_bulk.strong(session, piece.items, piece.best)
        sums = queue_views.sums(desk, session)
    rows = [one for one in found if not one.crowded_out]
    strong = {one.waiting.id for one in found}
    return desk.page(
        "bulk.html",
        rows=rows,
        left_out=[one for one in found if one.crowded_out],
        picked=len(chosen),
        not_strong=[one for one in piece.items if chosen and one.id not in strong],
        sums=screens_bulk.sums(rows),
        looked_at=piece.looked_at,
        waiting=queue_views.number(sums, queue_views.named(), is_sifted=True),
        is_first=cursor is None,
        more=piece.next_cursor,
        place=queue_views.place(),
    )


def _of_picked(session: Session, chosen: list[str]) -> Piece:
    """Those that were picked in the queue and wait still, with what fits each best."""
    items = picked.in_order(session, chosen)
    best = screens_unmatched.best(session, [one.payment_id for one in items])
    return Piece(items, best, len(items), None)


@screens.post("/unmatched/strong", Role.RECONCILER)
def match_strong(desk: Desk) -> Response:
    """Match those that were ticked, each by itself; what has changed meanwhile is left alone."""
    wanted = list(dict.fromkeys(request.form.getlist("payment")))[:ROWS_MAX]
    if not wanted:
        raise Invalid("Tick at least one payment", field="payment")
    found = [_matched(desk, payment_id) for payment_id in wanted]
    done = [row for row in found if row.state in {"done", "already"}]
    return desk.page(
        "bulk_done.html",
        rows=found,
        number=len(done),
        more=request.form.get("more") or None,
        place=queue_views.place(),
    )


def _matched(desk: Desk, payment_id: str) -> Row:
    shown = request.form.get(f"parts-{payment_id}", "")[:_PARTS_CHARS_MAX]
    try:
        rev = forms.whole(request.form, f"rev-{payment_id}")
        if _still(desk, payment_id, rev) != shown:
            return _row(desk, payment_id, shown, _WEAKER)

        def step(work: Work) -> list[str]:
            revisions.unchanged(work, payment_id, rev)
            return allocations.allocate(work, payment_id, _parts(shown))

        desk.do(step)
    except Conflict:
        return _row(desk, payment_id, shown, _CHANGED)
    except NotFound:
        raise
    except Refused as refused:
        return _row(desk, payment_id, shown, errors.sentence(refused))
    return _row(desk, payment_id, shown, "")


def _still(desk: Desk, payment_id: str, rev: int) -> str:
    """What is strongly suggested for a payment now, if it is as it was on the list."""
    with desk.runtime.read() as session:
        waiting = screens_unmatched.of_payment(session, payment_id)
        if waiting is None or waiting.payment.rev != rev:
            raise Conflict("it was changed meanwhile")
        best = screens_unmatched.best(session, [payment_id])
        found = screens_bulk.strong(session, [waiting], best)
    return found[0].parts if found else ""


def _row(desk: Desk, payment_id: str, shown: str, wrong: str) -> Row:
    """How a payment stands now: a form that came twice finds its own match and says so."""
    with desk.runtime.read() as session:
        payment = screens_payments.payment(session, payment_id)
        claims = screens_payments.claims(session, payment_id)
    if payment is None:
        raise NotFound(f"There is no payment {payment_id[:80]}")
    mine = [c for c in claims if c.closed_at is None and c.cause_id == desk.person.id and c.amount]
    stand = {f"{c.invoice_id or c.deposit_id}:{c.amount}" for c in mine}
    if not shown or not set(shown.split(",")) <= stand:
        return Row(payment, "left", wrong or _CHANGED)
    where = " and ".join(c.target for c in mine)
    amount = words.shown(sum(c.amount for c in mine), payment.currency)
    verb = "You have matched it already" if wrong else "Matched"
    return Row(payment, "already" if wrong else "done", f"{verb}: {amount} to {where}.", mine)


def _parts(shown: str) -> list[Part]:
    found = []
    for text in shown.split(","):
        name, _, amount = text.rpartition(":")
        found.append(part(name, _whole({"amount": amount})))
    return found


def _whole(given: Mapping[str, str]) -> int:
    return forms.whole(given, "amount")
