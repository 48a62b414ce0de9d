"""Mail and reminders for programs."""

import pytest

from tests.web.api import ok, refused


def a_debtor(api, **more):
    owner = api.a_customer("Ann Lee", email="ann@example.com")
    return api.an_invoice(20_000, customer_id=owner["id"], due_on="2026-12-01", **more)


def test_a_reminder_is_previewed_without_a_trace_and_then_sent(api):
    invoice = a_debtor(api)
    path = f"/invoices/{invoice['id']}/reminders"
    with api.unchanged():
        seen = api.make(path, {"action": "preview"})
    assert (seen["verdict"], seen["message_id"], seen["to"]) == ("send", None, "ann@example.com")
    assert "USD 200.00" in seen["text"]
    sent = api.make(path, {"action": "send"})
    message = api.read(f"/messages/{sent['message_id']}")
    assert (message["state"], message["kind"], message["about"]) == (
        "waiting", "reminder", invoice["id"],
    )  # fmt: skip
    listed = api.read("/messages", about=invoice["id"])["data"]
    assert [one["id"] for one in listed] == [sent["message_id"]]


def test_reminders_are_paused_and_go_on(api):
    invoice = a_debtor(api)
    path = f"/invoices/{invoice['id']}/reminders"
    paused = api.make(path, {"action": "pause", "why": "A talk", "until": "2026-12-24"})
    assert (paused["plan"]["is_paused"], paused["plan"]["paused_until"]) == (True, "2026-12-24")
    refused(api.post(path, {"action": "send"}), 422, field="action")
    assert api.make(path, {"action": "preview"})["verdict"] == "wait"
    assert not api.make(path, {"action": "resume"})["plan"]["is_paused"]
    refused(api.post(path, {"action": "resume"}), 409)
    refused(api.post(path, {"action": "pause"}), 422, field="why")


def test_a_deposits_reminder_is_previewed_in_the_houses_words_and_sent(api):
    owner = api.a_customer("Ann Lee", email="ann@example.com")
    made = api.a_deposit(20_000, customer_id=owner["id"], due_on="2026-12-01")
    path = f"/deposits/{made['id']}/reminders"
    with api.unchanged():
        seen = api.make(path, {"action": "preview"})
    usual = f"Deposit {made['code']}: USD 200.00 due on 1 December 2026"
    assert (seen["verdict"], seen["subject"], seen["to"]) == ("send", usual, "ann@example.com")
    assert seen["plan"]["holds"] == [-3, 0, 7, 14]
    text = {"subject": "{number} of {left}", "opening": "we begin once {left} is here"}
    ok(api.call("PUT", "/reminder-texts/deposit_before", json={"text": text}))
    ok(api.call("PUT", "/reminder-texts/before", json={"text": text | {"subject": "No"}}))
    seen = api.make(path, {"action": "preview"})
    assert seen["subject"] == f"{made['code']} of USD 200.00"
    assert "we begin once USD 200.00 is here" in seen["text"]
    assert "Asked for  USD 200.00" in seen["text"]
    sent = api.make(path, {"action": "send"})
    assert api.read(f"/messages/{sent['message_id']}")["about"] == made["id"]
    refused(api.post("/deposits/dep_none/reminders", {"action": "preview"}), 404)
    refused(api.post(path, {"action": "pause"}), 422, field="action")


def test_a_plan_is_of_the_house_a_customer_or_an_invoice(api):
    invoice = a_debtor(api)
    subject = invoice["customer_id"]
    plan = api.read(f"/reminder-plans/{subject}")
    assert (plan["steps"], plan["holds"]) == (None, [-3, 0, 7, 14])
    made = ok(api.call("PUT", f"/reminder-plans/{subject}", json={"steps": [5, 1]}))
    assert made["steps"] == [1, 5]
    assert api.read(f"/reminder-plans/{invoice['id']}")["holds"] == [1, 5]
    stale = {"steps": [1], "rev": 1}
    refused(api.call("PUT", f"/reminder-plans/{subject}", json=stale), 409)


@pytest.mark.parametrize("path", ["/messages/msg_none", "/reminder-plans/cus_none"])
def test_what_is_not_there_is_not_found(api, path):
    refused(api.get(path), 404)


def test_nothing_is_there_to_be_sent_again(api):
    refused(api.post("/messages/msg_none/retry"), 404)
    refused(api.post("/invoices/inv_none/reminders", {"action": "preview"}), 404)
