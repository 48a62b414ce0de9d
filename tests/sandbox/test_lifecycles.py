"""What one business action leaves behind: events in the order of their making, and rows."""

import pytest

from reconciler.sandbox.problems import StripeProblem
from reconciler.sandbox.world import World
from tests.sandbox.wires import NOON, last, rows, types_since


def test_automatic_capture_shows_its_row_only_later(world: World) -> None:
    paid = world.pay(10_000, metadata={"invoice": "INV-1"})

    assert types_since(world) == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.updated",
    ]
    assert last(world, "charge.succeeded")["balance_transaction"] is None
    updated = world.events()[-1]["data"]
    assert updated["previous_attributes"] == {"balance_transaction": None}
    assert updated["object"]["balance_transaction"] == next(
        iter(world.table("balance_transaction"))
    )
    assert last(world, "payment_intent.succeeded")["latest_charge"] == paid.charge
    assert last(world, "charge.succeeded")["metadata"] == {"invoice": "INV-1"}
    assert rows(world) == [("charge", 10_000, 320, 9_680)]


def test_before_april_2024_the_row_was_there_at_once(old_world: World) -> None:
    old_world.pay(10_000)

    assert types_since(old_world)[-1] == "payment_intent.succeeded"
    assert last(old_world, "charge.succeeded")["balance_transaction"] is not None


def test_a_charge_that_is_not_settled_has_no_row_until_it_is(world: World) -> None:
    paid = world.pay(10_000, settle=False)
    assert world.net() == {}

    world.settle(paid.charge)
    world.settle(paid.charge)

    assert world.net() == {"usd": 9_680}


def test_an_old_charge_has_no_intent(world: World) -> None:
    paid = world.pay(500, no_intent=True, metadata={"invoice": "INV-2"})

    assert types_since(world) == ["charge.succeeded", "charge.updated"]
    assert paid.intent == ""
    assert world.show(paid.charge)["payment_intent"] is None
    assert world.show(paid.charge)["metadata"] == {"invoice": "INV-2"}


def test_a_decline_and_a_second_try_are_two_charges_of_one_intent(world: World) -> None:
    first = world.decline(1_000)
    second = world.pay(1_000, intent=first.intent)

    assert types_since(world)[:4] == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "charge.succeeded",
    ]
    assert first.intent == second.intent
    assert first.charge != second.charge
    assert last(world, "charge.failed")["captured"] is False
    assert last(world, "payment_intent.payment_failed")["latest_charge"] == first.charge
    assert last(world, "payment_intent.succeeded")["latest_charge"] == second.charge


def test_three_d_secure_asks_the_payer_first(world: World) -> None:
    world.pay(1_000, three_d_secure=True)

    assert types_since(world)[:2] == ["payment_intent.created", "payment_intent.requires_action"]
    assert last(world, "payment_intent.succeeded")["next_action"] is None


def test_a_bank_debit_takes_days(world: World) -> None:
    paid = world.pay(1_000, method="delayed")

    assert types_since(world) == [
        "payment_intent.created",
        "payment_intent.processing",
        "charge.pending",
    ]
    assert paid.charge.startswith("py_")
    assert world.show(paid.charge)["paid"] is False
    assert rows(world) == []

    mark = world.events_made()
    world.settle_delayed(paid.intent)

    assert types_since(world, mark) == [
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.updated",
    ]
    assert next(iter(world.table("balance_transaction").values()))["type"] == "payment"


def test_a_bank_debit_that_fails_leaves_nothing(world: World) -> None:
    paid = world.pay(1_000, method="delayed")
    mark = world.events_made()
    world.fail_delayed(paid.charge)

    assert types_since(world, mark) == ["charge.failed", "payment_intent.payment_failed"]
    assert world.show(paid.charge)["status"] == "failed"
    assert rows(world) == []


def test_a_row_that_came_early_is_taken_back(world: World) -> None:
    paid = world.pay(1_000, method="delayed", early_row=True)
    world.fail_delayed(paid.charge)

    assert [row[0] for row in rows(world)] == ["charge", "charge_failure"]
    assert world.net() == {}


def test_checkout_that_is_paid_at_once(world: World) -> None:
    session = world.open_session(
        1_000,
        metadata={"a": "1"},
        payment_intent_metadata={"invoice": "INV-9"},
        client_reference_id="INV-9",
    )
    paid = world.complete_session(session)

    assert types_since(world)[-2:] == ["checkout.session.completed", "charge.updated"]
    completed = last(world, "checkout.session.completed")
    assert (completed["payment_status"], completed["payment_intent"]) == ("paid", paid.intent)
    assert world.show(paid.intent)["metadata"] == {"invoice": "INV-9"}


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_checkout_with_a_bank_debit_is_unpaid_when_completed(world: World, outcome: str) -> None:
    session = world.open_session(1_000)
    paid = world.complete_session(session, method="delayed")
    assert last(world, "checkout.session.completed")["payment_status"] == "unpaid"

    (world.settle_delayed if outcome == "succeeded" else world.fail_delayed)(paid.intent)

    followed = last(world, f"checkout.session.async_payment_{outcome}")
    assert followed["payment_status"] == ("paid" if outcome == "succeeded" else "unpaid")


