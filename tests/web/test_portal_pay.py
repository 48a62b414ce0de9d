"""A client pays from their page, over HTTP at the sandbox, and the books close the invoice."""

import re

import pytest
import requests
import sqlalchemy as sa

from reconciler.errors import Conflict, Unavailable
from reconciler.flows import pay_links
from reconciler.services import invoices
from reconciler.services.pay_links import PayAsk
from reconciler.work import Cause
from tests.web.screens import Screens, said
from tests.web.test_portal import link, of_ann, see

_TOKEN = re.compile(r'name="form_token" value="([0-9a-f]{64})"')
CLIENT = Cause("portal", "ptl_test")


def form_of(screens: Screens, path: str, target: str, amount: str, noun: str = "invoice") -> dict:
    token = _TOKEN.search(see(screens, path).get_data(as_text=True))[1]
    return {"form_token": token, "noun": noun, "target": target, "amount": amount}


def pay(screens: Screens, path: str, form: dict):
    """Send the form and go where it leads; gives the address of the rail's page."""
    answer = screens.browser().post(f"{path}/pay", data=form)
    assert answer.status_code == 303, said(answer)
    page = see(screens, answer.headers["Location"]).get_data(as_text=True)
    return re.search(r'class="button" href="([^"]+)"', page)[1]


def hear(screens: Screens) -> None:
    """What happened at the rail is told, and worked off."""
    known = {r.rail_event_id for r in screens.office.rows("select rail_event_id from inbox_event")}
    news = [e for e in screens.office.world.events() if e["id"] not in known]
    assert set(screens.office.deliver(*news)) <= {200}
    screens.office.drain()


def begin(screens: Screens, target: str, amount: int | None = None, noun: str = "invoice"):
    ask = PayAsk(noun=noun, target_id=target, amount=amount)
    office = screens.office
    return pay_links.open_page(office.runtime, lambda step: office.do(step, CLIENT), ask)


def states(screens: Screens) -> list[tuple[int, str]]:
    return [tuple(r) for r in screens.office.rows("select amount, state from pay_link order by id")]


def open_at_the_rail(screens: Screens) -> list[int]:
    sessions = screens.office.world.table("checkout.session").values()
    return [one["amount_total"] for one in sessions if one["status"] == "open"]


def test_what_is_paid_on_the_rails_page_closes_the_invoice_by_itself(screens: Screens) -> None:
    _, path = of_ann(screens)
    owed = screens.ids["INV-1"]
    url = pay(screens, path, form_of(screens, path, owed, "1,200.00"))
    assert requests.post(url, data={"method": "card"}, timeout=5, allow_redirects=False).ok
    hear(screens)
    assert "Nothing is left to pay." in said(see(screens, path))
    assert screens.office.scalar("select outstanding from invoice") == 0
    assert screens.office.scalar("select strategy from payment where rail = 'stripe'") == "metadata"
    assert screens.office.violations() == []
    assert states(screens) == [(120_000, "closed")]


@pytest.mark.thorough
def test_a_part_may_be_paid_and_then_the_rest(screens: Screens) -> None:
    _, path = of_ann(screens)
    owed = screens.ids["INV-1"]
    for part, left in (("500", 70_000), ("200", 50_000), ("500", 0)):
        url = pay(screens, path, form_of(screens, path, owed, part))
        requests.post(url, data={"method": "card"}, timeout=5, allow_redirects=False)
        hear(screens)
        assert screens.office.scalar("select outstanding from invoice") == left


def test_a_deposit_is_paid_the_same_way(screens: Screens) -> None:
    ann = screens.customer("Ann Lee")
    asked = screens.deposit(ann, 60_000, "DEP-1")
    path = link(screens, ann)
    url = pay(screens, path, form_of(screens, path, asked, "600.00", "deposit"))
    requests.post(url, data={"method": "card"}, timeout=5, allow_redirects=False)
    hear(screens)
    assert "$600.00 received. $600.00 is held for you." in said(see(screens, path))


