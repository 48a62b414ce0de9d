"""Everything that follows from claims follows again whenever one of them changes."""

from reconciler.services import applications
from tests.builders import captured, customer, deposit, held_on, invoice, named, observe, paid_on
from tests.runtime import Office


def test_deposits_tied_together_by_their_invoices_are_settled_together(office: Office) -> None:
    ann = customer(office)
    one, other = (deposit(office, code, 100, customer_id=ann) for code in ("DEP-1", "DEP-2"))
    first, second, third = (
        invoice(office, number, 100, customer_id=ann) for number in ("INV-1", "INV-2", "INV-3")
    )
    for code in ("DEP-1", "DEP-2"):
        observe(office, captured(100, f"pi_{code}", named=named(deposit=code)))
    for source, target in ((one, first), (one, second), (other, second), (other, third)):
        office.do(lambda work: applications.apply(work, source, target, 50))  # noqa: B023  at once

    observe(office, captured(50, "pi_last", named=named(invoice="INV-1")))

    assert paid_on(office, first) == (100, 0, 0)
    assert paid_on(office, second) == (100, 0, 0)
    assert held_on(office, one) == held_on(office, other) == (100, 100, 0, 0)
    assert office.violations() == []
