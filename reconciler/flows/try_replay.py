"""What doing events over would change: it is done, looked at, and undone before anybody sees it."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.flows.apply_inbox import apply_events
from reconciler.rails.protocol import Rail
from reconciler.reads import ledger
from reconciler.reads.ledger import AccountRow
from reconciler.runtime import Runtime
from reconciler.services import inbox
from reconciler.services.inbox import ReplayFilter
from reconciler.store.inbox_rows import Claimed
from reconciler.work import Cause, Work

TRIED_MAX = 500  # events; payments are held meanwhile, so it has to be short


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of doing over the first `tried` of `matching` events.

    `failing` could not be applied. `entries` would be posted, and `changes` is by how much each
    account would change by them, in minor units, debits positive.
    """

    matching: int
    tried: int
    failing: int
    entries: int
    changes: tuple[AccountRow, ...]


def try_replay(runtime: Runtime, wanted: ReplayFilter) -> Trial:
    """What a replay of these events would book. Leaves nothing behind, and moves no outcome."""
    cause = Cause("job", "try_replay")
    return runtime.rehearse(cause, functools.partial(_try, rails=runtime.rails, wanted=wanted))


def _try(work: Work, rails: Mapping[str, Rail], wanted: ReplayFilter) -> Trial:
    found = inbox.matching(work, wanted)
    events = inbox.read_again(work, found[:TRIED_MAX])
    failing = _apply(work, rails, events)
    work.session.flush()
    posted, changes = ledger.posted_now(work.session, work.now)
    return Trial(len(found), len(events), failing, posted, tuple(changes))


def _apply(work: Work, rails: Mapping[str, Rail], events: Sequence[Claimed]) -> int:
    """Apply them all together; if that raises, each by itself. Gives how many could not be."""
    if not events:
        return 0
    try:
        with work.session.begin_nested():
            apply_events(work, rails, events)
    except Exception:  # noqa: BLE001  whatever it is: it would be tried again, and set aside
        if len(events) == 1:
            return 1
        return sum(_apply(work, rails, [event]) for event in events)
    return 0
