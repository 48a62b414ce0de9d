"""Vendors' credit notes: what they post, and what stands in the way of one or of its end."""

from collections import Counter
from datetime import date

import pytest
from hypothesis import given, strategies as st

from reconciler.books import vendor_credits
from reconciler.books.journal import JournalEntry, Side
from reconciler.errors import Invalid, Refused

COSTS = st.dictionaries(st.sampled_from(["", "paper", "travel"]), st.integers(1, 10**9), min_size=1)


def moved(entry: JournalEntry) -> Counter[tuple[str, str]]:
    """What each account got: debits less credits, in minor units."""
    sums: Counter[tuple[str, str]] = Counter()
    for one in entry.postings:
        sign = 1 if one.side is Side.DEBIT else -1
        sums[one.account.role.value, one.account.category or ""] += sign * one.amount.minor
    return Counter({account: amount for account, amount in sums.items() if amount})


@given(COSTS, st.integers(0, 10**8))
def test_it_lowers_costs_and_tax_by_what_the_vendor_owes(costs, tax):
    noted = vendor_credits.noted_entry("pre_1", costs=costs, tax=tax, currency="EUR", on=date.max)
    sums = moved(noted)
    assert sums.pop(("vendor_prepayments", "")) == sum(costs.values()) + tax
    assert sums.pop(("input_tax", ""), 0) == -tax
    assert dict(sums) == {("expenses", name): -net for name, net in costs.items()}
    voided = vendor_credits.voided_entry("pre_1", costs=costs, tax=tax, currency="EUR")
    assert voided.reverses == noted.key
    assert moved(voided) == Counter({name: -net for name, net in moved(noted).items()})


@pytest.mark.parametrize(("total", "tax"), [(0, 0), (100, 100), (100, 101), (100, -1)])
def test_one_of_nothing_or_of_tax_alone_is_none(total, tax):
    vendor_credits.may_be_noted(total=101, tax=100)
    with pytest.raises(Invalid, match="more than its tax") as refusal:
        vendor_credits.may_be_noted(total=total, tax=tax)
    assert refusal.value.field == "lines"


@pytest.mark.parametrize(
    ("applied", "refunded", "is_void", "words"),
    [(1, 0, False, "was used"), (0, 1, False, "was used"), (0, 0, True, "is void already")],
)
def test_only_one_that_nothing_became_of_ends(applied, refunded, is_void, words):
    vendor_credits.may_be_voided("CN-7", applied=0, refunded=0, is_void=False)
    with pytest.raises(Refused, match=words):
        vendor_credits.may_be_voided("CN-7", applied=applied, refunded=refunded, is_void=is_void)
