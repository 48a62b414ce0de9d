"""Somebody's own account: password, code, and where they are signed in."""

from collections.abc import Callable
from typing import TypeVar

import segno
from flask import Response, request
from markupsafe import Markup

from reconciler.books.people import Role
from reconciler.errors import Invalid, NotFound, Refused
from reconciler.reads import screens_people
from reconciler.services import own_account, staff_mail
from reconciler.web.admin import errors
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()
T = TypeVar("T")

_DONE = {
    "password": "Your password is changed. Everywhere else you are signed out.",
    "off": "No code is asked for any more.",
    "session": "That browser is signed out.",
    "mail": "What you are mailed is changed.",
}


@screens.get("/account")
def show_account(desk: Desk) -> Response:
    """Your own account."""
    return _show(desk)


@screens.post("/account/password", Role.VIEWER)
def change_own_password(desk: Desk) -> Response:
    """Another password, for who knows the old one."""
    new = request.form.get("new", "")
    if new != request.form.get("again", ""):
        return _show(desk, status=422, error="The new password was not written twice alike.")

    def step(work: Work) -> None:
        own_account.change_password(work, desk.person.id, _password(), new, keep=desk.session_id)

    return _done(desk, step, "password")


@screens.post("/account/sessions/<which>", Role.VIEWER)
def end_own_session(desk: Desk, which: str) -> Response:
    """Sign another browser of yours out."""
    return _done(desk, lambda work: own_account.end_session(work, desk.person.id, which), "session")


@screens.post("/account/mail", Role.VIEWER)
def choose_own_mail(desk: Desk) -> Response:
    """Be told of clients' answers by mail, or not."""
    wanted = "answers" in request.form
    return _done(desk, lambda work: staff_mail.want(work, desk.person.id, answers=wanted), "mail")


@screens.post("/account/code/begin", Role.VIEWER)
def begin_code(desk: Desk) -> Response:
    """Set an authenticator up: what it reads, and where its first code is shown."""
    key = desk.runtime.settings.secret_key.reveal()
    try:
        uri = desk.do(lambda work: own_account.begin_factor(work, desk.person.id, _password(), key))
    except Refused as error:
        return _show(desk, status=422, error=errors.sentence(error))
    return _set_up(desk, uri)


@screens.post("/account/code/confirm", Role.VIEWER)
def confirm_code(desk: Desk) -> Response:
    """Its first code: from here on one is asked for. Shows the recovery codes, once."""
    key, code = desk.runtime.settings.secret_key.reveal(), request.form.get("code", "")
    try:
        codes = desk.do(lambda work: own_account.confirm_factor(work, desk.person.id, code, key))
    except Invalid as error:
        return _set_up(desk, request.form.get("uri", ""), error=errors.sentence(error))
    return desk.page("recovery_codes.html", codes=codes)


@screens.post("/account/code/paper", Role.VIEWER)
def renew_codes(desk: Desk) -> Response:
    """New recovery codes, shown once."""
    try:
        codes = desk.do(
            lambda work: own_account.renew_recovery_codes(work, desk.person.id, _password())
        )
    except Refused as error:
        return _show(desk, status=422, error=errors.sentence(error))
    return desk.page("recovery_codes.html", codes=codes)


@screens.post("/account/code/off", Role.VIEWER)
def drop_own_code(desk: Desk) -> Response:
    """Ask for no code any more."""
    return _done(
        desk, lambda work: own_account.drop_factor(work, desk.person.id, _password()), "off"
    )


def _password() -> str:
    return request.form.get("password", "")


def _done(desk: Desk, step: Callable[[Work], None], what: str) -> Response:
    try:
        desk.do(step)
    except NotFound as error:
        return _show(desk, status=409, error=errors.sentence(error))
    except Refused as error:
        return _show(desk, status=422, error=errors.sentence(error))
    return go("show_account", done=what)


def _show(desk: Desk, *, status: int = 200, error: str = "") -> Response:
    with desk.runtime.read() as session:
        account = screens_people.account(session, desk.person.id, desk.now)
        sessions = screens_people.sessions(session, desk.person.id, desk.now)
    return desk.page(
        "account.html",
        status=status,
        account=account,
        sessions=sessions,
        error=error,
        notice=_DONE.get(request.args.get("done", ""), "") if not error else "",
    )


def _set_up(desk: Desk, uri: str, *, error: str = "") -> Response:
    """The picture that an authenticator reads. `uri` is what this page itself was made with."""
    if not uri.startswith("otpauth://totp/"):
        raise Invalid("Begin with the authenticator once more")
    drawn = segno.make(uri, micro=False).svg_inline(scale=5, dark="#000", light="#fff")
    secret = uri.partition("secret=")[2].partition("&")[0]
    groups = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return desk.page(
        "code_begin.html",
        status=422 if error else 200,
        picture=Markup(drawn),  # noqa: S704  made by segno, and holds nothing but numbers
        secret=groups,
        uri=uri,
        error=error,
    )
