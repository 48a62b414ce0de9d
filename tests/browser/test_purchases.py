"""What is bought, in a browser with no script at all: paid ahead, billed, absorbed, paid."""

import pytest

from tests.browser.conftest import NARROW, SIZES, Site, Window
from tests.web import furniture

pytestmark = pytest.mark.slow


def looked(window: Window) -> None:
    assert window.overflow() <= 0, window.page.url
    # A browser says of each refusal that it is one.
    assert [said for said in window.complaints if "422" not in said] == []


def press(window: Window, words: str) -> None:
    """Press a button, and look at the page that comes."""
    window.page.click(f"button:has-text('{words}')")
    looked(window)


def pay_ahead(window: Window) -> None:
    """A new vendor is paid 300.00 ahead."""
    page = window.page
    window.go("/vendors/new")
    page.fill("#name", "Oak Ltd")
    press(window, "Keep")
    page.click("text=Record prepayment")
    page.fill("#amount", "300.00")
    press(window, "Record the prepayment")
    assert "currency" in page.inner_text("[role=alert]").lower()
    assert page.input_value("#amount") == "300.00"
    page.fill("#currency", "USD")
    page.fill("#reference", "SEPA 118")
    press(window, "Record the prepayment")
    assert "$300.00 left to apply" in window.text()


def bill(window: Window) -> None:
    """Their bill of 595.00 with tax is written down and opened."""
    page = window.page
    window.go("/bills/new")
    page.select_option("#vendor_id", label="Oak Ltd")
    page.fill("#number", "2026-118")
    page.fill("#currency", "USD")
    cells = {
        "description": "Boards", "category": "Materials", "quantity": "2.5",
        "unit_price": "200.00", "tax_rate": "19",
    }  # fmt: skip
    for column, typed in cells.items():
        page.locator(f"[name=line_{column}]").first.fill(typed)
    page.click(".actions button[value=look]")
    assert "Total $595.00" in window.text()
    looked(window)
    page.click(".actions button[value=save]")
    press(window, "Open")
    assert "$595.00 left to pay" in window.text()


@pytest.mark.parametrize("size", SIZES)
def test_a_bill_absorbs_what_was_paid_ahead_and_the_rest_is_paid(site: Site, size) -> None:
    window = site.window(size=size, script=False)
    window.is_in("reconciler")
    pay_ahead(window)
    bill(window)
    press(window, "Apply it")
    assert "$295.00 left to pay" in window.text()
    window.page.fill("#amount", "300.00")
    press(window, "Record the payment")
    assert "That is $5.00 more than is owed" in window.page.inner_text("[role=alert]")
    window.page.fill("#amount", "295.00")
    press(window, "Record the payment")
    assert "The payment is recorded." in window.text()
    assert "$0.00 left to pay" in window.text()
    assert site.screens.office.violations() == []


PAGES = (
    "/bills", "/bills/{bill}", "/bills/new", "/prepayments", "/prepayments/{prepayment}",
    "/prepayments/new", "/prepayments/{vendor_credit}", "/vendor-credits/new",
    "/vendors", "/vendors/{vendor}", "/vendors/new",
)  # fmt: skip


@pytest.mark.thorough  # an admin reads them all in test_pages.py
def test_the_pages_of_purchases_can_be_read_by_everybody(site: Site) -> None:
    furniture.purchases_of(site.screens)
    window = site.window(size=NARROW)
    window.is_in("reconciler")
    for path in PAGES:
        window.go(path.format(**site.screens.ids))
        assert window.overflow() <= 0, path
        assert window.faults() == [], path
