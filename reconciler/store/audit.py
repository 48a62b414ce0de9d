"""The audit trail: what people, programs and commands did, line upon line, and the words apart."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlmodel import Field, Session

from reconciler.books import audit
from reconciler.books.audit import ORIGIN, Kept, Line, Seal
from reconciler.books.deeds import Deed
from reconciler.store import base
from reconciler.store.base import SQLModel

_ROWS_AT_A_TIME = 1_000
# Any number that nobody else locks.
_TURN = 6_120_553


class AuditLine(SQLModel, table=True):
    """One thing that was done, sealed over the line before it."""

    __tablename__ = "audit_line"
    __table_args__ = (
        base.holds(
            "audit_line_names_its_cause", "btrim(cause_kind) <> '' and btrim(cause_id) <> ''"
        ),
        sa.Index("ix_audit_line_subject", "subject", "seq"),
        sa.Index("ix_audit_line_cause", "cause_id", "seq"),
        sa.Index("ix_audit_line_action", "action", "seq"),
    )  # fmt: skip

    seq: int = Field(
        sa_type=sa.BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False}
    )
    at: datetime = base.instant()
    cause_kind: str = base.text()
    cause_id: str = base.text()
    action: str = base.text()
    subject: str = base.text()
    request_id: str | None = base.text_or_none()
    words_digest: str = base.text()
    hash: str = base.text()
    rank: int | None = base.rank()  # beside the seal, which `seq` is in


class AuditWords(SQLModel, table=True):
    """What was said about a line: before, after, why. May be erased; the line stays."""

    __tablename__ = "audit_words"

    seq: int = Field(
        sa_type=sa.BigInteger,
        primary_key=True,
        foreign_key="audit_line.seq",
        sa_column_kwargs={"autoincrement": False},
    )
    salt: str = base.text()
    body: str = base.text()


_HEAD = sa.text("select seq, hash from audit_line order by seq desc limit 1")
_LINES = sa.text(
    f"""select l.*, w.salt, w.body, w.seq is null and exists (select 1 from audit_line e
        where e.action = '{audit.ERASED}' and e.subject = l.seq::text) as is_erased
    from audit_line l left join audit_words w on w.seq = l.seq
    where l.seq > :after order by l.seq"""
)
# Lines of one transaction share its number, or after a restore at least the instant.
_SINCE = sa.text(
    """select o.seq as of, l.action, l.subject, w.body
    from unnest(cast(:seqs as bigint[])) as n(seq) join audit_line o on o.seq = n.seq
    join audit_line l on l.subject = o.subject and l.seq > o.seq and l.action = any(:actions)
      and (l.at, l.xmin::text) <> (o.at, o.xmin::text)
    left join audit_words w on w.seq = l.seq order by l.seq"""
)
_HASH_OF = sa.text("select hash from audit_line where seq = :seq")


def take_turn(session: Session) -> Seal:
    """Wait until every line before ours is committed; gives the last one's seal.

    The turn ends with the transaction, so it is taken last.
    """
    session.execute(sa.text("select pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
    return head(session)


def head(session: Session) -> Seal:
    """The seal of the last line; ORIGIN where nothing was ever done."""
    row = session.execute(_HEAD).first()
    return Seal(row.seq, row.hash) if row else ORIGIN


def seal_of(session: Session, seq: int) -> Seal | None:
    """The seal of one line, if it is there. Number 0 is ORIGIN, the seal before the first."""
    if seq == ORIGIN.seq:
        return ORIGIN
    found = session.execute(_HASH_OF, {"seq": seq}).scalar()
    return Seal(seq, found) if found is not None else None


def since(
    session: Session, seqs: Collection[int], actions: Collection[str]
) -> dict[int, list[Deed]]:
    """What of these actions was done to the subjects of these lines later, the earliest first.

    What was done in the same transaction as the line is not later.
    """
    found: dict[int, list[Deed]] = {seq: [] for seq in seqs}
    given = {"seqs": list(seqs), "actions": list(actions)}
    for row in session.execute(_SINCE, given):
        said = msgspec.json.decode(row.body, type=dict[str, Any]) if row.body else {}
        before, after = said.get("before") or {}, said.get("after") or {}
        found[row.of].append(Deed(row.action, row.subject, before, after, is_erased=not row.body))
    return found


def kept(session: Session, after: int = 0) -> Iterator[Kept]:
    """Every line with its words, in order, from the one after number `after` on."""
    rows = session.connection().execution_options(yield_per=_ROWS_AT_A_TIME)
    for row in rows.execute(_LINES, {"after": after}):
        line = Line(
            at=row.at,
            cause_kind=row.cause_kind,
            cause_id=row.cause_id,
            action=row.action,
            subject=row.subject,
            request_id=row.request_id,
            words_digest=row.words_digest,
        )
        yield Kept(
            line=line,
            seal=Seal(row.seq, row.hash),
            salt=row.salt,
            words=row.body,
            is_erased=row.is_erased,
        )
