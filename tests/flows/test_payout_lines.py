"""What a payout consists of: listed whole, kept once; it adds up, or a person is asked."""

import pytest

from reconciler.flows.ask_rail import ask_rail


def sold(office, payments=3):
    """Some money on the balance, and free to be paid out."""
    made = [office.world.pay(1_000 + n) for n in range(payments)]
    office.world.refund(made[0].charge, 300)
    office.world.other_row(-45)
    office.clock.advance(days=3)
    return made


def paid_out(office):
    """An automatic payout at the bank; gives its id."""
    payout = office.world.payout()
    office.world.pay_payout(payout)
    return payout


def told(office, *, drain=True):
    office.deliver(*office.world.events())
    office.apply()
    if drain:
        office.drain()


def shown(office, payout):
    (row,) = office.rows(
        """select id, amount, line_count, lines_net, listed_at, fetch_due_at from payout
        where rail_payout_id = :payout""",
        payout=payout,
    )
    return row


def asked(office, kind="payout_difference"):
    return office.rows(
        """select subject, amount, currency, state, details from review_item
        where kind = :kind order by opened_at, id""",
        kind=kind,
    )


def hidden(office, payout, count):
    """Members that the rail does not list yet, as when a page is missing."""
    rows = office.world.table("balance_transaction").values()
    members = [row for row in rows if row.get("_payout") == payout and row["source"] != payout]
    for row in members[-count:]:
        row["_payout"] = None
    return members[-count:]


def test_an_automatic_payout_is_the_sum_of_its_lines(office):
    sold(office)
    payout = paid_out(office)
    told(office)
    row = shown(office, payout)
    assert (row.line_count, row.lines_net) == (5, row.amount)
    assert row.fetch_due_at is None
    assert asked(office) == []
    lines = office.rows("select * from payout_line where payout_id = :id", id=row.id)
    assert {line.source for line in lines} >= {None, *office.world.table("charge")}
    assert payout not in {line.source for line in lines}
    assert office.violations() == []


@pytest.mark.thorough
def test_all_pages_of_the_lines_are_read(office):
    sold(office, payments=130)
    payout = paid_out(office)
    told(office)
    row = shown(office, payout)
    assert (row.line_count, row.lines_net) == (132, row.amount)
    pages = [call for call in office.line.calls if call == "GET /v1/balance_transactions"]
    assert len(pages) >= 2
    assert asked(office) == []


def test_many_messages_are_one_question_to_the_rail(office):
    sold(office)
    payout = paid_out(office)
    told(office, drain=False)
    office.line.calls.clear()
    office.clock.advance(seconds=3)
    ask_rail(office.runtime)
    assert office.line.calls.count(f"GET /v1/payouts/{payout}") == 1
    office.deliver(*office.world.events())
    office.drain()
    assert office.line.calls.count(f"GET /v1/payouts/{payout}") == 1


@pytest.mark.thorough
def test_lines_that_fall_short_are_a_rest_until_the_rail_shows_the_others(office):
    """Trap 75: a page is missing."""
    sold(office, payments=5)
    payout = paid_out(office)
    missing = hidden(office, payout, 2)
    told(office, drain=False)
    office.clock.advance(seconds=3)
    ask_rail(office.runtime)
    row, rest = shown(office, payout), sum(line["net"] for line in missing)
    assert row.amount - row.lines_net == rest
    (question,) = asked(office)
    assert (question.subject, question.amount, question.currency) == (row.id, rest, "USD")
    assert question.details["payout"] == payout
    for line in missing:
        line["_payout"] = payout
    office.drain()
    row = shown(office, payout)
    assert (row.lines_net, row.fetch_due_at) == (row.amount, None)
    assert [question.state for question in asked(office)] == ["resolved"]


@pytest.mark.thorough
def test_what_never_adds_up_is_asked_for_less_and_less_and_stays_a_rest(office):
    sold(office)
    payout = paid_out(office)
    hidden(office, payout, 1)
    told(office)
    assert shown(office, payout).fetch_due_at is None
    assert 5 < office.line.calls.count(f"GET /v1/payouts/{payout}") < 15
    assert [question.state for question in asked(office)] == ["open"]


@pytest.mark.parametrize("is_instant", [True, False])
def test_of_a_manual_or_instant_payout_no_lines_are_demanded(office, is_instant):
    """Trap 74."""
    sold(office)
    payout = office.world.payout("usd", 900, automatic=False)
    if is_instant:
        office.world.table("payout")[payout]["method"] = "instant"
    office.world.pay_payout(payout)
    told(office)
    row = shown(office, payout)
    assert (row.line_count, row.listed_at, row.fetch_due_at) == (0, None, None)
    assert asked(office) == []
    assert office.scalar("select count(*) from payout_line") == 0
    assert office.violations() == []


def test_lines_are_asked_for_only_once_the_rail_knows_them(office):
    sold(office)
    payout = office.world.payout()
    told(office)
    row = shown(office, payout)
    assert (row.line_count, row.fetch_due_at) == (0, None)
    office.world.send_payout(payout)
    told(office)
    assert shown(office, payout).lines_net == row.amount


def test_a_payout_whose_end_nobody_told_of_is_asked_about_until_it_is_listed(office):
    sold(office)
    payout = paid_out(office)
    office.world.table("payout")[payout]["reconciliation_status"] = "in_progress"
    (paid,) = [e for e in office.world.events() if e["type"] == "payout.paid"]
    paid["data"]["object"]["reconciliation_status"] = "in_progress"
    office.deliver(paid)
    office.apply()
    office.clock.advance(seconds=3)
    ask_rail(office.runtime)
    assert shown(office, payout).fetch_due_at is not None
    office.world.table("payout")[payout]["reconciliation_status"] = "completed"
    office.drain()
    row = shown(office, payout)
    assert (row.lines_net, row.fetch_due_at) == (row.amount, None)


@pytest.mark.thorough
def test_lines_that_nobody_told_of_are_taken_in(office):
    """Movements of known payments, and of none, come in with the payout that carries them."""
    sold(office)
    payout = paid_out(office)
    events = office.world.events()
    office.deliver(*(e for e in events if e["type"].startswith(("payout.", "charge.succeeded"))))
    office.drain()
    assert shown(office, payout).lines_net == shown(office, payout).amount
    assert office.scalar("select sum(amount) from balance_movement") == -45
    assert office.scalar("select count(*) from rail_object where kind = 'balance_transaction'") == 6
    assert office.violations() == []


def test_the_return_of_a_failed_payout_is_a_line_of_the_one_that_carries_it(office):
    sold(office)
    first = paid_out(office)
    office.world.fail_payout(first)
    office.world.pay(2_000)
    office.clock.advance(days=3)
    second = paid_out(office)
    told(office)
    for payout in (first, second):
        row = shown(office, payout)
        assert row.lines_net == row.amount
    sources = office.rows(
        "select source from payout_line where payout_id = :id", id=shown(office, second).id
    )
    assert first in {row.source for row in sources}
    assert [question.state for question in asked(office, "payout_failed")] == ["open"]
    assert office.violations() == []


def test_a_rail_that_cannot_be_had_is_asked_again(office):
    sold(office)
    payout = paid_out(office)
    kept = office.world.table("payout").pop(payout)
    told(office, drain=False)
    office.clock.advance(seconds=3)
    ask_rail(office.runtime)
    assert shown(office, payout).listed_at is None
    office.world.table("payout")[payout] = kept
    office.drain()
    assert shown(office, payout).lines_net == shown(office, payout).amount
