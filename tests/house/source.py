"""The project's own text, read once for the tests of this folder."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("reconciler", "webhooks", "jobs")
NOT_OURS = {".git", ".venv", "var", "node_modules", "dist", "htmlcov"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def ours() -> Iterator[Path]:
    """Every file that is part of the project."""
    for path in sorted(ROOT.rglob("*")):
        inside = path.relative_to(ROOT).parts
        is_cache = any(part in NOT_OURS or part.endswith("cache__") for part in inside)
        if path.is_file() and not is_cache and not _is_tool_cache(inside[0]):
            yield path


def modules(*tops: str) -> Iterator[tuple[str, ast.Module]]:
    """The Python files under `tops` (files or folders), by path, and what is in them."""
    for top in tops:
        start = ROOT / top
        paths = sorted(start.rglob("*.py")) if start.is_dir() else [start]
        for path in paths:
            if path.exists():
                yield str(path.relative_to(ROOT)), parsed(path)


def functions(*tops: str) -> Iterator[tuple[str, Function]]:
    """Every function under `tops`, with `file:line name`."""
    for name, module in modules(*tops):
        for node in ast.walk(module):
            if isinstance(node, Function):
                yield f"{name}:{node.lineno} {node.name}", node


@cache
def parsed(path: Path) -> ast.Module:
    """One file as a tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


def called_names(node: ast.AST) -> set[str]:
    """The last part of the name of everything that is called inside."""
    calls = (call.func for call in ast.walk(node) if isinstance(call, ast.Call))
    return {
        func.attr if isinstance(func, ast.Attribute) else func.id
        for func in calls
        if isinstance(func, ast.Attribute | ast.Name)
    }


def _is_tool_cache(top: str) -> bool:
    return top.startswith(".") and (top.endswith("cache") or top in {".hypothesis", ".venv.lock"})
