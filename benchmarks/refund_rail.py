"""A rail that exists only in a simulation: its refunds, its idempotency keys, its bad days.

It promises no more than Stripe does. A key is remembered for a day or for three; an error may be
saved under it; a request may be carried out minutes after whoever sent it has given up.
"""

from dataclasses import dataclass
from random import Random

from reconciler.books.observations import RefundFact, RefundStage

HOUR = 3_600.0
DAY = 24 * HOUR


@dataclass(slots=True)
class Made:
    """A refund that the rail made. `amount` in minor units, instants in true seconds."""

    id: str
    reference: str | None
    amount: int
    at: float
    word: str = "succeeded"

    @property
    def is_live(self) -> bool:
        """Whether its money is gone, or going."""
        return self.word != "failed"

    def fact(self) -> RefundFact:
        """What is told of it."""
        stage = {
            "pending": RefundStage.PROMISED,
            "succeeded": RefundStage.LEFT,
            "failed": RefundStage.FAILED,
        }[self.word]
        return RefundFact(
            id=self.id,
            amount=self.amount,
            stage=stage,
            shown=(int(self.at), 0, self.word),
            reference=self.reference,
            is_real=True,
            created=int(self.at),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was told: a refund, a refusal's code, or (neither) that something broke."""

    made: Made | None = None
    code: str | None = None


BROKEN = Answer()


class VirtualRail:
    """One payment at the rail, and the refunds of it."""

    def __init__(self, chance: Random, captured: int) -> None:
        self.captured = captured
        self.refunds: list[Made] = []
        self.disputed = (0.0, 0.0)  # from when to when
        self._chance = chance
        self._keys: dict[str, tuple[float, Answer]] = {}
        self._forgets_after = DAY if chance.random() < 0.7 else 3 * DAY
        self._lists_after = chance.choice((0.0, 0.0, 0.0, 5.0, 60.0))
        # Whether the total on the charge is ahead of the list, as it may well be.
        self._total_is_fresh = chance.random() < 0.5

    def post(self, now: float, key: str, reference: str | None, amount: int) -> Answer:
        """Carry out one request, or say again what its key was told before."""
        kept = self._keys.get(key)
        if kept is not None and now - kept[0] < self._forgets_after:
            return kept[1]
        answer = self._refusal(now, amount) or Answer(self.make(now, reference, amount))
        self._keys[key] = (now, answer)
        return answer

    def break_down(self, now: float, key: str, reference: str, amount: int) -> Answer:
        """Answer 500 and keep that under the key; half the time all was done nevertheless."""
        kept = self._keys.get(key)
        if kept is not None and now - kept[0] < self._forgets_after:
            return kept[1]
        if self._chance.random() < 0.5 and not self._refusal(now, amount):
            self.make(now, reference, amount)
        self._keys[key] = (now, BROKEN)
        return BROKEN

    def make(self, now: float, reference: str | None, amount: int) -> Made:
        """A refund, whoever asked for it."""
        word = "pending" if self._chance.random() < 0.1 else "succeeded"
        made = Made(f"re_{len(self.refunds)}", reference, amount, now, word)
        self.refunds.append(made)
        return made

    def listed(self, now: float) -> dict[str, RefundFact]:
        """The refunds that a listing shows, perhaps not yet the latest."""
        late = self._lists_after
        return {made.id: made.fact() for made in self.refunds if made.at + late <= now}

    def refunded_total(self, now: float) -> int:
        """The total on the charge."""
        late = 0.0 if self._total_is_fresh else self._lists_after
        return sum(m.amount for m in self.refunds if m.is_live and m.at + late <= now)

    def room(self) -> int:
        """What could still be refunded."""
        return self.captured - sum(made.amount for made in self.refunds if made.is_live)

    def live(self, references: set[str]) -> int:
        """How much went back under these references."""
        return sum(m.amount for m in self.refunds if m.is_live and m.reference in references)

    def _refusal(self, now: float, amount: int) -> Answer | None:
        if self.disputed[0] <= now < self.disputed[1]:
            return Answer(code="charge_disputed")
        return Answer(code="charge_already_refunded") if amount > self.room() else None
