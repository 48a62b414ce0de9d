"""A fault in each layer: a run finds it, says in words what it is, and heals it or asks a person.

Nothing is lost where something is missing here; where something is here that is not there, or the
two sides say different things, a person is asked, until both sides agree again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from reconciler.books import accounts
from reconciler.books.journal import JournalEntry, lines
from reconciler.books.reconciliation import IN_WORDS, Difference
from reconciler.money import Money
from reconciler.services import ledger, statements
from reconciler.services.reconciliation import OPEN_ITEMS
from reconciler.services.statements import Statement
from tests.flows.test_reconcile import change, run
from tests.flows.test_reconcile_payouts import a_payout, heard, members, questions
from tests.runtime import Office

HEAD = "Date,Amount,Currency,Description\n"


@dataclass(frozen=True)
class Fault:
    """Plants a fault in sound books; gives the kind and name of what it is about."""

    plant: Callable[[Office, str], tuple[str, str]]
    difference: Difference
    is_healed: bool
    mend: Callable[[Office], None] = lambda _: None
    purpose: str = "window"


def fault(name: str, *given, marks=(), **more) -> object:
    return pytest.param(Fault(*given, **more), id=name, marks=marks)


def never_delivered(office: Office, _payout: str) -> tuple[str, str]:
    """The rail's own list has an event that nobody delivered, and nothing else is new."""
    charge = office.world.pay(700).charge
    news = office.world.events()[-4:]
    office.deliver(*(event for event in news if event["type"] != "charge.succeeded"))
    office.drain()
    (lost,) = (event["id"] for event in news if event["type"] == "charge.succeeded")
    assert charge
    return "event", lost


def never_heard_of(office: Office, _payout: str) -> tuple[str, str]:
    return "charge", office.world.pay(700).charge


def not_at_the_rail(office: Office, _payout: str) -> tuple[str, str]:
    charge = office.world.pay(700).charge
    heard(office)
    office.world.kept = office.world.truth.tables["charge"].pop(charge)
    return "charge", charge


def put_back(office: Office) -> None:
    kept = office.world.kept
    office.world.truth.tables["charge"][kept["id"]] = kept


def never_taken_up(office: Office, _payout: str) -> tuple[str, str]:
    change(office, "update inbox_horizon set seq = (select max(seq) from inbox_event)")
    first = "seq = (select min(seq) from inbox_event)"
    change(office, f"delete from inbox_outcome where {first}")
    return "event", office.scalar(f"select rail_event_id from inbox_event where {first}")


def given_up(office: Office, _payout: str) -> tuple[str, str]:
    first = "seq = (select min(seq) from inbox_event)"
    change(office, f"update inbox_outcome set status = 'failed', error = 'odd' where {first}")
    return "event", office.scalar(f"select rail_event_id from inbox_event where {first}")


def booked_less(office: Office, _payout: str) -> tuple[str, str]:
    payment = office.scalar("select min(id) from payment")
    change(office, f"update payment set refunded = refunded + 400 where id = '{payment}'")
    return "payment", payment


def booked_for_nothing(office: Office, _payout: str) -> tuple[str, str]:
    clearing = accounts.clearing("stripe")
    odd = lines(Money(77, "USD"), debit=clearing, credit=accounts.SUSPENSE)
    office.do(lambda work: ledger.post(work, [JournalEntry(key="odd", postings=odd)]))
    return "account", "clearing USD"


def unbook(office: Office) -> None:
    back = lines(Money(77, "USD"), debit=accounts.SUSPENSE, credit=accounts.clearing("stripe"))
    entry = JournalEntry(key="odd/back", postings=back, reverses="odd")
    office.do(lambda work: ledger.post(work, [entry]))


def another_payout(office: Office, payout: str) -> tuple[str, str]:
    change(office, "update payout set amount = amount + 1")
    return "payout", payout


def another_line(office: Office, payout: str) -> tuple[str, str]:
    line = members(office, payout)[0]["id"]
    change(office, f"update rail_object set amount = amount - 7 where object_id = '{line}'")
    return "balance_transaction", line


def read_statement(office: Office, text: str, name: str) -> None:
    given = Statement(bank_account="Giro", file_name=name, body=(HEAD + text).encode())
    office.do(lambda work: statements.take(work, given))


def bank_row(office: Office, payout: str) -> str:
    (row,) = office.rows("select * from payout where rail_payout_id = :id", id=payout)
    return f"{row.arrival_at:%Y-%m-%d},{row.amount / 100:.2f},USD,STRIPE {payout}\n"


def day(office: Office, days: int) -> str:
    return f"{office.clock() + timedelta(days=days):%Y-%m-%d},-3.50,USD,Coffee {days}\n"


def not_on_the_statement(office: Office, payout: str) -> tuple[str, str]:
    """The bank's file goes on for two weeks after the second payout, and shows only the first."""
    second = a_payout(office)
    heard(office)
    read_statement(office, bank_row(office, payout) + day(office, 14), "nov.csv")
    return "payout", second


def shown_at_last(office: Office) -> None:
    missing = office.rows(
        """select rail_payout_id as id from payout where not exists
        (select 1 from bank_line where target_id = payout.id)"""
    )
    for row in missing:
        read_statement(office, bank_row(office, row.id), f"{row.id}.csv")


