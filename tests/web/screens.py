"""People in front of the screens of an office, and a company with something of everything."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from html import unescape

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from reconciler.books.people import Role
from reconciler.books.reconciliation import LAG, Window
from reconciler.embedded import postgres
from reconciler.flows.count_figures import count_figures
from reconciler.flows.reconcile import carry_on
from reconciler.services import (
    applications,
    customers,
    deposits,
    invoices,
    people,
    receipts,
    reconciliation,
    refunds,
)
from reconciler.services.deposits import NewDeposit
from reconciler.services.invoices import NewInvoice
from reconciler.services.receipts import Receipt
from reconciler.services.reconciliation import OWN
from reconciler.services.refunds import RefundAsk, RefundPolicy
from reconciler.web.admin import admin_blueprint
from reconciler.web.app import create_web_app
from reconciler.work import Cause
from tests.mail_room import a_mail
from tests.runtime import Office, open_office
from tests.web import furnished_files
from tests.web.kept_apps import kept_app

PASSWORD = "seven tall herons"
NAMES = {
    "viewer": "Vera Noor",
    "reconciler": "Rae Lindt",
    "approver": "Aki Brown",
    "second": "Bo Silva",
    "admin": "Dana Cole",
    "newcomer": "Nia Alder",
}
_ROLES = {"second": Role.APPROVER, "newcomer": Role.VIEWER}
COOKIE = "reconciler"
_DOOR = Cause("browser", "sign-in")
_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
_TAGS = re.compile(r"<[^>]+>")
TABLES = (
    "invoice", "deposit", "allocation", "application", "payment", "refund", "refund_leg",
    "review_item", "journal_entry", "posting", "inbox_outcome",
)  # fmt: skip


@dataclass
class Somebody:
    """A browser that somebody is signed in with."""

    client: FlaskClient
    token: str

    def get(self, path: str, **options) -> TestResponse:
        """A page."""
        return self.client.get(f"/admin{path}", **options)

    def read(self, path: str) -> str:
        """The words of a page that there has to be."""
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return said(answer)

    def post(self, path: str, form=(), *, token: str | None = None, **options) -> TestResponse:
        """A form, sent with this session's token unless said otherwise."""
        fields = list(dict(form).items()) if isinstance(form, dict) else list(form)
        fields.append(("form_token", self.token if token is None else token))
        data: dict[str, list[str]] = {}
        for name, value in fields:
            data.setdefault(name, []).append(str(value))
        return self.client.post(f"/admin{path}", data=data, **options)


