"""The bell that wakes workers. The one place in the core that knows Redis.

Nothing is in Redis that is not in PostgreSQL: a job says only "there is work of this kind",
and at most one such job waits. Redis may be down, slow or emptied at any moment; then the
sweep finds the work a little later.
"""

from collections.abc import Iterable

import redis
import rq
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

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
    Task.ASK_RAIL: MONEY,
    Task.RECONCILE: MONEY,
    Task.SUBMIT_REFUNDS: MONEY,
    Task.REREAD_RAIL: MONEY,
    Task.SEND_MAIL: OUTBOUND,
}
_BELL_SECONDS = 0.25  # a rail waits for our answer meanwhile
JOB_SECONDS = 90
# If the job that took the mark is lost, the mark must not silence the bell for long.
_MARK_SECONDS = 5


class Queue:
    """Where nudges go."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(
            url,
            socket_timeout=_BELL_SECONDS,
            socket_connect_timeout=_BELL_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )

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

    def _enqueue(self, task: Task) -> None:
        queue = rq.Queue(_QUEUE_OF[task], connection=self._redis, serializer="json")
        queue.enqueue(task.value, job_timeout=JOB_SECONDS, result_ttl=0, failure_ttl=86_400)

    def answer(self, task: Task) -> None:
        """A job has begun: from here on a new nudge gets a job of its own. Never raises."""
        try:
            self._redis.delete(mark(task))
        except (redis.RedisError, OSError):
            _log.warning("nudge.unmarked", task=task.name)


def _keepsake(installation: str) -> str:
    return f"reconciler:newest-step:{installation}"


def mark(task: Task) -> str:
    """The key that says a job for `task` waits."""
    return f"reconciler:waiting:{task.name}"
