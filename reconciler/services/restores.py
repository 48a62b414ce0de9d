"""A restored database has forgotten refunds it sent: money stops until the rail was read again.

PostgreSQL says which cluster, timeline and database this is; the newest step of a refund that was
noted outside (queue.py) says what must be there. If either disagrees, nothing is sent until every
refund under way was looked for on the rail and two people have said that the books are right.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from reconciler import ids
from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.observations import PaymentFacts
from reconciler.books.refunds import LOOKED_FOR_AGAIN
from reconciler.books.reviews import ReviewKind
from reconciler.errors import Conflict, Forbidden
from reconciler.services import audit, reviews
from reconciler.services.reviews import Question
from reconciler.store import claims
from reconciler.store.refunds import RefundLeg
from reconciler.store.restores import Installation, Restore, progress
from reconciler.work import Task, Work

REREAD_LEAST = timedelta(hours=72)
_HEARTBEAT = timedelta(minutes=1)
PERSON = "person"

_HERE = sa.text(
    """select c.system_identifier::text, p.timeline_id::bigint, d.oid::bigint
    from pg_control_system() c, pg_control_checkpoint() p, pg_database d
    where d.datname = current_database()"""
)
_MAY_MOVE = sa.text(
    """select not exists (select 1 from restore where released_at is null)
      and not exists (select 1 from installation i, pg_control_system() c,
          pg_control_checkpoint() p, pg_database d
        where d.datname = current_database() and (i.system_identifier, i.timeline, i.database_oid)
          is distinct from (c.system_identifier::text, p.timeline_id::bigint, d.oid::bigint))"""
)
_NEWEST_STEP = sa.text(
    """select seq || '/' || refund_id || '/' || after from refund_step order by seq desc limit 1"""
)
_STEP = sa.text(
    """select exists (select 1 from refund_step
    where seq = cast(split_part(:step, '/', 1) as bigint)
      and seq || '/' || refund_id || '/' || after = :step)"""
)
_PAYMENTS = sa.text(
    """select id, facts::text as facts from payment
    where occurred_at >= :since and rail <> :by_hand and id > :after order by id limit :limit"""
)


@dataclass(frozen=True, slots=True)
class Stand:
    """Where these books stand: which installation, its newest step, and whether money may move."""

    installation: str | None
    newest_step: str | None
    may_move: bool
    seen_at: datetime | None

    def is_as_before(self, remembered: str | None, now: datetime) -> bool:
        """Whether there is nothing to look into and nothing to write down."""
        is_fresh = self.seen_at is not None and now - self.seen_at < _HEARTBEAT
        return self.may_move and is_fresh and remembered in {None, self.newest_step}


def may_move_money(session: Session) -> bool:
    """Whether these books are where they were, and nobody has to look at them first."""
    return bool(session.execute(_MAY_MOVE).scalar())


def stand(session: Session) -> Stand:
    """Where these books stand at this moment."""
    row = session.exec(select(Installation)).first()
    return Stand(
        installation=row.id if row else None,
        newest_step=session.execute(_NEWEST_STEP).scalar(),
        may_move=may_move_money(session),
        seen_at=row.seen_at if row else None,
    )


def notice(work: Work, remembered: str | None) -> bool:
    """Look whether the database is another one, or an older one; gives whether money may move.

    `remembered` is a step of a refund that was noted outside after it was committed.
    """
    work.session.execute(sa.text("select pg_advisory_xact_lock(hashtext('installation'))"))
    if _open(work.session) is not None:
        return False
    row = work.session.exec(select(Installation)).first()
    if row is None:
        work.session.add(_here(work))
        return True
    why = _why_not_the_same(work, row, remembered)
    if why is None:
        row.seen_at = work.now
        work.session.add(row)
        return True
    _hold(work, row.seen_at, why)
    return False


def suspect(work: Work, why: str) -> None:
    """The rail shows what our books say was never sent: no money moves until people have looked."""
    row = work.session.exec(select(Installation)).first()
    _hold(work, row.seen_at if row else work.now, why)


def accept(work: Work) -> bool:
    """A person says that the books are right again; gives whether money moves from now on.

    Raises Conflict where nothing is held or the rail was not read again yet, and Forbidden for
    a program and for the same person twice.
    """
    held = _open(work.session, lock=True)
    if held is None:
        raise Conflict("nothing is held: these books are in the database they were in")
    if work.cause.kind != PERSON:
        raise Forbidden("two people let money move again; a key is not a person")
    at = progress(work.session, held)
    if not (held.is_read and at.is_done):
        raise Conflict("the rail is still being read again; wait until all of it was looked at")
    if held.accepted_by is None:
        held.accepted_by, held.accepted_at = work.cause.id, work.now
        work.session.add(held)
        after = {"accepted_by": work.cause.id}
        audit.note(work, "restore.accepted", held.id, before={"why": held.why}, after=after)
        return False
    if held.accepted_by == work.cause.id:
        raise Forbidden("you have said so; a second person has to")
    held.released_by, held.released_at = work.cause.id, work.now
    work.session.add(held)
    reviews.close_items(
        work, [ReviewKind.REFUNDS_STOPPED], [held.id], resolution="two people let money move"
    )
    _settle_in(work)
    audit.note(work, "restore.released", held.id, before={"why": held.why})
    work.nudge(Task.SUBMIT_REFUNDS)
    return True


@dataclass(frozen=True, slots=True)
class Reread:
    """What of the rail is still to be read: its events between two instants, if they are not."""

    since: datetime
    until: datetime
    is_read: bool
    payments_since: datetime


def rereading(session: Session) -> Reread | None:
    """What is to be read now, if books are held."""
    held = _open(session)
    if held is None:
        return None
    return Reread(held.read_until, held.noticed_at, held.is_read, held.reread_since)


def is_reading_due(session: Session, now: datetime) -> bool:
    """Whether something of the rail is still to be read, and its turn has come."""
    held = _open(session)
    if held is None or held.due_at is None or held.due_at > now:
        return False
    at = progress(session, held)
    return bool(not held.is_read or at.payments_left or at.legs_left)


def note_read(work: Work, until: datetime, *, is_all: bool = False) -> None:
    """The rail's events up to here are in the inbox."""
    held = _open(work.session, lock=True)
    if held is not None:
        held.read_until = max(held.read_until, until)
        held.is_read = is_all
        work.session.add(held)