def test_checkout_of_nothing_makes_no_charge(world: World) -> None:
    paid = world.complete_session(world.open_session(0))

    assert paid.charge == ""
    assert last(world, "checkout.session.completed")["payment_status"] == "no_payment_required"


def test_a_page_that_expired_cannot_be_paid(world: World) -> None:
    session = world.open_session(100)
    world.expire_session(session)

    with pytest.raises(StripeProblem, match="not open"):
        world.complete_session(session)


def test_settlement_in_another_currency_uses_whole_numbers(world: World) -> None:
    paid = world.pay(1_000, "eur", settle_in=("usd", 1_085, 1_000))
    refund = world.refund(paid.charge, 1_000, settle_in=("usd", 1_101, 1_000))

    assert [row[1] for row in rows(world)] == [1_085, -1_101]
    row = world.show(world.show(refund)["balance_transaction"])
    assert (row["currency"], row["exchange_rate"]) == ("usd", 1.101)


def test_stripes_own_invoices_are_allocations_and_no_cash(world: World) -> None:
    one, two = world.create_invoice(6_000, number="A-1"), world.create_invoice(4_000)
    paid = world.pay(10_000, invoices={one: 6_000, two: 4_000})

    assert types_since(world).count("invoice_payment.paid") == 2
    assert types_since(world).count("invoice.paid") == 2
    assert types_since(world).count("invoice.payment_succeeded") == 2
    links = world.table("invoice_payment").values()
    assert {link["payment"]["payment_intent"] for link in links} == {paid.intent}
    assert len(rows(world)) == 1


def test_a_part_of_an_invoice_leaves_it_open(world: World) -> None:
    invoice = world.create_invoice(6_000)
    world.pay(1_000, invoices={invoice: 1_000}, no_intent=True)

    shown = world.show(invoice)
    assert (shown["status"], shown["amount_remaining"]) == ("open", 5_000)
    assert types_since(world)[-2:] == ["invoice.updated", "charge.updated"]


def test_an_edit_of_an_intents_metadata_reaches_nothing_else(world: World) -> None:
    paid = world.pay(1_000, metadata={"invoice": "INV-1"})
    mark = world.events_made()
    world.edit_metadata(paid.intent, {"invoice": "INV-2"})
    assert types_since(world, mark) == []
    assert world.show(paid.charge)["metadata"] == {"invoice": "INV-1"}

    world.edit_metadata(paid.charge, {"invoice": "INV-3"})

    assert types_since(world, mark) == ["charge.updated"]
    previous = world.events()[-1]["data"]["previous_attributes"]
    assert previous == {"metadata": {"invoice": "INV-1"}}
    with pytest.raises(StripeProblem):
        world.edit_metadata("ch_none", {})


def test_events_are_snapshots_that_never_change(world: World) -> None:
    paid = world.pay(1_000)
    before = world.events()
    world.refund(paid.charge)

    assert world.events()[: len(before)] == before


def test_an_event_is_rendered_once_for_each_endpoints_version(world: World) -> None:
    world.endpoint_versions.add("2024-06-20")
    world.pay(1_000)
    event = world.events()[1]

    as_account, as_endpoint = (
        world.event_for(event["id"], version) for version in (None, "2024-06-20")
    )

    assert "invoice" not in as_account["data"]["object"]
    assert "invoice" in as_endpoint["data"]["object"]
    assert as_endpoint["api_version"] == "2024-06-20"


def test_what_people_did_names_a_request_and_the_rest_does_not(world: World) -> None:
    paid = world.pay(1_000)
    refund = world.refund(paid.charge, 100)
    world.advance_refund(refund, "failed")
    by_request = {event["type"]: event["request"]["id"] is not None for event in world.events()}

    assert by_request["charge.succeeded"]
    assert by_request["refund.created"]
    assert not by_request["charge.updated"]
    assert not by_request["refund.failed"]


def test_the_same_seed_tells_the_same_story_and_another_salt_another_one() -> None:
    def ids(seed: int, salt: str = "") -> list[str]:
        world = World(lambda: NOON, seed, salt=salt)
        world.pay(1_000)
        return [event["id"] for event in world.events()]

    assert ids(1) == ids(1)
    assert not set(ids(1)) & set(ids(2))
    assert not set(ids(1)) & set(ids(1, "other"))


def test_funds_become_available_after_two_days(world: World) -> None:
    world.pay(1_000)
    row = next(iter(world.table("balance_transaction")))
    assert world.balance()["available"][0]["amount"] == 0
    assert world.show(row)["status"] == "pending"

    world.advance(2 * 86_400)
    assert world.show(row)["status"] == "available"
    world.release_funds()

    assert world.balance()["available"][0]["amount"] == 941
    assert "id" not in last(world, "balance.available")
