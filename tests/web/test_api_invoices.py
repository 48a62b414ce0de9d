import pytest

from reconciler.books.invoices import InvoiceStatus
from tests.web.api import ok, refused

MUST_HAVE = {
    "id",
    "number",
    "customer_id",
    "project_id",
    "milestone_id",
    "currency",
    "total",
    "paid",
    "credited",
    "outstanding",
    "status",
    "issued_on",
    "due_on",
    "allocations",
    "history",
    "lines",
    "tax",
    "subtotal",
    "credit_notes",
}


def test_a_draft_is_made_and_books_nothing(api):
    invoice = api.an_invoice(12_345, currency="usd", send=False, due_on="2027-01-31")
    assert invoice.keys() >= MUST_HAVE
    assert invoice["currency"] == "USD"
    assert invoice["status"] == "draft"
    assert (invoice["total"], invoice["paid"], invoice["outstanding"]) == (12_345, 0, 12_345)
    assert invoice["due_on"] == "2027-01-31"
    assert api.read("/ledger/entries", invoice_id=invoice["id"])["data"] == []
    assert api.read(f"/invoices/{invoice['id']}") == invoice


def test_drafts_without_a_number_get_the_next_free_ones(empty_api):
    api = empty_api
    first = api.an_invoice(send=False)
    assert first["number"] == "INV-1001"
    api.an_invoice(send=False, number="inv-1002", customer_id=first["customer_id"])
    assert api.an_invoice(send=False, customer_id=first["customer_id"])["number"] == "INV-1003"


def test_a_number_is_given_once_whatever_its_case(api):
    api.an_invoice(number="Job 7/A", send=False)
    with api.unchanged():
        again = api.post(
            "/invoices",
            {
                "customer_id": api.read("/customers", limit=1)["data"][0]["id"],
                "currency": "USD",
                "total": 1,
                "number": " JOB 7/a ",
            },
        )
        refused(again, 409, "number")


def test_sending_books_what_is_owed_once(api):
    invoice = api.an_invoice(20_000, send=False)
    path = f"/invoices/{invoice['id']}"
    sent = api.make(f"{path}/send")
    assert sent["status"] == "sent"
    assert sent["issued_on"] == "2026-11-22"
    [entry] = api.read("/ledger/entries", invoice_id=invoice["id"])["data"]
    assert entry["key"] == f"invoice/{invoice['id']}/sent"
    assert [(p["role"], p["debit"], p["credit"]) for p in entry["postings"]] == [
        ("accounts_receivable", 20_000, 0),
        ("revenue", 0, 20_000),
    ]
    with api.unchanged():
        refused(api.post(f"{path}/send"), 422)
    api.sound()


def test_an_invoice_can_be_sent_as_it_is_made(api):
    assert api.an_invoice(send=True)["status"] == "sent"


def test_a_draft_can_be_changed_and_a_sent_one_cannot(api):
    draft = api.an_invoice(10_000, send=False)
    path = f"/invoices/{draft['id']}"
    changed = ok(api.patch(path, {"total": 11_000, "description": "Kitchen", "due_on": None}))
    assert (changed["total"], changed["description"]) == (11_000, "Kitchen")
    assert changed["number"] == draft["number"]
    refused(api.patch(path, {"total": 12_000, "rev": draft["rev"]}), 409, "rev")
    api.make(f"{path}/send")
    with api.unchanged():
        refused(api.patch(path, {"total": 12_000}), 422)


def test_voiding_takes_the_entry_back(api):
    invoice = api.an_invoice(9_000)
    voided = api.make(f"/invoices/{invoice['id']}/void")
    assert voided["status"] == "void"
    back, sent = api.read("/ledger/entries", invoice_id=invoice["id"])["data"]
    assert back["reverses"] == sent["key"]
    with api.unchanged():
        refused(api.post(f"/invoices/{invoice['id']}/void"), 422)
        refused(api.post(f"/invoices/{invoice['id']}/send"), 422)
    api.sound()


def test_a_draft_is_voided_without_an_entry(api):
    draft = api.an_invoice(send=False)
    assert api.make(f"/invoices/{draft['id']}/void")["status"] == "void"
    assert api.read("/ledger/entries", invoice_id=draft["id"])["data"] == []


def test_an_invoice_with_money_on_it_is_not_voided(api):
    invoice = api.an_invoice(9_000)
    api.in_cash(invoice["id"], 100)
    with api.unchanged():
        refused(api.post(f"/invoices/{invoice['id']}/void"), 422)


