"""The fixtures that all other tests stand on."""

import psycopg
import pytest
import redis
from psycopg import sql


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
