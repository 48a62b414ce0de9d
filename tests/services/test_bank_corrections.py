"""A bank that sends a statement again: what it says otherwise is shown, and taken by a person."""

import pytest

from reconciler.books.bank_lines import TargetKind
from reconciler.errors import Conflict, Invalid, NotFound
from reconciler.reads import bank_corrections as reads
from reconciler.reads.pages import Wanted
from reconciler.services import bank_corrections, statements
from reconciler.services.bank_fees import Granted
from tests import builders
from tests.services.test_statements import do, lines, receive, take

NAMED = "Transaction ID,Date,Amount,Currency,Description\n"
PLAIN = "Date,Amount,Currency,Description,Reference\n"
REST = "2026-01-01,1.00,USD,One,\n2026-01-09,2.00,USD,Two,\n"


def waiting(office):
    with office.runtime.read() as session:
        return reads.page(session, {"state": "open"}, Wanted()).data


def shown(office):
    return [(row.amount, row.state) for row in lines(office)]


def camt(*entries):
    """A camt.053 with entries of (the bank's name, amount)."""
    body = "".join(
        f"""<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>
        <BookgDt><Dt>2026-01-0{day}</Dt></BookgDt><AcctSvcrRef>{name}</AcctSvcrRef></Ntry>"""
        for day, (name, amount) in enumerate(entries, 1)
    )
    return f"<Document><BkToCstmrStmt><Stmt>{body}</Stmt></BkToCstmrStmt></Document>"


@pytest.mark.parametrize("form", ["camt", "csv"])
def test_the_same_name_with_another_amount_waits_beside_the_first(office, form):
    def file(amount):
        if form == "camt":
            return camt(("B-1", amount), ("B-2", "7.00"))
        return f"{NAMED}B-1,2026-01-01,{amount},EUR,Ann\nB-2,2026-01-02,7.00,EUR,Bo\n"

    take(office, file("10.00"))
    again = take(office, file("12.00"), name="again")
    assert (again.new, again.corrections) == (0, 1)
    assert shown(office) == [(1_000, "open"), (700, "open")]
    (found,) = waiting(office)
    assert (found.kind, found.line.amount, found.now.amount) == ("changed", 1_000, 1_200)
    assert take(office, file("12.00") + " ", name="third").corrections == 0, "it waits already"
    do(office, bank_corrections.take, found.id, rev=found.rev)
    assert sorted(shown(office)) == [(700, "open"), (1_000, "withdrawn"), (1_200, "open")]
    assert waiting(office) == []
    assert office.violations() == []


def test_a_line_tied_with_a_fee_is_untied_by_reversal_before_it_is_corrected(office):
    receipt = receive(office, reference="note", amount=1_000_000)
    day = office.clock().date()
    take(office, f"{NAMED}B-1,{day},9985.00,USD,SEPA\n")
    before = builders.balances(office)
    (line,) = lines(office)
    fee = Granted("Wire")
    do(office, statements.tie, line.id, TargetKind.RECEIPT, receipt, rev=line.rev, fee=fee)
    take(office, f"{NAMED}B-1,{day},10000.00,USD,SEPA\n", name="again.csv")
    (found,) = waiting(office)
    assert (found.line.target_id, found.line.fee) == (receipt, 1_500)
    do(office, bank_corrections.take, found.id, rev=found.rev)
    assert {k: v for k, v in builders.balances(office).items() if v} == before
    assert do(office, statements.tie_open_lines) == 1, "the new line finds it"
    old, new = lines(office)
    assert (old.state, old.target_id, new.state, new.target_id) == (
        "withdrawn", None, "tied", receipt,
    )  # fmt: skip
    assert office.violations() == []
    with pytest.raises(Conflict, match="decided"):
        do(office, bank_corrections.take, found.id, rev=found.rev)


def test_a_line_that_is_missing_from_the_same_statement_is_withdrawn_by_a_person(office):
    take(office, PLAIN + REST + "2026-01-05,3.00,USD,Three,\n")
    take(office, PLAIN + REST, name="again.csv")
    (found,) = waiting(office)
    assert (found.kind, found.now, found.line.amount) == ("withdrawn", None, 300)
    do(office, bank_corrections.take, found.id, rev=None)
    assert (300, "withdrawn") in shown(office)
    take(office, PLAIN + REST + "2026-01-05,3.00,USD,Three,\n\n", name="third.csv")
    assert (300, "withdrawn") in shown(office), "it does not come back by itself"


def test_without_names_the_same_reference_and_day_is_the_same_line(office):
    take(office, PLAIN + REST + "2026-01-05,3.00,USD,Three,RF18\n")
    take(office, PLAIN + REST + "2026-01-05,4.00,USD,Three,RF18\n", name="again.csv")
    (found,) = waiting(office)
    assert (found.kind, found.now.amount) == ("changed", 400)


def test_a_file_that_shows_other_lines_of_the_same_days_corrects_nothing(office):
    take(office, PLAIN + REST + "2026-01-05,3.00,USD,Three,RF18\n2026-01-06,9.00,USD,Nine,\n")
    some = take(
        office, PLAIN + "2026-01-01,1.00,USD,One,\n2026-01-09,8.00,USD,New,\n", name="s.csv"
    )
    assert (some.new, some.corrections) == (1, 0)


def test_who_declines_keeps_both_and_is_not_asked_again(office):
    take(office, f"{NAMED}B-1,2026-01-01,10.00,EUR,Ann\n")
    take(office, f"{NAMED}B-1,2026-01-01,12.00,EUR,Ann\n", name="again.csv")
    (found,) = waiting(office)
    with pytest.raises(Invalid):
        do(office, bank_corrections.decline, found.id, " ", rev=found.rev)
    do(office, bank_corrections.decline, found.id, "Two transfers", rev=found.rev)
    assert shown(office) == [(1_000, "open"), (1_200, "open")]
    take(office, f"{NAMED}B-1,2026-01-01,12.00,EUR,Ann\n\n", name="third.csv")
    assert waiting(office) == []
    with pytest.raises(NotFound):
        do(office, bank_corrections.take, "bco_none", rev=None)
    said = "select action from audit_line where action in ('bank_line.kept', 'bank_line.corrected')"
    assert [row.action for row in office.rows(said)] == ["bank_line.kept"]
