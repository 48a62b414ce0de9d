from datetime import timedelta

import pytest

from reconciler.services import people
from tests.web.api import ok, refused

MUST_HAVE = {"id", "kind", "state", "subject", "amount", "currency", "suggestions", "actions"}


def question_about(api, payment, state="open"):
    [item] = api.read("/review-items", payment_id=payment["id"], state=state)["data"]
    return item


def test_money_that_nobody_claims_is_asked_about_with_suggestions(api):
    invoice = api.an_invoice(4_444)
    item = question_about(api, api.paid(4_444))
    assert item.keys() >= MUST_HAVE
    assert (item["kind"], item["state"], item["amount"]) == ("unmatched_payment", "open", 4_444)
    assert item["actions"] == ["match", "refund", "acknowledge"]
    best = item["suggestions"][0]
    assert best["target"] == {"kind": "invoice", "id": invoice["id"], "number": invoice["number"]}
    assert best["amount"] == 4_444
    assert best["confidence"] in ("strong", "possible", "weak")
    assert "Amount equals what is open" in best["reasons"]
    assert api.read(f"/review-items/{item['id']}") == item


def test_a_suggestion_can_be_taken_as_it_is(api):
    invoice = api.an_invoice(4_555)
    payment = api.paid(4_555)
    item = question_about(api, payment)
    path = f"/review-items/{item['id']}/resolve"
    allocations = [
        {name: value for name, value in part.items() if name != "number" and value is not None}
        for part in item["suggestions"][0]["allocations"]
    ]
    resolved = api.make(
        path, {"action": "match", "allocations": allocations, "note": "Ann said so"}
    )
    assert (resolved["state"], resolved["resolution"]) == ("resolved", "match: Ann said so")
    assert (resolved["actions"], resolved["suggestions"]) == ([], [])
    assert api.read(f"/invoices/{invoice['id']}")["status"] == "paid"
    with api.unchanged():
        refused(api.post(path, {"action": "match", "invoice_id": invoice["id"]}), 409)
    api.sound()


def test_invoices_that_add_up_are_suggested_together(api):
    customer = api.a_customer(rail_customers={"stripe": "cus_sum"})
    of = {"customer_id": customer["id"]}
    wanted = {api.an_invoice(total, **of)["id"] for total in (1_111, 2_222)}
    api.an_invoice(9_999, **of)
    rail_customer = api.office.world.create_customer(name="Sum")
    payment = api.paid(3_333, customer=rail_customer)
    patched = api.patch(
        f"/customers/{customer['id']}", {"rail_customers": {"stripe": rail_customer}}
    )
    assert patched.status_code == 200
    api.office.drain()
    item = question_about(api, payment)
    together = [s for s in item["suggestions"] if s["target"]["kind"] == "invoices"]
    assert {p["invoice_id"] for p in together[0]["allocations"]} == wanted
    assert together[0]["amount"] == 3_333


def test_a_part_of_the_money_leaves_a_question_about_the_rest(api):
    invoice = api.an_invoice(1_000)
    payment = api.paid(5_000)
    item = question_about(api, payment)
    body = {"action": "match", "invoice_id": invoice["id"], "amount": 1_000}
    api.make(f"/review-items/{item['id']}/resolve", body)
    rest = question_about(api, payment)
    assert rest["id"] != item["id"]
    assert rest["amount"] == 4_000
    assert question_about(api, payment, state="resolved")["id"] == item["id"]


def test_an_excess_can_be_sent_back(api):
    invoice = api.an_invoice(10_000)
    payment = api.paid(12_000, metadata={"invoice": invoice["number"]})
    item = question_about(api, payment)
    assert (item["kind"], item["amount"]) == ("overpayment", 2_000)
    api.make(f"/review-items/{item['id']}/resolve", {"action": "refund"})
    api.settle()
    [refund] = api.read("/refunds", payment_id=payment["id"])["data"]
    assert (refund["amount"], refund["reason"], refund["status"]) == (
        2_000,
        "overpayment",
        "succeeded",
    )
    assert api.read(f"/payments/{payment['id']}")["unapplied"] == 0
    assert api.read(f"/invoices/{invoice['id']}")["status"] == "paid"
    api.sound()


def test_a_refund_by_hand_is_settled_from_its_question(api):
    invoice = api.an_invoice(3_000)
    api.in_cash(invoice["id"])
    refund = api.make("/refunds", {"invoice_id": invoice["id"], "reason": "cancellation"})
    [item] = api.read("/review-items", refund_id=refund["id"])["data"]
    assert (item["kind"], item["actions"][0]) == ("manual_refund", "paid_back")
    path = f"/review-items/{item['id']}/resolve"
    with api.unchanged():
        refused(api.post(path, {"action": "paid_back"}), 422, "reference")
    api.make(path, {"action": "paid_back", "reference": "Till"})
    assert api.read(f"/refunds/{refund['id']}")["status"] == "succeeded"
    assert api.read(f"/review-items/{item['id']}")["state"] == "resolved"
    api.sound()


def test_seeing_it_is_enough_where_nothing_has_to_be_done(api):
    item = question_about(api, api.paid(777))
    path = f"/review-items/{item['id']}/resolve"
    done = api.make(path, {"action": "acknowledge", "note": "Asked the client"})
    assert done["resolution"] == "acknowledge: Asked the client"
    assert done["resolved_by"].startswith("api_key/")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "action"),
        ({"action": "forget"}, 422, "action"),
        ({"action": "retry"}, 422, "action"),
        ({"action": "match"}, 422, "allocations"),
        ({"action": "match", "invoice_id": "inv_none"}, 422, "invoice_id"),
        ({"action": "match", "allocations": [{"amount": 5}]}, 422, "allocations.0"),
        ({"action": "refund", "amount": 778}, 422, "amount"),
        ({"action": "refund", "reason": "whim"}, 422, "reason"),
        ({"action": "acknowledge", "rev": 99}, 409, None),
        ({"action": "acknowledge", "state": "resolved"}, 422, "state"),
    ],
)
def test_an_answer_that_does_not_fit_leaves_the_question_open(api, body, status, field):
    item = question_about(api, api.paid(777))
    with api.unchanged():
        refused(api.post(f"/review-items/{item['id']}/resolve", body), status, field)


