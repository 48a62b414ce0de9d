"""What a client reads on their statement follows from the entry's key and its direction."""

import pytest

from reconciler.books.portal import Event, event_of, words

KEYS = {
    "invoice/inv_1/sent": Event.CHARGE,
    "invoice/inv_1/voided": Event.CHARGE,
    "invoice/inv_1/credited/4": Event.CREDIT,
    "invoice/inv_1/written_off/4": Event.CREDIT,
    "credit_note/cn_1": Event.CREDIT,
    "stripe/pi_1/captured/100": Event.PAYMENT,
    "manual/rcp_1/captured/100": Event.PAYMENT,
    "allocation/alo_1/1": Event.PAYMENT,
    "stripe/pi_1/refund/re_1/promised/50": Event.REFUND,
    "stripe/pi_1/dispute/dp_1/lost/50": Event.RETURN,
}


@pytest.mark.parametrize("key", KEYS)
def test_an_entry_is_to_the_client_what_its_key_says(key: str) -> None:
    assert event_of(key) is KEYS[key]


@pytest.mark.parametrize(
    ("event", "amount", "document", "said"),
    [
        (Event.CHARGE, 5, "INV-1", "Invoice INV-1"),
        (Event.CHARGE, -5, "INV-1", "Invoice INV-1, no longer owed"),
        (Event.CREDIT, -5, "INV-1", "Credit on INV-1"),
        (Event.CREDIT, -5, None, "Credit on your account"),
        (Event.CREDIT, 5, "INV-1", "Credit INV-1 taken back"),
        (Event.REFUND, 5, None, "Refund to you"),
        (Event.REFUND, -5, None, "Refund that did not arrive"),
        (Event.RETURN, 5, None, "Payment taken back by your bank"),
        (Event.RETURN, -5, None, "Payment given back by your bank"),
        (Event.PAYMENT, -5, None, "Payment received"),
        (Event.PAYMENT, -5, "INV-1", "Payment for INV-1"),
        (Event.PAYMENT, 5, None, "Payment moved to another account"),
    ],
)
def test_a_line_says_what_happened(event, amount, document, said) -> None:
    assert words(event, amount, document) == said
