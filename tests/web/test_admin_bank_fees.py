"""What is missing on an invoice is a bank fee: on its page, with money by hand, in a match."""

import pytest

from reconciler.flows.count_figures import count_figures
from tests.web.screens import Screens, said


@pytest.fixture
def acme(screens: Screens) -> Screens:
    """An invoice of 1,200.00 of which 1,195.00 came."""
    rail_id = screens.office.world.create_customer(name="Acme")
    screens.ids["acme"] = screens.customer("Acme", rail_customers={"stripe": rail_id})
    screens.ids["rail"] = rail_id
    screens.invoice(screens.ids["acme"], 120_000, "INV-1042")
    return screens


def stand(screens: Screens) -> tuple[int, int, int]:
    row = screens.office.rows("select paid, bank_fees, outstanding from invoice")[0]
    return tuple(row)


def offer(screens: Screens, role: str = "reconciler") -> bool:
    page = screens.as_(role).get("/invoices/INV-1042").get_data(as_text=True)
    return '/bank-fee"' in page


def test_the_rest_is_offered_seen_booked_once_and_taken_back(acme):
    assert not offer(acme), "nothing has paid it"
    acme.in_cash("INV-1042", 119_500)
    assert (offer(acme), offer(acme, "viewer")) == (True, False)
    rae, before = acme.as_("reconciler"), acme.books()
    words = rae.read("/invoices/INV-1042/bank-fee")
    assert "Acme paid $1,195.00, and $5.00 is missing" in words
    assert "After this: INV-1042 is owed $0.00 instead of $5.00" in words
    assert "Bank fees $5.00" in words
    form = {"amount": "5.00", "reason": "Wire", "do": "look"}
    assert "After this" in said(rae.post("/invoices/INV-1042/bank-fee", form))
    assert acme.books() == before
    form |= {"do": "write", "once": "f1"}
    for _ in range(2):
        answer = rae.post("/invoices/INV-1042/bank-fee", form)
        assert answer.status_code == 303
    words = said(rae.client.get(answer.location))
    assert "Booked as a bank fee: nobody owes it any more." in words
    assert "Bank fee Wire, Rae Lindt Take back" in words
    assert "$1,195.00 of $1,200.00 paid, $5.00 bank fee that we bear." in words
    assert "Total $1,200.00 Bank fee borne $5.00 Paid $1,195.00" in words
    assert "Credited" not in words, "it is no credit"
    assert (stand(acme), offer(acme)) == ((119_500, 500, 0), False)
    words = rae.read(f"/customers/{acme.ids['acme']}")
    assert "Bank fee borne $5.00" in words
    assert "Credited" not in words, "they were credited nothing"
    fee = acme.office.scalar("select id from short_payment")
    words = rae.read(f"/bank-fees/{fee}/take-back")
    assert "Take back the bank fee of $5.00 on INV-1042?" in words
    assert rae.post(f"/bank-fees/{fee}/take-back", {"reason": "None"}).status_code == 303
    assert stand(acme) == (119_500, 0, 500)
    assert rae.post(f"/bank-fees/{fee}/take-back", {}).status_code == 409
    assert rae.get("/bank-fees/fee_none/take-back").status_code == 404
    assert rae.get("/invoices/none/bank-fee").status_code == 404
    assert acme.office.violations() == []


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"amount": "6.00"}, "INV-1042 is owed $5.00, not more"),
        ({"amount": "0"}, ""),
        ({"amount": "x"}, ""),
        ({"reason": " "}, ""),
    ],
)
def test_what_cannot_be_a_fee_is_said_by_its_field(acme, form, words):
    acme.in_cash("INV-1042", 119_500)
    before = acme.books()
    given = {"amount": "5.00", "reason": "Wire", "do": "write"} | form
    answer = acme.as_("reconciler").post("/invoices/INV-1042/bank-fee", given)
    assert (answer.status_code, words in said(answer)) == (422, True)
    assert "data-first-error" in answer.get_data(as_text=True)
    assert acme.books() == before


