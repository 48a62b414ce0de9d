"""Whoever does a page's work: with a mouse, with keys alone, or where no script runs.

A task is told once, in words that stand on the page, and each pair of hands does it its own way.
With keys alone means: Tab to what is wanted, then what the key does there. Nothing is focused or
filled in any other way, so what Tab does not reach cannot be done.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import NARROW, WIDE, Site, Window

TABS_MAX = 250
_IS_THERE = "wanted => document.activeElement === wanted"
_HAS_FOCUS = "document.activeElement !== document.body"
_SAYS_NO = ("401", "403", "404", "409", "422")  # a browser tells of each refusal on its console
_LOOKS_MAX = 50  # a tenth of a second apart, while a part of the page is on its way

_BEAT = 50  # milliseconds between two looks at whether what was asked for has come
_BEATS_MAX = 400
# Whether pressing this asks the server for something: a link elsewhere, or a form that may be sent.
_ASKS = """pressed => {
  const link = pressed.closest('a[href]');
  if (link) return link.href.split('#')[0] !== location.href.split('#')[0] || !link.hash;
  const form = pressed.tagName === 'BUTTON' && pressed.type === 'submit' && pressed.form;
  return !!form && form.method !== 'dialog' && (form.noValidate || form.checkValidity());
}"""

# Which page's main task is done by which test: read by tests/house/test_main_tasks.py.
DONE: dict[str, list[str]] = {}
Told = Callable[..., None]


def each() -> list[Any]:
    """Every pair of hands: the first in ./test, all of them in ./test --all."""
    first, *others = (pytest.param(kind, id=kind.__name__) for kind in HANDS)
    again = (pytest.param(*one.values, id=one.id, marks=pytest.mark.thorough) for one in others)
    return [first, *again]


def does(*pages: str) -> Callable[[Told], Told]:
    """A test that does what these pages are there for, with each pair of hands."""

    def keep(told: Told) -> Told:
        for page in pages:
            DONE.setdefault(page, []).append(told.__name__)
        is_marked = any(mark.args[0] == "hands" for mark in getattr(told, "pytestmark", []))
        alike = pytest.mark.sampled(4)(told)
        return alike if is_marked else pytest.mark.parametrize("hands", each())(alike)

    return keep


class Way:
    """What a page has asked for, and whether it has come: a page of its own, or a part of it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.asked = 0
        self._pages: set[Any] = set()
        self._parts: set[Any] = set()
        page.on("request", self._ask)
        page.on("requestfinished", self._answer)
        page.on("requestfailed", self._fail)
        page.on("load", lambda _page: self._pages.clear())
        page.on("download", self._take)

    def wait(self, *, since: int) -> None:
        """Until something was asked for after `since` had been, and all that was asked for is here.

        Keys and clicks are done before the browser has even begun to ask, so the first part is not
        left to luck.
        """
        quiet = 0  # in beats: between an answer and the page that it leads to there is a gap
        for _ in range(_BEATS_MAX):
            self.page.wait_for_timeout(_BEAT)
            is_here = self.asked > since and not self._pages and not self._parts
            quiet = quiet + 1 if is_here else 0
            if quiet > 2:
                return
        raise AssertionError(f"nothing came of what was pressed on {self.page.url}")

    def _ask(self, request: Any) -> None:
        if request.is_navigation_request() and request.frame == self.page.main_frame:
            self._pages.add(request)
        elif request.resource_type in {"fetch", "xhr"} and not request.url.endswith("/counts"):
            self._parts.add(request)
        else:
            return
        self.asked += 1

    def _take(self, _file: Any) -> None:
        self.asked += 1  # nothing else tells of a link that only hands out a file
        self._pages.clear()

    def _answer(self, request: Any) -> None:
        self._parts.discard(request)  # a page is there when it is loaded, not when it is answered

    def _fail(self, request: Any) -> None:
        self._parts.discard(request)
        self._pages.discard(request)


