"""Sessions with a database that one test leaves to the next.

A new session learns each table, trigger and plan anew, which takes the server as long as all that
most tests ask of it. So what a test would close waits for the next test in the same database, as
a process leaves its connections to its next request. Who lingers on an engine of a test that is
over gets none any more, old or new.

What was prepared stays as well, and is planned once: to parse and plan a statement takes the server
longer than to carry it out on the few rows of a test.
"""

import os
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import pq
from psycopg._preparing import PrepareManager
from psycopg.abc import PQGen
from typing_extensions import override

from reconciler.ingest import Ingest

WAITING_MAX = 2  # of one login in one database: seldom are more at work, and a server has not many
PREPARED_MAX = 500  # what several tests ask again and again, with every law of the books
_PLANNED_ONCE = " -c plan_cache_mode=force_generic_plan"
# All that a session can have but what it has learnt.
_AS_NEW = "reset all; discard temp; discard sequences; select pg_advisory_unlock_all()"


@dataclass(eq=False)
class Lease:
    """The right of one test to sessions with its database."""

    database: str
    is_over: bool = False


class _Session(psycopg.Connection):
    """Waits for the next test instead of being closed."""

    lease: Lease
    login: str

    @override
    def close(self) -> None:
        waiting = _waiting[self.lease.database, self.login]
        if self in waiting:
            return
        if self.lease.is_over or len(waiting) >= WAITING_MAX or not self._is_made_as_new():
            super().close()
        else:
            waiting.append(self)

    @override
    def _rollback_gen(self) -> PQGen[None]:
        # Psycopg forgets what is prepared, as tables may be gone that were made meanwhile. Ours are
        # made by migrations.
        prepared, self._prepared = self._prepared, PrepareManager()
        try:
            yield from super()._rollback_gen()
        finally:
            self._prepared = prepared

    def end(self) -> None:
        """Close it for good."""
        super().close()

    def is_there(self) -> bool:
        """Whether the server has not ended it."""
        with suppress(psycopg.OperationalError):
            self.pgconn.consume_input()
        return self.pgconn.status == pq.ConnStatus.OK

    def _is_made_as_new(self) -> bool:
        if not _is_at_rest(self.pgconn):
            return False
        try:
            self.isolation_level = self.read_only = self.deferrable = None
            self.autocommit = True
            self.execute(_AS_NEW, prepare=False)
            self.autocommit = False
        except psycopg.Error:
            return False
        return True


class _KeptIngest(Ingest):
    """The fast way in, whose connections wait for the next test as well."""

    def __init__(self, database_url: str, lease: Lease) -> None:
        super().__init__(database_url)
        self._lease = lease

    @override
    def _connection(self) -> pq.abc.PGconn | None:
        if self._lease.is_over:
            return None
        if getattr(self._local, "connection", None) is None:
            with suppress(IndexError):
                self._local.connection = _ways_in[self._lease.database].pop()
        made = super()._connection()
        if made is not None:
            _used_ways_in[self._lease.database][id(made)] = made
        return made


_waiting: dict[tuple[str, str], list[_Session]] = defaultdict(list)
_ways_in: dict[str, list[pq.abc.PGconn]] = defaultdict(list)
_used_ways_in: dict[str, dict[int, pq.abc.PGconn]] = defaultdict(dict)
_leases: dict[str, Lease] = {}
_of_the_parent: list[object] = []


def lease(url: str) -> Lease:
    """For the test that is at work in this database."""
    database = sa.make_url(url).database or ""
    return _leases.setdefault(database, Lease(database))


def keep_sessions(engine: sa.Engine, url: str) -> None:
    """What this engine opens and closes is kept."""
    lease_, login = lease(url), sa.make_url(url).username or ""

    @sa.event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, given: list, named: dict) -> psycopg.Connection:
        if lease_.is_over:
            raise psycopg.OperationalError("the test is over whose engine this is")
        waiting = _waiting[lease_.database, login]
        while waiting:
            kept = waiting.pop()
            if kept.is_there():
                kept.lease = lease_
                return kept
            kept.end()
        options = named.get("options", "") + _PLANNED_ONCE
        made = _Session.connect(*given, **(named | {"options": options}))
        made.lease, made.login = lease_, login
        made.prepare_threshold, made.prepared_max = 0, PREPARED_MAX  # at the first time
        return made


def is_there(session: _Session) -> bool:
    """What the engine asks before it takes a session: to look takes less than a question."""
    return session.is_there()


def ingest(url: str) -> Ingest:
    """The fast way in, of the test that is at work in this database."""
    return _KeptIngest(url, lease(url))


def end_lease(database: str) -> list[int]:
    """Its test is over, and nobody gets a session. Gives the backends of those that wait."""
    if database in _leases:
        _leases.pop(database).is_over = True
    used = _used_ways_in.pop(database, {}).values()
    _ways_in[database] = [one for one in used if _is_at_rest(one)][:WAITING_MAX]
    sessions = [one for (name, _), some in _waiting.items() if name == database for one in some]
    return [one.backend_pid for one in _ways_in[database]] + [
        one.info.backend_pid for one in sessions if not one.closed
    ]


def end_sessions(database: str) -> None:
    """None waits any longer: it is taken again by nobody."""
    for key in [key for key in _waiting if key[0] == database]:
        for one in _waiting.pop(key):
            one.end()
    for way in _ways_in.pop(database, ()):
        way.finish()


def _is_at_rest(connection: pq.abc.PGconn) -> bool:
    return connection.transaction_status == pq.TransactionStatus.IDLE


def _forget() -> None:
    """In a child: the parent's sessions are neither used nor, as one word to the server, closed."""
    _of_the_parent.extend([_waiting.copy(), _ways_in.copy(), _used_ways_in.copy()])
    for known in (_waiting, _ways_in, _used_ways_in):
        known.clear()


os.register_at_fork(after_in_child=_forget)
