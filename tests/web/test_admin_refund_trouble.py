"""Refunds that did not arrive are found on the first page, and no word is typed twice."""

from datetime import timedelta

import pytest
from markupsafe import escape

from reconciler.services import refunds
from tests.watching import Watch
from tests.web.screens import Screens, Somebody, said
from tests.web.test_admin_refunds import invoice_paid, sent_back

pytestmark = pytest.mark.sampled(2)

STATEMENTS_MAX = 26  # of a page of questions about failed refunds, the sign-in included
TILE = "Failed refunds, or by hand"


@pytest.fixture
def birch(screens: Screens) -> Screens:
    """An invoice of 3,000.00, paid in full by card."""
    return invoice_paid(screens)


@pytest.fixture
def halves(screens: Screens) -> Screens:
    """An invoice of 300.00 paid by two cards, all of it asked back: one leg arrives, one does not.

    The leg on the second card waits at the rail until a test says what becomes of it.
    """
    customer_id = screens.customer("Cedar")
    screens.invoice(customer_id, 30_000, "INV-7")
    for amount in (10_000, 20_000):
        screens.paid(amount, metadata={"invoice": "INV-7"})
        screens.office.clock.advance(minutes=1)
    for _ in range(2):
        screens.office.world.plan_refund(status="pending")
    asked = screens.ask_refund("reconciler", invoice_id=screens.ids["INV-7"])
    screens.by("approver", lambda work: refunds.approve(work, asked))
    screens.office.drain(timedelta(seconds=30))
    made = {r["amount"]: r["id"] for r in screens.office.world.table("refund").values()}
    screens.ids |= {"asked": asked, "small": made[10_000], "large": made[20_000]}
    return screens


def _becomes(made: Screens, which: str, status: str) -> None:
    made.office.world.advance_refund(made.ids[which], status)
    made.hear("")


def _post(made: Screens, by: Somebody, refund_id: str, what: str, **typed):
    return by.post(f"/refunds/{refund_id}/{what}", {"rev": made.rev("refund", refund_id)} | typed)


def test_a_part_that_failed_is_found_while_the_other_is_still_on_its_way(halves):
    _becomes(halves, "large", "failed")
    halves.office.clock.advance(hours=3)
    aki = halves.as_("approver")
    assert f"{TILE} 1 $200.00 , oldest 3 hours" in aki.read("/")
    page = aki.read("/refunds?tab=trouble")
    assert "Failed or by hand 1" in page
    assert "Waits since" in page
    assert "Try $200.00 again the same way" in page
    assert "Refund $300.00 to Cedar" in aki.read("/refunds?tab=sent")
    _becomes(halves, "small", "succeeded")
    assert f"{TILE} 1 $200.00" in aki.read("/")
    assert "Try it again the same way; or pay it another way" in aki.read("/refunds?tab=trouble")
    assert halves.office.violations() == []


def test_what_was_settled_in_any_way_waits_no_longer(halves):
    _becomes(halves, "large", "failed")
    _becomes(halves, "small", "succeeded")
    aki = halves.as_("approver")
    assert _post(halves, aki, halves.ids["asked"], "another-way", method="cash").status_code == 303
    assert f"{TILE} 1 $200.00" in aki.read("/")
    assert "A second person pays it back by cash" in aki.read("/refunds?tab=trouble")
    assert _post(halves, aki, halves.ids["asked"], "cancel").status_code == 303
    assert f"{TILE} 0 Nothing waits" in aki.read("/")
    assert "No refund is in trouble" in aki.read("/refunds?tab=trouble")
    assert "Refund $300.00 to Cedar" in aki.read("/refunds?tab=done")
    assert halves.office.violations() == []


def test_a_failed_refund_stays_where_it_is_found_though_its_question_was_closed(birch):
    refund_id = sent_back(birch)
    item = birch.office.rows("select id, rev from review_item where kind = 'refund_failed'")[0]
    aki = birch.as_("approver")
    form = {"note": "we will see", "rev": item.rev}
    assert aki.post(f"/questions/{item.id}/acknowledge", form).status_code == 303
    assert f"{TILE} 1 $300.00" in aki.read("/")
    assert f"/admin/refunds/{refund_id}" in aki.get("/refunds?tab=trouble").get_data(as_text=True)


