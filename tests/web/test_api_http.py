"""What every route shares: who asks, what is malformed, how errors look, how lists are paged."""

import hashlib
import json
from collections.abc import Iterator
from itertools import count

import pytest
from flask import Blueprint, Flask

from reconciler import errors
from reconciler.books.people import Scope
from reconciler.errors import ReconcilerError
from reconciler.rails.stripe.refusals import RailRefused
from reconciler.services import api_keys
from reconciler.services.import_files import BadRow
from reconciler.services.import_money import RowRefused
from reconciler.services.imports import NotTaken, Outcome
from reconciler.web import http, problems
from reconciler.web.api.blueprint import PREFIX, ROUTES
from reconciler.web.api.fields import Nothing
from reconciler.web.api.routes import Resource, add_to
from reconciler.work import Work
from tests.web.api import ok, refused

_numbers = count(1)
_STATUS_OF: dict[type, int] = {
    errors.Refused: 422,
    errors.Invalid: 422,
    errors.NotFound: 404,
    errors.Forbidden: 403,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.Unavailable: 503,
    errors.OutcomeUnknown: 202,
    problems.Malformed: 400,
    problems.Unauthorized: 401,
}


def every_kind(of: type[ReconcilerError] = ReconcilerError) -> Iterator[type[ReconcilerError]]:
    for kind in of.__subclasses__():
        yield kind
        yield from every_kind(kind)


def probe(api, raising: Exception):
    """A route that only fails, made of the same parts as the real ones."""
    resource = Resource("probe")

    @resource.post("/probe")
    def fails(work: Work, body: Nothing) -> dict[str, str]:
        """Fail."""
        raise raising

    app = Flask("probe")
    blueprint = Blueprint("probe", __name__)
    blueprint.before_request(http.name_request)
    blueprint.after_request(http.add_headers)
    problems.answer_errors(blueprint)
    add_to(blueprint, api.office.runtime, resource.routes[0])
    app.register_blueprint(blueprint)
    key = {
        "Authorization": f"Bearer {api.key('admin')}",
        "Idempotency-Key": f"probe-{next(_numbers)}",
    }
    return app.test_client().post("/probe", json={}, headers=key)


@pytest.mark.parametrize("kind", sorted(set(every_kind()), key=str))
def test_every_kind_of_error_has_its_status(api, kind):
    made = {
        problems.ManyInvalid: lambda: problems.ManyInvalid([("total", "is odd")]),
        NotTaken: lambda: NotTaken(
            Outcome(file_name="a.csv", digest="", bad=[BadRow(2, "total", "is odd")])
        ),
        RailRefused: lambda: RailRefused("not like this", code="charge_disputed"),
        RowRefused: lambda: RowRefused(2, errors.Refused("not like this")),
    }
    answer = probe(api, made.get(kind, lambda: kind("not like this"))())
    expected = next(_STATUS_OF[k] for k in kind.__mro__ if k in _STATUS_OF)
    refused(answer, expected)
    assert ("Retry-After" in answer.headers) is (expected == 503)
    assert ("WWW-Authenticate" in answer.headers) is (expected == 401)


@pytest.mark.parametrize(
    "bug", [AssertionError("secret: 4242"), KeyError("secret"), OSError("secret")]
)
def test_a_fault_of_ours_says_nothing_but_its_number(api, bug):
    answer = probe(api, bug)
    refused(answer, 500)
    assert "secret" not in answer.get_data(as_text=True)
    assert answer.get_json()["request_id"] == answer.headers["X-Request-Id"]


def test_a_refusal_names_the_field_at_fault(api):
    said = probe(api, errors.Refused("too much", field="amount")).get_json()
    assert said["errors"] == [{"field": "amount", "message": "too much"}]
    assert said["type"].startswith("/api/v1/docs#")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_wants_a_key_that_may(api, route):
    path = PREFIX + route.path.replace("{", "").replace("}", "")
    with api.unchanged():
        refused(api.client.open(path, method=route.method), 401)
        for scope in Scope:
            answer = api.call(route.method, path.removeprefix(PREFIX), by=scope.value, json={})
            is_allowed = scope in (route.scope, Scope.ADMIN) or route.scope is Scope.READ
            assert (answer.status_code == 403) is not is_allowed


def test_keys_that_open_nothing_are_all_answered_alike(api):
    good = api.key("read")
    key_id, revoked = api.office.do(lambda work: api_keys.create(work, name="old", scope="admin"))
    api.office.do(lambda work: api_keys.revoke(work, key_id))
    answers = [
        api.client.get(f"{PREFIX}/status", headers={"Authorization": said} if said else {})
        for said in (
            None, "", "Bearer", "Bearer ", f"Basic {good}", good, f"Bearer {good}x",
            f"Bearer {good.upper()}", f"Bearer {revoked}", "Bearer rk_", "Bearer " + "x" * 5_000,
            "Bearer rk_\xff\xfe", f"Token {good}",
        )
    ]  # fmt: skip
    assert {a.status_code for a in answers} == {401}
    assert len({a.get_data() for a in answers}) == 1
    refused(api.client.get(f"{PREFIX}/status?key={good}&api_key={good}"), 401)


def test_the_scheme_is_read_in_any_case(api):
    for scheme in ("bearer", "BEARER", "Bearer"):
        said = {"Authorization": f"{scheme} {api.key('read')}"}
        ok(api.client.get(f"{PREFIX}/status", headers=said))


