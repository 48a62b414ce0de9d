"""Two who come at once, on real connections: the books are as if one had waited."""

import threading
import time
from collections.abc import Callable, Iterable
from datetime import date

import pytest

from reconciler.errors import Refused
from reconciler.flows.apply_inbox import apply_inbox
from reconciler.flows.find_payments import find_payments
from reconciler.services import (
    allocations,
    applications,
    bill_payments,
    invoices,
    payments,
    prepayments,
)
from reconciler.services.allocations import Part
from reconciler.services.bill_payments import Paid
from reconciler.store import claims
from tests.builders import (
    AT,
    EVENT,
    asked,
    bill,
    captured,
    customer,
    deposit,
    facts,
    held_on,
    invoice,
    named,
    observe,
    paid_on,
    prepayment,
    refund,
    unapplied,
    vendor,
)
from tests.runtime import SOMEBODY, Office

WAITERS = """select count(*) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'"""


def together(*steps: Callable[[], object]) -> list[object]:
    """Start all at once; gives what each of them gave, or the refusal it met."""
    gate = threading.Barrier(len(steps))
    results: list[object] = [None] * len(steps)

    def run(place: int, step: Callable[[], object]) -> None:
        gate.wait()
        try:
            results[place] = step()
        except Refused as refusal:
            results[place] = refusal

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(steps)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return results


def refusals(results: Iterable[object]) -> int:
    return sum(isinstance(result, Refused) for result in results)


def wait_until_somebody_waits(office: Office) -> None:
    for _ in range(1500):
        if office.scalar(WAITERS):
            return
        threading.Event().wait(0.02)
    raise AssertionError("nobody waits for a lock")


def test_a_prepayment_is_used_or_given_back_once(office: Office) -> None:
    of = vendor(office)
    ahead = prepayment(office, 500, vendor_id=of)
    targets = [bill(office, f"B-{n}", 500, vendor_id=of) for n in range(4)]
    back = Paid(on=date(2026, 11, 20), amount=500)

    results = together(
        *(
            lambda target=target: office.do(
                lambda work: prepayments.apply(work, ahead, target, 500)
            )
            for target in targets
        ),
        lambda: office.do(lambda work: prepayments.refund(work, ahead, back)),
        lambda: office.do(lambda work: prepayments.void(work, ahead)),
    )

    assert refusals(results) == 5
    assert office.violations() == []


def test_a_bill_is_paid_once_by_whoever_pays_it(office: Office) -> None:
    of = vendor(office)
    target = bill(office, "B-1", 500, vendor_id=of)
    ahead = [prepayment(office, 500, vendor_id=of) for _ in range(2)]
    paid = Paid(on=date(2026, 11, 20))

    results = together(
        *(
            lambda one=one: office.do(lambda work: prepayments.apply(work, one, target, 500))
            for one in ahead
        ),
        *(lambda: office.do(lambda work: bill_payments.pay(work, target, paid)) for _ in range(2)),
    )

    assert refusals(results) == 3
    assert office.scalar("select paid from bill") == 500
    assert office.violations() == []


def test_a_deposit_is_not_applied_twice(office: Office) -> None:
    ann = customer(office)
    source = deposit(office, "DEP-1", 500, customer_id=ann)
    targets = [invoice(office, f"INV-{n}", 500, customer_id=ann) for n in range(6)]
    observe(office, captured(500, named=named(deposit="DEP-1")))

    results = together(
        *(
            lambda target=target: office.do(
                lambda work: applications.apply(work, source, target, 500)
            )
            for target in targets
        )
    )

    assert refusals(results) == 5
    assert held_on(office, source) == (500, 500, 0, 0)
    assert sum(paid_on(office, target)[0] for target in targets) == 500
    assert office.violations() == []


def test_a_payment_is_not_allocated_twice(office: Office) -> None:
    targets = [invoice(office, f"INV-{n}", 500) for n in range(4)]
    (payment,) = observe(office, captured(500))

    results = together(
        *(
            lambda target=target: office.do(
                lambda work: allocations.allocate(work, payment, [Part(target)])
            )
            for target in targets
        )
    )

    assert refusals(results) == 3
    assert sum(paid_on(office, target)[0] for target in targets) == 500
    assert unapplied(office, payment) == 0
    assert office.violations() == []


def test_two_payments_of_a_known_payer_do_not_both_take_the_one_open_invoice(
    office: Office,
) -> None:
    ann = customer(office, rail_id="cus_ann")
    target = invoice(office, "INV-1", 500, customer_id=ann)
    payer = {"customer": (AT, "cus_ann")}

    found = together(
        *(lambda n=n: observe(office, captured(500, f"pi_{n}", payer=payer))[0] for n in range(4))
    )

    assert paid_on(office, target) == (500, 0, 0)
    assert sorted(unapplied(office, payment) for payment in found) == [0, 500, 500, 500]
    kinds = sorted(kind for payment in found for kind in asked(office, payment))
    assert kinds == ["overpayment"] * 3
    assert office.violations() == []


def test_one_payment_seen_by_eight_at_once_is_one(office: Office) -> None:
    target = invoice(office, "INV-1", 500)
    whole = captured(500, named=named(invoice="INV-1"))

    found = together(*(lambda: observe(office, whole)[0] for _ in range(8)))

    assert len(set(found)) == 1
    assert paid_on(office, target) == (500, 0, 0)
    assert office.scalar("select count(*) from journal_entry where payment_id is not null") == 2
    assert office.violations() == []


