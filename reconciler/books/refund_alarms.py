"""When the program stops refunds by itself, and what it takes to stop them once more.

Each of these is a sign that something is wrong with more than one refund. What was a sign once is
known by its name: a person who lets refunds go on has seen it, and only something new stops them.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

LAST = 50  # of what was sent last, how much failed: enough of them for a share to say something
LAST_WITHIN = timedelta(days=30)  # for so long a bank sends one back; older news is no news
FAILED_OF_LAST_MAX = LAST // 5
_SHOWN_MAX = 3


@dataclass(frozen=True, slots=True)
class Signs:
    """What is seen of refunds at one moment.

    `broken` says what is wrong with which law; `unknown` are legs that were sent and nobody knows
    what came of them, of which there may be `unknown_max` at once; `failed` those among the last
    LAST sent that failed; `drifts` what two runs in a row found a rail's balance to differ by.
    """

    broken: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    drifts: frozenset[str] = frozenset()
    unknown_max: int = 10


@dataclass(frozen=True, slots=True)
class Alarm:
    """Why refunds stop, in words, and the names of all that says so."""

    why: str
    evidence: frozenset[str]


def alarms(signs: Signs) -> list[Alarm]:
    """Every reason there is now to stop refunds."""
    found = []
    if signs.broken:
        found.append(_alarm("a law of the books about refunds is broken", "law", signs.broken))
    if len(signs.unknown) > signs.unknown_max:
        why = (
            f"{len(signs.unknown)} refunds were sent and nobody knows what came of them; "
            f"at most {signs.unknown_max} may be like that at once"
        )
        found.append(Alarm(why, _named("unknown", signs.unknown)))
    if len(signs.failed) > FAILED_OF_LAST_MAX:
        why = (
            f"{len(signs.failed)} of the last {LAST} refunds failed; "
            f"at most {FAILED_OF_LAST_MAX} may"
        )
        found.append(Alarm(why, _named("failed", signs.failed)))
    if signs.drifts:
        why = "twice in a row the rail's balance was not what its movements here come to"
        found.append(_alarm(why, "drift", signs.drifts))
    return found


def fresh(signs: Signs, seen: Collection[str]) -> list[Alarm]:
    """Those of the alarms that something says which was not seen when refunds stopped before."""
    return [alarm for alarm in alarms(signs) if not alarm.evidence <= set(seen)]


def taken_as_known(signs: Signs) -> frozenset[str]:
    """What a person who turns refunds on is taken to know, beyond what has stopped them before.

    How many are unknown or failed is on the page of refunds, and more of them come in while
    refunds are off: those that were under way. A broken law or a drift is said once at least.
    """
    return _named("unknown", signs.unknown) | _named("failed", signs.failed)


def said(found: Collection[Alarm], *, chars_max: int) -> str:
    """All of them as one text, for the banner."""
    text = "Stopped by itself: " + "; ".join(alarm.why for alarm in found)
    return text if len(text) <= chars_max else text[: chars_max - 1] + "…"


def _alarm(what: str, kind: str, found: frozenset[str]) -> Alarm:
    """With the first few of what was found in its words."""
    shown = sorted(found)[:_SHOWN_MAX]
    more = len(found) - len(shown)
    rest = f", and {more} more" if more else ""
    return Alarm(f"{what}: {', '.join(shown)}{rest}", _named(kind, found))


def _named(kind: str, found: frozenset[str]) -> frozenset[str]:
    return frozenset(f"{kind} {one}" for one in found)