def payments_to_ask(session: Session, since: datetime, limit: int) -> dict[str, PaymentFacts]:
    """The next payments since then that the rail was not asked for again, by our id."""
    held = _open(session)
    if held is None:
        return {}
    given = {
        "since": since,
        "by_hand": MANUAL_RAIL,
        "after": held.asked_up_to or "",
        "limit": limit,
    }
    found = session.execute(_PAYMENTS, given)
    return {row.id: claims.decode_facts(row.facts) for row in found}


def note_asked(work: Work, payment_id: str) -> None:
    """The rail was asked for this payment, and what it told is in the books."""
    held = _open(work.session, lock=True)
    if held is not None:
        held.asked_up_to = max(held.asked_up_to or "", payment_id)
        work.session.add(held)


def put_off(work: Work, wait: timedelta, failure: str | None) -> None:
    """The next turn of reading again, and what was in the way of this one."""
    held = _open(work.session, lock=True)
    if held is not None:
        held.due_at, held.failure = work.now + wait, failure
        work.session.add(held)


def note_looked(work: Work, leg_id: str) -> None:
    """A leg was looked for on the rail, and what is there is in the books."""
    leg = work.session.get(RefundLeg, leg_id, populate_existing=True)
    assert leg is not None, "legs are never deleted"
    leg.looked_at = work.now
    work.session.add(leg)


def legs_to_look_for(session: Session, limit: int) -> list[RefundLeg]:
    """Legs that may have been sent by what these books have forgotten, and were not looked for."""
    held = _open(session)
    if held is None:
        return []
    unseen = sa.or_(col(RefundLeg.looked_at).is_(None), col(RefundLeg.looked_at) < held.noticed_at)
    return list(
        session.exec(
            select(RefundLeg)
            .where(
                col(RefundLeg.status).in_([status.value for status in LOOKED_FOR_AGAIN]),
                unseen,
                sa.text("(select rail from payment p where p.id = payment_id) <> 'manual'"),
            )
            .order_by(col(RefundLeg.id))
            .limit(limit)
        )
    )


def _open(session: Session, *, lock: bool = False) -> Restore | None:
    held = select(Restore).where(col(Restore.released_at).is_(None))
    return session.exec(held.with_for_update() if lock else held).first()


def _here(work: Work) -> Installation:
    system, timeline, oid = work.session.execute(_HERE).one()
    return Installation(
        id=ids.new_id("ins"),
        system_identifier=system,
        timeline=timeline,
        database_oid=oid,
        seen_at=work.now,
    )


def _settle_in(work: Work) -> None:
    """This is where the books live now: under a new name, so that what was noted before is void."""
    for row in work.session.exec(select(Installation)).all():
        work.session.delete(row)
    work.session.flush()
    work.session.add(_here(work))


def _why_not_the_same(work: Work, row: Installation, remembered: str | None) -> str | None:
    here = _here(work)
    if row.system_identifier != here.system_identifier:
        return "the books are in another PostgreSQL than before"
    if row.timeline != here.timeline:
        return "PostgreSQL was recovered: it is on another timeline than before"
    if row.database_oid != here.database_oid:
        return "the books are in another database than before"
    if remembered and not work.session.execute(_STEP, {"step": remembered}).scalar():
        return "a refund's step that was noted outside is not in the books any more"
    return None


def _hold(work: Work, seen_at: datetime, why: str) -> None:
    since = work.now - max(REREAD_LEAST, 2 * (work.now - seen_at))
    held_id = ids.new_id("rst")
    made = work.session.execute(
        insert(Restore)
        .values(
            id=held_id,
            noticed_at=work.now,
            why=why,
            backup_at=seen_at,
            reread_since=since,
            read_until=since,
            due_at=work.now,
        )
        .on_conflict_do_nothing()
        .returning(col(Restore.id))
    ).first()
    if made is not None:  # else another has noticed it in this moment
        audit.note(work, "restore.noticed", held_id, after={"why": why})
        details = {"why": [why], "next": "two admins let money move again, once the rail was read"}
        question = Question(kind=ReviewKind.REFUNDS_STOPPED, subject=held_id, details=details)
        reviews.open_items(work, [question])
        work.nudge(Task.REREAD_RAIL)
