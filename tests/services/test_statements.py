"""Statements in the books: read once, tied to payouts and receipts, moving no money."""

from datetime import UTC, datetime

import pytest

from reconciler.books.bank_lines import TargetKind
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.flows.find_payments import find_payments
from reconciler.flows.tie_bank_lines import tie_bank_lines
from reconciler.reads import statements as reads
from reconciler.reads.pages import Wanted
from reconciler.services import customers, invoices, receipts, statements
from reconciler.services.invoices import NewInvoice
from reconciler.services.receipts import Receipt
from reconciler.services.statements import Statement
from reconciler.work import Cause
from tests.builders import invoice
from tests.flows.test_payout_lines import paid_out, sold, told

PERSON = Cause("person", "usr_1")
HEAD = "Date,Amount,Currency,Description\n"


def take(office, text, *, account="Giro", name="nov.csv", **more):
    given = Statement(bank_account=account, file_name=name, body=text.encode(), **more)
    return office.runtime.do(PERSON, lambda work: statements.take(work, given))


def do(office, step, *args, **more):
    return office.runtime.do(PERSON, lambda work: step(work, *args, **more))


def lines(office):
    return office.rows("select * from bank_line order by number, id")


def written(minor):
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02}"


@pytest.fixture
def payout(office):
    """A payout that the rail says is paid: its row."""
    sold(office)
    made = paid_out(office)
    told(office)
    (row,) = office.rows("select * from payout where rail_payout_id = :id", id=made)
    return row


def receive(office, *, reference, amount=5_000, on=None):
    """A transfer that a person saw and booked by hand; gives the payment's id."""

    def step(work):
        customer = customers.create(work, name="Ann", email=None, rail_customers={})
        new = NewInvoice(
            number=f"INV-{reference}", customer_id=customer, currency="USD", total=amount
        )
        made = invoices.create(work, new)
        invoices.send(work, made)
        day = on or work.now.date()
        return receipts.receive(work, made, Receipt("bank_transfer", day, reference=reference))

    return office.runtime.do(PERSON, step)


def entry(office, row, *, text="STRIPE", amount=None):
    day = (row.arrival_at or office.clock()).date()
    return f"{day},{written(row.amount if amount is None else amount)},{row.currency},{text}\n"


@pytest.mark.thorough
def test_a_payout_finds_its_line_and_no_money_moves(office, payout):
    before = office.rows("select count(*) as n from journal_entry")
    taken = take(office, HEAD + entry(office, payout) + "2026-01-02,-3.50,USD,Coffee\n")
    assert (taken.lines, taken.new, taken.tied, taken.bad) == (2, 2, 1, [])
    tied, coffee = lines(office)
    assert (tied.state, tied.target_kind, tied.target_id) == ("tied", "payout", payout.id)
    assert tied.reasons == ["Same amount", "Same day"]
    assert tied.tied_by is None
    assert coffee.state == "open"
    assert office.rows("select count(*) as n from journal_entry") == before
    assert office.violations() == []


def test_the_same_file_twice_and_one_that_overlaps_add_nothing(office, payout):
    text = HEAD + entry(office, payout) + "2026-01-02,-3.50,USD,Coffee\n"
    first = take(office, text)
    again = take(office, text, name="again.csv")
    assert (again.statement_id, again.is_repeated, again.new) == (first.statement_id, True, 0)
    assert take(office, text, account="GIRO", name="b.csv").is_repeated
    longer = take(office, text + "2026-01-02,-3.50,USD,Coffee\n", name="longer.csv")
    assert (longer.lines, longer.new, longer.is_repeated) == (3, 1, False)
    assert len(lines(office)) == 3
    assert take(office, text, account="Savings").new == 2, "another account has lines of its own"


def test_a_receipt_by_hand_finds_its_line_by_reference(office):
    first = receive(office, reference="RF18539007547034")
    second = receive(office, reference="RF71000000000002")
    day = office.clock().date()
    text = f"{day},50.00,USD,SEPA RF18 5390 0754 7034 ANN\n{day},50.00,USD,RF71000000000002\n"
    assert take(office, HEAD + text).tied == 2
    assert [row.target_id for row in lines(office)] == [first, second]


