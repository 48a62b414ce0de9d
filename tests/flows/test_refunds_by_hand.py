"""A refund that is asked to go by hand at once: its rail is sent nothing, and two people act."""

from datetime import date, timedelta

import psycopg
import pytest
import sqlalchemy as sa

from reconciler.books.consent import RefundPolicy
from reconciler.errors import Conflict, Forbidden, Invalid, Refused
from reconciler.services import receipts, refunds
from reconciler.services.receipts import Receipt
from tests.flows.test_another_route import paid_by_hand
from tests.refund_stage import ANN, BEN, PROGRAM, open_stage


@pytest.fixture
def stage(database_url, redis_url):
    with open_stage(database_url, redis_url) as opened:
        yield opened


def the_money_came_back(stage):
    """A refund of a whole payment, made in the dashboard, that its bank sent back."""
    payment = stage.paid(10_000)
    made = stage.world.refund(next(iter(stage.world.truth.tables["charge"])), 10_000)
    stage.hear_again(payment)
    stage.world.advance_refund(made, "failed", "lost_or_stolen_card")
    stage.hear_again(payment)
    return payment


def test_what_came_back_is_asked_by_hand_at_once_and_paid_by_who_did_not_ask(stage):
    payment = the_money_came_back(stage)
    refund = stage.ask(ANN, payment_id=payment, method="hand")
    [leg] = stage.refund(refund).legs
    assert (leg.route, leg.method, leg.status) == ("hand", "bank_transfer", "requested")
    with pytest.raises(Forbidden):
        stage.approve(refund, ANN)
    with pytest.raises(Conflict):
        paid_by_hand(stage, refund)  # nobody has approved it
    stage.approve(refund)
    assert (stage.submit(), stage.status(refund)) == (0, "manual")
    [task] = stage.questions("manual_refund")
    assert task.amount == 10_000
    for by in (ANN, PROGRAM):
        with pytest.raises(Forbidden):
            paid_by_hand(stage, refund, by)
    paid_by_hand(stage, refund)
    assert (stage.status(refund), stage.attempts(refund)) == ("succeeded", [])
    assert len(stage.at_the_rail()) == 1  # the one of the dashboard
    books = stage.books()
    assert books["bank"] == -10_000
    assert "unapplied_cash" not in books
    with pytest.raises(Refused, match="nothing can be refunded"):
        stage.ask(payment_id=payment, method="hand")


def test_under_the_threshold_it_waits_at_once_and_who_asked_still_never_pays(stage):
    payment = stage.paid(10_000)
    small = RefundPolicy(approval_thresholds={"USD": 5_000})
    refund = stage.ask(ANN, small, payment_id=payment, amount=4_000, method="hand")
    assert stage.status(refund) == "manual"
    with pytest.raises(Forbidden, match="chose the other way"):
        paid_by_hand(stage, refund, ANN)
    paid_by_hand(stage, refund)
    assert stage.status(refund) == "succeeded"


def test_another_method_voids_the_approval_and_the_new_one_is_gone_by(stage):
    refund = stage.ask(ANN, payment_id=stage.paid(10_000), amount=4_000)
    stage.approve(refund)
    stage.do(lambda work: refunds.change(work, refund, {"method": "hand"}, stage.policy))
    assert stage.status(refund) == "requested"
    stage.do(lambda work: refunds.change(work, refund, {"method": "rail"}, stage.policy))
    stage.do(lambda work: refunds.change(work, refund, {"method": "hand"}, stage.policy))
    said = "changed: people pay it by bank transfer now"
    assert [step.why for step in stage.refund(refund).steps].count(said) == 3  # itself and a leg
    stage.approve(refund)
    assert (stage.submit(), stage.status(refund)) == (0, "manual")
    with pytest.raises(Conflict):
        stage.do(lambda work: refunds.change(work, refund, {"method": "rail"}, stage.policy))
    paid_by_hand(stage, refund)


