"""Every call by everybody: who is kept out is, and changes nothing; who may gets in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from urllib.parse import urlsplit

import pytest
from werkzeug.test import Client, TestResponse

import wsgi
from reconciler.books.portal import Scope
from reconciler.embedded import postgres
from reconciler.queue import Queue
from reconciler.services import api_keys, people, portal_links
from tests.runtime import Office, open_office
from tests.tiers import size
from tests.web import furniture
from tests.web.access import CELLS, KEYS, PAPER, PEOPLE, Table, served_by
from tests.web.screens import NAMES, PASSWORD, Screens, furnish, open_screens, token_of

pytestmark = pytest.mark.usefixtures("unmeasured")
TABLE = Table.read()
_VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")
_FORM = {"rev": "1", "reference": "x", "why": "x", "on": "yes", "reason": "x"}
_LEAVING = "/admin/sign-out"


@dataclass
class Gate:
    """The whole application, and everybody in front of it."""

    office: Office
    app: object
    names: dict[str, str]
    browsers: dict[str, Client] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, caller: str) -> str:
        """What becomes of a call, as a cell of the table says it."""
        headers = self.headers.get(caller, {})
        given = {"headers": headers, "method": method}
        if method != "GET" and path.startswith("/admin"):
            token = self.tokens.get(caller)
            given["data"] = _FORM | ({"form_token": token} if token else {})
        elif method != "GET":
            given["json"] = {}
        with self.browsers[caller].open(self.filled(path), **given) as answer:
            return self._cell(answer)

    def filled(self, path: str) -> str:
        """The path with names of things that are really there."""
        if path.startswith(("/admin/switches", "/api/v1/switches")):
            return path.replace("<name>", "refunds")
        if path.startswith("/admin/deposits"):
            return path.replace("<name>", self.names["deposit_id"])
        return _VARIABLE.sub(lambda found: self.names[found[1]], path)

    def everything(self) -> dict[str, str]:
        """A digest of every table that there is."""
        tables = self.office.rows(
            "select tablename from pg_tables where schemaname = 'public' order by tablename"
        )
        digest = "select md5(string_agg(t::text, ';' order by t::text)) from {} t"
        return {t.tablename: self.office.scalar(digest.format(t.tablename)) for t in tables}

    def enter(self, caller: str) -> None:
        """Somebody signs in through the door."""
        browser = Client(self.app)
        token = token_of(browser.get("/admin/sign-in"))
        form = {"email": f"{caller}@example.com", "password": PASSWORD, "form_token": token}
        assert browser.post("/admin/sign-in", data=form).status_code == 303
        self.browsers[caller] = browser
        if caller != "no_token":
            self.tokens[caller] = token_of(browser.get("/admin/"))

    def _cell(self, answer: TestResponse) -> str:
        status, to = answer.status_code, urlsplit(answer.headers.get("Location", ""))
        if status in {401, 403}:
            return str(status)
        if status == 400:
            return "400"
        if status == 303 and to.path.endswith("/sign-in") and "left=" not in to.query:
            return "door"
        assert status < 500, (answer.request.path, status)
        return "in"


@pytest.fixture(scope="module")
def gate(servers, module_database: str, line, stripe_api) -> Iterator[Gate]:
    """A furnished company with somebody of each role and a key of each scope in front of it."""
    office = open_office(servers.url(postgres.APP, module_database), line, stripe_api)
    company = open_screens(office)
    furnish(company)
    furniture.projects_of(company)
    furniture.fee_of(company)
    furniture.proposal_of(company)
    furniture.purchases_of(company)
    runtime = replace(office.runtime, queue=Queue(servers.redis_url))  # /readyz asks for it
    made = Gate(office, wsgi.create_app(runtime), _names(company))
    _let_in(made)
    yield made
    office.runtime.engine.dispose()


def _let_in(gate: Gate) -> None:
    gate.browsers["stranger"] = Client(gate.app)
    for caller in KEYS:
        scope = {"revoked": "admin", "admin_key": "admin"}.get(caller, caller)
        made, key = gate.office.do(
            lambda work, name=caller, scope=scope: api_keys.create(work, name=name, scope=scope)
        )
        gate.browsers[caller] = Client(gate.app)
        gate.headers[caller] = {"Authorization": f"Bearer {key}"}
        assert gate.call("GET", "/api/v1/status", caller) == "in"
        if caller == "revoked":
            gate.office.do(lambda work, made=made: api_keys.revoke(work, made))
    for caller in PEOPLE:
        role = caller if caller in NAMES else "admin"
        made = gate.office.do(
            lambda work, caller=caller, role=role: _account(work, caller, role),
        )
        gate.enter(caller)
        if caller == "disabled":
            gate.office.do(lambda work, made=made: people.set_disabled(work, made, disabled=True))


def _account(work, caller: str, role: str) -> str:
    email = f"{caller}@example.com"
    known = {person.email: person.id for person in people.users(work)}
    made = known.get(email)
    return made or people.create_user(work, email=email, password=PASSWORD, role=role)


_FIXED = {
    "pay_link_id": "pln_none",
    "moment": "before",
    "noun": "customers",
    "view_id": "none",
    "forfeit_id": "app_none",
    "which": "none",
    "key_id": "key_none",
    "filename": "ui.css",
    "address": "no/where",
}


def _names(company: Screens) -> dict[str, str]:
    """A name for each variable of a path, of something that a call could really change."""
    ids, scalar = company.ids, company.office.scalar
    (link_id, _), (_, token) = (
        company.office.do(
            lambda work: portal_links.create(work, scope=Scope.CUSTOMER, subject_id=ids["acme"])
        )
        for _ in range(2)  # one of them may be revoked
    )
    return {
        "token": token,
        "link_id": link_id,
        "customer_id": ids["acme"],
        "invoice_id": ids["INV-1047"],
        "vendor_id": ids["vendor"],
        "owner_id": ids["vendor"],
        "bill_id": ids["bill"],
        "prepayment_id": ids["prepayment"],
        "name": ids["INV-1042"],
        "deposit_id": ids["DEP-1001"],
        "project_id": ids["project"],
        "proposal_id": ids["proposal"],
        "milestone_id": ids["milestone_3"],
        "application_id": scalar("select id from application"),
        "payment_id": ids["part"],
        "allocation_id": scalar("select id from allocation where payment_id = :id", id=ids["part"]),
        "refund_id": ids["asked"],
        "dispute_id": ids["lost"],
        "payout_id": ids["payout"],
        "item_id": scalar("select id from review_item where state = 'open' limit 1"),
        "run_id": ids["run"],
        "event_id": scalar("select rail_event_id from inbox_event order by seq limit 1"),
        "role": ids["cash"],
        "currency": ids["usd"],
        "entry_id": scalar("select id from journal_entry limit 1"),
        "line_id": "1",
        "message_id": ids["mail"],
        "endpoint_id": ids["endpoint"],
        "delivery_id": ids["delivery"],
        "subject": ids["acme"],
        "statement_id": ids["statement"],
        "bank_line_id": ids["bank_line"],
        "correction_id": ids["correction"],
        "draft_id": ids["import"],
        "attachment_id": ids["attachment"],
        "user_id": ids["nia"],
        "note_id": scalar("select id from credit_note limit 1"),
        "fee_id": ids["bank_fee"],
    } | _FIXED


def _differing(gate: Gate, which, at_most: int | None = None) -> list[str]:
    found = []
    for place, ((path, method), cells) in enumerate(sorted(TABLE.rows.items(), key=_in_turn)):
        callers = [caller for caller, cell in cells.items() if which(cell)]
        for caller in islice(cycle(callers), place, place + len(callers[:at_most])):
            became = gate.call(method, path, caller)
            if became != cells[caller]:
                found.append(f"{method} {path} by {caller}: {became} instead of {cells[caller]}")
    return found


def _in_turn(row) -> tuple[bool, bool, str]:
    """Who has left is a stranger, and who has changed a refund may no longer approve it."""
    path, method = row[0]
    return path == _LEAVING, method == "PATCH", path


def test_every_call_there_is_has_a_row_and_every_row_is_of_a_call(gate):
    served = served_by(gate.app)
    assert sorted(served - TABLE.rows.keys()) == [], "read tests/web/access.py: add these rows"
    assert sorted(TABLE.rows.keys() - served) == [], "read tests/web/access.py: drop these rows"
    assert len(served) > 100


def test_every_cell_is_said_and_the_table_is_kept_as_it_is_printed():
    said = {cell for cells in TABLE.rows.values() for cell in cells.values()}
    assert said <= CELLS
    assert TABLE.text() == PAPER.read_text()


def test_who_is_kept_out_is_kept_out_and_nothing_changes(gate):
    before = gate.everything()
    assert before["audit_line"], "there is an audit trail that could have grown"
    assert _differing(gate, lambda cell: cell != "in", at_most=size(quick=4, full=None)) == []
    assert gate.everything() == before


@pytest.mark.thorough
def test_what_else_a_call_could_be_made_with_opens_nothing(gate):
    before = gate.everything()
    stranger = gate.browsers["stranger"]
    for path, method in TABLE.rows:
        options = stranger.open(gate.filled(path), method="OPTIONS")
        assert (options.status_code, options.data) == (200, b""), path
        if method == "GET" and TABLE.rows[path, method]["stranger"] != "in":
            head = stranger.open(gate.filled(path), method="HEAD")
            assert head.status_code in {401, 303}, path
    assert gate.everything() == before


def test_who_may_gets_in(gate):
    """In ./test some of them for each call, others for the next: all of them take minutes."""
    assert _differing(gate, lambda cell: cell == "in", at_most=size(quick=1, full=None)) == []
    for caller in gate.tokens.keys() - {"disabled"}:  # they have left, too
        gate.enter(caller)
