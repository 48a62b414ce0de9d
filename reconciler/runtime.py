"""What a process holds: settings, database, queue, rails, and the only clock.

`work()` is the one place that begins and commits a transaction. It turns the driver's "cannot
connect" into Unavailable and leaves neither writes nor nudges behind when something raises.
"""

import gc
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError as PoolTimeout
from sqlalchemy.orm import configure_mappers
from sqlalchemy.pool import PoolProxiedConnection, QueuePool
from sqlmodel import Session
from typing_extensions import override

from reconciler import tally
from reconciler.bell import Bell
from reconciler.errors import Collision, Conflict, Unavailable
from reconciler.files import Files, files_of
from reconciler.ingest import Ingest
from reconciler.queue import Queue
from reconciler.rails.protocol import Rail
from reconciler.rails.registry import rails_from
from reconciler.seals import Seals
from reconciler.services import audit
from reconciler.settings import Settings
from reconciler.store import arrays, tables as _tables  # noqa: F401  rows refer to others: know them all
from reconciler.work import Cause, Work

# A transaction waits three seconds for a lock and is then tried again; one that is left open by
# a frozen process is ended, because the locks it holds stop everybody.
_SESSION_SETTINGS = (
    "-c lock_timeout=3000 -c statement_timeout=15000"
    " -c idle_in_transaction_session_timeout=10000 -c timezone=UTC"
    # What takes some milliseconds takes longer where workers are started for it.
    " -c parallel_setup_cost=50000"
)
_RETRIED = frozenset({"40001", "40P01", "55P03"})  # serialization, deadlock, lock not available
_READ_ONLY = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
_ENDED_WHILE_IDLE = "25P03"
_ATTEMPTS_MAX = 5
_RETRY_SECONDS = 0.05

T = TypeVar("T")


def system_clock() -> datetime:
    """This instant, in UTC. The only reading of the clock in the program."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Runtime:
    """Passed first to everything that may wait. Made once a process."""

    settings: Settings
    engine: sa.Engine
    queue: Queue
    rails: Mapping[str, Rail]
    ingest: Ingest
    bell: Bell
    clock: Callable[[], datetime] = system_clock
    pause: Callable[[float], None] = time.sleep  # for so many seconds; never inside a transaction

    @classmethod
    def from_settings(cls, settings: Settings, *, pool_size: int = 6) -> Self:
        """A runtime as the environment wants it. Connects to nothing yet."""
        queue = Queue(settings.redis_url)
        return cls(
            settings=settings,
            engine=make_engine(settings.database_url, pool_size=pool_size),
            queue=queue,
            rails=rails_from(settings, system_clock, queue.turn),
            ingest=Ingest(settings.database_url),
            bell=Bell(queue),
            clock=system_clock,
        )

    @property
    def files(self) -> Files:
        """Where attachments lie. Never asked inside a transaction: it may wait."""
        return files_of(self.settings)

    @property
    def seals(self) -> Seals:
        """What seals secrets in the database, and opens them."""
        return Seals(self.settings.sealing_keys)

    def now(self) -> datetime:
        """This instant."""
        return self.clock()

    @contextmanager
    def work(self, cause: Cause) -> Iterator[Work]:
        """One transaction: committed at the end, rolled back if anything raises.

        Raises Unavailable when the database is out of reach or a lock could not be had.
        """
        work: Work
        with _out_of_reach_is_unavailable(), Session(self.engine, autoflush=False) as session:
            work = Work(session, cause, self.now())
            with session.begin():
                yield work
                audit.write(work)
        self.queue.nudge(work.nudges)

    def do(self, cause: Cause, step: Callable[[Work], T]) -> T:
        """Run `step` in a transaction, and again from its start if it met another one.

        Deadlocks and lost races are not errors of the caller's, so they are not shown as such:
        the whole step is repeated, because what it read may have changed.
        """
        for attempt in range(1, _ATTEMPTS_MAX + 1):
            try:
                with self.work(cause) as work:
                    return step(work)
            except Collision as met:
                if attempt == _ATTEMPTS_MAX:
                    raise
                tally.count("tx_retry_total", _sqlstate(met.__cause__) or "none")
                time.sleep(_RETRY_SECONDS * attempt * (1 + random.random()))  # noqa: S311  jitter
        raise AssertionError("the loop above returns or raises")

    def rehearse(self, cause: Cause, step: Callable[[Work], T]) -> T:
        """Run `step` as `do` would, give what it gives, and leave nothing of it behind.

        What a deed will do is seen by doing it, so that the preview cannot differ from the deed.
        """

        def and_undo(work: Work) -> T:
            found = step(work)
            work.session.flush()
            work.nudges.clear()
            work.notes.clear()
            work.session.rollback()
            return found

        return self.do(cause, and_undo)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that cannot write, on one snapshot. Raises Unavailable."""
        with _out_of_reach_is_unavailable(), Session(self.engine, autoflush=False) as session:
            # Said as the transaction begins: a statement of its own would be asked for each page.
            session.connection(execution_options=_READ_ONLY)
            yield session

    def before_fork(self) -> None:
        """Do once what each child would do for itself, and share with them what is there.

        Looking through it for garbage would make each child copy it.
        """
        configure_mappers()
        gc.collect()
        gc.freeze()

    def after_fork(self) -> None:
        """Forget connections inherited from the parent: two processes must never share one."""
        self.engine.dispose(close=False)


def make_engine(url: str, *, pool_size: int = 6, schema: str = "") -> sa.Engine:
    """An engine whose sessions give up on locks instead of waiting for ever.

    All its tables are in `schema`, if one is named, and no others are seen.
    """
    options = _SESSION_SETTINGS + (f" -c search_path={schema}" if schema else "")
    engine = sa.create_engine(
        url,
        poolclass=_TimedPool,
        pool_size=pool_size,
        max_overflow=2,
        pool_timeout=3,
        pool_pre_ping=True,
        connect_args={"options": options, "connect_timeout": 3},
    )
    sa.event.listen(engine, "connect", lambda connection, _: arrays.are_quick(connection))
    return engine


@contextmanager
def _out_of_reach_is_unavailable() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        if _sqlstate(error) in _RETRIED:
            raise Collision("another transaction was in the way") from error
        raise Unavailable("the database is out of reach") from error
    except DBAPIError as error:
        if _sqlstate(error) in _RETRIED:
            raise Collision("another transaction was in the way") from error
        if _sqlstate(error) == _ENDED_WHILE_IDLE:
            raise Unavailable("the transaction was open too long and was ended") from error
        if _sqlstate(error) == "23505":
            raise Conflict("somebody else was first") from error
        raise


class _TimedPool(QueuePool):
    """A pool that says how long one waited for a connection, whether there came one or not."""

    @override
    def connect(self) -> PoolProxiedConnection:
        began = time.monotonic()
        try:
            return super().connect()
        finally:
            tally.took("db_pool_wait_seconds", time.monotonic() - began)


def _sqlstate(error: BaseException | None) -> str | None:
    return getattr(getattr(error, "orig", None), "sqlstate", None)
