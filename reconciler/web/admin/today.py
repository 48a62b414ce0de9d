"""The first page: what waits for a person, and whether the machine is well."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from flask import Response, jsonify

from reconciler.books.people import Role
from reconciler.books.rail_balances import RailBalance
from reconciler.books.reviews import MATCHING_KINDS, ReviewKind
from reconciler.reads import (
    disputes,
    figures,
    rail_balances,
    reconciliation as runs,
    screens_today,
    status,
)
from reconciler.reads.figures import DayOfMoney
from reconciler.reads.screens_today import Heap, Pulse, ToApprove
from reconciler.reads.status import InboxStatus
from reconciler.services.run_plans import KINDS
from reconciler.web.admin import charts, words
from reconciler.web.admin.charts import MoneyChart
from reconciler.web.admin.desk import Desk
from reconciler.web.admin.question_groups import GROUPS
from reconciler.web.admin.routes import Screens

screens = Screens()

# Work is done within seconds when a worker listens; a minute of waiting means that none does.
WAITS_TOO_LONG = timedelta(minutes=1)
CLOCK_IS_LATE = timedelta(minutes=5)
MONEY_DAYS = 30


@dataclass(frozen=True, slots=True)
class Queue:
    """One card of the work queue. `endpoint` with `query` is where the work is done.

    `is_news`: there is nothing to do about it, so it is none of what waits.
    """

    title: str
    kinds: frozenset[str]
    tone: str
    endpoint: str
    query: tuple[tuple[str, str], ...] = ()
    is_always_shown: bool = True
    is_news: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """A queue as it stands: how many, how much in each currency, since when.

    `hint` says what of it whoever looks can do, or by when; `query` leads to that.
    """

    queue: Queue
    number: int
    sums: tuple[tuple[str, int], ...]
    oldest: datetime | None
    snoozed: int = 0  # put off until later, and not among them
    hint: str = ""
    query: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Hint:
    """What a card says below its numbers, and which rows it leads to where not to the usual."""

    text: str = ""
    query: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sign:
    """One part of the machine, in words, with the tone of its state."""

    title: str
    text: str
    hint: str
    tone: str = ""


# The pages of the menu that have a number, and what they are called there.
_COUNTED = {
    "list_unmatched": "Unmatched",
    "list_refunds": "Refunds",
    "list_disputes": "Disputes",
    "list_questions": "Questions",
}
_MATCHING = frozenset(
    kind.value for kind in MATCHING_KINDS - {ReviewKind.OVERPAYMENT, ReviewKind.AMBIGUOUS_MATCH}
)


def _of_group(name: str, tone: str, kinds: frozenset[str] | None = None, **more: bool) -> Queue:
    """A card that leads to a group of questions, and counts them unless `kinds` are its own."""
    group = GROUPS[name]
    counted = kinds or frozenset(kind.value for kind in group.kinds)
    return Queue(group.title, counted, tone, "list_questions", (("group", name),), **more)


_QUEUES = (
    Queue("Unmatched payments", _MATCHING, "warn", "list_unmatched", (("view", "unmatched"),)),
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
        "warn",
        "list_projects",
        (("view", "unsigned"),),
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
    ),
    Queue(
        "Bills overdue",
        frozenset({"bill_overdue"}),
        "neg",
        "list_bills",
        (("view", "overdue"),),
        is_always_shown=False,
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


@screens.get("/counts", is_by_itself=True)
def tell_counts(desk: Desk) -> Response:
    """The numbers beside the navigation, for pages that are open and keep theirs right."""
    with desk.runtime.read() as session:
        found = desk.counts(session)
    return jsonify(asdict(found))


@screens.get("/")
def show_today(desk: Desk) -> Response:
    """What waits, and the health strip."""
    with desk.runtime.read() as session:
        heaps = screens_today.heaps(session, desk.today)
        snoozed = screens_today.snoozed(session, desk.today)
        pulse = screens_today.pulse(session)
        inbox = status.inbox(session, desk.now)
        until = runs.complete_up_to(runs.complete(session), KINDS)
        hints = {
            "dispute": _soonest(disputes.days_to_answer(session, now=desk.now)),
            "refund_requested": _for_me(desk, screens_today.to_approve(session, desk.person.id)),
        }
        money = figures.money(session, desk.today, MONEY_DAYS)
        counted_to = figures.counted_to(session)
        held = rail_balances.balances(session)
    cards = _cards(heaps, snoozed, hints)
    return desk.page(
        "today.html",
        cards=cards,
        waiting=sum(card.number for card in cards if not card.queue.is_news),
        places=_places(cards),
        signs=[*_signs(desk, pulse, inbox, until), *_held(held)],
        below_zero=[one for one in held if one.is_below_zero],
        pulse=pulse,
        money=_charts(money),
        counted_to=counted_to,
    )


def _places(cards: Sequence[Card]) -> list[tuple[str, int]]:
    """Of all that waits, how much is on each page with a number in the menu; "" for the rest."""
    found = dict.fromkeys([*_COUNTED.values(), ""], 0)
    for card in cards:
        if not card.queue.is_news:
            found[_COUNTED.get(card.queue.endpoint, "")] += card.number
    return [(name, number) for name, number in found.items() if number]


def _charts(found: dict[str, list[DayOfMoney]]) -> list[MoneyChart]:
    """The currency that brought in on most days first: amounts of two do not compare."""
    made = [charts.money(currency, days) for currency, days in found.items()]
    return sorted(made, key=lambda chart: -sum(1 for day in chart.days if day.taken))


def _soonest(days: int | None) -> Hint:
    left = words.days_left(days)
    return Hint(left.text if left else "")


def _for_me(desk: Desk, waiting: ToApprove) -> Hint:
    """How many refunds wait for whoever looks: one's own never do. Leads to where some are."""
    if not desk.may(Role.APPROVER.value):
        return Hint("An approver decides about them")
    own = f"{waiting.own:,} you asked for or changed yourself" if waiting.own else ""
    if not waiting.for_me:
        return Hint(f"None for you: {own}" if own else "", (("tab", "others"),) if own else ())
    return Hint(f"{waiting.for_me:,} for you" + (f", {own}" if own else ""))


