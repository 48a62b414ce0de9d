"""What is promised of payments, deposits and refunds: one short story for each line in README.

The number in a test's name is the promise's; README says in words what each of them is.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import permutations

import psycopg
import pytest

from tests.runtime import by_kind
from tests.web.api import refused

BY_HAND = {"source": "bank_transfer", "received_on": "2026-11-20"}


def question_about(api, payment):
    [item] = api.read("/review-items", payment_id=payment["id"], state="open")["data"]
    return item


def received(api, amount, **more):
    """A deposit whose money has come, by hand."""
    deposit = api.a_deposit(amount, **more)
    return api.make(f"/deposits/{deposit['id']}/receipts", BY_HAND)


def booked(api, **of) -> dict[str, int]:
    """What the entries of a document come to, debits positive."""
    sums: dict[str, int] = {}
    for entry in api.read("/ledger/entries", limit=200, **of)["data"]:
        for line in entry["postings"]:
            amount = line["debit"] - line["credit"]
            sums[line["role"]] = sums.get(line["role"], 0) + amount
    return {role: amount for role, amount in sums.items() if amount}


def test_15_cumulative_figures_in_any_order_and_twice_come_to_what_was_refunded(api):
    invoice = api.an_invoice(10_000)
    payment = api.paid(10_000, metadata={"invoice": invoice["number"]})
    before = api.office.world.events_made()
    for amount in (3_000, 5_000):
        api.office.world.refund(payment["rail_payment_id"], amount)
    first, second = by_kind(api.office.world.events(before), "charge.refunded")
    assert [e["data"]["object"]["amount_refunded"] for e in (first, second)] == [3_000, 8_000]
    for event in (second, first, first, second, first):
        assert api.office.deliver(event) == [200]
        api.office.drain()
    assert api.read(f"/payments/{payment['id']}")["refunded"] == 8_000
    api.settle()
    assert api.read(f"/payments/{payment['id']}")["refunded"] == 8_000
    api.sound()


@pytest.mark.parametrize(
    "how",
    [
        lambda invoice: {"metadata": {"invoice_number": f" {invoice['number'].lower()} "}},
        lambda invoice: {"metadata": {"invoice_id": invoice["id"]}},
        lambda invoice: {"description": f"Kitchen, {invoice['number']}, thank you"},
    ],
    ids=["number", "id", "description"],
)
def test_29_a_sure_identifier_ties_the_money_and_says_why(api, how):
    invoice = api.an_invoice(10_000)
    payment = api.paid(4_000, **how(invoice))
    assert [a["invoice_id"] for a in payment["allocations"]] == [invoice["id"]]
    assert payment["match"]["reasons"]
    found = api.read(f"/invoices/{invoice['id']}")
    assert (found["status"], found["outstanding"]) == ("partially_paid", 6_000)


def test_29_metadata_goes_before_a_number_in_the_description(api):
    named, written = api.an_invoice(5_000), api.an_invoice(5_000)
    payment = api.paid(
        5_000, metadata={"invoice": named["number"]}, description=f"for {written['number']}"
    )
    assert [a["invoice_id"] for a in payment["allocations"]] == [named["id"]]


def _known_payer(api) -> dict:
    rail_id = api.office.world.create_customer(name="Wire")
    return api.a_customer(rail_customers={"stripe": rail_id}) | {"rail_id": rail_id}


def test_31_one_transfer_for_two_invoices_is_proposed_and_nothing_is_guessed(api):
    payer = _known_payer(api)
    of = {"customer_id": payer["id"]}
    wanted = {api.an_invoice(total, **of)["id"] for total in (100_000, 200_000)}
    payment = api.paid(300_000, customer=payer["rail_id"])
    assert payment["allocations"] == []
    best = question_about(api, payment)["suggestions"][0]
    assert {part["invoice_id"] for part in best["allocations"]} == wanted


def test_31_two_possible_sums_are_both_shown_and_neither_is_applied(api):
    payer = _known_payer(api)
    of = {"customer_id": payer["id"]}
    for total in (10_000, 20_000, 12_000, 18_000):
        api.an_invoice(total, **of)
    payment = api.paid(30_000, customer=payer["rail_id"])
    assert (payment["allocations"], payment["unapplied"]) == ([], 30_000)
    sums = [
        {part["amount"] for part in one["allocations"]}
        for one in question_about(api, payment)["suggestions"]
        if len(one["allocations"]) == 2
    ]
    assert {10_000, 20_000} in sums
    assert {12_000, 18_000} in sums


def test_32_an_invoice_is_settled_once_by_however_many_payments_at_once(api):
    invoice = api.an_invoice(5_000)
    payments = [api.paid(5_000) for _ in range(4)]
    api.key("admin")

    def match(payment):
        part = {"invoice_id": invoice["id"], "amount": 5_000}
        path = f"/payments/{payment['id']}/allocations"
        return api.post(path, {"allocations": [part]}).status_code

    with ThreadPoolExecutor(4) as crowd:
        answers = list(crowd.map(match, payments))
    assert sorted(answers) == [201, 422, 422, 422]
    assert api.read(f"/invoices/{invoice['id']}")["paid"] == 5_000
    api.sound()


def test_35_what_a_person_set_by_hand_is_undone_to_what_it_was(api):
    invoice = api.an_invoice(9_000)
    payment = api.paid(4_000)
    before = api.read(f"/invoices/{invoice['id']}"), booked(api, payment_id=payment["id"])
    made = api.make(
        f"/payments/{payment['id']}/allocations",
        {"allocations": [{"invoice_id": invoice["id"], "amount": 4_000}]},
    )
    [part] = made["allocations"]
    assert api.read(f"/invoices/{invoice['id']}")["outstanding"] == 5_000
    undone = api.delete(f"/payments/{payment['id']}/allocations/{part['id']}").get_json()
    assert (undone["allocations"], undone["unapplied"]) == ([], 4_000)
    after = api.read(f"/invoices/{invoice['id']}")
    assert (after["paid"], after["outstanding"]) == (before[0]["paid"], before[0]["outstanding"])
    assert booked(api, payment_id=payment["id"]) == before[1]
    api.sound()


def test_38_a_deposit_is_a_liability_and_no_revenue(api):
    deposit = received(api, 60_000)
    sums = booked(api, deposit_id=deposit["id"])
    assert sums["customer_deposits"] == -60_000
    assert "revenue" not in sums
    assert "accounts_receivable" not in sums


def test_39_and_40_a_deposit_over_two_invoices_and_back(api):
    deposit = received(api, 60_000)
    path = f"/deposits/{deposit['id']}/applications"
    seen = [(deposit["applied_status"], deposit["remaining"])]
    for total in (40_000, 15_000, 5_000):
        invoice = api.an_invoice(total, customer_id=deposit["customer_id"])
        now = api.make(path, {"invoice_id": invoice["id"]})
        seen.append((now["applied_status"], now["remaining"]))
    for part in now["applications"]:
        now = api.delete(f"{path}/{part['id']}").get_json()
        seen.append((now["applied_status"], now["remaining"]))
    said = [status for status, _ in seen]
    assert said[:4] == ["unapplied", "partially_applied", "partially_applied", "completed"]
    assert seen[0] == seen[-1] == ("unapplied", 60_000)
    assert seen[2] == ("partially_applied", 5_000)
    assert booked(api, deposit_id=deposit["id"])["customer_deposits"] == -60_000
    api.sound()


def test_41_twenty_at_once_use_a_deposit_six_times_and_never_a_seventh(api):
    deposit = received(api, 60_000)
    of = {"customer_id": deposit["customer_id"]}
    invoices = [api.an_invoice(10_000, **of)["id"] for _ in range(20)]
    path = f"/deposits/{deposit['id']}/applications"
    api.key("admin")
    with ThreadPoolExecutor(10) as crowd:
        answers = list(crowd.map(lambda i: api.post(path, {"invoice_id": i}).status_code, invoices))
    assert sorted(answers) == [201] * 6 + [422] * 14
    assert api.read(f"/deposits/{deposit['id']}")["remaining"] == 0
    api.sound()


def test_43_the_rest_of_a_deposit_goes_back_without_an_invoice_made_for_it(api):
    deposit = api.a_deposit(60_000)
    api.paid(60_000, metadata={"deposit": deposit["code"]})
    invoice = api.an_invoice(40_000, customer_id=deposit["customer_id"])
    api.make(f"/deposits/{deposit['id']}/applications", {"invoice_id": invoice["id"]})
    of = {"deposit_id": deposit["id"], "reason": "cancellation"}
    refund = api.make("/refunds", of)
    assert refund["amount"] == 20_000
    api.settle()
    after = api.read(f"/deposits/{deposit['id']}")
    assert (after["refunded"], after["remaining"]) == (20_000, 0)
    assert api.read(f"/refunds/{refund['id']}")["status"] == "succeeded"
    assert len(api.read("/invoices", customer_id=deposit["customer_id"])["data"]) == 1
    assert api.read(f"/invoices/{invoice['id']}")["paid"] == 40_000
    api.sound()


def test_47_a_bank_debit_under_way_is_shown_apart_and_pays_nothing_yet(api):
    deposit = api.a_deposit(60_000)
    payment = api.paid(60_000, metadata={"deposit": deposit["code"]}, method="delayed")
    assert payment["status"] == "processing"
    waiting = api.read(f"/deposits/{deposit['id']}")
    assert (waiting["received"], waiting["payment_status"]) == (0, "pending")
    api.office.world.settle_delayed(payment["rail_payment_id"])
    api.settle()
    cleared = api.read(f"/deposits/{deposit['id']}")
    assert (cleared["received"], cleared["payment_status"]) == (60_000, "cleared")


def test_58_several_refunds_in_part_and_none_beyond_what_was_paid(api):
    invoice = api.an_invoice(10_000)
    payment = api.paid(10_000, metadata={"invoice": invoice["number"]})
    for amount in (1_000, 2_000, 7_000):
        asked = {"payment_id": payment["id"], "amount": amount, "reason": "goodwill"}
        api.make("/refunds", asked)
        api.settle()
    after = api.read(f"/payments/{payment['id']}")
    assert (after["refunded"], after["status"]) == (10_000, "refunded")
    with api.unchanged():
        refused(api.post("/refunds", asked | {"amount": 1}), 422)
    api.sound()


def test_59_a_refund_is_split_over_what_paid_the_invoice_each_part_on_its_own_rail(api):
    invoice = api.an_invoice(100_000)
    api.in_cash(invoice["id"], 70_000, source="bank_transfer")  # two days before
    by_card = api.paid(30_000, metadata={"invoice": invoice["number"]})
    of = {"invoice_id": invoice["id"], "amount": 80_000, "reason": "cancellation"}
    refund = api.make("/refunds", of)
    legs = {leg["rail"]: leg["amount"] for leg in refund["legs"]}
    assert legs == {"stripe": 30_000, "manual": 50_000}  # what came last goes back first
    api.settle()
    now = api.read(f"/refunds/{refund['id']}")
    assert {leg["rail"]: leg["status"] for leg in now["legs"]} == {
        "manual": "manual",
        "stripe": "succeeded",
    }
    assert api.read(f"/payments/{by_card['id']}")["refunded"] == 30_000
    api.sound()


def test_60_a_closed_card_leaves_the_rails_answer_and_a_way_that_is_recorded(api):
    invoice = api.an_invoice(10_000)
    payment = api.paid(10_000, metadata={"invoice": invoice["number"]})
    of = {"payment_id": payment["id"], "amount": 4_000, "reason": "goodwill"}
    refund = api.make("/refunds", of)
    api.settle()
    rail_refund = api.read(f"/refunds/{refund['id']}")["rail_refund_id"]
    api.office.world.advance_refund(rail_refund, "failed", "expired_or_canceled_card")
    api.settle()
    after = api.read(f"/refunds/{refund['id']}")
    assert (after["status"], after["failure"]) == ("failed", "expired_or_canceled_card")
    assert api.read(f"/payments/{payment['id']}")["refunded"] == 0
    assert api.read("/review-items", kind="refund_failed", payment_id=payment["id"])["data"]
    api.sound()


def test_62_a_refund_made_at_the_rail_is_booked_and_asked_about_with_a_split(api):
    invoice = api.an_invoice(10_000)
    payment = api.paid(10_000, metadata={"invoice": invoice["number"]})
    api.office.world.refund(payment["rail_payment_id"], 4_000)
    api.settle()
    item = question_about(api, payment)
    assert (item["kind"], item["amount"]) == ("external_refund", 4_000)
    assert [(p["invoice_id"], p["amount"]) for p in item["took_from"]] == [(invoice["id"], 4_000)]
    assert api.read(f"/payments/{payment['id']}")["refunded"] == 4_000
    api.sound()


@pytest.mark.parametrize(
    ("reason", "paid", "credited", "outstanding"),
    [
        ("partial_scope", 6_000, 4_000, 0),  # less was done: nobody owes it
        ("duplicate", 10_000, 0, 0),  # it came out of what was too much
    ],
)
def test_63_a_refund_takes_from_what_its_reason_says(api, reason, paid, credited, outstanding):
    invoice = api.an_invoice(10_000)
    excess = 4_000 if reason == "duplicate" else 0
    payment = api.paid(10_000 + excess, metadata={"invoice": invoice["number"]})
    of = {"payment_id": payment["id"], "amount": 4_000, "reason": reason}
    refund = api.make("/refunds", of)
    api.settle()
    now = api.read(f"/invoices/{invoice['id']}")
    assert (now["paid"], now["credited"], now["outstanding"]) == (paid, credited, outstanding)
    back = api.read(f"/payments/{payment['id']}")
    assert back["refunded"] == api.read(f"/refunds/{refund['id']}")["amount"] == 4_000
    api.sound()


def test_67_no_refund_without_a_reason(api):
    invoice = api.an_invoice(10_000)
    payment = api.paid(10_000, metadata={"invoice": invoice["number"]})
    with api.unchanged():
        refused(api.post("/refunds", {"payment_id": payment["id"], "amount": 100}), 422, "reason")
    of = {"payment_id": payment["id"], "amount": 100, "reason": "goodwill", "note": "Late by a day"}
    assert api.make("/refunds", of)["note"] == "Late by a day"


def test_73_revenue_is_gross_and_the_fee_has_its_own_account(api):
    invoice = api.an_invoice(100_000)
    payment = api.paid(100_000, metadata={"invoice": invoice["number"]})
    sums = booked(api, payment_id=payment["id"])
    assert sums["processing_fees"] == payment["fee"] == 2_930
    assert sums["clearing"] == 100_000 - 2_930
    assert booked(api, invoice_id=invoice["id"])["revenue"] == -100_000


def test_83_an_entry_that_does_not_balance_is_refused_by_the_database(api):
    api.an_invoice(10_000)
    entry = """insert into journal_entry (id, key, cause_kind, cause_id, at)
      values ('je_crooked', 'crooked', 'person', 'usr_1', now())"""
    postings = """insert into posting (entry_id, line, account_id, amount)
      select 'je_crooked', row_number() over (), id, case role when 'revenue' then -9 else 10 end
      from ledger_account where role in ('revenue', 'accounts_receivable') and currency = 'USD'"""
    url = api.office.runtime.settings.database_url.replace("+psycopg", "")
    with closing(psycopg.connect(url)) as line:
        line.execute(entry)
        line.execute(postings)
        with pytest.raises(psycopg.errors.CheckViolation) as refusal:
            line.commit()
    assert refusal.value.diag.constraint_name == "entry_balances"
    api.sound()


def test_92_more_than_was_owed_shows_how_much_and_what_can_be_done(api):
    invoice = api.an_invoice(100_000)
    payment = api.paid(105_000, metadata={"invoice": invoice["number"]})
    item = question_about(api, payment)
    assert (item["kind"], item["amount"], item["currency"]) == ("overpayment", 5_000, "USD")
    assert "refund" in item["actions"]
    customer = api.read(f"/customers/{invoice['customer_id']}")
    assert customer["credit"] == {"USD": 5_000}


def test_15_every_order_of_a_payments_events_comes_to_the_same(empty_api):
    api = empty_api
    seen = set()
    for order in permutations(range(3)):
        invoice = api.an_invoice(10_000)
        before = api.office.world.events_made()
        made = api.office.world.pay(10_000, "usd", metadata={"invoice": invoice["number"]})
        api.office.world.refund(str(made.intent), 2_500)
        events = by_kind(
            api.office.world.events(before), "charge.succeeded", "payment_intent.succeeded",
            "charge.refunded",
        )  # fmt: skip
        for place in order:
            api.office.deliver(events[place], events[place])
            api.office.drain()
        api.settle()
        now = api.read(f"/invoices/{invoice['id']}")
        seen.add((now["paid"], now["credited"], now["outstanding"], now["status"]))
    assert len(seen) == 1
    api.sound()