def test_eight_pieces_of_one_payment_arrive_at_once(office: Office) -> None:
    target = invoice(office, "INV-1", 1_000)
    whole = captured(1_000, named=named(invoice="INV-1"))
    pieces = [
        facts(charges=whole.charges),
        facts(balance=whole.balance),
        facts(named=whole.named),
        *(facts(refunds=refund(f"re_{n}", 100)) for n in range(5)),
    ]

    together(*(lambda piece=piece: observe(office, piece) for piece in pieces))

    assert paid_on(office, target) == (500, 500, 0)
    assert office.violations() == []


def test_what_somebody_else_changed_of_our_claim_while_we_waited_is_seen(office: Office) -> None:
    """Two payments for one invoice are refunded at once, one waiting for the other's lock."""
    target = invoice(office, "INV-1", 100)
    one, other = observe(
        office,
        captured(100, "pi_1", named=named(invoice="INV-1")),
        captured(100, "pi_2", named=named(invoice="INV-1")),
    )
    winner = "pi_1" if unapplied(office, other) else "pi_2"
    loser = "pi_2" if winner == "pi_1" else "pi_1"
    small = facts(loser, refunds=refund("re_small", 10))
    waiting = threading.Thread(target=lambda: observe(office, small))

    with office.runtime.work(EVENT) as work:
        claims.lock_invoices(work.session, [target])
        waiting.start()
        wait_until_somebody_waits(office)
        # While the loser's refund waits, the winner goes back and the loser takes its place.
        payments.observe(work, [(facts(winner, refunds=refund("re_all", 100)), ())])
    waiting.join()

    assert paid_on(office, target) == (90, 10, 0)
    assert unapplied(office, one) == unapplied(office, other) == 0
    assert office.violations() == []


def test_an_invoice_is_not_voided_under_its_payment(office: Office) -> None:
    for n in range(4):
        target = invoice(office, f"INV-{n}", 500)
        results = together(
            lambda: office.do(lambda work: invoices.void(work, target)),  # noqa: B023  joined
            lambda: observe(office, captured(500, f"pi_{n}", named=named(invoice=f"INV-{n}"))),  # noqa: B023
        )
        assert refusals(results) == (paid_on(office, target)[0] == 500)
    assert office.violations() == []


def test_a_document_and_its_payment_that_cross_find_each_other(office: Office) -> None:
    for n in range(6):
        made: list[str] = []
        together(
            lambda: made.append(invoice(office, f"INV-{n}", 500)),  # noqa: B023  joined
            lambda: observe(office, captured(500, f"pi_{n}", named=named(invoice=f"INV-{n}"))),  # noqa: B023
        )
        together(*(lambda: find_payments(office.runtime) for _ in range(2)))
        office.clock.advance(minutes=5)
        office.drain()
        assert paid_on(office, made[0]) == (500, 0, 0)
    assert office.violations() == []


def test_eight_workers_share_one_inbox(office: Office) -> None:
    for n in range(10):
        invoice(office, f"INV-{n}", 10_000)
        paid = office.world.pay(10_000, metadata={"invoice": f"INV-{n}"})
        office.world.refund(paid.charge, 1_000)
    office.deliver(*office.world.events())

    together(*(lambda: apply_inbox(office.runtime) for _ in range(8)))
    office.drain()

    assert office.unfinished() == []
    assert office.scalar("select sum(paid) from invoice") == 90_000
    assert office.scalar("select sum(refund_credits) from invoice") == 10_000
    assert office.violations() == []


def test_people_and_events_at_one_payment_end_in_order(office: Office) -> None:
    first, second = invoice(office, "INV-1", 600), invoice(office, "INV-2", 600)
    (payment,) = observe(office, captured(1_000))
    began = time.monotonic()

    together(
        lambda: office.do(
            lambda work: allocations.allocate(work, payment, [Part(first, amount=300)])
        ),
        lambda: office.do(
            lambda work: allocations.allocate(work, payment, [Part(second, amount=300)])
        ),
        *(lambda n=n: observe(office, facts(refunds=refund(f"re_{n}", 50))) for n in range(4)),
    )

    assert (
        paid_on(office, first)[0] + paid_on(office, second)[0] + unapplied(office, payment) == 800
    )
    assert office.violations() == []
    assert time.monotonic() - began < 30


def test_who_waits_too_long_for_a_lock_begins_again(office: Office) -> None:
    target = invoice(office, "INV-1", 500)
    done: list[object] = []
    slow = threading.Thread(
        target=lambda: done.append(observe(office, captured(500, named=named(invoice="INV-1"))))
    )
    with office.runtime.work(SOMEBODY) as work:
        claims.lock_invoices(work.session, [target])
        slow.start()
        threading.Event().wait(4)  # longer than anybody waits for a lock
    slow.join()
    assert done
    assert paid_on(office, target) == (500, 0, 0)


@pytest.mark.parametrize("turn", range(3))
def test_two_batches_in_opposite_order_do_not_starve_each_other(office: Office, turn: int) -> None:
    seen = [captured(100, f"pi_{turn}_{n}", named=named(invoice=f"INV-{n}")) for n in range(8)]
    for n in range(8):
        invoice(office, f"INV-{n}", 500)

    together(
        lambda: observe(office, *seen),
        lambda: observe(office, *reversed(seen)),
        lambda: observe(office, *seen[4:], *seen[:4]),
    )

    assert office.scalar("select sum(paid) from invoice") == 800
    assert office.violations() == []
