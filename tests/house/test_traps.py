"""The list of traps has no gap: each number leads to a story that is told, and says what it is."""

import ast
import re
from collections.abc import Iterator

from tests.house.source import modules

LAST = 108
NAME = re.compile(r"(\d{2,3})-[a-z0-9-]+")
# Bank transfers: money that lies in a customer's balance at the rail is not taken in.
NOT_TAKEN_IN = {31, 32}


def test_every_number_leads_to_a_story() -> None:
    told = {int(found.group(1)) for found in map(NAME.fullmatch, _names()) if found}
    assert told >= set(range(1, LAST + 1)) - NOT_TAKEN_IN
    assert told & NOT_TAKEN_IN == set()
    assert max(told) == LAST


def test_no_name_is_given_twice() -> None:
    names = list(_names())
    assert sorted(names) == sorted(set(names))


def test_every_list_of_traps_is_told() -> None:
    kept = {(name, target.id) for name, node in _assignments() for target in node}
    assert kept
    assert kept - set(_parameters()) == set()


def _stories() -> Iterator[tuple[str, ast.AST]]:
    for name, module in modules("tests/stories"):
        for node in ast.walk(module):
            yield name, node


def _names() -> Iterator[str]:
    """What each trap is called: the first word of `@traps.add(…)`, `told_after(…)`, `@trap(…)`."""
    for _, node in _stories():
        is_named = isinstance(node, ast.Call) and ast.unparse(node.func) in _NAMING
        if is_named and node.args and isinstance(node.args[0], ast.Constant):
            yield str(node.args[0].value)


_NAMING = {"traps.add", "alone.add", "trap", "told_after"}


def _assignments() -> Iterator[tuple[str, list[ast.Name]]]:
    """The variables of each file that hold traps."""
    for name, node in _stories():
        if isinstance(node, ast.Assign) and "Traps()" in ast.unparse(node.value):
            target = node.targets[0]
            both = target.elts if isinstance(target, ast.Tuple) else [target]
            yield name, [one for one in both if isinstance(one, ast.Name)]


def _parameters() -> Iterator[tuple[str, str]]:
    """Those that a test is given one by one."""
    for name, node in _stories():
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.parametrize":
            yield name, ast.unparse(node.args[1])
