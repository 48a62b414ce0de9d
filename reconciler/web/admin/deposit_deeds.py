"""A deposit that was asked for: its terms, its due day, its end, and when work began."""

from collections.abc import Callable
from functools import partial

from flask import Response, request

from reconciler.books import plans
from reconciler.books.deposit_terms import DepositTerms
from reconciler.books.people import Role
from reconciler.errors import Conflict, NotFound, Refused
from reconciler.reads import screens_documents
from reconciler.services import deposit_requests, deposits as deposit_services, forfeits
from reconciler.web import forms
from reconciler.web.admin import deposits, errors
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()


@screens.post("/deposits/<name>/terms", Role.RECONCILER)
def change_terms(desk: Desk, name: str) -> Response:
    """On what day it is due, until when it is asked for, and on what terms it is given back."""

    def step(work: Work) -> None:
        due_on = forms.day(request.form, "due_on") if request.form.get("due_on") else None
        until = forms.day(request.form, "expires_on") if request.form.get("expires_on") else None
        changes: dict[str, object] = {"due_on": due_on, "expires_on": until}
        if "kept" in request.form:
            changes["terms"] = _terms()
        rev = forms.whole(request.form, "rev")
        deposit_services.patch(work, name, changes, rev=rev)

    return _done(desk, name, partial(desk.do, step), "terms")


@screens.post("/deposits/<name>/work-began", Role.RECONCILER)
def begin_work(desk: Desk, name: str) -> Response:
    """The work that it was paid for began; without a day that is taken back."""

    def step(work: Work) -> None:
        on = forms.day(request.form, "on") if request.form.get("on") else None
        deposit_requests.begin_work(work, name, on, rev=forms.whole(request.form, "rev"))

    return _done(desk, name, partial(desk.do, step), "began")


@screens.post("/deposits/<name>/end", Role.RECONCILER)
def end_deposit(desk: Desk, name: str) -> Response:
    """Ask for it no more, or again."""

    def step(work: Work) -> None:
        rev = forms.whole(request.form, "rev")
        if request.form.get("do") == "again":
            deposit_requests.ask_again(work, name, rev=rev)
        else:
            deposit_requests.end(work, name, why=request.form.get("why", ""), rev=rev)

    said = "asked" if request.form.get("do") == "again" else "ended"
    return _done(desk, name, partial(desk.do, step), said)


@screens.post("/deposits/<name>/forfeit", Role.RECONCILER)
def forfeit(desk: Desk, name: str) -> Response:
    """Keep as income what its terms keep, or less; or hold that again."""
    with desk.runtime.read() as session:
        deposit = screens_documents.deposit(session, name)
    if deposit is None:
        raise NotFound(f"There is no deposit {name[:80]}")

    def step(work: Work) -> str:
        if forfeit_id := request.form.get("take_back"):
            forfeits.take_back(work, deposit.id, forfeit_id)
            return forfeit_id
        amount = forms.amount(request.form, "kept_amount", deposit.currency).minor
        on = forms.day(request.form, "kept_on") if request.form.get("kept_on") else None
        return forfeits.keep(work, deposit.id, amount, on=on)

    said = "held" if request.form.get("take_back") else "kept"
    return _done(desk, name, partial(desk.once, step), said)


def _done(desk: Desk, name: str, deed: Callable[[], object], said: str) -> Response:
    try:
        deed()
    except NotFound:
        raise
    except Conflict:
        changed = "Somebody changed this deposit meanwhile. Below is how it stands now."
        return deposits.show(desk, name, status=409, error=changed)
    except Refused as error:
        return deposits.show(desk, name, status=422, error=errors.sentence(error))
    return go("show_deposit", name=name, **{said: 1})


def _terms() -> DepositTerms | None:
    typed = request.form.get("kept", "").strip().removesuffix("%").strip()
    if not typed:
        return None
    days = request.form.get("within_days", "").strip()
    return DepositTerms(
        once_begun="once_begun" in request.form,
        within_days=forms.whole(request.form, "within_days") if days else None,
        kept=plans.share(typed, field="kept"),
    )
