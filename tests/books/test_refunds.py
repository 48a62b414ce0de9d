import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace as changed_struct

from reconciler.books import refunds
from reconciler.books.allocations import Treatment
from reconciler.books.observations import (
    BalanceFact,
    ChargeFact,
    DisputeFact,
    PaymentFacts,
    RefundFact,
    RefundStage,
)
from reconciler.books.refunds import (
    TRANSITIONS,
    PlannedLeg,
    RefundReason,
    RefundStatus,
    Reserved,
    Source,
    plan_legs,
)

S = RefundStatus


def a_payment(captured=10_000, *, refunds=(), disputes=(), balance=()):
    return PaymentFacts(
        rail="stripe",
        account="own",
        payment_id="pi_1",
        currency="USD",
        charges={
            "ch_1": ChargeFact(
                id="ch_1", authorized=captured, captured=captured, is_final=True, is_whole=True
            )
        },
        refunds={refund.id: refund for refund in refunds},
        disputes={dispute.id: dispute for dispute in disputes},
        balance={row.id: row for row in balance},
    )


def a_refund(refund_id="re_1", amount=2_500, stage=RefundStage.LEFT, **more):
    return RefundFact(id=refund_id, amount=amount, stage=stage, charge="ch_1", **more)


def a_dispute(amount=10_000, *, word="needs_response", **more):
    more.setdefault("was_formal", True)
    return DisputeFact(id="dp_1", amount=amount, shown=(0, 0, word), **more)


def a_row(amount, *, category="dispute", row_id="txn_1"):
    return BalanceFact(
        id=row_id, amount=amount, fee=0, currency="USD", category=category, source="dp_1"
    )


# Its life


def test_what_the_rail_shows_outranks_whatever_was_concluded():
    for before in S:
        for word in refunds.RAIL_WORDS:
            assert refunds.may_become(before, word, is_seen=True)


def test_nothing_leaves_rejected_failed_or_canceled_unless_the_rail_shows_it():
    for before in (S.REJECTED, S.FAILED, S.CANCELED, S.SUCCEEDED):
        assert [a for a in S if refunds.may_become(before, a, is_seen=False)] == []


def test_nothing_is_sent_that_was_not_approved():
    can_be_sent = {before for before in S if S.SUBMITTED in TRANSITIONS[before]}
    assert can_be_sent == {S.APPROVED, S.UNKNOWN}


def test_every_status_has_its_way():
    assert set(TRANSITIONS) == set(S)


@pytest.mark.parametrize(
    ("legs", "word"),
    [
        ([S.APPROVED], S.APPROVED),
        ([S.SUCCEEDED, S.SUCCEEDED], S.SUCCEEDED),
        ([S.SUCCEEDED, S.APPROVED], S.SUBMITTED),
        ([S.SUCCEEDED, S.UNKNOWN, S.SUBMITTED], S.UNKNOWN),
        ([S.MANUAL, S.UNKNOWN], S.MANUAL),
        ([S.PENDING, S.SUCCEEDED], S.PENDING),
        ([S.PENDING, S.REQUIRES_ACTION], S.REQUIRES_ACTION),
        ([S.FAILED, S.SUCCEEDED], S.FAILED),
        ([S.CANCELED, S.SUCCEEDED], S.FAILED),
        ([S.REQUESTED, S.APPROVED], S.REQUESTED),
    ],
    ids=str,
)
def test_a_refund_says_what_most_wants_attention_among_its_legs(legs, word):
    assert refunds.overall(legs) is word
    assert refunds.overall(reversed(legs)) is word


@pytest.mark.parametrize(
    ("stage", "said", "status"),
    [
        (RefundStage.LEFT, "succeeded", S.SUCCEEDED),
        (RefundStage.LEFT, "requires_action", S.REQUIRES_ACTION),
        (RefundStage.LEFT, "something new", S.SUCCEEDED),
        (RefundStage.PROMISED, "pending", S.PENDING),
        (RefundStage.PROMISED, "something new", S.PENDING),
        (RefundStage.FAILED, "succeeded", S.FAILED),
        (RefundStage.CANCELED, "canceled", S.CANCELED),
    ],
)
def test_the_rails_word_becomes_the_legs_status(stage, said, status):
    assert refunds.seen(a_refund(stage=stage, shown=(0, 0, said))) is status


def test_each_leg_has_a_reference_of_its_own_and_the_first_is_the_refunds_id():
    assert [refunds.reference("rfd_1", n) for n in (1, 2, 3)] == ["rfd_1", "rfd_1.2", "rfd_1.3"]


def test_only_duplicates_and_overpayments_change_no_invoice_by_themselves():
    reopening = {r for r in RefundReason if refunds.DEFAULT_TREATMENT[r] is Treatment.REOPEN}
    assert reopening == {RefundReason.DUPLICATE, RefundReason.OVERPAYMENT}


# How much


@pytest.mark.parametrize(
    ("facts", "left"),
    [
        (a_payment(), 10_000),
        (a_payment(0), 0),
        (a_payment(refunds=[a_refund()]), 7_500),
        (a_payment(refunds=[a_refund(), a_refund("re_2")]), 5_000),
        (a_payment(refunds=[a_refund(stage=RefundStage.PROMISED)]), 7_500),
        (a_payment(refunds=[a_refund(stage=RefundStage.FAILED)]), 10_000),
        (a_payment(refunds=[a_refund(stage=RefundStage.CANCELED)]), 10_000),
        (a_payment(refunds=[a_refund(amount=99_999)]), 0),
        (a_payment(disputes=[a_dispute()]), 0),
        (a_payment(disputes=[a_dispute(4_000)]), 0),
        (a_payment(disputes=[a_dispute(was_formal=False, is_inquiry=True)]), 10_000),
        (a_payment(disputes=[a_dispute(4_000, word="lost")]), 6_000),
        (a_payment(disputes=[a_dispute(4_000, word="won")]), 10_000),
        (
            a_payment(disputes=[a_dispute(4_000, word="lost")], balance=[a_row(-4_000)]),
            6_000,
        ),
        (
            a_payment(
                disputes=[a_dispute(4_000, word="lost")],
                balance=[a_row(-4_000), a_row(4_000, category="dispute_reversal", row_id="txn_2")],
            ),
            10_000,
        ),
        (a_payment(disputes=[a_dispute(4_000)], balance=[a_row(-9_000)]), 0),
    ],
)
def test_refundable_is_what_was_captured_less_what_went_or_may_go(facts, left):
    assert refunds.refundable(facts, []) == left


