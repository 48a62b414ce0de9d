"""What a process of the program makes once, and tests would make anew for each of them.

Each test has an engine and applications of its own. Kept from one to the next is only what does not
depend on them: how a statement is written, how an address is put together, a password's hash, which
costs next to nothing here, and what all migrations come to in a schema beside the books.
"""

import os
import subprocess
from pathlib import Path

import argon2
import sqlalchemy as sa
from flask import Flask
from typing_extensions import override
from werkzeug.routing import Rule

from reconciler import migrations_runner
from reconciler.embedded import postgres
from reconciler.runtime import make_engine
from reconciler.services import passwords
from tests.kept_sessions import is_there, keep_sessions

STATEMENTS_MAX = 4_000  # of all tests of a worker
SHIPPED = passwords._hasher  # what a guess costs outside of tests
MIGRATED = migrations_runner._upgrade  # one revision after the other

_rules: dict[tuple[object, ...], "KnownRule"] = {}
_first: list[sa.Engine] = []
_beside: list[str] = []
_shared: list[Path] = []


class KnownRule(Rule):
    """A rule that is read and compiled once, though each application has its own."""

    @override
    def compile(self) -> None:
        about = (self.rule, self.subdomain, self.merge_slashes)
        known = _rules.get(about)
        if known is None or self.defaults or self.host:
            super().compile()
            if not (self.defaults or self.host):
                _rules[about] = self
            return
        self._parts, self._trace = known._parts, known._trace
        self._converters, self.arguments = known._converters, known.arguments
        self._build = known._build.__func__.__get__(self)
        self._build_unknown = known._build_unknown.__func__.__get__(self)


def keep_what_is_the_same() -> None:
    """From now on, in this process."""
    Flask.url_rule_class = KnownRule
    passwords._hasher = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    passwords._NOBODYS = passwords._hasher.hash("nobody signs in with this")
    migrations_runner._upgrade = _upgrade


def share_what_is_the_same(folder: Path) -> None:
    """What takes seconds to make is left there for the run's other processes, and found there."""
    _shared[:] = [folder]


def _upgrade(connection: sa.Connection) -> None:
    """Migrate; where books are made anew, in one go what the first migrations there came to."""
    if connection.scalar(sa.text("select current_schema()")) != migrations_runner.SCRATCH:
        MIGRATED(connection)
        return
    if not _beside:
        _beside.extend(file.read_text() for file in _files_beside() if file.exists())
    if _beside:
        session = connection.connection.driver_connection
        assert session is not None
        session.execute(_beside[0])
        connection.commit()
    else:
        MIGRATED(connection)
        _beside[:] = [_tables_beside(connection.engine.url)]
        for file in _files_beside():
            written = file.with_suffix(f".{os.getpid()}")
            written.write_text(_beside[0])
            written.replace(file)  # nobody reads half of it


def _files_beside() -> list[Path]:
    return [folder / "beside.sql" for folder in _shared]


def _tables_beside(url: sa.URL) -> str:
    """All that is in the schema beside the books, as statements that make it in an empty one."""
    place = url.difference_update_query(["options"]).set(drivername="postgresql")
    schema = migrations_runner.SCRATCH
    told = subprocess.run(  # noqa: S603  what it runs is PostgreSQL's
        [postgres.binary("pg_dump"), "--schema", schema, "--inserts", "--no-owner",
         place.render_as_string(hide_password=False)],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    # It is there and empty; and a word after a backslash is for psql.
    lines = told.replace(f"CREATE SCHEMA {schema};", "").splitlines()
    return "\n".join(line for line in lines if not line.startswith("\\"))


def _knows_whom_it_speaks_to(connection: sa.Connection) -> None:
    """The server is the same for all: its version and its types need not be asked for."""
    del connection


def an_engine(url: str) -> sa.Engine:
    """A test's engine: it knows the statements of other tests, and leaves them its sessions."""
    made = make_engine(url, pool_size=12)
    keep_sessions(made, url)
    if _first and _first[0].dialect.server_version_info:
        made.dialect.initialize = _knows_whom_it_speaks_to
        made.dialect = made.pool._dialect = _first[0].dialect
        made._compiled_cache = _first[0]._compiled_cache
        return made
    made.dialect.do_ping = is_there
    _first[:] = [made]  # its dialect learns at the first connection whom it speaks to
    assert made._compiled_cache is not None
    made._compiled_cache.capacity = STATEMENTS_MAX
    return made
