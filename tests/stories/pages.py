"""What the books say about one telling, and the tables that say what they should.

A table has a line for the ledger, one for each document, one for each payment, and one for what
people are asked. An amount that is not mentioned is nothing; a question that is not mentioned is
not asked. A payment's status and what it was authorized for are looked at where a table says them.

    books     clearing 9680  processing_fees 320  revenue -10000
    books EUR clearing 0
    INV-1     paid 10000
    DEP-1     received 3000  remaining 3000
    payment   captured 10000  captured
    asks      overpayment 2000

`payment 2` is the second one; `payments` are all of them together, where it does not matter which.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.books.invoices import InvoiceState
from reconciler.reads import balances
from tests.oracle import Books
from tests.runtime import Office
from tests.stories.telling import Telling

Line = dict[str, int | str]
Page = dict[str, Line]

STATUS = "status"
ASKS = "asks"
TOGETHER = "payments"

_PAYMENTS = """select p.id, p.rail_payment_id, p.authorized, p.captured, p.refunded, p.lost,
      p.status,
      p.captured - p.refunded - p.lost - coalesce((select sum(amount) from allocation a
        where a.payment_id = p.id), 0)::bigint as unapplied
    from payment p"""
_INVOICES = "select id, number, state, total, paid, credited, write_offs from invoice"
_DEPOSITS = """select id, code, received, applied, refunded,
      received - applied - refunded as remaining from deposit"""
_LINES = """select e.payment_id, e.invoice_id, e.deposit_id, a.role, a.currency,
      sum(p.amount)::bigint as amount
    from posting p join journal_entry e on e.id = p.entry_id
    join ledger_account a on a.id = p.account_id group by 1, 2, 3, 4, 5"""
_PAYOUTS = """select p.rail_payout_id, p.amount, p.status,
      case when p.listed_at is not null then p.lines_net end as lines_net from payout p"""
_PAYOUT_LINES = """select o.rail_payout_id, a.role, a.currency, sum(p.amount)::bigint as amount
    from posting p join journal_entry e on e.id = p.entry_id
    join ledger_account a on a.id = p.account_id join payout o on o.id = e.payout_id
    group by 1, 2, 3"""
_ALL_ASKED = """select payment_id, kind, coalesce(amount, 0) as amount from review_item
    where state = 'open'"""


def read_table(text: str) -> Page:
    """A table as a page."""
    page: Page = {}
    for row in filter(str.strip, text.splitlines()):
        name, *words = row.split("#")[0].split()
        if name == "payment" and words[0].isdigit():
            name = f"payment {words.pop(0)}"
        elif name == "payment":
            name = "payment 1"
        elif name == "books":
            name = f"books {words.pop(0) if words[0].isupper() else 'USD'}"
        page[name] = page.get(name, {}) | _line(words)
    page.setdefault(ASKS, {})
    return page


def _line(words: list[str]) -> Line:
    line: Line = {}
    for place, word in enumerate(words):
        follows = words[place + 1] if place + 1 < len(words) else ""
        if _is_amount(follows):
            line[word] = int(follows)
        elif not _is_amount(word):
            line[STATUS] = word
    return {name: value for name, value in line.items() if value}


def _is_amount(word: str) -> bool:
    return word.lstrip("-").isdigit()


@dataclass(frozen=True)
class Shown:
    """All that the books say, read once for the pages of many tellings."""

    payments: list
    invoices: list
    deposits: list
    lines: list
    asked: list
    payouts: list
    payout_lines: list
    coming: dict[str, int]  # by invoice

    @classmethod
    def by(cls, office: Office) -> "Shown":
        """As they are now."""
        queries = (_PAYMENTS, _INVOICES, _DEPOSITS, _LINES, _ALL_ASKED, _PAYOUTS, _PAYOUT_LINES)
        found = [*map(office.rows, queries)]
        with office.runtime.read() as session:
            ids = [row.id for row in found[1]]
            stand = balances.of_invoices(session, ids, today=office.clock().date())
        return cls(*found, coming={at: one.on_its_way for at, one in stand.items()})

    def ledger(self, payments: set[str], documents: set[str]) -> Iterator[tuple[str, str, int]]:
        """Currency, role and amount of what was posted because of these."""
        found: Counter[tuple[str, str]] = Counter()
        for row in self.lines:
            if row.payment_id in payments or documents & {row.invoice_id, row.deposit_id}:
                found[row.currency, row.role] += row.amount
        return ((*name, amount) for name, amount in found.items() if amount)


def page_of(shown: Shown, telling: Telling, wanted: Page) -> Page:
    """The telling's page; statuses and questions as far as the table speaks of them."""
    page: Page = {}
    ids = {p.intent or p.charge: n for n, p in enumerate(telling.payments, 1)}
    paid = [row for row in shown.payments if row.rail_payment_id in ids]
    for row in paid:
        name = f"payment {ids[row.rail_payment_id]}"
        page[name] = {n: getattr(row, n) for n in ("captured", "refunded", "lost", "unapplied")}
        for column in {STATUS, "authorized"} & wanted.get(name, {}).keys():
            page[name][column] = getattr(row, column)
    ours = {id_: name for name, id_ in telling.documents.items()}
    for row in shown.invoices:
        if row.id in ours:
            owed = row.total - row.paid - row.credited if row.state == InvoiceState.SENT else 0
            page[ours[row.id]] = {"paid": row.paid, "credited": row.credited, "owed": owed}
            page[ours[row.id]]["written_off"] = row.write_offs
            page[ours[row.id]]["on_its_way"] = shown.coming[row.id]
    for row in shown.deposits:
        if row.id in ours:
            names = ("received", "applied", "refunded", "remaining")
            page[ours[row.id]] = {name: getattr(row, name) for name in names}
    payments = {row.id for row in paid}
    for currency, role, amount in shown.ledger(payments, set(ours)):
        page.setdefault(f"books {currency}", {})[role] = amount
    if TOGETHER in wanted:
        _put_together(page)
    page[ASKS] = _asked(shown, payments)
    page = {name: {n: v for n, v in line.items() if v} for name, line in page.items()}
    return {name: line for name, line in page.items() if line or name in wanted}


