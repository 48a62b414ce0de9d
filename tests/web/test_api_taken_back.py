"""Credit notes and money by hand that were wrong, taken back by programs."""

from tests.web.api import refused

WHY = {"reason": "Noted twice"}


def test_a_credit_note_is_taken_back_and_stays_to_be_seen(api):
    invoice = api.an_invoice(10_000)
    path = f"/invoices/{invoice['id']}/credit-notes"
    [note] = api.make(path, {"amount": 4_000, "reason": "Less work"})["credit_notes"]
    assert note["taken_back_at"] is None
    back = f"{path}/{note['id']}/take-back"
    now = api.make(back, {"reason": "As much as agreed"}, by="write")
    assert (now["credited"], now["outstanding"]) == (0, 10_000)
    [kept] = now["credit_notes"]
    assert (kept["number"], kept["amount"], kept["taken_back_at"] is None) == (
        note["number"], 4_000, False,
    )  # fmt: skip
    told = [one["text"] for one in now["history"] if one["ref"] == note["id"]]
    assert told == [
        "credit note: Less work", f"credit note {note['number']} taken back: As much as agreed",
    ]  # fmt: skip
    with api.unchanged():
        assert "taken back already" in refused(api.post(back, {}), 409)
    api.sound()


def test_a_credit_note_is_sought_on_its_own_invoice(api):
    invoice, other = api.an_invoice(10_000), api.an_invoice(10_000)
    path = f"/invoices/{invoice['id']}/credit-notes"
    [note] = api.make(path, {"amount": 4_000, "reason": "Less work"})["credit_notes"]
    with api.unchanged():
        refused(api.post(f"/invoices/{other['id']}/credit-notes/{note['id']}/take-back", {}), 404)
        refused(api.post(f"{path}/cn_none/take-back", {}), 404)
        for scope in ("read", "refund"):
            refused(api.post(f"{path}/{note['id']}/take-back", {}, by=scope), 403)


def test_money_by_hand_that_never_came_is_taken_back(api):
    invoice = api.an_invoice(10_000)
    [claim] = api.in_cash(invoice["id"], 6_000)["allocations"]
    back = f"/payments/{claim['payment_id']}/take-back"
    payment = api.make(back, WHY, by="write")
    assert (payment["captured"], payment["status"], payment["unapplied"]) == (0, "canceled", 0)
    assert api.read(f"/invoices/{invoice['id']}")["outstanding"] == 10_000
    lines = api.call("GET", "/audit?action=payment.receipt_taken_back").get_json()
    [line] = [one for one in lines["data"] if one["subject"] == payment["id"]]
    assert line["why"] == "Noted twice"
    with api.unchanged():
        assert "taken back already" in refused(api.post(back, WHY), 409)
        refused(api.post("/payments/pay_none/take-back", WHY), 404)
        for scope in ("read", "refund"):
            refused(api.post(back, WHY, by=scope), 403)
    api.sound()


def test_what_a_rail_brought_is_refunded_and_not_taken_back(api):
    payment = api.paid(2_500)
    with api.unchanged():
        said = refused(api.post(f"/payments/{payment['id']}/take-back", WHY), 422)
    assert "came by stripe" in said


def test_what_is_missing_is_a_banks_fee_and_is_taken_back(api):
    invoice = api.an_invoice(10_000)
    path = f"/invoices/{invoice['id']}/bank-fees"
    with api.unchanged():
        refused(api.post(path, {"reason": "Wire"}), 422, "amount")
    paid = api.in_cash(invoice["id"], 9_990)
    [claim] = paid["allocations"]
    with api.unchanged():
        refused(api.post(path, {"reason": "Wire", "amount": 11}), 422, "amount")
        refused(api.post(path, {"reason": "Wire", "payment_id": "pay_none"}), 422, "payment_id")
        refused(api.post(path, {}), 422, "reason")
        refused(api.post("/invoices/inv_none/bank-fees", {"reason": "Wire"}), 404)
        for scope in ("read", "refund"):
            refused(api.post(path, {"reason": "Wire"}, by=scope), 403)
    now = api.make(path, {"reason": "Wire", "payment_id": claim["payment_id"]})
    assert (now["paid"], now["credited"], now["outstanding"], now["status"]) == (
        9_990, 10, 0, "paid",
    )  # fmt: skip
    [fee] = now["bank_fees"]
    assert (fee["amount"], fee["reason"], fee["taken_back_at"]) == (10, "Wire", None)
    back = f"{path}/{fee['id']}/take-back"
    now = api.make(back, {"reason": "It came after all"})
    assert (now["outstanding"], now["bank_fees"][0]["taken_back_at"] is None) == (10, False)
    with api.unchanged():
        refused(api.post(back, {}), 409)
        refused(api.post(f"{path}/fee_none/take-back", {}), 404)
    api.sound()
