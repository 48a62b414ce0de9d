import pytest

from reconciler.books.refund_sending import LEASE
from reconciler.errors import Refused
from reconciler.failpoints import armed
from reconciler.services import refund_sending, refunds, waiting
from reconciler.work import Task
from tests.refund_stage import ANN, BEN, open_stage


@pytest.fixture
def stage(database_url, redis_url):
    with open_stage(database_url, redis_url) as opened:
        yield opened


def test_hearing_of_it_again_books_and_asks_nothing(stage):
    payment = stage.paid()
    stage.ask(payment_id=payment, amount=2_500)
    stage.submit()
    books = stage.books()
    stage.hear_again(payment)
    assert stage.books() | {"processing_fees": 0} == books | {"processing_fees": 0}
    assert stage.questions("external_refund") == []


def taken_for_failed(stage):
    """A refund that the rail refused for a dispute which is over now; it is tried again."""
    payment = stage.paid(10_000)
    charge = stage.world.get("payment_intent", stage.rail_id(payment))["latest_charge"]
    dispute = stage.world.dispute(charge)
    refund = stage.ask(payment_id=payment, amount=2_500)  # we have not heard of the dispute
    stage.submit()
    assert stage.status(refund) == "failed"
    stage.world.close_dispute(dispute, "won", reinstate=10_000)
    stage.do(lambda work: refunds.retry(work, refund), BEN)
    return payment, refund


def test_what_was_taken_for_failed_and_went_after_all_is_not_paid_by_its_replacement_too(stage):
    payment, refund = taken_for_failed(stage)
    stage.world.refund(stage.rail_id(payment), 2_500, metadata={"reconciler_refund_id": refund})
    stage.hear_again(payment)
    assert stage.status(refund) == "succeeded"
    assert stage.submit() == 0
    assert sorted(leg.status for leg in stage.legs(refund)) == ["canceled", "succeeded"]
    assert len(stage.at_the_rail()) == 1
    assert stage.books()["unapplied_cash"] == -7_500
    stage.ask(payment_id=payment, amount=7_500)


def test_if_both_went_a_person_is_asked(stage):
    payment, refund = taken_for_failed(stage)
    stage.submit()
    assert stage.status(refund) == "succeeded"
    stage.world.refund(stage.rail_id(payment), 2_500, metadata={"reconciler_refund_id": refund})
    stage.hear_again(payment)
    (item,) = stage.questions("external_refund")
    assert (item.refund_id, item.amount) == (refund, 2_500)
    assert stage.status(refund) == "succeeded"
    assert stage.books()["unapplied_cash"] == -5_000


def test_news_that_comes_before_our_own_answer_is_taken_for_ours(stage):
    payment = stage.paid()
    refund = stage.ask(payment_id=payment, amount=2_500)
    with armed({"refund.after_send": lambda: stage.hear_again(payment)}):
        stage.submit()
    assert stage.steps(refund) == ["requested", "approved", "submitted", "succeeded"]
    assert stage.questions("external_refund") == []
    assert stage.books()["unapplied_cash"] == -7_500


def test_a_refund_in_the_dashboard_meanwhile_is_booked_and_leaves_ours_to_a_person(stage):
    payment = stage.paid(10_000)
    refund = stage.ask(payment_id=payment, amount=6_000)
    stage.world.refund(stage.rail_id(payment), 6_000)
    stage.submit()
    assert stage.status(refund) == "manual"
    assert len(stage.at_the_rail()) == 1
    (item,) = stage.questions("manual_refund")
    assert (item.subject, item.amount) == (refund, 6_000)
    (external,) = stage.questions("external_refund")
    assert (external.amount, external.payment_id) == (6_000, payment)
    assert stage.books()["unapplied_cash"] == -4_000


def test_what_a_refund_in_the_dashboard_leaves_no_room_for_goes_to_a_person_and_stops_no_other(
    stage,
):
    payment, other = stage.paid(10_000), stage.paid(5_000)
    first = stage.ask(payment_id=payment, amount=3_000)
    second = stage.ask(payment_id=payment, amount=6_000)
    elsewhere = stage.ask(payment_id=other, amount=5_000)
    stage.world.refund(stage.rail_id(payment), 6_000)
    stage.hear_again(payment)  # before any of ours was sent
    assert [stage.status(one) for one in (first, second)] == ["approved", "manual"]
    assert "only USD 10.00" in stage.leg(second).failure
    assert stage.violations() == []
    stage.submit()
    # What waits for a person holds its money, so that the other has to wait for them as well.
    assert [stage.status(one) for one in (first, elsewhere)] == ["manual", "succeeded"]
    assert stage.questions("refunds_stopped") == []
    assert {item.subject for item in stage.questions("manual_refund")} == {first, second}
    with pytest.raises(Refused, match=r"only USD 10\.00 of USD 60\.00"):
        stage.do(lambda work: refunds.retry(work, second), BEN)
    stage.do(lambda work: refunds.cancel(work, second), BEN)
    stage.do(lambda work: refunds.retry(work, first), BEN)
    stage.submit()
    assert stage.status(first) == "succeeded"
    assert stage.books()["unapplied_cash"] == -1_000


