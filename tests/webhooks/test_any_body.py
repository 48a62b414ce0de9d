"""Whatever rightly signed bytes come: the answer is 200 or 400, and what is said to be kept is."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.runtime import Office, by_kind, open_office

KEPT = "select count(*) from inbox_event"
HALF = "\\ud83d"  # of an emoji that was cut in two, as JSON writes it

odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=True),
    st.text(max_size=8),
    st.sampled_from(["\x00", "\ud83d", "x" * 5_000, "\u202e", "acct_other"]),
    st.just([]),
    st.just({}),
    st.just([[[[[[[]]]]]]]),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@pytest.fixture(scope="module")
def shared(module_database_url: str, line, stripe_api) -> tuple[Office, list[dict]]:
    """One office for all bodies, and what its world has told."""
    office = open_office(module_database_url, line, stripe_api)
    office.world.pay(10_000, metadata={"invoice": "INV-1"}, receipt_email="ann@example.com")
    office.world.dispute(office.world.pay(500).charge)
    office.world.refund(office.world.pay(700).charge)
    yield office, office.world.events()
    office.runtime.engine.dispose()


def places(value: Any, at: tuple = ()) -> list[tuple]:
    """Every place in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = [(*at, key) for key, _ in inner] if isinstance(value, dict | list) else []
    deeper = [value[path[-1]] for path in found]
    return found + [p for path, v in zip(found, deeper, strict=True) for p in _within(v, path)]


def _within(value: Any, path: tuple) -> list[tuple]:
    return places(value, path) if isinstance(value, dict | list) else []


def put(event: dict, path: tuple, value: Any) -> None:
    """Something else in one place."""
    inner: Any = event
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_an_event_with_anything_anywhere_is_taken_or_refused(
    shared: tuple[Office, list[dict]], data
) -> None:
    office, told = shared
    event = json.loads(json.dumps(told[data.draw(st.integers(0, len(told) - 1))]))
    for _ in range(data.draw(st.integers(1, 3))):
        put(event, data.draw(st.sampled_from(places(event))), data.draw(odd))
    before = office.scalar(KEPT)

    answers = [office.post(json.dumps(event | more).encode()) for more in ({}, {"odd": 1})]

    assert {answer.status_code for answer in answers} <= {200, 400}
    assert all(answer.is_json for answer in answers)
    new = sum(answer.status_code == 200 and not answer.json["duplicate"] for answer in answers)
    assert office.scalar(KEPT) == before + new
    office.apply()
    assert office.violations() == []


def test_half_an_emoji_is_a_duplicate_like_any_other(office: Office) -> None:
    office.world.pay(10_000, description="for the roof")
    event = by_kind(office.world.events(), "charge.succeeded")[0]
    cut = json.dumps(event).replace("for the roof", f"for the roof {HALF}")
    assert office.post(cut.encode()).json == {"received": True, "duplicate": False}
    again = json.dumps(json.loads(cut) | {"pending_webhooks": 7})
    assert office.post(again.encode()).json == {"received": True, "duplicate": True}
    office.drain()
    assert office.unfinished() == []
    assert office.scalar("select count(*) from review_item where kind = 'event_conflict'") == 0
