"""What is written down about the project is so: its dependencies, its tree, its public words."""

import ast
import importlib
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import ModuleType

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

import reconciler.store
from reconciler.books import accounts, allocations
from reconciler.books.allocations import Claim, Claimed, Offer, Take, Treatment
from reconciler.cli.main import COMMANDS
from reconciler.settings import VARIABLES
from reconciler.work import Task
from tests.house.source import PACKAGES, ROOT, modules, parsed

PAPERS = [
    "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "GLOSSARY.md", "SECURITY.md", "CHANGELOG.md",
    "benchmarks/README.md", "docs/operations.md", "tests/chaos/README.md",
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "decisions").glob("*.md")),
]  # fmt: skip

PUBLIC_WORDS = {
    "invoice status": "draft sent partially_paid paid overdue void refunded",
    "payment status": (
        "processing authorized partially_captured captured partially_refunded refunded disputed"
        " failed canceled"
    ),
    "refund status": (
        "requested approved rejected submitted unknown pending requires_action succeeded failed"
        " canceled manual"
    ),
    "refund reason": ("cancellation partial_scope goodwill duplicate overpayment fraudulent other"),
    "refund treatment": "credit reopen",
    "deposit payment_status": "pending cleared",
    "deposit applied_status": "unapplied partially_applied completed",
    "event status": "pending parked applied ignored quarantined failed",
    "review state": "open resolved",
    "review kind": (
        "unmatched_payment ambiguous_match overpayment currency_mismatch invoice_not_payable"
        " refund_failed external_refund dispute drift manual_refund"
    ),
    "role of a person": "viewer reconciler approver admin",
    "scope of a key": "read write refund admin",
    "source of money by hand": "cash check bank_transfer card_terminal other",
}


@pytest.fixture(scope="module")
def enums() -> list[set[str]]:
    """The values of every enumeration in the core."""
    return [
        {str(member.value) for member in found}
        for module in _modules("reconciler")
        for found in vars(module).values()
        if isinstance(found, type)
        and issubclass(found, Enum)
        and found.__module__ == module.__name__
    ]


@pytest.mark.parametrize("words", PUBLIC_WORDS.values(), ids=list(PUBLIC_WORDS))
def test_every_public_word_is_in_one_enumeration(words: str, enums: list[set[str]]) -> None:
    wanted = set(words.split())
    nearest = max(enums, key=lambda values: (len(values & wanted), -len(values)))
    assert wanted - nearest == set()


@pytest.mark.parametrize("task", list(Task))
def test_every_task_is_a_function_of_jobs(task: Task) -> None:
    module, name = task.value.rsplit(".", 1)
    assert callable(getattr(importlib.import_module(module), name))


def test_the_tables_are_as_the_migrations_make_them(owner_url: str) -> None:
    for _ in _modules("reconciler.store"):
        pass  # each registers its tables
    assert reconciler.store.__name__ == "reconciler.store"
    engine = sa.create_engine(owner_url)
    try:
        with engine.connect() as line:
            opts = {"compare_type": True, "include_object": _is_no_index_of_words}
            context = MigrationContext.configure(line, opts=opts)
            assert compare_metadata(context, SQLModel.metadata) == []
            for index in _indexes_of_words():
                made = sa.text(f"select pg_get_indexdef('{index.name}'::regclass)")
                as_migrated = line.scalar(made)
                index.drop(line)
                index.create(line)
                assert line.scalar(made) == as_migrated
    finally:
        engine.dispose()


def _is_no_index_of_words(what, name, kind, *_) -> bool:
    """Alembic knows no two spellings of one expression; PostgreSQL does: see above."""
    return not (kind == "index" and name.endswith("_words"))


def _indexes_of_words() -> list[sa.Index]:
    indexes = (index for table in SQLModel.metadata.tables.values() for index in table.indexes)
    found = [index for index in indexes if str(index.name).endswith("_words")]
    assert len(found) == 7
    return found


def test_every_file_in_the_architecture_is_there() -> None:
    for paper in ROOT.glob("ARCHITECTURE.md"):
        named = list(_tree(paper.read_text()))
        assert len(named) > 50, "the tree of the architecture could not be read"
        assert [path for path in named if not _is_there(path)] == []


