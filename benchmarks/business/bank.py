"""What the bank shows, and what comparing with the rail found."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta

from benchmarks.business.pen import COMMAND, Pen
from reconciler.books.payouts import PayoutStatus
from reconciler.books.rail_objects import ObjectKind
from reconciler.books.reconciliation import Difference, Shown, Window
from reconciler.services import discrepancies, reconciliation, statements
from reconciler.services.discrepancies import Found
from reconciler.services.reconciliation import Counted
from reconciler.services.run_plans import KINDS
from reconciler.services.statements import Statement
from reconciler.work import Work

_ACCOUNT = "Main account"
_HEAD = ("Date", "Amount", "Currency", "Description", "Reference", "Counterparty", "Transaction ID")
_ARRIVED = """select to_char(arrival_at, 'YYYY-MM-DD'), amount, facts ->> 'descriptor' from payout
    where status = %s order by arrival_at, id"""
_LARGE, _SMALL = 2_000, 200  # lines of a statement
_DIFFERING = 1_500  # in the run that found most
_Row = tuple[object, ...]


def read_statements(pen: Pen) -> None:
    """Payouts arrive, other things do too, and one statement is sent again with other amounts."""
    arrived = [
        _line(str(day), int(str(amount)), str(text), f"p{at}")
        for at, (day, amount, text) in enumerate(pen.bench.sql(_ARRIVED, PayoutStatus.PAID.value))
    ]
    begun = pen.runtime.now().date() - timedelta(days=90)
    odd = [
        _line(
            (begun + timedelta(days=at % 90)).isoformat(), at * 7_919 % 90_000 + 1,
            f"Transfer of somebody {at}", f"o{at}",
        )
        for at in range(pen.of(8_000, 80))
    ]  # fmt: skip
    large, small = pen.of(_LARGE, 40), pen.of(_SMALL, 10)
    some = [arrived[at : at + small] for at in range(0, len(arrived), small)]
    rest = [odd[at : at + small] for at in range(large, len(odd), small)]
    for at, rows in enumerate([odd[:large], *some, *rest]):
        _read(pen, f"statement-{at}.csv", rows)
    corrected = [(day, f"1{amount}", *more) for day, amount, *more in odd[: pen.of(300, 10)]]
    _read(pen, "corrected.csv", corrected)


def _line(day: str, amount: int, text: str, name: str) -> _Row:
    decimal = f"{amount // 100}.{amount % 100:02}"
    return day, decimal, "USD", text, f"R{name}", "Somebody", f"T{name}"


def _read(pen: Pen, name: str, rows: list[_Row]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([_HEAD, *rows])
    given = Statement(bank_account=_ACCOUNT, file_name=name, body=text.getvalue().encode())
    pen.runtime.do(COMMAND, lambda work: statements.take(work, given))


def compare(pen: Pen) -> None:
    """Runs, one for each quarter of a day: most found nothing, one far more than anybody reads."""
    for number in range(pen.of(400, 8)):
        pen.runtime.do(COMMAND, lambda work: _run(pen, work, number))  # noqa: B023  run at once


def _run(pen: Pen, work: Work, number: int) -> None:
    until = work.now - timedelta(days=120) + number * timedelta(hours=6)
    window = Window(until - timedelta(hours=8), until)
    run_id = reconciliation.start(work, "stripe", reconciliation.OWN, window)
    run = reconciliation.take_waiting(work)
    assert run is not None, "it was begun just now"
    for kind in KINDS:
        reconciliation.step(work, run, kind)
        reconciliation.stepped(work, run, kind, None, Counted(100, 100))
        reconciliation.step_done(work, run, kind)
    count = pen.of(_DIFFERING, 20) if number == 0 else number % 10 // 9 * 3
    for found in _found(number, count):
        discrepancies.note(work, run_id, found)
    reconciliation.finish(work, run, {"USD": 12} if count else {})


def _found(number: int, count: int) -> Iterator[Found]:
    """Refunds that the rail has and nobody here knows; one in five was healed."""
    for at in range(count):
        yield Found(
            ObjectKind.REFUND,
            f"re_elsewhere_{number:06d}_{at:06d}",
            Difference.MISSING_HERE,
            is_healed=at % 5 == 0,
            expected=Shown(1_000 + at, "USD", "left"),
            note="made in the dashboard",
        )
