"""Our Stripe rail against a Stripe over HTTP: all of a payment, found, refunded, healed."""

import msgspec
import pytest

from reconciler.books import payments
from reconciler.errors import Invalid, NotFound
from reconciler.rails.stripe.envelope import OWN_ACCOUNT
from reconciler.sandbox.player import body_of, sign
from reconciler.sandbox.rows import Rate
from reconciler.settings import Secret
from reconciler.timestamps import from_epoch
from tests.rails.conftest import WEBHOOK_SECRET, a_payment
from tests.rails.stripe_objects import AT

NOW = from_epoch(AT)


def heard(rail, sandbox, payment_id):
    """What the webhooks alone said of a payment."""
    known = a_payment(payment_id)
    for event in sandbox.world.events():
        seen = rail.sighting(body_of(event))
        if seen.facts and seen.facts.payment_id == payment_id:
            known = payments.join(known, seen.facts)
    return known


# Webhooks in


def test_what_the_sandbox_signs_is_proved_and_read(sandbox):
    sandbox.world.pay(10_000)
    rail = sandbox.rail()
    for made in sandbox.world.events():
        body = body_of(made)
        event = rail.verify(body, sign(WEBHOOK_SECRET, body, AT), NOW)
        assert (event.id, event.kind) == (made["id"], made["type"])
        assert rail.is_ours(event) is None
        about = rail.sighting(body).facts
        assert event.about == (about.payment_id if about else None)
    assert sandbox.wire.calls == []


def test_every_secret_counts_while_one_is_rotated(sandbox):
    sandbox.world.pay(10_000)
    body = body_of(sandbox.world.events()[0])
    secrets = (Secret("whsec_new"), Secret("whsec_old"))
    rail = sandbox.rail(stripe_webhook_secrets=secrets, stripe_webhook_tolerance_seconds=60)
    assert rail.verify(body, sign("whsec_old", body, AT - 60), NOW).body == body
    for header in (sign("whsec_old", body, AT - 61), sign("whsec_else", body, AT), None):
        with pytest.raises(Invalid):
            rail.verify(body, header, NOW)


def test_an_event_of_the_other_mode_is_not_ours(sandbox):
    sandbox.world.pay(10_000)
    event = sandbox.rail().event_of(sandbox.world.events()[0])
    assert "live" in sandbox.rail().is_ours(msgspec.structs.replace(event, livemode=True))
    live = sandbox.rail(stripe_secret_key=Secret("sk_live_1"))
    assert "test" in live.is_ours(event)
    assert sandbox.wire.calls == []


def test_an_event_that_names_an_account_is_ours_if_the_account_is(sandbox):
    sandbox.world.pay(10_000)
    made = sandbox.world.events()[0]
    rail = sandbox.rail()
    stranger = rail.event_of(made | {"account": "acct_other"})
    assert "not ours" in rail.is_ours(stranger)
    assert "not ours" in rail.is_ours(stranger)
    assert rail.is_ours(rail.event_of(made | {"account": "acct_sandbox"})) is None
    assert rail.event_of(made | {"account": "acct_sandbox"}).account == OWN_ACCOUNT
    assert sandbox.wire.calls == ["GET /v1/account"]


@pytest.mark.parametrize("status", [403, 404])
def test_an_account_that_cannot_be_told_is_not_taken_for_ours(sandbox, status):
    sandbox.world.pay(10_000)
    rail = sandbox.rail()
    event = rail.event_of(sandbox.world.events()[0] | {"account": "acct_sandbox"})
    sandbox.faults.add("answer", path="/v1/account", status=status, count=None)
    assert "may not read" in rail.is_ours(event)


# Fetching


def story(world):
    """A payment with most that can befall one."""
    payment = world.authorize(10_000, metadata={"invoice": "INV-1"}, multicapture=True)
    world.capture(payment.intent, 4_000, final=False)
    world.capture(payment.intent, 5_000)
    refund = world.refund(payment.charge, 1_000)
    world.advance_refund(refund, "failed", failure_reason="declined")
    world.refund(payment.charge, 2_000)
    dispute = world.dispute(payment.charge)
    world.close_dispute(dispute, "won", reinstate=7_000)
    return payment


