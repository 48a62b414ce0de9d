"""Where benchmarks take place: PostgreSQL, Redis, and our processes as `./run` starts them.

Everything lives in one folder. Given again, a folder brings back the books that were made in it.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import psycopg

from benchmarks.costs import processor_seconds
from reconciler import embedded
from reconciler.cli.up import web_command
from reconciler.embedded import postgres
from reconciler.migrations_runner import migrate
from reconciler.runtime import Runtime
from reconciler.settings import load_settings
from reconciler.store.inbox_rows import INSERT_COLUMNS, IS_NEW

ROOT = Path(__file__).resolve().parent.parent
SECRET = "whsec_benchmark_0123456789abcdef"  # noqa: S105  signs only what benchmarks send
CUSTOMERS = 1_000
MEGABYTE = 1_024  # kilobytes, as /proc counts
END_SECONDS_MAX = 30  # longer than the web server gives its requests
# Of payments that were sent, and of those that an invoice was made for and time ran out.
_NEXT_NUMBER = """select 1 + greatest(
    (select coalesce(max(substr(rail_event_id, 5, 18)::bigint), -1) from inbox_event),
    (select coalesce(max(substr(number, 5)::bigint), -1) from invoice where id like 'inv_b%%'))"""


@dataclass
class Bench:
    """The servers and processes of one run."""

    owner_url: str
    app_url: str
    environ: dict[str, str]
    port: int
    number: int = 0

    def numbers(self, count: int) -> range:
        """Payments that were never used before."""
        begins = self.number
        self.number += count
        return range(begins, self.number)

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """One statement as the owner."""
        with psycopg.connect(plain(self.owner_url), autocommit=True) as line:
            cursor = line.execute(statement, values)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def stage(folder: Path) -> Iterator[Bench]:
    """The servers, running until the end of the block."""
    try:
        yield _set_up(folder)
    finally:
        embedded.stop(folder)


def _set_up(folder: Path) -> Bench:
    endpoints = embedded.ensure_postgres(folder)
    redis_url = embedded.ensure_redis(folder)
    migrate(endpoints.owner_url, endpoints.app_url)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {
        **{k: os.environ[k] for k in ("PATH", "HOME", "LANG") if k in os.environ},
        "DATABASE_URL": endpoints.app_url.replace("postgresql+psycopg", "postgresql"),
        "REDIS_URL": redis_url,
        "RECONCILER_SECRET_KEY": "benchmark " * 4,
        "RECONCILER_DATA_DIR": str(folder),
        "STRIPE_SECRET_KEY": "sk_test_benchmark",
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "STRIPE_API_BASE": "http://127.0.0.1:9",  # nobody answers: the rail is not measured
        "PORT": str(port),
    }
    bench = Bench(endpoints.owner_url, endpoints.app_url, environ, port)
    bench.number = int(str(bench.sql(_NEXT_NUMBER)[0][0]))
    return bench


def runtime_of(bench: Bench) -> Runtime:
    """A runtime over the books of a benchmark, in this process."""
    return Runtime.from_settings(load_settings(bench.environ).checked_for_work())


def rest(bench: Bench) -> None:
    """Do now what PostgreSQL has put off, so that it does not do it while something is measured.

    What has just been loaded, migrated or copied is due for vacuum, for statistics and to be
    written back: for minutes, on a core of its own. Books that grew day by day are spared that.
    """
    as_superuser = plain(bench.owner_url).replace(postgres.OWNER, "postgres", 1)
    with psycopg.connect(as_superuser, autocommit=True) as line:
        line.execute("vacuum (analyze)")
        line.execute("checkpoint")


def drained(bench: Bench, *, minutes: float = 1) -> None:
    """Wait until every event was applied. Ends the program after so many minutes."""
    asked = f"select exists (select 1 from inbox_event e where {IS_NEW})"  # noqa: S608
    # One connection for all looks: a new one each time would be a load of its own.
    with psycopg.connect(plain(bench.owner_url), autocommit=True) as line:
        for _ in range(int(minutes * 1_200)):
            if line.execute(asked).fetchone() == (False,):
                return
            time.sleep(0.05)
    raise SystemExit("the inbox was not drained in time")


def invoices(bench: Bench, numbers: range, *, at: datetime | None = None) -> None:
    """A sent invoice for each payment, as of then or now, so that each finds its match."""
    made = at or datetime.now(UTC)
    bench.sql(
        """insert into customer (id, name, created_at)
        select 'cus_b' || n, 'Customer ' || n, %s from generate_series(0, %s - 1) n
        on conflict do nothing""",
        made, CUSTOMERS,
    )  # fmt: skip
    bench.sql(
        """insert into invoice (id, number, customer_id, currency, total, state, created_at)
        select 'inv_b' || n, 'INV-' || lpad(n::text, 10, '0'), 'cus_b' || n %% %s, 'USD',
          1000 + n * 7919 %% 250000, 'sent', %s
        from generate_series(%s::bigint, %s::bigint) n""",
        CUSTOMERS, made, numbers[0], numbers[-1],
    )  # fmt: skip


def into_inbox(
    bench: Bench, events: Iterable[dict[str, Any]], *, received_at: datetime | None = None
) -> None:
    """Messages of the rail, by COPY, as if the web processes had kept them then, or now."""
    columns = ", ".join(INSERT_COLUMNS)
    received = received_at.isoformat() if received_at else "now"
    with (
        psycopg.connect(plain(bench.owner_url)) as line,
        line.cursor() as cursor,
        cursor.copy(f"copy inbox_event ({columns}) from stdin") as copy,
    ):
        for event in events:
            row = (
                "stripe", "own", event["id"], event["type"], False, event["api_version"],
                event["data"]["object"]["payment_intent"], event["created"], None, received, "{}",
                json.dumps(event, indent=2).encode(),
            )  # fmt: skip
            copy.write_row(row)


class Processes:
    """The web server and a worker, as the Procfile starts them. None of them outlives the block."""

    def __init__(self, bench: Bench, names: list[str]) -> None:
        commands = {
            "web": [*web_command(port=bench.port, processes=2), "--log-level", "error"],
            "worker": [sys.executable, "-m", "jobs.worker", "books"],
            "clock": [sys.executable, "-m", "jobs.clock"],
        }  # fmt: skip
        self._bench = bench
        self._names = names
        self._commands = [commands[name] for name in names]
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        try:
            for command in self._commands:
                self._running.append(subprocess.Popen(command, cwd=ROOT, env=self._bench.environ))
            if "web" in self._names:
                self._wait_for_web(self._running[self._names.index("web")])
        except BaseException:  # a block that is not entered is not left
            self._end()
            raise
        return self

    def _wait_for_web(self, web: subprocess.Popen[bytes]) -> None:
        for _ in range(300):
            if web.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._bench.port)) == 0:
                    return
            time.sleep(0.1)
        raise SystemExit("the web server did not start")

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            try:
                process.wait(END_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def processor_seconds(self) -> float:
        """What these and the database have used since they began."""
        folder = Path(self._bench.environ["RECONCILER_DATA_DIR"])
        database = int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
        return processor_seconds({database, *(process.pid for process in self._running)})

    def megabytes(self, of: str = "wsgi:app") -> float:
        """The largest resident set among the processes whose command names `of`."""
        sizes = [0.0]
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                command = (entry / "cmdline").read_bytes().decode()
                status = (entry / "status").read_text()
                environ = (entry / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if of in command and f"PORT={self._bench.port}" in environ:
                resident = next(r for r in status.splitlines() if r.startswith("VmRSS"))
                sizes.append(int(resident.split()[1]) / MEGABYTE)
        return max(sizes)


def plain(url: str) -> str:
    """A database's address as psycopg and pgbench take it."""
    return url.replace("postgresql+psycopg", "postgresql")
