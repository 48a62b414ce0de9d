"""Words written long after the money came explain what nobody could place, and move nothing."""

from itertools import permutations

import pytest
import sqlalchemy as sa

from reconciler.services import rivals
from tests.builders import AT, asked, captured, customer, facts, invoice, named, observe, paid_on
from tests.runtime import Office

A_MONTH = 30 * 86_400


def test_an_edit_a_month_later_moves_no_money_that_was_placed(office: Office) -> None:
    for turn in range(2):
        guessed = invoice(office, f"INV-1{turn}", 500)
        later = invoice(office, f"INV-2{turn}", 500)
        told = captured(500, f"pi_{turn}", texts={"description": (AT, f"for INV-1{turn}")})
        edited = facts(f"pi_{turn}", named=named(AT + A_MONTH, invoice=f"INV-2{turn}"))

        for one in (told, edited) if turn else (edited, told):
            observe(office, one)

        assert paid_on(office, guessed) == (500, 0, 0)
        assert paid_on(office, later) == (0, 0, 500)


def test_a_wrong_number_written_a_month_later_opens_no_question(office: Office) -> None:
    placed = invoice(office, "INV-1", 500)
    (payment,) = observe(office, captured(500, texts={"description": (AT, "INV-1")}))

    observe(office, facts(named=named(AT + A_MONTH, invoice="INV-l")))

    assert paid_on(office, placed) == (500, 0, 0)
    assert asked(office, payment) == {}


@pytest.mark.thorough
def test_an_edit_a_month_later_places_money_that_was_held(office: Office) -> None:
    for turn, order in enumerate(permutations(range(3))):
        number = f"INV-{turn}"
        meant = invoice(office, number, 500)
        pieces = (
            captured(500, f"pi_{turn}"),
            facts(f"pi_{turn}", texts={"description": (AT, "thanks a lot")}),
            facts(f"pi_{turn}", named=named(AT + A_MONTH, invoice=number)),
        )
        for place in order:
            observe(office, pieces[place])
        assert paid_on(office, meant) == (500, 0, 0)


def test_a_known_payers_equal_amount_goes_before_a_late_edit(office: Office) -> None:
    for turn in range(2):
        ann = customer(office, rail_id=f"cus_{turn}")
        open_one = invoice(office, f"INV-1{turn}", 500, customer_id=ann)
        other = invoice(office, f"INV-2{turn}", 700, customer_id=ann)
        told = captured(500, f"pi_{turn}", payer={"customer": (AT, f"cus_{turn}")})
        edited = facts(
            f"pi_{turn}",
            named=named(AT + A_MONTH, invoice=f"INV-2{turn}"),
            payer={"customer": (AT, f"cus_{turn}")},
        )
        for one in (told, edited) if turn else (edited, told):
            observe(office, one)

        assert paid_on(office, open_one) == (500, 0, 0)
        assert paid_on(office, other) == (0, 0, 700)


@pytest.mark.parametrize("statement", rivals._SEEK_AGAIN, ids=["invoice", "deposit"])
def test_who_seeks_again_is_asked_customer_by_customer(
    office: Office, statement: sa.TextClause
) -> None:
    """A join would read what is held of all customers, for each document of a batch."""
    with office.runtime.read() as session:
        explained = sa.text(f"explain {statement.text}")
        steps = "\n".join(session.scalars(explained, {"ids": ["inv_1", "inv_2"]}))
    assert "SubPlan" in steps
    assert "Join" not in steps
    assert "Nested Loop" not in steps
