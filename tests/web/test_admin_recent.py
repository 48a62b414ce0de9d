"""What one did, and taking it back: said first, done by a reversal, refused if built upon."""

import pytest

from reconciler.services import applications, refunds, undoing
from reconciler.web.admin import deed_words
from tests.web.screens import Screens, said

pytestmark = pytest.mark.sampled(2)


@pytest.fixture
def acme(screens: Screens) -> Screens:
    """A customer with an open invoice, and a payment that names nothing."""
    screens.ids["acme"] = screens.customer("Acme")
    screens.invoice(screens.ids["acme"], 120_000, "INV-1042")
    screens.ids["pay"] = screens.paid(85_000, description="thanks")
    return screens


def match(screens: Screens, by) -> str:
    """Match the payment; gives the number of the line that says so."""
    pay = screens.ids["pay"]
    form = {"rev": screens.rev("payment", pay), "target": screens.ids["INV-1042"]}
    answer = by.post(f"/unmatched/{pay}/match", form | {"amount": 85_000})
    assert answer.status_code == 303
    assert "My recent actions</a>" in by.client.get(answer.location).get_data(as_text=True)
    return line(screens, "payment.allocated")


def line(screens: Screens, action: str) -> str:
    return str(screens.office.scalar("select max(seq) from audit_line where action = :a", a=action))


def outstanding(screens: Screens) -> int:
    return screens.office.scalar("select outstanding from invoice where number = 'INV-1042'")


def test_a_match_is_taken_back_from_the_list_and_by_the_same_way_again(acme):
    rae = acme.as_("reconciler")
    done = match(acme, rae)
    words = rae.read("/recent")
    assert "Matched: $850.00 on INV-1042" in words
    assert "Payment, " in words
    assert f"Payment {acme.ids['pay']}" not in words, "what it is called, and no id"
    assert "Undo: a reversing entry takes it off, and the money waits unmatched again." in words
    assert f"/recent/{done}/undo" in rae.get("/recent").get_data(as_text=True)
    before = acme.books()
    asked = rae.read(f"/recent/{done}/undo")
    assert "After this: INV-1042 is owed $1,200.00 instead of $350.00" in asked
    assert "as it would be posted" in asked
    assert "Accounts receivable $850.00" in asked
    assert acme.books() == before
    for _ in range(2):  # the form is sent twice
        answer = rae.post(f"/recent/{done}/undo", {"once": "u1"})
        assert (answer.status_code, answer.location) == (303, "/admin/recent?undone=1")
    assert outstanding(acme) == 120_000
    assert "Taken back" in rae.read("/recent")
    again = rae.post(f"/recent/{done}/undo", {"once": "u2"})
    assert again.status_code == 409
    assert "It is taken back already" in said(again)
    back = line(acme, "payment.unallocated")
    assert rae.post(f"/recent/{back}/undo", {"once": "u3"}).status_code == 303
    assert outstanding(acme) == 35_000
    assert acme.office.violations() == []


@pytest.mark.thorough
def test_after_undo_it_is_asked_as_it_was_before_each_time_again(screens):
    screens.ids["acme"] = screens.customer("Acme")
    screens.invoice(screens.ids["acme"], 120_000, "INV-1042")
    screens.invoice(screens.ids["acme"], 130_000, "INV-1043")
    screens.ids["pay"] = screens.paid(85_000, description="INV-1042 and INV-1043")
    asked = "select kind, details from review_item where state = 'open'"
    first = screens.office.rows(asked)
    assert [row.kind for row in first] == ["ambiguous_match"]
    rae = screens.as_("reconciler")
    for once in ("u1", "u2"):
        done = match(screens, rae)
        assert screens.office.rows(asked) == []
        assert rae.post(f"/recent/{done}/undo", {"once": once}).status_code == 303
        again = screens.office.rows(asked)
        assert [row.kind for row in again] == ["ambiguous_match"]
        assert again[0].details["reasons"] == [
            *first[0].details["reasons"], "A person took it back from where it was",
        ]  # fmt: skip
    assert first[0].details["reasons"][0] in rae.read(f"/unmatched/{screens.ids['pay']}")
    assert screens.office.violations() == []


def test_undo_is_not_offered_for_what_is_not_so_any_more(acme):
    rae = acme.as_("reconciler")
    match(acme, rae)
    refund = acme.ask_refund("reconciler", payment_id=acme.ids["pay"], amount=1_000)
    asked = line(acme, "refund.requested")
    offered = f"/recent/{asked}/undo"
    assert offered in rae.get("/recent").get_data(as_text=True)
    acme.by("approver", lambda work: refunds.reject(work, refund, why="no"))
    assert offered not in rae.get("/recent").get_data(as_text=True)
    assert "Something else came of it since." in rae.read("/recent")
    acme.paid(4_000, description="who")
    item = acme.office.scalar("select id from review_item where state = 'open'")
    for day in ("2026-11-28", "2026-11-30"):
        assert rae.post(f"/questions/{item}/snooze", {"until": day}).status_code == 303
    page = rae.get("/recent").get_data(as_text=True)
    last = int(line(acme, "review_item.snoozed"))
    assert f"/recent/{last}/undo" in page
    assert f"/recent/{last - 1}/undo" not in page