def test_two_receipts_of_one_amount_are_a_persons_to_tell_apart(office):
    first, second = (receive(office, reference=f"note-{n}") for n in (1, 2))
    day = office.clock().date()
    assert take(office, HEAD + f"{day},50.00,USD,Transfer\n").tied == 0
    (row,) = lines(office)
    do(office, statements.tie, row.id, TargetKind.RECEIPT, second, rev=row.rev)
    (row,) = lines(office)
    assert (row.state, row.target_id, row.tied_by) == ("tied", second, "usr_1")
    take(office, HEAD + f"{day},50.00,USD,Another\n", name="b.csv")
    assert {one.target_id for one in lines(office)} == {first, second}, "the other is alone now"


def test_what_comes_later_ties_the_line_that_waited(office, payout):
    text = HEAD + f"{office.clock().date()},50.00,USD,RF18539007547034\n"
    assert take(office, text).tied == 0
    receipt = receive(office, reference="RF18539007547034")
    assert do(office, statements.tie_open_lines) == 1
    assert [row.target_id for row in lines(office)] == [receipt]
    assert do(office, statements.tie_open_lines) == 0


def test_no_document_waits_while_lines_are_tied_and_who_comes_second_gives_way(office):
    take(office, HEAD + f"{office.clock().date()},50.00,USD,RF18539007547034\n")
    receive(office, reference="RF18539007547034")
    with office.runtime.work(Cause("job", "another")) as work:
        assert statements.tie_open_lines(work) == 1
        assert do(office, statements.tie_open_lines) == 0  # the other is at it
        invoice(office, "INV-9", 700)
        assert find_payments(office.runtime) == 0
        receive(office, reference="another")
    assert [row.state for row in lines(office)] == ["tied"]


@pytest.mark.thorough
def test_lines_tie_at_their_own_turn(office, payout):
    take(office, HEAD + f"{office.clock().date()},50.00,USD,RF18539007547034\n")
    receive(office, reference="RF18539007547034")
    find_payments(office.runtime)
    assert [row.state for row in lines(office)] == ["open"]
    assert [tie_bank_lines(office.runtime) for _ in range(2)] == [1, 0]


@pytest.mark.thorough
def test_what_a_person_untied_stays_untied_and_may_be_tied_again(office, payout):
    take(office, HEAD + entry(office, payout))
    (row,) = lines(office)
    do(office, statements.untie, row.id, rev=row.rev)
    assert do(office, statements.tie_open_lines) == 0
    (row,) = lines(office)
    assert (row.state, row.reasons) == ("open", [])
    do(office, statements.tie, row.id, TargetKind.PAYOUT, payout.id, rev=row.rev)
    assert lines(office)[0].state == "tied"


def test_another_amount_a_second_line_and_an_old_page_are_refused(office, payout):
    take(office, HEAD + entry(office, payout) + entry(office, payout, amount=payout.amount + 1))
    tied, other = lines(office)
    assert (tied.state, other.state) == ("tied", "open")
    with pytest.raises(NotFound, match="shows it already"):
        do(office, statements.tie, other.id, TargetKind.PAYOUT, payout.id, rev=other.rev)
    do(office, statements.untie, tied.id, rev=tied.rev)
    with pytest.raises(Refused, match="another amount"):
        do(office, statements.tie, other.id, TargetKind.PAYOUT, payout.id, rev=other.rev)
    with pytest.raises(Conflict, match="changed"):
        do(office, statements.tie, tied.id, TargetKind.PAYOUT, payout.id, rev=tied.rev)
    with pytest.raises(NotFound):
        do(office, statements.set_aside, "bln_none", "no", rev=1)


def test_a_line_is_set_aside_with_a_reason_and_taken_up_again(office):
    take(office, HEAD + "2026-01-02,-3.50,USD,Coffee\n")
    (row,) = lines(office)
    with pytest.raises(Invalid):
        do(office, statements.set_aside, row.id, " ", rev=row.rev)
    do(office, statements.set_aside, row.id, "Not from customers", rev=row.rev)
    (row,) = lines(office)
    assert (row.state, row.why) == ("set_aside", "Not from customers")
    with pytest.raises(Conflict, match="settled"):
        do(office, statements.set_aside, row.id, "Again", rev=row.rev)
    do(office, statements.take_up, row.id, rev=row.rev)
    (row,) = lines(office)
    assert (row.state, row.why) == ("open", None)


