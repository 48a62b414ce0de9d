"""How much of each payment goes where, and in what order it is taken back.

Money flows from payments to deposits and invoices, and from deposits to invoices. Each
arrow is a *claim*: somebody, or the matching, said that this money is for that target. How
much of a claim is *taken up* is never decided step by step: it follows from all facts at
once, so that it comes out the same whatever order they arrived in.

    offers()          one source: its captured money over its claims, refunds and losses taken
                      back in the order that it names
    settle_deposit()  one deposit: what it takes up, and what it can offer to invoices
    settle_invoice()  one invoice: what it takes up of all claims, and what refunds credit on it

A claim that offers more than its target can take leaves the rest as unapplied cash of its
payment; a refund of any payment eats such an excess first, whichever payment it was, so that
a customer who paid twice and got one payment back still has a paid invoice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.books import accounts
from reconciler.books.journal import Posting, lines
from reconciler.money import Money


class Treatment(StrEnum):
    """What becomes of an invoice when money that paid it leaves again."""

    CREDIT = "credit"  # lowers what is owed: nobody is chased for it
    REOPEN = "reopen"  # it is owed again
    WRITE_OFF = "write_off"  # nobody is chased, and we bear it: only of what a bank took


# What a refund may do, which somebody here or on the rail made on purpose.
REFUND_TREATMENTS = (Treatment.CREDIT, Treatment.REOPEN)


@dataclass(frozen=True, slots=True)
class Claim:
    """Part of a source's money meant for a target. `wanted` None: as much as there is."""

    id: str
    target: str
    is_deposit: bool
    wanted: int | None


@dataclass(frozen=True, slots=True)
class Take:
    """Money that left a source again. `target` is what it was asked back from, if anything."""

    amount: int
    treatment: Treatment
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """What a claim offers its target, in minor units.

    `gross` before anything was taken back; `credited` taken back so that the target is owed
    less; `reopened` taken back so that it is owed again; `written_off` taken back by a bank so that
    the target is owed less and we bear it.
    """

    gross: int = 0
    credited: int = 0
    reopened: int = 0
    written_off: int = 0

    @property
    def net(self) -> int:
        """What is still there to take up."""
        return self.gross - self.credited - self.reopened - self.written_off


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim as its target sees it: the offer, and what was taken up of it before."""

    id: str
    offer: Offer
    amount: int


@dataclass(frozen=True, slots=True)
class DepositSettled:
    """A deposit after settling: `received` = what is applied + `refunded` + what remains."""

    amounts: dict[str, int]
    received: int
    refunded: int
    applications: dict[str, Offer]


@dataclass(frozen=True, slots=True)
class InvoiceSettled:
    """An invoice after settling: what each claim pays, what is credited and written off on it."""

    amounts: dict[str, int]
    credited: int
    written_off: int = 0

    @property
    def paid(self) -> int:
        """What all claims pay together."""
        return sum(self.amounts.values())


def placed(amount: Money, *, is_deposit: bool) -> tuple[Posting, ...]:
    """What is booked where so much more of a payment is taken up; less than nothing goes back."""
    to = accounts.CUSTOMER_DEPOSITS if is_deposit else accounts.ACCOUNTS_RECEIVABLE
    return lines(amount, debit=accounts.UNAPPLIED_CASH, credit=to)


def offers(
    claims: Sequence[Claim], captured: int, takes: Iterable[Take], unused: Mapping[str, int]
) -> dict[str, Offer]:
    """Each claim's offer, for one payment. `claims` in the order they were made.

    A take comes from the unapplied remainder first, then from what it was asked back from,
    then from deposits' unused part (`unused`, by deposit), then from invoices, the newest claim
    first, and from used deposits last.
    """
    spread, left = _spread(claims, captured)
    _take_back(spread, left, claims, takes, unused)
    return spread


def taken_from(
    claims: Sequence[Claim], captured: int, takes: Sequence[Take], unused: Mapping[str, int]
) -> list[dict[str, int]]:
    """Of each take, in its order, how much came from which target; the rest was unapplied."""
    spread, left = _spread(claims, captured)
    parts: list[dict[str, int]] = [{} for _ in takes]
    for place, target, part in _take_back(spread, left, claims, takes, unused):
        parts[place][target] = parts[place].get(target, 0) + part
    return parts


def _take_back(
    spread: dict[str, Offer],
    left: int,
    claims: Sequence[Claim],
    takes: Iterable[Take],
    unused: Mapping[str, int],
) -> list[tuple[int, str, int]]:
    """Take from `spread`; gives what was taken: the take's place, the target, the amount."""
    taken: list[tuple[int, str, int]] = []
    free = dict(unused)
    for place, take in enumerate(takes):
        rest = take.amount - min(left, take.amount)
        left -= take.amount - rest
        for claim, bound in _taking_order(claims, take.target, free):
            offer = spread[claim.id]
            part = min(rest, offer.net, bound)
            if part > 0:
                spread[claim.id] = _taken(offer, part, take.treatment)
                if claim.is_deposit:
                    free[claim.target] = free.get(claim.target, 0) - part
                rest -= part
                taken.append((place, claim.target, part))
        assert rest == 0, f"{rest} taken back beyond what was captured"
    return taken


