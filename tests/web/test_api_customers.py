import pytest

from tests.web.api import ok, refused


def test_a_customer_is_made_and_read(api):
    made = api.post("/customers", {"name": " Ann Lee ", "email": "ann@example.com"})
    assert made.status_code == 201
    customer = made.get_json()
    assert customer["name"] == "Ann Lee"
    assert customer["email"] == "ann@example.com"
    assert customer["rail_customers"] == {}
    assert customer["credit"] == {}
    assert api.read(f"/customers/{customer['id']}") == customer
    assert api.read("/customers", limit=1)["data"] == [customer]


def test_a_rails_name_for_a_customer_is_kept_and_found(api):
    customer = api.a_customer(rail_customers={"stripe": "cus_known"})
    assert customer["rail_customers"] == {"stripe": "cus_known"}
    found = api.read("/customers", rail_customer_id="cus_known")["data"]
    assert [one["id"] for one in found] == [customer["id"]]


def test_one_of_a_rails_customers_is_nobody_elses(api):
    api.a_customer(rail_customers={"stripe": "cus_taken"})
    taken = {"name": "Ben", "rail_customers": {"stripe": "cus_taken"}}
    with api.unchanged():
        refused(api.post("/customers", taken), 409, "rail_customers.stripe")


def test_a_change_leaves_the_rest_alone(api):
    customer = api.a_customer(email="ann@example.com", rail_customers={"stripe": "cus_left"})
    changed = ok(api.patch(f"/customers/{customer['id']}", {"name": "Ann Lee-Roy"}))
    assert changed == {**customer, "name": "Ann Lee-Roy", "rev": customer["rev"] + 1}


def test_null_takes_an_address_and_a_rails_name_away(api):
    customer = api.a_customer(email="ann@example.com", rail_customers={"stripe": "cus_away"})
    changes = {"email": None, "rail_customers": {"stripe": None}}
    changed = ok(api.patch(f"/customers/{customer['id']}", changes))
    assert changed["email"] is None
    assert changed["rail_customers"] == {}


def test_a_change_of_an_old_version_is_refused(api):
    customer = api.a_customer()
    ok(api.patch(f"/customers/{customer['id']}", {"name": "First", "rev": customer["rev"]}))
    late = api.patch(f"/customers/{customer['id']}", {"name": "Second", "rev": customer["rev"]})
    refused(late, 409, "rev")
    assert api.read(f"/customers/{customer['id']}")["name"] == "First"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": 5}, "name"),
        ({"name": "Ann", "email": "nowhere"}, "email"),
        ({"name": "Ann", "role": "admin"}, "role"),
        ({"name": "Ann", "id": "cust_mine"}, "id"),
        ({"name": "Ann", "rail_customers": {"stripe": ""}}, "rail_customers.stripe"),
    ],
)
def test_bad_input_names_the_field_and_adds_nobody(api, body, field):
    with api.unchanged():
        refused(api.post("/customers", body), 422, field)


def test_there_is_no_such_customer(api):
    refused(api.get("/customers/cust_none"), 404)
    refused(api.patch("/customers/cust_none", {"name": "Ann"}), 404)


@pytest.mark.parametrize("scope", ["read", "refund"])
def test_only_who_may_write_adds_and_changes(api, scope):
    customer = api.a_customer()
    with api.unchanged():
        refused(api.post("/customers", {"name": "Ben"}, by=scope), 403)
        refused(api.patch(f"/customers/{customer['id']}", {"name": "Ben"}, by=scope), 403)


def test_money_nobody_claims_shows_as_credit(api):
    customer = api.a_customer()
    invoice = api.an_invoice(10_000, customer_id=customer["id"])
    api.in_cash(invoice["id"], 12_500, allow_overpayment=True)
    assert api.read(f"/customers/{customer['id']}")["credit"] == {"USD": 2_500}
    api.sound()


def test_a_rails_name_told_later_finds_the_money_that_waits(api):
    customer = api.a_customer()
    invoice = api.an_invoice(7_700, customer_id=customer["id"])
    payment = api.paid(7_700, customer=api.office.world.create_customer(name="Ann"))
    assert payment["unapplied"] == 7_700
    stripes = payment["payer"]["customer"]
    ok(api.patch(f"/customers/{customer['id']}", {"rail_customers": {"stripe": stripes}}))
    api.office.drain()
    assert api.read(f"/invoices/{invoice['id']}")["status"] == "paid"
    api.sound()
