"""What of a deposit is given back under its terms: a table that people can read, and laws."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from reconciler.books.deposit_terms import (
    WHOLE,
    DepositTerms,
    Stand,
    checked,
    kept,
    refundable,
    why_forfeited,
    words,
)
from reconciler.errors import Invalid

PAID, TODAY = date(2026, 11, 1), date(2026, 11, 22)
BEGUN = DepositTerms(once_begun=True)
TWO_WEEKS = DepositTerms(within_days=14)
BOTH = DepositTerms(once_begun=True, within_days=30)
A_FIFTH = DepositTerms(once_begun=True, kept=2_000)
A_FEE = DepositTerms(kept=1_000)

# The terms, what was used on invoices of 300.00, the day work began: what is kept, what goes back.
TABLE = [
    (None, 0, date(2026, 11, 2), 0, 30_000),
    (BEGUN, 0, None, 0, 30_000),
    (BEGUN, 0, date(2026, 11, 22), 30_000, 0),
    (BEGUN, 0, date(2026, 11, 23), 0, 30_000),
    (BEGUN, 10_000, date(2026, 11, 2), 20_000, 0),
    (TWO_WEEKS, 0, None, 30_000, 0),
    (DepositTerms(within_days=21), 0, None, 0, 30_000),
    (DepositTerms(within_days=20), 0, None, 30_000, 0),
    (BOTH, 0, None, 0, 30_000),
    (BOTH, 0, date(2026, 11, 2), 30_000, 0),
    (A_FIFTH, 0, date(2026, 11, 2), 6_000, 24_000),
    (A_FIFTH, 4_000, date(2026, 11, 2), 2_000, 24_000),
    (A_FIFTH, 10_000, date(2026, 11, 2), 0, 20_000),
    (A_FEE, 0, None, 3_000, 27_000),
]


@pytest.mark.parametrize(("terms", "used", "begun", "stays", "goes"), TABLE)
def test_what_is_kept_and_what_goes_back(terms, used, begun, stays, goes) -> None:
    at = Stand(received=30_000, applied=used, refunded=0, paid_on=PAID, begun_on=begun, today=TODAY)
    assert (kept(terms, at), refundable(terms, at)) == (stays, goes)


WORDS = {
    BEGUN: "Refundable until work begins; not refundable once it has begun.",
    TWO_WEEKS: "Refundable within 14 days of payment; not refundable after that.",
    DepositTerms(within_days=1): "Refundable within 1 day of payment; not refundable after that.",
    BOTH: "Refundable within 30 days of payment, while work has not begun;"
    " not refundable after that.",
    A_FIFTH: "Refundable until work begins; refundable but for 20 % once it has begun.",
    A_FEE: "Refundable but for 10 %.",
    DepositTerms(): "Not refundable.",
}


@pytest.mark.parametrize("terms", WORDS, ids=str)
def test_the_terms_in_the_clients_words(terms: DepositTerms) -> None:
    assert words(terms) == WORDS[terms]


@pytest.mark.parametrize(
    "terms", [DepositTerms(kept=0), DepositTerms(kept=WHOLE + 1), DepositTerms(within_days=-1)]
)
def test_what_cannot_be_agreed_is_refused(terms: DepositTerms) -> None:
    with pytest.raises(Invalid) as refusal:
        checked(terms)
    assert refusal.value.field == "terms"


@pytest.mark.parametrize("terms", [*WORDS, DepositTerms(kept=WHOLE), DepositTerms(kept=1)])
def test_what_can_be_agreed_is_kept_as_it_is(terms: DepositTerms) -> None:
    assert checked(terms) is terms


DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))
TERMS = st.builds(
    DepositTerms,
    once_begun=st.booleans(),
    within_days=st.none() | st.integers(0, 400),
    kept=st.integers(1, WHOLE),
)


@st.composite
def stands(draw) -> Stand:
    received = draw(st.integers(0, 10**9))
    applied = draw(st.integers(0, received))
    return Stand(
        received=received,
        applied=applied,
        refunded=draw(st.integers(0, received - applied)),
        paid_on=draw(DAYS),
        begun_on=draw(st.none() | DAYS),
        today=draw(DAYS),
    )


@given(TERMS, stands())
def test_every_unit_that_remains_is_kept_or_goes_back(terms: DepositTerms, at: Stand) -> None:
    assert kept(terms, at) + refundable(terms, at) == at.remaining
    assert kept(terms, at) >= 0 <= refundable(terms, at)
    assert (kept(terms, at) > 0) <= (why_forfeited(terms, at) is not None)


@given(TERMS, stands(), st.integers(0, 400))
def test_what_is_forfeited_stays_forfeited(terms: DepositTerms, at: Stand, days: int) -> None:
    later = replace(at, today=at.today + timedelta(days=days))
    assert kept(terms, later) >= kept(terms, at)


@given(TERMS, stands())
def test_no_more_is_kept_than_was_agreed(terms: DepositTerms, at: Stand) -> None:
    assert kept(terms, at) + min(at.applied, at.received * terms.kept // WHOLE) <= max(
        at.received * terms.kept // WHOLE, 0
    )
