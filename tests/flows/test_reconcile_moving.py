"""A rail that goes on moving money while a run ends: what is new is no drift."""

import pytest

from reconciler.flows import reconcile as flow
from reconciler.rails.stripe.rail import StripeRail
from tests.flows.test_reconcile import left, run


@pytest.mark.sampled(2)
@pytest.mark.parametrize("is_heard_of", [False, True])
def test_what_moves_while_a_run_ends_is_not_taken_for_drift(office, monkeypatch, is_heard_of):
    ask = StripeRail.balance
    paid = []

    def meanwhile(rail):
        held = ask(rail)
        if not paid:
            paid.append(office.world.pay(2_000).charge)
            if is_heard_of:
                office.deliver(*office.world.events())
                office.drain()
        return held

    monkeypatch.setattr(StripeRail, "balance", meanwhile)
    told = run(office)
    assert (told.drift, left(told), len(paid)) == ({}, [], 1)
    office.clock.advance(minutes=5)
    told = run(office)
    assert (told.drift, left(told), told.healed > 0) == ({}, [], not is_heard_of)


def test_a_rail_that_never_stands_still_is_held_against_all_that_is_known(office, monkeypatch):
    ask = StripeRail.balance

    def meanwhile(rail):
        office.world.other_row(-100)
        return ask(rail)

    monkeypatch.setattr(StripeRail, "balance", meanwhile)
    assert run(office).drift == {"USD": -100 * (1 + flow.ASKED_MAX)}