def test_a_credit_note_lowers_what_is_owed(api):
    invoice = api.an_invoice(10_000)
    path = f"/invoices/{invoice['id']}/credit-notes"
    credited = api.make(path, {"amount": 4_000, "reason": "Less work than agreed"})
    assert (credited["credited"], credited["outstanding"]) == (4_000, 6_000)
    assert credited["status"] == "sent"
    with api.unchanged():
        too_much = refused(api.post(path, {"amount": 6_001, "reason": "x"}), 422, "amount")
        assert "USD 60.00" in too_much
    done = api.make(path, {"amount": 6_000, "reason": "All of it"})
    assert (done["outstanding"], done["status"]) == (0, "paid")
    assert [h["text"] for h in done["history"] if h["text"].startswith("credit note")] == [
        "credit note: Less work than agreed",
        "credit note: All of it",
    ]
    api.sound()


def test_a_draft_takes_no_credit_note(api):
    draft = api.an_invoice(send=False)
    path = f"/invoices/{draft['id']}/credit-notes"
    with api.unchanged():
        refused(api.post(path, {"amount": 1, "reason": "x"}), 422)


def test_money_by_hand_pays_in_part_and_then_in_full(api):
    invoice = api.an_invoice(10_000)
    part = api.in_cash(invoice["id"], 4_000, reference="Envelope 3")
    assert (part["status"], part["paid"], part["outstanding"]) == ("partially_paid", 4_000, 6_000)
    assert [p["amount"] for p in part["allocations"]] == [4_000]
    payment = api.read(f"/payments/{part['allocations'][0]['payment_id']}")
    assert (payment["rail"], payment["status"]) == ("manual", "captured")
    rest = api.in_cash(invoice["id"])
    assert (rest["status"], rest["paid"], rest["outstanding"]) == ("paid", 10_000, 0)
    api.sound()


def test_more_by_hand_than_is_owed_is_refused_naming_the_excess(api):
    invoice = api.an_invoice(10_000)
    path = f"/invoices/{invoice['id']}/payments"
    body = {"amount": 12_500, "source": "check", "received_on": "2026-11-20"}
    with api.unchanged():
        assert "USD 25.00" in refused(api.post(path, body), 422, "amount")
    paid = api.make(path, {**body, "allow_overpayment": True})
    assert (paid["paid"], paid["outstanding"]) == (10_000, 0)
    payment_id = paid["allocations"][0]["payment_id"]
    assert api.read(f"/payments/{payment_id}")["unapplied"] == 2_500
    [item] = api.read("/review-items", payment_id=payment_id)["data"]
    assert (item["kind"], item["amount"], item["state"]) == ("overpayment", 2_500, "open")
    api.sound()


def test_an_invoice_past_its_day_is_overdue(api):
    invoice = api.an_invoice(due_on="2026-11-01")
    assert invoice["status"] == "overdue"
    part = api.in_cash(invoice["id"], 1)
    assert part["status"] == "overdue"


def _written_off(api, invoice):
    api.paid(40_000, metadata={"invoice": invoice["number"]})
    world = api.office.world
    world.close_dispute(world.dispute(_charge_of(api, invoice)), "lost")
    api.settle()
    [item] = api.read("/review-items", kind="dispute", state="open")["data"]
    api.make(f"/review-items/{item['id']}/resolve", {"action": "write_off"})


def test_a_list_filtered_by_status_shows_what_one_shows(api):
    customer = api.a_customer()["id"]
    of = {"customer_id": customer}
    api.an_invoice(send=False, **of)
    api.an_invoice(**of)
    api.in_cash(api.an_invoice(**of)["id"], 5)
    api.in_cash(api.an_invoice(**of)["id"])
    api.an_invoice(due_on="2026-11-21", **of)
    api.an_invoice(due_on="2026-11-22", **of)
    api.make(f"/invoices/{api.an_invoice(**of)['id']}/void")
    api.make(
        f"/invoices/{api.an_invoice(**of)['id']}/credit-notes", {"amount": 10_000, "reason": "all"}
    )
    paid = api.an_invoice(30_000, **of)
    api.paid(30_000, metadata={"invoice": paid["number"]})
    api.office.world.refund(_charge_of(api, paid), 30_000)
    api.settle()
    _written_off(api, api.an_invoice(40_000, **of))
    everything = api.read("/invoices", customer_id=customer, limit=200)["data"]
    for status in InvoiceStatus:
        wanted = [one["id"] for one in everything if one["status"] == status]
        found = api.read("/invoices", customer_id=customer, status=status.value)["data"]
        assert [one["id"] for one in found] == wanted
        assert wanted, status
    api.sound()


def _charge_of(api, invoice):
    payment_id = api.read(f"/invoices/{invoice['id']}")["allocations"][0]["payment_id"]
    return api.read(f"/payments/{payment_id}")["rail_payment_id"]


