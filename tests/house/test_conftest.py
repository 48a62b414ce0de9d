"""The fixtures that all other tests stand on."""

import psycopg
import pytest
import redis
import sqlalchemy as sa
from psycopg import sql

from reconciler.books.observations import RailEvent
from reconciler.embedded import postgres
from reconciler.errors import Unavailable
from reconciler.ingest import Kept
from tests import kept_sessions
from tests.databases import Databases, Servers
from tests.made_once import an_engine
from tests.runtime import NOON


def _line(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True)


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_a_database_of_its_own(owner_url: str, turn: int) -> None:
    with _line(owner_url) as owner:
        owner.execute("create table house_mark (turn int)")
        owner.execute("insert into house_mark values (%s)", [turn])
        assert owner.execute("select turn from house_mark").fetchall() == [(turn,)]


@pytest.mark.parametrize(
    "forbidden",
    [
        "create table house_other ()",
        "drop table posting",
        "truncate posting",
        "update posting set entry_id = entry_id",
        "delete from posting",
        "alter table posting disable trigger all",
        "set role reconciler_owner",
        "set session_replication_role = replica",
        "create role house_other",
    ],
)
def test_the_application_may_not_touch_tables_or_what_is_posted(
    module_database_url: str, forbidden: str
) -> None:
    with _line(module_database_url) as app:
        assert app.execute("select count(*) from posting").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(sql.SQL(forbidden))


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_finds_redis_empty(redis_url: str, turn: int) -> None:
    with redis.Redis.from_url(redis_url) as line:
        assert line.dbsize() == 0
        line.set("turn", turn)


def test_a_database_that_was_used_is_as_a_new_one_when_it_is_taken_again(
    databases: Databases,
) -> None:
    taken = [databases.take() for _ in range(3)]
    used = [databases.servers.connect(name) for name in taken]
    for line in used:
        expected = _content(line)
        line.execute("set session_replication_role = replica")
        line.execute("delete from inbox_horizon")
        line.execute("insert into job_tick values ('sweep', now(), now())")
        line.execute("select nextval('inbox_event_seq_seq')")
        assert _content(line) != expected
    for name in taken:
        databases.give_back(name)
    again = [databases.take() for _ in range(2)]
    assert set(again).isdisjoint(taken), "whoever is still in one cannot reach it by its name"
    for line in used:
        with pytest.raises(psycopg.OperationalError):
            line.execute("select 1")
    for name in again:
        with databases.servers.connect(name) as line:
            assert _content(line) == expected
            line.execute("select nextval('inbox_event_seq_seq')")
        databases.give_back(name)


def test_the_next_test_has_the_sessions_of_the_last_as_new_ones(
    databases: Databases, servers: Servers
) -> None:
    unused = Databases(servers, f"{databases.worker}_own", databases.refilling)  # none serves out
    said = []
    for _ in range(2):
        name = unused.take()
        engine = an_engine(servers.url(postgres.APP, name))
        with engine.begin() as line:
            said.append((name, *line.execute(sa.text(_STATE)).one()))
            for words in _LEAVES:
                line.execute(sa.text(words))
        engine.dispose()
        unused.give_back(name)
    unused.close()
    assert said[0] == said[1]


_STATE = """select pg_backend_pid(), current_setting('work_mem'), current_setting('lock_timeout'),
  to_regclass('left_behind'),
  (select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'advisory')"""
_LEAVES = (
    "set work_mem = '77kB'",
    "set lock_timeout = 0",
    "create temporary table left_behind ()",
    "select pg_advisory_lock(1)",
)


def test_whoever_lingers_on_a_test_that_is_over_gets_no_session(
    databases: Databases, servers: Servers
) -> None:
    name = databases.take()
    url = servers.url(postgres.APP, name)
    engine, way_in = an_engine(url), kept_sessions.ingest(url)
    with engine.connect() as lingering:
        lingering.execute(sa.text("select 1"))
        assert way_in.keep(_EVENT, "", NOON) is Kept.NEW
        databases.give_back(name)
        with pytest.raises(sa.exc.OperationalError, match="terminat"):
            lingering.execute(sa.text("select 1"))
        with pytest.raises(sa.exc.OperationalError, match="the test is over"):
            engine.connect()
        with pytest.raises(Unavailable):
            way_in.keep(_EVENT, "", NOON)
    engine.dispose()


_EVENT = RailEvent(
    rail="stripe", account="", id="evt_1", kind="charge.succeeded", livemode=False,
    api_version=None, created=0, body=b"{}",
)  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        "alter table posting disable trigger all",
        "alter table posting alter column amount drop not null",
        "drop trigger append_only on posting",
        "create or replace function house_mark() returns int language sql as 'select 1'",
        "grant delete on posting to reconciler_app",
    ],
)
def test_a_database_whose_tables_were_changed_is_not_taken_again(
    databases: Databases, change: str
) -> None:
    taken = [databases.take() for _ in range(2)]
    with databases.servers.connect(taken[0]) as line:
        line.execute(change)
        (oid,) = line.execute(_OID).fetchone()
    for name in taken:
        databases.give_back(name)
    for name in [databases.take() for _ in range(2)]:
        with databases.servers.connect(name) as line:
            assert line.execute(_OID).fetchone() != (oid,)
        databases.give_back(name)


_OID = "select oid from pg_database where datname = current_database()"


def _content(line: psycopg.Connection) -> dict[str, object]:
    tables = line.execute("select relname from pg_class where relkind = 'r' and relname !~ '^pg_'")
    found = {
        name: line.execute(f"select coalesce(jsonb_agg(t), '[]') from {name} t").fetchone()
        for (name,) in tables.fetchall()
        if not name.startswith("sql_")
    }
    numbers = line.execute("select sequencename, start_value, last_value from pg_sequences")
    return found | {name: last for name, _, last in numbers.fetchall()}
