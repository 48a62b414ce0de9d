"""After a deed out of a queue: what was done, what is next in it, and how many are left there."""

import re
from html import unescape

import pytest

from tests.web.screens import Screens, Somebody, said

pytestmark = pytest.mark.sampled(2)

_ROW = re.compile(r'data-row>(?:\s*<input[^>]+>)?\s*<a href="/admin/unmatched/(pay_[^"?]+)')


@pytest.fixture
def queue(screens: Screens) -> Screens:
    """Three payments that name nothing, the oldest of them the largest."""
    customer = screens.customer("Acme")
    screens.invoice(customer, 900_000, "INV-1")
    first = screens.office.world.pay(30_000, description="first").intent
    for n, name in enumerate(("b", "c")):
        screens.office.clock.advance(hours=1)
        screens.ids[name] = screens.paid(10_000 * (n + 1), description=name)
    screens.office.clock.advance(hours=1)
    screens.ids["a"] = screens.hear(first)
    return screens


def _order(by: Somebody, path: str) -> list[str]:
    return _ROW.findall(by.get(path).get_data(as_text=True))


def _match(screens: Screens, by: Somebody, name: str, query: str = "", *, amount: int = 1_000):
    pay = screens.ids[name]
    form = {"rev": screens.rev("payment", pay), "target": screens.ids["INV-1"], "amount": amount}
    answer = by.post(f"/unmatched/{pay}/match{query}", form)
    assert answer.status_code == 303, said(answer)
    return answer


@pytest.mark.thorough
def test_the_oldest_money_is_first_and_other_orders_stand_in_the_address(queue):
    rae, named = queue.as_("reconciler"), queue.ids
    oldest = [named[name] for name in "abc"]
    assert _order(rae, "/unmatched") == oldest
    assert _order(rae, "/unmatched?sort=newest") == oldest[::-1]
    assert _order(rae, "/unmatched?sort=largest") == [named[name] for name in "acb"]
    assert _order(rae, "/unmatched?sort=asked")[0] == named["c"]
    assert _order(rae, "/unmatched?sort=none") == oldest
    told = rae.get("/unmatched?sort=newest&as=csv").get_data(as_text=True)
    assert told.index(named["c"]) < told.index(named["a"])


@pytest.mark.parametrize("sort", ["oldest", "newest", "largest", "asked"])
def test_pages_of_each_order_show_everything_once(queue, monkeypatch, sort):
    monkeypatch.setattr("reconciler.web.admin.unmatched.QUEUE_PAGE", 1)
    rae, path, seen = queue.as_("reconciler"), f"/admin/unmatched?sort={sort}", []
    while path:
        html = unescape(rae.client.get(path).get_data(as_text=True))
        seen += _ROW.findall(html)
        found = re.search(r'href="([^"]*)" rel="next"', html)
        path = found[1] if found else ""
    assert sorted(seen) == sorted(queue.ids[name] for name in "abc")
    assert seen == _order(rae, f"/unmatched?sort={sort}")[:1] + seen[1:]


def test_after_a_match_the_next_one_is_opened_in_the_same_view_and_order(queue):
    rae = queue.as_("reconciler")
    answer = _match(queue, rae, "c", "?sort=newest", amount=20_000)
    assert answer.location.startswith(f"/admin/unmatched/{queue.ids['b']}?sort=newest&matched=")
    html = rae.client.get(answer.location).get_data(as_text=True)
    assert "Matched $200.00 to INV-1." in html
    assert "Next, opened here:" in html
    assert "2 left in this queue." in html
    assert f"/admin/unmatched/{queue.ids['a']}?sort=newest" in unescape(html)
    answer = _match(queue, rae, "a", "?sort=newest", amount=30_000)
    assert f"/unmatched/{queue.ids['b']}?" in answer.location, "after the last comes the first"
    answer = _match(queue, rae, "b", "?sort=newest", amount=10_000)
    assert answer.location.startswith("/admin/unmatched?sort=newest&matched=")
    assert "That was the last one" in said(rae.client.get(answer.location))
    assert queue.office.violations() == []


