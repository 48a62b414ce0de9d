"""A proposal on the client's page: read, accepted once, declined, replaced."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest

from reconciler.books.plans import Part
from reconciler.books.portal import Scope
from reconciler.services import portal_links, proposals, webhooks
from reconciler.services.milestones import Stage
from tests.web import furniture
from tests.web.screens import Screens, said
from tests.web.test_portal import link, see

_TOKEN = re.compile(r'name="form_token" value="([0-9a-f]{64})"')
_SEEN = re.compile(r'name="seen" value="([0-9a-f]{64})"')


def a_bath(screens: Screens) -> str:
    """An offer to Cedar with a deposit of 30 %, and the link to it."""
    screens.ids["cedar"] = screens.customer("Cedar")
    furniture.proposal_of(screens)
    return link(screens, screens.ids["proposal"], Scope.PROPOSAL)


def answer(screens: Screens, path: str, deed: str = "accept", **typed):
    """The form, sent as the page holds it, but for what is typed."""
    html = see(screens, path).get_data(as_text=True)
    token, seen = _TOKEN.search(html), _SEEN.search(html)
    form = {
        "form_token": token[1] if token else "", "seen": seen[1] if seen else "",
        "name": "Cara Oak", "agreed": "yes",
    } | typed  # fmt: skip
    place = f"{path}/proposals/{screens.ids['proposal']}/{deed}"
    return screens.browser().post(place, data=form)


def again(screens: Screens, **changes) -> None:
    """Somebody here writes it anew."""
    proposal = screens.ids["proposal"]
    screens.by("reconciler", lambda w: proposals.revise(w, proposal))
    new = replace(furniture.BATH, customer_id=screens.ids["cedar"], **changes)
    screens.by("reconciler", lambda w: proposals.rewrite(w, proposal, new))


def test_it_is_read_with_its_prices_plan_terms_and_hash(screens: Screens) -> None:
    path = a_bath(screens)
    words = said(see(screens, path))
    for part in (
        "A proposal for Cedar, of 22 Nov 2026, valid until 31 Dec 2026.", "$1,000.00 in all",
        "As we spoke of it on Monday.", "Tiles & <b>grout</b> 12.5", "Deposit",
        "$300.00", "Due 1 Feb 2027", "After that it is kept.", "I accept this proposal",
        screens.office.scalar("select sha256 from proposal_version"),
    ):  # fmt: skip
        assert part in words, part


def test_accepting_makes_project_and_deposit_and_leads_to_paying_it(screens: Screens) -> None:
    path = a_bath(screens)
    done = answer(screens, path)
    assert (done.status_code, done.location) == (303, f"{path}?begun=1#deposits")
    words = said(see(screens, f"{path}?begun=1"))
    assert "Thank you: it is accepted, and the work is planned as below. Next comes the" in words
    assert "Amount for DEP-1001, in USD" in words
    [row] = screens.office.rows("select * from proposal")
    assert (row.state, row.decided_by, row.decided_cause_kind) == ("accepted", "Cara Oak", "portal")
    assert row.decided_cause_id == screens.office.scalar("select id from portal_link")
    shown = screens.as_("viewer").read(f"/proposals/{row.id}")
    for part in ("by Cara Oak", "Their page, link", row.accepted_sha256):
        assert part in shown
    assert "Accepted by Cara Oak on 22 Nov 2026." in said(
        see(screens, f"{path}/proposals/{row.id}")
    )
    assert screens.office.violations() == []


ANSWERS = {
    "accept": ("proposal.accepted", "Proposals accepted this week"),
    "decline": ("proposal.declined", "Proposals declined this week"),
}


@pytest.mark.parametrize("deed", ANSWERS)
def test_who_works_here_is_told_of_the_answer(screens: Screens, deed: str) -> None:
    kind, card = ANSWERS[deed]
    seals = screens.office.runtime.seals
    screens.by("admin", lambda w: webhooks.create(w, seals, url="https://hooks.example.com/"))
    path = a_bath(screens)
    today = screens.as_("viewer").read("/")
    assert card not in today
    answer(screens, path, deed)
    [told] = screens.office.rows(
        "select kind, object_id, data from webhook_event where kind like 'proposal.%'"
    )
    assert (told.kind, told.object_id) == (kind, screens.ids["proposal"])
    assert (told.data["decided_by"], told.data["price"]) == ("Cara Oak", 100_000)
    listed = screens.as_("viewer").read(f"/proposals?state={kind.removeprefix('proposal.')}")
    assert card in screens.as_("viewer").read("/")
    assert "Cara Oak" in listed


def test_the_deposit_is_due_when_the_plan_says(screens: Screens) -> None:
    path, due_on = a_bath(screens), date(2026, 12, 15)
    stages = [
        Stage(kind="deposit", part=Part(share=3_000), due_on=due_on),
        Stage(kind="final", part=Part(share=7_000)),
    ]
    again(screens, stages=stages)
    screens.by("reconciler", lambda w: proposals.send(w, screens.ids["proposal"]))
    answer(screens, path)
    assert (
        screens.office.scalar("select due_on from deposit where project_id is not null") == due_on
    )
    assert "Due 15 Dec 2026." in said(see(screens, path))


def test_two_clicks_and_two_people_at_once_accept_it_once(screens: Screens) -> None:
    path = a_bath(screens)
    html = see(screens, path).get_data(as_text=True)
    form = {
        "form_token": _TOKEN.search(html)[1], "seen": _SEEN.search(html)[1], "agreed": "yes",
    }  # fmt: skip
    place = f"{path}/proposals/{screens.ids['proposal']}/accept"

    def click(name: str) -> int:
        return screens.browser().post(place, data=form | {"name": name}).status_code

    with ThreadPoolExecutor(4) as hands:
        assert set(hands.map(click, ("Ann", "Ann", "Ben", "Ben"))) == {303}
    assert click("Ann") == 303
    assert screens.office.scalar("select count(*) from project") == 1
    assert screens.office.scalar("select count(*) from deposit") == 1


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ({"agreed": ""}, 422), ({"name": " "}, 422), ({"name": "x" * 500}, 422),
        ({"seen": "0" * 64}, 409), ({"seen": ""}, 409), ({"form_token": "made up"}, 400),
    ],
)  # fmt: skip
def test_what_is_missing_or_was_not_seen_accepts_nothing(screens, typed, status) -> None:
    path = a_bath(screens)
    assert answer(screens, path, **typed).status_code == status
    assert screens.office.scalar("select state from proposal") == "sent"


def test_it_is_declined_with_a_reason_and_accepted_no_more(screens: Screens) -> None:
    path = a_bath(screens)
    html = see(screens, path).get_data(as_text=True)
    form = {"form_token": _TOKEN.search(html)[1], "reason": "Too\ndear"}
    for _ in range(2):  # the second of two clicks changes nothing
        assert answer(screens, path, "decline", **form).status_code == 303
    words = said(see(screens, path))
    assert "Declined by Cara Oak on 22 Nov 2026. “Too dear”" in words
    assert "I accept" not in words
    seen = screens.office.scalar("select sha256 from proposal_version")
    late = form | {"seen": seen}
    assert answer(screens, path, **late).status_code == 422
    assert screens.office.scalar("select state from proposal") == "declined"


def test_a_revised_one_says_that_it_was_replaced_and_the_old_one_cannot_be_accepted(
    screens,
) -> None:
    path = a_bath(screens)
    html = see(screens, path).get_data(as_text=True)
    old = {"seen": _SEEN.search(html)[1], "form_token": _TOKEN.search(html)[1]}
    lines = [replace(furniture.BATH.lines[0], unit_price=9_000)]
    again(screens, lines=lines)
    words = said(see(screens, path))
    assert "This was replaced" in words
    assert "$1,125.00" not in words  # nobody has offered that yet
    assert answer(screens, path, **old).status_code == 422
    screens.by("reconciler", lambda w: proposals.send(w, screens.ids["proposal"]))
    words = said(see(screens, path))
    assert "This replaces version 1, which you were sent on 22 Nov 2026 for $1,000.00." in words
    assert "I accept this proposal, version 2, for $1,125.00" in words
    refused = answer(screens, path, **old)
    assert refused.status_code == 409
    assert "This proposal was changed while you read it." in said(refused)
    shown = screens.as_("reconciler").read(f"/proposals/{screens.ids['proposal']}")
    assert "Version 1, $1,000.00" in shown
    assert answer(screens, path).status_code == 303


def test_one_that_is_over_says_so(screens: Screens) -> None:
    path = a_bath(screens)
    screens.office.clock.advance(days=29)
    late = link(screens, screens.ids["proposal"], Scope.PROPOSAL, days=30)
    screens.office.clock.advance(days=20)
    words = said(see(screens, late))
    assert "was valid until 31 Dec 2026" in words
    assert "I accept" not in words
    assert "This link has ended." in said(see(screens, path))


def test_a_link_to_it_shows_nothing_else_until_it_is_accepted(screens: Screens) -> None:
    path = a_bath(screens)
    invoice = screens.invoice(screens.ids["cedar"], 5_000, "INV-1")
    nothing = see(screens, "/portal/x").get_data()
    for place in (f"invoices/{invoice}", "statement", "receipts/x", "proposals/prop_none"):
        found = see(screens, f"{path}/{place}")
        assert (found.status_code, found.get_data()) == (404, nothing), place
    answer(screens, path)
    assert see(screens, f"{path}/invoices/{invoice}").status_code == 404
    assert see(screens, f"{path}/statement").status_code == 200


def test_a_customers_page_lists_it_and_others_never_see_it(screens: Screens) -> None:
    a_bath(screens)
    own = link(screens, screens.ids["cedar"])
    assert "Proposals Bath Waits for your answer" in said(see(screens, own))
    place = f"/proposals/{screens.ids['proposal']}"
    assert answer(screens, own + place).status_code == 404  # no such form there
    assert "I accept this proposal" in said(see(screens, own + place))
    stranger = link(screens, screens.customer("Ben"))
    assert see(screens, stranger + place).status_code == 404
    screens.by("reconciler", lambda w: portal_links.revoke(w, _newest(screens)))
    assert see(screens, stranger).status_code == 404


def test_a_draft_is_nobodys_but_ours(screens: Screens) -> None:
    screens.ids["cedar"] = screens.customer("Cedar")
    new = replace(furniture.BATH, customer_id=screens.ids["cedar"])
    screens.ids["proposal"] = screens.by("reconciler", lambda w: proposals.create(w, new))
    for path in (
        link(screens, screens.ids["proposal"], Scope.PROPOSAL),
        f"{link(screens, screens.ids['cedar'])}/proposals/{screens.ids['proposal']}",
    ):
        assert see(screens, path).status_code == 404


def _newest(screens: Screens) -> str:
    return screens.office.scalar("select id from portal_link order by created_at desc, id desc")
