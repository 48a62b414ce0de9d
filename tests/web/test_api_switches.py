import pytest

from tests.web.api import ok, refused


def test_every_switch_is_on_until_somebody_turns_it_off(empty_api):
    found = empty_api.read("/switches")["data"]
    assert [(s["name"], s["on"]) for s in found] == [
        ("refunds", True),
        ("apply", True),
        ("outbound", True),
    ]


def test_a_switch_is_turned_off_and_says_who_when_and_why(api):
    off = {"on": False, "reason": "Odd refunds since ten"}
    changed = ok(api.call("PUT", "/switches/refunds", json=off))
    assert (changed["on"], changed["reason"]) == (False, "Odd refunds since ten")
    assert changed["changed_by"]
    assert changed["changed_at"]
    assert api.read("/switches/refunds") == changed
    assert ok(api.call("PUT", "/switches/refunds", json={"on": True, "reason": "Fine"}))["on"]


def test_what_came_in_waits_while_apply_is_off_and_goes_on_after(api):
    ok(api.call("PUT", "/switches/apply", json={"on": False, "reason": "Looking"}))
    api.office.world.pay(500, "usd")
    api.office.deliver(*api.office.world.events())
    api.office.apply()
    assert api.read("/status")["inbox"]["pending"] > 0
    ok(api.call("PUT", "/switches/apply", json={"on": True, "reason": "Seen"}))
    api.settle()
    assert api.read("/status")["inbox"]["pending"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "on"),
        ({"on": False}, "reason"),
        ({"on": False, "reason": " "}, "reason"),
        ({"on": 0, "reason": "x"}, "on"),
        ({"on": "false", "reason": "x"}, "on"),
        ({"on": False, "reason": "x", "changed_by": "me"}, "changed_by"),
    ],
)
def test_bad_input_turns_nothing(api, body, field):
    with api.unchanged():
        refused(api.call("PUT", "/switches/refunds", json=body), 422, field)


def test_there_is_no_such_switch(api):
    with api.unchanged():
        refused(api.get("/switches/ingestion"), 404)
        said = {"on": False, "reason": "x"}
        refused(api.call("PUT", "/switches/ingestion", json=said), 404)


@pytest.mark.parametrize("scope", ["read", "write", "refund"])
def test_only_an_admin_turns_a_switch(api, scope):
    with api.unchanged():
        said = {"on": False, "reason": "x"}
        refused(api.call("PUT", "/switches/refunds", by=scope, json=said), 403)