def test_an_outside_refund_that_failed_has_a_tile_of_its_own(birch):
    charge = next(iter(birch.office.world.table("charge")))
    made = birch.office.world.refund(charge, 7_000)
    birch.hear("")
    birch.office.world.advance_refund(made, "failed")
    birch.hear("")
    page = birch.as_("viewer").read("/")
    assert "Outside refunds that failed 1 $70.00" in page
    assert f"{TILE} 0" in page
    html = birch.as_("reconciler").get("/questions?kind=refund_failed").get_data(as_text=True)
    assert made in html
    for words in (">Birch<", "INV-1041</a>: ", "Request the refund again", "did not arrive"):
        assert words in html, words
    pay = birch.ids["pay"]
    again = f"/refunds/new?payment={pay}&again=70.00"
    assert f"/admin{again.replace('&', '&amp;')}" in html
    form = birch.as_("reconciler").get(again).get_data(as_text=True)
    assert 'value="70.00"' in form
    assert "its money came back" in form


def test_what_failed_outside_is_asked_again_with_its_reason_and_the_warning_stays(birch):
    charge = next(iter(birch.office.world.table("charge")))
    wrote = {"agreed": "Ten hours less"}
    made = birch.office.world.refund(charge, 7_000, reason="requested_by_customer", metadata=wrote)
    birch.hear("")
    birch.office.world.advance_refund(made, "failed", failure_reason="declined")
    birch.hear("")
    rae = birch.as_("reconciler")
    card = rae.get("/questions?kind=refund_failed").get_data(as_text=True)
    assert "Keep it as credit: a credit note on INV-1041" in card
    assert "Ten hours less" in card
    assert "where that is closed, have it paid by bank transfer" in card
    item = birch.office.scalar("select id from review_item where kind = 'refund_failed'")
    ask = {"payment": birch.ids["pay"], "again": "70.00", "question": item}
    query = "&".join(f"{name}={value}" for name, value in ask.items())
    html = rae.get(f"/refunds/new?{query}").get_data(as_text=True)
    note = (
        "A refund made at the payment provider did not arrive: the customer's bank declined it."
        f" Why it was made: The customer asked for it. It is {made} there."
        " Agreed: Ten hours less."
    )
    for words in (
        "(the customer&#39;s bank declined it)",
        "write a credit note on INV-1041",
        escape(note),
    ):
        assert words in html, words
    assert '<option value="other" selected>' in html
    assert 'value="credit" checked' not in html, "nobody has said so"
    words = said(rae.get(f"/refunds/new?{query}"))
    assert "$3,000.00 of the payment is on it, and $0.00 is owed there." in words
    assert "After this: INV-1041 is owed $0.00, as now." in words
    assert "After this: INV-1041 is owed $70.00 instead of $0.00." in words
    kept = rae.post("/refunds/new", ask | {"amount": "70.00", "reason": "other", "note": note})
    assert kept.status_code == 422
    assert "Choose what happens to the invoice." in said(kept)
    assert escape(note) in kept.get_data(as_text=True)
    form = ask | {"amount": "70.00", "reason": "", "note": note}
    refused = rae.post("/refunds/new", form)
    assert refused.status_code == 422
    assert "its money came back" in refused.get_data(as_text=True)
    asked = rae.post("/refunds/new", form | {"reason": "other", "treatment": "credit"})
    assert asked.status_code == 303


def test_what_failed_outside_is_paid_by_bank_transfer_at_once(birch):
    charge = next(iter(birch.office.world.table("charge")))
    made = birch.office.world.refund(charge, 7_000)
    birch.hear("")
    birch.office.world.advance_refund(made, "failed", failure_reason="lost_or_stolen_card")
    birch.hear("")
    rae, aki, pay = birch.as_("reconciler"), birch.as_("approver"), birch.ids["pay"]
    item = birch.office.scalar("select id from review_item where kind = 'refund_failed'")
    way = f"/refunds/new?payment={pay}&again=70.00&question={item}&method=hand"
    card = rae.get("/questions?kind=refund_failed").get_data(as_text=True)
    assert f'href="/admin{way.replace("&", "&amp;")}">Pay it by bank transfer' in card
    assert card.index("Pay it by bank transfer") < card.index("Request the refund again")
    assert f'class="btn primary" href="/admin{way.replace("&", "&amp;")}"' in card
    page = rae.read("/questions?kind=refund_failed")
    assert "Given back because The payment provider was given no reason" in page
    assert "Why The card was lost or stolen." in page
    assert "Asked for again it goes to the same card, which takes nothing any more" in page
    for address in (way, way.replace("&method=hand", "")):
        html = rae.get(address).get_data(as_text=True)
        assert 'value="hand" checked' in html
        assert "a bank transfer is chosen below" in html
    form = {
        "payment": pay, "again": "70.00", "question": item, "amount": "70.00", "reason": "other",
        "note": "It came back", "treatment": "credit", "method": "hand",
    }  # fmt: skip
    looked = rae.post("/refunds/new", form | {"do": "look"}).get_data(as_text=True)
    assert "It is booked from Bank on the day on which it left" in looked
    assert rae.post("/refunds/new", form | {"method": "gold"}).status_code == 422
    assert rae.post("/refunds/new", form).status_code == 303
    asked = birch.office.scalar("select id from refund")
    page = aki.read(f"/refunds/{asked}")
    for words in ("By people: bank transfer", "paid by a person: bank transfer"):
        assert words in page, words
    assert "through Stripe" not in page
    did = _post(birch, aki, asked, "approve")
    page = aki.read(did.headers["Location"].removeprefix("/admin"))
    assert "Approved: it waits until it is paid by hand" in page
    assert _post(birch, rae, asked, "paid-back", reference="mine").status_code == 403
    assert _post(birch, aki, asked, "paid-back", reference="Transfer 88").status_code == 303
    assert "Transfer 88" in aki.read(f"/refunds/{asked}")
    assert len(birch.office.world.table("refund")) == 1
    assert birch.office.violations() == []


