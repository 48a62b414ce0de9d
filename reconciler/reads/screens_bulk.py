"""Payments that wait with a strong suggestion, as far as all of those can be taken together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from reconciler.books.reviews import ReviewKind
from reconciler.reads import screens_unmatched
from reconciler.reads.screens_unmatched import Target, Waiting
from reconciler.reads.suggestions import SuggestedPart, SuggestionRow

STRONG = "strong"


@dataclass(frozen=True, slots=True)
class Strong:
    """A payment with its strong suggestion. `crowded_out` names what others before it fill."""

    waiting: Waiting
    suggestion: SuggestionRow
    crowded_out: str = ""

    @property
    def parts(self) -> str:
        """Where its money would go, as one text: two of the same text are the same match."""
        return ",".join(f"{target(part)}:{part.amount}" for part in self.suggestion.allocations)


def strong(
    session: Session, items: Sequence[Waiting], best: Mapping[str, SuggestionRow]
) -> list[Strong]:
    """Those of these whose best suggestion is strong, in the order in which they wait.

    Where two fit the same document, the one that is first here takes it. What is too much is not
    among them: its customer has said what becomes of that, and it may have been paid twice.
    """
    kept = [
        Strong(item, best[item.payment.id])
        for item in items
        if item.kind != ReviewKind.OVERPAYMENT
        and item.payment.id in best
        and best[item.payment.id].confidence == STRONG
    ]
    known = screens_unmatched.targets(
        session, {target(part) for one in kept for part in one.suggestion.allocations}
    )
    return _taking_turns(kept, known)


def sums(rows: Sequence[Strong]) -> list[tuple[str, int]]:
    """What all of them come to in each currency, in minor units."""
    found: dict[str, int] = {}
    for one in rows:
        currency = one.waiting.payment.currency
        found[currency] = found.get(currency, 0) + one.suggestion.amount
    return sorted(found.items())


def amounts(items: Sequence[Waiting]) -> list[tuple[str, int]]:
    """What these payments have waiting in each currency, in minor units."""
    found: dict[str, int] = {}
    for one in items:
        found[one.payment.currency] = found.get(one.payment.currency, 0) + one.amount
    return sorted(found.items())


def target(part: SuggestedPart) -> str:
    """The invoice or deposit that a part is for."""
    return part.invoice_id or part.deposit_id or ""


def _taking_turns(kept: Sequence[Strong], known: Mapping[str, Target]) -> list[Strong]:
    left = {name: one.outstanding for name, one in known.items()}
    found = []
    for one in kept:
        parts = one.suggestion.allocations
        full = [part.number for part in parts if part.amount > left[target(part)]]
        if not full:
            for part in parts:
                left[target(part)] -= part.amount
        found.append(Strong(one.waiting, one.suggestion, " and ".join(full)))
    return found
