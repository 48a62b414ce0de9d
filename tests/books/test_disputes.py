"""What a dispute has cost is in its balance rows and nowhere else."""

import pytest

from reconciler.books import disputes
from reconciler.books.completeness import open_questions
from tests.builders import charge, dispute, facts, row

TAKEN = row("txn_2", -1_000, "dispute", source="du_1")
BACK = row("txn_3", 1_000, "dispute_reversal", source="du_1")
PART_BACK = row("txn_3", 700, "dispute_reversal", source="du_1")
WON = {"shown": (1, 10, "won")}
LOST = {"shown": (1, 7, "lost")}
APPEALED = {"shown": (2, 8, "appeal_needs_response")}

COSTS = {
    "an-inquiry-takes-nothing": ({"was_formal": False}, {}, (0, False)),
    "opened": ({}, TAKEN, (1_000, False)),
    "lost": (LOST, TAKEN, (1_000, True)),
    "lost-and-not-told-of-the-money-yet": (LOST, {}, (0, True)),
    "won-and-the-money-is-back": (WON, TAKEN | BACK, (0, True)),
    "won-and-the-money-is-on-its-way": (WON, TAKEN, (1_000, False)),
    "won-in-part": (WON, TAKEN | PART_BACK, (300, True)),
    "won-late": (WON, TAKEN | BACK, (0, True)),
    "appealed-against": (APPEALED, TAKEN, (1_000, False)),
    "won-on-appeal-in-part": (WON, TAKEN | PART_BACK, (300, True)),
    "another-disputes-row": ({}, row("txn_2", -1_000, "dispute", source="du_9"), (0, False)),
    "a-row-of-another-kind": ({}, row("txn_2", -9, "fee", source="du_1"), (0, False)),
}


@pytest.mark.parametrize("case", COSTS, ids=str)
def test_what_was_taken_and_not_given_back(case: str) -> None:
    said, balance, wanted = COSTS[case]
    (taken,) = disputes.taken(facts(disputes=dispute("du_1", 1_000, **said), balance=balance))
    assert (taken.presented, taken.is_lost) == wanted


def test_taken_in_another_currency_it_is_the_same_share() -> None:
    euros = {"source": "du_1", "currency": "EUR"}
    rows = row("txn_2", -950, "dispute", **euros)
    (taken,) = disputes.taken(facts(disputes=dispute("du_1", 1_000), balance=rows))
    assert (taken.presented, taken.settled) == (1_000, {"EUR": 950})
    rows |= row("txn_3", 475, "dispute_reversal", **euros)
    (taken,) = disputes.taken(facts(disputes=dispute("du_1", 1_000), balance=rows))
    assert (taken.presented, taken.settled) == (500, {"EUR": 475})


def test_only_given_back_as_far_as_we_were_told_is_less_than_nothing() -> None:
    euros = row("txn_3", 475, "dispute_reversal", source="du_1", currency="EUR")
    (taken,) = disputes.taken(facts(disputes=dispute("du_1", 1_000), balance=euros))
    assert (taken.presented, taken.settled) == (0, {"EUR": -475})


AWAITED = {
    "nothing-was-seen": ({}, {}, True),
    "the-withdrawal-was-seen": ({}, TAKEN, False),
    "an-inquiry": ({"was_formal": False}, {}, False),
    "headed-off": ({"shown": (1, 3, "prevented")}, {}, False),
    "lost": (LOST, TAKEN, False),
    "won-and-not-back": (WON, TAKEN, True),
    "won-and-back": (WON, TAKEN | PART_BACK, False),
}


@pytest.mark.parametrize("case", AWAITED, ids=str)
def test_money_that_must_have_moved_is_asked_for(case: str) -> None:
    said, balance, is_awaited = AWAITED[case]
    told = facts(disputes=dispute("du_1", 1_000, **said), balance=balance)
    assert disputes.awaited(told) == (["du_1"] if is_awaited else [])
    assert ("the money of du_1" in open_questions(told)) is is_awaited


def test_several_disputes_come_in_the_order_of_their_opening() -> None:
    several = dispute("du_2", 5, created=1) | dispute("du_1", 5, created=2)
    assert [one.dispute_id for one in disputes.taken(facts(disputes=several))] == ["du_2", "du_1"]
    assert not open_questions(facts(charges=charge(is_failed=True)))


def test_a_debit_that_the_bank_took_back_is_lost_in_every_currency_it_was_taken_in() -> None:
    debit = charge(captured=1_000)
    back = row("txn_1", -1_000, "payment_failure_refund", source="ch_1")
    (taken,) = disputes.taken(facts(charges=debit, balance=back))
    assert (taken.dispute_id, taken.presented, taken.settled) == ("ch_1", 1_000, {"USD": 1_000})
    assert taken.is_lost

    elsewhere = row("txn_1", -1_000, "payment_failure_refund", source="ch_9")
    assert disputes.taken(facts(charges=debit, balance=elsewhere)) == []