@dataclass
class Screens:
    """The screens of an office, with one person for each role."""

    office: Office
    app: object
    ids: dict[str, str] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)

    def person(self, name: str) -> str:
        """Somebody's id; made when first asked for."""
        if name not in self.known:
            self.known[name] = self.office.do(
                lambda work: people.create_user(
                    work,
                    email=f"{name}@example.com",
                    password=PASSWORD,
                    role=_ROLES.get(name, name),
                    name=NAMES[name],
                )
            )
        return self.known[name]

    def browser(self) -> FlaskClient:
        """A browser that nobody is signed in with."""
        return self.app.test_client()

    def as_(self, name: str) -> Somebody:
        """Somebody, signed in as by the page of the door, which most tests are not about."""
        self.person(name)
        given = {"email": f"{name}@example.com", "password": PASSWORD, "address": "127.0.0.1"}
        entered = self.office.do(lambda work: people.sign_in(work, **given), _DOOR)
        client = self.browser()
        client.set_cookie(COOKIE, entered.token)
        return Somebody(client, entered.form_token)

    def books(self) -> list:
        """All that a look must not change."""
        return [
            self.office.scalar(f"select md5(string_agg(t::text, ';' order by t::text)) from {t} t")
            for t in TABLES
        ]

    def by(self, name: str, step):
        """A change in somebody's name."""
        return self.office.do(step, Cause("person", self.person(name)))

    def customer(self, name: str, **more) -> str:
        """A customer's id."""
        return self.office.do(lambda work: customers.create(work, name=name, **more))

    def invoice(self, customer_id: str, total: int, number: str, **more) -> str:
        """A sent invoice's id."""
        new = {"currency": "USD", "issued_on": date(2026, 11, 2), "due_on": date(2026, 12, 1)}
        is_draft = more.pop("draft", False)

        def step(work):
            given = new | {"customer_id": customer_id, "total": total, "number": number} | more
            made = invoices.create(work, NewInvoice(**given))
            if not is_draft:
                invoices.send(work, made)
            return made

        self.ids[number] = self.office.do(step)
        return self.ids[number]

    def deposit(self, customer_id: str, amount: int, code: str, **more) -> str:
        """An expected deposit's id."""
        new = {"customer_id": customer_id, "amount": amount, "code": code, "currency": "USD"}
        self.ids[code] = self.office.do(
            lambda work: deposits.create(work, NewDeposit(**(new | more)))
        )
        return self.ids[code]

    def paid(self, amount: int, currency: str = "usd", **how) -> str:
        """A card payment that the rail told us of; gives our id."""
        return self.hear(self.office.world.pay(amount, currency, **how).intent)

    def hear(self, rail_id: str) -> str:
        """Let the rail tell its news; gives our id of one payment."""
        known = {r.rail_event_id for r in self.office.rows("select rail_event_id from inbox_event")}
        news = [e for e in self.office.world.events() if e["id"] not in known]
        assert set(self.office.deliver(*news)) <= {200}
        self.office.drain(timedelta(seconds=30))
        return self.office.scalar("select id from payment where rail_payment_id = :id", id=rail_id)

    def in_cash(self, number: str, amount: int) -> str:
        """Money by hand for an invoice; gives the payment's id."""
        receipt = Receipt("cash", date(2026, 11, 20), amount)
        target = self.ids[number]
        return self.office.do(lambda work: receipts.receive(work, target, receipt))

    def begin_run(self) -> str:
        """A run over the last week that nobody has carried out yet; gives its id."""
        self.office.clock.advance(minutes=3)
        now = self.office.clock()
        window = Window(now - timedelta(days=7), now - LAG)
        return self.by("reconciler", lambda work: reconciliation.start(work, "stripe", OWN, window))

    def run(self) -> str:
        """A run over the last week, carried out; gives its id."""
        run_id = self.begin_run()
        while carry_on(self.office.runtime):
            pass
        return run_id

    def rev(self, table: str, row_id: str) -> int:
        """At which revision a row is."""
        return self.office.scalar(f"select rev from {table} where id = :id", id=row_id)

    def ask_refund(self, by: str, **asked) -> str:
        """A refund's id."""
        wanted = RefundAsk(**({"reason": "partial_scope", "note": "Page 4 was dropped"} | asked))
        return self.by(by, lambda work: refunds.request(work, wanted, RefundPolicy()))


def token_of(answer: TestResponse) -> str:
    """The token that the page's forms carry."""
    found = _TOKEN.search(answer.get_data(as_text=True))
    assert found, "the page has no form"
    return unescape(found[1])


def said(answer: TestResponse) -> str:
    """The words of a page, without its markup, in single spaces."""
    main = answer.get_data(as_text=True).replace("<wbr>", "").partition("<main")[2]
    return " ".join(unescape(_TAGS.sub(" ", "<main" + main)).split())


def open_screens(office: Office) -> Screens:
    """The screens of this office."""
    app = create_web_app(office.runtime, more=[admin_blueprint(office.runtime)])
    app.testing = True
    return Screens(office, app)


@pytest.fixture
def screens(office: Office) -> Screens:
    """The screens of an office with empty books."""
    return Screens(office, kept_app(office.runtime, with_screens=True))


@pytest.fixture(scope="module")
def standing(servers, module_database: str, line, stripe_api) -> Iterator[Screens]:
    """The screens of an office that all tests of a file stand in: for those that change nothing."""
    office = open_office(servers.url(postgres.APP, module_database), line, stripe_api)
    yield open_screens(office)
    office.runtime.engine.dispose()


