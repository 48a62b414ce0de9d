"""A real browser in front of a real server: Chromium, where the machine has one."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.sandbox.server import serve
from tests.runtime import line, office, stripe_api
from tests.web import furniture
from tests.web.screens import COOKIE, PASSWORD, Screens, company, screens

__all__ = ["company", "line", "office", "screens", "stripe_api"]

# The first has no windows of its own to keep, and takes a third less of the processor for it.
_NAMES = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome",
    "google-chrome-stable",
)  # fmt: skip
_WIDER = "document.documentElement.scrollWidth - window.innerWidth"
_GOES_ON_MAX = 20
_ON_ITS_WAY = ("Execution context was destroyed", "Cannot read properties of null")
_AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_bytes()
# As a script of the site, it is read and compiled once, and not with each page.
_AXE_PATH = "/axe.min.js"
_AXE_HEAD = [("Content-Type", "text/javascript"), ("Cache-Control", "max-age=3600")]
# Only of what is wrong a list is made: it takes most of the time, of what is right too.
_JUDGED = "only => axe.run(document, {runOnly: only, resultTypes: ['violations']})"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}
PAPER = {"width": 794, "height": 1123}  # A4
# What fits and is accessible on a telephone is seldom worse on a desk: that is repetition.
SIZES = [
    pytest.param(WIDE, marks=pytest.mark.thorough, id="1440"),
    pytest.param(NARROW, id="390"),
]


@dataclass
class Window:
    """A page, with all that the browser had to complain about."""

    page: object
    url: str
    complaints: list[str]
    screens: Screens

    def go(self, path: str) -> None:
        """Open an address of the screens."""
        self.page.goto(f"{self.url}/admin{path}")

    def sign_in(self, name: str) -> None:
        """Through the door, as `name`, who is made when first asked for."""
        self.screens.person(name)
        self.go("/sign-in")
        self.page.fill("#email", f"{name}@example.com")
        self.page.fill("#password", PASSWORD)
        self.page.click("button.primary")
        self.page.wait_for_selector("h1:has-text('Today')")

    def is_in(self, name: str) -> None:
        """As after the door, which is gone through without a page: most tests are not about it."""
        session = self.screens.as_(name).client.get_cookie(COOKIE)
        assert session
        self.page.context.add_cookies([{"name": COOKIE, "value": session.value, "url": self.url}])

    def keys(self, *keys: str) -> None:
        """Press these, one after the other, wherever the focus is."""
        for key in keys:
            self.page.keyboard.press(key)

    def open(self, who: str) -> None:
        """Their payment in the queue; it may be open: its words take the focus once it is new."""
        self.page.click(f".item >> text={who}")
        self.page.wait_for_selector(f"#detail-title:focus:has-text('{who}')")

    def text(self) -> str:
        """The words on the page, once it is all there."""
        self.page.wait_for_load_state()
        return " ".join(self.page.inner_text("body").split())

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window, once it is all there."""
        for _ in range(_GOES_ON_MAX):
            self.page.wait_for_load_state()
            try:
                return self.page.evaluate(_WIDER)
            except Exception as error:  # it goes on to another page just now
                if not any(said in str(error) for said in _ON_ITS_WAY):
                    raise
                self.page.wait_for_timeout(100)
        return self.page.evaluate(_WIDER)

    def faults(self, schemes: Sequence[str] = ("light", "dark")) -> list[str]:
        """What the accessibility rules find wrong: all of them, and contrast in each scheme."""
        if not schemes:
            return []
        if "/portal/" in self.page.url:  # no script may run there, nor one of the same site
            self.page.evaluate(_AXE.decode())
        else:
            self.page.add_script_tag(url=f"{self.url}{_AXE_PATH}")
        found = self._run(schemes[0], {"type": "tag", "values": _RULES})
        for scheme in schemes[1:]:
            found += self._run(scheme, {"type": "rule", "values": ["color-contrast"]})
        return found

    def _run(self, scheme: str, only: dict) -> list[str]:
        self.page.emulate_media(color_scheme=scheme)
        found = self.page.evaluate(_JUDGED, only)
        return [
            f"{one['id']}: {node['html'][:120]}"
            for one in found["violations"]
            for node in one["nodes"]
        ]


@dataclass
class Site:
    """Screens, served."""

    screens: Screens
    url: str
    browser: object

    def window(self, *, size=None, scheme="light", script=True) -> Window:
        """A new window that nobody is signed in with."""
        context = self.browser.new_context(
            viewport=size or WIDE,
            color_scheme=scheme,
            java_script_enabled=script,
            reduced_motion="reduce",  # colours that are on their way have no contrast to judge
        )
        context.set_default_timeout(20_000)
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(f"{page.url}: {said.text}"))
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        return Window(page, self.url, complaints, self.screens)


def installed() -> str | None:
    """Where the browser is, if the machine has one."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """The browser; without one the tests say so and are left out."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = installed()
    if path is None:
        pytest.skip(f"no Chromium here (looked for {', '.join(_NAMES)})")
    with playwright.sync_playwright() as player:
        browser = player.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Counted:
    """An application that knows how many of its answers are on their way, and axe beside it."""

    def __init__(self, app: object) -> None:
        self._app, self._lock, self.number = app, threading.Lock(), 0

    def __call__(self, environ: dict, start_response: Callable) -> list[bytes]:
        """One answer, whole."""
        if environ["PATH_INFO"] == _AXE_PATH:
            start_response("200 OK", _AXE_HEAD)
            return [_AXE]
        with self._lock:
            self.number += 1
        try:
            with closing(self._app(environ, start_response)) as answer:
                return list(answer)
        finally:
            with self._lock:
                self.number -= 1


def _served(made: Screens, browser: object) -> Iterator[Site]:
    app = Counted(made.app)
    server = serve(app)
    yield Site(made, server.url, browser)
    for context in browser.contexts:  # a page that still asks would hold a connection for ever
        context.close()
    server.close()
    # A request that is still being answered has a connection, which the pool must have back first.
    pool, until = made.office.runtime.engine.pool, time.monotonic() + 20
    while (app.number or pool.checkedout()) and time.monotonic() < until:
        threading.Event().wait(0.02)


@pytest.fixture
def site(chromium: object, screens: Screens) -> Iterator[Site]:
    """Screens of an office with empty books, served."""
    yield from _served(screens, chromium)


@pytest.fixture
def acme(site: Site) -> Site:
    """850.00 that names neither of two open invoices, and a payment that names nothing."""
    screens = site.screens
    rail_id = screens.office.world.create_customer(name="Acme", email="pay@acme.example")
    customer_id = screens.customer("Acme", rail_customers={"stripe": rail_id})
    screens.invoice(customer_id, 85_000, "INV-1042")
    screens.invoice(customer_id, 87_500, "INV-1039")
    thanks = "thanks INV-1042 INV-1039"
    screens.ids["pay"] = screens.paid(85_000, customer=rail_id, description=thanks)
    screens.ids["odd"] = screens.paid(1_234, description="who knows")
    return site


@pytest.fixture(scope="module")
def showroom(chromium: object, company: Screens) -> Iterator[Site]:
    """Screens of a company with something of everything, served. For looking only."""
    furniture.projects_of(company)
    furniture.fee_of(company)
    furniture.proposal_of(company)
    furniture.purchases_of(company)
    yield from _served(company, chromium)
