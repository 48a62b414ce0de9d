"""The screens of disputes: the list by its deadline, one with its story, and the decision."""

import re
from datetime import timedelta

import pytest

from reconciler.flows import keep_file
from reconciler.reads import disputes
from reconciler.services import billing, invoices, mailings, proposals, sign_offs
from tests.file_samples import pdf
from tests.mail_room import open_mail_room
from tests.web import furniture
from tests.web.screens import Screens, said


@pytest.fixture
def birch(screens: Screens) -> Screens:
    """Birch paid INV-1050 in full, and its bank takes the money."""
    rail_id = screens.office.world.create_customer(name="Birch", email="pay@birch.example")
    customer_id = screens.customer("Birch", rail_customers={"stripe": rail_id})
    screens.ids["invoice"] = screens.invoice(customer_id, 40_000, "INV-1050")
    paid = screens.paid(40_000, customer=rail_id, metadata={"invoice": "INV-1050"})
    screens.ids["payment"] = paid
    charge = next(reversed(screens.office.world.table("charge")))
    screens.ids["rail"] = screens.office.world.dispute(charge)
    hear(screens)
    screens.ids["dispute"] = screens.office.scalar(
        "select id from dispute where rail_dispute_id = :id", id=screens.ids["rail"]
    )
    return screens


def hear(screens: Screens) -> None:
    screens.office.deliver(*screens.office.world.events())
    screens.office.drain()


def lose(screens: Screens) -> str:
    screens.office.world.close_dispute(screens.ids["rail"], "lost")
    hear(screens)
    return f"/disputes/{screens.ids['dispute']}"


@pytest.mark.thorough
def test_the_list_says_until_when_to_answer(birch):
    page = birch.as_("viewer").read("/disputes")
    assert "Birch" in page
    assert "INV-1050" in page
    assert "days left to answer" in page
    assert "Disputes 1 $400.00 , oldest" in (today := birch.as_("viewer").read("/"))
    assert "9 days left to answer" in today


def test_one_tells_its_story(birch):
    page = birch.as_("viewer").read(f"/disputes/{birch.ids['dispute']}")
    for words in (
        "The bank of Birch disputes $400.00",
        "Evidence is taken until",
        "The bank waits for an answer",
        "On hold",
        "INV-1050",
    ):
        assert words in page, words
    assert "On hold" in birch.as_("viewer").read("/invoices/INV-1050")


def test_it_is_told_in_plain_words(birch):
    words = birch.as_("viewer").read(f"/disputes/{birch.ids['dispute']}")
    assert "The customer says that they did not make the payment" in words
    assert "The bank waits for an answer" in words
    assert "needs_response" not in words
    asked = birch.as_("viewer").read("/questions?kind=dispute")
    assert "The customer says that they did not make the payment" in asked


def test_it_is_not_put_out_of_sight_until_the_bank_has_stopped_waiting(birch):
    rae, item = birch.as_("reconciler"), birch.office.scalar("select id from review_item")
    due = birch.office.scalar("select evidence_due_at from dispute").date()
    before, late = (
        due - timedelta(days=1),
        rae.post(f"/questions/{item}/snooze", {"until": due.isoformat()}),
    )
    assert late.status_code == 422
    assert f"he bank takes an answer until {due}" in late.get_data(as_text=True)
    assert birch.office.scalar("select snoozed_until from review_item") is None
    assert "The bank takes an answer until" in rae.read("/questions?kind=dispute")
    in_time = rae.post(f"/questions/{item}/snooze", {"until": before.isoformat()})
    assert in_time.status_code == 303
    assert birch.office.scalar("select snoozed_until from review_item") == before


def test_what_is_put_off_is_marked_and_its_deadline_stays_on_the_first_page(birch):
    rae, item = birch.as_("reconciler"), birch.office.scalar("select id from review_item")
    assert "Waiting 1 All" in rae.read("/disputes")
    assert "snoozed has" not in rae.read("/")
    until = birch.office.clock().date() + timedelta(days=2)
    assert rae.post(f"/questions/{item}/snooze", {"until": until.isoformat()}).status_code == 303
    page = rae.read("/disputes")
    assert "Waiting 0 now, 1 snoozed All" in page
    assert f"Birch Snoozed until {until.day} {until:%b %Y}" in page
    assert f"Snoozed until {until.day}" in rae.read("/disputes?view=all")
    assert "Disputes 0 Nothing waits, 1 snoozed 1 snoozed has a deadline in 9 days" in (
        today := rae.read("/")
    )
    html = rae.get("/").get_data(as_text=True)
    tile = re.search(r'<li class="card tile (\w+)">\s*<h3><a [^>]*>Disputes<', html)
    assert tile
    assert tile[1] == "calm", "nothing waits"
    assert today.index("snoozed has a deadline") < today.index("No sure match"), "it is first"
    assert rae.get("/counts").get_json()["disputes"] == 0
    birch.office.clock.advance(days=2)
    assert "Waiting 1 All" in birch.as_("viewer").read("/disputes"), "in sight again by itself"
    assert "snoozed has" not in birch.as_("viewer").read("/")


