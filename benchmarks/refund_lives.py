"""One life of one refund, from a seed: people, senders, crashes, leaping clocks and a virtual rail.

What is decided is decided by `reconciler/books`: this file only keeps it, and lets time pass. The
steps of a sender are those of `flows/submit_refunds.py`, in its order; between any two of them it
may be killed, frozen for a day, or overtaken by another.
"""

import heapq
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from benchmarks.refund_rail import DAY, HOUR, Made, VirtualRail
from reconciler.books import refund_sending as rules, refunds
from reconciler.books.observations import IntentFact, PaymentFacts, RefundFact, RefundStage
from reconciler.books.refund_sending import Sending, Situation, Step
from reconciler.books.refunds import RefundStatus

CAPTURED = 100
REFUND = "rfd"
OURS = {refunds.reference(REFUND, number) for number in range(1, 10)}
STEPS_MAX = 6_000
RESTORING = 15 * 60.0  # nobody works while a database is restored, which takes its time
BEGIN = datetime(2026, 11, 22, 12, tzinfo=UTC)

_S = RefundStatus
_AT_REST = frozenset({_S.SUCCEEDED, _S.FAILED, _S.CANCELED, _S.REJECTED, _S.MANUAL})
_NOT_SENT = frozenset({_S.REQUESTED, _S.APPROVED, _S.MANUAL})

_ON_THE_WAY = (
    "lost_before", "lost_after", "delayed", "busy", "key_refused", "saved_500", "unsaved_no",
)  # fmt: skip

Task = Generator[float, None, None]  # yields after how many seconds it goes on


def _key(_: Random, leg_id: str, generation: int) -> str:
    return refunds.idempotency_key(leg_id, generation)


