"""Every noun that is exported, in one table: the command, the API and the papers go by it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.money import decimal_text
from reconciler.reads import export_documents, export_more as more, exports
from reconciler.reads.export_more import Kind
from reconciler.reads.export_rows import UNTIL, Row, Window
from reconciler.reads.ledger import EntryRow

JOURNAL = "journal"
ONLY_ADMINS = frozenset({"audit"})  # who may read what everybody did


def _lines(session: Session, window: Window, _today: date) -> Iterator[Row]:
    for entry in exports.journal(session, window):
        yield from exports.lines_of(entry)


_SINCE = ">= coalesce(cast(:since as timestamptz), '-infinity')"
KINDS: Mapping[str, Kind] = {
    JOURNAL: Kind(
        "when it was booked",
        exports.JOURNAL,
        _lines,
        f"select count(*) from journal_entry e where e.at {_SINCE} and e.at {UNTIL}",
    ),
    "accounts": more.ACCOUNTS,
    "customers": more.CUSTOMERS,
    "projects": more.PROJECTS,
    "change-orders": more.CHANGE_ORDERS,
    "milestones": more.MILESTONES,
    "proposals": more.PROPOSALS,
    "invoices": Kind(
        "the day on it; of a draft, the day it was made",
        exports.INVOICES,
        lambda session, window, today: exports.invoices(session, window, today=today),
        f"select count(*) from invoice i where {exports.INVOICE_WINDOW}",
    ),
    "invoice-lines": more.INVOICE_LINES,
    "credit-notes": more.CREDIT_NOTES,
    "deposits": more.DEPOSITS,
    "payments": Kind(
        "when the rail says that it was paid",
        exports.PAYMENTS,
        lambda session, window, _: exports.payments(session, window),
        f"""select count(*) from payment p
        where p.occurred_at {_SINCE} and p.occurred_at {UNTIL}""",
    ),
    "allocations": more.ALLOCATIONS,
    "applications": more.APPLICATIONS,
    "refunds": Kind(
        "when it was asked for",
        exports.REFUNDS,
        lambda session, window, _: exports.refunds(session, window),
    ),
    "disputes": more.DISPUTES,
    "payouts": Kind(
        "when it was made",
        exports.PAYOUTS,
        lambda session, window, _: exports.payouts(session, window),
    ),
    "payout-lines": Kind(
        "when it moved",
        exports.PAYOUT_LINES,
        lambda session, window, _: exports.payout_lines(session, window),
    ),
    **more.PURCHASES,
    "bank-lines": more.BANK_LINES,
    "review-items": more.REVIEW_ITEMS,
    "documents": export_documents.DOCUMENTS,
    "events": more.EVENTS,
    "messages": more.MESSAGES,
    "audit": more.AUDIT,
}


def take_time(session: Session) -> None:
    """Counting or sorting a large ledger may take longer than any request else."""
    session.execute(sa.text("set local statement_timeout = 0"))


def count(session: Session, noun: str, window: Window) -> int | None:
    """How many rows there will be; None where that cannot be known beforehand."""
    counted = KINDS[noun].counted
    if counted is None:
        return None
    given = {"since": window.since, "until": window.until}
    found = session.execute(sa.text(counted), given).scalar_one()
    assert isinstance(found, int), f"{found!r} is no count"
    return found


def documents(
    session: Session, noun: str, window: Window, today: date
) -> Iterator[Mapping[str, Any]]:
    """The rows as objects; an entry of the journal has its postings inside it."""
    if noun == JOURNAL:
        return map(document_of, exports.journal(session, window))
    return KINDS[noun].rows(session, window, today)


def document_of(entry: EntryRow) -> dict[str, Any]:
    """An entry with its postings inside it."""
    document = asdict(entry)
    for number, line in enumerate(document["postings"], 1):
        line |= {"line": number}
        for side in ("debit", "credit"):
            line[f"{side}_decimal"] = decimal_text(line[side], line["currency"])
    return document
