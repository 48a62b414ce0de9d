"""What a payout consists of: whether the rail can tell, and what its lines leave unexplained."""

import msgspec

from reconciler.books import payouts
from reconciler.books.observations import BalanceFact
from reconciler.books.payouts import PayoutFacts, PayoutStatus
from reconciler.books.rail_objects import Listed


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a payout's lines: how many, and what those in its currency net.

    `is_whole` once the rail showed all pages of them.
    """

    count: int = 0
    net: int = 0
    is_whole: bool = False


NO_LINES = Lines()


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A balance movement that a payout consists of, and what that row tells by itself."""

    row: BalanceFact
    told: Listed


class PayoutLook(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at a payout brought; `members` are None where the rail cannot tell them yet."""

    facts: PayoutFacts
    members: tuple[Member, ...] | None = None


def is_told(facts: PayoutFacts) -> bool:
    """Whether the rail can ever say what the payout consists of.

    It chose that itself for automatic ones; for manual and instant ones nobody knows.
    """
    return facts.is_automatic and not facts.is_instant


def is_own(row: BalanceFact, facts: PayoutFacts) -> bool:
    """Whether a listed row is the payout itself leaving or coming back, and none of its parts.

    The rail lists it with them; counted in, every payout would come to nothing. The return of an
    earlier payout is a part of the later one that carries it.
    """
    return row.source == facts.payout_id or row.id in (facts.balance_ref, facts.failure_ref)


def difference(facts: PayoutFacts, lines: Lines) -> int | None:
    """What of a payout its lines leave unexplained, in minor units; None where nobody can tell."""
    whole = payouts.amount(facts)
    if whole is None or not is_told(facts) or not lines.is_whole:
        return None
    return whole - lines.net


def open_questions(facts: PayoutFacts, lines: Lines) -> list[str]:
    """What the rail still has to be asked about a payout's lines, in words."""
    if not is_told(facts):
        return []
    if facts.is_listable and not lines.is_whole:
        return [f"what {facts.payout_id} consists of"]
    if difference(facts, lines):
        return [f"what else {facts.payout_id} consists of"]
    if not facts.is_listable and payouts.status(facts) is PayoutStatus.PAID:
        return [f"whether it is known by now what {facts.payout_id} consists of"]
    return []
