"""`python -m benchmarks.reconcile`: a rail's rows against ours, of any size, with planted faults.

What is measured is what a run does where a rail shows all at once: its rows go in by COPY and are
joined with ours (`reconciliation_rows.compared`). Where it shows pages, each goes in (`copy`) and
is joined (`differing`), and then what was not shown is looked for (`surplus`). Beside it stands the
least that a comparison could be, a COPY into a bare table and one full join of the same rows. They
alternate, medians of the rounds are printed, and a difference that is not found exactly as it was
planted ends the run. Exit code 1 also if a limit is passed.
"""

import argparse
import json
import multiprocessing
import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from multiprocessing.synchronize import Event
from pathlib import Path

import psycopg
import sqlalchemy as sa
from sqlmodel import Session

from benchmarks import peers, planted, senders
from benchmarks.planted import Planted, Reader
from benchmarks.stage import SECRET, Bench, Processes, plain, stage
from reconciler.books.reconciliation import Difference, difference
from reconciler.store import reconciliation_rows as rows
from reconciler.store.reconciliation_rows import Pair, Place, Row

TIMES_THE_JOIN_MAX = 2.5
GROWTH_MAX = 1.5  # of the time a row takes, from the smallest size to the largest
MEGABYTES_MAX = 300
P99_TIMES_MAX = 3.0
CONNECTIONS = 8
LISTED_ROWS = 20_000  # compared a page at a time, as a rail hands them out
LISTED_PAGE = 100

_BARE = """create temporary table bare (object_id text collate "C" not null, amount bigint not null,
  currency text not null, state text not null)"""
_JOIN = """select coalesce(b.object_id, o.object_id) from bare b full join (
    select object_id, amount, currency, state from rail_object
    where rail = %s and account = %s and kind = %s) o on o.object_id = b.object_id
  where (b.amount, b.currency, b.state) is distinct from (o.amount, o.currency, o.state)"""


@dataclass
class Scene:
    """One size: the two sides, the servers they are on, and what was measured with them."""

    planted: Planted
    engine: sa.Engine
    path: Path
    seen: dict[str, list[float]] = field(default_factory=dict)

    @property
    def as_csv(self) -> Path:
        """What the rail lists, once more, as others read it."""
        return self.path.with_suffix(".csv")

    def note(self, name: str, value: float) -> None:
        """One more figure of a kind."""
        self.seen.setdefault(name, []).append(value)

    def median(self, name: str) -> float:
        """Over the rounds."""
        return statistics.median(self.seen[name])


def prepare(engine: sa.Engine, size: int, folder: Path) -> Scene:
    """Write both sides: ours into the tables, in place of what was there, the rail's as a file."""
    scene = Scene(Planted(size), engine, folder / f"listed-{size}")
    planted.write(scene.planted, scene.path)
    peers.as_csv(next(Reader(scene.path).pages(size)), scene.as_csv)
    known = scene.planted.known()
    with Session(engine) as session:
        session.execute(sa.text("delete from rail_object"))
        session.commit()
    while True:
        with Session(engine) as session:
            count = planted.put(session, known)
            session.commit()
        if not count:
            return scene


def compare(
    scene: Scene, *, page: int, until: int | None = None
) -> tuple[dict[str, Difference], float]:
    """What a run finds, by object, and the seconds that it took.

    In pages of so many rows, at most `until` rows of them; then nothing is said of the surplus.
    """
    begun, reader = time.perf_counter(), Reader(scene.path)
    place = Place("run_benchmark", planted.RAIL, planted.ACCOUNT, planted.KIND)
    if page >= scene.planted.size:
        found = _at_once(scene, place, reader)
    else:
        found = _in_pages(scene, place, reader.pages(page), until)
    took = time.perf_counter() - begun - reader.seconds
    return {pair.object_id: _named(pair) for pair in found}, took


def _at_once(scene: Scene, place: Place, reader: Reader) -> list[Pair]:
    shown = chain.from_iterable(reader.pages(scene.planted.size))
    with Session(scene.engine) as session:
        found = rows.compared(session, place, _window(scene), shown)
        session.commit()
    return found


