from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.web.api import ok, refused

MUST_HAVE = {
    "id",
    "rail",
    "rail_payment_id",
    "customer_id",
    "currency",
    "authorized",
    "captured",
    "refunded",
    "disputed",
    "fee",
    "allocated",
    "unapplied",
    "status",
    "match",
    "allocations",
    "refunds",
    "timeline",
}


def test_a_payment_shows_where_its_money_is_and_what_happened(api):
    invoice = api.an_invoice(10_000)
    payment = api.paid(10_000, metadata={"invoice": invoice["number"]})
    assert payment.keys() >= MUST_HAVE
    assert payment == api.read(f"/payments/{payment['id']}")
    assert (payment["currency"], payment["captured"], payment["fee"]) == ("USD", 10_000, 320)
    assert (payment["allocated"], payment["unapplied"]) == (10_000, 0)
    assert (payment["status"], payment["customer_id"]) == ("captured", invoice["customer_id"])
    assert payment["match"]["strategy"] == "metadata"
    assert payment["match"]["confidence"] == "certain"
    assert payment["match"]["reasons"]
    [part] = payment["allocations"]
    assert (part["invoice_id"], part["number"]) == (invoice["id"], invoice["number"])
    told = [line["kind"] for line in payment["timeline"]]
    assert {"event", "decision", "entry"} <= set(told)
    assert [h["at"] for h in payment["timeline"]] == sorted(h["at"] for h in payment["timeline"])
    api.sound()


def test_a_payment_is_found_by_any_of_the_rails_ids(api):
    made = api.office.world.pay(3_300, "usd")
    api.settle()
    for name in (made.intent, made.charge):
        [found] = api.read("/payments", rail_payment_id=name)["data"]
        assert found["rail_payment_id"] == made.intent
    assert api.read("/payments", rail_payment_id="ch_none")["data"] == []


@pytest.mark.thorough
def test_filters_find_the_held_and_the_unapplied(api):
    held = api.paid(3_400, description="no idea")
    invoice = api.an_invoice(1_000)
    matched = api.paid(1_000, metadata={"invoice": invoice["number"]})
    by_flag = {p["id"] for p in api.read("/payments", is_held="true", limit=200)["data"]}
    assert held["id"] in by_flag
    assert matched["id"] not in by_flag
    unapplied = {p["id"] for p in api.read("/payments", has_unapplied="true", limit=200)["data"]}
    assert held["id"] in unapplied
    assert matched["id"] not in unapplied
    [mine] = api.read("/payments", invoice_id=invoice["id"])["data"]
    assert mine["id"] == matched["id"]
    assert api.read("/payments", since="2027-06-01")["data"] == []


def test_what_went_back_whole_is_held_no_more_until_it_comes_back(api):
    made = api.office.world.pay(3_500, "usd", description="who knows")
    api.settle()

    def is_held() -> bool:
        [row] = api.read("/payments", rail_payment_id=made.intent)["data"]
        listed = api.read("/payments", rail_payment_id=made.intent, is_held="true")["data"]
        assert [row["id"]] * row["is_held"] == [one["id"] for one in listed]
        others = api.read("/payments", rail_payment_id=made.intent, is_held="false")["data"]
        assert len(others) == 1 - row["is_held"]
        return row["is_held"]

    api.office.world.refund(made.charge, 1_000)
    api.settle()
    assert is_held(), "the rest waits"
    last = api.office.world.refund(made.charge, 2_500)
    api.settle()
    assert not is_held()
    api.office.world.advance_refund(last, "failed")
    api.settle()
    assert is_held()
    api.sound()


def test_a_person_splits_a_payment_over_invoices(api):
    first, second = api.an_invoice(3_000), api.an_invoice(9_000)
    payment = api.paid(10_000)
    path = f"/payments/{payment['id']}/allocations"
    parts = [{"invoice_id": first["id"]}, {"invoice_id": second["id"], "amount": 6_500}]
    split = api.make(path, {"allocations": parts})
    assert {p["amount"] for p in split["allocations"]} == {3_000, 6_500}
    assert (split["allocated"], split["unapplied"]) == (9_500, 500)
    assert split["match"]["strategy"] == "person"
    assert api.read(f"/invoices/{first['id']}")["status"] == "paid"
    assert api.read(f"/invoices/{second['id']}")["status"] == "partially_paid"
    api.sound()


def test_taking_an_allocation_back_reverses_it(api):
    invoice = api.an_invoice(3_000)
    payment = api.paid(3_000, metadata={"invoice": invoice["number"]})
    path = f"/payments/{payment['id']}/allocations/{payment['allocations'][0]['id']}"
    back = ok(api.delete(path))
    assert (back["allocated"], back["unapplied"], back["allocations"]) == (0, 3_000, [])
    assert api.read(f"/invoices/{invoice['id']}")["outstanding"] == 3_000
    with api.unchanged():
        refused(api.delete(path), 404)
    api.office.replay()
    assert api.read(f"/payments/{payment['id']}")["unapplied"] == 3_000
    api.sound()


