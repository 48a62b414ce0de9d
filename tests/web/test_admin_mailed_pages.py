"""The link to a client's page, mailed: its words first, once, and nowhere but in that mail."""

import re

import pytest
import sqlalchemy as sa

from reconciler.services import customers
from tests.flows.test_mail_links import EVERYTHING, link_in, see
from tests.mail_room import MailRoom, open_mail_room, said as letter_text
from tests.web.api import refused
from tests.web.screens import Screens, said


@pytest.fixture
def room(screens: Screens, tmp_path) -> MailRoom:
    return open_mail_room(screens.office, tmp_path)


def page_of(customer: str) -> str:
    return f"/portal-links?customer={customer}"


def _write_down(screens: Screens, email: str | None) -> None:
    """All customers' address, as it never could be typed if it is none."""
    change = sa.text("update customer set email = :email")
    screens.office.do(lambda work: work.session.execute(change, {"email": email}))


def test_a_link_is_mailed_with_one_press_after_its_words_were_shown(screens, room, caplog):
    ann = screens.customer("Ann Lee", email="ann@example.com")
    screens.invoice(ann, 20_000, "INV-1")
    rae = screens.as_("reconciler")
    shown = rae.read(page_of(ann))
    assert "ann@example.com" in shown
    assert "here is your own page with us." in shown
    assert "/portal/only-in-the-mail" in shown
    answer = rae.post(f"/customers/{ann}/mail")
    after = rae.client.get(answer.location)
    assert "leaves within moments" in said(after)
    assert "They were just mailed one. Another can be from" in said(after)
    assert '/mail"' not in after.get_data(as_text=True).partition("<main")[2]
    [letter] = room.work()
    token, place = link_in(letter)
    assert (place, letter["To"].addresses[0].addr_spec) == ("", "ann@example.com")
    assert "here is your own page with us." in letter_text(letter)
    assert "$200.00 left to pay" in said(see(room, token))
    assert token not in screens.office.scalar(EVERYTHING) + caplog.text
    story = rae.read(f"/customers/{ann}")
    assert "Your page at" in story
    message = screens.office.scalar("select id from message")
    assert f"/admin/messages/{message}" in rae.get(f"/customers/{ann}").get_data(as_text=True)
    assert "Ann Lee" in rae.read(f"/messages/{message}").partition("About")[2]
    assert "page mailed" in screens.as_("admin").read("/audit?what=customer.page_mailed").lower()
    assert "Mailed a link to a client's page" in rae.read("/recent")
    ends = "select expires_at::date - created_at::date from portal_link"
    assert screens.office.scalar(ends) == 60
    rae.post(f"/portal-links/{screens.office.scalar('select id from portal_link')}/revoke")
    assert "has ended" in said(see(room, token))


def test_nobody_is_flooded_and_another_address_is_none_that_was_mailed(screens, room):
    ann = screens.customer("Ann Lee", email="ann@example.com")
    rae = screens.as_("reconciler")
    path = f"/customers/{ann}/mail"
    assert rae.post(path).status_code == 303
    for _ in range(2):  # while it waits, and once it is sent
        again = rae.post(path)
        assert again.status_code == 409
        assert "a link was just mailed to ann@example.com" in said(again).lower()
        room.work()
    _write_down(screens, "lee@example.com")
    assert rae.post(path).status_code == 303
    screens.office.clock.advance(hours=5)  # and nobody carries mail
    assert screens.as_("reconciler").post(path).status_code == 409
    room.work()
    screens.office.clock.advance(minutes=59)
    assert screens.as_("reconciler").post(path).status_code == 409
    screens.office.clock.advance(minutes=1)
    assert "mailed=1" in screens.as_("reconciler").post(path).location
    assert screens.office.scalar("select count(*) from message") == 3


def test_one_without_an_address_has_it_written_down_where_it_is_missed(screens, room):
    ann = screens.customer("Ann Lee")
    rae = screens.as_("reconciler")
    assert 'name="email"' in rae.get(page_of(ann)).get_data(as_text=True)
    path = f"/customers/{ann}/mail"
    assert "has no mail address" in said(rae.post(path))
    wrong = rae.post(path, {"email": "ann at example"})
    assert wrong.status_code == 422
    assert 'value="ann at example"' in wrong.get_data(as_text=True)
    assert screens.office.scalar("select email from customer") is None
    assert rae.post(path, {"email": " ann@example.com "}).status_code == 303
    assert screens.office.scalar("select email from customer") == "ann@example.com"
    assert len(room.work()) == 1
    meanwhile = rae.post(path, {"email": "other@example.com"})
    assert meanwhile.status_code == 409
    assert "Their mail address is ann@example.com by now" in said(meanwhile)
    actions = screens.office.rows("select action from audit_line order by at, seq")
    assert [row.action for row in actions if row.action.startswith("customer.")][-2:] == [
        "customer.changed", "customer.page_mailed",
    ]  # fmt: skip


def test_the_address_that_was_shown_is_the_one_that_is_mailed(screens, room):
    ann = screens.customer("Ann Lee", email="ann@example.com")
    rae, path = screens.as_("reconciler"), f"/customers/{ann}/mail"
    shown = re.search(r'name="shown" value="([^"]*)"', rae.get(page_of(ann)).get_data(as_text=True))
    assert shown
    for email, told in (
        ("bea@example.com", "Their mail address is bea@example.com by now"),
        (None, "Their mail address was taken away meanwhile"),
    ):
        screens.office.do(lambda work, to=email: customers.patch(work, ann, {"email": to}))
        meanwhile = rae.post(path, {"shown": shown[1]})
        assert meanwhile.status_code == 409
        assert told in said(meanwhile)
        assert screens.office.scalar("select email from customer") == email
    assert room.work() == []


def test_no_link_leaves_for_an_address_that_is_theirs_no_more(screens, room):
    ann = screens.customer("Ann Lee", email="anne@example.com")
    rae, path = screens.as_("reconciler"), f"/customers/{ann}/mail"
    for email in ("ann@example.com", "Ann at example", None):
        assert rae.post(path).status_code == 303
        _write_down(screens, email)
        assert room.work() == []
        assert "their mail address is another by now" in rae.read(f"/customers/{ann}")
        _write_down(screens, "anne@example.com")
    assert screens.office.scalar("select count(*) from portal_link") == 0
    assert rae.post(path).status_code == 303
    assert len(room.work()) == 1


def test_whoever_only_looks_sees_no_button_and_nobody_unknown_is_mailed(screens):
    ann = screens.customer("Ann Lee", email="ann@example.com")
    html = screens.as_("viewer").get(page_of(ann)).get_data(as_text=True)
    assert "/mail" not in html.partition("<main")[2]
    rae = screens.as_("reconciler")
    assert rae.post("/customers/cus_none/mail").status_code == 404
    assert rae.get(page_of("cus_none")).status_code == 404


def test_a_program_mails_it_too(api):
    made = api.a_customer(email="ann@example.com")
    sent = api.make(f"/customers/{made['id']}/mail")
    assert (sent["kind"], sent["about"], sent["to"]) == (
        "client_page", made["id"], "ann@example.com",
    )  # fmt: skip
    refused(api.post(f"/customers/{made['id']}/mail"), 409)
    refused(api.post(f"/customers/{api.a_customer()['id']}/mail"), 409)
    refused(api.post("/customers/cus_none/mail"), 404)
