"""What every test may ask for: one PostgreSQL and one Redis for the run, a database for itself.

All workers of a run share the servers; each test that asks gets its own copy of a migrated
template, really committed to, so that triggers, locks and after-commit work are the real ones.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest
import redis
from hypothesis import HealthCheck, settings
from psycopg import sql

from reconciler import embedded
from reconciler.embedded import postgres
from reconciler.migrations_runner import migrate

# Asserts in what several tests share are explained like a test's own.
pytest.register_assert_rewrite(
    "tests.runtime",
    "tests.stories.pages",
    "tests.stories.traps",
    "tests.web.api",
    "tests.web.contract",
)

settings.register_profile("dev", max_examples=50, derandomize=True, deadline=None)
settings.register_profile("ci", max_examples=300, derandomize=True, deadline=None, print_blob=True)
settings.register_profile(
    "nightly", max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.getenv("HYPOTHESIS_PROFILE", "dev"))

TEMPLATE = "migrated_template"
SERVERS_DIR = pytest.StashKey[Path]()
_numbers = count(1)


@dataclass(frozen=True)
class Servers:
    """The run's servers, with the one login that may make databases."""

    endpoints: embedded.Endpoints
    redis_url: str

    def url(self, role: str, database: str) -> str:
        """How `role` reaches `database`."""
        place = self.endpoints.app_url.split("?", 1)[1]
        return f"postgresql+psycopg://{role}@/{database}?{place}"

    def run(self, *statements: sql.Composed) -> None:
        """As superuser, outside any database that a test uses."""
        with _connect(self.url("postgres", "postgres")) as server:
            for statement in statements:
                server.execute(statement)


def pytest_configure(config: pytest.Config) -> None:
    shared = getattr(config, "workerinput", {}).get("servers_dir")
    config.stash[SERVERS_DIR] = Path(shared or tempfile.mkdtemp(prefix="reconciler-tests-"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    node.workerinput["servers_dir"] = str(node.config.stash[SERVERS_DIR])


def pytest_unconfigure(config: pytest.Config) -> None:
    folder = config.stash.get(SERVERS_DIR, None)
    if folder is None or hasattr(config, "workerinput"):
        return  # a worker's hold ends with it; who started the workers tidies up
    if embedded.stop(folder):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Servers:
    folder = pytestconfig.stash[SERVERS_DIR]
    endpoints = embedded.ensure_postgres(folder, durable=False)
    found = Servers(endpoints, embedded.ensure_redis(folder))
    with (folder / "template.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not (folder / "template.made").exists():
            _make_template(found)
            (folder / "template.made").touch()
    return found


@pytest.fixture
def database(servers: Servers, worker_id: str) -> Iterator[str]:
    """The name of a database of this test's own, migrated and empty."""
    yield from _copy(servers, worker_id)


@pytest.fixture(scope="module")
def module_database(servers: Servers, worker_id: str) -> Iterator[str]:
    """The same for a whole module, where its tests only read or do not mind each other."""
    yield from _copy(servers, worker_id)


@pytest.fixture
def database_url(servers: Servers, database: str) -> str:
    """The application's login: it owns nothing."""
    return servers.url(postgres.APP, database)


@pytest.fixture
def owner_url(servers: Servers, database: str) -> str:
    """The login that owns the tables, for migrations."""
    return servers.url(postgres.OWNER, database)


@pytest.fixture(scope="module")
def module_database_url(servers: Servers, module_database: str) -> str:
    """The application's login to the module's database."""
    return servers.url(postgres.APP, module_database)


@pytest.fixture
def redis_url(servers: Servers, worker_id: str) -> Iterator[str]:
    """An empty Redis that no other worker of the run touches."""
    number = 0 if worker_id == "master" else int(worker_id.removeprefix("gw")) % 16
    url = servers.redis_url.replace("db=0", f"db={number}")
    with redis.Redis.from_url(url) as line:
        line.flushdb()
        yield url
        line.flushdb()


def _make_template(servers: Servers) -> None:
    owner, template = sql.Identifier(postgres.OWNER), sql.Identifier(TEMPLATE)
    servers.run(sql.SQL("create database {} owner {}").format(template, owner))
    with _connect(servers.url("postgres", TEMPLATE)) as server:
        postgres.grant(server, TEMPLATE)
    migrate(servers.url(postgres.OWNER, TEMPLATE), servers.url(postgres.APP, TEMPLATE))


def _copy(servers: Servers, worker_id: str) -> Iterator[str]:
    name = f"test_{worker_id}_{next(_numbers)}"
    database, template = sql.Identifier(name), sql.Identifier(TEMPLATE)
    owner, app = sql.Identifier(postgres.OWNER), sql.Identifier(postgres.APP)
    servers.run(
        sql.SQL("create database {} template {} owner {}").format(database, template, owner),
        # What a role may do with a database is not copied with it.
        sql.SQL("revoke all on database {} from public").format(database),
        sql.SQL("grant connect, temporary on database {} to {}").format(database, app),
    )
    yield name
    servers.run(sql.SQL("drop database {} with (force)").format(database))


def _connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True)
