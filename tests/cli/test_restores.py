"""`reconciler restore …`: what is held is shown, and let go by two admins."""

from io import StringIO

import pytest

from reconciler.flows.reread_rail import reread_rail
from reconciler.services import people, restores
from reconciler.work import Cause
from tests.cli.conftest import Command
from tests.runtime import Office


@pytest.fixture
def command(office: Office, on) -> Command:
    """Runs a command on empty books."""
    return on(office.runtime.settings.database_url)


def test_two_admins_let_restored_books_go_from_a_terminal(office: Office, command, monkeypatch):
    for name in ("ann", "ben"):
        who = {"email": f"{name}@example.com", "password": f"{name} and seven herons"}
        office.do(lambda work, who=who: people.create_user(work, role="admin", **who))
    free = command("restore", "show")
    assert (free.returncode, "nothing is held" in free.stdout) == (0, True)
    office.do(lambda work: restores.suspect(work, "a drill"), Cause("command", "drill"))
    for _ in range(3):
        reread_rail(office.runtime)
        office.clock.advance(seconds=15)
    shown = command("restore", "show")
    assert shown.returncode == 1
    assert "no refund is sent: a drill" in shown.stdout
    assert "two admins may say now" in shown.stdout

    def accept(name: str, password: str):
        monkeypatch.setattr("sys.stdin", StringIO(f"{password}\n"))
        who = ("--email", f"{name}@example.com", "--password-stdin")
        return command("restore", "accept", *who)

    wrong = accept("ann", "a guess")
    assert (wrong.returncode, "of an admin" in wrong.stderr) == (2, True)
    assert accept("ann", "").returncode == 2
    first = accept("ann", "ann and seven herons")
    assert (first.returncode, "a second admin" in first.stderr + first.stdout) == (0, True)
    assert "has said that the books are right" in command("restore", "show").stdout
    assert accept("ann", "ann and seven herons").returncode == 2
    assert accept("ben", "ben and seven herons").returncode == 0
    assert command("restore", "show").returncode == 0
