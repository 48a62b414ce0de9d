import hashlib
from dataclasses import fields, replace
from datetime import date

import pytest

from reconciler.books.proposals import (
    Offer,
    OfferedLine,
    OfferedStage,
    ProposalState,
    ProposalStatus,
    digest,
    must_be,
    status,
    text,
)
from reconciler.errors import Refused

TODAY = date(2026, 11, 22)
LINE = OfferedLine(description="Oak doors", quantity="3", unit_price=10_000, net=30_000, tax=0)
STAGE = OfferedStage(kind="final", name="Hand-over", description=None, amount=30_000, due_on=None)
OFFER = Offer(
    id="prop_1",
    version=1,
    customer="Ann Lee",
    name="Kitchen",
    introduction=None,
    currency="USD",
    price=30_000,
    valid_until=None,
    lines=[LINE],
    stages=[STAGE],
)


def test_the_text_says_all_that_is_accepted():
    said = text(
        replace(
            OFFER,
            introduction="As we spoke",
            valid_until="2026-12-31",
            lines=[replace(LINE, tax=5_700)],
            stages=[replace(STAGE, description="Keys", due_on="2027-01-15")],
        )
    )
    for words in ("prop_1, version 1", "Ann Lee", "Kitchen", "As we spoke", "2026-12-31",
                  "Oak doors: 3 at USD 100.00, USD 300.00 plus USD 57.00 tax", "Price: USD 300.00",
                  "Hand-over (Keys): USD 300.00, final, due 2027-01-15"):  # fmt: skip
        assert words in said
    assert digest(said) == hashlib.sha256(said.encode()).hexdigest()


OTHERS = {
    "id": "prop_2", "version": 2, "customer": "Ben", "name": "Bath", "introduction": "Hello",
    "currency": "EUR", "price": 30_001, "valid_until": "2026-12-31", "lines": [],
    "stages": [STAGE, STAGE], "conditions": "Net 30",
}  # fmt: skip


@pytest.mark.parametrize("field", [one.name for one in fields(Offer)])
def test_whatever_is_changed_the_hash_is_another(field):
    assert digest(text(replace(OFFER, **{field: OTHERS[field]}))) != digest(text(OFFER))


@pytest.mark.parametrize("state", list(ProposalState))
def test_only_one_that_was_sent_expires(state):
    over = status(state, valid_until=date(2026, 11, 21), today=TODAY)
    assert over == ("expired" if state is ProposalState.SENT else state)
    for valid_until in (None, TODAY):
        assert status(state, valid_until=valid_until, today=TODAY) == state


def test_a_deed_that_does_not_fit_is_refused_in_words():
    must_be(ProposalStatus.SENT, [ProposalStatus.SENT], deed="accepted")
    with pytest.raises(Refused, match="is expired; only one that is sent can be accepted"):
        must_be(ProposalStatus.EXPIRED, [ProposalStatus.SENT], deed="accepted")
