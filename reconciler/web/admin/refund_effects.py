"""What a refund does: to the books, to what is owed, and how far it has come, in words."""

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.books.accounts import BANK, MANUAL_RAIL, Role, clearing
from reconciler.books.allocations import Treatment
from reconciler.books.refund_routes import Route
from reconciler.reads.refund_books import Document, Fate, Part
from reconciler.reads.refunds import LegRow, RefundRow
from reconciler.reads.screens_refunds import DONE, RefundCard
from reconciler.web.admin import account_words, words


def effect(card: RefundCard) -> str:
    """What the refund will do, or did, to the books and to what is owed, in a few sentences."""
    refund = card.refund
    said = [_booked(card), *_took(card)]
    if refund.payment_id and refund.status not in DONE and loose(card.books.parts):
        said.append("What is unapplied is taken first.")
    if refund.status == "requested":
        said += [_drops(card, *one) for one in card.books.comes_off]
        if refund.payment_id and not card.books.comes_off:
            said.append("No invoice and no deposit changes.")
    return " ".join(said)


def _took(card: RefundCard) -> Iterable[str]:
    """Of what was posted, where not all came of one document: what of which, and what of none."""
    posted, currency = card.books.of(Fate.POSTED), card.refund.currency
    took: dict[str, int] = {}
    for part in posted:
        for target, amount in part.targets.items():
            name = card.books.documents[target].name
            took[name] = took.get(name, 0) + amount
    free = loose(posted)
    if free:
        took["money that no document had taken up"] = free
    if not free and len(took) < 2:
        return
    parts = " and ".join(f"{words.shown(much, currency)} of {name}" for name, much in took.items())
    yield f"It took {parts}."


def _drops(card: RefundCard, document: Document, amount: int) -> str:
    """From what to what a document goes by it."""
    currency = card.refund.currency
    if document.is_deposit:
        left = max(0, document.left - amount)
        return (
            f"{document.name} has {words.shown(left, currency)} left instead of"
            f" {words.shown(document.left, currency)}."
        )
    if card.refund.treatment == Treatment.CREDIT:
        then = words.shown(max(0, document.owed - amount), currency)
        before = words.shown(document.owed, currency)
        return f"{document.name} drops from {before} to {then}; nobody is chased for it."
    return f"{document.name} goes back to {words.shown(document.left + amount, currency)} open."


def loose(parts: Iterable[Part]) -> int:
    """What of these parts is on no invoice and no deposit, in minor units."""
    return sum(part.unapplied for part in parts)


# The books: the entries that were posted; of what is still to come those that its way leads to.


def _booked(card: RefundCard) -> str:
    currency, books = card.refund.currency, card.books
    posted, to_come = books.of(Fate.POSTED), books.of(Fate.TO_COME)
    if not posted and not to_come:
        return (
            "Nothing stands: what was posted was taken back."
            if books.posted
            else "Nothing is posted."
        )
    sides = (_told(_debits(card), currency), _told(_credits(card), currency))
    said = f"Debit {sides[0]}, credit {sides[1]}."
    waits = sum(part.leg.amount for part in to_come)
    if waits and posted:
        said += f" {words.shown(waits, currency)} of it is not posted yet."
    elif card.refund.status != "requested" and not posted:
        said += " Nothing of it is posted yet."
    if kept := sum(part.leg.amount for part in posted if part.leg.route == Route.KEPT):
        amount = words.shown(kept, currency)
        said += f" {amount} was taken in again for the customer, as agreed."
    return said


def _told(amounts: dict[str, int], currency: str) -> str:
    return " and ".join(
        f"{name} {words.shown(amount, currency)}" for name, amount in amounts.items() if amount
    )


