"""What becomes of money beyond what is owed, by the customer's standing word."""

from datetime import date

import pytest

from reconciler.books.overpayments import OverpaymentPolicy
from reconciler.errors import Invalid
from reconciler.reads import review_queue
from reconciler.reads.pages import Wanted
from reconciler.services import allocations, customers, receipts
from reconciler.services.overpayments import REST
from reconciler.services.receipts import Receipt
from tests.builders import (
    asked,
    captured,
    held_on,
    invoice,
    named,
    observe,
    paid_on,
    unapplied,
)


def somebody(office, policy) -> str:
    return office.do(lambda work: customers.create(work, name="Ann", overpayment_policy=policy))


def overpaid(office, policy, amount=9_500) -> tuple[str, str]:
    """95.00 on an invoice of 89.00, as a rail told it; gives customer and payment."""
    ann = somebody(office, policy)
    invoice(office, "INV-1", 8_900, customer_id=ann)
    [payment] = observe(office, captured(amount, named=named(invoice="INV-1")))
    return ann, payment


def rest(office) -> None:
    office.clock.instant += REST
    office.drain()


@pytest.mark.parametrize("policy", ["hold", "next_invoice", "deposit", "refund"])
def test_nothing_is_done_before_it_has_come_to_rest(office, policy):
    _, payment = overpaid(office, policy)
    office.drain(within=REST / 2)
    assert (unapplied(office, payment), asked(office, payment)) == (600, {"overpayment": 600})
    assert office.scalar("select count(*) from deposit") == 0
    assert office.scalar("select count(*) from refund") == 0


def test_hold_is_what_stands_if_nobody_said_otherwise(office):
    _, payment = overpaid(office, "hold")
    rest(office)
    assert (unapplied(office, payment), asked(office, payment)) == (600, {"overpayment": 600})


def test_a_deposit_is_made_of_it_and_can_be_undone(office):
    _, payment = overpaid(office, "deposit")
    rest(office)
    made = office.scalar("select id from deposit")
    assert held_on(office, made) == (600, 0, 0, 600)
    assert asked(office, payment) == {}
    said = office.scalar("select resolution from review_item")
    assert said == "by the customer's policy for overpayments: kept as a deposit: USD 6.00"
    assert "overpayment.policy_followed" in {
        row.action for row in office.rows("select action from audit_line")
    }
    claim = office.scalar("select id from allocation where deposit_id is not null")
    office.do(lambda work: allocations.unallocate(work, payment, claim))
    rest(office)
    assert unapplied(office, payment) == 600, "what a person took back is not done again"
    assert office.violations() == []


def test_the_next_invoice_gets_it_whenever_it_is_sent(office):
    ann, payment = overpaid(office, "next_invoice")
    rest(office)
    assert asked(office, payment) == {"overpayment": 600}
    first = invoice(office, "INV-2", 400, customer_id=ann, due_on=date(2026, 12, 1))
    later = invoice(office, "INV-3", 5_000, customer_id=ann, due_on=date(2026, 12, 31))
    rest(office)
    assert (paid_on(office, first), paid_on(office, later)) == ((400, 0, 0), (200, 0, 4_800))
    assert (unapplied(office, payment), asked(office, payment)) == (0, {})
    assert office.violations() == []


def test_a_refund_is_asked_for_once_and_waits_for_a_second_person(office):
    _, payment = overpaid(office, "refund")
    for _ in range(2):
        rest(office)
    [made] = office.rows("select payment_id, amount, reason, status from refund")
    assert tuple(made) == (payment, 600, "overpayment", "requested")
    assert office.violations() == []


def by_hand(office, invoice_id, amount=8_900, *, on=date(2026, 11, 23)) -> str:
    receipt = Receipt("bank_transfer", on, amount, may_overpay=True)
    return office.do(lambda work: receipts.receive(work, invoice_id, receipt))


@pytest.mark.parametrize("on", [date(2026, 11, 23), date(2026, 1, 5)], ids=["after", "before"])
@pytest.mark.parametrize("policy", list(OverpaymentPolicy))
def test_what_was_paid_twice_is_given_back_and_not_kept_ahead(office, policy, on):
    ann = somebody(office, policy)
    owed = invoice(office, "INV-1", 8_900, customer_id=ann)
    observe(office, captured(8_900, named=named(invoice="INV-1")))
    second = by_hand(office, owed, on=on)  # it waits, whichever was paid first
    invoice(office, "INV-2", 8_900, customer_id=ann)
    with office.runtime.read() as session:
        [item] = review_queue.page(session, {"kind": "overpayment"}, Wanted()).data
    assert item.paid_twice
    assert item.paid_twice.later.payment_id == second
    assert item.paid_twice.is_across_channels
    assert item.paid_twice.is_same_amount
    rest(office)
    assert unapplied(office, second) == 8_900
    refunds = office.rows("select payment_id, amount, reason from refund")
    wanted = [(second, 8_900, "duplicate")] if policy == "refund" else []
    assert [tuple(one) for one in refunds] == wanted


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("policy", ["hold", "next_invoice", "deposit"])
def test_news_in_any_order_and_then_the_policy_come_to_the_same(office, policy, order):
    """50.00 and 70.00 for 100.00: which keeps the 20.00 may differ, no sum may."""
    ann = somebody(office, policy)
    owed = invoice(office, "INV-1", 10_000, customer_id=ann)
    told = [captured(5_000, "pi_1", named=named(invoice="INV-1")),
            captured(7_000, "pi_2", named=named(invoice="INV-1"))]  # fmt: skip
    for place in order:
        observe(office, told[place])
    other = invoice(office, "INV-2", 1_500, customer_id=ann)
    rest(office)
    loose = sum(unapplied(office, row.id) for row in office.rows("select id from payment"))
    deposits = int(office.scalar("select coalesce(sum(received), 0) from deposit"))
    ends = (paid_on(office, owed), paid_on(office, other), loose, deposits)
    assert ends == ((10_000, 0, 0), *{
        "hold": ((0, 0, 1_500), 2_000, 0),
        "next_invoice": ((1_500, 0, 0), 500, 0),
        "deposit": ((0, 0, 1_500), 0, 2_000),
    }[policy])  # fmt: skip
    assert office.violations() == []


def test_another_word_is_no_policy(office):
    with pytest.raises(Invalid) as refusal:
        somebody(office, "keep")
    assert refusal.value.field == "overpayment_policy"
