"""Lists of texts come to the database as they are, the quick way."""

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import given, settings, strategies as st
from psycopg.adapt import PyFormat, Transformer
from psycopg.types.array import ListDumper
from sqlalchemy.exc import DataError

from reconciler.store.arrays import TextsDumper
from tests.runtime import Office

NASTY = [
    "", "null", "NULL", None, "{}", "{a,b}", ",", " ", "\t\n", '"', "\\", '\\"', "a\\", "'", ";--",
    '{"k": "say \\"no\\" \\\\ there"}', "ü€𝄞", "\u2003", "%s", ":name",
]  # fmt: skip


def sent(office: Office, texts: list[str | None]) -> list[str | None]:
    """What the database makes of a list, told back one by one."""
    with office.runtime.read() as session:
        given_back = session.scalars(
            sa.text(
                "select t from unnest(cast(:texts as text[])) with ordinality u(t, n) order by n"
            ),
            {"texts": texts},
        )
        return list(given_back)


@pytest.mark.parametrize("texts", [NASTY, [*NASTY, *reversed(NASTY)], [None], [None, "a"], []])
def test_texts_arrive_as_they_are(office: Office, texts: list[str | None]) -> None:
    assert sent(office, texts) == texts


def test_lists_of_other_things_arrive_as_ever(office: Office) -> None:
    with office.runtime.read() as session:
        given_back = session.execute(
            sa.text(
                "select cast(:numbers as bigint[]) as numbers, cast(:flags as boolean[]) as flags,"
                " cast(:nested as text[]) as nested"
            ),
            {"numbers": [1, None, -(2**62)], "flags": [True, False], "nested": [["a"], ['"']]},
        ).one()
    assert tuple(given_back) == ([1, None, -(2**62)], [True, False], [["a"], ['"']])


def test_a_text_that_no_column_can_hold_is_refused(office: Office) -> None:
    with pytest.raises(DataError, match="NUL"):
        sent(office, ["a", "b\0c"])


def test_connections_of_the_program_use_it(office: Office) -> None:
    with office.runtime.engine.connect() as line:
        driver = line.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        assert driver.adapters.get_dumper(list, PyFormat.AUTO) is TextsDumper


@pytest.mark.thorough
@given(st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=12), min_size=1))
@settings(max_examples=200)
def test_what_is_sent_says_the_same_as_the_drivers_own(texts: list[str | None]) -> None:
    """Read back by rules of PostgreSQL that are written down here once more."""
    if any("\0" in text for text in texts if text is not None):
        return
    dumped = TextsDumper(list, Transformer(None)).dump(texts)
    own = ListDumper(list, Transformer(None)).dump(texts)
    assert read(bytes(dumped or b"").decode()) == texts == read(bytes(own or b"").decode())


def read(array: str) -> list[str | None]:
    """An array of texts, as PostgreSQL reads it."""
    assert (array[0], array[-1]) == ("{", "}")
    found: list[str | None] = []
    rest = array[1:-1] + ","
    while rest:
        if rest[0] == '"':
            text, rest = quoted(rest[1:])
            found.append(text)
        else:
            text, _, rest = rest.partition(",")
            found.append(None if text.lower() == "null" else text)
    return found


def quoted(rest: str) -> tuple[str, str]:
    """Up to the quote that closes it, and what follows the comma behind that."""
    text, at = "", 0
    while rest[at] != '"':
        at += rest[at] == "\\"
        text += rest[at]
        at += 1
    assert rest[at + 1] == ","
    return text, rest[at + 2 :]
