"""Each mail carries a link of its own to the client's page, and its token is kept nowhere else."""

import dataclasses
import re
from email import message_from_bytes, policy

import pytest

from reconciler.books.mail import MessageKind
from reconciler.books.portal import Scope
from reconciler.flows.remind import plan_reminders
from reconciler.flows.send_mail import send_mail
from reconciler.reads import messages
from reconciler.services import mailings, proposals, receipts, reminders
from reconciler.services.receipts import Receipt
from reconciler.services.reminders import PlanChange
from reconciler.settings import Secret
from tests.carriers.mail_server import mail_server
from tests.mail_room import MailRoom, open_mail_room, page, said
from tests.web import furniture
from tests.web.screens import open_screens, said as shown
from tests.web.test_portal import link
from tests.web.test_portal_proposals import answer

LINK = re.compile(r"http://[^\s\"<]*/portal/([\w-]{43})([^\s\"<]*)")
EVERYTHING = """select string_agg(m::text, '') || coalesce((select string_agg(l::text, '')
    from portal_link l), '') || coalesce((
      select string_agg(convert_from(w.body::text::bytea, 'UTF8'), '') from audit_words w), '')
    from message m"""


@pytest.fixture
def room(office, tmp_path) -> MailRoom:
    return open_mail_room(office, tmp_path)


def link_in(letter) -> tuple[str, str]:
    """The token and the place that a mail leads to: the same in its text and its page."""
    found = LINK.findall(said(letter))
    assert len(found) == 1
    assert LINK.findall(page(letter)) == found
    return found[0]


def see(room: MailRoom, token: str, place: str = ""):
    return open_screens(room.office).browser().get(f"/portal/{token}{place}")


def links(room: MailRoom) -> list[bool]:
    """Links in the order of their making: whether each was ended."""
    rows = room.office.rows("select revoked_at from portal_link order by created_at, id")
    return [row.revoked_at is not None for row in rows]


def remind(room: MailRoom, number: str = "INV-1"):
    invoice = room.an_invoice(number, 10_000)
    room.on("2026-12-01")
    [letter] = room.work()
    return invoice, letter


def test_a_reminder_leads_to_its_invoice_and_nothing_here_can_open_it(room):
    invoice, letter = remind(room)
    token, place = link_in(letter)
    assert place == f"/invoices/{invoice}"
    answer = see(room, token, place)
    assert "$100.00 left to pay" in shown(answer)
    assert "Pay INV-1" in shown(answer)
    assert token not in room.office.scalar(EVERYTHING)
    message = room.office.scalar("select id from message")
    with room.runtime.read() as session:
        kept = messages.one(session, message)
    assert f"/portal/only-in-the-mail/invoices/{invoice}" in kept.text
    assert room.office.scalar("select cause_kind || cause_id from portal_link") == (
        f"message{message}"
    )


def test_a_receipt_and_the_news_of_a_refund_lead_to_the_clients_page(room):
    plan = PlanChange(steps=[0], receipts=True)
    room.office.do(lambda work: reminders.change(work, "house", plan))
    invoice = room.an_invoice("INV-1", 10_000)
    cash = Receipt("cash", room.office.clock().date(), 4_000)
    room.office.do(lambda work: receipts.receive(work, invoice, cash))
    room.office.clock.advance(minutes=2)
    [letter] = room.work()
    assert "See what is left, and pay, on your own page: " in said(letter)
    token, _ = link_in(letter)
    assert "$60.00 left to pay" in shown(see(room, token))


@pytest.mark.parametrize(
    ("answers", "first_ends"),
    [({"DATA": "451 busy"}, True), ({".": None, "lost": "yes"}, False)],
    ids=["was not taken", "may have left"],
)
def test_a_mail_that_is_sent_again_has_another_link_and_the_first_ends_unless_it_may_be_there(
    room, answers, first_ends
):
    invoice = room.an_invoice("INV-1", 10_000)
    room.on("2026-12-01")
    with mail_server() as server:
        settings = dataclasses.replace(room.runtime.settings, smtp_url=Secret(server.url))
        runtime = dataclasses.replace(room.runtime, settings=settings)
        server.answers = answers
        plan_reminders(runtime)
        send_mail(runtime)
        server.answers = {}
        room.office.clock.advance(hours=1)
        send_mail(runtime)
        letter = message_from_bytes(server.taken[-1], policy=policy.default)
    assert links(room) == [first_ends, False]
    token, place = link_in(letter)
    assert place == f"/invoices/{invoice}"
    assert see(room, token, place).status_code == 200


