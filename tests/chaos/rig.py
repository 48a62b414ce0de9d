"""A reconciler of real processes for tests that break them: servers, web, workers, clock, sandbox.

The commands are those that `./run` starts. Each process is held by its Popen, killed by its number
only, and started again by `tend`, which every wait here calls. Starting happens in the main thread
alone: the kernel ends a child when the thread that made it is gone.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
import redis
import requests

from reconciler import embedded
from reconciler.cli import up
from reconciler.embedded.postgres import APP, OWNER
from reconciler.migrations_runner import migrate
from reconciler.settings import Secret, Settings
from reconciler.supervisor import Command, _DieWithParent

ROOT = Path(__file__).parents[2]
KEY = "sk_test_sandbox"
WEBHOOK_SECRET = "whsec_chaos"
PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.05
NOWHERE = "unix:///nonexistent/redis.sock"
TEMPLATE = "chaos_template"
LOOKS = "looks"  # what a line of ours calls itself, so that nobody kills it for one of the program
ALL = ("sandbox", "web", "money", "books-1", "books-2", "clock", "clock-2")

_UNFINISHED = """select count(*) filter (where o.seq is null) as new,
    count(*) filter (where o.status = 'pending') as pending,
    count(*) filter (where o.status = 'parked') as parked,
    count(*) filter (where o.status = 'failed') as failed
  from inbox_event e left join inbox_outcome o on o.seq = e.seq where e.quarantine is null"""


@dataclass
class Stores:
    """A durable PostgreSQL and a Redis of our own, each under a keeper of its own."""

    folder: Path
    postgres: embedded.Endpoints
    redis_url: str
    _made: int = 0
    _lines: dict[str, psycopg.Connection] = field(default_factory=dict)

    def url(self, role: str, database: str) -> str:
        """How `role` reaches `database`."""
        return f"postgresql+psycopg://{role}@/{database}?{self.postgres.app_url.split('?', 1)[1]}"

    def query(self, statement: str, database: str = "postgres", *values: object) -> list:
        """Run one statement as superuser.

        The line is kept for the next one, for whoever waits asks twenty times a second. One that
        broke meanwhile is no news: then it is asked through another.
        """
        kept = self._lines.pop(database, None)
        if kept is not None:
            with suppress(psycopg.OperationalError):
                return self._asked(kept, statement, database, values)
        return self._asked(self._line(database), statement, database, values)

    def _asked(
        self, line: psycopg.Connection, statement: str, database: str, values: Sequence[object]
    ) -> list:
        try:
            found = line.execute(statement, values)
            rows = found.fetchall() if found.description else []
        except BaseException:
            line.close()
            raise
        if self._lines.setdefault(database, line) is not line:
            line.close()  # two threads asked at once
        return rows

    def _line(self, database: str) -> psycopg.Connection:
        url = self.url("postgres", database).replace("+psycopg", "", 1)
        return psycopg.connect(url, autocommit=True, application_name=LOOKS)

    def hang_up(self) -> None:
        """Close the lines that were kept."""
        while self._lines:
            self._lines.popitem()[1].close()

    def new_database(self) -> str:
        """A migrated, empty database; gives its name."""
        if not self.query("select 1 from pg_database where datname = %s", "postgres", TEMPLATE):
            self.query(f"create database {TEMPLATE} owner {OWNER}")
            migrate(self.url(OWNER, TEMPLATE), self.url(APP, TEMPLATE))
        self._made += 1
        name = f"chaos_{self._made}"
        self.query(f"create database {name} template {TEMPLATE} owner {OWNER}")
        return name

    def backends(self, database: str) -> list[int]:
        """The processes that serve the database's clients, ours left out."""
        found = self.query(
            """select pid from pg_stat_activity where datname = %s and backend_type =
            'client backend' and application_name <> %s""",
            "postgres",
            database,
            LOOKS,
        )
        return [pid for (pid,) in found]

    def postmaster(self) -> int:
        """The database server's first process."""
        return int((self.folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])

    def postmaster_answers(self) -> bool:
        """Whether PostgreSQL takes a login."""
        with suppress(psycopg.OperationalError, OSError), self._line("postgres"):
            return True
        return False

    def redis_pid(self) -> int:
        """The Redis server's process."""
        with redis.Redis.from_url(self.redis_url) as line:
            return int(line.info("server")["process_id"])

    def redis_answers(self) -> bool:
        """Whether Redis is there, and has read its file again."""
        with suppress(redis.ConnectionError), redis.Redis.from_url(self.redis_url) as line:
            return bool(line.ping())
        return False

    def flush(self) -> None:
        """Empty Redis."""
        with redis.Redis.from_url(self.redis_url) as line:
            line.flushall()

    @contextmanager
    def down(self, pid: int) -> Iterator[None]:
        """Kill this server; its keeper starts it again when the block ends, not before."""
        keeper, orphans = _parent(pid), children_of(pid)
        os.kill(keeper, signal.SIGSTOP)
        try:
            os.kill(pid, signal.SIGKILL)
            # A backend that has not yet noticed answers, and durably: only then is all down.
            ends = time.monotonic() + PATIENCE_SECONDS
            while any(_runs(orphan) for orphan in orphans):
                assert time.monotonic() < ends, "a backend outlives its server"
                time.sleep(LOOK_SECONDS / 5)
            yield
        finally:
            os.kill(keeper, signal.SIGCONT)


@contextmanager
def stores(folder: Path) -> Iterator[Stores]:
    """Both servers, for as long as the block lasts."""
    made: Stores | None = None
    try:
        made = Stores(folder, embedded.ensure_postgres(folder), embedded.ensure_redis(folder))
        # Every crash is followed by a sync of each file there is, unless told otherwise.
        made.query("alter system set recovery_init_sync_method = 'syncfs'")
        made.query("select pg_reload_conf()")
        yield made
    finally:
        if made is not None:
            made.hang_up()
        assert embedded.stop(folder), "a server was left behind"


