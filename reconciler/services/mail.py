"""Mail as rows: written once, claimed by one sender at a time, and how each sending came out."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from reconciler import ids
from reconciler.books import mail as rules
from reconciler.books.mail import MessageKind, MessageState, Words
from reconciler.errors import Conflict, Invalid, NotFound
from reconciler.services import audit, restores, switches
from reconciler.services.switches import SwitchName
from reconciler.store.messages import Message
from reconciler.work import Task, Work

LEASE = timedelta(minutes=3)  # longer than any one conversation with a mail server may take
_WHY_CHARS_MAX = 300
_PUT_OFF = timedelta(seconds=30)

_INSERT = sa.text(
    """insert into message (id, kind, state, once, name, customer_id, about, step, recipient,
      recipient_name, subject, body_text, body_html, due_at, why, cause_kind, cause_id, created_at)
    values (:id, :kind, :state, :once, :name, :customer_id, :about, :step, :recipient,
      :recipient_name, :subject, :body_text, :body_html, :due_at, :why, :cause_kind, :cause_id,
      :created_at)
    on conflict do nothing returning id"""
)
_DUE = sa.text(
    """select id from message where (state = 'waiting' and due_at <= :now)
      or (state = 'claimed' and lease_until < :now)
    order by due_at, id limit 1 for no key update skip locked"""
)
_IS_DUE = sa.text(
    """select exists (select 1 from message where (state = 'waiting' and due_at <= :now)
      or (state = 'claimed' and lease_until < :now))"""
)
_PUT_OFF_ALL = sa.text(
    """update message set due_at = :later, why = :why, rev = rev + 1
    where id in (select id from message where state = 'waiting' and due_at <= :now
      order by due_at, id limit 1000 for no key update skip locked)"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A mail to write. `once` names the reason; words may come later, at the last look."""

    kind: MessageKind
    to: str | None
    to_name: str = ""
    about: str
    once: str
    customer_id: str | None = None
    step: int | None = None
    subject: str = ""
    text: str = ""
    html: str = ""
    due_at: datetime | None = None  # at once, if not said


@dataclass(frozen=True, slots=True)
class Letter:
    """What leaves, and under which name. `lease` proves that it is ours to send."""

    message_id: str
    name: str
    to: str
    to_name: str
    subject: str
    text: str
    html: str
    lease: datetime


def write(work: Work, new: NewMessage) -> str | None:
    """Put a mail into the outbox; None if one with this reason is there already.

    Where there is nobody to write to it is kept as failed, so that people see why none came.
    """
    why = None
    try:
        to = rules.address(new.to) if new.to else ""
        why = None if to else "there is no mail address"
    except Invalid:
        to, why = "", "the mail address cannot be written to"
    given = {
        "id": ids.new_id("msg"),
        "kind": new.kind.value,
        "state": (MessageState.FAILED if why else MessageState.WAITING).value,
        "once": new.once,
        "name": hashlib.sha256(new.once.encode()).hexdigest()[:32],
        "customer_id": new.customer_id,
        "about": new.about,
        "step": new.step,
        "recipient": to,
        "recipient_name": rules.header(new.to_name, chars_max=100),
        "subject": rules.header(new.subject),
        "body_text": new.text,
        "body_html": new.html,
        "due_at": new.due_at or work.now,
        "why": why,
        "cause_kind": work.cause.kind,
        "cause_id": work.cause.id,
        "created_at": work.now,
    }
    made = work.session.execute(_INSERT, given).scalar()
    if made:
        work.nudge(Task.SEND_MAIL)
    return made


def may_go_out(session: Session) -> bool:
    """Whether anything may leave now: nobody has stopped it, and the books are where they were."""
    return switches.are_on(session, SwitchName.OUTBOUND) and restores.may_move_money(session)


def is_due(session: Session, now: datetime) -> bool:
    """Whether a mail is to be sent now."""
    return bool(session.execute(_IS_DUE, {"now": now}).scalar())


def next_due(work: Work) -> Message | None:
    """The next mail to be sent, held until the transaction ends."""
    found = work.session.execute(_DUE, {"now": work.now}).scalar()
    return held(work, found) if found else None


