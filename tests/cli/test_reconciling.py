"""`reconciler reconcile` and `backfill`: what was missed is healed, and what is left is said."""

import json
from collections.abc import Callable
from functools import partial

import pytest

from tests.cli.conftest import Command
from tests.runtime import KEY, WEBHOOK_SECRET, Office

WINDOW = ("--rail", "stripe", "--since", "2026-11-01")


@pytest.fixture
def command(office: Office, on: Callable[[str], Command]) -> Command:
    settings = office.runtime.settings
    rail = {
        "STRIPE_API_BASE": settings.stripe_api_base,
        "STRIPE_SECRET_KEY": KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }
    return partial(on(settings.database_url), **rail)


def test_what_was_missed_is_healed_and_counted(office: Office, command: Command) -> None:
    office.world.pay(5_000)
    ended = command("reconcile", *WINDOW, "--json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = json.loads(ended.stdout)
    assert (told["status"], told["unhealed"], told["drift"]) == ("done", 0, {})
    assert told["healed"] == len(told["discrepancies"]) > 0
    assert office.scalar("select captured from payment") == 5_000
    again = command("reconcile", *WINDOW)
    assert again.returncode == 0
    assert " 0 healed, 0 left for a person" in again.stdout
    assert office.violations() == []


def test_what_only_a_person_can_settle_is_exit_code_1(office: Office, command: Command) -> None:
    office.world.pay(5_000)
    with office.world.at(1_790_000_000):  # before the window
        office.world.other_row(-250)
    ended = command("reconcile", *WINDOW)
    assert ended.returncode == 1, ended.stderr
    assert "balance USD: the rail's balance is not what" in ended.stdout
    assert "1 left for a person" in ended.stdout


def test_a_tie_out_names_what_differs_until_it_is_healed(office: Office, command: Command) -> None:
    office.world.pay(5_000)
    with office.world.at(1_790_000_000):
        fee = office.world.other_row(-250)
    ended = command("tie-out")
    assert ended.returncode == 1
    assert f"-USD 2.50: {fee}: the rail moved it, and nobody here has heard of it" in ended.stdout
    assert (
        "clearing is USD 0.00: difference USD 45.75, of which USD 0.00 are not explained"
        in ended.stdout
    )
    assert command("reconcile", "--rail", "stripe", "--since", "2026-01-01").returncode == 0
    told = json.loads(command("tie-out", "--json").stdout)
    (usd,) = told[0]["tied"]
    assert (told[0]["rail"], told[0]["why_not"], told[0]["is_still"]) == ("stripe", None, True)
    assert (usd["balance"], usd["clearing"], usd["lines"]) == (4_575, 4_575, [])
    assert command("tie-out").returncode == 0


def test_a_rail_out_of_reach_is_exit_code_1(office: Office, command: Command) -> None:
    office.line.app = lambda _environ, start: (start("503 Down", []), [b"{}"])[1]
    ended = command("tie-out")
    assert ended.returncode == 1
    assert "stripe cannot be asked now: " in ended.stdout


def test_the_past_is_taken_in(office: Office, command: Command) -> None:
    office.world.pay(5_000)
    ended = command("backfill", *WINDOW)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert office.scalar("select captured from payment") == 5_000


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("--rail", "manual", "--since", "2026-11-01"), "received by hand"),
        (("--rail", "paypal", "--since", "2026-11-01"), "no such rail"),
        (("--rail", "stripe"), "--since"),
        (("--rail", "stripe", "--since", "2026-11-01", "--until", "2026-10-01"), "not before"),
    ],
)
def test_wrong_usage_is_exit_code_2(command: Command, typed: tuple[str, ...], said: str) -> None:
    ended = command("reconcile", *typed)
    assert ended.returncode == 2
    assert said in ended.stderr