@dataclass
class Rig:
    """Our processes over one database. `settings.redis_url` may lead nowhere."""

    stores: Stores
    database: str
    settings: Settings
    commands: dict[str, Command]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    deaths: int = 0
    rest_seconds: Callable[[], float] = float  # how long who died stays away: not at all
    _back_at: dict[str, float] = field(default_factory=dict)

    @property
    def webhook_url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}/webhooks/stripe"

    def start(self, *names: str) -> None:
        """Start these, and from now on again whenever they end."""
        for name in names:
            command = self.commands[name]
            with (self.stores.folder / f"{self.database}-{name}.log").open("ab") as log:
                self.running[name] = subprocess.Popen(
                    command.arguments,
                    env=dict(command.environ),
                    cwd=ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=_DieWithParent(),  # noqa: PLW1509  it calls the kernel only
                )

    def tend(self) -> None:
        """Start again what died, once it has stayed away long enough."""
        for name, process in list(self.running.items()):
            if process.poll() is None:
                continue
            now = time.monotonic()
            if now >= self._back_at.setdefault(name, now + self.rest_seconds()):
                del self._back_at[name]
                _sweep(process)
                self.deaths += 1
                self.start(name)

    def kill(self, name: str) -> bool:
        """`kill -9` on a process of ours; whether it was alive."""
        process = self.running[name]
        is_alive = process.poll() is None
        process.kill()
        return is_alive

    def kill_child(self, name: str) -> bool:
        """`kill -9` on one of its children: a job's, or one that serves requests."""
        children = children_of(self.running[name].pid)
        if not children:
            return False
        with suppress(ProcessLookupError):
            os.kill(random.choice(children), signal.SIGKILL)
        return True

    def stop(self, *names: str) -> None:
        """End these in good order, or all."""
        ending = {name: self.running.pop(name) for name in names or list(self.running)}
        self._back_at.clear()
        for process in ending.values():
            process.terminate()
        for process in ending.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
            _sweep(process)
            process.wait(5)

    def wait_for_web(self) -> None:
        """Until requests are answered, database or not."""
        self.until(lambda: _answers(f"http://127.0.0.1:{self.settings.port}/healthz"))

    def unfinished(self) -> dict[str, int]:
        """Stored events that are not done, by what they wait for."""
        (row,) = self.stores.query(_UNFINISHED, self.database)
        return dict(zip(("new", "pending", "parked", "failed"), row, strict=True))

    def until_drained(self, seconds: float = PATIENCE_SECONDS) -> float:
        """Wait until every event is in the books; gives how long that took."""
        began = time.monotonic()
        self.until(lambda: not any(self.unfinished().values()), seconds)
        return time.monotonic() - began

    def until(self, is_so: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait, tending the processes."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.tend()
            with suppress(psycopg.OperationalError, redis.RedisError, OSError):
                if is_so():
                    return
            time.sleep(LOOK_SECONDS)
        raise AssertionError(f"it did not become so in {seconds:.0f} s; {self.report()}")

    def pause(self, seconds: float) -> None:
        """Let time pass, tending the processes."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.tend()
            time.sleep(LOOK_SECONDS)

    def report(self) -> str:
        """What is not done and what the processes said last, for the message of a failure."""
        logs = sorted(self.stores.folder.glob(f"{self.database}-*.log"))
        tails = (f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in logs)
        return "\n".join(tails)


@contextmanager
def rig(stores: Stores, *, workers: int = 2, has_redis: bool = True) -> Iterator[Rig]:
    """A reconciler over an empty database; nothing of it runs yet."""
    stores.flush()
    database = stores.new_database()
    folder = stores.folder / database
    folder.mkdir()
    settings = Settings(
        database_url=stores.url(APP, database),
        redis_url=stores.redis_url if has_redis else NOWHERE,
        port=free_port(),
        data_dir=folder,
        secret_key=Secret("x" * 48),
        stripe_secret_key=Secret(KEY),
        stripe_webhook_secrets=(Secret(WEBHOOK_SECRET),),
        stripe_api_base=f"http://127.0.0.1:{free_port()}",
        worker_processes=workers,
        web_processes=1,
    )
    made = Rig(stores, database, settings, commands_for(settings))
    try:
        yield made
    finally:
        made.stop()


def with_redis(rig: Rig) -> None:
    """From the next start on, processes are told of the Redis that is there."""
    rig.settings = replace(rig.settings, redis_url=rig.stores.redis_url)
    rig.commands = commands_for(rig.settings)


def commands_for(settings: Settings) -> dict[str, Command]:
    """What `./run` would start, with a second clock."""
    commands = {c.name: c for c in up._commands(settings, with_sandbox=True)}
    return {**commands, "clock-2": commands["clock"]}


def say(text: str) -> None:
    """A figure, shown with `-s` or beside a failure."""
    sys.stdout.write(f"{text}\n")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    with suppress(requests.RequestException):
        return requests.get(url, timeout=2).status_code == 200
    return False


def _sweep(process: subprocess.Popen[bytes]) -> None:
    """End what a process of ours left in its group, which has its number."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _stat(pid: int) -> list[str]:
    """What the kernel tells of a process, from its state on (proc_pid_stat(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def _parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _runs(pid: int) -> bool:
    with suppress(OSError):
        return _stat(pid)[0] not in {"Z", "X"}
    return False


def children_of(pid: int) -> list[int]:
    """The processes that a process has started and that still live."""
    with suppress(OSError):
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []
