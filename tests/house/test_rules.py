"""What no linter knows of this house's rules: sizes, names, and who may do what."""

import ast
import re
from pathlib import Path

import pytest

from tests.house.source import PACKAGES, ROOT, called_names, functions, modules, ours

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50

NOTHING_NAMES = re.compile(
    r"utils?|helpers?|common|misc|.*[mM]anager|.*[pP]rocessor|(handle|process|do)_.*"
)
TRANSACTIONS = {"reconciler/runtime.py", "reconciler/migrations_runner.py"}
HISTORY = "migrations/versions/"
ENDLESS = {"jobs/clock.py"}
MACHINE_PATH = re.compile(r"(?<![\w.])/(root|home|work|farm|Users)/\w")
CHECKS = {"raises", "warns", "fail", "deprecated_call", "AssertionError"}


def test_files_can_be_read_in_one_sitting() -> None:
    python = {str(p.relative_to(ROOT)): p for p in ours() if p.suffix == ".py"}
    # A migration is history, written once; it is not a file that people work in.
    found = {n: _lines(p.read_text()) for n, p in python.items() if not n.startswith(HISTORY)}
    assert {name: count for name, count in found.items() if count > FILE_LINES_MAX} == {}


def test_functions_fit_a_screen() -> None:
    found = functions(*PACKAGES, "tests", "wsgi.py")
    assert [where for where, f in found if _length(f) > FUNCTION_LINES_MAX] == []


def test_every_test_checks_something() -> None:
    checkers = _checkers()
    tests = [pair for pair in functions("tests") if pair[1].name.startswith("test_")]
    assert tests
    assert [where for where, f in tests if not _checks(f, checkers)] == []


def test_the_rule_about_tests_sees_an_empty_one() -> None:
    empty, full = ast.parse("def test_a():\n  go()\ndef test_b():\n  assert go()").body
    assert not _checks(empty, set())
    assert _checks(empty, {"go"})
    assert _checks(full, set())


def test_a_loop_says_where_it_stops() -> None:
    endless = [
        f"{name}:{node.lineno}"
        for name, module in modules(*PACKAGES, "wsgi.py")
        for node in ast.walk(module)
        if isinstance(node, ast.While) and isinstance(node.test, ast.Constant)
        if name not in ENDLESS
    ]
    assert endless == []


def test_transactions_begin_and_end_in_one_file() -> None:
    found = [
        f"{name}:{node.lineno}"
        for name, module in modules(*PACKAGES, "wsgi.py")
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr in {"commit", "begin"} and name not in TRANSACTIONS
    ]
    assert found == []


def test_names_say_something() -> None:
    named = [
        (f"{name}:{node.lineno}", node.name)
        for name, module in modules(*PACKAGES)
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    files = [(name, part) for name, _ in modules(*PACKAGES) for part in _parts(name)]
    assert [pair for pair in named + files if NOTHING_NAMES.fullmatch(pair[1])] == []


def test_nothing_speaks_of_one_persons_machine() -> None:
    assert [str(path.relative_to(ROOT)) for path in ours() if _speaks_of_a_machine(path)] == []


@pytest.mark.parametrize("name", ["run", "test", ".ci/run"])
def test_the_three_commands_can_be_run(name: str) -> None:
    assert (ROOT / name).stat().st_mode & 0o111 == 0o111


def _lines(text: str) -> int:
    return text.count("\n")


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def _parts(name: str) -> list[str]:
    return name.removesuffix(".py").split("/")


def _checkers() -> set[str]:
    """Names of the functions beside the tests that check for them, at however many removes."""
    beside = [f for _, f in functions("tests") if not f.name.startswith("test_")]
    known: set[str] = set()
    for _ in range(5):
        known |= {f.name for f in beside if _checks(f, known)}
    return known


def _checks(node: ast.AST, checkers: set[str]) -> bool:
    is_assertion = any(isinstance(part, ast.Assert) for part in ast.walk(node))
    return is_assertion or bool(called_names(node) & (CHECKS | checkers))


def _speaks_of_a_machine(path: Path) -> bool:
    try:
        return bool(MACHINE_PATH.search(path.read_text(encoding="utf-8")))
    except UnicodeDecodeError:
        return False
