"""The stories that are promised, from end to end in a real browser, client and staff in turn."""

import re

import pytest

from reconciler.flows.submit_refunds import submit_refunds
from tests.browser.conftest import NARROW, Site, Window
from tests.web.screens import Screens
from tests.web.test_portal import link

pytestmark = pytest.mark.slow
PAYING = re.compile("/pay/")
PORTAL = re.compile(r"/portal/[\w-]{43}")


def staff(site: Site, name: str = "reconciler") -> Window:
    window = site.window(script=False)
    window.sign_in(name)
    return window


def client(site: Site, url: str) -> Window:
    """The client's telephone, without JavaScript."""
    window = site.window(script=False, size=NARROW)
    window.page.goto(url)
    return window


def pays(site: Site, window: Window, what: str, amount: str | None = None) -> None:
    """The client pays on the rail's page, and the rail's news are booked."""
    page = window.page
    if amount:
        page.fill(f"form.pay:has(button:has-text('{what}')) input[name=amount]", amount)
    page.click(f"button:has-text('Pay {what}')")
    page.click("text=Continue to payment")
    page.wait_for_url(PAYING)
    page.click("text=Pay by card")
    # It leads back to where these pages would be in earnest, and nobody is there.
    page.wait_for_url(re.compile("^chrome-error:"), wait_until="commit")
    hears(site.screens)


def sends(window: Window) -> None:
    """Staff sends a draft that has no due day yet."""
    page = window.page
    page.click("summary:has-text('Send')")
    page.fill("input[name=due_on]", "2026-12-20")
    page.click("details[open] button:has-text('Send')")


def hears(screens: Screens) -> None:
    office = screens.office
    known = {row.rail_event_id for row in office.rows("select rail_event_id from inbox_event")}
    news = [event for event in office.world.events() if event["id"] not in known]
    assert set(office.deliver(*news)) <= {200}
    office.drain()


def offers(desk: Window, customer_id: str) -> str:
    """Staff writes a proposal, offers it, and makes a link to hand over."""
    desk.go("/proposals/new")
    page = desk.page
    for field, value in (
        ("customer", customer_id), ("name", "Garden house"), ("description-line-1", "All of it"),
        ("unit_price-line-1", "2,000.00"), ("conditions", "Half of the deposit stays with us."),
    ):  # fmt: skip
        page.fill(f"#{field}", value)
    page.click("text=Draft the proposal")
    page.click("button:has-text('Offer it')")
    page.click("text=Make a link to hand over")
    page.click("button:has-text('Make the link')")
    return PORTAL.search(page.input_value("#url"))[0]


@pytest.mark.thorough  # step by step: test_projects.py and test_portal.py
def test_from_a_proposal_by_a_deposit_and_a_sign_off_to_an_invoice_that_closes_itself(site):
    screens = site.screens
    ann = screens.customer("Ann Lee")
    desk = staff(site)
    path = offers(desk, ann)
    page = desk.page
    # The client reads it on a telephone, accepts it, and pays the deposit of 30 %.
    hers = client(site, site.url + path)
    assert "Half of the deposit stays with us." in hers.text()
    hers.page.fill("#name", "Ann Lee")
    hers.page.check("input[name=agreed]")
    hers.page.click("button:has-text('Accept')")
    assert "Next comes the deposit" in hers.text()
    pays(site, hers, "DEP-")
    hers.page.goto(site.url + path)
    assert "$600.00 is held for you." in hers.text()
    # The last milestone is billed; sending it is refused while its sign-off is missing.
    project = screens.office.scalar("select id from project")
    desk.go(f"/projects/{project}")
    page.locator("li.milestone", has_text="Final payment").get_by_text("Create invoice").click()
    number = page.inner_text("h1")
    sends(desk)
    assert "is not signed off" in desk.text()
    # The client signs it off; then it goes out, and the payment closes it by itself.
    hers.page.goto(site.url + path)
    final = hers.page.locator("ol.plan li", has_text="Final payment")
    final.locator("summary").click()
    final.locator("input[name=name]").fill("Ann Lee")
    final.locator("input[name=agreed]").check()
    final.locator("button").click()
    assert "Signed off by Ann Lee" in hers.text()
    desk.go(f"/projects/{project}")
    sends(desk)
    hers.page.goto(site.url + path)
    assert "$600.00 left to pay" in hers.text()
    pays(site, hers, number)
    desk.go(f"/projects/{project}")
    last = page.locator("li.milestone", has_text="Final payment")
    assert "Paid" in last.inner_text()
    assert "Held as deposit $600.00" in desk.text()
    assert screens.office.scalar("select outstanding from invoice") == 0
    assert screens.office.violations() == []


