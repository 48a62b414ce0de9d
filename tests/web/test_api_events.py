import pytest

from reconciler.sandbox.player import body_of
from tests.web.api import ok, refused

MUST_HAVE = {
    "id",
    "rail",
    "rail_event_id",
    "type",
    "status",
    "attempts",
    "error",
    "received_at",
    "applied_at",
    "payload",
}


def the_event(api, kind):
    return api.read("/events", type=kind, limit=1)["data"][0]


@pytest.mark.thorough
def test_an_event_shows_what_came_and_what_became_of_it(api):
    payment = api.paid(1_212)
    event = the_event(api, "charge.succeeded")
    assert event.keys() >= MUST_HAVE
    assert (event["rail"], event["status"], event["payment_id"]) == (
        "stripe", "applied", payment["id"],
    )  # fmt: skip
    assert event["payload"]["id"] == event["rail_event_id"]
    assert event["payload"]["data"]["object"]["amount"] == 1_212
    assert api.read(f"/events/{event['id']}") == event
    assert api.read(f"/events/{event['rail_event_id']}") == event


def test_no_answer_holds_what_the_message_was_signed_with(api):
    api.paid(1_213)
    listed = api.get("/events").get_data(as_text=True)
    assert "Stripe-Signature" not in listed
    assert "v1=" not in listed


def test_events_are_found_by_status(api):
    api.paid(1_214)
    assert {e["status"] for e in api.read("/events", status="applied")["data"]} == {"applied"}
    assert api.read("/events", status="failed")["data"] == []
    assert api.read("/events", status="pending")["data"] == []
    api.office.world.pay(1_215, "usd")
    api.office.deliver(*api.office.world.events()[-4:])
    waiting = api.read("/events", status="pending")["data"]
    assert {e["status"] for e in waiting} == {"pending"}
    assert len(waiting) == api.read("/status")["inbox"]["pending"]
    api.settle()
    assert api.read("/events", status="pending")["data"] == []


def test_doing_an_event_over_books_nothing_twice(api):
    invoice = api.an_invoice(1_216)
    api.paid(1_216, metadata={"invoice": invoice["number"]})
    event = the_event(api, "charge.succeeded")
    before = api.read("/ledger/trial-balance")
    again = api.make(f"/events/{event['id']}/replay")
    assert again["status"] == "pending"
    api.office.drain()
    assert api.read(f"/events/{event['id']}")["status"] == "applied"
    assert api.read("/ledger/trial-balance") == before
    api.sound()


def test_an_event_that_nobody_handles_is_ignored(api):
    api.paid(1_217)  # a rail that told of something
    event = {
        **api.office.world.events()[-1],
        "id": "evt_other",
        "type": "radar.early_fraud_warning.created",
    }
    event["data"] = {"object": {"id": "issfr_1", "object": "radar.early_fraud_warning"}}
    assert api.office.deliver(event) == [200]
    api.office.drain()
    assert api.read("/events/evt_other")["status"] == "ignored"


def test_what_is_not_ours_is_never_done_over(api):
    api.paid(1_218)
    event = {**api.office.world.events()[-1], "id": "evt_live", "livemode": True}
    assert api.office.deliver(event) == [200]
    [kept] = api.read("/events", status="quarantined")["data"]
    assert (kept["rail_event_id"], kept["status"]) == ("evt_live", "quarantined")
    with api.unchanged():
        refused(api.post(f"/events/{kept['id']}/replay"), 422)


def test_many_are_counted_first_and_then_done_over(api):
    api.paid(1_217)
    body = {"filter": {"type": "charge.succeeded"}, "dry_run": True}
    with api.unchanged():
        counted = api.make("/events/replay", body)
    assert counted["matched"] == len(counted["event_ids"]) > 0
    assert counted["dry_run"] is True
    assert (counted["would_change"]["entries"], counted["would_change"]["changes"]) == (0, [])
    done = api.make("/events/replay", {**body, "dry_run": False})
    assert done["matched"] == counted["matched"]
    assert done["would_change"] is None
    assert len(api.read("/events", status="pending", limit=200)["data"]) == done["matched"]
    api.office.drain()
    api.sound()


def test_a_dry_run_says_what_would_change(api):
    api.office.world.pay(5_000, description="for the roof")
    api.office.deliver(*api.office.world.events())  # and nobody applies them
    body = {"filter": {"type": "charge.succeeded"}, "dry_run": True}
    with api.unchanged():
        told = api.make("/events/replay", body)["would_change"]
    assert (told["failing"], told["entries"]) == (0, 1)
    assert told["tried"] == told["matching"] > 0
    assert {(c["role"], c["currency"], c["balance"]) for c in told["changes"]} == {
        ("clearing", "USD", 5_000),
        ("unapplied_cash", "USD", -5_000),
    }
    api.office.drain()
    api.sound()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "filter"),
        ({"filter": {"status": "odd"}}, "filter.status"),
        ({"filter": {"since": "yesterday"}}, "filter.since"),
        ({"filter": {"since": "2026-11-22T10:00:00"}}, "filter.since"),
        ({"filter": {"sinc": "2026-11-22"}}, "filter.sinc"),
        ({"filter": {}, "dry_run": "no"}, "dry_run"),
    ],
)
def test_bad_input_does_nothing_over(api, body, field):
    with api.unchanged():
        refused(api.post("/events/replay", body), 422, field)


def test_there_is_no_such_event(api):
    for name in ("evt_none", "999999999", "9" * 30, "-1", "٣"):
        refused(api.get(f"/events/{name}"), 404)
        refused(api.post(f"/events/{name}/replay"), 404)


@pytest.mark.parametrize("scope", ["read", "write", "refund"])
def test_only_an_admin_does_events_over(api, scope):
    api.paid(1_218)
    event = the_event(api, "charge.succeeded")
    with api.unchanged():
        refused(api.post(f"/events/{event['id']}/replay", by=scope), 403)
        refused(api.post("/events/replay", {"filter": {}}, by=scope), 403)


def test_a_filter_by_time_counts_the_day_whole(api):
    api.paid(1_219)
    newest = api.read("/events", limit=1)["data"][0]
    day = newest["received_at"][:10]
    assert api.read("/events", since=day, until=day, limit=1)["data"] == [newest]
    assert ok(api.get("/events", until="2020-01-01"))["data"] == []


def test_half_of_a_character_spoils_neither_the_event_nor_the_list(api):
    api.office.world.pay(1_217, "usd", description="for the roof")
    told = api.office.world.events()[-3]
    body = body_of(told).replace(b"the roof", b"the \\ud83d")
    assert api.office.post(body).status_code == 200
    api.settle()
    event = api.read(f"/events/{told['id']}")
    assert event["status"] == "applied"
    assert event["payload"]["data"]["object"]["description"] == "for the ?"
    assert event in api.read("/events", limit=10)["data"]
