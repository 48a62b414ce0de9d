"""What is promised of reminders: nobody is chased for money that they have sent already.

The number in a test's name is the promise's; README says in words what each of them is.
"""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from reconciler.books.mail import NOT_KEPT
from reconciler.flows.remind import plan_reminders, preview, send_now
from reconciler.flows.send_mail import send_mail
from reconciler.letters.words import House
from reconciler.reads import reminders as looks
from reconciler.services import (
    allocations,
    deposits,
    invoices,
    projects,
    receipts,
    refund_requests,
    reminders,
    resolutions,
)
from reconciler.services.deposits import NewDeposit
from reconciler.services.projects import NewProject
from reconciler.services.receipts import Receipt
from reconciler.services.refund_limits import policy_of
from reconciler.services.refund_requests import RefundAsk
from reconciler.services.resolutions import Resolution
from tests.mail_room import MailRoom, open_mail_room, page, said
from tests.runtime import events_of


@pytest.fixture
def room(office, tmp_path) -> MailRoom:
    return open_mail_room(office, tmp_path)


def a_payer(room):
    """A customer whom the rail knows too: our id, and theirs."""
    rail_id = room.office.world.create_customer(name="Ann")
    return room.a_customer(rail_customers={"stripe": rail_id}), rail_id


def heard(room) -> None:
    """All that the rail has told is in the books."""
    office = room.office
    known = {row.rail_event_id for row in office.rows("select rail_event_id from inbox_event")}
    office.deliver(*(e for e in events_of(office.world) if e["id"] not in known))
    office.apply()


def cash(room, invoice_id: str, amount: int, **more) -> str:
    receipt = Receipt("cash", room.office.clock().date(), amount, **more)
    return room.office.do(lambda work: receipts.receive(work, invoice_id, receipt))


def state(room, invoice_id: str) -> tuple:
    """How the last reminder of an invoice came out, and why."""
    found, _, why = room.of(invoice_id)[-1]
    return found, why


def test_103_a_payment_between_selection_and_sending_stops_the_reminder(room):
    invoice_id = room.an_invoice("INV-1", 10_000)
    room.on("2026-12-01")
    assert plan_reminders(room.runtime) == 1  # selected
    room.office.world.pay(10_000, metadata={"invoice": "INV-1"})
    heard(room)
    send_mail(room.runtime)
    assert room.letters() == []
    assert room.of(invoice_id) == [("dropped", 0, "nothing is owed any more")]


def test_103_nothing_is_chased_while_events_wait_to_be_booked(room):
    invoice_id = room.an_invoice("INV-1", 10_000)
    room.on("2026-12-01")
    room.office.world.pay(10_000, metadata={"invoice": "INV-1"})
    room.office.deliver(*events_of(room.office.world))
    room.office.clock.advance(seconds=6)
    assert room.work() == []
    assert state(room, invoice_id)[1] == "events have come in that are not in the books yet"
    room.office.apply()
    room.office.clock.advance(seconds=11)
    assert room.work() == []
    assert state(room, invoice_id)[0] == "dropped"


def _delayed(room, rail_id: str) -> Callable[[], object]:
    made = room.office.world.pay(4_000, customer=rail_id, method="delayed")
    return lambda: room.office.world.fail_delayed(made.intent)


def _authorized(room, rail_id: str) -> Callable[[], object]:
    made = room.office.world.authorize(4_000, customer=rail_id)
    return lambda: room.office.world.cancel(made.intent)


@pytest.mark.parametrize("how", [_delayed, _authorized])
def test_104_money_on_its_way_keeps_reminders_silent_until_it_is_known(room, how):
    customer_id, rail_id = a_payer(room)
    invoice_id = room.an_invoice("INV-1", 10_000, customer_id=customer_id)
    undo = how(room, rail_id)
    room.office.drain()
    heard(room)
    room.on("2026-12-01")
    assert room.work() == []
    assert state(room, invoice_id) == ("waiting", "money is on its way")
    undo()
    heard(room)
    room.office.clock.advance(minutes=16)
    (letter,) = room.work()
    assert "INV-1" in letter["Subject"]


