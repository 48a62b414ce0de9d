"""`reconciler statement read`: a bank's file, once; bad rows named; nothing in a dry run."""

import json

import pytest

HEAD = "Date,Amount,Currency,Description\n"


@pytest.fixture
def command(office, on):
    return on(office.runtime.settings.database_url)


def test_a_statement_is_read_once(office, command, tmp_path):
    file = tmp_path / "nov.csv"
    file.write_text(HEAD + "2026-11-20,-3.50,USD,Coffee\n")
    dry = command("statement", "read", str(file), "--account", "Giro", "--dry-run")
    assert (dry.returncode, office.rows("select * from bank_line")) == (0, []), dry.stderr
    first = command("statement", "read", str(file), "--account", "Giro", "--json")
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)
    assert (told["new"], told["is_repeated"]) == (1, False)
    again = json.loads(
        command("statement", "read", str(file), "--account", "Giro", "--json").stdout
    )
    assert (again["new"], again["is_repeated"]) == (0, True)
    assert again["statement_id"] == told["statement_id"]


def test_bad_rows_are_named_and_the_exit_code_says_so(office, command, tmp_path):
    file = tmp_path / "nov.csv"
    file.write_text(HEAD + "2026-11-20,-3.50,USD,Coffee\n2026-11-20,x,USD,What\n")
    ended = command("statement", "read", str(file), "--account", "Giro")
    assert ended.returncode == 1
    assert "line 3: amount 'x' is not an amount" in ended.stdout
    assert office.scalar("select count(*) from bank_line") == 1


def test_what_is_no_statement_is_wrong_usage(command, tmp_path):
    file = tmp_path / "nov.csv"
    file.write_text("Name,Age\nAnn,3\n")
    ended = command("statement", "read", str(file), "--account", "Giro")
    assert ended.returncode == 2
    assert "no row names the columns" in ended.stderr
