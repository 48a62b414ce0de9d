"""The screens in a real browser: by keyboard, without scripts, in the dark, on a telephone."""

from itertools import cycle

import pytest

from reconciler.flows.reread_rail import reread_rail
from reconciler.services import people, restores
from tests.browser.conftest import NARROW, PAPER, SIZES, WIDE, Site
from tests.tiers import size
from tests.web.looks import LOOKS
from tests.web.test_admin_refunds import invoice_paid, sent_back

pytestmark = pytest.mark.slow

PAGES = (
    "/", "/unmatched", "/unmatched/strong", "/recent", "/questions?view=mine",
    "/payments?status=captured", "/unmatched/{nobody}", "/unmatched/{whole}", "/payments",
    "/payments/{part}", "/invoices", "/invoices/INV-1042", "/invoices/INV-1041", "/deposits",
    "/deposits/DEP-1001", "/refunds", "/refunds?tab=others", "/refunds/{sent}",
    "/refunds/{asked}/change", "/refunds/new?invoice=INV-1041", "/disputes", "/disputes?view=all",
    "/disputes/{asked_about}", "/disputes/{lost}", "/payouts", "/payouts?view=came_back",
    "/reminders", "/reminders/{INV-1042}", "/messages", "/messages/{mail}", "/webhooks",
    "/payouts/{payout}", "/payouts/{payout_rest}", "/payouts/{payout_back}", "/questions",
    "/questions/{outside}", "/reconciliation", "/reconciliation/{run}",
    "/reconciliation/tie-out", "/statements", "/statements/{statement}", "/events",
    "/events/{event}", "/events?holds=charge", "/figures", "/ledger/trial-balance",
    "/ledger/entries",
    "/ledger/entries/{entry}", "/ledger/accounts/{cash}/{usd}", "/customers", "/customers/{acme}",
    "/customers/{acme}/change", "/account", "/jobs", "/jobs/tidy", "/switches",
    "/search?q=acme", "/restore", "/nowhere",
)  # fmt: skip
# All the others that there are, and one that has something to show.
ADMINS_PAGES = (*sorted(LOOKS.keys() - PAGES), "/events/replay?type=charge.succeeded")


# ./test opens every eighth page, one in the light and one in the dark; ./test --all each in both.
OPENED = size(quick=8, full=1)
SCHEMES = size(quick=(("light",), ("dark",)), full=(("light", "dark"),))
PRINTED = sorted(LOOKS)[:: size(quick=8, full=1)]


def _left(site: Site, number: str) -> int:
    return site.screens.office.scalar(
        "select total - paid from invoice where number = :n", n=number
    )


@pytest.mark.parametrize("size", SIZES)
def test_every_page_is_accessible_fits_and_is_silent(showroom, size):
    window = showroom.window(size=size)
    window.go("/sign-in")
    assert (window.faults(), window.overflow()) == ([], 0)
    for name, paths in (("approver", PAGES), ("admin", ADMINS_PAGES)):
        window.sign_in(name)
        for path, schemes in zip(paths[::OPENED], cycle(SCHEMES), strict=False):
            window.go(path.format(**showroom.screens.ids))
            assert window.faults(schemes) == [], path
            assert window.overflow() <= 0, path
    told = [said for said in window.complaints if "404 (NOT FOUND)" not in said]
    assert told == []


@pytest.mark.thorough  # and wider pages than a telephone: those are no narrower for it
def test_pages_stand_a_text_that_is_forty_percent_larger(showroom):
    window = showroom.window(size=NARROW)
    window.is_in("approver")
    for path in PAGES:
        window.go(path.format(**showroom.screens.ids))
        window.page.evaluate("document.documentElement.style.fontSize = '140%'")
        assert window.overflow() <= 0, path


