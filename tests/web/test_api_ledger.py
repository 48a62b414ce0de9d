import pytest

from tests.web.api import refused


def test_accounts_have_balances_debits_less_credits(empty_api):
    api = empty_api
    api.an_invoice(10_000)
    balances = {
        (a["role"], a["rail"], a["currency"]): a["balance"]
        for a in api.read("/ledger/accounts")["data"]
    }
    assert balances == {
        ("accounts_receivable", None, "USD"): 10_000,
        ("revenue", None, "USD"): -10_000,
    }


def test_the_trial_balance_adds_up_per_currency_and_per_day(empty_api):
    api = empty_api
    invoice = api.an_invoice(10_000)
    api.an_invoice(700, currency="JPY")
    api.office.clock.advance(days=3)
    api.paid(10_000, metadata={"invoice": invoice["number"]})
    found = api.read("/ledger/trial-balance")
    assert set(found) == {"USD", "JPY"}
    assert {one["difference"] for one in found.values()} == {0}
    dollars = {(a["role"], a["rail"]): a for a in found["USD"]["accounts"]}
    assert dollars["clearing", "stripe"]["balance"] == 10_000 - 320
    assert dollars["accounts_receivable", None] == {
        "role": "accounts_receivable", "rail": None, "debit": 10_000, "credit": 10_000,
        "balance": 0, "category": None,
    }  # fmt: skip
    early = api.read("/ledger/trial-balance", as_of="2026-11-23")
    assert [a["role"] for a in early["USD"]["accounts"]] == ["accounts_receivable", "revenue"]
    assert api.read("/ledger/trial-balance", as_of="2026-11-22T12:00:00Z") == {}


def test_entries_are_found_by_what_they_are_about(api):
    invoice = api.an_invoice(5_000)
    payment = api.paid(5_000, metadata={"invoice": invoice["number"]})
    of_payment = api.read("/ledger/entries", payment_id=payment["id"])["data"]
    of_invoice = api.read("/ledger/entries", invoice_id=invoice["id"])["data"]
    shared = [e for e in of_payment if e in of_invoice]
    assert [e["key"].split("/")[0] for e in shared] == ["allocation"]
    for entry in of_payment:
        assert sum(p["debit"] - p["credit"] for p in entry["postings"]) == 0
        assert entry["cause"]["kind"]
    assert api.read(f"/ledger/entries/{shared[0]['id']}") == shared[0]
    [found] = api.read("/ledger/entries", key=shared[0]["key"])["data"]
    assert found == shared[0]
    fees = api.read("/ledger/entries", role="processing_fees", payment_id=payment["id"])["data"]
    assert len(fees) == 1


def test_books_are_closed_through_a_day_and_opened_again(empty_api):
    api = empty_api
    api.an_invoice(5_000)
    made = api.make("/ledger/closings", {"through": "2026-11-21", "note": "October"})
    assert (made["through"], made["first_open"]) == ("2026-11-21", "2026-11-22")
    assert api.read("/status")["books"]["closed_through"] == "2026-11-21"
    refused(api.post("/ledger/closings", {"through": "2026-11-22"}), 422, "through")
    api.in_cash(api.an_invoice(700)["id"])  # received on the 20th
    late = api.read("/ledger/entries", is_late="true")["data"]
    assert {(e["effective_on"], e["posted_on"]) for e in late} == {("2026-11-20", "2026-11-22")}
    assert api.read("/ledger/trial-balance", as_of="2026-11-21") == {}
    refused(api.post("/ledger/closings", {"through": "2026-11-21"}, by="write"), 403)
    refused(api.post("/ledger/closings/reopen", {"reason": " "}), 422, "reason")
    opened = api.make("/ledger/closings/reopen", {"reason": "A bill was missing"})
    assert (opened["through"], len(opened["closings"])) == (None, 2)
    api.sound()


def test_there_is_no_such_entry(api):
    refused(api.get("/ledger/entries/je_none"), 404)


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("trial-balance", {"as_of": "today"}, "as_of"),
        ("trial-balance", {"as_off": "2026-11-22"}, "as_off"),
        ("entries", {"role": "petty_cash"}, "role"),
        ("entries", {"currency": "XXY"}, "currency"),
        ("entries", {"limit": "0"}, "limit"),
        ("entries", {"limit": "201"}, "limit"),
        ("entries", {"limit": "1e1"}, "limit"),
        ("entries", {"cursor": "!!"}, "cursor"),
        ("entries", {"payment_id": ""}, "payment_id"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(api, path, query, field):
    refused(api.get(f"/ledger/{path}", **query), 422, field)


@pytest.mark.parametrize("path", ["accounts", "entries", "trial-balance"])
def test_nothing_is_written_to_the_ledger_from_outside(api, path):
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        with api.unchanged():
            refused(api.call(method, f"/ledger/{path}"), 405)
