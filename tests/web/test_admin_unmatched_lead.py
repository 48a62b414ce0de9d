"""Which button of a waiting payment is the blue one: never one that somebody would regret."""

import re
from datetime import date

import pytest

from reconciler.books.overpayments import OverpaymentPolicy
from reconciler.services import customers, invoices
from tests.web.screens import Screens, Somebody

pytestmark = pytest.mark.sampled(2)

_BLUE = re.compile(r'<(?:button|a|summary)[^>]*class="btn primary"[^>]*>([^<]*)')
_TYPED = re.compile(r'<input id="amount-[^>]* value="([^"]*)"')


def _page(by: Somebody, paid: str) -> str:
    """The part of the page on this payment."""
    html = by.get(f"/unmatched/{paid}").get_data(as_text=True)
    return html[html.index('id="detail"') :]


def _blue(html: str) -> list[str]:
    return [one.strip() for one in _BLUE.findall(html)]


def _known(screens: Screens, name: str) -> tuple[str, str]:
    """A customer of ours, and what the rail knows them as."""
    rail_id = screens.office.world.create_customer(name=name)
    return screens.customer(name, rail_customers={"stripe": rail_id}), rail_id


def _void(screens: Screens, by: Somebody, number: str) -> None:
    rev = screens.rev("invoice", screens.ids[number])
    assert by.post(f"/invoices/{number}/void", {"rev": rev}).status_code == 303


def test_what_fits_is_matched_by_the_blue_button(screens):
    customer, rail_id = _known(screens, "Acme")
    screens.invoice(customer, 90_000, "INV-1")
    html = _page(screens.as_("reconciler"), screens.paid(21_000, customer=rail_id))
    assert _blue(html)[0] == "Match $210.00 to INV-1"
    assert 'data-key="m"' in html
    assert "Hold $210.00 as deposit" in _blue(html)[1:], "inside what opens"
    assert "Save split" not in _blue(html)


def test_what_another_customer_owes_is_not_paid_by_the_blue_button(screens):
    _, rail_id = _known(screens, "Meridian")
    other, _ = _known(screens, "Tide")
    screens.invoice(other, 21_000, "INV-2")
    html = _page(screens.as_("reconciler"), screens.paid(21_000, customer=rail_id))
    assert "Another customer" in html
    assert "Match $210.00 to INV-2" in html, "somebody may know better"
    assert "Hold $210.00 as a deposit" in html
    assert "Hold $210.00 as a deposit" not in _blue(html), "offered, and not advised"
    assert not [one for one in _blue(html) if one.startswith(("Match", "Save"))]
    assert 'data-key="m"' not in html
    assert _TYPED.findall(html) == [""], "and no split is proposed"


def test_several_of_another_customer_that_add_up_are_doubted_too(screens):
    _, rail_id = _known(screens, "Meridian")
    other, _ = _known(screens, "Tide")
    screens.invoice(other, 10_000, "INV-3")
    screens.invoice(other, 11_000, "INV-4")
    names = {"metadata": {}, "description": "INV-3 and INV-4"}
    html = _page(screens.as_("reconciler"), screens.paid(21_000, customer=rail_id, **names))
    assert "Match $210.00 to INV-3 and INV-4" in html
    assert not [one for one in _blue(html) if one.startswith(("Match", "Save"))]
    assert set(_TYPED.findall(html)) == {""}


def test_what_was_paid_twice_is_given_back_by_the_blue_button(screens):
    customer, rail_id = _known(screens, "Harbor")
    screens.invoice(customer, 39_500, "INV-5")
    screens.invoice(customer, 80_000, "INV-6")
    screens.paid(39_500, customer=rail_id, metadata={"invoice": "INV-5"})
    again = screens.paid(39_500, customer=rail_id, metadata={"invoice": "INV-5"})
    html = _page(screens.as_("reconciler"), again)
    assert "Paid twice." in html
    assert _blue(html)[0] == "Give $395.00 back as a duplicate"
    assert "Match $395.00 to INV-6" in html
    assert not [one for one in _blue(html) if one.startswith(("Match", "Save"))]
    assert 'data-key="m"' not in html
    assert _TYPED.findall(html) == [""]