def test_every_step_is_in_the_audit_trail(office, payout):
    take(office, HEAD + entry(office, payout))
    (row,) = lines(office)
    do(office, statements.untie, row.id, rev=row.rev)
    do(office, statements.set_aside, row.id, "Not ours", rev=row.rev + 1)
    do(office, statements.take_up, row.id, rev=row.rev + 2)
    do(office, statements.tie, row.id, TargetKind.PAYOUT, payout.id, rev=row.rev + 3)
    said = office.rows(
        "select action from audit_line where action like '%line.%' or action like 'statement.%'"
        " order by seq"
    )
    assert [one.action for one in said] == [
        "statement.read", "bank_line.untied", "bank_line.set_aside", "bank_line.taken_up",
        "bank_line.tied",
    ]  # fmt: skip


def test_a_line_before_the_year_one_or_after_the_last_is_a_bad_row(office):
    taken = take(office, HEAD + "2026-01-02,1.00,USD,Fine\n0000-01-02,1.00,USD,Never\n")
    assert (taken.new, [bad.field for bad in taken.bad]) == (1, ["day"])
    assert lines(office)[0].booked_on == datetime(2026, 1, 2, tzinfo=UTC).date()


def test_several_transfers_in_one_sum_tie_where_the_text_names_each(office):
    named = [receive(office, reference=f"RF18539007547{n}", amount=1_000 * n) for n in (1, 2, 4)]
    day = office.clock().date()
    text = f"{day},30.00,USD,RF185390075471 and RF185390075472\n"
    assert take(office, HEAD + text).tied == 1
    (row,) = lines(office)
    assert (row.state, row.target_id, row.tied_by) == ("tied", named[0], None)
    assert row.reasons == ["2 of them come to it exactly", "The bank's text names each"]
    parts = office.rows("select line_id, target_id, amount from bank_line_part")
    assert [tuple(one) for one in parts] == [(row.id, named[1], 2_000)]
    take(office, HEAD + f"{day},20.00,USD,RF185390075472\n", name="b.csv")
    assert lines(office)[1].state == "open", "it is on the first line"
    do(office, statements.untie, row.id, rev=row.rev)
    assert office.rows("select * from bank_line_part") == []
    assert do(office, statements.tie_open_lines) == 1
    assert [one.state for one in lines(office)] == ["open", "tied"]


def test_some_few_that_come_to_it_are_a_persons_to_say(office):
    some = [receive(office, reference=f"note-{n}", amount=1_000 * n) for n in (1, 2, 4)]
    day = office.clock().date()
    assert take(office, HEAD + f"{day},50.00,USD,Cash box\n").tied == 0
    (row,) = lines(office)
    with office.runtime.read() as session:
        shown = reads.lines(session, row.statement_id, None, Wanted(limit=9, cursor=None)).data
        (found,) = reads.suggestions(session, shown).sums[row.id]
    assert [target.id for target in found.targets] == [some[0], some[2]]
    kind = TargetKind.RECEIPT
    with pytest.raises(Refused, match="do not come to"):
        do(office, statements.tie_sum, row.id, kind, some[:2], rev=row.rev)
    with pytest.raises(Refused, match="do not come to"):
        do(office, statements.tie_sum, row.id, kind, [some[0], some[0]], rev=row.rev)
    with pytest.raises(NotFound):
        do(office, statements.tie_sum, row.id, kind, [some[0], "pay_none"], rev=row.rev)
    do(office, statements.tie_sum, row.id, kind, [some[0], some[2]], rev=row.rev)
    with office.runtime.read() as session:
        (shown,) = reads.lines(session, row.statement_id, None, Wanted(limit=9, cursor=None)).data
    assert (shown.state, shown.target_id, shown.also) == ("tied", some[0], [some[2]])


def test_all_that_came_on_one_day_ties_in_one_sum(office):
    for n in (1, 2, 4):
        receive(office, reference=f"note-{n}", amount=1_000 * n)
    day = office.clock().date()
    assert take(office, HEAD + f"{day},70.00,USD,Deposit of the day\n").tied == 1
    assert lines(office)[0].reasons[-1] == "All that came that day"
    assert office.scalar("select count(*) from bank_line_part") == 2
