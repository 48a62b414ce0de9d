"""Staged plans: a price divided into milestones, so that they come to it to the last unit."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.errors import Invalid
from reconciler.money import shown

WHOLE = 10_000  # hundredths of a percent
STAGES_MAX = 50
_PERCENT = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Part:
    """What one stage takes of a price: minor units, or hundredths of a percent; never both."""

    amount: int | None = None
    share: int | None = None


def share(percent: int | str, *, field: str = "percent") -> int:
    """`33.33` or `30` as hundredths of a percent. Raises Invalid for anything else."""
    written = str(percent).strip()
    if not (written.isascii() and _PERCENT.fullmatch(written)):
        raise Invalid(f"{percent!r} is no percentage such as 30 or 33.33", field=field)
    whole, _, rest = written.partition(".")
    found = int(whole) * 100 + int(rest.ljust(2, "0"))
    if not 0 < found <= WHOLE:
        raise Invalid("a percentage is more than 0 and at most 100", field=field)
    return found


def percent(hundredths: int) -> str:
    """Hundredths of a percent as people write them: `30`, `33.33`."""
    whole, rest = divmod(hundredths, 100)
    return f"{whole}.{rest:02}".rstrip("0").rstrip(".") if rest else str(whole)


def amounts(price: int, parts: Sequence[Part], currency: str) -> list[int]:
    """What each stage of a plan comes to, in minor units; together exactly `price`.

    Fixed amounts are taken first, and percentages share what they leave. Each part is the exact
    share rounded down or up; who loses most by rounding down is rounded up, and of equals the
    later. Raises Invalid where that does not come to the price, or leaves a stage with nothing.
    """
    if not 1 <= len(parts) <= STAGES_MAX:
        raise Invalid(f"a plan has 1 to {STAGES_MAX} stages", field="milestones")
    fixed = sum(part.amount or 0 for part in parts)
    shares = sum(part.share or 0 for part in parts)
    if shares not in (0, WHOLE):
        raise Invalid(f"the percentages come to {percent(shares)}, not to 100", field="milestones")
    rest = price - fixed
    if rest < 0 or (rest > 0 and not shares):
        raise Invalid(
            f"the plan comes to {shown(fixed, currency)}, the price is {shown(price, currency)}",
            field="milestones",
        )
    divided = iter(divide(rest, [part.share for part in parts if part.share]))
    found = [next(divided) if part.share else part.amount or 0 for part in parts]
    if min(found) <= 0:
        raise Invalid("a stage of the plan would come to nothing", field="milestones")
    return found


def divide(total: int, weights: Sequence[int]) -> list[int]:
    """`total` minor units in proportion to `weights`, by the largest remainder."""
    whole = sum(weights)
    if not whole:
        return []
    floors = [total * weight // whole for weight in weights]
    lost = [total * weight % whole for weight in weights]
    by_loss = sorted(range(len(weights)), key=lambda place: (lost[place], place), reverse=True)
    for place in by_loss[: total - sum(floors)]:
        floors[place] += 1
    return floors