def gone_back_after_it_was_shown(office: Office, payout: str) -> tuple[str, str]:
    read_statement(office, bank_row(office, payout), "nov.csv")
    office.world.fail_payout(payout)
    heard(office)
    return "bank_line", office.scalar("select id from bank_line")


def untied(office: Office) -> None:
    line = office.scalar("select id from bank_line where state = 'tied'")
    office.do(lambda work: statements.untie(work, line, rev=None))


def back(table: str, column: str, by: int) -> Callable[[Office], None]:
    """Put a figure right that was changed behind everybody's back."""

    def mend(office: Office) -> None:
        payment = " where refunded > 0" if table == "payment" else ""
        change(office, f"update {table} set {column} = {column} + {by}{payment}")

    return mend


def line_back(office: Office) -> None:
    line = office.scalar(
        """select subject from review_item where kind = 'drift' and state = 'open'
        and details ->> 'kind' = 'balance_transaction'"""
    )
    change(office, f"update rail_object set amount = amount + 7 where object_id = '{line}'")


def applied_at_last(office: Office) -> None:
    change(office, "update inbox_outcome set status = 'applied', error = null")


FAULTS = [
    fault("rail-and-inbox", never_delivered, Difference.MISSING_HERE, is_healed=True),
    fault("rail-and-payments", never_heard_of, Difference.MISSING_HERE, is_healed=True),
    fault(
        "rail-and-payments-surplus",
        not_at_the_rail,
        Difference.MISSING_THERE,
        is_healed=False,
        mend=put_back,
    ),
    fault("inbox-and-payments", never_taken_up, Difference.NOT_APPLIED, is_healed=True),
    fault(
        "inbox-and-payments-given-up",
        given_up,
        Difference.NOT_APPLIED,
        is_healed=False,
        mend=applied_at_last,
    ),
    fault(
        "payments-and-ledger",
        booked_less,
        Difference.NOT_BOOKED,
        is_healed=False,
        mend=back("payment", "refunded", -400),
    ),
    fault(
        "payments-and-ledger-surplus",
        booked_for_nothing,
        Difference.MISSING_THERE,
        is_healed=False,
        mend=unbook,
        marks=pytest.mark.spoilt,  # both entries stay, and belong to nothing
    ),
    fault(
        "ledger-and-payouts",
        another_payout,
        Difference.NOT_BOOKED,
        is_healed=False,
        mend=back("payout", "amount", -1),
    ),
    fault(
        "payouts-and-their-lines",
        another_line,
        Difference.AMOUNT,
        is_healed=False,
        mend=line_back,
        purpose=OPEN_ITEMS,
    ),
    fault(
        "payouts-and-bank",
        not_on_the_statement,
        Difference.NOT_AT_BANK,
        is_healed=False,
        mend=shown_at_last,
    ),
    fault(
        "payouts-and-bank-surplus",
        gone_back_after_it_was_shown,
        Difference.MISSING_THERE,
        is_healed=False,
        mend=untied,
    ),
]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_layer_is_found_named_and_healed_or_asked_about(
    office: Office, fault: Fault
) -> None:
    payout = a_payout(office)
    heard(office)
    assert run(office, purpose=fault.purpose).discrepancies == []
    about = fault.plant(office, payout)
    told = run(office, purpose=fault.purpose)
    (found,) = [d for d in told.discrepancies if (d.object_kind, d.rail_object) == about]
    assert (found.kind, found.healed) == (fault.difference, fault.is_healed)
    assert IN_WORDS[Difference(found.kind)]
    asked = [row.subject for row in questions(office)]
    assert (about[1] in asked) is not fault.is_healed
    assert asked == [] or not fault.is_healed
    again = run(office, purpose=fault.purpose)
    assert again.healed == 0, "a second run heals nothing"
    left = [(d.object_kind, d.rail_object) for d in again.discrepancies]
    assert (about in left) is not fault.is_healed
    fault.mend(office)
    after = run(office, purpose=fault.purpose)
    assert (after.healed, after.discrepancies, questions(office)) == (0, [], [])


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("rows", "is_missed"),
    [
        pytest.param((), False, id="nothing-was-read-after-it"),
        pytest.param((2,), False, id="the-bank-may-still-show-it"),
        pytest.param((14,), True, id="the-file-goes-on-long-after-it"),
    ],
)
def test_the_bank_is_only_asked_about_for_days_that_were_read(
    office: Office, rows: tuple[int, ...], *, is_missed: bool
) -> None:
    first = a_payout(office)
    second = a_payout(office)
    heard(office)
    office.clock.advance(days=1)
    read_statement(
        office, bank_row(office, first) + "".join(day(office, n) for n in rows), "nov.csv"
    )
    found = [d.rail_object for d in run(office).discrepancies]
    assert found == ([second] if is_missed else [])


def test_weeks_of_which_no_file_was_read_say_nothing(office: Office) -> None:
    first = a_payout(office)
    second = a_payout(office)
    heard(office)
    read_statement(office, bank_row(office, first), "nov.csv")
    read_statement(office, day(office, 40), "jan.csv")
    assert run(office).discrepancies == []
    read_statement(office, day(office, 12), "dec.csv")
    assert [d.rail_object for d in run(office).discrepancies] == [second]


def test_an_account_on_which_no_payout_ever_came_says_nothing(office: Office) -> None:
    a_payout(office)
    heard(office)
    read_statement(office, day(office, -20) + day(office, 14), "savings.csv")
    assert run(office).discrepancies == []
