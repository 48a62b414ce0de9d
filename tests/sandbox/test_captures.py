"""Holding, taking in one or several steps, letting go: in the old shape and in the new one."""

import pytest

from reconciler.sandbox.problems import StripeProblem
from reconciler.sandbox.world import World
from tests.sandbox.wires import last, rows, types_since


def test_an_authorization_is_paid_but_not_captured(world: World) -> None:
    held = world.authorize(1_000)

    assert types_since(world) == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
    ]
    charge = world.show(held.charge)
    assert (charge["paid"], charge["captured"], charge["amount_captured"]) == (True, False, 0)
    assert charge["status"] == "succeeded"
    assert rows(world) == []


def test_a_full_capture_takes_what_was_held(world: World) -> None:
    held = world.authorize(1_000)
    mark = world.events_made()
    world.capture(held.intent)

    assert types_since(world, mark) == [
        "charge.captured",
        "payment_intent.succeeded",
        "charge.updated",
    ]
    assert last(world, "payment_intent.succeeded")["amount_received"] == 1_000


def test_a_partial_capture_since_basil_makes_no_refund(world: World) -> None:
    held = world.authorize(1_000)
    mark = world.events_made()
    world.capture(held.intent, 700)

    assert types_since(world, mark) == [
        "charge.captured",
        "payment_intent.succeeded",
        "charge.updated",
    ]
    charge = world.show(held.charge)
    assert (charge["amount"], charge["amount_captured"], charge["amount_refunded"]) == (
        1_000,
        700,
        0,
    )
    assert world.table("refund") == {}
    assert rows(world) == [("charge", 700, 50, 650)]


@pytest.mark.parametrize("way", ["old world", "old request"])
def test_a_partial_capture_before_basil_shows_the_rest_as_a_refund(
    world: World, old_world: World, way: str
) -> None:
    here = old_world if way == "old world" else world
    held = here.authorize(1_000)
    mark = here.events_made()
    here.capture(held.intent, 700, legacy=None if here is old_world else True)

    assert types_since(here, mark) == [
        "charge.captured",
        "charge.refunded",
        "charge.refund.updated",
        "payment_intent.succeeded",
    ]
    charge = last(here, "charge.captured")
    assert (charge["amount_captured"], charge["amount_refunded"]) == (700, 300)
    assert charge["refunded"] is False
    remainder = last(here, "charge.refund.updated")
    assert (remainder["amount"], remainder["reason"]) == (300, None)
    assert rows(here) == [
        ("charge", 1_000, 59, 941),
        ("partial_capture_reversal", -300, -9, -291),
    ]
    assert here.net() == {"usd": 650}


def test_a_real_refund_after_an_old_partial_capture_is_told_apart_by_its_row_alone(
    world: World,
) -> None:
    held = world.authorize(1_000)
    world.capture(held.intent, 700, legacy=True)
    world.refund(held.charge, 100)

    assert world.show(held.charge)["amount_refunded"] == 400
    assert [row[0] for row in rows(world)] == ["charge", "partial_capture_reversal", "refund"]
    with pytest.raises(StripeProblem, match="greater than unrefunded amount"):
        world.refund(held.charge, 601)
    world.refund(held.charge, 600)
    assert world.show(held.charge)["refunded"] is True


def test_a_released_remainder_never_moves_again(world: World) -> None:
    world.capture(world.authorize(1_000).intent, 700, legacy=True)

    with pytest.raises(StripeProblem, match="released remainder"):
        world.advance_refund(next(iter(world.table("refund"))), "failed")


def test_the_same_charge_fields_can_mean_two_things(world: World) -> None:
    old, new = world.authorize(1_000), world.authorize(1_000)
    world.capture(old.intent, 700, legacy=True)
    world.capture(new.intent, 700)
    world.refund(new.charge, 300)

    names = ("amount", "amount_captured", "amount_refunded", "captured", "refunded")
    shown = [{name: world.show(one)[name] for name in names} for one in (old.charge, new.charge)]
    assert shown[0] == shown[1]


def test_multicapture_says_captured_only_at_the_end(world: World) -> None:
    held = world.authorize(1_000, multicapture=True)
    mark = world.events_made()
    world.capture(held.intent, 700, final=False)

    assert types_since(world, mark) == [
        "charge.updated",
        "payment_intent.amount_capturable_updated",
    ]
    first = last(world, "charge.updated")
    assert (first["captured"], first["amount_captured"]) == (False, 700)
    assert last(world, "payment_intent.amount_capturable_updated")["amount_capturable"] == 300
    own_row = first["balance_transaction"]

    mark = world.events_made()
    world.capture(held.intent, 200)

    assert types_since(world, mark) == [
        "charge.updated",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
    ]
    charge = world.show(held.charge)
    assert (charge["captured"], charge["amount_captured"]) == (True, 900)
    assert charge["balance_transaction"] == own_row
    assert [row[1] for row in rows(world)] == [700, 200]


