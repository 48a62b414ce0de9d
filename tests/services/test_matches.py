"""A hold that is taken back leaves nothing that anybody is asked to pay."""

from datetime import timedelta

import pytest

from reconciler.books.deposits import HELD_NO_MORE
from reconciler.books.overpayments import OverpaymentPolicy
from reconciler.errors import Conflict, Refused
from reconciler.reads import client_page, suggestions
from reconciler.reads.client_page import Seen
from reconciler.services import allocations, applications, customers, deposits, matches, undoing
from reconciler.services.allocations import Part
from reconciler.services.deposits import NewDeposit
from reconciler.services.overpayments import REST
from tests.builders import (
    asked,
    balances,
    captured,
    customer,
    deposit,
    held_on,
    invoice,
    named,
    observe,
    paid_on,
    unapplied,
)
from tests.runtime import Office


def overpaid(office: Office, policy: str = "hold") -> tuple[str, str]:
    """95.00 on an invoice of 89.00; gives customer and payment."""
    ann = office.do(
        lambda work: customers.create(
            work, name="Ann", overpayment_policy=OverpaymentPolicy(policy)
        )
    )
    invoice(office, "INV-1", 8_900, customer_id=ann)
    [payment] = observe(office, captured(9_500, named=named(invoice="INV-1")))
    return ann, payment


def hold(office: Office, ann: str, payment: str) -> tuple[str, str]:
    """As the screen does it, in one transaction; gives deposit and allocation."""

    def step(work) -> tuple[str, str]:
        new = NewDeposit(customer_id=ann, currency="USD", amount=600)
        made = deposits.create(work, new)
        return made, allocations.allocate(work, payment, [Part(deposit_id=made)])[0]

    return office.do(step)


def question(office: Office, payment: str) -> tuple[str, str, list[str]]:
    [row] = office.rows(
        """select r.kind, i.number, r.details -> 'reasons' as reasons from review_item r
        left join invoice i on i.id = r.invoice_id
        where r.state = 'open' and r.payment_id = :payment""",
        payment=payment,
    )
    return row.kind, row.number, row.reasons


def deposits_due(office: Office, ann: str) -> tuple[int, int]:
    """What the client's page asks for ahead, and on how many deposits of theirs it is."""
    with office.runtime.read() as session:
        page = client_page.page(session, Seen(ann, None), today=office.clock().date())
    return sum(one.deposits_due for one in page.balances), len(page.deposits)


def test_a_hold_taken_back_asks_nobody_for_the_deposit_that_it_made(office: Office) -> None:
    ann, payment = overpaid(office)
    before = question(office, payment)
    made, claim = hold(office, ann, payment)
    office.do(lambda work: matches.take_back(work, payment, claim))
    [row] = office.rows("select ended_why from deposit where id = :id", id=made)
    assert row.ended_why == HELD_NO_MORE
    assert deposits_due(office, ann) == (0, 0)
    with office.runtime.read() as session:
        offered = suggestions.for_payments(session, [payment])[payment]
    assert [one for one in offered if one.target.id == made] == []
    kind, number, reasons = question(office, payment)
    assert (kind, number) == before[:2] == ("overpayment", "INV-1")
    assert set(before[2]) <= set(reasons)
    assert office.violations() == []


def test_the_undo_of_its_line_does_so_too_and_its_own_undo_holds_it_again(office: Office) -> None:
    ann, payment = overpaid(office)
    made, _ = hold(office, ann, payment)
    last = "select max(seq) from audit_line where action = :a"
    for _ in range(2):
        held = office.scalar(last, a="payment.allocated")
        office.do(lambda work: undoing.undo(work, held))  # noqa: B023
        assert office.scalar("select ended_at is not null from deposit")
        assert held_on(office, made) == (0, 0, 0, 0)
        assert asked(office, payment) == {"overpayment": 600}
        taken = office.scalar(last, a="payment.unallocated")
        office.do(lambda work: undoing.undo(work, taken))  # noqa: B023
        assert office.scalar("select ended_at is null from deposit")
        assert held_on(office, made) == (600, 0, 0, 600)
    assert office.violations() == []


