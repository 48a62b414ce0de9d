"""Work: one transaction that somebody caused. Passed first to every service.

Nobody calls commit: `runtime.work()` does, and sends the nudges after it.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Session


class Task(StrEnum):
    """Jobs by the dotted name of the function that does them (the core may not import jobs)."""

    APPLY_INBOX = "jobs.tasks.apply_inbox"
    ASK_RAIL = "jobs.tasks.ask_rail"
    FIND_PAYMENTS = "jobs.tasks.find_payments"
    RECONCILE = "jobs.tasks.reconcile"
    SUBMIT_REFUNDS = "jobs.tasks.submit_refunds"
    REREAD_RAIL = "jobs.tasks.reread_rail"
    PLAN_MAIL = "jobs.tasks.plan_mail"
    SEND_MAIL = "jobs.tasks.send_mail"
    SEND_WEBHOOKS = "jobs.tasks.send_webhooks"
    IMPORT_FILES = "jobs.tasks.import_files"
    TIDY = "jobs.tasks.tidy"
    TIE_BANK_LINES = "jobs.tasks.tie_bank_lines"
    COUNT_FIGURES = "jobs.tasks.count_figures"
    END_DEPOSITS = "jobs.tasks.end_deposits"


@dataclass(frozen=True, slots=True)
class Cause:
    """Who or what is changing the books: an event, a person, an API key or a job."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Note:
    """What is being done to what, for the audit trail. Made by `services.audit.note`."""

    action: str
    subject: str
    before: dict[str, Any]
    after: dict[str, Any]
    why: str | None


@dataclass(slots=True)
class Work:
    """A transaction, its cause and its instant. Without one nothing can be written.

    `posted` are the ids of the journal entries it wrote, in their order.
    `request_id` is the name of the request that it serves, where there is one. `has_only_looked`
    is for a caller that may change something and did not, so that there is nothing to note.
    `is_past` says that what is booked happened elsewhere before, so that nobody is told of it.
    `days` is by payment the newest day of what was booked of it: what follows is of that day too.
    """

    session: Session
    cause: Cause
    now: datetime
    nudges: set[Task] = field(default_factory=set)
    notes: list[Note] = field(default_factory=list)
    days: dict[str, date] = field(default_factory=dict)
    posted: list[str] = field(default_factory=list)
    request_id: str | None = None
    has_only_looked: bool = False
    is_past: bool = False

    def nudge(self, task: Task) -> None:
        """After the commit, tell a worker that there is something to do. A hint, never the truth.

        It carries no id: the rows say what is to do, so that one nudge serves many rows and a
        lost one costs only the time until the next sweep.
        """
        self.nudges.add(task)
