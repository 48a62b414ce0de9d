"""Books full of stories, and the program run on them."""

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.books.consent import RefundPolicy
from reconciler.cli import demo_steps
from reconciler.cli.demo_steps import APPROVER, ASKER, Story
from reconciler.cli.main import run as run_here
from reconciler.embedded import postgres
from reconciler.rails.stripe.client import StripeApi
from reconciler.sandbox.demo import told_once
from reconciler.settings import inherited_environment
from reconciler.work import Cause
from tests.databases import Databases, Servers
from tests.runtime import Line, Office, line, office, open_office, stripe_api

__all__ = ["line", "office", "stripe_api"]

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("reconciler")
PATIENCE_SECONDS = 120
DEMO = Cause("command", "demo")

Ended = subprocess.CompletedProcess[str]
Command = Callable[..., Ended]


def run(*arguments: str, **environ: str) -> Ended:
    """The program with just these settings."""
    return subprocess.run(
        [str(PROGRAM), *arguments],
        cwd=ROOT,
        env={**inherited_environment(), **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


@pytest.fixture
def given(servers: Servers, tmp_path: Path) -> dict[str, str]:
    """Settings for a command, all but the database."""
    return {"REDIS_URL": servers.redis_url, "RECONCILER_DATA_DIR": str(tmp_path / "var")}


@pytest.fixture
def on(given: dict[str, str], capsys, monkeypatch) -> Callable[[str], Command]:
    """`on(database_url)("verify")` runs a command on a database, in this process: it is quicker."""

    def settle(database_url: str) -> Command:
        def command(*arguments: str, **more: str) -> Ended:
            with monkeypatch.context() as environment:
                for name, value in {**given, "DATABASE_URL": database_url, **more}.items():
                    environment.setenv(name, value)
                capsys.readouterr()
                code = run_here(arguments)
                said = capsys.readouterr()
            return Ended(arguments, code, said.out, said.err)

        return command

    return settle


@pytest.fixture
def process_on(given: dict[str, str]) -> Callable[[str], Command]:
    """The same as a process of its own."""
    return lambda url: lambda *arguments: run(*arguments, DATABASE_URL=url, **given)


@pytest.fixture(scope="session")
def told_database(databases: Databases) -> Iterator[str]:
    """The database of `told`."""
    name = databases.take()
    yield name
    databases.give_back(name)


@pytest.fixture(scope="session")
def told(
    servers: Servers, told_database: str, line: tuple[Line, str], stripe_api: StripeApi
) -> Iterator[Office]:
    """The demo's month, in the books: its events came shuffled, and some of them twice.

    Told once for all tests that only look, or do what must change nothing.
    """
    made = open_office(servers.url(postgres.APP, told_database), line, stripe_api)
    story = Story.read(told_once(made.world))
    assert made.do(lambda work: demo_steps.load_documents(work, story), DEMO)
    dana = made.do(lambda work: demo_steps.ensure_person(work, ASKER), DEMO)
    made.do(demo_steps.take_one_back, Cause("person", dana))
    events = made.world.events(story.first_event)
    queue = [*events, *events[::3]]
    random.Random(7).shuffle(queue)
    assert set(made.deliver(*queue)) == {200}
    made.drain()
    made.do(lambda work: demo_steps.apply_deposits(work, story), DEMO)
    people = [
        made.do(lambda work, who=who: demo_steps.ensure_person(work, who), DEMO)
        for who in (ASKER, APPROVER)
    ]
    policy = RefundPolicy()
    made.do(lambda work: demo_steps.ask_refunds(work, story, policy), Cause("person", people[0]))
    made.do(lambda work: demo_steps.approve_some(work, people[0]), Cause("person", people[1]))
    made.drain()
    late = made.do(lambda work: demo_steps.late_refund(work, people[0]), DEMO)
    since = made.world.events_made()
    made.world.advance_refund(late, "failed", demo_steps.RETURNED)
    made.deliver(*made.world.events(since))
    made.drain()
    yield made
    made.runtime.engine.dispose()


@pytest.fixture
def reconciler(told: Office, on: Callable[[str], Command]) -> Command:
    """Runs a command on the books full of stories."""
    return on(told.runtime.settings.database_url)
