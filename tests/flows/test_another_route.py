"""What a rail cannot give back goes another way, or stays by agreement; nobody is paid twice."""

from datetime import date

import psycopg
import pytest

from reconciler.errors import Conflict, Forbidden, Invalid, Refused
from reconciler.flows import another_route
from reconciler.services import receipts, refund_routes, refunds
from reconciler.services.receipts import Receipt
from tests.refund_stage import ANN, BEN, PROGRAM, open_stage


@pytest.fixture
def stage(database_url, redis_url):
    with open_stage(database_url, redis_url) as opened:
        yield opened


def by_hand(stage, refund, by=ANN, method="bank_transfer", **more):
    looked = another_route.look(stage.runtime, refund)
    step = refund_routes.pay_another_way
    stage.do(lambda work: step(work, refund, looked, method=method, **more), by)


def keep(stage, refund, kept_as="credit", consent="Ada agreed by mail on 22 Nov", by=BEN):
    looked = another_route.look(stage.runtime, refund)
    step = refund_routes.keep
    return stage.do(lambda work: step(work, refund, looked, kept_as=kept_as, consent=consent), by)


def paid_by_hand(stage, refund, by=BEN, reference="transfer of Monday"):
    stage.do(lambda work: refunds.settle_by_hand(work, refund, reference=reference), by)


def failed_at_the_bank(stage, amount=4_000):
    """An invoice of 10000, a refund of it that the customer's bank sent back a month later."""
    invoice = stage.invoice(stage.customer(), 10_000)
    payment = stage.paid(10_000)
    stage.allocate(payment, invoice_id=invoice)
    refund = stage.ask(invoice_id=invoice, amount=amount)
    stage.submit()
    stage.pass_time(days=29)
    stage.world.advance_refund(stage.leg(refund).rail_refund_id, "failed", "lost_or_stolen_card")
    stage.hear_again(payment)
    assert stage.status(refund) == "failed"
    return payment, refund


def test_what_a_bank_sent_back_is_paid_by_transfer_by_a_second_person(stage):
    payment, refund = failed_at_the_bank(stage)
    by_hand(stage, refund)
    assert stage.status(refund) == "manual"
    assert stage.questions("refund_failed") == []
    [task] = stage.questions("manual_refund")
    assert task.amount == 4_000
    for by, said in ((ANN, "second person"), (PROGRAM, "not by a program")):
        with pytest.raises(Forbidden, match=said):
            paid_by_hand(stage, refund, by)
    paid_by_hand(stage, refund)
    assert stage.status(refund) == "succeeded"
    [leg] = stage.refund(refund).legs
    assert (leg.route, leg.method, leg.settled_reference) == (
        "hand", "bank_transfer", "transfer of Monday",
    )  # fmt: skip
    books = stage.books()
    assert books["bank"] == -4_000
    assert books["credits"] == 4_000
    assert "refunds_payable" not in books
    assert "accounts_receivable" not in books
    assert stage.questions("manual_refund") == []
    stage.hear_again(payment)
    assert stage.books() == books
    with pytest.raises(Refused, match=r"USD 60\.00"):
        stage.ask(payment_id=payment, amount=6_001)


def test_it_is_never_sent_again_and_never_paid_twice(stage):
    _, refund = failed_at_the_bank(stage)
    by_hand(stage, refund)
    with pytest.raises(Conflict):
        stage.do(lambda work: refunds.retry(work, refund), BEN)
    with pytest.raises(Conflict):
        by_hand(stage, refund)
    assert stage.submit() == 0
    paid_by_hand(stage, refund)
    for again in (lambda: paid_by_hand(stage, refund), lambda: by_hand(stage, refund)):
        with pytest.raises(Conflict):
            again()
    assert len(stage.at_the_rail()) == 1


@pytest.mark.thorough
def test_another_way_that_nobody_has_paid_yet_can_be_called_off(stage):
    payment, refund = failed_at_the_bank(stage)
    by_hand(stage, refund)
    stage.do(lambda work: refunds.cancel(work, refund), BEN)
    assert stage.status(refund) == "canceled"
    assert stage.ask(payment_id=payment)


