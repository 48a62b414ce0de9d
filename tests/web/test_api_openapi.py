import re

import pytest

from reconciler.reads import (
    customers,
    deposits,
    events,
    invoices,
    ledger,
    payments,
    refunds,
    review_queue,
)
from reconciler.web.api.blueprint import PREFIX, ROUTES
from reconciler.web.app import create_web_app
from tests.web import contract
from tests.web.api import ok

_PAGES = {"/openapi.json", "/docs", "/docs.css"}


def served(api):
    """Each method and path under /api/v1 that the application answers."""
    rules = create_web_app(api.office.runtime).url_map.iter_rules()
    return {
        (method, re.sub(r"<(\w+)>", r"{\1}", rule.rule))
        for rule in rules
        if rule.rule.startswith(PREFIX) and rule.rule.removeprefix(PREFIX) not in _PAGES
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_route_is_in_the_document_and_back(api):
    written = {
        (method.upper(), path)
        for path, methods in contract.document()["paths"].items()
        for method in methods
    }
    assert served(api) == written


def test_every_resource_of_the_interface_is_there():
    paths = {route.path for route in ROUTES}
    assert paths >= {
        "/customers", "/customers/{customer_id}", "/invoices", "/invoices/{invoice_id}",
        "/invoices/{invoice_id}/send", "/invoices/{invoice_id}/void",
        "/invoices/{invoice_id}/credit-notes", "/invoices/{invoice_id}/payments", "/deposits",
        "/deposits/{deposit_id}", "/deposits/{deposit_id}/applications",
        "/deposits/{deposit_id}/applications/{application_id}", "/deposits/{deposit_id}/receipts",
        "/payments", "/payments/{payment_id}", "/payments/{payment_id}/allocations",
        "/payments/{payment_id}/allocations/{allocation_id}", "/refunds", "/refunds/{refund_id}",
        "/refunds/{refund_id}/approve", "/refunds/{refund_id}/reject",
        "/refunds/{refund_id}/cancel", "/refunds/{refund_id}/retry", "/review-items",
        "/review-items/{item_id}", "/review-items/{item_id}/resolve", "/events",
        "/events/{event_id}", "/events/{event_id}/replay", "/events/replay", "/ledger/accounts",
        "/ledger/entries", "/ledger/trial-balance", "/switches", "/switches/{name}", "/status",
    }  # fmt: skip


def test_the_document_is_served_without_a_key(api):
    answer = api.client.get(f"{PREFIX}/openapi.json")
    found = ok(answer)
    assert found["openapi"] == "3.1.0"
    assert found["paths"].keys() == contract.document()["paths"].keys()


def test_every_name_in_the_document_leads_somewhere():
    found = contract.document()
    named = set(re.findall(r"#/components/schemas/([\w.]+)", str(found)))
    assert named <= found["components"]["schemas"].keys()
    ids = [o["operationId"] for methods in found["paths"].values() for o in methods.values()]
    assert len(ids) == len(set(ids))


def test_every_operation_says_what_it_does_who_may_and_what_it_answers():
    for path, methods in contract.document()["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"].endswith("."), (method, path)
            assert "key" in operation["description"].lower()
            assert {"401", "403"} <= operation["responses"].keys()
            in_path = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert in_path == set(re.findall(r"{(\w+)}", path))
            headers = {p["name"] for p in operation["parameters"] if p["in"] == "header"}
            assert headers == (set() if method == "get" else {"Idempotency-Key"})


def test_a_change_of_some_fields_shows_no_default_for_them():
    schemas = contract.document()["components"]["schemas"]
    for name in ("CustomerChanges", "InvoiceChanges", "DepositChanges"):
        assert [f for f, s in schemas[name]["properties"].items() if "default" in s] == []
        assert schemas[name]["additionalProperties"] is False


_LISTINGS = {
    "customers": customers, "invoices": invoices, "deposits": deposits, "payments": payments,
    "refunds": refunds, "review-items": review_queue, "events": events,
    "ledger": ledger,
}  # fmt: skip


@pytest.mark.parametrize("noun", sorted(_LISTINGS))
def test_every_filter_of_a_list_means_something_to_the_database(api, noun):
    path = "/ledger/entries" if noun == "ledger" else f"/{noun}"
    operation = contract.operation_of("GET", PREFIX + path)
    values = {"boolean": "true", "string": "x", "integer": "5"}
    for one in operation["parameters"]:
        if one["name"] in ("limit", "cursor"):
            continue
        schema = one["schema"]
        value = schema.get("enum", [None])[0] or {
            "date": "2026-11-22", "date-time": "2026-11-22T10:00:00Z",
        }.get(schema.get("format")) or values[schema["type"]]  # fmt: skip
        value = "USD" if one["name"] == "currency" else value
        assert isinstance(api.read(path, **{one["name"]: value})["data"], list), one["name"]


def test_the_page_shows_every_operation_and_fetches_nothing_from_elsewhere(api):
    answer = api.client.get(f"{PREFIX}/docs")
    assert answer.status_code == 200
    text = answer.get_data(as_text=True)
    for methods in contract.document()["paths"].values():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in text
    assert "<script" not in text
    assert "style=" not in text
    assert re.findall(r'(?:src|href)="(?!#|docs\.css|openapi\.json)', text) == []
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    style = api.client.get(f"{PREFIX}/docs.css")
    assert style.content_type.startswith("text/css")


def test_every_link_on_the_page_has_its_place(api):
    text = api.client.get(f"{PREFIX}/docs").get_data(as_text=True)
    places = set(re.findall(r'id="([^"]+)"', text))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= places


class _Said:
    def __init__(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.status_code, self.content_type, self._body = status, kind, body

    def get_data(self) -> bytes:
        return self._body


@pytest.mark.parametrize(
    "said",
    [
        _Said(200, b"{}"),
        _Said(200, b'{"data": []}'),
        _Said(200, b'{"data": [], "next_cursor": 5}'),
        _Said(200, b'{"data": [{}], "next_cursor": null}'),
        _Said(200, b'{"data": [], "next_cursor": null, "total": 5}'),
        _Said(200, b'{"data": [], "next_cursor": null}', "text/html"),
        _Said(418, b"{}"),
    ],
)
def test_an_answer_that_is_not_as_written_would_be_noticed(said):
    with pytest.raises(AssertionError):
        contract.check("GET", f"{PREFIX}/customers", said)
