"""What the rail still has to be asked: nothing once the money is fully explained."""

import pytest
from hypothesis import given

from reconciler.books.completeness import open_questions
from reconciler.books.observations import PaymentFacts, RefundStage
from reconciler.books.payments import is_released
from tests.books.lives import anything
from tests.builders import captured, charge, dispute, facts, intent, refund, row

WHOLE = captured(1_000)
CHARGE = {"charge": "ch_pi_1"}


def told(**more) -> PaymentFacts:
    base = {"charges": WHOLE.charges, "balance": WHOLE.balance}
    return facts(**base | {"balance": WHOLE.balance | more.pop("rows", {})} | more)


ASKED = {
    "nothing": (told(), []),
    "a-hold": (facts(charges=charge(authorized=500)), []),
    "only-the-intent-tells": (
        facts(intent=intent(received=500)),
        ["the charge behind the captured amount"],
    ),
    "no-row-yet": (facts(charges=charge(captured=500)), ["the balance movements of ch_1"]),
    "a-debit-under-way-that-has-a-row": (
        facts(charges=charge(is_pending=True), balance=row("t", 500, "charge", source="ch_1")),
        [],
    ),
    "a-debit-that-failed-and-has-a-row": (
        facts(charges=charge(is_failed=True), balance=row("t", 500, "charge", source="ch_1")),
        ["what took ch_1 back"],
    ),
    "an-invoice-of-the-rail": (told(rail_invoices={"in_1": 1_000}), ["what credit paid of in_1"]),
    "an-invoice-of-the-rail-that-no-credit-paid": (
        told(rail_invoices={"in_1": 1_000}, rail_credits={"in_1": (0, 1_000)}),
        [],
    ),
    "a-row-of-half-of-it": (
        facts(charges=charge(captured=500), balance=row("t", 300, "charge", source="ch_1")),
        ["the balance movements of ch_1"],
    ),
    "rows-in-another-currency": (
        facts(
            charges=charge(captured=500),
            balance=row("t", 450, "charge", source="ch_1", currency="EUR"),
        ),
        [],
    ),
    "a-refund-without-its-row": (
        told(refunds=refund("re_1", 300, **CHARGE)),
        ["the balance movement of re_1"],
    ),
    "a-refund-that-people-paid-by-hand": (
        told(refunds=refund("re_1", 300, **CHARGE, is_by_hand=True)),
        [],
    ),
    "a-refund-with-its-row": (
        told(
            refunds=refund("re_1", 300, **CHARGE, balance_ref="t2"),
            rows=row("t2", -300, "refund", source="re_1"),
        ),
        [],
    ),
    "a-refund-whose-row-names-it": (
        told(refunds=refund("re_1", 300, **CHARGE), rows=row("t2", -300, "refund", source="re_1")),
        [],
    ),
    "a-refund-that-is-promised": (
        told(refunds=refund("re_1", 300, RefundStage.PROMISED, **CHARGE)),
        [],
    ),
    "a-refund-that-may-be-a-remainder": (
        facts(
            charges=charge(captured=700, authorized=1_000),
            refunds=refund("re_1", 300, is_real=False),
            balance=row("t", 700, "charge", source="ch_1"),
        ),
        ["whether re_1 is a refund or a released remainder"],
    ),
    "a-failed-refund-whose-money-is-not-back": (
        told(
            refunds=refund("re_1", 300, RefundStage.FAILED, balance_ref="t2", **CHARGE),
            rows=row("t2", -300, "refund", source="re_1"),
        ),
        ["the return of re_1"],
    ),
    "a-failed-refund-whose-money-is-back": (
        told(
            refunds=refund(
                "re_1", 300, RefundStage.FAILED, balance_ref="t2", failure_ref="t3", **CHARGE
            ),
            rows=row("t2", -300, "refund", source="re_1")
            | row("t3", 300, "refund_failure", source="re_1"),
        ),
        [],
    ),
    "a-refund-that-failed-before-any-money-left": (
        told(refunds=refund("re_1", 300, RefundStage.CANCELED, **CHARGE)),
        [],
    ),
    "a-void-is-no-money-and-no-question": (
        facts(
            charges=charge(is_expired=True, refunded_hint=1_000),
            refunds=refund("re_1", 1_000, is_real=False, charge="ch_1"),
        ),
        [],
    ),
    "a-dispute-of-what-nobody-told": (
        facts(
            disputes=dispute("du_1", 1_000),
            balance=row("t2", -1_000, "dispute", source="du_1"),
        ),
        ["the capture that a bank disputes"],
    ),
    "a-dispute": (
        told(
            disputes=dispute("du_1", 1_000),
            rows=row("t2", -1_000, "dispute", source="du_1"),
        ),
        [],
    ),
    "a-refund-of-more-than-was-captured-so-far": (
        facts(refunds=refund("re_1", 300, balance_ref="t2"), balance=row("t2", -300, "refund")),
        ["the capture that a refund takes from"],
    ),
}


@pytest.mark.parametrize("case", ASKED, ids=str)
def test_what_is_asked(case: str) -> None:
    known, questions = ASKED[case]
    assert open_questions(known) == questions


def test_a_total_of_refunds_that_nobody_named_is_asked_for() -> None:
    hinted = charge("ch_pi_1", captured=1_000, refunded_hint=300)
    assert open_questions(told(charges=hinted)) == ["the refunds of ch_pi_1"]
    named = refund("re_1", 300, RefundStage.PROMISED)
    assert open_questions(told(charges=hinted, refunds=named)) == []


@given(anything)
def test_a_question_can_be_asked_of_anything(known: PaymentFacts) -> None:
    questions = open_questions(known)
    assert all(isinstance(question, str) and question for question in questions)
    unclear = [r.id for r in known.refunds.values() if is_released(r, known) is None]
    assert all(any(refund_id in question for question in questions) for refund_id in unclear)
