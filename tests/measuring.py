"""Measures the books while their laws run, and nothing else, so that `./test` stays quick.

    python -m pytest -p tests.measuring

Counting lines costs what runs slowly as much again. The laws of `tests/books` take every branch of
the books by themselves, so only they are counted; what else runs, in any worker, is left alone.
What was counted lies in `.coverage.*`, to be combined. `./test --all` measures all code, otherwise.
"""

import pkgutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import coverage
import pytest

LAWS = Path(__file__).parent / "books"
BOOKS = ["reconciler.books", "reconciler.money"]

assert not any(name.startswith(tuple(BOOKS)) for name in sys.modules), "they are read too early"

_counting = coverage.Coverage(
    source=BOOKS, branch=True, data_suffix=True, config_file=False, messages=False
)
# Definitions are lines too: they count as they are read.
_counting.start()
for _name in BOOKS:
    _module = import_module(_name)
    for _found in pkgutil.iter_modules(getattr(_module, "__path__", ())):
        import_module(f"{_name}.{_found.name}")
_counting.stop()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """A file of laws is read: its tables may call the books already."""
    with _counted(isinstance(collector, pytest.Module) and _is_law(collector)):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """One test: a law is counted unless its file says that it only repeats others."""
    with _counted(_is_law(item) and "unmeasured" not in item.fixturenames):
        return (yield)


def pytest_unconfigure() -> None:
    """What was counted is kept, of each worker in a file of its own."""
    _counting.save()


def _is_law(node: pytest.Collector | pytest.Item) -> bool:
    return node.path.is_relative_to(LAWS)


@contextmanager
def _counted(is_counted: bool) -> Iterator[None]:
    if not is_counted:
        yield
        return
    _counting.start()
    try:
        yield
    finally:
        _counting.stop()
