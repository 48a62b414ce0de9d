"""Compare all that the rail lists with what is known here, and heal what was missed.

A run is carried on page by page, each page in one transaction that compares, heals and notes it, so
that whoever finds the run left lying goes on where it stopped. What still differs then is a doubt:
a listing is a snapshot, and news may have come meanwhile. So the rail is asked about that one
payment, and only what differs from its answer is a discrepancy. Healing is the door that messages
come through.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import msgspec
import structlog

from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.observations import PaymentFacts
from reconciler.books.payouts import PayoutFacts
from reconciler.books.rail_objects import EVENTS, ObjectKind
from reconciler.errors import Conflict, NotFound, OutcomeUnknown, Refused, Unavailable
from reconciler.flows.apply_inbox import apply_inbox
from reconciler.flows.ask_rail import ask_rail
from reconciler.flows.take_payout import take_payout
from reconciler.flows.tie_out import SOON
from reconciler.runtime import Runtime
from reconciler.services import (
    discrepancies,
    payout_checks,
    reconciliation,
    run_checks,
    run_pages,
    run_plans,
)
from reconciler.services.discrepancies import Found
from reconciler.services.payments import Sighted
from reconciler.services.reconciliation import OPEN_ITEMS, OPEN_PAYOUTS, OWN, Counted, Run
from reconciler.services.run_checks import Held
from reconciler.services.run_plans import KINDS, PLANS
from reconciler.work import Cause, Work

SLICE = timedelta(seconds=20)  # of a job: refunds wait for the same worker
DOUBTS_AT_ONCE = 20
ASKED_MAX = 3  # times, until its balance stands still while it lists what moved
PAGES_MAX = 20  # of what moved since the window: two thousand movements

_log = structlog.get_logger()
T = TypeVar("T")
Progress = Callable[[str, int], None]


def reconcile(runtime: Runtime) -> None:
    """A job's share: begin what is due, and carry on for a while."""
    ends_at = runtime.now() + SLICE
    for rail in runtime.rails:
        if rail != MANUAL_RAIL:
            _begin(runtime, rail)
    while carry_on(runtime, ends_at=ends_at) and runtime.now() < ends_at:
        pass


def _begin(runtime: Runtime, rail: str) -> None:
    """Begin the first run that is due; the next one when it is over."""
    cause = Cause("job", "clock")
    for plan in PLANS:
        begin = partial(run_plans.begin_due, plan=plan, rail=rail, account=OWN)
        try:
            if runtime.do(cause, begin):
                return
        except Conflict:
            return


def carry_on(
    runtime: Runtime,
    *,
    run_id: str | None = None,
    ends_at: datetime | None = None,
    progress: Progress | None = None,
) -> bool:
    """Carry on a run that nobody holds; whether there was one and it is over now.

    Or the one that the caller began held. Until `ends_at`, if given; `progress` hears what was done
    and how much of it.
    """
    with runtime.work(Cause("job", "reconcile")) as work:
        run = reconciliation.take_waiting(work, run_id)
    if run is None:
        return False
    carrier = _Carrier(runtime, run, ends_at, progress or (lambda _what, _count: None))
    try:
        is_over = carrier.go_on()
        if not is_over:
            carrier.do(lambda work: reconciliation.let_go(work, run))
    except Conflict:
        return False  # it was held for too long: another carries it on
    except (Unavailable, OutcomeUnknown) as error:
        why = str(error)
        _log.warning("reconciliation.put_off", run=run.id, error=why)
        carrier.do(lambda work: reconciliation.put_off(work, run, why))
        return False
    except Refused as error:
        why = str(error)
        carrier.do(lambda work: reconciliation.fail(work, run, why))
        return True
    return is_over