def test_a_key_is_kept_as_a_hash_alone_and_its_use_is_noted(api):
    key = api.key("read of its own")
    kept = api.office.rows("select * from api_key where name = 'read of its own'")[0]
    assert key not in str(kept)
    assert kept.key_hash == hashlib.sha256(key.encode()).hexdigest()
    assert kept.used_at is None
    ok(api.get("/status", by="read of its own"))
    [used] = api.office.rows("select used_at from api_key where name = 'read of its own'")
    assert used.used_at == api.office.clock()


@pytest.mark.parametrize(
    "raw",
    [
        b"{", b"\xff\xfe", b"nope", b'{"name": "a"} x', b'{"name": NaN}', b"[" * 100_000,
        b'{"name": "\xed\xa0\x80"}', b'{"name": "\\ud800"}', b"\x00",
        b"[" * 500 + b"]" * 500,
    ],
)  # fmt: skip
def test_what_is_no_json_is_malformed(api, raw):
    with api.unchanged():
        refused(api.call("POST", "/customers", data=raw), 400)


@pytest.mark.parametrize("raw", [b"[]", b"null", b"5", b'"x"', b"true"])
def test_json_that_is_no_object_is_not_possible(api, raw):
    with api.unchanged():
        refused(api.call("POST", "/customers", data=raw), 422)


def test_a_body_beyond_a_mebibyte_is_too_large(api):
    with api.unchanged():
        big = json.dumps({"name": "x" * http.BODY_BYTES_MAX}).encode()
        refused(api.call("POST", "/customers", data=big), 413)


def test_the_content_type_is_not_what_decides(api):
    for kind in ("application/json", "text/plain", "application/vnd.api+json", ""):
        ok(api.call("POST", "/customers", data=b'{"name": "Ann"}', content_type=kind))


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/customers?limit=0", "limit"),
        ("/customers?limit=201", "limit"),
        ("/customers?limit=1000000000", "limit"),
        ("/customers?limit=ten", "limit"),
        ("/customers?limit=5&limit=6", "limit"),
        ("/customers?order_by=name;drop table customer", "order_by"),
        ("/customers?email=a%00b", "email"),
        ("/invoices?status=owed", "status"),
        ("/invoices?is_open=perhaps", "is_open"),
        ("/invoices?due_before=soon", "due_before"),
        ("/payments?since=2026-11-22T10:00", "since"),
        ("/payments?until=99999-01-01", "until"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(api, path, field):
    refused(api.call("GET", path), 422, field)


@pytest.mark.parametrize(
    "cursor",
    [
        "", "x", "!!!", "W10", "WzFd", "bnVsbA", "WyIyMDI2IiwiYSJd", "A" * 401, "é",
        "WyIxIiwiMiIsIjMiXQ", "WzEuNV0", "WyJcdTAwMDAiXQ",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/customers", "/invoices", "/events", "/payments"])
def test_a_cursor_of_no_list_is_refused(api, path, cursor):
    answer = api.get(path, cursor=cursor)
    if answer.status_code != 200 or (path, cursor) == ("/customers", ""):
        refused(answer, 422, "cursor")
    else:
        assert answer.get_json()["data"] is not None


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 200])
def test_a_list_walked_in_pages_shows_each_once_and_the_newest_first(api, limit):
    made = [api.a_customer(f"Walker-{limit}-")["id"] for _ in range(7)]
    asked = {"name": f"walker-{limit}-", "limit": limit}
    page = api.read("/customers", **asked)
    seen = [one["id"] for one in page["data"]]
    api.a_customer(f"Walker-{limit}- who came meanwhile")
    for _ in range(10):
        if page["next_cursor"] is None:
            break
        page = api.read("/customers", cursor=page["next_cursor"], **asked)
        assert len(page["data"]) <= limit
        seen += [one["id"] for one in page["data"]]
    assert seen == made[::-1]


def test_pages_of_invoices_made_in_one_instant_repeat_nothing(api):
    customer = api.a_customer()["id"]
    made = {api.an_invoice(send=False, customer_id=customer)["id"] for _ in range(5)}
    first = api.read("/invoices", customer_id=customer, limit=2)
    second = api.read("/invoices", customer_id=customer, limit=200, cursor=first["next_cursor"])
    assert {one["id"] for one in first["data"] + second["data"]} == made
    assert second["next_cursor"] is None


def test_every_answer_carries_the_headers_that_keep_it_private(api):
    for answer in (api.get("/status"), api.get("/customers/none"), api.client.get(PREFIX + "/x")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_a_name_for_the_request_is_taken_over_if_it_is_harmless(api):
    given = {"X-Request-Id": "trace-7"}
    assert api.call("GET", "/status", headers=given).headers["X-Request-Id"] == "trace-7"
    odd = {"X-Request-Id": "<script>"}
    assert api.call("GET", "/status", headers=odd).headers["X-Request-Id"].startswith("req_")


def test_where_nothing_is_served_there_is_a_problem_too(api):
    refused(api.client.get("/api/v1/nothing"), 404)
    refused(api.client.get("/api/v2/status"), 404)
    answer = api.client.put("/api/v1/customers")
    refused(answer, 405)
    assert set(answer.headers["Allow"].split(", ")) >= {"GET", "POST"}
