"""Do all over that ever happened, in its order, in a schema of its own, and compare the ends.

Events go through the inbox and are applied as ever; what people did goes through the services, from
the lines of the audit trail. The order is that in which it took effect, the clock that of each. The
rail is never asked: what it answered is among the facts, and is told when the payment was last
written. The real books are only read.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session
from typing_extensions import override

from reconciler import ids
from reconciler.books.observations import RailEvent
from reconciler.errors import ReconcilerError, Unavailable
from reconciler.flows.apply_inbox import apply_inbox
from reconciler.flows.find_payments import CAUSE as MATCHING, match_again
from reconciler.migrations_runner import SCRATCH, scratch
from reconciler.queue import Queue
from reconciler.runtime import Runtime, make_engine
from reconciler.services import (
    acts,
    acts_of_bank,
    doing_over,
    inbox,
    matching,
    payments,
    replaying,
    statements,
)
from reconciler.services.acts import Act
from reconciler.services.verification import Violation
from reconciler.store import replay_evidence as evidence, replay_rows as store
from reconciler.store.replay_rows import Step
from reconciler.work import Cause, Task, Work

CAUSE = Cause("command", "verify --rebuild")
EVENTS_AT_ONCE = 200
# What a parked event waits for, it does not wait for longer than this.
LATER = timedelta(days=1)


@dataclass(slots=True)
class DoneOver:
    """What differs, how much was done over, and what was taken as it stands, by its name."""

    differing: list[Violation] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    taken: Counter[str] = field(default_factory=Counter)


class _Silent(Queue):
    """Nobody is to be woken; it notes what for."""

    def __init__(self) -> None:
        self.rung: set[Task] = set()

    @override
    def nudge(self, tasks: Iterable[Task]) -> None:
        self.rung |= set(tasks)


@dataclass(slots=True)
class _Clock:
    instant: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.instant


def replay(runtime: Runtime) -> DoneOver:
    """Raises Conflict while another does, SettingsError where the login may make no schema."""
    settings = runtime.settings
    with scratch(settings.migration_database_url or settings.database_url) as address:
        clock, queue = _Clock(), _Silent()
        beside = Runtime(
            settings=settings,
            engine=make_engine(address, pool_size=2, schema=SCRATCH),
            queue=queue,
            rails=runtime.rails,
            ingest=runtime.ingest,
            bell=runtime.bell,
            clock=clock,
        )
        try:
            with runtime.read() as ours:
                return _Past(ours, beside, clock, queue).done_over()
        finally:
            beside.engine.dispose()


@dataclass(frozen=True, slots=True)
class _Told:
    """One transaction of events, and by document whose money was meant for it."""

    step: Step
    seqs: list[str]
    meant_for: Mapping[str, set[str]]

    def meets(self, others: Mapping[str, set[str]]) -> bool:
        """Whether another payment's money was meant for the same: then it matters who was first."""
        shared = self.meant_for.keys() & others.keys()
        return any(len(self.meant_for[one] | others[one]) > 1 for one in shared)


