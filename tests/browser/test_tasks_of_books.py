"""What the pages of bank, ledger, events and the house are there for, with every pair of hands."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from reconciler.flows.count_figures import count_figures
from reconciler.flows.import_files import import_files
from reconciler.flows.reconcile import carry_on
from reconciler.flows.reread_rail import reread_rail
from reconciler.services import people, restores
from tests.browser.conftest import Site
from tests.browser.hands import Mouse, does

pytestmark = pytest.mark.slow
Hands = Callable[..., Mouse]
HEAD = "Transaction ID,Date,Amount,Currency,Description\n"
DAY = date(2026, 11, 20)


def lines(site: Site) -> dict[str, str]:
    """How each line of the bank stands, by its text."""
    return {row.text: row.state for row in site.screens.office.rows("select * from bank_line")}


@does("/statements", "/statements/<statement_id>")
def test_a_bank_file_is_read_and_its_lines_told_apart(
    site: Site, hands: Hands, tmp_path: Path
) -> None:
    screens = site.screens
    screens.invoice(screens.customer("Ann"), 10_000, "INV-1")
    screens.in_cash("INV-1", 10_000)
    file, again = tmp_path / "november.csv", tmp_path / "again.csv"
    body = f"a,{DAY},98.50,USD,Transfer\nb,{DAY},-3.50,USD,Coffee\nc,{DAY},-1.00,USD,Paper\n"
    file.write_text(HEAD + body)
    again.write_text(HEAD + body.replace("-3.50", "-4.50"))
    rae = hands(site, "reconciler")
    rae.go("/statements")
    rae.hand_over("file", file)
    rae.write("bank_account", "Giro")
    rae.press("Read it")
    rae.reads("Coffee", "Paper")
    ids = {row.text: row.id for row in screens.office.rows("select * from bank_line")}
    # What came is less by the bank's fee, which is said.
    rae.write(f"[id='{ids['Transfer']}-fee']", "Foreign transfer")
    rae.press("$1.50 is the bank's fee")
    rae.reads("The bank took a fee of $1.50: Foreign transfer")
    rae.write(f"[id='{ids['Paper']}-why']", "Petty cash")
    rae.use(rae.one(f"button[value=set_aside][aria-describedby='{ids['Paper']}']"))
    rae.reads("Petty cash")
    assert (lines(site)["Transfer"], lines(site)["Paper"]) == ("tied", "set_aside")
    # The bank sends a line again, with another amount.
    rae.go("/statements")
    rae.hand_over("file", again)
    rae.write("bank_account", "Giro")
    rae.press("Read it")
    rae.reads("The bank says otherwise than before")
    rae.press("Take the new line")
    rae.reads_no_more("The bank says otherwise than before")
    rae.reads("-$4.50")
    assert screens.office.scalar("select state from bank_correction") == "taken"
    assert screens.office.violations() == []


@does("/imports", "/imports/<draft_id>", "/exports")
def test_a_file_is_looked_at_before_it_is_taken_over_and_all_is_handed_out(
    site: Site, hands: Hands, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("kind,id,name\ncustomer,c-1,Ann Lee\ncustomer,c-2,Bo Ek\n")
    rae, office = hands(site, "reconciler"), site.screens.office
    rae.go("/imports")
    rae.hand_over("file", file)
    rae.press("See what would change")
    assert import_files(office.runtime)
    rae.page.reload()
    rae.reads("What would change")
    assert office.scalar("select count(*) from customer") == 0
    rae.press("Take over 2 rows")
    import_files(office.runtime)
    assert office.scalar("select count(*) from customer") == 2
    rae.go("/imports")
    rae.press("Export everything")
    with rae.page.expect_download() as handed:
        rae.use(rae.spoken("CSV.", "main"))
    assert handed.value.suggested_filename.endswith(".csv")


@does("/reconciliation", "/reconciliation/<run_id>", "/reconciliation/tie-out")
def test_a_run_is_begun_and_says_what_it_found(site: Site, hands: Hands) -> None:
    site.screens.paid(5_000, description="thanks")
    site.screens.office.clock.advance(minutes=3)
    rae = hands(site, "reconciler")
    rae.go("/reconciliation")
    rae.write("since", "2026-11-15")
    rae.press("Run now")
    while carry_on(site.screens.office.runtime):
        pass
    rae.page.reload()
    rae.reads("Stripe")
    run = site.screens.office.scalar("select id from reconciliation_run")
    rae.window.go(f"/reconciliation/{run}")
    rae.reads("0")
    rae.go("/reconciliation")
    rae.press("Tie-out")
    rae.reads("Tie-out")


@does("/events", "/events/<event_id>", "/events/replay")
def test_an_event_is_found_by_what_it_holds_and_done_over_after_a_trial(
    site: Site, hands: Hands
) -> None:
    site.screens.paid(4_321, description="thanks for the garden house")
    dana = hands(site, "admin")
    dana.go("/events")
    dana.write("type", "charge.succeeded")
    dana.write("holds", '{"amount": 4321}')
    dana.press("Filter.")
    dana.press("evt_")
    dana.reads("Payload", "garden house")
    dana.press("Replay this event")
    dana.reads("It is being applied again")
    dana.go("/events")
    dana.press("Replay many")
    dana.write("type", "charge.succeeded")
    dana.press("Try it")
    dana.reads("1 event matches", "Nothing would be booked.")
    dana.press("Replay 1 event")
    site.screens.office.drain()
    assert site.screens.office.violations() == []


@does(
    "/ledger", "/ledger/trial-balance", "/ledger/entries", "/ledger/entries/<entry_id>",
    "/ledger/accounts/<role>/<currency>", "/ledger/periods", "/figures",
)  # fmt: skip
def test_the_ledger_is_gone_down_to_an_entry_and_a_month_is_closed_and_opened(
    site: Site, hands: Hands
) -> None:
    site.screens.paid(5_000, description="thanks")
    dana = hands(site, "admin")
    dana.go("/ledger")
    dana.reads("Debits equal credits.")
    dana.press("Unapplied cash")
    dana.reads("Balance at the beginning")
    dana.write("since", "2026-11-20")
    dana.press("Show.")
    dana.go("/ledger/trial-balance")
    dana.write("as_of", "2026-10-31")
    dana.press("Show.")
    dana.reads("Nothing is booked yet")
    dana.press("Journal.")
    dana.use(dana.one("a[href*='/admin/ledger/entries/']"))
    dana.reads("Why it is there")
    dana.go("/ledger/periods")
    dana.write("through", "2026-10-31")
    dana.write("note", "October")
    dana.press("Close the books")
    dana.reads("Closed through 31 Oct 2026")
    dana.write("stays", "2026-09-30")
    dana.write("reason", "A bill was missing")
    dana.press("Open the books")
    dana.reads("Opened again after 30 Sep 2026")
    count_figures(site.screens.office.runtime)
    dana.go("/figures")
    dana.press("90 days")
    dana.reads("Money in, USD")


@does("/ledger/suspense", "/ledger/suspense/move")
def test_what_stands_in_suspense_is_placed_and_put_back(site: Site, hands: Hands) -> None:
    site.screens.office.world.other_row(-1_900, kind="hardware_fee", category="hardware")
    site.screens.run()
    rae = hands(site, "reconciler")
    rae.go("/questions?group=discrepancies")
    rae.press("Say what it was")
    rae.reads("$19.00 was taken, called hardware")
    rae.tick("input[name=account][value=expenses]")
    rae.write("why", "The reader for the fair")
    rae.press("See what this posts")
    rae.reads("as it would be posted")
    rae.write("amount", "12.00")
    rae.press("Move it there")
    rae.reads("A part is moved. $7.00 of $19.00 rests here.", "$12.00 of it is in Expenses")
    rae.tick("input[name=account][value=processing_fees]")
    rae.write("why", "What the fair kept")
    rae.press("Move it there")
    rae.reads("Moved. The question about it is closed.", "Expenses: hardware")
    rae.press("Expenses: hardware")
    rae.press("Put it back: $12.00")
    rae.press("Put $12.00 back into suspense")
    rae.reads("asked about anew", "$12.00 in all")
    assert site.screens.office.violations() == []


@does("/jobs", "/jobs/<name>", "/switches", "/switches/<name>", "/audit", "/audit/<line_id>")
def test_a_job_is_run_a_switch_turned_and_both_stand_in_the_trail(site: Site, hands: Hands) -> None:
    dana = hands(site, "admin")
    dana.go("/jobs")
    dana.use(dana.one("a[href='/admin/jobs/tidy']"))
    dana.reads("No turn yet")
    dana.go("/jobs")
    dana.press("Run now")
    dana.go("/switches")
    dana.use(dana.one("a[href='/admin/switches/refunds']"))
    dana.write("reason", "A card was stolen")
    dana.use(dana.one("button.danger"))
    dana.reads("Refunds are stopped.", "A card was stolen")
    assert site.screens.office.scalar('select count(*) from switch where not "on"') == 1
    dana.go("/audit")
    dana.write("what", "switch.turned_off")
    dana.press("Filter.")
    dana.use(dana.one("a[href*='/admin/audit/']"))
    dana.write("why", "A name stood in it")
    dana.press("Erase.")
    dana.reads("Erased")
    assert "A card was stolen" not in dana.window.text().partition("Line ")[2]
    dana.go("/audit")
    dana.reads("A name stood in it")


@does("/people", "/people/<user_id>", "/keys", "/settings", "/sign-in")
def test_somebody_is_let_in_and_a_program_gets_a_key(site: Site, hands: Hands) -> None:
    dana = hands(site, "admin")
    dana.go("/people")
    dana.write("name", "Nia Alder")
    dana.write("email", "nia@example.com")
    dana.pick("role", "Viewer")
    dana.write("password", "seven grey herons")
    dana.press("Add.")
    dana.reads("The account is made")
    dana.go("/people")
    dana.press("Nia Alder.")
    dana.pick("role", "Reconciler")
    dana.press("Change the role")
    assert site.screens.office.scalar(
        "select role from user_account where email = 'nia@example.com'"
    ) == "reconciler"  # fmt: skip
    dana.go("/keys")
    dana.write("name", "The shop")
    dana.press("Make the key")
    dana.reads("The shop")
    dana.go("/settings")
    dana.reads("Webhook signing secrets")
    nia = hands(site, "")
    nia.go("/sign-in")
    nia.write("email", "nia@example.com")
    nia.write("password", "seven grey herons")
    nia.press("Sign in")
    nia.reads("Nothing waits for you.")


@does("/restore")
def test_restored_books_are_let_go_by_two(site: Site, hands: Hands) -> None:
    office = site.screens.office
    other = site.screens.person("second")
    office.do(lambda work: people.set_role(work, other, "admin"))
    office.do(lambda work: restores.suspect(work, "a drill"))
    furnish_read(office)
    first, then = hands(site, "admin"), hands(site, "second")
    first.go("/restore")
    first.press("The books are right")
    first.reads("A second person has to say so too.")
    then.go("/restore")
    then.press("Let money move")
    then.reads("Nothing is held")


def furnish_read(office) -> None:
    """The rail was read again, to the end."""
    for _ in range(3):
        reread_rail(office.runtime)
        office.clock.advance(seconds=15)
