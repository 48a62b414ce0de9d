"""The search box: an id jumps straight to its page, words list what holds them."""

from flask import Response, request

from reconciler.reads import screens_search
from reconciler.reads.pages import Session
from reconciler.reads.screens_search import Hit
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.routes import Screens

screens = Screens()

QUERY_CHARS_MAX = 200
WORD_CHARS_MIN = 2
PAGES = {
    "payment": ("show_payment", "payment_id"),
    "invoice": ("show_invoice", "name"),
    "deposit": ("show_deposit", "name"),
    "event": ("show_event", "event_id"),
    "refund": ("show_refund", "refund_id"),
    "dispute": ("show_dispute", "dispute_id"),
    "customer": ("show_customer", "customer_id"),
    "payout": ("show_payout", "payout_id"),
    "vendor": ("show_vendor", "vendor_id"),
    "bill": ("show_bill", "bill_id"),
    "prepayment": ("show_prepayment", "prepayment_id"),
}


@screens.get("/search")
def show_search(desk: Desk) -> Response:
    """Where the words lead."""
    query = request.args.get("q", "").replace("\0", "").strip()[:QUERY_CHARS_MAX]
    if not query:
        return desk.page("search.html", query="", hits=[], pages=PAGES)
    with desk.runtime.read() as session:
        found = screens_search.jump(session, query)
        hits = [] if found else _hits(session, query)
    if found:
        endpoint, name = PAGES[found[0]]
        return go(endpoint, **{name: found[1]})
    return desk.page("search.html", query=query, hits=hits, pages=PAGES)


def _hits(session: Session, query: str) -> list[Hit]:
    """What is called that, and what is of that amount; each once."""
    named = screens_search.look(session, query) if len(query) >= WORD_CHARS_MIN else []
    known = {(hit.kind, hit.id) for hit in named}
    return named + [
        hit for hit in screens_search.of_amount(session, query) if (hit.kind, hit.id) not in known
    ]
