"""Which rails there are, and that money received by hand is paid back by hand."""

import pytest

from reconciler.errors import Invalid, Refused
from reconciler.rails.registry import rails_from
from reconciler.runtime import system_clock
from reconciler.settings import Secret, Settings
from reconciler.timestamps import from_epoch
from tests.rails.conftest import a_payment
from tests.rails.orders import an_order
from tests.rails.stripe_objects import AT


@pytest.fixture
def rails():
    return rails_from(Settings(stripe_secret_key=Secret("sk_test_1")), lambda: from_epoch(AT))


def test_each_rail_answers_to_its_name(rails):
    assert {name: rail.name for name, rail in rails.items()} == {
        "stripe": "stripe",
        "manual": "manual",
    }


def test_a_refund_by_hand_is_a_persons_task(rails):
    manual, payment = rails["manual"], a_payment("pay_1")
    for ask in (
        lambda: manual.create_refund(an_order("pay_1")),
        lambda: manual.find_refund(an_order("pay_1")),
        lambda: manual.cancel_refund(payment, "ref_1"),
    ):
        with pytest.raises(Refused):
            ask()


def test_money_by_hand_has_no_wire(rails):
    manual, payment = rails["manual"], a_payment("pay_1")
    with pytest.raises(Invalid):
        manual.verify(b"{}", None, from_epoch(AT))
    assert manual.is_ours(None)
    assert manual.sighting(b"{}").facts is None
    assert manual.sighting(b"{}").kept_for
    assert manual.payment_of("pay_1", "own") is None
    assert manual.fetch(payment) == (payment, ())
    assert manual.balance() == {}
    assert manual.list_page("charge", from_epoch(0), from_epoch(AT)).rows == ()


def test_the_stripe_rail_reaches_what_the_settings_name(sandbox):
    payment = sandbox.world.pay(10_000, description="for INV-1")
    rail = rails_from(sandbox.settings(), system_clock)["stripe"]
    facts, _ = rail.fetch(a_payment(payment.intent))
    at, text = facts.texts["description"]
    assert text == "for INV-1"
    assert at > AT - 365 * 86_400  # dated when it was asked for
    assert rail.balance() == {"USD": sandbox.world.net()["usd"]}
