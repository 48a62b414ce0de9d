"""The fifth way to tell: the payer is known here, and one thing of theirs waits for this amount.

Such a match is a guess, and two payments may be guessed to be for the same thing. So that the
books come out the same in whatever order both are heard of, what a document waits for is what
*surer* claims leave of it. Guesses do not count: the second equal payment is guessed to be for the
same document as the first, takes up nothing there, and shows as an overpayment.

Two things are not taken back later. What was guessed before a document was there is no rival of
it: last month's invoice found its payment, this month's equal one waits for the next. And what
people did after a guess does not undo it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Guess:
    """A claim that was made by equal amount. Minor units.

    `kept` is what it offered less what was reopened, `net` less what was credited as well. `place`
    orders payments by the rail's clock, whatever order they were heard of in.
    """

    payment_id: str
    made_at: datetime
    place: tuple[datetime, str]
    gross: int
    kept: int
    net: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a document waits for, in minor units.

    `base` is its amount less what evidence brings; `lowered` what people did to it, and when;
    `surplus` what all claims together have too much (below 0: too little).
    """

    document_id: str
    base: int
    since: datetime | None = None  # from when on it could be paid
    lowered: tuple[tuple[datetime, int], ...] = ()
    surplus: int = 0
    guesses: tuple[Guess, ...] = ()

    def waits_for(self, amount: int, at: datetime | None = None) -> bool:
        """Whether it waits for exactly this much, as people had left it at that instant.

        That is what surer claims leave of it; or, where an equal payment lost a part of that
        again, the part.
        """
        left = self.base - sum(less for when, less in self.lowered if at is None or when <= at)
        rest = left - sum(guess.kept for guess in self.guesses if guess.gross == left)
        return amount in (left, rest)

    def was_guessed_until(self, at: datetime | None, *, but_for: str) -> bool:
        """Whether another payment was guessed to be for it at that instant or before."""
        return at is not None and any(
            guess.made_at <= at for guess in self.guesses if guess.payment_id != but_for
        )

    def can_spare(self, payment_id: str) -> bool:
        """Whether it takes up nothing of this payment, nor of those that the rail took later.

        Never one of which something went back: which payment's refund it was must not matter.
        """
        whole = [guess for guess in self.guesses if guess.net == guess.gross]
        own = next((guess for guess in whole if guess.payment_id == payment_id), None)
        if own is None:
            return False
        return self.surplus >= sum(guess.gross for guess in whole if guess.place >= own.place)


@dataclass(frozen=True, slots=True)
class Standing:
    """The payment that is decided about, and the claim of it that stands."""

    payment_id: str
    target: str
    made_at: datetime


def fitting(
    amount: int,
    waiting: Sequence[Waiting],
    *,
    gone_at: int | None = None,
    standing: Standing | None = None,
) -> list[str]:
    """Ids of the documents that a payment of `amount` minor units may be for; one is an answer.

    `gone_at`: since when a part of it is gone again, by the rail's clock; a document of later
    than that cannot be what was paid.
    """
    if standing is None:
        there = [w for w in waiting if not _came_after(w, gone_at)]
        return _not_guessed([w for w in there if w.waits_for(amount)], "")
    me = standing.payment_id
    own = next((w for w in waiting if w.document_id == standing.target), None)
    if own and own.can_spare(me):
        free = _not_guessed([w for w in waiting if w.waits_for(amount)], me)
        if len(free) == 1:
            return free
    known = [w for w in waiting if w is own or (w.since and w.since < standing.made_at)]
    return _not_guessed([w for w in known if w.waits_for(amount, standing.made_at)], me)


def _not_guessed(fit: Sequence[Waiting], me: str) -> list[str]:
    """Of several, those that no payment was guessed for before the others were there."""
    found = []
    for one in fit:
        others = [other.since for other in fit if other is not one and other.since]
        if not one.was_guessed_until(max(others, default=None), but_for=me):
            found.append(one.document_id)
    return found


def _came_after(waiting: Waiting, gone_at: int | None) -> bool:
    return bool(gone_at and waiting.since and gone_at < int(waiting.since.timestamp()))
