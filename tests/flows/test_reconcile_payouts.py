"""Runs hold the ledger against the payouts: each fault is named, and healed or asked about."""

from datetime import timedelta

import pytest

from reconciler.books import accounts
from reconciler.books.journal import JournalEntry, lines
from reconciler.flows import reconcile as flow
from reconciler.money import Money
from reconciler.services import ledger
from reconciler.services.reconciliation import OPEN_ITEMS
from tests.flows.test_reconcile import begin, change, left, run

pytestmark = pytest.mark.sampled(2)

LINE, PAYOUT = "balance_transaction", "payout"
A_DAY = timedelta(days=1)


def a_payout(office, payments=3):
    """Some payments, paid out and at the bank; gives the payout's id."""
    for n in range(payments):
        office.world.pay(1_000 + n)
    office.clock.advance(days=3)
    payout = office.world.payout()
    office.world.pay_payout(payout)
    return payout


def heard(office):
    office.deliver(*office.world.events())
    office.drain()


def members(office, payout):
    rows = office.world.table("balance_transaction").values()
    return [row for row in rows if row.get("_payout") == payout and row["source"] != payout]


def questions(office, state="open"):
    return office.rows(
        "select subject, details from review_item where kind = 'drift' and state = :state",
        state=state,
    )


def found(told, name):
    (one,) = [d for d in told.discrepancies if d.rail_object == name]
    return one


@pytest.mark.thorough
def test_where_everything_agrees_nothing_is_found(office):
    a_payout(office)
    heard(office)
    for purpose in (OPEN_ITEMS, "window"):
        told = run(office, purpose=purpose)
        assert (told.status, told.discrepancies, told.drift) == ("done", [], {})
    assert office.scalar("select rows from reconciliation_step where kind = 'open_payouts'") == 1


def test_a_payout_that_ends_long_after_is_seen_without_an_event(office):
    """No window reaches it any more, and no event tells of it."""
    office.world.pay(5_000)
    office.clock.advance(days=3)
    payout = office.world.payout()
    heard(office)
    office.clock.advance(days=100)
    office.world.pay_payout(payout)
    told = run(office, purpose=OPEN_ITEMS, back=A_DAY)
    one = found(told, payout)
    assert (one.kind, one.object_kind, one.healed) == ("state", PAYOUT, True)
    assert (one.expected["state"], one.actual["state"]) == ("paid", "pending")
    assert (left(told), told.healed) == ([], 1)
    row = office.rows("select status, amount, lines_net from payout")[0]
    assert (row.status, row.lines_net) == ("paid", row.amount)
    assert run(office, purpose=OPEN_ITEMS, back=A_DAY).discrepancies == []
    assert office.violations() == []


def test_a_payout_that_fails_after_it_was_paid_is_seen_without_an_event(office):
    payout = a_payout(office)
    heard(office)
    office.clock.advance(days=4)
    office.world.fail_payout(payout)
    told = run(office, purpose=OPEN_ITEMS, back=A_DAY)
    assert (found(told, payout).healed, left(told)) == (True, [])
    assert office.scalar("select status from payout") == "failed"
    held = "select sum(p.amount) from posting p join ledger_account a on a.id = p.account_id"
    assert office.scalar(f"{held} where a.role = 'bank'") == 0
    assert office.violations() == []


@pytest.mark.thorough
def test_a_payout_at_the_bank_for_good_is_not_read_again(office):
    a_payout(office)
    heard(office)
    office.clock.advance(days=30)
    office.line.calls.clear()
    run(office, purpose=OPEN_ITEMS, back=A_DAY)
    assert [call for call in office.line.calls if "/v1/payouts" in call] == []


def test_money_that_is_in_transit_for_too_long_is_asked_about_until_it_arrives(office):
    office.world.pay(5_000)
    office.clock.advance(days=3)
    payout = office.world.payout()
    office.world.send_payout(payout)
    heard(office)
    office.clock.advance(days=2 + 5)  # two days to arrive, five business days and a weekend
    assert left(run(office)) == []
    office.clock.advance(days=3)
    told = run(office)
    assert left(told) == [("in_transit", PAYOUT, payout)]
    one = found(told, payout)
    amount = office.scalar("select amount from payout")
    assert (one.actual["amount"], one.actual["state"]) == (amount, "in_transit")
    assert "ask the bank" in one.note
    assert [row.subject for row in questions(office)] == [payout]
    office.world.pay_payout(payout)
    heard(office)
    assert left(run(office)) == []
    assert (questions(office), len(questions(office, "resolved"))) == ([], 1)


def test_what_is_in_transit_for_no_payout_is_a_surplus(office):
    a_payout(office)
    heard(office)
    odd = lines(Money(77, "USD"), debit=accounts.PAYOUTS_IN_TRANSIT, credit=accounts.BANK)
    office.do(lambda work: ledger.post(work, [JournalEntry(key="odd", postings=odd)]))
    told = run(office)
    assert left(told) == [("missing_there", "account", "payouts_in_transit USD")]
    assert found(told, "payouts_in_transit USD").actual["amount"] == 77
    assert "booked for no payout" in found(told, "payouts_in_transit USD").note


