from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.web.api import ok, refused

MUST_HAVE = {
    "id",
    "code",
    "customer_id",
    "project_id",
    "date",
    "currency",
    "amount",
    "received",
    "applied",
    "refunded",
    "remaining",
    "fees",
    "payment_status",
    "applied_status",
    "received_into",
    "notes",
    "attachments",
    "applications",
}
BY_HAND = {"source": "bank_transfer", "received_on": "2026-11-20"}


def received(api, amount=10_000, **more):
    """A deposit whose money has come, by hand."""
    deposit = api.a_deposit(amount, **more)
    return api.make(f"/deposits/{deposit['id']}/receipts", BY_HAND)


def test_a_deposit_is_expected_and_read(api):
    deposit = api.a_deposit(30_000, date="2026-11-02", notes="30 % of the kitchen")
    assert deposit.keys() >= MUST_HAVE
    assert deposit["date"] == "2026-11-02"
    assert (deposit["payment_status"], deposit["applied_status"]) == ("pending", "unapplied")
    assert api.read(f"/deposits/{deposit['id']}") == deposit
    assert api.read("/deposits", code=deposit["code"].lower())["data"] == [deposit]


def test_codes_are_given_in_order_and_once(empty_api):
    first = empty_api.a_deposit()
    assert (first["code"], first["date"]) == ("DEP-1001", "2026-11-22")
    of = {"customer_id": first["customer_id"], "currency": "USD", "amount": 5}
    assert empty_api.make("/deposits", of)["code"] == "DEP-1002"
    with empty_api.unchanged():
        refused(empty_api.post("/deposits", {**of, "code": "dep-1001"}), 409, "code")


def test_money_by_hand_makes_it_cleared_and_is_a_liability(api):
    deposit = received(api, 30_000)
    assert (deposit["received"], deposit["remaining"]) == (30_000, 30_000)
    assert deposit["payment_status"] == "cleared"
    roles = {
        p["role"]
        for e in api.read("/ledger/entries", deposit_id=deposit["id"])["data"]
        for p in e["postings"]
    }
    assert roles == {"unapplied_cash", "customer_deposits"}
    api.sound()


def test_more_by_hand_than_was_asked_is_refused(api):
    deposit = api.a_deposit(1_000)
    with api.unchanged():
        over = {**BY_HAND, "amount": 1_500}
        said = refused(api.post(f"/deposits/{deposit['id']}/receipts", over), 422, "amount")
        assert "USD 5.00" in said


def test_a_card_payment_for_a_deposit_shows_its_fee(api):
    deposit = api.a_deposit(100_000)
    api.paid(100_000, metadata={"deposit_code": deposit["code"]})
    deposit = api.read(f"/deposits/{deposit['id']}")
    assert (deposit["received"], deposit["fees"]) == (100_000, 2_930)
    api.sound()


def test_a_deposit_is_used_over_two_invoices_and_taken_off_again(api):
    deposit = received(api, 10_000)
    of = {"customer_id": deposit["customer_id"]}
    first, second = api.an_invoice(7_000, **of), api.an_invoice(50_000, **of)
    path = f"/deposits/{deposit['id']}/applications"
    part = api.make(path, {"invoice_id": first["id"]})
    assert (part["applied"], part["remaining"]) == (7_000, 3_000)
    assert part["applied_status"] == "partially_applied"
    whole = api.make(path, {"invoice_id": second["id"], "amount": 3_000})
    assert whole["applied_status"] == "completed"
    assert [use["amount"] for use in whole["applications"]] == [7_000, 3_000]
    paid = api.read(f"/invoices/{first['id']}")
    assert (paid["status"], paid["allocations"][0]["deposit_id"]) == ("paid", deposit["id"])
    back = ok(api.delete(f"{path}/{whole['applications'][0]['id']}"))
    assert (back["applied"], back["remaining"]) == (3_000, 7_000)
    assert api.read(f"/invoices/{first['id']}")["status"] == "sent"
    with api.unchanged():
        refused(api.delete(f"{path}/{whole['applications'][0]['id']}"), 404)
    api.sound()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": 10_001}, "amount"),
        ({"amount": 0}, "amount"),
        ({"amount": 1.5}, "amount"),
        ({"invoice_id": "inv_none"}, "invoice_id"),
        ({"invoice_id": 5}, "invoice_id"),
        ({"deposit_id": "dep_other"}, "deposit_id"),
    ],
)
def test_a_use_that_does_not_fit_changes_nothing(api, change, field):
    deposit = received(api, 10_000)
    invoice = api.an_invoice(20_000, customer_id=deposit["customer_id"])
    body = {"invoice_id": invoice["id"], **change}
    with api.unchanged():
        refused(api.post(f"/deposits/{deposit['id']}/applications", body), 422, field)