def test_a_final_capture_of_nothing_lets_the_rest_go(world: World) -> None:
    held = world.authorize(1_000, multicapture=True)
    world.capture(held.intent, 700, final=False)
    mark = world.events_made()
    world.capture(held.intent, 0)

    assert types_since(world, mark) == [
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
    ]
    assert world.show(held.intent)["amount_received"] == 700
    assert len(rows(world)) == 1


def test_a_refund_between_two_captures_is_allowed_up_to_what_was_taken(world: World) -> None:
    held = world.authorize(1_000, multicapture=True)
    world.capture(held.intent, 700, final=False)
    world.refund(held.intent, 300)
    with pytest.raises(StripeProblem):
        world.refund(held.intent, 401)
    world.capture(held.intent, 200)

    assert world.show(held.charge)["amount_captured"] == 900
    assert world.show(held.charge)["amount_refunded"] == 300


def test_an_over_capture_rewrites_the_intent_and_not_what_was_authorized(world: World) -> None:
    held = world.authorize(1_000, overcapture=1_200)
    world.capture(held.intent, 1_200)

    charge = world.show(held.charge)
    assert world.show(held.intent)["amount"] == 1_200
    assert charge["amount_captured"] == 1_200
    assert charge["payment_method_details"]["card"]["amount_authorized"] == 1_000


def test_an_authorization_can_grow(world: World) -> None:
    held = world.authorize(1_000)
    world.increment_authorization(held.intent, 1_500)
    world.capture(held.intent)

    assert types_since(world).count("payment_intent.amount_capturable_updated") == 2
    assert world.show(held.charge)["amount_captured"] == 1_500


@pytest.mark.parametrize(
    ("legacy", "expected"),
    [(False, ["payment_intent.canceled"]), (True, ["payment_intent.canceled", "charge.refunded"])],
)
def test_a_cancelled_authorization_moved_no_money(
    world: World, legacy: bool, expected: list[str]
) -> None:
    held = world.authorize(1_000)
    mark = world.events_made()
    world.cancel(held.intent, legacy=legacy)

    charge = world.show(held.charge)
    assert types_since(world, mark) == expected
    assert rows(world) == []
    assert charge["refunded"] is legacy
    assert charge["captured"] is False
    assert (charge["amount_captured"], charge["amount_refunded"]) == (
        (None, 1_000) if legacy else (0, 0)
    )


@pytest.mark.parametrize(("legacy", "reason"), [(False, "expired"), (True, "automatic")])
def test_an_authorization_that_ran_out(world: World, legacy: bool, reason: str) -> None:
    held = world.authorize(1_000)
    mark = world.events_made()
    world.expire(held.intent, legacy=legacy)

    assert types_since(world, mark)[:2] == ["charge.expired", "payment_intent.canceled"]
    assert ("charge.refunded" in types_since(world, mark)) is legacy
    assert world.show(held.intent)["cancellation_reason"] == reason
    made = [refund["reason"] for refund in world.table("refund").values()]
    assert made == (["expired_uncaptured_charge"] if legacy else [])
    assert world.events()[-1]["request"] == {"id": None, "idempotency_key": None}


def test_what_was_taken_in_parts_stays_when_the_authorization_runs_out(world: World) -> None:
    held = world.authorize(1_000, multicapture=True)
    world.capture(held.intent, 700, final=False)
    world.expire(held.intent)

    assert world.show(held.intent)["status"] == "succeeded"
    assert world.show(held.charge)["captured"] is True
    assert "charge.expired" not in types_since(world)


@pytest.mark.parametrize(("amount", "final"), [(1_001, True), (-1, True), (0, True), (500, False)])
def test_captures_that_stripe_refuses(world: World, amount: int, final: bool) -> None:
    held = world.authorize(1_000)
    before = world.dump()

    with pytest.raises(StripeProblem):
        world.capture(held.intent, amount, final=final)

    assert world.dump() == before


def test_what_is_over_cannot_be_cancelled_captured_or_grown(world: World) -> None:
    paid = world.pay(1_000)
    part = world.authorize(1_000, multicapture=True)
    world.capture(part.intent, 1, final=False)

    for refused in (world.cancel, world.capture, world.expire):
        with pytest.raises(StripeProblem, match="status of succeeded"):
            refused(paid.charge)
    with pytest.raises(StripeProblem, match="partially captured"):
        world.cancel(part.intent)
    with pytest.raises(StripeProblem, match="greater"):
        world.increment_authorization(part.intent, 1_000)
    with pytest.raises(StripeProblem, match="not pending"):
        world.settle_delayed(paid.charge)