def test_what_is_about_it_leads_to_it(birch):
    vera, own = birch.as_("viewer"), f"/admin/disputes/{birch.ids['dispute']}"
    for page in (f"/payments/{birch.ids['payment']}", "/questions"):
        assert own in vera.get(page).get_data(as_text=True), page
    for query in (birch.ids["rail"], birch.ids["dispute"]):
        assert vera.get(f"/search?q={query}").location.endswith(own), query


def test_one_that_is_told_of_before_its_payment_is_shown(screens):
    """Its currency may be another than the payment's, so that no amount is shown yet."""
    world = screens.office.world
    paid = world.pay(7_000)
    world.dispute(paid.charge)
    told = [e for e in world.events() if e["type"].startswith("charge.dispute")]
    screens.office.deliver(*told)
    screens.office.apply()
    dispute_id = screens.office.scalar("select id from dispute")
    for page in ("/disputes", f"/disputes/{dispute_id}"):
        words = screens.as_("viewer").read(page)
        assert "70.00" not in words.partition("The payment provider's movements")[0], page
    assert "A payer's bank disputes a payment" in words
    screens.office.drain(timedelta(seconds=30))
    assert "A payer's bank disputes $70.00" in screens.as_("viewer").read(page)


def test_a_loss_is_decided_after_reading_what_it_does(birch):
    path = lose(birch)
    rae = birch.as_("reconciler")
    before = birch.books()
    page = rae.read(path)
    assert birch.books() == before
    assert "INV-1050 is owed $0.00 instead of $400.00" in page
    assert "No amount changes. The invoice stays owed" in page
    for when in ("the work was done and the customer can still pay", "owed and nobody will pay it",
                 "Usual when the customer was right", "asked to pay it again"):  # fmt: skip
        assert when in page
    rev = birch.office.scalar("select rev from dispute")
    form = {"decision": "write_off", "note": "not worth it", "rev": rev}
    answer = rae.post(f"{path}/decide", form)
    assert answer.status_code == 303
    done = rae.read(f"{path}?said=write_off")
    assert "Decided: Write it off" in done
    assert "Take the decision back" in done
    assert "Rae Lindt" in done
    invoice = rae.read("/invoices/INV-1050")
    assert "Written off" in invoice
    assert "On hold" not in invoice
    stale = rae.post(f"{path}/decide", {**form, "decision": "credit"})
    assert stale.status_code == 409
    back = {"decision": "undecided", "rev": birch.office.scalar("select rev from dispute")}
    assert rae.post(f"{path}/decide", back).status_code == 303
    assert (
        birch.office.scalar("select outstanding from invoice where number = 'INV-1050'") == 40_000
    )
    assert birch.office.violations() == []


@pytest.mark.parametrize("is_answered", [False, True])
def test_a_loss_comes_with_what_the_rail_says_and_what_the_books_did(birch, is_answered):
    if is_answered:
        birch.office.world.respond(birch.ids["rail"])
        hear(birch)
    path = lose(birch)
    page = birch.as_("reconciler").read(path)
    answer = "Evidence Handed in 1 time Uncategorized text Signed order and delivery note."
    for words in (
        "Why The customer says that they did not make the payment (Visa 10.4)",
        "It claims $400.00, since",
        "Answers until",
        answer if is_answered else "Evidence None was handed in It says Decided for the customer",
        "In the books",
        "as it was posted",
        "Accounts receivable $400.00 Unapplied cash $400.00",
        "INV-1050 $400.00 owed",
    ):
        assert words in page, (words, page)
    desk = birch.as_("reconciler").read("/questions?kind=dispute")
    assert f"Evidence {'Handed in 1 time' if is_answered else 'None was handed in'}" in desk
    assert "code Visa 10.4" in desk


def test_what_tells_who_the_customer_is_stays_covered_in_the_evidence(birch):
    dispute = birch.office.world.truth.tables["dispute"][birch.ids["rail"]]
    dispute["evidence"] |= {"customer_email_address": "till@birch.example", "receipt": "file_123"}
    dispute["evidence"]["enhanced_evidence"] = {
        "visa_compliance": {"fee_acknowledged": True},
        "visa_compelling_evidence_3": {
            "disputed_transaction": {
                "customer_account_id": None,
                "shipping_address": {"city": "X"},
            },
            "prior_undisputed_transactions": [{"product_description": "Six chairs"}],
        },
    }
    birch.office.world.respond(birch.ids["rail"])
    hear(birch)
    page = birch.as_("reconciler").read(f"/disputes/{birch.ids['dispute']}")
    assert "Receipt a file" in page
    assert "till@birch.example" not in page
    assert "Customer email address •••" in page
    path = "Enhanced evidence, visa compelling evidence 3"
    assert f"{path}, prior undisputed transactions, 1, product description Six chairs" in page
    assert f"{path}, disputed transaction, shipping address, city •••" in page
    assert "Enhanced evidence, visa compliance, fee acknowledged yes" in page
    assert "customer account id" not in page


