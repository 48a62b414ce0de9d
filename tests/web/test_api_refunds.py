from dataclasses import replace

import pytest

from reconciler.books.people import Role
from reconciler.services import people, refunds
from reconciler.web.app import create_web_app
from reconciler.work import Cause
from tests.web.api import Api, ok, refused

MUST_HAVE = {
    "id",
    "payment_id",
    "invoice_id",
    "deposit_id",
    "amount",
    "currency",
    "reason",
    "note",
    "treatment",
    "status",
    "rail",
    "rail_refund_id",
    "requested_by",
    "approved_by",
    "failure",
    "legs",
}


@pytest.fixture
def strict(api) -> Api:
    """The same API in a house where refunds above five dollars need a second person."""
    settings = replace(
        api.office.runtime.settings,
        refund_approval_threshold={"USD": 500},
        refund_daily_limit={"USD": 1_000_000},
    )
    app = create_web_app(replace(api.office.runtime, settings=settings))
    return Api(api.office, app.test_client(), api.keys)


def a_paid_invoice(api, amount=10_000):
    invoice = api.an_invoice(amount)
    payment = api.paid(amount, metadata={"invoice": invoice["number"]})
    return invoice, payment


def test_a_refund_goes_out_once_and_comes_back_as_succeeded(api):
    invoice, payment = a_paid_invoice(api)
    body = {"payment_id": payment["id"], "amount": 2_500, "reason": "goodwill", "note": "Sorry"}
    made = api.post("/refunds", body, by="refund", key="goodwill-1")
    assert made.status_code == 201
    refund = made.get_json()
    assert refund.keys() >= MUST_HAVE
    assert (refund["status"], refund["treatment"], refund["amount"]) == (
        "approved",
        "credit",
        2_500,
    )
    again = api.post("/refunds", body, by="refund", key="goodwill-1")
    assert again.get_json() == refund
    api.settle()
    done = api.read(f"/refunds/{refund['id']}")
    assert (done["status"], done["rail"]) == ("succeeded", "stripe")
    assert done["rail_refund_id"] == done["legs"][0]["rail_refund_id"]
    assert [step["after"] for step in done["steps"]][-1] == "succeeded"
    back = api.read(f"/payments/{payment['id']}")
    assert back["refunded"] == 2_500
    assert back["refunds"][0]["refund_id"] == refund["id"]
    assert api.read(f"/invoices/{invoice['id']}")["credited"] == 2_500
    assert api.read("/refunds", payment_id=payment["id"])["data"] == [done]
    api.sound()