def test_the_page_of_a_payment_too_many_says_so_and_that_it_pays_nothing(screens):
    customer, rail_id = _known(screens, "Lumen")
    screens.invoice(customer, 60_000, "INV-1008")
    screens.paid(60_000, customer=rail_id, metadata={"invoice": "INV-1008"})
    again = screens.paid(60_000, customer=rail_id, metadata={"invoice": "INV-1008"})
    words = screens.as_("reconciler").read(f"/payments/{again}")
    assert "Paid twice. $600.00 by Stripe pays the invoice in full" in words
    assert "INV-1008 Meant for it, but it takes none of this payment." in words
    assert "$600.00 is unapplied cash, owed to the payer." in words
    assert "Meant for INV-1008" in words
    assert "Matched to INV-1008" not in words


def test_why_an_invoice_takes_no_money_is_said_with_the_advice_that_fits(screens):
    customer, rail_id = _known(screens, "Birch")
    rae = screens.as_("reconciler")
    said = {}
    for number, state in (("INV-7", "void"), ("INV-8", "paid"), ("INV-9", "draft")):
        screens.invoice(customer, 10_000, number, draft=state == "draft")
        if state == "void":
            _void(screens, rae, number)
        if state == "paid":
            screens.in_cash(number, 10_000)
        paid = screens.paid(7_000, customer=rail_id, metadata={"invoice": number})
        said[state] = _page(rae, paid)
    anew, send = "Invoice it anew", "Send it, and match the payment to it."
    assert "It is void: nobody owes it any more." in said["void"]
    assert "It is paid in full already." in said["paid"]
    assert "Keep it as a deposit" in said["paid"]
    assert "It is a draft: it was not sent yet." in said["draft"]
    assert [state for state, html in said.items() if anew in html] == ["void"]
    assert [state for state, html in said.items() if send in html] == ["draft"]
    for html in said.values():
        assert "Request refund" in html
        assert "void, paid, or" not in html


def test_a_void_invoice_has_nothing_left_to_pay_anywhere(screens):
    customer, rail_id = _known(screens, "Tide")
    screens.invoice(customer, 12_500, "INV-1057")
    rae = screens.as_("reconciler")
    _void(screens, rae, "INV-1057")
    why = "Sent twice by mistake: nothing is owed"
    noted = rae.post(f"/notes/{screens.ids['INV-1057']}", {"note": why, "once": "n1"})
    assert noted.status_code == 303
    paid = screens.paid(12_500, customer=rail_id, metadata={"invoice": "INV-1057"})
    html = _page(rae, paid)
    assert "It is void" in html
    assert "equals what is open" not in html
    assert "Hold $125.00 as a deposit" in html
    assert "Hold $125.00 as a deposit" not in _blue(html), "offered, and not advised"
    assert f'Noted on INV-1057: <span class="said">{why}</span>' in html, "what decides it"
    words = rae.read("/invoices/INV-1057")
    assert "$0.00 left to pay" in words
    assert "Left to pay $0.00" in words
    rev = screens.rev("payment", paid)
    typed = {"rev": rev, "save": "1", f"amount-{screens.ids['INV-1057']}": "125.00"}
    refused = rae.post(f"/unmatched/{paid}/split", typed)
    assert "INV-1057 has only $0.00 open" in refused.get_data(as_text=True)


