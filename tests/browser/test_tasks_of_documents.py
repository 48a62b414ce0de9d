"""What the pages of customers, documents and purchases are for, with every pair of hands."""

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.books.mail import MessageKind
from reconciler.services import invoices, mail, vendors
from reconciler.services.mail import NewMessage
from tests.browser.conftest import Site
from tests.browser.hands import Mouse, does
from tests.file_samples import pdf

pytestmark = pytest.mark.slow
Hands = Callable[..., Mouse]


@does(
    "/invoices", "/invoices/new", "/invoices/<name>", "/invoices/<name>/edit",
    "/invoices/<name>/receive", "/invoices/<name>/credit", "/invoices/<name>/void",
    "/invoices/<name>/print", "/payments/<payment_id>/print", "/credit-notes/<note_id>/print",
)  # fmt: skip
def test_an_invoice_is_written_sent_paid_credited_and_voided(site: Site, hands: Hands) -> None:
    site.screens.customer("Acme Studio")
    rae = hands(site, "reconciler")
    rae.go("/invoices")
    rae.press("New invoice")
    rae.pick("customer_id", "Acme Studio")
    rae.write("currency", "USD")
    rae.write("due_on", "2026-12-20")
    rae.write("[name=line_description]", "Design")
    rae.write("[name=line_quantity]", "2.5")
    rae.write("[name=line_unit_price]", "400.00")
    rae.press("Save the draft")
    rae.reads("$1,000.00")
    rae.press("Edit.")
    rae.write("[name=line_unit_price]", "480.00")
    rae.press("Save the draft")
    rae.reads("$1,200.00")
    rae.press("Send.")
    rae.reads("from today on it is owed")
    rae.press("Record payment")
    rae.write("amount", "1,000.00")
    rae.press("Record the payment")
    rae.reads("$200.00 left to pay")
    rae.press("Credit.")
    rae.write("amount", "50.00")
    rae.write("reason", "One page less")
    rae.press("See what this does")
    rae.press("Write the credit note")
    rae.reads("CN-1001")
    office = site.screens.office
    number, note, payment = (
        office.scalar(f"select {what}")
        for what in ("number from invoice", "id from credit_note", "id from payment")
    )
    for path in (f"/invoices/{number}/print", f"/credit-notes/{note}/print",
                 f"/payments/{payment}/print"):  # fmt: skip
        rae.window.go(path)
        assert "Acme Studio" in rae.window.text(), path
    site.screens.invoice(office.scalar("select id from customer"), 9_000, "INV-9")
    rae.go("/invoices/INV-9")
    rae.press("Void.")
    rae.press("Void INV-9")
    rae.reads("Void")
    assert office.scalar("select state from invoice where number = 'INV-9'") == "void"
    assert office.violations() == []


@does(
    "/customers", "/customers/<customer_id>", "/customers/<customer_id>/change",
    "/customers/<customer_id>/statement", "/portal-links", "/search", "/deposits",
    "/deposits/<name>",
)  # fmt: skip
def test_a_customer_is_found_changed_and_given_a_page_and_a_deposit(
    site: Site, hands: Hands
) -> None:
    screens = site.screens
    ann = screens.customer("Ann Lee")
    screens.invoice(ann, 25_000, "INV-1")
    screens.deposit(ann, 60_000, "DEP-1")
    screens.paid(60_000, metadata={"deposit": "DEP-1"})
    rae = hands(site, "reconciler")
    rae.go("/")
    rae.find("Ann")
    rae.press("Ann Lee")
    rae.press("Change.")
    rae.write("email", "ann@example.com")
    rae.press("Keep.")
    rae.reads("ann@example.com")
    rae.press("Statement.")
    rae.write("since", "2026-11-01")
    rae.press("Show.")
    rae.reads("INV-1", "$250.00")
    rae.go("/customers")
    rae.press("Ann Lee")
    rae.press("Client's page")
    rae.press("Make the link")
    rae.reads("Revoke")
    rae.reads("here is your own page with us.")
    rae.press("Mail it.")
    rae.reads("leaves within moments")
    rae.go("/deposits")
    rae.press("DEP-1")
    rae.write("[name=amount]", "100.00")
    rae.press("Apply the deposit")
    rae.reads("$500.00")
    assert screens.office.scalar("select outstanding from invoice") == 15_000
    assert screens.office.violations() == []


