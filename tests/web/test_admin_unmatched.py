"""Matching, splitting, holding and undoing, as people do it on the screen."""

import re
from html import unescape

import pytest

from reconciler.books.invoice_lines import Line
from reconciler.reads import screens_unmatched
from reconciler.services import allocations
from reconciler.services.allocations import Part
from tests.web.screens import Screens, Somebody, said

pytestmark = pytest.mark.sampled(2)


@pytest.fixture
def acme(screens: Screens) -> Screens:
    """A customer with two open invoices, and 850.00 of theirs that names neither."""
    return _acme(screens)


@pytest.fixture(scope="module")
def still(standing: Screens) -> Screens:
    """The same, for tests that change nothing."""
    return _acme(standing)


def _acme(screens: Screens) -> Screens:
    rail_id = screens.office.world.create_customer(name="Acme", email="pay@acme.example")
    customer_id = screens.customer("Acme", rail_customers={"stripe": rail_id})
    screens.ids["cus"] = rail_id
    screens.ids["acme"] = customer_id
    screens.invoice(customer_id, 120_000, "INV-1042")
    screens.invoice(customer_id, 87_500, "INV-1039")
    screens.ids["pay"] = screens.paid(85_000, customer=rail_id, description="thanks")
    return screens


def _outstanding(screens: Screens, number: str) -> int:
    return screens.office.scalar(
        "select total - paid - credit_notes - refund_credits from invoice where number = :n",
        n=number,
    )


def _unapplied(screens: Screens) -> int:
    return screens.office.scalar(
        """select captured - refunded - lost - (select coalesce(sum(amount), 0)
          from allocation where payment_id = p.id) from payment p where id = :id""",
        id=screens.ids["pay"],
    )


def _match(screens: Screens, by: Somebody, *, rev=None, parts=None, **options):
    pay = screens.ids["pay"]
    rev = screens.rev("payment", pay) if rev is None else rev
    form: list[tuple[str, object]] = [("rev", rev)]
    for number, amount in parts or [("INV-1042", 85_000)]:
        form += [("target", screens.ids.get(number, number)), ("amount", amount)]
    return by.post(f"/unmatched/{pay}/match", form, **options)


def _split(screens: Screens, by: Somebody, typed: dict[str, str], button="save", **more):
    pay = screens.ids["pay"]
    form: dict[str, object] = {"rev": screens.rev("payment", pay), button: "1"}
    form |= {f"amount-{screens.ids.get(name, name)}": text for name, text in typed.items()}
    return by.post(f"/unmatched/{pay}/split", form | more)


def test_what_nothing_fits_and_what_fits_well_have_views_of_their_own(acme):
    strong = acme.paid(120_000, customer=acme.ids["cus"], description="the rest of INV-1042, INV-9")
    for n in range(30):
        acme.office.world.pay(1_234 + n, description=f"who knows {n}")
    acme.hear("")
    alone = [row.id for row in acme.office.rows("select id from payment where captured < 2000")]
    assert len(alone) == 30
    somebody = acme.as_("reconciler")
    best = acme.office.runtime
    with best.read() as session:
        words = {
            name: one.confidence
            for name, one in screens_unmatched.best(session, [strong, *alone]).items()
        }
    none = somebody.get("/unmatched?view=none").get_data(as_text=True)
    assert "No suggestion</a>" in none
    shown = set(re.findall(r'name="payment" value="(pay_[^"]+)"', none))
    older = re.search(r'href="([^"]*before=[^"]*)"', none)
    assert older, "a page holds 25"
    rest = somebody.client.get(unescape(older[1])).get_data(as_text=True)
    shown |= set(re.findall(r'name="payment" value="(pay_[^"]+)"', rest))
    assert shown == set(alone) - set(words)
    assert len(shown) == 30
    fits = somebody.get("/unmatched?view=strong").get_data(as_text=True)
    assert set(re.findall(r'name="payment" value="(pay_[^"]+)"', fits)) == {
        name for name, word in words.items() if word == "strong"
    }


def test_the_queue_says_how_much_waits_and_what_fits(still):
    words = still.as_("reconciler").read("/unmatched")
    assert "1 payment, $850.00 waiting" in words
    assert "Acme paid $850.00" in words
    assert "Agrees: Same customer" in words
    assert "Close: Amount is less than what is open, a part payment" in words
    assert "After this: INV-1042 has $350.00 left." in words
    assert "Match $850.00 to INV-1042" in words