class _Carrier:
    """Whoever holds a run, carrying it on."""

    def __init__(
        self, runtime: Runtime, run: Run, ends_at: datetime | None, progress: Progress
    ) -> None:
        self._runtime = runtime
        self._run = run
        self._rail = runtime.rails[run.rail]
        self._ends_at = ends_at
        self._progress = progress
        self._cause = Cause("job", run.id)

    def go_on(self) -> bool:
        """Step by step; whether all of them are done."""
        if self._run.purpose == OPEN_ITEMS:
            is_read = self._reread() and self._reread_payouts()
        else:
            is_read = all(self._list(kind) for kind in KINDS)
        if not is_read:
            return False
        self.do(lambda work: payout_checks.doubt_lines(work, self._run))
        if not (self._look() and self._settle()):
            return False
        held = self._held()
        self.do(lambda work: run_checks.close(work, self._run, held))
        return True

    def _held(self) -> Held:
        """What the rail holds, and what moved since the run's window, both of one moment."""
        since = self._run.window.until.replace(microsecond=0)  # lists know of whole seconds
        newest = self._runtime.now() + SOON
        balance = self._rail.balance()
        for _ in range(ASKED_MAX):
            moved = self._moved(since, newest)
            before, balance = balance, self._rail.balance()
            if moved is not None and balance == before:
                return Held(balance, moved, since)
        # It never stood still, or too much moved: then it is held against all that is known.
        return Held(balance, {}, None)

    def _moved(self, since: datetime, until: datetime) -> dict[str, int] | None:
        """By currency, in minor units; None if that takes too many pages."""
        found: Counter[str] = Counter()
        cursor = None
        for _ in range(PAGES_MAX):
            page = self._rail.list_page(ObjectKind.MOVEMENT, since, until, cursor)
            for row in page.rows:
                if row.view and row.view.is_of_payments:
                    found[row.view.currency] += row.view.amount
            cursor = page.cursor
            if cursor is None:
                return dict(found)
        return None

    def do(self, step: Callable[[Work], T]) -> T:
        """One transaction of the run."""
        return self._runtime.do(self._cause, step)

    def _is_time(self) -> bool:
        return self._ends_at is not None and self._runtime.now() >= self._ends_at

    def _list(self, kind: str) -> bool:
        run, window = self._run, self._run.window
        step = self.do(lambda work: reconciliation.step(work, run, kind))
        while not step.is_complete:
            if self._is_time():
                return False
            page = self._rail.list_page(kind, window.since, window.until, step.cursor)
            before = step
            step = self.do(
                lambda work: run_pages.take(work, run, kind, before, page.rows, page.cursor)  # noqa: B023  run at once
            )
            self._progress(kind, len(page.rows))
        return True

    def _reread(self) -> bool:
        """Everything that may still change, one payment at a time, whatever its age."""
        run = self._run
        step = self.do(lambda work: reconciliation.step(work, run, OPEN_ITEMS))
        while not step.is_complete:
            if self._is_time():
                return False
            after = step.cursor or ""
            known = self.do(lambda work: run_checks.open_payments(work, after))  # noqa: B023  run at once
            looks = [(payment_id, *self._fetched(facts)) for payment_id, facts in known]
            before = step
            step = self.do(lambda work: run_checks.take_open(work, run, before, looks))  # noqa: B023  run at once
            self._progress(OPEN_ITEMS, len(looks))
        return True

    def _reread_payouts(self) -> bool:
        """Every payout that may still change, with its lines, whatever its age."""
        run = self._run
        step = self.do(lambda work: reconciliation.step(work, run, OPEN_PAYOUTS))
        while not step.is_complete:
            if self._is_time():
                return False
            after = step.cursor or ""
            known = self.do(lambda work: payout_checks.open_payouts(work, after))  # noqa: B023  run at once
            differing = [self._read_payout(payout_id, facts) for payout_id, facts in known]
            counted = Counted(len(known), differing.count(0))
            before, last = step, known[-1][0] if known else None
            step = self.do(lambda work: payout_checks.stepped(work, run, before, last, counted))  # noqa: B023  run at once
            self._progress(OPEN_PAYOUTS, len(known))
        return True

    def _read_payout(self, payout_id: str, known: PayoutFacts) -> int:
        """In how much the rail shows a payout otherwise; what can be healed of it is."""
        self.do(lambda work: reconciliation.renew(work, self._run))
        # Nothing but its name is handed over: what the rail does not show is to be seen.
        bare = PayoutFacts(rail=known.rail, account=known.account, payout_id=known.payout_id)
        try:
            look = self._rail.fetch_payout(bare)
        except (NotFound, Refused) as error:
            why = str(error)
            self.do(lambda work: payout_checks.unseen(work, self._run, known, why))
            return 1
        take_payout(self.do, look)
        return self.do(lambda work: payout_checks.compare(work, self._run, payout_id, known, look))

    def _look(self) -> bool:
        """Ask the rail about each doubt."""
        while not self._is_time():
            doubts = self.do(self._doubts)
            if not doubts:
                return True
            for found in doubts:
                self._judge(found)
            self._progress("doubt", len(doubts))
        return False

    def _judge(self, found: Found) -> None:
        run = self._run
        if found.kind == EVENTS:
            is_there = self._rail.has_event(found.rail_object)
            self.do(lambda work: run_pages.judge_event(work, run, found, is_there=is_there))
            return
        seen, why = self._asked(found)
        self.do(lambda work: run_pages.judge(work, run, found, seen, why))

    def _doubts(self, work: Work) -> list[Found]:
        reconciliation.renew(work, self._run)
        return discrepancies.doubts(work, self._run.id, DOUBTS_AT_ONCE)

    def _asked(self, found: Found) -> tuple[Sighted | None, str | None]:
        """A doubtful object's payment as the rail has it now, or why that cannot be had."""
        run = self._run
        known = self.do(lambda work: run_checks.facts_of(work, found.payment_id))
        if known is None:
            try:
                payment_id = self._rail.payment_of(found.rail_object, run.account)
            except Refused as error:
                return None, str(error)
            if payment_id is None:
                return None, "the rail does not say to which payment it belongs"
            known = PaymentFacts(rail=run.rail, account=run.account, payment_id=payment_id)
        return self._fetched(known)

    def _fetched(self, known: PaymentFacts) -> tuple[Sighted | None, str | None]:
        # Rows that are known are not asked for a second time: here they are to be seen.
        try:
            return self._rail.fetch(msgspec.structs.replace(known, balance={})), None
        except (NotFound, Refused) as error:
            return None, str(error)

    def _settle(self) -> bool:
        """Let through the door what healing left open, and the events that were kept for it."""
        self.do(lambda work: run_checks.find_lost_events(work, self._run))
        while not self._is_time():
            if not apply_inbox(self._runtime) + ask_rail(self._runtime):
                return True
        return False