def test_a_payment_is_matched_and_unmatched_by_keyboard_alone(acme):
    acme.screens.person("reconciler")
    window = acme.window()
    window.go("/sign-in")
    window.keys(*"reconciler@example.com", "Tab")
    window.page.keyboard.type("seven tall herons")
    window.keys("Enter")
    window.page.wait_for_selector("h1:has-text('Today')")
    window.keys("g", "u")
    window.page.wait_for_selector("h1:has-text('Unmatched')")
    window.keys("j", "k", "Enter")  # past it, and back to it
    window.page.wait_for_selector("#detail-title:focus:has-text('Acme')")
    window.keys("m")
    window.page.wait_for_selector(".toast:has-text('Matched $850.00 to INV-1042.')")
    assert _left(acme, "INV-1042") == 0
    window.keys("u")
    window.page.wait_for_selector(".banner:has-text('A reversing entry was posted')")
    assert _left(acme, "INV-1042") == 85_000
    assert window.complaints == []


def test_the_same_is_done_without_any_script(acme):
    window = acme.window(script=False)
    window.sign_in("reconciler")
    window.page.click("nav >> text=Unmatched")
    window.page.click(".item >> text=Acme")
    window.page.click("text=Match $850.00 to INV-1042")
    assert "Matched $850.00 to INV-1042." in window.text()
    assert _left(acme, "INV-1042") == 0
    window.page.click(".toast >> text=Undo")
    assert "A reversing entry was posted" in window.text()
    assert _left(acme, "INV-1042") == 85_000
    window.page.fill("input.num >> nth=0", "800")
    window.page.fill("input.num >> nth=1", "100")
    window.page.click("text=Save split")
    assert "Split is $50.00 more than the payment" in window.text()
    assert window.page.input_value("input.num >> nth=0") == "800"
    window.page.fill("input.num >> nth=1", "50")
    window.page.click("text=Save split")
    assert "Matched $850.00 to INV-10" in window.text()


def test_what_is_left_of_a_split_is_told_while_one_types(acme):
    window = acme.window()
    window.is_in("reconciler")
    window.go("/unmatched")
    window.open("Acme")
    window.page.fill("input.num >> nth=0", "800")
    window.page.wait_for_selector("#left:has-text('$50.00')")
    assert "The rest stays unapplied" in window.page.inner_text("#left-words")
    window.page.fill("input.num >> nth=1", "900")
    window.page.wait_for_selector("#left:has-text('-$850.00')")
    window.page.fill("input.num >> nth=1", "nonsense")
    window.page.wait_for_selector("#left-words:has-text('is not an amount')")
    assert window.page.input_value("input.num >> nth=0") == "800"
    assert _left(acme, "INV-1042") == 85_000


def test_the_second_of_two_people_sees_who_was_first(acme):
    first, second = acme.window(), acme.window()
    for window, name in ((first, "admin"), (second, "reconciler")):
        window.is_in(name)
        window.go("/unmatched")
        window.open("Acme")
    first.page.click("text=Match $850.00 to INV-1042")
    first.page.wait_for_selector(".toast")
    second.page.click("text=Match $850.00 to INV-1039")
    second.page.wait_for_selector("[role=alert]:has-text('Dana Cole matched this')")
    assert _left(acme, "INV-1039") == 87_500


def test_back_leads_to_what_was_open_before(acme):
    window = acme.window()
    window.is_in("viewer")
    window.go("/unmatched")
    window.open("Acme")
    window.open("Unknown payer")
    window.page.go_back()
    window.page.wait_for_selector("#detail-title:has-text('Acme')")
    assert window.page.url.rpartition("/")[2].startswith("pay_")
    window.page.go_back()
    window.page.wait_for_url("**/unmatched")
    assert window.complaints == []


def test_on_a_telephone_the_queue_leads_to_one_payment_and_back(acme):
    window = acme.window(size=NARROW)
    window.is_in("reconciler")
    window.go("/")
    window.page.click(".tabbar >> text=Unmatched")
    assert not window.page.is_visible("#detail-title")
    window.open("Acme")
    assert not window.page.is_visible("#rows")
    window.page.click("text=All unmatched payments")
    window.page.wait_for_selector("#rows")
    window.page.click(".tabbar >> text=More")
    window.page.click("#more >> text=Ledger")
    window.page.wait_for_selector("h1:has-text('Trial balance')")


