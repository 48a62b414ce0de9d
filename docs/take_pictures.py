"""Takes the README's pictures from a running demo: `.venv/bin/python docs/take_pictures.py`.

Start `./run --demo` first, in a folder of its own. The address and the login are those that it
prints; the password of an embedded demo is found in its data folder.
"""
# ruff: noqa: INP001 - a script beside the pictures, not a package

import argparse
import json
import shutil
import sys
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
UNDECIDED = "main a:has-text('Juniper Legal')"  # whose payment fits two invoices


@dataclass(frozen=True)
class Shot:
    """One picture: a page, or the page that the first link of a selector leads to."""

    name: str
    path: str
    follow: str = ""
    is_dark: bool = False
    size: tuple[int, int] = WIDE


SHOTS = (
    Shot("today", "/admin/"),
    Shot("today-dark", "/admin/", is_dark=True),
    Shot("unmatched", "/admin/unmatched", follow=UNDECIDED),
    Shot("unmatched-narrow", "/admin/unmatched", size=NARROW),
    Shot("payment", "/admin/search?q=INV-1014", follow="main a[href*='/admin/payments/']"),
    Shot("invoices", "/admin/invoices"),
    Shot("invoice", "/admin/invoices/INV-1002"),
    Shot("deposit", "/admin/deposits/DEP-2001"),
    Shot("refunds", "/admin/refunds"),
    Shot("reconciliation", "/admin/reconciliation"),
    Shot("payouts", "/admin/payouts"),
    Shot("events", "/admin/events"),
    Shot("trial-balance", "/admin/ledger/trial-balance"),
    Shot("api", "/api/v1/docs"),
)


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
    width, height = shot.size
    context = browser.new_context(
        storage_state=state,
        viewport={"width": width, "height": height},
        color_scheme="dark" if shot.is_dark else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    _open(page, url + shot.path)
    if shot.follow:
        link = page.locator(shot.follow).first
        _open(page, url + str(link.get_attribute("href")))
    path = PICTURES / f"{shot.name}.png"
    page.screenshot(path=path)
    context.close()
    sys.stdout.write(f"{path.name}: {path.stat().st_size // 1024} KiB\n")


def _open(page: Page, address: str) -> None:
    answer = page.goto(address, wait_until="networkidle")
    if answer is None or not answer.ok:
        raise SystemExit(f"{address} does not answer with a page")


if __name__ == "__main__":
    main()