@pytest.fixture(scope="module")
def company(servers, module_database: str, line, stripe_api) -> Iterator[Screens]:
    """The screens of a company with something of everything, for tests that only look."""
    office = open_office(servers.url(postgres.APP, module_database), line, stripe_api)
    made = open_screens(office)
    furnish(made)
    yield made
    office.runtime.engine.dispose()


def furnish(made: Screens) -> None:
    """A company in the middle of its work."""
    _documents(made)
    _payments(made)
    _doubts(made)
    _refunds(made)
    _disputes(made)
    _outside(made)
    _payouts(made)
    _runs(made)
    furnished_files.bank(made)
    furnished_files.an_import(made)
    furnished_files.files(made)
    a_mail(made)
    count_figures(made.office.runtime)
    made.ids |= {"cash": "unapplied_cash", "usd": "USD"}
    made.ids["entry"] = made.office.scalar("select min(id) from journal_entry")
    made.ids["event"] = made.office.scalar("select min(rail_event_id) from inbox_event")


def _documents(made: Screens) -> None:
    world = made.office.world
    acme, birch = (world.create_customer(name=n, email=m) for n, m in _PAYERS)
    made.ids |= {"cus_acme": acme, "cus_birch": birch}
    rails = {"acme": {"stripe": acme}, "birch": {"stripe": birch}}
    made.ids["dana"], made.ids["nia"] = made.person("admin"), made.person("newcomer")
    made.ids["acme"] = made.customer(
        "Acme Studio", email="pay@acme.example", rail_customers=rails["acme"]
    )
    made.ids["birch"] = made.customer("Birch & Co", rail_customers=rails["birch"])
    made.ids["cedar"] = made.customer('Cedar <b>Söhne</b> & "Partners" Ltd')
    acme_id, birch_id, cedar_id = made.ids["acme"], made.ids["birch"], made.ids["cedar"]
    made.invoice(acme_id, 200_000, "INV-1042", description="Website, second half")
    made.invoice(acme_id, 87_500, "INV-1039", due_on=date(2026, 11, 3))
    made.invoice(birch_id, 300_000, "INV-1041")
    made.invoice(birch_id, 100_000, "INV-1043")
    made.invoice(cedar_id, 400_000, "INV-1040", due_on=date(2026, 11, 10))
    made.invoice(cedar_id, 120_000, "INV-1044", currency="EUR")
    made.invoice(cedar_id, 48_000, "INV-1045", currency="JPY")
    made.invoice(cedar_id, 12_345_000, "INV-1046", currency="KWD")
    made.invoice(birch_id, 55_000, "INV-1047", draft=True)
    made.deposit(birch_id, 60_000, "DEP-1001", notes="30 % ahead")
    made.deposit(acme_id, 45_000, "DEP-1002")


_PAYERS = (("Acme Studio", "pay@acme.example"), ("Birch & Co", "till@birch.example"))


def _payments(made: Screens) -> None:
    acme, birch = made.ids["cus_acme"], made.ids["cus_birch"]
    made.ids["part"] = made.paid(80_000, customer=acme, metadata={"invoice": "INV-1042"})
    made.ids["whole"] = made.paid(300_000, customer=birch, metadata={"invoice": "INV-1041"})
    made.ids["ahead"] = made.paid(60_000, customer=birch, metadata={"deposit": "DEP-1001"})
    made.ids["euro"] = made.paid(30_000, "eur", metadata={"invoice": "INV-1044"})
    step = applications.apply
    made.by(
        "reconciler", lambda work: step(work, made.ids["DEP-1001"], made.ids["INV-1043"], 20_000)
    )
    note = {"amount": 10_000, "reason": "Logo was late"}
    made.ids["note"] = made.by(
        "admin", lambda work: invoices.credit_note(work, made.ids["INV-1040"], **note)
    )


