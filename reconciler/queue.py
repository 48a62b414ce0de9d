"""The bell that wakes workers. The one place in the core that knows Redis.

Nothing is in Redis that is not in PostgreSQL: a job says only "there is work of this kind",
and at most one such job waits. Redis may be down, slow or emptied at any moment; then the
sweep finds the work a little later.
"""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
import rq
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.job import Job

from reconciler import tally
from reconciler.work import Task

_log = structlog.get_logger()

BOOKS = "books"  # applies what came in
MONEY = "money"  # asks rails, sends refunds: may wait for the network
OUTBOUND = "outbound"  # mail and webhooks out: a slow stranger there delays no refund
QUEUES = (BOOKS, MONEY, OUTBOUND)

_QUEUE_OF = {
    Task.APPLY_INBOX: BOOKS,
    Task.FIND_PAYMENTS: BOOKS,
    Task.TIDY: BOOKS,
    Task.TIE_BANK_LINES: BOOKS,
    Task.COUNT_FIGURES: BOOKS,
    Task.END_DEPOSITS: BOOKS,
    Task.ASK_RAIL: MONEY,
    Task.RECONCILE: MONEY,
    Task.SUBMIT_REFUNDS: MONEY,
    Task.REREAD_RAIL: MONEY,
    Task.IMPORT_FILES: OUTBOUND,  # a large file takes long, and the books go on meanwhile
    Task.PLAN_MAIL: OUTBOUND,
    Task.SEND_MAIL: OUTBOUND,
    Task.SEND_WEBHOOKS: OUTBOUND,
}
_BELL_SECONDS = 0.25  # a rail waits for our answer meanwhile
JOB_SECONDS = 90
# If the job that took the mark is lost, the mark must not silence the bell for long.
_MARK_SECONDS = 5
# A clock beats every two seconds; one that has not for this long is shown no more.
_CLOCKS_KEPT = timedelta(minutes=1)
_CLOCKS = "reconciler:clocks"
_FAILED_MAX = 100  # of a queue that are looked at
_COUNTED = "reconciler:counted"
_COUNTED_KEPT = timedelta(days=30)  # after the last who told of something
# When the next may go, as Redis' own clock has it, in microseconds: it grows by `each` with every
# turn and never lies further back than `spare`. One that is further off than anybody waits is of a
# clock that went back since.
_TURN = """local time = redis.call('time')
  local now = time[1] * 1000000 + time[2]
  local each, spare, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
  local due = tonumber(redis.call('get', KEYS[1]) or 0)
  if due > now + most then due = 0 end
  due = math.max(due, now - spare) + each
  redis.call('set', KEYS[1], string.format('%d', due), 'px', 60000)
  return math.max(0, due - now)"""
