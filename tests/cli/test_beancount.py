"""The exported ledger, judged by a program that is not ours: Beancount's own check."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.books.accounts import KINDS, Role
from reconciler.reads import beancount, ledger
from tests.cli.conftest import Command, Ended
from tests.runtime import Office

CHECK = Path(sys.executable).with_name("bean-check")


@pytest.fixture
def exported(reconciler: Command) -> str:
    """All of the journal."""
    return _export(reconciler)


def _export(reconciler: Command, *more: str) -> str:
    ended = reconciler("export", "journal", "--format", "beancount", *more)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def _checked(text: str, folder: Path) -> Ended:
    place = folder / "journal.beancount"
    place.write_text(text)
    return subprocess.run(
        [str(CHECK), "--no-cache", str(place)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_books_full_of_stories_pass(exported: str, tmp_path: Path) -> None:
    ended = _checked(exported, tmp_path)
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, "")


def test_every_account_of_the_trial_balance_is_asserted(told: Office, exported: str) -> None:
    with told.runtime.read() as session:
        known = ledger.trial_balance(session)
    wanted = {
        (beancount.account(line.role, line.rail or line.category), currency)
        for currency, found in known.items()
        for line in found.accounts
    }
    asserted = re.findall(r"^\S+ balance (\S+)  \S+ ~ 0 (\w+)$", exported, re.MULTILINE)
    assert len(wanted) > 20
    assert sorted(asserted) == sorted(wanted)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("currency", "places"), [("USD", 2), ("JPY", 0), ("KWD", 3)])
def test_a_planted_difference_of_the_smallest_coin_is_found(
    exported: str, tmp_path: Path, currency: str, places: int
) -> None:
    line = re.search(
        rf"^\S+ balance Assets:Clearing:Stripe  (\S+) ~ 0 {currency}$", exported, re.MULTILINE
    )
    assert line is not None
    minor = int(line[1].replace(".", "")) + 1
    text = str(minor).rjust(places + 1, "0")
    wrong = f"{text[:-places]}.{text[-places:]}" if places else text
    planted = exported.replace(line[0], line[0].replace(f" {line[1]} ", f" {wrong} "))
    assert planted != exported
    ended = _checked(planted, tmp_path)
    assert ended.returncode == 1
    assert "Balance failed for 'Assets:Clearing:Stripe'" in ended.stderr + ended.stdout


@pytest.mark.thorough
def test_an_entry_left_out_is_found(exported: str, tmp_path: Path) -> None:
    entries = exported.split("\n\n")
    shorter = "\n\n".join(entries[:5] + entries[6:])
    assert _checked(shorter, tmp_path).returncode == 1


def test_every_entry_has_key_cause_and_what_it_is_about(told: Office, exported: str) -> None:
    entries = [part for part in exported.split("\n\n") if " * " in part]
    assert len(entries) == told.scalar("select count(*) from journal_entry")
    keys = set(told.rows("select key from journal_entry"))
    for entry in entries:
        key = re.search(r'^  key: "(.*)"$', entry, re.MULTILINE)
        assert key is not None
        assert (key[1],) in keys
        assert re.search(r'^  cause: "\w+/.+"$', entry, re.MULTILINE)
        assert re.match(r'\d{4}-\d\d-\d\d \* ".*"( \^\w+)*$', entry.splitlines()[0])
    # A movement of the account itself, such as a monthly fee, is about nothing that has an id here.
    unlinked = sum(1 for entry in entries if " ^" not in entry.splitlines()[0])
    assert unlinked == told.scalar(
        "select count(*) from journal_entry where num_nonnulls(payment_id, invoice_id, deposit_id,"
        " payout_id, bill_id, prepayment_id) = 0"
    )


def test_a_later_part_starts_from_what_was_brought_forward(
    reconciler: Command, tmp_path: Path
) -> None:
    later = _export(reconciler, "--since", "2026-11-22T12:00:01")
    assert '"brought forward"' in later
    ended = _checked(later, tmp_path)
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, "")


def test_an_early_part_and_an_empty_one_pass(reconciler: Command, tmp_path: Path) -> None:
    early = _export(reconciler, "--until", "2026-11-22T12:00:01")
    assert " balance " in early
    assert _checked(early, tmp_path).returncode == 0
    before = _export(reconciler, "--until", "2001-01-01")
    assert " * " not in before
    assert _checked(before, tmp_path).returncode == 0
    after = _export(reconciler, "--since", "2027-12-01")
    assert _checked(after, tmp_path).returncode == 0


def test_every_role_has_an_account_of_its_own_that_the_text_at_the_top_names() -> None:
    names = {role: beancount.account(role, None) for role in KINDS}
    assert len(set(names.values())) == len(Role)
    told = beancount.__doc__ or ""
    for role, name in names.items():
        assert re.search(rf"^    {role.value}\b.* {name}", told, re.MULTILINE), role


def test_a_rails_name_becomes_part_of_the_account() -> None:
    assert beancount.account("clearing", "stripe") == "Assets:Clearing:Stripe"
    assert beancount.account("clearing", "pay_pal-eu") == "Assets:Clearing:PayPalEu"
