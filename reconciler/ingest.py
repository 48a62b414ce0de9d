"""The fast way into the inbox: one prepared statement on a connection of its own.

A rail waits for our answer, and each event is one insert that commits by itself. A session and
a unit of work around that cost more than the insert does; here a thread keeps one connection
and sends a statement that the server has parsed already. Everything that is not the ordinary
case (a duplicate with another body, an event that is not ours) goes the ordinary way.
"""

import select
import threading
import time
from datetime import datetime
from enum import Enum, auto

import psycopg
from psycopg import pq

from reconciler.books.observations import RailEvent
from reconciler.errors import Invalid, Unavailable
from reconciler.store.inbox_rows import INSERT_COLUMNS

_KEEP, _COMPARE = b"keep_event", b"compare_event"
_CONNECT_SECONDS = 3
# A database that is frozen, not gone, gives no error: we do not wait for it longer than a rail
# would for us. The statement may still take effect; it is then found when the rail repeats it.
_ANSWER_SECONDS = 4.0
_PLACES = ", ".join(f"${number}" for number in range(1, len(INSERT_COLUMNS) + 1))
_STATEMENT = (
    f"insert into inbox_event ({', '.join(INSERT_COLUMNS)}) values ({_PLACES})"  # noqa: S608
    " on conflict (rail, account, rail_event_id) do nothing"
).encode()
_COMPARISON = b"""select 1 from inbox_event
    where rail = $1 and account = $2 and rail_event_id = $3 and body = $4"""
# The body goes as the bytes it is; everything before it as text.
_FORMATS = [pq.Format.TEXT] * (len(INSERT_COLUMNS) - 1) + [pq.Format.BINARY]
_DONE = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)
_BAD_DATA = b"22"  # the SQLSTATE class of values that no column can hold


class Kept(Enum):
    """What keeping an event found."""

    NEW = auto()
    REPEATED = auto()  # byte for byte as it was kept before
    DIFFERS = auto()  # an event of this id is here, worded otherwise


class Ingest:
    """Keeps events durably. One connection a thread, made again after it broke."""

    def __init__(self, database_url: str) -> None:
        self._conninfo = psycopg.conninfo.make_conninfo(
            database_url.replace("postgresql+psycopg://", "postgresql://", 1),
            connect_timeout=_CONNECT_SECONDS,
            options="-c synchronous_commit=on -c statement_timeout=5000 -c lock_timeout=3000",
        ).encode()
        self._local = threading.local()

    def keep(self, event: RailEvent, headers: str, received_at: datetime) -> Kept:
        """Store an event of ours, committed before this returns.

        Raises Unavailable when the database is out of reach (the rail will send it again) and
        Invalid for text that cannot be kept.
        """
        values = _values(event, headers, received_at)
        # A connection may have been lost long ago, or after our insert took effect. Sent again
        # it is kept once, and is then found to be there already.
        if self._run(_KEEP, values, _FORMATS).command_tuples:
            return Kept.NEW
        same = [*values[:3], event.body]
        found = self._run(_COMPARE, same, [*_FORMATS[:3], pq.Format.BINARY])
        return Kept.REPEATED if found.ntuples else Kept.DIFFERS

    def _run(
        self, name: bytes, values: list[bytes | None], formats: list[pq.Format]
    ) -> pq.abc.PGresult:
        until = time.monotonic() + _ANSWER_SECONDS
        for _ in range(2):
            connection = self._connection() if time.monotonic() < until else None
            if connection is None:
                break
            result = _asked(connection, name, values, formats, until)
            if result is not None and result.status in _DONE:
                return result
            if result is not None and (_sqlstate(result) or b"").startswith(_BAD_DATA):
                raise Invalid("the event holds text that cannot be kept")
            self._forget()
        raise Unavailable("the database is out of reach")

    def _connection(self) -> pq.abc.PGconn | None:
        known: pq.abc.PGconn | None = getattr(self._local, "connection", None)
        if known is not None and known.status == pq.ConnStatus.OK:
            return known
        made = pq.PGconn.connect(self._conninfo)
        is_ready = (
            made.status == pq.ConnStatus.OK
            and made.prepare(_KEEP, _STATEMENT).status == pq.ExecStatus.COMMAND_OK
            and made.prepare(_COMPARE, _COMPARISON).status == pq.ExecStatus.COMMAND_OK
        )
        if not is_ready:
            made.finish()
            return None
        made.nonblocking = 1
        self._local.connection = made
        return made

    def _forget(self) -> None:
        known: pq.abc.PGconn | None = getattr(self._local, "connection", None)
        if known is not None:
            known.finish()
        self._local.connection = None


def _asked(
    connection: pq.abc.PGconn,
    name: bytes,
    values: list[bytes | None],
    formats: list[pq.Format],
    until: float,
) -> pq.abc.PGresult | None:
    """The answer to a prepared statement; None if the connection broke or it did not come."""
    line = select.poll()
    line.register(connection.socket, select.POLLIN)
    try:
        connection.send_query_prepared(name, values, formats)
        while connection.flush():
            line.modify(connection.socket, select.POLLIN | select.POLLOUT)
            if not line.poll(_milliseconds(until)):
                return None
            connection.consume_input()
        line.modify(connection.socket, select.POLLIN)
        result = _next_result(connection, line, until)
        # Said before the commit; nothing more follows only after it went well.
        is_committed = _next_result(connection, line, until) is None
    except (psycopg.Error, TimeoutError):
        return None
    return result if is_committed else None


def _next_result(
    connection: pq.abc.PGconn, line: select.poll, until: float
) -> pq.abc.PGresult | None:
    while connection.is_busy():
        if not line.poll(_milliseconds(until)):
            raise TimeoutError
        connection.consume_input()
    return connection.get_result()


def _milliseconds(until: float) -> float:
    return max(0.0, (until - time.monotonic()) * 1000)


def _sqlstate(result: pq.abc.PGresult) -> bytes | None:
    return result.error_field(pq.DiagnosticField.SQLSTATE)


def _values(event: RailEvent, headers: str, received_at: datetime) -> list[bytes | None]:
    return [
        event.rail.encode(),
        event.account.encode(),
        event.id.encode(),
        event.kind.encode(),
        b"t" if event.livemode else b"f",
        event.api_version.encode() if event.api_version else None,
        event.about.encode() if event.about else None,
        b"%d" % event.created,
        None,
        received_at.isoformat().encode(),
        headers.encode(),
        event.body,
    ]
