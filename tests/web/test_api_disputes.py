"""/disputes: read, decided, taken back; and the invoice that is on hold meanwhile."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from reconciler.books.disputes import Kind
from reconciler.reads import disputes as reads
from reconciler.web import rail_pages


def _charge(api, invoice, amount=10_000):
    api.paid(amount, metadata={"invoice": invoice["number"]})
    [payment] = api.read("/payments", invoice_id=invoice["id"])["data"]
    world = api.office.world
    return world.get("payment_intent", payment["rail_payment_id"])["latest_charge"]


def _opened(api, **more):
    invoice = api.an_invoice()
    made = api.office.world.dispute(_charge(api, invoice), **more)
    api.settle()
    [dispute] = api.read("/disputes", rail_dispute_id=made)["data"]
    return invoice["id"], made, dispute


def _lost(api):
    invoice_id, made, dispute = _opened(api)
    api.office.world.close_dispute(made, "lost")
    api.settle()
    return invoice_id, made, api.read(f"/disputes/{dispute['id']}")


def test_an_open_dispute_says_what_it_took_and_by_when_to_answer(api):
    invoice_id, made, dispute = _opened(api)
    assert (dispute["kind"], dispute["stage"], dispute["decision"]) == (
        "chargeback",
        "needs_response",
        "undecided",
    )
    assert (dispute["amount"], dispute["taken"], dispute["lost"]) == (10_000, 10_000, 0)
    [movement] = dispute["movements"]
    assert (movement["amount"], movement["fee"]) == (-10_000, 1_500)
    due = api.office.world.get("dispute", made)["evidence_details"]["due_by"]
    left = datetime.fromtimestamp(due, UTC) - api.office.clock()
    assert dispute["evidence_days_left"] == left.days >= 0
    assert dispute["on_hold"] is True
    assert api.read(f"/invoices/{invoice_id}")["on_hold"] is True
    held = api.read("/invoices", on_hold="true", limit=200)["data"]
    assert invoice_id in [one["id"] for one in held]
    assert [line["text"] for line in dispute["history"]] == ["needs response"]
    api.sound()


def test_it_leads_to_the_rails_own_page(api):
    _, made, dispute = _opened(api)
    office = api.office
    with office.runtime.read() as session:
        row = reads.one(session, dispute["id"], now=office.clock())
    live = replace(office.runtime.settings, stripe_api_base=None)
    page = "https://dashboard.stripe.com"
    assert rail_pages.of_dispute(row, live) == f"{page}/test/disputes/{made}"
    assert rail_pages.of_dispute(replace(row, livemode=True), live) == f"{page}/disputes/{made}"
    returned = replace(row, kind=Kind.RETURN)
    assert rail_pages.of_dispute(returned, live) == f"{page}/test/payments/{row.rail_payment_id}"
    assert rail_pages.of_dispute(replace(row, rail="manual"), live) is None


@pytest.mark.thorough
def test_an_inquiry_takes_nothing_and_holds_the_invoice(api):
    invoice_id, made, dispute = _opened(api, inquiry=True)
    assert (dispute["kind"], dispute["taken"], dispute["movements"]) == ("inquiry", 0, [])
    assert api.read(f"/invoices/{invoice_id}")["on_hold"] is True
    api.office.world.close_dispute(made, "warning_closed")
    api.settle()
    lapsed = api.read(f"/disputes/{dispute['id']}")
    assert (lapsed["stage"], lapsed["on_hold"], lapsed["review_item_id"]) == ("lapsed", False, None)
    assert api.read(f"/invoices/{invoice_id}")["on_hold"] is False
    api.sound()


def test_a_loss_is_written_off_and_that_is_taken_back(api):
    invoice_id, _, dispute = _lost(api)
    paid = api.read(f"/payments/{dispute['payment_id']}")
    assert (paid["disputed"], paid["lost"], paid["status"]) == (10_000, 10_000, "disputed")
    path = f"/disputes/{dispute['id']}/decide"
    item = api.read(f"/review-items/{dispute['review_item_id']}")
    assert item["actions"] == ["chase", "write_off", "credit"]
    written = api.make(path, {"decision": "write_off", "note": "too small", "rev": dispute["rev"]})
    assert (written["decision"], written["on_hold"], written["lost"]) == (
        "write_off",
        False,
        10_000,
    )
    invoice = api.read(f"/invoices/{invoice_id}")
    assert (invoice["status"], invoice["written_off"], invoice["outstanding"]) == (
        "written_off",
        10_000,
        0,
    )
    resolved = api.read(f"/review-items/{item['id']}")
    assert (resolved["state"], resolved["resolution"]) == ("resolved", "write_off: too small")
    assert api.post(path, {"decision": "write_off"}).status_code == 422
    assert api.post(path, {"decision": "credit", "rev": dispute["rev"]}).status_code == 409
    back = api.make(path, {"decision": "undecided"})
    assert back["review_item_id"] not in {None, item["id"]}
    owed = api.read(f"/invoices/{invoice_id}")
    assert (owed["outstanding"], owed["written_off"], owed["on_hold"]) == (10_000, 0, True)
    assert [line["text"] for line in back["history"]][-2:] == [
        "decided: written off",
        "the decision was taken back",
    ]
    api.sound()


def test_a_question_is_answered_after_a_look_at_what_it_will_do(api):
    invoice_id, _, dispute = _lost(api)
    path = f"/review-items/{dispute['review_item_id']}"
    assert api.post(f"{path}/resolve", {"action": "acknowledge"}).status_code == 422
    effects = api.make(f"{path}/preview", {"action": "write_off"})
    said = {one["measure"]: (one["before"], one["after"]) for one in effects}
    assert said == {
        "outstanding": (10_000, 0),
        "credited": (0, 10_000),
        "written_off": (0, 10_000),
    }
    assert api.read(f"/invoices/{invoice_id}")["outstanding"] == 10_000
    api.make(f"{path}/resolve", {"action": "credit"})
    assert api.read(f"/invoices/{invoice_id}")["status"] == "refunded"
    api.make(f"{path}/undo")
    assert api.read(f"/invoices/{invoice_id}")["outstanding"] == 10_000
    assert api.post(f"{path}/undo", {}).status_code == 409
    api.sound()


def test_what_is_not_lost_is_not_decided(api):
    _, _, dispute = _opened(api)
    path = f"/disputes/{dispute['id']}/decide"
    refusal = api.post(path, {"decision": "chase"})
    assert refusal.status_code == 422
    assert refusal.json["errors"][0]["field"] == "decision"
    assert api.post("/disputes/dsp_none/decide", {"decision": "chase"}).status_code == 404
    assert api.get("/disputes/dsp_none").status_code == 404
    api.sound()


def test_an_appeal_after_the_decision_holds_the_invoice_and_is_only_acknowledged(api):
    invoice_id, made, dispute = _lost(api)
    api.make(f"/disputes/{dispute['id']}/decide", {"decision": "write_off", "rev": dispute["rev"]})
    assert api.read(f"/invoices/{invoice_id}")["on_hold"] is False
    api.office.clock.advance(days=9)
    api.office.world.appeal(made)
    api.settle()
    appealed = api.read(f"/disputes/{dispute['id']}")
    assert (appealed["stage"], appealed["on_hold"]) == ("needs_response", True)
    assert (appealed["taken"], appealed["lost"]) == (10_000, 0)
    assert api.read(f"/invoices/{invoice_id}")["written_off"] == 0
    item = api.read(f"/review-items/{appealed['review_item_id']}")
    assert item["dispute_id"] == dispute["id"]
    assert item["actions"] == ["answered", "acknowledge"]
    told = {"action": "answered", "answered_on": "2026-11-30", "note": "sent"}
    api.make(f"/review-items/{item['id']}/resolve", told)
    answered = api.read(f"/disputes/{dispute['id']}")
    assert answered["review_item_id"] is None
    assert answered["answer"]["text"] == "on 30 Nov 2026: sent"
    api.office.clock.advance(days=9)
    api.office.world.close_dispute(made, "lost")
    api.settle()
    again = api.read(f"/disputes/{dispute['id']}")
    assert (again["lost"], again["decision"], again["on_hold"]) == (10_000, "write_off", False)
    assert api.read(f"/invoices/{invoice_id}")["written_off"] == 10_000
    api.sound()
