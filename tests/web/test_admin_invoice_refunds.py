"""An invoice's page says which refunds of it wait, and offers no more than can still be asked."""

import pytest

from reconciler.services import refunds
from tests.web.screens import Screens

ANOTHER = "Request another refund"
WAITS = "A refund of $90.00 waits for approval."


@pytest.fixture
def birch(screens: Screens) -> Screens:
    """One payment of 400.00: 300.00 of it on INV-1, 100.00 on INV-2."""
    customer = screens.customer("Birch")
    for number, total in (("INV-1", 30_000), ("INV-2", 10_000)):
        screens.invoice(customer, total, number)
    pay = screens.paid(40_000, description="thanks")
    parts = [("target", screens.ids["INV-1"]), ("amount", 30_000)]
    parts += [("target", screens.ids["INV-2"]), ("amount", 10_000)]
    form = [("rev", screens.rev("payment", pay)), *parts]
    answer = screens.as_("reconciler").post(f"/unmatched/{pay}/match", form)
    assert answer.status_code == 303
    screens.ids["pay"] = pay
    return screens


def _ask(screens: Screens, amount: int, **of: str) -> str:
    of = of or {"invoice_id": screens.ids["INV-1"]}
    return screens.ask_refund("reconciler", amount=amount, **of)


def test_one_that_waits_is_said_with_what_more_can_be_asked(birch):
    asked = _ask(birch, 9_000)
    page = birch.as_("reconciler").get("/invoices/INV-1").get_data(as_text=True)
    words = birch.as_("reconciler").read("/invoices/INV-1")
    assert f"{WAITS} Rae Lindt asked" in words
    assert "scope reduced. See the refund $210.00 more can be requested." in words
    assert f'href="/admin/refunds/{asked}"' in page
    assert f"{ANOTHER}, up to $210.00" in words
    assert "Request refund" not in words
    assert ANOTHER not in birch.as_("viewer").read("/invoices/INV-1")
    other = birch.as_("reconciler").read("/invoices/INV-2")
    assert "waits for approval" not in other
    assert "Request refund" in other


def test_where_all_of_it_is_asked_back_nothing_is_offered(birch):
    _ask(birch, 30_000)
    words = birch.as_("reconciler").read("/invoices/INV-1")
    assert "A refund of $300.00 waits for approval." in words
    assert "No more can be requested." in words
    assert "Request" not in words.partition("Amounts")[0]
    form = birch.as_("reconciler").read(f"/refunds/new?invoice={birch.ids['INV-1']}")
    assert "Nothing can be refunded here" in form


def test_one_of_a_payment_is_said_where_it_takes_from_the_invoice(birch):
    _ask(birch, 9_000, payment_id=birch.ids["pay"])
    for number in ("INV-1", "INV-2"):
        words = birch.as_("reconciler").read(f"/invoices/{number}")
        assert WAITS in words
        assert "for it out of a payment of this invoice: scope reduced." in words


def test_what_is_too_much_of_a_payment_is_none_of_the_invoices_business(screens):
    customer = screens.customer("Birch")
    screens.invoice(customer, 30_000, "INV-3")
    pay = screens.paid(39_000, metadata={"invoice": "INV-3"})
    _ask(screens, 9_000, payment_id=pay)
    words = screens.as_("reconciler").read("/invoices/INV-3")
    assert "waits for approval" not in words
    assert "Request refund" in words


def test_one_that_was_declined_is_said_no_more(birch):
    asked = _ask(birch, 9_000)
    birch.by("approver", lambda work: refunds.reject(work, asked, why="No"))
    words = birch.as_("reconciler").read("/invoices/INV-1")
    assert "A refund of" not in words
    assert "Request refund" in words


def test_one_that_was_approved_is_under_way(birch):
    asked = _ask(birch, 9_000)
    birch.by("approver", lambda work: refunds.approve(work, asked))
    words = birch.as_("reconciler").read("/invoices/INV-1")
    assert "A refund of $90.00 is under way." in words
