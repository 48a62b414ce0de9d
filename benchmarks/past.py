"""Books with a past: payments that came over two months, as if the program had run all the while.

Whatever asks for what is new (a reminder does, of the last day) then finds a day's payments and not
all of them. The program takes its clock from its runtime, so the rows need no date afterwards.
"""

import sys
from dataclasses import replace
from datetime import datetime, timedelta

from benchmarks import senders
from benchmarks.stage import Bench, into_inbox, invoices, runtime_of
from reconciler.flows.apply_inbox import apply_inbox

SPAN = timedelta(days=60)
_STEPS = 100  # so many at least, of at most so many payments: a part of a day of a million
_STEP_MAX = 10_000
_SAID_EVERY = 50_000


def preload(bench: Bench, payments: int) -> None:
    """Books of this many payments, applied as a worker does; the inbox is filled by COPY.

    One event a payment: a charge that is captured and whose movement is named.
    """
    step = max(1, min(_STEP_MAX, payments // _STEPS))
    for begins in range(0, payments, step):
        numbers = bench.numbers(min(step, payments - begins))
        _brought(bench, numbers, SPAN * (1 - (begins + len(numbers)) / payments))
        if (begins + len(numbers)) % _SAID_EVERY < step:
            print(f"  {begins + len(numbers):,} payments", file=sys.stderr)
    bench.sql("vacuum analyze")


def _brought(bench: Bench, numbers: range, ago: timedelta) -> None:
    """Invoices, the messages that they were paid, and what became of them, so long ago."""
    present = runtime_of(bench)

    def clock() -> datetime:
        return present.clock() - ago

    past = replace(present, clock=clock)
    invoices(bench, numbers, at=past.now())
    told = (senders.event(number, 2) for number in numbers)
    into_inbox(bench, told, received_at=past.now())
    while apply_inbox(past):
        pass
    present.engine.dispose()
