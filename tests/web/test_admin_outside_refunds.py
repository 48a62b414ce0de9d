"""A refund made outside, on the screen: what it took, what each answer does, and taken back."""

from functools import partial

import pytest

from reconciler.books.invoice_lines import Line
from reconciler.books.plans import Part as PriceShare
from reconciler.services import allocations, billing, invoices, milestones, projects
from reconciler.services.allocations import Part
from reconciler.services.milestones import Stage
from reconciler.services.projects import NewProject
from tests.web.screens import Screens, Somebody, said

pytestmark = pytest.mark.sampled(2)


@pytest.fixture
def cedar(screens: Screens) -> Screens:
    """100.00 that paid two invoices by halves, of which 40.00 were given back in the dashboard."""
    customer_id = screens.customer("Cedar")
    for number in ("INV-1", "INV-2"):
        screens.invoice(customer_id, 5_000, number)
    payment_id = screens.paid(10_000, description="for both")
    halves = [Part(invoice_id=screens.ids[number], amount=5_000) for number in ("INV-1", "INV-2")]
    screens.by("reconciler", lambda work: allocations.allocate(work, payment_id, halves))
    screens.office.world.refund(next(iter(screens.office.world.table("charge"))), 4_000)
    screens.hear("")
    screens.ids["payment"] = payment_id
    return screens


def _item(cedar: Screens, state: str = "open"):
    (found,) = cedar.office.rows(
        """select id, rev, subject from review_item
        where kind = 'external_refund' and state = :state""",
        state=state,
    )
    return found


def _owed(cedar: Screens) -> dict[str, int]:
    return {r.number: r.outstanding for r in cedar.office.rows("select * from invoice")}


def _decide(cedar: Screens, by: Somebody, action: str, **more):
    item = _item(cedar)
    form = {"action": action, "rev": item.rev} | more
    return by.post(f"/questions/{item.id}/decide", form)


def test_an_answer_is_one_of_ones_deeds_with_what_it_did_below(cedar):
    rae = cedar.as_("reconciler")
    before = rae.get("/recent").get_data(as_text=True).count("data-row")
    assert _decide(cedar, rae, "credit").status_code == 303
    page = rae.get("/recent")
    assert page.get_data(as_text=True).count("data-row") == before + 1
    assert "Answered a question" in said(page)
    assert "Outside refund decided" in said(page), "what it did, where it is unfolded"


@pytest.mark.thorough
def test_the_page_says_what_the_books_took_and_what_each_answer_does(cedar):
    rae, before = cedar.as_("reconciler"), cedar.books()
    page = rae.read(f"/questions/{_item(cedar).id}")
    for words in (
        "$40.00 refunded outside to Cedar",
        "Given back 22 Nov 2026",
        "Why Stripe was given no reason",
        "By whom Stripe does not tell who. Its dashboard does, in the log of request",
        "INV-2 $40.00",
        "Does the customer still owe the $40.00?",
        "No, it is not owed any more. After this: No amount changes",
        "Yes, it is owed again. After this: INV-2 is owed $40.00 instead of $0.00",
    ):
        assert words in page, words
    assert cedar.books() == before
    listed = rae.get("/questions").get_data(as_text=True)
    assert f"/admin/questions/{_item(cedar).id}" in listed
    assert "Took from INV-2 : $40.00" in said(rae.get("/questions"))


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("action", "owed"), [("credit", 0), ("reopen", 4_000)])
def test_it_is_answered_and_the_answer_is_taken_back_and_given_anew(cedar, action, owed):
    rae, asked = cedar.as_("reconciler"), _item(cedar)
    answer = _decide(cedar, rae, action, note="Ada said so")
    assert answer.status_code == 303
    assert _owed(cedar) == {"INV-1": 0, "INV-2": owed}
    page = said(rae.client.get(answer.location))
    assert "Rae Lindt" in page
    assert "Ada said so" in page
    assert ("INV-2 is owed $0.00 instead of $40.00" in page) is bool(owed)
    back = rae.post(f"/questions/{asked.id}/take-back")
    assert back.status_code == 303
    assert _owed(cedar) == {"INV-1": 0, "INV-2": 0}
    assert "Taken back: the question is open again" in said(rae.client.get(back.location))
    assert "It is asked again" in rae.read(f"/questions/{asked.id}")
    twice = rae.post(f"/questions/{asked.id}/take-back")
    assert twice.status_code == 409
    assert "Nothing was done" in said(twice)
    assert _decide(cedar, rae, "reopen").status_code == 303
    assert _owed(cedar) == {"INV-1": 0, "INV-2": 4_000}
    assert cedar.office.violations() == []


