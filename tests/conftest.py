"""What every test may ask for: one PostgreSQL and one Redis for the run, a database for itself.

All workers of a run share the servers; each test that asks gets a database that is as a migrated
template, really committed to, so that triggers, locks and after-commit work are the real ones.
"""

import fcntl
import gc
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import pytest
import redis
import structlog
from hypothesis import HealthCheck, settings

from reconciler import embedded
from reconciler.embedded import postgres
from tests.databases import Databases, Servers, make_template
from tests.made_once import keep_what_is_the_same, share_what_is_the_same
from tests.tiers import IS_QUICK

# Asserts in what several tests share are explained like a test's own.
pytest.register_assert_rewrite(
    "tests.browser.hands",
    "tests.runtime",
    "tests.stories.pages",
    "tests.stories.traps",
    "tests.web.api",
    "tests.web.contract",
)

settings.register_profile("quick", max_examples=15, derandomize=True, deadline=None)
settings.register_profile("dev", max_examples=50, derandomize=True, deadline=None)
settings.register_profile(
    "thorough", max_examples=300, derandomize=True, deadline=None, print_blob=True
)
settings.register_profile(
    "nightly", max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.getenv("HYPOTHESIS_PROFILE", "dev"))


# Logs go past what a test reads as the output of a command: another test's thread may write one.
structlog.configure(
    logger_factory=structlog.PrintLoggerFactory(sys.__stderr__), cache_logger_on_first_use=False
)

keep_what_is_the_same()

MEMORY, MEMINFO = Path("/dev/shm"), Path("/proc/meminfo")  # noqa: S108  mkdtemp's folder is ours
ROOM_BYTES = 6 << 30  # several times what a whole run wrote
# Which worker begins with the slow tests of which folder; the third with those of all others.
SLOW_FOLDERS = {"chaos": 0, "browser": 1}
SERVERS_DIR = pytest.StashKey[Path]()
ALIKE = pytest.StashKey[dict[Path, int]]()  # how many of a file's were seen


def pytest_configure(config: pytest.Config) -> None:
    shared = getattr(config, "workerinput", {}).get("servers_dir")
    config.stash[SERVERS_DIR] = Path(
        shared or tempfile.mkdtemp(prefix="reconciler-tests-", dir=_in_memory())
    )
    share_what_is_the_same(config.stash[SERVERS_DIR])


@pytest.hookimpl(tryfirst=True)  # before their order is drawn: it is always the same of them
def pytest_itemcollected(item: pytest.Item) -> None:
    """Of a file's tests that are alike, `./test` takes some: the others are thorough."""
    mark = item.get_closest_marker("sampled")
    if mark is None or not IS_QUICK or item.get_closest_marker("thorough"):
        return
    places = item.config.stash.setdefault(ALIKE, {})
    place = places[item.path] = places.get(item.path, -1) + 1
    if place % mark.args[0]:
        item.add_marker("thorough")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files with slow tests come first: they wait a lot, and would be waited for in the end.

    Each worker begins with a share of the list that is as long as the others', and some of them:
    those of one folder together, for they share a browser or servers of their own.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    shares: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for item in items:
        if item.path in slow:
            shares[SLOW_FOLDERS.get(item.path.parent.name, 2) % workers].append(item)
    quick, left = iter([item for item in items if item.path not in slow]), len(items)
    for place, share in enumerate(shares):  # as many as xdist hands out
        share.extend(islice(quick, max(0, left // (workers - place) - len(share))))
        left -= len(share)
    items[:] = [*chain(*shares), *quick]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is read stays to the end: nobody looks through it for garbage, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    folder = node.config.stash[SERVERS_DIR]
    node.workerinput["servers_dir"] = str(folder)
    # Started here, so that they end here: after the last worker, and waited for.
    _servers(folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    folder = config.stash.get(SERVERS_DIR, None)
    if folder is None or hasattr(config, "workerinput"):
        return  # a worker's hold ends with it; who started the workers tidies up
    if embedded.stop(folder):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Servers:
    return _servers(pytestconfig.stash[SERVERS_DIR])


@pytest.fixture(scope="session")
def databases(pytestconfig: pytest.Config, servers: Servers, worker_id: str) -> Iterator[Databases]:
    folder = pytestconfig.stash[SERVERS_DIR]
    refilling = folder / "refilling.sql"
    with (folder / "template.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not refilling.exists():
            refilling.write_text(make_template(servers))
    made = Databases(servers, worker_id, refilling.read_text())
    yield made
    made.close()


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    """The name of a database of this test's own, migrated and empty."""
    name = databases.take()
    yield name
    databases.give_back(name)


@pytest.fixture(scope="module")
def module_database(databases: Databases) -> Iterator[str]:
    """The same for a whole module, where its tests only read or do not mind each other."""
    name = databases.take()
    yield name
    databases.give_back(name)


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


@pytest.fixture(scope="module")
def module_owner_url(servers: Servers, module_database: str) -> str:
    """The login that owns the module's tables."""
    return servers.url(postgres.OWNER, module_database)


@pytest.fixture(scope="module")
def unmeasured() -> Iterator[None]:
    """For files that repeat what others take every branch of: counting doubles what they cost."""
    counting = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(counting)


@pytest.fixture
def redis_url(servers: Servers, worker_id: str) -> Iterator[str]:
    """An empty Redis that no other worker of the run touches."""
    number = 0 if worker_id == "master" else int(worker_id.removeprefix("gw")) % 16
    url = servers.redis_url.replace("db=0", f"db={number}")
    with redis.Redis.from_url(url) as line:
        line.flushdb()
        yield url
        line.flushdb()


def _in_memory() -> Path | None:
    """Where files need no disk, if there is room for them: nothing of these servers has to last."""
    try:
        room = shutil.disk_usage(MEMORY).free
        available = int(re.search(r"MemAvailable:\s+(\d+) kB", MEMINFO.read_text())[1]) << 10
    except (OSError, TypeError):
        return None
    return MEMORY if min(room, available) >= ROOM_BYTES else None


def _servers(folder: Path) -> Servers:
    return Servers(embedded.ensure_postgres(folder, durable=False), embedded.ensure_redis(folder))
