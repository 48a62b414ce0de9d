"""What is promised of receipts: one for each payment and refund, and none for old news."""

from datetime import date, timedelta

import pytest

from reconciler.sandbox.player import body_of
from reconciler.services import allocations, receipts, refunds, reminders
from reconciler.services.receipts import Receipt
from reconciler.services.refund_limits import policy_of
from reconciler.services.refunds import RefundAsk
from reconciler.services.reminders import PlanChange
from reconciler.work import Cause
from tests.mail_room import MailRoom, open_mail_room, said
from tests.promises.test_reminders import a_payer, cash, heard
from tests.runtime import events_of
from tests.tiers import size

AGAIN = size(quick=200, full=1_000)  # events


@pytest.fixture
def room(office, tmp_path) -> MailRoom:
    made = open_mail_room(office, tmp_path)
    for on in (False, True):  # from now on
        change = PlanChange(steps=[60], receipts=on)
        office.do(lambda work, c=change: reminders.change(work, "house", c))
    return made


def refunded(room, amount: int) -> str:
    """A refund of the one payment, asked for, approved and sent; gives the rail's id of it."""
    invoice_id = room.office.scalar("select id from invoice")
    ask = RefundAsk("goodwill", invoice_id=invoice_id, amount=amount)
    policy = policy_of(room.office.runtime.settings)
    refund_id = room.office.do(lambda work: refunds.request(work, ask, policy))
    room.office.do(lambda work: refunds.approve(work, refund_id), Cause("person", "usr_ben"))
    room.office.submit()
    heard(room)
    room.office.drain(within=timedelta(minutes=1))
    return room.office.scalar("select rail_refund_id from refund_leg")


def after(room, **time) -> list:
    room.office.clock.advance(**time or {"seconds": 61})
    return room.work()


def test_106_each_payment_has_one_receipt_which_says_where_it_went(room):
    room.an_invoice("INV-1", 10_000)
    room.office.world.pay(4_000, metadata={"invoice": "INV-1"})
    heard(room)
    room.office.drain(within=timedelta(minutes=1))
    (letter,) = after(room)
    assert letter["Subject"] == "Receipt for USD 40.00"
    assert "USD 40.00  for invoice INV-1" in said(letter)
    assert "Left to pay of these: USD 60.00" in said(letter)
    assert after(room, days=1) == []


def test_106_money_by_hand_and_credit_are_said(room):
    invoice_id = room.an_invoice("INV-1", 10_000)
    receipt = Receipt("cash", date(2026, 11, 22), 12_000, may_overpay=True)
    room.office.do(lambda work: receipts.receive(work, invoice_id, receipt))
    (letter,) = after(room)
    assert "USD 20.00  kept as your credit" in said(letter)
    assert "Nothing is left to pay" in said(letter)


def test_106_what_is_untied_within_a_minute_has_no_receipt(room):
    invoice_id = room.an_invoice("INV-1", 10_000)
    payment_id = cash(room, invoice_id, 10_000)
    claim = room.office.scalar("select id from allocation")
    room.office.do(lambda work: allocations.unallocate(work, payment_id, claim))
    assert after(room) == []
    assert [row.state for row in room.office.rows("select state from message")] in (
        [], ["dropped"],
    )  # fmt: skip


def test_106_a_refund_has_a_receipt_and_one_that_comes_back_is_told_of(room):
    customer_id, rail_id = a_payer(room)
    room.an_invoice("INV-1", 10_000, customer_id=customer_id)
    paid = room.office.world.pay(10_000, customer=rail_id, metadata={"invoice": "INV-1"})
    heard(room)
    room.office.drain(within=timedelta(minutes=1))
    after(room)
    refund = refunded(room, 2_500)
    (letter,) = after(room)
    assert letter["Subject"] == "Your refund of USD 25.00"
    assert "invoice INV-1" in said(letter)
    room.office.world.advance_refund(refund, "failed")
    heard(room)
    room.office.drain(within=timedelta(minutes=1))
    (letter,) = after(room)
    assert letter["Subject"] == "Your refund of USD 25.00 came back"
    del paid


def test_22_hundreds_of_old_events_again_send_no_mail(room):
    for number in range(20):
        room.an_invoice(f"INV-{number}", 10_000)
        room.office.world.pay(4_000, metadata={"invoice": f"INV-{number}"})
    heard(room)
    room.office.drain(within=timedelta(minutes=1))
    assert len(after(room)) == 20
    told = [body_of(event) for event in events_of(room.office.world)]
    for round_ in range(1 + AGAIN // len(told)):
        for body in told:
            assert room.office.post(body).status_code == 200
        del round_
    room.office.replay()
    assert after(room, minutes=5) == []
    assert room.office.scalar("select count(*) from message") == 20


def test_22_a_past_that_is_read_in_sends_no_mail(room):
    room.an_invoice("INV-1", 10_000)
    room.office.world.pay(4_000, metadata={"invoice": "INV-1"})
    room.office.clock.advance(days=4)  # nobody told us meanwhile
    heard(room)
    assert room.office.scalar("select paid from invoice") == 4_000
    assert after(room) == []


def test_22_nobody_is_thanked_for_what_came_before_receipts_were_turned_on(room):
    change = PlanChange(steps=[60], receipts=False)
    room.office.do(lambda work: reminders.change(work, "house", change))
    cash(room, room.an_invoice("INV-1", 10_000), 4_000)
    assert after(room) == []
    change = PlanChange(steps=[60], receipts=True)
    room.office.do(lambda work: reminders.change(work, "house", change))
    room.office.replay()
    assert after(room) == []