def _put_together(page: Page) -> None:
    total: Counter[str] = Counter()
    for name in [name for name in page if name.startswith("payment ")]:
        total.update(page.pop(name))
    page[TOGETHER] = dict(total)


def _asked(shown: Shown, payments: set[str]) -> Line:
    told: Counter[str] = Counter()
    for row in shown.asked:
        if row.payment_id in payments:
            told[row.kind] += row.amount
    return dict(told)


def documents_match(shown: Shown, books: Books) -> None:
    """The books against the oracle's, for the payments and documents that the oracle speaks of."""
    paid = {
        row.rail_payment_id: row for row in shown.payments if row.rail_payment_id in books.known
    }
    invoices = [row for row in shown.invoices if row.number in books.invoices]
    deposits = [row for row in shown.deposits if row.code in books.deposits]
    documents = {row.id for row in (*invoices, *deposits)}
    posted = shown.ledger({row.id for row in paid.values()}, documents)
    ledger = {(role, currency): amount for currency, role, amount in posted}
    assert ledger == books.ledger
    paid = {name: row for name, row in paid.items() if row.captured}
    told = {name: (row.captured, row.refunded, row.lost) for name, row in paid.items()}
    assert told == {name: said[:3] for name, said in books.payments.items()}
    for rivals in books.rivals:  # which of them is left with the excess is nobody's business
        left = sum(paid[name].unapplied for name in rivals if name in paid)
        assert left == sum(books.payments[name][3] for name in rivals if name in paid), rivals
    owed = {
        row.number: (row.paid, row.credited, row.total - row.paid - row.credited)
        for row in invoices
        if row.state == InvoiceState.SENT
    }
    assert owed == {n: said for n, said in books.invoices.items() if n in owed}
    held = {row.code: (row.received, row.applied, row.refunded, row.remaining) for row in deposits}
    assert held == books.deposits
    _payouts_match(shown, books)


def _payouts_match(shown: Shown, books: Books) -> None:
    told = {
        row.rail_payout_id: (row.amount, row.status, row.lines_net)
        for row in shown.payouts
        if row.rail_payout_id in books.payouts
    }
    assert told == books.payouts
    ledger: Counter[tuple[str, str]] = Counter()
    for row in shown.payout_lines:
        if row.rail_payout_id in books.payouts:
            ledger[row.role, row.currency] += row.amount
    assert {name: amount for name, amount in ledger.items() if amount} == books.payout_ledger