def test_of_a_deposit_that_was_disputed_it_is_said_what_is_missing(screens):
    customer = screens.customer("Cedar")
    screens.deposit(customer, 20_000, "DEP-1")
    screens.paid(20_000, metadata={"deposit": "DEP-1"})
    charge = next(reversed(screens.office.world.table("charge")))
    screens.ids["rail"] = screens.office.world.dispute(charge)
    screens.ids["dispute"] = ""
    lose(screens)
    found = screens.office.scalar("select id from dispute")
    words = screens.as_("viewer").read(f"/disputes/{found}")
    assert "DEP-1 $200.00 to be paid" in words, words


def test_an_invoice_of_before_it_was_kept_here_has_its_own_day(birch):
    words = birch.as_("viewer").read(f"/disputes/{birch.ids['dispute']}")
    assert "Invoice INV-1050 , of 2 Nov 2026, marked as sent here 22 Nov 2026" in words


@pytest.mark.thorough
def test_one_box_takes_the_reason_or_a_note_so_that_no_word_is_in_the_wrong_one(birch):
    path = f"/disputes/{birch.ids['dispute']}"
    rae = birch.as_("reconciler")
    assert 'id="note-new"' in rae.get(path).get_data(as_text=True), "nothing is to be decided"
    assert lose(birch) == path
    assert rae.get(path).get_data(as_text=True).count("<textarea") == 1
    html, note = rae.get(path).get_data(as_text=True), f"/admin/notes/{birch.ids['dispute']}"
    assert f'formaction="{note}"' in html
    form = {"note": "Ask Mo first", "rev": "1", "back": f"/admin{path}"}
    assert rae.post(note.removeprefix("/admin"), form).location == f"/admin{path}#notes"
    words = rae.read(path)
    assert "Ask Mo first" in words
    assert "One is written in the box above." in words
    assert birch.office.scalar("select decision from dispute") == "undecided"


def test_who_may_not_decide_reads_why_and_changes_nothing(birch):
    path = lose(birch)
    vera = birch.as_("viewer")
    assert "Reconciler role" in vera.read(path)
    before = birch.books()
    assert vera.post(f"{path}/decide", {"decision": "chase", "rev": 1}).status_code == 403
    rae = birch.as_("reconciler")
    assert rae.post(f"{path}/decide", {"decision": "forget", "rev": 1}).status_code == 422
    assert rae.post("/disputes/dsp_none/decide", {"decision": "chase", "rev": 1}).status_code == 404
    assert rae.get("/disputes/dsp_none").status_code == 404
    assert birch.books() == before


def test_a_late_win_is_told(birch):
    path = lose(birch)
    rae = birch.as_("reconciler")
    rev = birch.office.scalar("select rev from dispute")
    rae.post(f"{path}/decide", {"decision": "chase", "rev": rev})
    birch.office.world.late_win(birch.ids["rail"])
    hear(birch)
    page = rae.read(path)
    assert "The money came back after somebody had decided" in page
    assert birch.office.violations() == []


def test_an_appeal_says_that_the_decision_waits(birch):
    path = lose(birch)
    rae = birch.as_("reconciler")
    rev = birch.office.scalar("select rev from dispute")
    rae.post(f"{path}/decide", {"decision": "write_off", "rev": rev})
    birch.office.clock.advance(hours=1)
    birch.office.world.appeal(birch.ids["rail"])
    hear(birch)
    rae = birch.as_("reconciler")  # an hour is over
    page = rae.read(path)
    assert "is contested again" in page
    assert "What was decided (write it off: we bear it) holds again" in page
    assert "What becomes of" not in page
    assert "On hold" in page
    assert "Written off" not in rae.read("/invoices/INV-1050")
    assert birch.office.violations() == []


def test_nothing_waits(screens):
    assert "No dispute waits" in screens.as_("viewer").read("/disputes")
    assert "No dispute yet" in screens.as_("viewer").read("/disputes?view=all")


