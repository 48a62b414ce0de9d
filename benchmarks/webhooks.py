"""`python -m benchmarks.webhooks`: acknowledging and booking, as ratios in one run.

The limit is pgbench committing one durable insert of an event-sized row per transaction, on the
same server, at the same concurrency. Everything alternates, round by round, so that the machine's
moods hit all alike; medians of the rounds are printed. Everything it starts it stops.
"""

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks import senders
from reconciler import embedded
from reconciler.embedded import postgres
from reconciler.migrations_runner import migrate

ROOT = Path(__file__).resolve().parent.parent
SECRET = "whsec_benchmark_0123456789abcdef"  # noqa: S105  signs only what this script sends
CUSTOMER = "cus_benchmark"


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
        with psycopg.connect(_plain(self.owner_url), autocommit=True) as line:
            cursor = line.execute(statement, values)
            return cursor.fetchall() if cursor.description else []


def main() -> None:
    """Measure and print a table, and the figures as one JSON line."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--rounds", type=int, default=3)
    wanted.add_argument("--seconds", type=float, default=5)
    wanted.add_argument("--preload", type=int, default=0, help="payments in the books beforehand")
    wanted.add_argument("--connections", type=int, nargs="+", default=[8, 32])
    asked = wanted.parse_args()
    with tempfile.TemporaryDirectory(prefix="reconciler-bench-") as folder:
        bench = _set_up(Path(folder))
        try:
            if asked.preload:
                _preload(bench, asked.preload)
            _report(_measure(bench, asked), asked)
        finally:
            embedded.stop(Path(folder))


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
    return Bench(endpoints.owner_url, endpoints.app_url, environ, port)


def _measure(bench: Bench, asked: argparse.Namespace) -> dict[str, list[float]]:
    seen: dict[str, list[float]] = {}
    for _ in range(asked.rounds):
        for connections in asked.connections:
            _note(seen, f"limit/{connections}", _pgbench(bench, connections, asked.seconds))
            sent, memory = _acknowledge(bench, connections, asked.seconds)
            _note(seen, f"acknowledged/{connections}", sent.per_second)
            _note(seen, f"p50_ms/{connections}", sent.percentile(0.5))
            _note(seen, f"p99_ms/{connections}", sent.percentile(0.99))
            _note(seen, "web_mb", memory)
        booked, accepted, memory = _end_to_end(bench, 8, asked.seconds)
        _note(seen, "booked/8", booked)
        _note(seen, "accepted_while_booking/8", accepted)
        _note(seen, "worker_mb", memory)
    return seen


def _acknowledge(bench: Bench, connections: int, seconds: float) -> tuple[senders.Sent, float]:
    rendered = senders.requests(bench.numbers(int(3_000 * seconds)), bench.port, SECRET)
    with _Processes(bench, ["web"]) as running:
        sent = senders.send(rendered, bench.port, connections=connections, seconds=seconds)
        return sent, running.megabytes()


def _end_to_end(bench: Bench, connections: int, seconds: float) -> tuple[float, float, float]:
    """Booked a second while webhooks keep coming: sent, joined, matched, double entries posted."""
    numbers = bench.numbers(int(2_000 * seconds))
    _invoices(bench, numbers)
    rendered = senders.requests(numbers, bench.port, SECRET)
    with _Processes(bench, ["web", "worker"]) as running:
        time.sleep(3)  # the worker imports what it needs
        _drained(bench)
        before = _applied(bench)
        begun = time.perf_counter()
        sent = senders.send(rendered, bench.port, connections=connections, seconds=seconds)
        _drained(bench)
        took = time.perf_counter() - begun
        booked = (_applied(bench) - before) / took
        return booked, sent.per_second, running.megabytes("jobs.worker")


def _drained(bench: Bench) -> None:
    for _ in range(1_200):
        rows = bench.sql(
            """select exists (select 1 from inbox_event e
            where e.seq > (select seq from inbox_horizon)
              and not exists (select 1 from inbox_outcome o where o.seq = e.seq))"""
        )
        if not rows[0][0]:
            return
        time.sleep(0.05)
    raise SystemExit("the inbox was not drained within a minute")


def _applied(bench: Bench) -> int:
    return int(str(bench.sql("select count(*) from inbox_outcome where status = 'applied'")[0][0]))


def _invoices(bench: Bench, numbers: range) -> None:
    """A sent invoice for each payment, booked as one, so that each finds its match."""
    bench.sql(
        "insert into customer (id, name, created_at) values (%s, 'Benchmark', now())"
        " on conflict do nothing",
        CUSTOMER,
    )
    bench.sql(
        """insert into invoice (id, number, customer_id, currency, total, state, created_at)
        select 'inv_b' || n, 'INV-' || lpad(n::text, 10, '0'), %s, 'USD',
          1000 + n * 7919 %% 250000, 'sent', now()
        from generate_series(%s::bigint, %s::bigint) n""",
        CUSTOMER, numbers[0], numbers[-1],
    )  # fmt: skip


def _preload(bench: Bench, payments: int) -> None:
    """Books of this many payments, brought in through the inbox as everything else is."""
    print(f"preloading {payments:,} payments", file=sys.stderr)
    step = 20_000
    with _Processes(bench, ["web", "worker"]):
        for begins in range(0, payments, step):
            numbers = bench.numbers(min(step, payments - begins))
            _invoices(bench, numbers)
            rendered = senders.requests(numbers, bench.port, SECRET)
            senders.send(rendered, bench.port, connections=8, seconds=600)
            _drained(bench)
            print(f"  {begins + len(numbers):,}", file=sys.stderr)
    bench.sql("analyze")


def _pgbench(bench: Bench, connections: int, seconds: float) -> float:
    bench.sql(
        "create table if not exists pgbench_limit (event_id text primary key, event_type text"
        " not null, received_at timestamptz not null default now(), payload text not null)"
    )
    bench.sql("truncate pgbench_limit")
    payload = json.dumps({"object": senders.charge(12_345, 1)}, indent=2)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(
            "\\set n random(1, 1000000000000000)\n"
            "insert into pgbench_limit (event_id, event_type, payload) values"
            " ('evt_' || :n::text, 'charge.captured', :payload) on conflict do nothing;\n"
        )
        script.flush()
        Path(script.name).chmod(0o644)
        binary = Path(postgres._binary("pgbench"))  # noqa: SLF001  the wheel's own tools
        output = subprocess.run(
            [
                str(binary), "-n", "-M", "prepared", "-c", str(connections),
                "-j", str(min(connections, 2)), "-T", str(max(2, int(seconds))),
                "-D", f"payload={payload}", "-f", script.name, _plain(bench.owner_url),
            ],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    return float(next(row.split()[2] for row in output.splitlines() if row.startswith("tps")))


class _Processes:
    """The web server and a worker, as the Procfile starts them."""

    def __init__(self, bench: Bench, names: list[str]) -> None:
        commands = {
            "web": [
                str(Path(sys.executable).with_name("granian")), "--interface", "wsgi",
                "--host", "127.0.0.1", "--port", str(bench.port), "--workers", "2",
                "--blocking-threads", "16", "--no-ws", "--log-level", "error", "wsgi:app",
            ],
            "worker": [sys.executable, "-m", "jobs.worker", "books"],
        }  # fmt: skip
        self._bench = bench
        self._commands = [commands[name] for name in names]
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "_Processes":
        for command in self._commands:
            self._running.append(subprocess.Popen(command, cwd=ROOT, env=self._bench.environ))
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._bench.port)) == 0:
                    return self
            time.sleep(0.1)
        raise SystemExit("the web server did not start")

    def __exit__(self, *_: object) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(30)

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
                sizes.append(int(resident.split()[1]) / 1_024)
        return max(sizes)


def _report(seen: dict[str, list[float]], asked: argparse.Namespace) -> None:
    medians = {name: statistics.median(values) for name, values in seen.items()}
    rows = [
        (f"acknowledged, {c} connections", medians[f"acknowledged/{c}"], medians[f"limit/{c}"])
        for c in asked.connections
    ]
    rows.append(("booked end to end, 8 connections", medians["booked/8"], medians["limit/8"]))
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for what, rate, limit in rows:
        print(f"{what:<34} {rate:>9,.0f}/s   {rate / limit:.3f} of the limit {limit:>9,.0f}/s")
    for c in asked.connections:
        print(
            f"p50 / p99 at {c} connections: {medians[f'p50_ms/{c}']:.1f} / "
            f"{medians[f'p99_ms/{c}']:.1f} ms"
        )
    print(f"memory: web {medians['web_mb']:.0f} MB, worker {medians['worker_mb']:.0f} MB")
    print(json.dumps({"preload": asked.preload, "medians": medians}))


def _note(seen: dict[str, list[float]], name: str, value: float) -> None:
    seen.setdefault(name, []).append(value)


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg", "postgresql")


if __name__ == "__main__":
    main()
