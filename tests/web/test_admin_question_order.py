"""Questions stand in an order that is said: what has a deadline at the rail, then by age or sum."""

import re
from datetime import timedelta
from html import unescape

import pytest

from tests.web.screens import Screens, Somebody, said

pytestmark = pytest.mark.sampled(3)

_CARD = re.compile(r'<article [^>]*id="q-(rev_[^"]+)"')
_TILE = re.compile(r'<li class="card tile[^>]*>\s*<h3>(?:<a[^>]*>)?([^<]+)')
SAID = "Deadlines at the payment provider come first, the nearest ahead"
ORDERS = {
    "urgent": ["due sooner", "due later", "small and old", "large", "young"],
    "oldest": ["small and old", "large", "due later", "due sooner", "young"],
    "newest": ["young", "due sooner", "due later", "large", "small and old"],
    "largest": ["large", "young", "due sooner", "due later", "small and old"],
}


@pytest.fixture
def asked(screens: Screens) -> Screens:
    """Five questions, by what they are called here; two of them are disputes."""
    world, clock = screens.office.world, screens.office.clock
    for name, amount in (("small and old", 1_000), ("large", 90_000)):
        screens.ids[name] = screens.paid(amount, description=name)
        clock.advance(hours=5)
    for name, amount, days in (("due later", 4_000, 20), ("due sooner", 5_000, 3)):
        number = f"INV-{days}"
        screens.invoice(screens.customer(name), amount, number)
        screens.ids[name] = screens.paid(amount, metadata={"invoice": number})
        due = int((clock() + timedelta(days=days)).timestamp())
        world.dispute(next(reversed(world.table("charge"))), due_by=due)
        screens.hear("")
        clock.advance(hours=5)
    screens.ids["young"] = screens.paid(6_000, description="young")
    clock.advance(hours=1)
    return screens


def _items(screens: Screens) -> dict[str, str]:
    """What each question is called here, by its id."""
    paid = {pay: name for name, pay in screens.ids.items()}
    rows = screens.office.rows("select id, payment_id from review_item")
    return {row.id: paid[row.payment_id] for row in rows}


def _read(screens: Screens, by: Somebody, path: str) -> list[str]:
    called = _items(screens)
    return [called[one] for one in _CARD.findall(by.get(path).get_data(as_text=True))]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("sort", ORDERS)
def test_each_order_is_as_it_says(asked, sort):
    rae = asked.as_("reconciler")
    assert _read(asked, rae, f"/questions?sort={sort}") == ORDERS[sort]
    called = _items(asked)
    told = rae.get(f"/questions?sort={sort}&as=csv").get_data(as_text=True)
    assert [called[one] for one in re.findall(r"^(rev_\w+)", told, re.MULTILINE)] == ORDERS[sort]


def test_the_most_urgent_is_first_unless_asked_otherwise_and_the_page_says_so(asked):
    rae = asked.as_("reconciler")
    for path in ("/questions", "/questions?sort=none"):
        assert _read(asked, rae, path) == ORDERS["urgent"]
        assert SAID in rae.read(path)
    assert SAID not in rae.read("/questions?sort=largest")
    html = unescape(rae.get("/questions?sort=largest&group=money").get_data(as_text=True))
    assert 'href="/admin/questions?group=money&sort=oldest"' in html
    assert 'href="/admin/questions?group=disputes&sort=largest"' in html, "the order stays"


def test_what_a_bank_has_the_answer_to_asks_nobody(asked):
    world = asked.office.world
    for dispute in list(world.table("dispute")):
        world.respond(dispute)
    asked.hear("")
    left = [one for one in ORDERS["oldest"] if not one.startswith("due")]
    assert _read(asked, asked.as_("reconciler"), "/questions") == left


@pytest.mark.parametrize("sort", ORDERS)
def test_pages_show_everything_once_also_while_more_is_asked(asked, monkeypatch, sort):
    monkeypatch.setattr("reconciler.web.admin.questions.PER_PAGE", 2)
    rae, path, seen = asked.as_("reconciler"), f"/questions?sort={sort}", []
    while path:
        html = unescape(rae.get(path).get_data(as_text=True))
        seen += [_items(asked)[one] for one in _CARD.findall(html)]
        assert ("Back to the first ones" in html) == ("before=" in path)
        found = re.search(r'href="/admin([^"]*)" rel="next"', html)
        path = found[1] if found else ""
        if len(seen) == 2:  # larger, and younger, than all there are
            asked.ids["more"] = asked.paid(95_000, description="more")
    assert [one for one in seen if one != "more"] == ORDERS[sort]
    assert seen.count("more") == (sort in {"urgent", "oldest"}), "what comes before is not shown"


@pytest.mark.parametrize("sort", ["urgent", "largest"])
def test_after_one_is_closed_the_next_of_its_order_is_named(asked, sort):
    rae = asked.as_("reconciler")
    ids = {name: item for item, name in _items(asked).items()}
    open_ones = [one for one in ORDERS[sort] if not one.startswith("due")]
    first, second = open_ones[:2]
    form = {"note": "Ada knows", "rev": asked.rev("review_item", ids[first])}
    answer = rae.post(f"/questions/{ids[first]}/acknowledge?group=money&sort={sort}", form)
    assert answer.status_code == 303
    assert ("sort=largest" in answer.location) == (sort == "largest")
    page = rae.client.get(answer.location)
    assert f'href="#q-{ids[second]}"' in page.get_data(as_text=True)
    assert "2 left in this queue" in said(page)


@pytest.mark.thorough
def test_the_first_page_begins_with_what_has_a_deadline_and_says_so(asked):
    html = asked.as_("viewer").get("/").get_data(as_text=True)
    tiles = [unescape(one).strip() for one in _TILE.findall(html)]
    assert tiles[:2] == ["Disputes", "No sure match"]
    assert "Deadlines at the payment provider come first, then what has waited longest." in html
    world = asked.office.world
    for dispute in list(world.table("dispute")):
        world.respond(dispute)
    asked.hear("")
    html = asked.as_("viewer").get("/").get_data(as_text=True)
    assert _TILE.findall(html)[:2] == ["No sure match", "Several things fit"], "by age"
    assert "Deadlines" not in html
    assert "What has waited longest comes first." in html


def test_what_waits_is_before_what_does_not(screens):
    html = screens.as_("viewer").get("/").get_data(as_text=True)
    idle = _TILE.findall(html)
    assert "First what" not in html
    customer = screens.customer("Ann")
    screens.invoice(customer, 1_000, "INV-1")
    screens.ids["pay"] = screens.paid(1_000, metadata={"invoice": "INV-1"})
    screens.ask_refund("reconciler", payment_id=screens.ids["pay"], amount=500)
    html = screens.as_("viewer").get("/").get_data(as_text=True)
    busy = _TILE.findall(html)
    assert busy[0] == "Refunds to approve"
    assert [one for one in busy if one != "Refunds to approve"] == [
        one for one in idle if one != "Refunds to approve"
    ], "the others stay where they are"
