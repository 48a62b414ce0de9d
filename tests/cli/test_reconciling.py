"""`reconciler reconcile` and `backfill`: what was missed is healed, and what is left is said."""

import json
import subprocess
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from reconciler.books.reconciliation import IN_WORDS, Difference, Window
from reconciler.services import api_keys, reconciliation
from reconciler.services.reconciliation import OWN
from reconciler.settings import inherited_environment
from reconciler.web.admin import admin_blueprint, plain_words, words
from reconciler.web.app import create_web_app
from reconciler.work import Cause
from tests.cli.conftest import PATIENCE_SECONDS, PROGRAM, ROOT, Command
from tests.runtime import KEY, WEBHOOK_SECRET, Office
from tests.web.screens import Screens

WINDOW = ("--rail", "stripe", "--since", "2026-11-01")
TIMES = ("since", "until", "started_at", "finished_at")
_pause = threading.Event()  # nobody ever sets it


@pytest.fixture
def rail(office: Office) -> dict[str, str]:
    """How a command reaches the office's rail."""
    return {
        "STRIPE_API_BASE": office.runtime.settings.stripe_api_base,
        "STRIPE_SECRET_KEY": KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }


@pytest.fixture
def command(office: Office, rail: dict[str, str], on: Callable[[str], Command]) -> Command:
    return partial(on(office.runtime.settings.database_url), **rail)


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


@pytest.mark.thorough
def test_a_rail_out_of_reach_is_exit_code_1(office: Office, command: Command) -> None:
    office.line.app = lambda _environ, start: (start("503 Down", []), [b"{}"])[1]
    ended = command("tie-out")
    assert ended.returncode == 1
    assert "stripe cannot be asked now: " in ended.stdout


@pytest.mark.thorough
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


def test_the_command_the_page_and_the_api_say_the_same(office: Office, command: Command) -> None:
    world = office.world
    other = world.pay(5_000)
    office.deliver(*world.events())
    office.drain()
    world.truth.tables["charge"][other.charge]["amount_captured"] -= 100
    missed = world.pay(4_200)
    with world.at(1_790_000_000):  # before the window
        world.other_row(-250)
    ended = command("reconcile", *WINDOW, "--json")
    assert ended.returncode == 1, ended.stderr
    told = json.loads(ended.stdout)
    assert missed.charge in {found["rail_object"] for found in told["discrepancies"]}
    assert (told["healed"] > 0, told["unhealed"] > 1, told["drift"]) == (True, True, {"USD": -250})

    screens = Screens(
        office, create_web_app(office.runtime, more=[admin_blueprint(office.runtime)])
    )
    key = office.do(lambda work: api_keys.create(work, name="monitor", scope="read")[1])
    headers = {"Authorization": f"Bearer {key}"}
    path = f"/api/v1/reconciliation-runs/{told['id']}"
    by_api = screens.browser().get(path, headers=headers).get_json()
    # Times are written with an offset by one and with a Z by the other.
    assert {**by_api, **dict.fromkeys(TIMES)} == {**told, **dict.fromkeys(TIMES)}
    assert [datetime.fromisoformat(by_api[name]) for name in TIMES] == [
        datetime.fromisoformat(told[name]) for name in TIMES
    ]

    page = screens.as_("viewer").read(f"/reconciliation/{told['id']}")
    figures = (("Checked", "checked"), ("Matched", "matched"), ("Healed", "healed"))
    counted = " ".join(f"{name} {told[key]:,}" for name, key in (*figures, ("Left", "unhealed")))
    assert counted in page
    assert "Unexplained at the payment provider: -$2.50" in page
    assert page.count("Left for a person") == told["unhealed"]
    # "Healed" also heads its figure and is explained beside.
    assert page.count(" Healed ") - 1 == sum(found["healed"] for found in told["discrepancies"])
    for found in told["discrepancies"]:
        assert plain_words.plain(IN_WORDS[Difference(found["kind"])])[1:] in page
        assert found["rail_object"] in page
        for side in (found["expected"], found["actual"]):
            if side and side["currency"]:
                assert words.shown(side["amount"], side["currency"]) in page


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("amiss", "code"), [(False, 0), (True, 1)], ids=["all-is-well", "something-is-left"]
)
@pytest.mark.parametrize("name", ["reconcile", "backfill"])
def test_the_exit_code_says_whether_something_is_left(
    office: Office, command: Command, name: str, code: int, *, amiss: bool
) -> None:
    office.world.pay(5_000)
    if amiss:
        with office.world.at(1_790_000_000):
            office.world.other_row(-250)
    assert command(name, *WINDOW).returncode == code


def test_another_run_under_way_or_a_rail_out_of_reach_is_exit_code_2(
    office: Office, command: Command
) -> None:
    window = Window(office.clock() - timedelta(days=3), office.clock() - timedelta(minutes=2))
    run_id = office.do(lambda work: reconciliation.start(work, "stripe", OWN, window))
    ended = command("reconcile", *WINDOW)
    assert (ended.returncode, "under way" in ended.stderr) == (2, True)
    office.do(lambda work: reconciliation.fail(work, reconciliation.take_waiting(work), "no"))
    assert run_id
    office.line.app = lambda _environ, start: (start("503 Down", []), [b"{}"])[1]
    ended = command("reconcile", *WINDOW)
    assert (ended.returncode, "put off" in ended.stderr) == (2, True)


def test_a_backfill_that_is_killed_goes_on_where_it_was(
    office: Office, given: dict[str, str], rail: dict[str, str], command: Command
) -> None:
    for n in range(130):
        office.world.pay(1_000 + n)
    stripe, is_there = office.line.app, threading.Event()

    def stops_at_refunds(environ, start):
        if environ["PATH_INFO"] == "/v1/refunds" and not is_there.is_set():
            is_there.set()
            _pause.wait(3)  # the command is killed while it waits for this
        return stripe(environ, start)

    office.line.app = stops_at_refunds
    going = subprocess.Popen(
        [str(PROGRAM), "backfill", *WINDOW],
        cwd=ROOT,
        env={
            **inherited_environment(), **given, **rail,
            "DATABASE_URL": office.runtime.settings.database_url,
        },
    )  # fmt: skip
    assert is_there.wait(PATIENCE_SECONDS)
    going.kill()
    going.wait()
    office.line.app = stripe
    (run_id,) = [row.id for row in office.rows("select id from reconciliation_run")]
    with office.runtime.work(Cause("job", "test")) as work:  # three minutes pass
        work.session.execute(sa.text("update reconciliation_run set lease_until = now()"))
        work.has_only_looked = True
    assert office.line.calls.count("GET /v1/charges") == 2
    ended = command("backfill", *WINDOW)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"run {run_id} is under way: going on with it" in ended.stderr
    assert f"run {run_id}: " in ended.stdout
    again = office.line.calls.count("GET /v1/charges") - 2
    assert again == 0, "what was read is not read again"
    assert office.scalar("select count(*) from payment") == 130
    assert office.scalar("select count(*) from reconciliation_run") == 1
    assert office.violations() == []
    assert " 0 healed, 0 left for a person" in command("reconcile", *WINDOW).stdout
