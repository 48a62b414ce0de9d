"""No reminder leaves for money that lands while it is being sent: real connections, real locks."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from reconciler.flows.remind import plan_reminders
from reconciler.flows.send_mail import send_mail
from reconciler.services import receipts, reminders
from reconciler.services.receipts import Receipt
from tests.promises.test_reminders import a_payer, cash, heard, room, state
from tests.runtime import SOMEBODY

__all__ = ["room"]


def test_103_the_last_look_waits_for_a_payment_that_is_being_booked(room):
    """Two connections: the payment's transaction is open when the sender begins its last look."""
    invoice_id = room.an_invoice("INV-1", 10_000)
    room.on("2026-12-01")
    plan_reminders(room.runtime)
    is_booked, may_commit = threading.Event(), threading.Event()

    def slowly(work) -> None:
        receipts.receive(work, invoice_id, Receipt("cash", date(2026, 11, 30), 10_000))
        is_booked.set()
        assert may_commit.wait(10)

    with ThreadPoolExecutor(2) as both:
        booking = both.submit(room.office.runtime.do, SOMEBODY, slowly)
        assert is_booked.wait(10)
        sending = both.submit(send_mail, room.runtime)
        _until(room, "select count(*) from pg_locks where not granted")
        assert not sending.done()
        may_commit.set()
        booking.result(10)
        sending.result(10)
    assert room.letters() == []
    assert state(room, invoice_id) == ("dropped", "nothing is owed any more")


def test_103_money_of_the_customer_that_nobody_has_tied_cannot_slip_in_during_the_last_look(room):
    """A new payment of theirs has to wait for a look that has begun, or is seen by it."""
    customer_id, rail_id = a_payer(room)
    room.an_invoice("INV-1", 10_000, customer_id=customer_id)
    room.an_invoice("INV-2", 10_000, customer_id=customer_id)
    room.office.world.pay(7_000, customer=rail_id)  # fits nothing: it will be held
    has_looked, may_go_on = threading.Event(), threading.Event()

    def look(work) -> None:
        reminders.hold(work.session, room.office.scalar("select min(id) from invoice"))
        has_looked.set()
        assert may_go_on.wait(10)

    with ThreadPoolExecutor(2) as both:
        looking = both.submit(room.office.runtime.do, SOMEBODY, look)
        assert has_looked.wait(10)
        telling = both.submit(heard, room)
        _until(room, "select count(*) from pg_locks where not granted")
        assert room.office.scalar("select count(*) from payment") == 0
        may_go_on.set()
        looking.result(10)
        telling.result(10)
    assert room.office.scalar("select count(*) from payment") == 1


def test_103_many_pay_while_many_remind_and_whoever_was_paid_is_not_chased(room):
    """Each payment says when it was in the books; each mail, what the books held at its look."""
    wanted = [room.an_invoice(f"INV-{n}", 1_000 + n) for n in range(24)]
    room.on("2026-12-01")

    def pay(some: list[str]) -> None:
        for invoice_id in some:
            cash(room, invoice_id, 400)
            cash(room, invoice_id, 600 + wanted.index(invoice_id))

    def remind(_: int) -> None:
        for _ in range(12):
            plan_reminders(room.runtime)
            send_mail(room.runtime, messages_max=1)

    with ThreadPoolExecutor(4) as crowd:
        done = [crowd.submit(pay, wanted[place::2]) for place in range(2)]
        done += [crowd.submit(remind, number) for number in range(2)]
        for one in done:
            one.result(60)
    # Whoever has paid anything is quiet for a day: so a mail left before anything was received.
    sent = room.office.rows("select about, body_text from message where state = 'sent'")
    assert len(room.letters()) == len(sent)
    assert [row.about for row in sent if "Received" in row.body_text] == []
    assert {len(room.of(invoice_id)) for invoice_id in wanted} <= {0, 1}
    assert room.work() == []
    assert room.office.scalar("select sum(outstanding) from invoice") == 0


def _until(room, question: str) -> None:
    for _ in range(250):
        if room.office.scalar(question):
            return
        threading.Event().wait(0.02)
    raise AssertionError(f"it never became so: {question}")
