"""The journal as QuickBooks and Xero take journals in: their columns, our facts.

One file holds one currency, because both tools give a whole import to one. An entry balances in
each currency by itself, so each journal number does in its file. Accounts are called as in the
chart here; a map says what they are called there. What each tool asks of a file, and where it says
so, is in docs/accounting.md.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.errors import Invalid
from reconciler.money import decimal_text
from reconciler.reads import export_text
from reconciler.reads.ledger import EntryRow

FORMS = ("quickbooks", "xero")
NAME_CHARS_MAX = 200
_HEADERS = {
    "quickbooks": (
        "Journal No.", "Journal Date", "Currency", "Account Name", "Debits", "Credits",
        "Description", "Name", "Memo",
    ),
    "xero": ("*Narration", "*Date", "Description", "*AccountCode", "*TaxRate", "*Amount"),
}  # fmt: skip

_AT_ONCE = 500  # entries whose customers and vendors are looked up together
_NUMBER_CHARS_MAX = 21  # of a journal, in QuickBooks
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WITH_A_NAME = {"accounts_receivable", "accounts_payable"}
_PARTIES = sa.text(
    """select i.id, c.name from invoice i join customer c on c.id = i.customer_id
    where i.id = any(:invoices)
    union all select b.id, v.name from bill b join vendor v on v.id = b.vendor_id
    where b.id = any(:bills)"""
)

Names = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a file is to be; `names` is what accounts are called there, and `no_tax` a rate of 0."""

    form: str
    currency: str
    names: Names


def names_of(said: object) -> Names:
    """What our accounts are called elsewhere: by role, role:rail, role:category. Raises Invalid."""
    if not isinstance(said, dict) or not all(
        isinstance(name, str) and 0 < len(name) <= NAME_CHARS_MAX and name.isprintable()
        for name in said.values()
    ):
        raise Invalid('accounts are an object such as {"revenue": "400"}', field="accounts")
    return {str(role): name for role, name in said.items()}


def pieces(session: Session, entries: Iterable[EntryRow], wanted: Wanted) -> Iterator[str]:
    """A header, then the lines of each entry in the currency that is wanted."""
    page = io.StringIO(newline="")
    writer = csv.writer(page)
    writer.writerow(_HEADERS[wanted.form])
    lines = _LINES[wanted.form]
    for entry, party in _with_parties(session, entries):
        writer.writerows(lines(entry, party, wanted))
        yield page.getvalue()
        page.seek(0)
        page.truncate()
    yield page.getvalue()


def _with_parties(session: Session, entries: Iterable[EntryRow]) -> Iterator[tuple[EntryRow, str]]:
    """Each entry with the customer or vendor whose invoice or bill it is about, or nobody."""
    waiting = iter(entries)
    while some := list(islice(waiting, _AT_ONCE)):
        invoices = sorted({entry.invoice_id for entry in some if entry.invoice_id})
        bills = sorted({entry.bill_id for entry in some if entry.bill_id})
        rows = session.execute(_PARTIES, {"invoices": invoices, "bills": bills})
        known = {row.id: row.name for row in rows}
        for entry in some:
            yield entry, known.get(entry.invoice_id or entry.bill_id or "", "")


def _quickbooks(entry: EntryRow, party: str, wanted: Wanted) -> Iterator[tuple[str, ...]]:
    for role, account, debit, credit in _postings(entry, wanted):
        yield (
            _number(entry),
            entry.posted_on.strftime("%m/%d/%Y"),
            wanted.currency,
            account,
            decimal_text(debit, wanted.currency) if debit else "",
            decimal_text(credit, wanted.currency) if credit else "",
            entry.key,
            export_text.safe(party) if role in _WITH_A_NAME else "",
            entry.id,
        )


def _xero(entry: EntryRow, _party: str, wanted: Wanted) -> Iterator[tuple[str, ...]]:
    on = entry.posted_on
    day = f"{on.day} {_MONTHS[on.month - 1]} {on.year}"  # which nobody reads the other way round
    no_tax = wanted.names.get("no_tax", "Tax Exempt")
    for _, account, debit, credit in _postings(entry, wanted):
        amount = decimal_text(debit - credit, wanted.currency)
        yield entry.id, day, entry.key, account, no_tax, amount


def _postings(entry: EntryRow, wanted: Wanted) -> Iterator[tuple[str, str, int, int]]:
    names = wanted.names
    for line in entry.postings:
        if line.currency == wanted.currency:
            full = ":".join(filter(None, (line.role, line.rail, line.category)))
            name = names.get(full) or names.get(line.role) or full
            yield line.role, name, line.debit, line.credit


def _number(entry: EntryRow) -> str:
    """The time and most of the chance in an id: as long as it may be, and no other's."""
    return entry.id.rpartition("_")[2][:_NUMBER_CHARS_MAX]


_LINES: Mapping[str, Callable[[EntryRow, str, Wanted], Iterator[tuple[str, ...]]]] = {
    "quickbooks": _quickbooks,
    "xero": _xero,
}