def _doubts(made: Screens) -> None:
    acme, birch = made.ids["cus_acme"], made.ids["cus_birch"]
    made.ids["over"] = made.paid(85_000, customer=birch, metadata={"invoice": "INV-1043"})
    made.office.clock.advance(days=1)
    made.ids["two"] = made.paid(50_000, customer=acme, description="INV-1042 and INV-1039")
    made.ids["nobody"] = made.paid(120_000, description="thanks")
    made.office.clock.advance(hours=20)
    made.ids["some"] = made.paid(85_000, customer=acme, description="for the website")


def _refunds(made: Screens) -> None:
    made.ids["asked"] = made.ask_refund(
        "reconciler", invoice_id=made.ids["INV-1041"], amount=30_000
    )
    made.ids["own"] = made.ask_refund("approver", payment_id=made.ids["part"], amount=4_500)
    sent = made.ask_refund("reconciler", invoice_id=made.ids["INV-1041"], amount=10_000)
    made.by("approver", lambda work: refunds.approve(work, sent))
    made.office.drain(timedelta(seconds=30))
    made.hear("")
    made.ids["sent"] = sent


def _disputes(made: Screens) -> None:
    """A bank has taken what paid for something, and asks; another has taken it for good."""
    world, cedar = made.office.world, made.ids["cedar"]
    for name, number, amount in (("asked_about", "INV-1048", 64_000), ("lost", "INV-1049", 9_900)):
        made.invoice(cedar, amount, number)
        made.paid(amount, metadata={"invoice": number})
        rail_id = world.dispute(next(reversed(world.table("charge"))))
        if name == "lost":
            world.close_dispute(rail_id, "lost")
        made.hear("")
        made.ids[name] = made.office.scalar(
            "select id from dispute where rail_dispute_id = :id", id=rail_id
        )


def _payouts(made: Screens) -> None:
    """One at the bank, one that lacks a line, and one by hand that the bank sent back."""
    world = made.office.world
    carry(made, "payout")
    for _ in range(2):
        made.paid(3_000, "jpy")
    lacking = carry(made, "payout_rest", "jpy", hear=False)
    rows = world.table("balance_transaction").values()
    next(row for row in rows if row.get("_payout") == lacking)["_payout"] = None
    back = world.payout("eur", 12_000, automatic=False)
    world.pay_payout(back)
    world.fail_payout(back)
    made.hear("")
    for name, rail_id in (("payout_rest", lacking), ("payout_back", back)):
        made.ids[name] = payout_id(made, rail_id)


def carry(made: Screens, name: str, currency: str = "usd", *, hear: bool = True) -> str:
    """An automatic payout of all that is on the balance, paid; gives the rail's id."""
    world = made.office.world
    for row in world.table("balance_transaction").values():
        row["available_on"] = min(row["available_on"], world.now())
    rail_id = world.payout(currency)
    world.pay_payout(rail_id)
    if hear:
        made.hear("")
        made.ids[name] = payout_id(made, rail_id)
    return rail_id


def payout_id(made: Screens, rail_id: str) -> str:
    """Our id of a payout."""
    return str(made.office.scalar("select id from payout where rail_payout_id = :id", id=rail_id))


def _outside(made: Screens) -> None:
    """Somebody gave a part back in the rail's dashboard, and nobody here asked for it."""
    made.invoice(made.ids["cedar"], 25_000, "INV-1051")
    made.paid(25_000, metadata={"invoice": "INV-1051"})
    made.office.world.refund(next(reversed(made.office.world.table("charge"))), 5_000)
    made.hear("")
    made.ids["outside"] = made.office.scalar(
        "select id from review_item where kind = 'external_refund'"
    )


def _runs(made: Screens) -> None:
    """The rail moved money that nothing explains, and a run says so."""
    long_ago = made.office.clock() - timedelta(days=30)
    with made.office.world.at(int(long_ago.timestamp())):
        made.office.world.other_row(-250)
    made.ids["run"] = made.run()
