"""Money that goes back, and money that is taken back."""

import pytest

from reconciler.sandbox.problems import StripeProblem
from reconciler.sandbox.world import World
from tests.sandbox.wires import NOON, types_since


def rows_of(world: World, source: str) -> list[tuple[str, str, int, int]]:
    table = world.table("balance_transaction").values()
    return [
        (row["type"], row["reporting_category"], row["amount"], row["fee"])
        for row in table
        if row["source"] == source
    ]


def test_a_refund_says_which_and_the_charge_says_how_much(world: World) -> None:
    paid = world.pay(10_000)
    mark = world.events_made()
    refund = world.refund(paid.intent, 4_000, reason="duplicate", metadata={"a": "b"})

    assert types_since(world, mark) == ["refund.created", "charge.refunded"]
    data = world.events()[-1]["data"]
    assert data["previous_attributes"] == {"amount_refunded": 0}
    assert data["object"]["amount_refunded"] == 4_000
    assert rows_of(world, refund) == [("refund", "refund", -4_000, 0)]
    assert world.show(refund)["charge"] == paid.charge


def test_all_that_is_left_is_what_a_refund_without_an_amount_means(world: World) -> None:
    paid = world.pay(10_000)
    world.refund(paid.charge, 4_000)
    rest = world.refund(paid.charge)

    assert world.show(rest)["amount"] == 6_000
    assert world.show(paid.charge)["refunded"] is True


def test_two_equal_partial_refunds_in_one_second_are_two(world: World) -> None:
    paid = world.pay(10_000)
    made = {world.refund(paid.charge, 2_500) for _ in range(2)}

    assert len(made) == 2
    assert world.show(paid.charge)["amount_refunded"] == 5_000


@pytest.mark.parametrize(
    ("amounts", "code", "text"),
    [
        ([10_001], None, "greater than unrefunded amount"),
        ([6_000, 6_000], None, "greater than unrefunded amount"),
        ([None, None], "charge_already_refunded", "already been refunded"),
        ([10_000, 1], "charge_already_refunded", "already been refunded"),
        ([0], None, "Invalid positive integer"),
    ],
)
def test_what_stripe_refuses_to_refund(
    world: World, amounts: list[int | None], code: str | None, text: str
) -> None:
    paid = world.pay(10_000)
    for amount in amounts[:-1]:
        world.refund(paid.charge, amount)

    with pytest.raises(StripeProblem, match=text) as caught:
        world.refund(paid.charge, amounts[-1])

    assert (caught.value.status, caught.value.code) == (400, code)


def test_money_that_was_never_taken_cannot_be_refunded(world: World) -> None:
    held, waiting, failed = (
        world.authorize(100),
        world.pay(100, method="delayed"),
        world.decline(100),
    )
    voided = world.authorize(100)
    world.cancel(voided.intent, legacy=True)

    for payment in (held, waiting, failed, voided):
        with pytest.raises(StripeProblem, match="successful charge"):
            world.refund(payment.charge)
    with pytest.raises(StripeProblem) as caught:
        world.refund("ch_none")
    assert caught.value.status == 404


def test_a_refund_that_fails_later_gives_the_money_back_to_the_balance(world: World) -> None:
    paid = world.pay(10_000)
    refund = world.refund(paid.charge, 4_000)
    mark = world.events_made()
    world.advance_refund(refund, "failed", "expired_or_canceled_card")

    assert types_since(world, mark) == ["refund.updated", "charge.refund.updated", "refund.failed"]
    shown = world.show(refund)
    assert shown["failure_reason"] == "expired_or_canceled_card"
    assert shown["failure_balance_transaction"] is not None
    assert rows_of(world, refund) == [
        ("refund", "refund", -4_000, 0),
        ("refund_failure", "refund_failure", 4_000, 0),
    ]
    assert world.show(paid.charge)["amount_refunded"] == 0
    previous = world.events(mark)[0]["data"]["previous_attributes"]
    assert previous["status"] == "succeeded"


def test_before_late_2024_there_was_no_event_for_a_failed_refund() -> None:
    world = World(lambda: NOON, api_version="2024-06-20")
    refund = world.refund(world.pay(1_000).charge)
    world.advance_refund(refund, "failed")

    assert "refund.failed" not in types_since(world, 0)


def test_a_refund_to_a_bank_account_has_other_names(world: World) -> None:
    paid = world.pay(10_000, method="delayed")
    world.settle_delayed(paid.intent)
    refund = world.refund(paid.charge, 100)
    world.advance_refund(refund, "failed")

    assert refund.startswith("pyr_")
    assert [row[0] for row in rows_of(world, refund)] == ["payment_refund", "payment_refund"]


