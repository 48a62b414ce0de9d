"""Papers on the client's page: theirs alone, with the figures of the page, printed or saved."""

from dataclasses import replace

import pytest

from reconciler.books.consent import RefundPolicy
from reconciler.books.portal import Scope
from reconciler.reads import pages, papers as reads
from reconciler.services import allocations, invoices, projects, refund_by_hand, refunds
from reconciler.services.allocations import Part
from reconciler.services.projects import NewProject
from reconciler.services.refunds import RefundAsk
from reconciler.web.paper import papers
from tests.web.pdfs import needs_pdf
from tests.web.screens import Screens, said
from tests.web.test_portal import link, of_ann, see
from tests.web.test_portal_proposals import a_bath


def places(screens: Screens) -> dict[str, str]:
    """Where each paper of Ann's is, under her link."""
    note, payment = (
        screens.office.scalar(f"select id from {table}") for table in ("credit_note", "payment")
    )
    return {
        "invoice": f"/invoices/{screens.ids['INV-1']}",
        "credit note": f"/credit-notes/{note}",
        "receipt": f"/receipts/{payment}",
        "statement": "/statement",
    }


@pytest.fixture
def path(screens: Screens) -> str:
    """Ann owes 2,000, of which 800 are paid and 100 credited."""
    path = of_ann(screens)[1]
    made = screens.ids["INV-1"]
    screens.by(
        "reconciler", lambda w: invoices.credit_note(w, made, amount=10_000, reason="A page less")
    )
    return path


SAYS = {
    "invoice": ("Invoice INV-1", "Total USD 2,000.00", "Credited USD 100.00", "USD 1,100.00"),
    "credit note": ("Credit note CN-1001", "A page less", "Left to pay on INV-1 USD 1,100.00"),
    "receipt": ("Receipt", "Invoice INV-1 USD 800.00 USD 1,100.00", "Received USD 800.00"),
    "statement": ("Statement", "Ann Lee", "Payment received -USD 800.00", "You owe USD 1,100.00"),
}


@pytest.mark.parametrize("noun", SAYS)
def test_each_paper_says_what_the_page_says(screens: Screens, path: str, noun: str) -> None:
    place = places(screens)[noun]
    answer = see(screens, f"{path}{place}/print")
    words = said(answer)
    for part in SAYS[noun]:
        assert part in words, words
    assert answer.headers["Cache-Control"] == "no-store"
    assert "/portal/paper.css" in answer.get_data(as_text=True)
    assert "/admin" not in answer.get_data(as_text=True)
    if noun != "credit note":
        assert "To print or save" in said(see(screens, path + place))


def test_the_way_to_each_paper_is_on_the_page(screens: Screens, path: str) -> None:
    where = places(screens)
    page = see(screens, f"{path}{where['invoice']}").get_data(as_text=True)
    for place in (where["invoice"], where["credit note"]):
        assert f'href="{path}{place}/print"' in page
    assert see(screens, "/portal/paper.css").get_data() == papers.STYLE.read_bytes()


@pytest.mark.parametrize("noun", SAYS)
def test_nobody_else_gets_a_paper(screens: Screens, path: str, noun: str) -> None:
    place = places(screens)[noun]
    nothing = see(screens, "/portal/x").get_data()
    ben = link(screens, screens.customer("Ben Ode"))
    answer = see(screens, f"{ben}{place}/print")
    if noun == "statement":
        assert "INV-1" not in said(answer)
    else:
        assert (answer.status_code, answer.get_data()) == (404, nothing)
    screens.office.clock.advance(days=31)
    assert see(screens, f"{path}{place}/print").status_code == 404


def test_a_period_is_kept_on_paper(screens: Screens, path: str) -> None:
    words = said(see(screens, f"{path}/statement/print?since=2026-01-01&until=2026-01-31"))
    assert "From 1 January 2026 To 31 January 2026" in words
    assert "INV-1" not in words