def test_all_of_a_payment_is_fetched_with_nothing_known_before(sandbox):
    payment = story(sandbox.world)
    facts, aliases = sandbox.rail().fetch(a_payment(payment.intent))
    rows = sandbox.world.table("balance_transaction")
    assert payments.captured(facts) == 9_000
    assert payments.is_final(facts)
    assert [refund.amount for refund in payments.counted_refunds(facts)] == [2_000]
    assert set(facts.balance) == set(rows)
    assert sum(row.net for row in facts.balance.values()) == sandbox.world.net()["usd"]
    assert facts.named["invoice"][1] == "INV-1"
    assert {payment.charge, *facts.refunds, *facts.disputes} <= set(aliases)


def test_metadata_keys_of_our_own_are_read_from_events_and_from_a_look(sandbox):
    paid = sandbox.world.pay(5_000, metadata={"order no": "INV-1", "invoice": "INV-2"})
    rail = sandbox.rail(metadata_keys={"invoice": ("order no",)})
    facts, _ = rail.fetch(a_payment(paid.intent))
    told = [rail.sighting(body_of(event)).facts for event in sandbox.world.events()]
    for seen in (facts, *told):
        assert {name: value for name, (_, value) in seen.named.items()} == {
            "invoice:order no": "INV-1"
        }


def test_what_was_heard_and_what_is_fetched_agree(sandbox):
    payment = story(sandbox.world)
    rail = sandbox.rail()
    told = heard(rail, sandbox, payment.intent)
    fetched, _ = rail.fetch(told)
    both = payments.join(told, fetched)
    for facts in (fetched, both):
        assert payments.captured(facts) == payments.captured(told)
        assert set(facts.refunds) == set(told.refunds)
        assert set(facts.disputes) == set(told.disputes)
        assert {r.id: r.stage for r in facts.refunds.values()} == {
            r.id: r.stage for r in told.refunds.values()
        }
    assert payments.join(fetched, told) == both


def test_a_plain_payment_takes_four_calls(sandbox):
    payment = sandbox.world.pay(10_000, metadata={"invoice": "INV-1"})
    sandbox.rail().fetch(a_payment(payment.intent))
    assert sandbox.wire.calls == [
        f"GET /v1/payment_intents/{payment.intent}",
        "GET /v1/charges",
        "GET /v1/refunds",
        "GET /v1/balance_transactions",
    ]


@pytest.mark.parametrize("legacy", [True, False])
def test_a_partial_capture_is_no_refund_in_either_generation(sandbox, legacy):
    payment = sandbox.world.authorize(10_000)
    sandbox.world.capture(payment.intent, 7_000, legacy=legacy)
    facts, _ = sandbox.rail().fetch(a_payment(payment.intent))
    assert payments.captured(facts) == 7_000
    assert len(facts.refunds) == legacy
    assert payments.counted_refunds(facts) == []
    assert sum(row.net for row in facts.balance.values()) == sandbox.world.net()["usd"]


@pytest.mark.parametrize("end", ["cancel", "expire"])
@pytest.mark.parametrize("legacy", [True, False])
def test_an_authorization_let_go_moved_nothing(sandbox, end, legacy):
    payment = sandbox.world.authorize(10_000)
    getattr(sandbox.world, end)(payment.intent, legacy=legacy)
    facts, _ = sandbox.rail().fetch(a_payment(payment.intent))
    assert payments.status(facts, refunded=0, disputed=0) == "canceled"
    assert payments.captured(facts) == 0
    assert payments.counted_refunds(facts) == []
    assert facts.balance == {}


def test_more_refunds_than_any_one_page_are_all_fetched(sandbox):
    payment = sandbox.world.pay(100_000)
    made = [sandbox.world.refund(payment.charge, 100) for _ in range(125)]
    facts, _ = sandbox.rail().fetch(a_payment(payment.intent))
    assert set(facts.refunds) == set(made)
    assert sum(r.amount for r in payments.counted_refunds(facts)) == 12_500
    assert all(refund.balance_ref in facts.balance for refund in facts.refunds.values())