def test_the_dark_is_remembered_and_keys_can_be_turned_off(showroom):
    window = showroom.window()
    window.is_in("viewer")
    window.go("/")
    window.page.click("[data-theme-toggle]")
    window.go("/invoices")
    assert window.page.evaluate("document.documentElement.dataset.theme") == "dark"
    window.keys("?")
    window.page.wait_for_selector("dialog[open]")
    window.page.uncheck("[data-shortcuts]")
    window.page.click("dialog >> text=Close")
    window.keys("g", "u")
    window.page.wait_for_timeout(200)
    assert window.page.url.endswith("/invoices")


@pytest.mark.parametrize("path", ["/invoices", "/payments", "/customers", "/projects", "/audit"])
def test_a_row_is_stepped_to_and_opened_by_keys(showroom, path):
    window = showroom.window()
    window.is_in("admin")
    window.go(path)
    place = min(1, window.page.locator("[data-row]").count() - 1)
    wanted = window.page.locator("[data-row]").nth(place).locator("a").first.get_attribute("href")
    for _ in range(place + 1):
        window.page.keyboard.press("j")
    window.page.keyboard.press("Enter")
    window.page.wait_for_url(f"**{wanted}")
    assert window.complaints == []


_COLOURS = """() => {
  document.documentElement.dataset.theme = 'dark';
  const body = getComputedStyle(document.body);
  return [body.backgroundColor, body.color.match(/\\d+/g).every((part) => part < 100)];
}"""
_FRAME = (".side", ".top", ".tabbar", ".toasts", ".skip", "dialog", "#more")


def test_pages_print_on_white_without_its_frame(showroom):
    window = showroom.window(size=PAPER, scheme="dark")
    window.is_in("admin")
    window.page.emulate_media(media="print", color_scheme="dark")
    for path in PRINTED:
        window.go(path.format(**showroom.screens.ids))
        assert [part for part in _FRAME if window.page.is_visible(part)] == [], path
        assert window.page.evaluate(_COLOURS) == ["rgb(255, 255, 255)", True], path
        assert window.overflow() <= 0, path
    assert window.page.pdf().startswith(b"%PDF")


def test_badges_stay_right_while_a_page_is_open_and_no_row_moves(acme):
    window = acme.window()
    window.page.clock.install()
    window.is_in("reconciler")
    window.go("/unmatched")
    badge = window.page.locator(".side [data-count=unmatched]")
    rows = window.page.inner_text("#rows")
    assert badge.inner_text().split() == ["2", "waiting"]
    acme.screens.paid(4_321, description="somebody else")
    window.page.clock.run_for(21_000)
    window.page.wait_for_selector("text=1 more payment waits.")
    assert badge.inner_text().split() == ["3", "waiting"]
    assert window.page.inner_text("#rows") == rows
    assert window.faults() == []
    window.page.click("text=Show what waits now")
    window.page.wait_for_selector("#rows >> text=Unknown payer >> nth=1")
    assert window.complaints == []


def test_badges_are_right_without_any_script_when_a_page_is_opened(acme):
    window = acme.window(script=False)
    window.is_in("reconciler")
    window.go("/")
    assert "2" in window.page.inner_text(".side [data-count=unmatched]")
    assert not window.page.is_visible("[data-count=disputes] >> nth=0")


def test_whoever_was_too_late_finds_what_they_typed(acme):
    first, late = acme.window(), acme.window()
    for window, name in ((first, "admin"), (late, "reconciler")):
        window.is_in(name)
        window.go(f"/unmatched/{acme.screens.ids['pay']}")
    late.page.fill("input.num >> nth=0", "500.00")
    late.page.fill("input.num >> nth=1", "350.00")
    first.page.click("text=Match $850.00 to INV-1042")
    first.page.wait_for_selector(".toast")
    first.page.click(".toast >> text=Undo")
    first.page.wait_for_selector("text=A reversing entry was posted")
    late.page.click("text=Save split")
    late.page.wait_for_selector("[role=alert]:has-text('Your change was not saved')")
    assert late.page.input_value("input.num >> nth=0") == "500.00"
    assert late.page.input_value("input.num >> nth=1") == "350.00"
    late.page.click("text=Save split")
    late.page.wait_for_selector("text=Matched $850.00 to INV-10")
    assert (_left(acme, "INV-1042"), _left(acme, "INV-1039")) == (35_000, 52_500)


