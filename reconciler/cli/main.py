"""The `reconciler` command: the tree of commands, and how what goes wrong becomes an exit code.

0 is fine; 1 is "found something wrong", by a command that looks for it; 2 is wrong usage, and
whatever kept the command from doing its work.
"""

import importlib
import sys
from collections.abc import Mapping, Sequence

import click
from typing_extensions import override

from reconciler.embedded import DidNotStart
from reconciler.errors import ReconcilerError
from reconciler.logs import set_up_logs
from reconciler.settings import SettingsError

EXIT_FINE, EXIT_FOUND, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130

# Loaded when asked for: `up` must not wait for what only `demo` needs.
COMMANDS: Mapping[str, str] = {
    "api-key": "reconciler.cli.people:api_key",
    "backfill": "reconciler.cli.reconciling:backfill",
    "demo": "reconciler.cli.demo:demo",
    "export": "reconciler.cli.books:export",
    "import": "reconciler.cli.importing:import_",
    "migrate": "reconciler.cli.books:migrate",
    "reconcile": "reconciler.cli.reconciling:reconcile",
    "replay": "reconciler.cli.books:replay",
    "restore": "reconciler.cli.restores:restore",
    "statement": "reconciler.cli.statements:statement",
    "tie-out": "reconciler.cli.reconciling:tie_out",
    "up": "reconciler.cli.main:start",
    "user": "reconciler.cli.people:user",
    "verify": "reconciler.cli.books:verify",
}


class _Tree(click.Group):
    """Commands by name, imported one at a time."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        found = getattr(importlib.import_module(module), name)
        assert isinstance(found, click.Command), f"{COMMANDS[cmd_name]} is no command"
        return found


@click.group(cls=_Tree, context_settings={"help_option_names": ["-h", "--help"]})
def tree() -> None:
    """Ties a payment processor's events to invoices and deposits, and keeps the books.

    Every command reads the environment (see .env.example). Where DATABASE_URL and REDIS_URL are
    not set, it uses the same embedded servers as ./run in the same folder.

    Exit codes: 0 fine; 1 found something wrong; 2 wrong usage, or it could not be done.
    """


@click.command("up")
@click.option("--demo", is_flag=True, help="Also load the sample books, against the sandbox.")
def start(*, demo: bool) -> int:
    """Start everything, and stay until Ctrl-C.

    Starts the database and the queue if none is named, migrates, makes the first admin, and
    runs web, workers and clock, each started again if it dies.
    """
    from reconciler.cli.up import up  # noqa: PLC0415  most commands start nothing

    return up(demo=demo)


def main() -> None:
    """The program."""
    set_up_logs()  # to the error stream: what a command prints may be piped on
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Do what the arguments say; the exit code."""
    try:
        answer = tree.main(list(arguments), prog_name="reconciler", standalone_mode=False)
    except click.ClickException as problem:
        problem.show()
        return EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except (SettingsError, DidNotStart, ReconcilerError) as problem:
        print(problem, file=sys.stderr)
        return EXIT_USAGE
    return answer if isinstance(answer, int) else EXIT_FINE
