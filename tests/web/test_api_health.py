from dataclasses import replace

import pytest
import sqlalchemy as sa

from reconciler.queue import Queue
from reconciler.runtime import make_engine
from reconciler.web.app import create_web_app
from tests.web.api import refused

NOWHERE = "postgresql+psycopg://nobody@/nothing?host=/nonexistent"


@pytest.fixture
def client(api, redis_url):
    """A client of a house whose Redis is there."""
    return create_web_app(replace(api.office.runtime, queue=Queue(redis_url))).test_client()


@pytest.fixture
def broken(api):
    """A client of a house without a database and without Redis."""
    runtime = replace(api.office.runtime, engine=make_engine(NOWHERE))
    return create_web_app(runtime).test_client()


def test_a_house_with_everything_is_ready(client):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json() == {
        "status": "ok", "database": "ok", "redis": "ok", "migrations": "ok",
    }  # fmt: skip


def test_a_house_without_database_and_redis_is_up_but_not_ready(broken):
    assert broken.get("/healthz").status_code == 200
    answer = broken.get("/readyz")
    assert answer.status_code == 503
    found = answer.get_json()
    assert found["database"] != "ok"
    assert found["redis"] != "ok"


def test_without_a_database_a_caller_is_told_to_come_again(broken, api):
    said = {"Authorization": f"Bearer {api.key('read')}"}
    answer = broken.get("/api/v1/status", headers=said)
    refused(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0


def test_a_house_with_old_tables_is_not_ready(empty_api, owner_url, redis_url):
    engine = sa.create_engine(owner_url)
    with engine.begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = '0000'"))
    runtime = replace(empty_api.office.runtime, queue=Queue(redis_url))
    client = create_web_app(runtime).test_client()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "migrate" in answer.get_json()["migrations"]
    with engine.begin() as connection:
        connection.execute(sa.text("drop table alembic_version"))
    engine.dispose()
    assert "at nothing" in client.get("/readyz").get_json()["migrations"]


def test_a_monitor_reads_what_waits(empty_api):
    api = empty_api
    api.an_invoice(500, currency="EUR")
    api.paid(700)
    lines = api.client.get("/metrics").get_data(as_text=True).splitlines()
    assert "reconciler_database_up 1.0" in lines
    assert "reconciler_redis_up 0.0" in lines
    assert 'reconciler_inbox_rows{status="failed"} 0.0' in lines
    assert "reconciler_inbox_oldest_seconds 0.0" in lines
    assert 'reconciler_review_open{kind="unmatched_payment"} 1.0' in lines
    assert 'reconciler_ledger_drift_minor{currency="EUR"} 0.0' in lines
    assert 'reconciler_killswitch_on{name="refunds"} 0.0' in lines


def test_a_monitor_hears_of_refunds_and_of_switches(empty_api):
    api = empty_api
    payment = api.paid(700)
    api.make("/refunds", {"payment_id": payment["id"], "amount": 5, "reason": "other"})
    api.call("PUT", "/switches/refunds", json={"on": False, "reason": "x"})
    text = api.client.get("/metrics").get_data(as_text=True)
    assert 'reconciler_refund_state{state="approved"} 1.0' in text
    assert 'reconciler_killswitch_on{name="refunds"} 1.0' in text


def test_a_monitor_hears_of_a_database_that_is_gone(broken):
    answer = broken.get("/metrics")
    assert answer.status_code == 200
    assert "reconciler_database_up 0.0" in answer.get_data(as_text=True)


def test_the_front_door_leads_to_the_screens(client):
    answer = client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