@does("/invoices/<name>/bank-fee", "/bank-fees/<fee_id>/take-back")
def test_what_a_bank_took_off_is_borne_and_taken_back(site: Site, hands: Hands) -> None:
    screens = site.screens
    screens.invoice(screens.customer("Acme Studio"), 120_000, "INV-9")
    screens.in_cash("INV-9", 119_500)
    rae = hands(site, "reconciler")
    rae.go("/invoices/INV-9")
    rae.press("The rest is a bank fee")
    rae.reads("After this: INV-9 is owed $0.00")
    rae.press("Book it as a bank fee")
    rae.reads("Booked as a bank fee")
    rae.press("Take back the bank fee")
    rae.press("Take it back")
    rae.reads("The bank fee is taken back")
    assert screens.office.scalar("select outstanding from invoice") == 500
    assert screens.office.violations() == []


@does("/payments/<payment_id>/take-back", "/credit-notes/<note_id>/take-back")
def test_what_was_noted_wrongly_is_taken_back_where_it_shows(site: Site, hands: Hands) -> None:
    screens = site.screens
    owed = screens.invoice(screens.customer("Acme Studio"), 120_000, "INV-9")
    screens.by(
        "reconciler",
        lambda work: invoices.credit_note(work, owed, amount=20_000, reason="One page less"),
    )
    paid = screens.in_cash("INV-9", 100_000)
    rae = hands(site, "reconciler")
    for shown, way in (("/invoices/INV-9", "Take back CN-"), (f"/payments/{paid}", "Take back")):
        rae.go(shown)
        rae.press(way)
        rae.reads("After this: INV-9 is owed")
        rae.press("Take it back")
        rae.reads("taken back")
    assert screens.office.scalar("select outstanding from invoice") == 120_000
    assert screens.office.violations() == []


@does("/unmatched/<payment_id>", "/customers/new")
def test_money_of_somebody_unknown_is_held_for_a_new_customer(site: Site, hands: Hands) -> None:
    pay = site.screens.paid(32_000, description="thanks")
    rae = hands(site, "reconciler")
    rae.go("/customers/new")
    rae.write("name", "Ash")
    rae.press("Add the customer")
    rae.go(f"/unmatched/{pay}")
    rae.press("Hold $320.00 as a deposit")
    rae.pick("customer_id", "Somebody new, named below")
    rae.write("new-name", "M. Okafor")
    rae.write("new-email", "okafor@example.com")
    rae.press("Hold $320.00 as deposit.")
    rae.reads("Held $320.00 as deposit DEP-")
    rae.go("/customers")
    rae.reads("M. Okafor", "$320.00")
    assert site.screens.office.violations() == []


@does(
    "/projects", "/projects/new", "/projects/<project_id>", "/milestones/<milestone_id>/change",
    "/milestones/<milestone_id>/sign-offs", "/projects/<project_id>/statement",
)  # fmt: skip
def test_a_project_is_begun_changed_signed_off_and_billed(
    site: Site, hands: Hands, tmp_path: Path
) -> None:
    site.screens.customer("Cedar")
    paper = tmp_path / "signed.pdf"
    paper.write_bytes(pdf())
    rae = hands(site, "reconciler")
    rae.go("/projects")
    rae.press("New project")
    rae.write("customer", "Cedar")
    rae.write("name", "Attic")
    rae.write("currency", "USD")
    rae.write("price", "1,000.00")
    rae.press("Begin the project")
    rae.reads("Attic", "$300.00")
    rae.press("Change.")
    rae.write("description", "Held until the end")
    rae.press("Keep it")
    rae.reads("Held until the end")
    rae.press("Attach sign-off")
    rae.hand_over("file", paper)
    rae.write("signed_by_name", "Ann Cedar")
    rae.press("Attach.")
    rae.reads("signed.pdf")
    project = site.screens.office.scalar("select id from project")
    rae.window.go(f"/projects/{project}")
    rae.press("Ask for the deposit")
    rae.reads("The deposit is asked for")
    rae.window.go(f"/projects/{project}/statement")
    rae.write("since", "2026-11-01")
    rae.press("Show.")
    rae.reads("Statement of Attic")
    assert site.screens.office.violations() == []


