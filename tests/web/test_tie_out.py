"""The tie-out as a page and as JSON: the same figures, the same reasons."""

import threading
import time

import pytest

from reconciler.web.admin import tie_out as screen
from tests.web.api import refused
from tests.web.screens import Screens, said


@pytest.fixture
def differing(screens: Screens) -> tuple[Screens, str]:
    """A payment that is known, a movement that is not, and one in suspense."""
    world, office = screens.office.world, screens.office
    office.deliver(*(world.pay(5_000), world.events())[1])
    office.drain()
    return screens, world.other_row(-250)


def test_the_same_on_both_sides(screens: Screens) -> None:
    screens.paid(5_000)
    page = screens.as_("viewer").read("/reconciliation/tie-out")
    assert "USD The same" in page
    assert "reason" not in page.partition("USD The same")[2]


def test_what_differs_is_named_with_its_amount_and_a_way_on(
    differing: tuple[Screens, str],
) -> None:
    screens, movement = differing
    page = screens.as_("viewer").read("/reconciliation/tie-out")
    assert "USD Explained" in page
    assert (
        f"{movement} The payment provider moved it, and nobody here has heard of it (fee) -$2.50"
        in page
    )
    screens.run()
    assert "USD The same" in screens.as_("viewer").read("/reconciliation/tie-out")


def test_what_is_only_awaited_is_nothing_amiss(screens: Screens) -> None:
    payment = screens.office.world.pay(5_000)
    screens.office.deliver(*screens.office.world.events())
    screens.office.apply()
    screens.office.world.truth.tables["balance_transaction"].clear()
    page = screens.as_("viewer").read("/reconciliation/tie-out")
    assert "USD Awaited" in page
    assert f"the balance movements of {payment.charge}" in page


def test_what_no_movement_explains_is_said_to_be(
    screens: Screens, monkeypatch: pytest.MonkeyPatch
) -> None:
    screens.paid(5_000)
    rail = screens.office.runtime.rails["stripe"]
    asked = rail.balance
    monkeypatch.setattr(
        rail, "balance", lambda: {name: held + 7 for name, held in asked().items()}, raising=False
    )
    page = screens.as_("viewer").read("/reconciliation/tie-out")
    assert "USD Not explained" in page
    assert page.count("$0.07") == 2


def test_suspense_is_shown_and_a_long_list_is_cut(
    screens: Screens, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = screens.office.world
    monkeypatch.setattr(screen, "LINES_MAX", 1)
    for amount in (-5, -7):
        world.other_row(amount, kind="mystery", category="mystery")
    page = screens.as_("viewer").read("/reconciliation/tie-out")
    assert "2 reasons, the largest 1 shown" in page
    screens.run()
    page = screens.as_("viewer").read("/reconciliation/tie-out")
    assert "in suspense until somebody says what it is" in page


def test_a_rail_that_is_down_is_said_to_be(screens: Screens) -> None:
    screens.office.line.app = lambda _environ, start: (start("503 Down", []), [b"{}"])[1]
    assert "Stripe cannot be asked now" in screens.as_("viewer").read("/reconciliation/tie-out")


def test_programs_read_the_same(empty_api) -> None:
    api = empty_api
    api.paid(5_000)
    other = api.office.world.other_row(-250)
    (stripe,) = api.read("/tie-out")["data"]
    assert (stripe["rail"], stripe["why_not"], stripe["is_still"]) == ("stripe", None, True)
    (usd,) = stripe["tied"]
    assert (usd["currency"], usd["difference"], usd["unexplained"]) == ("USD", -250, 0)
    (line,) = usd["lines"]
    assert (line["why"], line["amount"], line["subject"]) == ("not_here", -250, other)
    api.sound()


def test_programs_read_many_reasons_in_pages_each_with_all_sums(empty_api) -> None:
    api = empty_api
    api.paid(5_000)
    for amount in (-5, -700, 20, -20):
        api.office.world.other_row(amount)
    read, cursor = [], None
    while cursor is not None or not read:
        page = api.read("/tie-out", limit="2", **({"cursor": cursor} if cursor else {}))
        (usd,) = page["data"][0]["tied"]
        assert (usd["difference"], usd["unexplained"]) == (-705, 0)
        read.append([line["amount"] for line in usd["lines"]])
        cursor = page["next_cursor"]
    assert [len(part) for part in read] == [2, 2]
    assert read[0][0] == -700
    assert sorted(read[0] + read[1]) == [-700, -20, -5, 20]
    refused(api.get("/tie-out", cursor="bm8"), 422, "cursor")
    api.sound()


def test_a_slow_rail_holds_no_page_up_and_what_is_known_is_shown_with_its_age(
    screens: Screens, monkeypatch: pytest.MonkeyPatch
) -> None:
    vera = screens.as_("viewer")
    screens.office.faults.add("delay", method="GET", path="/v1/balance", seconds=2.0, count=None)
    monkeypatch.setattr(screen, "PATIENCE_SECONDS", 0.2)
    begun = time.monotonic()
    page = vera.read("/reconciliation/tie-out")
    assert time.monotonic() - begun < 1.5
    assert "Stripe cannot be asked now: it has not answered within 0.2 seconds." in page
    assert "No run has ended yet that compared it." in page
    screens.office.faults.clear()
    screens.run()
    screens.office.clock.advance(minutes=12)
    screens.office.faults.add("delay", method="GET", path="/v1/balance", seconds=2.0, count=None)
    answer = screens.as_("viewer").get("/reconciliation/tie-out")
    assert answer.status_code == 200
    assert "12 minutes ago" in said(answer)
    assert "all that it held was explained to the unit." in said(answer)
    screens.office.faults.clear()
    for thread in threading.enumerate():
        if thread.name == "tie-out":
            thread.join(20)  # nobody waits for it, and it still looks at the books
