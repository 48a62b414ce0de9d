"""While an invoice is on hold no page is made to pay it on; what comes by an older one counts."""

import pytest
import requests

from reconciler.errors import Conflict
from reconciler.flows import pay_links as flow
from reconciler.services import mailings
from tests.web.screens import Screens, said
from tests.web.test_portal_pay import begin, hear, open_at_the_rail, states

WHY = "INV-1 is on hold: a dispute over INV-1 is open."
FORM = "Make a pay link"


@pytest.fixture
def paying(screens: Screens) -> Screens:
    """70.00 of 270.00 is paid, a page is made to pay the rest on, and the bank takes the 70.00.

    Of that nobody here has heard yet.
    """
    rail_id = screens.office.world.create_customer(name="Redwood", email="pay@redwood.example")
    customer = screens.customer(
        "Redwood", email="pay@redwood.example", rail_customers={"stripe": rail_id}
    )
    screens.ids |= {"customer": customer, "invoice": screens.invoice(customer, 27_000, "INV-1")}
    screens.paid(7_000, customer=rail_id, metadata={"invoice": "INV-1"})
    charge = next(reversed(screens.office.world.table("charge")))
    screens.ids["url"] = begin(screens, screens.ids["invoice"]).url
    screens.ids["rail"] = screens.office.world.dispute(charge)
    return screens


@pytest.fixture
def redwood(paying: Screens) -> Screens:
    """The same, told: the invoice is on hold. Nothing was swept up yet."""
    paying.office.deliver(*_news(paying))
    paying.office.apply()
    return paying


def _news(screens: Screens) -> list[dict]:
    known = {r.rail_event_id for r in screens.office.rows("select rail_event_id from inbox_event")}
    return [one for one in screens.office.world.events() if one["id"] not in known]


def _pay(screens: Screens) -> None:
    """The client pays the 200.00 at the rail; nobody here has heard of it yet."""
    url, typed = screens.ids["url"], {"method": "card"}
    assert requests.post(url, data=typed, timeout=5, allow_redirects=False).ok


def _owed(screens: Screens) -> tuple[int, int]:
    row = screens.office.rows("select paid, outstanding from invoice where number = 'INV-1'")[0]
    return row.paid, row.outstanding


def _lose(screens: Screens) -> None:
    screens.office.world.close_dispute(screens.ids["rail"], "lost")
    hear(screens)


def _decide(screens: Screens, decision: str) -> None:
    dispute, rev = screens.office.rows("select id, rev from dispute")[0]
    form = {"decision": decision, "note": "so it is", "rev": rev}
    assert screens.as_("admin").post(f"/disputes/{dispute}/decide", form).status_code == 303


def _asked(screens: Screens) -> list[tuple[str, int]]:
    rows = screens.office.rows(
        "select kind, amount from review_item where state = 'open' order by kind"
    )
    return [(row.kind, row.amount) for row in rows]


def test_none_is_made_and_it_is_said_why(redwood: Screens) -> None:
    rae = redwood.as_("reconciler")
    flow.end_stale(redwood.office.runtime)
    page = rae.read("/invoices/INV-1")
    assert FORM not in page
    assert "On hold: no pay link can be made while a dispute of what paid it is undecided." in page
    before = states(redwood)
    answer = rae.post("/invoices/INV-1/pay-link", {"amount": "100"})
    assert answer.status_code == 422
    assert WHY in said(answer)
    with pytest.raises(Conflict, match=WHY) as refused:
        begin(redwood, redwood.ids["invoice"])
    assert refused.value.field == "invoice_id"
    assert states(redwood) == before


def test_no_mail_asks_for_it_either(redwood: Screens) -> None:
    with pytest.raises(Conflict, match=WHY):
        redwood.office.do(lambda work: mailings.of_invoice(work, redwood.ids["invoice"]))


def test_a_page_from_before_ends_by_itself(redwood: Screens) -> None:
    assert open_at_the_rail(redwood) == [20_000]
    words = redwood.as_("reconciler").read("/invoices/INV-1")
    assert "It was made before, and ends now" in words
    assert flow.end_stale(redwood.office.runtime) == 1
    assert open_at_the_rail(redwood) == []
    assert states(redwood) == [(20_000, "closed")]
    assert flow.end_stale(redwood.office.runtime) == 0


def test_once_it_is_decided_that_it_is_owed_one_can_be_made_again(redwood: Screens) -> None:
    _lose(redwood)
    _decide(redwood, "chase")
    assert FORM in redwood.as_("reconciler").read("/invoices/INV-1")
    assert begin(redwood, redwood.ids["invoice"]).amount == 27_000


@pytest.mark.parametrize("is_dispute_told_first", [True, False])
def test_what_the_client_pays_on_a_page_from_before_is_booked_once(
    paying: Screens, is_dispute_told_first
) -> None:
    disputed = _news(paying)
    _pay(paying)
    told = {one["id"] for one in disputed}
    paid = [one for one in _news(paying) if one["id"] not in told]
    for news in (disputed, paid) if is_dispute_told_first else (paid, disputed):
        paying.office.deliver(*news)
        paying.office.drain()
    assert _owed(paying) == (27_000, 0), "what the bank has is owed again only when it is lost"
    _lose(paying)
    assert _owed(paying) == (20_000, 7_000)
    assert _asked(paying) == [("dispute", 7_000)]
    assert states(paying) == [(20_000, "closed")]
    assert paying.office.violations() == []
    paying.office.world.late_win(paying.ids["rail"])
    hear(paying)
    assert _owed(paying) == (27_000, 0)
    assert paying.office.violations() == []


@pytest.mark.thorough
def test_what_was_written_off_is_not_taken_out_of_what_they_pay_afterwards(
    paying: Screens,
) -> None:
    disputed = _news(paying)
    _pay(paying)
    paying.office.deliver(*disputed)
    paying.office.apply()
    paying.office.world.close_dispute(paying.ids["rail"], "lost")
    lost = [one for one in _news(paying) if one["type"].startswith("charge.dispute")]
    paying.office.deliver(*lost)
    paying.office.apply()
    _decide(paying, "write_off")
    assert _owed(paying) == (0, 20_000)
    hear(paying)
    assert _owed(paying) == (20_000, 0)
    assert _asked(paying) == []
    paying.office.world.late_win(paying.ids["rail"])
    hear(paying)
    assert _owed(paying) == (27_000, 0)
    assert paying.office.violations() == []
