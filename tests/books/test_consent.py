from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from reconciler.books import consent
from reconciler.books.consent import (
    OF_ONE_PAYMENT_DAILY_MAX,
    Part,
    RefundPolicy,
    SentToday,
    Terms,
)
from reconciler.books.refunds import RefundStatus
from reconciler.errors import Conflict, Forbidden, Refused

S = RefundStatus


@pytest.mark.parametrize(
    ("thresholds", "amount", "is_person", "needs"),
    [
        ({}, 1, True, True),
        ({}, 1_000_000, False, False),
        ({"EUR": 5}, 1, True, True),
        ({"USD": 500}, 500, True, False),
        ({"USD": 500}, 501, True, True),
        ({"USD": 500}, 500, False, False),
        ({"USD": 500}, 501, False, True),
        ({"USD": 0}, 1, False, True),
    ],
)
def test_a_second_person_is_needed_by_persons_unless_a_threshold_says_otherwise(
    thresholds, amount, is_person, needs
):
    policy = RefundPolicy(thresholds)
    assert policy.needs_second_person(amount, "USD", is_person=is_person) is needs


@pytest.mark.parametrize("own", ["ann", "cid"])
def test_who_asked_or_changed_it_never_approves(own):
    with pytest.raises(Forbidden, match="second person"):
        consent.approve(S.REQUESTED, authors={"ann", "cid"}, by=own)
    consent.approve(S.REQUESTED, authors={"ann", "cid"}, by="ben")
    consent.reject(S.REQUESTED)


@pytest.mark.parametrize("status", [s for s in S if s is not S.REQUESTED])
def test_only_a_requested_refund_is_approved_or_rejected(status):
    with pytest.raises(Conflict, match=status.value):
        consent.approve(status, authors={"ann"}, by="ben")
    with pytest.raises(Conflict, match=status.value):
        consent.reject(status)


@pytest.mark.parametrize("status", list(S))
def test_only_what_was_not_sent_can_be_changed(status):
    if status in {S.REQUESTED, S.APPROVED}:
        consent.change(status, [S.REQUESTED, status], was_sent=False)
        with pytest.raises(Conflict, match="nothing was sent"):
            consent.change(status, [status], was_sent=True)
    else:
        with pytest.raises(Conflict, match=status.value):
            consent.change(status, [S.REQUESTED, status], was_sent=False)


def test_a_days_limit_holds_what_is_beyond_it_and_refuses_what_could_never_go():
    policy = RefundPolicy(daily_limits={"USD": 1_000})
    assert policy.why_not_today(400, "USD", SentToday(600)) is None
    assert "USD 10.00" in policy.why_not_today(401, "USD", SentToday(600))
    assert policy.why_not_today(10**9, "EUR", SentToday(10**9)) is None
    policy.may_ever_go(1_000, "USD")
    policy.may_ever_go(10**9, "EUR")
    with pytest.raises(Refused, match=r"USD 10\.01 is more than the USD 10\.00") as refusal:
        policy.may_ever_go(1_001, "USD")
    assert refusal.value.field == "amount"


@pytest.mark.parametrize(
    ("policy", "sent", "words"),
    [
        (RefundPolicy(daily_count=3), SentToday(count=2), None),
        (RefundPolicy(daily_count=3), SentToday(count=3), "limit of 3 refunds"),
        (RefundPolicy(daily_count=0), SentToday(), "limit of 0 refunds"),
        (RefundPolicy(daily_count_per_customer=2), SentToday(count=9, of_customer=1), None),
        (RefundPolicy(daily_count_per_customer=2), SentToday(of_customer=2), "to this customer"),
        (RefundPolicy(), SentToday(of_payment=OF_ONE_PAYMENT_DAILY_MAX - 1), None),
        (RefundPolicy(), SentToday(of_payment=OF_ONE_PAYMENT_DAILY_MAX), "this one payment"),
    ],
)
def test_a_day_has_room_for_so_many_refunds(policy, sent, words):
    why = policy.why_not_today(1, "USD", sent)
    assert (why is None) if words is None else (words in why)


_CENTS = st.integers(1, 40)
_LEAVING = st.tuples(
    _CENTS, st.sampled_from(["USD", "EUR", "JPY"]), st.sampled_from("pqr"), st.sampled_from("ab")
)
_POLICIES = st.builds(
    RefundPolicy,
    daily_limits=st.dictionaries(st.sampled_from(["USD", "EUR"]), st.integers(0, 300)),
    daily_count=st.none() | st.integers(0, 30),
    daily_count_per_customer=st.none() | st.integers(0, 20),
)