@dataclass(frozen=True, slots=True)
class Policy:
    """How it is decided whether to send. By default as production does; a test may spoil a part."""

    next_step: Callable[[Situation], Step] = rules.next_step
    key: Callable[[Random, str, int], str] = _key
    has_look: bool = True
    has_fence: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a life ended."""

    status: RefundStatus
    is_double: bool  # more went back than was asked for
    is_phantom: bool  # said to have succeeded, and the rail has no such refund
    is_lost: bool  # the rail made it, and our books do not know
    is_unfinished: bool  # neither at its end nor with a person


@dataclass(slots=True)
class Leg:
    """A leg as the database keeps it."""

    id: str
    reference: str
    amount: int
    at: Sending
    released_at: datetime
    rail_refund_id: str | None = None


@dataclass(slots=True)
class Nature:
    """How this world ill-treats us: shares of requests, and of the pauses between two steps."""

    lost_before: float = 0.0
    lost_after: float = 0.0
    delayed: float = 0.0
    busy: float = 0.0
    key_refused: float = 0.0
    saved_500: float = 0.0
    unsaved_no: float = 0.0
    unread: float = 0.0  # looks that are not answered
    killed: float = 0.0
    frozen: float = 0.0
    untold: float = 0.0  # events that never come
    patience: float = 0.0  # of people, in seconds

    @classmethod
    def of(cls, chance: Random) -> "Nature":
        """A nature by chance: most faults are absent from most worlds."""
        often = (0.0, 0.0, 0.1, 0.3)
        pick = chance.choice
        return cls(
            lost_before=pick(often),
            lost_after=pick(often),
            delayed=pick(often),
            busy=pick((0.0, 0.0, 0.1)),
            key_refused=pick((0.0, 0.0, 0.0, 0.1)),
            saved_500=pick((0.0, 0.0, 0.1)),
            unsaved_no=pick((0.0, 0.0, 0.0, 0.1)),
            unread=pick((0.0, 0.0, 0.1)),
            killed=pick((0.0, 0.02, 0.1)),
            frozen=pick((0.0, 0.0, 0.02, 0.1)),
            untold=pick((0.0, 0.1, 1.0)),
            patience=pick((90.0, HOUR, 10 * HOUR, 50 * HOUR)),
        )

    def befalls(self, draw: float) -> str:
        """What happens to one request, by a number of [0, 1)."""
        for word in _ON_THE_WAY:
            draw -= getattr(self, word)
            if draw < 0:
                return word
        return "answered"


@dataclass(slots=True)
class Life:
    """Everything that is in one world."""

    chance: Random
    policy: Policy
    worker: Callable[["Life"], Task]
    person: Callable[["Life", Leg], Task]
    later_news: Callable[["Life", Made], Task]
    nature: Nature = field(init=False)
    rail: VirtualRail = field(init=False)
    legs: list[Leg] = field(init=False)
    asked: int = field(init=False)
    now: float = 0.0  # true seconds
    leap: float = 0.0  # by how much every wall clock is off
    known: dict[str, RefundFact] = field(default_factory=dict)
    is_double: bool = False
    is_phantom: bool = False
    _agenda: list[tuple[float, int, bool, Task]] = field(default_factory=list)
    _counted: int = 0
    _retries: int = 0
    _told: int = 0
    _saved: tuple[list[Leg], dict[str, RefundFact]] | None = None

    def __post_init__(self) -> None:
        chance = self.chance
        self.nature, self.rail = Nature.of(chance), VirtualRail(chance, CAPTURED)
        self.asked = chance.choice((30, 30, 60, 100))
        at = Sending(status=_S.APPROVED, due_at=BEGIN)
        self.legs = [Leg("leg_1", refunds.reference(REFUND, 1), self.asked, at, BEGIN)]

    def count(self) -> int:
        """A number that was never given out before."""
        self._counted += 1
        return self._counted

    # Time

    def clock(self) -> datetime:
        """What every wall clock shows."""
        return BEGIN + timedelta(seconds=self.now + self.leap)

    def begin(self, task: Task, after: float = 0.0, *, is_process: bool = False) -> None:
        """Let something happen, and go on happening."""
        heapq.heappush(self._agenda, (self.now + after, self.count(), is_process, task))

    def run(self) -> Verdict:
        """Live it to the end."""
        for _ in range(STEPS_MAX):
            if not self._agenda or self.is_double:
                break
            self.now, _, is_process, task = heapq.heappop(self._agenda)
            pause = next(task, None)
            if pause is None:
                continue
            if is_process:
                pause = self._befallen(task, pause)
            if pause is not None:
                self.begin(task, pause, is_process=is_process)
        self.observe({made.id: made.fact() for made in self.rail.refunds})
        return self._verdict()

    def _befallen(self, task: Task, pause: float) -> float | None:
        """What comes between two steps of a process: mostly nothing."""
        draw = self.chance.random()
        if draw < self.nature.killed:
            task.close()
            after = self.chance.choice((0.2, 5.0, 130.0, HOUR, 30 * HOUR, 3 * DAY))
            self.begin(self.worker(self), after, is_process=True)
            return None
        if draw < self.nature.killed + self.nature.frozen:
            return pause + self.chance.choice((29.0, 31.0, 125.0, HOUR, 26 * HOUR, 30 * HOUR))
        return pause

    def rail_made(self) -> None:
        """Something may have been made at the rail: it will be told of, and it is counted."""
        for made in self.rail.refunds[self._told :]:
            self.begin(self.later_news(self, made))
        self._told = len(self.rail.refunds)
        self.is_double |= self.rail.live(OURS) > self.asked

    # The database

    def keep(self, leg: Leg, after: Sending) -> None:
        """Commit where a leg stands."""
        before, leg.at = leg.at, after
        if before.status is after.status:
            return
        is_seen = leg.rail_refund_id is not None
        legal = refunds.may_become(before.status, after.status, is_seen=is_seen)
        assert legal, f"{before.status} does not become {after.status}"
        if after.status in {_S.MANUAL, _S.FAILED} and self._retries < 3:
            self._retries += 1
            self.begin(self.person(self, leg), self.nature.patience * self.chance.random())

    def mine(self, leg: Leg, token: str) -> bool:
        """Whether the lease is still this one and there is something to do."""
        return leg.at.lease_token == token and leg.at.status in refunds.SENDABLE

    def facts(self, seen: dict[str, RefundFact] | None = None) -> PaymentFacts:
        """The payment with these refunds, or with those that we know."""
        return PaymentFacts(
            rail="virtual",
            account="own",
            payment_id="pay",
            currency="USD",
            intent=IntentFact(received=CAPTURED, is_whole=True),
            refunds=self.known if seen is None else seen,
        )

    def observe(self, seen: dict[str, RefundFact]) -> None:
        """The door: facts join, and our legs follow what the rail shows of them."""
        fresh = [f for f in seen.values() if self.known.get(f.id) != f and self._is_later(f)]
        if not fresh:
            return
        self.known = self.known | {fact.id: fact for fact in fresh}
        self.follow()

    def follow(self) -> None:
        """Our legs take the status that the rail shows of them."""
        for leg in self.legs:
            shown = [f for f in self.known.values() if f.reference == leg.reference]
            if shown:
                self._follow(leg, min(shown, key=lambda f: (f.stage > RefundStage.LEFT, f.created)))

    def _is_later(self, fact: RefundFact) -> bool:
        before = self.known.get(fact.id)
        return before is None or fact.stage >= before.stage

    def _follow(self, leg: Leg, fact: RefundFact) -> None:
        leg.rail_refund_id = fact.id
        word = refunds.seen(fact)
        if word is leg.at.status:
            return
        self.keep(leg, rules.ended(leg.at, word, None))
        later = self.legs[-1]
        is_replaced = leg is not later and fact.stage <= RefundStage.LEFT
        if is_replaced and later.at.status in _NOT_SENT and later.at.unsettled_since is None:
            self.keep(later, rules.ended(later.at, _S.CANCELED, None))
        if word is _S.SUCCEEDED and not self.rail.live({leg.reference}):
            self.is_phantom |= all(made.reference != leg.reference for made in self.rail.refunds)

    def save(self) -> None:
        """A backup."""
        self._saved = ([replace(leg) for leg in self.legs], self.known)

    def restore(self) -> None:
        """The backup is all there is, and every process has gone with the machine."""
        if self._saved is None:
            return
        self.legs, self.known = self._saved
        self._saved = None
        self._agenda = [entry for entry in self._agenda if not entry[2]]
        heapq.heapify(self._agenda)
        for _ in range(2):
            self.begin(self.worker(self), RESTORING, is_process=True)

    # The end

    def _verdict(self) -> Verdict:
        status = refunds.overall([self.legs[-1].at.status])
        stands = {leg.reference: leg.at.status for leg in self.legs}
        made = {m.reference for m in self.rail.refunds if m.is_live and m.reference in stands}
        said = {r for r, word in stands.items() if word is _S.SUCCEEDED}
        return Verdict(
            status=status,
            is_double=self.is_double,
            is_phantom=self.is_phantom or bool(said - made),
            is_lost=any(stands[r] not in {_S.SUCCEEDED, _S.PENDING} for r in made),
            is_unfinished=any(word not in _AT_REST for word in stands.values()),
        )