@pytest.mark.parametrize("status", ["approved", "succeeded"])
def test_while_the_rail_may_pay_or_did_there_is_no_other_way(stage, status):
    refund = stage.ask(payment_id=stage.paid(), amount=100)
    if status == "succeeded":
        stage.submit()
    with pytest.raises(Conflict, match=f"the refund is {status}"):
        by_hand(stage, refund)


def lost(stage, hours):
    """Sent, the answer lost, nothing there, and given up after so many hours."""
    payment = stage.paid(10_000)
    refund = stage.ask(payment_id=payment, amount=4_000)
    stage.faults.add("drop_before", method="POST", path="/v1/refunds")
    stage.submit()
    stage.faults.add("answer", method="GET", path="/v1/refunds", status=503, count=1)
    stage.pass_time(hours=hours)
    with psycopg.connect(
        stage.runtime.settings.database_url.replace("+psycopg", "", 1), autocommit=True
    ) as line:
        line.execute("update refund_leg set status = 'manual', due_at = null, lease_token = null")
        line.execute("update refund set status = 'manual'")
    stage.faults.clear()
    return payment, refund


def test_what_was_sent_is_paid_another_way_only_when_its_key_is_forgotten(stage):
    _, refund = lost(stage, 24)
    with pytest.raises(Conflict, match="only in 2 hours"):
        by_hand(stage, refund)
    stage.pass_time(hours=1)
    by_hand(stage, refund)
    paid_by_hand(stage, refund)
    assert stage.at_the_rail() == []
    assert stage.books()["bank"] == -4_000


def test_a_rail_that_cannot_be_asked_leaves_it_as_it_is(stage):
    _, refund = lost(stage, 30)
    stage.faults.add("answer", method="GET", path="/v1/refunds", status=503, count=9)
    with pytest.raises(Conflict, match="cannot be asked"):
        by_hand(stage, refund)
    assert stage.status(refund) == "manual"


@pytest.mark.thorough
def test_what_turns_out_to_have_gone_is_found_by_the_last_look(stage):
    payment, refund = lost(stage, 30)
    stage.world.refund(stage.rail_id(payment), 4_000, metadata={"reconciler_refund_id": refund})
    with pytest.raises(Conflict, match="succeeded"):
        by_hand(stage, refund)
    assert stage.status(refund) == "succeeded"


@pytest.mark.parametrize("is_paid", [True, False])
def test_if_the_rail_pays_after_all_it_is_never_silent(stage, is_paid):
    payment, refund = lost(stage, 30)
    by_hand(stage, refund)
    if is_paid:
        paid_by_hand(stage, refund)
    stage.world.refund(stage.rail_id(payment), 4_000, metadata={"reconciler_refund_id": refund})
    stage.hear_again(payment)
    [alert] = stage.questions("drift")
    assert (alert.refund_id, alert.amount) == (refund, 4_000)
    said = "paid twice" if is_paid else "do not pay it by hand"
    assert said in alert.details["why"][0]
    assert stage.status(refund) == "succeeded"
    assert stage.books().get("bank", 0) == (-4_000 if is_paid else 0)
    assert stage.books()["unapplied_cash"] == (-2_000 if is_paid else -6_000)
    if not is_paid:
        with pytest.raises(Conflict):
            paid_by_hand(stage, refund)


def test_paid_twice_beyond_what_was_captured_shows_in_suspense(stage):
    payment = stage.paid(10_000)
    refund = stage.ask(payment_id=payment)
    stage.submit()
    first = stage.leg(refund).rail_refund_id
    stage.world.advance_refund(first, "failed", "declined")
    stage.hear_again(payment)
    by_hand(stage, refund)
    paid_by_hand(stage, refund)
    stage.world.refund(stage.rail_id(payment), 10_000)
    stage.hear_again(payment)
    books = stage.books()
    assert (books["suspense"], books["bank"]) == (10_000, -10_000)
    assert stage.questions("external_refund")


