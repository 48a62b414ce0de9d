"""A deposit paid after its milestone's invoice was sent is used on it, once."""

import pytest

from reconciler.books.plans import Part
from reconciler.flows.find_payments import find_payments
from reconciler.services import (
    applications,
    billing,
    customers,
    invoices,
    late_deposits,
    milestones,
    projects,
)
from reconciler.services.milestones import Stage
from reconciler.services.projects import NewProject
from tests.builders import captured, customer, held_on, invoice, named, observe, paid_on
from tests.runtime import Office
from tests.store.test_races import together


class Job:
    """A project of 1,000 that begins with a deposit of 300, whose invoice is sent first."""

    def __init__(self, office: Office, policy: str = "automatic") -> None:
        self.office = office
        self.ann = customer(office)
        office.do(lambda w: customers.patch(w, self.ann, {"deposit_policy": policy}))
        new = NewProject(customer_id=self.ann, name="Kitchen", currency="USD", original_price=1_000)
        project = office.do(lambda w: projects.create(w, new))
        stages = [
            Stage(kind="deposit", part=Part(amount=300)),
            Stage(kind="final", part=Part(amount=700)),
        ]
        self.milestone = office.do(lambda w: milestones.plan(w, project, stages))[0]
        self.deposit = office.do(lambda w: billing.deposit(w, self.milestone))
        self.invoice = office.do(lambda w: billing.invoice(w, self.milestone))
        office.do(lambda w: invoices.send(w, self.invoice))
        self.code = office.scalar("select code from deposit")

    def pay(self, amount: int, name: str = "pi_1") -> None:
        observe(self.office, captured(amount, name, named=named(deposit=self.code)))

    @property
    def paid(self) -> int:
        return paid_on(self.office, self.invoice)[0]


# The policy, what comes in which parts, what is paid of the invoice after each.
STORIES = {
    "all at once": ("automatic", (300,), (300,)),
    "in parts": ("automatic", (100, 200), (100, 300)),
    "by hand only": ("by_hand", (300,), (0,)),
}


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_what_is_paid_late_is_used_as_the_customer_wants_it(office: Office, story: str) -> None:
    policy, parts, paid = STORIES[story]
    job = Job(office, policy)
    for number, (part, after) in enumerate(zip(parts, paid, strict=True)):
        job.pay(part, f"pi_{number}")
        find_payments(office.runtime)
        assert job.paid == after
    find_payments(office.runtime)
    assert job.paid == paid[-1], "once"
    assert office.violations() == []


def test_what_a_person_took_off_stays_off(office: Office) -> None:
    job = Job(office)
    job.pay(300)
    find_payments(office.runtime)
    use = office.scalar("select id from application")
    office.do(lambda w: applications.unapply(w, job.deposit, use))
    find_payments(office.runtime)
    assert job.paid == 0
    assert held_on(office, job.deposit) == (300, 0, 0, 300)


def test_by_hand_it_is_not_used_when_the_invoice_is_sent_either(office: Office) -> None:
    job = Job(office, "by_hand")
    office.do(lambda w: invoices.void(w, job.invoice))
    job.pay(300)
    again = office.do(lambda w: billing.invoice(w, job.milestone))
    office.do(lambda w: invoices.send(w, again))
    assert paid_on(office, again)[0] == 0


def test_however_many_do_it_at_once_it_is_used_once(office: Office) -> None:
    job = Job(office)
    other = invoice(office, "INV-9", 300, customer_id=job.ann)
    job.pay(300)
    follow = lambda: office.do(lambda w: late_deposits.follow_policy(w, job.deposit))  # noqa: E731
    by_hand = lambda: office.do(lambda w: applications.apply(w, job.deposit, other, 200))  # noqa: E731
    together(follow, follow, by_hand, follow)
    received, applied, _, remaining = held_on(office, job.deposit)
    assert (received, remaining) == (300, 0) or job.paid + paid_on(office, other)[0] == applied
    assert job.paid + paid_on(office, other)[0] == applied <= 300
    assert office.violations() == []
