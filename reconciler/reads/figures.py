"""Figures for the charts: money by day, how soon payments are matched, and how old debts are."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

MONEY = ("taken", "refunded", "lost", "fees")
SPEEDS = (
    "matched_at_once", "matched_in_a_day", "matched_in_a_week", "matched_later", "unmatched",
)  # fmt: skip
AGES = ("not_due", "1", "31", "61", "91")
ON_HOLD = "on_hold"  # of no age: nobody is asked to pay it now

_HEAPS = (*AGES, ON_HOLD)
_FIGURES = sa.text(
    """select kind, bucket, currency, amount, number from figure
    where kind = any(:kinds) and bucket >= :since and bucket <= :until order by bucket, currency"""
)
_OWED = sa.text("select bucket, currency, amount, number from figure where kind = 'owed'")
_MARK = sa.text("select counted_to from figure_mark")


@dataclass(frozen=True, slots=True)
class DayOfMoney:
    """What was taken on a day and, of that same money, refunded, lost and kept as fees since.

    Minor units of one currency.
    """

    day: date
    taken: int = 0
    refunded: int = 0
    lost: int = 0
    fees: int = 0


@dataclass(frozen=True, slots=True)
class Debts:
    """What is owed in one currency, by age or on hold: minor units, and how many invoices."""

    currency: str
    amounts: dict[str, int]
    numbers: dict[str, int]


def counted_to(session: Session) -> datetime | None:
    """Up to when everything is counted; None before the first time."""
    found: datetime | None = session.scalar(_MARK)
    return found


def money(session: Session, today: date, days: int) -> dict[str, list[DayOfMoney]]:
    """The last days with today, the oldest first, for each currency that had any."""
    wanted = [today - timedelta(days=back) for back in reversed(range(days))]
    given = {"kinds": list(MONEY), "since": str(wanted[0]), "until": str(today)}
    found: dict[str, dict[date, dict[str, int]]] = {}
    for row in session.execute(_FIGURES, given):
        days_of = found.setdefault(row.currency, {})
        days_of.setdefault(date.fromisoformat(row.bucket), {})[row.kind] = row.amount
    return {
        currency: [DayOfMoney(day, **days_of.get(day, {})) for day in wanted]
        for currency, days_of in sorted(found.items())
    }


def speeds(session: Session, today: date, days: int) -> dict[str, int]:
    """How many of the last days' payments were matched how soon."""
    since = today - timedelta(days=days - 1)
    given = {"kinds": list(SPEEDS), "since": str(since), "until": str(today)}
    found = dict.fromkeys(SPEEDS, 0)
    for row in session.execute(_FIGURES, given):
        found[row.kind] += row.number
    return found


def debts(session: Session) -> list[Debts]:
    """What is owed, by how long it has been due and what is on hold apart, for each currency."""
    found: dict[str, Debts] = {}
    for row in session.execute(_OWED):
        one = found.setdefault(
            row.currency, Debts(row.currency, dict.fromkeys(_HEAPS, 0), dict.fromkeys(_HEAPS, 0))
        )
        one.amounts[row.bucket] += row.amount
        one.numbers[row.bucket] += row.number
    return [found[currency] for currency in sorted(found)]
