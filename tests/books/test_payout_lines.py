"""What a payout consists of: what counts as its part, what is missing of it, what is asked."""

from hypothesis import given, strategies as st

from reconciler.books.observations import BalanceFact
from reconciler.books.payout_lines import (
    NO_LINES,
    Lines,
    difference,
    is_own,
    is_told,
    open_questions,
)
from reconciler.books.payouts import PayoutFacts, PayoutStage

WHOLE = Lines(count=3, net=900, is_whole=True)


def said(**more) -> PayoutFacts:
    given_ = {"currency": "USD", "amount": 900, "is_automatic": True} | more
    return PayoutFacts(rail="stripe", account="own", payout_id="po_1", **given_)


def row(name: str, source: str | None, category: str = "charge") -> BalanceFact:
    return BalanceFact(id=name, amount=900, fee=0, currency="USD", category=category, source=source)


def test_a_payouts_own_rows_are_none_of_its_parts() -> None:
    payout = said(balance_ref="txn_1", failure_ref="txn_2")
    assert is_own(row("txn_9", "po_1", "payout"), payout)
    assert is_own(row("txn_1", None), payout)
    assert is_own(row("txn_2", None), payout)
    assert not is_own(row("txn_3", "ch_1"), payout)
    assert not is_own(row("txn_4", None), said())


def test_the_return_of_another_payout_is_a_part() -> None:
    assert not is_own(row("txn_5", "po_0", "payout_reversal"), said())


@given(st.integers(-10_000, 10_000), st.integers(-10_000, 10_000))
def test_the_rest_is_what_the_lines_do_not_come_to(amount: int, net: int) -> None:
    rest = difference(said(amount=amount), Lines(count=1, net=net, is_whole=True))
    assert rest is not None
    assert rest + net == amount


def test_nobody_can_tell_the_rest_where_the_rail_cannot_or_has_not_told() -> None:
    assert difference(said(), WHOLE) == 0
    assert difference(said(), Lines(count=3, net=900)) is None
    assert difference(said(is_automatic=False), WHOLE) is None
    assert difference(said(is_instant=True), WHOLE) is None
    assert difference(said(amount=None), WHOLE) is None
    assert is_told(said())
    assert not is_told(said(is_instant=True))


def test_an_automatic_payout_without_a_single_line_is_all_rest() -> None:
    assert difference(said(), Lines(is_whole=True)) == 900


def test_what_is_asked_of_the_lines() -> None:
    listable = said(is_listable=True)
    assert open_questions(said(is_automatic=False, stage=PayoutStage.PAID), NO_LINES) == []
    assert open_questions(said(), NO_LINES) == []
    assert open_questions(listable, NO_LINES) == ["what po_1 consists of"]
    assert open_questions(listable, WHOLE) == []
    short = Lines(count=2, net=880, is_whole=True)
    assert open_questions(listable, short) == ["what else po_1 consists of"]
    assert open_questions(said(stage=PayoutStage.PAID), NO_LINES) == [
        "whether it is known by now what po_1 consists of"
    ]
    assert open_questions(said(stage=PayoutStage.FAILED), NO_LINES) == []