def test_all_that_can_be_refunded_is_the_default(api):
    invoice, _ = a_paid_invoice(api)
    refund = api.make("/refunds", {"invoice_id": invoice["id"], "reason": "cancellation"})
    assert refund["amount"] == 10_000
    assert refund["invoice_id"] == invoice["id"]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": 10_001}, "amount"),
        ({"amount": 0}, "amount"),
        ({"amount": -5}, "amount"),
        ({"amount": 2**63}, "amount"),
        ({"amount": "12.50"}, "amount"),
        ({"reason": "because"}, "reason"),
        ({"reason": None}, "reason"),
        ({"treatment": "forget"}, "treatment"),
        ({"method": "gold"}, "method"),
        ({"method": None}, "method"),
        ({"status": "succeeded"}, "status"),
        ({"approved_by": "me"}, "approved_by"),
        ({"invoice_id": "inv_also"}, "payment_id"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_kept(api, change, field):
    _, payment = a_paid_invoice(api)
    body = {"payment_id": payment["id"], "amount": 100, "reason": "goodwill", **change}
    with api.unchanged():
        refused(api.post("/refunds", body, by="refund"), 422, field)


@pytest.mark.parametrize("field", ["payment_id", "invoice_id", "deposit_id"])
def test_there_is_nothing_of_that_name_to_refund(api, field):
    with api.unchanged():
        body = {field: "none_such", "reason": "goodwill"}
        refused(api.post("/refunds", body, by="refund"), 422, field)


def test_above_the_threshold_a_second_one_approves_and_never_the_first(strict):
    _, payment = a_paid_invoice(strict)
    body = {"payment_id": payment["id"], "amount": 5_000, "reason": "goodwill"}
    refund = strict.make("/refunds", body, by="refund")
    assert refund["status"] == "requested"
    path = f"/refunds/{refund['id']}"
    with strict.unchanged():
        refused(strict.post(f"{path}/approve", by="refund"), 403)
    approved = strict.make(f"{path}/approve", {"rev": refund["rev"]}, by="refund of another")
    assert approved["status"] == "approved"
    assert approved["approved_by"] not in (None, approved["requested_by"])
    with strict.unchanged():
        refused(strict.post(f"{path}/approve", by="refund of another"), 409)
        refused(strict.post(f"{path}/reject", by="refund of another"), 409)
    strict.settle()
    assert strict.read(path)["status"] == "succeeded"


def test_a_declined_refund_frees_the_money(strict):
    _, payment = a_paid_invoice(strict)
    body = {"payment_id": payment["id"], "reason": "goodwill"}
    refund = strict.make("/refunds", body, by="refund")
    with strict.unchanged():
        refused(strict.post("/refunds", body, by="refund"), 422)
    path = f"/refunds/{refund['id']}/reject"
    declined = strict.make(path, {"why": "Not agreed"}, by="refund of another")
    assert declined["status"] == "rejected"
    assert strict.make("/refunds", body, by="refund")["amount"] == 10_000


def test_a_refund_that_was_not_sent_can_be_called_off(strict):
    _, payment = a_paid_invoice(strict)
    body = {"payment_id": payment["id"], "amount": 9_000, "reason": "goodwill"}
    refund = strict.make("/refunds", body, by="refund")
    path = f"/refunds/{refund['id']}"
    assert strict.make(f"{path}/cancel", by="refund")["status"] == "canceled"
    with strict.unchanged():
        refused(strict.post(f"{path}/cancel", by="refund"), 409)
        refused(strict.post(f"{path}/retry", by="refund"), 409)
        refused(strict.post(f"{path}/approve", by="refund of another"), 409)


def test_an_old_version_is_neither_approved_nor_canceled(strict):
    _, payment = a_paid_invoice(strict)
    body = {"payment_id": payment["id"], "amount": 9_000, "reason": "goodwill"}
    path = f"/refunds/{strict.make('/refunds', body, by='refund')['id']}"
    with strict.unchanged():
        for deed in ("approve", "reject", "cancel", "retry"):
            refused(strict.post(f"{path}/{deed}", {"rev": 99}, by="refund of another"), 409)


def test_a_refund_shows_on_its_payment_before_the_rail_knows_of_it(api):
    _, payment = a_paid_invoice(api)
    body = {"payment_id": payment["id"], "amount": 100, "reason": "goodwill"}
    refund = api.make("/refunds", body, by="refund")
    [shown] = api.read(f"/payments/{payment['id']}")["refunds"]
    assert (shown["refund_id"], shown["rail_refund_id"]) == (refund["id"], None)
    assert (shown["amount"], shown["status"]) == (100, "approved")
    api.settle()


def test_a_refund_that_failed_is_tried_again_as_another_one(api):
    _, payment = a_paid_invoice(api)
    body = {"payment_id": payment["id"], "amount": 300, "reason": "goodwill"}
    refund = api.make("/refunds", body, by="refund")
    api.settle()
    first = api.read(f"/refunds/{refund['id']}")["rail_refund_id"]
    api.office.world.advance_refund(first, "failed", "expired_or_canceled_card")
    api.settle()
    failed = api.read(f"/refunds/{refund['id']}")
    assert (failed["status"], len(failed["legs"])) == ("failed", 1)
    assert failed["failure"]
    [item] = api.read("/review-items", refund_id=refund["id"], state="open")["data"]
    assert (item["kind"], item["actions"]) == ("refund_failed", ["retry", "acknowledge"])
    assert api.make(f"/refunds/{refund['id']}/retry", by="refund")["status"] == "approved"
    api.settle()
    done = api.read(f"/refunds/{refund['id']}")
    assert (done["status"], len(done["legs"])) == ("succeeded", 1)
    assert done["rail_refund_id"] != first
    assert api.read(f"/payments/{payment['id']}")["refunded"] == 300
    api.sound()


def test_money_received_by_hand_is_paid_back_by_hand(api):
    invoice = api.an_invoice(6_000)
    api.in_cash(invoice["id"], 6_000)
    refund = api.make("/refunds", {"invoice_id": invoice["id"], "reason": "cancellation"})
    assert (refund["status"], refund["rail"]) == ("manual", "manual")
    path = f"/refunds/{refund['id']}/paid-back"
    with api.unchanged():
        refused(api.post(path, {"reference": ""}), 422, "reference")
    paid_back = api.make(path, {"reference": "From the till"})
    # Nothing was ever sent for it, and nobody takes that for books that have forgotten a sending.
    assert api.read("/status")["restore"] is None
    assert paid_back["status"] == "succeeded"
    assert api.read(f"/invoices/{invoice['id']}")["status"] == "refunded"
    with api.unchanged():
        refused(api.post(path, {"reference": "From the till"}), 409)
    api.sound()


@pytest.mark.parametrize("deed", ["approve", "reject", "cancel", "retry"])
def test_there_is_no_such_refund(api, deed):
    with api.unchanged():
        refused(api.get("/refunds/rfd_none"), 404)
        refused(api.post(f"/refunds/rfd_none/{deed}"), 404)
        refused(api.post("/refunds/rfd_none/paid-back", {"reference": "x"}), 404)


@pytest.mark.parametrize("scope", ["read", "write"])
def test_only_who_may_refund_touches_refunds(api, scope):
    _, payment = a_paid_invoice(api)
    refund = api.make("/refunds", {"payment_id": payment["id"], "amount": 5, "reason": "other"})
    with api.unchanged():
        body = {"payment_id": payment["id"], "amount": 5, "reason": "other"}
        refused(api.post("/refunds", body, by=scope), 403)
        for deed in ("approve", "reject", "cancel", "retry", "paid-back"):
            refused(api.post(f"/refunds/{refund['id']}/{deed}", by=scope), 403)


def test_a_person_can_approve_what_a_program_asked_for(strict):
    _, payment = a_paid_invoice(strict)
    body = {"payment_id": payment["id"], "amount": 700, "reason": "goodwill"}
    refund = strict.make("/refunds", body, by="refund")
    ben = strict.office.do(
        lambda work: people.create_user(
            work, email="ben@example.com", password="tulip-anchor-9", role=Role.APPROVER.value
        )
    )
    strict.office.do(lambda work: refunds.approve(work, refund["id"]), Cause("person", ben))
    assert ok(strict.get(f"/refunds/{refund['id']}"))["approved_by"] == ben


def test_what_was_asked_is_changed_and_the_approval_is_void(strict):
    _, payment = a_paid_invoice(strict)
    body = {"payment_id": payment["id"], "amount": 2_500, "reason": "goodwill"}
    made = strict.make("/refunds", body, by="refund one")
    strict.make(f"/refunds/{made['id']}/approve", by="refund two")
    change = {"amount": 3_000, "reason": "cancellation", "treatment": "reopen", "note": None}
    changed = ok(strict.patch(f"/refunds/{made['id']}", change, by="refund two"))
    assert (changed["status"], changed["approved_by"]) == ("requested", None)
    assert (changed["amount"], changed["reason"], changed["treatment"]) == (
        3_000, "cancellation", "reopen",
    )  # fmt: skip
    assert len(changed["edited_by"]) == 1
    refused(strict.post(f"/refunds/{made['id']}/approve", by="refund two"), 403)
    refused(strict.post(f"/refunds/{made['id']}/approve", by="refund one"), 403)
    ok(strict.post(f"/refunds/{made['id']}/approve", by="refund three"))


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"amount": 0}, 422, "amount"),
        ({"amount": 10_001}, 422, "amount"),
        ({"amount": None}, 422, "amount"),
        ({"reason": "because"}, 422, "reason"),
        ({"method": "bank_transfer"}, 422, "method"),
        ({"requested_by": "me"}, 422, "requested_by"),
        ({"invoice_id": "inv_none"}, 422, "invoice_id"),
        ({"amount": 100, "rev": 99}, 409, None),
    ],
)
def test_a_change_that_does_not_do_is_refused_by_its_field(strict, change, status, field):
    _, payment = a_paid_invoice(strict)
    body = {"payment_id": payment["id"], "amount": 2_500, "reason": "goodwill"}
    made = strict.make("/refunds", body, by="refund one")
    with strict.unchanged():
        refused(strict.patch(f"/refunds/{made['id']}", change, by="refund two"), status, field)
    refused(strict.patch("/refunds/rfd_none", {"amount": 1}), 404)
    refused(strict.patch(f"/refunds/{made['id']}", {"amount": 1}, by="write"), 403)


