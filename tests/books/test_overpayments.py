"""When an invoice was paid twice: the payment too many, if it was paid in full without it."""

import pytest
from hypothesis import given, strategies as st

from reconciler.books.overpayments import Paid, paid_twice

CARD, TRANSFER = "stripe", "bank_transfer"


def paid(payment_id: str, at: int, kept: int, channel: str = CARD) -> Paid:
    return Paid(payment_id, at, kept, channel)


def waiting(payment_id: str, at: int, kept: int) -> Paid:
    return Paid(payment_id, at, kept, CARD, kept)


@pytest.mark.parametrize(
    ("owed", "payments", "later"),
    [
        (100, [paid("a", 1, 100), paid("b", 2, 100, TRANSFER)], "b"),
        (100, [paid("a", 1, 40), paid("b", 2, 60), paid("c", 3, 60)], "c"),
        (100, [paid("a", 1, 100), paid("b", 1, 100)], "b"),
        (100, [paid("a", 1, 60), paid("b", 2, 60)], None),  # too much, but not twice
        (100, [paid("a", 1, 150)], None),
        (100, [paid("a", 1, 100), paid("b", 2, 0)], None),  # it went back already
        (0, [paid("a", 1, 100), paid("b", 2, 100)], None),  # all of it was credited
        (100, [], None),
        # What pays nothing is the one too many, whenever it was paid: the invoice stays as it is.
        (100, [waiting("a", 1, 100), paid("b", 2, 100)], "a"),
        (100, [waiting("z", 1, 100), paid("b", 1, 100)], "z"),
        (100, [waiting("a", 1, 100), waiting("b", 2, 100), paid("c", 3, 100)], "b"),
        (100, [Paid("a", 1, 150, CARD, 50), paid("b", 2, 100)], "b"),  # a part of it waits
    ],
)
def test_what_is_one_payment_too_many(owed, payments, later):
    for told in (payments, payments[::-1]):  # in whatever order it was heard of
        found = paid_twice(owed, told)
        assert (found.later.payment_id if found else None) == later


def test_what_speaks_for_it():
    [first, other] = paid("a", 1, 100), paid("b", 2, 100, TRANSFER)
    found = paid_twice(100, [other, first])
    assert found
    assert (found.is_across_channels, found.is_same_amount) == (True, True)
    found = paid_twice(100, [first, paid("c", 3, 90)])
    assert found
    assert (found.is_across_channels, found.is_same_amount) == (False, False)


@given(
    st.integers(1, 300),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 200)), max_size=6),
)
def test_without_it_the_invoice_is_paid_still(owed, made):
    payments = [paid(f"p{n}", at, kept) for n, (at, kept) in enumerate(made)]
    found = paid_twice(owed, payments)
    live = sorted((p for p in payments if p.kept), key=lambda p: (p.at, p.payment_id))
    if found is None:
        assert len(live) < 2 or sum(one.kept for one in live[:-1]) < owed
    else:
        assert sum(one.kept for one in found.earlier) >= owed
        assert found.later == live[-1]
