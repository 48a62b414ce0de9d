"""Runs: whatever was missed is found and healed by one, and the next finds nothing."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from benchmarks.planted import KIND, Planted, put
from reconciler.books.rail_objects import Listed
from reconciler.books.reconciliation import Window
from reconciler.errors import Conflict, Invalid
from reconciler.flows import reconcile as flow
from reconciler.rails.stripe.client import StripeApi
from reconciler.rails.stripe.rail import StripeRail
from reconciler.reads import reconciliation as reads
from reconciler.sandbox.rows import Movement, Rate
from reconciler.services import reconciliation, run_pages, run_plans
from reconciler.services.reconciliation import BACKFILL, OPEN_ITEMS, OWN, WINDOW
from tests.builders import balances
from tests.runtime import A_WEEK


def begin(office, back=A_WEEK, purpose=WINDOW):
    office.clock.advance(minutes=3)
    now = office.clock()
    window = Window(now - back, now - timedelta(minutes=2))
    return office.do(
        lambda work: reconciliation.start(work, "stripe", OWN, window, purpose=purpose)
    )


def run(office, back=A_WEEK, purpose=WINDOW):
    run_id = begin(office, back, purpose)
    while flow.carry_on(office.runtime):
        pass
    with office.runtime.read() as session:
        return reads.one(session, run_id)


def change(office, statement):
    """Something goes wrong behind everybody's back."""
    with Session(office.runtime.engine) as session:
        session.execute(sa.text(statement))
        session.commit()


def left(told):
    return [(d.kind, d.object_kind, d.rail_object) for d in told.discrepancies if not d.healed]


def totals(office):
    return office.rows(
        """select rail_payment_id, status, captured, refunded, lost, fee from payment order by 1"""
    ), office.rows(
        """select a.role, a.currency, sum(p.amount)::bigint as amount from posting p
        join ledger_account a on a.id = p.account_id group by 1, 2 order by 1, 2"""
    )


def a_busy_week(office, payments=12):
    world = office.world
    made = [world.pay(1_000 + 10 * n, ("usd", "eur", "jpy")[n % 3]) for n in range(payments)]
    world.refund(made[0].charge, 300)
    world.refund(made[1].charge)
    world.dispute(made[2].charge)
    world.close_dispute(world.dispute(made[3].charge), "lost")
    return made


