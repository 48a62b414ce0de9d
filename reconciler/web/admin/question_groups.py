"""Questions in groups, as the cards of the first page count them and the page of questions shows.

A group is in the address, so that a card leads to what it counts and to nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.books.reviews import MATCHING_KINDS, ReviewKind

TITLES = {
    ReviewKind.EXTERNAL_REFUND: "A refund was made outside, in the payment provider's dashboard",
    ReviewKind.DISPUTE: "A customer's bank disputes a payment",
    ReviewKind.DRIFT: "The payment provider says something else than our books",
    ReviewKind.UNCLASSIFIED_MOVEMENT: "The payment provider moved money, and no rule says what for",
    ReviewKind.UNKNOWN_STATUS: "The payment provider used a status that nobody here knows",
    ReviewKind.PAYOUT_FAILED: "A payout did not reach the bank: its money is back at the provider",
    ReviewKind.PAYOUT_DIFFERENCE: "A payout is not the sum of what it consists of",
    ReviewKind.REFUND_FAILED: "A refund failed: the customer has not been paid back",
    ReviewKind.REFUNDS_HELD: "A refund waits for something that people can do",
    ReviewKind.REFUNDS_STOPPED: "Refunds were stopped: something about them is not right",
    ReviewKind.MANUAL_REFUND: "A refund has to be paid back by hand",
    ReviewKind.EVENT_FAILED: "An event could not be applied",
    ReviewKind.EVENT_QUARANTINED: "An event is not ours, or not for this mode",
    ReviewKind.EVENT_CONFLICT: "The same event came again and said something else",
    ReviewKind.UNMATCHED_PAYMENT: "A payment names nothing that it is for",
    ReviewKind.AMBIGUOUS_MATCH: "A payment fits more than one thing",
    ReviewKind.OVERPAYMENT: "More was paid than is owed",
    ReviewKind.CURRENCY_MISMATCH: "A payment is in another currency than its invoice",
    ReviewKind.INVOICE_NOT_PAYABLE: "A payment names an invoice that takes no money",
}
_FAILED = frozenset({ReviewKind.REFUND_FAILED})


@dataclass(frozen=True, slots=True)
class Group:
    """Questions of these kinds. `is_outside`: of failed refunds only nobody's here, or only ours.

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
            if kind in self.kinds and (kind not in _FAILED or self.is_outside in {None, is_outside})
        )


GROUPS = {
    # As the number beside the menu has it (`Counts.questions`).
    "here": Group(
        "Only here",
        frozenset(ReviewKind) - MATCHING_KINDS - {ReviewKind.DISPUTE, ReviewKind.MANUAL_REFUND},
        "What no other page asks. The menu counts these beside Questions.",
        is_outside=True,
    ),
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