def test_2000_with_800_received_shows_1200_everywhere(site):
    screens = site.screens
    ann = screens.customer("Ann Lee")
    invoice = screens.invoice(ann, 200_000, "INV-1")
    path = link(screens, ann)
    hers = client(site, site.url + path)
    pays(site, hers, "INV-1", "800.00")
    desk = staff(site, "viewer")
    for place in (
        "/invoices", "/invoices/INV-1", "/invoices/INV-1/print", f"/customers/{ann}",
        f"/customers/{ann}/statement", "/reminders", f"/reminders/{invoice}",
    ):  # fmt: skip
        desk.go(place)
        said = desk.text()
        assert "$1,200.00" in said or "USD 1,200.00" in said, place
    for place in ("", f"/invoices/{invoice}", "/statement"):
        hers.page.goto(site.url + path + place)
        assert "$1,200.00" in hers.text(), place


@pytest.mark.thorough  # step by step: test_projects.py and test_portal.py
def test_a_project_is_called_off_and_the_deposits_rest_goes_back_to_its_card(site):
    screens = site.screens
    ann = screens.customer("Ann Lee")
    screens.deposit(ann, 60_000, "DEP-1")
    path = link(screens, ann)
    hers = client(site, site.url + path)
    pays(site, hers, "DEP-1")
    invoice = screens.invoice(ann, 25_000, "INV-1")
    desk = staff(site)
    desk.go(f"/invoices/{invoice}")
    desk.page.click("text=Apply to INV-1")
    desk.go("/refunds/new?deposit=DEP-1")
    desk.page.fill("#amount", "350.00")
    desk.page.select_option("#reason", "cancellation")
    desk.page.click("button.primary")
    hers.page.goto(site.url + path)
    assert "We are looking at this refund. Nothing has been sent yet." in hers.text()
    boss = staff(site, "approver")
    refund = screens.office.scalar("select id from refund")
    boss.go(f"/refunds/{refund}")
    boss.page.click("summary:has-text('Approve and refund $350.00')")
    boss.page.click("button:has-text('Yes, refund $350.00')")
    boss.page.wait_for_selector("text=Approved by")
    submit_refunds(screens.office.runtime)
    hears(screens)
    hers.page.goto(site.url + path)
    said = hers.text()
    assert "$350.00" in said
    assert "$0.00 is held for you." in said
    assert screens.office.scalar("select status from refund") == "succeeded"
    assert screens.office.scalar("select rail from refund_leg l join payment p"
                                 " on p.id = l.payment_id") == "stripe"  # fmt: skip
    assert screens.office.scalar("select count(*) from invoice") == 1  # none was made for it
    assert screens.office.violations() == []


@pytest.mark.thorough
def test_too_much_is_shown_to_a_person_with_what_can_be_done(site):
    screens = site.screens
    ann = screens.customer("Ann Lee")
    screens.invoice(ann, 100_000, "INV-1")
    screens.paid(105_000, metadata={"invoice": "INV-1"})
    desk = staff(site)
    desk.go("/")
    assert "Overpayments 1 $50.00" in desk.text()
    desk.page.click("text=Overpayments")
    said = desk.text()
    assert "$50.00" in said
    hers = client(site, site.url + link(screens, ann))
    assert "Your credit $50.00" in hers.text()
