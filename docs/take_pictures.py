"""Takes the README's pictures from a running demo: `.venv/bin/python docs/take_pictures.py`.

Start `./run --demo` first, in a folder of its own. The address and the login are those that it
prints; the password of an embedded demo is found in its data folder.
"""
# ruff: noqa: INP001 - a script beside the pictures, not a package

import argparse
import json
import shutil
import struct
import sys
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

PICTURES = Path(__file__).with_name("pictures")
PROJECT = Path(__file__).parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDE = (1440, 900)
NARROW = (390, 844)


@dataclass(frozen=True)
class Shot:
    """One picture: a page, or the page that the first link of a selector leads to."""

    name: str
    path: str
    follow: str = ""
    is_dark: bool = False
    size: tuple[int, int] = WIDE


ROW = "main [data-row] a"  # the first of a list
SHOTS = (
    Shot("today", "/admin/"),
    Shot("today-dark", "/admin/", is_dark=True),
    Shot("unmatched", "/admin/unmatched?view=several", follow=ROW),  # it fits two
    Shot("unmatched-narrow", "/admin/unmatched", size=NARROW),
    Shot("questions", "/admin/questions"),
    Shot("refunds", "/admin/refunds"),
    Shot("refund", "/admin/refunds?tab=done", follow="main a[href*='/admin/refunds/rfd']"),
    Shot("refund-asked", "/admin/refunds/new?invoice=INV-1002"),
    Shot("disputes", "/admin/disputes?view=all"),
    Shot("dispute", "/admin/disputes?view=all", follow=ROW),
    Shot("payments", "/admin/payments"),
    Shot("payment", "/admin/search?q=INV-1014", follow="main a[href*='/admin/payments/']"),
    Shot("projects", "/admin/projects"),
    Shot("project", "/admin/projects", follow=ROW),
    Shot("proposal", "/admin/proposals", follow=ROW),
    Shot("invoices", "/admin/invoices"),
    Shot("invoice", "/admin/invoices/INV-1002"),
    Shot("invoice-editor", "/admin/invoices/new"),
    Shot("deposits", "/admin/deposits"),
    Shot("deposit", "/admin/deposits/DEP-2001"),
    Shot("customer", "/admin/customers", follow=ROW),
    Shot("payouts", "/admin/payouts"),
    Shot("payout", "/admin/payouts", follow=ROW),
    Shot("reminders", "/admin/reminders"),
    Shot("figures", "/admin/figures"),
    Shot("bills", "/admin/bills"),
    Shot("bill", "/admin/bills", follow=ROW),
    Shot("prepayments", "/admin/prepayments"),
    Shot("reconciliation", "/admin/reconciliation"),
    Shot("tie-out", "/admin/reconciliation/tie-out"),
    Shot("imports", "/admin/imports"),
    Shot("events", "/admin/events"),
    Shot("event", "/admin/events", follow=ROW),
    Shot("trial-balance", "/admin/ledger/trial-balance"),
    Shot("account-statement", "/admin/ledger", follow="main a[href*='/ledger/accounts/']"),
    Shot("entry", "/admin/ledger/entries", follow="main a[href*='/ledger/entries/']"),
    Shot("periods", "/admin/ledger/periods"),
    Shot("jobs", "/admin/jobs"),
    Shot("webhooks", "/admin/webhooks"),
    Shot("switches", "/admin/switches"),
    Shot("audit", "/admin/audit"),
    Shot("people", "/admin/people"),
    Shot("settings", "/admin/settings"),
    Shot("api", "/api/v1/docs"),
)
CLIENTS = Shot("client", "/admin/customers", follow=ROW)  # leads to whose page it is

# A picture of a page has few colours: the most frequent that differ, and each pixel the nearest.
_FEW_COLOURS = """
async ([png, most, apart]) => {
  const image = new Image();
  image.src = 'data:image/png;base64,' + png;
  await image.decode();
  const board = new OffscreenCanvas(image.width, image.height).getContext('2d');
  board.drawImage(image, 0, 0);
  const dots = board.getImageData(0, 0, image.width, image.height).data;
  const colour = (i) => dots[i] << 16 | dots[i + 1] << 8 | dots[i + 2];
  const far = (a, b) => ((a >> 16) - (b >> 16)) ** 2
    + ((a >> 8 & 255) - (b >> 8 & 255)) ** 2 + ((a & 255) - (b & 255)) ** 2;
  const often = new Map();
  for (let i = 0; i < dots.length; i += 4) often.set(colour(i), (often.get(colour(i)) ?? 0) + 1);
  const palette = [];
  for (const [one] of [...often].sort((a, b) => b[1] - a[1])) {
    const isNew = palette.every((other) => far(one, other) > apart);
    if (palette.length < most && isNew) palette.push(one);
  }
  const nearest = new Map();
  for (const one of often.keys()) {
    let best = 0;
    palette.forEach((other, n) => { if (far(one, other) < far(one, palette[best])) best = n; });
    nearest.set(one, best);
  }
  let rows = '';
  for (let i = 0; i < dots.length; i += 4) rows += String.fromCharCode(nearest.get(colour(i)));
  return [image.width, image.height, palette, btoa(rows)];
}
"""
COLOURS_MAX = 128
COLOURS_APART = 30  # squared distance in RGB: nobody sees less


