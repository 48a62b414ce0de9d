"""Which button of a waiting payment is the blue one: never one that somebody would regret."""

import re

from tests.web.screens import Screens, Somebody

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
    assert _blue(html)[0] == "Hold $210.00 as a deposit"
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
    paid = screens.paid(12_500, customer=rail_id, metadata={"invoice": "INV-1057"})
    html = _page(rae, paid)
    assert "It is void" in html
    assert "equals what is open" not in html
    assert _blue(html)[0] == "Hold $125.00 as a deposit"
    words = rae.read("/invoices/INV-1057")
    assert "$0.00 left to pay" in words
    assert "Left to pay $0.00" in words
    rev = screens.rev("payment", paid)
    typed = {"rev": rev, "save": "1", f"amount-{screens.ids['INV-1057']}": "125.00"}
    refused = rae.post(f"/unmatched/{paid}/split", typed)
    assert "INV-1057 has only $0.00 open" in refused.get_data(as_text=True)