def test_a_payment_intent_told_beforehand_pays_its_invoice(api):
    intent = api.office.world.decline(4_100).intent
    invoice = api.an_invoice(4_100, rail_payment_ids=[intent], rail_invoice_id="in_told")
    assert invoice["rail_references"] == ["in_told", intent]
    payment = api.paid(4_100, intent=intent)
    assert payment["match"]["strategy"] == "made_here"
    assert api.read(f"/invoices/{invoice['id']}")["status"] == "paid"
    api.sound()


def test_a_payment_intent_told_afterwards_finds_the_money_that_waits(api):
    invoice = api.an_invoice(4_200)
    payment = api.paid(4_200)
    assert payment["unapplied"] == 4_200
    path = f"/invoices/{invoice['id']}/rail-references"
    api.make(path, {"object_ids": [payment["rail_payment_id"]]})
    api.office.drain()
    assert api.read(f"/invoices/{invoice['id']}")["status"] == "paid"
    other = api.an_invoice(4_200)
    with api.unchanged():
        taken = {"object_ids": [payment["rail_payment_id"]]}
        refused(api.post(f"/invoices/{other['id']}/rail-references", taken), 409)
    api.sound()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"total": 0}, "total"),
        ({"total": -1}, "total"),
        ({"total": 10.0}, "total"),
        ({"total": "1e3"}, "total"),
        ({"total": "1000"}, "total"),
        ({"total": True}, "total"),
        ({"total": [1]}, "total"),
        ({"total": None}, "total"),
        ({"total": 2**63}, "total"),
        ({"total": 10**15 + 1}, "total"),
        ({"currency": "XYZ"}, "currency"),
        ({"currency": "US"}, "currency"),
        ({"currency": None}, "currency"),
        ({"customer_id": "cust_none"}, "customer_id"),
        ({"number": ""}, "number"),
        ({"number": "x" * 65}, "number"),
        ({"due_on": "tomorrow"}, "due_on"),
        ({"due_on": "20261-01-01"}, "due_on"),
        ({"due_on": "0001-01-01"}, "due_on"),
        ({"due_on": 5}, "due_on"),
        ({"send": "yes"}, "send"),
        ({"state": "sent"}, "state"),
        ({"paid": 10}, "paid"),
        ({"rail_payment_ids": "pi_1"}, "rail_payment_ids"),
    ],
)
def test_bad_input_names_the_field_and_makes_nothing(api, change, field):
    customer = api.a_customer()["id"]
    body = {"customer_id": customer, "currency": "USD", "total": 100, "send": True, **change}
    with api.unchanged():
        refused(api.post("/invoices", body), 422, field)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/invoices/inv_none", None),
        ("PATCH", "/invoices/inv_none", {"total": 5}),
        ("POST", "/invoices/inv_none/send", {}),
        ("POST", "/invoices/inv_none/void", {}),
        ("POST", "/invoices/inv_none/credit-notes", {"amount": 1, "reason": "x"}),
        ("POST", "/invoices/inv_none/payments", {"source": "cash", "received_on": "2026-01-01"}),
        ("POST", "/invoices/inv_none/rail-references", {"object_ids": ["pi_1"]}),
        ("GET", "/invoices/inv%00none", None),
        ("GET", "/invoices/' or 1=1 --", None),
    ],
)
def test_there_is_no_such_invoice(api, method, path, body):
    with api.unchanged():
        refused(api.call(method, path, json=body), 404)


@pytest.mark.parametrize("scope", ["read", "refund"])
def test_only_who_may_write_touches_invoices(api, scope):
    draft = api.an_invoice(send=False)
    sent = api.an_invoice()
    by_hand = {"source": "cash", "received_on": "2026-11-20"}
    with api.unchanged():
        refused(api.post("/invoices", {}, by=scope), 403)
        refused(api.patch(f"/invoices/{draft['id']}", {"total": 1}, by=scope), 403)
        for deed, body in (("send", {}), ("void", {}), ("payments", by_hand)):
            refused(api.post(f"/invoices/{draft['id']}/{deed}", body, by=scope), 403)
        note = {"amount": 1, "reason": "x"}
        refused(api.post(f"/invoices/{sent['id']}/credit-notes", note, by=scope), 403)


@pytest.mark.parametrize("currency", ["JPY", "KWD"])
def test_currencies_without_cents_and_with_mills_are_whole_minor_units(api, currency):
    invoice = api.an_invoice(512_505, currency=currency)
    assert (invoice["total"], invoice["currency"]) == (512_505, currency)
    api.in_cash(invoice["id"], 512_505)
    assert api.read(f"/invoices/{invoice['id']}")["outstanding"] == 0
    api.sound()
