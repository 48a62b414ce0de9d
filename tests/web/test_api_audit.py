import pytest

from tests.web.api import ok, refused, scopes_without


@pytest.fixture(scope="module")
def doings(api):
    """A customer made and renamed, and a switch turned, each by a key of its own."""
    made = api.a_customer("Ann Lee", email="ann@example.com")
    ok(api.patch(f"/customers/{made['id']}", {"name": "Ann Lee-Roy"}, by="write"))
    api.office.clock.advance(hours=1)
    ok(api.call("PUT", "/switches/apply", json={"on": False, "reason": "Odd matches"}))
    ok(api.call("PUT", "/switches/apply", json={"on": True, "reason": "All fine"}))
    return made["id"]


def test_what_was_done_is_listed_the_last_first(api, doings):
    found = api.read("/audit", by="admin")["data"]
    mine = [one for one in found if one["subject"] in {doings, "apply"}]  # beside others
    assert [one["action"] for one in mine if one["cause"]["kind"] == "api_key"] == [
        "switch.turned_on",
        "switch.turned_off",
        "customer.changed",
        "customer.created",
    ]
    off = next(one for one in found if one["action"] == "switch.turned_off")
    assert (off["before"], off["after"], off["why"]) == ({"on": True}, {"on": False}, "Odd matches")
    assert (off["subject"], off["name"], off["is_erased"]) == ("apply", "admin", False)
    assert off["request_id"].startswith("req_")
    assert api.read(f"/audit/{off['id']}", by="admin") == off


def test_a_line_carries_the_name_of_its_request(api, doings):
    body = {"name": "Ben"}
    ok(api.call("POST", "/customers", json=body, headers={"X-Request-Id": "from-our-side-7"}))
    assert api.read("/audit", by="admin", limit=1)["data"][0]["request_id"] == "from-our-side-7"


def test_the_list_can_be_narrowed(api, doings):
    def actions(**filters):
        return [one["action"] for one in api.read("/audit", by="admin", **filters)["data"]]

    assert actions(subject=doings) == ["customer.changed", "customer.created"]
    assert actions(action="switch.turned_off") == ["switch.turned_off"]
    assert actions(action="switch.turned_off", cause_kind="person") == []
    half_past = "2026-11-22T12:30:00Z"
    assert actions(subject=doings, since=half_past) == []
    assert actions(action="switch.turned_off", since=half_past) == ["switch.turned_off"]
    assert actions(action="switch.turned_off", until=half_past) == []
    who = api.read("/audit", by="admin", subject=doings)["data"][0]["cause"]["id"]
    assert actions(cause_id=who) == ["customer.changed"]


def test_the_list_is_read_page_by_page(api, doings):
    whole = [one["id"] for one in api.read("/audit", by="admin")["data"]]
    first = api.read("/audit", by="admin", limit=2)
    rest = api.read("/audit", by="admin", cursor=first["next_cursor"])
    assert [one["id"] for one in first["data"] + rest["data"]] == whole


def test_what_fails_or_is_answered_again_leaves_no_line(api, doings):
    before = api.read("/status")["audit"]["lines"]
    refused(api.post("/customers", {"name": ""}), 422, "name")
    ok(api.post("/customers", {"name": "Cy"}, key="k-audit"))
    ok(api.post("/customers", {"name": "Cy"}, key="k-audit"))
    ok(api.post("/events/replay", {"filter": {}, "dry_run": True}))
    assert api.read("/status")["audit"]["lines"] == before + 1


def test_the_status_shows_the_head(api, doings):
    told = api.read("/status")["audit"]
    last = api.read("/audit", by="admin", limit=1)["data"][0]
    assert told == {"lines": int(last["id"]), "head": f"{last['id']}:{last['hash']}"}


@pytest.mark.parametrize("line_id", ["0", "999999", "one", "9" * 30, "-1"])
def test_there_is_no_such_line(api, line_id):
    refused(api.get(f"/audit/{line_id}", by="admin"), 404)


@pytest.mark.parametrize("scope", [s for s in scopes_without() if s != "admin"])
def test_only_an_admin_reads_it(api, scope):
    refused(api.get("/audit", by=scope), 403)
    refused(api.get("/audit/1", by=scope), 403)
