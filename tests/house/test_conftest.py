"""The fixtures that all other tests stand on."""

import psycopg
import pytest
import redis


def _line(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True)


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_a_database_of_its_own(owner_url: str, turn: int) -> None:
    with _line(owner_url) as owner:
        owner.execute("create table house_mark (turn int)")
        owner.execute("insert into house_mark values (%s)", [turn])
        assert owner.execute("select turn from house_mark").fetchall() == [(turn,)]


def test_the_application_may_change_rows_but_no_tables(owner_url: str, database_url: str) -> None:
    with _line(owner_url) as owner, _line(database_url) as app:
        owner.execute("create table house_mark (id int generated always as identity, word text)")
        app.execute("insert into house_mark (word) values ('here')")
        assert app.execute("select word from house_mark").fetchall() == [("here",)]
        for forbidden in (
            "create table house_other ()",
            "drop table house_mark",
            "truncate house_mark",
            "alter table house_mark disable trigger all",
            "set role reconciler_owner",
            "set session_replication_role = replica",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(forbidden)


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_finds_redis_empty(redis_url: str, turn: int) -> None:
    with redis.Redis.from_url(redis_url) as line:
        assert line.dbsize() == 0
        line.set("turn", turn)
