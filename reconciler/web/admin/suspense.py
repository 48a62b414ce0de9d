"""Suspense: what moved for a reason that no rule knows, and where a person says that it belongs."""

from functools import partial

from flask import Response, request

from reconciler.books import suspense as rules
from reconciler.books.accounts import Account
from reconciler.books.people import Role
from reconciler.errors import NotFound, Refused
from reconciler.reads import screens_suspense
from reconciler.services import suspense
from reconciler.web import forms
from reconciler.web.admin import account_words, consequences, errors
from reconciler.web.admin.consequences import Foreseen
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.routes import Screens

screens = Screens()

SHOWN_MAX = 120  # on a page; those beyond wait until some of these are placed


@screens.get("/ledger/suspense")
def list_suspense(desk: Desk) -> Response:
    """What stands in suspense, and what was moved out of it."""
    with desk.runtime.read() as session:
        lines = screens_suspense.lines(session)
        sums = screens_suspense.sums(session)
    return desk.page(
        "suspense.html",
        standing=[line for line in lines if line.standing.amount],
        shown_max=SHOWN_MAX,
        number=sum(number for _, number, _ in sums),
        moved=[line for line in lines if line.standing.parts],
        sums=[(currency, -amount) for currency, _, amount in sums],
        said=request.args.get("said", ""),
    )


@screens.get("/ledger/suspense/move")
def show_suspense(desk: Desk) -> Response:
    """One thing in suspense: what is known of it, and the form that moves it."""
    subject, movement = request.args.get("subject", ""), request.args.get("movement", "")
    if not subject and not movement:
        return go("list_suspense")
    with desk.runtime.read() as session:
        subject = subject or screens_suspense.subject_of(session, movement)
    return _show(desk, subject)


@screens.post("/ledger/suspense/move", Role.RECONCILER)
def move_suspense(desk: Desk) -> Response:
    """Move it, or a part of it, to an account; or look what that would post."""
    subject = _subject()
    try:
        to = rules.target(request.form.get("account", ""), request.form.get("category", ""))
        amount = _amount(desk, subject)
        if request.form.get("do") == "look":
            foreseen = _foreseen(desk, subject, to, amount)
            return _show(desk, subject, foreseen=foreseen)
        why = request.form.get("why", "")
        desk.do(lambda work: suspense.move(work, subject, to, why=why, amount=amount))
    except NotFound:
        raise
    except Refused as refusal:
        return _show(desk, subject, refusal=refusal)
    if _rests(desk, subject):
        return go("show_suspense", subject=subject, said="part")
    return go("list_suspense", said="moved")


@screens.post("/ledger/suspense/put-back", Role.RECONCILER)
def put_back_suspense(desk: Desk) -> Response:
    """Take back where it, or one part of it, was moved; it is asked about again."""
    subject = _subject()
    try:
        turn = forms.whole(request.form, "turn") if request.form.get("turn") else None
        desk.do(lambda work: suspense.put_back(work, subject, turn=turn))
    except NotFound:
        raise
    except Refused as refusal:
        return _show(desk, subject, refusal=refusal)
    return go("list_suspense", said="back")


def _subject() -> str:
    return forms.text(request.form, "subject", chars_max=suspense.SUBJECT_CHARS_MAX)


def _amount(desk: Desk, subject: str) -> int | None:
    """What of it was typed, in minor units; None for all that rests."""
    if not request.form.get("amount", "").strip():
        return None
    with desk.runtime.read() as session:
        currency = screens_suspense.one(session, subject).standing.currency
    return forms.amount(request.form, "amount", currency).minor


def _rests(desk: Desk, subject: str) -> bool:
    with desk.runtime.read() as session:
        return bool(screens_suspense.one(session, subject).standing.amount)


def _foreseen(desk: Desk, subject: str, to: Account, amount: int | None) -> Foreseen:
    deed = partial(suspense.move, subject=subject, to=to, why="a look", amount=amount)
    return consequences.of_any(desk, deed)


def _show(
    desk: Desk, subject: str, *, refusal: Refused | None = None, foreseen: Foreseen | None = None
) -> Response:
    with desk.runtime.read() as session:
        line = screens_suspense.one(session, subject)
    return desk.page(
        "suspense_move.html",
        line=line,
        accounts=account_words.OUT_OF_SUSPENSE,
        foreseen=foreseen,
        **errors.told(refusal),
        typed=request.form,
        said=request.args.get("said", "") if refusal is None else "",
    )
