"""`reconciler demo`: each step done twice, and what ends it.

Against real processes tests/house/test_run.py plays it.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from reconciler.books.consent import RefundPolicy
from reconciler.cli import demo_steps
from reconciler.cli.demo import TOUR
from reconciler.cli.demo_steps import ASKER, Story
from reconciler.errors import Conflict
from reconciler.sandbox.app import create_sandbox, sandbox_of
from reconciler.sandbox.deliverer import Target
from reconciler.sandbox.demo import told_once
from reconciler.sandbox.server import serve
from reconciler.services import customers, invoices
from reconciler.services.invoices import NewInvoice
from reconciler.work import Cause, Work
from tests.cli.conftest import DEMO, Command, run
from tests.runtime import Office

SHAPE = """select (select count(*) from customer), (select count(*) from invoice),
    (select count(*) from deposit), (select count(*) from application),
    (select count(*) from refund), (select count(*) from user_account),
    (select count(*) from journal_entry)"""


def test_every_step_done_again_changes_nothing(told: Office) -> None:
    story = Story.read(told_once(told.world))
    before = told.rows(SHAPE)
    assert not told.do(lambda work: demo_steps.load_documents(work, story), DEMO)
    told.do(demo_steps.take_one_back, DEMO)
    told.do(lambda work: demo_steps.apply_deposits(work, story), DEMO)
    asker = told.do(lambda work: demo_steps.ensure_person(work, ASKER), DEMO)
    policy = RefundPolicy()
    told.do(lambda work: demo_steps.ask_refunds(work, story, policy), Cause("person", asker))
    told.do(lambda work: demo_steps.approve_some(work, asker), Cause("person", "usr_x"))
    assert told.rows(SHAPE) == before


def test_the_story_ends_as_the_tour_says(told: Office) -> None:
    paid = dict(told.rows("select number, paid from invoice"))
    assert paid["INV-1001"] == 80_000
    (taken_back,) = told.rows(
        "select n.cause_id, n.body from record_note n join invoice i on i.id = n.subject"
        " where i.number = 'INV-1057' and i.state = 'void'"
    )
    assert taken_back.cause_id.startswith("usr_"), "who took it back, and why, is on it"
    assert (paid["INV-1002"], paid["INV-1003"]) == (600_000, 120_000)
    assert (paid["INV-1005"], paid["INV-1006"]) == (0, 0)
    assert paid["INV-1012"] == 0
    assert (paid["INV-1013"], paid["INV-1014"], paid["INV-1018"]) == (70_000, 130_000, 0)
    refunds = told.rows("select reason, status from refund order by reason")
    assert refunds == [
        ("goodwill", "failed"),
        ("other", "requested"),
        ("overpayment", "succeeded"),
        ("partial_scope", "requested"),
    ]
    asked = dict(told.rows("select kind, count(*) from review_item where state='open' group by 1"))
    assert asked == {
        "ambiguous_match": 3,
        "currency_mismatch": 1,
        "dispute": 4,
        "external_refund": 3,
        "invoice_not_payable": 1,
        "overpayment": 3,
        "refund_failed": 3,
        "unclassified_movement": 1,
        "unmatched_payment": 4,
    }
    payouts = told.rows("select status, amount - lines_net from payout order by occurred_at")
    assert payouts == [("paid", 0), ("paid", 0), ("in_transit", 0)]
    bought = told.rows("select number, state, outstanding from bill order by created_at, id")
    assert bought == [
        ("NW-2081", "open", 0),
        ("118/26", "open", 28_000),
        ("R-0931", "draft", 77_231),
    ]
    assert told.scalar("select amount - applied from prepayment") == 23_610
    assert set(told.rows("select cause_kind from record_note")) == {("person",)}
    named = {f"INV-{number}" for number in re.findall(r"\b(1\d{3})\b", TOUR)}
    assert named - paid.keys() == set()
    assert told.violations() == []


def test_the_demo_does_not_mix_with_documents_of_its_numbers(office: Office) -> None:
    def load(work: Work) -> None:
        owner = customers.create(work, name="A real one")
        new = NewInvoice(customer_id=owner, currency="USD", total=100, number="inv-1001")
        invoices.create(work, new)

    office.do(load)
    story = Story.read(told_once(office.world))
    with pytest.raises(Conflict, match="documents of their own"):
        office.do(lambda work: demo_steps.load_documents(work, story), DEMO)
    assert office.rows(SHAPE) == [(1, 1, 0, 0, 0, 0, 0)]


@pytest.mark.thorough
def test_the_demo_never_meets_a_live_key_or_stripe_itself(tmp_path: Path) -> None:
    for key in ("sk_live_1", "sk_test_1"):
        given = {"STRIPE_SECRET_KEY": key, "STRIPE_WEBHOOK_SECRET": "whsec_1"}
        ended = run("demo", RECONCILER_DATA_DIR=str(tmp_path / "var"), **given)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert re.fullmatch(r"STRIPE_SECRET_KEY .*: unset STRIPE_\*\n", ended.stderr)
        assert not (tmp_path / "var").exists()


def test_a_stand_in_that_is_not_our_sandbox_is_named(
    database_url: str, on: Callable[[str], Command]
) -> None:
    app = Flask("not ours")
    app.add_url_rule("/readyz", view_func=lambda: "ready")
    server = serve(app)
    try:
        ended = on(database_url)("demo", **_rail(server.url))
    finally:
        server.close()
    assert ended.returncode == 2
    assert ended.stderr.endswith("is not the built-in sandbox, and the demo needs it\n")


def test_a_sandbox_that_is_down_is_named_with_the_cure(
    database_url: str, on: Callable[[str], Command]
) -> None:
    web = Flask("ready")
    web.add_url_rule("/readyz", view_func=lambda: "ready")
    door = serve(web)
    try:
        ended = on(database_url)("demo", **_rail("http://127.0.0.1:1", door.url))
    finally:
        door.close()
    assert ended.returncode == 2
    assert "the sandbox does not answer at http://127.0.0.1:1; start it with" in ended.stderr


@pytest.mark.thorough
def test_a_webhook_that_takes_nothing_ends_the_demo(
    database_url: str, on: Callable[[str], Command], office: Office
) -> None:
    web = Flask("refuses")
    web.add_url_rule("/readyz", view_func=lambda: "ready")
    door = serve(web)
    targets = [Target(f"{door.url}/webhooks/stripe", "whsec_1")]
    app = create_sandbox(office.world, secret_key="sk_test_sandbox", webhook_targets=targets)
    server = serve(app)
    try:
        ended = on(database_url)("demo", **_rail(server.url, door.url))
    finally:
        server.close()
        door.close()
        sandbox_of(app).close()
    assert ended.returncode == 2
    assert re.search(r"^the webhook took 0 of \d{3} deliveries$", ended.stderr, re.MULTILINE)
    assert "did not take all events" in ended.stderr


def _rail(url: str, web: str | None = None) -> dict[str, str]:
    return {
        "STRIPE_SECRET_KEY": "sk_test_sandbox",
        "STRIPE_WEBHOOK_SECRET": "whsec_1",
        "STRIPE_API_BASE": url,
        "PORT": (web or url).rsplit(":", 1)[1],
    }
