"""What was asked for may be changed until it is sent, and whatever was approved is void then."""

import pytest

from reconciler.books.consent import RefundPolicy
from reconciler.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from reconciler.failpoints import armed
from reconciler.services import refund_consent, refunds, switches
from reconciler.work import Cause
from tests.refund_stage import ANN, BEN, PROGRAM, open_stage

CID = Cause("person", "usr_cid")


@pytest.fixture
def stage(database_url, redis_url):
    with open_stage(database_url, redis_url) as opened:
        yield opened


def change(stage, refund, by=ANN, policy=None, rev=None, **given):
    limits = policy or stage.policy
    stage.do(lambda work: refunds.change(work, refund, given, limits, rev=rev), by)


def asked(stage, amount=1_000, by=ANN, **more):
    return stage.ask(by, payment_id=more.pop("payment_id", None) or stage.paid(), amount=amount)


@pytest.mark.parametrize(
    "given",
    [{"amount": 2_000}, {"treatment": "reopen"}, {"reason": "duplicate"}, {"note": "a word"}],
)
def test_a_change_of_anything_voids_the_approval(stage, given):
    refund = asked(stage)
    stage.approve(refund, BEN)
    change(stage, refund, **given)
    shown = stage.refund(refund)
    assert (shown.status, shown.approved_by, shown.approved_at) == ("requested", None, None)
    assert stage.submit() == 0
    stage.approve(refund, BEN)
    stage.submit()
    (made,) = stage.at_the_rail()
    assert made["amount"] == given.get("amount", 1_000)
    assert stage.status(refund) == "succeeded"
    assert stage.steps(refund) == [
        "requested", "approved", "requested", "approved", "submitted", "succeeded",
    ]  # fmt: skip


def test_what_is_not_named_stays(stage):
    refund = asked(stage)
    change(stage, refund, note="a word")
    shown = stage.refund(refund)
    assert (shown.amount, shown.reason, shown.treatment, shown.note) == (
        1_000, "goodwill", "credit", "a word",
    )  # fmt: skip
    assert [leg.amount for leg in shown.legs] == [1_000]


def test_who_changed_it_cannot_approve_it_nor_can_who_asked(stage):
    refund = asked(stage)
    change(stage, refund, BEN, amount=9_000)
    change(stage, refund, ANN, note="as Ben says")
    for by in (ANN, BEN):
        with pytest.raises(Forbidden, match="second person"):
            stage.approve(refund, by)
    assert stage.refund(refund).edited_by == ["usr_ann", "usr_ben"]
    stage.approve(refund, CID)
    assert stage.refund(refund).approved_by == "usr_cid"


def test_money_that_it_holds_itself_can_be_asked_for_again_and_no_more(stage):
    payment = stage.paid(10_000)
    refund = asked(stage, 7_000, payment_id=payment)
    with pytest.raises(Refused, match=r"USD 100\.01 is more than the USD 100\.00") as refusal:
        change(stage, refund, amount=10_001)
    assert refusal.value.field == "amount"
    change(stage, refund, amount=10_000)
    with pytest.raises(Refused, match="nothing can be refunded"):
        stage.ask(payment_id=payment)
    change(stage, refund, amount=4_000)
    assert stage.ask(payment_id=payment, amount=6_000)


def test_a_change_of_target_takes_the_money_from_there(stage):
    customer = stage.customer()
    first, second = stage.paid(), stage.paid(8_000)
    bill = stage.invoice(customer, 8_000)
    stage.allocate(second, invoice_id=bill, amount=8_000)
    refund = asked(stage, 3_000, payment_id=first)
    change(stage, refund, invoice_id=bill)
    assert stage.row(refund).payment_id is None
    assert [leg.payment_id for leg in stage.refund(refund).legs] == [second]
    assert stage.row(refund).customer_id == customer
    stage.approve(refund, BEN)
    stage.submit()
    assert stage.books()["unapplied_cash"] == -10_000
    assert stage.status(refund) == "succeeded"


def test_over_several_payments_it_is_split_anew_and_adds_up(stage):
    customer = stage.customer()
    bill = stage.invoice(customer, 10_000)
    for _ in range(2):
        stage.allocate(stage.paid(5_000), invoice_id=bill, amount=5_000)
        stage.pass_time(minutes=1)
    refund = stage.ask(ANN, invoice_id=bill, amount=4_000)
    change(stage, refund, amount=8_000)
    assert sorted(leg.amount for leg in stage.refund(refund).legs) == [3_000, 5_000]
    change(stage, refund, amount=6_000)
    stage.approve(refund)
    stage.submit()
    assert sorted(made["amount"] for made in stage.at_the_rail()) == [1_000, 5_000]
    assert len({made["metadata"]["reconciler_refund_id"] for made in stage.at_the_rail()}) == 2


def test_another_currency_is_another_refund(stage):
    refund, euros = asked(stage), stage.paid(5_000, "eur")
    with pytest.raises(Invalid, match="cancel it") as refusal:
        change(stage, refund, payment_id=euros)
    assert refusal.value.field == "currency"


def test_one_target_at_a_time(stage):
    refund = asked(stage)
    with pytest.raises(Invalid) as refusal:
        change(stage, refund, payment_id="pay_1", invoice_id="inv_1")
    assert refusal.value.field == "payment_id"
    with pytest.raises(NotFound):
        change(stage, "rfd_none", amount=1)


def test_under_a_threshold_a_change_goes_at_once_and_above_it_waits(stage):
    policy = RefundPolicy({"USD": 500})
    refund = stage.ask(ANN, policy=policy, payment_id=stage.paid(), amount=501)
    change(stage, refund, policy=policy, amount=500)
    assert (stage.status(refund), stage.refund(refund).approved_by) == ("approved", None)
    change(stage, refund, policy=policy, amount=501)
    assert stage.status(refund) == "requested"
    change(stage, refund, policy=policy, amount=499)
    stage.submit()
    assert [made["amount"] for made in stage.at_the_rail()] == [499]