@does(
    "/proposals", "/proposals/new", "/proposals/<proposal_id>",
    "/proposals/<proposal_id>/change",
)  # fmt: skip
def test_a_proposal_is_drafted_changed_offered_and_accepted(site: Site, hands: Hands) -> None:
    site.screens.customer("Cedar")
    rae = hands(site, "reconciler")
    rae.go("/proposals")
    rae.press("New proposal")
    rae.write("customer", "Cedar")
    rae.write("name", "Attic")
    rae.write("currency", "USD")
    rae.write("description-line-1", "Oak floor")
    rae.write("quantity-line-1", "2.5")
    rae.write("unit_price-line-1", "400.00")
    rae.press("Draft the proposal")
    rae.press("Change it")
    rae.write("unit_price-line-1", "440.00")
    rae.write("share-2", "500.00")
    rae.press("Keep it")
    rae.reads("USD 1,100.00")
    rae.press("Offer it")
    rae.write("name", "Ann Cedar")
    rae.press("Record the acceptance")
    rae.reads("Attic", "DEP-")
    assert site.screens.office.violations() == []


@does("/vendors", "/vendors/new", "/vendors/<vendor_id>", "/vendors/<vendor_id>/change")
@does("/prepayments", "/prepayments/new", "/prepayments/<prepayment_id>")
def test_a_vendor_is_kept_paid_ahead_and_gives_some_back(site: Site, hands: Hands) -> None:
    rae = hands(site, "reconciler")
    rae.go("/vendors")
    rae.press("New vendor")
    rae.write("name", "Oak Ltd")
    rae.press("Keep.")
    rae.press("Change.")
    rae.write("email", "books@oak.example")
    rae.press("Keep.")
    rae.reads("books@oak.example")
    rae.press("Record prepayment")
    rae.reads("No bank account of Oak Ltd is written down here.")
    rae.write("amount", "300.00")
    rae.write("currency", "USD")
    rae.press("See to which account")
    rae.reads("No bank account of Oak Ltd is written down here.")
    rae.press("Record the prepayment")
    rae.reads("$300.00 left to apply")
    rae.go("/prepayments")
    rae.press("PRE-")
    rae.press("Record what they gave back")
    rae.write("amount", "100.00")
    rae.press("Record it.")
    rae.reads("$200.00")
    assert site.screens.office.violations() == []


@does("/payees/<owner_id>")
def test_an_account_is_written_down_refused_mistyped_changed_and_removed(
    site: Site, hands: Hands
) -> None:
    office = site.screens.office
    site.screens.by("reconciler", lambda work: vendors.create(work, name="Oak Ltd"))
    rae = hands(site, "reconciler")
    rae.go("/vendors")
    rae.press("Oak Ltd")
    rae.press("Write it down")
    rae.write("holder", "Oak Ltd")
    rae.write("number", "DE88 3704 0044 0532 0130 00")
    rae.press("Keep.")
    rae.reads("This IBAN is mistyped")
    assert office.scalar("select count(*) from payee_account") == 0
    typed = {field: rae.one(f"#{field}").input_value() for field in ("holder", "number")}
    assert typed == {"holder": "Oak Ltd", "number": "DE88 3704 0044 0532 0130 00"}
    rae.write("number", "DE89 3704 0044 0532 0130 00")
    rae.press("Keep.")
    rae.reads("Transfers go to DE89 •••• 3000 of Oak Ltd", "DE89 3704 0044 0532 0130 00")
    rae.write("bank", "COBADEFFXXX")
    rae.press("Keep.")
    rae.reads("COBADEFFXXX")
    rae.go("/vendors")
    rae.press("Oak Ltd")
    rae.reads("DE89 •••• 3000")
    assert "0532 0130" not in rae.window.text()
    rae.press("See it in full")
    rae.reads("DE89 3704 0044 0532 0130 00")
    rae.press("Take it away")
    rae.reads("No account of Oak Ltd is kept any more.", "Write it down")
    assert office.scalar("select count(*) from payee_account") == 0
    assert office.violations() == []


