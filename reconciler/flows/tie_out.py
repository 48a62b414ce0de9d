"""Hold a rail's own balance against clearing, at one moment, and say where every unit is.

The rail is asked between two looks at our books. Where news came in between, it is asked again, so
that both sides are of one moment. What the rail holds beyond all that is known here is looked for
in its own list of movements, from the newest back, until it is explained or the pages run out.
"""

import threading
import time
from concurrent.futures import Future, TimeoutError as TooSlow
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from reconciler.books import tie_out as rules
from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.rail_objects import ObjectKind, View
from reconciler.books.tie_out import Here, Reason, TiedOut
from reconciler.errors import OutcomeUnknown, Refused, Unavailable
from reconciler.rails.protocol import Rail
from reconciler.reads import tie_out as reads
from reconciler.runtime import Runtime

ASKED_MAX = 3
PAGES_MAX = 20  # two thousand movements: who is further behind runs a comparison first
BEGINNING = datetime(2010, 1, 1, tzinfo=UTC)  # before any rail had anything of ours
THREADS_MAX = 4  # that wait for a slow rail at once; each ends by itself
SOON = timedelta(minutes=1)  # the rail's clock may be ahead of ours

_may_wait = threading.BoundedSemaphore(THREADS_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class RailTied:
    """One rail's account. `why_not` says why the rail's side cannot be had; then `tied` is empty.

    `is_still` is False where the books never stood still while the rail was asked: then what came
    in meanwhile may show as a difference.
    """

    rail: str
    at: datetime
    tied: list[TiedOut]
    why_not: str | None = None
    is_still: bool = True

    @property
    def is_sound(self) -> bool:
        """Whether the rail could be asked, and nothing but what is awaited differs."""
        return self.why_not is None and all(one.is_sound for one in self.tied)


def tie_out(runtime: Runtime) -> list[RailTied]:
    """Every rail that holds money for us."""
    return [_of_rail(runtime, runtime.rails[name]) for name in runtime.rails if name != MANUAL_RAIL]


def tie_out_within(runtime: Runtime, seconds: float) -> list[RailTied]:
    """The same for somebody who waits so long and no longer, whatever the rails do.

    A rail that is slow goes on answering a thread that nobody waits for: there are a few of those.
    """
    until = time.monotonic() + seconds
    names = [name for name in runtime.rails if name != MANUAL_RAIL]
    asked = {name: _asked(runtime, runtime.rails[name]) for name in names}
    found = []
    for name, answer in asked.items():
        tied = _answered(answer, max(0.0, until - time.monotonic())) if answer else None
        why = f"it has not answered within {seconds:g} seconds"
        found.append(tied or RailTied(rail=name, at=runtime.now(), tied=[], why_not=why))
    return found


def _answered(answer: Future[RailTied], seconds: float) -> RailTied | None:
    try:
        return answer.result(seconds)
    except TooSlow:
        return None


def _asked(runtime: Runtime, rail: Rail) -> Future[RailTied] | None:
    """What a thread of its own will find; None where too many wait for rails already."""
    if not _may_wait.acquire(blocking=False):
        return None
    answer: Future[RailTied] = Future()

    def ask() -> None:
        try:
            answer.set_result(_of_rail(runtime, rail))
        except Exception as error:  # noqa: BLE001  raised again by whoever waits for it
            answer.set_exception(error)
        finally:
            _may_wait.release()

    threading.Thread(target=ask, name="tie-out", daemon=True).start()
    return answer


def _of_rail(runtime: Runtime, rail: Rail) -> RailTied:
    try:
        balance, here, is_still = _one_moment(runtime, rail)
        lines = _found_in_its_list(runtime, rail, balance, here)
    except (Unavailable, OutcomeUnknown, Refused) as error:
        return RailTied(rail=rail.name, at=runtime.now(), tied=[], why_not=str(error))
    tied = rules.tie_out(rail.name, balance, here, lines)
    return RailTied(rail=rail.name, at=runtime.now(), tied=tied, is_still=is_still)


def _one_moment(runtime: Runtime, rail: Rail) -> tuple[dict[str, int], Here, bool]:
    balance: dict[str, int] = {}
    with runtime.read() as session:
        before = reads.totals(session, rail.name)
    for _ in range(ASKED_MAX):
        balance = rail.balance()
        with runtime.read() as session:
            now = reads.totals(session, rail.name)
            if now == before:  # so what is read beside them is of the same moment
                return balance, reads.here(session, rail.name), True
            before = now
    with runtime.read() as session:
        return balance, reads.here(session, rail.name), False


def _found_in_its_list(
    runtime: Runtime, rail: Rail, balance: dict[str, int], here: Here
) -> list[Reason]:
    lines: list[Reason] = []
    listed: dict[str, View] = {}
    cursor, newest = None, runtime.now() + SOON
    until = int(newest.timestamp())
    for _ in range(PAGES_MAX):
        if not rules.rest(balance, here, lines):
            break
        page = rail.list_page(ObjectKind.MOVEMENT, BEGINNING, newest, cursor)
        cursor = page.cursor
        part = {r.id: r.view for r in page.rows if r.view and r.view.is_of_payments}
        listed |= part
        # Of the oldest second of a page more may stand on the next one.
        after = min((row.made for row in page.rows), default=until) if cursor else 0
        with runtime.read() as session:
            known = reads.known(session, rail.name, part, after=after, until=until)
        shown = part | {name: listed[name] for name in known.keys() & listed.keys()}
        lines += [line for line in rules.listed_otherwise(shown, known) if line not in lines]
        until = after
        if cursor is None:
            break
    return lines
