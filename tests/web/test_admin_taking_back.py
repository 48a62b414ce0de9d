"""Money by hand and credit notes that were wrong, taken back from the pages that show them."""

from datetime import date

import pytest

from reconciler.services import allocations, invoices, receipts
from reconciler.services.allocations import Part
from reconciler.services.receipts import Receipt
from tests.web.screens import Screens, said


@pytest.fixture
def acme(screens: Screens) -> Screens:
    """An invoice of 1,200.00 with a credit note of 200.00, paid with 1,000.00 in cash."""
    screens.ids["acme"] = screens.customer("Acme")
    owed = screens.invoice(screens.ids["acme"], 120_000, "INV-1042")

    def step(work):
        invoices.credit_note(work, owed, amount=20_000, reason="A page less")
        receipt = Receipt("cash", date(2026, 11, 20), 100_000)
        return receipts.receive(work, owed, receipt)

    screens.ids["cash"] = screens.by("reconciler", step)
    screens.ids["note"] = screens.office.scalar("select id from credit_note")
    return screens


def owed(screens: Screens) -> int:
    return screens.office.scalar("select outstanding from invoice where number = 'INV-1042'")


def hrefs(screens: Screens, role: str, path: str) -> str:
    return screens.as_(role).get(path).get_data(as_text=True)


def test_the_way_back_stands_where_the_thing_is_shown(acme):
    cash, note = f"/payments/{acme.ids['cash']}/take-back", acme.ids["note"]
    for path in ("/invoices/INV-1042", f"/payments/{acme.ids['cash']}"):
        assert f'href="/admin{cash}"' in hrefs(acme, "reconciler", path)
        assert "take-back" not in hrefs(acme, "viewer", path)
    assert f'href="/admin/credit-notes/{note}/take-back"' in hrefs(
        acme, "reconciler", "/invoices/INV-1042"
    )


def test_money_by_hand_is_taken_back_once_after_its_effect_is_said(acme):
    rae, path = acme.as_("reconciler"), f"/payments/{acme.ids['cash']}/take-back"
    before = acme.books()
    words = rae.read(path)
    assert "Take back $1,000.00 received from Acme?" in words
    assert "After this: INV-1042 is owed $1,000.00 instead of $0.00" in words
    assert "as it would be posted" in words
    assert acme.books() == before
    for _ in range(2):  # the form is sent twice
        answer = rae.post(path, {"once": "t1", "reason": "Noted twice"})
        assert answer.status_code == 303
    assert "It is taken back: reversing entries were posted" in said(
        rae.client.get(answer.location)
    )
    assert owed(acme) == 100_000
    assert "take-back" not in hrefs(acme, "reconciler", f"/payments/{acme.ids['cash']}")
    told = "select count(*) from audit_line where action = 'payment.receipt_taken_back'"
    assert acme.office.scalar(told) == 1
    assert "It cannot be taken back. It is taken back already." in rae.read(path)
    again = rae.post(path, {"once": "t2"})
    assert (again.status_code, "Nothing was done." in said(again)) == (409, True)
    assert acme.office.violations() == []


def test_a_credit_note_is_taken_back_from_its_invoice(acme):
    rae, path = acme.as_("reconciler"), f"/credit-notes/{acme.ids['note']}/take-back"
    words = rae.read(path)
    assert "Take back CN-1001 of $200.00 on INV-1042?" in words
    assert "INV-1042 is owed $200.00 instead of $0.00" in words
    answer = rae.post(path, {"once": "t1"})
    assert answer.status_code == 303
    shown = said(rae.client.get(answer.location))
    assert "The credit note is taken back: what it had lowered is owed again." in shown
    assert "CN-1001 A page less, Rae Lindt Taken back" in shown
    assert owed(acme) == 20_000
    assert path not in hrefs(acme, "reconciler", "/invoices/INV-1042")
    assert acme.office.violations() == []


def test_what_something_stands_on_says_what_to_take_back_first(acme):
    other = acme.invoice(acme.ids["acme"], 5_000, "INV-1043")

    def moved(work):
        claim = acme.office.scalar("select id from allocation where closed_at is null")
        allocations.unallocate(work, acme.ids["cash"], claim)
        allocations.allocate(work, acme.ids["cash"], [Part(invoice_id=other, amount=5_000)])

    acme.by("reconciler", moved)
    rae, path = acme.as_("reconciler"), f"/payments/{acme.ids['cash']}/take-back"
    words = rae.read(path)
    assert "It cannot be taken back. Its money was put on INV-1043 since" in words
    assert "Take it back" not in words
    before = acme.books()
    assert rae.post(path, {"reason": "x"}).status_code == 409
    assert acme.books() == before


def test_what_a_provider_brought_has_no_way_back_here_and_nothing_unknown_is_there(acme):
    card = acme.paid(5_000, metadata={"invoice": "INV-1042"})
    rae = acme.as_("reconciler")
    assert "take-back" not in hrefs(acme, "reconciler", f"/payments/{card}")
    assert rae.post(f"/payments/{card}/take-back", {}).status_code == 422
    for noun in ("payments", "credit-notes"):
        assert rae.get(f"/{noun}/none/take-back").status_code == 404
        assert rae.post(f"/{noun}/none/take-back", {}).status_code == 404
