"""A form that comes after its session has ended is given back, with what was typed."""

import re
from html import unescape

import pytest

from tests.web.screens import PASSWORD, Screens, Somebody, said

OURS = {"Sec-Fetch-Site": "same-origin"}
HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


@pytest.fixture
def late(screens: Screens) -> Screens:
    """Somebody who was away for as long as their session lives."""
    screens.ids["pay"] = screens.paid(5_000, description="thanks")
    return screens


def away(late: Screens) -> Somebody:
    rae = late.as_("reconciler")
    late.office.clock.advance(minutes=late.office.runtime.settings.session_idle_minutes + 1)
    return rae


def hidden(answer) -> dict[str, str]:
    page = answer.get_data(as_text=True)
    return {name: unescape(value) for name, value in HIDDEN.findall(page)}


def enter(rae: Somebody, door, password: str = PASSWORD):
    form = hidden(door) | {"email": "reconciler@example.com", "password": password}
    return rae.client.post("/admin/sign-in", data=form, headers=OURS)


def test_what_was_typed_comes_back_after_signing_in_and_is_sent_then(late):
    rae = away(late)
    note = 'They rang: "the <b>blue</b> one" & no other'
    door = rae.post(f"/notes/{late.ids['pay']}", {"note": note, "once": "n1"}, headers=OURS)
    assert door.status_code == 403
    assert "What you typed is kept: sign in, and it comes back." in said(door)
    wrong = enter(rae, door, "not my password")
    assert wrong.status_code == 422
    back = enter(rae, wrong)
    assert back.status_code == 200
    assert "Nothing of this was done so far" in said(back)
    assert f'value="{note}"' in unescape(back.get_data(as_text=True))
    assert late.office.scalar("select count(*) from record_note") == 0
    form = hidden(back)
    assert form["once"] == "n1"
    action = re.search(r'method="post" action="([^"]*)"', back.get_data(as_text=True))[1]
    sent = rae.client.post(action, data=form | {"note": note}, headers=OURS)
    assert sent.status_code == 303
    assert late.office.scalar("select body from record_note") == note


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}])
def test_what_another_site_sends_is_carried_nowhere(late, headers):
    rae = away(late)
    door = rae.post(f"/notes/{late.ids['pay']}", {"note": "Not mine"}, headers=headers)
    assert door.status_code == 303
    assert "Not mine" not in rae.client.get(door.location).get_data(as_text=True)


def test_no_secret_is_carried_and_no_form_of_secrets(late):
    rae = away(late)
    path = f"/notes/{late.ids['pay']}"
    typed = {"note": "kept", "proof_password": "a secret", "proof_code": "123456"}
    html = rae.post(path, typed, headers=OURS).get_data(as_text=True)
    assert "kept" in html
    assert "a secret" not in html
    assert "123456" not in html
    assert rae.post("/account/password", {"why": "me"}, headers=OURS).status_code in {303, 404, 405}


def test_a_form_in_which_nothing_was_typed_leads_to_the_door_as_ever(late):
    rae = away(late)
    answer = rae.post(f"/notes/{late.ids['pay']}", {"rev": 3, "once": "x"}, headers=OURS)
    assert answer.status_code == 303


@pytest.mark.parametrize("action", ["https://evil.example/", "/admin//evil", "/api/v1/refunds", ""])
def test_it_is_given_back_for_our_own_addresses_only(late, action):
    rae = away(late)
    door = rae.post(f"/notes/{late.ids['pay']}", {"note": "kept"}, headers=OURS)
    form = hidden(door) | {"kept_action": action, "email": "reconciler@example.com"}
    answer = rae.client.post("/admin/sign-in", data=form | {"password": PASSWORD}, headers=OURS)
    assert answer.status_code == 303