def test_a_debit_that_is_under_way_cannot_be_paid_a_second_time(screens: Screens) -> None:
    _, path = of_ann(screens)
    owed = screens.ids["INV-1"]
    url = pay(screens, path, form_of(screens, path, owed, "1200"))
    requests.post(url, data={"method": "delayed"}, timeout=5, allow_redirects=False)
    hear(screens)
    page = see(screens, path)
    assert "$1,200.00 left, due 1 Dec 2026. $1,200.00 is on its way." in said(page)
    assert "pay-" not in page.get_data(as_text=True), "nothing is left to be asked for"


def test_more_than_is_left_is_refused_with_the_excess_named(screens: Screens) -> None:
    _, path = of_ann(screens)
    form = form_of(screens, path, screens.ids["INV-1"], "1200.01")
    answer = screens.browser().post(f"{path}/pay", data=form)
    assert answer.status_code == 422
    assert "That is $0.01 more than is left to pay." in said(answer)
    assert states(screens) == []


@pytest.mark.parametrize("what", ["form_token", "elsewhere", "their", "nothing"])
def test_a_form_that_this_link_did_not_make_does_nothing(screens: Screens, what: str) -> None:
    _, path = of_ann(screens)
    ben = screens.customer("Ben Ode")
    theirs = screens.invoice(ben, 5_000, "INV-2")
    form = form_of(screens, path, screens.ids["INV-1"], "5")
    headers = {}
    if what == "form_token":
        form["form_token"] = _TOKEN.search(see(screens, link(screens, ben)).get_data(as_text=True))[
            1
        ]
    if what == "elsewhere":
        headers = {"Sec-Fetch-Site": "cross-site"}
    if what == "their":
        form["target"] = theirs
    if what == "nothing":
        form = {}
    answer = screens.browser().post(f"{path}/pay", data=form, headers=headers)
    assert answer.status_code == (404 if what == "their" else 400)
    assert states(screens) == []
    assert open_at_the_rail(screens) == []


def test_the_same_amount_leads_to_the_same_page(screens: Screens) -> None:
    of_ann(screens)
    one = begin(screens, screens.ids["INV-1"])
    two = begin(screens, screens.ids["INV-1"], 120_000)
    assert (one.id, one.url) == (two.id, two.url)
    assert open_at_the_rail(screens) == [120_000]


def test_another_amount_ends_the_page_before(screens: Screens) -> None:
    of_ann(screens)
    begin(screens, screens.ids["INV-1"])
    begin(screens, screens.ids["INV-1"], 50_000)
    assert open_at_the_rail(screens) == [50_000]
    assert states(screens) == [(120_000, "closed"), (50_000, "open")]


def test_a_page_ends_when_less_is_owed_than_it_asks_for(screens: Screens) -> None:
    of_ann(screens)
    begin(screens, screens.ids["INV-1"])
    screens.by(
        "reconciler",
        lambda work: invoices.credit_note(work, screens.ids["INV-1"], amount=1, reason="late"),
    )
    pay_links.end_stale(screens.office.runtime)
    assert open_at_the_rail(screens) == []
    assert states(screens) == [(120_000, "closed")]


def test_a_lost_answer_is_asked_for_again_and_gives_the_same_page(screens: Screens) -> None:
    of_ann(screens)
    screens.office.faults.add("drop_after", method="POST", path="/v1/checkout/sessions")
    with pytest.raises(Unavailable):
        begin(screens, screens.ids["INV-1"])
    assert states(screens) == [(120_000, "planned")]
    begin(screens, screens.ids["INV-1"])
    assert open_at_the_rail(screens) == [120_000]
    assert states(screens) == [(120_000, "open")]


def test_a_page_whose_answer_was_lost_is_ended_all_the_same(screens: Screens) -> None:
    of_ann(screens)
    screens.office.faults.add("drop_after", method="POST", path="/v1/checkout/sessions")
    with pytest.raises(Unavailable):
        begin(screens, screens.ids["INV-1"])
    begin(screens, screens.ids["INV-1"], 50_000)
    assert open_at_the_rail(screens) == [50_000]