def test_what_is_on_hold_after_a_dispute_is_neither_matched_by_a_key_nor_filled_in(screens):
    customer, rail_id = _known(screens, "Redwood")
    screens.invoice(customer, 27_000, "INV-1012")
    screens.paid(27_000, customer=rail_id, metadata={"invoice": "INV-1012"})
    world = screens.office.world
    dispute = world.dispute(next(reversed(world.table("charge"))))
    screens.hear("")
    world.close_dispute(dispute, "lost")
    screens.hear("")
    rae = screens.as_("reconciler")
    html = _page(rae, screens.paid(1_000, customer=rail_id))
    assert "On hold: a dispute over INV-1012 was lost" in html
    assert "Match $10.00 to INV-1012" in html, "somebody may know better"
    assert "Hold $10.00 as a deposit" in html
    assert "Hold $10.00 as a deposit" not in _blue(html), "offered, and not advised"
    assert 'data-key="m"' not in html
    assert _TYPED.findall(html) == [""]
    exact = screens.paid(27_000, customer=rail_id)
    assert 'data-key="m"' not in _page(rae, exact)
    assert "Match all" not in rae.read("/unmatched")
    assert "1 strong suggestion" not in rae.read("/unmatched")


def test_while_a_dispute_is_open_the_offer_says_so(screens):
    customer, rail_id = _known(screens, "Redwood")
    screens.invoice(customer, 27_000, "INV-1012")
    screens.paid(7_000, customer=rail_id, metadata={"invoice": "INV-1012"})
    screens.office.world.dispute(next(reversed(screens.office.world.table("charge"))))
    screens.hear("")
    html = _page(screens.as_("reconciler"), screens.paid(1_000, customer=rail_id))
    assert "On hold: a dispute over INV-1012 is open" in html
    assert 'data-key="m"' not in html


def test_the_split_is_filled_in_as_the_first_offer_has_it(screens):
    customer, rail_id = _known(screens, "Acme")
    screens.invoice(customer, 30_000, "INV-11")
    screens.invoice(customer, 50_000, "INV-12")
    paid = screens.paid(20_000, customer=rail_id, description="INV-12", metadata={"invoice": "9"})
    html = _page(screens.as_("reconciler"), paid)
    assert _blue(html)[0] == "Match $200.00 to INV-12"
    assert _TYPED.findall(html) == ["200.00", ""]
    assert html.index(f"amount-{screens.ids['INV-12']}") < html.index(
        f"amount-{screens.ids['INV-11']}"
    )
    assert "As the first offer has it" in html


def test_no_split_is_filled_in_that_contradicts_the_first_offer(screens):
    meridian, rail_id = _known(screens, "Meridian")
    screens.invoice(meridian, 30_000, "INV-1013")
    redwood, _ = _known(screens, "Redwood")
    screens.invoice(redwood, 21_000, "INV-1052")
    named = {"metadata": {"invoice": "INV-1052"}}
    html = _page(screens.as_("reconciler"), screens.paid(21_000, customer=rail_id, **named))
    assert html.index("Match $210.00 to INV-1052") < html.index("Match $210.00 to INV-1013")
    assert _TYPED.findall(html) == ["", ""]
    assert "Every cent of the payment has its place" not in html


def test_no_split_is_filled_in_where_an_offer_is_weak_or_one_of_equals(screens):
    customer, rail_id = _known(screens, "Acme")
    screens.invoice(customer, 10_000, "INV-21")
    rae = screens.as_("reconciler")
    weak = _page(rae, screens.paid(90_000, customer=rail_id))
    assert "Weak" in weak
    assert _TYPED.findall(weak) == [""]
    other, other_id = _known(screens, "Birch")
    for number in ("INV-22", "INV-23"):
        screens.invoice(other, 40_000, number)
    tied = _page(rae, screens.paid(40_000, customer=other_id, description="INV-22 INV-23"))
    assert "Another fits as well" in tied
    assert _TYPED.findall(tied) == ["", ""]


def test_an_overpayment_says_why_it_waits_as_the_question_does(screens):
    customer, rail_id = _known(screens, "Lumen")
    screens.invoice(customer, 60_000, "INV-1055")
    named = {"metadata": {"invoice": "INV-1055"}}
    paid = screens.paid(61_000, customer=rail_id, **named)
    rae = screens.as_("reconciler")
    why = "INV-1055 takes no more: this is left over."
    assert why in rae.read("/questions")
    whose = "Whoever set the payment up, and not its payer, wrote that it is for invoice"
    assert f"{whose} INV-1055. {why}" in rae.read(f"/unmatched/{paid}")


