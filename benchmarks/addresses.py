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

# The thing of each kind that has most to show, by what stands in an address, or by all of it; of
# others, the table bears the same name.
_DEPOSIT = """(select d.id from deposit d join attachment a on a.subject = d.id group by d.id
    order by count(*) desc, d.id limit 1)"""
_SIGNED = "sign_off where attachment_id is not null order by id limit 1"
_ONE = {
    "account_id": "select id::text from ledger_account order by id limit 1",
    "bank_line_id": "select id from bank_line where state = 'open' order by id desc limit 1",
    "bill_id": "select bill_id from bill_payment order by id desc limit 1",
    "correction_id": "select id from bank_correction order by id desc limit 1",
    "currency": "select 'USD'",
    "customer_id": "select id from customer order by id limit 1",
    "draft_id": "select id from import_draft order by id limit 1",
    "endpoint_id": "select id from webhook_endpoint order by id limit 1",
    "entry_id": "select id from journal_entry order by id desc offset 1000 limit 1",
    "event_id": "select rail_event_id from inbox_event order by seq desc offset 1000 limit 1",
    "invoice_id": "select id from invoice where state = 'sent' order by id desc limit 1",
    "fee_id": "select id from short_payment order by id limit 1",
    "item_id": "select id from review_item where state = 'open' order by id desc limit 1",
    "line_id": "select seq::text from audit_line order by seq desc limit 1",
    "link_id": "select id from portal_link order by id limit 1",
    "moment": "select moment from reminder_text limit 1",
    "note_id": "select id from credit_note order by id limit 1",
    "payment_id": "select payment_id from allocation order by id desc offset 1000 limit 1",
    "owner_id": "select id from customer order by id limit 1",
    "payout_id": "select id from payout order by line_count desc, id limit 1",
    "project_id": "select project_id from milestone group by 1 order by count(*) desc, 1 limit 1",
    "proposal_id": "select id from proposal order by version desc, id limit 1",
    "role": "select 'clearing'",
    "run_id": "select id from reconciliation_run order by unhealed desc, id limit 1",
    "statement_id": "select id from bank_statement order by line_count desc, id limit 1",
    "subject": "select id from customer order by id limit 1",
    "user_id": "select id from user_account order by id limit 1",
    "vendor_id": "select vendor_id from bill group by 1 order by count(*) desc, 1 limit 1",
    "/admin/bills/<bill_id>/edit": "select id from bill where state = 'draft' limit 1",
    "/admin/invoices/<name>/edit": """select id from invoice
        where state = 'draft' and milestone_id is null limit 1""",
    "/admin/proposals/<proposal_id>/change": """select id from proposal
        where state = 'draft' limit 1""",
    "/admin/recent/<line_id>/undo": """select seq::text from audit_line
        where action = 'invoice.credited' order by seq desc limit 1""",
    "/admin/refunds/<refund_id>/change": "select id from refund where status = 'requested' limit 1",
    "attachments/attachment_id": f"select min(id) from attachment where subject = {_DEPOSIT}",  # noqa: S608  all of it is ours
    "deposits/deposit_id": f"select {_DEPOSIT}",
    "deposits/name": f"select {_DEPOSIT}",
    "invoices/name": "select number from invoice where state = 'sent' order by id desc limit 1",
    "jobs/name": "select 'tidy'",
    "milestones/milestone_id": f"select milestone_id from {_SIGNED}",  # noqa: S608
    "sign-offs/attachment_id": f"select attachment_id from {_SIGNED}",  # noqa: S608
    "switches/name": "select 'refunds'",
    "unmatched/payment_id": "select id from payment where is_held order by id desc limit 1",
}


def _each(field: str, *words: str) -> tuple[str, ...]:
    return ("", *(f"?{field}={word}" for word in words))


_STATES = ("waiting", "sent", "failed", "dropped")
# What is looked for, beside an address as it is.
_ASKED = {
    "/admin/audit": _each("subject", "{customer_id}"),
    "/admin/bills": (
        *_each("view", "open", "part", "due", "overdue", "paid", "draft"),
        "?vendor={vendor_id}",
    ),
    "/admin/customers": _each("name", "Customer", "nobody"),
    "/admin/deposits": (*_each("view", "left", "unpaid"), "?customer={customer_id}"),
    "/admin/disputes": _each("view", "all"),
    "/admin/events": (
        *_each("status", "pending", "failed", "quarantined", "applied"),
        "?about=evt_0000000000005000002",
        "?about=pi_000000000000500000",
        "?about=nobody",
    ),
    "/admin/invoices": (
        *_each("view", "open", "part", "overdue", "paid", "draft"),
        "?customer={customer_id}",
    ),
    "/admin/ledger/accounts/<role>/<currency>": ("?rail=stripe",),
    "/admin/messages": _each("state", *_STATES),
    "/admin/payments": (*_each("status", "captured", "disputed"), "?customer={customer_id}"),
    "/admin/payouts": _each("view", "under_way", "came_back"),
    "/admin/prepayments": _each("view", "left"),
    "/admin/projects": (*_each("view", "all", "unsigned"), "?customer={customer_id}"),
    "/admin/proposals": _each("state", "sent", "draft"),
    "/admin/questions": (
        *_each("view", "mine", "old", "snoozed"),
        *_each("group", "discrepancies", "outside", "failed", "disputes", "events")[1:],
    ),
    "/admin/refunds": _each("tab", "me", "others", "sent", "trouble", "done"),
    "/admin/refunds/new": ("?payment={payment_id}",),
    "/admin/search": ("?q=INV-0000500000", "?q=500000", "?q=nobody", "?q=customer", "?q=buyer"),
    "/admin/statements/<statement_id>": _each("state", "open"),
    "/admin/unmatched": _each(
        "view", "strong", "none", "unmatched", "several", "over", "old", "mine", "snoozed", "asked"
    ),
    "/api/v1/events": _each("limit", "100"),
    "/api/v1/invoices": _each("limit", "100"),
    "/api/v1/notes": ("?subject={customer_id}",),
    "/api/v1/payments": _each("limit", "100"),
    "/api/v1/review-items": _each("limit", "100"),
}
# An account on which little is posted, since ever.
_BESIDE = ("/admin/ledger/accounts/expenses/USD?category=hosting&since=2000-01-01",)
_PART = re.compile(r"<(?:\w+:)?(\w+)>|\{(\w+)\}")


def addresses(bench: Bench) -> tuple[list[str], list[str]]:
    """What to ask for; and what the books hold nothing of."""
    found: list[str] = list(_BESIDE)
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