_TURN_MOST_SECONDS = 20.0
_UNASKED_SECONDS = 5.0  # after Redis gave no answer: whoever waits for a turn is not kept by it


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSeen:
    """A worker as it showed itself last. `task` is what it is at, None while it waits."""

    host: str
    pid: int
    seen_at: datetime
    task: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSeen:
    """A queue: nudges that wait in it, since when the first does, and who works on it.

    `failed` counts by task the jobs of the last day that ended with an error.
    """

    name: str
    waiting: int
    oldest_at: datetime | None
    workers: Sequence[WorkerSeen]
    failed: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All queues, and the last beat of each clock."""

    queues: Sequence[QueueSeen]
    clocks: dict[str, datetime]


class Queue:
    """Where nudges go."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(
            url,
            socket_timeout=_BELL_SECONDS,
            socket_connect_timeout=_BELL_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._unasked_until = 0.0

    def nudge(self, tasks: Iterable[Task]) -> None:
        """Wake a worker for each task, unless one is being woken already. Never raises."""
        for task in tasks:
            try:
                if self._redis.set(mark(task), 1, nx=True, ex=_MARK_SECONDS):
                    self._enqueue(task)
            except (redis.RedisError, OSError):
                _log.warning("nudge.lost", task=task.name)

    def is_reachable(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(self._redis.ping())
        except (redis.RedisError, OSError):
            return False

    def remember(self, installation: str, step: str) -> None:
        """Note a committed step outside the database, for `recall`. Never raises.

        The one thing kept here that PostgreSQL might lose: a restored database lacks it.
        """
        try:
            self._redis.set(_keepsake(installation), step)
        except (redis.RedisError, OSError):
            _log.warning("step.not_remembered")

    def recall(self, installation: str) -> str | None:
        """The step noted last, if Redis still knows it. Never raises."""
        try:
            found = self._redis.get(_keepsake(installation))
        except (redis.RedisError, OSError):
            return None
        return found.decode() if isinstance(found, bytes) else None

    def tally(self, what: str, seconds: int) -> int:
        """Count something for a while; gives how often it was there in that time.

        0 while Redis does not answer: then nobody counts. Never raises.
        """
        key = f"reconciler:tally:{what}"
        try:
            with self._redis.pipeline() as both:
                both.set(key, 0, nx=True, ex=seconds)
                both.incr(key)
                return int(both.execute()[1])
        except (redis.RedisError, OSError):
            return 0

    def turn(self, what: str, a_second: float, burst: float) -> float | None:
        """Seconds until one more may go, of `a_second` in all processes; None if nobody knows.

        `burst` may go at once after a rest. The place is taken by asking. Never raises.
        """
        if time.monotonic() < self._unasked_until:
            return None
        each = 1_000_000 / a_second
        figures = (round(each), round(burst * each), round(_TURN_MOST_SECONDS * 1_000_000))
        try:
            found: Any = self._redis.eval(_TURN, 1, f"reconciler:turn:{what}", *map(str, figures))
        except (redis.RedisError, OSError):
            self._unasked_until = time.monotonic() + _UNASKED_SECONDS
            return None
        return int(found) / 1_000_000

    def tell(self) -> None:
        """Add what this process has counted to what all have. Never raises.

        Of what cannot be told now it tells later.
        """
        counted = tally.taken()
        if not counted:
            return
        try:
            with self._redis.pipeline() as all_of_it:
                for name, number in counted.items():
                    all_of_it.hincrby(_COUNTED, name, number)
                all_of_it.expire(_COUNTED, _COUNTED_KEPT)
                all_of_it.execute()
        except (redis.RedisError, OSError):
            tally.put_back(counted)

    def told(self) -> dict[str, int]:
        """What all processes have counted, for `tally.told`; nothing while Redis is away."""
        try:
            found: Any = self._redis.hgetall(_COUNTED)
        except (redis.RedisError, OSError):
            return {}
        return {name.decode(): int(number) for name, number in found.items()}

    def beat(self, clock: str, now: datetime) -> None:
        """A clock shows that it is alive. Never raises."""
        try:
            self._redis.zadd(_CLOCKS, {clock: now.timestamp()})
            self._redis.zremrangebyscore(_CLOCKS, 0, (now - _CLOCKS_KEPT).timestamp())
        except (redis.RedisError, OSError):
            _log.warning("clock.beat_lost")

    def look(self) -> Seen | None:
        """Who is alive and what waits, for people; None while Redis does not answer."""
        try:
            clocks: Any = self._redis.zrange(_CLOCKS, 0, -1, withscores=True)
            return Seen(
                queues=[self._queue(name) for name in QUEUES],
                clocks={name.decode(): datetime.fromtimestamp(at, UTC) for name, at in clocks},
            )
        except (redis.RedisError, OSError):
            return None

    def _queue(self, name: str) -> QueueSeen:
        queue = rq.Queue(name, connection=self._redis, serializer="json")
        waiting = queue.get_jobs(0, 1)
        found = [_worker(worker) for worker in rq.Worker.all(queue=queue, serializer="json")]
        registry = queue.failed_job_registry
        failed = Job.fetch_many(
            registry.get_job_ids(0, _FAILED_MAX, cleanup=False), self._redis, serializer="json"
        )
        return QueueSeen(
            name=name,
            waiting=queue.count,
            oldest_at=_utc(waiting[0].enqueued_at) if waiting else None,
            workers=sorted((one for one in found if one), key=lambda one: (one.host, one.pid)),
            failed=dict(Counter(str(job.func_name) for job in failed if job is not None)),
        )

    def _enqueue(self, task: Task) -> None:
        queue = rq.Queue(_QUEUE_OF[task], connection=self._redis, serializer="json")
        queue.enqueue(task.value, job_timeout=JOB_SECONDS, result_ttl=0, failure_ttl=86_400)

    def answer(self, task: Task) -> None:
        """A job has begun: from here on a new nudge gets a job of its own. Never raises."""
        try:
            self._redis.delete(mark(task))
        except (redis.RedisError, OSError):
            _log.warning("nudge.unmarked", task=task.name)


def _worker(worker: rq.worker.BaseWorker) -> WorkerSeen | None:
    seen_at = _utc(worker.last_heartbeat)
    if seen_at is None or worker.pid is None:
        return None
    job = worker.get_current_job()
    return WorkerSeen(
        host=worker.hostname or "",
        pid=worker.pid,
        seen_at=seen_at,
        task=str(job.func_name) if job else None,
    )


def _utc(at: datetime | None) -> datetime | None:
    """RQ's times are in UTC, and in some versions do not say so."""
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def _keepsake(installation: str) -> str:
    return f"reconciler:newest-step:{installation}"


def mark(task: Task) -> str:
    """The key that says a job for `task` waits."""
    return f"reconciler:waiting:{task.name}"
