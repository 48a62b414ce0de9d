"""Before money goes the screens ask who it is: once in five minutes, with what was typed kept."""

import re
from dataclasses import replace
from html import unescape

import pyotp
import pytest

from reconciler.services import guessing
from reconciler.settings import Secret
from reconciler.web.admin import admin_blueprint
from reconciler.web.app import create_web_app
from tests.web.screens import PASSWORD, Screens, Somebody, open_screens, said, token_of
from tests.web.test_admin_refunds import invoice_paid

pytestmark = pytest.mark.sampled(2)

HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


@pytest.fixture
def asked(screens: Screens) -> Screens:
    """A refund of 300.00 that waits for an approver, and a quarter of an hour that went by."""
    invoice_paid(screens)
    screens.ids["refund"] = screens.ask_refund(
        "reconciler", invoice_id=screens.ids["INV-1041"], amount=30_000, treatment="credit"
    )
    return screens


def approves(screens: Screens, by: Somebody, **more):
    rev = screens.rev("refund", screens.ids["refund"])
    return by.post(f"/refunds/{screens.ids['refund']}/approve", {"rev": rev} | more)


def status(screens: Screens) -> str:
    return screens.office.scalar("select status from refund where id = :i", i=screens.ids["refund"])


def carried(answer) -> dict[str, str]:
    """The fields of the form on the page that asks."""
    page = answer.get_data(as_text=True)
    return {name: unescape(value) for name, value in HIDDEN.findall(page) if name != "form_token"}


def test_after_five_minutes_an_approval_asks_who_it_is_and_then_goes_on(asked):
    aki = asked.as_("approver")
    asked.office.clock.advance(minutes=5)
    answer = approves(asked, aki)
    assert answer.status_code == 403
    words = said(answer)
    assert "To refund $300.00 of INV-1041 to Birch, write your password once more." in words
    assert "Out of $300.00 of the $3,000.00 that Birch paid on 22 Nov 2026: " in words
    assert "Asked by Rae Lindt" in words
    assert ">Refund $300.00 of INV-1041 to Birch</button>" in answer.get_data(as_text=True)
    assert status(asked) == "requested"
    proved = aki.post(
        f"/refunds/{asked.ids['refund']}/approve",
        carried(answer) | {"proof_password": PASSWORD},
    )
    assert (proved.status_code, status(asked)) == (303, "approved")
    assert "Approved" in said(aki.client.get(proved.location))


def test_within_five_minutes_nothing_is_asked(asked):
    aki = asked.as_("approver")
    asked.office.clock.advance(minutes=4)
    assert (approves(asked, aki).status_code, status(asked)) == (303, "approved")


def test_a_wrong_password_does_nothing_says_so_and_repeats_no_password(asked):
    aki = asked.as_("approver")
    asked.office.clock.advance(minutes=5)
    answer = approves(asked, aki, proof_password="not my password")
    assert answer.status_code == 422
    assert "That is not your password. Nothing was done" in said(answer)
    assert "not my password" not in answer.get_data(as_text=True)
    assert status(asked) == "requested"
    for _ in range(guessing.ATTEMPTS_PER_ACCOUNT_MAX):
        answer = approves(asked, aki, proof_password="not my password")
    assert answer.status_code == 429
    assert "Wait 15 minutes" in said(answer)
    assert approves(asked, aki, proof_password=PASSWORD).status_code == 429
    assert status(asked) == "requested"


def test_each_proof_gives_the_browser_another_cookie_and_the_copied_one_is_dead(asked):
    aki = asked.as_("approver")
    copied = aki.client.get_cookie("reconciler").value
    asked.office.clock.advance(minutes=5)
    assert approves(asked, aki, proof_password=PASSWORD).status_code == 303
    assert aki.client.get_cookie("reconciler").value != copied
    assert aki.get("/").status_code == 200
    thief = asked.browser()
    thief.set_cookie("reconciler", copied)
    assert thief.get("/admin/").status_code == 303
    answer = thief.post(f"/admin/refunds/{asked.ids['refund']}/retry", data={"form_token": "x"})
    assert answer.status_code == 303