def test_what_is_left_of_a_payment_is_said_and_undo_leads_back_to_the_same_place(queue):
    rae = queue.as_("reconciler")
    answer = _match(queue, rae, "c", "?sort=newest")
    html = rae.client.get(answer.location).get_data(as_text=True)
    assert "Matched $10.00 to INV-1. $190.00 of it still waits." in html
    assert "3 left in this queue." in html
    undo = unescape(re.search(r'action="/admin(/payments/[^"]+/undo[^"]*)"', html)[1])
    claim = re.search(r'name="allocation" value="([^"]+)"', html)[1]
    undone = rae.post(undo, {"allocation": claim})
    assert undone.location.startswith(f"/admin/unmatched/{queue.ids['c']}?undone={claim}")
    assert "sort=newest" in undone.location


def test_after_a_refund_is_approved_the_next_one_is_offered(queue):
    aki = queue.as_("approver")
    asked = {}
    for n, name in enumerate("abc"):
        queue.office.clock.advance(seconds=1)
        by = "approver" if name == "c" else "reconciler"
        asked[name] = queue.ask_refund(by, payment_id=queue.ids[name], amount=6_000 + n)
    form = {"rev": queue.rev("refund", asked["b"])}
    answer = aki.post(f"/refunds/{asked['b']}/approve", form)
    assert answer.location == f"/admin/refunds/{asked['b']}?did=approve"
    page = aki.client.get(answer.location)
    assert "Approved: it goes out by itself within a minute." in said(page)
    assert "Next: $60.00 to Unknown payer ( 1 left in this queue )." in said(page)
    assert f'href="/admin/refunds/{asked["a"]}"' in page.get_data(as_text=True)
    form = {"rev": queue.rev("refund", asked["a"]), "why": "No"}
    page = aki.client.get(aki.post(f"/refunds/{asked['a']}/decline", form).location)
    assert "Declined: nothing is refunded" in said(page)
    assert "That was the last one in this queue." in said(page), "one's own waits for others"


def test_after_a_refund_is_asked_for_out_of_the_queue_the_next_payment_is_offered(queue):
    rae = queue.as_("reconciler")
    form = {"payment": queue.ids["a"], "amount": "300.00", "reason": "goodwill", "note": "Page 4"}
    answer = rae.post("/refunds/new", form)
    assert answer.location.endswith("?did=asked")
    page = rae.client.get(answer.location)
    assert "Asked for: somebody else approves it before any money moves." in said(page)
    assert "( 2 left in this queue )" in said(page)
    assert f'href="/admin/unmatched/{queue.ids["b"]}"' in page.get_data(as_text=True)


def test_a_question_that_was_closed_is_named_where_it_stood_with_the_next_one(queue):
    rae = queue.as_("reconciler")
    first, second, third = queue.office.rows(
        "select id, rev from review_item order by happened_at, id"
    )
    form = {"note": "Ada knows", "rev": second.rev}
    answer = rae.post(f"/questions/{second.id}/acknowledge?group=money&view=old", form)
    assert answer.location == (f"/admin/questions?group=money&view=old&closed={second.id}#done")
    page = rae.get(f"/questions?group=money&closed={second.id}")
    html = page.get_data(as_text=True)
    assert "Closed with your note: A payment names nothing that it is for, $" in said(page)
    assert "2 left in this queue" in said(page)
    assert (
        html.index(f'id="q-{first.id}"')
        < html.index('id="done"')
        < (html.index(f'id="q-{third.id}"'))
    )
    assert f'href="#q-{third.id}"' in html
    assert "Closed with your note" not in rae.read(f"/questions?closed={first.id}")
    assert "Closed with your note" not in rae.read("/questions?closed=none")