def test_a_suggestion_is_taken_with_one_button_and_undone_with_another(acme):
    somebody = acme.as_("reconciler")
    answer = _match(acme, somebody)
    assert answer.status_code == 303
    assert (_outstanding(acme, "INV-1042"), _unapplied(acme)) == (35_000, 0)
    done = somebody.client.get(answer.location)
    assert "Matched $850.00 to INV-1042." in done.get_data(as_text=True)
    assert "That was the last one" in said(done)
    claim = answer.location.partition("matched=")[2]
    undone = somebody.post(f"/payments/{acme.ids['pay']}/undo", {"allocation": claim})
    assert undone.status_code == 303
    assert (_outstanding(acme, "INV-1042"), _unapplied(acme)) == (120_000, 85_000)
    page = somebody.client.get(undone.location)
    assert "Undone: the payment is off INV-1042 again." in said(page)
    assert "A reversing entry was posted, and the money waits here again" in said(page)
    assert acme.office.violations() == []
    assert acme.office.scalar("select count(*) from journal_entry where reverses is not null") >= 0


def test_what_was_undone_is_not_offered_to_be_undone_again(acme):
    somebody = acme.as_("reconciler")
    answer = _match(acme, somebody)
    claim = answer.location.partition("matched=")[2]
    somebody.post(f"/payments/{acme.ids['pay']}/undo", {"allocation": claim})
    assert "Undo" not in somebody.read(f"/unmatched?matched={claim}").partition("Keyboard")[0]
    again = somebody.post(f"/payments/{acme.ids['pay']}/undo", {"allocation": claim})
    assert again.status_code == 409
    assert "gone already" in said(again)


def test_two_people_at_once_the_second_keeps_what_they_typed(acme):
    dana, rae = acme.as_("admin"), acme.as_("reconciler")
    rev = acme.rev("payment", acme.ids["pay"])
    assert _match(acme, dana, rev=rev).status_code == 303
    before = acme.books()
    late = _match(acme, rae, rev=rev, parts=[("INV-1039", 85_000)])
    assert late.status_code == 409
    assert "Dana Cole matched this 0 seconds ago. Your change was not saved." in said(late)
    typed = {f"amount-{acme.ids['INV-1039']}": "123.45", "rev": rev, "save": "1"}
    late = rae.post(f"/unmatched/{acme.ids['pay']}/split", typed)
    assert late.status_code == 409
    assert acme.books() == before


def test_a_stale_split_keeps_its_lines(acme):
    dana, rae = acme.as_("admin"), acme.as_("reconciler")
    rev = acme.rev("payment", acme.ids["pay"])
    assert _match(acme, dana, parts=[("INV-1042", 10_000)]).status_code == 303
    typed = {f"amount-{acme.ids['INV-1039']}": "123.45", "rev": rev, "save": "1"}
    late = rae.post(f"/unmatched/{acme.ids['pay']}/split", typed)
    assert late.status_code == 409
    assert 'value="123.45"' in late.get_data(as_text=True)
    assert "Dana Cole matched this" in said(late)


def test_news_from_the_rail_in_between_is_told_as_such(acme):
    rae = acme.as_("reconciler")
    rev = acme.rev("payment", acme.ids["pay"])
    intent = acme.office.scalar(
        "select rail_payment_id from payment where id = :i", i=acme.ids["pay"]
    )
    acme.office.world.refund(intent, 5_000)
    acme.office.clock.advance(seconds=30)
    acme.hear(intent)
    late = _match(acme, rae, rev=rev)
    assert late.status_code == 409
    assert "News from the payment provider changed this" in said(late)


def test_a_split_goes_to_several_at_once(acme):
    somebody = acme.as_("reconciler")
    answer = _split(acme, somebody, {"INV-1042": "500", "INV-1039": "350.00"})
    assert answer.status_code == 303
    assert _outstanding(acme, "INV-1042") == 70_000
    assert _outstanding(acme, "INV-1039") == 52_500
    page = somebody.client.get(answer.location).get_data(as_text=True)
    assert "Matched $850.00 to INV-10" in page
    assert page.count('name="allocation"') == 2


