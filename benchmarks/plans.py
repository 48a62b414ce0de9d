"""Who looks at pages in a benchmark, and the plan of each page's slowest statement.

The plans are of the statements as the application sends them, with their values, explained on the
same books right after the page was made in this process.
"""

import re
import textwrap
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
import sqlalchemy as sa
from werkzeug.test import Client

import wsgi
from benchmarks.stage import Bench, plain, runtime_of
from reconciler.flows.count_figures import count_figures
from reconciler.services import api_keys, people
from reconciler.web.admin.sign_in import cookie_name
from reconciler.work import Cause

FOLDER = Path(__file__).with_name("plans")
EMAIL, PASSWORD = "benchmark@example.com", "nine quiet herons"
_CAUSE = Cause("command", "benchmark")
Values = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Visitor:
    """An admin who is signed in, and a key that may read."""

    cookie: str
    key: str

    @classmethod
    def of(cls, bench: Bench) -> "Visitor":
        """Somebody who is let in to these books."""
        runtime = runtime_of(bench)
        runtime.do(_CAUSE, lambda work: people.ensure_first_admin(work, EMAIL, PASSWORD))
        signed_in = runtime.do(
            _CAUSE,
            lambda work: people.sign_in(
                work, email=EMAIL, password=PASSWORD, address="127.0.0.1", browser="benchmark"
            ),
        )
        assert isinstance(signed_in, people.SignedIn)
        _, key = runtime.do(
            _CAUSE, lambda work: api_keys.create(work, name="benchmark", scope="admin")
        )
        runtime.engine.dispose()
        return cls(f"{cookie_name(runtime.settings)}={signed_in.token}", key)

    def headers(self, address: str) -> dict[str, str]:
        """What lets them in there."""
        if address.startswith("/api/"):
            return {"Authorization": f"Bearer {self.key}"}
        return {"Cookie": self.cookie}


def counted(bench: Bench) -> None:
    """Figures and totals are brought up to date, as the clock does every few minutes.

    What was written in the last quarter of an hour stays out of the totals, so books that were
    made just now are measured with all of that to be added up: wait that long after making them.
    """
    runtime = runtime_of(bench)
    count_figures(runtime)
    runtime.engine.dispose()


def keep_plans(bench: Bench, visitor: Visitor, chosen: list[str]) -> None:
    """Write a file for each address: its slowest statement, and how it was carried out."""
    FOLDER.mkdir(exist_ok=True)
    runtime = runtime_of(bench)
    watch = Watch(runtime.engine)
    client = Client(wsgi.create_app(runtime), use_cookies=False)
    for address in chosen:
        client.get(address, headers=visitor.headers(address))  # once for the caches
        watch.statements.clear()
        client.get(address, headers=visitor.headers(address))
        if watch.statements:
            file = FOLDER / f"{_name(address)}.txt"
            file.write_text(_paper(bench, address, watch), encoding="utf-8")
    runtime.engine.dispose()


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement as it was sent to the database."""

    milliseconds: float
    text: str
    values: Values


class Watch:
    """Everything that an engine is asked."""

    def __init__(self, engine: sa.Engine) -> None:
        self.statements: list[Asked] = []
        self._begun = 0.0
        sa.event.listen(engine, "before_cursor_execute", self._begins)
        sa.event.listen(engine, "after_cursor_execute", self._ended)

    def _begins(self, *_: object) -> None:
        self._begun = time.perf_counter()  # one thread asks, one statement at a time

    def _ended(self, _line: object, _cursor: object, text: str, values: Values, *_: object) -> None:
        took = (time.perf_counter() - self._begun) * 1_000
        self.statements.append(Asked(took, text, values))


def _paper(bench: Bench, address: str, watch: Watch) -> str:
    slowest = max(watch.statements, key=lambda one: one.milliseconds)
    return (
        f"{address}: {len(watch.statements)} statements,"
        f" {sum(one.milliseconds for one in watch.statements):.0f} ms;"
        f" the slowest {slowest.milliseconds:.1f} ms\n\n"
        f"{textwrap.dedent(slowest.text).strip()}\n\n{_plan(bench, slowest)}\n"
    )


def _plan(bench: Bench, asked: Asked) -> str:
    with psycopg.connect(plain(bench.owner_url)) as line:
        line.read_only = True
        try:
            rows = line.execute(f"explain (analyze, buffers) {asked.text}", asked.values)
            return "\n".join(row[0] for row in rows)
        except psycopg.Error as error:  # a setting, or something that is written
            return f"no plan: {error.diag.message_primary}"


def _name(address: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"[0-9a-z]*\d[0-9a-z]{9,}", "", address)).strip("-")
