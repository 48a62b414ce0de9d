"""The screen of webhooks that go out: endpoints, secrets shown once, deliveries sent again."""

import re

from tests.mail_room import a_mail


def test_an_endpoint_is_added_and_its_secret_shown_once(screens):
    dana = screens.as_("admin")
    form = {"url": "https://hooks.acme.dev/in", "note": "The shop", "events": "invoice.paid"}
    page = dana.post("/webhooks", form).get_data(as_text=True)
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", page)[0]
    kept = screens.office.rows("select id, secret from webhook_endpoint")[0]
    assert "whsec_" not in kept.secret
    assert screens.office.runtime.seals.opened(kept.secret, of=kept.id) == secret
    again = dana.read("/webhooks")
    assert "whsec_" not in again
    assert "https://hooks.acme.dev/in" in again
    endpoint_id = screens.office.scalar("select id from webhook_endpoint")
    other = dana.post(f"/webhooks/{endpoint_id}/rotate").get_data(as_text=True)
    assert secret not in other
    assert "Two secrets until" in other
    assert dana.post(f"/webhooks/{endpoint_id}/turn", {"on": "no"}).status_code == 303
    assert not screens.office.scalar("select is_on from webhook_endpoint")
    said = screens.office.scalar("select string_agg(body, '') from audit_words")
    assert "whsec_" not in said


def test_an_address_inside_is_refused_in_words(screens):
    answer = screens.as_("admin").post("/webhooks", {"url": "https://169.254.169.254/"})
    assert answer.status_code == 422
    assert "on a public machine" in answer.get_data(as_text=True)
    assert screens.office.scalar("select count(*) from webhook_endpoint") == 0
    answer = screens.as_("reconciler").post("/webhooks", {"url": "https://hooks.acme.dev/"})
    assert answer.status_code == 403


def test_what_has_arrived_is_shown_and_sent_again(screens):
    a_mail(screens)
    rae = screens.as_("reconciler")
    page = rae.read("/webhooks")
    for words in ("invoice.paid", "Delivered", "200", "35 ms", "1 try"):
        assert words in page, words
    own = f"/webhooks/deliveries/{screens.ids['delivery']}/replay"
    assert rae.post(own).status_code == 303
    assert "Waiting" in rae.read("/webhooks?state=waiting")
    assert rae.post(own).status_code == 409
    assert rae.post("/webhooks/deliveries/whd_none/replay").status_code == 404
