"""Five business days back, over weekends."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from reconciler.books.measures import overdue_since


@pytest.mark.parametrize(
    ("now", "since"),
    [
        ("2026-11-27T12", "2026-11-20T12"),  # Friday to Friday
        ("2026-11-28T12", "2026-11-21T00"),  # a Saturday is the end of its Friday
        ("2026-11-29T23", "2026-11-21T00"),
        ("2026-11-30T00", "2026-11-23T00"),
    ],
)
def test_weekends_do_not_count(now: str, since: str) -> None:
    found = overdue_since(datetime.fromisoformat(f"{now}:00:00+00:00"))
    assert found == datetime.fromisoformat(f"{since}:00:00+00:00")


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1)))  # noqa: DTZ001
def test_it_is_a_week_and_at_most_a_weekend_and_never_goes_back(now: datetime) -> None:
    assert timedelta(days=7) <= now - overdue_since(now) < timedelta(days=9)
    assert overdue_since(now) <= overdue_since(now + timedelta(hours=5))
