"""Closed books: nothing is posted into them, and what arrives late counts on the first open day."""

import threading
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from msgspec import structs

from reconciler.books.bills import CostLine
from reconciler.errors import Invalid, Refused
from reconciler.reads import closings as reads, ledger as reads_ledger
from reconciler.services import applications, closings, receipts
from reconciler.services.receipts import Receipt
from reconciler.timestamps import to_epoch
from tests.builders import bill, captured, customer, deposit, invoice, named, observe, refund
from tests.flows.telling import by_the_owner
from tests.runtime import SOMEBODY, Office
from tests.store.test_races import wait_until_somebody_waits

OCTOBER = date(2026, 10, 31)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)


def close(office: Office, through: date = OCTOBER) -> None:
    office.do(lambda work: closings.close(work, through))


def reopen(office: Office, through: date | None = None, reason: str = "A bill was missing") -> None:
    office.do(lambda work: closings.reopen(work, through, reason=reason))


def at(day: date) -> int:
    return to_epoch(datetime(day.year, day.month, day.day, 9, tzinfo=UTC))


def paid(office: Office, day: date, name: str = "pi_1", amount: int = 500, **known) -> str:
    """A card payment of that day, of which the rail tells today."""
    seen = captured(amount, name, **known)
    charges = {n: structs.replace(one, created=at(day)) for n, one in seen.charges.items()}
    return observe(office, structs.replace(seen, charges=charges, created=at(day)))[0]


def days_of(office: Office, key: str) -> set[tuple[date, date]]:
    """When entries whose key has this in it happened, and when they count."""
    found = office.rows(
        "select effective_on, posted_on from journal_entry where strpos(key, :key) > 0", key=key
    )
    return {(row.effective_on, row.posted_on) for row in found}


def balance(office: Office, before: datetime = NOVEMBER) -> dict[str, int]:
    """The trial balance to the end of October, in dollars."""
    with office.runtime.read() as session:
        found = reads_ledger.trial_balance(session, before)
    return {line.role: line.balance for line in found["USD"].accounts} if found else {}


def by_card(office: Office, day: date, n: int = 0) -> str:
    paid(office, day, f"pi_{n}")
    return f"pi_{n}/captured/"


def on_an_invoice(office: Office, day: date, n: int = 0) -> str:
    invoice(office, f"INV-{n}", 500, issued_on=date(2026, 10, 1))
    payment = paid(office, day, f"pi_{n}", named=named(invoice=f"INV-{n}"))
    claim = office.scalar("select id from allocation where payment_id = :id", id=payment)
    return f"allocation/{claim}"


def by_hand(office: Office, day: date, n: int = 0) -> str:
    owed = invoice(office, f"INV-{n}", 500)
    made = office.do(lambda work: receipts.receive(work, owed, Receipt("cash", day)))
    return office.scalar("select rail_payment_id from payment where id = :id", id=made)


def refunded(office: Office, day: date, n: int = 0) -> str:
    back = refund(f"re_{n}", 200, created=at(day))
    paid(office, date(2026, 10, 2), f"pi_{n}", refunds=back)
    return f"refund/re_{n}/"


def invoiced(office: Office, day: date, n: int = 0) -> str:
    made = invoice(office, f"INV-{n}", 500, issued_on=day)
    return f"invoice/{made}/sent"


WAYS = (by_card, on_an_invoice, by_hand, refunded, invoiced)
# The books are closed through, it happened on, it counts on.
DAYS = [
    (None, date(2026, 10, 30), date(2026, 10, 30)),
    (OCTOBER, date(2026, 10, 30), date(2026, 11, 1)),
    (OCTOBER, OCTOBER, date(2026, 11, 1)),
    (OCTOBER, date(2026, 11, 1), date(2026, 11, 1)),
    (OCTOBER, date(2026, 11, 15), date(2026, 11, 15)),
]


