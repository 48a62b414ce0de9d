"""An account's statement: it begins and ends with what the ledger says, and every line leads on."""

import re
from datetime import date, timedelta

import pytest

from reconciler.flows.count_figures import count_figures
from reconciler.reads import account_statements, ledger
from tests.builders import captured, invoice, named, observe
from tests.web.screens import Screens

CASH = ("unapplied_cash", "", "", "USD")


@pytest.fixture(params=[0, account_statements.FEW], ids=["many", "few"], autouse=True)
def _few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries are gone through, or those of the account looked up: it reads the same."""
    monkeypatch.setattr(account_statements, "FEW", request.param)


def busy(screens: Screens, days: int = 4) -> None:
    """A few days with a payment each; the first one's is matched."""
    office = screens.office
    invoice(office, "INV-1", 500)
    for n in range(days):
        name = named(invoice=f"INV-{n + 1}")
        observe(office, captured(500 + n, f"pi_{n}", named=name))
        office.clock.advance(days=1)


Told = tuple[int, int]


def told(screens: Screens, since: date, until: date, *, limit: int = 50) -> tuple[list[Told], int]:
    """Each amount on unapplied cash with the balance after it, over all pages; and the closing."""
    found: list[Told] = []
    cursor = None
    while True:
        with screens.office.runtime.read() as session:
            page = account_statements.one(session, CASH, since, until, cursor=cursor, limit=limit)
        found += [(line.amount, line.balance) for line in page.lines]
        cursor = page.more
        if cursor is None:
            return found, page.closing


@pytest.mark.parametrize("is_added_up", [False, True])
def test_a_statement_goes_from_its_opening_to_its_closing_balance(screens, is_added_up) -> None:
    busy(screens)
    if is_added_up:
        count_figures(screens.office.runtime)
    today = screens.office.clock().date()
    first = today - timedelta(days=4)
    lines, closing = told(screens, first, today)
    assert sorted(amount for amount, _ in lines) == [-503, -502, -501, -500, 500]
    assert lines[-1] == (-503, -1_506)
    assert closing == -1_506
    # The rail made all of them on the first day, and so they count on it, whenever they were told.
    assert told(screens, first, first) == (lines, closing)
    assert told(screens, first + timedelta(days=1), today) == ([], closing)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_carry_the_balance_over(screens: Screens, limit: int) -> None:
    busy(screens)
    today = screens.office.clock().date()
    first = today - timedelta(days=10)
    whole = told(screens, first, today)
    assert len(whole[0]) == 5
    assert told(screens, first, today, limit=limit) == whole


@pytest.mark.parametrize("is_added_up", [False, True])
def test_totals_by_day_are_the_same_as_every_posting(screens: Screens, is_added_up: bool) -> None:
    busy(screens)
    office = screens.office
    if is_added_up:
        count_figures(office.runtime)
        assert office.scalar("select count(*) from ledger_day") > 0
        observe(office, captured(9, "pi_late"))  # and something that is not added up yet
    with office.runtime.read() as session:
        balances = {
            (a.role, a.rail or "", a.category or "", a.currency): a.balance
            for a in ledger.accounts(session)
        }
        today = office.clock().date()
        for account, balance in balances.items():
            found = account_statements.one(session, account, today, today, cursor=None, limit=1)
            assert found.closing == balance, account
    assert balances


def test_adding_up_twice_adds_nothing(screens: Screens) -> None:
    busy(screens)
    count_figures(screens.office.runtime)
    before = screens.office.rows("select * from ledger_day order by 1, 2")
    for _ in range(2):
        screens.office.clock.advance(hours=1)
        count_figures(screens.office.runtime)
    assert screens.office.rows("select * from ledger_day order by 1, 2") == before


def test_a_machine_whose_clock_is_late_writes_nothing_into_what_is_added_up(
    screens: Screens,
) -> None:
    busy(screens)
    office = screens.office
    count_figures(office.runtime)
    office.clock.advance(days=-2)
    observe(office, captured(7, "pi_late"))
    assert office.violations() == []
    with office.runtime.read() as session:
        balance = {a.role: a.balance for a in ledger.accounts(session)}
    assert balance["unapplied_cash"] == -1_513
    office.clock.advance(days=3)
    count_figures(office.runtime)
    assert office.violations() == []


def test_the_page_of_an_account_leads_to_its_entries_and_they_back(screens: Screens) -> None:
    busy(screens)
    viewer = screens.as_("viewer")
    page = viewer.get("/ledger/accounts/unapplied_cash/USD")
    assert "Balance at the beginning" in page.text
    assert "-$15.06" in page.text
    entry = re.search(r'href="/admin(/ledger/entries/[^"]+)"', page.text)
    assert entry
    words = viewer.read(entry[1])
    assert "Unapplied cash" in words
    assert "Why it is there" in words
    assert 'href="/admin/ledger/accounts/unapplied_cash/USD' in viewer.get(entry[1]).text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/ledger/accounts/unapplied_cash/EUR", 404),
        ("/ledger/accounts/nothing/USD", 404),
        ("/ledger/accounts/unapplied_cash/USD?since=2026-12-31&until=2026-12-01", 422),
        ("/ledger/accounts/unapplied_cash/USD?since=soon", 422),
        ("/ledger/accounts/unapplied_cash/USD?before=odd", 422),
        ("/ledger/entries/none", 404),
    ],
)
def test_what_there_is_not_is_said_to_be_so(screens: Screens, path: str, status: int) -> None:
    busy(screens, days=1)
    assert screens.as_("viewer").get(path).status_code == status
