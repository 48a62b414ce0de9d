"""The cards of the first page: what waits in each queue, the most urgent first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.books.reviews import MATCHING_KINDS, ReviewKind
from reconciler.reads.screens_today import Heap
from reconciler.web.admin.question_groups import GROUPS


@dataclass(frozen=True, slots=True)
class Queue:
    """One card of the work queue. `endpoint` with `query` is where the work is done.

    `is_news`: there is nothing to do about it, so it is none of what waits. `hint` says who has to
    do something, where that is nobody here or it ends by itself.
    """

    title: str
    kinds: frozenset[str]
    tone: str
    endpoint: str
    query: tuple[tuple[str, str], ...] = ()
    is_always_shown: bool = True
    is_news: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A queue as it stands: how many, how much in each currency, since when.

    `hint` says what of it whoever looks can do, or by when; `endpoint` with `query` leads to that.
    """

    queue: Queue
    number: int
    sums: tuple[tuple[str, int], ...]
    oldest: datetime | None
    snoozed: int = 0  # put off until later, and not among them
    hint: str = ""
    query: tuple[tuple[str, str], ...] = ()
    has_deadline: bool = False
    endpoint: str = ""

    def place(self, now: datetime) -> tuple[bool, bool, bool, datetime]:
        """Where it stands: what a rail waits for, what waits longest, then what nobody need do.

        Of queues in which nothing waits each stays where it is; what was put off and has a day
        until which the rail takes an answer is not idle.
        """
        is_idle = not self.number and not self.hint
        since = now if self.oldest is None or is_idle else self.oldest
        return is_idle, self.queue.is_news, not self.has_deadline, since


@dataclass(frozen=True, slots=True)
class Hint:
    """What a card says below its numbers, and to which rows or page it leads if not to the usual.

    `has_deadline`: the rail takes an answer until a day only. `of_snoozed` is said of what was put
    off, whether anything else waits or not.
    """

    text: str = ""
    query: tuple[tuple[str, str], ...] = ()
    has_deadline: bool = False
    of_snoozed: str = ""
    endpoint: str = ""


_MATCHING = frozenset(
    kind.value for kind in MATCHING_KINDS - {ReviewKind.OVERPAYMENT, ReviewKind.AMBIGUOUS_MATCH}
)


def _of_group(
    name: str, tone: str, kinds: frozenset[str] | None = None, *, is_always_shown: bool = True
) -> Queue:
    """A card that leads to a group of questions, and counts them unless `kinds` are its own."""
    group = GROUPS[name]
    counted = kinds or frozenset(kind.value for kind in group.kinds)
    return Queue(group.title, counted, tone, "list_questions", (("group", name),), is_always_shown)


_UNTIL_PAID = "Each waits until its payment is recorded, or it is put off on its own page"

_QUEUES = (
    Queue("No sure match", _MATCHING, "warn", "list_unmatched", (("view", "unmatched"),)),
    Queue(
        "Several things fit",
        frozenset({"ambiguous_match"}),
        "warn",
        "list_unmatched",
        (("view", "several"),),
    ),
    Queue(
        "Overpayments", frozenset({"overpayment"}), "warn", "list_unmatched", (("view", "over"),)
    ),
    Queue("Refunds to approve", frozenset({"refund_requested"}), "warn", "list_refunds"),
    Queue(
        "Failed refunds, or by hand",
        frozenset({"refund_in_trouble"}),
        "neg",
        "list_refunds",
        (("tab", "trouble"),),
    ),
    _of_group("outside-failed", "neg", frozenset({"outside_refund_failed"})),
    _of_group("stopped", "neg", is_always_shown=False),
    _of_group("outside", "warn"),
    Queue(
        "Disputes",
        frozenset({"dispute"}),
        "neg",
        "list_disputes",
    ),
    _of_group("discrepancies", "neg"),
    Queue(
        "Milestones waiting for sign-off",
        frozenset({"milestone_unsigned"}),
        "calm",
        "list_projects",
        (("view", "unsigned"),),
        is_news=True,
        hint="They wait for the client to say so: nobody here has to do anything",
    ),
    Queue(
        "Signed off, and not sent",
        frozenset({"milestone_to_send"}),
        "warn",
        "list_invoices",
        (("view", "draft"),),
        is_always_shown=False,
    ),
    Queue(
        "Proposals accepted this week",
        frozenset({"proposal_accepted"}),
        "calm",
        "list_proposals",
        (("state", "accepted"),),
        is_always_shown=False,
        is_news=True,
    ),
    Queue(
        "Proposals declined this week",
        frozenset({"proposal_declined"}),
        "warn",
        "list_proposals",
        (("state", "declined"),),
        is_always_shown=False,
        is_news=True,
    ),
    Queue(
        "Deposits that nobody paid",
        frozenset({"deposit_unpaid"}),
        "warn",
        "list_deposits",
        (("view", "unpaid"),),
        is_always_shown=False,
    ),
    Queue(
        "Deposits held for two months",
        frozenset({"deposit_at_rest"}),
        "warn",
        "list_deposits",
        (("view", "left"),),
        is_always_shown=False,
    ),
    Queue(
        "Bills due within a week",
        frozenset({"bill_due"}),
        "warn",
        "list_bills",
        (("view", "due"),),
        is_always_shown=False,
        hint=_UNTIL_PAID,
    ),
    Queue(
        "Bills overdue",
        frozenset({"bill_overdue"}),
        "neg",
        "list_bills",
        (("view", "overdue"),),
        is_always_shown=False,
        hint=_UNTIL_PAID,
    ),
    Queue(
        "Bank lines to decide",
        frozenset({"bank_correction"}),
        "warn",
        "list_statements",
        is_always_shown=False,
    ),
    _of_group("events", "neg", is_always_shown=False),
    Queue(
        "Mails that did not leave",
        frozenset({"mail_failed"}),
        "neg",
        "list_messages",
        (("state", "failed"),),
        is_always_shown=False,
    ),
    Queue(
        "Webhooks that fail",
        frozenset({"webhook_failing"}),
        "neg",
        "list_webhooks",
        is_always_shown=False,
    ),
)


def cards(
    heaps: Sequence[Heap], snoozed: Mapping[str, int], hints: Mapping[str, Hint], now: datetime
) -> list[Card]:
    """The queues, the most urgent first."""
    made = []
    for queue in _QUEUES:
        own = [heap for heap in heaps if heap.kind in queue.kinds]
        later = sum(snoozed.get(kind, 0) for kind in queue.kinds)
        sums: dict[str, int] = {}
        for heap in own:
            if heap.currency:
                sums[heap.currency] = sums.get(heap.currency, 0) + heap.amount
        if own or later or queue.is_always_shown:
            oldest = min((heap.oldest for heap in own), default=None)
            number = sum(heap.number for heap in own)
            hint = next((hints[kind] for kind in queue.kinds if kind in hints), Hint())
            query = hint.query or queue.query
            waits = hint.text or queue.hint if number else ""
            shown = ", ".join(filter(None, (waits, hint.of_snoozed)))
            made.append(
                Card(
                    queue,
                    number,
                    tuple(sorted(sums.items())),
                    oldest,
                    later,
                    shown,
                    query,
                    hint.has_deadline,
                    hint.endpoint or queue.endpoint,
                )
            )
    return sorted(made, key=lambda card: card.place(now))
