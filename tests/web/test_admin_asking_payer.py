"""The mail that asks a payer: its question fits what the payment names, and how that stands."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from reconciler.services import invoices
from tests.web.screens import Screens, said

TITLE = "A payment names nothing that it is for"
WHICH = "Which invoice or order is it for? A number is enough."


@pytest.fixture
def acme(screens: Screens) -> Screens:
    """Acme owes 100.00 of INV-1; Birch owes 50.00 of INV-2."""
    rail_id = screens.office.world.create_customer(name="Acme")
    acme = screens.customer("Acme", email="pay@acme.example", rail_customers={"stripe": rail_id})
    screens.ids |= {"acme": acme, "rail": rail_id}
    screens.invoice(acme, 10_000, "INV-1")
    screens.invoice(screens.customer("Birch"), 5_000, "INV-2")
    return screens


def asked(acme: Screens, amount: int, number: str, **more) -> str:
    pay = acme.paid(amount, customer=acme.ids["rail"], metadata={"invoice": number}, **more)
    html = acme.as_("reconciler").get(f"/unmatched/{pay}").get_data(as_text=True)
    found = re.search(r'href="(mailto:[^"]+)"[^>]*>Ask the payer by mail', html)
    assert found
    said = parse_qs(urlsplit(unescape(found[1])).query)
    return f"{said['subject'][0]}: {said['body'][0]}"


def test_another_customers_invoice_is_not_told_of(acme):
    text = asked(acme, 5_000, "INV-2")
    assert f"It names INV-2, which is none of yours. {WHICH}" in text
    assert "Birch" not in text


def test_one_in_another_currency_one_that_is_void_and_one_that_is_unknown(acme):
    text = asked(acme, 9_000, "INV-1", currency="eur")
    assert "of which $100.00 is open, in another currency." in text
    assert "Shall we send the €90.00 back to you, so that you can pay in USD?" in text
    acme.office.do(lambda work: invoices.void(work, acme.ids["INV-1"]))
    assert "It names INV-1, which was withdrawn: nothing of it is owed." in asked(
        acme, 10_000, "INV-1"
    )
    assert f"It names INV-99, which we do not know. {WHICH}" in asked(acme, 700, "INV-99")


def test_what_is_left_over_is_what_is_asked_about(acme):
    text = asked(acme, 12_000, "INV-1")
    assert text.startswith("About $20.00 of your payment: ")
    assert "It names INV-1, which is paid: $20.00 is left over." in text
    assert "It names INV-1, which is paid: $100.00 is left over." in asked(acme, 10_000, "INV-1")


def test_where_two_of_theirs_fit_both_are_named_with_what_for_and_how_much(acme):
    for number, description in (("INV-5", "Shop, Design"), ("INV-6", "Shop, Build")):
        made = acme.invoice(acme.ids["acme"], 75_000, number)
        acme.office.do(
            lambda work, made=made, said=description: work.session.execute(
                sa.text("update invoice set description = :said where id = :id"),
                {"said": said, "id": made},
            )
        )
    text = asked(acme, 75_000, "")
    assert "- INV-5, $750.00 open: Shop, Design\r\n- INV-6, $750.00 open: Shop, Build\r\n" in text
    assert "It fits each of these:" in text
    assert "Which of them is it for?" in text
    assert WHICH not in text
    text = asked(acme, 700, "")
    assert WHICH in text
    assert "INV-5" not in text


def test_one_press_puts_it_off_as_asked(acme):
    pay = acme.paid(700, customer=acme.ids["rail"])
    rae = acme.as_("reconciler")
    html = rae.get(f"/unmatched/{pay}").get_data(as_text=True)
    today = acme.office.clock().date()
    back = today + timedelta(days=7)
    assert f"Asked on {today.day} {today:%b %Y}, back on {back.day} {back:%b %Y}" in html
    form = html.partition('aria-describedby="asked-then"')[2].partition("</form>")[0]
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))
    path = re.search(r'action="/admin([^"]+)"', form)
    assert path
    answer = rae.post(path[1], fields)
    assert answer.status_code == 303
    words = said(rae.client.get(answer.location))
    assert f"until something changes: {TITLE}, $7.00 of Acme." in words
    assert acme.office.scalar("select snoozed_until from review_item") == back
    assert "Asked the payer by mail" in rae.read(f"/payments/{pay}")
    html = rae.get(f"/unmatched/{pay}").get_data(as_text=True)
    said_on = html.partition('id="asked-then">')[2].partition("</p>")[0]
    days = f"Asked on {today.day} {today:%b %Y}, back on {back.day} {back:%b %Y}"
    assert said_on == days, "and no button"
    rae.post(f"/notes/{pay}", {"note": "Nobody has Asked the payer by mail"})
    acme.office.clock.advance(days=1)
    assert days in acme.as_("reconciler").read(f"/unmatched/{pay}"), "that note is none of it"
    acme.office.clock.advance(days=7)
    assert "Once it is sent:" in acme.as_("reconciler").read(f"/unmatched/{pay}"), "asked again"