@pytest.mark.sampled(3)
@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ([], "allocations"),
        ([{}], "allocations.0"),
        ([{"amount": 5}], "allocations.0"),
        ([{"invoice_id": "a", "deposit_id": "b"}], "allocations.0"),
        ([{"invoice_id": "inv_none"}], "invoice_id"),
        ([{"deposit_id": "dep_none"}], "deposit_id"),
        ([{"invoice_id": "OPEN", "amount": 0}], "allocations.0.amount"),
        ([{"invoice_id": "OPEN", "amount": 10.0}], "allocations.0.amount"),
        ([{"invoice_id": "OPEN", "amount": 8_001}], "amount"),
        ([{"invoice_id": "OPEN", "amount": 5_001}], "amount"),
        ([{"invoice_id": "OPEN"}, {"invoice_id": "OPEN"}], "allocations"),
        ([{"invoice_id": "DRAFT"}], "invoice_id"),
        ([{"invoice_id": "EURO"}], "currency"),
    ],
)
def test_what_does_not_fit_is_refused_whole(api, parts, field):
    named = {
        "OPEN": api.an_invoice(8_000)["id"],
        "DRAFT": api.an_invoice(send=False)["id"],
        "EURO": api.an_invoice(currency="EUR")["id"],
    }
    payment = api.paid(5_000)
    said = [{k: named.get(v, v) if k == "invoice_id" else v for k, v in p.items()} for p in parts]
    with api.unchanged():
        answer = api.post(f"/payments/{payment['id']}/allocations", {"allocations": said})
        refused(answer, 422, field)


def test_of_many_who_allocate_the_same_money_one_has_it(api):
    payment = api.paid(10_000)
    invoices = [api.an_invoice(10_000)["id"] for _ in range(5)]
    path = f"/payments/{payment['id']}/allocations"
    api.key("admin")
    with ThreadPoolExecutor(5) as crowd:
        answers = list(
            crowd.map(
                lambda i: (
                    api.post(
                        path, {"allocations": [{"invoice_id": i, "amount": 10_000}]}
                    ).status_code
                ),
                invoices,
            )
        )
    assert sorted(answers) == [201, 422, 422, 422, 422]
    api.sound()


def test_there_is_no_such_payment(api):
    part = {"allocations": [{"invoice_id": "inv_none"}]}
    with api.unchanged():
        refused(api.get("/payments/pay_none"), 404)
        refused(api.post("/payments/pay_none/allocations", part), 404)
        refused(api.delete("/payments/pay_none/allocations/alo_none"), 404)


@pytest.mark.parametrize("scope", ["read", "refund"])
def test_only_who_may_write_moves_money(api, scope):
    invoice = api.an_invoice(1_000)
    payment = api.paid(1_000, metadata={"invoice": invoice["number"]})
    path = f"/payments/{payment['id']}/allocations"
    with api.unchanged():
        refused(api.post(path, {"allocations": [{"invoice_id": "x"}]}, by=scope), 403)
        refused(api.delete(f"{path}/{payment['allocations'][0]['id']}", by=scope), 403)


def test_a_remainder_let_go_is_no_refund(api):
    invoice = api.an_invoice(10_000)
    made = api.office.world.authorize(10_000, "usd", metadata={"invoice": invoice["number"]})
    api.office.world.capture(made.intent, 6_000, legacy=True)
    api.settle()
    [payment] = api.read("/payments", invoice_id=invoice["id"])["data"]
    assert (payment["authorized"], payment["captured"]) == (10_000, 6_000)
    assert (payment["refunded"], payment["refunds"]) == (0, [])
    assert payment["status"] == "partially_captured"
    assert api.read(f"/invoices/{invoice['id']}")["outstanding"] == 4_000
    api.sound()


@pytest.mark.thorough
def test_a_refund_seen_on_the_rail_shows_on_the_payment(api):
    invoice = api.an_invoice(10_000)
    made = api.office.world.pay(10_000, "usd", metadata={"invoice": invoice["number"]})
    api.settle()
    api.office.world.refund(made.charge, 4_000)
    api.settle()
    [payment] = api.read("/payments", invoice_id=invoice["id"])["data"]
    assert (payment["refunded"], payment["status"]) == (4_000, "partially_refunded")
    [refund] = payment["refunds"]
    assert (refund["amount"], refund["status"], refund["refund_id"]) == (4_000, "succeeded", None)
    api.sound()
