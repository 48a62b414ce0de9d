"""Another way is taken only once the rail can never pay: nobody is paid twice."""

from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from reconciler.books.observations import RefundStage
from reconciler.books.refund_routes import Route, Standing, has_stopped, why_open
from reconciler.books.refund_sending import KEY_IS_FORGOTTEN, Look
from reconciler.books.refunds import RefundStatus

S, HOURS = RefundStatus, timedelta(hours=1)
standings = st.builds(
    Standing,
    status=st.sampled_from(list(RefundStatus)),
    shown=st.none() | st.sampled_from(list(RefundStage)),
    look=st.sampled_from(list(Look)),
    quiet=st.none() | st.integers(0, 60).map(lambda n: n * HOURS),
    was_refused=st.booleans(),
    totals_agree=st.booleans(),
)


@given(standings)
def test_a_leg_is_closed_by_the_rails_own_last_word_or_by_a_proof_that_nothing_went(at) -> None:
    if why_open(at) is not None:
        return
    assert at.status in {S.FAILED, S.MANUAL, S.CANCELED}
    is_over = at.shown in {RefundStage.FAILED, RefundStage.CANCELED}
    cannot_come = at.quiet is None or at.was_refused or at.quiet >= KEY_IS_FORGOTTEN
    is_absent = at.shown is None and at.look is Look.ABSENT and at.totals_agree
    assert is_over or (is_absent and cannot_come)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (Standing(S.FAILED, RefundStage.FAILED, Look.UNANSWERED), None),
        (Standing(S.CANCELED, RefundStage.CANCELED, Look.UNANSWERED), None),
        (Standing(S.MANUAL, None, Look.ABSENT), None),
        (Standing(S.FAILED, None, Look.ABSENT, timedelta(0), was_refused=True), None),
        (Standing(S.MANUAL, None, Look.ABSENT, 25 * HOURS), None),
        (Standing(S.MANUAL, None, Look.ABSENT, 24 * HOURS), "in 2 hours"),
        (Standing(S.MANUAL, None, Look.ABSENT, totals_agree=False), "do not add up"),
        (Standing(S.MANUAL, None, Look.UNANSWERED), "cannot be asked"),
        (Standing(S.MANUAL, None, Look.FOUND), "shows it after all"),
        (Standing(S.FAILED, RefundStage.LEFT, Look.ABSENT), "shows it after all"),
        (Standing(S.CANCELED, None, Look.ABSENT), "called off"),
        (Standing(S.UNKNOWN, None, Look.ABSENT), "it is unknown"),
        (Standing(S.SUCCEEDED, RefundStage.LEFT, Look.FOUND), "it is succeeded"),
    ],
)
def test_each_standing_says_why_it_is_open(at, said) -> None:
    why = why_open(at)
    assert why is None if said is None else said in str(why)


@pytest.mark.parametrize(
    ("status", "route", "rail_refund_id", "stopped"),
    [
        (S.FAILED, Route.RAIL, "re_1", True),
        (S.FAILED, Route.RAIL, None, True),
        (S.MANUAL, Route.RAIL, None, True),
        (S.CANCELED, Route.RAIL, "re_1", True),
        (S.CANCELED, Route.RAIL, None, False),
        (S.MANUAL, Route.HAND, None, False),
        (S.CANCELED, Route.HAND, None, False),
        (S.PENDING, Route.RAIL, "re_1", False),
        (S.SUCCEEDED, Route.RAIL, "re_1", False),
    ],
)
def test_what_was_called_off_before_its_rail_had_it_needs_no_other_way(
    status, route, rail_refund_id, stopped
) -> None:
    assert has_stopped(status.value, route.value, rail_refund_id) is stopped