def test_what_is_left_is_what_the_menu_counts_and_what_is_taken_back_is_not_its_own_next(cedar):
    rae, asked = cedar.as_("reconciler"), _item(cedar)
    last = "That was the last one in this queue."
    words = said(rae.client.get(_decide(cedar, rae, "credit").location))
    assert last in words
    back = rae.post(f"/questions/{asked.id}/take-back")
    words = said(rae.client.get(back.location))
    assert "Taken back: the question is open again" in words
    assert "Next:" not in words, "it is the one on the screen"
    assert last not in words
    cedar.office.world.other_row(-1_900, kind="hardware_fee", category="hardware")
    cedar.run()
    words = said(rae.client.get(_decide(cedar, rae, "credit").location))
    assert "Next: The payment provider moved money, and no rule says what for" in words
    assert "( 1 left in this queue )" in words
    assert last not in words


def _parts(cedar: Screens, one: str, other: str) -> dict[str, str]:
    return {f"amount-{cedar.ids['INV-1']}": one, f"amount-{cedar.ids['INV-2']}": other}


def test_another_split_is_looked_at_first_and_then_done(cedar):
    rae, before = cedar.as_("reconciler"), cedar.books()
    typed = _parts(cedar, "15", "25.00") | {"treatment": "reopen", "note": "Both were late"}
    looked = _decide(cedar, rae, "look", **typed)
    assert looked.status_code == 200
    assert "INV-1 is owed $15.00 instead of $0.00" in said(looked)
    assert "INV-2 is owed $25.00 instead of $0.00" in said(looked)
    html = looked.get_data(as_text=True)
    assert 'value="15"' in html
    assert "Both were late" in html
    assert cedar.books() == before
    assert _decide(cedar, rae, "split", **typed).status_code == 303
    assert _owed(cedar) == {"INV-1": 1_500, "INV-2": 2_500}
    assert cedar.office.violations() == []


@pytest.mark.sampled(3)
@pytest.mark.parametrize("action", ["look", "split"])
@pytest.mark.parametrize(
    ("one", "other", "treatment", "words"),
    [
        ("10", "10", "credit", "The parts come to $20.00; the refund took $40.00"),
        ("ten", "30", "credit", "is not an amount"),
        ("-1", "41", "credit", "must not be negative"),
        ("10", "30", "", "Choose whether these are owed again."),
        ("", "", "credit", "Say how much it took from which"),
    ],
)
def test_a_split_that_does_not_do_says_why_and_keeps_what_was_typed(
    cedar, action, one, other, treatment, words
):
    rae, before = cedar.as_("reconciler"), cedar.books()
    typed = _parts(cedar, one, other) | {"treatment": treatment, "note": "As typed"}
    answer = _decide(cedar, rae, action, **typed)
    assert words in said(answer)
    assert answer.status_code in {200, 422}
    html = answer.get_data(as_text=True)
    assert f'value="{other}"' in html
    assert "As typed" in html
    assert cedar.books() == before


def test_the_second_of_two_people_reads_that_somebody_was_first(cedar):
    asked = _item(cedar)
    assert _decide(cedar, cedar.as_("reconciler"), "credit").status_code == 303
    before = cedar.books()
    form = {"action": "reopen", "rev": asked.rev, "note": "mine"}
    late = cedar.as_("approver").post(f"/questions/{asked.id}/decide", form)
    assert late.status_code == 409
    assert "Nothing was done. Below is how it stands now." in said(late)
    assert "Rae Lindt" in said(late)
    assert cedar.books() == before