def test_the_invoice_says_that_a_dispute_took_back_what_paid_it(birch):
    vera = birch.as_("viewer")
    path = f"/disputes/{birch.ids['dispute']}"
    taken = "The payer's bank has taken $400.00 of a payment for this invoice until"
    assert taken in vera.read("/invoices/INV-1050")
    lose(birch)
    words = vera.read("/invoices/INV-1050")
    assert "A dispute took it back." in words
    assert "The payer's bank keeps $400.00 of a payment for this invoice." in words
    assert "$0.00 of $400.00 paid" in words
    assert "$400.00 of $400.00 went back" in words
    assert "Matched $400.00 from" in words, "what it was before"
    assert "Dispute: decided for the customer" in words
    html = vera.get("/invoices/INV-1050").get_data(as_text=True)
    assert html.count(f'href="/admin{path}"') >= 2, "beside the amounts, and in the history"


def test_the_list_of_what_waits_goes_on_after_any_of_it(birch):
    world = birch.office.world
    for amount in (10_000, 20_000):
        birch.paid(amount, description="thanks")
        world.dispute(next(reversed(world.table("charge"))))
    hear(birch)
    now, walked, after = birch.office.clock(), [], None
    with birch.office.runtime.read() as session:
        while rows := disputes.waiting(session, now=now, after=after, limit=1):
            walked.append(after := rows[0].id)
        assert walked == [one.id for one in disputes.waiting(session, now=now)]
        assert len(walked) == disputes.numbers_waiting(session, now.date()).in_sight == 3


def test_what_it_can_be_answered_with_stands_there_with_where_it_is(screens, tmp_path):
    rail_id = screens.office.world.create_customer(name="Cedar", email="pay@cedar.example")
    cedar = screens.customer("Cedar", email="pay@cedar.example", rail_customers={"stripe": rail_id})
    post = open_mail_room(screens.office, tmp_path)
    screens.ids["cedar"] = cedar
    furniture.proposal_of(screens)
    offer = screens.ids["proposal"]
    seen = screens.office.scalar(
        "select sha256 from proposal_version where proposal_id = :p", p=offer
    )

    screens.office.do(lambda work: proposals.accept(work, offer, name="Ann Lee", seen=seen))
    ((stage, called),) = screens.office.rows("select id, name from milestone where kind = 'final'")
    with keep_file.kept(screens.office.runtime, pdf()) as file:
        screens.office.do(
            lambda work: sign_offs.sign_off_by_file(
                work, stage, "ok.pdf", file, signed_by="Ann Lee"
            )
        )
    owed = screens.office.do(lambda work: billing.invoice(work, stage))
    screens.office.do(lambda work: invoices.send(work, owed))
    screens.office.do(lambda work: mailings.of_invoice(work, owed))
    post.work()
    screens.office.world.pay(70_000, "usd", customer=rail_id, metadata={"invoice": owed})
    screens.ids["rail"] = screens.office.world.dispute(
        next(reversed(screens.office.world.table("charge")))
    )
    hear(screens)
    dispute = screens.office.scalar("select id from dispute")
    answer = screens.as_("reconciler").get(f"/disputes/{dispute}")
    page, words = answer.get_data(as_text=True), said(answer)
    assert "Proposal Bath , accepted by Ann Lee" in words
    assert f"/admin/proposals/{offer}" in page
    assert f"Sign-off The document for {called} , signed by Ann Lee" in words
    assert f"/admin/milestones/{stage}/sign-offs/" in page
    assert "Print or save it" in words
    number = screens.office.scalar("select number from invoice")
    assert f"Invoice {number} , sent" in words
    assert f"/admin/invoices/{owed}/print" in page
    assert "to pay@cedar.example , 22 Nov 2026" in words
    assert f"/admin/messages/{screens.office.scalar('select id from message')}" in page


def test_a_dispute_is_assigned_and_put_off_on_its_own_page(birch):
    rae = birch.as_("reconciler")
    item = birch.office.scalar("select id from review_item")
    page = rae.get(f"/disputes/{birch.ids['dispute']}").get_data(as_text=True)
    assert f"/admin/questions/{item}/assign" in page
    form = {
        "assigned_to": birch.known["reconciler"],
        "back": f"/admin/disputes/{birch.ids['dispute']}",
    }
    answer = rae.post(f"/questions/{item}/assign", form)
    assert answer.location == f"/admin/disputes/{birch.ids['dispute']}"
    assert "Assigned to Rae Lindt" in rae.read(f"/disputes/{birch.ids['dispute']}")
    looked = birch.as_("viewer").get(f"/disputes/{birch.ids['dispute']}")
    assert f"/admin/questions/{item}/assign" not in looked.get_data(as_text=True)


def test_where_nothing_is_kept_it_says_so_and_offers_no_proof(birch):
    words = birch.as_("viewer").read(f"/disputes/{birch.ids['dispute']}")
    assert "No accepted proposal, no sign-off and no mail about it is kept here." in words
