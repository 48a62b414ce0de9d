"""The event log: finding by what is said, gaps among what came, and doing many over."""

import json
import re

import pytest

from reconciler.rails.stripe.order import missing_before
from reconciler.sandbox.player import body_of
from reconciler.web.admin.masking import COVER, masked
from tests.web.screens import Screens, said

BOOKED = "select key from journal_entry order by key"


def paid_without(screens: Screens, *kinds: str) -> str:
    """A payment of which some events never came; gives the id of the last that did."""
    screens.office.world.pay(5_000, description="for the roof")
    news = [e for e in screens.office.world.events() if e["type"] not in kinds]
    assert set(screens.office.deliver(*news)) <= {200}
    screens.office.apply()
    return news[-1]["id"]


@pytest.mark.parametrize(
    ("asked", "is_found"),
    [
        ('{"amount": 5000}', True),
        ('{"amount": 5001}', False),
        ('{"object": {"amount": 5000, "currency": "usd"}}', True),
        ("for the roof", True),
        ("for the floor", False),
    ],
)
def test_events_are_found_by_what_they_say(screens: Screens, asked: str, is_found: bool) -> None:
    screens.paid(5_000, description="for the roof")
    answer = screens.as_("viewer").get("/events", query_string={"holds": asked})
    words = said(answer)
    assert ("charge.succeeded" in words) is is_found
    assert re.search(r"Looked through \d+ messages, all there are", words)
    assert ("No event is like this" in words) is not is_found


def test_what_begins_like_json_and_is_none_is_said_to_be_so(screens: Screens) -> None:
    answer = screens.as_("viewer").get("/events", query_string={"holds": '{"amount": '})
    assert answer.status_code == 422
    assert "This begins like JSON and is none" in said(answer)
    assert 'value="{&#34;amount&#34;:"' in answer.text


def test_a_search_goes_on_where_a_page_ended(screens: Screens) -> None:
    for _ in range(26):
        screens.office.world.pay(5_000, description="for the roof")
    screens.office.deliver(*screens.office.world.events())
    viewer = screens.as_("viewer")
    first = viewer.get("/events", query_string={"holds": "for the roof"})
    older = re.search(r'href="([^"]+before=[^"]+)"', first.text)
    assert older
    second = viewer.client.get(older[1].replace("&amp;", "&"))
    ids = [re.findall(r"/admin/events/(evt_\w+)", page.text) for page in (first, second)]
    assert len(ids[0]) == 50
    assert ids[1]
    assert not set(ids[0]) & set(ids[1])


def test_a_gap_is_marked_where_it_shows(screens: Screens) -> None:
    event = paid_without(screens, "charge.succeeded")
    words = screens.as_("viewer").read(f"/events/{event}")
    assert words.count("Gap charge.succeeded has not arrived") == 1
    assert "A gap does no harm by itself" in words


def test_nothing_is_marked_where_all_came(screens: Screens) -> None:
    event = paid_without(screens)
    words = screens.as_("viewer").read(f"/events/{event}")
    assert "Gap" not in words
    assert "This event, received" in words


@pytest.mark.parametrize(
    ("kind", "arrived", "missing"),
    [
        ("refund.updated", ["refund.created"], ()),
        ("refund.updated", ["charge.refunded"], ("refund.created",)),
        ("charge.refund.updated", ["charge.refunded"], ()),
        ("charge.dispute.funds_reinstated", ["charge.dispute.created"],
         ("charge.dispute.funds_withdrawn",)),
        ("payout.paid", [], ("payout.created",)),
        ("charge.succeeded", [], ()),
    ],
)  # fmt: skip
def test_what_comes_before_what(kind: str, arrived: list[str], missing: tuple[str, ...]) -> None:
    assert missing_before(kind, arrived) == missing


