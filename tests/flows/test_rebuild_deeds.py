"""Every kind of deed, done over, makes the same books; what is changed behind their back shows.

One test, for two could come to two workers, and each would live through all of it.
"""

import pytest

from reconciler.flows.rebuild import rebuild
from reconciler.services.doing_over import DONE_OVER
from tests.flows.deeds_told import STORIES
from tests.flows.telling import by_the_owner
from tests.runtime import Office, may_make_a_schema

PLANTED = {
    "refund": "update refund set reason = 'duplicate'",
    "bank fee": "update short_payment set reason = 'another' where closed_at is null",
    "refund leg": "update refund_leg set failure = null, route = 'rail', method = null",
    "milestone": "update milestone set position = position + 7",
    "project": "update project set original_price = original_price - 1",
    "proposal": "update proposal set version = version + 1",
    "payout": "delete from payout_line where amount = 1200",
    "decision on a refund": "update refund_decision set treatment = 'credit'",
    "decision on a loss": "delete from dispute_decision where decision = 'credit'",
    "sign-off": "delete from sign_off where source = 'portal'",
    "bank statement": "update bank_statement set new_count = new_count + 1",
    "bank line": "update bank_line set target_id = null, target_kind = null, state = 'open'"
    " where state = 'tied' and tied_by is null",
    "part of a bank line": "update bank_line_part set amount = amount + 1",
    "correction by a bank": "update bank_correction set decided_by = 'usr_x'"
    " where state = 'declined'",
    "question": "delete from review_item where state = 'open'",
}


@pytest.mark.spoilt
@pytest.mark.thorough  # of some deeds: the other files about doing over
def test_every_deed_done_over_makes_the_same_books_and_what_is_changed_behind_them_shows(
    office: Office, owner_url: str
) -> None:
    may_make_a_schema(office, owner_url)
    for story in STORIES:
        story(office)
        office.clock.advance(minutes=5)
        assert office.violations() == [], story.__name__
    actions = {row.action for row in office.rows("select distinct action from audit_line")}
    assert sorted(DONE_OVER.keys() - actions) == [], "tell a story of these"
    found, done = rebuild(office.runtime)
    assert [one.detail for one in found] == []
    assert done.done["deeds"] > 100
    for statement in PLANTED.values():
        by_the_owner(owner_url, statement)
    told = [one.detail for one in rebuild(office.runtime)[0]]
    assert [noun for noun in PLANTED if not any(d.startswith(f"{noun} ") for d in told)] == []