def test_104_money_of_that_payer_that_waits_to_be_matched_keeps_reminders_silent(room):
    customer_id, rail_id = a_payer(room)
    invoice_id = room.an_invoice("INV-1", 10_000, customer_id=customer_id)
    room.office.world.pay(500, customer=rail_id)
    heard(room)
    room.on("2026-12-01")
    assert room.work() == []
    assert state(room, invoice_id)[0] == "waiting"
    assert room.office.scalar("select count(*) from review_item where state = 'open'") == 1


def test_104_money_that_was_given_back_keeps_nothing_silent(room):
    customer_id, rail_id = a_payer(room)
    invoice_id = room.an_invoice("INV-1", 10_000, customer_id=customer_id)
    paid = room.office.world.pay(9_000, "eur", customer=rail_id, metadata={"invoice": "INV-1"})
    heard(room)
    room.on("2026-12-01")
    assert room.work() == []
    assert state(room, invoice_id) == (
        "waiting",
        "a payment that may be for it waits to be matched",
    )
    with room.runtime.read() as session:
        (named,) = looks.one(session, invoice_id, room.office.clock()).may_be_for_it
    assert (named.left_over, named.currency) == (9_000, "EUR")
    room.office.world.refund(paid.charge, 9_000)
    heard(room)
    item_id = room.office.scalar("select id from review_item where state = 'open'")
    answer = Resolution(action="acknowledge")
    policy = policy_of(room.office.runtime.settings)
    room.office.do(lambda work: resolutions.resolve(work, item_id, answer, policy))
    room.office.clock.advance(days=2)
    (letter,) = room.work()
    assert "INV-1" in letter["Subject"]


def test_104_held_money_of_nobody_known_that_may_be_for_it_keeps_reminders_silent(room):
    invoice_id = room.an_invoice("INV-1", 12_345)
    room.an_invoice("INV-2", 777)
    room.office.world.pay(12_345)  # says nothing but the amount
    heard(room)
    room.on("2026-12-01")
    (letter,) = room.work()
    assert "INV-2" in letter["Subject"]
    assert state(room, invoice_id) == (
        "waiting",
        "a payment that may be for it waits to be matched",
    )


def test_104_a_dispute_keeps_reminders_silent_until_it_is_decided(room):
    invoice_id = room.an_invoice("INV-1", 10_000)
    paid = room.office.world.pay(4_000, metadata={"invoice": "INV-1"})
    heard(room)
    dispute = room.office.world.dispute(paid.charge)
    heard(room)
    room.on("2026-12-01")
    assert room.work() == []
    assert "dispute" in state(room, invoice_id)[1]
    room.office.world.close_dispute(dispute, "lost")
    heard(room)
    room.office.clock.advance(days=2)
    assert room.work() == []  # lost, and nobody has decided
    assert "dispute" in state(room, invoice_id)[1]


def test_104_a_refund_under_way_keeps_reminders_silent(room):
    customer_id = room.a_customer()
    first = room.an_invoice("INV-1", 5_000, customer_id=customer_id)
    second = room.an_invoice("INV-2", 5_000, customer_id=customer_id)
    payment_id = cash(room, first, 5_000)
    ask = RefundAsk("goodwill", payment_id=payment_id, amount=1_000)
    policy = policy_of(room.office.runtime.settings)
    room.office.do(lambda work: refund_requests.request(work, ask, policy))
    room.on("2026-12-02")
    assert room.work() == []
    assert state(room, second) == ("waiting", "a refund is under way")


def test_104_credit_that_is_not_used_yet_keeps_reminders_silent(room):
    customer_id = room.a_customer()
    first = room.an_invoice("INV-1", 5_000, customer_id=customer_id)
    second = room.an_invoice("INV-2", 5_000, customer_id=customer_id)
    cash(room, first, 5_500, may_overpay=True)
    room.on("2026-12-02")
    assert room.work() == []
    assert "credit" in state(room, second)[1]


