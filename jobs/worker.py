"""A worker: `python -m jobs.worker books`, `money` or `outbound`. One queue a process, always.

With two queues a worker takes jobs off with a command that loses one if the process dies at
that instant; with one it does not. Jobs run in a forked child that dies with its parent, so
that no orphan goes on working while another worker begins the same job.
"""

import ctypes
import importlib
import os
import signal
import sys
import time

import redis
from rq import Queue, Worker
from rq.executions import Execution
from rq.job import Job
from typing_extensions import override

from jobs.process import runtime
from reconciler import tally
from reconciler.queue import BOOKS, MONEY, OUTBOUND, QUEUES

_PR_SET_PDEATHSIG = 1
# Imported once here, not in the child of each job: the tasks, and what is else imported where it is
# first used. Each takes a third of a second, and a job often less than that.
_TASKS = "jobs.tasks"
_JOB_PREFIX = f"{_TASKS}."
_SLOW_TO_IMPORT = {MONEY: ["reconciler.rails.stripe.client"], OUTBOUND: ["cryptography.fernet"]}


class ReconcilerWorker(Worker):
    """RQ's worker, with children that die with it and no job but our own."""

    @override
    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """In the child: ask the kernel to end it with its parent, and connect anew."""
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == 1:
            os._exit(1)  # the parent died before we could ask
        runtime().after_fork()
        super().main_work_horse(job, queue)

    @override
    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Still in the child, which ends after it: what it has counted is told at once."""
        began, is_done = time.monotonic(), False
        try:
            is_done = super().perform_job(job, queue, execution)
        finally:
            name = (job.func_name or "").removeprefix(_JOB_PREFIX)
            result = "done" if is_done else "failed"
            tally.took("job_seconds", time.monotonic() - began, name, result)
            runtime().queue.tell()
        return is_done

    @override
    def execute_job(self, job: Job, queue: Queue) -> None:
        """Refuse what is not one of our tasks: writing to Redis is no right to run code."""
        if not (job.func_name or "").startswith(_JOB_PREFIX) or job.args or job.kwargs:
            job.cancel()
            return
        super().execute_job(job, queue)


def main(name: str) -> None:
    """Work on one queue until told to stop."""
    if name not in QUEUES:
        sys.exit(f"unknown queue {name!r}: one of {', '.join(QUEUES)}")
    for module in (_TASKS, *_SLOW_TO_IMPORT.get(name, ())):
        importlib.import_module(module)
    runtime().before_fork()
    connection = redis.Redis.from_url(runtime().settings.redis_url)
    queue = Queue(name, connection=connection, serializer="json")
    worker = ReconcilerWorker(
        [queue],
        connection=connection,
        serializer="json",
        worker_ttl=30,
        maintenance_interval=15,
        job_monitoring_interval=5,
    )
    worker.work(logging_level="WARNING")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else BOOKS)