def test_why_it_was_given_back_outside_is_said_where_it_failed(birch):
    charge = next(iter(birch.office.world.table("charge")))
    made = birch.office.world.refund(charge, 7_000, reason="duplicate")
    birch.hear("")
    birch.office.world.advance_refund(made, "failed")
    birch.hear("")
    html = birch.as_("reconciler").get("/questions?kind=refund_failed").get_data(as_text=True)
    why = html.partition("Given back because")[2].partition("</dd>")[0]
    assert "A duplicate payment" in why
    assert "(the reason entered at the payment provider)" in why
    assert html.index("Request the refund again") < html.index("Pay it by bank transfer")
    item = birch.office.scalar("select id from review_item where kind = 'refund_failed'")
    again = f"/refunds/new?payment={birch.ids['pay']}&again=70.00&question={item}"
    form = birch.as_("reconciler").get(again).get_data(as_text=True)
    assert '<option value="duplicate" selected>' in form


def test_why_several_were_given_back_is_asked_at_once(birch):
    rae = birch.as_("reconciler")

    def statements() -> int:
        with Watch(birch.office.runtime.engine) as asked:
            rae.read("/questions?kind=refund_failed")
        return len(asked)

    counted = []
    for number in range(3):
        invoice = birch.invoice(birch.customer(f"Cedar {number}"), 9_000, f"INV-9{number}")
        birch.paid(9_000, metadata={"invoice": invoice})
        charge = next(reversed(birch.office.world.table("charge")))
        made = birch.office.world.refund(charge, 7_000, reason="duplicate")
        birch.hear("")
        birch.office.world.advance_refund(made, "failed")
        birch.hear("")
        counted.append(statements())
    page = rae.read("/questions?kind=refund_failed")
    assert page.count("A duplicate payment") == 3
    assert len(set(counted)) == 1, counted
    assert counted[0] < STATEMENTS_MAX


@pytest.mark.thorough
def test_of_ours_another_way_comes_first_where_the_card_is_gone(birch):
    for why, first in (("declined", "again the same way"), ("expired_or_canceled_card", "Pay it")):
        refund_id = sent_back(birch, why)
        page = birch.as_("approver").read(f"/refunds/{refund_id}")
        ways = ("again the same way", "Pay it another way")
        assert min(ways, key=page.index).startswith(first), why
        assert ("sent the same way again, it fails again" in page) is (first == "Pay it")


def test_a_day_that_is_no_day_or_to_come_is_marked(birch):
    refund_id = sent_back(birch)
    aki, bo = birch.as_("approver"), birch.as_("second")
    assert _post(birch, aki, refund_id, "another-way", method="cash").status_code == 303
    for day in ("soon", "2027-01-31"):
        answer = _post(birch, bo, refund_id, "paid-back", reference="Till", paid_on=day)
        assert answer.status_code == 422
        html = answer.get_data(as_text=True)
        assert 'name="paid_on"' in html
        assert f'value="{day}" aria-invalid="true"' in html
    today = birch.office.clock().date().isoformat()
    done = _post(birch, bo, refund_id, "paid-back", reference="Till", paid_on=today)
    assert done.status_code == 303