def test_a_program_cannot_make_a_persons_request_go_without_a_second_person(stage):
    refund = asked(stage)
    change(stage, refund, PROGRAM, note="tidied")
    assert stage.status(refund) == "requested"
    own = asked(stage, by=PROGRAM)
    change(stage, own, PROGRAM, amount=999)
    assert stage.status(own) == "approved"
    change(stage, own, ANN, amount=998)
    assert stage.status(own) == "requested"


@pytest.mark.parametrize("fault", [None, "drop_before", "drop_after"])
def test_what_was_sent_is_not_changed(stage, fault):
    refund = asked(stage, by=PROGRAM)
    if fault:
        stage.faults.add(fault, method="POST", path="/v1/refunds")
    stage.submit()
    with pytest.raises(Conflict, match=stage.status(refund)):
        change(stage, refund, amount=2_000)
    assert stage.row(refund).amount == 1_000


def test_what_failed_and_waits_again_is_not_changed(stage):
    payment = stage.paid()
    refund = asked(stage, payment_id=payment)
    stage.approve(refund)
    stage.submit()
    stage.world.advance_refund(stage.at_the_rail()[0]["id"], "failed", "declined")
    stage.hear_again(payment)
    stage.do(lambda work: refunds.retry(work, refund), ANN)
    assert stage.status(refund) == "requested"
    with pytest.raises(Conflict, match="nothing was sent"):
        change(stage, refund, amount=2_000)


def test_a_change_of_what_has_changed_meanwhile_is_refused(stage):
    refund = asked(stage)
    seen = stage.refund(refund).rev
    change(stage, refund, rev=seen, amount=1_100)
    with pytest.raises(Conflict, match="meanwhile"):
        change(stage, refund, rev=seen, amount=1_200)
    with pytest.raises(Conflict, match="meanwhile"):
        stage.approve(refund, rev=seen)
    assert stage.row(refund).amount == 1_100


@pytest.mark.parametrize("where", ["refund.after_probe", "refund.after_intent_commit"])
def test_a_change_while_it_is_being_sent_wins_before_the_intent_and_loses_after_it(stage, where):
    refund = asked(stage, by=PROGRAM)
    said = []

    def meanwhile():
        try:
            change(stage, refund, ANN, amount=2_000)
        except Conflict as error:
            said.append(str(error))

    with armed({where: meanwhile}):
        stage.submit()
    sent = [made["amount"] for made in stage.at_the_rail()]
    if where == "refund.after_probe":
        assert (said, sent, stage.status(refund)) == ([], [], "requested")
        stage.approve(refund, BEN)
        stage.submit()
        assert [made["amount"] for made in stage.at_the_rail()] == [2_000]
    else:
        assert (len(said), sent, stage.status(refund)) == (1, [1_000], "succeeded")


def _let_go_on(stage):
    """Books whose law was broken send nothing; somebody has looked into it."""
    with stage.runtime.read() as session:
        assert not switches.state(session, "refunds").on
    stage.do(lambda work: switches.change(work, "refunds", on=True, reason="looked into"), BEN)


def test_terms_that_changed_behind_our_back_are_not_sent_and_wait_for_approval_again(
    stage, surgeon
):
    refund = asked(stage)
    stage.approve(refund, BEN)
    surgeon.execute("update refund set treatment = 'reopen'")
    stage.submit()
    assert stage.at_the_rail() == []
    _let_go_on(stage)
    stage.submit()
    shown = stage.refund(refund)
    assert (shown.status, shown.approved_by) == ("requested", None)
    assert "not what was approved" in shown.steps[-1].why or "not what was approved" in str(
        [step.why for step in shown.steps]
    )
    assert stage.at_the_rail() == []


def test_terms_that_changed_behind_our_back_after_a_sending_are_a_persons(stage, surgeon):
    refund = asked(stage)
    stage.approve(refund, BEN)
    stage.faults.add("drop_before", method="POST", path="/v1/refunds")
    stage.submit()
    surgeon.execute("update refund set treatment = 'reopen'")
    stage.pass_time(seconds=10)
    stage.submit()
    assert stage.status(refund) == "unknown"
    _let_go_on(stage)
    stage.submit()
    assert stage.status(refund) == "manual"
    assert stage.at_the_rail() == []
    surgeon.execute("update refund set treatment = 'credit'")


def test_the_fence_stops_what_lost_its_approval_after_the_intent(stage, surgeon):
    refund = asked(stage)
    stage.approve(refund, BEN)

    def taken_back():
        surgeon.execute("update refund set approved_terms = 'another'")

    with armed({"refund.before_fence": taken_back}):
        stage.submit()
    assert stage.at_the_rail() == []
    assert "fence" in stage.leg(refund).failure
    with stage.runtime.read() as session:
        assert not refund_consent.is_as_approved(session, refund)
    surgeon.execute("update refund set approved_terms = refund_terms(id)")


def test_what_had_left_before_it_was_changed_stops_the_rest_when_it_turns_up(stage):
    """Only a database that forgot the sending lets that be changed."""
    payment = stage.paid()
    refund = asked(stage, payment_id=payment)
    stage.world.refund(stage.rail_id(payment), 1_000, metadata={"reconciler_refund_id": refund})
    change(stage, refund, amount=2_000)
    stage.hear_again(payment)
    assert {leg.status for leg in stage.legs(refund)} == {"succeeded", "canceled"}
    (question,) = stage.questions("external_refund")
    assert "before it was changed" in question.details["why"][0]
    assert stage.submit() == 0
    assert len(stage.at_the_rail()) == 1
