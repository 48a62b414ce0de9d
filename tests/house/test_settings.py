"""Settings: each variable is read, judged with one clear line, and known by its name everywhere."""

import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from reconciler.settings import VARIABLES, Secret, Settings, SettingsError, load_settings

ROOT = Path(__file__).parents[2]
TEST_KEYS = {"STRIPE_SECRET_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}
LIVE_KEYS = {"STRIPE_SECRET_KEY": "rk_live_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}


def test_nothing_set_means_the_embedded_servers_and_the_sandbox() -> None:
    found = load_settings({})
    assert (found.database_url, found.redis_url, found.port) == ("", "", 8000)
    assert found.is_sandbox
    assert not found.has_stripe
    assert not found.is_live
    assert found.base_url == "http://127.0.0.1:8000"
    assert found.refund_approval_threshold == {}
    assert found.stripe_webhook_tolerance_seconds == 300


def test_an_empty_value_means_not_set() -> None:
    assert load_settings(dict.fromkeys(VARIABLES, " ")) == load_settings({})


def test_every_variable_of_the_example_is_read_and_every_variable_read_is_in_the_example() -> None:
    listed = re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(VARIABLES)
    assert len(set(listed)) == len(listed)


def test_every_variable_of_the_example_has_words_above_it() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    bare = [b for a, b in pairwise(lines) if "=" in b and a == ""]
    assert [line for line in bare if not line.startswith("#")] == []


@pytest.mark.parametrize(
    ("given_url", "kept"),
    [
        ("postgres://u:p@h:5432/d", "postgresql+psycopg://u:p@h:5432/d"),
        ("postgresql://h/d?sslmode=require", "postgresql+psycopg://h/d?sslmode=require"),
        ("postgresql+psycopg:///d?host=/tmp", "postgresql+psycopg:///d?host=/tmp"),
    ],
)
def test_a_database_url_is_made_one_that_the_driver_knows(given_url: str, kept: str) -> None:
    found = load_settings({"DATABASE_URL": given_url})
    assert (found.database_url, found.migration_database_url) == (kept, kept)


def test_migrations_may_have_a_login_of_their_own() -> None:
    found = load_settings(
        {"DATABASE_URL": "postgres://app@h/d", "MIGRATION_DATABASE_URL": "postgres://owner@h/d"}
    )
    assert found.database_url == "postgresql+psycopg://app@h/d"
    assert found.migration_database_url == "postgresql+psycopg://owner@h/d"


def test_amounts_are_kept_by_currency() -> None:
    found = load_settings({"REFUND_APPROVAL_THRESHOLD": "usd:50000, EUR:40000,JPY:0"})
    assert found.refund_approval_threshold == {"USD": 50_000, "EUR": 40_000, "JPY": 0}


def test_metadata_keys_are_kept_by_what_they_name() -> None:
    found = load_settings({"RECONCILER_METADATA_KEYS": "invoice: Order No | ref|ref, deposit:dp"})
    assert found.metadata_keys == {"invoice": ("Order No", "ref"), "deposit": ("dp",)}


def test_several_webhook_secrets_are_kept_in_order() -> None:
    found = load_settings({**TEST_KEYS, "STRIPE_WEBHOOK_SECRET": "whsec_new, whsec_old"})
    assert found.stripe_webhook_secrets == (Secret("whsec_new"), Secret("whsec_old"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://h/d"),
        ("DATABASE_URL", "postgres://h"),
        ("DATABASE_URL", "postgres://h:port/d"),
        ("DATABASE_URL", "just words"),
        ("MIGRATION_DATABASE_URL", "sqlite:///x"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://"),
        ("PORT", "eighty"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "8_000"),
        ("PORT", "٨٠٠٠"),  # digits, but not ours
        ("RECONCILER_BASE_URL", "books.example.com"),
        ("RECONCILER_BASE_URL", "https://books.example.com/?x=1"),
        ("RECONCILER_ADMIN_EMAIL", "ann"),
        ("RECONCILER_METADATA_KEYS", "order_no"),
        ("RECONCILER_METADATA_KEYS", "order:order_no"),
        ("RECONCILER_METADATA_KEYS", "invoice:"),
        ("RECONCILER_METADATA_KEYS", "invoice:a||b"),
        ("RECONCILER_METADATA_KEYS", "invoice:" + "k" * 41),
        ("RECONCILER_METADATA_KEYS", "invoice:a[b]"),
        ("RECONCILER_METADATA_KEYS", "invoice:a,invoice:b"),
        ("RECONCILER_METADATA_KEYS", "invoice:a,deposit:a"),
        ("SMTP_URL", "http://mail.example.com"),
        ("SMTP_URL", "smtp://"),
        ("REFUND_APPROVAL_THRESHOLD", "50000"),
        ("REFUND_APPROVAL_THRESHOLD", "USD:5.00"),
        ("REFUND_APPROVAL_THRESHOLD", "USD:-1"),
        ("REFUND_APPROVAL_THRESHOLD", "USD:1,USD:2"),
        ("REFUND_APPROVAL_THRESHOLD", "USD:9223372036854775808"),
        ("REFUND_DAILY_LIMIT", "DOLLARS:1"),
        ("REFUND_DAILY_LIMIT", "UDS:50000"),
        ("WORKER_PROCESSES", "0"),
        ("WEB_PROCESSES", "many"),
    ],
)
def test_a_malformed_value_is_refused_by_name_in_one_line(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name} is not usable: \S") as refusal:
        load_settings({name: value})
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_SECRET_KEY", "pk_test_1"),
        ("STRIPE_SECRET_KEY", "whsec_1"),
        ("STRIPE_SECRET_KEY", "sk_test_"),
        ("STRIPE_WEBHOOK_SECRET", "sk_test_1"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_1,,whsec_2"),
        ("STRIPE_API_BASE", "127.0.0.1:9000"),
        ("STRIPE_WEBHOOK_TOLERANCE", "0"),
        ("STRIPE_WEBHOOK_TOLERANCE", "5m"),
    ],
)
def test_a_malformed_stripe_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name} is not usable: \S"):
        load_settings({**TEST_KEYS, name: value})


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ({"STRIPE_SECRET_KEY": "sk_test_1"}, "STRIPE_WEBHOOK_SECRET"),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_1"}, "STRIPE_SECRET_KEY"),
        ({"STRIPE_API_BASE": "http://127.0.0.1:1"}, "STRIPE_SECRET_KEY"),
        ({"STRIPE_WEBHOOK_TOLERANCE": "300"}, "STRIPE_SECRET_KEY"),
    ],
)
def test_half_a_stripe_is_refused_naming_what_is_missing(
    said: dict[str, str], missing: str
) -> None:
    with pytest.raises(SettingsError, match=rf"^{missing} is not set.*Get it at: \S"):
        load_settings(said)


