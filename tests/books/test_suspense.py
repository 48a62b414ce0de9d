"""Laws of suspense: all or a part moves, a mirror takes that back, and only some accounts do."""

import pytest
from hypothesis import example, given, strategies as st

from reconciler.books import accounts, suspense
from reconciler.books.accounts import Role
from reconciler.books.suspense import TARGETS, MovedPart, Standing
from reconciler.errors import Conflict, Invalid

AMOUNTS = st.integers(-(10**12), 10**12).filter(bool)


def standing(amount: int, **more) -> Standing:
    return Standing(
        subject="stripe/movement/txn_1", currency="USD", amount=amount, **({"turns": 0} | more)
    )


@given(
    amount=AMOUNTS,
    turns=st.integers(0, 9),
    role=st.sampled_from(TARGETS),
    wanted=st.none() | st.integers(1, 10**12),
)
@example(amount=7, turns=0, role=TARGETS[0], wanted=3)
@example(amount=-7, turns=0, role=TARGETS[0], wanted=3)
@example(amount=-7, turns=0, role=TARGETS[0], wanted=8)
@example(amount=7, turns=0, role=TARGETS[0], wanted=None)
def test_a_share_of_it_moves_and_its_mirror_takes_that_back(
    amount: int, turns: int, role: Role, wanted: int | None
) -> None:
    to = suspense.target(role.value, "Card readers")
    at = standing(amount, turns=turns)
    if wanted is not None and wanted > abs(amount):
        with pytest.raises(Invalid, match="and no more") as refused:
            suspense.share(at, wanted)
        assert refused.value.field == "amount"
        return
    part = suspense.share(at, wanted)
    assert abs(part) == (abs(amount) if wanted is None else wanted)
    assert (part > 0) is (amount > 0)
    there = suspense.entry(at, to, part)
    assert {(p.account, p.signed) for p in there.postings} == {
        (to, part), (accounts.SUSPENSE, -part),
    }  # fmt: skip
    moved = MovedPart(turns + 1, to, part)
    rest = standing(amount - part, turns=turns + 1, parts=(moved,))
    assert rest.amount + rest.moved == amount
    back = suspense.reversal(rest, moved)
    assert back.reverses == there.key != back.key
    assert {(p.account, -p.signed) for p in back.postings} == {
        (p.account, p.signed) for p in there.postings
    }


def test_a_part_is_named_where_there_are_several() -> None:
    one, two = MovedPart(1, accounts.BANK, 3), MovedPart(2, accounts.BANK, 4)
    assert suspense.part_of(standing(0, parts=(one,)), None) == one
    several = standing(0, parts=(one, two))
    assert suspense.part_of(several, 2) == two
    with pytest.raises(Invalid, match="which part"):
        suspense.part_of(several, None)
    for at, turn in ((several, 3), (standing(5), None), (standing(5), 1)):
        with pytest.raises(Conflict, match="in suspense already"):
            suspense.part_of(at, turn)
    with pytest.raises(Invalid):
        suspense.share(standing(5), 0)


def test_an_entry_is_about_the_payment_whose_money_it_was() -> None:
    at = Standing(
        subject="stripe/pi_1/unclassified/txn_7", currency="EUR", amount=-5, turns=0,
        payment_id="pay_1",
    )  # fmt: skip
    made = suspense.entry(at, accounts.BANK, -5)
    assert (made.key, made.payment_id) == ("stripe/pi_1/unclassified/txn_7/moved-1", "pay_1")
    assert at.movement == "txn_7"


def test_an_expense_has_a_category_and_nothing_else_has() -> None:
    assert suspense.target("expenses", "Card readers") == accounts.expenses("card_readers")
    assert suspense.target("bank", "Card readers") == accounts.BANK
    with pytest.raises(Invalid, match="a category is") as refused:
        suspense.target("expenses", " ")
    assert refused.value.field == "category"


@pytest.mark.parametrize("role", ["", "clearing", "unapplied_cash", "accounts_receivable", "none"])
def test_what_customers_owe_or_are_owed_is_no_place_for_it(role: str) -> None:
    with pytest.raises(Invalid, match="which account") as refused:
        suspense.target(role)
    assert refused.value.field == "account"
