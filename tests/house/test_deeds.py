"""Each kind of deed is either done over by `verify --rebuild`, or said not to be of the books."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

from reconciler.services.doing_over import DONE_OVER, NOT_OF_THE_BOOKS

ROOT = Path(__file__).parents[2]


class Module:
    """The source of a module, in which actions are noted."""

    def __init__(self, path: Path) -> None:
        self.name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        self.tree = ast.parse(path.read_text())
        self.functions = [n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef)]

    def noted(self) -> Iterator[str]:
        """Every action that is handed to `audit.note`."""
        for function in self.functions:
            for call in calls_of(function, "note"):
                yield from self.said(call.args[1], function)

    def said(self, node: ast.expr, function: ast.FunctionDef) -> Iterator[str]:
        """All that an expression within a function may be."""
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.IfExp(body=one, orelse=other):
                yield from self.said(one, function)
                yield from self.said(other, function)
            case ast.Attribute(value=ast.Name(id=module), attr=name):
                held = getattr(importlib.import_module(self.name), module, None)
                found = [getattr(held, name)] if held else list(self.fields(name))
                assert found, f"nobody can tell what {self.name} notes as {module}.{name}"
                yield from found
            case ast.Name(id=name):
                found = [*self.assigned(name, function), *self.handed(name, function)]
                assert found, f"nobody can tell what {self.name} notes as {name}"
                yield from found
            case _:
                raise AssertionError(f"nobody can tell what {self.name} notes: {ast.dump(node)}")

    def fields(self, name: str) -> Iterator[str]:
        """What a field of a value is in any value that the module holds."""
        for held in vars(importlib.import_module(self.name)).values():
            if isinstance(found := getattr(held, name, None), str):
                yield found

    def assigned(self, name: str, function: ast.FunctionDef) -> Iterator[str]:
        """What a name of the function is set to."""
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
                yield from self.said(node.value, function)

    def handed(self, name: str, function: ast.FunctionDef) -> Iterator[str]:
        """What the function's callers hand over as this argument."""
        names = [argument.arg for argument in function.args.args]
        for caller in self.functions if name in names else ():
            for call in calls_of(caller, function.name):
                if len(call.args) > names.index(name):
                    yield from self.said(call.args[names.index(name)], caller)


def calls_of(function: ast.FunctionDef, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="audit"), attr=called)):
                if called == name:
                    yield node
            case ast.Call(func=ast.Name(id=called)) if called == name:
                yield node


def all_noted() -> dict[str, str]:
    """Each action in the program, and a module that notes it."""
    found = {}
    for path in sorted((ROOT / "reconciler").rglob("*.py")):
        module = Module(path)
        found |= dict.fromkeys(module.noted(), module.name)
    return found


def test_every_deed_is_done_over_or_said_not_to_be_of_the_books() -> None:
    noted = all_noted()
    assert len(noted) > 80
    known = DONE_OVER.keys() | NOT_OF_THE_BOOKS.keys()
    untold = {action: module for action, module in noted.items() if action not in known}
    assert untold == {}, "say in reconciler/services/doing_over.py how each is done again"
    assert sorted(known - noted.keys()) == [], "nobody does these any more"
    assert sorted(DONE_OVER.keys() & NOT_OF_THE_BOOKS.keys()) == []


def test_a_deed_that_nobody_knows_is_noticed(tmp_path: Path) -> None:
    source = """
def give_away(work):
    _say(work, "money.given_away")

def _say(work, action):
    name = "money.lent" if work.now else action
    audit.note(work, action, "x")
    audit.note(work, name, "x")
"""
    path = ROOT / "reconciler" / "nowhere.py"
    module = object.__new__(Module)
    module.name, module.tree = path.stem, ast.parse(source)
    module.functions = [n for n in ast.walk(module.tree) if isinstance(n, ast.FunctionDef)]
    assert set(module.noted()) == {"money.given_away", "money.lent"}