@pytest.mark.parametrize("part", [7_000, 3_000])
def test_an_outside_refund_that_is_asked_again_says_so_and_every_way_on_stays(birch, part):
    charge = next(iter(birch.office.world.table("charge")))
    made = birch.office.world.refund(charge, 7_000)
    birch.hear("")
    birch.office.world.advance_refund(made, "failed")
    birch.hear("")
    refund_id = birch.ask_refund("reconciler", payment_id=birch.ids["pay"], amount=part)
    rae = birch.as_("reconciler")
    page = rae.read("/questions?kind=refund_failed")
    assert f"${part // 100}.00 was asked back of this payment since" in page
    assert "To approve See the refund" in page
    assert "Request the refund again" not in page
    assert ("Request the rest again, $40.00" in page) is (part == 3_000)
    assert "Give it up: close it with a note" in page
    birch.by("approver", lambda work: refunds.approve(work, refund_id))
    birch.office.drain(timedelta(seconds=30))
    birch.hear("")
    made = list(birch.office.world.truth.tables["refund"])[-1]
    birch.office.world.advance_refund(made, "failed", failure_reason="declined")
    birch.hear("")
    html = rae.get("/questions?kind=refund_failed").get_data(as_text=True)
    assert "Try it again, another way, by hand, or call it off" in html
    assert f'href="/admin/refunds/{refund_id}"' in html
    assert "Request the refund again" in html


# What people typed


@pytest.mark.parametrize(
    ("what", "typed", "kept"),
    [
        ("keep", {"consent": "Mail of Ada"}, ['value="Mail of Ada"']),
        ("keep", {"kept_as": "credit", "consent": " "}, ['<option value="credit" selected>']),
        ("keep", {"kept_as": "deposit", "consent": "x" * 201}, [f'value="{"x" * 201}"']),
        ("another-way", {"method": "carrier pigeon"}, ["Choose how it is paid"]),
    ],
)
def test_a_form_that_is_refused_keeps_what_was_typed_and_stays_open(birch, what, typed, kept):
    refund_id = sent_back(birch)
    before = birch.books()
    answer = _post(birch, birch.as_("approver"), refund_id, what, **typed)
    assert answer.status_code == 422
    html = answer.get_data(as_text=True)
    for words in kept:
        assert words in html, words
    assert '<details class="act" open>' in html
    assert birch.books() == before


@pytest.mark.thorough
def test_how_it_was_paid_back_is_kept_when_it_is_refused(birch):
    refund_id = sent_back(birch)
    assert (
        _post(birch, birch.as_("approver"), refund_id, "another-way", method="cash").status_code
        == 303
    )
    payer = birch.as_("second")
    long = "Transfer " + "9" * 200
    answer = _post(birch, payer, refund_id, "paid-back", reference=long)
    assert answer.status_code == 422
    assert f'value="{long}"' in answer.get_data(as_text=True)
    late = payer.post(f"/refunds/{refund_id}/paid-back", {"rev": 0, "reference": "Cheque 17"})
    assert late.status_code == 409
    assert 'value="Cheque 17"' in late.get_data(as_text=True)
    assert _post(birch, payer, refund_id, "paid-back", reference="Cheque 17").status_code == 303
    again = _post(birch, payer, refund_id, "paid-back", reference="Cheque 18")
    assert again.status_code in {409, 422}
    assert birch.office.violations() == []


@pytest.mark.parametrize("why", ["Not agreed with the client", "w" * 1_001])
def test_why_it_was_declined_is_kept_when_somebody_else_was_first(birch, why):
    asked = birch.ask_refund("reconciler", invoice_id=birch.ids["INV-1041"], amount=30_000)
    rev = birch.rev("refund", asked)
    first, second = birch.as_("approver"), birch.as_("second")
    late = {"rev": rev, "why": why}
    if len(why) <= 1_000:
        assert _post(birch, first, asked, "approve").status_code == 303
    answer = second.post(f"/refunds/{asked}/decline", late)
    assert answer.status_code == (409 if len(why) <= 1_000 else 422)
    assert why in said(answer)


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": "9999.00"},
        {"amount": "a lot"},
        {"reason": ""},
        {"treatment": "maybe"},
        {"note": "n" * 1_001},
    ],
)
def test_a_request_that_is_refused_keeps_every_field(birch, wrong):
    form = {"amount": "12.50", "reason": "goodwill", "note": "Asked by Ada", "treatment": "reopen"}
    typed = form | {"invoice": birch.ids["INV-1041"]} | wrong
    answer = birch.as_("reconciler").post("/refunds/new", typed)
    assert answer.status_code == 422
    html = answer.get_data(as_text=True)
    assert f'value="{typed["amount"]}"' in html
    assert typed["note"] in html
    assert ('<option value="goodwill" selected>' in html) is (typed["reason"] == "goodwill")
    assert ('value="reopen" checked' in html) is (typed["treatment"] == "reopen")


def test_the_number_beside_refunds_is_of_those_that_whoever_looks_can_act_on(birch):
    for name in ("approver", "reconciler", "approver"):
        birch.ask_refund(name, payment_id=birch.ids["pay"], amount=100)
    told = {name: birch.as_(name).get("/counts").get_json()["refunds"]
            for name in ("viewer", "reconciler", "approver", "second")}  # fmt: skip
    assert told == {"viewer": 0, "reconciler": 0, "approver": 1, "second": 3}
