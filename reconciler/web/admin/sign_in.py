"""The door: sign in, sign out. Sessions live in the database; the cookie only names one."""

import secrets
from collections.abc import Callable
from datetime import timedelta

from flask import Response, make_response, redirect, request, url_for

from reconciler.errors import NotFound
from reconciler.ids import new_token
from reconciler.runtime import Runtime
from reconciler.services import people
from reconciler.services.guessing import TooManyAttempts
from reconciler.services.people import Halfway, SignedIn
from reconciler.settings import Settings
from reconciler.web import forms, http
from reconciler.web.admin import errors, kept_forms, pages as templates
from reconciler.web.admin.kept_forms import Kept
from reconciler.web.forms import Stale
from reconciler.work import Cause

_WRONG = "That address and password do not go together. Check both and try again."
_CAUSE = Cause("browser", "sign-in")
_FORM_SECONDS = 3600

Page = tuple[str, str, Callable[[], Response]]


def pages(runtime: Runtime) -> list[Page]:
    """The addresses that do not ask for a session."""

    def ask() -> Response:
        return _form(runtime, target=inside(request.args.get("next")))

    def enter() -> Response:
        return _enter(runtime)

    def show_code() -> Response:
        return _show_code(runtime)

    def leave() -> Response:
        return _leave(runtime)

    return [
        ("/sign-in", "GET", ask),
        ("/sign-in", "POST", enter),
        ("/sign-in/code", "POST", show_code),
        ("/sign-out", "POST", leave),
    ]


def ask_again(runtime: Runtime, kept: Kept) -> Response:
    """The door, in front of a form that was sent after its session had ended."""
    return _form(runtime, target=inside(None), status=403, kept=kept)


def is_secure(settings: Settings) -> bool:
    """Whether people reach us over https."""
    return settings.base_url.startswith("https://")


def idle_max(settings: Settings) -> timedelta:
    """How long somebody may do nothing and is still signed in."""
    return timedelta(minutes=settings.session_idle_minutes)


def cookie_name(settings: Settings) -> str:
    """`__Host-` binds a cookie to this one host, and browsers take it over https alone."""
    return "__Host-reconciler" if is_secure(settings) else "reconciler"


def _door_cookie(settings: Settings) -> str:
    return "__Host-reconciler-door" if is_secure(settings) else "reconciler-door"


def _enter(runtime: Runtime) -> Response:
    target, kept = inside(request.form.get("next")), kept_forms.through_the_door()
    # Nobody is signed in yet, so the form's token is the one its own cookie holds.
    door = request.cookies.get(_door_cookie(runtime.settings), "") or new_token()
    try:
        forms.prove(request, door, base_url=runtime.settings.base_url)
        signed_in = _signed_in(runtime)
    except Stale:
        stale = "This page was open for too long. Send it once more."
        return _form(runtime, target=target, error=stale, status=400, kept=kept)
    except TooManyAttempts as error:
        said = errors.sentence(error)
        return _form(runtime, target=target, error=said, status=429, kept=kept)
    if signed_in is None:
        return _form(runtime, target=target, error=_WRONG, status=422, kept=kept)
    if isinstance(signed_in, Halfway):
        return _code_form(runtime, target=target, halfway=signed_in.token, kept=kept)
    return _in(runtime, target, signed_in, kept)


def _show_code(runtime: Runtime) -> Response:
    """The second step: a code of the authenticator, or one from paper."""
    target, kept = inside(request.form.get("next")), kept_forms.through_the_door()
    door = request.cookies.get(_door_cookie(runtime.settings), "") or new_token()
    halfway, code = request.form.get("halfway", ""), request.form.get("code", "")
    key = runtime.settings.secret_key.reveal()
    try:
        forms.prove(request, door, base_url=runtime.settings.base_url)
        signed_in = runtime.do(
            _CAUSE,
            http.in_request(
                lambda work: people.show_code(work, halfway, code, key=key, **who_asks())
            ),
        )
    except (Stale, NotFound):
        late = "That took too long. Sign in again."
        return _form(runtime, target=target, error=late, status=400, kept=kept)
    except TooManyAttempts as error:
        said = errors.sentence(error)
        return _form(runtime, target=target, error=said, status=429, kept=kept)
    if signed_in is None:
        wrong = "That code does not fit, or was used already. Wait for the next one."
        return _code_form(
            runtime, target=target, halfway=halfway, error=wrong, status=422, kept=kept
        )
    return _in(runtime, target, signed_in, kept)


