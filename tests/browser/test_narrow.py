"""Little room: what is read stands first, and no word is broken where it would fit on a line."""

import pytest

from reconciler.services import customers
from tests.browser.conftest import NARROW, Site, installed

pytestmark = pytest.mark.sampled(2)

# Words in lists of facts that stand on two lines, ids (with digits in them) left out.
_BROKEN = """() => [...document.querySelectorAll('dl.kv dd, dl.kv dt')].flatMap((one) => {
  const broken = [], texts = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
  for (let text; (text = texts.nextNode());) {
    for (const word of text.data.matchAll(/(?<![\\w@.])[A-Za-z]{3,14}(?![\\w@.])/g)) {
      const range = document.createRange();
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      const tops = [...range.getClientRects()].map((box) => Math.round(box.top));
      if (new Set(tops).size > 1) broken.push(word[0]);
    }
  }
  return broken;
})"""


def test_above_an_opened_payment_no_filters_stand_on_a_telephone(showroom):
    window = showroom.window(size=NARROW)
    window.is_in("reconciler")
    window.go("/unmatched")
    chips = window.page.locator("nav.chips")
    assert chips.first.is_visible()
    assert chips.first.bounding_box()["height"] < 60, "they stand on one line"
    window.page.click("#rows .item a")
    window.page.wait_for_selector("#detail-title:focus")
    assert not chips.first.is_visible()
    assert window.overflow() <= 0


@pytest.mark.parametrize("width", [390, 1170, 1280])
def test_facts_break_no_word(showroom, width):
    window = showroom.window(size={"width": width, "height": 900})
    window.is_in("admin")
    ids = showroom.screens.ids
    for path in (f"/customers/{ids['cedar']}", "/invoices/INV-1042", f"/payments/{ids['part']}"):
        window.go(path)
        assert window.page.evaluate(_BROKEN) == [], path


# Of each dot that CSS draws, its box; and of mail addresses, where each line of them begins.
_DOTS = """() => [...document.querySelectorAll('.health dd:not(.hint), .tile h3, .pill')].map(
  (one) => getComputedStyle(one, '::before')).filter((dot) => dot.content !== 'none').map(
  (dot) => [dot.width, dot.height]).filter(([width, height]) => width !== height)"""
_LINES = """() => [...document.querySelectorAll('.mail')].flatMap((one) =>
  [...one.childNodes].filter((part) => part.nodeType === 3).map((text) => {
    const range = document.createRange();
    range.selectNodeContents(text);
    return range.getClientRects().length; })).filter((lines) => lines > 1)"""


def test_a_dot_is_as_wide_as_it_is_high(showroom):
    window = showroom.window()
    window.is_in("admin")
    for path in ("/", "/refunds"):
        window.go(path)
        for width in (390, 700, 1170, 1440):
            window.page.set_viewport_size({"width": width, "height": 900})
            assert window.page.evaluate(_DOTS) == [], (path, width)


def test_a_mail_address_breaks_at_its_dots_and_in_no_word(showroom):
    window = showroom.window(size=NARROW)
    window.is_in("admin")
    long = "accounts.receivable@northern-cabinetmakers.example"
    made = showroom.screens.by(
        "admin", lambda work: customers.create(work, name="Northern", email=long)
    )
    for path in ("/customers", f"/customers/{made}", "/people"):
        window.go(path)
        assert window.page.locator("main .mail").count(), path
        assert window.page.evaluate(_LINES) == [], path
        assert window.overflow() <= 0


@pytest.mark.thorough
def test_who_paid_under_a_mail_address_is_read_whole_and_no_mark_is_stretched(showroom):
    office = showroom.screens.office
    paid = office.world.pay(32_000, receipt_email="m.okafor@post-office.example")
    showroom.screens.hear(paid.intent)
    window = showroom.window(size=NARROW)
    window.is_in("reconciler")
    window.go("/unmatched?sort=newest")
    item = window.page.locator("#rows .item", has_text="m.okafor").first
    assert item.locator(".mail").count() == 1
    assert window.page.evaluate(_LINES) == []
    mark = item.locator(":scope > :last-child").bounding_box()
    assert mark["height"] < 30


def test_what_is_opened_begins_where_the_list_beside_it_does(showroom):
    window = showroom.window()
    window.is_in("reconciler")
    window.go("/unmatched")
    window.page.click("#rows .item a")
    window.page.wait_for_selector("#detail-title:focus")
    tops = [
        window.page.locator(one).first.bounding_box()["y"]
        for one in ("#rows .item", "#detail .card")
    ]
    assert tops[0] == tops[1]


def test_a_trial_balance_leaves_out_the_sides_with_nothing_on_a_telephone(showroom):
    for size, is_shown in ((NARROW, False), ({"width": 1280, "height": 900}, True)):
        window = showroom.window(size=size)
        window.is_in("viewer")
        window.go("/ledger/trial-balance")
        zeros = window.page.locator("tbody td.zero")
        assert zeros.count() > 3
        assert {one.is_visible() for one in zeros.all()} == {is_shown}
        assert window.page.locator("tbody td.num:not(.zero)").first.is_visible()


def test_every_tab_is_in_sight_on_a_telephone_the_chosen_one_too(acme):
    window = acme.window(size=NARROW)
    window.is_in("approver")
    for path in ("/refunds?tab=trouble", "/ledger/trial-balance", "/refunds"):
        window.go(path)
        for tab in window.page.locator(".tabs a").all():
            box = tab.bounding_box()
            assert box, path
            assert box["x"] >= 0, path
            assert box["x"] + box["width"] <= NARROW["width"], (path, tab.inner_text())


_MENU = """() => { const menu = document.querySelector('.side');
  const sign = menu.querySelector('.brand .pill').getBoundingClientRect();
  const name = menu.querySelector('.brand svg').getBoundingClientRect();
  return {wider: menu.scrollWidth - menu.clientWidth, bar: menu.offsetWidth - menu.clientWidth,
    cut: sign.right > menu.getBoundingClientRect().left + menu.clientWidth,
    lines: sign.top >= name.bottom ? 2 : 1}; }"""


def test_a_scrollbar_that_takes_room_cuts_nothing_off_the_menu(showroom):
    browser = showroom.browser.browser_type.launch(
        executable_path=installed(),
        args=["--no-sandbox"],
        ignore_default_args=["--hide-scrollbars"],
    )
    try:
        window = Site(showroom.screens, showroom.url, browser).window()
        window.is_in("admin")
        for height in (900, 500):
            window.page.set_viewport_size({"width": 1440, "height": height})
            window.go("/")
            seen = window.page.evaluate(_MENU)
            assert seen.pop("bar") > 5, "it has one, up and down"
            assert seen == {"wider": 0, "cut": False, "lines": 1}, height
    finally:
        browser.close()