def test_with_money_by_hand_the_rest_is_a_fee_or_nothing_is_booked(acme):
    rae, path = acme.as_("reconciler"), "/invoices/INV-1042/receive"
    assert "What is missing is a bank fee" in rae.read(path)
    form = {"source": "bank_transfer", "received_on": "2026-11-20", "rest_is_fee": "1"}
    before = acme.books()
    answer = rae.post(path, form | {"amount": "900.00"})
    assert (answer.status_code, "BANK_FEE_MAX" in said(answer)) == (422, True)
    assert acme.books() == before, "the money is not booked without its fee"
    assert rae.post(path, form | {"amount": "1195.00"}).status_code == 303
    assert stand(acme) == (119_500, 500, 0)
    assert acme.office.violations() == []


def test_a_payment_that_comes_short_is_matched_with_its_fee_and_undone_with_it(acme):
    pay = acme.paid(119_500, customer=acme.ids["rail"], description="thanks")
    rae = acme.as_("reconciler")
    page, before = rae.read(f"/unmatched/{pay}"), acme.books()
    for words in (
        "The missing $5.00 is a bank fee",
        "After this: INV-1042 has $5.00 left",
        "After this, with the bank fee: INV-1042 is paid in full; we bear $5.00 as an expense.",
    ):
        assert words in page, words
    shown = page.partition("Journal entries with the bank fee (")[2].partition("The missing")[0]
    assert shown.startswith("2 entries)")
    assert "Bank fees $5.00" in shown
    assert acme.books() == before
    entries = acme.office.scalar("select count(*) from journal_entry")
    form = {"rev": acme.rev("payment", pay), "target": acme.ids["INV-1042"], "amount": 119_500}
    answer = rae.post(f"/unmatched/{pay}/match", form | {"rest_is_fee": "1"})
    assert answer.status_code == 303
    assert stand(acme) == (119_500, 500, 0)
    assert acme.office.scalar("select count(*) from journal_entry") == entries + 2
    words = said(rae.client.get(answer.location))
    assert "Matched $1,195.00 to INV-1042. $5.00 more is booked as a bank fee." in words
    assert acme.office.scalar("select payment_id from short_payment") == pay
    claim = acme.office.scalar("select id from allocation where closed_at is null")
    assert rae.post(f"/payments/{pay}/undo", {"allocation": claim}).status_code == 303
    assert stand(acme) == (0, 0, 120_000)
    assert acme.office.violations() == []


def test_a_part_payment_is_no_fee(acme):
    pay = acme.paid(85_000, customer=acme.ids["rail"], description="thanks")
    assert "is a bank fee" not in acme.as_("reconciler").read(f"/unmatched/{pay}")
    form = {"rev": acme.rev("payment", pay), "target": acme.ids["INV-1042"], "amount": 85_000}
    answer = acme.as_("reconciler").post(f"/unmatched/{pay}/match", form | {"rest_is_fee": "1"})
    assert answer.status_code == 422
    assert stand(acme) == (0, 0, 120_000)


def test_what_each_person_said_of_many_invoices_is_added_up_on_the_figures(acme):
    for number in ("INV-1043", "INV-1044"):
        acme.invoice(acme.ids["acme"], 10_000, number)
    rae = acme.as_("reconciler")
    for number, missing in (("INV-1042", 500), ("INV-1043", 300), ("INV-1044", 200)):
        total = 120_000 if number == "INV-1042" else 10_000
        acme.in_cash(number, total - missing)
        form = {"amount": f"{missing / 100:.2f}", "reason": "Wire", "do": "write", "once": number}
        assert rae.post(f"/invoices/{number}/bank-fee", form).status_code == 303
    count_figures(acme.office.runtime)
    said_by = "Rae Lindt 3 $5.00 $10.00"
    assert said_by in acme.as_("viewer").read("/figures")
    fee = acme.office.scalar("select id from short_payment where amount = 200")
    assert rae.post(f"/bank-fees/{fee}/take-back", {"reason": "No"}).status_code == 303
    assert "Rae Lindt 2 $5.00 $8.00" in acme.as_("viewer").read("/figures")
    acme.office.clock.advance(days=31)
    assert "by who said so" not in acme.as_("viewer").read("/figures")
    assert "Rae Lindt 2 $5.00 $8.00" in acme.as_("viewer").read("/figures?days=90")


def test_where_nothing_may_be_called_a_bank_fee_there_is_no_form_for_it(screens: Screens) -> None:
    screens.invoice(screens.customer("Acme"), 1_000, "INV-1")
    page = screens.as_("reconciler").read("/invoices/INV-1/bank-fee")
    assert "Nothing has paid INV-1 yet: no bank took that." in page
    assert "Book it as a bank fee" not in page
