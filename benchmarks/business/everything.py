"""All that a business has beside its payments, written once into the books of a benchmark.

Books of `benchmarks.webhooks --preload` hold payments and the invoices that they are for. Here they
are given the rest, in the proportions of a business with a million payments: most of it through the
services and the inbox, as people, programs and the rail would bring it about. By statements on the
tables alone come mails that have left long ago and what became of webhooks that went out.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks import senders
from benchmarks.business import bank, desk, documents, rail, refunds
from benchmarks.business.documents import Papers
from benchmarks.business.pen import Pen
from benchmarks.quiet_rail import move
from benchmarks.stage import Bench
from reconciler.runtime import Runtime

# Payments of which something becomes later, apart from those that are asked back.
_EVERY = 31
_REFUNDED, _DISPUTED, _SPOILT = 2, 3, 5
_LAST_TRY = """update inbox_outcome set attempts = 7, due_at = now()
    where status = 'pending' and error is not null"""
_WAITS = "select exists (select 1 from inbox_outcome where status = 'pending')"
_TRY_SECONDS_MAX = 120


def furnish(bench: Bench, runtime: Runtime) -> None:
    """Write all of it, unless it is there. Ends the program where only a part of it is."""
    if bench.sql("select 1 from saved_view limit 1"):
        return
    if bench.sql("select 1 from project limit 1"):
        raise SystemExit("these books were given a part of the rest: begin with others")
    ((payments,),) = bench.sql("select count(*) from payment")
    pen = Pen(bench, runtime, int(str(payments)))
    with _said("people"):
        who = desk.staff(pen)
    with _said("documents"):
        papers = documents.write(pen)
    with _said("what the rail tells"):
        rail.tell(pen, list(_told(pen, papers)))
        _fail(pen)
        desk.mistrust(pen)
    with _said("refunds"):
        refunds.ask(pen, who)
    with _said("payouts"):
        rail.pay_out(pen)
        rail.unclassified(pen)
    with _said("statements and runs"):
        bank.read_statements(pen)
        bank.compare(pen)
    move(bench)
    with _said("what hangs on it"):
        desk.leave(pen, papers, who)
    bench.sql("vacuum analyze")


def _told(pen: Pen, papers: Papers) -> Iterator[dict[str, Any]]:
    yield from rail.held(pen, papers.void)
    numbers = pen.bench.numbers(len(papers.deposits) * 2 // 5)
    for number, (code, amount) in zip(numbers, papers.deposits, strict=False):
        charge = senders.charge(number, 2) | {
            "amount": amount, "amount_captured": amount, "metadata": {"deposit_code": code},
            "description": f"Deposit {code}",
        }  # fmt: skip
        yield rail.happened(number, "2", "charge.captured", charge)
    for number in _numbers(pen, _REFUNDED, 1_000):
        yield rail.refund(number, refunds.AMOUNT)
    for number in _numbers(pen, _DISPUTED, 500):
        yield from rail.dispute(number, int(str(senders.charge(number, 2)["amount_captured"])))
    for number in _numbers(pen, _SPOILT, 150):
        yield rail.spoilt(number)


def _numbers(pen: Pen, rest: int, in_a_million: int) -> range:
    count = pen.of(in_a_million, 12)
    return range(rest, pen.payments, _EVERY)[:count]


def _fail(pen: Pen) -> None:
    """What could not be applied was tried again, and is tried for the last time now."""
    pen.bench.sql(_LAST_TRY)
    with rail.working(pen):
        ends_at = time.monotonic() + _TRY_SECONDS_MAX
        while pen.bench.sql(_WAITS) == [(True,)]:
            if time.monotonic() > ends_at:
                raise SystemExit("what cannot be applied was not given up in time")
            time.sleep(1)


@contextmanager
def _said(what: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    print(f"  {what}: {time.monotonic() - begun:.0f} s", file=sys.stderr)
