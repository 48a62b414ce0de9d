"""Charts as shapes, in whole thousandths of their unit. A table says the same in numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from reconciler.reads.figures import AGES, ON_HOLD, SPEEDS, DayOfMoney, Debts

WIDTH, HEIGHT = 300, 64  # of the picture in its own units; it is stretched to its place
_GAP_THOUSANDTHS = 200
_SOON = 3  # of the ages and speeds: what comes after these is late

SPEED_WORDS = {
    "matched_at_once": "At once",
    "matched_in_a_day": "Within a day",
    "matched_in_a_week": "Within a week",
    "matched_later": "Later",
    "unmatched": "Not matched",
}
AGE_WORDS = {
    "not_due": "Not due yet",
    "1": "1 to 30 days late",
    "31": "31 to 60 days late",
    "61": "61 to 90 days late",
    "91": "More than 90 days late",
    ON_HOLD: "On hold, whenever it was due",
}


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangle of the picture, in its own units, and the class that colours it."""

    kind: str
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class MoneyChart:
    """Money by day in one currency: what each day brought, and what became of it. Minor units."""

    currency: str
    days: Sequence[DayOfMoney]
    blocks: Sequence[Block]

    @property
    def taken(self) -> int:
        """All that came in."""
        return sum(day.taken for day in self.days)

    @property
    def refunded(self) -> int:
        """What of it was given back."""
        return sum(day.refunded for day in self.days)

    @property
    def lost(self) -> int:
        """What of it disputes took."""
        return sum(day.lost for day in self.days)

    @property
    def fees(self) -> int:
        """What of it the rails kept."""
        return sum(day.fees for day in self.days)

    @property
    def best(self) -> date:
        """The day that brought most."""
        return max(self.days, key=lambda day: day.taken).day


@dataclass(frozen=True, slots=True)
class Level:
    """One bar of several that lie below each other: its words and what it comes to."""

    title: str
    amount: int
    number: int
    tone: str = "paid"  # the class that colours it


def money(currency: str, days: Sequence[DayOfMoney]) -> MoneyChart:
    """A bar for each day; from its foot: kept, fees, refunded and lost."""
    top = max((max(day.taken, _gone(day)) for day in days), default=0)
    blocks = [block for n, day in enumerate(days) for block in _bar(n, len(days), day, top)]
    return MoneyChart(currency, days, blocks)


def speeds(found: dict[str, int]) -> list[Level]:
    """How soon payments were matched, the soonest first."""
    return [
        Level(SPEED_WORDS[kind], 0, found[kind], "late" if place > _SOON else "paid")
        for place, kind in enumerate(SPEEDS, start=1)
    ]


def debts(found: Debts) -> list[Level]:
    """What is owed, the youngest first; then what is on hold, if anything is."""
    shown = [(age, "late" if n > _SOON else "paid") for n, age in enumerate(AGES, start=1)]
    if found.numbers[ON_HOLD]:
        shown.append((ON_HOLD, "held"))
    return [
        Level(AGE_WORDS[age], found.amounts[age], found.numbers[age], tone) for age, tone in shown
    ]


def _gone(day: DayOfMoney) -> int:
    return day.refunded + day.lost + max(day.fees, 0)


def _bar(place: int, places: int, day: DayOfMoney, top: int) -> list[Block]:
    fees = max(day.fees, 0)  # a rail may give fees back; a bar has no negative part
    kept = max(day.taken - _gone(day), 0)
    found, foot = [], 0
    for kind, amount in (
        ("paid", kept), ("fee", fees), ("refunded", day.refunded), ("lost", day.lost),
    ):  # fmt: skip
        if amount > 0:
            foot += amount
            found.append(_block(kind, place, places, amount, foot, top))
    return found


def _block(kind: str, place: int, places: int, amount: int, foot: int, top: int) -> Block:
    step = WIDTH * 1_000 // places
    return Block(
        kind,
        _units(place * step + _GAP_THOUSANDTHS),
        _units(HEIGHT * 1_000 - HEIGHT * 1_000 * foot // top),
        _units(step - 2 * _GAP_THOUSANDTHS),
        _units(HEIGHT * 1_000 * amount // top),
    )


def _units(thousandths: int) -> str:
    return f"{thousandths // 1_000}.{thousandths % 1_000:03d}"
