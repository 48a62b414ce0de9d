"""The fixtures that all other tests stand on."""

import psycopg
import pytest
import redis
from psycopg import sql

from tests.databases import Databases


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
    with databases.servers.connect(taken[0]) as used:
        expected = _content(used)
        used.execute("set session_replication_role = replica")
        used.execute("delete from inbox_horizon")
        used.execute("insert into job_tick values ('sweep', now(), now())")
        used.execute("select nextval('inbox_event_seq_seq')")
        assert _content(used) != expected
    for name in taken:
        databases.give_back(name)
    again = [databases.take() for _ in range(2)]
    assert set(again).isdisjoint(taken)
    for name in again:
        with databases.servers.connect(name) as line:
            assert _content(line) == expected
        databases.give_back(name)


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
