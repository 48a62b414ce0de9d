"""Before money goes: is it still who signed in, and have they a code where they must.

The page that asks carries the form on: whoever shows that it is them goes on where they were.
"""

from collections.abc import Callable

from flask import Response, request

from reconciler.books.people import Role, is_at_least
from reconciler.errors import NotFound, ReconcilerError
from reconciler.runtime import Runtime
from reconciler.services import proofs
from reconciler.services.guessing import TooManyAttempts
from reconciler.services.people import OpenSession
from reconciler.web import forms, http
from reconciler.web.admin import errors, sign_in
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.routes import Deed, Route
from reconciler.work import Cause

PASSWORD, CODE = "proof_password", "proof_code"  # names of fields, which no other form has
_WRONG = "That is not your password. Nothing was done; write it again."
_WRONG_BOTH = "Password and code do not both fit. Nothing was done; wait for the next code."


def lacks_code(runtime: Runtime, session: OpenSession, route: Route) -> bool:
    """Whether this takes a code beside the password, and they have set none up.

    Beside a live key whoever decides about money, people or keys has one.
    """
    is_heavy = is_at_least(route.needs, Role.APPROVER)
    return is_heavy and runtime.settings.is_live and not session.has_code


def ask_for_code(desk: Desk) -> Response:
    """The page that says so, and leads to where one is set up."""
    return desk.page("code_needed.html", status=403)


def may_go_on(session: OpenSession, route: Route, desk: Desk) -> bool:
    """Whether nothing has to be shown, or it was shown a moment ago."""
    return not route.deed or proofs.is_recent(session, desk.now)


def prove(
    desk: Desk, session: OpenSession, route: Route, go_on: Callable[[], Response]
) -> Response:
    """What the form leads to, if it holds the proof; else the page that asks for it."""
    if PASSWORD not in request.form:
        return _ask(desk, session, route)
    name = sign_in.cookie_name(desk.runtime.settings)
    try:
        token = _shown(desk.runtime, request.cookies.get(name, ""))
    except TooManyAttempts as error:
        return _ask(desk, session, route, error=errors.sentence(error), status=429)
    except NotFound:
        return go("ask")
    if token is None:
        wrong = _WRONG_BOTH if session.has_code else _WRONG
        return _ask(desk, session, route, error=wrong, status=422)
    answer = _gone_on(desk, go_on)
    sign_in.keep(desk.runtime, answer, name, token, None)
    return answer


def _gone_on(desk: Desk, go_on: Callable[[], Response]) -> Response:
    """What became of it; the browser gets its new cookie where it failed too."""
    try:
        return go_on()
    except ReconcilerError as error:
        return errors.page(desk, error)


def _shown(runtime: Runtime, token: str) -> str | None:
    password, code = request.form.get(PASSWORD, ""), request.form.get(CODE, "")
    key, address = runtime.settings.secret_key.reveal(), request.remote_addr or ""
    return runtime.do(
        Cause("browser", "proof"),
        http.in_request(
            lambda work: proofs.show(
                work, token, password=password, code=code, key=key, address=address
            )
        ),
    )


def _ask(
    desk: Desk, session: OpenSession, route: Route, *, error: str = "", status: int = 403
) -> Response:
    told = route.told(desk, **(request.view_args or {})) if route.told else None
    own = {forms.FORM_TOKEN, PASSWORD, CODE}
    return desk.page(
        "proof.html",
        status=status,
        deed=told or Deed(route.deed),
        carried=[(k, v) for k, v in request.form.items(multi=True) if k not in own],
        back=request.path.rpartition("/")[0],
        has_code=session.has_code,
        proved_at=session.proved_at,
        minutes=int(proofs.LIFE.total_seconds() // 60),
        error=error,
    )
