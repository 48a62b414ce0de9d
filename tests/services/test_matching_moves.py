"""Evidence that comes later may improve a match, and in the end its order does not matter."""

from itertools import permutations

import pytest

from tests.builders import (
    AT,
    asked,
    captured,
    customer,
    deposit,
    facts,
    invoice,
    named,
    observe,
    paid_on,
    unapplied,
)
from tests.runtime import Office
from tests.tiers import size


def test_metadata_moves_a_match_that_was_made_by_text(office: Office) -> None:
    guessed, meant = invoice(office, "INV-1", 500), invoice(office, "INV-2", 500)
    (payment,) = observe(office, captured(500, texts={"description": (AT, "for INV-1")}))
    assert paid_on(office, guessed) == (500, 0, 0)

    observe(office, facts(named=named(invoice="INV-2")))

    assert paid_on(office, guessed) == (0, 0, 500)
    assert paid_on(office, meant) == (500, 0, 0)
    assert unapplied(office, payment) == 0
    assert office.violations() == []
    reversal = office.scalar("select reverses from journal_entry where reverses is not null")
    assert reversal.startswith("allocation/")


def _text(number: str) -> dict:
    return {"texts": {"description": (AT, f"payment for {number}, thanks")}}


# What is told of one payment of 500, piece by piece; the target must not depend on the order.
# INV-1, INV-2 and DEP-1 are open with 500 each, INV-EUR is in another currency, INV-9 is unknown,
# INV-BEN is another customer's, and the payer is known here as cus_ann.
EVIDENCE = {
    "metadata-beats-text": ([_text("INV-1"), {"named": named(invoice="INV-2")}], "INV-2"),
    "unknown-metadata-beats-text": ([_text("INV-1"), {"named": named(invoice="INV-9")}], None),
    "metadata-in-another-currency-beats-text": (
        [_text("INV-1"), {"named": named(invoice="INV-EUR")}],
        None,
    ),
    "another-customers-metadata-beats-text": (
        [
            _text("INV-1"),
            {"named": named(invoice="INV-BEN"), "payer": {"customer": (AT, "cus_ann")}},
        ],
        None,
    ),
    "the-first-wording-stands": (
        [{"named": named(AT, invoice="INV-1")}, {"named": named(AT + 60, invoice="INV-2")}],
        "INV-1",
    ),
    "a-key-added-later-changes-nothing": (
        [{"named": named(AT, deposit="DEP-1")}, {"named": named(AT + 60, invoice="INV-1")}],
        "DEP-1",
    ),
    "another-key-added-later-changes-nothing": (
        [{"named": named(AT, invoice_id="INV-1")}, {"named": named(AT + 60, invoice="INV-2")}],
        "INV-1",
    ),
    "a-reference-of-the-session-stands-before-a-later-edit": (
        [
            {"named": named(AT, client_reference_id="INV-1"), "sessions": ("cs_1",)},
            {"named": named(AT + 60, invoice="INV-2")},
        ],
        "INV-1",
    ),
    "a-cart-number-says-nothing": (
        [{"named": named(AT, client_reference_id="cart-77")}, _text("INV-2")],
        "INV-2",
    ),
    "two-numbers-in-two-texts": (
        [_text("INV-1"), {"texts": {"statement_descriptor": (AT, "INV-2")}}],
        None,
    ),
    "in-one-second-invoice-goes-before-deposit": (
        [{"named": named(deposit="DEP-1")}, {"named": named(invoice="INV-1")}],
        "INV-1",
    ),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("case", EVIDENCE, ids=str)
def test_the_order_of_evidence_does_not_matter(office: Office, case: str) -> None:
    pieces, wanted = EVIDENCE[case]
    for turn, order in enumerate([*permutations([{}, *pieces])][:: size(quick=2, full=1)]):
        tag = f"-{turn}"
        ann = customer(office, rail_id=f"cus_ann{tag}")
        ids = {
            "INV-1": invoice(office, f"INV-1{tag}", 500, customer_id=ann),
            "INV-2": invoice(office, f"INV-2{tag}", 500, customer_id=ann),
            "INV-EUR": invoice(office, f"INV-EUR{tag}", 500, customer_id=ann, currency="EUR"),
            "INV-BEN": invoice(office, f"INV-BEN{tag}", 500),
            "DEP-1": deposit(office, f"DEP-1{tag}", 500, customer_id=ann),
        }
        for piece in order:
            seen = _tagged(piece, tag)
            of_money = {} if piece else _money(f"pi{tag}")
            (payment,) = observe(office, facts(f"pi{tag}", **seen, **of_money))
        where = office.rows(
            """select coalesce(invoice_id, deposit_id) as target from allocation
            where payment_id = :id and amount > 0""",
            id=payment,
        )
        assert [one.target for one in where] == ([ids[wanted]] if wanted else []), order
        assert (unapplied(office, payment), bool(asked(office, payment))) == (
            (0, False) if wanted else (500, True)
        )
    assert office.violations() == []


def _tagged(piece: dict, tag: str) -> dict:
    """Numbers and customers are this turn's own."""
    said = {k: v for k, v in piece.items() if k == "sessions"}
    for kind in ("named", "texts", "payer"):
        for key, (at, words) in piece.get(kind, {}).items():
            new = " ".join(
                f"{word.rstrip(',')}{tag}" if "-" in word or "cus_" in word else word
                for word in words.split()
            )
            said.setdefault(kind, {})[key] = (at, new)
    return said


def _money(payment_id: str) -> dict:
    whole = captured(500, payment_id)
    return {"charges": whole.charges, "balance": whole.balance}
