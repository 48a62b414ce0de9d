"""The same lives, rendered by old and new API versions, in any order: the same money."""

from functools import reduce
from itertools import groupby

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from reconciler.books import payments
from reconciler.rails.stripe.observe import sighting
from reconciler.sandbox.player import body_of
from reconciler.sandbox.world import World
from reconciler.timestamps import from_epoch
from tests.rails.stripe_objects import AT

VERSIONS = ["2020-08-27", "2022-08-01", "2024-06-20", "2025-02-24.acacia", "2025-08-27.basil"]


def captured_in_steps(world):
    payment = world.authorize(1_000, multicapture=True, metadata={"deposit": "D-1"})
    world.capture(payment.intent, 700, final=False)
    world.refund(payment.charge, 300)
    world.capture(payment.intent, 200)


def captured_beyond(world):
    payment = world.authorize(1_000, overcapture=1_200)
    world.capture(payment.intent, 1_200)


def captured_after_an_increment(world):
    payment = world.authorize(1_000)
    world.increment_authorization(payment.intent, 1_500)
    world.capture(payment.intent, 1_500)


def declined_then_paid(world):
    world.pay(5_000, intent=world.decline(5_000).intent)


def refunded_in_two_equal_parts(world):
    payment = world.pay(10_000)
    world.refund(payment.charge, 2_500)
    world.refund(payment.charge, 2_500)


def refund_that_fails_late(world):
    refund = world.refund(world.pay(10_000).charge, 4_000)
    world.reference_refund(refund)
    world.advance_refund(refund, "failed", failure_reason="expired_or_canceled_card")


def refund_that_wanders(world):
    refund = world.refund(world.pay(10_000).charge, 5_000, status="requires_action")
    for status in ("pending", "succeeded", "requires_action", "pending", "succeeded"):
        world.advance_refund(refund, status)


def disputed_lost_and_won_late(world):
    payment = world.pay(10_000)
    dispute = world.dispute(payment.charge, inquiry=True)
    world.escalate(dispute)
    world.close_dispute(dispute, "lost")
    world.late_win(dispute)


def debit_that_fails(world):
    world.fail_delayed(world.pay(10_000, method="delayed").charge)


def debit_that_comes(world):
    payment = world.pay(10_000, method="delayed")
    world.settle_delayed(payment.charge)


def paid_at_a_checkout(world):
    session = world.open_session(10_000, "usd", client_reference_id="INV-1")
    world.complete_session(session)


LIVES = [
    captured_in_steps,
    captured_beyond,
    captured_after_an_increment,
    declined_then_paid,
    refunded_in_two_equal_parts,
    refund_that_fails_late,
    refund_that_wanders,
    disputed_lost_and_won_late,
    debit_that_fails,
    debit_that_comes,
    paid_at_a_checkout,
]


def told(live, version):
    """The same life in the same world, as an endpoint of one version hears of it."""
    world = World(lambda: from_epoch(AT), seed=3)
    world.endpoint_versions.add(version)
    live(world)
    events = [body_of(world.event_for(event["id"], version)) for event in world.events()]
    seen = [sighting(event).facts for event in events]
    return [facts for facts in seen if facts is not None]


def joined(seen):
    by_payment = sorted(seen, key=lambda facts: facts.payment_id)
    (facts,) = [
        reduce(payments.join, group)
        for _, group in groupby(by_payment, key=lambda facts: facts.payment_id)
    ]
    return facts


def money(facts):
    return {
        "captured": payments.captured(facts),
        "final": payments.is_final(facts),
        "whole": {c.id: c.is_whole for c in facts.charges.values()},
        "refunds": {r.id: (r.amount, r.stage, r.shown[2]) for r in facts.refunds.values()},
        "counted": [r.id for r in payments.counted_refunds(facts)],
        "disputes": {d.id: (d.amount, d.was_formal, d.shown[2]) for d in facts.disputes.values()},
        "balance": {row.id: row.net for row in facts.balance.values()},
        "named": {name: value for name, (_, value) in facts.named.items()},
        "status": payments.status(facts, refunded=0, disputed=0),
    }


@pytest.mark.parametrize("live", LIVES, ids=lambda live: live.__name__)
@pytest.mark.parametrize("version", VERSIONS)
def test_an_old_version_tells_the_same_money(live, version):
    assert money(joined(told(live, version))) == money(joined(told(live, "2026-10-28.endive")))


@pytest.mark.sampled(3)
@pytest.mark.parametrize("live", LIVES, ids=lambda live: live.__name__)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_two_endpoints_of_two_versions_in_any_order_tell_it_too(live, data):
    new = told(live, "2026-10-28.endive")
    both = new + told(live, data.draw(st.sampled_from(VERSIONS)))
    mixed = data.draw(st.permutations(both))
    assert joined(mixed) == joined(both)
    assert money(joined(mixed)) == money(joined(new))
