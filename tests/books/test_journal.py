"""An entry that does not balance cannot even be held."""

import pytest

from reconciler.books import accounts
from reconciler.books.accounts import KINDS, Account, Kind, Role, clearing
from reconciler.books.journal import JournalEntry, Posting, Side, lines
from reconciler.books.people import Role as PersonRole, Scope, grants, is_at_least
from reconciler.books.reviews import ACTIONS, MATCHING_KINDS, ReviewKind
from reconciler.money import Money

CASH, OWED = accounts.UNAPPLIED_CASH, accounts.ACCOUNTS_RECEIVABLE
FIVE = Money(5, "USD")


def test_both_sides_of_a_move() -> None:
    debit, credit = lines(FIVE, debit=CASH, credit=OWED)
    assert (debit.account, debit.signed) == (CASH, 5)
    assert (credit.account, credit.signed) == (OWED, -5)


def test_a_negative_amount_is_the_mirror() -> None:
    assert lines(-FIVE, debit=CASH, credit=OWED) == lines(FIVE, debit=OWED, credit=CASH)


def test_an_entry_out_of_balance_is_a_bug() -> None:
    one = Posting(Side.DEBIT, CASH, FIVE)
    for postings in (
        (one, Posting(Side.CREDIT, OWED, Money(4, "USD"))),
        (one, Posting(Side.CREDIT, OWED, Money(5, "EUR"))),
        (one, one),
        (one,),
        (),
    ):
        with pytest.raises(AssertionError):
            JournalEntry(key="key", postings=postings)


def test_an_entry_has_a_key() -> None:
    with pytest.raises(AssertionError):
        JournalEntry(key="", postings=lines(FIVE, debit=CASH, credit=OWED))


@pytest.mark.parametrize("minor", [0, -5])
def test_a_posting_is_of_more_than_nothing(minor: int) -> None:
    with pytest.raises(AssertionError):
        Posting(Side.DEBIT, CASH, Money(minor, "USD"))


def test_every_account_has_its_kind() -> None:
    assert set(KINDS) == set(Role)
    assert KINDS[Role.CUSTOMER_DEPOSITS] is Kind.LIABILITY  # never revenue


def test_what_was_received_by_hand_lies_in_our_own_drawer() -> None:
    assert clearing("stripe") == Account(Role.CLEARING, "stripe")
    assert clearing("manual") == Account(Role.UNDEPOSITED)


def test_a_person_may_place_money_and_acknowledge_the_rest() -> None:
    assert set(ACTIONS) == set(ReviewKind)
    assert all("acknowledge" in actions for actions in ACTIONS.values())
    assert {kind for kind, actions in ACTIONS.items() if "match" in actions} == MATCHING_KINDS


def test_each_role_may_do_what_the_ones_before_it_may() -> None:
    roles = list(PersonRole)
    for low, one in enumerate(roles):
        for high, other in enumerate(roles):
            assert is_at_least(other, one) is (high >= low)


def test_a_key_does_one_thing_and_reads() -> None:
    assert all(grants(scope, Scope.READ) for scope in Scope)
    assert not grants(Scope.READ, Scope.WRITE)
    assert not grants(Scope.WRITE, Scope.REFUND)
    assert not grants(Scope.REFUND, Scope.WRITE)
    assert all(grants(Scope.ADMIN, scope) for scope in Scope)