def test_a_split_may_leave_something_which_goes_on_waiting(acme):
    somebody = acme.as_("reconciler")
    assert _split(acme, somebody, {"INV-1042": "500.00"}).status_code == 303
    assert _unapplied(acme) == 35_000
    assert "$350.00 waiting" in somebody.read("/unmatched")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (
            {"INV-1042": "800.00", "INV-1039": "100"},
            "Split is $50.00 more than the payment. Lower a line to save.",
        ),
        ({"INV-1039": "900"}, "Split is $50.00 more than the payment."),
        ({"INV-1042": "12,50"}, "is not an amount"),
        ({"INV-1042": "1.005"}, "USD has 2 decimals"),
        ({"INV-1042": "-5"}, "must not be negative"),
        ({"INV-1042": ""}, "Write an amount for at least one line"),
        ({}, "Write an amount for at least one line"),
        ({"INV-1042": "1e3"}, "is not an amount"),
    ],
)
def test_a_split_that_does_not_fit_is_not_saved_and_says_why(still, typed, words):
    somebody = still.as_("reconciler")
    before = still.books()
    answer = _split(still, somebody, typed)
    assert answer.status_code == 422
    assert words in said(answer)
    assert still.books() == before
    html = answer.get_data(as_text=True)
    assert all(f'value="{text}"' in html for text in typed.values())


def test_more_than_a_target_has_open_is_refused_by_its_name(acme):
    somebody = acme.as_("reconciler")
    acme.in_between = acme.invoice(acme.ids["acme"], 10_000, "INV-1050")
    answer = _split(acme, somebody, {"INV-1050": "100.01"})
    assert answer.status_code == 422
    assert "INV-1050 has only $100.00 open" in said(answer)


def test_the_rest_is_worked_out_by_the_server_and_nothing_is_saved(still):
    somebody = still.as_("reconciler")
    before = still.books()
    answer = _split(still, somebody, {"INV-1042": "800.00"}, button="rest")
    assert answer.status_code == 200
    assert "Left to apply $50.00" in said(answer)
    assert "The rest stays unapplied" in said(answer)
    over = _split(still, somebody, {"INV-1042": "900.00"}, button="rest")
    assert "Left to apply -$50.00" in said(over)
    filled = _split(still, somebody, {"INV-1042": "", "INV-1039": ""}, button="fill")
    assert "Every cent of the payment has its place" in said(filled)
    assert still.books() == before


def test_another_invoice_is_added_by_its_number(acme):
    somebody = acme.as_("reconciler")
    cedar = acme.customer("Cedar")
    acme.invoice(cedar, 30_000, "INV-2001")
    acme.invoice(cedar, 30_000, "INV-2002", currency="EUR")
    added = _split(acme, somebody, {"INV-1042": "1"}, button="rest", other=" inv-2001 ")
    assert f"amount-{acme.ids['INV-2001']}" in added.get_data(as_text=True)
    assert "Cedar" in said(added)
    missing = _split(acme, somebody, {"INV-1042": "1"}, other="INV-9999")
    assert missing.status_code == 422
    assert "There is no invoice or deposit INV-9999" in said(missing)
    assert 'value="INV-9999"' in missing.get_data(as_text=True)
    other_money = _split(acme, somebody, {"INV-1042": "1"}, other="INV-2002")
    assert "INV-2002 is in EUR, the payment in USD" in said(other_money)
    saved = _split(acme, somebody, {"INV-1042": "550", "INV-2001": "300"})
    assert saved.status_code == 303
    assert _outstanding(acme, "INV-2001") == 0


@pytest.mark.parametrize(
    "parts",
    [
        [("INV-1042", 0)],
        [("INV-1042", 85_001)],
        [("INV-1042", 40_000), ("INV-1042", 45_000)],
        [("inv_none", 1)],
        [("dep_none", 1)],
        [("", 1)],
    ],
)
def test_a_button_that_was_tampered_with_matches_nothing(still, parts):
    somebody = still.as_("reconciler")
    before = still.books()
    answer = _match(still, somebody, parts=parts)
    assert answer.status_code == 422
    assert "error" not in said(answer).lower()
    assert still.books() == before


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"rev": "now"},
        {"rev": "x", "target": "inv_1", "amount": "1"},
        {"rev": "now", "target": "inv_1"},
        {"rev": "now", "target": "inv_1", "amount": "1.5"},
        {"rev": "now", "target": "", "amount": "1"},
    ],
)
def test_a_form_without_its_fields_is_refused_in_words(still, form):
    if form.get("rev") == "now":
        form = form | {"rev": still.rev("payment", still.ids["pay"])}
    answer = still.as_("reconciler").post(f"/unmatched/{still.ids['pay']}/match", form)
    assert answer.status_code == 422


