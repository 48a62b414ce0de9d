"""Commands about the books: are they right, do events over, take them out in files."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime
from io import TextIOWrapper
from typing import IO

import click
from typing_extensions import override

from reconciler import currencies
from reconciler.books.audit import Seal
from reconciler.cli import local, reach
from reconciler.cli.moments import FORMS, MOMENT
from reconciler.cli.progress import counted, say, shown
from reconciler.errors import Refused
from reconciler.flows import keep_file, rebuild as rebuilding
from reconciler.flows.apply_inbox import apply_inbox
from reconciler.migrations_runner import migrate as bring_up_to_date
from reconciler.money import shown as amount
from reconciler.reads import (
    audit,
    closings,
    events,
    export_kinds,
    export_text,
    exports,
    journal_csv,
    reconciliation,
    status,
)
from reconciler.reads.export_kinds import KINDS
from reconciler.reads.export_rows import Window
from reconciler.reads.pages import LIMIT_MAX, Wanted
from reconciler.reads.reconciliation import LastDrift
from reconciler.runtime import Runtime
from reconciler.services import inbox, rebuild, replaying, verification
from reconciler.services.inbox import ReplayFilter
from reconciler.services.verification import Violation
from reconciler.settings import from_environment
from reconciler.work import Cause

FORMATS = ("csv", "json", "beancount", *journal_csv.FORMS)
_WIDEST = max(map(len, KINDS))
_EPILOG = "\b\nA window chooses by:\n" + "\n".join(
    f"  {noun:{_WIDEST}} {kind.by}" for noun, kind in KINDS.items()
)
CAUSE = Cause("command", "replay")
STUCK = ("pending", "failed")
LOOK_SECONDS = 0.5
ROUNDS_MAX = 10_000


@click.command()
def migrate() -> None:
    """Bring the database to the newest schema, as its owner.

    Uses MIGRATION_DATABASE_URL, or DATABASE_URL where that is not set.
    """
    settings = local.complete(from_environment())
    revision = bring_up_to_date(settings.migration_database_url, settings.database_url)
    print(f"the tables are at {revision}")


class SealText(click.ParamType[Seal]):
    """A line of the audit trail and its hash, as they are printed."""

    name = "SEQ:HASH"

    @override
    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Seal:
        try:
            return Seal.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print an object instead of lines.")
@click.option(
    "--audit-head",
    "kept",
    type=SealText(),
    help="The audit trail's head as this command or /api/v1/status showed it earlier.",
)
@click.option(
    "--rebuild",
    "is_rebuilt",
    is_flag=True,
    help="Also make the books anew, from events, facts and decisions, and compare.",
)
def verify(*, as_json: bool, kept: Seal | None, is_rebuilt: bool) -> int:
    """Check every invariant of the books in the database.

    Every attachment is read, and its SHA-256 compared with the one that was kept.
    Exit code 1, and a list of what is wrong, if any of them does not hold, or if the books that
    --rebuild makes anew beside them are others; nothing of those is kept. What a rail
    held and two runs in a row could not explain is wrong as well; what one run saw may be news on
    its way. What waits for an answer of the rail is listed, and is not wrong. The head of the audit
    trail is printed: kept on another machine, it later proves that nothing before it was changed.
    """
    with reach.opened() as runtime, shown("checking the books"), runtime.read() as session:
        found = verification.violations(session)
        differing = verification.differing_head(session, kept) if kept else None
        found += [differing] if differing else []
        found += verification.lasting_drifts(session)
        waits = verification.waiting(session)
        head = audit.head(session)
        drifts = reconciliation.drifts(session)
        closed = closings.through(session)
    with reach.opened() as runtime, shown("reading the attachments"):
        found += [Violation(keep_file.LAW, detail) for detail in keep_file.differing(runtime)]
    laws = (*verification.LAWS, verification.DRIFT_LAW, keep_file.LAW)
    done = None
    if is_rebuilt:
        laws = (*laws, *rebuild.LAWS, replaying.LAW)
        with reach.opened() as runtime, shown("making the books anew"):
            others, done = rebuilding.rebuild(runtime)
        found += others
    if as_json:
        broken = [{"invariant": one.invariant, "detail": one.detail} for one in found]
        told = {"clean": not found, "violations": broken, "audit_head": str(head)}
        told["waits"] = waits
        told["drift"] = {one.rail: one.drift for one in drifts}
        told["closed_through"] = closed.isoformat() if closed else None
        if done is not None:
            told["done_over"], told["taken_as_they_stand"] = dict(done.done), dict(done.taken)
        print(json.dumps(told, indent=2))
        return 1 if found else 0
    _say_what_is_wrong(found, len(laws))
    for detail in waits:
        print(f"waits: {detail}")
    if done is not None:
        print(f"done over: {_listed(done.done)}; taken as they stand: {_listed(done.taken)}")
    print(f"audit trail: {head.seq} lines, head {head}")
    print(f"books: closed through {closed}" if closed else "books: every day is open")
    for last in drifts:
        print(_against_the_rail(last))
    return 1 if found else 0


def _say_what_is_wrong(found: Sequence[Violation], laws: int) -> None:
    for one in found:
        print(f"{one.invariant}: {one.detail}")
    if found:
        print(f"{len(found)} found, against {len({one.invariant for one in found})} of {laws} laws")
    else:
        print(f"clean: all {laws} laws hold")


def _listed(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counted.items())) or "nothing"


def _against_the_rail(last: LastDrift) -> str:
    """The rail itself is not asked here: `tie-out` does that."""
    rest = ", ".join(amount(units, currency) for currency, units in last.drift.items())
    said = f"does not explain {rest}" if rest else "explained all that the rail held"
    return f"{last.rail}: the run that ended at {last.at:%Y-%m-%d %H:%M} UTC {said}"


@click.command(epilog=_EPILOG)
@click.argument("noun", type=click.Choice(tuple(KINDS)))
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    required=True,
    help="The last three: journal only.",
)
@click.option("--currency", help="quickbooks, xero: a file holds one currency.")
@click.option(
    "--accounts",
    type=click.File(encoding="utf-8"),
    help='quickbooks, xero: JSON with the names of accounts there, {"revenue": "400"}, and for xero'
    ' of the rate without tax, {"no_tax": "No VAT"}.',
)
@click.option("--since", type=MOMENT, help=f"From here on: {FORMS}.")
@click.option("--until", type=MOMENT, help="Before this; the day itself is not in it.")
def export(
    *,
    noun: str,
    form: str,
    currency: str | None,
    accounts: IO[str] | None,
    since: datetime | None,
    until: datetime | None,
) -> None:
    """Write the journal, or another noun, to standard output.

    Amounts are there twice: in minor units, and as decimals. The header of a noun stays as it is;
    new columns come at its end. Nothing is written unless all of it could be read.
    """
    if form not in {"csv", "json"} and noun != "journal":
        raise click.UsageError(f"only the journal can be exported as {form}")
    if (form in journal_csv.FORMS) != (currency is not None):
        raise click.UsageError(f"--currency goes with {' and '.join(journal_csv.FORMS)}")
    elsewhere = _elsewhere(form, currency, accounts) if currency else None
    if since and until and since >= until:
        raise click.UsageError("--since must be before --until")
    window = Window(since, until)
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as spool:
        # To a file first: a reader who takes their time would hold a transaction open for as long.
        with reach.opened() as runtime, runtime.read() as session:
            export_kinds.take_time(session)
            total = export_kinds.count(session, noun, window)
            today = runtime.now().date()
            pieces = (
                journal_csv.pieces(session, exports.journal(session, window), elsewhere)
                if elsewhere
                else export_text.pieces(session, noun, form, window, today=today)
            )
            spool.writelines(counted(pieces, f"reading the {noun}", total))
        _hand_over(spool)


def _elsewhere(form: str, currency: str, accounts: IO[str] | None) -> journal_csv.Wanted:
    names = journal_csv.names_of(_json_of(accounts)) if accounts else {}
    return journal_csv.Wanted(form=form, currency=currencies.code(currency), names=names)


def _json_of(file: IO[str]) -> object:
    try:
        return json.load(file)
    except ValueError:
        raise click.UsageError("--accounts is no JSON") from None


def _hand_over(spool: IO[str]) -> None:
    spool.seek(0)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    try:
        shutil.copyfileobj(spool, sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough, as in `… | head`. What is still buffered has nowhere to go,
        # and Python would complain about that on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.command("replay")
@click.argument("event_ids", metavar="[EVENT_ID]...", nargs=-1)
@click.option("--failed", is_flag=True, help="All events that failed for good.")
@click.option("--since", type=MOMENT, help=f"All events received from here on: {FORMS}.")
@click.option("--dry-run", is_flag=True, help="Only say how many there are.")
def replay(
    event_ids: tuple[str, ...], *, failed: bool, since: datetime | None, dry_run: bool
) -> int:
    """Do stored events over.

    Name them by the rail's id (evt_…) or by ours, or take those that failed, or those received
    since a date. Doing an event over that is in the books already changes nothing. Exit code 1
    if any of them did not come through.
    """
    if bool(event_ids) == (failed or since is not None):
        raise click.UsageError("name either events, or --failed and/or --since")
    with reach.opened() as runtime:
        wanted = _named(runtime, event_ids) if event_ids else ReplayFilter(since, failed)
        count = _marked(runtime, wanted, dry_run=dry_run)
        if dry_run or not count:
            print(f"{count} events would be done over" if dry_run else "no event fits")
            return 0
        _work_off(runtime, count)
        return _outcome(runtime, wanted, count)


Chosen = ReplayFilter | tuple[str, ...]


def _named(runtime: Runtime, event_ids: tuple[str, ...]) -> tuple[str, ...]:
    """The same ids, each of an event that may be done over. Raises NotFound, Refused."""
    with runtime.read() as session:
        for event_id in event_ids:
            found = events.one(session, event_id)
            if found.status == "quarantined":
                raise Refused(f"{event_id} is quarantined ({found.note}): it is not ours to apply")
    return tuple(dict.fromkeys(event_ids))


def _marked(runtime: Runtime, wanted: Chosen, *, dry_run: bool) -> int:
    """Make the events due again; how many there are."""
    if isinstance(wanted, tuple):
        return len(wanted) if dry_run else runtime.do(CAUSE, lambda w: inbox.replay(w, wanted))
    if dry_run:
        with runtime.work(CAUSE) as work:
            return len(inbox.matching(work, wanted))
    count = runtime.do(CAUSE, lambda work: inbox.replay_matching(work, wanted))
    if count == inbox.REPLAY_MAX:
        say(f"{count} is the most at a time, and the oldest come first: there may be more")
    return count


def _work_off(runtime: Runtime, count: int) -> None:
    """Apply them here, beside any workers, so that this also works where none runs."""
    with shown("doing events over", count) as show, ThreadPoolExecutor(1) as pool:
        for _ in range(ROUNDS_MAX):
            round_ = pool.submit(apply_inbox, runtime)
            while wait([round_], LOOK_SECONDS).not_done:
                show(max(0, count - _pending(runtime)))
            if not round_.result():
                return


def _pending(runtime: Runtime) -> int:
    with runtime.read() as session:
        return status.inbox(session, runtime.now()).pending


def _outcome(runtime: Runtime, wanted: Chosen, count: int) -> int:
    """Say what became of them; the exit code."""
    with runtime.read() as session:
        if isinstance(wanted, tuple):
            found = [events.one(session, event_id) for event_id in wanted]
            stuck = [event for event in found if event.status in STUCK]
        else:
            pages = [
                events.page(session, {"status": name, "since": wanted.since}, Wanted(LIMIT_MAX))
                for name in STUCK
            ]
            stuck = [event for page in pages for event in page.data if event.error]
    for event in stuck:
        why = event.error or "waits for a worker; is the switch `apply` off?"
        print(f"{event.rail_event_id} {event.type} {event.status}: {why}")
    print(f"{count} events done over, {len(stuck)} of them did not come through")
    return 1 if stuck else 0