# Another way


def a_failed_refund(api):
    customer = api.a_customer()
    invoice = api.an_invoice(10_000, customer_id=customer["id"])
    api.paid(10_000, metadata={"invoice": invoice["number"]})
    refund = api.make(
        "/refunds", {"invoice_id": invoice["id"], "amount": 4_000, "reason": "goodwill"}
    )
    api.settle()
    made = api.read(f"/refunds/{refund['id']}")["rail_refund_id"]
    api.office.world.advance_refund(made, "failed", "declined")
    api.settle()
    return api.read(f"/refunds/{refund['id']}")


@pytest.mark.thorough
def test_a_failed_refund_says_what_the_client_reads_and_what_is_to_do(api):
    refund = a_failed_refund(api)
    assert refund["status"] == "failed"
    assert refund["client_words"] == "Your bank sent it back. We will contact you."
    assert "Try it again on the same rail" in refund["next_step"]


def test_it_is_given_to_people_and_a_program_does_not_pay_it(api):
    refund = a_failed_refund(api)
    path = f"/refunds/{refund['id']}"
    with api.unchanged():
        refused(api.post(f"{path}/another-route", {"method": "gold"}, by="refund"), 422, "method")
        refused(api.post(f"{path}/another-route", {"method": "cash"}, by="write"), 403)
        refused(api.post("/refunds/rfd_none/another-route", {"method": "cash"}, by="refund"), 404)
    routed = ok(api.post(f"{path}/another-route", {"method": "cash"}, by="refund"))
    [leg] = routed["legs"]
    assert (routed["status"], leg["route"], leg["method"]) == ("manual", "hand", "cash")
    assert routed["next_step"] == "A second person pays it back by cash and records how."
    with api.unchanged():
        refused(api.post(f"{path}/paid-back", {"reference": "till"}, by="admin"), 403)
        refused(api.post(f"{path}/another-route", {"method": "cash"}, by="refund"), 409)
    api.sound()


