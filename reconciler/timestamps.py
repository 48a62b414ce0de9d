"""Instants are aware and in UTC; a rail's whole seconds become instants here."""

from datetime import UTC, date, datetime


def from_epoch(seconds: int) -> datetime:
    """The instant that a rail gives as whole seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def day_of(seconds: int) -> date | None:
    """The day, in UTC, of a rail's whole seconds; None for 0, which is no instant but unsaid."""
    return from_epoch(seconds).date() if seconds else None


def to_epoch(instant: datetime) -> int:
    """Whole seconds since 1970."""
    return int(instant.timestamp())


def rfc3339(instant: datetime | None) -> str | None:
    """`2026-11-22T03:46:18Z`, the form in which every interface shows an instant."""
    if instant is None:
        return None
    whole = instant.astimezone(UTC).isoformat(timespec="milliseconds")
    return whole.replace("+00:00", "Z")


def parse_day(text: str) -> date:
    """`2026-11-22` as a day. Raises ValueError for anything else."""
    return date.fromisoformat(text)
