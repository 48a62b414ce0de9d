"""Traps 98 to 108: what a payment was for, and what is not to be guessed."""

from collections.abc import Iterator

import pytest

from reconciler.services import invoices
from tests.runtime import Office
from tests.stories.telling import Telling
from tests.stories.traps import Trap, Traps, check_trap

traps = Traps()
pytestmark = pytest.mark.usefixtures("unmeasured")


@pytest.mark.parametrize("trap", traps, ids=str)
def test_trap(office: Office, trap: Trap) -> None:
    check_trap(office, trap)


PAID = """
    books    clearing 9680  processing_fees 320  revenue -10000
    INV-1    paid 10000
    payment  captured 10000
"""
TWO_OF_10_000 = "books accounts_receivable 10000 revenue -20000"
TWO_OF_10_010 = "books accounts_receivable 10010 revenue -20010"
HELD = """
    books    clearing 9680  processing_fees 320  unapplied_cash -10000
    books    accounts_receivable 10000  revenue -10000
    INV-1    owed 10000
    payment  captured 10000  unapplied 10000
"""


@traps.add("98-nobody-knows-the-payer", f"{HELD} asks unmatched_payment 10000")
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.pay(10_000, receipt_email="ann@example.com")


@traps.add("99-another-customers-invoice", f"{HELD} asks ambiguous_match 10000")
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    ben = t.world.create_customer("Ben")
    t.another_customer(ben)
    t.noted(t.world.pay(10_000, customer=ben, metadata={"invoice": t.number("INV-1")}))


@traps.add("99-an-invoice-that-is-not-there", f"{HELD} asks unmatched_payment 10000")
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.noted(t.world.pay(10_000, metadata={"invoice": "INV-0000"}))


@traps.add("99-case-and-space-do-not-matter", PAID)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    written = f"  {t.number('INV-1').lower()} "
    t.noted(t.world.pay(10_000, metadata={"invoice_number": written}), "INV-1")


@traps.add("99-a-number-inside-a-longer-number", f"{HELD} asks unmatched_payment 10000")
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.noted(t.world.pay(10_000, description=f"for {t.number('INV-1')}.5 and X{t.number('INV-1')}"))


@traps.add("99-a-number-in-the-description", PAID)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.noted(t.world.pay(10_000, description=f"Payment ({t.number('INV-1')})."), "INV-1")


@traps.add(
    "100-paid-already",
    """
    books      clearing 19360  processing_fees 640  unapplied_cash -10000  revenue -10000
    INV-1      paid 10000
    payment 1  captured 10000
    payment 2  captured 10000  unapplied 10000
    asks       overpayment 10000
    """,
)
def _(t: Telling) -> Iterator[str]:
    t.invoice("INV-1", 10_000)
    t.pay(10_000, "INV-1")
    yield PAID
    t.pay(10_000, "INV-1")


@traps.add(
    "101-a-draft-is-not-payable-until-it-is-sent",
    """
    books    clearing 9680  processing_fees 320  unapplied_cash -10000
    INV-1
    payment  captured 10000  unapplied 10000
    asks     invoice_not_payable 10000
    """,
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000, draft=True)
    t.noted(t.world.pay(10_000, metadata={"invoice": t.number("INV-1")}))


@traps.add("101-a-draft-is-sent-after-its-money-came", PAID)
def _(t: Telling) -> Iterator[None]:
    made = t.invoice("INV-1", 10_000, draft=True)
    t.pay(10_000, "INV-1")
    yield
    t.office.do(lambda work: invoices.send(work, made))
    t.known[0].is_sent = True
    t.world.edit_metadata(t.payments[0].charge, {"invoice": t.number("INV-1")})


@traps.add(
    "101-a-void-invoice",
    """
    books    clearing 9680  processing_fees 320  unapplied_cash -10000
    INV-1
    payment  captured 10000  unapplied 10000
    asks     invoice_not_payable 10000
    """,
)
def _(t: Telling) -> None:
    made = t.invoice("INV-1", 10_000)
    t.office.do(lambda work: invoices.void(work, made))
    t.known[0].is_sent = False
    t.noted(t.world.pay(10_000, metadata={"invoice": t.number("INV-1")}))


@traps.add(
    "101-what-was-written-off-is-recovered",
    """
    books      clearing 7860  processing_fees 2140  revenue -10000
    INV-1      paid 10000
    payment 1  captured 10000  lost 10000
    payment 2  captured 10000
    """,
)
def _(t: Telling) -> Iterator[None]:
    t.invoice("INV-1", 10_000)
    taken = t.world.dispute(str(t.pay(10_000, "INV-1").charge))
    t.world.close_dispute(taken, "lost")
    yield
    t.decide(taken, "write_off")
    t.pay(10_000, "INV-1")