def test_a_proposal_is_mailed_and_one_that_was_withdrawn_meanwhile_is_not(room):
    screens = open_screens(room.office)
    screens.ids["cedar"] = room.a_customer("Cedar")
    furniture.proposal_of(screens)
    proposal = screens.ids["proposal"]
    for is_withdrawn in (False, True):
        room.office.do(lambda work: mailings.of_proposal(work, proposal))
        if is_withdrawn:
            room.office.do(lambda work: proposals.withdraw(work, proposal, reason="Full"))
        letters = room.work()
        assert len(letters) == (0 if is_withdrawn else 1)
        for letter in letters:
            assert letter["Subject"] == "Our proposal: Bath"
            assert "I accept this proposal" in shown(see(room, link_in(letter)[0]))
    assert room.office.rows("select state from message order by created_at, id")[-1][0] == "dropped"


def test_an_invoice_is_mailed_as_it_stands_when_it_leaves(room):
    invoice = room.an_invoice("INV-1", 10_000)
    room.office.do(lambda work: mailings.of_invoice(work, invoice))
    cash = Receipt("cash", room.office.clock().date(), 4_000)
    room.office.do(lambda work: receipts.receive(work, invoice, cash))
    [letter] = room.work()
    assert "Left       USD 60.00" in said(letter)
    assert link_in(letter)[1] == f"/invoices/{invoice}"
    room.office.do(lambda work: mailings.of_invoice(work, invoice))
    rest = Receipt("cash", room.office.clock().date(), 6_000)
    room.office.do(lambda work: receipts.receive(work, invoice, rest))
    assert room.work() == []
    kinds = room.office.rows("select kind, state from message order by created_at, id")
    assert [tuple(row) for row in kinds] == [
        (MessageKind.INVOICE, "sent"), (MessageKind.INVOICE, "dropped"),
    ]  # fmt: skip


@pytest.mark.parametrize(("deed", "said_so"), [("accept", "accepted"), ("decline", "declined")])
def test_who_goes_on_with_a_proposal_is_mailed_the_answer_unless_they_turned_it_off(
    room, deed, said_so
):
    screens = open_screens(room.office)
    screens.ids["cedar"] = room.a_customer("Cedar")
    furniture.proposal_of(screens)
    for name in ("viewer", "approver", "admin"):
        screens.person(name)
    aki = screens.as_("approver")
    assert 'name="answers" value="yes" checked' in aki.get("/account").get_data(as_text=True)
    assert aki.post("/account/mail", {}).status_code == 303
    assert 'name="answers" value="yes">' in aki.get("/account").get_data(as_text=True)
    proposal = screens.ids["proposal"]
    path = link(screens, proposal, Scope.PROPOSAL)
    assert answer(screens, path, deed).status_code == 303
    letters = {letter["To"].addresses[0].addr_spec: letter for letter in room.work()}
    assert letters.keys() == {"reconciler@example.com", "admin@example.com"}
    letter = letters["admin@example.com"]
    assert letter["Subject"] == f"Cedar has {said_so} Bath"
    for words in (said(letter), page(letter)):
        assert f"/admin/proposals/{proposal}" in words
        assert "The name they gave: Cara Oak." in words
        assert "USD 1,000.00" in words
        assert LINK.findall(words) == []
    assert room.work() == []


def test_an_answer_noted_here_or_written_anew_meanwhile_is_mailed_to_nobody(room):
    screens = open_screens(room.office)
    screens.ids["cedar"] = room.a_customer("Cedar")
    furniture.proposal_of(screens)
    proposal = screens.ids["proposal"]
    screens.by("reconciler", lambda w: proposals.decline(w, proposal, name="Cara Oak"))
    assert room.office.scalar("select count(*) from message") == 0
    screens.by("reconciler", lambda w: proposals.revise(w, proposal))
    screens.by("reconciler", lambda w: proposals.send(w, proposal))
    path = link(screens, proposal, Scope.PROPOSAL)
    assert answer(screens, path, "decline").status_code == 303
    screens.by("reconciler", lambda w: proposals.revise(w, proposal))
    assert room.work() == []
    assert room.office.rows("select distinct state from message") == [("dropped",)]
