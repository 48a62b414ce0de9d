"""Invoices written, paid by hand, credited and voided in a browser, with no script at all."""

import pytest

from tests.browser.conftest import SIZES, Site, Window

pytestmark = pytest.mark.slow


@pytest.fixture
def acme(site: Site) -> Site:
    site.screens.customer("Acme Studio")
    return site


def write(window: Window) -> str:
    """A draft of two lines, one added by the button; gives its address."""
    page = window.page
    window.go("/invoices/new")
    page.select_option("#customer_id", label="Acme Studio")
    page.fill("#currency", "USD")
    page.fill("#due_on", "2026-12-20")
    rows = (("Design", "2.5", "400.00", "19", "VAT"), ("Discount", "1", "-50.00", "19", "VAT"),
            ("Hosting", "12", "9.99", "7", ""))  # fmt: skip
    columns = ("description", "quantity", "unit_price", "tax_rate", "tax_name")
    page.click("text=Add a line")
    for place, row in enumerate(rows):
        for column, typed in zip(columns, row, strict=True):
            page.locator(f"[name=line_{column}]").nth(place).fill(typed)
    page.click(".actions button[value=look]")
    assert "Total $1,258.77" in window.text()
    assert page.locator("[name=line_description]").count() == 3
    looked(window)
    page.click(".actions button[value=save]")
    return str(page.url).split("/admin")[1].partition("?")[0]


def looked(window: Window) -> None:
    assert window.overflow() <= 0, window.page.url


@pytest.mark.parametrize("size", SIZES)
def test_an_invoice_from_its_lines_to_its_void_without_a_script(acme, size):
    window = acme.window(size=size, script=False)
    window.is_in("reconciler")
    path = write(window)
    page = window.page
    page.click("button:has-text('Send')")
    assert "from today on it is owed" in window.text()
    page.click("text=Record payment")
    assert page.input_value("#amount") == "1258.77"
    page.fill("#amount", "1,300.00")
    page.click("text=Record the payment")
    assert "$41.23 more than is owed" in window.text()
    page.fill("#amount", "1,000.00")
    page.click("text=Record the payment")
    assert "$258.77 left to pay" in window.text()
    page.click("a:has-text('Credit')")
    page.fill("#amount", "300.00")
    page.fill("#reason", "One page less")
    page.check("text=Stays as credit of the customer")
    page.click("text=See what this does")
    assert "is owed $0.00 instead of $258.77" in window.text()
    looked(window)
    page.click("text=Write the credit note")
    assert "CN-1001" in window.text()
    looked(window)
    page.click("a:has-text('Void')")
    assert "has credit notes" in window.text()
    assert acme.screens.office.violations() == []
    assert path in page.url


@pytest.mark.thorough  # most of them stand in test_pages.py too
@pytest.mark.parametrize("size", SIZES)
def test_the_pages_of_an_invoice_are_accessible_and_fit(acme, size):
    window = acme.window(size=size)
    window.is_in("reconciler")
    draft = write(window)
    window.page.click("button:has-text('Send')")
    second = write(window)
    pages = ("/invoices/new", f"{second}/edit", draft, f"{draft}/receive", f"{draft}/credit",
             f"{draft}/void")  # fmt: skip
    for path in pages:
        window.go(path)
        assert window.faults() == [], path
        looked(window)
    assert window.complaints == []