def test_a_refusal_never_repeats_the_value() -> None:
    with pytest.raises(SettingsError) as refusal:
        load_settings({"DATABASE_URL": "mysql://ann:hunter2@h/d"})
    assert "hunter2" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_a_live_key_never_meets_another_host_or_a_weak_secret_or_the_demo() -> None:
    with pytest.raises(SettingsError, match=r"^STRIPE_API_BASE"):
        load_settings({**LIVE_KEYS, "STRIPE_API_BASE": "http://127.0.0.1:9000"})
    with pytest.raises(SettingsError, match=r"^RECONCILER_SECRET_KEY"):
        load_settings({**LIVE_KEYS, "RECONCILER_SECRET_KEY": "short"})
    live = load_settings({**LIVE_KEYS, "STRIPE_API_BASE": "https://api.stripe.com/"})
    assert live.is_live
    assert not live.is_sandbox
    with pytest.raises(SettingsError, match="live key"):
        live.checked_for_demo()


def test_the_demo_needs_the_sandbox() -> None:
    with pytest.raises(SettingsError, match="sandbox"):
        load_settings(TEST_KEYS).checked_for_demo()
    sandbox = load_settings({**TEST_KEYS, "STRIPE_API_BASE": "http://127.0.0.1:9000"})
    assert sandbox.is_sandbox
    assert sandbox.checked_for_demo() is sandbox


