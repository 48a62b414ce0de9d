"""Commands that compare the books with the rail: a window of time, or the whole past."""

import json
import threading
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime

import click

from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.reconciliation import IN_WORDS, LAG, Difference, Window
from reconciler.books.tie_out import IN_WORDS as TIED_IN_WORDS
from reconciler.cli import reach
from reconciler.cli.moments import FORMS, MOMENT
from reconciler.cli.progress import say, shown
from reconciler.errors import Conflict, Refused
from reconciler.flows import tie_out as flow
from reconciler.flows.reconcile import carry_on
from reconciler.flows.tie_out import RailTied
from reconciler.money import shown as amount
from reconciler.reads import reconciliation as reads
from reconciler.reads.pages import Wanted
from reconciler.reads.reconciliation import DiscrepancyRow, RunRow
from reconciler.runtime import Runtime
from reconciler.services import reconciliation
from reconciler.services.reconciliation import BACKFILL, WINDOW
from reconciler.work import Cause

LOOK_SECONDS = 1.0
LOOKS_MAX = 40_000  # half a day: whoever holds a run and does nothing is relieved in minutes
_pause = threading.Event()  # nobody ever sets it


def _rail(context: click.Context, _option: click.Parameter, value: str) -> str:
    if value == MANUAL_RAIL:
        raise click.BadParameter("money received by hand has no list to compare with", context)
    return value


_options = (
    click.option("--rail", required=True, callback=_rail, help="The rail, as in: stripe."),
    click.option("--since", type=MOMENT, required=True, help=f"From here on: {FORMS}."),
    click.option("--until", type=MOMENT, help="Before this; two minutes ago if left out."),
)


@click.command()
@_options[0]
@_options[1]
@_options[2]
@click.option("--json", "as_json", is_flag=True, help="Print an object instead of lines.")
def reconcile(rail: str, since: datetime, until: datetime | None, *, as_json: bool) -> int:
    """Compare everything that the rail lists with the books, and heal what was missed.

    Exit code 1, and a list, if anything is left that only a person can settle.
    """
    with reach.opened() as runtime:
        run = _carried_out(runtime, rail, since, until, WINDOW)
    if as_json:
        print(json.dumps(asdict(run), indent=2, default=_written))
    else:
        _tell(run)
    return 1 if run.unhealed or run.status != "done" else 0


@click.command()
@_options[0]
@_options[1]
@_options[2]
def backfill(rail: str, since: datetime, until: datetime | None) -> int:
    """Take in an account's past through the same door that webhooks use.

    Stopped in the middle it goes on where it was, with the next call or by a worker. It asks the
    rail for less than the rail allows, and live events go on meanwhile.
    """
    with reach.opened() as runtime:
        run = _carried_out(runtime, rail, since, until, BACKFILL)
    _tell(run)
    return 1 if run.unhealed or run.status != "done" else 0


@click.command("tie-out")
@click.option("--json", "as_json", is_flag=True, help="Print an object instead of lines.")
def tie_out(*, as_json: bool) -> int:
    """Hold what each rail says that it holds against clearing, and explain every unit.

    Exit code 1 if a rail cannot be asked, or a difference is more than what is still awaited.
    """
    with reach.opened() as runtime, shown("asking the rails"):
        found = flow.tie_out(runtime)
    if as_json:
        print(json.dumps([asdict(one) for one in found], indent=2, default=_written))
    else:
        for one in found:
            _tell_tied(one)
    return 0 if all(one.is_sound for one in found) else 1


def _tell_tied(found: RailTied) -> None:
    if found.why_not:
        print(f"{found.rail} cannot be asked now: {found.why_not}")
    for one in found.tied:
        for line in one.lines:
            said = f"{line.subject}: {TIED_IN_WORDS[line.why]}"
            note = f" ({line.note})" if line.note else ""
            print(f"{amount(line.amount, one.currency)}: {said}{note}")
        print(
            f"{found.rail} holds {amount(one.balance, one.currency)}, clearing is"
            f" {amount(one.clearing, one.currency)}: difference"
            f" {amount(one.difference, one.currency)}, of which"
            f" {amount(one.unexplained, one.currency)} are not explained"
        )


def _carried_out(
    runtime: Runtime, rail: str, since: datetime, until: datetime | None, purpose: str
) -> RunRow:
    if rail not in runtime.rails:
        raise click.BadParameter(f"no such rail; known: {', '.join(runtime.rails)}")
    window = Window(since, until or runtime.now() - LAG)
    run_id = _begun(runtime, rail, window, purpose, is_until_given=until is not None)
    with shown(f"comparing with {rail}") as show:
        run = _followed(runtime, run_id, show)
    if run.status == "running":
        raise Refused(f"run {run_id} was put off: the rail or the database is out of reach")
    return run


def _begun(
    runtime: Runtime, rail: str, window: Window, purpose: str, *, is_until_given: bool
) -> str:
    """A run of our own; or the one that was asked for with the same words, and is not over yet.

    Whoever was at it may be at it still, or have died: then it is carried on where it stopped.
    """
    try:
        return runtime.do(
            Cause("command", purpose),
            lambda work: reconciliation.start(
                work, rail, reconciliation.OWN, window, purpose=purpose, is_held=True
            ),
        )
    except Conflict:
        with runtime.read() as session:
            found = reads.page(session, {"rail": rail, "status": "running"}, Wanted(), shown=0)
        for run in found.data:
            is_same = (run.purpose, run.since) == (purpose, window.since)
            if is_same and (run.until == window.until or not is_until_given):
                say(f"run {run.id} is under way: going on with it")
                return run.id
        raise


def _followed(runtime: Runtime, run_id: str, show: Callable[[int], None]) -> RunRow:
    """Carry a run on until it is over or put off; while somebody else holds it, watch."""
    run = _seen(runtime, run_id)
    for look in range(LOOKS_MAX):
        if run.status != "running" or (look and run.error):
            break
        done = run.checked
        show(done)

        def progress(_what: str, count: int) -> None:
            nonlocal done
            done += count
            show(done)

        if not carry_on(runtime, run_id=run_id, progress=progress):
            _pause.wait(LOOK_SECONDS)
        run = _seen(runtime, run_id)
    return run


def _seen(runtime: Runtime, run_id: str) -> RunRow:
    with runtime.read() as session:
        return reads.one(session, run_id)


def _tell(run: RunRow) -> None:
    for found in run.discrepancies:
        if not found.healed:
            print(_line(found))
    healed = sum(1 for found in run.discrepancies if found.healed)
    if healed:
        say(f"healed, among others: {_line(next(f for f in run.discrepancies if f.healed))}")
    for currency, rest in run.drift.items():
        print(f"unexplained at the rail: {amount(rest, currency)}")
    print(
        f"run {run.id}: {run.checked} checked, {run.matched} matched, {run.healed} healed,"
        f" {run.unhealed} left for a person"
    )
    if run.error:
        print(f"given up: {run.error}")


def _line(found: DiscrepancyRow) -> str:
    said = f"{found.object_kind} {found.rail_object}: {IN_WORDS[Difference(found.kind)]}"
    return f"{said} ({found.note})" if found.note else said


def _written(value: object) -> str:
    assert isinstance(value, datetime), f"{type(value)} in a run"
    return value.isoformat()
