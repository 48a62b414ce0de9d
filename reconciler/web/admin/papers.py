"""Papers to print or save: an invoice, a credit note, a receipt."""

from flask import Response, url_for

from reconciler.reads import papers as reads, screens_documents
from reconciler.reads.papers import Paper
from reconciler.web.admin import pages
from reconciler.web.admin.desk import Desk
from reconciler.web.admin.routes import Screens
from reconciler.web.paper import papers

screens = Screens()


@screens.get("/paper.css")
def paper_style(desk: Desk) -> Response:  # noqa: ARG001  every screen is given its desk
    """How papers look."""
    return Response(papers.STYLE.read_text(), mimetype="text/css")


@screens.get("/invoices/<name>/print")
def print_invoice(desk: Desk, name: str) -> Response:
    """An invoice as a page that prints well, or with `as=pdf` as a PDF."""
    with desk.runtime.read() as session:
        line = screens_documents.the_invoice(session, name)
        paper = reads.invoice(session, line.id, today=desk.today)
    return _given(desk, paper, back=url_for("admin.show_invoice", name=line.id))


@screens.get("/credit-notes/<note_id>/print")
def print_credit_note(desk: Desk, note_id: str) -> Response:
    """A credit note, likewise."""
    with desk.runtime.read() as session:
        paper = reads.credit_note(session, note_id, today=desk.today)
    back = url_for("admin.show_invoice", name=paper.values["invoice"].id)
    return _given(desk, paper, back=back)


@screens.get("/payments/<payment_id>/print")
def print_receipt(desk: Desk, payment_id: str) -> Response:
    """The receipt of a payment, likewise."""
    with desk.runtime.read() as session:
        paper = reads.receipt(session, payment_id)
    back = url_for("admin.show_payment", payment_id=payment_id)
    return _given(desk, paper, back=back)


def _given(desk: Desk, paper: Paper, *, back: str) -> Response:
    style = url_for("admin.paper_style")
    icon = pages.asset("icon.svg")
    return papers.answer(paper, desk.runtime.settings.seller, style=style, icon=icon, back=back)
