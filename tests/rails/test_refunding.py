"""Our Stripe rail pays back: once, found again, and never by guessing; and it lists the past."""

import pytest

from reconciler.books.observations import RefundStage
from reconciler.books.rail_objects import ObjectKind, views
from reconciler.errors import OutcomeUnknown, Refused, Unavailable
from reconciler.rails.protocol import KeyRefused
from reconciler.rails.stripe import rail as stripe_rail
from reconciler.rails.stripe.envelope import OWN_ACCOUNT
from reconciler.rails.stripe.parts import facts_of
from reconciler.rails.stripe.refusals import RailRefused
from reconciler.sandbox.player import body_of
from reconciler.timestamps import from_epoch
from tests.rails.conftest import a_payment
from tests.rails.orders import an_order
from tests.rails.stripe_objects import AT

NOW = from_epoch(AT)


# Refunds


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("duplicate", "duplicate"),
        ("fraudulent", "fraudulent"),
        ("cancellation", "requested_by_customer"),
        ("partial_scope", "requested_by_customer"),
        ("goodwill", "requested_by_customer"),
        ("overpayment", "requested_by_customer"),
        ("other", "requested_by_customer"),
    ],
)
def test_a_refund_is_sent_as_ordered_and_carries_our_reference(sandbox, reason, told):
    payment = sandbox.world.pay(10_000)
    order = an_order(payment.intent, reason=reason, generation=2)
    facts = sandbox.rail().create_refund(order)
    (fact,) = facts.refunds.values()
    made = sandbox.world.get("refund", fact.id)
    assert (made["amount"], made["reason"], made["charge"]) == (1_000, told, payment.charge)
    assert made["metadata"] == {
        "reconciler_refund_id": "leg_1",
        "reconciler_generation": "2",
    }
    assert (fact.reference, fact.stage, facts.payment_id) == (
        "leg_1",
        RefundStage.LEFT,
        payment.intent,
    )


@pytest.mark.parametrize("no_intent", [True, False])
def test_our_refund_is_found_among_all_of_them_and_never_by_its_amount(sandbox, no_intent):
    payment = sandbox.world.pay(100_000, no_intent=no_intent)
    payment_id = payment.intent or payment.charge
    rail = sandbox.rail()
    order = an_order(payment_id)
    made = rail.create_refund(order)
    for _ in range(120):
        sandbox.world.refund(payment.charge, 500)
    equal = sandbox.world.refund(payment.charge, 1_000)
    found = rail.find_refund(order)
    assert {found.rail_refund_id} == set(made.refunds)
    assert len(found.facts.refunds) == 122
    assert equal in found.facts.refunds
    assert found.refunded_total == 1_000 + 120 * 500 + 1_000
    other = rail.find_refund(an_order(payment_id, reference="leg_2"))
    assert other.rail_refund_id is None


def test_only_live_and_real_refunds_count_as_refunded(sandbox):
    payment = sandbox.world.authorize(10_000)
    sandbox.world.capture(payment.intent, 8_000, legacy=True)
    sandbox.world.refund(payment.charge, 1_000)
    sandbox.world.refund(payment.charge, 500, status="pending")
    sandbox.world.refund(payment.charge, 300, status="requires_action")
    failed = sandbox.world.refund(payment.charge, 2_000)
    sandbox.world.advance_refund(failed, "failed")
    canceled = sandbox.world.refund(payment.charge, 700, status="requires_action")
    sandbox.world.advance_refund(canceled, "canceled")
    found = sandbox.rail().find_refund(an_order(payment.intent))
    assert found.refunded_total == 1_800
    assert len(found.facts.refunds) == 6


def test_of_two_with_our_reference_the_live_one_is_ours(sandbox):
    payment = sandbox.world.pay(10_000)
    metadata = {"reconciler_refund_id": "leg_1"}
    live = sandbox.world.refund(payment.charge, 1_000, metadata=metadata)
    dead = sandbox.world.refund(payment.charge, 1_000, metadata=metadata)
    sandbox.world.advance_refund(dead, "failed")
    assert sandbox.rail().find_refund(an_order(payment.intent)).rail_refund_id == live