def test_every_module_is_in_the_architecture() -> None:
    for paper in ROOT.glob("ARCHITECTURE.md"):
        named = {path.removesuffix(".py") for path in _tree(paper.read_text())}
        tops = [p for p in (ROOT / "reconciler").iterdir() if not p.name.startswith("__")]
        assert [p.name for p in tops if f"reconciler/{p.stem}" not in named] == []


def test_every_file_of_the_program_is_in_the_architecture() -> None:
    named = {path.removesuffix(".py") for path in _tree((ROOT / "ARCHITECTURE.md").read_text())}
    found = [name.removesuffix(".py") for name, _ in modules(*PACKAGES) if "__init__" not in name]
    assert [name for name in found if name not in named] == []


def test_every_step_of_the_flows_is_a_function_of_its_file() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    steps = re.findall(r"\| `([\w/]+\.py)` \| `([\w.]+)` \|", text)
    assert len(steps) > 30, "the flows of the architecture could not be read"
    assert [step for step in steps if step[1] not in _defined(_place(step[0]))] == []


def test_the_worked_example_comes_out_as_it_is_written() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    row = r"\| (the [\w ]+) \| ([ab]) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|"
    written = [(after, claim, *map(int, rest)) for after, claim, *rest in re.findall(row, text)]
    assert written == list(_paid_twice_and_refunded_once())


@pytest.mark.parametrize("paper", PAPERS)
def test_every_link_leads_somewhere(paper: str) -> None:
    text = (ROOT / paper).read_text()
    links = re.findall(r"\]\(([^)#\s]+)\)", text)
    near = (ROOT / paper).parent
    assert [to for to in links if "://" not in to and not (near / to).exists()] == []


@pytest.mark.parametrize("paper", PAPERS)
def test_every_file_that_a_paper_names_is_there(paper: str) -> None:
    text = (ROOT / paper).read_text()
    named = re.findall(r"`([\w.]+(?:/[\w.]+)*\.(?:py|sql|toml|in|lock))`", text)
    assert [name for name in named if not _known_file(name, near=(ROOT / paper).parent)] == []


def test_every_promise_is_a_test_that_is_named_after_it() -> None:
    readme = (ROOT / "README.md").read_text()
    promised = set(re.findall(r"`test_([0-9_and]+)_…`", readme))
    found = {
        match[1]
        for path in (ROOT / "tests").rglob("test_*.py")
        for match in re.finditer(r"def test_(\d{1,3}(?:_and_\d+)?)_", path.read_text())
    }
    assert len(promised) > 30
    assert promised - found == set(), "the README names tests that are not there"
    rows = re.findall(r"^\| ([\d, ]+) \|", readme.partition("## What is promised")[2], re.MULTILINE)
    told = {number for row in rows for number in row.split(", ")}
    numbers = {number for name in found for number in name.split("_and_")}
    assert numbers - told == set(), "tests are named after promises that the README does not make"


def test_the_readme_explains_every_variable_and_no_other() -> None:
    section = _section("README.md", "Configuration")
    assert re.findall(r"^\| `([A-Z_]+)` \|", section, re.MULTILINE) == list(VARIABLES)


def test_the_readme_books_to_accounts_that_there_are() -> None:
    roles = {role.value for role in accounts.Role}
    table = re.findall(r"^\|.*\|$", _section("README.md", "What is booked"), re.MULTILINE)
    sides = [cell.strip() for row in table[2:] for cell in row.split("|")[2:4]]
    others = {
        "",
        "nothing",
        "the mirror",
        "the mirror of its allocation",
        "the mirror of all of it",
    }
    assert len(sides) > 30
    assert set(sides) - others - roles == set()


@pytest.mark.parametrize("paper", PAPERS)
def test_every_command_that_a_paper_names_is_there(paper: str) -> None:
    text = (ROOT / paper).read_text()
    named = re.findall(r"(?:`|bin/)reconciler ([a-z-]+)", text)
    assert [name for name in named if name not in COMMANDS] == []


