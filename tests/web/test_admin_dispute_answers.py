"""A dispute that was answered at the rail: it waits for the bank, and is back with its news."""

import runpy
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.web.screens import Screens
from tests.web.test_admin_disputes import birch, hear

__all__ = ["birch"]


def answer(birch: Screens, person, **said):
    item, rev = birch.office.rows("select id, rev from review_item where state = 'open'")[0]
    form = {"item": item, "item_rev": rev, "answered_on": "2026-11-21", "handed_in": "The paper"}
    return person.post(f"/disputes/{birch.ids['dispute']}/answered", form | said)


def test_one_that_was_answered_waits_for_the_bank_until_there_is_news(birch):
    rae, own = birch.as_("reconciler"), f"/disputes/{birch.ids['dispute']}"
    assert "This is a sandbox: there is no such page and no bank." in rae.read(own)
    late = (birch.office.clock().date() + timedelta(days=1)).isoformat()
    refused = answer(birch, rae, answered_on=late, handed_in="What we agreed")
    assert refused.status_code == 422
    assert "What we agreed" in refused.get_data(as_text=True), "what was typed stays"
    assert answer(birch, rae, handed_in="").status_code == 422
    assert answer(birch, rae).status_code == 303
    page = rae.read(own)
    assert "Answered at Stripe On 21 Nov 2026: The paper" in page
    assert "Noted by Rae Lindt" in page
    assert "Stripe has not said yet that it has the answer" in page
    assert rae.get("/counts").get_json()["disputes"] == 0
    listed = rae.read("/disputes")
    assert "Waiting 0 now, 1 with the bank All" in listed
    assert "Answered on 21 Nov 2026" in listed
    assert "left to answer" not in listed
    birch.office.world.close_dispute(birch.ids["rail"], "lost")
    hear(birch)
    assert rae.get("/counts").get_json()["disputes"] == 1, "it is back with the verdict"
    assert "Noted by" not in rae.read(own)


def test_an_answer_is_taken_back_and_due_once_more_when_the_bank_asks_again(birch):
    rae, own = birch.as_("reconciler"), f"/disputes/{birch.ids['dispute']}"
    answer(birch, rae)
    mine = rae.read("/recent")
    item = birch.office.scalar("select id from review_item")
    assert rae.post(f"{own}/answered/undo", {"item": item}).status_code == 303
    assert "Undo" in mine
    assert rae.get("/counts").get_json()["disputes"] == 1
    assert "Answer it" in rae.read(own)
    assert rae.post(f"{own}/answered/undo", {"item": item}).status_code == 409
    answer(birch, rae)
    (newer,) = birch.office.rows(
        "select id from review_item where resolution like 'answered%' and id <> :id", id=item
    )
    birch.office.world.set_dispute_status(birch.ids["rail"], "under_review")
    hear(birch)
    assert rae.post(f"{own}/answered/undo", {"item": newer.id}).status_code == 409
    assert rae.get("/counts").get_json()["disputes"] == 0
    birch.office.clock.advance(minutes=5)
    birch.office.world.set_dispute_status(birch.ids["rail"], "needs_response")
    hear(birch)
    assert rae.get("/counts").get_json()["disputes"] == 1


def test_nobody_is_asked_while_the_bank_has_the_answer(birch):
    birch.office.world.set_dispute_status(birch.ids["rail"], "under_review")
    hear(birch)
    vera = birch.as_("viewer")
    assert vera.get("/counts").get_json()["disputes"] == 0
    assert "Waiting 0 now, 1 with the bank All" in vera.read("/disputes")
    page = vera.read(f"/disputes/{birch.ids['dispute']}")
    assert "The bank has the answer, and decides: nobody here has to do anything." in page
    assert "On hold" in vera.read("/invoices/INV-1050")


def test_an_invoice_on_hold_says_so_before_it_is_due_as_well(birch):
    vera = birch.as_("viewer")
    birch.office.world.close_dispute(birch.ids["rail"], "lost")
    hear(birch)
    assert birch.office.scalar("select due_on from invoice") > birch.office.clock().date()
    assert "On hold" in vera.read("/invoices").partition("INV-1050")[2].partition("$400.00")[0]


UPGRADE = Path(__file__).parents[2] / "migrations" / "versions" / "0079_post_reviews_ask_nobody.py"


@pytest.mark.parametrize("stage", ["under_review", "needs_response"])
def test_what_was_asked_before_a_review_asked_nobody_is_closed_by_the_upgrade(birch, stage):
    birch.office.world.set_dispute_status(birch.ids["rail"], stage)
    hear(birch)
    again = """update review_item set state = 'open', resolved_at = null, resolved_by = null,
      resolution = null"""
    birch.office.do(lambda work: work.session.execute(sa.text(again)))
    assert birch.as_("viewer").get("/counts").get_json()["disputes"] == 1, "as it was asked then"
    close = sa.text(runpy.run_path(str(UPGRADE))["CLOSE"])
    for closed in (int(stage == "under_review"), 0):
        assert birch.office.do(lambda work: work.session.execute(close).rowcount) == closed
    left = birch.as_("viewer").get("/counts").get_json()["disputes"]
    assert left == int(stage == "needs_response"), "where an answer is due it stays"
    assert birch.office.violations() == []
