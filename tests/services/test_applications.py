"""A deposit is used on invoices, never twice, and taken off them by reversal."""

import pytest

from reconciler.errors import NotFound, Refused
from reconciler.services import applications, invoices
from tests.builders import (
    balances,
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


class Scene:
    """A deposit of 500, all of it received, and two invoices of 400 of the same customer."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.ann = customer(office)
        self.deposit = deposit(office, "DEP-1", 500, customer_id=self.ann)
        self.first, self.second = (
            invoice(office, number, 400, customer_id=self.ann) for number in ("INV-1", "INV-2")
        )
        (self.payment,) = observe(office, captured(500, named=named(deposit="DEP-1")))

    def apply(self, target: str, amount: int | None = None) -> str:
        return self.office.do(lambda work: applications.apply(work, self.deposit, target, amount))

    def unapply(self, application: str) -> None:
        self.office.do(lambda work: applications.unapply(work, self.deposit, application))

    @property
    def held(self) -> tuple[int, int, int, int]:
        return held_on(self.office, self.deposit)


@pytest.fixture
def scene(office: Office) -> Scene:
    return Scene(office)


def test_without_an_amount_as_much_as_fits(scene: Scene) -> None:
    scene.apply(scene.first)
    scene.apply(scene.second)
    assert paid_on(scene.office, scene.first) == (400, 0, 0)
    assert paid_on(scene.office, scene.second) == (100, 0, 300)
    assert scene.held == (500, 500, 0, 0)
    assert scene.office.violations() == []


def test_taking_it_off_is_a_reversal(scene: Scene) -> None:
    before = balances(scene.office)
    used = scene.apply(scene.first, 150)
    assert paid_on(scene.office, scene.first) == (150, 0, 250)
    scene.unapply(used)
    assert balances(scene.office) == before
    assert scene.held == (500, 0, 0, 500)
    with pytest.raises(NotFound):
        scene.unapply(used)
    assert scene.office.violations() == []


def test_the_same_invoice_may_be_helped_twice(scene: Scene) -> None:
    one, other = scene.apply(scene.first, 100), scene.apply(scene.first, 150)
    scene.unapply(one)
    assert paid_on(scene.office, scene.first) == (150, 0, 250)
    scene.unapply(other)
    assert paid_on(scene.office, scene.first) == (0, 0, 400)


REFUSED = {
    "nothing": (0, "amount"),
    "less-than-nothing": (-5, "amount"),
    "more-than-is-owed": (401, "amount"),
}


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_what_does_not_fit_is_refused(scene: Scene, case: str) -> None:
    amount, field = REFUSED[case]
    with pytest.raises(Refused) as refusal:
        scene.apply(scene.first, amount)
    assert refusal.value.field == field
    assert scene.held == (500, 0, 0, 500)


def test_more_than_remains_is_refused(scene: Scene) -> None:
    scene.apply(scene.first, 300)
    with pytest.raises(Refused, match="more than remains"):
        scene.apply(scene.second, 201)
    scene.apply(scene.second, 200)
    with pytest.raises(Refused, match="nothing remains"):
        scene.apply(scene.second)


def test_an_invoice_that_owes_nothing_takes_nothing(scene: Scene) -> None:
    observe(scene.office, captured(400, "pi_2", named=named(invoice="INV-1")))
    with pytest.raises(Refused, match="nothing is owed"):
        scene.apply(scene.first)


def test_only_a_sent_invoice_of_the_same_customer_and_currency(scene: Scene) -> None:
    office = scene.office
    euros = invoice(office, "INV-3", 400, customer_id=scene.ann, currency="EUR")
    draft = invoice(office, "INV-4", 400, customer_id=scene.ann, send=False)
    bens = invoice(office, "INV-5", 400)
    void = invoice(office, "INV-6", 400, customer_id=scene.ann)
    office.do(lambda work: invoices.void(work, void))
    for target in (euros, draft, bens, void, "inv_nowhere"):
        with pytest.raises(Refused) as refusal:
            scene.apply(target, 10)
        assert refusal.value.field == "invoice_id"
    with pytest.raises(NotFound):
        office.do(lambda work: applications.apply(work, "dep_nowhere", scene.first, 10))
    assert scene.held == (500, 0, 0, 500)


def test_what_is_refunded_leaves_the_unused_part_first(scene: Scene) -> None:
    scene.apply(scene.first, 300)
    observe(scene.office, facts(refunds=refund("re_1", 150)))
    assert scene.held == (500, 300, 150, 50)
    assert paid_on(scene.office, scene.first) == (300, 0, 100)
    assert scene.office.violations() == []


def test_what_is_refunded_beyond_it_is_credited_on_the_invoice(scene: Scene) -> None:
    scene.apply(scene.first, 300)
    scene.apply(scene.second, 100)
    observe(scene.office, facts(refunds=refund("re_1", 250)))
    assert scene.held == (500, 250, 250, 0)
    assert paid_on(scene.office, scene.first) == (250, 50, 100)
    assert paid_on(scene.office, scene.second) == (0, 100, 300)
    assert scene.office.violations() == []


def test_a_payment_that_waited_takes_the_place_that_a_deposit_leaves(scene: Scene) -> None:
    office = scene.office
    used = scene.apply(scene.first, 400)
    (late,) = observe(office, captured(400, "pi_2", named=named(invoice="INV-1")))
    assert unapplied(office, late) == 400

    scene.unapply(used)

    assert paid_on(office, scene.first) == (400, 0, 0)
    assert unapplied(office, late) == 0
    assert office.scalar("select count(*) from review_item where state = 'open'") == 0
    assert office.violations() == []


def test_a_deposit_that_was_paid_twice_keeps_what_it_asked_for(scene: Scene) -> None:
    office = scene.office
    scene.apply(scene.first, 400)
    (again,) = observe(office, captured(500, "pi_2", named=named(deposit="DEP-1")))
    assert (scene.held, unapplied(office, again)) == ((500, 400, 0, 100), 500)

    observe(office, facts("pi_1", refunds=refund("re_1", 500)))

    assert scene.held == (500, 400, 0, 100)
    assert paid_on(office, scene.first) == (400, 0, 0)
    assert unapplied(office, again) == unapplied(office, scene.payment) == 0
    assert office.violations() == []