def test_a_proof_stands_where_the_deed_fails_and_its_cookie_is_given_all_the_same(asked):
    aki = asked.as_("approver")
    asked.office.clock.advance(minutes=5)
    answer = aki.post("/refunds/none/approve", {"rev": 1, "proof_password": PASSWORD})
    assert answer.status_code == 404
    assert aki.get("/").status_code == 200
    assert (approves(asked, aki).status_code, status(asked)) == (303, "approved")


@pytest.mark.parametrize("deed", ["retry", "paid-back", "another-way", "keep"])
def test_all_that_settles_a_refund_asks_and_carries_what_was_typed(asked, deed):
    aki = asked.as_("approver")
    asked.office.clock.advance(minutes=5)
    typed = {"rev": "1", "reference": 'Slip "9"', "consent": "<b>Ada</b> said so"}
    answer = aki.post(f"/refunds/{asked.ids['refund']}/{deed}", typed)
    assert (answer.status_code, carried(answer)) == (403, typed)
    words = said(answer)
    assert "$300.00 of INV-1041 to Birch" in words
    assert "Who agreed, and how <b>Ada</b> said so" in words
    assert "<b>Ada" not in answer.get_data(as_text=True)


def test_what_lets_no_money_go_asks_nothing(asked):
    aki = asked.as_("approver")
    asked.office.clock.advance(minutes=5)
    rev = asked.rev("refund", asked.ids["refund"])
    path = f"/refunds/{asked.ids['refund']}/decline"
    assert aki.post(path, {"rev": rev, "why": "Not this one"}).status_code == 303
    assert status(asked) == "rejected"


def test_whoever_has_a_code_shows_it_too(asked):
    aki = asked.as_("approver")
    totp = set_up(asked, aki)
    asked.office.clock.advance(minutes=5)
    answer = approves(asked, aki)
    assert 'name="proof_code"' in answer.get_data(as_text=True)
    answer = approves(asked, aki, proof_password=PASSWORD, proof_code="000000")
    assert (answer.status_code, status(asked)) == (422, "requested")
    code = code_now(asked, totp)
    assert approves(asked, aki, proof_password=PASSWORD, proof_code=code).status_code == 303
    assert status(asked) == "approved"


def code_now(screens: Screens, totp) -> str:
    return totp.at(screens.office.clock())


def set_up(screens: Screens, somebody: Somebody) -> pyotp.OTP:
    """Their authenticator, from now on asked for."""
    page = somebody.post("/account/code/begin", {"password": PASSWORD}).get_data(as_text=True)
    uri = unescape(re.search(r'name="uri" value="([^"]*)"', page)[1])
    totp = pyotp.parse_uri(uri)
    form = {"code": code_now(screens, totp), "uri": uri}
    assert somebody.post("/account/code/confirm", form).status_code == 200
    return totp


@pytest.fixture
def live(asked: Screens) -> Screens:
    """The same books with real money behind them."""
    runtime = asked.office.runtime
    settings = replace(runtime.settings, stripe_secret_key=Secret("rk_live_" + "1" * 32))
    runtime = replace(runtime, settings=settings)
    app = create_web_app(runtime, more=[admin_blueprint(runtime)])
    app.testing = True
    made = open_screens(asked.office)
    made.app, made.ids, made.known = app, asked.ids, asked.known
    return made


def test_beside_a_live_key_whoever_decides_has_a_code_and_is_led_to_set_one_up(live):
    aki = live.as_("approver")
    answer = approves(live, aki)
    assert (answer.status_code, status(live)) == (403, "requested")
    assert "This takes a code beside your password" in said(answer)
    assert 'href="/admin/account"' in answer.get_data(as_text=True)
    set_up(live, aki)
    assert (approves(live, aki).status_code, status(live)) == (303, "approved")


def test_beside_a_live_key_an_admin_without_a_code_reaches_no_people_and_no_keys(live):
    dana = live.as_("admin")
    for path in ("/people", "/keys", "/audit", "/settings", "/switches/refunds"):
        assert dana.get(path).status_code == 403
    for path in ("/", "/account", "/unmatched", "/refunds"):
        assert dana.get(path).status_code == 200
    set_up(live, dana)
    assert dana.get("/people").status_code == 200


def test_who_only_matches_needs_no_code_beside_a_live_key(live):
    rae = live.as_("reconciler")
    assert token_of(rae.get("/unmatched"))
    assert rae.post(f"/notes/{live.ids['pay']}", {"note": "Ada rang"}).status_code == 303