@pytest.mark.thorough
def test_of_too_much_the_customers_own_wish_is_said_and_offered_first(screens):
    customer, rail_id = _known(screens, "Redwood")
    for number, total in (("INV-31", 40_000), ("INV-32", 90_000)):
        screens.invoice(customer, total, number)
    named = {"metadata": {"invoice": "INV-31"}}
    over = screens.paid(41_000, customer=rail_id, **named)
    rae = screens.as_("reconciler")
    html = _page(rae, over)
    assert "When Redwood pays too much" in html
    assert "Keep it as credit until somebody here decides, under Unmatched" in html
    assert _blue(html)[0] == "Hold $10.00 as a deposit"
    assert html.index("Hold $10.00 as a deposit") < html.index("Match $10.00 to INV-32")
    assert "“Hold $10.00 as a deposit” does that" in html, "which button carries it out"
    assert 'data-key="m"' not in html, "no key puts it on another invoice"
    change = {"overpayment_policy": "next_invoice"}
    screens.by("admin", lambda work: customers.patch(work, customer, change))
    html = _page(rae, over)
    assert "Pay what they owe next, the oldest due first" in html
    assert _blue(html)[0] == "Match $10.00 to INV-32"


def test_where_an_invoice_is_paid_keeping_comes_before_giving_back_if_that_is_their_wish(screens):
    customer, rail_id = _known(screens, "Tide")
    screens.invoice(customer, 10_000, "INV-41")
    note = {"amount": 10_000, "reason": "It was never begun"}
    screens.by("admin", lambda w: invoices.credit_note(w, screens.ids["INV-41"], **note))
    paid = screens.paid(2_000, customer=rail_id, metadata={"invoice": "INV-41"})
    rae = screens.as_("reconciler")
    html = _page(rae, paid)
    assert "It is credited in full" in html
    assert html.index("Keep it as a deposit") < html.index("Give it back")
    change = {"overpayment_policy": "refund"}
    screens.by("admin", lambda work: customers.patch(work, customer, change))
    html = _page(rae, paid)
    assert "Propose to give it back" in html
    assert html.index("Give it back") < html.index("Keep it as a deposit")


def test_the_split_of_too_much_is_filled_in_as_the_customer_wishes(screens):
    customer, rail_id = _known(screens, "Redwood")
    screens.invoice(customer, 40_000, "INV-51")
    screens.invoice(customer, 70_000, "INV-52", due_on=date(2026, 12, 20))
    screens.invoice(customer, 600, "INV-53", due_on=date(2026, 12, 10))
    screens.invoice(customer, 1_000, "INV-54", due_on=date(2026, 12, 30))
    over = screens.paid(41_000, customer=rail_id, metadata={"invoice": "INV-51"})
    rae = screens.as_("reconciler")
    filled, blue = {}, {}
    for policy in OverpaymentPolicy:
        change = {"overpayment_policy": policy.value}
        screens.by("admin", lambda work, to=change: customers.patch(work, customer, to))
        html = _page(rae, over)
        assert "Match $10.00 to INV-54" in html, "equal in amount, so it is the first offer"
        typed = {number: f"amount-{screens.ids[number]}" for number in screens.ids}
        found = {number: re.search(rf'id="{name}"[^>]* value="([^"]+)"', html)
                 for number, name in typed.items()}  # fmt: skip
        filled[policy] = {number: value[1] for number, value in found.items() if value}
        blue[policy] = _blue(html)[0]
    assert filled == {
        OverpaymentPolicy.HOLD: {},
        OverpaymentPolicy.DEPOSIT: {},
        OverpaymentPolicy.REFUND: {},
        OverpaymentPolicy.NEXT_INVOICE: {"INV-53": "6.00", "INV-52": "4.00"},
    }
    assert blue == {
        OverpaymentPolicy.HOLD: "Hold $10.00 as a deposit",
        OverpaymentPolicy.DEPOSIT: "Hold $10.00 as a deposit",
        OverpaymentPolicy.REFUND: "Request refund",
        OverpaymentPolicy.NEXT_INVOICE: "Save split",
    }