@pytest.mark.parametrize("way", WAYS)
def test_44_what_happened_on_a_closed_day_counts_on_the_first_open_one(office: Office, way) -> None:
    for number, (closed, happened, counts) in enumerate(DAYS):
        if closed and not number_closed(office):
            close(office, closed)
        key = way(office, happened, number)
        assert days_of(office, key) == {(happened, counts)}
    assert office.violations() == []


def number_closed(office: Office) -> int:
    return office.scalar("select count(*) from books_closing")


def test_what_arrives_late_changes_nothing_of_a_closed_month(office: Office) -> None:
    on_an_invoice(office, date(2026, 10, 20))
    before = balance(office)
    assert before == {
        "accounts_receivable": 0,
        "clearing": 500,
        "revenue": -500,
        "unapplied_cash": 0,
    }
    close(office)
    paid(office, date(2026, 10, 30), name="pi_late")
    assert balance(office) == before
    assert balance(office, NOVEMBER.replace(day=2))["clearing"] == 1_000
    with office.runtime.read() as session:
        late = reads.late(session, 10)
    assert {(e.effective_on, e.posted_on) for e in late} == {
        (date(2026, 10, 30), date(2026, 11, 1))
    }
    assert office.violations() == []


def test_44_a_deposit_of_a_closed_month_is_applied_in_an_open_one(office: Office) -> None:
    ann = customer(office)
    held = deposit(office, "DEP-1", 500, customer_id=ann)
    paid(office, date(2026, 10, 20), named=named(deposit="DEP-1"))
    owed = invoice(office, "INV-1", 300, customer_id=ann, issued_on=date(2026, 11, 2))
    close(office)
    closed_then = balance(office)
    with pytest.raises(
        Refused, match="closed through 2026-10-31: the first open day is 2026-11-01"
    ):
        office.do(lambda w: applications.apply(w, held, owed, on=OCTOBER))
    with pytest.raises(Invalid, match="the invoice is of 2026-11-02"):
        office.do(lambda w: applications.apply(w, held, owed, on=date(2026, 11, 1)))
    with pytest.raises(Invalid, match="to come"):
        office.do(lambda w: applications.apply(w, held, owed, on=date(2026, 11, 23)))
    use = office.do(lambda w: applications.apply(w, held, owed, on=date(2026, 11, 3)))
    assert days_of(office, f"application/{use}") == {(date(2026, 11, 3), date(2026, 11, 3))}
    office.do(lambda w: applications.unapply(w, held, use))
    assert (date(2026, 11, 22), date(2026, 11, 22)) in days_of(office, f"application/{use}")
    assert balance(office) == closed_then
    assert office.violations() == []


REFUSED = {
    "today": (
        lambda w: closings.close(w, date(2026, 11, 22)),
        "the last day that can be closed is",
    ),
    "before": (lambda w: closings.close(w, OCTOBER), "closed through 2026-10-31 already"),
    "no reason": (lambda w: closings.reopen(w, None, reason=" "), "reason"),
    "a later day": (lambda w: closings.reopen(w, OCTOBER, reason="So"), "say an earlier day"),
}


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_what_may_not_be_closed_or_opened_is_refused(office: Office, case: str) -> None:
    close(office)
    step, why = REFUSED[case]
    with pytest.raises(Refused, match=why):
        office.do(step)
    assert office.scalar("select count(*) from books_closing") == 1


def test_open_books_cannot_be_opened(office: Office) -> None:
    with pytest.raises(Refused, match="the books are open"):
        reopen(office)


def test_opened_again_a_day_takes_postings_and_who_said_why_is_kept(office: Office) -> None:
    close(office)
    reopen(office, date(2026, 9, 30))
    paid(office, date(2026, 10, 30))
    assert days_of(office, "/captured/") == {(date(2026, 10, 30), date(2026, 10, 30))}
    with office.runtime.read() as session:
        books = reads.books(session)
    assert (books.through, books.first_open) == (date(2026, 9, 30), date(2026, 10, 1))
    assert [(c.reopened, c.why) for c in books.closings] == [
        (True, "A bill was missing"),
        (False, None),
    ]
    told = office.rows("select action from audit_line where subject = 'books' order by seq")
    assert [row.action for row in told] == ["books.closed", "books.reopened"]
    assert office.violations() == []


