"""Every timed job: its name, how often, what it wakes, and why."""

from datetime import timedelta

from reconciler.flows.ticking import TimedJob
from reconciler.work import Task

SCHEDULE: tuple[TimedJob, ...] = (
    # Documents and payments may cross in the same second and miss each other.
    TimedJob("find_payments", timedelta(minutes=5), Task.FIND_PAYMENTS),
    # A payout or receipt that was told of after its bank line.
    TimedJob("tie_bank_lines", timedelta(minutes=5), Task.TIE_BANK_LINES),
    # Sessions that ended, sign-ins that count no more, answers past their time.
    TimedJob("tidy", timedelta(hours=1), Task.TIDY),
    # What the charts show: the days of which something was booked since.
    TimedJob("count_figures", timedelta(minutes=5), Task.COUNT_FIGURES),
    # Deposits that nobody paid by the last day on which they are asked for.
    TimedJob("end_deposits", timedelta(hours=1), Task.END_DEPOSITS),
    # Begins the runs that are due, each at its own pace (reconciler/services/run_plans.py).
    TimedJob("reconcile", timedelta(minutes=5), Task.RECONCILE),
    # Reminders whose day has come.
    TimedJob("plan_mail", timedelta(minutes=2), Task.PLAN_MAIL),
    # A refund whose answer was lost is looked up on the rail even if its own turn was lost.
    TimedJob("submit_refunds", timedelta(minutes=5), Task.SUBMIT_REFUNDS),
)
