"""Processes import what they work with, and no more: each megabyte is there once a process."""

import json
import subprocess
import sys

import pytest

from tests.house.source import ROOT

# What stands beside each is what needs it.
HEAVY = [
    "alembic",  # migrating
    "cryptography.fernet",  # a secret that is sealed or opened
    "obstore",  # attachments in a bucket
    "requests",  # speaking to others over HTTP
    "stripe",  # asking the rail
    "weasyprint",  # a paper as PDF
]
STARTED = {
    "web": "import wsgi; wsgi.create_app()",
    "worker": "import jobs.worker, jobs.tasks; jobs.tasks.runtime()",
    "clock": "import jobs.clock; jobs.clock.runtime()",
}
ENVIRONMENT = {
    "DATABASE_URL": "postgresql+psycopg://nobody@/nothing?host=/nonexistent",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "RECONCILER_SECRET_KEY": "a secret of the tests that is long enough to be one",
    "RECONCILER_BASE_URL": "http://127.0.0.1:8000",
    "STRIPE_SECRET_KEY": "sk_test_1",
    "STRIPE_WEBHOOK_SECRET": "whsec_1",
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("process", STARTED)
def test_a_process_that_begins_imports_nothing_heavy(process: str) -> None:
    look = f"import json, sys; {STARTED[process]}; print(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True,
        timeout=60, check=True,
    )  # fmt: skip
    imported = json.loads(answer.stdout)
    assert "reconciler.runtime" in imported
    assert [module for module in HEAVY if module in imported] == []