@pytest.mark.parametrize(
    "deaf_to",
    [{"expand"}, {"payment_intent", "source", "payment"}],
    ids=["expand", "filters"],
)
def test_a_server_that_ignores_parameters_gives_the_same_facts(sandbox, deaf_to):
    payment = story(sandbox.world)
    invoice = sandbox.world.create_invoice(5_000)
    session = sandbox.world.open_session(5_000, "usd", client_reference_id="INV-2")
    other = sandbox.world.complete_session(session, invoices={invoice: 5_000})
    sandbox.world.refund(other.charge, 500)
    sandbox.world.edit_metadata(payment.intent, {})
    sandbox.world.edit_metadata(payment.charge, {})
    rail = sandbox.rail()
    expected, _ = rail.fetch(a_payment(payment.intent))
    sandbox.wire.deaf_to = deaf_to
    facts, _ = rail.fetch(a_payment(payment.intent))
    assert facts.named == expected.named == facts.rail_invoices == {}
    assert facts.balance == expected.balance
    assert set(facts.refunds) == set(expected.refunds)
    assert set(facts.charges) == set(expected.charges)
    assert [r.id for r in payments.counted_refunds(facts)] == [
        r.id for r in payments.counted_refunds(expected)
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/payment_intents/*",
        "/v1/charges",
        "/v1/charges/*",
        "/v1/refunds",
        "/v1/disputes",
        "/v1/balance_transactions",
        "/v1/balance_transactions/*",
        "/v1/checkout/sessions",
        "/v1/invoice_payments",
    ],
)
def test_any_call_may_answer_404(sandbox, path):
    payment = sandbox.world.pay(10_000)
    refund = sandbox.world.refund(payment.charge, 1_000)
    sandbox.world.dispute(payment.charge)
    rail = sandbox.rail()
    told = heard(rail, sandbox, payment.intent)
    sandbox.faults.add("answer", path=path, status=404, count=None)
    fetched, _ = rail.fetch(told)
    facts = payments.join(told, fetched)
    assert payments.captured(fetched) == 10_000
    assert set(fetched.refunds) == {refund}
    assert set(fetched.disputes) == set(told.disputes)
    assert payments.is_released(facts.refunds[refund], facts) is False


def test_known_rows_are_not_asked_for_again(sandbox):
    payment = sandbox.world.pay(10_000, metadata={"invoice": "INV-1"})
    rail = sandbox.rail()
    known, _ = rail.fetch(a_payment(payment.intent))
    sandbox.wire.calls.clear()
    sandbox.faults.add("answer", path="/v1/balance_transactions", status=404, count=None)
    rail.fetch(known)
    assert len(sandbox.wire.calls) == 4


def test_a_payment_that_stripe_does_not_know_is_not_found(sandbox):
    for payment_id in ("pi_none", "ch_none", "py_none"):
        with pytest.raises(NotFound):
            sandbox.rail().fetch(a_payment(payment_id))


def test_a_charge_without_an_intent_is_fetched_as_its_own_payment(sandbox):
    payment = sandbox.world.pay(10_000, no_intent=True)
    refund = sandbox.world.refund(payment.charge, 2_500)
    sandbox.world.dispute(payment.charge)
    facts, aliases = sandbox.rail().fetch(a_payment(payment.charge))
    assert facts.payment_id == payment.charge
    assert payments.captured(facts) == 10_000
    assert set(facts.refunds) == {refund}
    assert set(aliases) == {payment.charge, refund, *facts.disputes}


def test_a_declined_attempt_is_there_beside_the_one_that_paid(sandbox):
    declined = sandbox.world.decline(10_000)
    paid = sandbox.world.pay(10_000, intent=declined.intent)
    facts, _ = sandbox.rail().fetch(a_payment(paid.intent))
    assert {c.id: c.is_failed for c in facts.charges.values()} == {
        declined.charge: True,
        paid.charge: False,
    }
    assert payments.captured(facts) == 10_000


def test_what_only_the_checkout_knows_is_fetched_where_nothing_else_names_it(sandbox):
    session = sandbox.world.open_session(10_000, "usd", client_reference_id="INV-9")
    payment = sandbox.world.complete_session(session)
    rail = sandbox.rail()
    facts, aliases = rail.fetch(a_payment(payment.intent))
    assert facts.named["client_reference_id"][1] == "INV-9"
    assert facts.sessions == (session,)
    assert session in aliases
    sandbox.wire.calls.clear()
    rail.fetch(facts)
    assert "GET /v1/checkout/sessions" not in sandbox.wire.calls


def test_what_only_stripes_own_invoice_knows_is_fetched_too(sandbox):
    parts = {sandbox.world.create_invoice(amount): amount for amount in (6_000, 4_000)}
    payment = sandbox.world.pay(10_000, invoices=parts)
    facts, _ = sandbox.rail().fetch(a_payment(payment.intent))
    assert facts.rail_invoices == parts
    assert facts.rail_credits == {name: (0, amount) for name, amount in parts.items()}


def test_credit_that_stripes_own_invoice_used_is_read_once(sandbox):
    invoice = sandbox.world.create_invoice(10_000, credit=3_000)
    payment = sandbox.world.pay(7_000, invoices={invoice: 7_000}, metadata={"invoice": "INV-1"})
    known = a_payment(payment.intent, rail_invoices={invoice: 7_000})
    facts, _ = sandbox.rail().fetch(known)
    assert facts.rail_credits == {invoice: (3_000, 7_000)}
    sandbox.wire.calls.clear()
    sandbox.rail().fetch(payments.join(known, facts))
    assert f"GET /v1/invoices/{invoice}" not in sandbox.wire.calls


@pytest.mark.parametrize("status", [400, 403, 404])
def test_an_invoice_that_may_not_be_read_is_asked_for_once(sandbox, status):
    sandbox.faults.add("answer", path="/v1/invoices/in_1", status=status, count=None)
    payment = sandbox.world.pay(7_000)
    facts, _ = sandbox.rail().fetch(a_payment(payment.intent, rail_invoices={"in_1": 7_000}))
    assert facts.rail_credits == {"in_1": (0, 0)}


@pytest.mark.parametrize("status", [400, 403])
def test_evidence_is_never_worth_failing_over(sandbox, status):
    payment = sandbox.world.pay(10_000)
    for path in ("/v1/checkout/sessions", "/v1/invoice_payments"):
        sandbox.faults.add("answer", path=path, status=status, count=None)
    facts, _ = sandbox.rail().fetch(a_payment(payment.intent))
    assert payments.captured(facts) == 10_000


def test_a_settlement_in_another_currency_is_told_in_it(sandbox):
    payment = sandbox.world.pay(10_000, "eur", settle_in=Rate("usd", 1085, 1000))
    facts, _ = sandbox.rail().fetch(a_payment(payment.intent))
    (row,) = facts.balance.values()
    assert (facts.currency, row.currency, row.amount) == ("EUR", "USD", 10_850)


def test_a_debit_that_fails_leaves_rows_that_cancel_out(sandbox):
    payment = sandbox.world.pay(10_000, method="delayed", early_row=True)
    sandbox.world.fail_delayed(payment.charge)
    facts, _ = sandbox.rail().fetch(a_payment(payment.intent))
    assert payments.captured(facts) == 0
    assert payments.status(facts, refunded=0, disputed=0) == "failed"
    assert len(facts.balance) == 2
    assert sum(row.amount for row in facts.balance.values()) == 0


# Which payment


def test_a_part_of_an_old_shape_leads_through_its_charge(sandbox):
    payment = sandbox.world.pay(10_000)
    refund = sandbox.world.show(sandbox.world.refund(payment.charge, 1_000))
    del refund["payment_intent"]
    inner = sandbox.wire.app

    def old_shape(environ, start_response):
        if "/refunds/" not in environ["PATH_INFO"]:
            return inner(environ, start_response)
        body = body_of(refund)
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    sandbox.wire.app = old_shape
    assert sandbox.rail().payment_of(refund["id"], OWN_ACCOUNT) == payment.intent


def test_every_id_leads_to_its_payment(sandbox):
    world = sandbox.world
    session = world.open_session(10_000, "usd")
    payment = world.complete_session(session)
    refund = world.refund(payment.charge, 1_000)
    dispute = world.dispute(payment.charge)
    alone = world.pay(5_000, no_intent=True)
    alone_refund = world.refund(alone.charge, 100)
    rail = sandbox.rail()
    for object_id in (payment.intent, payment.charge, refund, dispute, session):
        assert rail.payment_of(object_id, OWN_ACCOUNT) == payment.intent
    for object_id in (alone.charge, alone_refund):
        assert rail.payment_of(object_id, OWN_ACCOUNT) == alone.charge
    for object_id in ("ch_none", "re_none", "du_none", "cs_none", "in_1", "../x"):
        assert rail.payment_of(object_id, OWN_ACCOUNT) is None
    assert rail.payment_of(payment.charge, "acct_other") is None
