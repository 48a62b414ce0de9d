"""Timed jobs: how often, what came of the last turn, when the next is; and who is there to work."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Response, request

from reconciler.books.people import Role
from reconciler.errors import Conflict, NotFound
from reconciler.flows.schedule import SCHEDULE
from reconciler.flows.ticking import TimedJob
from reconciler.queue import BOOKS, MONEY, OUTBOUND, QueueSeen, Seen
from reconciler.reads import jobs as reads, screens_people
from reconciler.reads.jobs import TurnRow
from reconciler.services import turns
from reconciler.web.admin import errors, words
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.routes import Screens
from reconciler.work import Task

screens = Screens()

SHOWN = 50  # turns of one job
A_DAY = timedelta(days=1)
# A worker takes what waits within moments; clocks and workers show themselves more often.
PATIENCE = timedelta(minutes=1)
REFRESH_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Meaning:
    """A job in words: what it is called, and what it is for."""

    title: str
    does: str


MEANINGS = {
    "find_payments": Meaning(
        "Find payments", "Looks again for the documents of payments that are held."
    ),
    "tie_bank_lines": Meaning(
        "Tie bank lines", "Ties open lines to payouts and receipts where that is certain."
    ),
    "count_figures": Meaning(
        "Count figures", "Counts the days of the charts of which something was booked since."
    ),
    "end_deposits": Meaning(
        "End deposits", "Asks no more for deposits of which nothing came by their last day."
    ),
    "tidy": Meaning(
        "Tidy up", "Forgets ended sessions, old sign-ins and kept answers. Never money or evidence."
    ),
    "reconcile": Meaning(
        "Reconcile", "Begins the runs that are due, and carries on the one under way."
    ),
    "plan_mail": Meaning("Plan mail", "Writes down which reminders and receipts are due."),
    "submit_refunds": Meaning(
        "Send refunds", "Sends what is approved, and looks up what was sent without an answer."
    ),
}
QUEUES = {
    BOOKS: Meaning("Books", "Brings events into the books and matches payments."),
    MONEY: Meaning("Money", "Speaks with the payment providers: asks, compares, sends refunds."),
    OUTBOUND: Meaning("Outbound", "Sends mail, and tells other programs."),
}
_TASKS = {
    Task.APPLY_INBOX: "applying events",
    Task.ASK_RAIL: "asking the payment provider",
    Task.FIND_PAYMENTS: "finding payments",
    Task.RECONCILE: "reconciling",
    Task.SUBMIT_REFUNDS: "sending refunds",
    Task.REREAD_RAIL: "reading the payment provider again",
    Task.PLAN_MAIL: "planning mail",
    Task.SEND_MAIL: "sending mail",
    Task.SEND_WEBHOOKS: "telling other programs",
    Task.TIDY: "tidying up",
    Task.TIE_BANK_LINES: "tying bank lines",
    Task.COUNT_FIGURES: "counting figures",
    Task.END_DEPOSITS: "ending deposits",
    Task.IMPORT_FILES: "importing files",
}


@dataclass(frozen=True, slots=True)
class Timed:
    """A timed job as it stands: a turn that is not over, the last that is, and the next."""

    job: TimedJob
    meaning: Meaning
    now: TurnRow | None
    last: TurnRow | None
    failed: int
    next: datetime


@screens.get("/jobs")
def list_jobs(desk: Desk) -> Response:
    """Every timed job, and who is there to work."""
    return _list(desk)


@screens.get("/jobs/<name>")
def show_job(desk: Desk, name: str) -> Response:
    """The last turns of one job."""
    job = _named(name)
    with desk.runtime.read() as session:
        found = reads.latest(session, [name], SHOWN)[name]
        names = screens_people.names(session, {one.asked_by for one in found if one.asked_by})
    return desk.page(
        "job.html",
        job=job,
        meaning=_meaning(job),
        lines=[(one, pill(one, desk.now)) for one in found],
        names=names,
    )


@screens.post("/jobs/<name>/run", Role.RECONCILER)
def run_job(desk: Desk, name: str) -> Response:
    """Ask for a turn now, besides those of the clock."""
    job = _named(name)
    try:
        desk.do(lambda work: turns.ask_now(work, job.name, job.task))
    except Conflict as error:
        title = _meaning(job).title
        return _list(desk, status=409, error=f"{title}: {errors.sentence(error)}")
    return go("list_jobs")


def pill(turn: TurnRow, now: datetime) -> words.Pill:
    """Where a turn stands, in words."""
    if turn.ended_at is not None:
        return words.Pill("Failed", "neg") if turn.error else words.Pill("Done", "pos")
    if turn.begun_at is None:
        is_long = now - turn.asked_at > PATIENCE
        return words.Pill("Waits for a worker", "warn" if is_long else "info")
    if turn.lease_until is not None and turn.lease_until <= now:
        return words.Pill("Its worker died", "warn")
    return words.Pill("Under way", "info")


def troubles(seen: Seen | None, now: datetime) -> list[str]:
    """What keeps work from being done, in words; nothing if all are there."""
    if seen is None:
        return ["Redis does not answer: nobody can be seen. Work waits in the database for it."]
    found = [
        f"Nothing works on the queue {QUEUES[queue.name].title}."
        + (f" Waiting there: {words.counted(queue.waiting, 'nudge')}." if queue.waiting else "")
        for queue in seen.queues
        if not any(now - one.seen_at < PATIENCE for one in queue.workers)
    ]
    if not any(now - at < PATIENCE for at in seen.clocks.values()):
        found.append("No clock is running: no timed job begins, and lost nudges are not found.")
    return found


def at_work(task: str | None) -> str:
    """What a worker is at."""
    if task is None:
        return "Waiting for work"
    known = _TASKS.get(Task(task)) if task in set(Task) else None
    return f"At work: {known or task}"


def _list(desk: Desk, *, status: int = 200, error: str = "") -> Response:
    names = [job.name for job in SCHEDULE]
    seen = desk.runtime.queue.look()
    with desk.runtime.read() as session:
        latest = reads.latest(session, names, 2)  # one that is not over, and one that is
        failed = reads.failures(session, names, desk.now - A_DAY)
        fired = reads.fired(session, names)
        known = screens_people.names(
            session, {one.asked_by for rows in latest.values() for one in rows if one.asked_by}
        )
    jobs = [_timed(job, latest[job.name], failed, fired, desk.now) for job in SCHEDULE]
    is_moving = any(one.now for one in jobs) and "still" not in request.args
    return desk.page(
        "jobs.html",
        status=status,
        jobs=jobs,
        names=known,
        pill_of=pill,
        at_work=at_work,
        queues=[(QUEUES[one.name], one, _failed(one)) for one in seen.queues] if seen else [],
        clocks=sorted(seen.clocks.items()) if seen else [],
        troubles=troubles(seen, desk.now),
        error=error,
        refresh=REFRESH_SECONDS if is_moving and request.method == "GET" else None,
    )


def _timed(
    job: TimedJob,
    rows: Sequence[TurnRow],
    failed: dict[str, int],
    fired: dict[str, datetime],
    now: datetime,
) -> Timed:
    return Timed(
        job,
        _meaning(job),
        next((one for one in rows if one.ended_at is None), None),
        next((one for one in rows if one.ended_at is not None), None),
        failed.get(job.name, 0),
        job.due_at(fired.get(job.name), now),
    )


def _failed(queue: QueueSeen) -> list[str]:
    """Jobs that ended with an error within a day, by what they were at."""
    return [
        f"{words.counted(number, 'job')} failed {_TASKS.get(Task(task), task)}"
        if task in set(Task)
        else f"{words.counted(number, 'job')} failed"
        for task, number in sorted(queue.failed.items())
    ]


def _named(name: str) -> TimedJob:
    found = next((job for job in SCHEDULE if job.name == name), None)
    if found is None:
        raise NotFound(f"there is no timed job {name}")
    return found


def _meaning(job: TimedJob) -> Meaning:
    return MEANINGS[job.name]
