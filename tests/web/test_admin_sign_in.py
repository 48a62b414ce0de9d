"""The door to the screens: who gets in, how long, and that nothing about it can be guessed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.flows.tidy import tidy
from reconciler.services import guessing, people
from reconciler.web.admin import admin_blueprint
from reconciler.web.app import create_web_app
from tests.runtime import Office
from tests.web.screens import PASSWORD, Screens, said, token_of


def _enter(screens: Screens, email: str, password: str, client=None, **more):
    client = client or screens.browser()
    form = {"email": email, "password": password, "form_token": token_of(client.get(_DOOR))}
    return client.post(_DOOR, data=form | more)


_DOOR = "/admin/sign-in"


def test_who_is_not_signed_in_is_led_to_the_door_and_back(screens):
    screens.person("viewer")
    client = screens.browser()
    answer = client.get("/admin/invoices?view=overdue")
    assert answer.status_code == 303
    asked = client.get(answer.location)
    assert 'value="/admin/invoices?view=overdue"' in asked.get_data(as_text=True)
    entered = _enter(
        screens, "viewer@example.com", PASSWORD, client, next="/admin/invoices?view=overdue"
    )
    assert (entered.status_code, entered.location) == (303, "/admin/invoices?view=overdue")
    assert client.get(entered.location).status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/admin/",
        "//evil.example/admin/",
        "/admin//evil.example",
        "/admin/\\evil.example",
        "/admin/\r\nSet-Cookie: a=b",
        "/admin/\tevil",
        "/admin/\x00",
        "/admin/\u2028",
        "/admin/..//evil.example",
        "/\\evil.example/admin/",
        "\\\\evil.example",
        "///evil.example/admin/",
        "http:evil.example",
        "https:/evil.example",
        "//admin/@evil.example",
        "@evil.example/admin/",
        ".evil.example/admin/",
        " //evil.example",
        "%2f%2fevil.example",
        "data:text/html,<script>alert(1)</script>",
        "javascript:alert(1)",
        "JaVaScRiPt://admin/%0aalert(1)",
        "/elsewhere",
        "/administrator",
        "",
    ],
)
def test_the_way_back_never_leads_out(screens, target):
    screens.person("viewer")
    answer = _enter(screens, "viewer@example.com", PASSWORD, next=target)
    assert (answer.status_code, answer.location) == (303, "/admin/")


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(screens):
    screens.person("viewer")
    answers = [
        _enter(screens, "viewer@example.com", "not the password"),
        _enter(screens, "nobody@example.com", PASSWORD),
        _enter(screens, "", ""),
        _enter(screens, "viewer@example.com", "\0"),
    ]
    assert [answer.status_code for answer in answers] == [422] * 4
    assert len({said(answer) for answer in answers}) == 1
    assert "do not go together" in said(answers[0])
    assert all("reconciler=" not in str(answer.headers) for answer in answers)


def test_guessing_is_slowed_down_in_words(screens):
    screens.person("viewer")
    for _ in range(guessing.ATTEMPTS_PER_ACCOUNT_MAX):
        assert _enter(screens, "viewer@example.com", "wrong again").status_code == 422
    answer = _enter(screens, "viewer@example.com", PASSWORD)
    assert answer.status_code == 429
    assert "Wait 15 minutes" in said(answer)
    screens.office.clock.advance(minutes=16)
    assert _enter(screens, "viewer@example.com", PASSWORD).status_code == 303


def test_the_cookie_is_for_this_site_alone_and_no_script_reads_it(screens):
    screens.person("viewer")
    answer = _enter(screens, "viewer@example.com", PASSWORD)
    (cookie,) = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith("reconciler=")]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie, "over plain http a browser would throw it away"
    token = cookie.partition("=")[2].partition(";")[0]
    assert screens.office.scalar("select count(*) from user_session") == 1
    assert screens.office.scalar(
        "select count(*) from user_session where token_hash = :t or form_token = :t", t=token
    ) == 0, "a copy of the database opens no door"  # fmt: skip


def test_over_https_the_cookie_is_bound_to_the_host(office: Office):
    secure = _at(office, "https://books.example.com")
    screens = Screens(office, secure)
    screens.person("viewer")
    client = secure.test_client()
    asked = client.get(_DOOR, base_url="https://books.example.com")
    form = {
        "email": "viewer@example.com",
        "password": PASSWORD,
        "form_token": token_of(asked),
    }
    answer = client.post(_DOOR, data=form, base_url="https://books.example.com")
    assert answer.status_code == 303
    cookies = [c for c in answer.headers.getlist("Set-Cookie") if "Expires" not in c]
    assert [c.partition("=")[0] for c in cookies] == ["__Host-reconciler"]
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookies[0].split("; "))


def test_signing_out_ends_the_session_for_every_copy_of_its_cookie(screens):
    somebody = screens.as_("viewer")
    copy = screens.browser()
    copy.set_cookie("reconciler", somebody.client.get_cookie("reconciler").value)
    assert copy.get("/admin/").status_code == 200
    answer = somebody.post("/sign-out")
    assert answer.status_code == 303
    assert "You are signed out" in said(copy.get(answer.location))
    assert copy.get("/admin/").status_code == 303


def test_signing_out_takes_the_sessions_token(screens):
    somebody = screens.as_("viewer")
    assert somebody.post("/sign-out", token="guessed").status_code == 400
    assert somebody.get("/").status_code == 200


def test_a_session_ends_by_itself(screens):
    somebody = screens.as_("viewer")
    for _ in range(4):  # whoever does something stays
        screens.office.clock.advance(minutes=14)
        assert somebody.get("/").status_code == 200
    screens.office.clock.advance(minutes=15)
    assert somebody.get("/").status_code == 303


def test_how_long_one_may_do_nothing_is_a_setting(screens):
    settings = replace(screens.office.runtime.settings, session_idle_minutes=60)
    runtime = replace(screens.office.runtime, settings=settings)
    app = create_web_app(runtime, more=[admin_blueprint(runtime)])
    somebody = Screens(replace(screens.office, runtime=runtime), app).as_("viewer")
    screens.office.clock.advance(minutes=59)
    tidy(runtime)
    assert somebody.get("/").status_code == 200
    screens.office.clock.advance(minutes=60)
    assert somebody.get("/").status_code == 303


def test_who_is_shut_out_is_out_at_once(screens):
    screens.person("admin")
    somebody = screens.as_("viewer")
    screens.office.do(
        lambda work: people.set_disabled(work, screens.person("viewer"), disabled=True)
    )
    assert somebody.get("/").status_code == 303
    assert _enter(screens, "viewer@example.com", PASSWORD).status_code == 422


def test_a_form_of_the_door_needs_the_token_of_its_own_cookie(screens):
    screens.person("viewer")
    form = {"email": "viewer@example.com", "password": PASSWORD}
    bare = screens.browser()
    assert bare.post(_DOOR, data=form).status_code == 400
    other = token_of(screens.browser().get(_DOOR))
    bare.get(_DOOR)
    assert bare.post(_DOOR, data=form | {"form_token": other}).status_code == 400
    assert bare.get("/admin/").status_code == 303


def test_a_fragment_is_no_place_to_sign_in(screens):
    answer = screens.browser().get("/admin/unmatched", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, _DOOR)


def test_a_form_sent_after_the_session_ended_does_nothing(screens):
    somebody = screens.as_("admin")
    screens.office.clock.instant += people.SESSION_LIFE + timedelta(minutes=1)
    before = screens.books()
    answer = somebody.post("/payments/pay_1/unmatch", {"allocation": "alo_1", "rev": 1})
    assert (answer.status_code, answer.location) == (303, _DOOR)
    assert screens.books() == before


def _at(office: Office, base_url: str):
    settings = replace(office.runtime.settings, base_url=base_url)
    runtime = replace(office.runtime, settings=settings)
    app = create_web_app(runtime, more=[admin_blueprint(runtime)])
    app.testing = True
    return app
