"""Proposals over the API: written, offered, answered once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.web.api import ok, refused

PLAN = [{"kind": "deposit", "percent": 30}, {"kind": "final", "percent": 70}]
LINES = [{"description": "Oak doors", "quantity": "2.5", "unit_price": 4_000, "tax_rate": "19"}]


def drafted(api, **more):
    given = {"customer_id": api.a_customer()["id"], "name": "Kitchen", "currency": "USD"}
    return api.make("/proposals", given | {"lines": LINES, "milestones": PLAN} | more)


def offered(api, **more):
    return api.make(f"/proposals/{drafted(api, **more)['id']}/send")


def accept(api, proposal, **more):
    body = {"name": "Ann Lee", "sha256": proposal["sha256"]} | more
    return api.post(f"/proposals/{proposal['id']}/accept", body)


def test_lines_with_their_tax_make_the_price_and_the_plan_comes_to_it(api):
    made = drafted(api)
    assert (made["price"], made["status"], made["version"]) == (11_900, "draft", 1)
    assert [one["amount"] for one in made["milestones"]] == [3_570, 8_330]
    assert api.read(f"/proposals/{made['id']}") == made
    assert api.read("/proposals", customer_id=made["customer_id"])["data"] == [made]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"customer_id": "cust_none"}, "customer_id"),
        ({"name": ""}, "name"),
        ({"lines": []}, "lines"),
        ({"lines": [{"description": "Gift", "unit_price": -5}]}, "lines"),
        (
            {"lines": [{"description": "Half", "quantity": "0", "unit_price": 5}]},
            "lines.0.quantity",
        ),
        ({"milestones": PLAN[:1]}, "milestones"),
        ({"milestones": [{"kind": "named", "percent": 100}]}, "name"),
        ({"valid_until": "soon"}, "valid_until"),
    ],
)
def test_a_proposal_that_is_none_names_its_field(api, change, field):
    given = {"customer_id": api.a_customer()["id"], "name": "Kitchen", "currency": "USD",
             "lines": LINES, "milestones": PLAN}  # fmt: skip
    with api.unchanged():
        refused(api.post("/proposals", given | change), 422, field)


def test_only_what_was_offered_and_read_is_accepted(api):
    draft = drafted(api)
    with api.unchanged():
        refused(accept(api, draft), 422)
    sent = ok(api.post(f"/proposals/{draft['id']}/send", {"rev": draft["rev"]}))
    with api.unchanged():
        refused(accept(api, sent, sha256="0" * 64), 409, "sha256")
        refused(accept(api, sent, name=" "), 422, "name")
    project = ok(accept(api, sent))
    assert project["original_price"] == project["planned"] == 11_900
    with api.unchanged():
        refused(accept(api, sent), 422)
        refused(api.post(f"/proposals/{draft['id']}/withdraw", {"reason": "Late"}), 422)
        refused(api.post(f"/proposals/{draft['id']}/revise"), 422)
    assert api.read(f"/proposals/{draft['id']}")["project_id"] == project["id"]
    api.sound()


def test_several_who_accept_at_once_make_one_project(api):
    sent = offered(api)
    head = {"Authorization": f"Bearer {api.key('write')}"}
    client = api.client.application.test_client
    body = {"name": "Ann Lee", "sha256": sent["sha256"]}

    def yes(_):
        path = f"/api/v1/proposals/{sent['id']}/accept"
        return client().post(path, json=body, headers=head).status_code

    with ThreadPoolExecutor(6) as people:
        assert sorted(people.map(yes, range(6))) == [201, *[422] * 5]
    assert len(api.read("/projects", customer_id=sent["customer_id"])["data"]) == 1
    api.sound()


def test_a_revised_proposal_is_another_text(api):
    sent = offered(api)
    again = api.make(f"/proposals/{sent['id']}/revise")
    assert (again["status"], again["version"]) == ("draft", 2)
    given = {name: sent[name] for name in ("customer_id", "name", "currency")}
    body = given | {"lines": LINES, "milestones": PLAN, "introduction": "As you asked"}
    changed = ok(api.call("PUT", f"/proposals/{sent['id']}", json=body | {"rev": again["rev"]}))
    assert changed["introduction"] == "As you asked"
    late = api.call("PUT", f"/proposals/{sent['id']}", json=body | {"rev": again["rev"]})
    refused(late, 409, "rev")
    now = api.make(f"/proposals/{sent['id']}/send")
    with api.unchanged():
        refused(accept(api, sent), 409, "sha256")
    kept = api.read(f"/proposals/{sent['id']}/versions")
    assert [one["version"] for one in kept] == [2, 1]
    assert [one["sha256"] for one in kept] == [now["sha256"], sent["sha256"]]
    assert kept[1]["text"] == sent["text"]
    refused(api.get("/proposals/prop_none/versions"), 404)


def test_terms_are_part_of_what_is_accepted(api):
    sent = offered(api, conditions="Called off in a week,\nall goes back.")
    assert sent["text"].endswith("\nTerms:\nCalled off in a week,\nall goes back.\n")
    assert sent["decided_through"] is None
    ok(accept(api, sent))
    kept = api.read(f"/proposals/{sent['id']}")
    assert (kept["text"], kept["decided_through"]["kind"]) == (sent["text"], "api_key")


def test_a_proposal_is_mailed_only_where_it_can_be_answered_and_somebody_reads_it(api):
    draft = drafted(api)
    with api.unchanged():
        refused(api.post(f"/proposals/{draft['id']}/mail"), 409)
    sent = api.make(f"/proposals/{draft['id']}/send")
    with api.unchanged():
        refused(api.post(f"/proposals/{sent['id']}/mail"), 409)
    api.patch(f"/customers/{sent['customer_id']}", {"email": "ann@example.com"})
    mail = api.make(f"/proposals/{sent['id']}/mail")
    assert (mail["kind"], mail["state"], mail["to"]) == ("proposal", "waiting", "ann@example.com")
    refused(api.post("/invoices/inv_none/mail"), 404)


def test_what_is_over_withdrawn_or_declined_is_not_accepted(api):
    over = drafted(api, valid_until="2026-11-01")
    refused(api.post(f"/proposals/{over['id']}/send"), 422, "valid_until")
    gone = offered(api)
    gone = api.make(f"/proposals/{gone['id']}/withdraw", {"reason": "We are full"})
    assert (gone["status"], gone["reason"]) == ("withdrawn", "We are full")
    refused(accept(api, gone), 422)
    no = offered(api)
    no = api.make(f"/proposals/{no['id']}/decline", {"name": "Ann Lee", "reason": "Too dear"})
    assert (no["status"], no["decided_by"]) == ("declined", "Ann Lee")
    refused(accept(api, no), 422)
    refused(api.get("/proposals/prop_none"), 404)
