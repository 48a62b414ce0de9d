"""The journal for QuickBooks and Xero: their columns, balanced by journal number, one currency."""

import csv
import io
import re
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
    numbers: dict[str, str] = {}
    for row in rows(reconciler, "quickbooks"):
        debit, credit = (parse(row[side] or "0", "USD").minor for side in ("Debits", "Credits"))
        assert (debit == 0) != (credit == 0)
        by_journal[row["Journal No."]] += debit - credit
        by_account[row["Account Name"]] += debit - credit
        assert row["Currency"] == "USD"
        assert len(row["Journal No."]) <= 21, "QuickBooks takes no more"
        assert numbers.setdefault(row["Journal No."], row["Memo"]) == row["Memo"]
        has_party = row["Account Name"] in {"accounts_receivable", "accounts_payable"}
        assert bool(row["Name"]) == has_party, "where QuickBooks asks for a customer or vendor"
    assert not any(by_journal.values())
    assert Counter({n: u for n, u in by_account.items() if u}) == balances(told)


def test_xero_gets_each_narration_balanced_and_all_of_it(told, reconciler) -> None:
    by_journal: Counter[str] = Counter()
    by_account: Counter[str] = Counter()
    for row in rows(reconciler, "xero"):
        amount = parse(row["*Amount"], "USD").minor
        by_journal[row["*Narration"]] += amount
        by_account[row["*AccountCode"]] += amount
        assert re.fullmatch(r"[1-9][0-9]? [A-Z][a-z]{2} 20[0-9]{2}", row["*Date"])
        assert row["*TaxRate"] == "Tax Exempt"
    assert not any(by_journal.values())
    assert Counter({n: u for n, u in by_account.items() if u}) == balances(told)


def test_accounts_are_called_what_they_are_called_there(reconciler, tmp_path) -> None:
    file = tmp_path / "accounts.json"
    file.write_text(
        '{"revenue": "400", "clearing:stripe": "610", "unapplied_cash": "820", "no_tax": "No VAT"}'
    )
    found = rows(reconciler, "xero", "--accounts", str(file))
    assert {row["*TaxRate"] for row in found} == {"No VAT"}
    named = {row["*AccountCode"] for row in found}
    assert {"400", "610", "820"} <= named
    assert not named & {"revenue", "clearing:stripe", "unapplied_cash"}


def test_the_help_of_the_export_stands_in_columns(reconciler) -> None:
    help_ = reconciler("export", "--help").stdout
    window = help_[help_.index("A window chooses by:") :].splitlines()[1:]
    noun = re.compile(r" +([a-z-]+) +(?=\S)")
    starts = {found.end() for line in window if (found := noun.match(line))}
    assert len(starts) == 1, "what each is chosen by begins at one place"


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