def test_it_is_asked_for_by_hand_at_once_and_nothing_is_sent(strict):
    _, payment = a_paid_invoice(strict)
    body = {"payment_id": payment["id"], "amount": 2_500, "reason": "goodwill"}
    made = strict.make("/refunds", body, by="refund one")
    assert (made["method"], made["legs"][0]["route"]) == ("rail", "rail")
    changed = ok(strict.patch(f"/refunds/{made['id']}", {"method": "hand"}, by="refund one"))
    [leg] = changed["legs"]
    assert (changed["method"], leg["route"], leg["method"]) == ("hand", "hand", "bank_transfer")
    let_go = ok(strict.post(f"/refunds/{made['id']}/approve", by="refund two"))
    assert let_go["status"] == "manual"
    strict.settle()
    assert strict.read(f"/refunds/{made['id']}")["legs"][0]["attempts"] == 0
    with strict.unchanged():
        refused(strict.post(f"/refunds/{made['id']}/paid-back", {"reference": "x"}), 403)
    strict.sound()


def test_it_stays_as_a_deposit_by_consent(api):
    refund = a_failed_refund(api)
    path = f"/refunds/{refund['id']}/keep"
    with api.unchanged():
        refused(api.post(path, {"kept_as": "credit"}, by="refund"), 422, "consent")
    body = {"kept_as": "deposit", "consent": "Ada wrote so on Monday"}
    kept = ok(api.post(path, body, by="refund"))
    assert (kept["status"], kept["legs"][0]["route"]) == ("succeeded", "kept")
    assert kept["client_words"] == "As agreed, it stays with us as your deposit."
    deposits = api.read("/deposits", customer_id=refund["customer_id"])["data"]
    assert [deposit["remaining"] for deposit in deposits] == [4_000]
    api.sound()


@pytest.mark.thorough
def test_a_refund_that_the_rails_balance_does_not_carry_says_so_in_its_answer(empty_api):
    api = empty_api
    _, first = a_paid_invoice(api)
    body = {"payment_id": first["id"], "amount": 2_500, "reason": "goodwill"}
    assert api.make("/refunds", body)["balance_warning"] is None
    refund = api.make("/refunds", body | {"amount": 7_500})
    assert refund["status"] == "approved", "it is no refusal"
    said = refund["balance_warning"]
    assert "with this one, refunds of USD 100.00 wait to leave it" in said
    assert said.startswith("This one is not covered. Stripe holds USD 96.")
    api.settle()
    assert api.read(f"/refunds/{refund['id']}")["balance_warning"] is None, "it has left"
    api.sound()
