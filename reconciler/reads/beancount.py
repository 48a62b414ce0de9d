"""The journal as a Beancount ledger, so that a program that is not ours can check our books.

Each role becomes an account: the kind gives the first word, the role the second, and clearing
the rail as a third, expenses their category. Trading accounts go under Equity, because Beancount
has five kinds only.

    bank                 Assets:Bank
    clearing (stripe)    Assets:Clearing:Stripe
    undeposited          Assets:Undeposited
    accounts_receivable  Assets:AccountsReceivable
    disputed_funds       Assets:DisputedFunds
    payouts_in_transit   Assets:PayoutsInTransit
    vendor_prepayments   Assets:VendorPrepayments
    input_tax            Assets:InputTax
    customer_deposits    Liabilities:CustomerDeposits
    unapplied_cash       Liabilities:UnappliedCash
    refunds_payable      Liabilities:RefundsPayable
    accounts_payable     Liabilities:AccountsPayable
    sales_tax_payable    Liabilities:SalesTaxPayable
    revenue              Income:Revenue
    credits              Income:Credits
    forfeited_deposits   Income:ForfeitedDeposits
    expenses (travel)    Expenses:Expenses:Travel
    processing_fees      Expenses:ProcessingFees
    bank_fees            Expenses:BankFees
    chargeback_losses    Expenses:ChargebackLosses
    currency_conversion  Equity:CurrencyConversion
    suspense             Equity:Suspense

No prices are written: every entry balances in each of its currencies by itself. The file ends
with the balance of every account, to be met exactly.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, timedelta

from reconciler.books.accounts import KINDS, Kind, Role
from reconciler.money import decimal_text
from reconciler.reads.export_rows import Window
from reconciler.reads.ledger import EntryRow, TrialBalance
from reconciler.timestamps import rfc3339

_ROOTS = {
    Kind.ASSET: "Assets",
    Kind.LIABILITY: "Liabilities",
    Kind.INCOME: "Income",
    Kind.EXPENSE: "Expenses",
    Kind.TRADING: "Equity",
}
_HEAD = """;; The journal of the reconciler; check it with bean-check.
;; An account is the kind, the role and perhaps the rail or the category; trading accounts
;; (conversion, suspense) stand under Equity.
option "title" "Reconciler journal"
"""

Balances = Mapping[str, TrialBalance]


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the entries: balances before the first and after the last of them."""

    opened_on: date
    ends_on: date  # the last day; its balances are met at the start of the next
    opening: Balances
    closing: Balances


def account(role: str, within: str | None) -> str:
    """`clearing` of `stripe` as `Assets:Clearing:Stripe`; `within` is a rail or a category."""
    root = _ROOTS[KINDS[Role(role)]]
    return ":".join([root, _component(role), *([_component(within)] if within else [])])


def frame(days: tuple[date, date], window: Window, opening: Balances, closing: Balances) -> Frame:
    """The frame of a window, given the days of the first entry of all and of the window's last."""
    opened_on, ends_on = days
    if window.since is not None:
        opened_on = window.since.astimezone(UTC).date()
    if window.until is not None:
        ends_on = (window.until.astimezone(UTC) - timedelta(microseconds=1)).date()
    return Frame(opened_on, max(opened_on, ends_on), opening, closing)


def ledger(around: Frame | None, entries: Iterable[EntryRow]) -> Iterator[str]:
    """The file, piece by piece; with no frame, an empty ledger."""
    yield _HEAD
    if around is None:
        return
    yield from _opened(around)
    yield from map(_transaction, entries)
    yield "\n"
    for currency, balance in around.closing.items():
        for line in balance.accounts:
            # Without "~ 0" a difference of one cent would pass.
            day, name = (
                around.ends_on + timedelta(days=1),
                account(line.role, line.rail or line.category),
            )
            yield f"{day} balance {name}  {decimal_text(line.balance, currency)} ~ 0 {currency}\n"


def _opened(around: Frame) -> Iterator[str]:
    currencies: dict[str, list[str]] = {}
    for currency, balance in around.closing.items():
        yield f"{around.opened_on} commodity {currency}\n"
        for line in balance.accounts:
            currencies.setdefault(account(line.role, line.rail or line.category), []).append(
                currency
            )
    for name, used in sorted(currencies.items()):
        yield f"{around.opened_on} open {name} {','.join(used)}\n"
    brought = [
        _posting(account(line.role, line.rail or line.category), line.balance, currency)
        for currency, balance in around.opening.items()
        for line in balance.accounts
        if line.balance
    ]
    if brought:
        key = f'  key: "opening/{around.opened_on}"\n  cause: "command/export"\n'
        yield f'\n{around.opened_on} * "brought forward" ^opening\n{key}{"".join(brought)}'


def _transaction(entry: EntryRow) -> str:
    about = (
        entry.payment_id, entry.invoice_id, entry.deposit_id, entry.payout_id, entry.bill_id,
        entry.prepayment_id,
    )  # fmt: skip
    links = "".join(f" ^{link}" for link in about if link)
    lines = [
        f"\n{entry.at.astimezone(UTC).date()} * {_quoted(entry.key)}{links}\n",
        f"  key: {_quoted(entry.key)}\n",
        f"  cause: {_quoted(f'{entry.cause.kind}/{entry.cause.id}')}\n",
        f"  entry: {_quoted(entry.id)}\n",
        f"  at: {_quoted(rfc3339(entry.at) or '')}\n",
        f"  posted: {entry.posted_on}\n",
        f"  effective: {entry.effective_on}\n",
    ]
    if entry.reverses:
        lines.append(f"  reverses: {_quoted(entry.reverses)}\n")
    for line in entry.postings:
        amount = line.debit - line.credit
        lines.append(
            _posting(account(line.role, line.rail or line.category), amount, line.currency)
        )
    return "".join(lines)


def _posting(name: str, amount: int, currency: str) -> str:
    return f"  {name:<34} {decimal_text(amount, currency):>18} {currency}\n"


def _component(name: str) -> str:
    """`accounts_receivable` as `AccountsReceivable`: letters and digits, upper case first."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name))


def _quoted(text: str) -> str:
    plain = " ".join(text.split())
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