def test_nobody_approves_what_was_refunded_in_the_dashboard_meanwhile(stage):
    payment, other = stage.paid(10_000), stage.paid(5_000)
    refund = stage.ask(by=ANN, payment_id=payment, amount=6_000)
    stage.world.refund(stage.rail_id(payment), 6_000)
    stage.hear_again(payment)
    with pytest.raises(Refused, match=r"only USD 40\.00"):
        stage.approve(refund)
    assert stage.status(refund) == "requested"
    elsewhere = stage.ask(payment_id=other, amount=5_000)
    stage.submit()
    assert stage.status(elsewhere) == "succeeded"
    stage.do(lambda work: refunds.reject(work, refund), BEN)


def test_what_a_lost_dispute_leaves_no_room_for_goes_to_a_person(stage):
    payment = stage.paid(10_000)
    charge = stage.world.get("payment_intent", stage.rail_id(payment))["latest_charge"]
    refund = stage.ask(payment_id=payment, amount=2_500)
    stage.world.close_dispute(stage.world.dispute(charge), "lost")
    stage.hear_again(payment)
    assert stage.status(refund) == "manual"
    assert stage.submit() == 0
    assert stage.questions("refunds_stopped") == []
    assert stage.at_the_rail() == []


def test_one_whose_outcome_is_unknown_stops_no_other_when_somebody_else_took_the_money(stage):
    payment, other = stage.paid(10_000), stage.paid(5_000)
    lost = stage.ask(payment_id=payment, amount=6_000)
    stage.faults.add("drop_before", method="POST", path="/v1/refunds")
    stage.submit()
    assert stage.status(lost) == "unknown"
    stage.world.refund(stage.rail_id(payment), 10_000)
    stage.hear_again(payment)
    elsewhere = stage.ask(payment_id=other, amount=5_000)
    stage.submit()
    assert stage.status(elsewhere) == "succeeded"
    assert stage.questions("refunds_stopped") == []
    stage.work_for(hours=50)
    assert stage.status(lost) == "manual"


def test_a_small_refund_in_the_dashboard_is_booked_first_and_ours_still_goes(stage):
    payment = stage.paid(10_000)
    refund = stage.ask(payment_id=payment, amount=6_000)
    stage.world.refund(stage.rail_id(payment), 1_000)
    stage.submit()
    assert stage.status(refund) == "succeeded"
    assert stage.books()["unapplied_cash"] == -3_000


@pytest.mark.parametrize("word", ["pending", "requires_action"])
def test_a_refund_that_waits_at_the_rail_is_owed_until_it_leaves(stage, word):
    payment = stage.paid()
    stage.world.plan_refund(status=word)
    refund = stage.ask(payment_id=payment, amount=2_500)
    stage.submit()
    assert stage.status(refund) == word
    assert stage.books()["refunds_payable"] == -2_500
    (made,) = stage.at_the_rail()
    stage.world.advance_refund(made["id"], "succeeded")
    stage.hear_again(payment)
    assert stage.status(refund) == "succeeded"
    assert "refunds_payable" not in stage.books()


def test_a_refund_that_fails_after_it_succeeded_is_taken_back_and_asked_about_once(stage):
    payment = stage.paid()
    before = stage.books()
    refund = stage.ask(payment_id=payment, amount=2_500)
    stage.submit()
    (made,) = stage.at_the_rail()
    stage.world.advance_refund(made["id"], "failed", "lost_or_stolen_card")
    stage.hear_again(payment)
    assert stage.status(refund) == "failed"
    assert stage.refund(refund).failure == "lost_or_stolen_card"
    assert stage.books() == before
    stage.hear_again(payment)
    (item,) = stage.questions("refund_failed")
    assert (item.refund_id, item.amount, item.currency) == (refund, 2_500, "USD")


def test_what_failed_at_the_rail_is_tried_again_under_a_reference_of_its_own(stage):
    payment = stage.paid()
    refund = stage.ask(payment_id=payment, amount=2_500)
    stage.submit()
    stage.world.advance_refund(stage.at_the_rail()[0]["id"], "failed", "declined")
    stage.hear_again(payment)
    stage.do(lambda work: refunds.retry(work, refund), BEN)
    stage.submit()
    assert stage.status(refund) == "succeeded"
    references = [made["metadata"]["reconciler_refund_id"] for made in stage.at_the_rail()]
    assert references == [refund, f"{refund}.2"]
    assert stage.questions("refund_failed") == []
    assert stage.books()["unapplied_cash"] == -7_500
    stage.hear_again(payment)
    assert stage.status(refund) == "succeeded"


