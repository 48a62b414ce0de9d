"""Mail that goes out: its kinds and states, who may be written to, and when it is tried again."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from reconciler.errors import Invalid

ADDRESS_CHARS_MAX = 254
LOCAL_CHARS_MAX = 64
TRIES_MAX = 12  # of one message, about a day and a half: then a person has to look
UNKNOWN_MAX = 3  # sendings whose answer was lost; one more might be one too many
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=4)

# RFC 5321, the part that mail servers agree on: no quotes, comments, routes or address literals.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_NO_WORDS = re.compile(r"[\x00-\x1f\x7f\u0085\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


class MessageKind(StrEnum):
    """What a message is about."""

    REMINDER = "reminder"
    RECEIPT = "receipt"
    REFUND_RECEIPT = "refund_receipt"
    REFUND_FAILED = "refund_failed"
    PROPOSAL = "proposal"  # something is offered, with a link to answer it
    PROPOSAL_ANSWERED = "proposal_answered"  # to people here: the client has said yes or no
    INVOICE = "invoice"  # it was sent, with a link to see and pay it
    CLIENT_PAGE = "client_page"  # the link to all that is a client's
    NOTE = "note"  # whatever else somebody here has to say


class MessageState(StrEnum):
    """How far it is."""

    WAITING = "waiting"
    CLAIMED = "claimed"  # somebody is sending it, or was stopped while sending
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"  # there is nothing left to say


# What stands for a link's token wherever a mail is kept or only looked at.
NOT_KEPT = "only-in-the-mail"


@dataclass(frozen=True, slots=True)
class Words:
    """What a mail says."""

    subject: str
    text: str
    html: str

    def without(self, secret: str) -> "Words":
        """The same with what must not be kept left out."""
        return Words(
            self.subject,
            self.text.replace(secret, NOT_KEPT),
            self.html.replace(secret, NOT_KEPT),
        )


def address(text: str, *, field: str = "to") -> str:
    """A mail address as the wire takes it: ASCII, the domain in its own form. Raises Invalid."""
    wrong = Invalid(f"{field} is no mail address such as ann@example.com", field=field)
    local, at, domain = text.strip().rpartition("@")
    if not at or len(local) > LOCAL_CHARS_MAX or not _LOCAL.fullmatch(local):
        raise wrong
    try:
        ascii_domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise wrong from None
    labels = ascii_domain.split(".")
    if len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        raise wrong
    made = f"{local}@{ascii_domain}"
    if len(made) > ADDRESS_CHARS_MAX:
        raise wrong
    return made


def header(text: str, *, chars_max: int = 200) -> str:
    """Words fit to stand in a header: one line, nothing that ends it or hides in it."""
    plain = " ".join(_NO_WORDS.sub(" ", text).split())
    return plain if len(plain) <= chars_max else plain[: chars_max - 1] + "…"


def wait_after(tries: int) -> timedelta:
    """How long after so many tries that came to nothing; longer each time, up to four hours."""
    doublings = min(max(tries - 1, 0), 20)
    return min(_FIRST_WAIT * (1 << doublings), _LONGEST_WAIT)


def may_try_again(*, tries: int, unknowns: int) -> bool:
    """Whether it is sent once more by itself."""
    return tries < TRIES_MAX and unknowns < UNKNOWN_MAX