@pytest.mark.parametrize("status", [400, 404])
def test_a_look_that_stripe_refuses_says_nothing_about_the_refund(sandbox, status):
    payment = sandbox.world.pay(10_000)
    sandbox.faults.add("answer", path="/v1/refunds", status=status, count=None)
    with pytest.raises(Unavailable):
        sandbox.rail().find_refund(an_order(payment.intent))


def test_a_lost_answer_is_found_and_the_same_key_makes_no_second_refund(sandbox):
    payment = sandbox.world.pay(10_000)
    rail, order = sandbox.rail(), an_order(payment.intent)
    assert rail.find_refund(order).rail_refund_id is None
    sandbox.faults.add("drop_after", method="POST")
    with pytest.raises(OutcomeUnknown):
        rail.create_refund(order)
    found = rail.find_refund(order)
    again = rail.create_refund(order)
    assert set(again.refunds) == {found.rail_refund_id}
    assert len(sandbox.world.table("refund")) == 1


def test_what_stripe_refuses_is_refused(sandbox):
    payment = sandbox.world.pay(10_000)
    with pytest.raises(RailRefused):
        sandbox.rail().create_refund(an_order(payment.intent, 10_001))
    sandbox.faults.add("answer", method="POST", status=401)
    with pytest.raises(KeyRefused):
        sandbox.rail().create_refund(an_order(payment.intent))


def test_a_fraction_that_stripe_does_not_take_is_not_sent(sandbox):
    with pytest.raises(Refused):
        sandbox.rail().create_refund(an_order("pi_1", 1_055, currency="KWD"))
    assert sandbox.wire.calls == []


@pytest.mark.parametrize(
    "answered", [{}, {"status": "reversed"}, {"amount": "7"}, {"id": None}, {"currency": "moon"}]
)
def test_an_answer_that_is_another_refund_is_unknown(sandbox, answered):
    payment = sandbox.world.pay(10_000)
    body = body_of(sandbox.world.show(sandbox.world.refund(payment.charge, 700)) | answered)

    def mixed_up(environ, start_response):
        environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    sandbox.wire.app = mixed_up
    with pytest.raises(OutcomeUnknown):
        sandbox.rail().create_refund(an_order(payment.intent))


def test_a_refund_of_ours_with_a_status_that_nobody_knows_is_not_taken_for_missing(sandbox):
    payment = sandbox.world.pay(10_000)
    made = sandbox.rail().create_refund(an_order(payment.intent))
    (refund_id,) = made.refunds
    sandbox.world.get("refund", refund_id)["status"] = "on_the_moon"
    with pytest.raises(Unavailable):
        sandbox.rail().find_refund(an_order(payment.intent))
    other = sandbox.rail().find_refund(an_order(payment.intent, reference="leg_2"))
    assert (other.rail_refund_id, other.refunded_total) == (None, 1_000)


def test_a_refund_that_waits_for_the_customer_can_be_canceled_and_no_other(sandbox):
    payment = sandbox.world.pay(10_000)
    waiting = sandbox.world.refund(payment.charge, 1_000, status="requires_action")
    gone = sandbox.world.refund(payment.charge, 1_000)
    rail = sandbox.rail()
    facts = rail.cancel_refund(a_payment(payment.intent), waiting)
    assert facts.refunds[waiting].stage == RefundStage.CANCELED
    assert facts.payment_id == payment.intent
    with pytest.raises(RailRefused):
        rail.cancel_refund(a_payment(payment.intent), gone)


# The balance and the past


def test_the_balance_counts_pending_money_and_equals_its_rows(sandbox):
    world = sandbox.world
    world.pay(10_000)
    world.pay(5_000, "jpy")
    world.advance(10 * 86_400)
    world.dispute(world.pay(3_000, "eur").charge)
    net = {currency.upper(): amount for currency, amount in world.net().items()}
    assert sandbox.rail().balance() == net


def told(rail, since, until):
    return [event["id"] for event in rail.list_events(from_epoch(since), from_epoch(until))]


def test_events_are_listed_oldest_first_within_their_window(sandbox):
    for day in range(3):
        with sandbox.world.at(AT - day * 3_600):
            sandbox.world.pay(1_000)
    made = sorted(sandbox.world.events(), key=lambda event: event["created"])
    rail = sandbox.rail()
    middle = [event["id"] for event in made if event["created"] == AT - 3_600]
    assert told(rail, AT - 3_600, AT) == middle
    everything = told(rail, AT - 86_400, AT + 1)
    assert everything[: len(made) - 4] != middle
    created = {event["id"]: event["created"] for event in made}
    assert [created[name] for name in everything] == sorted(created.values())
    sandbox.wire.deaf_to = {"created"}
    assert told(rail, AT - 3_600, AT) == middle


