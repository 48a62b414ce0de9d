"""A refund in plain words. Every state has some, and no word promises what is not so."""

import pytest
from hypothesis import given, strategies as st

from reconciler.books.refund_routes import Keep, Method, Route
from reconciler.books.refund_words import LegTold, for_client, next_step, why
from reconciler.books.refunds import RefundStatus

S = RefundStatus
DISPUTED = "charge_for_pending_refund_disputed"
methods = st.sampled_from([None, *(m.value for m in Method), *(k.value for k in Keep)])
legs = st.builds(
    LegTold,
    status=st.sampled_from(list(RefundStatus)),
    amount=st.integers(1, 9_999),
    route=st.sampled_from(list(Route)),
    method=methods,
    is_by_hand=st.booleans(),
    sends=st.integers(0, 3),
    failure=st.sampled_from(
        [
            None,
            "declined",
            "lost_or_stolen_card",
            "charge_for_pending_refund_disputed",
            "insufficient_funds",
        ]
    ),
    is_at_rail=st.booleans(),
    is_uncovered=st.booleans(),
)


@given(st.lists(legs, min_size=1, max_size=4))
def test_there_are_words_for_everything(told) -> None:
    for said in (for_client(told, "USD"), next_step(told)):
        assert said.endswith(".")
        assert "_" not in said
        assert not any(f" {code} " in said for code in ("requires_action", "None"))


@given(st.lists(legs, min_size=1, max_size=4))
def test_a_client_is_not_told_that_money_comes_that_was_stopped(told) -> None:
    stopped = {S.FAILED, S.CANCELED, S.REJECTED, S.MANUAL, S.REQUESTED}
    if all(leg.status in stopped for leg in told):
        said = for_client(told, "USD")
        assert "On its way" not in said
        assert "Sent back" not in said
        assert "Paid back" not in said


@given(st.lists(legs, min_size=1, max_size=4))
def test_no_day_is_told_of_what_no_balance_carries(told) -> None:
    if all(leg.awaits_balance for leg in told):
        assert "as soon as we can" in for_client(told, "USD")
        assert "business days" not in for_client(told, "USD")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ([LegTold(S.APPROVED, 5, is_uncovered=True)], "will be sent as soon as we can"),
        ([LegTold(S.APPROVED, 5)], "On its way."),
        (
            [LegTold(S.APPROVED, 300, is_uncovered=True), LegTold(S.SUCCEEDED, 700)],
            "USD 7.00 of USD 10.00 is on its way or with you. The rest will be sent as soon as",
        ),
        (
            [LegTold(S.APPROVED, 300, is_uncovered=True), LegTold(S.FAILED, 700)],
            "USD 3.00 of USD 10.00 will be sent as soon as we can. We will contact you about",
        ),
        ([LegTold(S.PENDING, 5)], "On its way. Your bank usually shows it within 5 to 10"),
        ([LegTold(S.FAILED, 5)], "Your bank sent it back. We will contact you."),
        ([LegTold(S.FAILED, 5, is_at_rail=False)], "It could not be sent. We will contact you."),
        ([LegTold(S.FAILED, 5, failure="insufficient_funds")], "It could not be sent."),
        ([LegTold(S.FAILED, 5, failure=DISPUTED)], "The bank is deciding about this payment"),
        ([LegTold(S.PENDING, 5, failure="insufficient_funds")], "will be sent as soon as we can"),
        ([LegTold(S.REQUIRES_ACTION, 5)], "follow the e-mail"),
        ([LegTold(S.SUCCEEDED, 5, is_by_hand=True)], "Paid back to you."),
        ([LegTold(S.SUCCEEDED, 5, Route.HAND, "cash")], "Paid back to you in cash."),
        ([LegTold(S.SUCCEEDED, 5, Route.KEPT, "credit")], "stays with us as your credit"),
        ([LegTold(S.SUCCEEDED, 5), LegTold(S.PENDING, 5)], "On its way, in parts."),
        ([LegTold(S.SUCCEEDED, 700), LegTold(S.FAILED, 300)], "USD 7.00 of USD 10.00 is on"),
        ([LegTold(S.MANUAL, 5), LegTold(S.FAILED, 5)], "another way to pay it back"),
        ([LegTold(S.MANUAL, 5, Route.HAND, "bank_transfer")], "back to your bank account. We will"),
        ([LegTold(S.MANUAL, 5, Route.HAND, "check")], "another way to pay it back"),
    ],
)
def test_what_the_client_reads(told, said) -> None:
    assert said in for_client(told, "USD")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ([LegTold(S.MANUAL, 5, is_by_hand=True)], "A second person pays it back and records how."),
        ([LegTold(S.MANUAL, 5, Route.HAND, "bank_transfer")], "pays it back by bank transfer and"),
        ([LegTold(S.MANUAL, 5, Route.HAND, "other")], "pays it back and records how"),
        ([LegTold(S.MANUAL, 5)], "It was never sent. Call it off"),
        ([LegTold(S.MANUAL, 5, sends=2)], "Look at the payment in the rail's dashboard"),
        ([LegTold(S.FAILED, 5, failure="expired_or_canceled_card")], "closed: sent on the same"),
        (
            [LegTold(S.SUCCEEDED, 5), LegTold(S.FAILED, 5, failure="lost_or_stolen_card")],
            "Pay it another way, with a second person;",
        ),
        (
            [
                LegTold(S.FAILED, 5, failure="declined"),
                LegTold(S.FAILED, 5, failure="lost_or_stolen_card"),
            ],
            "Try it again on the same rail",
        ),
        ([LegTold(S.FAILED, 5, failure="declined")], "Try it again on the same rail"),
        ([LegTold(S.FAILED, 5, failure=DISPUTED)], "Wait for the dispute"),
        ([LegTold(S.FAILED, 5, failure="insufficient_funds")], "Try it again on the same rail"),
        ([LegTold(S.PENDING, 5, failure="insufficient_funds")], "Put money on our balance"),
        ([LegTold(S.PENDING, 5)], "Nothing to do"),
        ([LegTold(S.APPROVED, 5)], "Nothing to do"),
        ([LegTold(S.APPROVED, 5, is_uncovered=True)], "Put money on our balance"),
    ],
)
def test_what_somebody_has_to_do(told, said) -> None:
    assert said in next_step(told)


def test_the_rails_codes_are_worded_and_words_stay() -> None:
    assert why("lost_or_stolen_card") == "the card was lost or stolen"
    assert why("it was refused") == "it was refused"
    assert why(None) is None
