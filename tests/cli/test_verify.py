"""`reconciler verify`: quiet about sound books, loud and exact about others."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from sqlmodel import Session

from reconciler.embedded import postgres
from reconciler.flows import keep_file
from reconciler.services import attachments, rebuild
from reconciler.services.verification import DRIFT_LAW, LAWS as IN_THE_DATABASE
from reconciler.work import Cause
from tests import builders
from tests.cli.conftest import Command
from tests.databases import Servers
from tests.file_samples import pdf
from tests.runtime import KEY, WEBHOOK_SECRET, Office

LAWS = (*IN_THE_DATABASE, DRIFT_LAW, keep_file.LAW)


def test_books_full_of_stories_are_clean(reconciler: Command) -> None:
    ended = reconciler("verify")
    assert ended.returncode == 0
    first, second, third = ended.stdout.splitlines()
    assert first == f"clean: all {len(LAWS)} laws hold"
    head = re.fullmatch(r"audit trail: (\d+) lines, head (\1:[0-9a-f]{64})", second)
    assert head
    assert third == "books: every day is open"
    as_json = reconciler("verify", "--json")
    assert as_json.returncode == 0
    told = {"clean": True, "violations": [], "audit_head": head[2], "drift": {}}
    told["waits"] = []
    told["closed_through"] = None
    assert json.loads(as_json.stdout) == told
    assert reconciler("verify", "--audit-head", head[2]).returncode == 0


def test_books_full_of_stories_are_the_same_made_anew(
    reconciler: Command, servers: Servers, told_database: str
) -> None:
    owner = servers.url(postgres.OWNER, told_database)
    ended = reconciler("verify", "--rebuild", MIGRATION_DATABASE_URL=owner)
    assert ended.returncode == 0, ended.stdout
    first, second, *_ = ended.stdout.splitlines()
    assert first.startswith("clean: all ")
    assert re.fullmatch(r"done over: \d+ deeds, \d+ events; taken as they stand: .+", second)


def test_a_login_that_may_make_no_schema_is_told_what_is_missing(reconciler: Command) -> None:
    ended = reconciler("verify", "--rebuild")
    assert ended.returncode == 2
    assert "MIGRATION_DATABASE_URL: this login may make no schema" in ended.stderr


def test_a_kept_head_that_is_no_line_any_more_is_wrong(reconciler: Command) -> None:
    other = reconciler("verify", "--audit-head", f"1:{'0' * 64}")
    assert other.returncode == 1
    assert "the_audit_trail_is_unbroken: line 1 is not the one" in other.stdout
    assert reconciler("verify", "--audit-head", "17").returncode == 2


def test_it_says_what_the_last_run_could_not_explain(
    office: Office, on: Callable[[str], Command]
) -> None:
    office.world.pay(5_000)
    with office.world.at(1_790_000_000):  # before the window
        office.world.other_row(-250)
    url = office.runtime.settings.database_url
    rail = {
        "STRIPE_API_BASE": office.runtime.settings.stripe_api_base,
        "STRIPE_SECRET_KEY": KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }
    ended = on(url)("reconcile", "--rail", "stripe", "--since", "2026-11-01", **rail)
    assert ended.returncode == 1
    told = on(url)("verify")
    assert told.returncode == 0, "it may be news on its way"
    assert told.stdout.splitlines()[-1].endswith("UTC does not explain -USD 2.50")
    assert json.loads(on(url)("verify", "--json").stdout)["drift"] == {"stripe": {"USD": -250}}
    with Session(office.runtime.engine) as session, session.begin():
        session.execute(
            sa.text(
                """update reconciliation_run set started_at = started_at - interval '1 hour',
                finished_at = finished_at - interval '1 hour'"""
            )
        )
    on(url)("reconcile", "--rail", "stripe", "--since", "2026-11-01", **rail)
    told = on(url)("verify")
    assert told.returncode == 1, "twice in a row it is no news on its way"
    assert (
        "what_a_rail_holds_is_explained: two runs in a row could not explain stripe USD -250"
        in told.stdout
    )


@pytest.fixture
def broken(owner_url: str, database_url: str, on: Callable[[str], Command]) -> Command:
    """On books with an invoice that says it is paid, and no claim that pays it."""
    with psycopg.connect(owner_url.replace("+psycopg", "", 1), autocommit=True) as owner:
        owner.execute("insert into customer (id, name, created_at) values ('c', 'Ann', now())")
        owner.execute(
            """insert into invoice (id, number, customer_id, currency, total, state, paid,
              created_at) values ('i', 'INV-1', 'c', 'USD', 100, 'sent', 40, now())"""
        )
    return on(database_url)


@pytest.mark.thorough
def test_it_is_the_same_as_a_process_of_its_own(
    told: Office, process_on: Callable[[str], Command]
) -> None:
    ended = process_on(told.runtime.settings.database_url)("verify")
    assert ended.returncode == 0
    assert ended.stdout.startswith(f"clean: all {len(LAWS)} laws hold\naudit trail: ")
    assert ended.stderr == ""


def test_what_the_books_made_anew_have_and_these_have_not_is_exit_code_1(
    office: Office, on: Callable[[str], Command], owner_url: str
) -> None:
    office.world.pay(5_000)
    office.deliver(*office.world.events())
    office.drain()
    with office.runtime.work(Cause("person", "usr_x")) as work:
        work.session.execute(sa.text("update payment set facts = facts - 'charges' - 'intent'"))
    ended = on(office.runtime.settings.database_url)(
        "verify", "--rebuild", "--json", MIGRATION_DATABASE_URL=owner_url
    )  # fmt: skip
    assert ended.returncode == 1
    broken = {one["invariant"] for one in json.loads(ended.stdout)["violations"]}
    assert {rebuild.EVENTS_LAW, rebuild.FACTS_LAW} <= broken


def test_what_is_wrong_is_listed_and_the_exit_code_is_1(broken: Command) -> None:
    ended = broken("verify")
    assert ended.returncode == 1
    assert "invoices_are_paid_by_their_claims: invoice INV-1 says paid 40" in ended.stdout


def test_what_is_wrong_is_in_the_json(broken: Command) -> None:
    ended = broken("verify", "--json")
    assert ended.returncode == 1
    said = json.loads(ended.stdout)
    assert said["clean"] is False
    assert {"invariant", "detail"} == set(said["violations"][0])
    assert "invoices_are_paid_by_their_claims" in {v["invariant"] for v in said["violations"]}


def test_old_tables_are_named_with_the_cure_and_migrate_is_it(
    owner_url: str, database_url: str, on: Callable[[str], Command]
) -> None:
    with psycopg.connect(owner_url.replace("+psycopg", "", 1), autocommit=True) as owner:
        owner.execute("drop schema public cascade")
        owner.execute("create schema public")
    command = on(database_url)
    before = command("verify")
    assert before.returncode == 2
    assert before.stderr.endswith("run: reconciler migrate\n")
    done = command("migrate", MIGRATION_DATABASE_URL=owner_url)
    assert done.returncode == 0, done.stderr
    assert command("verify").returncode == 0


def test_a_file_that_is_another_than_was_kept_is_found(office: Office, on, given) -> None:
    target = builders.deposit(office, "DEP-1", 5_000)
    settings = replace(office.runtime.settings, data_dir=Path(given["RECONCILER_DATA_DIR"]))
    runtime = replace(office.runtime, settings=settings)
    with keep_file.kept(runtime, pdf()) as file:
        office.do(lambda work: attachments.keep_on_deposit(work, target, "terms.pdf", file))
    verify = on(office.runtime.settings.database_url)
    assert verify("verify").returncode == 0
    [place] = (settings.data_dir / "attachments").glob("??/*")
    place.write_bytes(pdf(extra=b"/Changed true"))
    ended = verify("verify")
    assert ended.returncode == 1
    assert ended.stdout.startswith(f"{keep_file.LAW}: attachment att_")
    assert "its SHA-256 is another" in ended.stdout
