"""Answers kept for a program that asks the same thing again, and for a person's form that does.

The answer is written by the transaction that did the work, so either both are there or
neither: a crash in between cannot make the same request happen twice. While one runs, the key
is held by a lock of its transaction, which ends with it, whatever becomes of the process.
"""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from reconciler.errors import Conflict, Refused
from reconciler.store.idempotency import IdempotencyKey
from reconciler.work import Work

KEPT_FOR = timedelta(days=30)


class KeyReused(Refused):
    """The key stands for another request."""


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks what, under which key. `digest` stands for the method, the path and the body."""

    principal: str
    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: the status and the body as it was sent."""

    status: int
    body: str


def take(work: Work, request: Request, *, waits: bool = False) -> Answer | None:
    """Take the key for this transaction. The answer, if it was given already.

    While the same request runs it raises Conflict, or `waits` for it to end. Raises KeyReused
    for a key used for another request.
    """
    name = sa.func.hashtextextended(f"{request.principal}\n{request.key}", 1)
    if waits:
        work.session.execute(sa.select(sa.func.pg_advisory_xact_lock(name)))
    elif not work.session.execute(sa.select(sa.func.pg_try_advisory_xact_lock(name))).scalar_one():
        raise Conflict("a request with this Idempotency-Key is still running; ask again later")
    # A statement of its own, after the lock: it sees what the last holder wrote.
    kept = work.session.execute(
        sa.select(
            col(IdempotencyKey.request_hash),
            col(IdempotencyKey.status),
            col(IdempotencyKey.answer),
        ).where(
            col(IdempotencyKey.principal) == request.principal,
            col(IdempotencyKey.key) == request.key,
            col(IdempotencyKey.created_at) > work.now - KEPT_FOR,
        )
    ).first()
    if kept is None or kept.status is None:
        return None
    if kept.request_hash != request.digest:
        raise KeyReused(
            "this Idempotency-Key was used for another request", field="Idempotency-Key"
        )
    return Answer(kept.status, kept.answer or "")


def keep(work: Work, request: Request, answer: Answer, *, lasts: timedelta = KEPT_FOR) -> None:
    """Remember what was answered. The key must have been taken by this transaction.

    What is not to lie for as long as others `lasts` less: it is as if it were older.
    """
    values = {
        "request_hash": request.digest,
        "status": answer.status,
        "answer": answer.body,
        "locked_until": work.now,
        "created_at": work.now - (KEPT_FOR - lasts),
    }
    # Only a row that is too old to count can be there already.
    statement = insert(IdempotencyKey).values(
        principal=request.principal, key=request.key, **values
    )
    work.session.execute(
        statement.on_conflict_do_update(index_elements=["principal", "key"], set_=values)
    )


def kept_answer(session: Session, principal: str, key: str) -> Answer | None:
    """What was answered to this one under that key; None where nothing was, or it was forgotten."""
    row = session.get(IdempotencyKey, (principal, key))
    return None if row is None or row.status is None else Answer(row.status, row.answer or "")


def forget_old(work: Work) -> None:
    """Drop answers that nobody will ask for again. For a timed job."""
    old = col(IdempotencyKey.created_at) <= work.now - KEPT_FOR
    work.session.execute(sa.delete(IdempotencyKey).where(old))
