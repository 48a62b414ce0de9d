"""Projects, milestones and change orders over the API."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.web.api import ok, refused

OF_A_PROJECT = {
    "id", "customer_id", "name", "currency", "original_price", "approved_price", "invoiced",
    "paid", "outstanding", "milestones",
}  # fmt: skip
OF_A_MILESTONE = {
    "id", "project_id", "kind", "name", "description", "amount", "currency", "due_on",
    "invoice_id", "status", "sign_offs",
}  # fmt: skip
PLAN = (("deposit", 30), ("midpoint", 40), ("final", 30))


def statuses(api, project_id: str) -> list[str]:
    return [one["status"] for one in api.read(f"/projects/{project_id}")["milestones"]]


def test_a_project_is_made_with_its_plan_and_read(api):
    project = api.a_project(100_001, plan=PLAN)
    assert project.keys() >= OF_A_PROJECT
    assert (project["original_price"], project["approved_price"]) == (100_001, 100_001)
    assert (project["invoiced"], project["paid"], project["outstanding"]) == (0, 0, 0)
    assert [one["amount"] for one in project["milestones"]] == [30_000, 40_001, 30_000]
    assert [one["name"] for one in project["milestones"]] == [
        "Deposit",
        "Midpoint",
        "Final payment",
    ]
    first = project["milestones"][0]
    assert first.keys() >= OF_A_MILESTONE
    assert (first["project_id"], first["currency"]) == (project["id"], "USD")
    assert (first["status"], first["invoice_id"], first["sign_offs"]) == ("draft", None, [])
    assert api.read(f"/projects/{project['id']}") == project
    assert api.read(f"/milestones/{first['id']}") == first
    assert api.read("/projects", customer_id=project["customer_id"])["data"] == [project]
    assert {one["id"] for one in api.read("/milestones", project_id=project["id"])["data"]} == {
        one["id"] for one in project["milestones"]
    }


def test_a_project_may_begin_with_another_approved_price(api):
    same = api.a_project(100_000, approved_price=100_000)
    assert (same["approved_price"], same["change_orders"]) == (100_000, [])
    project = api.a_project(100_000, plan=PLAN, approved_price=120_000)
    assert (project["original_price"], project["approved_price"]) == (100_000, 120_000)
    assert [one["amount"] for one in project["milestones"]] == [36_000, 48_000, 36_000]
    [order] = project["change_orders"]
    assert (order["price_before"], order["price_after"]) == (100_000, 120_000)
    given = {"customer_id": project["customer_id"], "name": "Bath", "currency": "USD"}
    with api.unchanged():
        body = given | {"original_price": 1_000, "approved_price": 0}
        refused(api.post("/projects", body), 422, "approved_price")
    api.sound()


def test_a_milestone_is_in_its_projects_currency(api):
    project = api.a_project(10_000)
    path = f"/projects/{project['id']}/milestones"
    stage = {"kind": "named", "name": "Mock-ups", "amount": 4_000}
    assert api.make(path, stage | {"currency": "usd"})["currency"] == "USD"
    with api.unchanged():
        refused(api.post(path, stage | {"currency": "EUR"}), 422, "currency")


def test_a_milestone_is_added_by_amount_or_percent_up_to_the_price(api):
    project = api.a_project(10_000)
    path = f"/projects/{project['id']}/milestones"
    named = {"kind": "named", "name": "Mock-ups", "description": "Three screens"}
    made = api.make(path, named | {"amount": 4_000, "due_on": "2026-12-01"})
    assert (made["name"], made["amount"], made["due_on"]) == ("Mock-ups", 4_000, "2026-12-01")
    assert api.make(path, {"kind": "final", "percent": "60"})["amount"] == 6_000
    with api.unchanged():
        refused(api.post(path, {"kind": "named", "name": "More", "amount": 1}), 422, "amount")
    api.sound()


def test_the_milestones_of_a_project_are_listed_under_it(api):
    project, other = api.a_project(plan=PLAN), api.a_project(plan=PLAN)
    path = f"/projects/{project['id']}/milestones"
    whole = api.read(path)["data"]
    assert sorted(one["id"] for one in whole) == sorted(one["id"] for one in project["milestones"])
    first = api.read(path, limit=2)
    rest = api.read(path, limit=2, cursor=first["next_cursor"])
    assert first["data"] + rest["data"] == whole
    assert other["milestones"][0] not in whole
    refused(api.get("/projects/prj_none/milestones"), 404)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "kind"),
        ({"kind": "whenever", "amount": 1}, "kind"),
        ({"kind": "final"}, "amount"),
        ({"kind": "final", "amount": 1, "percent": 1}, "amount"),
        ({"kind": "final", "amount": 0}, "amount"),
        ({"kind": "final", "percent": "many"}, "percent"),
        ({"kind": "named", "amount": 1}, "name"),
        ({"kind": "named", "name": "a\x07b", "amount": 1}, "name"),
        ({"kind": "final", "amount": 1, "due_on": "soon"}, "due_on"),
    ],
)
def test_a_milestone_that_is_none_names_its_field(api, body, field):
    project = api.a_project()
    with api.unchanged():
        refused(api.post(f"/projects/{project['id']}/milestones", body), 422, field)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"customer_id": "cust_none"}, "customer_id"),
        ({"name": " "}, "name"),
        ({"currency": "dollars"}, "currency"),
        ({"original_price": 0}, "original_price"),
        ({"milestones": [{"kind": "deposit", "percent": 30}]}, "milestones"),
        ({"milestones": [{"kind": "deposit", "amount": 9_999}]}, "milestones"),
    ],
)
def test_a_project_that_is_none_names_its_field(api, change, field):
    body = {"customer_id": api.a_customer()["id"], "name": "Kitchen", "currency": "USD",
            "original_price": 10_000}  # fmt: skip
    with api.unchanged():
        refused(api.post("/projects", body | change), 422, field)


def test_what_is_not_there_is_not_found(api):
    for path in ("/projects/prj_none", "/milestones/mil_none"):
        refused(api.get(path), 404)
    refused(api.post("/projects/prj_none/milestones", {"kind": "final", "amount": 1}), 404)
    refused(api.post("/milestones/mil_none/invoice"), 404)
    refused(api.delete("/milestones/mil_none"), 404)


def test_an_invoice_made_from_a_milestone_carries_all_of_it(api):
    project = api.a_project(100_001, plan=PLAN)
    middle = project["milestones"][1]
    invoice = api.make(f"/milestones/{middle['id']}/invoice", {"due_on": "2026-12-24"})
    assert (invoice["total"], invoice["currency"], invoice["status"]) == (40_001, "USD", "draft")
    assert (invoice["project_id"], invoice["milestone_id"]) == (project["id"], middle["id"])
    assert invoice["customer_id"] == project["customer_id"]
    assert invoice["due_on"] == "2026-12-24"
    assert api.read(f"/milestones/{middle['id']}")["invoice_id"] == invoice["id"]
    with api.unchanged():
        refused(api.post(f"/milestones/{middle['id']}/invoice"), 409, "milestone_id")
        refused(api.delete(f"/milestones/{middle['id']}"), 422)
        refused(api.patch(f"/milestones/{middle['id']}", {"amount": 1}), 422, "amount")
    api.sound()


def test_several_who_bill_a_milestone_at_once_make_one_invoice(api):
    project = api.a_project(plan=PLAN)
    target = project["milestones"][1]["id"]
    key = api.key("write")
    client = api.client.application.test_client

    def bill(_):
        head = {"Authorization": f"Bearer {key}"}
        return client().post(f"/api/v1/milestones/{target}/invoice", json={}, headers=head)

    with ThreadPoolExecutor(6) as people:
        answers = [one.status_code for one in people.map(bill, range(6))]
    assert sorted(answers) == [201, *[409] * 5]
    assert len(api.read("/invoices", project_id=project["id"])["data"]) == 1
    api.sound()


def test_invoices_of_a_project_never_come_to_more_than_was_approved(api):
    project = api.a_project(10_000)
    of = {"customer_id": project["customer_id"], "project_id": project["id"], "currency": "USD"}
    key = api.key("write")
    client = api.client.application.test_client

    def bill(_):
        head = {"Authorization": f"Bearer {key}"}
        return client().post("/api/v1/invoices", json=of | {"total": 3_000}, headers=head)

    with ThreadPoolExecutor(6) as people:
        answers = [one.status_code for one in people.map(bill, range(6))]
    assert sorted(answers) == [201] * 3 + [422] * 3
    api.sound()


def test_an_invoice_names_a_milestone_and_project_that_are_its_customers(api):
    project = api.a_project(plan=PLAN)
    milestone = project["milestones"][1]["id"]
    mine = {"customer_id": project["customer_id"], "currency": "USD", "total": 1_000}
    elsewhere, somebody = api.a_project()["id"], api.a_customer()["id"]
    with api.unchanged():
        refused(api.post("/invoices", mine | {"milestone_id": "mil_none"}), 422, "milestone_id")
        refused(api.post("/invoices", mine | {"project_id": "prj_none"}), 422, "project_id")
        other = mine | {"milestone_id": milestone, "project_id": elsewhere}
        refused(api.post("/invoices", other), 422, "project_id")
        euro = mine | {"milestone_id": milestone, "currency": "EUR"}
        refused(api.post("/invoices", euro), 422, "currency")
        lines = [{"description": "Doors", "quantity": "1", "unit_price": 4_001}]
        many = {name: mine[name] for name in ("customer_id", "currency")} | {"lines": lines}
        refused(api.post("/invoices", many | {"milestone_id": milestone}), 422, "total")
        much = mine | {"milestone_id": milestone, "total": 4_001}
        refused(api.post("/invoices", much), 422, "total")
        theirs = mine | {"milestone_id": milestone, "customer_id": somebody}
        refused(api.post("/invoices", theirs), 422, "customer_id")
    made = api.make("/invoices", mine | {"milestone_id": milestone})
    assert made["project_id"] == project["id"]
    with api.unchanged():
        refused(api.patch(f"/invoices/{made['id']}", {"total": 4_001}), 422, "total")
    api.sound()


def test_a_void_invoice_lets_its_milestone_go(api):
    project = api.a_project(plan=PLAN)
    milestone = project["milestones"][2]["id"]
    first = api.make(f"/milestones/{milestone}/invoice")
    ok(api.post(f"/invoices/{first['id']}/void"))
    assert statuses(api, project["id"]) == ["draft"] * 3
    again = api.make(f"/milestones/{milestone}/invoice")
    assert again["id"] != first["id"]
    assert api.read(f"/milestones/{milestone}")["invoice_id"] == again["id"]
    api.sound()


def test_a_deposit_is_asked_for_once_and_held_until_it_is_used(api):
    project = api.a_project(10_000, plan=PLAN)
    first, middle, _ = (one["id"] for one in project["milestones"])
    deposit = api.make(f"/milestones/{first}/deposit")
    assert (deposit["amount"], deposit["project_id"]) == (3_000, project["id"])
    assert statuses(api, project["id"]) == ["sent", "draft", "draft"]
    with api.unchanged():
        refused(api.post(f"/milestones/{first}/deposit"), 409, "milestone_id")
        refused(api.post(f"/milestones/{middle}/deposit"), 422)
    by_hand = {"source": "cash", "received_on": "2026-11-20"}
    api.make(f"/deposits/{deposit['id']}/receipts", by_hand | {"amount": 1_000})
    assert statuses(api, project["id"])[0] == "partially_paid"
    api.make(f"/deposits/{deposit['id']}/receipts", by_hand | {"amount": 2_000})
    assert statuses(api, project["id"])[0] == "paid"
    now = api.read(f"/projects/{project['id']}")
    assert (now["held"], now["invoiced"], now["paid"]) == (3_000, 0, 0)
    api.sound()


def test_a_change_order_moves_the_approved_price_and_brings_its_milestones(api):
    project = api.a_project(100_000, plan=PLAN)
    path = f"/projects/{project['id']}/change-orders"
    more = [{"kind": "named", "name": "Two doors", "percent": 50},
            {"kind": "named", "name": "One window", "percent": 50}]  # fmt: skip
    said = {"approved_price": 120_001, "reason": "Two more doors, one window",
            "approved_by": "Ann Lee", "approved_on": "2026-11-20", "milestones": more}  # fmt: skip
    changed = api.make(path, said)
    assert (changed["original_price"], changed["approved_price"]) == (100_000, 120_001)
    assert [one["amount"] for one in changed["milestones"]][3:] == [10_000, 10_001]
    order = changed["change_orders"][0]
    assert (order["number"], order["price_before"], order["price_after"]) == (1, 100_000, 120_001)
    assert (order["reason"], order["approved_by"]) == (said["reason"], "Ann Lee")
    assert {one["change_order_id"] for one in changed["milestones"][3:]} == {order["id"]}
    with api.unchanged():
        refused(api.post(path, {"approved_price": 90_000, "reason": "Less"}), 422, "approved_price")
        refused(api.post(path, {"approved_price": 120_001, "reason": "?"}), 422, "approved_price")
        refused(api.post(path, {"approved_price": 130_000}), 422, "reason")
        late = {"approved_price": 130_000, "reason": "More", "rev": project["rev"]}
        refused(api.post(path, late), 409, "rev")
        refused(api.patch(f"/projects/{project['id']}", {"original_price": 5}), 422)
    dropped = changed["milestones"][4]["id"]
    ok(api.delete(f"/milestones/{dropped}"))
    refused(api.get(f"/milestones/{dropped}"), 404)
    less = api.make(path, {"approved_price": 110_000, "reason": "No window"})
    assert less["approved_price"] == less["planned"] == 110_000
    api.sound()


def test_a_project_is_changed_while_nothing_rests_on_it(api):
    project = api.a_project(10_000, plan=PLAN)
    path = f"/projects/{project['id']}"
    changed = ok(api.patch(path, {"name": "Bath", "currency": "EUR", "rev": project["rev"]}))
    assert (changed["name"], changed["currency"]) == ("Bath", "EUR")
    assert {one["currency"] for one in changed["milestones"]} == {"EUR"}
    refused(api.patch(path, {"name": "Old", "rev": project["rev"]}), 409, "rev")
    with api.unchanged():
        refused(api.patch(path, {"original_price": 9_999}), 422, "original_price")
        way = refused(api.patch(path, {"approved_price": 12_000}), 422, "approved_price")
        assert "change-orders" in way
    api.make(f"/milestones/{project['milestones'][0]['id']}/deposit")
    somebody = api.a_customer()["id"]
    with api.unchanged():
        refused(api.patch(path, {"customer_id": somebody}), 422, "customer_id")
    assert ok(api.patch(path, {"name": "Attic"}))["name"] == "Attic"
    api.sound()


def test_a_milestone_is_changed_until_a_document_asks_for_it(api):
    project = api.a_project(10_000, plan=PLAN)
    last = project["milestones"][2]
    path = f"/milestones/{last['id']}"
    changed = ok(api.patch(path, {"amount": 2_000, "name": "Hand-over", "rev": last["rev"]}))
    assert (changed["amount"], changed["name"]) == (2_000, "Hand-over")
    refused(api.patch(path, {"name": "Old", "rev": last["rev"]}), 409, "rev")
    with api.unchanged():
        refused(api.patch(path, {"amount": 3_001}), 422, "amount")
        refused(api.patch(path, {"kind": "later"}), 422, "kind")
        refused(api.patch(path, {"currency": "EUR"}), 422, "currency")
    api.make(f"{path}/invoice")
    assert ok(api.patch(path, {"description": "Keys and papers", "due_on": None}))["due_on"] is None
    api.sound()