@pytest.mark.thorough
def test_what_is_left_is_held_as_a_deposit(acme):
    somebody = acme.as_("reconciler")
    assert "Hold $850.00 as deposit" in somebody.read("/unmatched")
    form = {"rev": acme.rev("payment", acme.ids["pay"]), "notes": "for page 5"}
    answer = somebody.post(f"/unmatched/{acme.ids['pay']}/hold", form)
    assert answer.status_code == 303
    row = acme.office.rows("select code, amount, received, customer_id, notes from deposit")[0]
    assert (row.amount, row.received, row.notes) == (85_000, 85_000, "for page 5")
    assert row.customer_id == acme.ids["acme"]
    assert f"Held $850.00 as deposit {row.code}." in somebody.client.get(answer.location).get_data(
        as_text=True
    )
    assert acme.office.violations() == []


def test_a_payer_nobody_knows_needs_a_customer_to_hold_it_for(acme):
    somebody = acme.as_("reconciler")
    pay = acme.paid(1_500, description="who am I")
    page = somebody.get(f"/unmatched/{pay}")
    assert "Whose deposit" in said(page)
    form = {"rev": acme.rev("payment", pay)}
    assert somebody.post(f"/unmatched/{pay}/hold", form).status_code == 422
    unknown = somebody.post(f"/unmatched/{pay}/hold", form | {"customer_id": "cust_none"})
    assert unknown.status_code in (404, 422)
    answer = somebody.post(f"/unmatched/{pay}/hold", form | {"customer_id": acme.ids["acme"]})
    assert answer.status_code == 303


def test_nothing_waits_and_nothing_fits_are_said_differently(screens):
    somebody = screens.as_("reconciler")
    words = somebody.read("/unmatched")
    assert "Nothing to match" in words
    assert "Every payment is where it belongs" in words
    screens.paid(7_700, description="hello")
    assert "No invoice fits" in somebody.read("/unmatched")
    words = somebody.read("/unmatched?view=over")
    assert "Nothing in this view" in words
    assert "Show all" in words


@pytest.mark.thorough
def test_the_views_hold_what_they_say(acme):
    somebody = acme.as_("reconciler")
    acme.paid(130_000, customer=acme.ids["cus"], metadata={"invoice": "INV-1042"})
    assert (
        "All 2 Strong suggestion No suggestion No sure match 1 Several fit 0 Overpayments 1"
        " Older than 2 days 0 Mine 0 Snoozed 0" in somebody.read("/unmatched")
    )
    over = somebody.read("/unmatched?view=over")
    assert "$100.00 22 Nov" in over
    assert "$850.00 22 Nov" not in over
    acme.office.clock.advance(days=2, minutes=1)
    assert "Older than 2 days 2" in acme.as_("reconciler").read("/unmatched?view=old")


@pytest.mark.thorough
def test_a_long_queue_goes_on_on_the_next_page(screens):
    somebody = screens.as_("reconciler")
    for n in range(27):
        screens.office.world.pay(1_000 + n, description=f"note {n}")
    screens.hear("")
    first = somebody.get("/unmatched").get_data(as_text=True)
    assert first.count("data-row") == 25
    older = first.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
    second = somebody.client.get(older.replace("&amp;", "&")).get_data(as_text=True)
    assert second.count("data-row") == 2
    assert len(first.encode()) < 40_000


def test_a_payment_matched_elsewhere_is_shown_as_done(acme):
    part = Part(invoice_id=acme.ids["INV-1042"], amount=85_000)
    acme.by("admin", lambda work: allocations.allocate(work, acme.ids["pay"], [part]))
    words = acme.as_("reconciler").read(f"/unmatched/{acme.ids['pay']}")
    assert "Nothing is left to match" in words
    assert "$850.00 on INV-1042" in words


def test_a_viewer_cannot_match_by_hand_made_form(still):
    before = still.books()
    answer = _match(still, still.as_("viewer"))
    assert answer.status_code == 403
    assert still.books() == before


def test_an_offer_shows_the_first_lines_of_its_invoice_folded(acme):
    lines = tuple(Line(description=f"Icon {n} & more", unit_price=1_000) for n in range(12))
    acme.invoice(acme.ids["acme"], None, "INV-1050", lines=lines)
    pay = acme.paid(11_000, customer=acme.ids["cus"], description="part of the icons")
    page = acme.as_("reconciler").get(f"/unmatched/{pay}")
    html, words = page.get_data(as_text=True), said(page)
    assert '<details class="entry"><summary>12 lines of INV-1050</summary>' in html
    assert "Icon 9 & more 1 $10.00 $10.00" in words
    assert "Icon 10 & more 1 $10.00 $10.00" not in words
    assert "2 more lines on the invoice" in words
    assert "lines of INV-1042" not in words
