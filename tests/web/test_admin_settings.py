"""Settings on a page: each with its words and where it comes from, and no secret among them."""

import re
from dataclasses import replace

import pytest
from werkzeug.test import TestResponse

from reconciler.rails.stripe.rail import StripeRail
from reconciler.settings import VARIABLES, load_settings
from reconciler.web.admin import admin_blueprint
from reconciler.web.admin.setting_words import GROUPS, MASKED
from reconciler.web.app import create_web_app
from tests.web.screens import Screens, said

SECRETS = {
    "DATABASE_URL": "postgresql://ann:hunter2@db.example.com:5433/books?password=hunter2",
    "MIGRATION_DATABASE_URL": "postgresql://owner:hunter2@db.example.com/books",
    "REDIS_URL": "rediss://:hunter2@queue.example.com/0",
    "RECONCILER_SECRET_KEY": "hunter2" * 6,
    "RECONCILER_ADMIN_PASSWORD": "hunter2",
    "RECONCILER_SECRET_KEY_BEFORE": "hunter2" * 5,
    "STRIPE_SECRET_KEY": "rk_test_hunter2abcd",
    "STRIPE_WEBHOOK_SECRET": "whsec_hunter2,whsec_older",
    "SMTP_URL": "smtp://ann:hunter2@mail.example.com:587",
    "ATTACHMENTS_URL": "s3://KEY:hunter2@s3.example.com/bucket",
}


def rows(page: str) -> dict[str, str]:
    """The words of each row, by the variable that it is about."""
    found = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    words = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)) for row in found]
    return {name: row for row in words for name in VARIABLES if f" {name} " in row}


def shown(screens: Screens, **environ: str) -> TestResponse:
    """The page, as a process with these variables would show it."""
    office = screens.office
    settings = load_settings(environ)
    rails = {**office.runtime.rails, "stripe": StripeRail(settings, office.clock)}
    runtime = replace(office.runtime, settings=settings, rails=rails)
    app = create_web_app(runtime, more=[admin_blueprint(runtime)])
    return replace(screens, app=app).as_("admin").get("/settings")


def test_every_variable_stands_on_the_page_once() -> None:
    named = [name for _, words in GROUPS for name in words]
    assert sorted(named) == sorted(VARIABLES)


def test_no_secret_is_shown_and_every_one_is_told_to_be_set(screens: Screens) -> None:
    assert set(SECRETS) == set(MASKED)
    page = shown(screens, **SECRETS, RECONCILER_BASE_URL="http://localhost").text
    assert "hunter2" not in page
    found = rows(page)
    assert "db.example.com:5433/books" in found["DATABASE_URL"]
    assert "rk_test_…abcd" in found["STRIPE_SECRET_KEY"]
    assert "2 secrets, not shown" in found["STRIPE_WEBHOOK_SECRET"]
    assert "Environment" in found["SMTP_URL"]


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("REFUND_DAILY_COUNT", "Environment"),
        ("WEB_PROCESSES", "Usual value"),
        ("SMTP_URL", "Not set"),
    ],
)
def test_where_a_value_comes_from(screens: Screens, name: str, origin: str) -> None:
    assert origin in rows(shown(screens, REFUND_DAILY_COUNT="7").text)[name]


def test_what_run_made_up_is_said_to_be_made_up(screens: Screens) -> None:
    supplied = replace(load_settings({}), redis_url="redis://127.0.0.1:1/0").to_environ()
    page = shown(screens, **supplied, RECONCILER_GIVEN="PORT").text
    assert "Made by ./run" in rows(page)["REDIS_URL"]


def test_which_of_two_secrets_is_still_in_use(screens: Screens) -> None:
    used = screens.office.runtime.settings.stripe_webhook_secrets[0].reveal()
    both = {"STRIPE_SECRET_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": f"whsec_newer,{used}"}
    assert said(shown(screens, **both)).count("Not in the last 200 messages") == 2
    screens.paid(5_000)
    page = shown(screens, **both)
    found = re.search(r"1 (\w+) (.*?) Idle 2 (\w+) (.*?) In use", said(page))
    assert found
    assert found[2] == "Not in the last 200 messages"
    assert found[4] == "22 Nov 2026, 12:00 UTC"
    assert used not in page.text


def test_only_an_admin_reads_them(screens: Screens) -> None:
    assert screens.as_("approver").get("/settings").status_code == 403
