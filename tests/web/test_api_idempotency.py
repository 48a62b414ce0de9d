import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from flask import Blueprint, Flask

from reconciler.errors import Refused, Unavailable
from reconciler.services import customers, idempotency
from reconciler.web import problems
from reconciler.web.api.fields import Nothing
from reconciler.web.api.routes import Resource, add_to
from reconciler.work import Work
from tests.web.api import refused

ANN = {"name": "Ann", "email": "ann@example.com"}


def count_of(api, name: str):
    return api.office.scalar("select count(*) from customer where name = :name", name=name)


def test_the_same_key_and_body_get_the_same_answer_and_do_it_once(api):
    first = api.post("/customers", {"name": "Once"}, key="k-once")
    again = api.post("/customers", {"name": "Once"}, key="k-once")
    assert (again.status_code, again.get_data()) == (201, first.get_data())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert count_of(api, "Once") == 1


def test_how_a_body_is_spaced_or_ordered_does_not_matter(api):
    headers = {"Idempotency-Key": "k-space"}
    one = b'{"name": "Spaced", "email": "a@b.c"}'
    other = b'{ "email":"a@b.c",\n "name":"Spaced" }'
    first = api.call("POST", "/customers", data=one, headers=headers)
    again = api.call("POST", "/customers", data=other, headers=headers)
    assert again.get_data() == first.get_data()


def test_the_same_key_for_another_request_is_refused(api):
    api.make("/customers", ANN, key="k-other")
    with api.unchanged():
        refused(
            api.post("/customers", {**ANN, "name": "Ben"}, key="k-other"), 422, "Idempotency-Key"
        )
        deposit = {"customer_id": "x", "currency": "USD", "amount": 5}
        refused(api.post("/deposits", deposit, key="k-other"), 422, "Idempotency-Key")
    assert api.post("/customers", ANN, key="k-other").status_code == 201


def test_two_programs_may_use_the_same_key(api):
    mine = api.make("/customers", ANN, key="k-two", by="admin")
    theirs = api.make("/customers", ANN, key="k-two", by="write")
    assert mine["id"] != theirs["id"]


def test_what_a_rule_refused_stays_refused_under_its_key(api):
    draft = api.an_invoice(send=False)
    path = f"/invoices/{draft['id']}/credit-notes"
    body = {"amount": 5, "reason": "x"}
    first = api.post(path, body, key="k-rule")
    refused(first, 422)
    api.make(f"/invoices/{draft['id']}/send")
    again = api.post(path, body, key="k-rule")
    refused(again, 422)
    assert again.get_data() == first.get_data()
    assert api.post(path, body, key="k-rule-2").status_code == 201


def test_a_body_that_never_fitted_does_not_use_the_key_up(api):
    refused(api.post("/customers", {"name": ""}, key="k-unfit"), 422, "name")
    refused(api.call("POST", "/customers", data=b"{", headers={"Idempotency-Key": "k-unfit"}), 400)
    assert api.post("/customers", {"name": "Fit"}, key="k-unfit").status_code == 201


def test_who_may_not_does_not_use_the_key_up(api):
    refused(api.post("/customers", ANN, key="k-scope", by="read"), 403)
    assert api.office.scalar("select count(*) from idempotency_key where key = 'k-scope'") == 0


def test_after_thirty_days_the_key_is_free_again(empty_api):
    api = empty_api
    first = api.make("/customers", ANN, key="k-old")
    api.office.clock.advance(days=29)
    assert api.make("/customers", ANN, key="k-old") == first
    api.office.clock.advance(days=2)
    api.make("/customers", {"name": "Kept"}, key="k-new")
    assert api.make("/customers", {"name": "New"}, key="k-old")["id"] != first["id"]
    api.office.clock.advance(days=29)
    api.make("/customers", {"name": "Newest"}, key="k-newest")
    api.office.clock.advance(days=2)
    api.office.do(idempotency.forget_old)
    assert [row.key for row in api.office.rows("select key from idempotency_key")] == ["k-newest"]


@pytest.mark.parametrize("key", ["x" * 256, "with space", "ключ", "tab\tbed", ""])
def test_a_key_is_one_to_255_visible_characters(api, key):
    headers = {"Idempotency-Key": key.encode().decode("latin-1")}
    with api.unchanged():
        answer = api.call("POST", "/customers", json=ANN, headers=headers)
        refused(answer, 422, "Idempotency-Key")
    longest = {"Idempotency-Key": "x" * 255}
    assert api.call("POST", "/customers", json=ANN, headers=longest).status_code == 201


def test_of_many_at_once_one_does_it_and_the_others_wait_or_hear_the_same(api):
    api.key("admin")
    with ThreadPoolExecutor(8) as crowd:
        answers = list(
            crowd.map(lambda _: api.post("/customers", {"name": "Crowd"}, key="k-crowd"), range(16))
        )
    assert {a.status_code for a in answers} <= {201, 409}
    done = {a.get_data() for a in answers if a.status_code == 201}
    assert len(done) == 1
    assert count_of(api, "Crowd") == 1