@pytest.mark.parametrize("is_at_once", [True, False])
def test_a_deposit_that_was_there_before_is_asked_for_again(office: Office, is_at_once) -> None:
    ann, payment = overpaid(office)
    made = deposit(office, "DEP-1", 600, customer_id=ann)
    if not is_at_once:
        office.clock.instant += timedelta(minutes=1)
    [claim] = office.do(lambda work: allocations.allocate(work, payment, [Part(deposit_id=made)]))
    office.do(lambda work: matches.take_back(work, payment, claim))
    assert office.scalar("select ended_at is null from deposit where id = :id", id=made)
    assert deposits_due(office, ann) == (600, 1)


@pytest.mark.parametrize("policy", ["hold", "deposit", "next_invoice"])
def test_no_policy_does_again_what_a_person_took_back(office: Office, policy: str) -> None:
    ann, payment = overpaid(office, policy)
    made, claim = hold(office, ann, payment)
    office.do(lambda work: matches.take_back(work, payment, claim))
    invoice(office, "INV-2", 600, customer_id=ann)
    office.clock.instant += REST
    office.drain()
    assert unapplied(office, payment) == 600
    assert asked(office, payment) == {"overpayment": 600}
    assert office.scalar("select count(*) from deposit") == 1
    assert held_on(office, made) == (0, 0, 0, 0)


def test_what_is_taken_off_an_invoice_is_not_too_much_again(office: Office) -> None:
    ann = customer(office)
    first = invoice(office, "INV-1", 6_000, customer_id=ann)
    second = invoice(office, "INV-2", 4_000, customer_id=ann)
    [payment] = observe(office, captured(10_000, named=named(invoice="INV-1")))
    office.do(lambda work: allocations.allocate(work, payment, [Part(second)]))
    claim = office.scalar("select id from allocation where invoice_id = :id", id=first)
    office.do(lambda work: matches.take_back(work, payment, claim))
    assert paid_on(office, first) == (0, 0, 6_000)
    assert asked(office, payment) == {"unmatched_payment": 6_000}


def both(office: Office, second: int = 600) -> tuple[str, str, str, str]:
    """A hold of 6.00, and another payment of the client's for that deposit meanwhile."""
    ann, first = overpaid(office)
    made, claim = hold(office, ann, first)
    code = office.scalar("select code from deposit where id = :id", id=made)
    [again] = observe(office, captured(second, "pi_2", named=named(deposit=code)))
    assert held_on(office, made) == (600, 0, 0, 600)
    assert asked(office, again) == {"overpayment": second}
    return first, claim, made, again


def test_a_hold_taken_back_after_the_deposit_was_paid_otherwise_leaves_that_there(
    office: Office,
) -> None:
    first, claim, made, again = both(office)
    before = balances(office)
    office.do(lambda work: matches.take_back(work, first, claim))
    assert held_on(office, made) == (600, 0, 0, 600)
    assert office.scalar("select ended_at is null from deposit where id = :id", id=made)
    assert (unapplied(office, first), unapplied(office, again)) == (600, 0)
    assert asked(office, first) == {"overpayment": 600}
    assert asked(office, again) == {}
    assert balances(office) == before, "as much is held and as much waits"
    assert office.violations() == []
    with pytest.raises(Refused, match="more than is open on DEP-"):
        office.do(lambda work: matches.put_back(work, first, Part(deposit_id=made, amount=600)))
    assert office.violations() == []


def test_where_less_was_paid_for_it_that_is_held_and_the_rest_asked_of_nobody(
    office: Office,
) -> None:
    first, claim, made, again = both(office, 250)
    office.do(lambda work: matches.take_back(work, first, claim))
    assert held_on(office, made) == (250, 0, 0, 250)
    assert office.scalar("select ended_why from deposit where id = :id", id=made) == HELD_NO_MORE
    assert (unapplied(office, first), unapplied(office, again)) == (600, 0)
    assert asked(office, again) == {}
    assert deposits_due(office, office.scalar("select id from customer")) == (0, 1)
    assert office.violations() == []


def test_what_was_used_of_it_meanwhile_keeps_the_hold(office: Office) -> None:
    first, claim, made, again = both(office)
    ann = office.scalar("select customer_id from deposit where id = :id", id=made)
    bill = invoice(office, "INV-9", 600, customer_id=ann)
    office.do(lambda work: applications.apply(work, made, bill, 600))
    with pytest.raises(Conflict, match="is applied to invoices; unapply it first"):
        office.do(lambda work: matches.take_back(work, first, claim))
    assert held_on(office, made) == (600, 600, 0, 0)
    assert asked(office, again) == {"overpayment": 600}
    assert office.violations() == []
