"""Accounts as people call them."""

from reconciler.web.admin.words import rail_name

ACCOUNTS = {
    "bank": "Bank",
    "clearing": "Clearing",
    "undeposited": "Undeposited funds",
    "accounts_receivable": "Accounts receivable",
    "disputed_funds": "Disputed funds",
    "payouts_in_transit": "Payouts in transit",
    "vendor_prepayments": "Vendor prepayments",
    "input_tax": "Input tax",
    "customer_deposits": "Customer deposits",
    "unapplied_cash": "Unapplied cash",
    "refunds_payable": "Refunds payable",
    "accounts_payable": "Accounts payable",
    "sales_tax_payable": "Sales tax payable",
    "revenue": "Revenue",
    "credits": "Credits",
    "forfeited_deposits": "Forfeited deposits",
    "expenses": "Expenses",
    "processing_fees": "Processing fees",
    "bank_fees": "Bank fees",
    "chargeback_losses": "Chargeback losses",
    "currency_conversion": "Currency conversion",
    "suspense": "Suspense",
}


def account(role: str, rail: str | None, category: str | None = None) -> str:
    """An account as people call it."""
    name = ACCOUNTS.get(role, role.replace("_", " ").capitalize())
    if category:
        return f"{name}: {category_name(category)}"
    return f"{rail_name(rail)} {name.lower()}" if rail else name


def category_name(category: str) -> str:
    """`office_supplies` as `office supplies`."""
    return category.replace("_", " ")