def _in(runtime: Runtime, target: str, signed_in: SignedIn, kept: Kept | None) -> Response:
    answer = make_response(redirect(target, 303))
    if kept is not None:
        answer = make_response(_given_back(runtime, signed_in, kept))
    keep(runtime, answer, cookie_name(runtime.settings), signed_in.token, None)
    answer.delete_cookie(_door_cookie(runtime.settings), path="/")
    return answer


def _given_back(runtime: Runtime, signed_in: SignedIn, kept: Kept) -> str:
    """What was typed before the session ended, as a form of the new one."""
    longest = idle_max(runtime.settings)
    session = runtime.do(
        _CAUSE, lambda work: people.session_of(work, signed_in.token, idle_max=longest)
    )
    assert session is not None, "it began just now"
    return templates.render("kept.html", kept=kept, form_token=session.form_token)


def who_asks() -> dict[str, str]:
    """Where a try came from, and what it calls itself."""
    return {
        "address": request.remote_addr or "", "browser": request.headers.get("User-Agent", ""),
    }  # fmt: skip


def _signed_in(runtime: Runtime) -> SignedIn | Halfway | None:
    email = request.form.get("email", "")
    password = request.form.get("password", "")
    return runtime.do(
        _CAUSE,
        http.in_request(
            lambda work: people.sign_in(work, email=email, password=password, **who_asks())
        ),
    )


def _leave(runtime: Runtime) -> Response:
    name = cookie_name(runtime.settings)
    token = request.cookies.get(name)
    if token:
        longest = idle_max(runtime.settings)
        session = runtime.do(_CAUSE, lambda work: people.session_of(work, token, idle_max=longest))
        if session is not None:
            forms.prove(request, session.form_token, base_url=runtime.settings.base_url)
            runtime.do(_CAUSE, http.in_request(lambda work: people.sign_out(work, token)))
    answer = make_response(redirect(url_for("admin.ask", left=1), 303))
    answer.delete_cookie(name, path="/", secure=is_secure(runtime.settings), httponly=True)
    return answer


def _form(
    runtime: Runtime,
    *,
    target: str,
    error: str | None = None,
    status: int = 200,
    kept: Kept | None = None,
) -> Response:
    door = secrets.token_urlsafe(32)
    html = templates.render(
        "sign_in.html",
        form_token=door,
        target=target,
        kept=kept,
        email=request.form.get("email", "")[:254],
        error=error,
        has_left="left" in request.args,
        is_sandbox=runtime.settings.is_sandbox,
    )
    answer = make_response(html, status)
    keep(runtime, answer, _door_cookie(runtime.settings), door, _FORM_SECONDS)
    return answer


def _code_form(
    runtime: Runtime,
    *,
    target: str,
    halfway: str,
    kept: Kept | None,
    error: str | None = None,
    status: int = 200,
) -> Response:
    door = secrets.token_urlsafe(32)
    html = templates.render(
        "sign_in_code.html",
        form_token=door,
        target=target,
        kept=kept,
        halfway=halfway,
        error=error,
        is_sandbox=runtime.settings.is_sandbox,
    )
    answer = make_response(html, status)
    keep(runtime, answer, _door_cookie(runtime.settings), door, _FORM_SECONDS)
    return answer


def keep(runtime: Runtime, answer: Response, name: str, value: str, seconds: int | None) -> None:
    """Give the browser a cookie: for so many seconds, or until it is closed."""
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=is_secure(runtime.settings),
    )


def inside(target: str | None) -> str:
    """Where to go afterwards: a page of ours, or the first one. Never another site."""
    home = url_for("admin.show_today")
    if not target or not target.startswith(home) or "\\" in target or "//" in target:
        return home
    return target if target.isprintable() else home