def test_the_ways_of_a_refund_that_the_bank_sent_back_fit_and_are_accessible(site):
    refund_id = sent_back(invoice_paid(site.screens))
    for view in (WIDE, NARROW):
        window = site.window(size=view)
        window.is_in("approver")
        window.go(f"/refunds/{refund_id}")
        for opened in ("Pay it another way", "Keep it, the customer agrees"):
            window.page.click(f"summary:has-text('{opened}')")
        assert window.faults() == []
        assert window.overflow() <= 0
        assert window.complaints == []


def test_restored_books_say_so_on_every_page_and_two_admins_let_them_go(site):
    office = site.screens.office
    other = site.screens.person("second")
    office.do(lambda work: people.set_role(work, other, "admin"))
    office.do(lambda work: restores.suspect(work, "a drill"))
    first = site.window(size=NARROW)
    first.sign_in("admin")
    assert "No refund is sent: the database was restored." in first.text()
    assert (first.faults(), first.overflow()) == ([], 0)
    first.page.click("text=See what was forgotten")
    assert "This can be said once all of it was read." in first.text()
    for _ in range(3):
        reread_rail(office.runtime)
        office.clock.advance(seconds=15)
    first.go("/restore")
    assert (first.faults(), first.overflow()) == ([], 0)
    first.page.click("button:has-text('The books are right')")
    first.page.wait_for_selector("text=A second person has to say so too.")
    second = site.window(script=False)
    second.is_in("second")
    second.go("/restore")
    second.page.click("button:has-text('Let money move')")
    assert "Nothing is held" in second.text()
    first.go("/")
    assert "the database was restored" not in first.text()
    assert first.complaints == []


def test_a_refund_made_outside_is_answered_by_keyboard_and_without_scripts(site):
    screens = invoice_paid(site.screens)
    screens.office.world.refund(next(iter(screens.office.world.table("charge"))), 5_000)
    screens.hear("")
    owed = "select outstanding from invoice where number = 'INV-1041'"
    for script in (True, False):
        window = site.window(script=script)
        window.is_in("reconciler")
        window.go("/questions?kind=external_refund")
        window.page.click("text=Say whether the customer still owes it")
        window.page.focus("#note")
        window.page.keyboard.type("Ada said so")
        window.keys("Tab", "Tab", "Enter")
        window.page.wait_for_selector("text=Yes, it is owed again.")
        assert screens.office.scalar(owed) == 5_000
        window.page.focus("button:has-text('Take back')")
        window.keys("Enter")
        window.page.wait_for_selector("text=Taken back: the question is open again.")
        assert screens.office.scalar(owed) == 0
        assert window.complaints == []


_COVERED = """() => {
  const is = (at) => { const b = document.querySelector(at).getBoundingClientRect();
    return [b.left, b.top, b.right, b.bottom]; };
  const [l, t, r, b] = is('.toast'), covers = (at) => {
    const [left, top, right, bottom] = is(at);
    return left < r && right > l && top < b && bottom > t; };
  return ['h1', '.chips', '#detail', '#detail-title', '#split', '.tabbar', '.top'].filter(
    (at) => document.querySelector(at).checkVisibility() && covers(at));
}"""


@pytest.mark.sampled(2)
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1440", "390"])
@pytest.mark.parametrize("script", [True, False])
def test_what_was_just_done_is_told_where_it_covers_nothing(acme, size, script):
    window = acme.window(size=size, script=script)
    window.is_in("reconciler")
    window.go(f"/unmatched/{acme.screens.ids['pay']}")
    window.page.click("text=Match $850.00 to INV-1042")
    told = window.page.locator("[role=status] .toast")
    told.wait_for()
    assert told.bounding_box()["y"] + told.bounding_box()["height"] < size["height"], "at once"
    assert window.page.evaluate(_COVERED) == []
    assert window.overflow() <= 0
    assert not script or window.faults() == []
