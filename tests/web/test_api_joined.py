import pytest
from werkzeug.test import Client

import wsgi
from reconciler.sandbox.player import body_of, sign
from tests.runtime import WEBHOOK_SECRET


def test_one_application_serves_rails_programs_and_people(api):
    client = Client(wsgi.create_app(api.office.runtime))
    api.office.world.pay(900, "usd")
    body = body_of(api.office.world.events()[-1])
    at = int(api.office.clock().timestamp())
    said = {"Stripe-Signature": sign(WEBHOOK_SECRET, body, at)}
    answer = client.post("/webhooks/stripe", data=body, headers=said)
    assert answer.get_json() == {"received": True, "duplicate": False}
    assert client.get("/api/v1/status").status_code == 401
    assert client.get("/healthz").status_code == 200
    assert client.get("/admin/sign-in").status_code == 200


def test_an_unfit_environment_is_named_when_a_server_asks_for_the_application(monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL", "RECONCILER_SECRET_KEY", "STRIPE_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match="DATABASE_URL"):
        _ = wsgi.app
    with pytest.raises(AttributeError):
        _ = wsgi.application
