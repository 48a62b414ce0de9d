"""People decide where money belongs, and what they decided is what then stands."""

import pytest

from reconciler.books.observations import RefundStage
from reconciler.errors import Conflict, NotFound, Refused
from reconciler.services import allocations, applications
from reconciler.services.allocations import Part
from tests.builders import (
    asked,
    captured,
    customer,
    deposit,
    facts,
    held_on,
    invoice,
    named,
    observe,
    paid_on,
    refund,
    unapplied,
)
from tests.runtime import Office


def allocate(office: Office, payment: str, *parts: Part) -> list[str]:
    return office.do(lambda work: allocations.allocate(work, payment, parts))


def unallocate(office: Office, payment: str, allocation: str) -> None:
    office.do(lambda work: allocations.unallocate(work, payment, allocation))


def allocation_of(office: Office, payment: str, target: str) -> str:
    return str(
        office.scalar(
            """select id from allocation where payment_id = :payment and closed_at is null
            and :target in (invoice_id, deposit_id)""",
            payment=payment,
            target=target,
        )
    )


def test_a_held_payment_is_split_over_invoices_and_a_deposit(office: Office) -> None:
    first, second = invoice(office, "INV-1", 300), invoice(office, "INV-2", 500)
    ahead = deposit(office, "DEP-1", 400)
    (payment,) = observe(office, captured(1_000))

    allocate(office, payment, Part(first), Part(second, amount=200), Part(deposit_id=ahead))

    assert paid_on(office, first) == (300, 0, 0)
    assert paid_on(office, second) == (200, 0, 300)
    assert held_on(office, ahead) == (400, 0, 0, 400)
    assert asked(office, payment) == {"unmatched_payment": 100}
    assert office.violations() == []


def test_the_question_is_closed_when_nothing_is_left(office: Office) -> None:
    target = invoice(office, "INV-1", 1_000)
    (payment,) = observe(office, captured(1_000))
    assert asked(office, payment) == {"unmatched_payment": 1_000}

    allocate(office, payment, Part(target))

    assert asked(office, payment) == {}


def test_an_old_refund_does_not_eat_a_new_allocation(office: Office) -> None:
    overpaid, other = invoice(office, "INV-1", 60), invoice(office, "INV-2", 50)
    (payment,) = observe(office, captured(100, named=named(invoice="INV-1")))
    observe(office, facts(refunds=refund("re_1", 30)))
    assert (paid_on(office, overpaid), unapplied(office, payment)) == ((60, 0, 0), 10)

    allocate(office, payment, Part(other, amount=10))

    assert paid_on(office, overpaid) == (60, 0, 0)
    assert paid_on(office, other) == (10, 0, 40)
    assert unapplied(office, payment) == 0
    assert office.violations() == []


def test_a_credited_invoice_stays_so_when_another_one_is_let_go(office: Office) -> None:
    first, second = invoice(office, "INV-1", 100), invoice(office, "INV-2", 100)
    (payment,) = observe(office, captured(200))
    allocate(office, payment, Part(first), Part(second))
    observe(office, facts(refunds=refund("re_1", 30)))
    before = paid_on(office, second)
    assert before == (70, 30, 0)

    unallocate(office, payment, allocation_of(office, payment, first))

    paid, credited, owed = paid_on(office, second)
    assert (paid + credited, owed) == (100, 0)
    assert paid_on(office, first) == (0, 0, 100)
    assert unapplied(office, payment) == 200 - 30 - paid
    assert office.violations() == []


def test_a_refund_that_fails_gives_back_where_it_took(office: Office) -> None:
    target, other = invoice(office, "INV-1", 60), invoice(office, "INV-2", 50)
    (payment,) = observe(office, captured(100, named=named(invoice="INV-1")))
    observe(office, facts(refunds=refund("re_1", 70)))
    assert paid_on(office, target) == (30, 30, 0)

    observe(office, facts(refunds=refund("re_1", 70, RefundStage.FAILED)))

    assert paid_on(office, target) == (60, 0, 0)
    assert unapplied(office, payment) == 40
    assert paid_on(office, other) == (0, 0, 50)
    assert office.violations() == []