def test_taking_a_hold_back_is_not_undone_once_its_money_is_elsewhere(acme):
    rae, pay = acme.as_("reconciler"), acme.ids["pay"]
    for once in ("h1", "h2"):
        form = {"rev": acme.rev("payment", pay), "customer_id": acme.ids["acme"]}
        assert rae.post(f"/unmatched/{pay}/hold", form).status_code == 303
        held = line(acme, "payment.allocated")
        if once == "h1":
            assert rae.post(f"/recent/{held}/undo", {"once": once}).status_code == 303
            back = line(acme, "payment.unallocated")
            assert f"/recent/{back}/undo" in rae.get("/recent").get_data(as_text=True)
    page = rae.get("/recent").get_data(as_text=True)
    assert f"/recent/{held}/undo" in page
    assert f"/recent/{back}/undo" not in page


def test_what_something_stands_on_is_not_taken_back_and_says_why(acme):
    rae, pay = acme.as_("reconciler"), acme.ids["pay"]
    form = {"rev": acme.rev("payment", pay), "customer_id": acme.ids["acme"]}
    assert rae.post(f"/unmatched/{pay}/hold", form).status_code == 303
    held = line(acme, "payment.allocated")
    deposit, code = acme.office.rows("select id, code from deposit")[0]
    acme.by(
        "reconciler",
        lambda work: applications.apply(work, deposit, acme.ids["INV-1042"], 100),
    )
    words = rae.read(f"/recent/{held}/undo")
    assert f"It cannot be taken back. Deposit {code} is applied to invoices; unapply it first" in (
        words
    )
    assert "Take it back" not in words
    before = acme.books()
    assert rae.post(f"/recent/{held}/undo", {}).status_code == 409
    assert acme.books() == before
    applied = line(acme, "deposit.applied")
    assert rae.post(f"/recent/{applied}/undo", {}).status_code == 303
    assert rae.post(f"/recent/{held}/undo", {}).status_code == 303
    assert acme.office.violations() == []


def test_everybody_sees_their_own_deeds_and_what_cannot_be_undone_says_why(acme):
    rae, dana = acme.as_("reconciler"), acme.as_("admin")
    dana.post(f"/notes/{acme.ids['pay']}", {"note": "Called"})
    assert "You have done nothing here yet" in rae.read("/recent")
    words = dana.read("/recent")
    assert "Wrote a note" in words
    assert "A note stays as it was written: write another one." in words
    noted = line(acme, "note.added")
    assert "It cannot be taken back." in rae.read(f"/recent/{noted}/undo")
    assert rae.post(f"/recent/{noted}/undo", {}).status_code == 422
    assert rae.post("/recent/999999/undo", {}).status_code == 404


def test_an_assignment_a_snooze_and_a_refund_that_was_asked_for_are_taken_back(acme):
    rae = acme.as_("reconciler")
    item = acme.office.scalar("select id from review_item")
    rae.post(f"/questions/{item}/assign", {"assigned_to": acme.known["reconciler"]})
    rae.post(f"/questions/{item}/snooze", {"until": "2026-12-01"})
    refund = acme.ask_refund("reconciler", payment_id=acme.ids["pay"], amount=100)
    for action in ("review_item.assigned", "review_item.snoozed", "refund.requested"):
        assert rae.post(f"/recent/{line(acme, action)}/undo", {}).status_code == 303, action
    [row] = acme.office.rows("select assigned_to, snoozed_until from review_item")
    assert tuple(row) == (None, None)
    status = acme.office.scalar("select status from refund where id = :id", id=refund)
    assert status == "canceled"


