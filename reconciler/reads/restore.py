"""A restored database: what is known of it, and how far the rail was read again."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from reconciler.store.restores import Progress, Restore, progress


@dataclass(frozen=True, slots=True)
class Held:
    """Why no money moves, and how far looking at the rail again has come.

    `backup_at` is when these books were last seen at work before. Once the rail was read again,
    two people release it: the first is `accepted_by`.
    """

    why: str
    noticed_at: datetime
    backup_at: datetime
    reread_since: datetime
    read_until: datetime
    is_read: bool
    failure: str | None
    accepted_by: str | None
    progress: Progress

    @property
    def may_be_released(self) -> bool:
        """Whether there is nothing left to look at."""
        return self.is_read and self.progress.is_done


_HELD = select(Restore).where(col(Restore.released_at).is_(None))


def held(session: Session) -> Held | None:
    """What is held; None as long as these books are where they were."""
    row = session.exec(_HELD).first()
    if row is None:
        return None
    return Held(
        why=row.why,
        noticed_at=row.noticed_at,
        backup_at=row.backup_at,
        reread_since=row.reread_since,
        read_until=row.read_until,
        is_read=row.is_read,
        failure=row.failure,
        accepted_by=row.accepted_by,
        progress=progress(session, row),
    )


def is_held(session: Session) -> bool:
    """Whether no money moves because of it."""
    return session.exec(_HELD).first() is not None
