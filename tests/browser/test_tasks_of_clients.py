"""What the pages of clients are there for, with every pair of hands."""

import re
from collections.abc import Callable

import pytest

from reconciler.services import invoices
from tests.browser.conftest import Site
from tests.browser.hands import Mouse, does
from tests.web import furniture
from tests.web.test_portal import link

pytestmark = pytest.mark.slow
Hands = Callable[..., Mouse]


def comes(site: Site, hands: Hands, customer: str) -> tuple[Mouse, str]:
    """A client with their link."""
    hers = hands(site, "")
    url = site.url + link(site.screens, customer)
    hers.page.goto(url)
    return hers, url


@does(
    "/portal/<token>", "/portal/<token>/invoices/<invoice_id>", "/portal/<token>/statement",
    "/portal/<token>/receipts/<payment_id>", "/portal/<token>/pay/<pay_link_id>", "/portal/paid",
    "/portal/not-paid", "/portal/<token>/invoices/<invoice_id>/print",
    "/portal/<token>/receipts/<payment_id>/print", "/portal/<token>/statement/print",
    "/portal/<token>/credit-notes/<note_id>/print",
)  # fmt: skip
def test_a_client_reads_what_they_owe_and_pays_a_part(site: Site, hands: Hands) -> None:
    screens = site.screens
    ann = screens.customer("Ann Lee")
    screens.invoice(ann, 200_000, "INV-1", description="A garden house")
    hers, url = comes(site, hands, ann)
    hers.press("INV-1", inside="main")
    hers.reads("A garden house")
    hers.press("To print or save")
    hers.reads("A garden house", "Left to pay")
    hers.page.goto(url)
    hers.write("[name=amount]", "800.00")
    hers.press("Pay INV-1")
    hers.press("Continue to payment")
    hers.page.wait_for_url(re.compile("/pay/"))
    asked = hers.page.url
    hers.page.goto(site.url + "/portal/not-paid")  # where the rail leads who turns back
    hers.reads("Nothing was paid")
    hers.page.goto(asked)
    hers.page.click("text=Pay by card")  # the rail's page, not ours
    # It leads back to where these pages would be in earnest, and nobody is there.
    hers.page.wait_for_url(re.compile("^chrome-error:"), wait_until="commit")
    hears(site)
    hers.page.goto(url)
    hers.reads("$1,200.00 left")
    hers.press("Receipt", inside="main")
    hers.reads("$800.00")
    hers.press("To print or save")
    hers.reads("Receipt", "Ann Lee")
    hers.page.goto(url + "/statement")
    hers.write("since", "2026-11-01")
    hers.press("Show")
    hers.reads("INV-1", "$1,200.00")
    hers.press("To print or save")
    hers.reads("INV-1", "Statement")
    credit = {"amount": 5_000, "reason": "The door is crooked"}
    screens.by("admin", lambda work: invoices.credit_note(work, screens.ids["INV-1"], **credit))
    hers.page.goto(f"{url}/invoices/{screens.ids['INV-1']}")
    hers.press("CN-")
    hers.reads("The door is crooked")


@does("/portal/<token>/proposals/<proposal_id>", "/portal/<token>")
def test_a_client_accepts_what_is_offered_and_signs_off_what_is_done(
    site: Site, hands: Hands
) -> None:
    screens = site.screens
    screens.ids["cedar"] = screens.customer("Cedar")
    furniture.projects_of(screens)
    furniture.proposal_of(screens)
    hers, url = comes(site, hands, screens.ids["cedar"])
    hers.page.goto(f"{url}/proposals/{screens.ids['proposal']}")
    hers.write("name", "Ann Cedar")
    hers.tick("input[name=agreed]")
    hers.press("Accept")
    hers.reads("Next comes the deposit")
    hers.page.goto(url)
    hers.press("Sign off", inside="main")
    milestone = hers.page.locator("main details[open] input[name=name]").first
    hers.write(milestone.get_attribute("id"), "Ann Cedar")
    hers.tick("details[open] input[name=agreed]")
    hers.use(hers.one("details[open] button"))
    hers.reads("Signed off by Ann Cedar")
    assert screens.office.violations() == []


def hears(site: Site) -> None:
    """The rail tells its news, and they are booked."""
    office = site.screens.office
    known = {row.rail_event_id for row in office.rows("select rail_event_id from inbox_event")}
    news = [event for event in office.world.events() if event["id"] not in known]
    assert set(office.deliver(*news)) <= {200}
    office.drain()
