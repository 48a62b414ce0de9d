"""What can be done about a question, as it stands."""

import pytest

from reconciler.books.reviews import ACTIONS, ReviewKind, actions

DECIDED = ("chase", "write_off", "credit")


@pytest.mark.parametrize(
    ("details", "takes"),
    [
        ({"is_lost": True, "decision": "undecided"}, DECIDED),
        ({"is_lost": True, "decision": "chase"}, ("acknowledge",)),
        ({"is_lost": False, "decision": "undecided"}, ("acknowledge",)),
        ({}, ("acknowledge",)),
    ],
)
def test_a_loss_nobody_decided_takes_a_decision_and_any_other_dispute_is_acknowledged(
    details, takes
):
    assert actions(ReviewKind.DISPUTE, details) == takes


@pytest.mark.parametrize("kind", [kind for kind in ReviewKind if kind is not ReviewKind.DISPUTE])
def test_every_other_question_takes_what_its_kind_does(kind):
    assert actions(kind, {"is_lost": True, "decision": "undecided"}) == ACTIONS[kind]
    assert "acknowledge" in actions(kind, {})
