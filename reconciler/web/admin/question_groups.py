"""Questions in groups, as the cards of the first page count them and the page of questions shows.

A group is in the address, so that a card leads to what it counts and to nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.books.reviews import MATCHING_KINDS, ReviewKind

_FAILED = frozenset({ReviewKind.REFUND_FAILED})


@dataclass(frozen=True, slots=True)
class Group:
    """Questions of these kinds. `is_outside`: of refunds only those of nobody here, or only ours.

    `text` says in one sentence what they are about and what is to be done.
    """

    title: str
    kinds: frozenset[ReviewKind]
    text: str
    is_outside: bool | None = None

    @property
    def filters(self) -> dict[str, object]:
        """The same as filters of a list of questions."""
        found: dict[str, object] = {"kinds": sorted(kind.value for kind in self.kinds)}
        if self.is_outside is not None:
            found["is_outside"] = self.is_outside
        return found

    def number(self, questions: Iterable[tuple[str, bool, int]]) -> int:
        """How many of these questions are in it."""
        return sum(
            number
            for kind, is_outside, number in questions
            if kind in self.kinds and self.is_outside in {None, is_outside}
        )


GROUPS = {
    "discrepancies": Group(
        "Discrepancies",
        frozenset(
            {
                ReviewKind.DRIFT,
                ReviewKind.UNCLASSIFIED_MOVEMENT,
                ReviewKind.UNKNOWN_STATUS,
                ReviewKind.PAYOUT_FAILED,
                ReviewKind.PAYOUT_DIFFERENCE,
            }
        ),
        "What the payment provider says and what the books say differ, or it did something that"
        " no rule knows.",
    ),
    "outside": Group(
        "Refunds made outside",
        frozenset({ReviewKind.EXTERNAL_REFUND}),
        "Somebody gave money back in the provider's dashboard. Say whether the customer still"
        " owes it.",
    ),
    "outside-failed": Group(
        "Outside refunds that failed",
        _FAILED,
        "A refund that nobody asked for here did not arrive: its money is back.",
        is_outside=True,
    ),
    "stopped": Group(
        "Refunds stopped or waiting",
        frozenset({ReviewKind.REFUNDS_STOPPED, ReviewKind.REFUNDS_HELD}),
        "Refunds that may not leave before a person has done something.",
    ),
    "failed": Group(
        "Failed refunds, or by hand",
        frozenset({ReviewKind.REFUND_FAILED, ReviewKind.MANUAL_REFUND}),
        "Refunds asked for here that did not arrive. Each is decided on its own page.",
        is_outside=False,
    ),
    "disputes": Group(
        "Disputes",
        frozenset({ReviewKind.DISPUTE}),
        "A customer's bank asks for the money back, or has taken it.",
    ),
    "events": Group(
        "Events with questions",
        frozenset(
            {ReviewKind.EVENT_FAILED, ReviewKind.EVENT_QUARANTINED, ReviewKind.EVENT_CONFLICT}
        ),
        "Messages of the payment provider that could not be booked.",
    ),
    "money": Group(
        "Payments to match",
        MATCHING_KINDS,
        "Money that is here and tied to no invoice or deposit yet.",
    ),
}
