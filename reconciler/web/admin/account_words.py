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

# What may be moved out of suspense, and when it belongs there.
OUT_OF_SUSPENSE = {
    "processing_fees": "The payment provider charges for its service",
    "expenses": "Something that we bought through it: a device, a subscription",
    "bank": "It went to our bank account, or came from there",
    "revenue": "Income of ours",
    "currency_conversion": "A difference from changing currencies",
}
# Accounts that are neither owned nor owed, and what each is for.
TRADING = {
    "suspense": "Money that the payment provider moved and that nobody has placed yet. Below zero,"
    " more came in than was taken.",
    "currency_conversion": "What changing currencies cost or brought.",
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
