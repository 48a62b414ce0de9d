"""Papers on the client's page: what it shows already, to print or, where one is made, as a PDF."""

from flask import Response, request, url_for

from reconciler.errors import NotFound
from reconciler.reads import client_page, papers as reads
from reconciler.reads.papers import Paper
from reconciler.web import periods
from reconciler.web.paper import papers
from reconciler.web.portal import pages
from reconciler.web.portal.visit import Visit


def print_invoice(visit: Visit, invoice_id: str) -> Response:
    """An invoice that was sent to them. Raises NotFound."""
    with visit.runtime.read() as session:
        client_page.invoice(session, visit.seen, invoice_id, today=visit.today)
        paper = reads.invoice(session, invoice_id, today=visit.today)
    back = url_for("portal.show_invoice", token=visit.token, invoice_id=invoice_id)
    return _given(visit, paper, back)


def print_credit_note(visit: Visit, note_id: str) -> Response:
    """A credit note on an invoice of theirs. Raises NotFound."""
    with visit.runtime.read() as session:
        paper = reads.credit_note(session, note_id, today=visit.today)
        invoice_id = paper.values["invoice"].id
        client_page.invoice(session, visit.seen, invoice_id, today=visit.today)
    back = url_for("portal.show_invoice", token=visit.token, invoice_id=invoice_id)
    return _given(visit, paper, back)


def print_receipt(visit: Visit, payment_id: str) -> Response:
    """A receipt; a project's link shows of it what is the project's. Raises NotFound."""
    with visit.runtime.read() as session:
        found = client_page.receipts(session, visit.seen, payment_id=payment_id)
        if not found:
            raise NotFound("there is no such payment")
        paper = reads.receipt(session, payment_id)
    if visit.seen.project_id is not None:
        paper = reads.part_of_receipt(paper, found[0].documents, found[0].amount)
    back = url_for("portal.show_receipt", token=visit.token, payment_id=payment_id)
    return _given(visit, paper, back)


def print_statement(visit: Visit) -> Response:
    """Their statement for a period, or their project's, as the page shows it."""
    since, until, _ = periods.asked(request.args, visit.today)
    with visit.runtime.read() as session:
        whose = client_page.customer_name(session, visit.seen)
        about = client_page.project_name(session, visit.seen)
        found, _ = periods.told(
            lambda: client_page.statements(
                session, visit.seen, since, until, after=request.args.get("after")
            ),
            "",
        )
    paper = reads.statement(found, whose=whose, since=since, until=until, about=about)
    back = url_for("portal.show_statement", token=visit.token, since=since, until=until)
    return _given(visit, paper, back)


def _given(visit: Visit, paper: Paper, back: str) -> Response:
    style = url_for("portal.paper_style")
    icon = pages.asset("mark.svg")
    return papers.answer(paper, visit.runtime.settings.seller, style=style, icon=icon, back=back)
