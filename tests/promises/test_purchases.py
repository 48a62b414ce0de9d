"""The same promises on the purchase side: what vendors are paid ahead, and bills that absorb it.

The number in a test's name is the promise's; README says in words what each of them is.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.promises.test_money import booked
from tests.web.api import refused

ON = {"paid_on": "2026-11-20", "reference": "SEPA 118"}


def applied(api, ahead, bill, **amount):
    return api.make(f"/prepayments/{ahead['id']}/applications", {"bill_id": bill["id"], **amount})


def test_38_a_vendors_prepayment_is_an_asset_and_no_expense(api):
    ahead = api.a_prepayment(60_000)
    assert booked(api, prepayment_id=ahead["id"]) == {
        "vendor_prepayments": 60_000, "bank": -60_000,
    }  # fmt: skip


def test_39_and_40_a_prepayment_over_two_bills_and_back(api):
    ahead = api.a_prepayment(60_000)
    path = f"/prepayments/{ahead['id']}/applications"
    seen = [(ahead["status"], ahead["remaining"])]
    for net in (40_000, 15_000, 5_000):
        bill = api.a_bill(net, vendor_id=ahead["vendor_id"])
        now = applied(api, ahead, bill)
        assert api.read(f"/bills/{bill['id']}")["status"] == "paid"
        seen.append((now["status"], now["remaining"]))
    for part in now["applications"]:
        now = api.delete(f"{path}/{part['id']}").get_json()
        seen.append((now["status"], now["remaining"]))
    said = [status for status, _ in seen]
    assert said[:4] == ["unapplied", "partially_applied", "partially_applied", "completed"]
    assert seen[0] == seen[-1] == ("unapplied", 60_000)
    assert seen[2] == ("partially_applied", 5_000)
    assert booked(api, prepayment_id=ahead["id"])["vendor_prepayments"] == 60_000
    assert api.read(f"/bills/{bill['id']}")["status"] == "open"
    api.sound()


def test_41_twenty_at_once_use_a_prepayment_six_times_and_never_a_seventh(api):
    ahead = api.a_prepayment(60_000)
    bills = [api.a_bill(10_000, vendor_id=ahead["vendor_id"])["id"] for _ in range(20)]
    path = f"/prepayments/{ahead['id']}/applications"
    api.key("admin")
    with ThreadPoolExecutor(10) as crowd:
        answers = list(crowd.map(lambda b: api.post(path, {"bill_id": b}).status_code, bills))
    assert sorted(answers) == [201] * 6 + [422] * 14
    assert api.read(f"/prepayments/{ahead['id']}")["remaining"] == 0
    api.sound()


def test_43_a_vendor_gives_the_rest_back_without_a_bill_made_for_it(api):
    ahead = api.a_prepayment(60_000)
    bill = api.a_bill(40_000, vendor_id=ahead["vendor_id"])
    applied(api, ahead, bill)
    path = f"/prepayments/{ahead['id']}/refunds"
    why = refused(api.post(path, {"amount": 25_000, "received_on": "2026-11-21"}), 422, "amount")
    assert "USD 50.00 more than remains" in why
    after = api.make(path, {"received_on": "2026-11-21", "reference": "back"})
    assert (after["refunded"], after["remaining"], after["status"]) == (20_000, 0, "completed")
    assert len(api.read("/bills", vendor_id=ahead["vendor_id"])["data"]) == 1
    assert api.read(f"/bills/{bill['id']}")["paid"] == 40_000
    assert booked(api, prepayment_id=ahead["id"])["bank"] == -40_000
    api.sound()


def test_48_a_bill_paid_down_in_parts_says_the_same_everywhere(api):
    line = {"description": "Oak", "unit_price": 10_000, "tax_rate": "19", "category": "Wood"}
    bill = api.a_bill(lines=[line], due_on="2026-12-01")
    path = f"/bills/{bill['id']}/payments"
    story = [(None, "open", 11_900), (2_000, "partially_paid", 9_900), (None, "paid", 0)]
    for amount, status, left in story[1:]:
        if amount:
            why = refused(api.post(path, ON | {"amount": 12_000}), 422, "amount")
            assert "USD 1.00 more than is owed" in why
        now = api.make(path, ON | ({"amount": amount} if amount else {}))
        assert (now["status"], now["outstanding"]) == (status, left)
        stand = api.read(f"/vendors/{bill['vendor_id']}")["balances"]["USD"]
        assert (stand["billed"], stand["outstanding"]) == (11_900, left)
        assert booked(api, bill_id=bill["id"]).get("accounts_payable", 0) == -left
    assert booked(api, bill_id=bill["id"]) == {
        "expenses": 10_000, "input_tax": 1_900, "bank": -11_900,
    }  # fmt: skip
    for part in now["payments"]:
        now = api.delete(f"{path}/{part['id']}").get_json()
    assert (now["status"], now["outstanding"], now["payments"]) == ("open", 11_900, [])
    api.make(f"/bills/{bill['id']}/void")
    assert booked(api, bill_id=bill["id"]) == {}
    api.sound()


@pytest.mark.parametrize(
    ("what", "field"), [({"currency": "EUR"}, "bill_id"), ({"vendor_id": None}, "bill_id")]
)
def test_40_a_prepayment_stays_with_its_vendor_and_currency(api, what, field):
    ahead = api.a_prepayment(5_000)
    bill = api.a_bill(5_000, **{"vendor_id": ahead["vendor_id"], **what})
    path = f"/prepayments/{ahead['id']}/applications"
    refused(api.post(path, {"bill_id": bill["id"]}), 422, field)
    assert api.read(f"/prepayments/{ahead['id']}")["remaining"] == 5_000


def test_40_a_vendors_credit_note_lowers_a_bill_and_the_rest_is_given_back(api):
    bill = api.a_bill(10_000)
    line = {"description": "Bent", "unit_price": 12_000, "category": "materials"}
    body = {
        "vendor_id": bill["vendor_id"], "number": "CN-7", "currency": "USD", "lines": [line],
        "issued_on": "2026-11-20", "bill_id": bill["id"],
    }  # fmt: skip
    assert refused(api.post("/prepayments/credit-notes", body | {"total": 1}), 422, "total")
    made = api.make("/prepayments/credit-notes", body)
    assert (made["kind"], made["code"], made["remaining"]) == ("credit_note", "CN-7", 2_000)
    now = api.read(f"/bills/{bill['id']}")
    assert (now["status"], now["outstanding"]) == ("paid", 0)
    assert now["applications"][0]["kind"] == "credit_note"
    listed = api.read("/prepayments", kind="credit_note")["data"]
    assert [one["id"] for one in listed] == [made["id"]]
    now = api.make(f"/prepayments/{made['id']}/refunds", {"received_on": "2026-11-21"})
    assert (now["status"], now["remaining"]) == ("completed", 0)
    assert booked(api, prepayment_id=made["id"]) == {
        "bank": 2_000, "expenses": -12_000, "accounts_payable": 10_000,
    }  # fmt: skip
    api.sound()