def test_a_credit_note_and_money_by_hand_are_taken_back_once(acme):
    rae, owed = acme.as_("reconciler"), acme.ids["INV-1042"]
    form = {"amount": "200.00", "reason": "A page less", "do": "write", "once": "c1"}
    assert rae.post(f"/invoices/{owed}/credit", form).status_code == 303
    form = {"amount": "1000.00", "source": "cash", "received_on": "2026-11-20", "once": "c2"}
    assert rae.post(f"/invoices/{owed}/receive", form).status_code == 303
    assert outstanding(acme) == 0
    received, credited = line(acme, "payment.received_by_hand"), line(acme, "invoice.credited")
    asked = rae.read(f"/recent/{received}/undo")
    assert "INV-1042 is owed $1,000.00 instead of $0.00" in asked
    asked = rae.read(f"/recent/{credited}/undo")
    assert "INV-1042 is owed $200.00 instead of $0.00" in asked
    assert rae.post(f"/recent/{received}/undo", {}).status_code == 303
    assert rae.post(f"/recent/{credited}/undo", {}).status_code == 303
    assert outstanding(acme) == 120_000
    page = rae.get("/recent").get_data(as_text=True)
    assert page.count("Taken back</span>") == 2
    for done in (received, credited):
        assert f"/recent/{done}/undo" not in page
        assert rae.post(f"/recent/{done}/undo", {}).status_code == 409
    words = rae.read(f"/invoices/{owed}")
    assert "CN-1001 A page less, Rae Lindt Taken back" in words
    assert "Credited $0.00" in words
    note = acme.office.scalar("select id from credit_note")
    paper = said(rae.get(f"/credit-notes/{note}/print"))
    assert "Taken back on 22 November 2026: it lowers nothing any more." in paper
    assert "CN-1001" not in said(rae.get(f"/invoices/{owed}/print"))
    assert acme.office.violations() == []


def test_what_was_done_is_told_by_numbers_names_and_amounts_and_what_undo_does(acme):
    rae = acme.as_("reconciler")
    acme.ask_refund("reconciler", payment_id=acme.ids["pay"], amount=6_000)
    item = acme.office.scalar("select id from review_item")
    rae.post(f"/questions/{item}/snooze", {"until": "2026-12-01"})
    words = rae.read("/recent")
    assert "Asked for a refund" in words
    assert "$60.00" in words.partition("Asked for a refund")[2]
    assert "Undo: the request is called off; nothing is refunded." in words
    assert "Question “A payment names nothing that it is for”" in words
    asked = rae.read(f"/recent/{line(acme, 'refund.requested')}/undo")
    assert "Take back: asked for a refund?" in asked


def test_an_answer_given_anew_is_not_taken_back_by_the_line_of_the_first(screens):
    customer_id = screens.customer("Cedar")
    screens.invoice(customer_id, 10_000, "INV-1")
    pay = screens.paid(10_000, description="INV-1")
    screens.office.world.refund(next(iter(screens.office.world.table("charge"))), 4_000)
    screens.hear("")
    rae, open_one = (
        screens.as_("reconciler"),
        "select id, rev from review_item where state = 'open'",
    )
    lines, items = [], []
    for action in ("credit", "reopen"):
        [item] = screens.office.rows(open_one)
        form = {"action": action, "rev": item.rev}
        assert rae.post(f"/questions/{item.id}/decide", form).status_code == 303
        lines.append(line(screens, "review_item.resolved"))
        items.append(item.id)
        if action == "credit":
            assert rae.post(f"/questions/{item.id}/take-back").status_code == 303
    page = rae.get("/recent").get_data(as_text=True)
    assert f"/recent/{lines[1]}/undo" in page
    assert f"/recent/{lines[0]}/undo" not in page
    assert "Taken back</span>" in page
    assert "taken back already" in rae.read(f"/recent/{lines[0]}/undo")
    before = screens.books()
    for path in (f"/recent/{lines[0]}/undo", f"/questions/{items[0]}/take-back"):
        refused = rae.post(path, {"once": "u1"})
        assert (refused.status_code, screens.books()) == (409, before)
        assert "taken back already" in said(refused)
    owed = "select outstanding from invoice where number = 'INV-1'"
    assert screens.office.scalar(owed) == 4_000, pay
    assert rae.post(f"/recent/{lines[1]}/undo", {"once": "u2"}).status_code == 303
    assert screens.office.scalar(owed) == 0
    assert rae.post(f"/recent/{lines[1]}/undo", {"once": "u3"}).status_code == 409
    assert screens.office.violations() == []


def test_a_loss_decided_anew_is_not_taken_back_by_older_lines(screens):
    screens.invoice(screens.customer("Birch"), 10_000, "INV-1")
    screens.paid(10_000, description="INV-1")
    world = screens.office.world
    dispute = world.dispute(next(iter(world.table("charge"))))
    screens.hear("")
    world.close_dispute(dispute, "lost")
    screens.hear("")
    rae = screens.as_("reconciler")
    [ours] = screens.office.rows("select id, rail_dispute_id from dispute")
    lines = []
    for decision in ("chase", "undecided", "write_off"):
        screens.office.clock.advance(minutes=1)
        form = {"decision": decision, "rev": screens.rev("dispute", ours.id)}
        assert rae.post(f"/disputes/{ours.id}/decide", form).status_code == 303, decision
        lines.append(line(screens, "dispute.decided"))
    page, before = rae.get("/recent").get_data(as_text=True), screens.books()
    assert [f"/recent/{one}/undo" in page for one in lines] == [False, False, True]
    assert page.count("<strong>Took the decision about a lost dispute back</strong>") == 1
    assert page.count("<strong>Decided about a lost dispute</strong>") == 2
    for one, status in zip(lines, (409, 422, 303), strict=True):
        assert rae.post(f"/recent/{one}/undo", {}).status_code == status
        assert (screens.books() == before) is (status != 303)
    assert screens.office.violations() == []


