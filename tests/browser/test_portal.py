"""The client's page in a real browser: paid without JavaScript, on a phone, and right for all."""

import re
from dataclasses import dataclass

import pytest

from tests.browser.conftest import NARROW, PAPER, SIZES, Site
from tests.web.screens import Screens
from tests.web.test_portal import link

PAYING = "/pay/"


@dataclass(frozen=True)
class Client:
    """A client's page, served."""

    site: Site
    screens: Screens
    url: str


@pytest.fixture
def client(site: Site) -> Client:
    """A client with an invoice of 2,000 of which 800 are paid, a deposit and a refund."""
    screens = site.screens
    ann = screens.customer("Ann Lee")
    screens.invoice(ann, 200_000, "INV-1", description="A garden house")
    screens.deposit(ann, 60_000, "DEP-1")
    screens.paid(60_000, metadata={"deposit": "DEP-1"})
    payment = screens.paid(80_000, metadata={"invoice": "INV-1"})
    screens.ask_refund("reconciler", payment_id=payment, amount=1_000)
    return Client(site, screens, site.url + link(screens, ann))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("place", ["", "/invoices/{invoice}", "/statement"])
def test_it_fits_and_is_right_for_everybody(client: Client, size, place) -> None:
    window = client.site.window(size=size)
    window.page.goto(client.url + place.format(invoice=client.screens.ids["INV-1"]))
    assert window.overflow() <= 0
    complaints = list(window.complaints)
    assert window.faults() == []
    assert complaints == []


@pytest.mark.parametrize("place", ["", "/invoices/{invoice}", "/statement"])
def test_it_prints_on_white_without_what_one_presses(client: Client, place) -> None:
    window = client.site.window(size=PAPER, scheme="dark")
    window.page.emulate_media(media="print", color_scheme="dark")
    window.page.goto(client.url + place.format(invoice=client.screens.ids["INV-1"]))
    assert [b for b in window.page.query_selector_all("button, input") if b.is_visible()] == []
    body = "getComputedStyle(document.body)"
    assert window.page.evaluate(f"{body}.backgroundColor") == "rgb(255, 255, 255)"
    assert max(map(int, re.findall(r"\d+", window.page.evaluate(f"{body}.color")))) < 100
    assert window.overflow() <= 0


def test_a_client_pays_without_javascript_and_the_invoice_closes(client: Client) -> None:
    screens = client.screens
    window = client.site.window(script=False, size=NARROW)
    page = window.page
    page.goto(client.url)
    assert "$1,200.00 left, due 1 Dec 2026" in window.text()
    page.click("text=Pay INV-1")
    assert "$1,200.00" in window.text()
    page.click("text=Continue to payment")
    page.wait_for_url(re.compile(PAYING))
    page.click("text=Pay by card")
    # It leads back to where these pages would be in earnest, and nobody is there.
    page.wait_for_url(re.compile("^chrome-error:"), wait_until="commit")
    assert screens.office.world.table("checkout.session")
    known = {r.rail_event_id for r in screens.office.rows("select rail_event_id from inbox_event")}
    news = [e for e in screens.office.world.events() if e["id"] not in known]
    assert set(screens.office.deliver(*news)) <= {200}
    screens.office.drain()
    page.goto(client.url)
    assert "Nothing is left to pay." in window.text()
    assert screens.office.scalar("select outstanding from invoice") == 0
