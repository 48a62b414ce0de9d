"""Stopping things from the screens: said in words first, by an admin, with a reason for all."""

from datetime import timedelta

import pytest

from reconciler.flows.submit_refunds import submit_refunds
from reconciler.services import switches
from tests.web.screens import Screens, said


def off(screens: Screens, name: str = "refunds", reason: str = "Odd refunds since ten"):
    return screens.as_("admin").post(f"/switches/{name}", {"on": "no", "reason": reason})


def is_on(screens: Screens, name: str) -> bool:
    with screens.office.runtime.read() as session:
        return switches.state(session, name).on


def test_an_admin_reads_what_it_means_and_turns_it_off_and_on(screens: Screens) -> None:
    admin = screens.as_("admin")
    asked = admin.read("/switches/refunds")
    assert "Stop refunds?" in asked
    assert "A refund that the payment provider has already is not called back." in asked
    answer = admin.post("/switches/refunds", {"on": "no", "reason": "Odd refunds since ten"})
    assert (answer.status_code, answer.location) == (303, "/admin/switches")
    assert not is_on(screens, "refunds")
    listed = admin.read("/switches")
    assert "Off No refund is sent." in listed
    assert "Turned off by Dana Cole, 22 Nov 2026, 12:00 UTC : Odd refunds since ten" in listed
    assert "Nothing waits for it now." in admin.read("/switches/refunds")
    admin.post("/switches/refunds", {"on": "yes", "reason": "All fine"})
    assert is_on(screens, "refunds")
    assert "Turned on by Dana Cole" in admin.read("/switches")


@pytest.mark.parametrize("path", ["/", "/refunds", "/events", "/search?q=x", "/nothing-is-here"])
def test_every_page_says_so_while_something_is_off(screens: Screens, path: str) -> None:
    off(screens)
    words = said(screens.as_("viewer").get(path))
    assert "Refunds are stopped. Since 22 Nov 2026, 12:00 UTC: Odd refunds since ten" in words
    screens.as_("admin").post("/switches/refunds", {"on": "yes", "reason": "All fine"})
    assert "Refunds are stopped" not in said(screens.as_("viewer").get(path))


def test_what_stopped_by_itself_says_for_what_on_every_page(screens: Screens) -> None:
    long_ago = screens.office.clock() - timedelta(days=30)
    with screens.office.world.at(int(long_ago.timestamp())):
        screens.office.world.other_row(-250)
    screens.run()
    screens.run()
    submit_refunds(screens.office.runtime)
    viewer = screens.as_("viewer")
    assert "Refunds are stopped. Since" in viewer.read("/refunds")
    assert "Stopped by itself: twice in a row the rail's balance" in viewer.read("/refunds")
    assert "Turned off by Reconciler" in viewer.read("/switches")
    assert "Refunds were stopped: something about them is not right" in viewer.read("/questions")
    screens.as_("admin").post("/switches/refunds", {"on": "yes", "reason": "A fee of the rail"})
    submit_refunds(screens.office.runtime)
    assert "Refunds are stopped" not in viewer.read("/refunds")
    assert "Refunds were stopped" not in viewer.read("/questions")


def test_what_waits_for_it_is_counted_before_it_is_turned_on(screens: Screens) -> None:
    off(screens, "apply")
    screens.office.world.pay(5_000)
    screens.office.deliver(*screens.office.world.events())
    assert "events go on at once." in screens.as_("admin").read("/switches/apply")


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_it_is_not_turned_without_a_reason(screens: Screens, reason: str) -> None:
    answer = off(screens, reason=reason)
    assert answer.status_code == 422
    assert "Say why, in at most 500 characters." in said(answer)
    assert is_on(screens, "refunds")


def test_others_see_how_it_stands_and_whom_to_ask(screens: Screens) -> None:
    approver = screens.as_("approver")
    assert "Ask an admin for the Admin role." in approver.read("/switches")
    turned = approver.post("/switches/refunds", {"on": "no", "reason": "x"})
    assert (turned.status_code, is_on(screens, "refunds")) == (403, True)


def test_there_is_no_such_switch(screens: Screens) -> None:
    admin = screens.as_("admin")
    assert admin.get("/switches/ingest").status_code == 404
    assert admin.post("/switches/ingest", {"on": "no", "reason": "x"}).status_code == 404
