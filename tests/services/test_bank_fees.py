"""What a bank took off: tied by a person's word, booked, bounded, and taken back when untied."""

import pytest

from reconciler.books.bank_lines import TargetKind
from reconciler.errors import Conflict, Invalid, Refused
from reconciler.flows.rebuild import rebuild
from reconciler.reads import statements as reads
from reconciler.services import statements
from reconciler.services.bank_fees import Granted
from tests import builders
from tests.runtime import may_make_a_schema
from tests.services.test_statements import HEAD, do, entry, lines, payout, receive, take

__all__ = ["payout"]

WIRE = Granted("Wire through another bank")


def tie(office, row, kind, target, fee=WIRE):
    do(office, statements.tie, row.id, kind, target, rev=row.rev, fee=fee)


def short(office, reference="note", amount=1_000_000, arrives="9985.00"):
    """A transfer by hand, and the line that shows less of it."""
    receipt = receive(office, reference=reference, amount=amount)
    take(office, HEAD + f"{office.clock().date()},{arrives},USD,SEPA\n", name=f"{reference}.csv")
    return receipt, lines(office)[-1]


def test_a_fee_is_an_expense_of_its_own_and_the_books_stay_right(office):
    receipt, line = short(office)
    assert line.state == "open", "it never ties itself"
    before = builders.balances(office)
    tie(office, line, TargetKind.RECEIPT, receipt)
    (line,) = lines(office)
    assert (line.state, line.fee, line.fee_why) == ("tied", 1_500, WIRE.why)
    after = builders.balances(office)
    assert after["bank_fees"] == 1_500
    assert after["undeposited"] == before["undeposited"] - 1_500 == 998_500
    assert office.violations() == []
    do(office, statements.untie, line.id, rev=line.rev)
    assert {k: v for k, v in builders.balances(office).items() if v} == before
    (line,) = lines(office)
    assert (line.state, line.fee, line.fee_why) == ("open", 0, None)
    assert office.violations() == []


def test_the_fee_of_a_payout_is_missing_at_the_bank(office, payout):
    before = builders.balances(office)["bank"]
    take(office, HEAD + entry(office, payout, text=payout.rail_payout_id, amount=payout.amount - 9))
    (line,) = lines(office)
    tie(office, line, TargetKind.PAYOUT, payout.id)
    held = builders.balances(office)
    assert (held["bank"], held["bank_fees"]) == (before - 9, 9)
    key = office.scalar("select key from journal_entry where payout_id = :id and key like 'bank%'",
                        id=payout.id)  # fmt: skip
    assert key == f"bank_line/{line.id}/fee/1"
    assert office.violations() == []


def test_tied_twice_is_booked_twice_and_reversed_once_each(office, owner_url):
    receipt, line = short(office)
    for turn in (1, 2):
        (line,) = lines(office)
        tie(office, line, TargetKind.RECEIPT, receipt)
        (line,) = lines(office)
        assert line.fee_turns == turn
        do(office, statements.untie, line.id, rev=line.rev)
    keys = "select count(*) from journal_entry where key like 'bank_line/%'"
    assert office.scalar(keys) == 4
    assert office.violations() == []
    found, done = rebuild(may_make_a_schema(office, owner_url).runtime)
    assert found == [], "done over from the audit trail, the journal is the same"
    assert done.done["deeds"] >= 4


@pytest.mark.parametrize(
    ("arrives", "fee", "error", "why"),
    [
        ("9985.00", None, Refused, "another amount"),
        ("9985.00", Granted(" "), Invalid, "fee_why"),
        ("9985.00", Granted("x", {"USD": 1_499}), Refused, "BANK_FEE_MAX allows 1499"),
        ("9499.99", WIRE, Refused, "BANK_FEE_MAX allows 50000"),
        ("10000.01", WIRE, Refused, "no fee"),
    ],
)
def test_what_is_no_fee_or_too_much_of_one_is_refused(office, arrives, fee, error, why):
    receipt, line = short(office, arrives=arrives)
    before = builders.balances(office)
    with pytest.raises(error) as refusal:
        tie(office, line, TargetKind.RECEIPT, receipt, fee)
    assert why in f"{refusal.value} {refusal.value.field}"
    assert lines(office)[0].state == "open"
    assert builders.balances(office) == before


def test_a_bound_that_is_set_counts_instead_of_the_share(office):
    receipt, line = short(office, arrives="9000.00")
    tie(office, line, TargetKind.RECEIPT, receipt, Granted("Wire", {"USD": 100_000}))
    assert builders.balances(office)["bank_fees"] == 100_000


def test_a_line_that_changed_meanwhile_books_nothing(office):
    receipt, line = short(office)
    tie(office, line, TargetKind.RECEIPT, receipt)
    with pytest.raises(Conflict):
        tie(office, line, TargetKind.RECEIPT, receipt)
    assert builders.balances(office)["bank_fees"] == 1_500


def test_what_came_short_is_suggested_within_the_bound_alone(office):
    receipt, line = short(office)
    with office.runtime.read() as session:
        shown = [reads.line(session, line.id)]
        (found,) = reads.suggestions(session, shown).fits[line.id]
        assert (found.target.id, found.has_amount) == (receipt, False)
        assert reads.suggestions(session, shown, {"USD": 1_499}).fits == {}
