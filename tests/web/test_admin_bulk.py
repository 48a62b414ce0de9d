"""Many strong suggestions at once: counted, confirmed, each by itself, and safe when sent twice."""

import re
from html import unescape

import pytest

from reconciler.web.admin import bulk, queue_views, unmatched
from tests.web.screens import Screens, said

pytestmark = pytest.mark.sampled(2)


@pytest.fixture
def queue(screens: Screens) -> Screens:
    """Three payments of a known customer that each fit one invoice, and one that fits none."""
    rail_id = screens.office.world.create_customer(name="Acme")
    customer = screens.customer("Acme", rail_customers={"stripe": rail_id})
    screens.ids["acme"] = customer
    for number, amount in (("INV-1", 10_000), ("INV-2", 20_000), ("INV-3", 30_000)):
        # Before its invoice is known: otherwise the program would match it by itself.
        screens.ids[f"for {number}"] = screens.paid(amount, customer=rail_id)
    screens.office.clock.advance(seconds=1)
    screens.ids["odd"] = screens.paid(777)
    screens.ids["rail"] = rail_id
    return screens


def invoices(screens: Screens) -> None:
    """The invoices come, and nobody looks for their payments by itself any more."""
    for number, amount in (("INV-1", 10_000), ("INV-2", 20_000), ("INV-3", 30_000)):
        screens.invoice(screens.ids["acme"], amount, number)


def form_of(screens: Screens, somebody) -> list[tuple[str, str]]:
    """What the confirming page would send."""
    html = somebody.get("/unmatched/strong").get_data(as_text=True)
    main = html.partition("<main")[2]
    found = re.findall(r'name="((?:payment|rev-|parts-)[^"]*)" value="([^"]*)"', main)
    return list(found)


def test_the_button_says_how_many_and_how_much(queue):
    invoices(queue)
    rae = queue.as_("reconciler")
    assert "Match 3 strong suggestions, $600.00" in rae.read("/unmatched")
    assert "strong suggestion" not in queue.as_("viewer").read("/unmatched")
    page = rae.read("/unmatched/strong")
    assert "Match 3 strong suggestions, $600.00" in page
    assert "INV-1" in page
    assert "Amount equals what is open" in page
    assert queue.office.scalar("select count(*) from allocation") == 0


def test_all_are_matched_once_and_each_is_undone_by_itself(queue):
    invoices(queue)
    rae = queue.as_("reconciler")
    form = form_of(queue, rae)
    first = rae.post("/unmatched/strong", form)
    assert "3 of 3 payments matched" in said(first)
    books = queue.books()
    again = rae.post("/unmatched/strong", form)
    assert said(again).count("Matched before You have matched it already") == 3
    assert queue.books() == books
    assert queue.office.scalar("select count(*) from invoice where outstanding = 0") == 3
    payment = queue.ids["for INV-2"]
    claim = queue.office.scalar("select id from allocation where payment_id = :p", p=payment)
    assert claim in again.get_data(as_text=True)
    rae.post(f"/payments/{payment}/undo", {"allocation": claim})
    assert queue.office.scalar("select count(*) from invoice where outstanding = 0") == 2
    assert queue.office.violations() == []


def test_what_was_changed_meanwhile_is_told_and_not_forced(queue):
    invoices(queue)
    rae = queue.as_("reconciler")
    form = form_of(queue, rae)
    payment = queue.ids["for INV-1"]
    dana = queue.as_("admin")
    other = [("rev", queue.rev("payment", payment)), ("target", queue.ids["INV-1"])]
    dana.post(f"/unmatched/{payment}/match", [*other, ("amount", 4_000)])
    queue.in_cash("INV-3", 100)  # so that its payment is more than it takes
    words = said(rae.post("/unmatched/strong", form))
    assert "1 of 3 payments matched" in words
    assert "It was changed since this list was made. Nothing was done." in words
    assert "The suggestion is not the same any more, or not strong" in words
    assert queue.office.violations() == []


def test_only_what_is_ticked_is_matched_and_something_must_be(queue):
    invoices(queue)
    rae = queue.as_("reconciler")
    form = [
        (name, value)
        for name, value in form_of(queue, rae)
        if name != "payment" or value == queue.ids["for INV-3"]
    ]
    assert "1 of 1 payment matched" in said(rae.post("/unmatched/strong", form))
    assert queue.office.scalar("select count(*) from allocation") == 1
    assert rae.post("/unmatched/strong", {}).status_code == 422
    weak = {
        "payment": queue.ids["odd"],
        f"rev-{queue.ids['odd']}": queue.rev("payment", queue.ids["odd"]),
        f"parts-{queue.ids['odd']}": f"{queue.ids['INV-1']}:777",
    }
    assert "0 of 1 payment matched" in said(rae.post("/unmatched/strong", weak))


