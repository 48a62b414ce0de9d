"""A database for each test: a copy of a migrated template, or one that was used and is empty again.

A copy is a few hundred files. So a worker keeps what its tests are done with and empties it: its
rows are the template's again, its numbers start anew. Where somebody was still in it whose sessions
are not kept for the next test, they are sent away and it gets another name, so that nobody who
lingers on the old one can reach it. All that holds as long as no test changed the tables
themselves. The catalogue tells, and such a database is thrown away, as is one that has served long.
"""

from collections import deque
from dataclasses import dataclass, field
from itertools import count

import psycopg
from psycopg import sql

from reconciler import embedded
from reconciler.embedded import postgres
from reconciler.migrations_runner import migrate
from tests import kept_sessions

TEMPLATE = "migrated_template"
USES_MAX = 20  # what was deleted still takes room in its tables
RESTING = 2  # so many wait, so that who was sent away is gone when one is taken

_TABLES = """select c.oid::regclass::text from pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') order by 1"""
# What was never written into has no page. The file is asked, for to open each table takes longer.
_WRITTEN = """select c.oid::regclass::text from pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
    and (pg_stat_file(pg_relation_filepath(c.oid))).size > 0"""
_SEQUENCES = """select format('select setval(%L, %s, %s)', seqrelid::regclass,
    coalesce(pg_sequence_last_value(seqrelid), seqstart),
    (pg_sequence_last_value(seqrelid) is not null)::text)
  from pg_sequence order by 1"""
_SEED = """insert into {table} overriding system value
  select * from json_populate_recordset(null::{table}, {rows})"""
_END_OTHERS = """select pg_terminate_backend(pid) from pg_stat_activity
  where datname = %s and pid <> all(%s)"""

# Each definition as the place and the transaction of its row: any change makes another row.
_DEFINITIONS = {
    "pg_class": "relnamespace = 'public'::regnamespace",
    "pg_attribute": "attrelid >= 16384",
    "pg_attrdef": "true",
    "pg_constraint": "conrelid >= 16384",
    "pg_default_acl": "true",
    "pg_extension": "true",
    "pg_index": "indexrelid >= 16384",
    "pg_namespace": "nspname not like 'pg_t%'",
    "pg_policy": "true",
    "pg_proc": "pronamespace = 'public'::regnamespace",
    "pg_rewrite": "ev_class >= 16384",
    "pg_trigger": "true",
    "pg_type": "typnamespace = 'public'::regnamespace",
}
_FINGERPRINT = " union all ".join(
    f"select '{name}', count(*), sum(hashtext(xmin::text || ctid::text)) from {name} where {which}"
    for name, which in _DEFINITIONS.items()
)


@dataclass(frozen=True)
class Servers:
    """The run's servers, with the one login that may make databases."""

    endpoints: embedded.Endpoints
    redis_url: str

    def url(self, role: str, database: str) -> str:
        """How `role` reaches `database`."""
        place = self.endpoints.app_url.split("?", 1)[1]
        return f"postgresql+psycopg://{role}@/{database}?{place}"

    def connect(self, database: str) -> psycopg.Connection:
        """As superuser."""
        url = self.url("postgres", database).replace("+psycopg", "", 1)
        return psycopg.connect(url, autocommit=True)


@dataclass
class _Used:
    name: str
    definitions: list[tuple]
    inside: psycopg.Connection  # of the superuser
    uses: int = 1


def make_template(servers: Servers) -> str:
    """Migrate the database that all others are copied from; gives the words that refill a copy."""
    owner, template = sql.Identifier(postgres.OWNER), sql.Identifier(TEMPLATE)
    with servers.connect("postgres") as server:
        server.execute(sql.SQL("create database {} owner {}").format(template, owner))
    with servers.connect(TEMPLATE) as server:
        postgres.grant(server, TEMPLATE)
    migrate(servers.url(postgres.OWNER, TEMPLATE), servers.url(postgres.APP, TEMPLATE))
    with servers.connect(TEMPLATE) as server:
        return ";\n".join(_refilling(server))


def _refilling(server: psycopg.Connection) -> list[str]:
    words = []
    for (name,) in server.execute(_TABLES).fetchall():
        (rows,) = server.execute(f"select json_agg(t)::text from {name} t").fetchone()
        if rows:
            words.append(_SEED.format(table=name, rows=sql.Literal(rows).as_string(server)))
    return words + [words_ for (words_,) in server.execute(_SEQUENCES)]


@dataclass
class Databases:
    """Those of one worker."""

    servers: Servers
    worker: str
    refilling: str
    _server: psycopg.Connection = field(init=False)
    _numbers: count = field(default_factory=lambda: count(1))
    _out: dict[str, _Used] = field(default_factory=dict)
    _free: list[_Used] = field(default_factory=list)
    _resting: deque[_Used] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._server = self.servers.connect("postgres")

    def take(self) -> str:
        """The name of a database that is as the template."""
        while self._free or len(self._resting) >= RESTING:
            used = self._free.pop() if self._free else self._renamed(self._resting.popleft())
            if used.uses < USES_MAX and self._emptied(used):
                used.uses += 1
                self._out[used.name] = used
                return used.name
            self._drop(used)
        return self._copied()

    def give_back(self, name: str) -> None:
        """Its test is over; whoever is still in it is sent away."""
        used = self._out.pop(name)
        kept = [*kept_sessions.end_lease(name), used.inside.info.backend_pid]
        if not self._server.execute(_END_OTHERS, [name, kept]).rowcount:
            self._free.append(used)
            return
        kept_sessions.end_sessions(name)
        used.inside.close()
        self._resting.append(used)

    def close(self) -> None:
        """Ask for nothing any more. The databases end with their server."""
        for used in (*self._free, *self._out.values()):
            kept_sessions.end_sessions(used.name)
            used.inside.close()
        self._server.close()

    def _copied(self) -> str:
        name = self._new_name()
        self._run(
            f"create database {{}} template {TEMPLATE} owner {postgres.OWNER} strategy file_copy",
            name,
        )
        # What a role may do with a database is not copied with it.
        self._run("revoke all on database {} from public", name)
        self._run(f"grant connect, temporary on database {{}} to {postgres.APP}", name)
        inside = self.servers.connect(name)
        self._out[name] = _Used(name, inside.execute(_FINGERPRINT).fetchall(), inside)
        return name

    def _renamed(self, used: _Used) -> _Used:
        old, used.name = used.name, self._new_name()
        words = sql.SQL("alter database {} rename to {}")
        self._server.execute(words.format(sql.Identifier(old), sql.Identifier(used.name)))
        used.inside = self.servers.connect(used.name)
        return used

    def _emptied(self, used: _Used) -> bool:
        """Whether it could be made as the template again."""
        if used.inside.execute(_FINGERPRINT).fetchall() != used.definitions:
            return False
        with used.inside.transaction():
            # Nothing refuses or follows.
            used.inside.execute("set local session_replication_role = replica")
            written = used.inside.execute(_WRITTEN).fetchall()
            used.inside.execute(";".join([f"delete from {name}" for (name,) in written]))
            used.inside.execute(self.refilling)
        return True

    def _drop(self, used: _Used) -> None:
        kept_sessions.end_sessions(used.name)
        used.inside.close()
        self._run("drop database {} with (force)", used.name)

    def _new_name(self) -> str:
        return f"test_{self.worker}_{next(self._numbers)}"

    def _run(self, words: str, name: str) -> None:
        self._server.execute(sql.SQL(words).format(sql.Identifier(name)))
