"""A thing waits on one card, which leads to it; the sum on the first page is what is to be done."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from reconciler.services import proposals, refunds
from reconciler.work import Cause
from tests.web import furniture
from tests.web.screens import Screens, said
from tests.web.test_admin_refunds import invoice_paid


@pytest.fixture
def paid_more(screens: Screens) -> Screens:
    """50.00 more than the invoice were paid."""
    customer = screens.customer("Meridian")
    screens.invoice(customer, 45_000, "INV-4")
    screens.ids["pay"] = screens.paid(50_000, metadata={"invoice": "INV-4"})
    return screens


def test_a_payment_that_is_asked_back_waits_as_its_refund_and_not_a_second_time(paid_more):
    rae = paid_more.as_("reconciler")
    assert "1 thing waits for a person." in rae.read("/")
    asked = paid_more.ask_refund("reconciler", payment_id=paid_more.ids["pay"], amount=5_000)
    words = rae.read("/")
    assert "1 thing waits for a person." in words
    assert "Overpayments 0" in words
    assert "Refunds to approve 1 $50.00" in words
    assert rae.get("/counts").get_json()["unmatched"] == 0
    assert "Meridian" not in rae.read("/unmatched").partition("Views")[2]
    empty = rae.read("/unmatched")
    assert "Nothing else waits for you here, but 1 payment is asked back and not gone yet." in empty
    assert "Every payment is where it belongs" not in empty
    assert "$0.00" not in empty
    assert "0 payments" not in rae.read("/unmatched?view=asked")
    assert "Meridian paid $500.00" in rae.read("/unmatched?view=asked")
    assert "Snoozed 0 Asked back 1" in empty
    assert "It waits among the refunds" in rae.read(f"/unmatched/{paid_more.ids['pay']}")
    paid_more.by("approver", lambda work: refunds.reject(work, asked, why="Keep it"))
    words = rae.read("/")
    assert "Overpayments 1 $50.00" in words, "nothing else holds it now"
    assert "Refunds to approve 0" in words


def test_what_is_asked_back_in_part_waits_with_its_rest(paid_more):
    paid_more.ask_refund("reconciler", payment_id=paid_more.ids["pay"], amount=4_999)
    words = paid_more.as_("reconciler").read("/")
    assert "2 things wait for a person: Unmatched 1 and Refunds 1 (none for you" in words
    assert "Overpayments 1 $50.00" in words


@pytest.mark.thorough
def test_money_that_came_back_from_a_failed_refund_waits_as_that_refund(paid_more):
    asked = paid_more.ask_refund("reconciler", payment_id=paid_more.ids["pay"], amount=5_000)
    paid_more.by("approver", lambda work: refunds.approve(work, asked))
    paid_more.office.drain(timedelta(seconds=30))
    paid_more.hear("")
    (made,) = paid_more.office.world.truth.tables["refund"]
    paid_more.office.world.advance_refund(made, "failed", failure_reason="lost_or_stolen_card")
    paid_more.hear("")
    words = paid_more.as_("approver").read("/")
    assert "1 thing waits for a person." in words
    assert "Failed refunds, or by hand 1 $50.00" in words
    assert "Overpayments 0" in words


def test_an_outside_refund_that_failed_is_answered_by_asking_for_it_again(screens):
    birch = invoice_paid(screens)
    made = birch.office.world.refund(next(iter(birch.office.world.table("charge"))), 7_000)
    birch.hear("")
    birch.office.world.advance_refund(made, "failed")
    birch.hear("")
    rae = birch.as_("reconciler")
    item = birch.office.scalar("select id from review_item where kind = 'refund_failed'")
    html = rae.get("/questions?group=outside-failed").get_data(as_text=True)
    again = f"/refunds/new?payment={birch.ids['pay']}&again=70.00&question={item}"
    assert f'href="/admin{again.replace("&", "&amp;")}"' in html
    assert f'name="question" value="{item}"' in rae.get(again).get_data(as_text=True)
    form = {"payment": birch.ids["pay"], "amount": "70.00", "reason": "goodwill", "note": "",
        "treatment": "credit", "question": item}  # fmt: skip
    answer = rae.post("/refunds/new", form)
    refund_id = answer.location.rpartition("/")[2].partition("?")[0]
    (kept,) = birch.office.rows(f"select state, resolution from review_item where id = '{item}'")
    assert kept.state == "resolved"
    assert refund_id in kept.resolution
    words = rae.read("/")
    assert "1 thing waits for a person." in words
    assert "Refunds to approve 1 $70.00" in words
    assert "Outside refunds that failed 0 Nothing waits" in words
    assert rae.post("/refunds/new", form | {"amount": "60.00"}).status_code == 409, "once"
    assert birch.office.scalar("select count(*) from refund") == 1
    assert birch.office.violations() == []


def test_an_outside_refund_asked_again_elsewhere_waits_as_that(screens):
    birch = invoice_paid(screens)
    made = birch.office.world.refund(next(iter(birch.office.world.table("charge"))), 7_000)
    birch.hear("")
    birch.office.world.advance_refund(made, "failed")
    birch.hear("")
    rae = birch.as_("reconciler")
    assert "Outside refunds that failed 1 $70.00" in rae.read("/")
    birch.ask_refund("reconciler", payment_id=birch.ids["pay"], amount=7_000)
    words = rae.read("/")
    assert "1 thing waits for a person." in words
    assert "Outside refunds that failed 0 Nothing waits" in words


def test_news_is_nothing_to_do(screens):
    screens.ids["cedar"] = screens.customer("Cedar")
    furniture.proposal_of(screens)
    offered = screens.ids["proposal"]
    client = Cause("client", "portal")
    screens.office.do(
        lambda work: proposals.decline(work, offered, name="Ann Lee", reason="Too dear"), client
    )
    words = screens.as_("viewer").read("/")
    assert "Proposals declined this week 1" in words
    assert "Nothing waits for you." in words


# A card leads to what it counts


def test_a_card_of_questions_leads_to_its_own_and_no_others(screens):
    screens.paid(85_000, description="thanks")
    birch = invoice_paid(screens)
    birch.office.world.refund(next(iter(birch.office.world.table("charge"))), 7_000)
    screens.office.world.other_row(-1_900, kind="hardware_fee", category="hardware")
    screens.hear("")
    screens.run()
    vera = screens.as_("viewer")
    html = vera.get("/").get_data(as_text=True)
    assert 'href="/admin/questions?group=discrepancies">Discrepancies</a>' in html
    assert 'data-count="questions"><span>2</span>' in html, "beside the menu, without the money"
    words = vera.read("/questions?group=discrepancies")
    assert "Discrepancies 1" in words
    assert "no rule says what for" in words
    assert "A refund was made outside" not in words
    assert "A payment names nothing" not in words
    words = vera.read("/questions?group=outside")
    assert "A refund was made outside" in words
    assert "no rule says what for" not in words
    assert "All 3" in vera.read("/questions")
    told = vera.get("/questions?group=discrepancies&as=csv").get_data(as_text=True)
    assert told.count("\n") == 2
    assert vera.get("/questions?group=none").status_code == 422


def test_whoever_closes_a_question_is_back_in_its_group(screens):
    screens.office.world.other_row(-1_900, kind="hardware_fee", category="hardware")
    screens.run()
    item = screens.office.rows("select id, rev from review_item where state = 'open'")[0]
    rae = screens.as_("reconciler")
    form = {"note": "A reader", "rev": item.rev, "group": "discrepancies", "kind": ""}
    answer = rae.post(f"/questions/{item.id}/acknowledge", form)
    assert answer.location.startswith("/admin/questions?group=discrepancies&closed=rev_")
    words = said(rae.client.get(answer.location))
    assert "Closed with your note: The payment provider" in words
    assert "That was the last one in this queue." in words


def test_one_word_has_one_number_on_the_first_page_the_menu_and_among_questions(paid_more):
    over = paid_more.ids["pay"]
    screens = invoice_paid(paid_more)
    screens.office.world.other_row(-1_900, kind="hardware_fee", category="hardware")
    screens.office.world.dispute(next(reversed(screens.office.world.table("charge"))))
    screens.hear("")
    screens.run()
    screens.ask_refund("reconciler", payment_id=over, amount=1_000)
    rae, aki = screens.as_("reconciler"), screens.as_("approver")
    badges = aki.get("/counts").get_json()
    words = aki.read("/")
    for name in ("unmatched", "refunds", "disputes", "questions"):
        assert f"{name.capitalize()} {badges[name]}" in words.partition("for a person: ")[2], name
    assert "(none for you, as the menu says)" in rae.read("/")
    among = rae.read("/questions")
    assert f"Only here {badges['questions']} " in among
    assert "asked only here, as the menu counts them" in among
    here = rae.read("/questions?group=here")
    assert "no rule says what for" in here
    assert "More was paid than is owed" not in here
    assert "A customer's bank disputes a payment" not in here


@pytest.fixture
def birch(screens: Screens) -> Screens:
    """Birch paid INV-1050, and its bank has taken the money."""
    rail_id = screens.office.world.create_customer(name="Birch", email="pay@birch.example")
    customer_id = screens.customer("Birch", rail_customers={"stripe": rail_id})
    screens.invoice(customer_id, 40_000, "INV-1050")
    screens.paid(40_000, customer=rail_id, metadata={"invoice": "INV-1050"})
    charge = next(reversed(screens.office.world.table("charge")))
    screens.ids["rail"] = screens.office.world.dispute(charge)
    screens.hear("")
    return screens


def test_a_dispute_that_is_closed_with_a_note_waits_neither_in_the_menu_nor_in_its_list(birch):
    rae, item = birch.as_("reconciler"), birch.office.scalar("select id from review_item")
    form = {"note": "Accounting answers", "rev": birch.rev("review_item", item)}
    assert rae.post(f"/questions/{item}/acknowledge", form).status_code == 303
    assert rae.get("/counts").get_json()["disputes"] == 0
    page = rae.read("/disputes")
    assert "Waiting 0 now, 1 closed with a note All" in page
    assert "Birch Closed with a note, until there is news" in page
    assert "Disputes 0 Nothing waits" in rae.read("/")
    birch.office.world.close_dispute(birch.ids["rail"], "lost")
    birch.hear("")
    assert rae.get("/counts").get_json()["disputes"] == 1, "there is news"
    page = rae.read("/disputes")
    assert "Waiting 1 All" in page
    assert "Closed with a note" not in page


def test_a_dispute_that_somebody_has_to_look_at_though_it_is_over_waits_in_its_list_as_in_the_menu(
    birch,
):
    rae = birch.as_("reconciler")
    odd = """update dispute set stage = 'won', status = 'prevented', is_unsettled = false"""
    birch.office.do(lambda work: work.session.execute(sa.text(odd)))
    assert rae.get("/counts").get_json()["disputes"] == 1
    assert "Waiting 1 All" in (page := rae.read("/disputes"))
    assert "Birch" in page
