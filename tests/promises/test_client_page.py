"""The client's page: the true balance, and a milestone signed off with name and tick."""

import re

import requests

from reconciler.books.portal import Scope
from reconciler.services import invoices, milestones
from tests.web import furniture
from tests.web.screens import Screens, said
from tests.web.test_portal import link
from tests.web.test_portal_pay import form_of, hear, pay

_SEEN = re.compile(r'milestones/(mil_\w+)/sign-off".*?name="seen" value="([0-9a-f]{64})"')
_TOKEN = re.compile(r'name="form_token" value="([0-9a-f]{64})"')


def kitchen(screens: Screens, scope: Scope = Scope.CUSTOMER) -> str:
    """A client with a kitchen in four milestones; the address of their page."""
    screens.ids["cedar"] = screens.customer("Cedar")
    furniture.projects_of(screens)
    return link(screens, screens.ids["cedar" if scope is Scope.CUSTOMER else "project"], scope)


def sign(screens: Screens, path: str, milestone: str, **typed):
    html = screens.browser().get(path).get_data(as_text=True)
    found = _TOKEN.search(html)
    assert found
    seen = dict(_SEEN.findall(html)).get(milestone, "")
    form = {"form_token": found[1], "seen": seen, "name": "Cara Oak", "agreed": "yes"} | typed
    return screens.browser().post(f"{path}/milestones/{milestone}/sign-off", data=form)


def test_107_what_is_due_is_billed_less_paid_credited_and_held_and_what_is_coming_stands_apart(
    screens: Screens,
) -> None:
    ann = screens.customer("Ann Lee")
    screens.invoice(ann, 200_000, "INV-1")
    screens.deposit(ann, 30_000, "DEP-1")
    screens.paid(30_000, metadata={"deposit": "DEP-1"})
    screens.paid(80_000, metadata={"invoice": "INV-1"})
    screens.paid(50_000, metadata={"invoice": "INV-1"}, method="delayed")
    note = {"amount": 10_000, "reason": "Late"}
    screens.by("admin", lambda w: invoices.credit_note(w, screens.ids["INV-1"], **note))
    words = said(screens.browser().get(link(screens, ann)))
    for figure in (
        "$1,100.00 left to pay", "Billed $2,000.00", "Paid $800.00", "Credited $100.00",
        "On its way $500.00", "Held as deposit $300.00",
    ):  # fmt: skip
        assert figure in words, figure
    owed = screens.office.scalar(
        """select sum(p.amount) from posting p join ledger_account a on a.id = p.account_id
        where a.role = 'accounts_receivable'"""
    )
    assert owed == 110_000


def test_109_a_client_signs_off_and_the_milestone_says_who_and_when(screens: Screens) -> None:
    path, worktop = kitchen(screens, Scope.PROJECT), screens.ids["milestone_2"]
    assert sign(screens, path, worktop).status_code == 303
    assert "Signed off by Cara Oak on" in said(screens.browser().get(path))
    [row] = screens.office.rows("select * from sign_off")
    assert (row.milestone_id, row.source, row.cause_kind) == (worktop, "portal", "portal")
    again = sign(screens, path, worktop)
    assert again.status_code in (303, 409)
    noted = screens.office.rows("select * from audit_line where subject = :id", id=worktop)
    assert [line.cause_kind for line in noted][-1] == "portal"


def test_109_the_client_pays_a_part_of_the_milestone_that_they_signed_off(screens: Screens) -> None:
    path, worktop = kitchen(screens, Scope.PROJECT), screens.ids["milestone_2"]
    assert sign(screens, path, worktop).status_code == 303
    [invoice] = screens.office.rows("select id from invoice where milestone_id = :id", id=worktop)
    screens.by("reconciler", lambda w: invoices.send(w, invoice.id))
    url = pay(screens, path, form_of(screens, path, invoice.id, "400.00"))
    assert requests.post(url, data={"method": "card"}, timeout=5, allow_redirects=False).ok
    hear(screens)
    assert "Partly paid" in said(screens.browser().get(path))
    assert screens.office.scalar("select paid from invoice where id = :id", id=invoice.id) == 40_000


def test_what_is_missing_or_changed_meanwhile_signs_nothing(screens: Screens) -> None:
    path, worktop = kitchen(screens), screens.ids["milestone_2"]
    for typed, status in (
        ({"agreed": ""}, 422), ({"name": " "}, 422), ({"name": "x" * 500}, 422),
        ({"seen": "0" * 64}, 409), ({"form_token": "made up"}, 400),
    ):  # fmt: skip
        assert sign(screens, path, worktop, **typed).status_code == status, typed
    html = screens.browser().get(path).get_data(as_text=True)
    seen = dict(_SEEN.findall(html))[worktop]
    screens.by("reconciler", lambda w: milestones.patch(w, worktop, {"description": "Ash"}))
    assert sign(screens, path, worktop, seen=seen).status_code == 409
    assert screens.office.scalar("select count(*) from sign_off") == 0


def test_a_milestone_of_another_client_is_answered_like_nothing(screens: Screens) -> None:
    kitchen(screens)
    stranger = screens.customer("Ben Ode")
    screens.invoice(stranger, 5_000, "INV-9")
    theirs = link(screens, stranger)
    answer = sign(screens, theirs, screens.ids["milestone_2"])
    assert answer.status_code == 404
    assert screens.office.scalar("select count(*) from sign_off") == 0


def test_what_is_held_ahead_and_what_is_signed_is_not_asked_for(screens: Screens) -> None:
    path = kitchen(screens)
    html = screens.browser().get(path).get_data(as_text=True)
    assert {at for at, _ in _SEEN.findall(html)} == {
        screens.ids[f"milestone_{place}"] for place in (1, 2, 3)
    }
    sign(screens, path, screens.ids["milestone_1"])
    html = screens.browser().get(path).get_data(as_text=True)
    assert screens.ids["milestone_1"] not in dict(_SEEN.findall(html))