def test_a_projects_link_prints_what_is_the_projects(screens: Screens) -> None:
    ann = screens.customer("Ann Lee")
    kitchen, bath = (_project(screens, ann, name) for name in ("Kitchen", "Bath"))
    for number, project in (("INV-1", kitchen), ("INV-2", bath)):
        screens.invoice(ann, 10_000, number, project_id=project)
    screens.paid(15_000, metadata={"invoice": "INV-1"})
    payment = screens.office.scalar("select id from payment")
    screens.by("reconciler", lambda w: _move(w, payment, screens.ids["INV-2"], 5_000))
    path = link(screens, kitchen, Scope.PROJECT)
    words = said(see(screens, f"{path}/receipts/{payment}/print"))
    assert "Invoice INV-1 USD 100.00" in words
    assert "INV-2" not in words
    assert "Received USD 100.00" in words
    assert see(screens, f"{path}/invoices/{screens.ids['INV-2']}/print").status_code == 404
    assert "Project Kitchen" in said(see(screens, f"{path}/statement/print"))


def _project(screens: Screens, ann: str, name: str) -> str:
    new = NewProject(customer_id=ann, name=name, currency="USD", original_price=10_000)
    return screens.by("reconciler", lambda w: projects.create(w, new))


def _move(work, payment: str, target: str, amount: int) -> None:
    allocations.allocate(work, payment, [Part(invoice_id=target, deposit_id=None, amount=amount)])


def test_what_went_back_stands_on_the_receipt(screens: Screens, path: str) -> None:
    payment = screens.office.scalar("select id from payment")
    ask = RefundAsk(reason="goodwill", payment_id=payment, amount=30_000)
    made = screens.by("reconciler", lambda w: refunds.request(w, ask, RefundPolicy()))
    screens.by("approver", lambda w: refunds.approve(w, made))
    screens.by("admin", lambda w: refund_by_hand.settle_by_hand(w, made, reference="Cheque 17"))
    words = said(see(screens, f"{path}/receipts/{payment}/print"))
    for part in (
        "Received USD 800.00",
        "Paid back or taken back -USD 300.00",
        "Left of it USD 500.00",
    ):
        assert part in words, words


@needs_pdf
def test_a_pdf_is_saved_where_one_is_made(screens: Screens, path: str) -> None:
    for noun, place in places(screens).items():
        assert "as=pdf" in see(screens, f"{path}{place}/print").get_data(as_text=True)
        made = see(screens, f"{path}{place}/print?as=pdf")
        assert made.mimetype == "application/pdf"
        assert made.headers["Content-Disposition"].startswith("attachment; "), noun
        assert made.headers["Cache-Control"] == "no-store"
        assert made.get_data().startswith(b"%PDF-")


def test_where_none_is_made_there_is_the_page_and_no_button(
    screens: Screens, path: str, monkeypatch
) -> None:
    monkeypatch.setattr(papers.importlib.util, "find_spec", lambda name: None)
    for place in places(screens).values():
        assert "as=pdf" not in see(screens, f"{path}{place}/print").get_data(as_text=True)
        assert see(screens, f"{path}{place}/print?as=pdf").status_code == 404


def test_a_part_of_a_statement_begins_where_the_one_before_ended(
    screens: Screens, path: str
) -> None:
    first = screens.office.rows(
        "select posted_on, at, id from journal_entry where invoice_id is not null order by at, id"
    )[0]
    after = pages.encode((first.posted_on, first.at, first.id, "USD"))
    days = "since=2026-01-01&until=2026-12-31"
    whole = see(screens, f"{path}/statement?{days}").get_data(as_text=True)
    assert "Carried" not in whole
    part = see(screens, f"{path}/statement?{days}&after={after}").get_data(as_text=True)
    assert "Carried forward" in part
    assert f"after={after}" in part.split("To print or save")[0].rsplit("href", 1)[1]
    printed = said(see(screens, f"{path}/statement/print?{days}&after={after}"))
    assert "It begins where the page before ended" in printed
    wrong = see(screens, f"{path}/statement?{days}&after=x")
    assert (wrong.status_code, "no cursor" in said(wrong)) == (422, True)
    assert "INV-1" not in said(see(screens, f"{path}/statement/print?{days}&after=x"))


def test_a_very_long_statement_is_printed_and_not_made_into_a_pdf(monkeypatch) -> None:
    monkeypatch.setattr(papers.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(papers, "PANGO", ())
    short = reads.Paper("statement.html", "Statement", {}, lines=papers.PDF_LINES_MAX)
    assert papers.can_print(short)
    assert not papers.can_print(replace(short, lines=papers.PDF_LINES_MAX + 1))


def test_a_proposals_link_prints_nothing(screens: Screens, path: str) -> None:
    offered = a_bath(screens)
    for place in places(screens).values():
        assert see(screens, f"{offered}{place}/print").status_code == 404
