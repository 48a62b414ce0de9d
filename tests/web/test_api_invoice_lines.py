"""Lines, taxes and credit notes of invoices through the API, and what they do in the books."""

from tests.web.api import ok, refused

DAYS = {"description": "Design", "quantity": "2.5", "unit_price": 40_000, "tax_rate": "19"}
HOSTING = {"description": "Hosting", "unit_price": 999, "tax_rate": "7", "tax_name": "Reduced"}


def test_lines_say_the_total_and_their_tax_is_owed_to_the_tax_office(api):
    invoice = api.an_invoice(None, lines=[DAYS, HOSTING])
    assert (invoice["subtotal"], invoice["tax"], invoice["total"]) == (100_999, 19_070, 120_069)
    assert invoice["outstanding"] == 120_069
    said = {"quantity": "1", "tax_rate": "0", "tax_name": None}
    assert invoice["lines"] == [
        said | DAYS | {"net": 100_000, "tax": 19_000},
        said | HOSTING | {"net": 999, "tax": 70},
    ]
    [entry] = api.read("/ledger/entries", invoice_id=invoice["id"])["data"]
    assert [(p["role"], p["debit"], p["credit"]) for p in entry["postings"]] == [
        ("accounts_receivable", 120_069, 0),
        ("revenue", 0, 100_999),
        ("sales_tax_payable", 0, 19_070),
    ]
    api.make(f"/invoices/{invoice['id']}/void")
    api.sound()


def test_a_total_beside_lines_has_to_be_theirs(api):
    customer = api.a_customer()["id"]
    given = {"customer_id": customer, "currency": "USD", "lines": [DAYS]}
    assert api.make("/invoices", given | {"total": 119_000})["total"] == 119_000
    with api.unchanged():
        refused(api.post("/invoices", given | {"total": 118_999}), 422, "total")
        refused(api.post("/invoices", given | {"lines": []}), 422, "total")
        refused(api.post("/invoices", given | {"lines": [DAYS | {"quantity": "x"}]}), 422)
        bad = DAYS | {"tax_rate": "101"}
        refused(api.post("/invoices", given | {"lines": [HOSTING, bad]}), 422, "lines.1.tax_rate")


def test_the_lines_of_a_draft_are_changed_all_at_once(api):
    draft = api.an_invoice(None, lines=[DAYS], send=False)
    path = f"/invoices/{draft['id']}"
    changed = ok(api.patch(path, {"lines": [HOSTING, DAYS]}))
    assert (changed["total"], changed["tax"]) == (120_069, 19_070)
    assert [line["description"] for line in changed["lines"]] == ["Hosting", "Design"]
    with api.unchanged():
        refused(api.patch(path, {"total": 5}), 422, "total")
        refused(api.patch(path, {"lines": [DAYS | {"unit_price": -1}]}), 422, "lines")
    yen = ok(api.patch(path, {"currency": "JPY", "lines": [DAYS | {"unit_price": 333}]}))
    assert (yen["subtotal"], yen["tax"], yen["total"]) == (833, 158, 991)
    bare = ok(api.patch(path, {"lines": [], "total": 700}))
    assert (bare["lines"], bare["tax"], bare["total"]) == ([], 0, 700)
    assert ok(api.patch(path, {"lines": [HOSTING]}))["total"] == 1_069
    api.make(f"{path}/send")
    with api.unchanged():
        refused(api.patch(path, {"lines": [DAYS]}), 422)
    api.sound()


def test_what_is_credited_takes_its_share_of_the_tax_along(api):
    invoice = api.an_invoice(None, lines=[DAYS])  # 1,000.00 and 190.00
    path = f"/invoices/{invoice['id']}/credit-notes"
    for amount in (100_00, 33_33, 1):
        credited = api.make(path, {"amount": amount, "reason": "Less work than agreed"})
    notes = credited["credit_notes"]
    assert [note["amount"] for note in notes] == [10_000, 3_333, 1]
    assert sum(note["tax"] for note in notes) == credited["tax_credited"] == 2_129
    assert len({note["number"] for note in notes}) == 3
    assert all(note["number"].startswith("CN-") for note in notes)
    rest = api.make(path, {"amount": credited["outstanding"], "reason": "All of it"})
    assert (rest["tax_credited"], rest["outstanding"]) == (19_000, 0)
    balances = {}
    for entry in api.read("/ledger/entries", invoice_id=invoice["id"], limit=100)["data"]:
        for p in entry["postings"]:
            balances[p["role"]] = balances.get(p["role"], 0) + p["debit"] - p["credit"]
    assert balances == {
        "accounts_receivable": 0, "revenue": -100_000, "sales_tax_payable": 0, "credits": 100_000,
    }  # fmt: skip
    api.sound()


def test_a_refund_that_fails_after_all_owes_its_tax_again(api):
    invoice = api.an_invoice(None, lines=[DAYS])
    payment = api.paid(119_000, metadata={"invoice": invoice["number"]})
    made = api.office.world.refund(next(reversed(api.office.world.table("charge"))), 11_900)
    api.settle()
    assert api.read(f"/invoices/{invoice['id']}")["tax_credited"] == 1_900
    api.office.world.advance_refund(made, "failed", "declined")
    api.settle()
    again = api.read(f"/invoices/{invoice['id']}")
    assert (again["tax_credited"], again["credited"], again["status"]) == (0, 0, "paid")
    assert payment["captured"] == 119_000
    keys = [
        e
        for e in api.read("/ledger/entries", invoice_id=invoice["id"], limit=50)["data"]
        if "/tax_credited/" in e["key"]
    ]
    back, there = keys
    assert back["reverses"] == there["key"]
    api.sound()
