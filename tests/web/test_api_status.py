from tests.web.api import refused


def test_an_empty_house_waits_for_nothing(empty_api):
    found = empty_api.read("/status")
    assert found["inbox"] == {
        "pending": 0, "parked": 0, "failed": 0, "quarantined": 0, "oldest_seconds": 0,
    }  # fmt: skip
    assert found["refunds"] == {"in_flight": 0, "manual": 0, "waiting_for_approval": 0}
    assert found["review"] == {"open": 0}
    assert found["books"] == {"balanced": True, "differences": {}, "closed_through": None}


def test_what_waits_is_counted_and_ages(empty_api):
    api = empty_api
    api.office.world.pay(500, "usd")
    sent = api.office.world.events()
    api.office.deliver(*sent)
    api.office.clock.advance(hours=3)
    waiting = api.read("/status")["inbox"]
    assert waiting["pending"] == len(sent)
    api.settle()
    done = api.read("/status")
    assert (done["inbox"]["pending"], done["inbox"]["oldest_seconds"]) == (0, 0)
    assert done["review"]["open"] == 1


def test_refunds_under_way_are_counted(empty_api):
    api = empty_api
    payment = api.paid(500)
    api.make("/refunds", {"payment_id": payment["id"], "amount": 100, "reason": "goodwill"})
    assert api.read("/status")["refunds"]["in_flight"] == 1
    invoice = api.an_invoice(900)
    api.in_cash(invoice["id"])
    api.make("/refunds", {"invoice_id": invoice["id"], "reason": "cancellation"})
    assert api.read("/status")["refunds"]["manual"] == 1
    api.settle()
    assert api.read("/status")["refunds"]["in_flight"] == 0


def test_status_takes_no_question(api):
    refused(api.call("POST", "/status"), 405)
    refused(api.client.get("/api/v1/status"), 401)
