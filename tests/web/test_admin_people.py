"""People, keys and one's own account on screen."""

import re

import pyotp
import pytest

from tests.web.screens import PASSWORD, Somebody, said, token_of

NEW = "eleven grey herons"


def found(pattern: str, page: str) -> str:
    """The one thing on a page that is like this."""
    match = re.search(pattern, page)
    assert match, pattern
    return match.group(1)


def door(screens, client, email, password, **more):
    page = client.get("/admin/sign-in")
    form = {"email": email, "password": password, "form_token": token_of(page)} | more
    return client.post("/admin/sign-in", data=form, headers={"User-Agent": "Lynx 2.9"})


def test_an_admin_adds_somebody_who_can_sign_in(screens):
    dana = screens.as_("admin")
    form = {"email": "new@example.com", "name": "Nia", "role": "viewer", "password": PASSWORD}
    made = dana.post("/people", form)
    assert made.status_code == 303
    assert "The account is made" in said(dana.client.get(made.location))
    assert door(screens, screens.browser(), "new@example.com", PASSWORD).status_code == 303
    again = dana.post("/people", form)
    assert (again.status_code, "has an account already" in said(again)) == (422, True)
    assert 'value="new@example.com"' in again.get_data(as_text=True)
    assert (
        dana.post("/people", form | {"email": "x@example.com", "password": "short"}).status_code
        == 422
    )


@pytest.mark.parametrize("deed", ["role", "disabled", "password", "code"])
def test_each_change_ends_their_sessions_at_once(screens, deed):
    vera, dana = screens.as_("viewer"), screens.as_("admin")
    who = screens.person("viewer")
    form = {"role": "reconciler", "disabled": "yes", "password": NEW}
    assert dana.post(f"/people/{who}/{deed}", form).status_code == 303
    assert vera.get("/").status_code == 303
    assert door(screens, screens.browser(), "viewer@example.com", PASSWORD).status_code == (
        422 if deed in ("disabled", "password") else 303
    )


def test_the_last_admin_stays(screens):
    dana = screens.as_("admin")
    who = screens.person("admin")
    for deed, form in (("role", {"role": "viewer"}), ("disabled", {"disabled": "yes"})):
        answer = dana.post(f"/people/{who}/{deed}", form)
        assert (answer.status_code, "last admin" in said(answer)) == (422, True)
    assert dana.get("/").status_code == 200


def test_a_browser_is_seen_and_signed_out_from_afar(screens):
    dana = screens.as_("admin")
    far = screens.browser()
    door(screens, far, "admin@example.com", PASSWORD)
    page = dana.get("/account").get_data(as_text=True)
    assert "Lynx 2.9" in page
    assert "This browser" in page
    [address] = re.findall(r'action="/admin(/account/sessions/[0-9a-f]{16})"', page)
    assert dana.post(address).status_code == 303
    assert far.get("/admin/").status_code == 303
    assert dana.post(address).status_code == 409


def test_ones_own_password_takes_the_old_one_and_ends_other_sessions(screens):
    vera, other = screens.as_("viewer"), screens.as_("viewer")
    form = {"password": PASSWORD, "new": NEW, "again": NEW}
    for wrong in ({"password": "not mine"}, {"again": "other"}, {"new": "short", "again": "short"}):
        assert vera.post("/account/password", form | wrong).status_code == 422
    assert vera.post("/account/password", form).status_code == 303
    assert vera.get("/").status_code == 200
    assert other.get("/").status_code == 303


def test_a_code_is_set_up_asked_for_at_the_door_and_turned_off(screens):
    vera = screens.as_("viewer")
    begun = vera.post("/account/code/begin", {"password": PASSWORD})
    html = begun.get_data(as_text=True)
    assert "<svg" in html
    uri = found(r'name="uri" value="([^"]+)"', html).replace("&amp;", "&")
    totp = pyotp.parse_uri(uri)

    def shown():
        screens.office.clock.advance(seconds=30)
        return totp.at(screens.office.clock())

    wrong = vera.post("/account/code/confirm", {"uri": uri, "code": "12"})
    assert (wrong.status_code, "not the one shown now" in said(wrong)) == (422, True)
    made = vera.post("/account/code/confirm", {"uri": uri, "code": shown()})
    paper = re.findall(r"<li><code>([0-9a-f-]{19})</code>", made.get_data(as_text=True))
    assert len(paper) == 10
    client = screens.browser()
    for code, status in (("000000", 422), (shown(), 303)):
        asked = door(screens, client, "viewer@example.com", PASSWORD)
        assert asked.status_code == 200
        halfway = found(r'name="halfway" value="([^"]+)"', asked.get_data(as_text=True))
        assert client.get("/admin/").status_code == 303
        form = {"halfway": halfway, "code": code, "form_token": token_of(asked), "next": "/admin/"}
        assert client.post("/admin/sign-in/code", data=form).status_code == status
    assert Somebody(client, "").get("/").status_code == 200
    assert client.post("/admin/sign-in/code", data=form).status_code == 400
    assert vera.post("/account/code/paper", {"password": PASSWORD}).status_code == 200
    assert vera.post("/account/code/off", {"password": PASSWORD}).status_code == 303
    assert door(screens, screens.browser(), "viewer@example.com", PASSWORD).status_code == 303
    noted = {row.action for row in screens.office.rows("select action from audit_line")}
    assert noted >= {
        "person.factor_begun", "person.factor_on", "person.recovery_codes_made",
        "person.factor_off", "person.sign_in_refused",
    }  # fmt: skip


def test_a_key_is_shown_once_works_and_is_taken_back(screens):
    dana = screens.as_("admin")
    made = dana.post("/keys", {"name": "Till", "scope": "read"})
    key = found(r"(rk_[\w-]+)", made.get_data(as_text=True))
    client = screens.browser()
    call = {"headers": {"Authorization": f"Bearer {key}"}}
    assert client.get("/api/v1/customers", **call).status_code == 200
    page = dana.get("/keys").get_data(as_text=True)
    assert "Till" in page
    assert key not in page
    [address] = re.findall(r'action="/admin(/keys/key_\w+/revoke)"', page)
    assert dana.post(address).status_code == 303
    assert client.get("/api/v1/customers", **call).status_code == 401
    refused = dana.post("/keys", {"name": "", "scope": "everything"})
    assert refused.status_code == 422
