"""`reconciler export`: all of it, once, exact, and safe to open in a spreadsheet."""

import csv
import io
import json
import os
import pty
import subprocess
import tracemalloc
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest

from reconciler.reads import export_rows, export_text, exports, invoices as invoice_reads, ledger
from reconciler.reads.export_kinds import KINDS
from reconciler.reads.export_rows import PAGE_ROWS, Window
from reconciler.services import customers, invoices
from reconciler.services.invoices import NewInvoice
from reconciler.settings import inherited_environment
from reconciler.work import Work
from tests.cli.conftest import PATIENCE_SECONDS, PROGRAM, ROOT, Command
from tests.runtime import Office
from tests.tiers import size

NOUNS = tuple(KINDS)
ALWAYS = Window()
TODAY = date(2026, 11, 22)


def _csv(command: Command, noun: str, *more: str) -> list[dict[str, str]]:
    ended = command("export", noun, "--format", "csv", *more)
    assert ended.returncode == 0, ended.stderr
    return list(csv.DictReader(io.StringIO(ended.stdout)))


def _json(command: Command, noun: str, *more: str) -> list[dict[str, Any]]:
    ended = command("export", noun, "--format", "json", *more)
    assert ended.returncode == 0, ended.stderr
    found: list[dict[str, Any]] = json.loads(ended.stdout)
    return found


def test_the_journal_in_csv_adds_up_to_the_trial_balance(told: Office, reconciler: Command) -> None:
    sums: Counter[tuple[str, str, str, str]] = Counter()
    for row in _csv(reconciler, "journal"):
        key = (row["role"], row["rail"], row["category"], row["currency"])
        sums[key] += int(row["debit"]) - int(row["credit"])
    with told.runtime.read() as session:
        balance = ledger.trial_balance(session)
    assert sums == Counter(
        {
            (line.role, line.rail or "", line.category or "", currency): line.balance
            for currency, found in balance.items()
            for line in found.accounts
        }
    )
    assert len(balance) == 4, "USD, EUR, JPY, KWD"


def test_the_journal_in_json_holds_each_entry_once_and_balanced(
    told: Office, reconciler: Command
) -> None:
    entries = _json(reconciler, "journal")
    assert len(entries) == told.scalar("select count(*) from journal_entry")
    assert len({entry["key"] for entry in entries}) == len(entries)
    for entry in entries:
        net: Counter[str] = Counter()
        for line in entry["postings"]:
            net[line["currency"]] += line["debit"] - line["credit"]
        assert not any(net.values()), entry["key"]
        assert entry["cause"]["kind"]


def test_decimals_are_as_wide_as_the_currency(reconciler: Command) -> None:
    told = {"INV-1015", "INV-1016", "INV-1017"}
    rows = _csv(reconciler, "invoices")
    shown = {row["currency"]: row for row in rows if row["number"] in told}
    assert (shown["JPY"]["total"], shown["JPY"]["total_decimal"]) == ("480000", "480000")
    assert (shown["KWD"]["total"], shown["KWD"]["total_decimal"]) == ("512500", "512.500")
    assert (shown["EUR"]["total"], shown["EUR"]["total_decimal"]) == ("240000", "2400.00")


def test_invoices_say_what_the_screens_say(told: Office, reconciler: Command) -> None:
    rows = {row["id"]: row for row in _json(reconciler, "invoices")}
    today = datetime.now(UTC).date()
    with told.runtime.read() as session:
        known = invoice_reads.load(session, list(rows), today=today)
    assert len(rows) == told.scalar("select count(*) from invoice") == 55
    for invoice_id, row in rows.items():
        same = known[invoice_id]
        assert row["status"] == same.status.value, row["number"]
        assert row["outstanding"] == same.outstanding
        assert row["total"] == row["paid"] + row["credited"] + row["outstanding"]


def test_payments_keep_what_they_did_not_give_away(told: Office, reconciler: Command) -> None:
    rows = _json(reconciler, "payments")
    assert len(rows) == told.scalar("select count(*) from payment")
    for row in rows:
        kept = row["captured"] - row["refunded"] - row["lost"]
        assert kept == row["allocated"] + row["unapplied"]
    assert ["DEP-2001"] in [row["allocated_to"] for row in rows]


def test_refunds_made_at_the_rail_are_not_forgotten(reconciler: Command) -> None:
    rows = _json(reconciler, "refunds")
    seen = sorted((row["made"], row["amount"], row["status"]) for row in rows)
    assert seen == [
        ("at the rail", 5_000, "succeeded"),
        ("at the rail", 10_000, "failed"),
        ("at the rail", 15_850, "succeeded"),
        ("at the rail", 20_000, "succeeded"),
        ("at the rail", 30_000, "failed"),
        ("here", 3_000, "requested"),
        ("here", 5_000, "requested"),
        ("here", 5_000, "succeeded"),
        ("here", 6_000, "failed"),
    ]


# Of these the month has some before that day and some after it.
MANY = {
    "journal", "invoices", "payments", "refunds", "payouts", "payout-lines",
}  # fmt: skip


@pytest.mark.sampled(3)
@pytest.mark.parametrize("noun", sorted(set(NOUNS) - {"accounts"}))
def test_two_windows_side_by_side_hold_what_one_holds(noun: str, reconciler: Command) -> None:
    by_the_rail = {"invoices", "payments", "refunds", "payouts", "payout-lines", "disputes"}
    day = "2026-11-10" if noun in by_the_rail else "2026-11-22T12:00:01"
    before, after = (_csv(reconciler, noun, flag, day) for flag in ("--until", "--since"))
    assert noun not in MANY or (before and after)
    whole = _csv(reconciler, noun)
    assert sorted(map(str, before + after)) == sorted(map(str, whole))