def test_what_was_asked_by_hand_and_changed_goes_by_the_rail_alone(stage):
    refund = stage.ask(ANN, payment_id=stage.paid(10_000), amount=4_000, method="hand")
    stage.do(lambda work: refunds.change(work, refund, {"method": "rail"}, stage.policy))
    stage.approve(refund)
    stage.submit()
    assert stage.status(refund) == "succeeded"
    with pytest.raises(Conflict):
        paid_by_hand(stage, refund)


def test_cash_that_is_asked_by_hand_is_given_back_as_cash_is(stage):
    cash = stage.do(
        lambda work: receipts.hold(
            work, stage.customer(), "USD", Receipt("cash", date(2026, 11, 20), 3_000)
        )
    )
    refund = stage.ask(ANN, payment_id=cash, method="hand")
    assert [leg.route for leg in stage.refund(refund).legs] == ["rail"]
    stage.approve(refund)
    paid_by_hand(stage, refund)
    assert stage.status(refund) == "succeeded"


def test_by_hand_no_more_leaves_in_a_day_than_by_the_rail(stage):
    a_day = RefundPolicy(daily_limits={"USD": 10_000})
    first, second = (stage.ask(ANN, a_day, payment_id=stage.paid(), amount=6_000, method="hand")
                     for _ in range(2))  # fmt: skip
    stage.approve(first, policy=a_day)
    with pytest.raises(Refused, match=r"the day's limit of USD 100\.00"):
        stage.approve(second, policy=a_day)
    stage.pass_time(days=1)
    stage.approve(second, policy=a_day)
    with pytest.raises(Refused, match="may be refunded in a day"):
        stage.ask(ANN, a_day, payment_id=stage.paid(20_000), method="hand")


def test_there_is_no_third_method(stage):
    payment = stage.paid()
    with pytest.raises(Invalid) as wrong:
        stage.ask(payment_id=payment, method="gold")
    assert wrong.value.field == "method"


# The wall in the database


@pytest.fixture
def line(stage, owner_url):
    stage.is_broken_on_purpose = True
    with psycopg.connect(owner_url.replace("+psycopg", "", 1), autocommit=True) as opened:
        yield opened


def test_how_it_was_asked_to_go_stays_once_it_was_approved(stage, line):
    refund = stage.ask(ANN, payment_id=stage.paid(), method="hand")
    with pytest.raises(psycopg.errors.CheckViolation) as broken:
        line.execute("update refund set method = 'gold'")
    assert broken.value.diag.constraint_name == "refund_method_is_known"
    stage.approve(refund)
    with pytest.raises(psycopg.errors.CheckViolation) as broken:
        line.execute("update refund set method = 'rail'")
    assert broken.value.diag.constraint_name == "a_change_voids_the_approval"


def test_no_leg_of_the_rail_is_sent_for_what_is_asked_by_hand(stage, line):
    refund = stage.ask(ANN, payment_id=stage.paid(), amount=100)
    line.execute("update refund set method = 'hand'")
    stage.approve(refund)  # the leg is the rail's, as no program of ours leaves it
    with pytest.raises(psycopg.errors.CheckViolation) as broken:
        line.execute("update refund_leg set status = 'submitted'")
    assert broken.value.diag.constraint_name == "another_way_is_never_sent"


def test_it_counts_on_the_day_on_which_the_money_left(stage):
    payment = stage.paid(10_000)
    came_on = stage.now.date()
    stage.pass_time(days=5)
    refund = stage.ask(ANN, payment_id=payment, amount=4_000, method="hand")
    stage.approve(refund)

    def paid(day):
        stage.do(
            lambda work: refunds.settle_by_hand(work, refund, reference="RF-1", paid_on=day), BEN
        )

    for day in (came_on - timedelta(days=1), stage.now.date() + timedelta(days=2)):
        with pytest.raises(Invalid) as refused:
            paid(day)
        assert refused.value.field == "paid_on"
    left_on = stage.now.date() - timedelta(days=3)
    paid(left_on)
    assert stage.status(refund) == "succeeded"
    with stage.runtime.read() as session:
        days = set(
            session.scalars(
                sa.text("select effective_on from journal_entry where key like '%hand_%/left/%'")
            )
        )
    assert days == {left_on}
