"""Every address of the screens and of the API that can be looked at, with things of the books.

Taken from the routes themselves, so that none is forgotten: an address whose parts nobody says how
to fill ends the program, and one of which the books hold nothing is told as such.
"""

import re
from collections.abc import Iterator

from sqlmodel import SQLModel

from benchmarks.stage import Bench
from reconciler.web.admin.blueprint import routes
from reconciler.web.api.blueprint import PREFIX, ROUTES

# One thing of each kind, by what stands in an address, or by all of it; of others, the table bears
# the same name.
_ONE = {
    "account_id": "select id::text from ledger_account order by id limit 1",
    "correction_id": "select id from bank_correction limit 1",
    "currency": "select 'USD'",
    "customer_id": "select id from customer order by id limit 1",
    "draft_id": "select id from import_draft limit 1",
    "endpoint_id": "select id from webhook_endpoint limit 1",
    "entry_id": "select id from journal_entry order by id desc offset 1000 limit 1",
    "event_id": "select rail_event_id from inbox_event order by seq desc offset 1000 limit 1",
    "invoice_id": "select id from invoice where state = 'sent' order by id desc limit 1",
    "item_id": "select id from review_item where state = 'open' order by id desc limit 1",
    "line_id": "select seq::text from audit_line order by seq desc limit 1",
    "link_id": "select id from portal_link limit 1",
    "moment": "select moment from reminder_text limit 1",
    "note_id": "select id from credit_note limit 1",
    "payment_id": "select payment_id from allocation order by id desc offset 1000 limit 1",
    "role": "select 'clearing'",
    "run_id": "select id from reconciliation_run limit 1",
    "statement_id": "select id from bank_statement limit 1",
    "subject": "select id from customer order by id limit 1",
    "user_id": "select id from user_account limit 1",
    "/admin/invoices/<name>/edit": "select number from invoice where state = 'draft' limit 1",
    "deposits/name": "select code from deposit limit 1",
    "invoices/name": "select number from invoice where state = 'sent' order by id desc limit 1",
    "jobs/name": "select 'tidy'",
    "switches/name": "select 'refunds'",
    "unmatched/payment_id": "select id from payment where is_held order by id desc limit 1",
}
_VIEWS = ("open", "part", "overdue", "paid", "draft")
# What is looked for, beside an address as it is.
_ASKED = {
    "/admin/search": ("?q=INV-0000500000", "?q=500000", "?q=nobody", "?q=customer", "?q=buyer"),
    "/admin/refunds/new": ("?payment={payment_id}",),
    "/admin/invoices": ("", *(f"?view={view}" for view in _VIEWS), "?customer={customer_id}"),
    "/admin/payments": ("", "?customer={customer_id}", "?status=captured", "?status=disputed"),
    "/admin/events": (
        "",
        "?about=evt_0000000000005000002",
        "?about=pi_000000000000500000",
        "?about=nobody",
        "?status=pending",
        "?status=failed",
        "?status=applied",
    ),
    "/admin/ledger/accounts/<role>/<currency>": ("?rail=stripe",),
    "/api/v1/notes": ("?subject={customer_id}",),
    "/api/v1/payments": ("", "?limit=100"),
    "/api/v1/invoices": ("", "?limit=100"),
    "/api/v1/events": ("", "?limit=100"),
}
_PART = re.compile(r"<(?:\w+:)?(\w+)>|\{(\w+)\}")


def addresses(bench: Bench) -> tuple[list[str], list[str]]:
    """What to ask for; and what the books hold nothing of."""
    found: list[str] = []
    missing: list[str] = []
    for rule in sorted(set(_rules())):
        for asked in _ASKED.get(rule, ("",)):
            address = _filled(bench, rule + asked)
            (found if address else missing).append(address or rule)
    return found, missing


def _rules() -> Iterator[str]:
    yield from ("/admin" + route.rule for route in routes() if route.method == "GET")
    for route in ROUTES:
        if route.method == "GET" and not route.hands_out_a_file:
            yield PREFIX + route.path


def unsaid() -> list[str]:
    """The parts of addresses that nobody says how to fill."""
    found: set[str] = set()
    for rule in _rules():
        for part in _PART.finditer(rule):
            try:
                _statement(rule, part)
            except SystemExit as why:
                found.add(str(why))
    return sorted(found)


def _filled(bench: Bench, rule: str) -> str | None:
    kept: dict[str, str] = {}
    for found in _PART.finditer(rule):
        rows = bench.sql(_statement(rule, found))
        if not rows:
            return None
        kept[found[0]] = str(rows[0][0])
    return _PART.sub(lambda found: kept[found[0]], rule)


def _statement(rule: str, found: re.Match[str]) -> str:
    part = found[1] or found[2]
    noun = rule[: found.start()].rstrip("/").rpartition("/")[2]
    return _ONE.get(rule) or _ONE.get(f"{noun}/{part}") or _ONE.get(part) or _any(part)


def _any(part: str) -> str:
    noun = part.removesuffix("_id")
    if noun == part or noun not in SQLModel.metadata.tables:
        raise SystemExit(f"benchmarks/addresses.py does not say what <{part}> may be")
    return f"select id from {noun} limit 1"  # noqa: S608  a table's name