@does("/vendor-credits/new")
def test_what_a_vendor_takes_off_is_written_down(site: Site, hands: Hands) -> None:
    site.screens.by("reconciler", lambda work: vendors.create(work, name="Oak Ltd"))
    rae = hands(site, "reconciler")
    rae.go("/vendor-credits/new")
    rae.pick("vendor_id", "Oak Ltd")
    rae.write("number", "CR-9")
    rae.write("currency", "USD")
    rae.write("[name=line_description]", "Boards that were bent")
    rae.write("[name=line_category]", "Materials")
    rae.write("[name=line_quantity]", "1")
    rae.write("[name=line_unit_price]", "50.00")
    rae.press("Record the credit note")
    rae.reads("CR-9", "$50.00")
    assert site.screens.office.violations() == []


@does("/bills", "/bills/new", "/bills/<bill_id>", "/bills/<bill_id>/edit")
def test_a_bill_is_written_down_changed_opened_and_paid(site: Site, hands: Hands) -> None:
    site.screens.by("reconciler", lambda work: vendors.create(work, name="Oak Ltd"))
    rae = hands(site, "reconciler")
    rae.go("/bills")
    rae.press("New bill")
    rae.pick("vendor_id", "Oak Ltd")
    rae.write("number", "2026-118")
    rae.write("currency", "USD")
    rae.write("[name=line_description]", "Boards")
    rae.write("[name=line_category]", "Materials")
    rae.write("[name=line_quantity]", "2.5")
    rae.write("[name=line_unit_price]", "200.00")
    rae.press("Save the draft")
    rae.press("Edit.")
    rae.write("[name=line_unit_price]", "240.00")
    rae.press("Save the draft")
    rae.press("Open.")
    rae.reads("$600.00 left to pay")
    rae.press("Record the payment")
    rae.reads("The payment is recorded.", "$0.00 left to pay")
    rae.go("/bills")
    rae.press("2026-118")
    rae.reads("Accounts payable")
    assert site.screens.office.violations() == []


@does(
    "/reminders", "/reminders/<invoice_id>", "/reminders/texts", "/messages",
    "/messages/<message_id>", "/webhooks",
)  # fmt: skip
def test_reminders_are_planned_worded_and_paused_and_mails_let_be(site: Site, hands: Hands) -> None:
    screens = site.screens
    ann = screens.customer("Ann Lee", email="ann@example.com")
    screens.invoice(ann, 25_000, "INV-1")
    screens.office.do(
        lambda work: mail.write(
            work,
            NewMessage(kind=MessageKind.NOTE, to=None, about=ann, once="a note",
                       subject="Good day", text="Good day to you"),
        )
    )  # fmt: skip
    rae = hands(site, "reconciler")
    rae.go("/reminders")
    rae.write("steps", "0, 7")
    rae.press("Keep the plan")
    rae.press("INV-1")
    rae.write("why", "We are talking")
    rae.press("Pause.")
    rae.reads("We are talking")
    rae.go("/reminders")
    rae.press("Words.")
    subject = rae.page.locator("main input[name=subject]").first.get_attribute("id")
    rae.write(subject, "A word about {number}")
    rae.press("Keep the words")
    rae.reads("A word about")
    rae.go("/messages")
    rae.press("Good day")
    rae.reads("Good day to you")
    rae.press("Let it be")
    rae.go("/messages?state=dropped")
    rae.reads("Good day")
    dana = hands(site, "admin")
    dana.go("/webhooks")
    dana.write("url", "https://hooks.acme.dev/in")
    dana.press("Add it")
    dana.reads("https://hooks.acme.dev/in")
