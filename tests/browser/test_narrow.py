"""Little room: what is read stands first, and no word is broken where it would fit on a line."""

import pytest

from tests.browser.conftest import NARROW

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