def test_more_events_than_are_held_at_once_are_listed_in_halves(sandbox, monkeypatch):
    monkeypatch.setattr(stripe_rail, "WINDOW_ROWS_MAX", held := 200)
    rounds = held // 4 + 15
    for number in range(rounds):
        with sandbox.world.at(AT - 5_000 + number * 7):
            sandbox.world.pay(1_000)
    found = told(sandbox.rail(), AT - 10_000, AT + 10_000)
    assert len(found) == len(set(found)) == len(sandbox.world.events()) > held
    created = {event["id"]: event["created"] for event in sandbox.world.events()}
    stamps = [created[name] for name in found]
    assert stamps == sorted(stamps)


def listed(rail, kind, since, until):
    """Every row of a listing, page after page."""
    rows, cursor = [], None
    while True:
        page = rail.list_page(kind, from_epoch(since), from_epoch(until), cursor)
        rows += page.rows
        cursor = page.cursor
        if cursor is None:
            return rows


def test_a_listing_holds_what_was_made_in_its_window_newest_first(sandbox):
    for day in range(3):
        with sandbox.world.at(AT - day * 3_600):
            sandbox.world.pay(1_000)
    rail = sandbox.rail()
    events = {event["id"]: event["created"] for event in sandbox.world.events()}
    middle = [name for name, made in events.items() if made == AT - 3_600]
    assert {row.id for row in listed(rail, "event", AT - 3_600, AT)} == set(middle)
    stamps = [row.made for row in listed(rail, "event", AT - 86_400, AT + 1)]
    assert stamps == sorted(events.values(), reverse=True)
    sandbox.wire.deaf_to = {"created"}
    assert {row.id for row in listed(rail, "event", AT - 3_600, AT)} == set(middle)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("kind", ["charge", "balance_transaction"])
def test_a_listing_is_read_to_its_last_page(sandbox, kind):
    for number in range(230):
        with sandbox.world.at(AT - 5_000 + number * 7):
            sandbox.world.pay(1_000)
    found = listed(sandbox.rail(), kind, AT - 10_000, AT + 10_000)
    assert len({row.id for row in found}) == len(found) == 230
    shown = {row.view.amount for row in found}
    assert len(shown) == 1
    assert shown == ({1_000} if kind == "charge" else {sandbox.world.net()["usd"] // 230})


def test_a_listed_object_reads_like_what_is_known_of_its_payment(sandbox):
    payment = sandbox.world.pay(10_000)
    sandbox.world.refund(payment.charge, 2_500)
    sandbox.world.dispute(sandbox.world.pay(3_000).charge)
    rail = sandbox.rail()
    for kind in ObjectKind:
        for row in listed(rail, kind, AT - 10, AT + 10):
            owner = row.facts.payment_id or rail.payment_of(row.via, OWN_ACCOUNT)
            facts, _ = rail.fetch(facts_of(payment_id=owner))
            assert row.view in set(views(facts)), (kind, row.id)


def test_what_nobody_can_read_is_listed_with_the_reason(sandbox):
    payment = sandbox.world.pay(10_000)
    refund = sandbox.world.refund(payment.charge, 2_500)
    sandbox.world.truth.tables["refund"][refund]["status"] = "on_the_moon"
    (row,) = listed(sandbox.rail(), "refund", AT - 10, AT + 10)
    assert (row.id, row.view) == (refund, None)
    assert "on_the_moon" in row.why_unread


def test_a_listed_event_reads_like_a_delivered_one(sandbox):
    payment = sandbox.world.pay(10_000)
    rail = sandbox.rail()
    found = [row.event for row in reversed(listed(rail, "event", AT - 10, AT + 10))]
    for stored, made in zip(found, sandbox.world.events(), strict=True):
        assert stored.id == made["id"]
        assert rail.sighting(stored.body) == rail.sighting(body_of(made))
    assert {event.about for event in found} == {payment.intent}
