"""How money comes in by hand."""

from enum import StrEnum


class ReceiptSource(StrEnum):
    """What a person took in, or saw on a statement."""

    CASH = "cash"
    CHECK = "check"
    BANK_TRANSFER = "bank_transfer"
    CARD_TERMINAL = "card_terminal"
    OTHER = "other"


KEPT_FROM = "kept from refund "  # so begins the reference of money that a refund left with us