# None was delivered, a third, and in `./test --all` nearly all.
@pytest.mark.parametrize("seed", [0, 1, pytest.param(2, marks=pytest.mark.thorough)])
def test_whatever_was_not_delivered_is_healed_once(office, seed):
    a_busy_week(office)
    events = office.world.events()
    kept = random.Random(seed).sample(events, (0, len(events) // 3, len(events) - 5)[seed])
    office.deliver(*kept)
    office.apply()
    told = run(office)
    assert (told.status, told.drift, left(told)) == ("done", {}, [])
    assert told.healed > 0
    healed = totals(office)
    assert office.violations() == []
    assert office.unfinished() == []
    again = run(office)
    assert (again.healed, left(again), again.discrepancies) == (0, [], [])
    assert again.checked == again.matched > 0
    office.deliver(*events)
    office.drain()
    assert totals(office) == healed, "the full delivery has nothing to add"


@pytest.mark.thorough
def test_pages_are_all_read(office):
    for n in range(130):
        office.world.pay(1_000 + n)
    told = run(office)
    assert told.status == "done"
    assert office.scalar("select count(*) from payment") == 130
    assert office.scalar("select pages from reconciliation_step where kind = 'charge'") == 2
    assert (told.drift, office.violations()) == ({}, [])


def test_a_run_that_is_stopped_anywhere_is_carried_on_with_the_same_result(office, monkeypatch):
    a_busy_week(office)
    run_id = begin(office)
    rounds = 0
    while office.scalar("select state from reconciliation_run") == "running":
        calls = iter(range(100))
        step = office.runtime.rails["stripe"].list_page

        def dies(*given, step=step, calls=calls, stop=rounds % 3):
            if next(calls) == stop:
                raise RuntimeError("killed")
            return step(*given)

        with monkeypatch.context() as patch:
            patch.setattr(office.runtime.rails["stripe"], "list_page", dies, raising=False)
            try:
                flow.carry_on(office.runtime)
            except RuntimeError:
                office.clock.advance(minutes=4)  # nobody holds it any more
        rounds += 1
        assert rounds < 50
    assert rounds > 2
    with office.runtime.read() as session:
        told = reads.one(session, run_id)
    assert (told.status, told.drift, left(told)) == ("done", {}, [])
    assert office.violations() == []


def test_never_two_at_once(office):
    begin(office)
    with pytest.raises(Conflict, match="under way"):
        begin(office)


def test_a_window_that_is_still_to_come_is_refused(office):
    now = office.clock()
    for since, until, field in (
        (now, now + A_WEEK, "until"),
        (now, now - A_WEEK, "since"),
    ):
        window = Window(since, until)
        with pytest.raises(Invalid) as refused:
            office.do(lambda work, w=window: reconciliation.start(work, "stripe", OWN, w))
        assert refused.value.field == field


@pytest.mark.thorough
def test_a_surplus_is_a_discrepancy_and_waits_for_a_person(office):
    made = a_busy_week(office)
    office.deliver(*office.world.events())
    office.drain()
    del office.world.truth.tables["charge"][made[5].charge]
    told = run(office)
    assert ("missing_there", "charge", made[5].charge) in left(told)
    asked = office.rows("select kind, subject from review_item where kind = 'drift'")
    assert made[5].charge in {row.subject for row in asked}


@pytest.mark.thorough
def test_an_amount_that_differs_is_named(office):
    made = a_busy_week(office)
    office.deliver(*office.world.events())
    office.drain()
    office.world.truth.tables["charge"][made[5].charge]["amount_captured"] -= 100
    told = run(office)
    (found,) = [d for d in told.discrepancies if d.rail_object == made[5].charge]
    assert (found.kind, found.healed) == ("amount", False)
    assert found.expected["amount"] == found.actual["amount"] - 100


def test_an_event_that_nobody_took_up_is_applied(office):
    payment = office.world.pay(1_000)
    office.deliver(*office.world.events())
    office.apply()
    change(office, "update inbox_horizon set seq = (select max(seq) from inbox_event)")
    change(office, "delete from inbox_outcome where seq = (select min(seq) from inbox_outcome)")
    told = run(office)
    healed = [(d.kind, d.object_kind) for d in told.discrepancies if d.healed]
    assert ("not_applied", "event") in healed
    assert office.unfinished() == []
    assert payment.charge


@pytest.mark.spoilt
def test_a_ledger_that_says_otherwise_is_named(office):
    office.world.pay(1_000)
    office.deliver(*office.world.events())
    office.drain()
    change(office, "update payment set refunded = 400")
    told = run(office)
    payment_id = office.scalar("select id from payment")
    assert ("not_booked", "payment", payment_id) in left(told)


@pytest.mark.thorough
def test_a_movement_that_no_one_can_explain_is_drift(office):
    office.world.pay(1_000)
    office.deliver(*office.world.events())
    office.drain()
    with office.world.at(int((office.clock() - timedelta(days=30)).timestamp())):
        office.world.other_row(-250)
    told = run(office)
    assert told.drift == {"USD": -250}
    assert ("balance", "balance", "USD") in left(told)


def test_movements_of_no_payment_are_taken_in(office):
    office.world.other_row(-250)
    told = run(office)
    assert (told.drift, left(told)) == ({}, [])
    assert office.scalar("select -amount from balance_movement") == 250
    assert office.violations() == []


@pytest.mark.sampled(2)
@pytest.mark.parametrize("no_intent", [False, True])
def test_a_movement_of_a_payment_is_placed_by_the_charge_it_names(office, no_intent):
    charge = office.world.pay(1_000, no_intent=no_intent).charge
    office.deliver(*office.world.events())
    office.drain()
    with office.world.together():
        office.world.book(Movement("stripe_fee", "network_cost", charge, -12, Rate("usd")))
    told = run(office)
    assert (told.healed, told.drift, left(told)) == (1, {}, [])
    assert balances(office)["processing_fees"] == 59 + 12
    assert office.scalar("select count(*) from balance_movement") == 0


def test_a_payout_that_no_event_told_of_is_taken_in(office):
    office.world.pay(5_000)
    office.clock.advance(days=3)
    payout = office.world.payout()
    told = run(office)
    assert payout in {found.rail_object for found in told.discrepancies}
    assert (told.drift, left(told)) == ({}, [])
    office.world.fail_payout(payout)
    told = run(office)
    assert (told.drift, left(told)) == ({}, [])
    assert office.scalar("select status from payout") == "failed"
    assert run(office).healed == 0
    assert office.violations() == []


@pytest.mark.thorough
def test_what_came_before_the_rail_forgot_its_events_is_healed_from_its_objects(office):
    a_busy_week(office)
    office.clock.advance(days=40)
    told = run(office, back=timedelta(days=60))
    assert (told.status, told.drift, left(told)) == ("done", {}, [])
    assert office.scalar("select count(*) from payment") == 12
    assert office.violations() == []


@pytest.mark.thorough
def test_a_refund_that_fails_after_a_month_is_seen_without_an_event(office):
    payment = office.world.pay(5_000)
    refund = office.world.refund(payment.charge, 2_000)
    office.deliver(*office.world.events())
    office.drain()
    office.clock.advance(days=29)
    office.world.advance_refund(refund, "failed", "expired_or_canceled_card")
    assert office.scalar("select refunded from payment") == 2_000
    told = run(office, purpose=OPEN_ITEMS, back=timedelta(days=1))
    assert ("refund", refund) in {(d.object_kind, d.rail_object) for d in told.discrepancies}
    assert left(told) == []
    assert office.scalar("select refunded from payment") == 0
    assert office.violations() == []


def test_a_hold_that_is_captured_after_most_of_a_year_is_seen_without_an_event(office):
    hold = office.world.authorize(5_000)
    office.deliver(*office.world.events())
    office.drain()
    office.clock.advance(days=250)
    office.world.capture(hold.intent)
    told = run(office, purpose=OPEN_ITEMS, back=timedelta(days=1))
    assert (left(told), office.scalar("select captured from payment")) == ([], 5_000)
    assert office.violations() == []


def test_a_dispute_that_ends_after_months_is_seen_without_an_event(office):
    payment = office.world.pay(5_000)
    dispute = office.world.dispute(payment.charge)
    office.deliver(*office.world.events())
    office.drain()
    office.clock.advance(days=100)
    office.world.close_dispute(dispute, "lost")
    told = run(office, purpose=OPEN_ITEMS, back=timedelta(days=1))
    assert left(told) == []
    assert office.scalar("select lost from payment") == 5_000
    assert office.violations() == []


@pytest.mark.thorough
def test_an_outage_of_five_days_closes_by_itself(office):
    office.world.pay(1_000)
    office.deliver(*office.world.events())
    office.drain()
    assert run(office).status == "done"
    office.clock.advance(days=5)
    a_busy_week(office)
    office.clock.advance(minutes=10)
    marks = office.do(lambda work: reconciliation.marks(work.session, "stripe", OWN))
    fast = next(plan for plan in run_plans.PLANS if plan.name == "fast")
    run_id = office.do(lambda work: run_plans.begin_due(work, fast, "stripe", OWN))
    flow.carry_on(office.runtime)
    with office.runtime.read() as session:
        told = reads.one(session, run_id)
        complete = {one.kind: one.until for one in reads.complete(session)}
    assert told.since < min(marks.values())
    assert (told.status, told.drift, left(told)) == ("done", {}, [])
    assert set(complete.values()) == {told.until}
    assert office.scalar("select count(*) from payment") == 13


def test_each_tick_begins_one_run(office):
    fast = next(plan for plan in run_plans.PLANS if plan.name == "fast")

    def begun():
        return office.do(lambda work: run_plans.begin_due(work, fast, "stripe", OWN))

    assert begun()
    assert flow.carry_on(office.runtime)
    assert begun() is None
    office.clock.advance(minutes=15)
    assert begun()


@pytest.mark.thorough
def test_a_job_begins_and_ends_all_that_is_due(office):
    a_busy_week(office)
    office.clock.advance(minutes=3)
    for _ in range(len(run_plans.PLANS) + 1):
        flow.reconcile(office.runtime)
    runs = office.rows("select purpose, state from reconciliation_run order by started_at, id")
    assert [row.state for row in runs] == ["done"] * len(run_plans.PLANS)
    assert office.scalar("select count(*) from payment") == 12


@pytest.mark.thorough
def test_a_backfill_takes_in_the_past_without_a_line_for_each(office):
    a_busy_week(office)
    told = run(office, purpose=BACKFILL)
    assert (told.status, told.drift, told.discrepancies) == ("done", {}, [])
    assert told.healed > 12
    assert office.violations() == []


def test_while_the_rail_refuses_our_key_a_run_says_so_and_waits(office):
    run_id = begin(office)
    api = StripeApi(
        "sk_test_another", office.runtime.settings.stripe_api_base, pause=lambda _: None
    )
    rail = StripeRail(office.runtime.settings, office.clock, api)
    flow.carry_on(replace(office.runtime, rails={"stripe": rail}))
    with office.runtime.read() as session:
        told = reads.one(session, run_id)
    assert (told.status, "STRIPE_SECRET_KEY" in told.error) == ("running", True)
    assert not flow.carry_on(office.runtime), "it waits a minute"
    office.clock.advance(seconds=61)
    assert flow.carry_on(office.runtime)
    with office.runtime.read() as session:
        told = reads.one(session, run_id)
    assert (told.status, told.error) == ("done", None)


@pytest.mark.spoilt
@pytest.mark.parametrize("page", [6_000, 2_000])
def test_shown_at_once_or_page_by_page_the_same_is_found(office, page):
    sides = Planted(6_000)
    known = sides.known()
    while office.do(lambda work: put(work.session, known)):
        pass
    window = Window(*(datetime.fromtimestamp(at, UTC) for at in (sides.since, sides.until)))
    run_id = office.do(lambda work: reconciliation.start(work, "stripe", OWN, window))
    held = office.do(reconciliation.take_waiting)
    listed = [Listed(id=view.id, made=view.made, view=view) for view in sides.shown()]
    step = office.do(lambda work: reconciliation.step(work, held, KIND))
    for begins in range(0, len(listed), page):
        cursor = "more" if begins + page < len(listed) else None
        before, rows = step, listed[begins : begins + page]
        step = office.do(lambda work: run_pages.take(work, held, KIND, before, rows, cursor))  # noqa: B023  run at once
    assert step.is_complete
    noted = office.rows("select rail_object, difference from reconciliation_discrepancy")
    assert {row.rail_object: row.difference for row in noted} == sides.differences
    counted = office.rows("select rows, matched from reconciliation_step where is_complete")
    assert [tuple(row) for row in counted] == [(len(listed), len(listed) - 5)], run_id
