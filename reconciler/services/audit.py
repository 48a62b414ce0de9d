"""What people, programs and commands did: noted by the service that did it, written with it.

A service says `note(work, "refund.approved", refund_id, …)`. The lines are written at the very end
of the transaction, by `runtime.work`: each is sealed over the one before, so lines are written one
transaction after the other, and nobody is to wait for more than that.
"""

import re
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlmodel import col

from reconciler.books import audit as rules, texts
from reconciler.books.audit import Line, Seal
from reconciler.errors import Conflict, NotFound
from reconciler.store import audit as store, import_rows
from reconciler.store.audit import AuditLine, AuditWords
from reconciler.work import Note, Work

REASON_CHARS_MAX = 500
_ACTION = re.compile(r"[a-z_]+\.[a-z_]+")
_SALT_BYTES = 16


def note(
    work: Work,
    action: str,
    subject: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    why: str | None = None,
) -> None:
    """Say what is being done, for the audit trail: `noun.past_participle` and the subject's id.

    It is written if and only if the transaction is committed. `before` and `after` hold what
    changed, amounts in minor units; never a secret.
    """
    assert _ACTION.fullmatch(action), f"{action!r} is no noun.past_participle"
    assert subject, f"{action} was done to nothing"
    work.notes.append(Note(action, subject, dict(before or {}), dict(after or {}), why))


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two, cut down to what differs."""
    differing = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in differing}, {name: after[name] for name in differing}


def write(work: Work) -> None:
    """Write down what was noted. Called once, at the end of the transaction, by `runtime.work`."""
    if not work.notes:
        return
    work.session.flush()
    seal = store.take_turn(work.session)
    lines, words = [], []
    for noted in work.notes:
        salt, body = secrets.token_hex(_SALT_BYTES), _body(noted)
        line = Line(
            at=work.now,
            cause_kind=work.cause.kind,
            cause_id=work.cause.id,
            action=noted.action,
            subject=noted.subject,
            request_id=work.request_id,
            words_digest=rules.digest(salt, body),
        )
        seal = rules.seal(line, seal)
        lines.append(_row(line, seal))
        words.append({"seq": seal.seq, "salt": salt, "body": body})
    work.session.execute(sa.insert(AuditLine), lines)
    work.session.execute(sa.insert(AuditWords), words)


def erase(work: Work, line_id: str, *, why: str) -> None:
    """Take away what was said about a line, because it says too much about somebody.

    Who did what to which thing, and when, stays, and so does the chain. With the words of an import
    goes what the rows of its file said. Raises NotFound, Conflict if the words are gone already,
    Invalid without a reason.
    """
    reason = texts.line(why, field="why", chars_max=REASON_CHARS_MAX)
    line = work.session.get(AuditLine, int(line_id)) if _is_number(line_id) else None
    if line is None:
        raise NotFound(f"there is no audit line {line_id}")
    gone = work.session.execute(
        sa.delete(AuditWords).where(col(AuditWords.seq) == line.seq).returning(col(AuditWords.seq))
    )
    if gone.first() is None:
        raise Conflict(f"the words of audit line {line_id} were erased already")
    if line.action == rules.IMPORTED:
        import_rows.erase(work.session, line.subject)
    note(work, rules.ERASED, str(line.seq), why=reason)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(10**18))


def _body(noted: Note) -> str:
    said = {"before": noted.before, "after": noted.after, "why": noted.why}
    return msgspec.json.encode(said, order="deterministic").decode()


def _row(line: Line, seal: Seal) -> dict[str, object]:
    fields = (
        "at", "cause_kind", "cause_id", "action", "subject", "request_id", "words_digest",
    )  # fmt: skip
    return {name: getattr(line, name) for name in fields} | {"seq": seal.seq, "hash": seal.hash}
