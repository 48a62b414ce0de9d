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
    held_on,
    invoice,
    named,
    observe,
    paid_on,
    unapplied,
)
from tests.runtime import Office


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