def test_what_undo_does_is_said_of_all_that_can_be_undone():
    assert set(deed_words.UNDOING) == undoing.UNDOABLE
    assert all(text[0].islower() for text in deed_words.UNDOING.values())


def test_no_id_stands_in_what_one_did_where_there_is_a_word_for_it(acme):
    rae = acme.as_("reconciler")
    undone = match(acme, rae)
    assert rae.post(f"/recent/{undone}/undo", {"once": "u1"}).status_code == 303
    row = acme.office.world.other_row(-1_900, kind="hardware_fee", category="hardware")
    acme.run()
    moved = {"subject": f"stripe/movement/{row}", "account": "expenses", "why": "The reader"}
    assert rae.post("/ledger/suspense/move", moved | {"category": "Fair"}).status_code == 303
    acme.paid(4_000, description="who")
    item = acme.office.scalar("select id from review_item where state = 'open'")
    ann = acme.person("approver")
    assert rae.post(f"/questions/{item}/assign", {"assigned_to": ann}).status_code == 303
    html, words = rae.get("/recent").get_data(as_text=True), rae.read("/recent")
    assert "Moved money out of suspense" in words
    assert "Movement, hardware, $19.00" in words
    assert "Aki Brown" in words
    assert f'href="/admin/ledger/suspense/move?subject=stripe/movement/{row}"' in html
    assert ">Match with INV-1042</a>" in html
    for prefix in ("usr_", "txn_", "alo_", "rev_"):
        assert f" {prefix}" not in words, prefix


@pytest.mark.thorough
def test_a_hold_is_one_deed_with_what_it_made_below(acme):
    rae = acme.as_("reconciler")
    pay = acme.paid(5_000, description="who")
    form = {"rev": acme.rev("payment", pay), "customer_id": "new", "name": "Neu", "notes": "later"}
    assert rae.post(f"/unmatched/{pay}/hold", form).status_code == 303
    page = rae.get("/recent")
    assert page.get_data(as_text=True).count("data-row") == 1
    words = said(page)
    assert "Held as a deposit: $50.00 on DEP-1001" in words
    assert "Deposit created , Deposit DEP-1001, Neu, $50.00" in words
    assert "Customer created , Customer, Neu" in words


def test_a_note_on_a_dispute_names_it(screens):
    rail_id = screens.office.world.create_customer(name="Birch")
    owner = screens.customer("Birch", rail_customers={"stripe": rail_id})
    screens.invoice(owner, 40_000, "INV-1050")
    screens.paid(40_000, customer=rail_id, metadata={"invoice": "INV-1050"})
    screens.office.world.dispute(next(reversed(screens.office.world.table("charge"))))
    screens.hear("")
    dispute = screens.office.scalar("select id from dispute")
    rae = screens.as_("reconciler")
    rae.post(f"/notes/{dispute}", {"note": "Called them", "once": "n1"})
    page = rae.get("/recent").get_data(as_text=True)
    assert f'<a href="/admin/disputes/{dispute}">Dispute, Birch, $400.00</a>' in page


def test_undoing_a_hold_takes_its_deposit_back_and_is_one_line(acme):
    rae, pay = acme.as_("reconciler"), acme.ids["pay"]
    form = {"rev": acme.rev("payment", pay), "customer_id": acme.ids["acme"]}
    assert rae.post(f"/unmatched/{pay}/hold", form).status_code == 303
    held = line(acme, "payment.allocated")
    assert "Take back: held as a deposit?" in rae.read(f"/recent/{held}/undo")
    assert rae.post(f"/recent/{held}/undo", {}).status_code == 303
    off = line(acme, "payment.unallocated")
    assert "Take back: took a hold as a deposit back?" in rae.read(f"/recent/{off}/undo")
    deposit = acme.office.scalar("select id from deposit where ended_at is not null")
    words = rae.read("/recent")
    assert words.count("Held as a deposit") == 1
    assert "Took a hold as a deposit back" in words
    ended = line(acme, "deposit.ended")
    assert f"/recent/{ended}/undo" not in rae.get("/recent").get_data(as_text=True)
    words = rae.read(f"/deposits/{deposit}")
    assert "has not come yet" not in words
    assert (
        "Nothing is held here any more, and nobody was asked for $850.00. It was made to hold"
        in words
    )
    for page in (f"/deposits/{deposit}", "/deposits", f"/customers/{acme.ids['acme']}"):
        words = rae.read(page)
        assert "Taken back" in words, page
        assert "Asked for no more" not in words, page
