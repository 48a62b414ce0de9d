"""The command that reads a bank's statement."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from reconciler import currencies
from reconciler.books.bank_lines import DayOrder
from reconciler.cli import reach
from reconciler.cli.progress import say, shown
from reconciler.errors import Invalid
from reconciler.services import statement_files, statements
from reconciler.services.statements import Statement
from reconciler.work import Cause

CAUSE = Cause("command", "statement")


@click.group()
def statement() -> None:
    """Bank statements."""


@statement.command("read")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--account", required=True, help="Which bank account; the same name each time.")
@click.option("--currency", help="The account's, where the file names none.")
@click.option(
    "--day-order",
    type=click.Choice([order.value for order in DayOrder]),
    help="Where days such as 03/04/2026 can be read two ways.",
)
@click.option("--dry-run", is_flag=True, help="Only say what the file holds.")
@click.option("--json", "as_json", is_flag=True, help="Print an object instead of lines.")
def read(
    *,
    file: Path,
    account: str,
    currency: str | None,
    day_order: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Read a bank's FILE, CSV or camt.053, and tie its lines to payouts and receipts.

    The same file twice adds nothing, nor do lines that an earlier file held. Rows that cannot be
    read are listed, the rest is taken, and the exit code is 1.
    """
    if file.stat().st_size > statement_files.FILE_BYTES_MAX:
        raise Invalid(f"a statement is at most {statement_files.FILE_BYTES_MAX >> 20} MiB")
    given = Statement(
        bank_account=account,
        file_name=file.name,
        body=file.read_bytes(),
        currency=currencies.code(currency) if currency else None,
        day_order=DayOrder(day_order) if day_order else None,
    )
    if dry_run:
        found = statement_files.read(given.body, currency=given.currency, day_order=given.day_order)
        told = {"lines": len(found.lines), "bad": [asdict(one) for one in found.bad]}
    else:
        with reach.opened() as runtime, shown("reading the statement"):
            taken = runtime.do(CAUSE, lambda work: statements.take(work, given))
        told = asdict(taken)
    _print(told, as_json=as_json)
    return 1 if told["bad"] else 0


def _print(told: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(told, indent=2))
        return
    bad = told["bad"]
    assert isinstance(bad, list)
    for row in bad:
        print(f"line {row['number']}: {row['field']} {row['why']}")
    say(
        ", ".join(
            f"{name.replace('_', ' ')} {value}" for name, value in told.items() if name != "bad"
        )
    )
    say(f"{len(bad)} rows could not be read" if bad else "every row could be read")