class Mouse:
    """Somebody who points, in a wide window."""

    size, script = WIDE, True

    def __init__(self, site: Site, name: str, *, scheme: str = "light") -> None:
        self.window: Window = site.window(size=self.size, script=self.script, scheme=scheme)
        self.page: Any = self.window.page
        self.way = Way(self.page)
        # Listened to from the start: asked for at the press itself, it may be there too late.
        self.page.on("filechooser", lambda _chooser: None)
        self.site = site
        if name:
            self.window.is_in(name)

    def go(self, path: str) -> None:
        """Open a page, as from a bookmark."""
        self.window.go(path.format(**self.site.screens.ids))

    def press(self, words: str, *, inside: str = "main") -> None:
        """What says so: a button, a link, or what unfolds; the first on the page that does.

        Words that end in a full stop are all that it says, without the full stop.
        """
        self.use(self.spoken(words, inside))

    def use(self, target: Any) -> None:
        """This, and wait for what comes of it."""
        target.wait_for()
        asks = target.evaluate(_ASKS)
        self._come_to(target)
        since = self.way.asked  # not before: on the way there a part of the page may be asked for
        self._use(target)
        if asks:
            self.way.wait(since=since)
        self.looked()

    def write(self, field: str, text: str) -> None:
        """Into the field with this id."""
        self._field(field).fill(text)

    def pick(self, field: str, label: str) -> None:
        """One of a list."""
        self._field(field).select_option(label=label)

    def tick(self, selector: str) -> None:
        """A box, or one of several choices."""
        self.one(selector).check()

    def hand_over(self, field: str, file: Path) -> None:
        """A file."""
        self._field(field).set_input_files(file)

    def find(self, text: str) -> None:
        """Look for something, from wherever one is."""
        since = self.way.asked
        self.page.fill("#search", text)
        self.page.press("#search", "Enter")
        self.way.wait(since=since)

    def reads(self, *words: str) -> None:
        """The page says so."""
        self.page.wait_for_load_state()
        missing = list(words)
        for _ in range(_LOOKS_MAX):
            said = self.window.text()
            missing = [text for text in missing if text not in said]
            if not missing:
                return
            self.page.wait_for_timeout(100)
        raise AssertionError((missing, self.page.url, said))

    def reads_no_more(self, words: str) -> None:
        """The page does not say so any longer."""
        for _ in range(_LOOKS_MAX):
            self.page.wait_for_load_state()
            if words not in self.window.text():
                return
            self.page.wait_for_timeout(100)
        raise AssertionError((words, self.page.url))

    def looked(self) -> None:
        """The page that came fits its window, and the browser has nothing to say about it."""
        assert self.window.overflow() <= 0, self.page.url
        told = [said for said in self.window.complaints if not any(n in said for n in _SAYS_NO)]
        assert told == []

    def _come_to(self, target: Any) -> None:
        """Where it can be pressed: a pointer is anywhere at once."""

    def _use(self, target: Any) -> None:
        target.click()

    def spoken(self, words: str, inside: str) -> Any:
        how = "text-is" if words.endswith(".") else "has-text"
        said = words.removesuffix(".").replace('"', '\\"')
        wanted = ", ".join(f'{tag}:{how}("{said}"):visible' for tag in ("button", "a", "summary"))
        return self.page.locator(inside).locator(wanted).first

    def _field(self, field: str) -> Any:
        return self.one(f"#{field}" if field[:1] not in "[#" else field)

    def one(self, selector: str) -> Any:
        return self.page.locator(f"main {selector}").locator("visible=true").first


class NoScript(Mouse):
    """The same on a telephone whose browser runs no script."""

    size, script = NARROW, False


class Keys(Mouse):
    """Somebody who has no mouse."""

    def find(self, text: str) -> None:
        since = self.way.asked
        self.page.keyboard.press("/")
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")
        self.way.wait(since=since)

    def write(self, field: str, text: str) -> None:
        target = self._reached(self._field(field))
        if target.get_attribute("type") == "date":
            year, month, day = text.split("-")
            self.page.keyboard.type(f"{month}{day}{year}")
        else:
            self.page.keyboard.press("Control+a")
            self.page.keyboard.insert_text(text)
        assert target.input_value() == text

    def pick(self, field: str, label: str) -> None:
        target = self._reached(self._field(field))
        self.page.keyboard.type(label)
        chosen = target.evaluate("list => list.selectedOptions[0].label")
        assert chosen == label

    def tick(self, selector: str) -> None:
        wanted = self.one(selector)
        if wanted.get_attribute("type") == "radio":
            self._reach(f"[type=radio][name={wanted.get_attribute('name')}]")
            self._walk_to(wanted)
        else:
            self._reached(wanted)
        if not wanted.is_checked():
            self.page.keyboard.press("Space")
        assert wanted.is_checked()

    def hand_over(self, field: str, file: Path) -> None:
        self._reached(self._field(field))
        with self.page.expect_file_chooser() as chooser:
            self.page.keyboard.press("Enter")
        chooser.value.set_files(file)

    def _come_to(self, target: Any) -> None:
        self._reached(target)

    def _use(self, target: Any) -> None:
        self.page.keyboard.press("Enter")

    def _reached(self, target: Any) -> Any:
        target.wait_for()
        found = target.element_handle()
        self._skip_to_content()
        for _ in range(TABS_MAX):
            if self.page.evaluate(_IS_THERE, found):
                return target
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {found.inner_html()[:80]} on {self.page.url}")

    def _skip_to_content(self) -> None:
        """Past the navigation, by the link that is there for it."""
        if self.page.evaluate(_HAS_FOCUS):
            return
        self.page.keyboard.press("Tab")
        if self.page.evaluate("document.activeElement.className") == "skip":
            self.page.keyboard.press("Enter")

    def _reach(self, several: str) -> None:
        """Any of these: Tab stops at one of a group."""
        self._skip_to_content()
        for _ in range(TABS_MAX):
            if self.page.evaluate("those => document.activeElement.matches(those)", several):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {several} on {self.page.url}")

    def _walk_to(self, wanted: Any) -> None:
        """Along a group of choices, by the arrows."""
        found = wanted.element_handle()
        for _ in range(20):
            if self.page.evaluate(_IS_THERE, found):
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError("the arrows do not lead there")


HANDS: tuple[type[Mouse], ...] = (Mouse, Keys, NoScript)
