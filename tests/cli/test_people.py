"""`reconciler user …` and `reconciler api-key …`."""

from collections.abc import Iterator
from io import StringIO

import pytest

from reconciler.services import api_keys, people
from tests.cli.conftest import Command
from tests.runtime import Office, open_office


@pytest.fixture(scope="module")
def house(module_database_url: str, line, stripe_api) -> Iterator[Office]:
    """Empty books for tests that leave them so."""
    made = open_office(module_database_url, line, stripe_api)
    yield made
    made.runtime.engine.dispose()


@pytest.fixture
def command(office: Office, on) -> Command:
    """Runs a command on empty books."""
    return on(office.runtime.settings.database_url)


def test_a_person_is_made_with_a_password_that_is_printed_once(office: Office, command) -> None:
    ended = command("user", "create", "--email", "ann@example.com", "--role", "approver")
    assert ended.returncode == 0
    password = ended.stdout.strip()
    begun = office.do(
        lambda work: people.sign_in(
            work, email="ann@example.com", password=password, address="10.0.0.1"
        )
    )
    assert begun.person.role == "approver"
    assert password not in ended.stderr
    again = command("user", "create", "--email", "ANN@example.com")
    assert (again.returncode, again.stdout) == (2, "")
    assert "account already" in again.stderr


def test_a_password_can_be_given_and_is_not_printed(office: Office, command, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("tulip-anchor-9\n"))
    ended = command("user", "create", "--email", "ben@example.com", "--password-stdin")
    assert (ended.returncode, ended.stdout) == (0, "")
    assert "tulip" not in ended.stderr
    monkeypatch.setattr("sys.stdin", StringIO(""))
    empty = command("user", "create", "--email", "cid@example.com", "--password-stdin")
    assert empty.returncode == 2
    listed = command("user", "list").stdout
    assert "ben@example.com\tviewer\tactive" in listed
    assert "cid" not in listed


def test_a_key_is_printed_once_and_opens_the_api_until_revoked(office: Office, command) -> None:
    ended = command("api-key", "create", "--name", "Till", "--scope", "write")
    assert ended.returncode == 0
    key = ended.stdout.strip()
    assert office.do(lambda work: api_keys.principal_of(work, key)).scope == "write"
    listed = command("api-key", "list").stdout
    assert "Till" in listed
    assert key not in listed
    key_id = listed.partition("\t")[0]
    assert command("api-key", "revoke", key_id).returncode == 0
    assert "revoked" in command("api-key", "list").stdout
    assert office.do(lambda work: api_keys.principal_of(work, key)) is None


@pytest.mark.parametrize(
    "arguments",
    [
        ("user", "create"),
        ("user", "create", "--email", "nowhere"),
        ("user", "create", "--email", "a@b.c", "--role", "owner"),
        ("api-key", "create", "--name", "x"),
        ("api-key", "create", "--name", "x", "--scope", "all"),
        ("api-key", "revoke", "key_none"),
        ("user", "forget"),
    ],
)
def test_wrong_usage_is_told_apart(house: Office, on, arguments) -> None:
    ended = on(house.runtime.settings.database_url)(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr


@pytest.mark.parametrize("noun", ["user", "api-key"])
def test_every_level_has_help(house: Office, on, noun: str) -> None:
    command = on(house.runtime.settings.database_url)
    for arguments in ((noun, "--help"), (noun, "create", "--help")):
        ended = command(*arguments)
        assert ended.returncode == 0
        assert "--help" in ended.stdout
