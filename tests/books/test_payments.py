"""The one word for a payment, and what counts as a refund of it."""

import pytest

from reconciler.books.observations import RefundStage
from reconciler.books.payments import (
    PaymentStatus as S,
    captured,
    counted_refunds,
    is_final,
    is_released,
    on_its_way,
    status,
)
from tests.builders import charge, dispute, facts, intent, refund, row

HELD = charge(authorized=1_000)
TAKEN = charge(authorized=1_000, captured=1_000)

STATUSES = {
    "nothing": (facts(), S.PROCESSING),
    "a-debit-under-way": (facts(charges=charge(is_pending=True)), S.PROCESSING),
    "held": (facts(charges=HELD), S.AUTHORIZED),
    "let-go": (facts(charges=charge(authorized=1_000, is_expired=True)), S.CANCELED),
    "given-up": (facts(charges=HELD, intent=intent(is_canceled=True)), S.CANCELED),
    "declined": (facts(charges=charge(is_failed=True)), S.FAILED),
    "declined-as-the-intent-says": (facts(intent=intent(is_failed=True)), S.FAILED),
    "declined-and-tried-again": (
        facts(charges=charge("ch_1", is_failed=True) | charge("ch_2", is_pending=True)),
        S.PROCESSING,
    ),
    "a-debit-that-was-refused": (facts(charges=charge(is_pending=True, is_failed=True)), S.FAILED),
    "declined-and-then-paid": (
        facts(charges=charge("ch_1", is_failed=True) | charge("ch_2", captured=5, authorized=5)),
        S.CAPTURED,
    ),
    "taken": (facts(charges=TAKEN), S.CAPTURED),
    "taken-in-part": (facts(charges=charge(authorized=1_000, captured=7)), S.PARTIALLY_CAPTURED),
    "taken-and-the-hold-is-told-late": (
        facts(charges=TAKEN, intent=intent(is_canceled=True)),
        S.CAPTURED,
    ),
    "disputed": (facts(charges=TAKEN, disputes=dispute("du_1", 5)), S.DISPUTED),
    "an-inquiry": (facts(charges=TAKEN, disputes=dispute("du_1", 5, was_formal=False)), S.CAPTURED),
    "a-dispute-that-is-over": (
        facts(charges=TAKEN, disputes=dispute("du_1", 5, shown=(1, 7, "lost"))),
        S.CAPTURED,
    ),
}


@pytest.mark.parametrize("case", STATUSES, ids=str)
def test_the_status_follows_from_the_facts(case: str) -> None:
    told, word = STATUSES[case]
    assert status(told, refunded=0, disputed=0) is word


ON_ITS_WAY = {
    "nothing": (facts(), 0),
    "held": (facts(charges=HELD), 1_000),
    "held-as-the-intent-says": (facts(intent=intent(authorized=1_000)), 1_000),
    "a-debit-under-way": (facts(charges=charge(is_pending=True, pending=700)), 700),
    "a-debit-as-the-intent-says": (facts(intent=intent(is_processing=True, pending=700)), 700),
    "a-debit-that-came": (
        facts(charges=charge(pending=700, captured=700, authorized=700, is_final=True)),
        0,
    ),
    "a-debit-that-was-refused": (
        facts(charges=charge(pending=700, is_failed=True), intent=intent(pending=700)),
        0,
    ),
    "refused-as-the-intent-says": (facts(intent=intent(pending=700, is_failed=True)), 0),
    "refused-and-tried-again": (
        facts(
            charges=charge("ch_1", pending=700, is_failed=True) | charge("ch_2", pending=500),
            intent=intent(is_failed=True, pending=500),
        ),
        500,
    ),
    "taken-in-part-and-more-may-come": (
        facts(charges=charge(authorized=1_000, captured=300)),
        700,
    ),
    "taken-in-part-and-for-good": (
        facts(charges=charge(authorized=1_000, captured=300, is_final=True)),
        0,
    ),
    "let-go": (facts(charges=charge(authorized=1_000, is_expired=True)), 0),
    "given-up": (facts(charges=HELD, intent=intent(is_canceled=True)), 0),
}


@pytest.mark.parametrize("case", ON_ITS_WAY, ids=str)
def test_what_is_on_its_way_is_what_may_still_come(case: str) -> None:
    known, wanted = ON_ITS_WAY[case]
    assert on_its_way(known) == wanted


def test_what_went_back_shows_in_the_status() -> None:
    told = facts(charges=TAKEN)
    assert status(told, refunded=1, disputed=0) is S.PARTIALLY_REFUNDED
    assert status(told, refunded=1_000, disputed=0) is S.REFUNDED
    assert status(told, refunded=1_000, disputed=5) is S.DISPUTED


PART = charge(authorized=1_000, captured=700)
MAYBE = {"is_real": False}

RELEASED = {
    "its-own-category-says-so": (refund("re_1", 300, is_released=True, **MAYBE), {}, True),
    "its-rows-category-says-so": (
        refund("re_1", 300, balance_ref="t", **MAYBE),
        {"balance": row("t", -300, "partial_capture_reversal")},
        True,
    ),
    "its-row-is-a-refunds": (
        refund("re_1", 300, balance_ref="t", **MAYBE),
        {"balance": row("t", -300, "refund")},
        False,
    ),
    "its-row-is-of-a-kind-that-nobody-knows": (
        refund("re_1", 300, balance_ref="t", **MAYBE),
        {"balance": row("t", -300, "hocus")},
        None,
    ),
    "its-category-says-refund": (refund("re_1", 300), {}, False),
    "it-is-ours": (refund("re_1", 300, reference="leg_1", **MAYBE), {}, False),
    "all-was-captured": (refund("re_1", 300, charge="ch_1", **MAYBE), {"whole": True}, False),
    "the-intent-took-all": (refund("re_1", 300, **MAYBE), {"intent": intent(is_whole=True)}, False),
    "no-money-ever-moved": (
        refund("re_1", 1_000, charge="ch_1", **MAYBE),
        {"charges": charge(authorized=1_000, is_expired=True)},
        True,
    ),
    "nobody-can-tell-yet": (refund("re_1", 300, charge="ch_1", **MAYBE), {}, None),
}


@pytest.mark.parametrize("case", RELEASED, ids=str)
def test_a_remainder_is_told_from_a_refund(case: str) -> None:
    made, more, wanted = RELEASED[case]
    if more.pop("whole", False):
        more = {"charges": charge(captured=1_000, is_whole=True)}
    told = facts(**{"charges": PART, "refunds": made} | more)
    assert is_released(made["re_1"], told) is wanted


def test_refunds_count_in_the_order_of_their_making() -> None:
    several = (
        refund("re_3", 1, created=1)
        | refund("re_2", 1, created=2)
        | refund("re_1", 1, created=2)
        | refund("re_4", 1, RefundStage.FAILED)
        | refund("re_5", 1, RefundStage.PROMISED, created=9)
    )
    counted = counted_refunds(facts(charges=TAKEN, refunds=several))
    assert [one.id for one in counted] == ["re_3", "re_1", "re_2", "re_5"]


def test_the_last_capture_is_known_from_either_side() -> None:
    assert not is_final(facts(charges=PART))
    assert is_final(facts(charges=charge(is_final=True)))
    assert is_final(facts(intent=intent(is_final=True)))
    assert captured(facts()) == 0
