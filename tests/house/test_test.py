"""What `./test` says in the end, with stand-ins for the programs that it calls."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.house.source import ROOT

PROGRAMS = ("ruff", "lint-imports", "mypy", "coverage", "python")
LAST = "== 3 passed in 1.00s =="


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The script, and programs that all succeed."""
    shutil.copy(ROOT / "test", tmp_path / "test")
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci/set-up").write_text("")
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for name in PROGRAMS:
        _stand_in(tmp_path, name, said=LAST if name == "python" else "")
    return tmp_path


@pytest.mark.parametrize("how", [[], ["--all"], ["--fast"]])
def test_all_well_is_zero(folder: Path, how: list[str]) -> None:
    assert _exit_code(folder, how) == 0


@pytest.mark.parametrize("how", [[], ["--all"], ["--fast"]])
@pytest.mark.parametrize("name", PROGRAMS)
def test_whatever_fails_is_told(folder: Path, name: str, how: list[str]) -> None:
    _stand_in(folder, name, code=3)
    assert _exit_code(folder, how) != 0 or (name == "coverage" and how == ["--fast"])


def test_pytests_own_code_is_kept(folder: Path) -> None:
    _stand_in(folder, "python", code=5)
    assert _exit_code(folder, []) == 5


@pytest.mark.parametrize("how", [[], ["--all"]])
def test_pytests_last_line_is_the_last(folder: Path, how: list[str]) -> None:
    assert _run(folder, how).stdout.splitlines()[-1] == LAST


def _stand_in(folder: Path, name: str, *, code: int = 0, said: str = "") -> None:
    program = folder / ".venv/bin" / name
    # `coverage run -m pytest` is pytest.
    as_pytest = '[ "$1" = run ] && exec python\n' if name == "coverage" else ""
    program.write_text(f"#!/bin/sh\n{as_pytest}echo '{said}'\nexit {code}\n")
    program.chmod(0o755)


def _exit_code(folder: Path, how: list[str]) -> int:
    return _run(folder, how).returncode


def _run(folder: Path, how: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [folder / "test", *how],
        env={"PATH": os.environ["PATH"], "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
