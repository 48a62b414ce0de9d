"""A form that was sent after its session had ended: what was typed goes through the door along.

Whoever signs in again gets it back, to be looked over and sent. Only what a page of ours sent is
kept, and never a secret: another site must not lay words into the hands of who signs in.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from flask import request, url_for

from reconciler.web import forms

ACTION = "kept_action"  # the names of fields of the door
_PREFIX = "kept-"
FIELDS_MAX = 200
CHARS_MAX = 50_000
_SECRETS = frozenset({"password", "new", "again", "code", "proof_password", "proof_code"})
# What a page wrote into its form, and nobody typed.
_TECHNICAL = frozenset({"rev", "once", "back", "do", "save", "action", "kind", "group", "subject"})
_ID = re.compile(r"[a-z]{2,6}_[A-Za-z0-9_]+|[a-z_]+/\S*")


@dataclass(frozen=True, slots=True)
class Field:
    """One field as it was sent. `is_typed`: a person wrote it, as far as that can be told."""

    name: str
    value: str

    @property
    def is_typed(self) -> bool:
        """Whether it is shown again to be read and changed."""
        is_ours = self.name in _TECHNICAL or self.name.endswith("_id")
        return bool(self.value) and not is_ours and not _ID.fullmatch(self.value)

    @property
    def label(self) -> str:
        """What it is called."""
        return self.name.partition("-")[0].replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True)
class Kept:
    """A form: where it was sent to, and what was in it."""

    action: str
    fields: tuple[Field, ...]

    @property
    def carried(self) -> list[tuple[str, str]]:
        """The same as fields of the door's form."""
        return [(ACTION, self.action), *((_PREFIX + f.name, f.value) for f in self.fields)]


def sent_too_late() -> Kept | None:
    """The form of this request, if a page of ours sent it and it can be given back."""
    is_ours = request.headers.get("Sec-Fetch-Site") == "same-origin"
    is_small = (request.content_length or 0) <= 4 * CHARS_MAX
    if request.method != "POST" or not is_ours or not is_small or request.files:
        return None
    if request.path.startswith(url_for("admin.show_account")):
        return None
    return _kept(request.path, request.form.items(multi=True))


def through_the_door() -> Kept | None:
    """What the door's form carries along."""
    action = request.form.get(ACTION, "")
    home = url_for("admin.show_today")
    is_inside = action.startswith(home) and "//" not in action and "\\" not in action
    if not is_inside or not action.isprintable():
        return None
    sent = request.form.items(multi=True)
    return _kept(action, ((n.removeprefix(_PREFIX), v) for n, v in sent if n.startswith(_PREFIX)))


def _kept(action: str, sent: Iterable[tuple[str, str]]) -> Kept | None:
    left_out = _SECRETS | {forms.FORM_TOKEN}
    fields = tuple(Field(name, value) for name, value in sent if name not in left_out)
    chars = sum(len(field.name) + len(field.value) for field in fields)
    if not any(field.is_typed for field in fields) or len(fields) > FIELDS_MAX or chars > CHARS_MAX:
        return None
    return Kept(action, fields)