def _debits(card: RefundCard) -> dict[str, int]:
    """Unapplied money, what documents lose, and whatever else was posted on that side."""
    posted, to_come = card.books.of(Fate.POSTED), card.books.of(Fate.TO_COME)
    nets = {net.role: net.amount for net in card.books.posted if net.amount > 0}
    # What documents lose passes through unapplied cash.
    lost = sum(part.leg.amount - part.unapplied for part in posted)
    unapplied = max(0, nets.pop(Role.UNAPPLIED_CASH.value, 0) - lost) + loose(to_come)
    found = {account_words.account(Role.UNAPPLIED_CASH.value, None): unapplied}
    for part in (*posted, *to_come):
        for target, amount in part.targets.items():
            name = _account_of(card, card.books.documents[target])
            found[name] = found.get(name, 0) + amount
    return found | {account_words.account(role, None): amount for role, amount in nets.items()}


def _account_of(card: RefundCard, document: Document) -> str:
    if document.is_deposit:
        return "Customer deposits"
    is_credit = card.refund.treatment == Treatment.CREDIT
    return "Credits" if is_credit else "Accounts receivable"


def _credits(card: RefundCard) -> dict[str, int]:
    """Where the money left, or is promised; of what is to come, where its way takes it from."""
    found: dict[str, int] = {}
    for net in card.books.posted:
        if net.amount < 0:
            name = account_words.account(net.role, net.rail)
            found[name] = found.get(name, 0) - net.amount
    for part in card.books.of(Fate.TO_COME):
        by_rail = part.leg.route == Route.RAIL
        drawer = BANK if part.leg.is_from_bank else clearing(MANUAL_RAIL)
        account = clearing(part.leg.rail) if by_rail else drawer
        name = account_words.account(account.role.value, account.rail)
        found[name] = found.get(name, 0) + part.leg.amount
    return found


# How far it has come


@dataclass(frozen=True, slots=True)
class Step:
    """One station on a refund's way: `state` is done, now, bad or nothing."""

    text: str
    state: str = ""


_REACHED = {
    "requested": 0,
    "approved": 1,
    "submitted": 2,
    "unknown": 2,
    "pending": 2,
    "requires_action": 2,
    "succeeded": 3,
}
_SENT = {"rail": "Sent to the provider", "hand": "Paid back by a person", "kept": "Kept here"}
_BY = {
    "bank_transfer": "Paid back by bank transfer",
    "cash": "Paid back in cash",
    "check": "Paid back by cheque",
    "credit": "Kept as credit",
    "deposit": "Kept as a deposit",
}


def steps(refund: RefundRow) -> list[Step]:
    """How far it has come, in the words of the way that it takes."""
    is_let_go = refund.approved_at is not None
    if refund.status in _REACHED:
        reached = _REACHED[refund.status]
    elif refund.status == "manual" and any(_waits_for_a_hand(leg) for leg in refund.legs):
        reached = 1 if is_let_go else 0
    else:
        sent = ["Approved"] if is_let_go else []
        sent += [_SENT["rail"]] if any(leg.attempts for leg in refund.legs) else []
        done = [Step(text, "done") for text in ("Asked for", *sent)]
        return [*done, Step(words.pill("refund", refund.status).text, "bad")]
    way = ("Asked for", "Approved", _way(refund.legs), "Confirmed and booked")
    return [
        Step(text, "done")
        if n <= reached
        else Step(_to_do(text), "now" if n == reached + 1 else "")
        for n, text in enumerate(way)
    ]


_TO_DO = (
    ("Approved", "Approval"),
    ("Sent ", "Sending "),
    ("Paid back ", "Paying back "),
    ("Kept ", "Keeping "),
    ("Given back ", "Giving back "),
    ("Confirmed and booked", "Confirmation and booking"),
)


def _to_do(text: str) -> str:
    """What is still to come, in words that do not say that it is done."""
    for done, still in _TO_DO:
        if text.startswith(done):
            return still + text.removeprefix(done)
    return text


def _waits_for_a_hand(leg: LegRow) -> bool:
    return leg.status == "manual" and leg.is_for_people


def _way(legs: Iterable[LegRow]) -> str:
    ways = {_BY.get(leg.method or "", _SENT[_route(leg)]) for leg in legs}
    return ways.pop() if len(ways) == 1 else "Given back in several ways"


def _route(leg: LegRow) -> str:
    return "hand" if leg.rail == MANUAL_RAIL and leg.route == Route.RAIL else leg.route