def test_the_database_itself_refuses_what_is_posted_into_closed_books(office: Office) -> None:
    close(office)
    into = sa.text(
        """insert into journal_entry (id, key, cause_kind, cause_id, at, effective_on, posted_on)
        values ('je_x', 'x', 'person', 'ann', now(), :on, :on)"""
    )
    with (
        pytest.raises(sa.exc.DBAPIError, match="the books are closed through 2026-10-31"),
        office.runtime.engine.begin() as line,
    ):
        line.execute(into, {"on": OCTOBER})
    with (
        pytest.raises(sa.exc.DBAPIError, match=r"permission denied|append-only"),
        office.runtime.engine.begin() as line,
    ):
        line.execute(sa.text("update books_closing set through = null"))


def test_who_closes_waits_for_who_is_posting_and_counts_what_they_post(office: Office) -> None:
    posted, done = threading.Event(), threading.Event()

    def post() -> None:
        with office.runtime.work(SOMEBODY) as work:
            receipts.hold(work, ann, "USD", Receipt("cash", date(2026, 10, 30), amount=500))
            posted.set()
            done.wait(20)

    ann = customer(office)
    poster = threading.Thread(target=post)
    poster.start()
    assert posted.wait(20)
    closer = threading.Thread(target=close, args=(office,))
    closer.start()
    wait_until_somebody_waits(office)
    done.set()
    poster.join()
    closer.join()
    assert office.scalar("select entries from books_closing") == 1
    assert days_of(office, "/captured/") == {(date(2026, 10, 30), date(2026, 10, 30))}
    paid(office, date(2026, 10, 30), name="pi_after")
    assert (date(2026, 10, 30), date(2026, 11, 1)) in days_of(office, "pi_after/captured/")
    assert office.violations() == []


def costs(office: Office) -> None:
    """Two bills of October in categories of their own, and the month closed."""
    office.clock.instant = datetime(2026, 10, 20, tzinfo=UTC)
    for number, category in (("1", "wood"), ("2", "steel")):
        line = CostLine(description="It", unit_price=300, category=category)
        bill(office, number, 300, lines=(line,))
    office.clock.instant = datetime(2026, 11, 22, tzinfo=UTC)
    close(office)


A_BILL_MOVES = (
    """update posting set account_id = (select id from ledger_account where category = 'steel')
      where account_id = (select id from ledger_account where category = 'wood')""",
    "update bill_line set category = 'steel'",
)


@pytest.mark.thorough
def test_what_is_moved_between_categories_of_a_closed_month_is_found(
    office: Office, owner_url: str
) -> None:
    costs(office)
    assert office.violations() == []
    for statement in A_BILL_MOVES:
        by_the_owner(owner_url, statement)
    had = "closed through 2026-10-31: expenses {} USD had debits 300 and credits 0, it has {} and 0"
    assert closed_otherwise(office) == [had.format("steel", 600), had.format("wood", 0)]


def closed_otherwise(office: Office) -> list[str]:
    return sorted(one.detail for one in office.violations() if "closed_books" in one.invariant)


def test_months_closed_before_categories_were_told_apart_stand_as_they_did(
    office: Office, owner_url: str
) -> None:
    costs(office)
    by_the_owner(
        owner_url,
        """update books_closing set balances = (select jsonb_agg(x) from (
          select role, rail, currency, sum(debit)::bigint as debit, sum(credit)::bigint as credit
          from jsonb_to_recordset(balances) as b(role text, rail text, currency text, debit bigint,
            credit bigint) group by 1, 2, 3) x)""",
    )
    assert office.violations() == []
    by_the_owner(owner_url, "update posting set amount = amount * 2 where amount = 300")
    assert closed_otherwise(office) == [
        "closed through 2026-10-31: expenses USD had debits 600 and credits 0, it has 1200 and 0"
    ]