def test_what_may_be_a_refund_or_a_released_remainder_counts_as_gone_until_it_is_told():
    unclear = replace_charge(a_payment(700, refunds=[a_refund(amount=300)]), is_whole=False)
    assert refunds.refundable(unclear, []) == 400
    released = replace_charge(
        a_payment(700, refunds=[a_refund(amount=300, is_released=True)]), is_whole=False
    )
    assert refunds.refundable(released, []) == 700


def replace_charge(facts, **changed):
    charge = changed_struct(facts.charges["ch_1"], **changed)
    return changed_struct(facts, charges={"ch_1": charge})


def test_a_leg_holds_its_money_until_the_rail_shows_its_refund_and_then_it_counts_once():
    waiting = [Reserved("rfd_1", 2_500), Reserved("rfd_2", 1_000)]
    assert refunds.refundable(a_payment(), waiting) == 6_500
    shown = a_payment(refunds=[a_refund(amount=2_500, reference="rfd_1")])
    assert refunds.refundable(shown, waiting) == 6_500


def test_a_dispute_is_open_until_it_is_closed_and_an_inquiry_is_none():
    assert refunds.is_disputed(a_payment(disputes=[a_dispute()]))
    assert not refunds.is_disputed(a_payment(disputes=[a_dispute(was_formal=False)]))
    assert not refunds.is_disputed(a_payment(disputes=[a_dispute(word="won")]))
    assert not refunds.is_disputed(a_payment())


def test_legs_take_from_the_newest_payment_first():
    sources = [Source("new", 700, 700, "inv_1"), Source("old", 300, 300, "inv_1")]
    assert plan_legs(800, sources, {}) == [
        PlannedLeg("new", "inv_1", 700),
        PlannedLeg("old", "inv_1", 100),
    ]
    assert plan_legs(None, sources, {}) == [
        PlannedLeg("new", "inv_1", 700),
        PlannedLeg("old", "inv_1", 300),
    ]
    assert plan_legs(700, sources, {}) == [PlannedLeg("new", "inv_1", 700)]


def test_a_payment_gives_back_no_more_than_it_put_there_nor_more_than_it_has():
    assert plan_legs(None, [Source("p", 50, 80)], {}) == [PlannedLeg("p", None, 50)]
    assert plan_legs(None, [Source("p", 80, 50)], {}) == [PlannedLeg("p", None, 50)]
    twice = [Source("p", 100, 80, "inv_1"), Source("p", 100, 80, "dep_1")]
    assert plan_legs(None, twice, {}) == [
        PlannedLeg("p", "inv_1", 80),
        PlannedLeg("p", "dep_1", 20),
    ]


def test_payments_of_one_deposit_share_what_is_left_of_it():
    sources = [Source("p", 500, 500, "dep_1", "dep_1"), Source("q", 500, 500, "dep_1", "dep_1")]
    assert plan_legs(None, sources, {"dep_1": 600}) == [
        PlannedLeg("p", "dep_1", 500),
        PlannedLeg("q", "dep_1", 100),
    ]


def test_a_rail_with_steps_gets_whole_steps():
    sources = [Source("p", 1_005, 1_005, step=10), Source("q", 995, 995, step=10)]
    assert plan_legs(None, sources, {}) == [
        PlannedLeg("p", None, 1_000),
        PlannedLeg("q", None, 990),
    ]


amounts = st.integers(0, 1_000)


sources = st.lists(
    st.builds(
        Source,
        st.sampled_from(["p", "q", "r"]),
        st.just(700),
        amounts,
        st.sampled_from(["inv_1", "dep_1"]),
        st.sampled_from([None, "dep_1", "dep_2"]),
    ),
    max_size=6,
)


@given(st.none() | amounts, sources, amounts, amounts)
def test_no_plan_takes_more_than_was_asked_or_than_there_is(asked, found, one, other):
    pools = {"dep_1": one, "dep_2": other}
    legs = plan_legs(asked, found, pools)
    assert all(leg.amount > 0 for leg in legs)
    assert sum(leg.amount for leg in legs) <= (
        sum(pools.values()) + 10_000 if asked is None else asked
    )
    for payment in ("p", "q", "r"):
        assert sum(leg.amount for leg in legs if leg.payment_id == payment) <= 700
    everything = sum(leg.amount for leg in plan_legs(None, found, pools))
    assert sum(leg.amount for leg in legs) == min(
        everything, everything if asked is None else asked
    )


@pytest.mark.parametrize(
    ("fact", "waits_for"),
    [
        ({"stage": RefundStage.PROMISED, "waits": (1, "insufficient_funds")}, True),
        ({"stage": RefundStage.PROMISED, "waits": (1, "processing")}, False),
        ({"stage": RefundStage.FAILED, "waits": (1, "insufficient_funds")}, False),
    ],
)
def test_people_read_what_a_refund_waits_for_where_they_can_do_something(fact, waits_for):
    assert refunds.why_waiting(a_refund(**fact)) == ("insufficient_funds" if waits_for else None)
