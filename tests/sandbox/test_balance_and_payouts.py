"""The balance is the sum of its rows, whatever happened; payouts carry rows away."""

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from reconciler.sandbox.problems import StripeProblem
from reconciler.sandbox.rows import Rate, processing_fee
from reconciler.sandbox.world import World
from tests.sandbox.wires import DAY, NOON

Steps = list[tuple[str, int, int]]

AMOUNTS = st.integers(min_value=1, max_value=200_000)
STEPS = st.lists(
    st.tuples(st.sampled_from(sorted("abcdefghijklmn")), AMOUNTS, st.integers(0, 9)), max_size=40
)


def listed(world: World, payout: str) -> list[dict[str, Any]]:
    rows = world.table("balance_transaction").values()
    return [row for row in rows if world.listed_in_payout(row, payout)]


def totals(balance: dict[str, Any]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for part in balance["available"] + balance["pending"]:
        sums[part["currency"]] = sums.get(part["currency"], 0) + part["amount"]
    return {currency: amount for currency, amount in sorted(sums.items()) if amount}


def step(world: World, what: str, amount: int, which: int) -> None:
    """One thing that happens, perhaps one that Stripe refuses."""
    charges, refunds, disputes, payouts = (
        list(world.table(kind)) for kind in ("charge", "refund", "dispute", "payout")
    )

    def one(ids: list[str]) -> str:
        return ids[which % len(ids)] if ids else "none"

    happenings = {
        "a": lambda: world.pay(amount, ("usd", "eur", "jpy")[which % 3]),
        "b": lambda: world.pay(amount, "eur", settle_in=("usd", 100 + which, 100)),
        "c": lambda: world.authorize(amount, multicapture=which % 2 == 0),
        "d": lambda: world.capture(one(charges), amount, final=which % 2 == 0),
        "e": lambda: world.capture(one(charges), amount, legacy=True),
        "f": lambda: world.pay(amount, method="delayed", early_row=which % 2 == 0),
        "g": lambda: world.settle_delayed(one(charges)),
        "h": lambda: world.fail_delayed(one(charges)),
        "i": lambda: world.refund(one(charges), amount if which % 2 else None),
        "j": lambda: world.advance_refund(one(refunds), "failed"),
        "k": lambda: world.dispute(one(charges), amount, inquiry=which % 3 == 0),
        "l": lambda: world.close_dispute(one(disputes), ("won", "lost")[which % 2]),
        "m": lambda: (world.advance(which * DAY), world.payout(("usd", "eur", "jpy")[which % 3])),
        "n": lambda: world.fail_payout(one(payouts)),
    }
    happenings[what]()


@given(STEPS)
@settings(deadline=None)
def test_the_balance_is_always_the_sum_of_its_rows(steps: Steps) -> None:
    world = World(lambda: NOON)
    for what, amount, which in steps:
        before = world.net()
        try:
            step(world, what, amount, which)
        except StripeProblem:
            assert world.net() == before
        nets: dict[str, int] = {}
        for row in world.table("balance_transaction").values():
            assert row["net"] == row["amount"] - row["fee"]
            assert sum(detail["amount"] for detail in row["fee_details"]) == row["fee"]
            nets[row["currency"]] = nets.get(row["currency"], 0) + row["net"]
        wanted = {currency: net for currency, net in sorted(nets.items()) if net}
        assert totals(world.balance()) == world.net() == wanted


@given(STEPS)
@settings(deadline=None)
def test_nothing_is_refunded_beyond_what_was_captured(steps: Steps) -> None:
    world = World(lambda: NOON)
    for what, amount, which in steps:
        try:
            step(world, what, amount, which)
        except StripeProblem:
            continue
    for charge in world.table("charge").values():
        refunds = [world.get("refund", refund_id) for refund_id in charge["_refunds"]]
        alive = [r["amount"] for r in refunds if r["status"] not in ("failed", "canceled")]
        real = [r["amount"] for r in refunds if "_remainder" not in r]
        assert world.refundable(charge) >= 0
        assert charge["amount_refunded"] == sum(alive)
        assert len(real) == 0 or charge["amount_captured"] > 0


@given(AMOUNTS, st.integers(1, 300), st.integers(1, 300))
def test_exchange_is_symmetric_and_rounds_half_away_from_zero(
    amount: int, numerator: int, denominator: int
) -> None:
    rate = Rate("usd", numerator, denominator)

    settled = rate.convert(amount)

    assert rate.convert(-amount) == -settled
    assert abs(2 * settled * denominator - 2 * amount * numerator) <= denominator


@pytest.mark.parametrize(
    ("settled", "fee"),
    [(1_000, 59), (700, 50), (10_000, 320), (1_500, 74), (50, 31), (17, 30), (0, 30)],
)
def test_the_fee_is_two_point_nine_per_cent_and_thirty(settled: int, fee: int) -> None:
    assert processing_fee(settled) == fee


def test_an_automatic_payout_carries_what_is_available_and_its_members_add_up(world: World) -> None:
    world.pay(10_000)
    world.pay(20_000)
    world.advance(2 * DAY)
    world.pay(5_000)
    payout = world.payout()
    shown = world.show(payout)

    assert shown["amount"] == 10_000 - 320 + 20_000 - 610
    assert [row["source"] for row in listed(world, payout)] == [payout]

    world.send_payout(payout)

    members = [row for row in listed(world, payout) if row["source"] != payout]
    assert sum(row["net"] for row in members) == shown["amount"]
    assert world.net() == {"usd": 5_000 - 175}


def test_a_payouts_events_come_in_stripes_order(world: World) -> None:
    world.pay(10_000)
    world.advance(2 * DAY)
    mark = world.events_made()
    payout = world.payout()
    world.pay_payout(payout)
    world.fail_payout(payout)

    assert [event["type"] for event in world.events(mark)] == [
        "payout.created",
        "payout.updated",
        "payout.reconciliation_completed",
        "payout.paid",
        "payout.failed",
    ]
    assert [event["data"]["object"]["status"] for event in world.events(mark)] == [
        "pending",
        "in_transit",
        "in_transit",
        "paid",
        "failed",
    ]


def test_money_of_a_failed_payout_goes_out_with_a_later_one(world: World) -> None:
    world.pay(10_000)
    world.advance(2 * DAY)
    first = world.payout()
    world.pay_payout(first)
    world.fail_payout(first)
    second = world.payout()
    world.pay_payout(second)

    kinds = [row["type"] for row in listed(world, second)]
    assert kinds == ["payout_failure", "payout"]
    assert world.show(second)["amount"] == world.show(first)["amount"]
    assert world.net() == {}
    with pytest.raises(StripeProblem, match="already"):
        world.fail_payout(first)


def test_a_payout_may_be_cancelled_before_it_is_sent(world: World) -> None:
    world.pay(10_000)
    world.advance(2 * DAY)
    payout = world.payout()
    world.cancel_payout(payout)

    assert world.show(payout)["status"] == "canceled"
    assert world.net() == {"usd": 9_680}
    with pytest.raises(StripeProblem):
        world.pay_payout(payout)


def test_a_balance_below_zero_is_debited_from_the_bank(world: World) -> None:
    paid = world.pay(1_000)
    world.advance(2 * DAY)
    world.pay_payout(world.payout())
    world.refund(paid.charge)
    payout = world.payout()

    assert world.show(payout)["amount"] == -1_000
    assert world.net() == {}


def test_a_manual_payout_knows_no_members(world: World) -> None:
    world.pay(10_000)
    payout = world.payout(amount=5_000, automatic=False)
    world.pay_payout(payout)

    assert world.show(payout)["reconciliation_status"] == "not_applicable"
    assert [row["source"] for row in listed(world, payout)] == [payout]
    assert world.net() == {"usd": 4_680}
    with pytest.raises(StripeProblem, match="other schedule"):
        world.payout()


def test_there_is_no_payout_of_nothing(world: World) -> None:
    with pytest.raises(StripeProblem, match="nothing"):
        world.payout("eur")


def test_rows_of_other_kinds_are_part_of_the_balance(world: World) -> None:
    world.other_row(-2_000)
    world.other_row(700, kind="something_new", category="nobody_knows")

    assert world.net() == {"usd": -1_300}
