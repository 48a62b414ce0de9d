"""Mail leaves: the conversation is opened, then one mail is claimed, looked at a last time, sent.

The claim, the last look and the words are one transaction. What is claimed and never told of is
taken up again when its lease is over, under the same Message-ID and a few times at most.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email.headerregistry import Address
from functools import partial
from typing import TypeVar

import structlog

from reconciler.carriers import mail as carrier
from reconciler.carriers.mail import Envelope, Postbox
from reconciler.errors import OutcomeUnknown, Refused, Unavailable
from reconciler.failpoints import failpoint
from reconciler.flows.last_look import last_look
from reconciler.letters.words import House
from reconciler.runtime import Runtime
from reconciler.services import mail
from reconciler.services.mail import Letter
from reconciler.work import Cause, Task, Work

MESSAGES_MAX = 200  # a run; what is left is the next one's
RUN_SECONDS = 40.0  # one slow server more still fits into a job
FENCE = timedelta(seconds=5)  # a sender that slept longer since its last look has to look again

T = TypeVar("T")
_log = structlog.get_logger()
_CAUSE = Cause("job", "send_mail")


@dataclass(frozen=True, slots=True)
class _Turn:
    """What became of the mail that was next: taken in hand, or else put to rest."""

    letter: Letter | None


def send_mail(runtime: Runtime, messages_max: int = MESSAGES_MAX) -> int:
    """Send what is due; gives how many mails were taken in hand."""
    with runtime.read() as session:
        if not mail.is_due(session, runtime.now()) or not mail.may_go_out(session):
            return 0
    try:
        with carrier.open_postbox(runtime.settings) as postbox:
            return _send_all(runtime, postbox, messages_max)
    except Unavailable as error:
        why = str(error)
        _log.warning("mail.no_carrier", why=why)
        runtime.do(_CAUSE, lambda work: mail.put_off_all(work, why))
        return 0


def _send_all(runtime: Runtime, postbox: Postbox, messages_max: int) -> int:
    started, take_next = time.monotonic(), partial(_take_next, house=house_of(runtime))
    for count in range(messages_max):
        if time.monotonic() - started > RUN_SECONDS:
            break
        begun = _boot_seconds()  # before the transaction: too old is safe, too young is not
        turn = runtime.do(_CAUSE, take_next)
        if turn is None:
            return count
        failpoint("mail.after_claim")
        if turn.letter is not None and not _send(runtime, postbox, turn.letter, begun):
            return count + 1
    runtime.queue.nudge([Task.SEND_MAIL])
    return messages_max


def house_of(runtime: Runtime) -> House:
    """Who writes: the name that mails are signed with, and where the pages are."""
    sender = runtime.settings.mail_sender
    is_named = sender.domain.rpartition(".")[2].isalpha() and sender.domain != "localhost"
    name = sender.display_name or (sender.domain if is_named else "Reconciler")
    return House(name, runtime.settings.base_url)


def _take_next(work: Work, house: House) -> _Turn | None:
    if not mail.may_go_out(work.session):
        return None
    message = mail.next_due(work)
    if message is None:
        return None
    if not mail.may_be_sent_again(message):
        mail.give_up(work, message, message.why or "it may have left, and nobody knows")
        return _Turn(None)
    said = last_look(work, message, house)
    return _Turn(None if said is None else mail.claim(work, message, said))


def _send(runtime: Runtime, postbox: Postbox, letter: Letter, begun: float) -> bool:
    """One mail, and what came of it. Gives whether the conversation may go on."""
    if timedelta(seconds=_boot_seconds() - begun) > FENCE:
        _record(runtime, lambda w: mail.record_not_taken(w, letter, "stopped before it was sent"))
        return True
    sender = runtime.settings.mail_sender
    try:
        to = Address(letter.to_name, addr_spec=letter.to)
        envelope = Envelope(sender, to, letter.name, runtime.now())
        body = carrier.compose(envelope, subject=letter.subject, text=letter.text, html=letter.html)
        carried_by = postbox.put(body, sender=sender.addr_spec, to=letter.to, name=letter.name)
        failpoint("mail.after_send")
    except Refused as error:
        why = str(error)
        _log.warning("mail.refused", message_id=letter.message_id)
        _record(runtime, lambda w: mail.record_refused(w, letter, why))
        return True
    except Unavailable as error:
        why = str(error)
        _log.warning("mail.not_taken", message_id=letter.message_id)
        _record(runtime, lambda w: mail.record_not_taken(w, letter, why))
        return not isinstance(error.__cause__, Exception)
    except OutcomeUnknown as error:
        why = str(error)
        _log.warning("mail.unknown", message_id=letter.message_id, error=why)
        _record(runtime, lambda w: mail.record_unknown(w, letter, why))
        return False
    _record(runtime, lambda w: mail.record_sent(w, letter, carried_by))
    _log.info("mail.sent", message_id=letter.message_id)
    return True


def _record(runtime: Runtime, step: Callable[[Work], T]) -> T:
    return runtime.do(_CAUSE, step)


def _boot_seconds() -> float:
    """Seconds since the machine started, those it slept through included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