@traps.add(
    "102-another-currency",
    """
    books USD  clearing 9680  processing_fees 320  unapplied_cash -10000
    books EUR  accounts_receivable 10000  revenue -10000
    INV-1      owed 10000
    payment    captured 10000  unapplied 10000
    asks       currency_mismatch 10000
    """,
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000, "EUR")
    t.noted(t.world.pay(10_000, metadata={"invoice": t.number("INV-1")}))


@traps.add(
    "103-ten-short",
    """
    books    clearing 9670  processing_fees 320  accounts_receivable 10  revenue -10000
    INV-1    paid 9990  owed 10
    payment  captured 9990
    """,
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.pay(9_990, "INV-1")


@traps.add(
    "103-ten-over",
    """
    books    clearing 9690  processing_fees 320  unapplied_cash -10  revenue -10000
    INV-1    paid 10000
    payment  captured 10010  unapplied 10
    asks     overpayment 10
    """,
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.pay(10_010, "INV-1")


@traps.add(
    "103-a-known-payer-ten-short-is-not-guessed",
    """
    books    clearing 9670  processing_fees 320  unapplied_cash -9990
    books    accounts_receivable 20010  revenue -20010
    INV-1    owed 10000
    INV-2    owed 10010
    payment  captured 9990  unapplied 9990
    asks     unmatched_payment 9990
    """,
)
def _(t: Telling) -> None:
    ann = t.world.create_customer("Ann")
    t.customer = t.another_customer(ann)
    t.invoice("INV-1", 10_000)
    t.invoice("INV-2", 10_010)
    t.noted(t.world.pay(9_990, customer=ann))


@traps.add(
    "103-a-known-payer-and-exactly-one-that-equals", f"{PAID} INV-2 owed 10010\n{TWO_OF_10_010}"
)
def _(t: Telling) -> None:
    ann = t.world.create_customer("Ann")
    t.customer = t.another_customer(ann)
    t.invoice("INV-1", 10_000)
    t.invoice("INV-2", 10_010)
    t.noted(t.world.pay(10_000, customer=ann), "INV-1")


@traps.add(
    "104-metadata-is-edited-after-it-was-applied", f"{PAID} INV-2 owed 10000\n{TWO_OF_10_000}"
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.invoice("INV-2", 10_000)
    paid = t.pay(10_000, "INV-1")
    t.office.clock.advance(hours=1)
    t.world.edit_metadata(paid.charge, {"invoice": t.number("INV-2")})


@traps.add(
    "105-one-payment-for-two-invoices-of-the-rail",
    """
    books    clearing 9680  processing_fees 320  revenue -10000
    INV-1    paid 6000
    INV-2    paid 4000
    payment  captured 10000
    """,
)
def _(t: Telling) -> None:
    parts = {t.world.create_invoice(6_000): 6_000, t.world.create_invoice(4_000): 4_000}
    for (rail_id, amount), name in zip(parts.items(), ("INV-1", "INV-2"), strict=True):
        t.invoice(name, amount, rail_invoice_id=rail_id)
    t.noted(t.world.pay(10_000, invoices=parts), "INV-1", "INV-2")


@traps.add(
    "105-one-payment-for-two-invoices-is-refunded-in-part",
    """
    books    clearing 4680  processing_fees 320  credits 5000  revenue -10000
    INV-1    paid 5000  credited 1000
    INV-2    credited 4000
    payment  captured 10000  refunded 5000
    asks     external_refund 5000
    """,
)
def _(t: Telling) -> None:
    parts = {t.world.create_invoice(6_000): 6_000, t.world.create_invoice(4_000): 4_000}
    for (rail_id, amount), name in zip(parts.items(), ("INV-1", "INV-2"), strict=True):
        t.invoice(name, amount, rail_invoice_id=rail_id)
    paid = t.noted(t.world.pay(10_000, invoices=parts), "INV-1", "INV-2")
    t.world.refund(paid.charge, 5_000)


@traps.add(
    "106-a-deposit-before-its-invoice",
    """
    books    clearing 2883  processing_fees 117  accounts_receivable 7000  revenue -10000
    DEP-1    received 3000  applied 3000
    INV-1    paid 3000  owed 7000
    payment  captured 3000
    """,
)
def _(t: Telling) -> Iterator[str]:
    t.deposit("DEP-1", 3_000)
    paid = t.pay(3_000, "DEP-1")
    yield """
    books    clearing 2883  processing_fees 117  customer_deposits -3000
    DEP-1    received 3000  remaining 3000
    payment  captured 3000
    """
    t.invoice("INV-1", 10_000)
    t.apply("DEP-1", "INV-1", 3_000)
    t.world.edit_metadata(paid.charge, {"deposit": t.number("DEP-1"), "note": "used"})


@traps.add("107-only-the-session-names-it", PAID)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    page = t.world.open_session(10_000, metadata={"invoice": t.number("INV-1")})
    t.noted(t.world.complete_session(page), "INV-1")


@traps.add("107-only-the-session-names-it-and-is-lost", PAID)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    page = t.world.open_session(10_000, client_reference_id=t.number("INV-1"))
    t.noted(t.world.complete_session(page), "INV-1")
    t.lose("checkout.session.completed")


PARTLY_FROM_CREDIT = """
    books    clearing 6767  processing_fees 233  credits 3000  revenue -10000
    INV-1    paid 7000  credited 3000
    payment  captured 7000
"""


def _with_credit(t: Telling, **more) -> str:
    """Stripe's own invoice of 10000, of which 3000 come from the customer's balance there."""
    made = t.world.create_invoice(10_000, credit=3_000)
    t.invoice("INV-1", 10_000, rail_invoice_id=made, **more)
    return made


@traps.add("108-partly-paid-by-the-rails-credit", PARTLY_FROM_CREDIT)
def _(t: Telling) -> None:
    t.noted(t.world.pay(7_000, invoices={_with_credit(t): 7_000}), "INV-1")


@traps.add("108-partly-paid-by-credit-as-of-2022", PARTLY_FROM_CREDIT, api_version="2022-08-01")
def _(t: Telling) -> None:
    t.noted(t.world.pay(7_000, invoices={_with_credit(t): 7_000}), "INV-1")


@traps.add("108-partly-paid-by-credit-and-only-the-charge-is-heard-of", PARTLY_FROM_CREDIT)
def _(t: Telling) -> None:
    t.noted(t.world.pay(7_000, invoices={_with_credit(t): 7_000}), "INV-1")
    t.only("charge.succeeded")


@traps.add(
    "108-partly-paid-by-credit-and-in-two-payments",
    """
    books      clearing 6737  processing_fees 263  credits 3000  revenue -10000
    INV-1      paid 7000  credited 3000
    payment 1  captured 5000
    payment 2  captured 2000
    """,
)
def _(t: Telling) -> None:
    made = _with_credit(t)
    t.noted(t.world.pay(5_000, invoices={made: 5_000}), "INV-1")
    t.noted(t.world.pay(2_000, invoices={made: 2_000}), "INV-1")


@traps.add(
    "108-partly-paid-by-credit-and-the-cash-is-refunded",
    """
    books    clearing -233  processing_fees 233  credits 10000  revenue -10000
    INV-1    credited 10000
    payment  captured 7000  refunded 7000
    asks     external_refund 7000
    """,
)
def _(t: Telling) -> None:
    t.world.refund(t.noted(t.world.pay(7_000, invoices={_with_credit(t): 7_000}), "INV-1").charge)


@traps.add(
    "108-our-invoice-leaves-out-what-credit-paid",
    """
    books    clearing 6767  processing_fees 233  revenue -7000
    INV-1    paid 7000
    payment  captured 7000
    """,
)
def _(t: Telling) -> None:
    made = t.world.create_invoice(10_000, credit=3_000)
    t.invoice("INV-1", 7_000, rail_invoice_id=made)
    t.noted(t.world.pay(7_000, invoices={made: 7_000}), "INV-1")


@traps.add("108-partly-paid-by-credit-before-ours-is-sent", PARTLY_FROM_CREDIT)
def _(t: Telling) -> Iterator[None]:
    made = _with_credit(t, draft=True)
    paid = t.noted(t.world.pay(7_000, invoices={made: 7_000}), "INV-1")
    yield
    t.office.do(lambda work: invoices.send(work, t.documents["INV-1"]))
    t.known[0].is_sent = True
    t.world.edit_metadata(paid.charge, {"note": "sent"})


@traps.add(
    "108-partly-paid-by-a-credit-note-of-ours",
    """
    books    clearing 6767  processing_fees 233  credits 3000  revenue -10000
    INV-1    paid 7000  credited 3000
    payment  captured 7000
    """,
)
def _(t: Telling) -> None:
    made = t.invoice("INV-1", 10_000)
    t.office.do(
        lambda work: invoices.credit_note(work, made, amount=3_000, reason="credit balance")
    )
    t.known[0].credit_notes = 3_000
    t.pay(7_000, "INV-1")
