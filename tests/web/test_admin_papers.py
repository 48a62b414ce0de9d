"""Papers: what stands on them is what the books say, and making one fetches nothing."""

import importlib
import socket
from dataclasses import replace
from datetime import date

import pytest

from reconciler.books.invoice_lines import Line
from reconciler.services import customers, invoices, receipts
from reconciler.services.invoices import NewInvoice
from reconciler.services.receipts import Receipt
from reconciler.web.admin import admin_blueprint
from reconciler.web.app import create_web_app
from reconciler.web.paper import papers
from tests.builders import invoice
from tests.web.pdfs import needs_pdf
from tests.web.screens import Screens, said

SELLER = ("Acme Studio", "12 Harbour Road, Cork", "VAT IE1234567")
NASTY = '<img src="http://127.0.0.1:9/x.png"><link rel=stylesheet href="file:///etc/passwd">'


@pytest.fixture
def shop(screens: Screens) -> Screens:
    """An office that has a name on its papers."""
    office = screens.office
    office.runtime = replace(
        office.runtime, settings=replace(office.runtime.settings, seller=SELLER)
    )
    screens.app = create_web_app(office.runtime, [admin_blueprint(office.runtime)])
    return screens


@pytest.fixture
def owed(shop: Screens) -> str:
    """An invoice with tax, credited and paid in part."""

    def step(work) -> str:
        ann = customers.create(work, name="Ann Lee")
        lines = (
            Line(description="Design", quantity="2.5", unit_price=40_000, tax_rate="19"),
            Line(description=NASTY, unit_price=999, tax_rate="7", tax_name="Reduced"),
        )
        made = invoices.create(
            work, NewInvoice(customer_id=ann, currency="EUR", number="INV-7", lines=lines)
        )
        invoices.send(work, made)
        invoices.credit_note(work, made, amount=11_900, reason="One page less")
        receipts.receive(work, made, Receipt("cash", date(2026, 11, 20), 50_000))
        return made

    return shop.office.do(step)


def test_an_invoice_on_paper_says_what_the_books_say(shop, owed):
    text = said(shop.as_("viewer").get(f"/invoices/{owed}/print"))
    for words in (
        "Acme Studio 12 Harbour Road, Cork VAT IE1234567", "Invoice INV-7", "For Ann Lee",
        "Design 2.5 EUR 400.00 19 %", "Without tax EUR 1,009.99",
        "Tax, 19 % of EUR 1,000.00 EUR 190.00", "Reduced, 7 % of EUR 9.99 EUR 0.70",
        "Total EUR 1,200.69", "Credited EUR 119.00", "Paid EUR 500.00",
        "Left to pay EUR 581.69", "Credit notes: CN-1001, EUR 119.00.",
    ):  # fmt: skip
        assert words in text, words
    assert NASTY in text, "words are words"
    assert "<img" not in shop.as_("viewer").get(f"/invoices/{owed}/print").get_data(as_text=True)
    assert shop.as_("viewer").get("/invoices/INV-7/print").status_code == 200
    assert shop.as_("viewer").get("/invoices/INV-8/print").status_code == 404


def test_a_credit_note_and_a_receipt_on_paper(shop, owed):
    vera = shop.as_("viewer")
    note = shop.office.scalar("select id from credit_note")
    text = said(vera.get(f"/credit-notes/{note}/print"))
    for words in ("Credit note CN-1001", "Invoice INV-7 of 22 November 2026", "One page less",
                  "Without tax EUR 100.10", "Tax EUR 18.90", "Credited EUR 119.00"):  # fmt: skip
        assert words in text, words
    payment = shop.office.scalar("select id from payment")
    text = said(vera.get(f"/payments/{payment}/print"))
    assert "Invoice INV-7 EUR 500.00 EUR 581.69" in text
    assert "Received 20 November 2026" in text
    for path in ("/credit-notes/cn_9/print", "/payments/pay_9/print"):
        assert vera.get(path).status_code == 404


def test_without_the_libraries_that_draw_there_is_none_either():
    assert papers.has(())
    assert not papers.has(["libpango-of-nowhere.so.0"])


def test_without_weasyprint_there_is_the_page_and_no_button(shop, owed, monkeypatch):
    monkeypatch.setattr(papers.importlib.util, "find_spec", lambda name: None)
    vera = shop.as_("viewer")
    assert "as=pdf" not in vera.get(f"/invoices/{owed}/print").get_data(as_text=True)
    assert vera.get(f"/invoices/{owed}/print?as=pdf").status_code == 404


@needs_pdf
def test_a_pdf_is_made_and_nothing_is_fetched(shop, owed):
    weasyprint = importlib.import_module("weasyprint")
    vera = shop.as_("viewer")
    assert "as=pdf" in vera.get(f"/invoices/{owed}/print").get_data(as_text=True)
    made = vera.get(f"/invoices/{owed}/print?as=pdf")
    assert made.mimetype == "application/pdf"
    assert made.headers["Content-Disposition"] == 'attachment; filename="INV-7.pdf"'
    assert made.get_data().startswith(b"%PDF-")
    fetcher = papers._refusing(weasyprint)()
    for url in ("http://127.0.0.1/", "https://example.com/", "file:///etc/passwd", "data:,x"):
        with pytest.raises(ValueError, match="fetches nothing"):
            fetcher.fetch(url)


HOSTILE = """<b>x</b><img src="{at}/i"><link rel="attachment" href="file:///etc/passwd">
<link rel="stylesheet" href="{at}/c"><style>@import url({at}/s);
body {{ background: url({at}/b) }} @font-face {{ font-family: F; src: url({at}/f) }}</style>
<object data="{at}/o"></object><svg><image href="file:///etc/hostname"/></svg>"""


@needs_pdf
def test_no_word_on_a_pdf_reaches_a_server_or_a_file(shop):
    weasyprint = importlib.import_module("weasyprint")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        words = HOSTILE.format(at=f"http://127.0.0.1:{server.getsockname()[1]}")
        made = invoice(shop.office, "INV-9", 100, description=words)
        page = shop.as_("viewer").get(f"/invoices/{made}/print").get_data(as_text=True)
        assert "&lt;b&gt;x&lt;/b&gt;" in page
        assert "<img" not in page
        printed = shop.as_("viewer").get(f"/invoices/{made}/print?as=pdf").get_data()
        # And if a template ever forgot to escape: the words as markup, through the same fetcher.
        refusing = papers._refusing(weasyprint)
        raw = weasyprint.HTML(string=words, url_fetcher=refusing()).write_pdf()
        with pytest.raises(TimeoutError):
            server.accept()
    for pdf in (printed, raw):
        assert pdf.startswith(b"%PDF-")
        assert b"/EmbeddedFile" not in pdf
        assert b"root:" not in pdf


def test_the_style_of_papers_is_a_stylesheet(shop):
    found = shop.as_("viewer").get("/paper.css")
    assert found.mimetype == "text/css"
    assert found.get_data() == papers.STYLE.read_bytes()
