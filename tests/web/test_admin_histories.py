"""The history of a payment and of a refund: who asked, let go and settled it, and why."""

import pytest

from tests.web.screens import Screens
from tests.web.test_admin_refunds import invoice_paid, sent_back


@pytest.fixture
def birch(screens: Screens) -> Screens:
    """An invoice of 3,000.00, paid in full by card."""
    return invoice_paid(screens)


def _told(page: str) -> str:
    return page.partition("History")[2] or page.partition("Timeline")[2]


def test_a_refund_paid_another_way_tells_who_chose_it_and_who_paid_and_how(birch):
    refund_id = sent_back(birch)
    for name, what, typed in (
        ("approver", "another-way", {"method": "cash"}),
        ("second", "paid-back", {"reference": "From the till, slip 9"}),
    ):
        form = {"rev": birch.rev("refund", refund_id)} | typed
        answer = birch.as_(name).post(f"/refunds/{refund_id}/{what}", form)
        assert answer.status_code == 303
    vera = birch.as_("viewer")
    for page in (f"/refunds/{refund_id}", f"/payments/{birch.ids['pay']}"):
        history = _told(vera.read(page))
        for words in (
            "asked for",
            "Rae Lindt",
            "approved",
            "To be paid another way",
            "cash",
            "Aki Brown",
            "Paid back by hand",
            "From the till, slip 9",
            "Bo Silva",
        ):
            assert words in history, (page, words)


@pytest.mark.thorough
def test_a_payment_tells_what_was_answered_about_it_and_taken_back(birch):
    world = birch.office.world
    charge = next(iter(world.table("charge")))
    world.refund(charge, 5_000)
    birch.hear("")
    item = birch.office.rows("select id, rev from review_item where kind = 'external_refund'")[0]
    rae = birch.as_("reconciler")
    form = {"action": "reopen", "rev": item.rev, "note": "Ada still owes it"}
    assert rae.post(f"/questions/{item.id}/decide", form).status_code == 303
    assert rae.post(f"/questions/{item.id}/take-back").status_code == 303
    world.close_dispute(world.dispute(charge, 1_000), "lost")
    birch.hear("")
    dispute = birch.office.rows("select id, rev from dispute")[0]
    form = {"decision": "write_off", "rev": dispute.rev, "note": "Not worth a letter"}
    assert rae.post(f"/disputes/{dispute.id}/decide", form).status_code == 303
    history = _told(rae.read(f"/payments/{birch.ids['pay']}"))
    for words in (
        "Question answered",
        "reopen: Ada still owes it",
        "Answer taken back",
        "Decided about a loss",
        "write off: Not worth a letter",
        "Rae Lindt",
    ):
        assert words in history, words