def test_personal_values_are_covered_and_an_admin_may_see_them(screens: Screens) -> None:
    screens.office.world.pay(5_000)
    event = next(e for e in screens.office.world.events() if e["type"] == "charge.succeeded")
    event["data"]["object"]["billing_details"] = {"email": "ann@example.org", "name": None}
    event["data"]["object"]["client_secret"] = "pi_1_secret_2"
    screens.office.post(body_of(event))
    path = f"/events/{event['id']}"
    for page in (screens.as_("viewer").get(f"{path}?whole=1"), screens.as_("admin").get(path)):
        assert "ann@example.org" not in page.text
        assert "secret_2" not in page.text
        assert '"amount": 5000' in said(page)
    assert "ann@example.org" in screens.as_("admin").read(f"{path}?whole=1")


def test_what_is_covered_keeps_its_shape() -> None:
    given = {"name": "Ann", "address": {"city": "Cork"}, "amount": 5, "list": [{"email": ""}]}
    assert masked(given) == {"name": COVER, "address": COVER, "amount": 5, "list": [{"email": ""}]}
    assert json.dumps(masked(given))


# Doing many over


def test_a_replay_of_what_is_booked_books_nothing_and_says_so(screens: Screens) -> None:
    screens.paid(5_000)
    before = screens.books()
    admin = screens.as_("admin")
    words = admin.read("/events/replay?type=charge.succeeded")
    assert "1 event matches" in words
    assert "Nothing would be booked." in words
    assert screens.books() == before


def test_a_replay_is_tried_first_and_shows_what_it_would_book(screens: Screens) -> None:
    screens.office.world.pay(5_000, description="for the roof")
    screens.office.deliver(*screens.office.world.events())  # and nobody applies them
    admin = screens.as_("admin")
    before = screens.books()
    words = admin.read("/events/replay?type=charge.succeeded")
    assert "1 entry would be posted. Nothing is posted yet." in words
    assert re.search(r"Unapplied cash, USD \$50\.00", words)
    assert "Replay 1 event" in words
    assert screens.books() == before

    form = {"type": "charge.succeeded", "status": "", "since": "", "matching": "1"}
    answer = admin.post("/events/replay", form)
    assert answer.status_code == 303
    assert "1 event is being applied again." in said(admin.client.get(answer.location))
    screens.office.apply()
    assert screens.office.scalar("select captured from payment") == 5_000


def test_a_bad_event_is_counted_and_hides_no_other(screens: Screens) -> None:
    screens.office.world.pay(5_000)
    news = screens.office.world.events()
    bad = next(e for e in news if e["type"] == "charge.succeeded")
    bad["data"]["object"]["amount"] = "a lot"
    screens.office.deliver(*news)
    words = screens.as_("admin").read("/events/replay?status=pending")
    assert "1 event could not be applied" in words
    assert "would be posted" in words


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"type": "charge.succeeded", "matching": "7"}, 409),
        ({"type": "charge.succeeded", "matching": "many"}, 422),
        ({"status": "quarantined", "matching": "0"}, 422),
        ({"since": "yesterday", "matching": "0"}, 422),
        ({"matching": "0"}, 422),
    ],
)
def test_a_replay_that_was_not_shown_so_is_not_done(screens, form, status) -> None:
    screens.paid(5_000)
    admin = screens.as_("admin")
    before = screens.office.rows(BOOKED)
    assert admin.post("/events/replay", form).status_code == status
    assert screens.office.scalar("select count(*) from inbox_outcome where status = 'pending'") == 0
    assert screens.office.rows(BOOKED) == before


def test_what_failed_is_grouped_by_what_is_the_matter(screens: Screens) -> None:
    screens.office.world.pay(5_000)
    news = screens.office.world.events()
    for event in news:
        if event["type"].startswith("charge."):
            event["data"]["object"]["amount"] = "a lot"
    screens.office.deliver(*news)
    screens.office.apply()
    words = screens.as_("admin").read("/events/replay")
    assert re.search(r"charge\.succeeded .*amount.* 1 22 Nov", words)
