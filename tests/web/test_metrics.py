"""/metrics: its names are those that are written down, and each moves when it should."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from reconciler.flows import reconcile as flow
from reconciler.web.metrics import PREFIX
from tests.web.screens import Screens

_ROOT = Path(__file__).parents[2]
_LINE = re.compile(rf"{PREFIX}(\w+)(?:{{(.*)}})? (\S+)")


def scraped(screens: Screens) -> dict[tuple[str, str], float]:
    """Every figure by its name and labels."""
    text = screens.app.test_client().get("/metrics").get_data(as_text=True)
    found = [_LINE.fullmatch(row) for row in text.splitlines()]
    return {(m[1], m[2] or ""): float(m[3]) for m in found if m}


def change(screens: Screens, statement: str, **values: object) -> None:
    with Session(screens.office.runtime.engine) as session:
        session.execute(sa.text(statement), values)
        session.commit()


def test_what_is_measured_is_what_is_written_down(company: Screens) -> None:
    flow.reconcile(company.office.runtime)
    paper = (_ROOT / "docs" / "operations.md").read_text()
    table = paper.partition("<!-- metrics -->")[2].partition("<!-- end of metrics -->")[0]
    written = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert {name for name, _ in scraped(company)} == written
    promised = set(re.findall(rf"`{PREFIX}(\w+)`", paper))
    assert promised - written == set()


def test_labels_are_those_that_are_written_down(company: Screens) -> None:
    flow.reconcile(company.office.runtime)
    paper = (_ROOT / "docs" / "operations.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|", paper, re.MULTILINE)
    written = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    for name, labels in scraped(company):
        assert set(re.findall(r"(\w+)=", labels)) == written[name], name


def test_a_run_that_explains_all_is_fresh_and_without_drift(screens: Screens) -> None:
    screens.paid(5_000)
    screens.run()
    screens.office.clock.advance(minutes=10)
    found = scraped(screens)
    assert found["recon_drift_minor", 'currency="USD",rail="stripe"'] == 0
    assert 600 <= found["recon_last_run_seconds", 'rail="stripe"'] < 900
    age = found["recon_last_complete_age_seconds", 'kind="charge",rail="stripe"']
    assert 700 < age < 1_200
    assert found["recon_healed", 'rail="stripe"'] == 0


def test_drift_what_is_left_and_what_was_healed_are_counted(screens: Screens) -> None:
    world, office = screens.office.world, screens.office
    screens.paid(5_000)
    with world.at(int((office.clock() - timedelta(days=30)).timestamp())):
        world.other_row(-250)
    missed = world.pay(4_200)
    screens.run()
    found = scraped(screens)
    assert missed.charge
    assert found["recon_drift_minor", 'currency="USD",rail="stripe"'] == -250
    assert found["recon_breaks_open", 'reason="balance"'] == 1
    assert found["recon_healed", 'rail="stripe"'] > 0


def test_a_payout_that_never_arrives_is_overdue_after_five_business_days(screens: Screens) -> None:
    screens.office.world.payout("usd", 9_000, automatic=False)
    screens.hear("")
    overdue = ("clearing_overdue_minor", 'currency="USD"')
    assert scraped(screens)[overdue] == 0
    screens.office.clock.advance(days=12)
    assert scraped(screens)[overdue] == 9_000
    change(screens, "update payout set status = 'paid'")
    assert scraped(screens)[overdue] == 0


@pytest.mark.parametrize("minutes", [20, 40])
def test_what_the_rail_does_not_tell_is_missing_after_half_an_hour(
    screens: Screens, minutes: int
) -> None:
    office = screens.office
    office.world.pay(5_000)
    office.deliver(*office.world.events())
    office.apply()  # the fee is still to be asked for
    office.clock.advance(minutes=minutes)
    found = scraped(screens)
    assert found["completeness_missing_facts", 'of="payment"'] == (minutes > 30)
    assert found["completeness_missing_facts", 'of="payout"'] == 0
    assert found["completeness_missing_facts", 'of="object"'] == 0


def test_the_lag_is_from_receipt_to_the_books(screens: Screens) -> None:
    assert scraped(screens)["apply_lag_seconds", 'share="0.99"'] == 0
    screens.paid(5_000)
    change(
        screens,
        """update inbox_outcome o set applied_at = e.received_at + interval '90.5 seconds'
        from inbox_event e where e.seq = o.seq""",
    )
    found = scraped(screens)
    assert found["apply_lag_seconds", 'share="0.5"'] == 91
    assert found["apply_lag_seconds", 'share="0.99"'] == 91


def test_a_clock_that_stands_is_seen(screens: Screens) -> None:
    flow.reconcile(screens.office.runtime)
    screens.office.clock.advance(hours=2)
    ages = [age for (name, _), age in scraped(screens).items() if name == "job_last_seconds"]
    assert ages
    assert min(ages) == 7_200
