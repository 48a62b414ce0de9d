"""Webhooks that go out, for programs: endpoints with secrets shown once, deliveries sent again."""

import pytest

from reconciler.services import webhooks
from tests.web.api import ok, refused

URL = "https://hooks.acme.dev/in"


def test_a_secret_is_in_one_answer_and_never_again(api):
    made = api.make("/webhook-endpoints", {"url": URL, "events": ["invoice.sent"]})
    assert made["secret"].startswith("whsec_")
    own = f"/webhook-endpoints/{made['endpoint']['id']}"
    assert api.read(own) == made["endpoint"]
    assert made["secret"] not in str(api.read("/webhook-endpoints"))
    other = api.make(f"{own}/rotate")
    assert other["secret"] != made["secret"]
    assert other["endpoint"]["secret_before_until"]


def test_an_endpoint_is_changed_and_turned_off(api):
    made = api.make("/webhook-endpoints", {"url": URL})["endpoint"]
    own = f"/webhook-endpoints/{made['id']}"
    changed = ok(api.patch(own, {"url": "https://hooks.acme.dev/two", "is_on": False}))
    assert (changed["url"], changed["is_on"]) == ("https://hooks.acme.dev/two", False)
    refused(api.patch(own, {"url": "https://localhost/"}), 422, field="url")
    refused(api.patch(own, {"events": ["invoice.eaten"]}), 422, field="events")
    refused(api.patch("/webhook-endpoints/whe_none", {"is_on": True}), 404)


@pytest.mark.parametrize("url", ["http://hooks.acme.dev/", "https://10.0.0.1/", "https://a.local/"])
def test_an_address_that_leads_inside_is_refused(api, url):
    refused(api.post("/webhook-endpoints", {"url": url}), 422, field="url")


def test_what_was_told_is_listed_and_told_again(api):
    endpoint = api.make("/webhook-endpoints", {"url": URL, "events": ["invoice.sent"]})["endpoint"]
    invoice = api.an_invoice()
    found = {"endpoint_id": endpoint["id"], "object_id": invoice["id"]}
    (delivery,) = api.read("/webhook-deliveries", **found)["data"]
    assert (delivery["type"], delivery["state"]) == ("invoice.sent", "waiting")
    path = f"/webhook-deliveries/{delivery['id']}/replay"
    refused(api.post(path), 409)
    for _ in range(10):
        parcel = api.office.do(lambda work: webhooks.claim(work, api.office.runtime.seals))
        if parcel is None:
            break
        api.office.do(lambda work, p=parcel: webhooks.record(work, p, status=200, took_ms=7))
    again = api.make(path)
    assert (again["state"], again["attempts"][0]["status"]) == ("waiting", 200)
    refused(api.post("/webhook-deliveries/whd_none/replay"), 404)
