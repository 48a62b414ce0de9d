"""The account that a vendor or customer is paid to: in full for who may pay, and to be changed."""

from flask import Response, request

from reconciler.books import payees as rules
from reconciler.books.people import Role
from reconciler.errors import NotFound, Refused
from reconciler.reads import payees as reads
from reconciler.services import notes, payees
from reconciler.web import forms
from reconciler.web.admin import errors
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.routes import Screens
from reconciler.web.admin.sign_in import inside
from reconciler.work import Work

screens = Screens()

_NOTED = "Bank account "  # so a note on their record begins that says how it was confirmed
_FIELDS = ("holder", "number", "bank")


@screens.get("/payees/<owner_id>", Role.RECONCILER)
def show_payee(desk: Desk, owner_id: str) -> Response:
    """Their account in full, and the form that changes it."""
    return _show(desk, owner_id)


@screens.post("/payees/<owner_id>", Role.RECONCILER)
def keep_payee(desk: Desk, owner_id: str) -> Response:
    """Keep what was typed, or nothing of theirs any more."""
    is_gone = request.form.get("do") == "remove"

    def step(work: Work) -> str:
        rev = forms.whole(request.form, "rev")
        if is_gone:
            payees.remove(work, owner_id, rev=rev)
            return owner_id
        account = rules.read(
            holder=forms.text(request.form, "holder"),
            number=forms.text(request.form, "number"),
            bank=request.form.get("bank", "").strip() or None,
        )
        payees.keep(work, owner_id, account, rev=rev)
        if how := forms.words(request.form, "confirmed"):
            notes.add(work, owner_id, f"{_NOTED}{rules.masked(account.number)}: {how}")
            work.has_only_looked = False
        return owner_id

    try:
        desk.once(step)
    except NotFound:
        raise
    except Refused as error:
        return _show(desk, owner_id, refusal=error)
    said = {"gone" if is_gone else "kept": "1"} | ({"back": _back()} if _back() else {})
    return go("show_payee", owner_id=owner_id, **said)


def _back() -> str:
    """The page that somebody came from to see or write the account down; empty for none."""
    asked = request.values.get("back", "")
    return inside(asked) if asked else ""


def _show(desk: Desk, owner_id: str, *, refusal: Refused | None = None) -> Response:
    with desk.runtime.read() as session:
        payee = reads.one(session, owner_id)
        account = reads.in_full(session, owner_id)
    typed = {name: getattr(account, name, None) or "" for name in _FIELDS}
    if account:
        typed["number"] = rules.in_groups(account.number)
    if refusal is not None:
        typed = {name: request.form.get(name, "") for name in _FIELDS}
    notice = ""
    if refusal is None and account and "kept" in request.args:
        notice = f"Transfers go to {payee.number} of {account.holder} from now on."
    elif refusal is None and "gone" in request.args and account is None:
        notice = f"No account of {payee.name} is kept any more."
    return desk.page(
        "payee.html",
        payee=payee,
        number=rules.in_groups(account.number) if account else "",
        is_iban=bool(account and rules.is_iban(account.number)),
        typed=typed,
        notice=notice,
        back=_back(),
        confirmed=[one for one in desk.notes(owner_id) if one.body.startswith(_NOTED)],
        how=request.form.get("confirmed", "") if refusal else "",
        **errors.told(refusal),
    )