def test_every_dependency_has_its_reason_and_its_pin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"].values()
    declared = [*project["project"]["dependencies"], *(name for group in groups for name in group)]
    reasons = (ROOT / "requirements.in").read_text()
    listed = re.findall(r"^([a-z][\w\[\]-]*)", reasons, re.MULTILINE)
    assert sorted(listed) == sorted(declared)
    pinned = set(re.findall(r"^([\w-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert {name.split("[")[0] for name in declared} - pinned == set()


def test_the_extra_for_pdfs_is_pinned_apart_and_as_the_rest_is() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted, main = (_pins(name) for name in ("requirements-pdf.lock", "requirements.lock"))
    assert set(project["project"]["optional-dependencies"]["pdf"]) <= wanted.keys()
    both = wanted.keys() & main.keys()
    assert {name: wanted[name] for name in both} == {name: main[name] for name in both}


def _pins(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w-]+)==([^ ;]+)", (ROOT / name).read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-pdf.lock"])
def test_the_lock_has_a_hash_for_all_and_names_no_host(name: str) -> None:
    lock = (ROOT / name).read_text()
    assert "://" not in lock
    pins = re.split(r"\n(?=\S)", lock.strip())
    assert [pin.split("==")[0] for pin in pins if "--hash=sha256:" not in pin] == []


def _modules(package: str) -> Iterator[ModuleType]:
    start = importlib.import_module(package)
    yield start
    for found in pkgutil.walk_packages(start.__path__, f"{package}."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def _tree(text: str) -> Iterator[str]:
    """The paths that a drawn tree names; several names on a line stand side by side."""
    above: list[str] = []
    for line in text.splitlines():
        drawn = re.match(r"^((?:[│ ] {3})*)[├└]── (.*)$", line)
        if not drawn:
            continue
        depth = len(drawn[1]) // 4
        names = [name.strip().rstrip("/") for name in drawn[2].split("  ")[0].split(", ")]
        above[depth:] = [names[0]]
        for name in names:
            if not re.search(r"[…*]", name):
                yield "/".join([*above[:depth], name])


def _is_there(path: str) -> bool:
    return any(Path(ROOT, path + end).exists() for end in ("", ".py"))


def _place(path: str) -> Path:
    top = path.split("/", maxsplit=1)[0]
    return ROOT / path if top in PACKAGES else ROOT / "reconciler" / path


def _defined(path: Path) -> set[str]:
    """Functions of a file, and methods with their class."""
    names = set()
    for node in parsed(path).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            inside = (part for part in node.body if isinstance(part, ast.FunctionDef))
            names |= {f"{node.name}.{part.name}" for part in inside}
    return names


def _known_file(name: str, *, near: Path) -> bool:
    """From the root, from the core, beside the paper, or anywhere if it is only a name."""
    if any((start / name).exists() for start in (ROOT, ROOT / "reconciler", near)):
        return True
    return "/" not in name and any((ROOT / "reconciler").rglob(name))


def _section(paper: str, title: str) -> str:
    text = (ROOT / paper).read_text()
    found = re.search(rf"^## {title}\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    assert found, f"{paper} has no section {title!r}"
    return found[1]


def _paid_twice_and_refunded_once() -> Iterator[tuple[str, str, int, int, int, int]]:
    """An invoice of 10000, two payments of 10000 for it, then a refund of the first."""
    back = Take(10_000, Treatment.CREDIT)
    held: dict[str, int] = {}
    for after, payments in (
        ("the first payment", {"a": []}),
        ("the second payment", {"a": [], "b": []}),
        ("the refund of the first", {"a": [back], "b": []}),
    ):
        offers: dict[str, Offer] = {}
        for name, takes in payments.items():
            claim = Claim(name, "inv", is_deposit=False, wanted=None)
            offers |= allocations.offers([claim], 10_000, takes, {})
        claims = [Claimed(name, offer, held.get(name, 0)) for name, offer in offers.items()]
        held = allocations.settle_invoice(10_000, claims).amounts
        for name, offer in offers.items():
            yield after, name, offer.gross, offer.credited, offer.net, held[name]
