"""`python -m benchmarks.webhooks`: acknowledging and booking, as ratios in one run.

The limit is pgbench committing one durable insert of an event-sized row per transaction, on the
same server, at the same concurrency. Everything alternates, round by round, so that the machine's
moods hit all alike; medians of the rounds are printed. Everything it starts it stops.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks import senders
from benchmarks.past import preload
from benchmarks.stage import SECRET, Bench, Processes, drained, invoices, plain, rest, stage
from reconciler.embedded import postgres

_WARM = 400  # events that open connections and fill caches
_MICRO = 1_000_000


def main() -> None:
    """Measure and print a table, and the figures as one JSON line."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--rounds", type=int, default=3)
    wanted.add_argument("--seconds", type=float, default=5)
    wanted.add_argument("--preload", type=int, default=0, help="payments in the books beforehand")
    wanted.add_argument("--connections", type=int, nargs="+", default=[8, 32])
    wanted.add_argument("--soak", type=int, default=0, help="events to watch the memory over")
    wanted.add_argument(
        "--keep",
        type=Path,
        nargs="+",
        help="folders of databases, kept afterwards; they take turns",
    )
    asked = wanted.parse_args()
    with tempfile.TemporaryDirectory(prefix="reconciler-bench-") as passing, ExitStack() as stack:
        folders = asked.keep or [Path(passing)]
        benches = [stack.enter_context(stage(folder)) for folder in folders]
        for bench in benches:
            if asked.preload:
                preload(bench, asked.preload)
            if asked.soak:
                _soak(bench, asked.soak)
        if asked.rounds:
            for folder, seen in zip(folders, _measure(benches, asked), strict=True):
                _report(folder.name, seen, asked)


def _measure(benches: list[Bench], asked: argparse.Namespace) -> list[dict[str, list[float]]]:
    every: list[dict[str, list[float]]] = [{} for _ in benches]
    for bench in benches:
        rest(bench)
    for _ in range(asked.rounds):
        for bench, seen in zip(benches, every, strict=True):
            _round(bench, seen, asked)
    return every


def _round(bench: Bench, seen: dict[str, list[float]], asked: argparse.Namespace) -> None:
    for connections in asked.connections:
        _note(seen, f"limit/{connections}", _pgbench(bench, connections, asked.seconds))
        sent, memory, cost = _acknowledge(bench, connections, asked.seconds)
        _note(seen, f"acknowledged/{connections}", sent.per_second)
        _note(seen, f"acknowledged_us/{connections}", cost)
        _note(seen, f"p50_ms/{connections}", sent.percentile(0.5))
        _note(seen, f"p99_ms/{connections}", sent.percentile(0.99))
        _note(seen, "web_mb", memory)
    booked, accepted, memory, cost = _end_to_end(bench, 8, asked.seconds)
    _note(seen, "booked/8", booked)
    _note(seen, "booked_us/8", cost)
    _note(seen, "accepted_while_booking/8", accepted)
    _note(seen, "worker_mb", memory)


def _acknowledge(
    bench: Bench, connections: int, seconds: float
) -> tuple[senders.Sent, float, float]:
    rendered = senders.requests(bench.numbers(int(3_000 * seconds)), bench.port, SECRET)
    with Processes(bench, ["web"]) as running:
        senders.send(rendered[:_WARM], bench.port, connections=connections, seconds=seconds)
        used = running.processor_seconds()
        sent = senders.send(rendered[_WARM:], bench.port, connections=connections, seconds=seconds)
        cost = (running.processor_seconds() - used) / sent.accepted * _MICRO
        return sent, running.megabytes(), cost


def _end_to_end(
    bench: Bench, connections: int, seconds: float
) -> tuple[float, float, float, float]:
    """Booked a second while webhooks keep coming: sent, joined, matched, double entries posted."""
    numbers = bench.numbers(int(2_000 * seconds))
    invoices(bench, numbers)
    rendered = senders.requests(numbers, bench.port, SECRET)
    with Processes(bench, ["web", "worker"]) as running:
        time.sleep(3)  # the worker imports what it needs
        drained(bench)
        before, used = _applied(bench), running.processor_seconds()
        begun = time.perf_counter()
        sent = senders.send(rendered, bench.port, connections=connections, seconds=seconds)
        drained(bench)
        took = time.perf_counter() - begun
        used = running.processor_seconds() - used
        # Counted after the time is taken: to count a million costs as much as some hundred events.
        applied = _applied(bench) - before
        cost = used / applied * _MICRO
        return applied / took, sent.per_second, running.megabytes("jobs.worker"), cost


def _soak(bench: Bench, events: int) -> None:
    """How much memory the processes take while so many events are accepted and booked."""
    step = events // 5
    with Processes(bench, ["web", "worker"]) as running:
        for begins in range(0, events, step):
            numbers = bench.numbers(step // len(senders.EVENT_KINDS))
            invoices(bench, numbers)
            rendered = senders.requests(numbers, bench.port, SECRET)
            senders.send(rendered, bench.port, connections=8, seconds=600)
            drained(bench, minutes=10)
            web, worker = running.megabytes(), running.megabytes("jobs.worker")
            print(f"after {begins + step:>9,} events: web {web:.0f} MB, worker {worker:.0f} MB")


def _applied(bench: Bench) -> int:
    return int(str(bench.sql("select count(*) from inbox_outcome where status = 'applied'")[0][0]))


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
        binary = Path(postgres.binary("pgbench"))
        output = subprocess.run(
            [
                str(binary), "-n", "-M", "prepared", "-c", str(connections),
                "-j", str(min(connections, 2)), "-T", str(max(2, int(seconds))),
                "-D", f"payload={payload}", "-f", script.name, plain(bench.owner_url),
            ],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    return float(next(row.split()[2] for row in output.splitlines() if row.startswith("tps")))


def _report(name: str, seen: dict[str, list[float]], asked: argparse.Namespace) -> None:
    medians = {name: statistics.median(values) for name, values in seen.items()}
    rows = [
        (f"acknowledged, {c} connections", medians[f"acknowledged/{c}"], medians[f"limit/{c}"])
        for c in asked.connections
    ]
    rows.append(("booked end to end, 8 connections", medians["booked/8"], medians["limit/8"]))
    print(
        f"{name}: {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    for what, rate, limit in rows:
        print(f"{what:<34} {rate:>9,.0f}/s   {rate / limit:.3f} of the limit {limit:>9,.0f}/s")
    for c in asked.connections:
        print(
            f"p50 / p99 at {c} connections: {medians[f'p50_ms/{c}']:.1f} / "
            f"{medians[f'p99_ms/{c}']:.1f} ms"
        )
    costs = [(f"acknowledged, {c}", f"acknowledged_us/{c}") for c in asked.connections]
    for what, cost in [*costs, ("booked, 8", "booked_us/8")]:
        print(f"processor time of an event {what} connections: {medians[cost]:.0f} µs")
    print(f"memory: web {medians['web_mb']:.0f} MB, worker {medians['worker_mb']:.0f} MB")
    print(json.dumps({"books": name, "medians": medians}))


def _note(seen: dict[str, list[float]], name: str, value: float) -> None:
    seen.setdefault(name, []).append(value)


if __name__ == "__main__":
    main()