def test_a_pending_refund_has_no_row_until_it_succeeds(world: World) -> None:
    paid = world.pay(10_000)
    refund = world.refund(paid.charge, 4_000, status="pending", pending_reason="insufficient_funds")
    assert rows_of(world, refund) == []
    assert world.show(refund)["pending_reason"] == "insufficient_funds"

    world.advance_refund(refund, "succeeded")

    assert len(rows_of(world, refund)) == 1
    assert "pending_reason" not in world.show(refund)


def test_a_row_may_come_while_the_refund_is_pending(world: World) -> None:
    refund = world.refund(world.pay(500).charge, status="pending", row=True)
    assert len(rows_of(world, refund)) == 1

    world.advance_refund(refund, "succeeded")

    assert len(rows_of(world, refund)) == 1


def test_a_refund_that_the_customers_bank_returned_is_sent_again_and_is_one_refund(
    world: World,
) -> None:
    refund = world.refund(world.pay(5_000).charge, status="requires_action")
    for status in ("pending", "succeeded", "requires_action", "pending", "succeeded"):
        world.advance_refund(refund, status)

    assert world.show(refund)["status"] == "succeeded"
    assert len(rows_of(world, refund)) == 1


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_failed_and_canceled_are_the_end(world: World, status: str) -> None:
    refund = world.refund(world.pay(5_000).charge)
    world.advance_refund(refund, status)

    for further in ("succeeded", "pending", "requires_action"):
        with pytest.raises(StripeProblem, match="does not go"):
            world.advance_refund(refund, further)
    assert world.refundable(world.get("charge", world.show(refund)["charge"])) == 5_000


def test_only_a_refund_that_waits_for_the_customer_can_be_cancelled(world: World) -> None:
    paid = world.pay(5_000)
    waiting = world.refund(paid.charge, 1_000, status="requires_action")
    done = world.refund(paid.charge, 1_000)

    world.cancel_refund(waiting)

    assert world.show(waiting)["status"] == "canceled"
    assert rows_of(world, waiting) == []
    with pytest.raises(StripeProblem, match="only cancel"):
        world.cancel_refund(done)


def test_a_reference_number_days_later_moves_no_money(world: World) -> None:
    refund = world.refund(world.pay(5_000).charge)
    mark, before = world.events_made(), world.net()
    world.reference_refund(refund, "123")

    assert types_since(world, mark) == ["refund.updated", "charge.refund.updated"]
    assert world.show(refund)["destination_details"]["card"]["reference"] == "123"
    assert world.net() == before


def test_without_enough_balance_a_card_refund_waits_and_another_fails(world: World) -> None:
    world.enforce_balance = True
    card, bank = world.pay(1_000), world.pay(1_000, method="delayed")
    world.settle_delayed(bank.intent)
    world.payout(amount=1_800, automatic=False)

    waiting = world.show(world.refund(card.charge))
    failed = world.show(world.refund(bank.charge))

    assert (waiting["status"], waiting["pending_reason"]) == ("pending", "insufficient_funds")
    assert (failed["status"], failed["failure_reason"]) == ("failed", "insufficient_funds")
    assert world.show(bank.charge)["amount_refunded"] == 0


def test_a_refund_that_waits_for_balance_leaves_when_there_is_enough(world: World) -> None:
    world.enforce_balance = True
    paid = world.pay(1_000)
    world.payout(amount=900, automatic=False)
    refund = world.refund(paid.charge)
    world.pay(500)
    assert world.show(refund)["status"] == "pending"

    mark = world.events_made()
    world.pay(900)

    assert world.show(refund)["status"] == "succeeded"
    assert "refund.updated" in types_since(world, mark)
    assert rows_of(world, refund) == [("refund", "refund", -1_000, 0)]


def test_a_dispute_takes_the_money_and_its_fee(world: World) -> None:
    paid = world.pay(10_000)
    mark = world.events_made()
    dispute = world.dispute(paid.charge)

    assert types_since(world, mark) == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    assert rows_of(world, dispute) == [("adjustment", "dispute", -10_000, 1_500)]
    created, withdrawn = (event["data"]["object"] for event in world.events(mark))
    assert created["balance_transactions"] == []
    assert [row["net"] for row in withdrawn["balance_transactions"]] == [-11_500]
    assert world.show(paid.charge)["disputed"] is True


def test_an_inquiry_moves_no_money_unless_it_escalates(world: World) -> None:
    closed, escalated = (world.dispute(world.pay(500).charge, inquiry=True) for _ in range(2))
    before = world.net()
    world.close_dispute(closed, "warning_closed")
    assert world.net() == before

    mark = world.events_made()
    world.escalate(escalated)

    assert types_since(world, mark) == ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]
    assert rows_of(world, escalated) == [("adjustment", "dispute", -500, 1_500)]
    with pytest.raises(StripeProblem):
        world.escalate(escalated)


