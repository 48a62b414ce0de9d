"""Which runs are due: a row for each plan and tick, so that of several clocks one begins it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from reconciler.books import reconciliation as rules
from reconciler.books.rail_objects import EVENTS, ObjectKind
from reconciler.books.reconciliation import LAG, Window
from reconciler.services import reconciliation, ticks
from reconciler.services.reconciliation import OPEN_ITEMS, WINDOW
from reconciler.work import Work

# Events come last: what they would heal is healed by then, and they only have to be kept.
KINDS: tuple[str, ...] = (
    ObjectKind.CHARGE,
    ObjectKind.REFUND,
    ObjectKind.DISPUTE,
    ObjectKind.MOVEMENT,
    ObjectKind.PAYOUT,
    EVENTS,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Plan:
    """How often a run is begun and how far back it reads; None: from where nothing was missed.

    With `only_known` no further than was compared before: what is older is a backfill's to take in.
    """

    name: str
    every: timedelta
    back: timedelta | None
    purpose: str = WINDOW
    only_known: bool = False

    def tick(self, now: datetime) -> datetime:
        """The turn that `now` belongs to."""
        return _EPOCH + ((now - _EPOCH) // self.every) * self.every

    def job(self, rail: str) -> str:
        """Under which name its ticks over a rail are taken."""
        return f"reconcile/{rail}/{self.name}"

    def due_at(self, taken: datetime | None, now: datetime) -> datetime:
        """When it begins next, after the tick that was `taken` last; past if it is due."""
        tick = self.tick(now)
        return tick + self.every if taken == tick else tick


# The longest first: what it reads the others need not read again on the same day.
PLANS = (
    # What no other reads any more, should a rail ever show something late. Disputes come within
    # 120 days, or a little later.
    Plan("monthly", timedelta(days=30), timedelta(days=180), only_known=True),
    # A refund may fail a month after it succeeded, and events are kept for a month.
    Plan("weekly", timedelta(days=7), timedelta(days=35)),
    Plan("nightly", timedelta(days=1), timedelta(days=7)),
    # Listings go by creation and never by change: what may still change is read again, one by one.
    Plan("open items", timedelta(days=1), timedelta(days=1), OPEN_ITEMS),
    Plan("fast", timedelta(minutes=15), None),
)


def begin_due(work: Work, plan: Plan, rail: str, account: str) -> str | None:
    """Begin the run of this tick; None if it was begun already, or there is nothing to read yet.

    Raises Conflict while another run is under way: the tick is not taken then, and waits.
    """
    window = _window(work, plan, rail, account)
    if window is None or not ticks.take(work, plan.job(rail), plan.tick(work.now)):
        return None
    return reconciliation.start(work, rail, account, window, purpose=plan.purpose)


def _window(work: Work, plan: Plan, rail: str, account: str) -> Window | None:
    if plan.back is not None:
        window = Window(work.now - plan.back, work.now - LAG)
        if not plan.only_known:
            return window
        known = reconciliation.known_since(work.session, rail, account)
        return Window(max(known, window.since), window.until) if known else None
    marks = reconciliation.marks(work.session, rail, account)
    return rules.next_window(marks, frozenset(KINDS), work.now)
