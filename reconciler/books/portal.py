"""The client's page: what a link opens, and what an entry of the books is called on a statement."""

from enum import StrEnum


class Scope(StrEnum):
    """What the bearer of a link sees."""

    CUSTOMER = "customer"
    PROJECT = "project"
    PROPOSAL = "proposal"


class StatementEvent(StrEnum):
    """What a line of a statement is."""

    CHARGE = "charge"
    CREDIT = "credit"
    PAYMENT = "payment"
    REFUND = "refund"
    RETURN = "return"
    TAKEN_BACK = "taken_back"
    FORFEIT = "forfeit"
    BANK_FEE = "bank_fee"


# What the lines of a period come to, by what they are, in this order: all of them together are the
# change of the balance. The first four stand there also when there are none of them.
SUMS = {
    StatementEvent.CHARGE: "Charges",
    StatementEvent.CREDIT: "Credits",
    StatementEvent.PAYMENT: "Payments",
    StatementEvent.REFUND: "Refunds",
    StatementEvent.RETURN: "Taken back by your bank",
    StatementEvent.TAKEN_BACK: "Payments that had not come",
    StatementEvent.FORFEIT: "Deposits kept",
    StatementEvent.BANK_FEE: "Bank fees that we bear",
}
ALWAYS_SHOWN = (
    StatementEvent.CHARGE,
    StatementEvent.CREDIT,
    StatementEvent.PAYMENT,
    StatementEvent.REFUND,
)
_BY_NOUN = {
    "credit_note": StatementEvent.CREDIT,
    "forfeit": StatementEvent.FORFEIT,
    "bank_fee": StatementEvent.BANK_FEE,
}


def event_of(key: str) -> StatementEvent:
    """What an entry that moves a client's balance is to them, by its key.

    A key begins with what was changed (`invoice/…`, `credit_note/…`, `allocation/…`) or with the
    rail, and then says which component of a payment it is (see posting_rules).
    """
    parts = key.split("/")
    if parts[0] in _BY_NOUN:
        return _BY_NOUN[parts[0]]
    if parts[0] == "invoice":
        return StatementEvent.CHARGE if parts[2] in {"sent", "voided"} else StatementEvent.CREDIT
    if "refund" in parts:
        return StatementEvent.REFUND
    if parts[2:3] == ["captured"] and parts[-1].startswith("0@"):
        return (
            StatementEvent.TAKEN_BACK
        )  # what was noted by hand had not come: nothing else shrinks so
    return StatementEvent.RETURN if "dispute" in parts else StatementEvent.PAYMENT


def words(event: StatementEvent, amount: int, document: str | None) -> str:
    """A line of a statement in words. `amount` above zero is owed, below it was given."""
    about = f" {document}" if document else ""
    if event is StatementEvent.CREDIT and amount < 0 and not document:
        return "Credit on your account"
    if event is StatementEvent.PAYMENT and amount < 0 and not document:
        return "Payment received"
    owed, given = _WORDS[event]
    return (owed if amount > 0 else given).format(about=about)


# What is owed by the client more, and what is given to them, by what it is.
_WORDS = {
    StatementEvent.CHARGE: ("Invoice{about}", "Invoice{about}, no longer owed"),
    StatementEvent.CREDIT: ("Credit{about} taken back", "Credit on{about}"),
    StatementEvent.FORFEIT: ("Deposit{about} kept under its terms", "Deposit{about} held again"),
    StatementEvent.BANK_FEE: (
        "Bank fee{about} owed after all",
        "Bank fee of your payment for{about}, which we bear",
    ),
    StatementEvent.REFUND: ("Refund to you", "Refund that did not arrive"),
    StatementEvent.RETURN: ("Payment taken back by your bank", "Payment given back by your bank"),
    StatementEvent.TAKEN_BACK: (
        "Payment taken back, it had not come",
        "Payment received after all",
    ),
    StatementEvent.PAYMENT: ("Payment moved to another account", "Payment for{about}"),
}