def _sent(left: list[tuple[int, str, str, str]], leaving: tuple[int, str, str, str]) -> SentToday:
    """What of all that has left counts against the next one."""
    _, currency, payment, customer = leaving
    return SentToday(
        amount=sum(one[0] for one in left if one[1] == currency),
        count=len(left),
        of_payment=sum(one[2] == payment for one in left),
        of_customer=sum(one[3] == customer for one in left),
    )


@given(_POLICIES, st.lists(_LEAVING, max_size=80))
def test_however_a_day_goes_no_limit_is_passed_and_nothing_is_held_that_would_fit(policy, wanted):
    left: list[tuple[int, str, str, str]] = []
    for leaving in wanted:
        amount, currency, payment, customer = leaving
        fits = (
            sum(one[0] for one in left if one[1] == currency) + amount
            <= policy.daily_limits.get(currency, 10**9)
            and len(left) < (10**9 if policy.daily_count is None else policy.daily_count)
            and len([one for one in left if one[2] == payment]) < OF_ONE_PAYMENT_DAILY_MAX
            and len([one for one in left if one[3] == customer])
            < (
                10**9
                if policy.daily_count_per_customer is None
                else policy.daily_count_per_customer
            )
        )
        why = policy.why_not_today(amount, currency, _sent(left, leaving))
        assert (why is None) is fits, why
        if fits:
            left.append(leaving)


@given(
    st.dictionaries(st.sampled_from(["USD", "EUR"]), st.integers(0, 300)),
    st.integers(1, 400),
    st.sampled_from(["USD", "EUR", "JPY"]),
    st.booleans(),
)
def test_a_threshold_is_of_its_currency_and_counts_for_people_and_programs(
    thresholds, amount, currency, is_person
):
    policy = RefundPolicy(thresholds)
    needs = policy.needs_second_person(amount, currency, is_person=is_person)
    assert needs is (amount > thresholds[currency] if currency in thresholds else is_person)


@given(st.integers(1, 400), st.sampled_from(["USD", "EUR"]), st.integers(0, 300))
def test_what_could_leave_on_no_day_is_refused_when_it_is_asked_for(amount, currency, limit):
    policy = RefundPolicy(daily_limits={"USD": limit})
    if currency == "USD" and amount > limit:
        with pytest.raises(Refused, match="in a day"):
            policy.may_ever_go(amount, currency)
    else:
        policy.may_ever_go(amount, currency)
        assert policy.why_not_today(amount, currency, SentToday()) is None


TERMS = Terms(
    refund_id="rfd_1",
    asked_of="inv_1",
    amount=300,
    currency="USD",
    treatment="credit",
    reason="goodwill",
    parts=(Part("pay_1", "inv_1", 100), Part("pay_2", None, 200)),
)


@pytest.mark.parametrize(
    "other",
    [
        {"refund_id": "rfd_2"},
        {"method": "hand"},
        {"asked_of": "inv_2"},
        {"amount": 301},
        {"currency": "EUR"},
        {"treatment": "reopen"},
        {"reason": "fraudulent"},
        {"parts": (Part("pay_1", "inv_1", 100),)},
        {"parts": (Part("pay_1", "inv_1", 200), Part("pay_2", None, 100))},
        {"parts": (Part("pay_3", "inv_1", 100), Part("pay_2", None, 200))},
        {"parts": (Part("pay_1", "inv_2", 100), Part("pay_2", None, 200))},
    ],
)
def test_an_approval_binds_each_of_the_terms(other):
    assert replace(TERMS, **other).digest() != TERMS.digest()


_IDS = st.sampled_from(["pay_1", "pay_2", "pay_12"])
_PARTS = st.lists(
    st.builds(Part, _IDS, st.none() | _IDS, st.integers(1, 30)), min_size=1, max_size=4
)


@given(_PARTS, _PARTS, st.randoms())
def test_the_same_parts_in_any_order_are_the_same_terms_and_others_are_not(one, other, chance):
    shuffled = chance.sample(one, len(one))
    mine, same = (replace(TERMS, parts=tuple(parts)).digest() for parts in (one, shuffled))
    assert mine == same
    theirs = replace(TERMS, parts=tuple(other)).digest()
    in_order = [sorted(parts, key=repr) for parts in (one, other)]
    assert (mine == theirs) is (in_order[0] == in_order[1])