def settle_invoice(capacity: int, claims: Sequence[Claimed]) -> InvoiceSettled:
    """What an invoice takes up. `capacity` is its total less its credit notes.

    What is to be credited, and then what is to be written off, eats the excess of all claims
    together first; only what is beyond it lowers what is owed.
    """
    excess = max(0, sum(claim.offer.gross for claim in claims) - capacity)
    to_credit, excess = _beyond(sum(claim.offer.credited for claim in claims), excess)
    to_write_off, _ = _beyond(sum(claim.offer.written_off for claim in claims), excess)
    credited = min(to_credit, capacity)
    written_off = min(to_write_off, capacity - credited)
    return InvoiceSettled(fill(capacity - credited - written_off, claims), credited, written_off)


def settle_deposit(
    expected: int, claims: Sequence[Claimed], applications: Sequence[Claim]
) -> DepositSettled:
    """What a deposit takes up, up to `expected`, and what its applications may use of it."""
    gross = sum(claim.offer.gross for claim in claims)
    excess = max(0, gross - expected)
    accepted = min(gross, expected)
    spread, unused = _spread(applications, accepted)
    gone = 0
    for treatment in IN_ORDER:
        taken, excess = _beyond(sum(_so_far(claim.offer, treatment) for claim in claims), excess)
        gone += taken
        rest, unused = _beyond(taken, unused)
        for claim in reversed(applications):
            part = min(rest, spread[claim.id].net)
            spread[claim.id] = _taken(spread[claim.id], part, treatment)
            rest -= part
    return DepositSettled(fill(accepted - gone, claims), accepted, gone, spread)


def unused(expected: int, gross: int, applications: Sequence[Claim]) -> int:
    """What of a deposit no application has spoken for, before anything is taken back."""
    return _spread(applications, min(gross, expected))[1]


def fill(capacity: int, claims: Sequence[Claimed]) -> dict[str, int]:
    """Share `capacity` among claims: what they hold already stays, then the oldest first."""
    amounts: dict[str, int] = {}
    for claim in claims:
        amounts[claim.id] = min(claim.amount, claim.offer.net, capacity)
        capacity -= amounts[claim.id]
    for claim in claims:
        more = min(claim.offer.net - amounts[claim.id], capacity)
        amounts[claim.id] += more
        capacity -= more
    return amounts


def _spread(claims: Sequence[Claim], available: int) -> tuple[dict[str, Offer], int]:
    spread: dict[str, Offer] = {}
    for claim in claims:
        gross = available if claim.wanted is None else min(claim.wanted, available)
        spread[claim.id] = Offer(gross)
        available -= gross
    return spread, available


def _taking_order(
    claims: Sequence[Claim], asked: str | None, free: Mapping[str, int]
) -> Iterable[tuple[Claim, int]]:
    everything = 1 << 62
    newest_first = list(reversed(claims))
    yield from ((c, everything) for c in newest_first if c.target == asked)
    yield from ((c, max(0, free.get(c.target, 0))) for c in newest_first if c.is_deposit)
    yield from ((c, everything) for c in newest_first if not c.is_deposit)
    yield from ((c, everything) for c in newest_first if c.is_deposit)


# Whatever is too much is eaten in this order; so is what a deposit has that no invoice used.
IN_ORDER = (Treatment.CREDIT, Treatment.WRITE_OFF, Treatment.REOPEN)
_PARTS = {
    Treatment.CREDIT: "credited",
    Treatment.WRITE_OFF: "written_off",
    Treatment.REOPEN: "reopened",
}


def _so_far(offer: Offer, treatment: Treatment) -> int:
    return int(getattr(offer, _PARTS[treatment]))


def _taken(offer: Offer, part: int, treatment: Treatment) -> Offer:
    return replace(offer, **{_PARTS[treatment]: _so_far(offer, treatment) + part})


def _beyond(amount: int, cushion: int) -> tuple[int, int]:
    """What of `amount` a cushion does not catch, and what is left of the cushion."""
    caught = min(amount, cushion)
    return amount - caught, cushion - caught
