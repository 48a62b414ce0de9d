"""The client's page: what a link opens, and what an entry of the books is called on a statement."""

from enum import StrEnum


class Scope(StrEnum):
    """What the bearer of a link sees."""

    CUSTOMER = "customer"
    PROJECT = "project"
    PROPOSAL = "proposal"


class Event(StrEnum):
    """What a line of a statement is."""

    CHARGE = "charge"
    CREDIT = "credit"
    PAYMENT = "payment"
    REFUND = "refund"
    RETURN = "return"


def event_of(key: str) -> Event:
    """What an entry that moves a client's balance is to them, by its key.

    A key begins with what was changed (`invoice/…`, `credit_note/…`, `allocation/…`) or with the
    rail, and then says which component of a payment it is (see posting_rules).
    """
    parts = key.split("/")
    if parts[0] == "credit_note":
        return Event.CREDIT
    if parts[0] == "invoice":
        return Event.CHARGE if parts[2] in {"sent", "voided"} else Event.CREDIT
    if "refund" in parts:
        return Event.REFUND
    return Event.RETURN if "dispute" in parts else Event.PAYMENT


def words(event: Event, amount: int, document: str | None) -> str:
    """A line of a statement in words. `amount` above zero is owed, below it was given."""
    about = f" {document}" if document else ""
    if event is Event.CHARGE:
        return f"Invoice{about}" if amount > 0 else f"Invoice{about}, no longer owed"
    if event is Event.CREDIT:
        return f"Credit on{about or ' your account'}" if amount < 0 else f"Credit{about} taken back"
    if event is Event.REFUND:
        return "Refund to you" if amount > 0 else "Refund that did not arrive"
    if event is Event.RETURN:
        return (
            "Payment taken back by your bank" if amount > 0 else "Payment given back by your bank"
        )
    if amount < 0:
        return f"Payment for{about}" if about else "Payment received"
    return "Payment moved to another account"
