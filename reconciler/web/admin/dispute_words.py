"""What a rail says of a dispute in its own words, told in plain ones; what became of a loss."""

_REASONS = {
    "bank_cannot_process": "The bank could not carry the payment out",
    "check_returned": "The cheque came back",
    "credit_not_processed": "The customer says that a promised refund did not come",
    "customer_initiated": "The customer asked their bank for the money back",
    "debit_not_authorized": "The customer says that they did not allow the debit",
    "duplicate": "The customer says that they were charged twice",
    "fraudulent": "The customer says that they did not make the payment",
    "general": "The bank gives no reason",
    "incorrect_account_details": "The account's number is wrong",
    "insufficient_funds": "There is too little on the account",
    "noncompliant": "The card's network says that its rules were broken",
    "product_not_received": "The customer says that nothing was delivered",
    "product_unacceptable": "The customer says that what came is not as described",
    "subscription_canceled": "The customer says that they had cancelled",
    "unrecognized": "The customer does not recognise the payment",
}
_STATUSES = {
    "warning_needs_response": "The bank asks, and waits for an answer",
    "warning_under_review": "The bank asks, and has an answer",
    "warning_closed": "The bank asked, and takes nothing",
    "needs_response": "The bank waits for an answer",
    "under_review": "The bank has an answer, and decides",
    "won": "Decided for us",
    "lost": "Decided for the customer",
    "prevented": "Called off before it began",
}

DISPUTES = {
    "inquiry": "Inquiry: the bank asks, and has taken nothing",
    "chargeback": "Chargeback: the bank takes the money until it has decided",
    "return": "Returned debit: the bank took it back, and that is final",
}
DISPUTING = {"inquiry": "asks about", "chargeback": "disputes", "return": "took back"}
# What became of a loss, as a payment's page says it.
LOSSES = {
    "undecided": "Nobody has said yet what becomes of the loss.",
    "chase": "The customer still owes it.",
    "write_off": "It is written off: nobody is asked for it.",
    "credit": "It is credited: the customer does not owe it.",
}

# When one would choose what a loss becomes, and what whoever was to pay meets with then.
CHOSEN_WHEN = {
    "chase": "Usual when the work was done and the customer can still pay: the bank took the"
    " payment back, not the debt. The invoice stays open, and the client is asked to pay it again,"
    " by reminders and on their page.",
    "write_off": "Usual when it was owed and nobody will pay it: a stolen card, a payer who is"
    " gone, or more trouble than it is worth. The invoice is closed as our loss, and the client is"
    " asked for nothing more.",
    "credit": "Usual when the customer was right: nothing was delivered, or it was charged twice or"
    " by mistake. The invoice is lowered as by a credit note, and the client owes nothing of it.",
}


def reason(word: str | None) -> str:
    """Why a bank disputes a payment; a word that nobody here knows as it came."""
    return _REASONS.get(word or "", (word or "The bank gives no reason").replace("_", " "))


def status(word: str) -> str:
    """How far a dispute is."""
    return _STATUSES.get(word, word.replace("_", " "))
