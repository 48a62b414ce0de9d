"""The tree of commands: every level has help, and what goes wrong has its exit code."""

import re
from pathlib import Path

import click
import pytest

from reconciler.cli.main import COMMANDS, run as run_here, tree
from tests.cli.conftest import run


def _levels() -> list[list[str]]:
    context = click.Context(tree)
    levels: list[list[str]] = [[]]
    for name in tree.list_commands(context):
        levels.append([name])
        command = tree.get_command(context, name)
        if isinstance(command, click.Group):
            levels += [[name, below] for below in command.list_commands(context)]
    return levels


@pytest.mark.parametrize("level", _levels(), ids=" ".join)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_level_has_help(level: list[str], flag: str, capsys) -> None:
    assert run_here([*level, flag]) == 0
    said = capsys.readouterr().out
    assert said.startswith(" ".join(["Usage: reconciler", *level]))
    assert len(said.splitlines()) > 4


def test_every_command_of_the_public_interface_is_there() -> None:
    assert set(COMMANDS) >= {
        "up", "migrate", "user", "api-key", "replay", "verify", "export", "demo",
    }  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nothing"],
        ["verify", "--bogus"],
        ["verify", "more"],
        ["export"],
        ["export", "journal"],
        ["export", "journal", "--format", "xls"],
        ["export", "secrets", "--format", "csv"],
        ["export", "invoices", "--format", "beancount"],
        ["export", "journal", "--format", "csv", "--since", "tomorrow"],
        ["export", "journal", "--format", "csv", "--since", "2026-11-22", "--until", "2026-11-22"],
        ["replay"],
        ["replay", "evt_1", "--failed"],
        ["replay", "evt_1", "--since", "2026-11-22"],
        ["replay", "--since", "22.11.2026"],
        ["user", "create"],
        ["api-key", "create", "--name", "x", "--scope", "all"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2_and_says_how_it_goes(arguments: list[str], capsys) -> None:
    assert run_here(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Usage: reconciler")


@pytest.mark.thorough
def test_a_bad_setting_is_one_line_and_2(tmp_path: Path) -> None:
    ended = run("verify", RECONCILER_DATA_DIR=str(tmp_path), PORT="eight")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(r"PORT is not usable: .*\n", ended.stderr)


def test_a_folder_without_books_is_said_so_and_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "nothing"
    ended = run("verify", RECONCILER_DATA_DIR=str(place))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "holds no books yet" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not place.exists()


@pytest.mark.thorough
def test_a_database_out_of_reach_is_one_line_and_2(tmp_path: Path) -> None:
    ended = run(
        "verify",
        RECONCILER_DATA_DIR=str(tmp_path),
        DATABASE_URL="postgresql://nobody@127.0.0.1:1/none",
        REDIS_URL="redis://127.0.0.1:1/0",
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "the database is out of reach\n"
