"""A program that calls the API of an office, with a key of each scope."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from reconciler.books.people import Scope
from reconciler.services import api_keys
from reconciler.web.app import create_web_app
from tests.runtime import Office, open_office
from tests.web import contract
from tests.web.kept_apps import kept_app

PREFIX = "/api/v1"
_numbers = count(1)


@dataclass
class Api:
    """Calls as a key of any scope; admin unless said otherwise."""

    office: Office
    client: FlaskClient
    keys: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._world = self.office.line.app

    def key(self, name: str) -> str:
        """The key called `name`, made on first use; its first word is its scope."""
        if name not in self.keys:
            scope = name.partition(" ")[0]
            self.keys[name] = self.office.do(
                lambda work: api_keys.create(work, name=name, scope=scope)
            )[1]
        return self.keys[name]

    def call(self, method: str, path: str, *, by: str = "admin", headers=None, **sent):
        """Any call. Whatever comes back is held against the document."""
        said = {"Authorization": f"Bearer {self.key(by)}", **(headers or {})}
        answer = self.client.open(PREFIX + path, method=method, headers=said, **sent)
        contract.check(method, PREFIX + path, answer)
        return answer

    def get(self, path: str, *, by: str = "read", **query):
        return self.call("GET", path, by=by, query_string=query)

    def post(self, path: str, body=None, *, by: str = "admin", key: str | None = None):
        headers = {"Idempotency-Key": key} if key else {}
        return self.call("POST", path, by=by, json=body or {}, headers=headers)

    def patch(self, path: str, body, *, by: str = "admin"):
        return self.call("PATCH", path, by=by, json=body)

    def delete(self, path: str, *, by: str = "admin"):
        return self.call("DELETE", path, by=by)

    def read(self, path: str, **query):
        """What a reading answers."""
        return ok(self.get(path, **query))

    def make(self, path: str, body=None, **options):
        """What a change answers."""
        return ok(self.post(path, body, **options))

    def a_customer(self, name: str = "Ann Lee", **more):
        return self.make("/customers", {"name": name, **more})

    def an_invoice(
        self, total: int | None = 10_000, *, currency: str = "USD", send: bool = True, **more
    ):
        """An invoice, sent unless said otherwise."""
        more.setdefault("customer_id", None)
        customer_id = more.pop("customer_id") or self.a_customer()["id"]
        given = {"customer_id": customer_id, "currency": currency, "send": send}
        if total is not None:
            given["total"] = total
        return self.make("/invoices", {**given, **more})

    def a_deposit(self, amount: int = 10_000, *, currency: str = "USD", **more):
        more.setdefault("customer_id", None)
        customer_id = more.pop("customer_id") or self.a_customer()["id"]
        given = {"customer_id": customer_id, "currency": currency, "amount": amount}
        return self.make("/deposits", {**given, **more})

    def a_vendor(self, name: str = "Oak Ltd", **more):
        return self.make("/vendors", {"name": name, **more})

    def a_bill(self, net: int = 10_000, *, currency: str = "USD", open: bool = True, **more):  # noqa: A002
        """A bill of one line without tax, open unless said otherwise."""
        line = {"description": "Oak", "unit_price": net, "category": "materials"}
        given = {
            "currency": currency,
            "open": open,
            "lines": [line],
            "number": f"B-{next(_numbers)}",
        }
        vendor_id = more.pop("vendor_id", None) or self.a_vendor()["id"]
        return self.make("/bills", {**given, "vendor_id": vendor_id, **more})

    def a_prepayment(self, amount: int = 10_000, *, currency: str = "USD", **more):
        given = {"currency": currency, "amount": amount, "paid_on": "2026-11-20"}
        vendor_id = more.pop("vendor_id", None) or self.a_vendor()["id"]
        return self.make("/prepayments", {**given, "vendor_id": vendor_id, **more})

    def a_project(self, price: int = 10_000, *, currency: str = "USD", plan=(), **more):
        """A project; `plan` by kinds and percentages, such as `("deposit", 30)`."""
        customer_id = more.pop("customer_id", None) or self.a_customer()["id"]
        stages = [{"kind": kind, "percent": percent} for kind, percent in plan]
        given = {"customer_id": customer_id, "name": "Kitchen", "currency": currency}
        return self.make(
            "/projects", given | {"original_price": price, "milestones": stages} | more
        )

    def paid(self, amount: int, currency: str = "usd", **how):
        """A card payment that the rail told us of, as it is read here."""
        payment = self.office.world.pay(amount, currency, **how)
        self.settle()
        found = self.read("/payments", rail_payment_id=payment.intent)["data"]
        return found[0]

    def settle(self) -> None:
        """Deliver what the rail has to tell, and do all that is due."""
        self.office.line.app = self._world  # another test's office may have taken the line
        known = {
            row.rail_event_id for row in self.office.rows("select rail_event_id from inbox_event")
        }
        news = [e for e in self.office.world.events() if e["id"] not in known]
        assert set(self.office.deliver(*news)) <= {200}
        self.office.drain()

    def in_cash(self, invoice_id: str, amount: int | None = None, **more):
        """Money by hand for an invoice."""
        given = {"source": "cash", "received_on": "2026-11-20", **more}
        if amount:
            given["amount"] = amount
        return self.make(f"/invoices/{invoice_id}/payments", given)

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """What happens inside changes no document, no money, no question and no refund."""
        before = self._everything()
        yield
        assert self._everything() == before

    def _everything(self) -> list[str | None]:
        tables = (
            "customer", "customer_rail_id", "invoice", "invoice_line", "credit_note", "deposit",
            "allocation", "application", "payment", "rail_reference", "refund", "refund_leg",
            "review_item", "journal_entry", "posting", "inbox_outcome", "switch",
            "project", "milestone", "change_order", "proposal",
            "vendor", "bill", "bill_line", "bill_payment", "prepayment", "prepayment_application",
            "vendor_refund",
        )  # fmt: skip
        digest = "select md5(string_agg(t::text, ';' order by t::text)) from {} t"
        return [self.office.scalar(digest.format(table)) for table in tables]

    def sound(self) -> None:
        """The books keep every law, and nothing that came in is left over."""
        assert self.office.violations() == []
        left = [one for one in self.office.unfinished() if one[1] != "quarantined"]
        assert left == []


@pytest.fixture(scope="module")
def api(module_database_url: str, line, stripe_api) -> Iterator[Api]:
    """The API of an office whose books all tests of a file write into; each its own documents."""
    office = open_office(module_database_url, line, stripe_api)
    yield Api(office, create_web_app(office.runtime).test_client())
    office.runtime.engine.dispose()


@pytest.fixture
def empty_api(office: Office) -> Api:
    """The API of an office with empty books."""
    return Api(office, kept_app(office.runtime, with_screens=False).test_client())


def ok(answer: TestResponse):
    """The answer's body, if it is a good one."""
    assert answer.status_code in (200, 201), (answer.status_code, answer.get_data(as_text=True))
    return answer.get_json()


def refused(answer: TestResponse, status: int, field: str | None = None):
    """The refusal's words, if it is this one and a proper problem document."""
    said = answer.get_json()
    assert answer.status_code == status, (answer.status_code, said)
    assert answer.content_type == "application/problem+json"
    assert {"type", "title", "status", "detail", "errors"} <= said.keys()
    assert said["status"] == status
    if field is not None:
        assert field in {one["field"] for one in said["errors"]}, said
    return said["detail"]


def scopes_without(*granted: Scope) -> Iterable[str]:
    """The scopes that are not among these."""
    return [scope.value for scope in Scope if scope not in granted]