class _Past:
    """All that happened in `ours`, happening `beside`."""

    def __init__(self, ours: Session, beside: Runtime, clock: _Clock, queue: _Silent) -> None:
        self._ours = ours
        self._beside = beside
        self._clock = clock
        self._queue = queue
        self._told = DoneOver()
        self._waiting: list[_Told] = []
        self._put_off: set[str] = set()  # payments whose claims are still to come
        self._rank: int | None = None  # of what is done over now; none of what has none
        self._steps: dict[str, Callable[[str], None]] = {
            "deed": self._deed,
            "answer": self._answer,
            "payment": self._look,
            "payout": self._look_at_payout,
            "movement": self._look_at_movement,
            "ties": self._ties,
            "match": self._match_now,
        }

    def done_over(self) -> DoneOver:
        with ids.given(self._as_it_was), matching.claims_made(self._since):
            self._all()
        with self._beside.read() as anew:
            for event in store.unapplied_events(anew):
                self._amiss(f"event {event.rail_event_id} is {event.status}", event.error or "")
            self._told.taken |= store.taken(anew)
            self._told.differing += replaying.differing(self._ours, anew)
        if self._told.differing:
            self._told.differing += replaying.not_kept(self._ours)
        return self._told

    def _as_it_was(self, name: str) -> str | None:
        """Our id of what is called so; of several claims the first that is not made yet."""
        found = store.known(self._ours, name)
        if name.startswith("alo/"):
            made = self._made(found)
            found = [one for one in found if one not in made]
        return found[0] if found else None

    def _made(self, claims: Sequence[str]) -> list[str]:
        if not claims:
            return []
        with self._beside.read() as anew:
            return store.made(anew, claims)

    def _since(self, payment_id: str, target: str) -> datetime | None:
        """When a claim was made, if it was by the step that is done over."""
        was = store.claims(self._ours, payment_id, target)
        made = self._made([one.id for one in was])
        was = [one for one in was if one.id not in made]
        if self._rank is None:
            return was[0].at if was else self._clock.instant
        if was and (was[0].rank is None or was[0].rank <= self._rank):
            return was[0].at
        self._put_off.add(payment_id)
        return None

    def _all(self) -> None:
        for step in _matched_once(store.steps(self._ours, list(doing_over.NOT_OF_THE_BOOKS))):
            if step.what == "events":
                self._gather(step)
            else:
                self._events(len(self._waiting))
                self._one(step)
        self._events(len(self._waiting))
        self._rank = None
        self._clock.instant += LATER
        apply_inbox(self._beside)
        self._match_now()

    def _gather(self, step: Step) -> None:
        """Transactions of events that met in no document are done over as one: that is quicker."""
        seqs = step.id.split(",")
        meant_for = store.meant_for(self._ours, seqs)
        met = [n for n, one in enumerate(self._waiting, 1) if one.meets(meant_for)]
        self._events(met[-1] if met else 0)
        held = sum(len(one.seqs) for one in self._waiting)
        if self._waiting and (
            held + len(seqs) > EVENTS_AT_ONCE or step.at < self._waiting[-1].step.at
        ):
            self._events(len(self._waiting))
        self._waiting.append(_Told(step, seqs, meant_for))

    def _one(self, step: Step) -> None:
        self._clock.instant, self._rank = step.at, step.rank
        try:
            self._steps[step.what](step.id)
            self._go_on(step)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the books are not that
            why = str(error) if isinstance(error, ReconcilerError) else type(error).__name__
            self._amiss(f"{step.what} {step.id} of {step.at:%Y-%m-%d %H:%M}", why)

    def _do(self, step: Callable[[Work], object], cause: Cause = CAUSE) -> None:
        self._beside.do(cause, step)

    def _go_on(self, step: Step) -> None:
        """What follows by itself: news that waited for this, and matching, which has its own step.

        Matching that came later than a deed may have found less to do. From before it was ranked it
        is taken to have come at once.
        """
        if Task.APPLY_INBOX in self._queue.rung:
            self._queue.rung.remove(Task.APPLY_INBOX)
            apply_inbox(self._beside)
        if step.rank is None:
            self._match()

    def _match(self) -> None:
        if Task.FIND_PAYMENTS in self._queue.rung:
            self._match_now()
        self._queue.rung.clear()

    def _match_now(self, _: str = "") -> None:
        put_off = sorted(self._put_off)
        self._put_off.clear()
        if put_off:
            self._do(lambda work: payments.rematch(work, put_off), MATCHING)
        match_again(self._beside)

    def _amiss(self, what: str, why: str) -> None:
        self._told.differing.append(Violation(replaying.LAW, f"{what}: {why}"))

    def _events(self, count: int) -> None:
        """Do over so many of the transactions of events that wait."""
        now, self._waiting = self._waiting[:count], self._waiting[count:]
        if not now:
            return
        self._clock.instant, self._rank = now[-1].step.at, now[-1].step.rank
        rows = store.events(self._ours, [seq for one in now for seq in one.seqs])
        self._told.done["events"] += len(rows)
        self._do(lambda work: _keep(work, rows))
        apply_inbox(self._beside)
        self._go_on(now[-1].step)

    def _deed(self, seqs: str) -> None:
        lines = store.deed(self._ours, seqs)
        self._told.done["deeds"] += 1
        cause = Cause(lines[0].cause_kind, lines[0].cause_id)
        try:
            deed = acts.read([(one.action, one.subject, one.body) for one in lines])
            try:
                self._do(lambda work: self._again(work, deed), cause)
            except ReconcilerError:
                # It rests on what no event told, and what is known by its payment's last change.
                self._look_at_all([*acts.concerned(deed), *self._at_bank(deed, lines[0].at)])
                self._do(lambda work: self._again(work, deed), cause)
        except ReconcilerError as error:
            first = lines[0]
            self._amiss(f"{first.action} {first.subject} of {first.at:%Y-%m-%d %H:%M}", str(error))

    def _again(self, work: Work, deed: Sequence[Act]) -> None:
        for act in deed:
            evidence.put(work.session, evidence.of_deed(self._ours, act.action, act.subject))
        doing_over.again(work, deed)

    def _ties(self, _: str) -> None:
        self._do(statements.tie_what_is_certain)

    def _at_bank(self, deed: Sequence[Act], at: datetime) -> list[str]:
        """What lines tied themselves to in this deed; and payouts by then that no event told."""
        if not any(act.action in acts_of_bank.TIES for act in deed):
            return []
        with self._beside.read() as anew:
            told = set(store.payouts_by(anew, at))
        unheard = [one for one in store.payouts_by(self._ours, at) if one not in told]
        return [*store.tied_at(self._ours, at), *unheard]

    def _look_at_all(self, subjects: Sequence[str]) -> None:
        for payment_id in store.touched(self._ours, subjects):
            self._look_then(payment_id)
        for payout_id in store.touched_payouts(self._ours, subjects):
            self._look_at_payout(payout_id)
        apply_inbox(self._beside)
        match_again(self._beside)

    def _answer(self, seq: str) -> None:
        row = store.answer(self._ours, seq)
        sent = store.sent(self._ours, row.leg_id, row.at)
        self._told.taken["answers of rails to refunds"] += 1
        self._do(lambda work: replaying.answered(work, row, sent))

    def _look(self, payment_id: str) -> None:
        row = store.payment(self._ours, payment_id)
        self._do(lambda work: replaying.look(work, row))

    def _look_then(self, payment_id: str) -> None:
        row = store.payment(self._ours, payment_id)
        references = store.references(self._ours, payment_id)
        self._do(lambda work: replaying.look_then(work, row, references))

    def _look_at_payout(self, payout_id: str) -> None:
        row = store.payout(self._ours, payout_id)
        lines = store.payout_lines(self._ours, payout_id)
        self._do(lambda work: replaying.look_at_payout(work, row, lines))

    def _look_at_movement(self, name: str) -> None:
        row = store.movement(self._ours, name)
        self._do(lambda work: replaying.look_at_movement(work, row))


def _matched_once(steps: Iterable[Step]) -> Iterator[Step]:
    """Matching that followed matching is done over once, with the last of it."""
    last: Step | None = None
    for step in steps:
        if last and (last.what, step.what) != ("match", "match"):
            yield last
        last = step
    if last:
        yield last


def _keep(work: Work, rows: Iterable[Any]) -> None:
    for row in rows:
        event = RailEvent(
            rail=row.rail,
            account=row.account,
            id=row.rail_event_id,
            kind=row.type,
            livemode=row.livemode,
            api_version=row.api_version,
            about=row.about,
            created=row.created,
            body=bytes(row.body),
        )
        inbox.store_event(work, event)
