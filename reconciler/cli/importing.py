"""The command that takes customers, documents and what was paid on them over from a file."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from reconciler.books.import_kinds import ImportKind
from reconciler.cli import reach
from reconciler.cli.progress import CountedFile, say, shown
from reconciler.runtime import Runtime
from reconciler.services import imports
from reconciler.services.imports import Given, Outcome
from reconciler.work import Cause

CAUSE = Cause("command", "import")
_KINDS = [kind.value for kind in ImportKind]


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--kind", type=click.Choice(_KINDS), help="What the rows are, if no column says it.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--yes", is_flag=True, help="Do not ask before it is done.")
@click.option("--json", "as_json", is_flag=True, help="Print an object instead of lines.")
def import_(*, file: Path, kind: str | None, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Take over customers, documents and what was paid on them from FILE, CSV or JSON.

    First it is seen what would change; then all rows are taken over, or none. The same file twice
    changes nothing: customers and projects are known again by external_id, invoices by number,
    deposits by code. Amounts are whole minor units (total), or decimals in a column of their own
    (total_decimal). A sent invoice is booked as owed. Exit code 1 if any row is refused.
    """
    with reach.opened() as runtime:
        outcome = _run(runtime, file, kind, is_dry=True)
        if not (outcome.refused or dry_run) and _may(outcome, yes=yes, as_json=as_json):
            outcome = _run(runtime, file, kind, is_dry=False)
    if as_json:
        print(json.dumps(asdict(outcome), indent=2))
    else:
        _print(outcome, is_dry=dry_run)
    return 1 if outcome.refused else 0


def _run(runtime: Runtime, file: Path, kind: str | None, *, is_dry: bool) -> Outcome:
    title = "looking at the rows" if is_dry else "taking the rows over"
    with file.open("rb") as opened, shown(title, file.stat().st_size) as show:
        given = Given(CountedFile(opened, show), file.name, ImportKind(kind) if kind else None)
        if is_dry:
            return runtime.rehearse(CAUSE, lambda work: imports.look(work, given))
        return runtime.do(CAUSE, lambda work: imports.take(work, given))


def _may(outcome: Outcome, *, yes: bool, as_json: bool) -> bool:
    """Somebody at a terminal is asked; a script is not."""
    if yes or as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    _print(outcome, is_dry=True)
    return click.confirm("Take it over?", err=True)


def _print(outcome: Outcome, *, is_dry: bool) -> None:
    for bad in outcome.bad:
        print(f"line {bad.line}: {bad.field}: {bad.why}")
    for kind, found in outcome.counts.items():
        said = ", ".join(f"{count:,} {status}" for status, count in found.items())
        print(f"{kind}: {said}")
    if outcome.refused:
        say(f"{outcome.refused:,} rows are refused: nothing is taken over")
    elif is_dry or outcome.import_id is None:
        say(
            "nothing was changed"
            + (": this file was taken over before" if outcome.imported_before else "")
        )
    else:
        say(f"taken over as {outcome.import_id}")
