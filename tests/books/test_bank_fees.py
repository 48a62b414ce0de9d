"""Laws of a bank's fee: what it is, its bound, and that its reversal mirrors its entry."""

from datetime import date

import pytest
from hypothesis import given, strategies as st

from reconciler.books import bank_fees
from reconciler.books.bank_fees import Fee
from reconciler.books.bank_lines import BankLine, Target, TargetKind

AMOUNTS = st.integers(-(10**12), 10**12).filter(bool)
DAY = date(2026, 1, 1)


def line(amount: int, currency: str = "USD") -> BankLine:
    return BankLine(number=1, booked_on=DAY, amount=amount, currency=currency)


def target(amount: int) -> Target:
    return Target(
        kind=TargetKind.PAYOUT, id="po_1", amount=amount, currency="USD", day=DAY, names=()
    )


@given(AMOUNTS, AMOUNTS)
def test_a_fee_is_what_the_account_has_less(shown: int, expected: int) -> None:
    fee = bank_fees.difference(line(shown), target(expected))
    assert fee >= 0
    if fee:
        assert shown + fee == expected
        assert (shown > 0) == (expected > 0)
    fits = bank_fees.fits(line(shown), target(expected), {})
    assert fits == (0 < fee <= abs(expected) // bank_fees.SHARE)
    assert bank_fees.fits(line(shown), target(expected), {"USD": 5}) == (0 < fee <= 5)


def test_in_another_currency_there_is_none() -> None:
    assert bank_fees.difference(line(95, "EUR"), target(100)) == 0


@pytest.mark.parametrize("kind", TargetKind)
@given(amount=st.integers(1, 10**12), turn=st.integers(1, 9))
def test_the_reversal_mirrors_the_entry(kind: TargetKind, amount: int, turn: int) -> None:
    fee = Fee(line_id="bln_1", turn=turn, kind=kind, target_id="x", amount=amount, currency="USD")
    there, back = bank_fees.entry(fee), bank_fees.reversal(fee)
    assert back.reverses == there.key
    net = {(p.account, p.signed) for p in there.postings}
    assert {(p.account, -p.signed) for p in back.postings} == net
    assert {p.account.role.value for p in there.postings} == {
        "bank_fees", "undeposited" if kind is TargetKind.RECEIPT else "bank",
    }  # fmt: skip