def test_a_deposit_is_not_for_another_customers_or_currencys_or_drafted_invoice(api):
    deposit = received(api, 10_000)
    of = {"customer_id": deposit["customer_id"]}
    stranger, euro = api.an_invoice(), api.an_invoice(currency="EUR", **of)
    for invoice in (stranger, euro, api.an_invoice(send=False, **of)):
        body = {"invoice_id": invoice["id"]}
        with api.unchanged():
            refused(api.post(f"/deposits/{deposit['id']}/applications", body), 422, "invoice_id")


def test_of_many_who_use_a_deposit_at_once_none_spends_it_twice(api):
    deposit = received(api, 10_000)
    of = {"customer_id": deposit["customer_id"]}
    invoices = [api.an_invoice(6_000, **of)["id"] for _ in range(6)]
    path = f"/deposits/{deposit['id']}/applications"
    api.key("admin")
    with ThreadPoolExecutor(6) as crowd:
        answers = list(
            crowd.map(
                lambda i: api.post(path, {"invoice_id": i, "amount": 6_000}).status_code, invoices
            )
        )
    assert sorted(answers) == [201, 422, 422, 422, 422, 422]
    assert api.read(f"/deposits/{deposit['id']}")["remaining"] == 4_000
    api.sound()


def test_what_money_came_for_stands_once_it_came(api):
    deposit = api.a_deposit(10_000)
    path = f"/deposits/{deposit['id']}"
    assert ok(api.patch(path, {"amount": 12_000}))["amount"] == 12_000
    api.make(f"{path}/receipts", {**BY_HAND, "amount": 100})
    with api.unchanged():
        refused(api.patch(path, {"amount": 9_000}), 422, "amount")
        refused(api.patch(path, {"notes": "x", "rev": 1}), 409, "rev")
    assert ok(api.patch(path, {"notes": "Second instalment comes"}))["notes"]


def test_a_code_told_late_finds_the_money_that_waits(api):
    payment = api.paid(5_500, metadata={"deposit": "KITCHEN-7"})
    assert payment["unapplied"] == 5_500
    deposit = api.a_deposit(5_500, code="KITCHEN-7")
    api.office.drain()
    assert api.read(f"/deposits/{deposit['id']}")["received"] == 5_500
    api.sound()


def test_a_payment_intent_told_late_finds_the_money_that_waits(api):
    deposit = api.a_deposit(5_600)
    payment = api.paid(5_600)
    path = f"/deposits/{deposit['id']}/rail-references"
    api.make(path, {"object_ids": [payment["rail_payment_id"]]})
    api.office.drain()
    assert api.read(f"/deposits/{deposit['id']}")["received"] == 5_600
    api.sound()


def test_words_around_a_deposit_can_be_taken_away(api):
    project = api.a_project()
    of = {"customer_id": project["customer_id"], "project_id": project["id"]}
    deposit = api.a_deposit(notes="Soon", received_into="Bank 1", **of)
    assert deposit["project_id"] == project["id"]
    changes = {"notes": None, "received_into": None, "project_id": None, "code": "NEW-CODE"}
    changed = ok(api.patch(f"/deposits/{deposit['id']}", changes))
    assert {name: changed[name] for name in changes} == changes


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"notes": "a\x07b"}, "notes"),
        ({"amount": 0}, "amount"),
        ({"amount": "10"}, "amount"),
        ({"currency": "dollars"}, "currency"),
        ({"customer_id": "cust_none"}, "customer_id"),
        ({"date": "soon"}, "date"),
        ({"received": 5}, "received"),
        ({"remaining": 5}, "remaining"),
        ({"code": "a\x07b"}, "code"),
    ],
)
def test_bad_input_names_the_field_and_makes_nothing(api, change, field):
    body = {"customer_id": api.a_customer()["id"], "currency": "USD", "amount": 100, **change}
    with api.unchanged():
        refused(api.post("/deposits", body), 422, field)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/deposits/dep_none", None),
        ("PATCH", "/deposits/dep_none", {"notes": "x"}),
        ("POST", "/deposits/dep_none/applications", {"invoice_id": "inv_none"}),
        ("DELETE", "/deposits/dep_none/applications/app_none", None),
        ("POST", "/deposits/dep_none/receipts", BY_HAND),
        ("POST", "/deposits/dep_none/rail-references", {"object_ids": ["pi_1"]}),
    ],
)
def test_there_is_no_such_deposit(api, method, path, body):
    with api.unchanged():
        refused(api.call(method, path, json=body), 404)


@pytest.mark.parametrize("scope", ["read", "refund"])
def test_only_who_may_write_touches_deposits(api, scope):
    deposit = api.a_deposit()
    path = f"/deposits/{deposit['id']}"
    with api.unchanged():
        refused(api.post("/deposits", {}, by=scope), 403)
        refused(api.patch(path, {"notes": "x"}, by=scope), 403)
        refused(api.post(f"{path}/receipts", BY_HAND, by=scope), 403)
        refused(api.post(f"{path}/applications", {"invoice_id": "x"}, by=scope), 403)
        refused(api.delete(f"{path}/applications/x", by=scope), 403)
