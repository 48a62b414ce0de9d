"""What a question says of itself, in words: what it is about, both sides, what else is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.books import refund_words
from reconciler.books.reconciliation import IN_WORDS, Difference
from reconciler.books.refunds import NO_BALANCE
from reconciler.books.reviews import ReviewKind
from reconciler.reads.review_queue import ReviewRow
from reconciler.web.admin import dispute_words, words

# Details that stand elsewhere on the card, or that only the program needs.
_ELSEWHERE = frozenset(
    {"payout", "payout_amount", "lines", "lines_net", "reference", "decided_before"}
)
_OF_DRIFT = frozenset({"kind", "difference", "expected", "actual"})
_OF_DISPUTE = frozenset({"status", "reason"})
_LABELS = {
    "category": "The provider's word for it",
    "error": "What went wrong",
    "evidence": "What it rests on",
    "next": "What to do",
    "note": "What was found",
    "paid_by_hand": "Paid by hand",
    "reasons": "Why",
    "taken_back": "An answer was taken back",
    "times_put_back": "Put back into suspense",
    "type": "Kind of message",
}


@dataclass(frozen=True, slots=True)
class Sides:
    """How the rail has something, how it is here, and by how much they are apart; all as text."""

    there: str
    here: str
    apart: str


@dataclass(frozen=True, slots=True)
class Told:
    """A question in words. `about` names the thing, `object_id` is the rail's id of it, if any."""

    about: str
    object_id: str
    matter: str
    sides: Sides | None
    facts: list[tuple[str, list[str]]]
    is_closed: bool = False  # a refund, sent to a card that takes nothing any more
    to_do: str = ""  # what a refund waits for, as a deed with a name


def told(item: ReviewRow, rail: str = "") -> Told:
    """All that a card says of a question besides its title, its age and its money.

    `rail` is that of its payment.
    """
    is_drift = item.kind is ReviewKind.DRIFT
    about, object_id = _about(item) if is_drift else ("", item.subject)
    return Told(
        about,
        object_id,
        _matter(item.details) if is_drift else "",
        _sides(item.details) if is_drift else None,
        [
            (_LABELS.get(name, name.replace("_", " ").capitalize()), _shown(item, name, value))
            for name, value in item.details.items()
            if value and _is_shown(item, name)
        ],
        is_closed(item),
        _to_do(item, rail),
    )


def _to_do(item: ReviewRow, rail: str) -> str:
    if item.kind is not ReviewKind.REFUNDS_HELD or not item.refund_id:
        return ""
    name = words.rail_name(rail) if rail else "the payment provider"
    if NO_BALANCE in _whys(item):
        return (
            f"Put money on our balance at {name}, or wait until payments bring enough: the refund"
            " leaves by itself then, and this question is gone. Paid another way as well, it would"
            " be paid twice. A note alone moves no money."
        )
    return (
        f"Ask the customer to follow the mail of {name}, or call the refund off on its page. Once"
        " they have, it leaves by itself, and this question is gone."
    )


def _whys(item: ReviewRow) -> list[object]:
    why = item.details.get("why")
    return why if isinstance(why, list) else []


def is_closed(item: ReviewRow) -> bool:
    """Whether a refund failed because what it was sent to takes nothing any more."""
    return item.kind is ReviewKind.REFUND_FAILED and any(
        refund_words.is_closed(str(one)) for one in _whys(item)
    )


def side(side: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> str:
    """How one side has it: its amount, and the word by which it stands if that differs."""
    if side is None:
        return words.DASH if other is None else "Not there"
    parts = []
    if side["currency"]:
        parts.append(words.shown(side["amount"], side["currency"]))
    elif side["amount"]:
        parts.append(f"{side['amount']:,} in the smallest unit")
    if side["state"] and (other is None or other["state"] != side["state"] or not parts):
        parts.append(str(side["state"]).replace("_", " "))
    return ", ".join(parts) or "There"


def _about(item: ReviewRow) -> tuple[str, str]:
    kind = str(item.details.get("kind") or "")
    if not kind:  # a refund that went by its rail too
        return words.RAIL_OBJECT["refund"], item.subject
    name = words.RAIL_OBJECT.get(kind, kind.replace("_", " ").capitalize())
    if kind == "balance":
        return f"The provider's balance in {item.subject}", ""
    if kind == "account":
        account, _, currency = item.subject.rpartition(" ")
        return f"Our account {account.replace('_', ' ')} in {currency}", ""
    return name, item.subject


def _matter(details: Mapping[str, Any]) -> str:
    named = details.get("difference")
    return words.sentence(IN_WORDS[Difference(named)]) if named in set(Difference) else ""


def _sides(details: Mapping[str, Any]) -> Sides | None:
    there, here = details.get("expected"), details.get("actual")
    if there is None and here is None:
        return None
    apart = ""
    if there and here and there["currency"] and there["currency"] == here["currency"]:
        apart = words.shown(there["amount"] - here["amount"], there["currency"])
    return Sides(side(there, here), side(here, there), apart)


def _is_shown(item: ReviewRow, name: str) -> bool:
    if item.dispute_id:
        return name in _OF_DISPUTE
    return name not in _ELSEWHERE and not (item.kind is ReviewKind.DRIFT and name in _OF_DRIFT)


def _shown(item: ReviewRow, name: str, value: object) -> list[str]:
    match value:
        case list():
            return [text for one in value for text in _shown(item, name, one)]
        case Mapping():
            return [f"{key.replace('_', ' ')}: {one}" for key, one in value.items()]
        case bool():
            return ["Yes" if value else "No"]
        case int():
            return [words.counted(value, "time") if name == "times_put_back" else f"{value:,}"]
        case _:
            return [_text(item, name, str(value))]


def _text(item: ReviewRow, name: str, text: str) -> str:
    if item.dispute_id:
        return dispute_words.reason(text) if name == "reason" else dispute_words.status(text)
    if name == "taken_back":
        return words.moment(datetime.fromisoformat(text))
    if name == "type":
        return text
    if name in {"why", "reason"}:
        text = refund_words.why(text) or text
    return words.sentence(text.replace("_", " ") if name != "error" else text)
