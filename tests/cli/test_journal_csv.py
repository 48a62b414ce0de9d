"""The journal for QuickBooks and Xero: their columns, balanced by journal number, one currency."""

import csv
import io
from collections import Counter

import pytest

from reconciler.money import parse
from reconciler.reads import ledger
from tests.cli.conftest import Command
from tests.runtime import Office


def rows(reconciler: Command, form: str, *options: str) -> list[dict[str, str]]:
    ended = reconciler("export", "journal", "--format", form, "--currency", "usd", *options)
    assert ended.returncode == 0, ended.stderr
    return list(csv.DictReader(io.StringIO(ended.stdout)))


def balances(told: Office) -> Counter[str]:
    with told.runtime.read() as session:
        found = ledger.trial_balance(session)["USD"].accounts
    sums: Counter[str] = Counter()
    for line in found:
        within = line.rail or line.category
        sums[f"{line.role}:{within}" if within else line.role] += line.balance
    return Counter({name: units for name, units in sums.items() if units})


def test_quickbooks_gets_each_journal_balanced_and_all_of_it(told, reconciler) -> None:
    by_journal: Counter[str] = Counter()
    by_account: Counter[str] = Counter()
    for row in rows(reconciler, "quickbooks"):
        debit, credit = (parse(row[side] or "0", "USD").minor for side in ("Debits", "Credits"))
        assert (debit == 0) != (credit == 0)
        by_journal[row["Journal No"]] += debit - credit
        by_account[row["Account"]] += debit - credit
        assert row["Currency"] == "USD"
    assert not any(by_journal.values())
    assert Counter({n: u for n, u in by_account.items() if u}) == balances(told)


def test_xero_gets_each_narration_balanced_and_all_of_it(told, reconciler) -> None:
    by_journal: Counter[str] = Counter()
    by_account: Counter[str] = Counter()
    for row in rows(reconciler, "xero"):
        amount = parse(row["*Amount"], "USD").minor
        by_journal[row["*Narration"]] += amount
        by_account[row["*AccountCode"]] += amount
    assert not any(by_journal.values())
    assert Counter({n: u for n, u in by_account.items() if u}) == balances(told)


def test_accounts_are_called_what_they_are_called_there(reconciler, tmp_path) -> None:
    file = tmp_path / "accounts.json"
    file.write_text('{"revenue": "400", "clearing:stripe": "610", "unapplied_cash": "820"}')
    named = {row["*AccountCode"] for row in rows(reconciler, "xero", "--accounts", str(file))}
    assert {"400", "610", "820"} <= named
    assert not named & {"revenue", "clearing:stripe", "unapplied_cash"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("journal", "--format", "xero"),
        ("journal", "--format", "csv", "--currency", "USD"),
        ("invoices", "--format", "quickbooks", "--currency", "USD"),
        ("journal", "--format", "xero", "--currency", "XYZ"),
    ],
)
def test_what_cannot_be_written_is_wrong_usage(reconciler, arguments) -> None:
    assert reconciler("export", *arguments).returncode == 2


@pytest.mark.parametrize("text", ["no json", "[]", '{"revenue": ""}', '{"revenue": 4}'])
def test_a_map_that_is_none_is_wrong_usage(reconciler, tmp_path, text) -> None:
    file = tmp_path / "accounts.json"
    file.write_text(text)
    options = ("--format", "xero", "--currency", "USD", "--accounts", str(file))
    assert reconciler("export", "journal", *options).returncode == 2