def test_times_are_utc(reconciler: Command) -> None:
    assert all(row["at"].endswith("Z") for row in _csv(reconciler, "journal"))


def test_an_empty_window_has_a_header_and_an_empty_array(reconciler: Command) -> None:
    for noun in NOUNS[:: size(quick=4, full=1)]:
        ended = reconciler("export", noun, "--format", "csv", "--until", "1999-01-01")
        assert ended.stdout.count("\n") == 1, noun
        assert _json(reconciler, noun, "--until", "1999-01-01") == []


@pytest.mark.thorough
def test_a_process_of_its_own_writes_the_same(
    told: Office, reconciler: Command, process_on: Callable[[str], Command]
) -> None:
    arguments = ("export", "journal", "--format", "csv")
    ended = process_on(told.runtime.settings.database_url)(*arguments)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == reconciler(*arguments).stdout.splitlines()


@pytest.mark.thorough
def test_a_reader_who_leaves_early_is_no_error(told: Office, given: dict[str, str]) -> None:
    environ = {**inherited_environment(), **given}
    with subprocess.Popen(
        [str(PROGRAM), "export", "journal", "--format", "json"],
        cwd=ROOT,
        env={**environ, "DATABASE_URL": told.runtime.settings.database_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE_SECONDS) == 0


@pytest.mark.thorough
def test_a_terminal_sees_a_bar_and_the_file_does_not(told: Office, given: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    environ = {**inherited_environment(), **given, "TERM": "xterm"}
    ended = subprocess.run(
        [str(PROGRAM), "export", "journal", "--format", "csv"],
        cwd=ROOT,
        env={**environ, "DATABASE_URL": told.runtime.settings.database_url},
        stdout=subprocess.PIPE,
        stderr=theirs,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    os.close(theirs)
    assert "reading the journal" in os.read(ours, 100_000).decode()
    os.close(ours)
    assert ended.stdout.startswith(b"entry_id,key,at,")


EVIL = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1"]


@pytest.mark.parametrize("text", EVIL)
def test_what_a_spreadsheet_would_run_is_made_text(text: str) -> None:
    row = dict.fromkeys(exports.INVOICES.header) | {"description": text}
    printed = "".join(export_text.as_csv(exports.INVOICES, [row]))
    found = next(csv.DictReader(io.StringIO(printed, newline="")))
    assert found["description"] == f"'{text}"


def test_a_negative_number_stays_a_number() -> None:
    row = dict.fromkeys(exports.PAYMENTS.header)
    row |= {"fee": -250, "fee_decimal": export_rows.Amount("-2.50")}
    printed = "".join(export_text.as_csv(exports.PAYMENTS, [row]))
    found = next(csv.DictReader(io.StringIO(printed)))
    assert (found["fee"], found["fee_decimal"]) == ("-250", "-2.50")


def test_a_customers_formula_reaches_json_as_it_is(office: Office) -> None:
    def load(work: Work) -> None:
        owner = customers.create(work, name='=HYPERLINK("x")')
        invoices.create(work, NewInvoice(customer_id=owner, currency="USD", total=100))

    office.do(load)
    with office.runtime.read() as session:
        pieces = export_text.pieces(session, "invoices", "json", ALWAYS, today=TODAY)
        found = json.loads("".join(pieces))
    assert [row["customer_name"] for row in found] == ['=HYPERLINK("x")']


class TestMany:
    """More than a page, so that the seams between pages are there to be wrong."""

    @pytest.fixture
    def many(self, owner_url: str, office: Office) -> Office:
        with psycopg.connect(owner_url.replace("+psycopg", "", 1)) as owner:
            owner.execute(
                """insert into ledger_account (role, rail, currency)
                values ('bank', '', 'USD'), ('revenue', '', 'USD')"""
            )
            # Many at one instant: only the id tells them apart where a page ends.
            owner.execute(
                """insert into journal_entry (id, key, cause_kind, cause_id, at)
                select 'je_' || n, 'key/' || n, 'test', 'many',
                  timestamptz '2026-11-01Z' + (n / 1500) * interval '1 hour'
                from generate_series(1, %s) n""",
                [PAGE_ROWS * 5 + 1],
            )
            owner.execute(
                """insert into posting (entry_id, line, account_id, amount)
                select e.id, side.line, a.id, side.amount from journal_entry e,
                  (values (1, 'bank', 5), (2, 'revenue', -5)) as side(line, role, amount)
                join ledger_account a on a.role = side.role"""
            )
        return office

    def test_each_entry_is_there_once_and_in_order(self, many: Office) -> None:
        with many.runtime.read() as session:
            found = list(exports.journal(session, ALWAYS))
        assert len({entry.id for entry in found}) == len(found) == PAGE_ROWS * 5 + 1
        assert found == sorted(found, key=lambda entry: (entry.at, entry.id))
        assert {len(entry.postings) for entry in found} == {2}

    @pytest.mark.thorough
    def test_memory_does_not_grow_with_the_journal(self, many: Office) -> None:
        short = Window(until=datetime(2026, 11, 1, 1, tzinfo=UTC))
        few, all_of_it = (self._peak(many, window) for window in (short, ALWAYS))
        assert all_of_it < few * 1.5

    def _peak(self, office: Office, window: Window) -> int:
        with office.runtime.read() as session:
            for _ in export_text.pieces(session, "journal", "csv", window, today=TODAY):
                break  # what is loaded once is not counted
            tracemalloc.start()
            for _ in export_text.pieces(session, "journal", "csv", window, today=TODAY):
                pass
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return peak