def test_the_money_may_stay_as_credit_with_the_customers_consent(stage):
    _, refund = failed_at_the_bank(stage)
    with pytest.raises(Invalid) as refusal:
        keep(stage, refund, consent=" ")
    assert refusal.value.field == "consent"
    kept = keep(stage, refund)
    assert kept.startswith("pay_")
    [leg] = stage.refund(refund).legs
    assert (leg.status, leg.route, leg.method) == ("succeeded", "kept", "credit")
    books = stage.books()
    assert books["unapplied_cash"] == -4_000
    assert books["credits"] == 4_000
    assert "undeposited" not in books
    assert stage.questions("unmatched_payment") == []
    assert len(stage.at_the_rail()) == 1


@pytest.mark.thorough
def test_the_money_may_stay_as_a_deposit(stage):
    _, refund = failed_at_the_bank(stage)
    assert keep(stage, refund, "deposit").startswith("dep_")
    books = stage.books()
    assert books["customer_deposits"] == -4_000
    assert "unapplied_cash" not in books
    assert "undeposited" not in books


def test_what_was_received_by_hand_may_stay_too_and_needs_no_rail(stage):
    invoice = stage.invoice(stage.customer(), 5_000)
    receipt = Receipt("cash", date(2026, 11, 20))
    stage.do(lambda work: receipts.receive(work, invoice, receipt))
    refund = stage.ask(invoice_id=invoice)
    with pytest.raises(Conflict):
        by_hand(stage, refund)
    keep(stage, refund)
    assert stage.status(refund) == "succeeded"
    books = stage.books()
    assert (books["undeposited"], books["unapplied_cash"]) == (5_000, -5_000)


def test_a_customer_nobody_knows_keeps_no_credit(stage):
    payment = stage.paid(10_000)
    refund = stage.ask(payment_id=payment)
    stage.submit()
    stage.world.advance_refund(stage.leg(refund).rail_refund_id, "failed", "declined")
    stage.hear_again(payment)
    with pytest.raises(Refused) as refusal:
        keep(stage, refund)
    assert refusal.value.field == "kept_as"


@pytest.mark.parametrize(
    ("step", "more", "field"),
    [
        (refund_routes.pay_another_way, {"method": "paypal"}, "method"),
        (refund_routes.keep, {"kept_as": "gift", "consent": "x"}, "kept_as"),
    ],
)
def test_unknown_words_are_refused_by_their_field(stage, step, more, field):
    _, refund = failed_at_the_bank(stage)
    with pytest.raises(Invalid) as refusal:
        stage.do(lambda work: step(work, refund, {}, **more), BEN)
    assert refusal.value.field == field


# The wall in the database


@pytest.fixture
def line(stage, owner_url):
    stage.is_broken_on_purpose = True
    with psycopg.connect(owner_url.replace("+psycopg", "", 1), autocommit=True) as opened:
        yield opened


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("update refund_leg set route = 'hand' where route = 'rail'", "refund_leg_keeps_its_route"),
        (
            """update refund_leg set status = 'succeeded', rail_refund_id = 'hand_1',
              settled_by = routed_by, settled_reference = 'x' where route = 'hand'""",
            "who_chose_another_route_does_not_pay_it",
        ),
        (
            """update refund_leg set status = 'succeeded', rail_refund_id = 'hand_1'
              where route = 'hand'""",
            "what_people_paid_back_says_who_and_how",
        ),
        (
            """update refund_leg set status = 'pending', rail_refund_id = 're_1'
              where route = 'hand'""",
            "another_way_is_never_sent",
        ),
        (
            "update refund_leg set due_at = now() where route = 'hand'",
            "only_a_rail_is_sent_anything",
        ),
        (
            """insert into refund_leg (id, refund_id, payment_id, amount, status, reference, route,
              method, routed_by) select 'leg_x', refund_id, payment_id, 1, 'requested', 'other',
              'hand', 'cash', 'ann' from refund_leg limit 1""",
            "a_leg_is_closed_before_another_way",
        ),
    ],
)
def test_whoever_goes_round_the_program_cannot_pay_another_way(stage, line, statement, constraint):
    _, refund = failed_at_the_bank(stage)
    by_hand(stage, refund)
    with pytest.raises(psycopg.errors.CheckViolation) as broken:
        line.execute(statement)
    assert broken.value.diag.constraint_name == constraint
