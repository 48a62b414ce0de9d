"""Money that came first is tried again when a document or customer appears; and undoing.

What is named is not there yet, so the money is held with a question; whatever appears and fits
takes it, by itself, and the question closes itself. What a person undid stays undone.
"""

from collections.abc import Iterator

import pytest

from reconciler.services import allocations, customers, invoices
from tests.runtime import Office
from tests.stories.telling import Telling
from tests.stories.traps import Trap, Traps, check_trap

traps = Traps()
pytestmark = pytest.mark.usefixtures("unmeasured")


@pytest.mark.parametrize("trap", traps, ids=str)
def test_trap(office: Office, trap: Trap) -> None:
    check_trap(office, trap)


NOBODY_KNOWS = """
    books    clearing 9680  processing_fees 320  unapplied_cash -10000
    payment  captured 10000  unapplied 10000
    asks     unmatched_payment 10000
"""
PAID = """
    books    clearing 9680  processing_fees 320  revenue -10000
    INV-1    paid 10000
    payment  captured 10000
"""
HELD = """
    books    clearing 9680  processing_fees 320  unapplied_cash -10000
    books    accounts_receivable 10000  revenue -10000
    INV-1    owed 10000
    payment  captured 10000  unapplied 10000
    asks     unmatched_payment 10000
"""


@traps.add("an-invoice-is-sent-after-its-money", PAID)
def _(t: Telling) -> Iterator[str]:
    t.pay(10_000, "INV-1")
    yield NOBODY_KNOWS
    t.invoice("INV-1", 10_000)
    yield PAID


@traps.add("an-invoice-is-sent-amid-the-news-of-its-money", PAID)
def _(t: Telling) -> Iterator[str | None]:
    t.pay(10_000, "INV-1")
    news = t.news()
    t.also(news.pop())
    yield NOBODY_KNOWS
    t.invoice("INV-1", 10_000)
    for event in news:
        t.also(event)


@traps.add("a-draft-is-sent-after-its-money-and-nothing-more-is-told", PAID)
def _(t: Telling) -> Iterator[str]:
    made = t.invoice("INV-1", 10_000, draft=True)
    t.pay(10_000, "INV-1")
    yield f"{NOBODY_KNOWS.replace('unmatched_payment', 'invoice_not_payable')} INV-1"
    t.office.do(lambda work: invoices.send(work, made))
    t.known[0].is_sent = True
    yield PAID


@traps.add(
    "a-smaller-invoice-is-sent-after-its-money",
    """
    books    clearing 9680  processing_fees 320  unapplied_cash -1000  revenue -9000
    INV-1    paid 9000
    payment  captured 10000  unapplied 1000
    asks     overpayment 1000
    """,
)
def _(t: Telling) -> Iterator[str]:
    t.pay(10_000, "INV-1")
    yield NOBODY_KNOWS
    t.invoice("INV-1", 9_000)


@traps.add(
    "a-deposit-is-asked-for-after-its-money",
    """
    books    clearing 9680  processing_fees 320  customer_deposits -10000
    DEP-1    received 10000  remaining 10000
    payment  captured 10000
    """,
)
def _(t: Telling) -> Iterator[str]:
    t.pay(10_000, "DEP-1")
    yield NOBODY_KNOWS
    t.deposit("DEP-1", 10_000)


@traps.add("a-customer-becomes-known-to-the-rail-after-their-money", PAID)
def _(t: Telling) -> Iterator[str]:
    ann = t.world.create_customer("Ann")
    t.invoice("INV-1", 10_000)
    t.noted(t.world.pay(10_000, customer=ann), "INV-1")
    yield HELD
    known = {"rail_customers": {"stripe": ann}}
    t.office.do(lambda work: customers.patch(work, t.customer, known))
    yield PAID


@traps.add("the-only-equal-invoice-of-a-known-payer-is-sent-after-their-money", PAID)
def _(t: Telling) -> Iterator[str]:
    ann = t.world.create_customer("Ann")
    t.customer = t.another_customer(ann)
    t.noted(t.world.pay(10_000, customer=ann), "INV-1")
    yield NOBODY_KNOWS
    t.invoice("INV-1", 10_000)


@traps.add(
    "what-appears-and-does-not-fit-takes-nothing",
    """
    books    clearing 9680  processing_fees 320  unapplied_cash -10000
    books    accounts_receivable 9999  revenue -9999
    INV-1    owed 9999
    payment  captured 10000  unapplied 10000
    asks     unmatched_payment 10000
    """,
)
def _(t: Telling) -> Iterator[str]:
    ann = t.world.create_customer("Ann")
    t.customer = t.another_customer(ann)
    t.noted(t.world.pay(10_000, customer=ann))
    yield NOBODY_KNOWS
    t.invoice("INV-1", 9_999)


@traps.add("a-person-undoes-a-match-and-later-news-leave-it-so", HELD)
def _(t: Telling) -> Iterator[str]:
    t.invoice("INV-1", 10_000)
    paid = t.pay(10_000, "INV-1")
    news = t.news()
    for event in news:
        t.also(event)
    yield PAID
    _undo(t)
    t.world.edit_metadata(paid.charge, {"invoice": t.number("INV-1"), "note": "again"})
    for event in news:
        t.also(event)


def _undo(t: Telling) -> None:
    """A person takes the money off its invoice: an entry that names the one it reverses."""
    payment, office = t.payment_id(), t.office
    claim = office.scalar("select id from allocation where payment_id = :id", id=payment)
    entries = "select count(*) from journal_entry where key like :claim and reverses is not null"
    assert office.scalar(entries, claim=f"allocation/{claim}/%") == 0
    office.do(lambda work: allocations.unallocate(work, payment, claim))
    assert office.scalar(entries, claim=f"allocation/{claim}/%") == 1
    t.targets[str(t.payments[0].intent)] = []


@traps.add(
    "99-a-deposit-of-another-customer",
    """
    books    clearing 9680  processing_fees 320  unapplied_cash -10000
    DEP-1
    payment  captured 10000  unapplied 10000
    asks     ambiguous_match 10000
    """,
)
def _(t: Telling) -> None:
    t.deposit("DEP-1", 10_000)
    ben = t.world.create_customer("Ben")
    t.another_customer(ben)
    t.noted(t.world.pay(10_000, customer=ben, metadata={"deposit": t.number("DEP-1")}))


@traps.add(
    "102-a-deposit-in-another-currency",
    """
    books    clearing 9680  processing_fees 320  unapplied_cash -10000
    DEP-1
    payment  captured 10000  unapplied 10000
    asks     currency_mismatch 10000
    """,
)
def _(t: Telling) -> None:
    t.deposit("DEP-1", 10_000, "EUR")
    t.noted(t.world.pay(10_000, metadata={"deposit": t.number("DEP-1")}))


@traps.add(
    "103-more-than-a-deposit-asked-for",
    """
    books    clearing 9680  processing_fees 320  customer_deposits -9000  unapplied_cash -1000
    DEP-1    received 9000  remaining 9000
    payment  captured 10000  unapplied 1000
    asks     overpayment 1000
    """,
)
def _(t: Telling) -> None:
    t.deposit("DEP-1", 9_000)
    t.pay(10_000, "DEP-1")
