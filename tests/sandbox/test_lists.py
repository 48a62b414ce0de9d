"""Lists: newest first, every object once, whatever the page size."""

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.sandbox.wires import Wire


def walk(wire: Wire, path: str, limit: int, **params: object) -> list[str]:
    """All ids of a list, page after page, forwards."""
    ids: list[str] = []
    more = True
    while more:
        cursor = {"starting_after": ids[-1]} if ids else {}
        found = wire.get(path, limit=limit, **cursor, **params).json()
        assert len(found["data"]) <= limit
        ids += [one["id"] for one in found["data"]]
        more = found["has_more"]
    return ids


@given(count=st.integers(0, 12), limit=st.integers(1, 7), same_second=st.booleans())
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_walk_gives_all_of_them_newest_first_and_none_twice(
    wire: Wire, count: int, limit: int, same_second: bool
) -> None:
    world = wire.world
    customer = world.create_customer("Ann")
    made = []
    for _ in range(count):
        made.append(world.pay(1_000, customer=customer).charge)
        if not same_second:
            world.advance(1)

    forwards = walk(wire, "/v1/charges", limit, customer=customer)

    assert forwards == made[::-1]


def test_a_walk_backwards_gives_the_next_newer_ones(wire: Wire) -> None:
    made = [wire.world.pay(1_000).charge for _ in range(5)][::-1]

    found = wire.get("/v1/charges", ending_before=made[3], limit=2).json()
    rest = wire.get("/v1/charges", ending_before=made[1], limit=2).json()

    assert [one["id"] for one in found["data"]] == made[1:3]
    assert found["has_more"] is True
    assert [one["id"] for one in rest["data"]] == made[:1]
    assert rest["has_more"] is False


def test_the_default_page_has_ten(wire: Wire) -> None:
    for _ in range(11):
        wire.world.pay(100)
    found = wire.get("/v1/charges").json()

    assert (len(found["data"]), found["has_more"]) == (10, True)
    assert (found["object"], found["url"]) == ("list", "/v1/charges")
    assert wire.get("/v1/charges", limit=11).json()["has_more"] is False


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0},
        {"limit": 101},
        {"limit": "x"},
        {"starting_after": "ch_none"},
        {"starting_after": "a", "ending_before": "b"},
        {"created[gte]": "yesterday"},
        {"created[since]": "1"},
        {"colour": "red"},
    ],
)
def test_a_wrong_list_is_refused(wire: Wire, params: dict[str, str]) -> None:
    wire.world.pay(100)

    assert wire.get("/v1/charges", **params).status_code == 400


def test_created_is_a_range_over_whole_seconds(wire: Wire) -> None:
    ids, seconds = [], []
    for _ in range(4):
        ids.append(wire.world.pay(100).charge)
        seconds.append(wire.world.now())
        wire.world.advance(10)

    def found(**params: object) -> list[str]:
        return [one["id"] for one in wire.get("/v1/charges", **params).json()["data"]][::-1]

    assert found(created=seconds[1]) == ids[1:2]
    assert found(**{"created[gte]": seconds[1]}) == ids[1:]
    assert found(**{"created[gt]": seconds[1]}) == ids[2:]
    assert found(**{"created[lt]": seconds[2], "created[gte]": seconds[0]}) == ids[:2]
    assert found(**{"created[lte]": seconds[2]}) == ids[:3]


def test_each_list_has_its_filters(wire: Wire) -> None:
    world = wire.world
    one, two = world.pay(1_000), world.pay(2_000)
    refund = world.refund(one.charge, 100)
    dispute = world.dispute(two.charge)
    world.advance(2 * 86_400)
    payout = world.payout()
    world.pay_payout(payout)

    def ids(path: str, **params: object) -> list[str]:
        return [found["id"] for found in wire.get(path, **params).json()["data"]]

    row = world.show(one.charge)["balance_transaction"]
    assert ids("/v1/charges", payment_intent=one.intent) == [one.charge]
    assert ids("/v1/refunds", charge=one.charge) == [refund]
    assert ids("/v1/refunds", payment_intent=one.intent) == [refund]
    assert ids("/v1/refunds", payment_intent=two.intent) == []
    assert ids("/v1/disputes", charge=two.charge) == [dispute]
    assert ids("/v1/disputes", payment_intent=one.intent) == []
    assert ids("/v1/balance_transactions", source=one.charge) == [row]
    assert len(ids("/v1/balance_transactions", type="adjustment")) == 1
    assert ids("/v1/balance_transactions", currency="eur") == []
    assert len(ids("/v1/balance_transactions", payout=payout)) == 5
    assert ids("/v1/payouts", status="paid") == [payout]
    assert ids("/v1/payouts", **{"arrival_date[lt]": 1}) == []
    assert len(ids("/v1/payment_intents")) == 2
    assert len(ids("/v1/events", type="charge.succeeded")) == 2
    kinds = ["charge.succeeded", "refund.created"]
    assert len(ids("/v1/events", **{"types[]": kinds})) == 3


def test_events_can_be_asked_for_by_whether_they_arrived(wire: Wire) -> None:
    wire.world.pay(1_000)
    arrived = wire.world.events()[0]["id"]
    wire.world.truth.delivered[arrived] = True

    def count(success: str) -> int:
        return len(wire.get("/v1/events", delivery_success=success).json()["data"])

    assert (count("true"), count("false")) == (1, 3)


def test_what_is_told_backdated_is_listed_where_it_belongs(wire: Wire) -> None:
    now = wire.world.pay(1_000).charge
    with wire.world.at(wire.world.now() - 86_400):
        yesterday = wire.world.pay(1_000).charge

    found = [one["id"] for one in wire.get("/v1/charges").json()["data"]]

    assert found == [now, yesterday]