def test_a_payout_that_the_ledger_has_otherwise_is_named(office):
    payout = a_payout(office)
    heard(office)
    change(office, "update payout set amount = amount + 1")
    told = run(office)
    assert ("not_booked", PAYOUT, payout) in left(told)
    change(office, "update payout set amount = amount - 1")
    assert left(run(office)) == []
    assert questions(office) == []


def test_a_rest_is_named_once_and_its_question_is_its_own(office):
    payout = a_payout(office)
    hidden = members(office, payout)[-1]
    hidden["_payout"] = None
    heard(office)
    told = run(office)
    assert left(told) == [("payout", PAYOUT, payout)]
    one = found(told, payout)
    assert one.expected["amount"] - one.actual["amount"] == hidden["net"]
    assert "is in none of its 2 lines" in one.note
    assert questions(office) == []
    asked = "select state from review_item where kind = 'payout_difference'"
    assert office.scalar(asked) == "open"
    hidden["_payout"] = payout
    told = run(office, purpose=OPEN_ITEMS, back=A_DAY)
    assert left(told) == []
    assert office.scalar(asked) == "resolved"


def test_a_line_of_a_payment_that_nobody_heard_of_heals_that_payment(office):
    payout = a_payout(office)
    events = office.world.events()
    office.deliver(*(e for e in events if e["type"].startswith("payout.")))
    office.drain()
    assert office.scalar("select count(*) from payment") == 0
    told = run(office, purpose=OPEN_ITEMS, back=timedelta(hours=1))
    parts = {row["id"] for row in members(office, payout)}
    healed = {d.rail_object for d in told.discrepancies if d.healed}
    assert (parts <= healed, left(told), told.drift) == (True, [], {})
    assert office.scalar("select count(*) from payment") == 3
    assert office.violations() == []
    assert run(office, purpose=OPEN_ITEMS, back=timedelta(hours=1)).healed == 0


def test_a_line_that_the_books_have_otherwise_is_for_a_person(office):
    payout = a_payout(office)
    heard(office)
    line = members(office, payout)[0]
    change(office, f"update rail_object set amount = amount - 7 where object_id = '{line['id']}'")
    told = run(office, purpose=OPEN_ITEMS, back=A_DAY)
    assert ("amount", LINE, line["id"]) in left(told)
    one = found(told, line["id"])
    assert one.expected["amount"] == one.actual["amount"] + 7 == line["net"]
    change(office, f"update rail_object set amount = amount + 7 where object_id = '{line['id']}'")
    run(office, purpose=OPEN_ITEMS, back=A_DAY)
    assert line["id"] not in {row.subject for row in questions(office)}


def test_a_line_that_the_rail_does_not_list_any_more_is_a_surplus(office):
    payout = a_payout(office)
    heard(office)
    line = members(office, payout)[0]
    line["_payout"] = None
    told = run(office, purpose=OPEN_ITEMS, back=A_DAY)
    assert ("missing_there", LINE, line["id"]) in left(told)
    assert f"{payout} consisted of it" in found(told, line["id"]).note
    assert line["id"] in {row.subject for row in questions(office)}


def test_a_movement_that_is_in_two_payouts_is_named(office):
    first = a_payout(office)
    heard(office)
    line = members(office, first)[0]
    second = a_payout(office)
    line["_payout"] = second
    heard(office)
    told = run(office)
    assert ("twice", LINE, line["id"]) in left(told)
    note = found(told, line["id"]).note
    assert (first in note, second in note) == (True, True)


def test_a_payout_that_the_rail_does_not_know_is_a_surplus(office):
    payout = a_payout(office)
    heard(office)
    del office.world.truth.tables["payout"][payout]
    told = run(office, purpose=OPEN_ITEMS, back=A_DAY)
    assert ("missing_there", PAYOUT, payout) in left(told)
    assert "see at the rail" in found(told, payout).note


@pytest.mark.parametrize("batches", [1, 2])
def test_a_run_that_is_stopped_among_payouts_goes_on_from_there(office, batches):
    for _ in range(25):
        office.world.pay_payout(office.world.payout("usd", 900, automatic=False))
    heard(office)
    begin(office, purpose=OPEN_ITEMS)
    rail, looks = office.runtime.rails["stripe"], []
    fetch = rail.fetch_payout

    def slow(facts):
        looks.append(facts.payout_id)
        if len(looks) % (10 * batches) == 0:
            office.clock.advance(seconds=30)
        return fetch(facts)

    rail.fetch_payout = slow
    rounds = 0
    while office.scalar("select state from reconciliation_run") == "running":
        flow.carry_on(office.runtime, ends_at=office.clock() + timedelta(seconds=20))
        rounds += 1
        assert rounds < 10
    assert (len(looks), len(set(looks))) == (25, 25)
    assert rounds > 1
