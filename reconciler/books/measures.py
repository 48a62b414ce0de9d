"""When money on its way to the bank is late."""

from datetime import datetime, time, timedelta

# A bank may return a payout within five business days: on every weekday that is a week.
FIVE_BUSINESS_DAYS = timedelta(days=7)
_SATURDAY = 5


def overdue_since(now: datetime) -> datetime:
    """What should have arrived before this instant is late: five business days before `now`.

    A weekend counts as the end of its Friday. Holidays count, so that in a week with one the alarm
    comes a day early.
    """
    into = now.weekday() - _SATURDAY
    if into >= 0:
        now = datetime.combine(now.date() - timedelta(days=into), time(), now.tzinfo)
    return now - FIVE_BUSINESS_DAYS
