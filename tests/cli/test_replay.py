"""`reconciler replay`: events done over, here and now, and said so if one does not come through."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.sandbox.world import World
from reconciler.services import switches
from reconciler.services.switches import SwitchName
from tests.cli.conftest import Command
from tests.runtime import Office, by_kind

BALANCES = """select role, currency, sum(amount)::bigint as balance from posting p
    join ledger_account a on a.id = p.account_id group by role, currency order by 1, 2"""


@pytest.fixture
def command(office: Office, on: Callable[[str], Command]) -> Command:
    return on(office.runtime.settings.database_url)


def _pay(world: World) -> list[dict[str, Any]]:
    world.pay(5_000)
    return world.events()


def test_doing_all_over_changes_nothing(told: Office, reconciler: Command) -> None:
    before = told.rows(BALANCES)
    count = told.scalar("select count(*) from inbox_event")
    ended = reconciler("replay", "--since", "2020-01-01")
    assert ended.returncode == 0, ended.stdout
    assert f"{count} events done over, 0 of them" in ended.stdout
    assert told.rows(BALANCES) == before
    assert told.violations() == []


def test_an_event_that_waited_is_applied_without_any_worker(
    office: Office, command: Command
) -> None:
    event = by_kind(_pay(office.world), "charge.succeeded")[0]
    office.deliver(event)
    assert office.rows(BALANCES) == []
    ended = command("replay", event["id"])
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ("clearing", "USD", 5_000) in office.rows(BALANCES)


def test_a_dry_run_counts_and_does_nothing(office: Office, command: Command) -> None:
    office.deliver(*_pay(office.world))
    ended = command("replay", "--since", "2020-01-01", "--dry-run")
    assert ended.returncode == 0
    assert ended.stdout.endswith(f"{len(office.world.events())} events would be done over\n")
    assert office.scalar("select count(*) from inbox_outcome") == 0


def test_one_unknown_name_stops_all_of_them(office: Office, command: Command) -> None:
    event = _pay(office.world)[0]
    office.deliver(event)
    ended = command("replay", event["id"], "evt_nobody")
    assert ended.returncode == 2
    assert ended.stderr == "there is no event evt_nobody\n"
    assert office.scalar("select count(*) from inbox_outcome") == 0


def test_an_event_that_is_not_ours_is_never_done_over(office: Office, command: Command) -> None:
    event = _pay(office.world)[0] | {"livemode": True}
    office.deliver(event)
    assert office.scalar("select status from inbox_outcome") == "quarantined"
    ended = command("replay", event["id"])
    assert ended.returncode == 2
    assert "quarantined" in ended.stderr
    assert office.scalar("select status from inbox_outcome") == "quarantined"


@pytest.mark.thorough
def test_what_does_not_come_through_is_named_and_the_exit_code_is_1(
    office: Office, process_on: Callable[[str], Command]
) -> None:
    command = process_on(office.runtime.settings.database_url)
    event = by_kind(_pay(office.world), "charge.succeeded")[0]
    event["data"]["object"]["amount_captured"] = "many"
    office.deliver(event)
    office.apply()
    for arguments in (["replay", event["id"]], ["replay", "--since", "2020-01-01"]):
        ended = command(*arguments)
        assert ended.returncode == 1, ended.stderr
        assert ended.stdout.startswith(f"{event['id']} charge.succeeded pending: ")


def test_while_applying_is_switched_off_events_wait_and_it_is_said(
    office: Office, command: Command
) -> None:
    office.do(lambda work: switches.change(work, SwitchName.APPLY, on=False, reason="a test"))
    event = _pay(office.world)[0]
    office.deliver(event)
    ended = command("replay", event["id"])
    assert ended.returncode == 1
    assert "waits for a worker; is the switch `apply` off?" in ended.stdout
    assert office.rows(BALANCES) == []


def test_nothing_to_do_over_is_fine(office: Office, command: Command) -> None:
    assert office.scalar("select count(*) from inbox_event") == 0
    ended = command("replay", "--failed")
    assert (ended.returncode, ended.stdout) == (0, "no event fits\n")