def test_who_may_not_decide_reads_why(cedar):
    vera, asked = cedar.as_("viewer"), _item(cedar)
    page = vera.read(f"/questions/{asked.id}")
    assert "Reconciler role" in page
    assert "After this" not in page
    for name in ("decide", "take-back"):
        assert vera.post(f"/questions/{asked.id}/{name}", {"rev": 1}).status_code == 403
    rae = cedar.as_("reconciler")
    assert rae.get("/questions/rev_none").status_code == 404
    assert rae.post("/questions/rev_none/decide", {"rev": 1}).status_code == 404
    assert rae.post("/questions/rev_none/take-back").status_code == 404
    assert _decide(cedar, rae, "forget").status_code == 422


def test_what_failed_since_is_not_decided_any_more(cedar):
    rae, asked = cedar.as_("reconciler"), _item(cedar)
    cedar.office.world.advance_refund(asked.subject, "failed")
    cedar.hear("")
    assert "It failed, was canceled, or is one of ours." in rae.read(f"/questions/{asked.id}")
    answer = rae.post(f"/questions/{asked.id}/decide", {"action": "credit", "rev": asked.rev})
    assert answer.status_code == 409


def test_a_question_of_another_kind_is_shown_among_its_own(cedar):
    cedar.paid(777, description="thanks")
    item = cedar.office.scalar("select id from review_item where kind = 'unmatched_payment'")
    answer = cedar.as_("viewer").get(f"/questions/{item}")
    assert answer.status_code == 303
    assert "kind=unmatched_payment" in answer.location
    for name in ("decide", "take-back"):
        form = {"action": "credit", "rev": 1}
        assert cedar.as_("reconciler").post(f"/questions/{item}/{name}", form).status_code == 404


def test_why_it_was_made_is_said_as_people_wrote_it_at_the_rail(screens):
    screens.invoice(screens.customer("Cedar"), 5_000, "INV-1")
    screens.paid(5_000, metadata={"invoice": "INV-1"})
    charge = next(iter(screens.office.world.table("charge")))
    wrote = {"ticket": "T-17", "asked_by": "Mo <b>at</b> the till", "email": "mo@till.example"}
    screens.office.world.refund(charge, 2_000, reason="requested_by_customer", metadata=wrote)
    screens.office.world.refund(charge, 1_000, reason="duplicate")
    screens.hear("")
    pages = {
        row.amount: screens.as_("viewer").get(f"/questions/{row.id}")
        for row in screens.office.rows("select id, amount from review_item")
    }
    words = said(pages[2_000])
    assert "Why The customer asked for it" in words
    assert "Ticket T-17 noted on the refund at Stripe" in words
    assert "Asked by Mo <b>at</b> the till" in words
    assert "mo@till.example" not in words, "what tells who somebody is stays covered"
    assert "Why A duplicate payment" in said(pages[1_000])
    assert "T-17" not in said(pages[1_000])


def test_the_card_says_what_decides_it_and_no_note_alone_leaves_it_as_not_owed(screens):
    screens.invoice(screens.customer("Cedar"), 5_000, "INV-1")
    screens.paid(5_000, metadata={"invoice": "INV-1"})
    charge = next(iter(screens.office.world.table("charge")))
    wrote = {"why": "They pay it by transfer", "email": "mo@till.example"}
    screens.office.world.refund(charge, 2_000, reason="requested_by_customer", metadata=wrote)
    screens.hear("")
    rae = screens.as_("reconciler")
    card = rae.read("/questions?group=outside")
    assert "Given back because The customer asked for it" in card
    assert "Why They pay it by transfer (noted on the refund at the payment provider)" in card
    assert "mo@till.example" not in card
    assert "Say whether the customer still owes it" in card
    assert "with a note" not in card
    item = _item(screens)  # where nothing is to be said about it, its page leads to it alone
    alone = f"/questions?kind=external_refund&subject={item.subject}"
    assert "Leave it as the books have it: close it with a note" in rae.read(alone)