def test_49_a_deposit_that_covers_the_rest_keeps_reminders_silent_and_a_smaller_one_is_named(room):
    customer_id = room.a_customer()
    large = room.an_invoice("INV-1", 50_000, customer_id=customer_id)
    small = room.an_invoice("INV-2", 600, customer_id=customer_id)
    new = NewDeposit(code="DEP-1", customer_id=customer_id, amount=800, currency="USD")
    deposit_id = room.office.do(lambda work: deposits.create(work, new))
    receipt = Receipt("cash", date(2026, 11, 22), 800)
    room.office.do(lambda work: receipts.receive(work, deposit_id, receipt))
    room.on("2026-12-01")
    (letter,) = room.work()
    assert "We hold a deposit of USD 8.00" in said(letter)
    assert room.of(large)[-1][0] == "sent"
    assert state(room, small) == ("waiting", "a deposit that is held covers what is left")


def test_a_deposit_of_no_project_covers_any_invoice_and_one_of_a_project_only_its_own(room):
    customer_id = room.a_customer()
    own, other = (
        room.office.do(
            lambda work, name=name: projects.create(
                work,
                NewProject(
                    customer_id=customer_id, name=name, currency="USD", original_price=100_000
                ),
            )
        )
        for name in ("Site", "Shop")
    )
    of_own = room.an_invoice("INV-1", 800, customer_id=customer_id, project_id=own)
    of_other = room.an_invoice("INV-2", 500, customer_id=customer_id, project_id=other)
    of_none = room.an_invoice("INV-3", 800, customer_id=customer_id)

    def held(code: str, amount: int, project_id: str | None) -> None:
        new = NewDeposit(
            code=code, customer_id=customer_id, amount=amount, currency="USD", project_id=project_id
        )
        deposit_id = room.office.do(lambda work: deposits.create(work, new))
        receipt = Receipt("cash", date(2026, 11, 22), amount)
        room.office.do(lambda work: receipts.receive(work, deposit_id, receipt))

    held("DEP-1", 500, None)
    held("DEP-2", 300, own)
    room.on("2026-12-01")
    (letter,) = room.work()
    assert "INV-3" in said(letter)
    assert room.of(of_none)[-1][0] == "sent"
    for invoice_id in (of_own, of_other):
        assert state(room, invoice_id) == ("waiting", "a deposit that is held covers what is left")


def test_105_a_partly_paid_invoice_is_still_reminded_and_the_mail_says_what_is_left(room):
    invoice_id = room.an_invoice("INV-1", 200_000)
    cash(room, invoice_id, 80_000)
    room.office.do(
        lambda work: invoices.credit_note(work, invoice_id, amount=5_000, reason="a scratch")
    )
    room.on("2026-12-01")
    (letter,) = room.work()
    assert letter["Subject"] == "Invoice INV-1: USD 1,150.00 due today"
    for words in (said(letter), page(letter)):
        for amount in ("USD 2,000.00", "USD 800.00", "USD 50.00", "USD 1,150.00"):
            assert amount in words
    with room.office.runtime.read() as session:
        house = House("Acme Studio", room.runtime.settings.base_url)
        shown = preview(session, invoice_id, room.office.clock(), house)
    assert shown.words.text == re.sub(r"/portal/[\w-]{43}", f"/portal/{NOT_KEPT}", said(letter))


def test_105_right_after_a_payment_nobody_is_chased_for_the_rest(room):
    invoice_id = room.an_invoice("INV-1", 10_000)
    room.on("2026-12-01", hour=7)
    cash(room, invoice_id, 4_000)
    room.on("2026-12-01")
    assert room.work() == []
    assert state(room, invoice_id) == ("waiting", "a payment was booked in the last 24 hours")
    room.on("2026-12-02")
    (letter,) = room.work()
    assert "USD 60.00" in letter["Subject"]


def test_106_each_step_leaves_once_under_any_number_of_clocks(room):
    invoice_id = room.an_invoice("INV-1", 10_000)
    for day in range(20):
        room.on(f"2026-11-{23 + day}" if day < 8 else f"2026-12-{day - 7:02}")
        with ThreadPoolExecutor(3) as clocks:
            list(clocks.map(lambda _: room.work(), range(3)))
    assert [(found, step) for found, step, _ in room.of(invoice_id)] == [
        ("sent", -3), ("sent", 0), ("sent", 7),
    ]  # fmt: skip
    assert len(room.letters()) == 3