def test_what_waits_for_the_customer_can_be_called_off_through_the_rail(stage):
    payment = stage.paid()
    before = stage.books()
    stage.world.plan_refund(status="requires_action")
    refund = stage.ask(payment_id=payment, amount=2_500)
    stage.submit()
    stage.do(lambda work: refunds.cancel(work, refund))
    assert stage.submit() == 1
    assert stage.status(refund) == "canceled"
    assert stage.books() == before
    assert stage.questions("refund_failed") == []


def test_a_calling_off_the_rail_did_not_hear_is_tried_again(stage):
    stage.world.plan_refund(status="requires_action")
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    stage.submit()
    stage.do(lambda work: refunds.cancel(work, refund))
    stage.faults.add("drop_before", method="POST", path="/v1/refunds/*/cancel")
    stage.submit()
    assert stage.status(refund) == "requires_action"
    stage.pass_time(minutes=1)
    stage.submit()
    assert stage.status(refund) == "canceled"


def test_a_calling_off_that_comes_too_late_changes_nothing(stage):
    payment = stage.paid()
    stage.world.plan_refund(status="requires_action")
    refund = stage.ask(payment_id=payment, amount=2_500)
    stage.submit()
    stage.do(lambda work: refunds.cancel(work, refund))
    stage.world.advance_refund(stage.at_the_rail()[0]["id"], "succeeded")
    stage.submit()
    assert stage.submit() == 0
    stage.hear_again(payment)
    assert stage.status(refund) == "succeeded"


def test_canceled_by_somebody_else_is_a_question(stage):
    payment = stage.paid()
    stage.world.plan_refund(status="requires_action")
    refund = stage.ask(payment_id=payment, amount=2_500)
    stage.submit()
    stage.world.cancel_refund(stage.at_the_rail()[0]["id"])
    stage.hear_again(payment)
    assert stage.status(refund) == "canceled"
    (item,) = stage.questions("refund_failed")
    assert item.refund_id == refund


def test_a_second_refund_with_our_reference_is_somebodys_question(stage):
    payment = stage.paid()
    refund = stage.ask(payment_id=payment, amount=2_500)
    stage.submit()
    stage.world.refund(stage.rail_id(payment), 2_500, metadata={"reconciler_refund_id": refund})
    stage.hear_again(payment)
    (item,) = stage.questions("external_refund")
    assert item.details["reference"] == refund
    assert stage.status(refund) == "succeeded"
    assert refund in repr(stage.violations())
    stage.is_broken_on_purpose = True


def test_a_restored_database_finds_what_it_has_forgotten_it_sent(stage):
    payment = stage.paid()
    refund = stage.ask(payment_id=payment, amount=2_500)
    stage.world.refund(stage.rail_id(payment), 2_500, metadata={"reconciler_refund_id": refund})
    stage.submit()
    assert stage.status(refund) == "succeeded"
    assert stage.attempts(refund)[0].sends == 0
    assert len(stage.at_the_rail()) == 1


def test_a_dispute_between_approval_and_sending_stops_the_refund(stage):
    payment = stage.paid(10_000)
    refund = stage.ask(payment_id=payment, amount=2_500)
    _dispute(stage, payment)
    stage.submit()
    assert stage.status(refund) == "manual"
    assert "bank disputes" in stage.refund(refund).failure
    (item,) = stage.questions("manual_refund")
    assert item.refund_id == refund
    assert stage.at_the_rail() == []


def test_an_inquiry_stops_nothing(stage):
    payment = stage.paid(10_000)
    refund = stage.ask(payment_id=payment, amount=2_500)
    _dispute(stage, payment, inquiry=True)
    stage.submit()
    assert stage.status(refund) == "succeeded"
    assert len(stage.at_the_rail()) == 1


def test_a_dispute_that_opens_at_the_fence_stops_the_first_byte(stage):
    payment = stage.paid(10_000)
    refund = stage.ask(payment_id=payment, amount=2_500)
    with armed({"refund.before_fence": lambda: _dispute(stage, payment)}):
        stage.submit()
    assert stage.at_the_rail() == []
    assert "fence" in stage.leg(refund).failure
    stage.pass_time(hours=1)
    stage.submit()
    assert stage.status(refund) in {"manual", "unknown"}
    assert stage.at_the_rail() == []


def _dispute(stage, payment, **more):
    charge = stage.world.get("payment_intent", stage.rail_id(payment))["latest_charge"]
    stage.world.dispute(charge, 1_000, **more)
    stage.hear_again(payment)


def test_a_refund_in_hand_wakes_nobody_until_its_lease_is_over(stage):
    def wakes():
        with stage.runtime.read() as session:
            return Task.SUBMIT_REFUNDS in waiting.tasks_due(session, stage.now)

    stage.ask(payment_id=stage.paid(), amount=2_500)
    assert wakes()
    stage.do(refund_sending.claim)
    assert not wakes()
    stage.pass_time(seconds=LEASE.total_seconds())
    assert not wakes(), "the lease lasts to its last instant"
    stage.pass_time(seconds=1)
    assert wakes()
    assert stage.submit() == 1