@pytest.mark.parametrize(
    "missing", ["DATABASE_URL", "REDIS_URL", "RECONCILER_SECRET_KEY", "STRIPE_SECRET_KEY"]
)
def test_work_does_not_start_with_a_hole(missing: str) -> None:
    whole = {
        "DATABASE_URL": "postgres://h/d",
        "REDIS_URL": "redis://h",
        "RECONCILER_SECRET_KEY": "k" * 32,
        **TEST_KEYS,
    }
    assert load_settings(whole).checked_for_work() == load_settings(whole)
    hole = {name: value for name, value in whole.items() if name != missing}
    if missing == "STRIPE_SECRET_KEY":
        del hole["STRIPE_WEBHOOK_SECRET"]
    with pytest.raises(SettingsError, match=f"^{missing} is not set"):
        load_settings(hole).checked_for_work()


def test_secrets_are_shown_masked_and_given_only_by_name() -> None:
    found = load_settings(
        {
            **TEST_KEYS,
            "STRIPE_SECRET_KEY": "sk_test_hush",
            "DATABASE_URL": "postgres://u:hush@h/d",
            "REDIS_URL": "redis://:hush@h",
            "RECONCILER_SECRET_KEY": "hush",
            "RECONCILER_ADMIN_PASSWORD": "hush",
            "SMTP_URL": "smtp://u:hush@h",
        }
    )
    assert "hush" not in f"{found} {found!r} {found.secret_key} {found.smtp_url!s:>9}"
    assert found.secret_key.reveal() == "hush"


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "DATABASE_URL": st.just("postgres://u:p@h/d"),
            "MIGRATION_DATABASE_URL": st.just("postgres://o:p@h/d"),
            "REDIS_URL": st.sampled_from(["redis://h:1/2", "rediss://h", "unix:///s?db=1"]),
            "PORT": st.integers(1, 65_535).map(str),
            "RECONCILER_SECRET_KEY": st.just("s" * 40),
            "RECONCILER_BASE_URL": st.just("https://books.example.com/a/"),
            "RECONCILER_ADMIN_EMAIL": st.just("ann@example.com"),
            "SMTP_URL": st.just("smtps://u:p@h"),
            "RECONCILER_METADATA_KEYS": st.just("invoice:a|b c,deposit:d"),
            "REFUND_DAILY_LIMIT": st.just("USD:1,KWD:2"),
            "WEB_PROCESSES": st.integers(1, 64).map(str),
        },
    ),
    st.sampled_from([{}, TEST_KEYS, {**TEST_KEYS, "STRIPE_WEBHOOK_TOLERANCE": "60"}, LIVE_KEYS]),
)
def test_what_is_passed_on_to_a_child_is_read_there_as_the_same(
    some: dict[str, str], stripe: dict[str, str]
) -> None:
    found = load_settings({**some, **stripe})
    assert load_settings(found.to_environ()) == found


def test_python_without_assertions_is_refused() -> None:
    program = "from reconciler.settings import Settings, load_settings; load_settings({})"
    ended = subprocess.run(
        [sys.executable, "-O", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "SettingsError: PYTHONOPTIMIZE" in ended.stderr


def test_settings_made_by_hand_are_like_those_read_from_nothing() -> None:
    assert Settings(data_dir=Path("var").absolute()) == load_settings({})


def test_who_set_a_variable_is_known_to_the_processes_that_are_started_for_them() -> None:
    found = load_settings({"PORT": "9000", "REFUND_DAILY_COUNT": "3", "ODD": "1"})
    assert found.given == {"PORT", "REFUND_DAILY_COUNT"}
    child = load_settings(replace(found, redis_url="redis://h/0").to_environ())
    assert child.given == found.given
    assert child.redis_url == "redis://h/0"
