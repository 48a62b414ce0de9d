"""Pages to pay on through the API: once a key, within the policy, listed and revoked."""

import pytest
import requests

from tests.web.api import refused


def open_at_the_rail(api) -> list[int]:
    sessions = api.office.world.table("checkout.session").values()
    return [one["amount_total"] for one in sessions if one["status"] == "open"]


def test_a_link_for_what_is_left_closes_its_invoice_once_it_is_paid(empty_api):
    api = empty_api
    invoice = api.an_invoice(12_000)
    made = api.make(f"/invoices/{invoice['id']}/pay-links")
    assert (made["amount"], made["currency"], made["state"]) == (12_000, "USD", "open")
    assert (made["number"], made["invoice_id"]) == (invoice["number"], invoice["id"])
    requests.post(made["url"], data={"method": "card"}, timeout=5, allow_redirects=False)
    api.settle()
    assert api.read(f"/invoices/{invoice['id']}")["status"] == "paid"
    ended = api.read(f"/pay-links/{made['id']}")
    assert (ended["state"], ended["url"]) == ("closed", None)
    refused(api.post(f"/invoices/{invoice['id']}/pay-links"), 409)
    api.sound()


def test_the_same_key_is_the_same_link_and_another_body_is_refused(empty_api):
    api = empty_api
    path = f"/invoices/{api.an_invoice(12_000)['id']}/pay-links"
    first = api.post(path, {"amount": 5_000}, key="k-1")
    again = api.post(path, {"amount": 5_000}, key="k-1")
    assert (again.status_code, again.get_data()) == (201, first.get_data())
    assert again.headers["Idempotent-Replayed"] == "true"
    refused(api.post(path, {"amount": 6_000}, key="k-1"), 422, "Idempotency-Key")
    assert open_at_the_rail(api) == [5_000]
    too_much = api.post(path, {"amount": 12_001}, key="k-2")
    refused(too_much, 422, "amount")
    assert api.post(path, {"amount": 12_001}, key="k-2").get_data() == too_much.get_data()


def test_a_deposit_has_links_too_and_they_are_listed_and_revoked(empty_api):
    api = empty_api
    deposit = api.a_deposit(6_000)
    made = api.make(f"/deposits/{deposit['id']}/pay-links", {"amount": 2_000})
    assert made["deposit_id"] == deposit["id"]
    assert api.read("/pay-links", deposit_id=deposit["id"])["data"] == [made]
    assert api.read("/pay-links", state="closed")["data"] == []
    gone = api.make(f"/pay-links/{made['id']}/revoke")
    assert (gone["state"], gone["why"], gone["url"]) == ("closed", "somebody revoked it", None)
    assert open_at_the_rail(api) == []
    refused(api.post(f"/pay-links/{made['id']}/revoke"), 409)
    refused(api.post(f"/deposits/{deposit['id']}/pay-links", by="read"), 403)
    refused(api.post("/deposits/dep_none/pay-links"), 404)


# What the customer may do, what the invoice says, how much is asked for: what comes of it.
PARTS = [
    ("any", None, 1, 201),
    ("full", None, 9_999, 422),
    ("full", None, None, 201),
    ("full", "any", 1, 201),
    ("any", "at_least:25%", 2_499, 422),
    ("any", "at_least:25%", 2_500, 201),
    ("at_least:5000:USD", None, 4_999, 422),
    ("at_least:5000:USD", None, 5_000, 201),
]


@pytest.mark.parametrize(("customers", "invoices", "asked", "status"), PARTS)
def test_a_link_keeps_to_what_part_may_be_paid(api, customers, invoices, asked, status):
    api.office.line.app = api._world
    who = api.a_customer(part_payments=customers)["id"]
    made = api.an_invoice(10_000, customer_id=who, part_payments=invoices)
    body = {"amount": asked} if asked else {}
    answer = api.post(f"/invoices/{made['id']}/pay-links", body)
    assert answer.status_code == status
    if status == 422:
        refused(answer, 422, "amount")


def test_money_that_comes_anyway_is_taken_whatever_the_policy(empty_api):
    api = empty_api
    who = api.a_customer(part_payments="full")["id"]
    made = api.an_invoice(10_000, customer_id=who)
    api.in_cash(made["id"], 1_000)
    api.paid(2_000, metadata={"invoice": made["number"]})
    assert api.read(f"/invoices/{made['id']}")["paid"] == 3_000
    assert api.make(f"/invoices/{made['id']}/pay-links")["amount"] == 7_000


def test_what_may_be_paid_of_a_sent_invoice_is_changed_and_ends_the_page_before(empty_api):
    api = empty_api
    made = api.an_invoice(10_000)
    path = f"/invoices/{made['id']}"
    api.make(f"{path}/pay-links", {"amount": 1_000})
    changed = api.make(f"{path}/part-payments", {"part_payments": "at_least:50%"})
    assert changed["part_payments"] == "at_least:50%"
    api.settle()
    assert open_at_the_rail(api) == []
    refused(api.post(f"{path}/pay-links", {"amount": 1_000}), 422, "amount")
    refused(api.post(f"{path}/part-payments", {"part_payments": "some"}), 422, "part_payments")
    stale = api.post(f"{path}/part-payments", {"part_payments": None, "rev": made["rev"]})
    refused(stale, 409, "rev")
    back = api.make(f"{path}/part-payments", {"part_payments": None})
    assert back["part_payments"] is None


def test_none_is_made_while_the_invoice_is_on_hold(empty_api):
    api = empty_api
    made = api.an_invoice(10_000)
    api.paid(4_000, metadata={"invoice": made["number"]})
    api.office.world.dispute(next(reversed(api.office.world.table("charge"))))
    api.settle()
    assert api.read(f"/invoices/{made['id']}")["on_hold"] is True
    answer = api.post(f"/invoices/{made['id']}/pay-links", {"amount": 1_000})
    why = refused(answer, 409, "invoice_id")
    assert f"{made['number']} is on hold: a dispute over {made['number']} is open" in why
    assert api.read("/pay-links")["data"] == []