def test_two_that_fit_the_same_invoice_do_not_both_go(queue):
    queue.paid(10_000, customer=queue.ids["rail"])
    invoices(queue)
    words = queue.as_("reconciler").read("/unmatched/strong")
    assert "INV-1 would be filled by another one of these" in words
    assert "Match 3 strong suggestions" in words


@pytest.mark.thorough
def test_all_pages_of_the_queue_are_taken_with_their_number_and_sum(queue, monkeypatch):
    monkeypatch.setattr(unmatched, "QUEUE_PAGE", 1)
    monkeypatch.setattr(queue_views, "_AT_ONCE", 2)
    invoices(queue)
    rae = queue.as_("reconciler")
    assert "Match all strong suggestions" in rae.read("/unmatched")
    words = rae.read("/unmatched/strong")
    assert "All that wait, on every page of the list." in words
    assert "Match 3 strong suggestions, $600.00" in words
    words = said(rae.post("/unmatched/strong", form_of(queue, rae)))
    assert "3 of 3 payments matched" in words
    assert words.count("Matched: ") == 3
    assert queue.office.violations() == []


@pytest.mark.thorough
def test_of_very_many_the_first_are_shown_and_the_next_come_after(queue, monkeypatch):
    monkeypatch.setattr(bulk, "ROWS_MAX", 2)
    invoices(queue)
    rae = queue.as_("reconciler")
    page = rae.get("/unmatched/strong")
    words = said(page)
    assert "Found in the first 2 of 4 payments that wait; the others come after these." in words
    assert "Match 2 strong suggestions, $300.00" in words
    more = re.search(r'name="more" value="([^"]+)"', page.get_data(as_text=True))[1]
    done = rae.post("/unmatched/strong", [*form_of(queue, rae), ("more", more)])
    assert "2 of 2 payments matched" in said(done)
    assert _goes_on(done) == f"/admin/unmatched/strong?from={more}"
    words = said(rae.client.get(_goes_on(done)))
    assert "Match 1 strong suggestion, $300.00" in words
    assert "The last 2 of 2 payments that wait." in words


def test_what_fits_nothing_in_front_hides_nothing_behind_it(queue, monkeypatch):
    monkeypatch.setattr(queue_views, "_AT_ONCE", 1)
    monkeypatch.setattr(queue_views, "_ALL_MAX", 2)
    queue.office.clock.advance(days=-1)
    for n in range(2):
        queue.paid(1_111 + n)
    queue.office.clock.advance(days=1)
    invoices(queue)
    rae = queue.as_("reconciler")
    page = rae.get("/unmatched/strong")
    assert "No strong suggestion among these" in said(page)
    for found in ("Match 2 strong suggestions, $300.00", "Match 1 strong suggestion, $300.00"):
        page = rae.client.get(_goes_on(page))
        assert found in said(page)
        assert "Leave these, look at the next" in said(page)
    page = rae.client.get(_goes_on(page))
    assert "No strong suggestion here" in said(page)
    assert rae.get("/unmatched/strong?from=nonsense").status_code == 422


def test_what_is_too_much_is_none_of_them_however_well_it_fits(queue):
    queue.invoice(queue.ids["acme"], 5_000, "INV-7", due_on=None)
    over = queue.paid(6_234, customer=queue.ids["rail"], metadata={"invoice": "INV-7"})
    queue.invoice(queue.ids["acme"], 1_234, "INV-8")
    invoices(queue)
    rae = queue.as_("reconciler")
    assert "Strong" in rae.read(f"/unmatched/{over}").partition("INV-8 , Acme")[2], "of one amount"
    assert "Match 3 strong suggestions, $600.00" in rae.read("/unmatched")
    assert "INV-8" not in rae.read("/unmatched/strong")
    assert f'name="payment" value="{over}"' not in rae.get("/unmatched?view=strong").get_data(
        as_text=True
    )


def _goes_on(answer) -> str:
    """Where the page leads for the ones that come next."""
    found = re.search(r'href="([^"]*[?&]from=[^"]*)"', unescape(answer.get_data(as_text=True)))
    assert found, "it does not go on"
    return found[1]