def _in_pages(
    scene: Scene, place: Place, pages: Iterator[Iterator[Row]], until: int | None
) -> list[Pair]:
    found: list[Pair] = []
    taken = 0
    for number, shown in enumerate(pages):
        with Session(scene.engine) as session:
            count = rows.copy(session, place, number, shown)
            found += rows.differing(session, place, number, rows=count)
            session.commit()
        taken += count
        if until is not None and taken >= until:
            break
    with Session(scene.engine) as session:
        if until is None:
            found += rows.surplus(session, place, *_window(scene))
        rows.drop_all(session, place.run_id)
        session.commit()
    return found


def _window(scene: Scene) -> tuple[datetime, datetime]:
    since, until = scene.planted.since, scene.planted.until
    return datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(until, UTC)


def _named(pair: Pair) -> Difference:
    named = difference(pair.rail, pair.ours)
    assert named is not None, f"{pair.object_id} is the same on both sides"
    return named


def join(bench: Bench, scene: Scene) -> set[str]:
    """The least that a comparison could be; the ids of what differs."""
    with psycopg.connect(plain(bench.app_url)) as line, line.cursor() as cursor:
        cursor.execute(_BARE)
        copying = "copy bare from stdin (format csv, header)"
        with scene.as_csv.open("rb") as file, cursor.copy(copying) as copied:
            while block := file.read(1 << 20):
                copied.write(block)
        cursor.execute("analyze bare")
        cursor.execute(_JOIN, (planted.RAIL, planted.ACCOUNT, planted.KIND.value))
        return {object_id for (object_id,) in cursor.fetchall()}


