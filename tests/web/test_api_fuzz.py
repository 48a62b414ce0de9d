"""Whatever anybody sends, nothing answers with a fault of ours and the books stay sound."""

import json
import string
from collections.abc import Iterator
from io import BytesIO

import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st

from reconciler.web.api.blueprint import PREFIX, ROUTES
from tests.tiers import size
from tests.web import contract
from tests.web.api import Api

FILES = [route for route in ROUTES if route.takes_file]
WRITES = [route for route in ROUTES if route.method != "GET" and route not in FILES]
READS = [route for route in ROUTES if route.method == "GET"]
# The body or the question decides how far a request gets, so most of it is nearly right.
FEW = settings(
    max_examples=size(quick=4, full=12),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ODD_TEXTS = [
    "", " ", "\x00", "a\x00b", "\ud800", "\u202e", "٣", "\uff11\uff10\uff10", "1e3",
    "' or 1=1 --", "{{7*7}}", "../../x", "%s%n", "x" * 300, "2026-02-30", "0000-00-00",
    "9999-12-31", "-0", "NaN", "🙂" * 40,
]  # fmt: skip
ODD_NUMBERS = [
    0,
    -1,
    1,
    5,
    10**15,
    10**15 + 1,
    2**31,
    2**63 - 1,
    2**63,
    -(2**63),
    10**40,
    0.5,
    1e400,
]
ODD_FILES = [
    b"", b"kind,name\n", b"kind,name\ncustomer,Ann\n", b"Date,Amount,Currency\n2026-11-20,1,USD\n",
    b"[]", b'[{"kind": "customer"}]', b"%PDF-1.7\n%%EOF", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n",
    b"<?xml version='1.0'?><Document/>", b"PK\x03\x04", b"MZ", "\ufeffkind\n".encode(),
]  # fmt: skip
_TARGETS = {"payment_id", "invoice_id", "deposit_id"}
texts = st.one_of(
    st.sampled_from(ODD_TEXTS), st.text(max_size=20), st.text(string.printable, max_size=8)
)
scalars = st.one_of(
    st.none(), st.booleans(), st.sampled_from(ODD_NUMBERS), st.integers(), st.floats(), texts
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unmeasured")]


@pytest.fixture(scope="module")
def town(api) -> dict[str, list[str]]:
    """Names of things that are really there, by the kind of name."""
    customer = api.a_customer(rail_customers={"stripe": "cus_fuzz"})["id"]
    of = {"customer_id": customer}
    invoices = [api.an_invoice(5_000, **of), api.an_invoice(send=False, **of)]
    deposit = api.a_deposit(9_000, **of)
    api.make(f"/deposits/{deposit['id']}/receipts", {"source": "cash", "received_on": "2026-11-20"})
    payments = [
        api.paid(5_000)["id"],
        api.paid(700, metadata={"invoice": invoices[0]["number"]})["id"],
    ]
    refund = api.make("/refunds", {"payment_id": payments[1], "amount": 5, "reason": "other"})["id"]
    vendor = api.a_vendor()["id"]
    bills = [api.a_bill(3_000, vendor_id=vendor, open=open_)["id"] for open_ in (True, False)]
    return {
        "customer_id": [customer],
        "invoice_id": [one["id"] for one in invoices],
        "deposit_id": [deposit["id"]],
        "payment_id": payments,
        "vendor_id": [vendor],
        "bill_id": bills,
        "prepayment_id": [api.a_prepayment(9_000, vendor_id=vendor)["id"]],
        "refund_id": [refund],
        "item_id": [one["id"] for one in api.read("/review-items")["data"]],
        "event_id": [one["id"] for one in api.read("/events", limit=3)["data"]],
        "entry_id": [one["id"] for one in api.read("/ledger/entries", limit=3)["data"]],
        "name": ["refunds", "outbound"],
    }


def _fitting(schema, name: str, town) -> st.SearchStrategy:
    if name in town:
        return st.sampled_from(town[name])
    if "$ref" in schema or "anyOf" in schema:
        either = schema.get("anyOf") or [_named(schema)]
        return st.one_of([_fitting(one, name, town) for one in either])
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "object":
        return a_body(schema, town)
    if schema.get("type") == "array":
        return st.lists(_fitting(schema["items"], name, town), max_size=3)
    return _plain(schema, name)


def _plain(schema, name: str) -> st.SearchStrategy:
    if name == "currency":
        return st.sampled_from(["USD", "eur", "JPY", "KWD"])
    if "format" in schema:
        return st.sampled_from(["2026-11-22", "2027-02-28"])
    return {
        "integer": st.one_of(st.integers(1, 20), st.integers(1, 10_000)),
        "boolean": st.booleans(),
        "null": st.none(),
        "string": st.one_of(st.sampled_from(["a word", "another"]), st.text("abc", min_size=1)),
    }[schema["type"]]


def _named(schema):
    return contract.document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]


@st.composite
def a_body(draw, schema, town):
    """An object of that schema; of its fields at most one is odd, missing or unknown."""
    known = schema.get("properties", {})
    needed = set(schema.get("required", ()))
    chosen = [n for n in known if n in needed or draw(st.integers(0, 3)) == 0]
    if len(_TARGETS & set(chosen)) > 1:  # most routes want one of them, and refuse several early
        kept = draw(st.sampled_from(sorted(_TARGETS & set(chosen))))
        chosen = [n for n in chosen if n == kept or n not in _TARGETS]
    body = {name: draw(_fitting(known[name], name, town)) for name in chosen}
    what = draw(st.sampled_from(["sound", "sound", "sound", "odd", "missing", "unknown"]))
    if what == "odd" and known:
        body[draw(st.sampled_from(sorted(known)))] = draw(anything)
    elif what == "missing" and chosen:
        del body[draw(st.sampled_from(chosen))]
    elif what == "unknown":
        body[draw(texts)] = draw(anything)
    return body


def place_of(route, draw, town):
    """The route's path with names in it, mostly of things that are there."""
    path = route.path
    for name in route.in_path:
        some = st.sampled_from(town.get(name, ["none"]))
        odd = texts.filter(lambda text: text.strip("./") and "/" not in text)
        chosen = draw(odd if draw(st.integers(0, 7)) == 0 else some)
        path = path.replace(f"{{{name}}}", chosen.replace("%", "%25").replace("?", "%3F"))
    assume(path.isprintable() and "#" not in path)
    return path


def _operation(route):
    return contract.document()["paths"][PREFIX + route.path][route.method.lower()]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("route", WRITES, ids=lambda route: f"{route.method} {route.path}")
@FEW
@given(data=st.data())
def test_no_body_is_a_fault_of_ours(api: Api, town, route, data):
    content = _operation(route).get("requestBody", {}).get("content", {})
    schema = _named(content["application/json"]["schema"]) if content else {}
    is_odd = data.draw(st.integers(0, 9)) == 0
    body = data.draw(anything if is_odd else a_body(schema, town))
    raw = _as_json(body)
    answer = api.call(route.method, place_of(route, data.draw, town), data=raw)
    assert answer.status_code < 500


@pytest.mark.parametrize("route", FILES, ids=lambda route: f"{route.method} {route.path}")
@FEW
@given(data=st.data())
def test_no_file_is_a_fault_of_ours(api: Api, town, route, data):
    file = data.draw(st.one_of(st.binary(max_size=200), st.sampled_from(ODD_FILES)))
    name = data.draw(st.sampled_from(["a.csv", "a.json", "a.pdf", "", "..", "x" * 300]))
    form = {"file": (BytesIO(file), name)} if data.draw(st.integers(0, 7)) else {}
    for field in _operation(route)["requestBody"]["content"]["multipart/form-data"]["schema"][
        "properties"
    ]:
        if field != "file" and data.draw(st.booleans()):
            form[field] = data.draw(texts).encode("utf-8", "replace").decode()
    answer = api.call(route.method, place_of(route, data.draw, town), data=form)
    assert answer.status_code < 500


@pytest.mark.sampled(3)
@pytest.mark.parametrize("route", READS, ids=lambda route: f"{route.method} {route.path}")
@FEW
@given(data=st.data())
def test_no_question_is_a_fault_of_ours(api: Api, town, route, data):
    asked = {
        one["name"]: data.draw(
            texts
            if data.draw(st.integers(0, 7)) == 0
            else _fitting(one["schema"], one["name"], town)
        )
        for one in _operation(route)["parameters"]
        if one["in"] == "query" and data.draw(st.integers(0, 3)) == 0
    }
    sent = {
        name: str(value).encode("utf-8", "replace").decode()
        for name, value in asked.items()
        if value is not None
    }
    answer = api.call("GET", place_of(route, data.draw, town), query_string=sent)
    assert answer.status_code < 500


@pytest.fixture(scope="module", autouse=True)
def _the_books_are_sound_after_all_that(api) -> Iterator[None]:
    yield
    for name in ("refunds", "apply", "outbound"):
        on = {"on": True, "reason": "after the storm"}
        assert api.call("PUT", f"/switches/{name}", json=on).status_code == 200
    api.settle()
    assert api.office.violations() == []


def _as_json(body: object) -> bytes:
    """As a client would write it; lone halves of pairs as escapes, odd floats as they come."""
    return json.dumps(body).encode()
