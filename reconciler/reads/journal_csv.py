"""The journal as QuickBooks and Xero take journals in: their columns, our facts.

One file holds one currency, because both tools give a whole import to one. An entry balances in
each currency by itself, so each journal number does in its file. Accounts are called as in the
chart here; a map says what they are called there.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date

from reconciler.errors import Invalid
from reconciler.money import decimal_text
from reconciler.reads.ledger import EntryRow

FORMS = ("quickbooks", "xero")
NAME_CHARS_MAX = 200
_HEADERS = {
    "quickbooks": (
        "Journal No", "Journal Date", "Currency", "Account", "Debits", "Credits", "Description",
        "Memo",
    ),
    "xero": ("*Narration", "*Date", "Description", "*AccountCode", "*TaxRate", "*Amount"),
}  # fmt: skip

Names = Mapping[str, str]


def names_of(said: object) -> Names:
    """What our accounts are called elsewhere: by role, role:rail, role:category. Raises Invalid."""
    if not isinstance(said, dict) or not all(
        isinstance(name, str) and 0 < len(name) <= NAME_CHARS_MAX and name.isprintable()
        for name in said.values()
    ):
        raise Invalid('accounts are an object such as {"revenue": "400"}', field="accounts")
    return {str(role): name for role, name in said.items()}


def pieces(form: str, entries: Iterable[EntryRow], currency: str, names: Names) -> Iterator[str]:
    """A header, then the lines of each entry in this currency."""
    page = io.StringIO(newline="")
    writer = csv.writer(page)
    writer.writerow(_HEADERS[form])
    lines = _LINES[form]
    for entry in entries:
        writer.writerows(lines(entry, currency, names))
        yield page.getvalue()
        page.seek(0)
        page.truncate()
    yield page.getvalue()


def _quickbooks(entry: EntryRow, currency: str, names: Names) -> Iterator[tuple[str, ...]]:
    for account, debit, credit in _postings(entry, currency, names):
        yield (
            entry.id,
            _day(entry).strftime("%m/%d/%Y"),
            currency,
            account,
            decimal_text(debit, currency) if debit else "",
            decimal_text(credit, currency) if credit else "",
            entry.key,
            entry.id,
        )


def _xero(entry: EntryRow, currency: str, names: Names) -> Iterator[tuple[str, ...]]:
    for account, debit, credit in _postings(entry, currency, names):
        amount = decimal_text(debit - credit, currency)
        yield entry.id, _day(entry).isoformat(), entry.key, account, "Tax Exempt", amount


def _postings(entry: EntryRow, currency: str, names: Names) -> Iterator[tuple[str, int, int]]:
    for line in entry.postings:
        if line.currency == currency:
            full = ":".join(filter(None, (line.role, line.rail, line.category)))
            yield names.get(full) or names.get(line.role) or full, line.debit, line.credit


def _day(entry: EntryRow) -> date:
    return entry.posted_on


_LINES: Mapping[str, Callable[[EntryRow, str, Names], Iterator[tuple[str, ...]]]] = {
    "quickbooks": _quickbooks,
    "xero": _xero,
}