class Probe:
    """Routes that are slow, or fail in the middle, made of the same parts as the real ones."""

    def __init__(self, api) -> None:
        self.is_inside, self.may_go = threading.Event(), threading.Event()
        self.raising: Exception | None = None
        self.headers = {"Authorization": f"Bearer {api.key('admin')}"}
        resource = Resource("probe")

        @resource.post("/slow")
        def slow(work: Work, body: Nothing) -> str:
            """Wait to be let go."""
            self.is_inside.set()
            assert self.may_go.wait(60)
            return customers.create(work, name="Slow")

        @resource.post("/refusing")
        def refusing(work: Work, body: Nothing) -> str:
            """Wait to be let go, then refuse."""
            self.is_inside.set()
            assert self.may_go.wait(60)
            raise Refused("by a rule")

        @resource.post("/failing")
        def failing(work: Work, body: Nothing) -> str:
            """Write, then fail if told to."""
            made = customers.create(work, name="Failing")
            if self.raising:
                raise self.raising
            return made

        app = Flask("probe")
        blueprint = Blueprint("probe", __name__)
        problems.answer_errors(blueprint)
        for route in resource.routes:
            add_to(blueprint, api.office.runtime, route)
        app.register_blueprint(blueprint)
        self.client = app.test_client()

    def post(self, path: str, key: str):
        return self.client.post(path, json={}, headers={**self.headers, "Idempotency-Key": key})


def test_while_the_first_runs_the_second_is_told_so_and_does_nothing(api):
    probe = Probe(api)
    with ThreadPoolExecutor(1) as other:
        first = other.submit(probe.post, "/slow", "k-slow")
        assert probe.is_inside.wait(60)
        refused(probe.post("/slow", "k-slow"), 409)
        probe.may_go.set()
        done = first.result(60)
    assert done.status_code == 200
    assert probe.post("/slow", "k-slow").get_data() == done.get_data()
    assert count_of(api, "Slow") == 1


def let_go_once_somebody_waits(api, probe: Probe) -> None:
    waits = "select 1 from pg_stat_activity where wait_event_type = 'Lock'"
    for _ in range(1200):
        if api.office.scalar(f"{waits} and datname = current_database()"):
            break
        threading.Event().wait(0.05)
    probe.may_go.set()


def test_a_refusal_is_told_though_somebody_took_the_key_before_it_could_be_kept(api):
    probe = Probe(api)
    who = api.office.scalar("select id from api_key where name = 'admin'")
    lock = "select pg_advisory_xact_lock(hashtextextended(:name, 1))"
    with ThreadPoolExecutor(2) as others, api.office.runtime.engine.connect() as taker:
        first = others.submit(probe.post, "/refusing", "k-taken")
        assert probe.is_inside.wait(60)
        others.submit(let_go_once_somebody_waits, api, probe)
        taker.execute(sa.text(lock), {"name": f"{who}\nk-taken"})
        refused(first.result(60), 422)
    assert api.office.scalar("select count(*) from idempotency_key where key = 'k-taken'") == 0


@pytest.mark.parametrize("raising", [Unavailable("later"), AssertionError("a bug")])
def test_what_was_out_of_reach_or_a_fault_of_ours_is_tried_again(api, raising):
    probe = Probe(api)
    before = count_of(api, "Failing")
    probe.raising = raising
    assert probe.post("/failing", f"k-{type(raising).__name__}").status_code >= 500
    assert count_of(api, "Failing") == before
    probe.raising = None
    done = probe.post("/failing", f"k-{type(raising).__name__}")
    assert done.status_code == 200
    assert probe.post("/failing", f"k-{type(raising).__name__}").get_data() == done.get_data()
    assert count_of(api, "Failing") == before + 1


def test_a_link_is_answered_again_and_its_token_is_kept_nowhere(api):
    customer = api.a_customer()["id"]
    path = f"/customers/{customer}/portal-links"
    first = api.post(path, key="k-link")
    again = api.post(path, key="k-link")
    assert (again.status_code, again.get_data()) == (201, first.get_data())
    token = first.get_json()["url"].rpartition("/")[2]
    assert len(token) == 43
    (row,) = api.office.rows(
        "select answer, request_hash from idempotency_key where key = 'k-link'"
    )
    kept = api.office.runtime.seals.opened(row.answer, of=row.request_hash)
    assert token not in kept
    assert first.get_json()["link"]["id"] in kept
    assert api.client.get(f"/portal/{token}").status_code == 200
    other = api.make(path, key="k-link", by="write")
    assert other["url"] != first.get_json()["url"]
    assert api.make(path)["url"] != api.make(path)["url"]
