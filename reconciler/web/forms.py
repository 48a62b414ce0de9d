"""What people typed, as values; and the proof that they typed it into a page of ours."""

import hashlib
import secrets
from collections.abc import Collection, Mapping
from datetime import date
from urllib.parse import urlsplit

from flask import Request

from reconciler import money
from reconciler.books import texts
from reconciler.errors import Forbidden, Invalid
from reconciler.money import Money
from reconciler.timestamps import parse_day

FORM_TOKEN = "form_token"  # noqa: S105  the name of a field
ONCE = "once"  # the name that a page gives to one form, so that it counts once
_ONCE_CHARS_MAX = 100
_WHOLE_DIGITS_MAX = 15
NOTE_CHARS_MAX = 1000


class Stale(Forbidden):
    """The form was made for another session: show it again."""


def text(form: Mapping[str, str], field: str, *, chars_max: int = 200) -> str:
    """One line that must be there. Raises Invalid with the field."""
    return texts.line(form.get(field, ""), field=field, chars_max=chars_max)


def words(form: Mapping[str, str], field: str, *, chars_max: int = NOTE_CHARS_MAX) -> str:
    """Some lines, or none. Raises Invalid with the field."""
    return texts.words(form.get(field, ""), field=field, chars_max=chars_max)


def whole(form: Mapping[str, str], field: str) -> int:
    """A whole number that a page of ours put into the form. Raises Invalid with the field."""
    typed = form.get(field, "").strip()
    if not (typed.isascii() and typed.isdigit() and len(typed) <= _WHOLE_DIGITS_MAX):
        raise Invalid(f"{field} must be a whole number", field=field)
    return int(typed)


def amount(form: Mapping[str, str], field: str, currency: str) -> Money:
    """An amount above zero, as people write it. Raises Invalid with the field."""
    typed = form.get(field, "").strip()
    if not typed:
        raise Invalid("Write an amount", field=field)
    parsed = money.parse(typed, currency, field=field)
    if parsed.minor <= 0:
        raise Invalid("An amount must be more than zero", field=field)
    return parsed


def amount_or_none(form: Mapping[str, str], field: str, currency: str) -> Money | None:
    """The same, where nothing or zero means none. Raises Invalid with the field."""
    typed = form.get(field, "").strip()
    if not typed:
        return None
    parsed = money.parse(typed, currency, field=field)
    if parsed.minor < 0:
        raise Invalid("An amount must not be negative", field=field)
    return parsed if parsed.minor else None


def day(form: Mapping[str, str], field: str) -> date:
    """A day, as a date field sends it. Raises Invalid with the field."""
    try:
        return parse_day(form.get(field, "").strip())
    except ValueError:
        raise Invalid("Write the day like 2026-11-22", field=field) from None


def choice(form: Mapping[str, str], field: str, allowed: Collection[str], *, ask: str) -> str:
    """One of some words. Raises Invalid, saying `ask`, with the field."""
    chosen = form.get(field, "")
    if chosen not in allowed:
        raise Invalid(ask, field=field)
    return chosen


def sent_once(form: Mapping[str, str]) -> str | None:
    """The name under which a form counts once, if the page gave it one."""
    name = form.get(ONCE, "")
    return name if name and name.isprintable() and len(name) <= _ONCE_CHARS_MAX else None


def digest(request: Request) -> str:
    """What was sent to where, as one short text; whatever proves who sent it left aside."""
    fields = sorted(
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in {FORM_TOKEN, ONCE}
    )
    return hashlib.sha256(repr((request.path, fields)).encode(errors="replace")).hexdigest()


def prove(request: Request, form_token: str, *, base_url: str) -> None:
    """Raise Stale unless a page of ours, made for this session, sent the form."""
    if not _is_from_here(request, base_url):
        raise Stale("This form was sent from another site, so nothing was done.")
    sent = request.form.get(FORM_TOKEN, "")
    if not sent or not secrets.compare_digest(sent.encode(), form_token.encode()):
        raise Stale("This page was open since before you signed in. Send it once more.")


def _is_from_here(request: Request, base_url: str) -> bool:
    """Browsers say where a form came from; those that do not are judged by the token alone.

    Our pages send no referrer, and for their forms a browser then writes `Origin: null`. So
    its other word, Sec-Fetch-Site, is asked first: that one it never leaves out or blurs.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    if origin is None or origin == "null":
        return True
    ours = {request.host, urlsplit(base_url).netloc}
    return urlsplit(origin).netloc in ours