@pytest.mark.thorough
def test_it_is_put_off_and_noted_on_its_own_page(cedar):
    rae, item = cedar.as_("reconciler"), _item(cedar).id
    here = f"/admin/questions/{item}"
    page = rae.get(f"/questions/{item}").get_data(as_text=True)
    assert f"{here}/snooze" in page
    assert f"/admin/notes/{item}" in page
    form = {"until": "2026-11-29", "note": "Ada is asked", "back": here}
    answer = rae.post(f"/questions/{item}/snooze", form)
    assert (answer.status_code, answer.location) == (303, f"{here}?snoozed={item}")
    words = rae.read(f"/questions/{item}")
    assert "out of sight until 29 Nov 2026" in words
    assert "Put off until 29 Nov 2026: Ada is asked" in words
    assert "Ada is asked" in rae.read("/questions?view=snoozed")
    assert "$40.00" not in rae.read("/questions")


def test_what_was_noted_and_why_it_was_answered_stays_when_it_is_asked_again(cedar):
    rae, asked = cedar.as_("reconciler"), _item(cedar)
    assert rae.post(f"/notes/{asked.id}", {"note": "Sam rang the client"}).status_code == 303
    assert _decide(cedar, rae, "credit", note="They had paid twice").status_code == 303
    assert rae.post(f"/questions/{asked.id}/take-back").status_code == 303
    again = _item(cedar)
    assert again.id != asked.id
    page = rae.read(f"/questions/{again.id}")
    assert "Sam rang the client" in page
    assert "No, it is not owed any more: They had paid twice. Rae Lindt, 22 Nov 2026" in page
    assert page.count("They had paid twice") == 3, "and in both forms, to be sent or changed"
    assert "Sam rang the client" in rae.read("/questions?group=outside")
    assert rae.post(f"/notes/{again.id}", {"note": "And again"}).status_code == 303
    assert "And again" not in rae.read(f"/questions/{asked.id}"), "what came after is not its own"


def test_the_lines_of_an_invoice_in_question_are_there_folded(screens):
    line = Line(description="Poster", quantity="2", unit_price=5_000)
    screens.invoice(screens.customer("Ann"), None, "INV-7", lines=(line,))
    screens.paid(10_000, metadata={"invoice": "INV-7"})
    screens.office.world.refund(next(iter(screens.office.world.table("charge"))), 4_000)
    screens.hear("")
    rae = screens.as_("reconciler")
    for path in ("/questions", f"/questions/{_item(screens).id}"):
        words = rae.read(path)
        assert words.count("1 line of INV-7") == 1, path
        assert "Poster 2 $50.00 $100.00" in words, path


def test_asked_back_again_it_says_of_which_milestone_its_money_is(screens):
    owner = screens.customer("Juniper")
    new = NewProject(customer_id=owner, name="Shop", currency="USD", original_price=30_000)
    stage = Stage(kind="final", name="Build", part=PriceShare(share=10_000))
    (build,) = screens.office.do(
        lambda work: milestones.plan(work, projects.create(work, new), [stage])
    )
    made = screens.office.do(lambda work: billing.invoice(work, build))
    screens.office.do(partial(invoices.send, invoice_id=made, without_sign_off="Half ahead"))
    number = screens.office.scalar("select number from invoice")
    pay = screens.paid(30_000, metadata={"invoice": number})
    charge = next(iter(screens.office.world.table("charge")))
    back = screens.office.world.refund(charge, 30_000)
    screens.hear("")
    screens.office.world.advance_refund(back, "failed")
    screens.hear("")
    item = screens.office.scalar("select id from review_item where kind = 'refund_failed'")
    ask = f"/refunds/new?payment={pay}&again=300.00&question={item}"
    words = screens.as_("reconciler").read(ask)
    assert f"{number} , project Shop, milestone “Build”, not signed off yet" in words
    assert f"After this: {number} is owed $0.00, as now." in words
    assert f"After this: {number} is owed $300.00 instead of $0.00." in words