def held(work: Work, message_id: str) -> Message:
    """A mail, held until the transaction ends. Raises NotFound."""
    found = work.session.get(Message, message_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound(f"there is no message {message_id}")
    return found


def claim(work: Work, message: Message, words: Words | None = None) -> Letter:
    """Take a held mail in hand: nobody else sends it until the lease is over.

    `words` are what leaves, where that is more than what may be kept of it.
    """
    said = words or Words(message.subject, message.body_text, message.body_html)
    if message.state == MessageState.CLAIMED:
        # Who had it in hand never said how it came out: it may have left.
        message.unknowns += 1
    message.state, message.lease_until = MessageState.CLAIMED.value, work.now + LEASE
    message.tries += 1
    _keep(work, message)
    return Letter(
        message.id,
        message.name,
        message.recipient,
        message.recipient_name,
        message.subject,
        said.text,
        said.html,
        message.lease_until,
    )


def has_surely_not_left(message: Message) -> bool:
    """Whether no sending before this one can have come through."""
    return not message.unknowns and message.state != MessageState.CLAIMED


def may_be_sent_again(message: Message) -> bool:
    """Whether it is tried once more; counts a sending that was begun and never told of."""
    unknowns = message.unknowns + (message.state == MessageState.CLAIMED)
    return rules.may_try_again(tries=message.tries, unknowns=unknowns)


def put_words(work: Work, message: Message, words: Words) -> None:
    """What is kept of what a held mail says, as of now."""
    message.subject = rules.header(words.subject)
    message.body_text, message.body_html = words.text, words.html
    _keep(work, message)


def wait(work: Work, message: Message, until: datetime, why: str) -> None:
    """A held mail is looked at again later, and why it stays silent till then."""
    _rest(work, message, MessageState.WAITING, why, due_at=until)


def drop(work: Work, message: Message, why: str) -> None:
    """A held mail has nothing left to say."""
    _rest(work, message, MessageState.DROPPED, why)


def give_up(work: Work, message: Message, why: str) -> None:
    """A held mail is not sent any more by itself."""
    _rest(work, message, MessageState.FAILED, why)


def record_sent(work: Work, letter: Letter, carried_by: str) -> None:
    """It was taken by whoever carries it."""
    message = _ours(work, letter)
    if message is not None:
        message.sent_at, message.carried_by = work.now, carried_by
        _rest(work, message, MessageState.SENT, None)


def record_refused(work: Work, letter: Letter, why: str) -> None:
    """It will never be taken as it is."""
    message = _ours(work, letter)
    if message is not None:
        give_up(work, message, why)


def record_not_taken(work: Work, letter: Letter, why: str) -> None:
    """It was not taken, and nothing left."""
    message = _ours(work, letter)
    if message is not None:
        _again(work, message, why)


def record_unknown(work: Work, letter: Letter, why: str) -> None:
    """It may have left: it is sent again under the same name, a few times at most."""
    message = _ours(work, letter)
    if message is not None:
        message.unknowns += 1
        _again(work, message, f"the answer was lost: {why}")


def put_off_all(work: Work, why: str) -> None:
    """Nobody carries mail at the moment: what is due is tried again in half a minute."""
    given = {"now": work.now, "later": work.now + _PUT_OFF, "why": why[:_WHY_CHARS_MAX]}
    work.session.execute(_PUT_OFF_ALL, given)


def retry(work: Work, message_id: str) -> None:
    """Somebody wants a mail that failed to be sent after all. Raises NotFound, Conflict."""
    message = held(work, message_id)
    if message.state != MessageState.FAILED or not message.recipient:
        raise Conflict(f"message {message_id} is {message.state}: only one that failed, and is"
                       " addressed to somebody, is sent again")  # fmt: skip
    before = {"state": message.state, "why": message.why}
    message.tries = message.unknowns = 0
    _rest(work, message, MessageState.WAITING, None, due_at=work.now)
    audit.note(work, "message.retried", message_id, before=before, after={"state": "waiting"})
    work.nudge(Task.SEND_MAIL)


def let_be(work: Work, message_id: str) -> None:
    """Nobody wants a mail that failed to be sent any more. Raises NotFound, Conflict."""
    message = held(work, message_id)
    if message.state != MessageState.FAILED:
        raise Conflict(f"message {message_id} is {message.state}: only one that failed is let be")
    audit.note(
        work,
        "message.let_be",
        message_id,
        before={"state": message.state, "why": message.why},
        after={"state": MessageState.DROPPED.value},
    )
    drop(work, message, message.why or "it failed")


def drop_before(work: Work, steps: Mapping[str, int], why: str) -> None:
    """Reminders of these invoices that wait still, and are of an earlier step, are not needed."""
    found = work.session.exec(
        select(Message)
        .where(
            col(Message.kind) == MessageKind.REMINDER.value,
            col(Message.about).in_(steps),
            col(Message.state) == MessageState.WAITING.value,
        )
        .order_by(col(Message.id))
        .with_for_update(skip_locked=True)
    ).all()
    for message in found:
        if message.step is not None and message.step < steps[message.about]:
            drop(work, message, why)


def _again(work: Work, message: Message, why: str) -> None:
    if rules.may_try_again(tries=message.tries, unknowns=message.unknowns):
        later = work.now + rules.wait_after(message.tries)
        _rest(work, message, MessageState.WAITING, why, due_at=later)
    else:
        give_up(work, message, why)


def _ours(work: Work, letter: Letter) -> Message | None:
    """The row, if the lease is still this sender's."""
    message = work.session.get(
        Message, letter.message_id, with_for_update=True, populate_existing=True
    )
    assert message is not None, "messages are never deleted"
    is_ours = message.state == MessageState.CLAIMED and message.lease_until == letter.lease
    return message if is_ours else None


def _rest(
    work: Work,
    message: Message,
    state: MessageState,
    why: str | None,
    *,
    due_at: datetime | None = None,
) -> None:
    message.state, message.lease_until = state.value, None
    message.why = why[:_WHY_CHARS_MAX] if why else None
    if due_at is not None:
        message.due_at = due_at
    _keep(work, message)


def _keep(work: Work, message: Message) -> None:
    message.rev += 1
    work.session.add(message)
    work.session.flush()