def test_there_is_no_such_question(api):
    with api.unchanged():
        refused(api.get("/review-items/rev_none"), 404)
        refused(api.post("/review-items/rev_none/resolve", {"action": "acknowledge"}), 404)


@pytest.mark.parametrize("scope", ["read", "refund"])
def test_only_who_may_write_answers(api, scope):
    item = question_about(api, api.paid(778))
    with api.unchanged():
        path = f"/review-items/{item['id']}/resolve"
        refused(api.post(path, {"action": "acknowledge"}, by=scope), 403)


def test_who_may_not_refund_does_not_refund_by_answering(api):
    item = question_about(api, api.paid(779))
    with api.unchanged():
        path = f"/review-items/{item['id']}/resolve"
        refused(api.post(path, {"action": "refund"}, by="write"), 403)


# Refunds made outside


def refunded_outside(api):
    invoice = api.an_invoice(10_000)
    payment = api.paid(10_000, metadata={"invoice": invoice["number"]})
    api.office.world.refund(payment["rail_payment_id"], 4_000)
    api.settle()
    return invoice, question_about(api, payment)


def test_whether_a_refund_made_outside_is_still_owed_is_previewed_decided_and_taken_back(api):
    invoice, item = refunded_outside(api)
    assert item["actions"] == ["credit", "reopen", "split", "acknowledge"]
    [part] = item["took_from"]
    assert (part["invoice_id"], part["amount"]) == (invoice["id"], 4_000)
    path = f"/review-items/{item['id']}"
    with api.unchanged():
        seen = ok(api.post(f"{path}/preview", {"action": "reopen"}))
        refused(api.post(f"{path}/undo", {}), 409)
    assert {(e["name"], e["measure"], e["before"], e["after"]) for e in seen} == {
        (invoice["number"], "outstanding", 0, 4_000),
        (invoice["number"], "credited", 4_000, 0),
    }
    api.make(f"{path}/resolve", {"action": "reopen"})
    assert api.read(f"/invoices/{invoice['id']}")["outstanding"] == 4_000
    undone = ok(api.post(f"{path}/undo", {}))
    assert undone["state"] == "resolved"
    assert api.read(f"/invoices/{invoice['id']}")["outstanding"] == 0
    api.sound()


def test_another_split_says_the_field_that_does_not_fit(api):
    invoice, item = refunded_outside(api)
    path = f"/review-items/{item['id']}/resolve"
    part = {"invoice_id": invoice["id"], "amount": 3_000}
    with api.unchanged():
        for body, field in (
            ({"treatment": "reopen"}, "allocations"),
            ({"allocations": [part], "treatment": "reopen"}, "allocations"),
            ({"allocations": [part | {"amount": 4_000}]}, "treatment"),
        ):
            refused(api.post(path, {"action": "split", **body}), 422, field)
    good = {"allocations": [part | {"amount": 4_000}], "treatment": "reopen"}
    api.make(path, {"action": "split", **good})
    assert api.read(f"/invoices/{invoice['id']}")["outstanding"] == 4_000
    api.sound()


def test_a_question_is_given_to_somebody_put_off_and_found_by_both(api):
    who = api.office.do(
        lambda work: people.create_user(
            work, email="rae@example.com", password="seven tall herons", role="reconciler"
        )
    )
    item = question_about(api, api.paid(4_321))
    path = f"/review-items/{item['id']}"
    assert api.make(f"{path}/assign", {"assigned_to": "rae@example.com"})["assigned_to"] == who
    assert api.read("/notes", subject=item["payment_id"])["data"] == [], "nobody said why"
    later = api.office.clock().date() + timedelta(days=5)
    why = {"until": later.isoformat(), "reason": "Their bank is asked"}
    put_off = api.make(f"{path}/snooze", why)
    [note] = api.read("/notes", subject=item["payment_id"])["data"]
    assert note["body"] == f"Put off until {later.day} {later:%b %Y}: Their bank is asked"
    assert put_off["snoozed_until"] == later.isoformat()
    for query, is_there in (
        ({"assigned_to": who}, True),
        ({"assigned_to": who, "snoozed": True}, True),
        ({"assigned_to": who, "snoozed": False}, False),
        ({"assigned_to": who, "opened_before": "2020-01-01"}, False),
    ):
        found = [one["id"] for one in api.read("/review-items", **query)["data"]]
        assert (item["id"] in found) is is_there, query
    assert api.make(f"{path}/snooze", {"until": None})["snoozed_until"] is None
    refused(api.post(f"{path}/assign", {"assigned_to": "nobody@example.com"}), 422)
    refused(api.post(f"{path}/snooze", {"until": "1999-01-01"}), 422)


def test_notes_are_written_on_what_there_is(api):
    customer = api.a_customer()["id"]
    api.make("/notes", {"subject": customer, "body": "Pays late"})
    [note] = api.read("/notes", subject=customer)["data"]
    assert (note["subject"], note["body"], note["by"]["kind"]) == (customer, "Pays late", "api_key")
    refused(api.post("/notes", {"subject": "cust_none", "body": "x"}), 404)
    refused(api.post("/notes", {"subject": customer, "body": " "}), 422)
