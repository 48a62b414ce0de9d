"""Every task a worker does: the page to read to know what runs.

A task gets no argument: the rows say what is to do. Each may run at any time, any number of
times, in several workers at once. What is timed (reconciler/flows/schedule.py) notes its turns.
"""

from collections.abc import Callable

from jobs.process import runtime
from reconciler.flows.apply_inbox import apply_inbox as _apply_inbox
from reconciler.flows.ask_rail import ask_rail as _ask_rail
from reconciler.flows.count_figures import count_some as _count_some
from reconciler.flows.end_deposits import end_deposits as _end_deposits
from reconciler.flows.find_payments import find_payments as _find_payments
from reconciler.flows.import_files import import_files as _import_files
from reconciler.flows.reconcile import reconcile as _reconcile
from reconciler.flows.remind import plan_reminders as _plan_reminders
from reconciler.flows.reread_rail import reread_rail as _reread_rail
from reconciler.flows.send_mail import send_mail as _send_mail
from reconciler.flows.send_webhooks import send_webhooks as _send_webhooks
from reconciler.flows.submit_refunds import submit_refunds as _submit_refunds
from reconciler.flows.ticking import in_turn
from reconciler.flows.tidy import tidy as _tidy
from reconciler.flows.tie_bank_lines import tie_bank_lines as _tie_bank_lines
from reconciler.runtime import Runtime
from reconciler.work import Task


def apply_inbox() -> None:
    """Bring stored events into the books."""
    runtime().queue.answer(Task.APPLY_INBOX)
    _apply_inbox(runtime())


def ask_rail() -> None:
    """Ask the rail for what no message told."""
    runtime().queue.answer(Task.ASK_RAIL)
    _ask_rail(runtime())


def find_payments() -> None:
    """Look among held payments for those that a new document explains."""
    _in_turn(Task.FIND_PAYMENTS, _find_payments)


def reconcile() -> None:
    """Compare what the rail lists with what is known here, and heal what was missed."""
    _in_turn(Task.RECONCILE, _reconcile)


def submit_refunds() -> None:
    """Send approved refunds, and find out about those whose answer was lost."""
    _in_turn(Task.SUBMIT_REFUNDS, _submit_refunds)


def reread_rail() -> None:
    """Read the rail again, for books that were restored from a backup."""
    runtime().queue.answer(Task.REREAD_RAIL)
    _reread_rail(runtime())


def plan_mail() -> None:
    """Write down which reminders are due."""
    _in_turn(Task.PLAN_MAIL, _plan_reminders)


def send_mail() -> None:
    """Send mail that is due, after a last look at what it says."""
    runtime().queue.answer(Task.SEND_MAIL)
    _send_mail(runtime())


def send_webhooks() -> None:
    """Tell other programs what happened."""
    runtime().queue.answer(Task.SEND_WEBHOOKS)
    _send_webhooks(runtime())


def tidy() -> None:
    """Drop what nobody will ask for again."""
    _in_turn(Task.TIDY, _tidy)


def import_files() -> None:
    """Look at files that were handed over, and take over those that people said yes to."""
    runtime().queue.answer(Task.IMPORT_FILES)
    _import_files(runtime())


def tie_bank_lines() -> None:
    """Say of open bank lines what each is for certain."""
    _in_turn(Task.TIE_BANK_LINES, _tie_bank_lines)


def count_figures() -> None:
    """Count what the charts show, some of it at a time."""
    _in_turn(Task.COUNT_FIGURES, _count_some)


def end_deposits() -> None:
    """Ask no more for deposits that nobody paid by their last day."""
    _in_turn(Task.END_DEPOSITS, _end_deposits)


def _in_turn(task: Task, flow: Callable[[Runtime], object]) -> None:
    runtime().queue.answer(task)
    in_turn(runtime(), task, flow)
