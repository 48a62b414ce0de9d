"""What a rail says that it holds, against what the ledger says that it holds, unit by unit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconciler.books.rail_objects import View


class Why(StrEnum):
    """Why the rail holds more, or less, than clearing."""

    NOT_HERE = "not_here"
    NOT_THERE = "not_there"
    OTHERWISE = "otherwise"
    AWAITED = "awaited"
    NOT_BOOKED = "not_booked"


# Said wherever people read of one.
IN_WORDS = {
    Why.NOT_HERE: "the rail moved it, and nobody here has heard of it",
    Why.NOT_THERE: "it is known here, and the rail does not list it",
    Why.OTHERWISE: "the rail lists another amount than is known here",
    Why.AWAITED: "it is booked, and what the rail moved for it is still to be read",
    Why.NOT_BOOKED: "what the rail moved is known, and the ledger says otherwise",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason for a difference. `amount` is what the rail holds more because of it.

    In minor units of `currency`. `subject` is the rail's id of the movement, or of the payment or
    payout whose movements do not come to what is booked.
    """

    why: Why
    currency: str
    amount: int
    subject: str
    payment_id: str | None = None
    payout_id: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InSuspense:
    """Money at the rail that nobody has classified yet: part of clearing, and of no other account.

    `amount` in minor units of `currency`; `subject` is the entry's key without its last word.
    """

    currency: str
    amount: int
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TiedOut:
    """One currency of a rail's account at one moment, in minor units.

    `balance` is what the rail says, available and pending together. `moved` is the sum of its
    movements that are known here, `clearing` what the ledger says. `difference` is the balance less
    clearing; `unexplained` is what of it no line explains.
    """

    rail: str
    currency: str
    balance: int
    moved: int
    clearing: int
    difference: int
    unexplained: int
    lines: list[Reason]
    suspense: list[InSuspense]

    @property
    def is_below_zero(self) -> bool:
        """Whether the rail paid out more than it held, as either side has it."""
        return self.balance < 0 or self.clearing < 0

    @property
    def is_sound(self) -> bool:
        """Whether nothing is amiss: what is only awaited will come by itself."""
        return not self.unexplained and all(line.why is Why.AWAITED for line in self.lines)


def place(line: Reason) -> tuple[int, str, str, int]:
    """Where it stands among the lines of its currency: the largest first, each at its own place."""
    return -abs(line.amount), line.subject, line.why.value, line.amount


def tie_out(
    rail: str,
    balance: Mapping[str, int],
    here: "Here",
    lines: Iterable[Reason],
) -> list[TiedOut]:
    """Each currency in which either side holds anything, with the lines that explain it."""
    explained = sorted([*here.lines, *lines], key=place)
    tied = []
    for currency in sorted(balance.keys() | here.moved.keys() | here.clearing.keys()):
        own = [line for line in explained if line.currency == currency]
        held, booked = balance.get(currency, 0), here.clearing.get(currency, 0)
        tied.append(
            TiedOut(
                rail=rail,
                currency=currency,
                balance=held,
                moved=here.moved.get(currency, 0),
                clearing=booked,
                difference=held - booked,
                unexplained=held - booked - sum(line.amount for line in own),
                lines=own,
                suspense=[one for one in here.suspense if one.currency == currency],
            )
        )
    return tied


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """Our side: what is known to have moved, what is booked, and where the two part."""

    moved: Mapping[str, int]
    clearing: Mapping[str, int]
    lines: list[Reason]
    suspense: list[InSuspense]


def rest(balance: Mapping[str, int], here: Here, lines: Iterable[Reason]) -> dict[str, int]:
    """What the rail holds beyond its movements that are known here, by currency, where any is left.

    `lines` were found so far by comparing its list.
    """
    left = {
        currency: balance.get(currency, 0) - here.moved.get(currency, 0)
        for currency in balance.keys() | here.moved.keys()
    }
    for line in lines:
        left[line.currency] = left.get(line.currency, 0) - line.amount
    return {currency: amount for currency, amount in left.items() if amount}


def listed_otherwise(listed: Mapping[str, View], known: Mapping[str, View]) -> list[Reason]:
    """Where a part of the rail's list and our movements of the same time part.

    Each side holds all that it has of that time, movements of other balances than that of payments
    left out.
    """
    found = []
    for object_id in sorted(listed.keys() | known.keys()):
        theirs, ours = listed.get(object_id), known.get(object_id)
        if theirs is None and ours is not None:
            found.append(_line(Why.NOT_THERE, ours, -ours.amount))
        elif ours is None and theirs is not None:
            found.append(_line(Why.NOT_HERE, theirs, theirs.amount))
        elif theirs is not None and ours is not None and theirs.currency != ours.currency:
            found.append(_line(Why.OTHERWISE, theirs, theirs.amount))
            found.append(_line(Why.OTHERWISE, ours, -ours.amount))
        elif theirs is not None and ours is not None and theirs.amount != ours.amount:
            found.append(_line(Why.OTHERWISE, theirs, theirs.amount - ours.amount))
    return [line for line in found if line.amount]


def _line(why: Why, view: View, amount: int) -> Reason:
    return Reason(
        why=why,
        currency=view.currency,
        amount=amount,
        subject=view.id,
        note=view.state.replace("_", " "),
    )
