"""`reconciler import`: seen first, then all rows or none, and twice is once."""

import json

import pytest

from tests.runtime import Office

ROWS = """kind,external_id,name,number,customer_id,currency,total,state
customer,c-1,Ann Lee,,,,,
invoice,,,R-1,c-1,USD,40000,sent
"""


@pytest.fixture
def bring(office: Office, on, tmp_path):
    """`bring(rows, "--dry-run")` runs the command on a file of these rows."""
    command = on(office.runtime.settings.database_url)

    def run(text: str, *options: str):
        file = tmp_path / "rows.csv"
        file.write_text(text)
        return command("import", str(file), *options)

    return run


def test_a_dry_run_says_what_would_change_and_changes_nothing(office: Office, bring) -> None:
    ended = bring(ROWS, "--dry-run")
    assert (ended.returncode, ended.stdout) == (0, "customer: 1 new\ninvoice: 1 new\n")
    assert office.scalar("select count(*) from invoice") == 0


def test_a_file_is_taken_over_once(office: Office, bring) -> None:
    first = bring(ROWS, "--json")
    assert first.returncode == 0
    told = json.loads(first.stdout)
    assert told["counts"] == {"customer": {"new": 1}, "invoice": {"new": 1}}
    assert told["import_id"].startswith("imp_")
    again = bring(ROWS)
    assert (again.returncode, again.stdout) == (0, "customer: 1 unchanged\ninvoice: 1 unchanged\n")
    assert "taken over before" in again.stderr
    assert office.scalar("select count(*) from import_file") == 1
    assert office.violations() == []


def test_a_bad_row_is_named_and_nothing_is_taken_over(office: Office, bring) -> None:
    ended = bring(ROWS.replace("40000", "400.00"))
    assert ended.returncode == 1
    assert ended.stdout.startswith("line 3: total: is whole minor units; write 1234.50 into")
    assert "nothing is taken over" in ended.stderr
    assert office.scalar("select count(*) from customer") == 0


def test_a_file_that_is_no_table_is_wrong_usage(bring) -> None:
    ended = bring("what,is,this\n1,2,3\n")
    assert ended.returncode == 2
    assert "no column 'what'" in ended.stderr or "say what the rows are" in ended.stderr
