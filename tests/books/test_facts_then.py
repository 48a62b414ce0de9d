"""Facts as they may have been earlier: what came later, and its movements, is not among them."""

from hypothesis import given, strategies as st

from reconciler.books.facts_then import known_then
from reconciler.books.payments import join
from tests.builders import AT, captured, charge, dispute, facts, refund, row

LATER = AT + 60
KNOWN = join(
    captured(10_000),
    facts(
        refunds=refund("re_1", 300, balance_ref="txn_re_1", reference="rfd_1")
        | refund("re_2", 200, created=LATER, failure_ref="txn_back")
        | refund("re_3", 100),
        disputes=dispute("dp_1", 500, created=LATER),
        balance=row("txn_re_1", -300, "refund", source="re_1")
        | row("txn_back", 200, "refund_failure")
        | row("txn_dp", -500, "dispute", source="dp_1"),
    ),
)


def test_what_was_made_later_was_not_known_and_neither_was_its_money() -> None:
    then = known_then(KNOWN, AT)
    assert set(then.refunds) == {"re_1", "re_3"}
    assert then.disputes == {}
    assert set(then.balance) == {"txn_pi_1", "txn_re_1"}


def test_a_refund_that_nobody_had_asked_for_was_not_there() -> None:
    then = known_then(KNOWN, LATER, {"rfd_1"})
    assert set(then.refunds) == {"re_2", "re_3"}
    assert set(then.balance) == {"txn_pi_1", "txn_back", "txn_dp"}


@given(st.integers(AT - 10, LATER + 10), st.sets(st.sampled_from(["rfd_1", "rfd_2"])))
def test_it_is_always_a_part_of_what_is_known(at: int, not_yet: set[str]) -> None:
    then = known_then(KNOWN, at, not_yet)
    assert join(KNOWN, then) == KNOWN
    assert known_then(then, at, not_yet) == then


def test_money_that_was_taken_back_later_was_there() -> None:
    noted = facts(charges=charge(captured=500) | charge("ch_2", captured=300))
    taken = join(noted, facts(charges=charge(taken_back_at=LATER)))
    assert known_then(taken, AT) == noted
    assert known_then(taken, LATER) is taken


def test_at_last_all_of_it_was_known() -> None:
    assert known_then(KNOWN, LATER) is KNOWN