def main() -> None:
    """Measure, print tables, and the figures as one JSON line."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    wanted.add_argument("--rounds", type=int, default=5)
    wanted.add_argument("--seconds", type=float, default=5, help="of webhooks a round; 0: none")
    wanted.add_argument(
        "--peers", type=Path, help="a Python in which other comparers are installed"
    )
    asked = wanted.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="reconciler-bench-") as name,
        stage(Path(name)) as bench,
    ):
        told = _measure(bench, Path(name), asked)
    sys.exit(_report(told, asked))


def _measure(bench: Bench, folder: Path, asked: argparse.Namespace) -> dict[int, Scene]:
    engine = sa.create_engine(bench.app_url)  # without the program's limit of a statement
    scenes = {}
    for size in sorted(asked.sizes):
        scenes[size] = scene = prepare(engine, size, folder)
        bench.sql("vacuum analyze rail_object")
        for _ in range(asked.rounds):
            _round(bench, scene)
        scene.note("megabytes", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024)
        scene.note("listed", _listed(scene))
        if asked.peers:
            _peers(bench, scene, asked.peers)
    if asked.seconds:
        _with_webhooks(bench, scenes[max(scenes)], asked)
    engine.dispose()
    return scenes


def _round(bench: Bench, scene: Scene) -> None:
    found, took = compare(scene, page=scene.planted.size)
    scene.note("compared", took)
    _must_be(found, scene.planted.differences)
    begun = time.perf_counter()
    joined = join(bench, scene)
    scene.note("joined", time.perf_counter() - begun)
    _must_be(joined, set(scene.planted.differences))


def _must_be(found: object, planted_: object) -> None:
    if found != planted_:
        raise SystemExit("what was found is not what was planted")


def _listed(scene: Scene) -> float:
    """Seconds a row, in pages as a rail hands them out."""
    rows_ = min(LISTED_ROWS, scene.planted.size)
    _, took = compare(scene, page=LISTED_PAGE, until=rows_)
    return took / rows_


def _peers(bench: Bench, scene: Scene, python: Path) -> None:
    count = len(scene.planted.differences)
    for peer in peers.measured(python, plain(bench.owner_url), scene.as_csv, count):
        scene.note(peer.name, peer.seconds)
        scene.note(f"{peer.name} MB", peer.megabytes)


def _with_webhooks(bench: Bench, scene: Scene, asked: argparse.Namespace) -> None:
    """Acknowledged in peace, and while the largest size is compared over and over."""
    with Processes(bench, ["web"]):
        _send(bench, asked.seconds)  # the first second of a server is its own
        for _ in range(asked.rounds):
            scene.note("p99_ms", _send(bench, asked.seconds))
            with _comparing(bench, scene):
                scene.note("p99_ms_meanwhile", _send(bench, asked.seconds))


def _send(bench: Bench, seconds: float) -> float:
    rendered = senders.requests(bench.numbers(int(3_000 * seconds)), bench.port, SECRET)
    sent = senders.send(rendered, bench.port, connections=CONNECTIONS, seconds=seconds)
    if sent.accepted != sum(sent.statuses.values()):
        raise SystemExit(f"not all events were acknowledged: {sent.statuses}")
    return sent.percentile(0.99)


class _comparing:  # noqa: N801  read as a word of `with`
    """Another process compares until this ends."""

    def __init__(self, bench: Bench, scene: Scene) -> None:
        context = multiprocessing.get_context("spawn")
        self._begun, self._stop = context.Event(), context.Event()
        given = (bench.app_url, scene.planted, scene.path, self._begun, self._stop)
        self._process = context.Process(target=_over_and_over, args=given)

    def __enter__(self) -> None:
        self._process.start()
        if not self._begun.wait(60):
            raise SystemExit("the comparing did not begin")

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._process.join(300)
        if self._process.exitcode:
            raise SystemExit("the comparing broke off")


def _over_and_over(url: str, sides: Planted, path: Path, begun: Event, stop: Event) -> None:
    scene = Scene(sides, sa.create_engine(url), path)
    begun.set()
    while not stop.is_set():
        found, _ = compare(scene, page=sides.size)
        _must_be(found, sides.differences)


def _report(scenes: dict[int, Scene], asked: argparse.Namespace) -> int:
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for size, scene in scenes.items():
        whole, bare = scene.median("compared"), scene.median("joined")
        print(
            f"{size:>9,} rows: {whole:.2f} s, {whole / bare:.2f} x the bare join ({bare:.2f} s), "
            f"{1e6 * whole / size:.2f} µs a row; {1e6 * scene.median('listed'):.1f} µs a row in "
            f"pages of {LISTED_PAGE}; {scene.median('megabytes'):.0f} MB"
        )
        for name in sorted(scene.seen.keys() & peers.NAMES):
            print(f"  {name}: {scene.median(name):.2f} s, {scene.median(f'{name} MB'):.0f} MB")
    broken = list(_broken(scenes))
    for name in broken:
        print(f"beyond the limit: {name}")
    figures = {size: {n: scene.median(n) for n in scene.seen} for size, scene in scenes.items()}
    print(json.dumps({"rounds": asked.rounds, "medians": figures, "beyond": broken}))
    return 1 if broken else 0


def _broken(scenes: dict[int, Scene]) -> Iterator[str]:
    least, most = scenes[min(scenes)], scenes[max(scenes)]
    times = most.median("compared") / most.median("joined")
    if times > TIMES_THE_JOIN_MAX:
        yield f"{times:.2f} times the bare join"
    growth = most.median("compared") / most.planted.size
    growth /= least.median("compared") / least.planted.size
    if growth > GROWTH_MAX:
        yield f"a row takes {growth:.2f} times as long as in the smallest size"
    if most.median("megabytes") >= MEGABYTES_MAX:
        yield f"{most.median('megabytes'):.0f} MB"
    if "p99_ms" in most.seen:
        idle, busy = most.median("p99_ms"), most.median("p99_ms_meanwhile")
        print(
            f"webhooks, p99: {idle:.1f} ms in peace, {busy:.1f} ms meanwhile ({busy / idle:.1f} x)"
        )
        if busy > P99_TIMES_MAX * idle:
            yield f"webhooks are acknowledged {busy / idle:.1f} times later meanwhile"


if __name__ == "__main__":
    main()
