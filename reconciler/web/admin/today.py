"""The first page: what waits for a person, and whether the machine is well."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from flask import Response, jsonify

from reconciler.books.people import Role
from reconciler.books.rail_balances import RailBalance
from reconciler.reads import (
    disputes,
    figures,
    milestones,
    rail_balances,
    reconciliation as runs,
    screens_today,
    status,
)
from reconciler.reads.disputes import Deadlines
from reconciler.reads.figures import DayOfMoney
from reconciler.reads.milestones import Drafted
from reconciler.reads.screens_today import Pulse, ToApprove
from reconciler.reads.status import InboxStatus
from reconciler.services.run_plans import KINDS
from reconciler.web.admin import charts, today_cards, words
from reconciler.web.admin.charts import MoneyChart
from reconciler.web.admin.desk import Desk
from reconciler.web.admin.routes import Screens
from reconciler.web.admin.today_cards import Card, Hint

screens = Screens()

# Work is done within seconds when a worker listens; a minute of waiting means that none does.
WAITS_TOO_LONG = timedelta(minutes=1)
CLOCK_IS_LATE = timedelta(minutes=5)
MONEY_DAYS = 30
NAMED_MAX = 3  # in the hint of a card, which is a line or two


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
        drafts = milestones.drafts(session)
        heaps = screens_today.heaps(session, desk.today, drafts.unsigned, drafts.to_send)
        snoozed = screens_today.snoozed(session, desk.today)
        pulse = screens_today.pulse(session)
        inbox = status.inbox(session, desk.now)
        until = runs.complete_up_to(runs.complete(session), KINDS)
        hints = {
            "dispute": _soonest(disputes.deadlines(session, now=desk.now)),
            "refund_requested": _for_me(desk, screens_today.to_approve(session, desk.person.id)),
            "milestone_to_send": _to_send(drafts.to_send),
        }
        money = figures.money(session, desk.today, MONEY_DAYS)
        counted_to = figures.counted_to(session)
        held = rail_balances.balances(session)
    cards = today_cards.cards(heaps, snoozed, hints, desk.now)
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


def _soonest(found: Deadlines) -> Hint:
    """Until when to answer: what the rail takes until a day only is told though it was put off."""
    left = words.days_left(found.in_sight)
    away = ""
    if found.snoozed is not None:
        when = f"in {words.counted(found.snoozed, 'day')}" if found.snoozed else "today"
        has = "has a deadline" if found.away == 1 else "have deadlines, the first"
        away = f"{found.away:,} snoozed {has} {when}"
    return Hint(left.text if left else "", has_deadline=bool(left or away), of_snoozed=away)


def _to_send(signed: Sequence[Drafted]) -> Hint:
    """Drafts that wait for nothing but to be sent: a single one is opened, more are a list."""
    if not signed:
        return Hint()
    named = [f"{one.invoice_number} for {one.name}" for one in signed[:NAMED_MAX]]
    more = f" and {len(signed) - NAMED_MAX:,} more" if len(signed) > NAMED_MAX else ""
    hint = f"Nobody owes it until it is sent: {', '.join(named)}{more}"
    if len(signed) > 1:
        return Hint(hint)
    return Hint(hint, (("name", signed[0].invoice_id),), endpoint="show_invoice")


def _for_me(desk: Desk, waiting: ToApprove) -> Hint:
    """How many refunds wait for whoever looks: one's own never do. Leads to where some are."""
    if not desk.may(Role.APPROVER.value):
        return Hint("An approver decides about them")
    own = f"{waiting.own:,} you asked for or changed yourself" if waiting.own else ""
    if not waiting.for_me:
        return Hint(f"None for you: {own}" if own else "", (("tab", "others"),) if own else ())
    return Hint(f"{waiting.for_me:,} for you" + (f", {own}" if own else ""))


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
