"""The first page: what waits, since when and how much, and whether the machine is well."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from reconciler.books.mail import MessageKind
from reconciler.flows.ask_rail import ask_rail
from reconciler.services import inbox, mail, statements, webhooks
from reconciler.services.mail import NewMessage
from reconciler.services.statements import Statement
from reconciler.store.webhooks import WebhookEndpoint
from tests.web import furniture
from tests.web.screens import Screens, said


def test_a_new_house_says_how_to_begin(screens):
    words = screens.as_("viewer").read("/")
    assert "Nothing waits for you." in words
    assert "Last event None yet Point the payment provider's webhook here" in words
    assert "Events to book None" in words
    assert "Books Balanced" in words
    assert "Worker Not seen yet" in words


def test_what_waits_is_counted_summed_and_dated(screens):
    screens.paid(85_000, description="thanks")
    screens.paid(10_000, "eur", description="danke")
    screens.office.clock.advance(hours=3)
    words = screens.as_("viewer").read("/")
    assert "2 things wait for a person." in words
    assert "No sure match 2 €100.00 + $850.00 , oldest 3 hours" in words
    assert "Overpayments 0 Nothing waits" in words


def test_money_that_is_heard_of_late_waits_since_it_moved(screens):
    rail_id = screens.office.world.pay(85_000, description="thanks").intent
    screens.office.clock.advance(days=3)
    screens.hear(rail_id)
    rae = screens.as_("reconciler")
    assert "No sure match 1 $850.00 , oldest 3 days" in rae.read("/")
    words = rae.read("/unmatched?view=old")
    assert "$850.00 waiting, the oldest for 3 days" in words
    assert "Older than 2 days 1" in words
    assert "Nothing in this view" not in words
    words = rae.read("/questions?view=old")
    assert "A payment names nothing that it is for" in words
    assert "3 days ago" in words


def test_money_held_ahead_for_two_months_is_summed_with_its_age(screens):
    clock = screens.office.clock
    noon = clock()
    clock.advance(days=-70)
    ann = screens.customer("Ann Lee")
    screens.deposit(ann, 60_000, "DEP-1")
    screens.paid(45_000, metadata={"deposit": "DEP-1"})
    clock.instant = noon
    words = screens.as_("viewer").read("/")
    assert "Deposits held for two months 1 $450.00 , oldest 70 days" in words


@pytest.mark.parametrize(("age", "is_told"), [(59, False), (60, False), (61, True)])
def test_two_months_of_rest_are_sixty_days_of_its_newest_money(screens, age, is_told):
    clock = screens.office.clock
    noon = clock()
    ann = screens.customer("Ann Lee")
    clock.advance(days=-90)
    screens.deposit(ann, 60_000, "DEP-1")
    clock.instant = noon
    clock.advance(days=-age)
    screens.paid(45_000, metadata={"deposit": "DEP-1"})
    clock.instant = noon
    assert ("Deposits held for two months 1" in screens.as_("viewer").read("/")) is is_told


def test_bills_that_are_due_and_late_are_cards_that_lead_to_them(screens):
    furniture.purchases_of(screens)
    viewer = screens.as_("viewer")
    words = viewer.read("/")
    assert "Bills overdue 1 $342.50 , oldest 12 days" in words
    assert "Bills due within a week" not in words, "it is due in thirteen days"
    screens.office.clock.advance(days=6)
    viewer = screens.as_("viewer")
    assert "Bills due within a week 1 $635.00" in viewer.read("/")
    assert (
        "Each waits until its payment is recorded, or it is put off on its own page"
        in viewer.read("/")
    )
    html = viewer.get("/").get_data(as_text=True)
    assert 'href="/admin/bills?view=due"' in html
    due = viewer.read("/bills?view=due")
    assert "Due within a week 1" in due
    assert "2026-118" in due
    assert "2026-101" not in due
    assert "2026-131" not in due, "nobody owes a draft"
    screens.office.clock.advance(days=8)
    words = screens.as_("viewer").read("/")
    assert "Bills overdue 2 $977.50" in words
    assert "Bills due within a week" not in words


def test_what_a_bank_says_otherwise_is_a_card_until_it_is_decided(screens):
    head = "Date,Amount,Currency,Description,Reference\n2026-01-01,1.00,USD,One,\n"
    for amount in ("3.00", "4.00"):
        text = f"{head}2026-01-05,{amount},USD,Three,RF18\n2026-01-09,2.00,USD,Two,\n"
        given = Statement(bank_account="Giro", file_name=f"{amount}.csv", body=text.encode())
        screens.by("reconciler", lambda work, given=given: statements.take(work, given))
    rae = screens.as_("reconciler")
    assert "Bank lines to decide 1" in rae.read("/")
    (found,) = screens.office.rows("select id, rev from bank_correction")
    answer = rae.post(f"/bank-corrections/{found.id}", {"do": "take", "rev": found.rev})
    assert answer.status_code == 303
    assert "Bank lines to decide" not in rae.read("/")


def test_events_that_nobody_takes_up_are_an_alarm(screens):
    _heard_but_not_applied(screens)
    assert "Not working" not in screens.as_("viewer").read("/")
    screens.office.clock.advance(minutes=1, seconds=1)
    words = screens.as_("viewer").read("/")
    assert "Worker Not working Nothing takes up what waits: start a worker" in words
    assert "waiting The oldest for" in words
    screens.office.apply()
    screens.office.clock.advance(seconds=3)
    ask_rail(screens.office.runtime)
    words = screens.as_("viewer").read("/")
    assert "Events to book None" in words
    assert "Worker Seen 3 seconds ago" in words


def test_events_that_failed_are_told_with_where_they_wait(screens):
    _heard_but_not_applied(screens)
    held = screens.office.do(lambda work: inbox.claim(work, 10))
    for _ in range(inbox.ATTEMPTS_MAX):
        held = [replace(one, attempts=one.attempts + 1) for one in held]
        screens.office.do(lambda work, now=tuple(held): inbox.failed(work, now, "no such table"))
    words = screens.as_("viewer").read("/")
    assert "events stuck They wait for a person, in the event log" in words
    assert "Events with questions" in words
    page = screens.as_("viewer").get("/events?status=failed")
    assert "Failed" in said(page)
    failed = screens.office.scalar("select rail_event_id from inbox_event order by seq limit 1")
    assert "Error no such table" in screens.as_("viewer").read(f"/events/{failed}")


def test_what_did_not_go_out_is_a_card_until_it_is_sent_or_let_be(screens):
    new = NewMessage(kind=MessageKind.NOTE, to=None, about="inv_1", once="a note")
    made = screens.office.do(lambda work: mail.write(work, new))
    assert "Webhooks that fail" not in screens.as_("viewer").read("/")
    seals, url = screens.office.runtime.seals, "https://hooks.acme.dev/in"
    endpoint, _ = screens.office.do(lambda work: webhooks.create(work, seals, url=url))
    failing = sa.update(WebhookEndpoint).values(failing_since=screens.office.clock())
    screens.office.do(lambda work: work.session.execute(failing))
    rae = screens.as_("reconciler")
    words = rae.read("/")
    assert "Mails that did not leave 1 oldest" in words
    assert "Webhooks that fail 1 oldest" in words
    assert rae.post(f"/messages/{made}/let-be").status_code == 303
    assert rae.post(f"/messages/{made}/let-be").status_code == 409
    screens.office.do(lambda work: webhooks.change(work, endpoint, {"is_on": False}))
    words = rae.read("/")
    assert "Mails that did not leave" not in words
    assert "Webhooks that fail" not in words


def test_the_numbers_beside_the_navigation_are_told_to_a_page_that_is_open(screens):
    vera = screens.as_("viewer")
    none = {"unmatched": 0, "refunds": 0, "disputes": 0, "events": 0, "questions": 0}
    assert vera.get("/counts").get_json() == none
    pay = screens.paid(85_000, description="thanks")
    screens.ask_refund("reconciler", payment_id=pay, amount=100)
    assert vera.get("/counts").get_json() == none | {"unmatched": 1}, "who looks approves nothing"
    aki = screens.as_("approver")
    assert aki.get("/counts").get_json() == none | {"unmatched": 1, "refunds": 1}
    html = vera.get("/").get_data(as_text=True)
    assert 'data-count="unmatched"><span>1</span>' in html
    assert 'data-count="disputes" hidden><span>0</span>' in html


def test_a_page_that_is_left_open_keeps_nobody_signed_in(screens):
    vera = screens.as_("viewer")
    for _ in range(5):
        screens.office.clock.advance(hours=1)
        last = vera.get("/counts").status_code
    assert (last, vera.get("/").status_code) == (303, 303)


def _heard_but_not_applied(screens: Screens) -> None:
    screens.office.world.pay(5_000)
    assert set(screens.office.deliver(*screens.office.world.events())) == {200}


def test_refunds_to_approve_say_how_many_are_for_whoever_looks(screens):
    pays = [screens.paid(10_000 * n, description="thanks") for n in (1, 2, 3)]
    for who, pay in zip(("approver", "approver", "second"), pays, strict=True):
        screens.ask_refund(who, payment_id=pay, amount=1_000)
    aki = screens.as_("approver")
    assert "Refunds to approve 3 $30.00 , oldest 0 seconds 1 for you, 2 you asked for" in (
        aki.read("/")
    )
    assert "2 for you, 1 you asked for or changed yourself" in screens.as_("second").read("/")
    assert "3 for you" in screens.as_("admin").read("/")
    assert "An approver decides about them" in screens.as_("reconciler").read("/")


def test_where_none_of_them_is_for_you_the_card_leads_to_your_own(screens):
    pay = screens.paid(10_000, description="thanks")
    screens.ask_refund("approver", payment_id=pay, amount=1_000)
    aki = screens.as_("approver")
    assert "None for you: 1 you asked for or changed yourself" in aki.read("/")
    assert 'href="/admin/refunds?tab=others"' in aki.get("/").get_data(as_text=True)
    assert "one of your own waits for somebody else" in aki.read("/refunds")