@pytest.mark.parametrize("how", ["draft", "void", "paid"])
def test_nothing_is_made_for_what_nobody_owes(screens: Screens, how: str) -> None:
    ann = screens.customer("Ann Lee")
    made = screens.invoice(ann, 5_000, "INV-1", draft=how == "draft")
    if how == "void":
        screens.by("reconciler", lambda work: invoices.void(work, made))
    if how == "paid":
        screens.in_cash("INV-1", 5_000)
    with pytest.raises(Conflict):
        begin(screens, made)
    assert open_at_the_rail(screens) == []


def test_the_client_reads_what_part_may_be_paid_and_cannot_choose_less(screens: Screens) -> None:
    _, path = of_ann(screens)
    owed = screens.ids["INV-1"]
    rae = screens.as_("reconciler")
    rev = str(screens.rev("invoice", owed))
    form = {"rev": rev, "parts": "at_least", "least": "25%"}
    assert rae.post(f"/invoices/{owed}/part-payments", form).status_code == 303
    assert "Pay all of it, or at least $500.00 at a time." in said(see(screens, path))
    answer = screens.browser().post(f"{path}/pay", data=form_of(screens, path, owed, "499.99"))
    assert "At least $500.00 has to be paid at a time." in said(answer)
    pay(screens, path, form_of(screens, path, owed, "500"))
    assert open_at_the_rail(screens) == [50_000]
    page = rae.read(f"/invoices/{owed}")
    assert "At least 25% at a time." in page
    link_id = screens.office.scalar("select id from pay_link")
    assert rae.post(f"/pay-links/{link_id}/revoke", {}).status_code == 303
    assert rae.post(f"/pay-links/{link_id}/revoke", {}).status_code == 303, "twice is once"
    assert open_at_the_rail(screens) == []


def test_only_in_full_there_is_a_button_and_nothing_to_type(screens: Screens) -> None:
    ann, path = of_ann(screens)
    rae = screens.as_("reconciler")
    form = {"rev": 1, "name": "Ann Lee", "email": "", "stripe": "", "parts": "full"}
    assert rae.post(f"/customers/{ann}/change", form).status_code == 303
    assert "Only in full" in rae.read(f"/customers/{ann}")
    page = see(screens, path)
    assert "It is to be paid in full. Pay $1,200.00 for INV-1" in said(page)
    pay(screens, path, form_of(screens, path, screens.ids["INV-1"], "1200"))


def test_a_deposit_has_a_link_that_is_copied_and_ended(screens: Screens) -> None:
    asked = screens.deposit(screens.customer("Ann Lee"), 60_000, "DEP-1")
    rae = screens.as_("reconciler")
    assert rae.post(f"/deposits/{asked}/pay-link", {"pay_amount": "200"}).status_code == 303
    assert "$200.00 can be paid there" in rae.read(f"/deposits/{asked}")
    assert rae.post(f"/deposits/{asked}/pay-link", {"pay_amount": "601"}).status_code == 422


def test_an_admin_copies_a_pay_link(screens: Screens) -> None:
    of_ann(screens)
    rae = screens.as_("reconciler")
    answer = rae.post(f"/invoices/{screens.ids['INV-1']}/pay-link", {"amount": "300"})
    page = answer.get_data(as_text=True)
    url = re.search(r'id="pay-url" type="url" readonly value="([^"]+)"', page)[1]
    assert "30000 USD" in requests.get(url, timeout=5).text
    assert open_at_the_rail(screens) == [30_000]


def test_one_link_makes_so_many_pages_an_hour_and_no_more(screens: Screens) -> None:
    _, path = of_ann(screens)
    made = screens.office.scalar("select id from portal_link")
    screens.office.do(
        lambda work: work.session.execute(
            sa.text(
                """insert into pay_link (id, rail, invoice_id, amount, currency, state, key,
                  portal_link_id, cause_kind, cause_id, created_at, expires_at)
                select 'pln_' || n, 'stripe', :invoice, 1, 'USD', 'closed', 'k' || n, :link, 'x',
                  'x', :now, :now from generate_series(1, 30) n"""
            ),
            {"invoice": screens.ids["INV-1"], "link": made, "now": work.now},
        )
    )
    answer = screens.browser().post(
        f"{path}/pay", data=form_of(screens, path, screens.ids["INV-1"], "5")
    )
    assert answer.status_code == 422
    assert "That was tried too often" in said(answer)