def main() -> None:
    """Take them all."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--url", default="http://127.0.0.1:8000")
    wanted.add_argument("--email", default="admin@example.com")
    wanted.add_argument("--password", default="", help="of that person; else from --data-dir")
    wanted.add_argument("--data-dir", type=Path, default=PROJECT / "var")
    wanted.add_argument("--only", nargs="*", default=[], help="names of pictures")
    asked = wanted.parse_args()
    password = asked.password or _kept_password(asked.data_dir)
    PICTURES.mkdir(exist_ok=True)
    with _browser() as browser:
        state = _signed_in(browser, asked.url, asked.email, password)
        for shot in SHOTS:
            if not asked.only or shot.name in asked.only:
                _take(browser, asked.url, state, shot)
        if not asked.only or CLIENTS.name in asked.only:
            _take_the_clients_page(browser, asked.url, state)


def _kept_password(data_dir: Path) -> str:
    return str(json.loads((data_dir / "local.json").read_text())["admin_password"])


@contextmanager
def _browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise SystemExit("no Chromium is found; Debian: apt install chromium")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


def _signed_in(browser: Browser, url: str, email: str, password: str) -> object:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}/admin/sign-in")
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", password)
    page.click("main button[type=submit], form button")
    page.wait_for_url(f"{url}/admin/")
    return context.storage_state()


def _take(browser: Browser, url: str, state: object, shot: Shot) -> None:
    page = _page(browser, state, shot)
    _open(page, url + shot.path)
    if shot.follow:
        link = page.locator(shot.follow).first
        _open(page, url + str(link.get_attribute("href")))
    _keep(page, shot)


def _take_the_clients_page(browser: Browser, url: str, state: object) -> None:
    """As a client sees it, by a link that is made for the picture."""
    page = _page(browser, state, CLIENTS)
    _open(page, url + CLIENTS.path)
    _open(page, url + str(page.locator(CLIENTS.follow).first.get_attribute("href")))
    page.click('main a:has-text("Client\'s page")')
    page.click("main button:has-text('Make the link')")
    link = page.input_value("#url")
    page.context.clear_cookies()  # a client is not signed in
    _open(page, link)
    _keep(page, CLIENTS)


def _page(browser: Browser, state: object, shot: Shot) -> Page:
    width, height = shot.size
    return browser.new_context(
        storage_state=state,
        viewport={"width": width, "height": height},
        color_scheme="dark" if shot.is_dark else "light",
        reduced_motion="reduce",
    ).new_page()


def _keep(page: Page, shot: Shot) -> None:
    path = PICTURES / f"{shot.name}.png"
    png = page.screenshot()
    desk = page.context.browser.new_page()  # an empty one, whose policy allows what we do there
    path.write_bytes(_small(desk, png))
    desk.close()
    page.context.close()
    sys.stdout.write(f"{path.name}: {path.stat().st_size // 1024} KiB\n")


def _small(desk: Page, png: bytes) -> bytes:
    """The same picture with few colours, as a PNG with a palette."""
    asked = [b64encode(png).decode(), COLOURS_MAX, COLOURS_APART]
    width, height, palette, dots = desk.evaluate(_FEW_COLOURS, asked)
    rows = b64decode(dots)
    lines = b"".join(b"\0" + rows[at : at + width] for at in range(0, len(rows), width))
    colours = b"".join(colour.to_bytes(3, "big") for colour in palette)
    return b"\x89PNG\r\n\x1a\n" + b"".join((
        _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        _chunk(b"PLTE", colours),
        _chunk(b"IDAT", zlib.compress(lines, 9)),
        _chunk(b"IEND", b""),
    ))  # fmt: skip


def _chunk(kind: bytes, held: bytes) -> bytes:
    checked = zlib.crc32(kind + held)
    return struct.pack(">I", len(held)) + kind + held + struct.pack(">I", checked)


def _open(page: Page, address: str) -> None:
    answer = page.goto(address, wait_until="networkidle")
    if answer is None or not answer.ok:
        raise SystemExit(f"{address} does not answer with a page")


if __name__ == "__main__":
    main()