@pytest.mark.parametrize(
    ("reinstate", "fee_back", "row"),
    [
        (None, 0, ("adjustment", "dispute_reversal", 10_000, 0)),
        (7_000, 0, ("adjustment", "dispute_reversal", 7_000, 0)),
        (None, 1_500, ("adjustment", "dispute_reversal", 10_000, -1_500)),
    ],
)
def test_a_dispute_that_is_won_gives_back_what_its_rows_say(
    world: World, reinstate: int | None, fee_back: int, row: tuple[str, str, int, int]
) -> None:
    dispute = world.dispute(world.pay(10_000).charge)
    world.respond(dispute)
    mark = world.events_made()
    world.close_dispute(dispute, "won", reinstate, fee_back)

    assert types_since(world, mark) == ["charge.dispute.closed", "charge.dispute.funds_reinstated"]
    assert rows_of(world, dispute)[1] == row


def test_lost_is_not_final(world: World) -> None:
    dispute = world.dispute(world.pay(10_000).charge)
    world.close_dispute(dispute, "lost")
    mark = world.events_made()
    world.late_win(dispute)

    assert types_since(world, mark) == ["charge.dispute.updated", "charge.dispute.funds_reinstated"]
    assert world.show(dispute)["status"] == "won"
    with pytest.raises(StripeProblem):
        world.late_win(dispute)


def test_some_disputes_arrive_lost(world: World) -> None:
    mark = world.events_made()
    world.dispute(world.pay(10_000).charge, already_lost=True)

    assert types_since(world, mark)[-3:] == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.closed",
    ]


def test_a_contested_dispute_may_cost_a_second_fee_that_a_win_returns(world: World) -> None:
    dispute = world.dispute(world.pay(10_000).charge)
    before = world.net()
    world.respond(dispute, countered_fee=1_500)
    assert world.net()["usd"] == before.get("usd", 0) - 1_500

    world.close_dispute(dispute, "won")

    assert world.net()["usd"] == before.get("usd", 0) + 10_000
    with pytest.raises(StripeProblem):
        world.respond(dispute)


def test_a_charge_may_have_several_disputes_and_one_may_be_larger_than_it(world: World) -> None:
    paid = world.pay(5_000)
    one, two = world.dispute(paid.charge, 2_000), world.dispute(paid.charge, 15_000)

    assert rows_of(world, one) == [("adjustment", "dispute", -2_000, 1_500)]
    assert rows_of(world, two) == [("adjustment", "dispute", -15_000, 1_500)]


def test_a_disputed_charge_cannot_be_refunded_while_an_inquiry_can(world: World) -> None:
    taken, asked = world.pay(5_000), world.pay(5_000)
    dispute = world.dispute(taken.charge)
    world.dispute(asked.charge, inquiry=True)

    with pytest.raises(StripeProblem) as caught:
        world.refund(taken.charge, 100)
    assert (caught.value.status, caught.value.code) == (400, "charge_disputed")
    assert world.refund(asked.charge, 100)

    world.close_dispute(dispute, "won")
    assert world.refund(taken.charge, 100)


def test_a_dispute_overtakes_a_pending_refund(world: World) -> None:
    paid = world.pay(10_000)
    refund = world.refund(paid.charge, 4_000, status="pending")
    world.dispute(paid.charge)

    assert world.show(refund)["status"] == "failed"
    assert world.show(refund)["failure_reason"] == "charge_for_pending_refund_disputed"
    assert world.net() == {"usd": 10_000 - 320 - 11_500}


def test_a_prevented_dispute_has_no_row(world: World) -> None:
    paid = world.pay(10_000)
    before = world.net()
    dispute = world.prevented(paid.charge)
    world.set_dispute_status(dispute, "appeal_under_review")

    assert world.net() == before
    assert world.show(dispute)["payment_method_details"]["card"]["case_type"] == "block"


def test_a_dispute_settles_at_the_rate_of_its_own_day(world: World) -> None:
    paid = world.pay(11_374, "usd", settle_in=("eur", 95, 100))
    dispute = world.dispute(paid.charge, settle_in=("eur", 10_786, 11_374))

    assert rows_of(world, dispute) == [("adjustment", "dispute", -10_786, 1_500)]


def test_what_took_no_money_cannot_be_disputed_and_what_is_over_cannot_close(world: World) -> None:
    with pytest.raises(StripeProblem):
        world.dispute(world.authorize(100).charge)
    dispute = world.dispute(world.pay(100).charge)
    world.close_dispute(dispute, "lost")
    with pytest.raises(StripeProblem, match="never won"):
        world.close_dispute(dispute, "won")