def test_the_split_says_why_it_is_filled_in_so(screens):
    customer, rail_id = _known(screens, "Redwood")
    screens.invoice(customer, 40_000, "INV-61")
    screens.invoice(customer, 90_000, "INV-62")
    over = screens.paid(41_000, customer=rail_id, metadata={"invoice": "INV-61"})
    rae = screens.as_("reconciler")
    words = rae.read(f"/unmatched/{over}")
    set_for_them = "“Keep it as credit until somebody here decides, under Unmatched”"
    assert f"Nothing is filled in: what is set for Redwood is {set_for_them}" in words
    change = {"overpayment_policy": "next_invoice"}
    screens.by("admin", lambda work: customers.patch(work, customer, change))
    words = rae.read(f"/unmatched/{over}")
    assert "The oldest due first, as is set for Redwood, unless you say otherwise" in words


def test_what_the_payment_names_is_shown_with_what_is_owed_on_it(screens):
    customer, rail_id = _known(screens, "Birch")
    _, stranger = _known(screens, "Tide")
    rae = screens.as_("reconciler")
    more = {"INV-73": {"draft": True}, "INV-75": {"currency": "EUR"}}
    for number in ("INV-71", "INV-72", "INV-73", "INV-74", "INV-75"):
        screens.invoice(customer, 10_000, number, **more.get(number, {}))
    _void(screens, rae, "INV-71")
    screens.in_cash("INV-72", 10_000)
    screens.in_cash("INV-74", 2_500)
    stands = {
        "INV-71": "Total $100.00 , void: none of it is owed any more",
        "INV-72": "Total $100.00 , paid in full: nothing is open",
        "INV-73": "Total $100.00 , a draft: none of it is owed yet",
        "INV-74": "Total $100.00 , $75.00 open",
        "INV-75": "Total €100.00 , €100.00 open",
    }
    for number, words in stands.items():
        # Its own customer's payment is matched to what is open by itself.
        for payer in (rail_id, stranger) if number != "INV-74" else (stranger,):
            paid = screens.paid(6_300, customer=payer, metadata={"invoice": number})
            page = rae.read(f"/unmatched/{paid}")
            assert f"{number} , Birch" in page, (number, payer)
            assert words in page, (number, payer)


def test_what_the_payment_names_is_shown_however_much_fits_better(screens):
    customer, _ = _known(screens, "Birch")
    other, rail_id = _known(screens, "Tide")
    screens.invoice(customer, 10_000, "INV-81")
    screens.in_cash("INV-81", 10_000)
    for n in range(12):
        screens.invoice(other, 20_000 + n, f"INV-9{n:02}")
    paid = screens.paid(5_000, customer=rail_id, metadata={"invoice": "INV-81"})
    html = _page(screens.as_("reconciler"), paid)
    assert "paid in full: nothing is open" in html
    assert html.count('class="card tight match') == 6


def test_what_another_customer_has_paid_makes_no_payment_too_much(screens):
    customer, _ = _known(screens, "Birch")
    _, rail_id = _known(screens, "Tide")
    screens.invoice(customer, 10_000, "INV-82")
    screens.in_cash("INV-82", 10_000)
    screens.invoice(customer, 10_000, "INV-83", draft=True)
    rae = screens.as_("reconciler")
    paid = screens.paid(5_000, customer=rail_id, metadata={"invoice": "INV-82"})
    html = _page(rae, paid)
    assert "INV-82 takes no money" in html
    assert "pays too much" not in html
    assert "as is set for them" not in html
    paid = screens.paid(5_000, customer=rail_id, metadata={"invoice": "INV-83"})
    html = _page(rae, paid)
    assert "It is a draft: it was not sent yet." in html
    assert "Send it, and match the payment to it." not in html
    assert "Hold $50.00 as a deposit" in html
    assert "Hold $50.00 as a deposit" not in _blue(html), "offered, and not advised"
