"""People: who has an account, what each may do, and shutting somebody out."""

from collections.abc import Callable

from flask import Response, request

from reconciler.books.people import Role
from reconciler.errors import NotFound, Refused
from reconciler.reads import screens_people
from reconciler.services import own_account, people
from reconciler.web.admin import errors
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()

_PASSWORD_CHARS_MAX = 256
_DONE = {
    "role": "The role is changed. They are asked to sign in again.",
    "disabled": "They are shut out, from now on and wherever they were signed in.",
    "enabled": "They may sign in again.",
    "password": "The password is changed. They are asked to sign in again.",
    "code": "No code is asked for any more. They are asked to sign in again.",
    "session": "That browser is signed out.",
    "made": "The account is made. Tell them the password in a way that nobody else hears.",
}


@screens.get("/people", Role.ADMIN)
def list_people(desk: Desk) -> Response:
    """Everybody with an account."""
    return _list(desk)


@screens.post("/people", Role.ADMIN)
def add_person(desk: Desk) -> Response:
    """A new account."""
    try:
        made = desk.once(
            lambda work: people.create_user(
                work,
                email=request.form.get("email", ""),
                name=request.form.get("name", ""),
                password=request.form.get("password", ""),
                role=request.form.get("role", ""),
            )
        )
    except Refused as error:
        return _list(desk, status=422, error=errors.sentence(error))
    return go("show_person", user_id=made, done="made")


@screens.get("/people/<user_id>", Role.ADMIN)
def show_person(desk: Desk, user_id: str) -> Response:
    """One of them."""
    return _show(desk, user_id)


@screens.post("/people/<user_id>/role", Role.ADMIN)
def change_role(desk: Desk, user_id: str) -> Response:
    """What they may do."""
    role = request.form.get("role", "")
    return _do(desk, user_id, "role", lambda work: people.set_role(work, user_id, role))


@screens.post("/people/<user_id>/disabled", Role.ADMIN)
def shut_out(desk: Desk, user_id: str) -> Response:
    """Shut them out at once, or let them in again."""
    disabled = request.form.get("disabled") == "yes"
    return _do(
        desk,
        user_id,
        "disabled" if disabled else "enabled",
        lambda work: people.set_disabled(work, user_id, disabled=disabled),
    )


@screens.post("/people/<user_id>/password", Role.ADMIN)
def give_password(desk: Desk, user_id: str) -> Response:
    """Another password, for who forgot theirs."""
    password = request.form.get("password", "")[: _PASSWORD_CHARS_MAX + 1]
    return _do(desk, user_id, "password", lambda work: people.set_password(work, user_id, password))


@screens.post("/people/<user_id>/code", Role.ADMIN)
def drop_code(desk: Desk, user_id: str) -> Response:
    """Ask for no code any more, for who lost both authenticator and paper."""
    return _do(desk, user_id, "code", lambda work: own_account.drop_lost_factor(work, user_id))


@screens.post("/people/<user_id>/sessions/<which>", Role.ADMIN)
def end_theirs(desk: Desk, user_id: str, which: str) -> Response:
    """Sign one browser out."""
    return _do(desk, user_id, "session", lambda work: own_account.end_session(work, user_id, which))


def _do(desk: Desk, user_id: str, what: str, step: Callable[[Work], None]) -> Response:
    try:
        desk.do(step)
    except NotFound:
        raise
    except Refused as error:
        return _show(desk, user_id, status=422, error=errors.sentence(error))
    return go("show_person", user_id=user_id, done=what)


def _list(desk: Desk, *, status: int = 200, error: str = "") -> Response:
    with desk.runtime.read() as session:
        accounts = screens_people.accounts(session, desk.now)
    return desk.page(
        "people.html",
        status=status,
        accounts=accounts,
        roles=list(Role),
        typed={name: request.form.get(name, "") for name in ("email", "name", "role")},
        error=error,
    )


def _show(desk: Desk, user_id: str, *, status: int = 200, error: str = "") -> Response:
    with desk.runtime.read() as session:
        account = screens_people.account(session, user_id, desk.now)
        if account is None:
            raise NotFound(f"There is no person {user_id[:80]}")
        sessions = screens_people.sessions(session, user_id, desk.now)
    return desk.page(
        "person.html",
        status=status,
        account=account,
        sessions=sessions,
        roles=list(Role),
        error=error,
        notice=_DONE.get(request.args.get("done", ""), "") if not error else "",
    )
