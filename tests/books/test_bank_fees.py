"""Laws of a bank's fee: what it is, its bound, and that its reversal mirrors its entry."""

from datetime import date

import pytest
from hypothesis import given, strategies as st

from reconciler.books import bank_fees
from reconciler.books.bank_fees import Fee, Owed, Short
from reconciler.books.bank_lines import BankLine, Target, TargetKind
from reconciler.books.journal import Side
from reconciler.errors import Invalid, Refused

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
        "bank_fees",
        "undeposited" if kind in {TargetKind.RECEIPT, TargetKind.REFUND} else "bank",
    }  # fmt: skip


owed_amounts = st.integers(1, 10**9)


@given(st.data(), owed_amounts, st.dictionaries(st.just("USD"), st.integers(0, 10**9)))
def test_of_an_invoice_no_more_is_a_fee_than_is_missing_and_than_the_limit_leaves(
    data, asked, bounds
):
    paid = data.draw(st.integers(0, asked))
    borne = data.draw(st.integers(0, asked - paid))
    amount = data.draw(st.integers(-5, asked + 5))
    owed = Owed(
        number="INV-1", currency="USD", asked=asked, paid=paid, borne=borne,
        outstanding=asked - paid - borne,
    )  # fmt: skip
    bound = bounds.get("USD", asked // bank_fees.SHARE)
    if paid and 0 < amount <= owed.outstanding and amount + borne <= bound:
        bank_fees.may_be_borne(owed, amount, bounds)
        assert amount <= owed.most(bounds) <= owed.outstanding
        return
    with pytest.raises((Invalid, Refused)) as refusal:
        bank_fees.may_be_borne(owed, amount, bounds)
    assert refusal.value.field == "amount"
    assert amount <= 0 or amount > owed.most(bounds)


def test_what_is_in_the_way_of_a_fee_on_an_invoice_is_said():
    def refused(amount=5, **changes) -> str:
        given = {"asked": 120_000, "outstanding": 5_000, "paid": 115_000, "borne": 0} | changes
        owed = Owed(number="INV-1", currency="USD", **given)
        with pytest.raises((Invalid, Refused)) as refusal:
            bank_fees.may_be_borne(owed, amount, {})
        return str(refusal.value)

    assert refused(outstanding=0) == "nothing is owed on INV-1"
    assert "nothing has paid INV-1 yet" in refused(paid=0)
    assert "more than nothing" in refused(0)
    assert refused(5_001) == "INV-1 is owed USD 50.00, not more"
    assert "BANK_FEE_MAX allows USD 10.00 here" in refused(2_000, borne=5_000)


def test_what_we_bear_is_an_expense_and_its_reversal_mirrors_it():
    short = Short(id="fee_1", invoice_id="inv_1", payment_id=None, amount=5, currency="USD")
    booked, back = bank_fees.short_entry(short), bank_fees.short_reversal(short)
    assert [(p.side, p.account.role.value, p.amount.minor) for p in booked.postings] == [
        (Side.DEBIT, "bank_fees", 5), (Side.CREDIT, "accounts_receivable", 5),
    ]  # fmt: skip
    assert back.reverses == booked.key == "bank_fee/fee_1"
    assert {(p.account, p.side) for p in back.postings} == {
        (p.account, Side.CREDIT if p.side is Side.DEBIT else Side.DEBIT) for p in booked.postings
    }