def test_106_of_steps_that_were_missed_only_the_last_one_is_sent(room):
    invoice_id = room.an_invoice("INV-1", 10_000)
    room.on("2026-12-09")  # nothing ran since November
    assert len(room.work()) == 1
    assert [step for _, step, _ in room.of(invoice_id)] == [7]
    room.on("2027-02-01")  # and what is long past is let be
    old = room.an_invoice("INV-2", 10_000)
    assert room.work() == []
    assert room.of(old) == []


def test_106_a_step_that_still_waits_gives_way_to_the_next(room):
    invoice_id = room.an_invoice("INV-1", 10_000)
    room.office.do(lambda w: reminders.pause(w, invoice_id, until=date(2026, 12, 5), why="talks"))
    room.on("2026-12-01")
    assert room.work() == []
    assert state(room, invoice_id) == ("waiting", "reminders are paused: talks")
    room.on("2026-12-08")
    assert len(room.work()) == 1
    assert [(found, step) for found, step, _ in room.of(invoice_id)] == [
        ("dropped", 0), ("sent", 7),
    ]  # fmt: skip


@pytest.mark.parametrize("whose", ["house", "customer", "invoice"])
def test_106_a_pause_says_why_and_ends_when_it_says(room, whose):
    customer_id = room.a_customer()
    invoice_id = room.an_invoice("INV-1", 10_000, customer_id=customer_id)
    subject = {"house": "house", "customer": customer_id, "invoice": invoice_id}[whose]
    room.office.do(lambda w: reminders.pause(w, subject, until=date(2026, 12, 3), why="a talk"))
    room.on("2026-12-01")
    assert room.work() == []
    room.on("2026-12-03")
    assert len(room.work()) == 1


def test_106_a_plan_of_an_invoice_goes_before_its_customers_and_the_houses(room):
    customer_id = room.a_customer()
    first = room.an_invoice("INV-1", 10_000, customer_id=customer_id)
    second = room.an_invoice("INV-2", 10_000, customer_id=customer_id)
    third = room.an_invoice("INV-3", 10_000)
    for subject, steps in ((customer_id, [2]), (first, [1])):
        change = reminders.PlanChange(steps=steps)
        room.office.do(lambda w, s=subject, c=change: reminders.change(w, s, c))
    for day in range(1, 5):
        room.on(f"2026-12-0{day}")
        room.work()
    assert [[step for _, step, _ in room.of(one)] for one in (first, second, third)] == [
        [1], [2], [0],
    ]  # fmt: skip


def test_106_somebody_may_send_one_now_but_not_against_the_rules(room):
    invoice_id = room.an_invoice("INV-1", 10_000)
    room.office.do(lambda work: send_now(work, invoice_id))
    assert len(room.work()) == 1
    cash(room, invoice_id, 1_000)
    with pytest.raises(Exception, match="a payment was booked in the last 24 hours"):
        room.office.do(lambda work: send_now(work, invoice_id))


def test_35_undoing_a_match_lets_reminders_go_on_as_before(room):
    customer_id, rail_id = a_payer(room)
    invoice_id = room.an_invoice("INV-1", 10_000, customer_id=customer_id)
    payment_id = cash(room, invoice_id, 10_000)
    room.on("2026-12-01")
    assert room.work() == []
    assert room.of(invoice_id) == []
    claim = room.office.scalar("select id from allocation where payment_id = :id", id=payment_id)
    room.office.do(lambda work: allocations.unallocate(work, payment_id, claim))
    assert room.work() == []  # the money is still theirs
    assert "credit" in state(room, invoice_id)[1]
    del rail_id


def test_48_two_thousand_with_eight_hundred_received_says_twelve_hundred_everywhere(room):
    invoice_id = room.an_invoice("INV-1", 200_000)
    cash(room, invoice_id, 80_000)
    room.on("2026-12-04")
    (letter,) = room.work()
    assert "USD 1,200.00 was due on 1 December 2026" in letter["Subject"]
    assert room.office.scalar("select outstanding from invoice") == 120_000