def test_undoing_is_a_reversal_and_can_be_done_again(office: Office) -> None:
    target = invoice(office, "INV-1", 500)
    (payment,) = observe(office, captured(500, named=named(invoice="INV-1")))

    for _ in range(2):
        unallocate(office, payment, allocation_of(office, payment, target))
        assert paid_on(office, target) == (0, 0, 500)
        assert unapplied(office, payment) == 500
        allocate(office, payment, Part(target))
        assert paid_on(office, target) == (500, 0, 0)

    assert office.violations() == []
    assert (
        office.scalar("select count(*) from journal_entry where reverses like 'allocation/%'") == 2
    )


def test_what_a_person_undid_is_not_matched_again(office: Office) -> None:
    target = invoice(office, "INV-1", 500)
    (payment,) = observe(office, captured(500, named=named(invoice="INV-1")))
    unallocate(office, payment, allocation_of(office, payment, target))

    observe(office, facts(payer={"name": (1, "Ann")}))
    office.drain()

    assert paid_on(office, target) == (0, 0, 500)
    assert asked(office, payment) == {"unmatched_payment": 500}


def test_a_deposit_that_is_used_cannot_be_taken_from_under_its_invoice(office: Office) -> None:
    ann = customer(office)
    ahead = deposit(office, "DEP-1", 400, customer_id=ann)
    target = invoice(office, "INV-1", 300, customer_id=ann)
    (payment,) = observe(office, captured(400, named=named(deposit="DEP-1")))
    office.do(lambda work: applications.apply(work, ahead, target, 300))

    with pytest.raises(Conflict):
        unallocate(office, payment, allocation_of(office, payment, ahead))

    assert held_on(office, ahead) == (400, 300, 0, 100)


REFUSED = {
    "nothing-named": ((), "allocations"),
    "named-twice": ((Part("inv"), Part("inv")), "allocations"),
    "no-such-invoice": ((Part("inv_nowhere"),), "invoice_id"),
    "no-such-deposit": ((Part(deposit_id="dep_nowhere"),), "deposit_id"),
    "a-deposit-is-no-invoice": ((Part("dep"),), "invoice_id"),
    "another-currency": ((Part("eur"),), "currency"),
    "a-draft": ((Part("draft"),), "invoice_id"),
    "nothing": ((Part("inv", amount=0),), "amount"),
    "less-than-nothing": ((Part("inv", amount=-5),), "amount"),
    "more-than-is-left": ((Part("inv", amount=101),), "amount"),
    "more-than-is-owed": ((Part("small", amount=51),), "amount"),
    "together-more-than-is-left": ((Part("inv", amount=60), Part("small", amount=41)), "amount"),
    "nothing-is-owed": ((Part("paid"),), "amount"),
}


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_what_does_not_fit_is_refused_and_changes_nothing(office: Office, case: str) -> None:
    ids = {
        "inv": invoice(office, "INV-1", 500),
        "small": invoice(office, "INV-2", 50),
        "eur": invoice(office, "INV-3", 500, currency="EUR"),
        "draft": invoice(office, "INV-4", 500, send=False),
        "paid": invoice(office, "INV-5", 10),
        "dep": deposit(office, "DEP-1", 400),
    }
    observe(office, captured(10, "pi_0", named=named(invoice="INV-5")))
    (payment,) = observe(office, captured(100))
    parts, field = REFUSED[case]
    entries = office.scalar("select count(*) from journal_entry")

    with pytest.raises(Refused) as refusal:
        allocate(
            office,
            payment,
            *(
                Part(
                    ids.get(p.invoice_id, p.invoice_id),
                    ids.get(p.deposit_id, p.deposit_id),
                    p.amount,
                )
                for p in parts
            ),
        )

    assert refusal.value.field == field
    assert office.scalar("select count(*) from journal_entry") == entries
    assert unapplied(office, payment) == 100


def test_what_is_not_there_is_not_found(office: Office) -> None:
    target = invoice(office, "INV-1", 500)
    (payment,) = observe(office, captured(500, named=named(invoice="INV-1")))
    allocation = allocation_of(office, payment, target)
    with pytest.raises(NotFound):
        allocate(office, "pay_nowhere", Part(target))
    with pytest.raises(NotFound):
        unallocate(office, payment, "alo_nowhere")
    unallocate(office, payment, allocation)
    with pytest.raises(NotFound):
        unallocate(office, payment, allocation)
