"""What a client reads on their statement follows from the entry's key and its direction."""

import pytest

from reconciler.books.portal import StatementEvent, event_of, words

KEYS = {
    "invoice/inv_1/sent": StatementEvent.CHARGE,
    "invoice/inv_1/voided": StatementEvent.CHARGE,
    "invoice/inv_1/credited/4": StatementEvent.CREDIT,
    "invoice/inv_1/written_off/4": StatementEvent.CREDIT,
    "credit_note/cn_1": StatementEvent.CREDIT,
    "bank_fee/fee_1": StatementEvent.BANK_FEE,
    "bank_fee/fee_1/taken_back": StatementEvent.BANK_FEE,
    "stripe/pi_1/captured/100": StatementEvent.PAYMENT,
    "manual/rcp_1/captured/100": StatementEvent.PAYMENT,
    "manual/rcp_1/captured/0@1": StatementEvent.TAKEN_BACK,
    "allocation/alo_1/1": StatementEvent.PAYMENT,
    "stripe/pi_1/refund/re_1/promised/50": StatementEvent.REFUND,
    "stripe/pi_1/dispute/dp_1/lost/50": StatementEvent.RETURN,
}


@pytest.mark.parametrize("key", KEYS)
def test_an_entry_is_to_the_client_what_its_key_says(key: str) -> None:
    assert event_of(key) is KEYS[key]


@pytest.mark.parametrize(
    ("event", "amount", "document", "said"),
    [
        (StatementEvent.CHARGE, 5, "INV-1", "Invoice INV-1"),
        (StatementEvent.CHARGE, -5, "INV-1", "Invoice INV-1, no longer owed"),
        (StatementEvent.CREDIT, -5, "INV-1", "Credit on INV-1"),
        (StatementEvent.CREDIT, -5, None, "Credit on your account"),
        (StatementEvent.CREDIT, 5, "INV-1", "Credit INV-1 taken back"),
        (StatementEvent.REFUND, 5, None, "Refund to you"),
        (StatementEvent.REFUND, -5, None, "Refund that did not arrive"),
        (StatementEvent.RETURN, 5, None, "Payment taken back by your bank"),
        (StatementEvent.RETURN, -5, None, "Payment given back by your bank"),
        (StatementEvent.TAKEN_BACK, 5, None, "Payment taken back, it had not come"),
        (StatementEvent.PAYMENT, -5, None, "Payment received"),
        (StatementEvent.PAYMENT, -5, "INV-1", "Payment for INV-1"),
        (StatementEvent.PAYMENT, 5, None, "Payment moved to another account"),
    ],
)
def test_a_line_says_what_happened(event, amount, document, said) -> None:
    assert words(event, amount, document) == said