def _cards(
    heaps: Sequence[Heap], snoozed: Mapping[str, int], hints: Mapping[str, Hint]
) -> list[Card]:
    cards = []
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
            shown = hint.text if number else ""
            cards.append(
                Card(queue, number, tuple(sorted(sums.items())), oldest, later, shown, query)
            )
    return cards


def _signs(desk: Desk, pulse: Pulse, inbox: InboxStatus, until: datetime | None) -> list[Sign]:
    return [
        _heard(desk, pulse),
        _waiting(inbox),
        _compared(desk, until),
        _books(pulse),
        _worker(desk, pulse, inbox),
    ]


def _heard(desk: Desk, pulse: Pulse) -> Sign:
    if pulse.last_event_at is None:
        return Sign("Last event", "None yet", "Point the payment provider's webhook here", "none")
    ago = words.age(pulse.last_event_at, desk.now)
    return Sign("Last event", f"{ago} ago", words.moment(pulse.last_event_at))


def _waiting(inbox: InboxStatus) -> Sign:
    if inbox.failed or inbox.quarantined:
        number = inbox.failed + inbox.quarantined
        hint = "They wait for a person, in the event log"
        return Sign("Events to book", words.counted(number, "event") + " stuck", hint, "neg")
    if not inbox.pending + inbox.parked:
        return Sign("Events to book", "None", "All that came in is in the books")
    age = timedelta(seconds=inbox.oldest_seconds)
    tone = "warn" if age > WAITS_TOO_LONG else ""
    waiting = f"{inbox.pending + inbox.parked:,} waiting"
    return Sign(
        "Events to book",
        waiting,
        f"The oldest for {words.counted(inbox.oldest_seconds, 'second')}",
        tone,
    )


def _compared(desk: Desk, until: datetime | None) -> Sign:
    if until is None:
        return Sign("Compared with the provider", "Not yet", "It shows after the first run", "none")
    text = f"Complete up to {words.short(until)}"
    if words.is_behind(until, desk.now):
        hint = f"The last {words.age(until, desk.now)} are still to be compared"
        return Sign("Compared with the provider", text, hint, "warn")
    return Sign("Compared with the provider", text, "Nothing that it lists is missing here")


def _held(balances: Sequence[RailBalance]) -> list[Sign]:
    """What each rail holds for us by our books, and whether what waits to leave it can."""
    signs = []
    for rail in dict.fromkeys(one.rail for one in balances):
        own = [one for one in balances if one.rail == rail]
        text = " + ".join(words.shown(o.held, o.currency) for o in own if o.held) or "Nothing"
        below = any(one.is_below_zero for one in own)
        short = [words.shown(one.waiting, one.currency) for one in own if one.is_short]
        hint = "As the books have it, money that is not available yet included"
        if short:
            hint = f"Not enough: refunds of {' + '.join(short)} wait to leave it"
        elif below:
            hint = "Below zero: refunds wait until there is money again"
        title = f"Held by {words.rail_name(rail)}"
        signs.append(Sign(title, text, hint, "neg" if below else "warn" if short else ""))
    return signs


def _books(pulse: Pulse) -> Sign:
    if pulse.is_balanced:
        return Sign("Books", "Balanced", "Debits equal credits in every currency")
    return Sign("Books", "Out of balance", "See the trial balance", "neg")


def _worker(desk: Desk, pulse: Pulse, inbox: InboxStatus) -> Sign:
    is_stuck = inbox.pending and timedelta(seconds=inbox.oldest_seconds) > WAITS_TOO_LONG
    seen = max((at for at in (pulse.last_applied_at, pulse.clock_seen_at) if at), default=None)
    if is_stuck:
        return Sign("Worker", "Not working", "Nothing takes up what waits: start a worker", "neg")
    if seen is None:
        return Sign("Worker", "Not seen yet", "It shows with the first event", "none")
    ago = words.age(seen, desk.now)
    is_late = pulse.clock_seen_at and desk.now - seen > CLOCK_IS_LATE
    return Sign("Worker", f"Seen {ago} ago", words.moment(seen), "warn" if is_late else "")
