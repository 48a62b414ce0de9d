"""What was just put out of sight: said on the page that it was done on, with its way back."""

from dataclasses import dataclass
from datetime import date
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import request

from reconciler.errors import NotFound
from reconciler.reads import review_queue, screens_payments
from reconciler.reads.pages import Session
from reconciler.timestamps import parse_day
from reconciler.web.admin import words
from reconciler.web.admin.question_groups import TITLES

ITEM, BEFORE = "snoozed", "snoozed_before"  # as it stands in the address


@dataclass(frozen=True, slots=True)
class PutOff:
    """One question that was put off, or brought back, and until when it was so `before`."""

    item_id: str
    text: str
    is_away: bool
    before: str
    back: str


def told(session: Session, today: date) -> PutOff | None:
    """What the address says was just put off or brought back, if it still waits."""
    try:
        item = review_queue.one(session, request.args.get(ITEM, ""))
    except NotFound:
        return None
    if item.state != "open":
        return None
    what, until = TITLES[item.kind], item.snoozed_until
    if item.amount is not None and item.currency:
        what += f", {words.shown(item.amount, item.currency)}"
    payer = screens_payments.payment(session, item.payment_id) if item.payment_id else None
    if payer and (who := payer.customer or payer.payer_name or payer.payer_email):
        what += f" of {who}"
    is_away = until is not None and until > today
    text = f"In sight again: {what}."
    if until is not None and is_away:
        day = words.day(until)
        text = f"Out of sight until {day}, or until something changes: {what}."
    back = address(request.full_path)
    return PutOff(item.id, text, is_away, _day_after(request.args.get(BEFORE), today), back)


def address(path: str, item_id: str = "", before: date | None = None) -> str:
    """A page of ours that says so about this question; about none with an empty id."""
    parts = urlsplit(path)
    asked = [one for one in parse_qsl(parts.query) if one[0] not in {ITEM, BEFORE}]
    if item_id:
        asked.append((ITEM, item_id))
    if before:
        asked.append((BEFORE, before.isoformat()))
    return urlunsplit(parts._replace(query=urlencode(asked)))


def _day_after(typed: str | None, today: date) -> str:
    try:
        day = parse_day(typed or "")
    except ValueError:
        return ""
    return day.isoformat() if day > today else ""
