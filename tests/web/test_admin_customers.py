"""Customers on screen: what each owes, and what they are called."""

import pytest

from reconciler.reads import pages
from tests.web.screens import said


def test_a_list_says_what_each_owes_and_what_is_held_for_them(screens):
    owing, paid = screens.customer("Owing Ltd", email="a@owing.example"), screens.customer("Paid")
    screens.invoice(owing, 200_000, "INV-7001")
    screens.invoice(paid, 50_000, "INV-7002")
    screens.paid(80_000, metadata={"invoice": "INV-7001"})
    screens.paid(60_000, metadata={"invoice": "INV-7002"})
    page = screens.as_("viewer").read("/customers")
    assert "a@owing.example $1,200.00" in page
    assert "$100.00" in page  # the excess, held as credit
    screens.customer("Nobody yet")
    idle = screens.as_("viewer").read("/customers")
    assert "Nobody yet none none none none none" in idle
    assert "Paid none none none none $100.00" in idle, "nothing is told in one way"
    found = screens.as_("viewer").read("/customers?name=owing")
    assert "Owing Ltd" in found
    assert "Paid" not in found.replace("Payments", "")
    assert "Nobody is called that" in screens.as_("viewer").read("/customers?name=zzz")


def test_one_shows_documents_payments_and_the_one_balance(screens):
    customer = screens.customer("Acme")
    screens.invoice(customer, 200_000, "INV-7003")
    screens.paid(80_000, metadata={"invoice": "INV-7003"})
    page = screens.as_("viewer").read(f"/customers/{customer}")
    for words in ("INV-7003", "Partly paid", "$1,200.00 of $2,000.00 left", "Owed $1,200.00"):
        assert words in page, words
    assert screens.as_("viewer").get("/customers/cust_none").status_code == 404


def _change(screens, who, customer, **typed):
    somebody = screens.as_(who)
    form = {"rev": 1, "name": "Acme", "email": "", "stripe": ""} | typed
    return somebody.post(f"/customers/{customer}/change", form)


def test_a_name_learnt_later_finds_the_money_that_waits(screens):
    rail_id = screens.office.world.create_customer(name="Acme")
    customer = screens.customer("Acme")
    screens.invoice(customer, 85_000, "INV-7004")
    screens.paid(85_000, customer=rail_id)
    assert _change(screens, "reconciler", customer, stripe=rail_id).status_code == 303
    screens.office.drain()
    page = screens.as_("viewer").read(f"/customers/{customer}")
    assert rail_id in page
    assert "Owed $0.00" in page


def test_what_becomes_of_too_much_is_chosen_and_shown(screens):
    customer = screens.customer("Acme")
    assert "Keep it as credit" in screens.as_("viewer").read(f"/customers/{customer}")
    chosen = _change(screens, "reconciler", customer, overpayment_policy="deposit")
    assert chosen.status_code == 303
    assert "Hold it as a deposit" in screens.as_("viewer").read(f"/customers/{customer}")
    odd = _change(screens, "reconciler", customer, rev=2, overpayment_policy="burn")
    assert odd.status_code == 422


def test_what_does_not_fit_is_said_and_what_was_typed_is_kept(screens):
    customer, other = screens.customer("Acme"), screens.customer("Other")
    assert _change(screens, "reconciler", other, name="Other", stripe="cus_1").status_code == 303
    before = screens.office.rows("select * from customer order by id")
    refusals = [({"name": ""}, 422), ({"email": "no address"}, 422), ({"stripe": "cus_1"}, 409)]
    for typed, status in [*refusals, ({"rev": 7}, 409)]:
        answer = _change(screens, "reconciler", customer, **({"name": "Typed here"} | typed))
        assert answer.status_code == status, typed
        assert 'role="alert"' in answer.get_data(as_text=True)
        if typed.get("name") != "":
            assert 'value="Typed here"' in answer.get_data(as_text=True)
    assert screens.office.rows("select * from customer order by id") == before
    assert _change(screens, "viewer", customer).status_code == 403


def test_the_search_finds_them_by_every_name(screens):
    customer = screens.customer("Northwind", rail_customers={"stripe": "cus_north"})
    somebody = screens.as_("viewer")
    for query in (customer, "cus_north"):
        assert somebody.get(f"/search?q={query}").location.endswith(f"/customers/{customer}")
    assert "Northwind" in said(somebody.get("/search?q=north"))


def test_a_customer_is_added_once_by_whoever_may_and_bad_input_says_which_field(screens):
    rae = screens.as_("reconciler")
    assert "New customer" in rae.read("/customers")
    assert "New customer" not in screens.as_("viewer").read("/customers")
    wrong = rae.post("/customers/new", {"name": "Ash", "email": "no address"})
    assert wrong.status_code == 422
    html = wrong.get_data(as_text=True)
    assert 'value="no address" aria-invalid="true"' in html
    assert rae.post("/customers/new", {"name": " "}).status_code == 422
    form = {"name": "Ash", "email": "ash@example.com", "once": "c1"}
    made = {rae.post("/customers/new", form).location for _ in range(2)}
    assert len(made) == 1
    assert "ash@example.com" in said(rae.client.get(made.pop()))
    assert screens.office.scalar("select count(*) from customer where name = 'Ash'") == 1


def test_a_part_of_a_statement_begins_where_the_one_before_ended(screens):
    ann = screens.customer("Ann Lee")
    for number in ("INV-1", "INV-2"):
        screens.invoice(ann, 10_000, number)
    first = screens.office.rows("select posted_on, at, id from journal_entry order by at, id")[0]
    after = pages.encode((first.posted_on, first.at, first.id, "USD"))
    vera = screens.as_("viewer")
    days = "since=2026-01-01&until=2026-12-31"
    assert "Carried" not in vera.read(f"/customers/{ann}/statement?{days}")
    text = vera.read(f"/customers/{ann}/statement?{days}&after={after}")
    assert "Carried forward" in text
    assert "$200.00" in text
    assert ("INV-1" in text, "INV-2" in text) == (False, True)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("typed", ["850", "850.00", "$850.00", " 850.0"])
def test_an_amount_lists_what_is_of_it(screens, typed):
    customer = screens.customer("Ann Lee")
    screens.invoice(customer, 85_000, "INV-7")
    screens.invoice(customer, 850, "INV-8", currency="JPY")
    screens.invoice(customer, 85_001, "INV-9")
    screens.deposit(customer, 85_000, "DEP-7")
    pay = screens.paid(85_000, description="thanks")
    answer = screens.as_("viewer").get("/search", query_string={"q": typed})
    words = said(answer)
    assert "INV-7 USD 850.00, Ann Lee, invoice" in words
    assert "DEP-7 USD 850.00, Ann Lee, deposit" in words
    assert f"/admin/payments/{pay}" in answer.get_data(as_text=True)
    assert "INV-9" not in words
    assert ("INV-8 JPY 850, Ann Lee" in words) is (typed == "850")
