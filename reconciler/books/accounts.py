"""The chart of accounts: a role; for clearing the rail that holds the money, for expenses what for.

There is one set per currency. An account's balance is debits less credits, so assets
and expenses are positive, liabilities and income negative.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an account is in the sense of double entry."""

    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"
    TRADING = "trading"


class Role(StrEnum):
    """What an account is for."""

    BANK = "bank"
    CLEARING = "clearing"
    UNDEPOSITED = "undeposited"
    ACCOUNTS_RECEIVABLE = "accounts_receivable"
    DISPUTED_FUNDS = "disputed_funds"
    PAYOUTS_IN_TRANSIT = "payouts_in_transit"
    VENDOR_PREPAYMENTS = "vendor_prepayments"
    INPUT_TAX = "input_tax"
    CUSTOMER_DEPOSITS = "customer_deposits"
    UNAPPLIED_CASH = "unapplied_cash"
    REFUNDS_PAYABLE = "refunds_payable"
    ACCOUNTS_PAYABLE = "accounts_payable"
    SALES_TAX_PAYABLE = "sales_tax_payable"
    REVENUE = "revenue"
    CREDITS = "credits"
    FORFEITED_DEPOSITS = "forfeited_deposits"
    EXPENSES = "expenses"
    PROCESSING_FEES = "processing_fees"
    BANK_FEES = "bank_fees"
    CHARGEBACK_LOSSES = "chargeback_losses"
    CURRENCY_CONVERSION = "currency_conversion"
    SUSPENSE = "suspense"


KINDS: dict[Role, Kind] = {
    Role.BANK: Kind.ASSET,
    Role.CLEARING: Kind.ASSET,
    Role.UNDEPOSITED: Kind.ASSET,
    Role.ACCOUNTS_RECEIVABLE: Kind.ASSET,
    Role.DISPUTED_FUNDS: Kind.ASSET,
    Role.PAYOUTS_IN_TRANSIT: Kind.ASSET,
    Role.VENDOR_PREPAYMENTS: Kind.ASSET,
    Role.INPUT_TAX: Kind.ASSET,
    Role.CUSTOMER_DEPOSITS: Kind.LIABILITY,
    Role.UNAPPLIED_CASH: Kind.LIABILITY,
    Role.REFUNDS_PAYABLE: Kind.LIABILITY,
    Role.ACCOUNTS_PAYABLE: Kind.LIABILITY,
    Role.SALES_TAX_PAYABLE: Kind.LIABILITY,
    Role.REVENUE: Kind.INCOME,
    Role.CREDITS: Kind.INCOME,
    Role.FORFEITED_DEPOSITS: Kind.INCOME,
    Role.EXPENSES: Kind.EXPENSE,
    Role.PROCESSING_FEES: Kind.EXPENSE,
    Role.BANK_FEES: Kind.EXPENSE,
    Role.CHARGEBACK_LOSSES: Kind.EXPENSE,
    Role.CURRENCY_CONVERSION: Kind.TRADING,
    Role.SUSPENSE: Kind.TRADING,
}

MANUAL_RAIL = "manual"


@dataclass(frozen=True, slots=True)
class Account:
    """A role in the chart; only clearing has a `rail`, only expenses have a `category`."""

    role: Role
    rail: str = ""
    category: str = ""


BANK = Account(Role.BANK)
PAYOUTS_IN_TRANSIT = Account(Role.PAYOUTS_IN_TRANSIT)
UNAPPLIED_CASH = Account(Role.UNAPPLIED_CASH)
ACCOUNTS_RECEIVABLE = Account(Role.ACCOUNTS_RECEIVABLE)
CUSTOMER_DEPOSITS = Account(Role.CUSTOMER_DEPOSITS)
REFUNDS_PAYABLE = Account(Role.REFUNDS_PAYABLE)
VENDOR_PREPAYMENTS = Account(Role.VENDOR_PREPAYMENTS)
INPUT_TAX = Account(Role.INPUT_TAX)
ACCOUNTS_PAYABLE = Account(Role.ACCOUNTS_PAYABLE)
SALES_TAX_PAYABLE = Account(Role.SALES_TAX_PAYABLE)
REVENUE = Account(Role.REVENUE)
CREDITS = Account(Role.CREDITS)
FORFEITED_DEPOSITS = Account(Role.FORFEITED_DEPOSITS)
PROCESSING_FEES = Account(Role.PROCESSING_FEES)
BANK_FEES = Account(Role.BANK_FEES)
DISPUTED_FUNDS = Account(Role.DISPUTED_FUNDS)
CHARGEBACK_LOSSES = Account(Role.CHARGEBACK_LOSSES)
CURRENCY_CONVERSION = Account(Role.CURRENCY_CONVERSION)
SUSPENSE = Account(Role.SUSPENSE)


def clearing(rail: str) -> Account:
    """Where `rail` holds our money; by hand, that is our own drawer."""
    if rail == MANUAL_RAIL:
        return Account(Role.UNDEPOSITED)
    return Account(Role.CLEARING, rail)


def expenses(category: str) -> Account:
    """What things of this category have cost us."""
    return Account(Role.EXPENSES, category=category)
