"""One deed for every route that writes: something there to change, and what is sent to change it.

`DEEDS` is by method and path, as in access.txt. Each makes what it needs and gives the names that
the path takes and the body or form that is sent; it has to succeed for the least caller that may.
"""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from reconciler.flows.apply_inbox import apply_inbox
from reconciler.flows.ask_rail import ask_rail
from reconciler.flows.reconcile import carry_on
from reconciler.flows.reread_rail import reread_rail
from reconciler.services import restores, statements
from reconciler.services.statements import Statement
from tests.file_samples import pdf
from tests.web import bank_deeds, closing_deeds, deeds_mail, deeds_people, portal_deeds
from tests.web.api import Api
from tests.web.deeds_of_desk import DESK
from tests.web.deeds_of_disputes import DISPUTES
from tests.web.deeds_of_invoices import INVOICES
from tests.web.deeds_of_purchases import PURCHASES
from tests.web.project_deeds import PROJECTS
from tests.web.screens import Screens

Sent = tuple[dict[str, str], dict[str, Any]]
RECEIPT = {"source": "cash", "received_on": "2026-11-20", "amount": 100}
STATEMENT = b"Date,Amount,Currency,Description\n2026-11-20,-3.50,USD,Coffee\n"


@dataclass
class House:
    """An office with programs and people in it, and what their deeds begin with."""

    api: Api
    screens: Screens

    def invoice(self, **more: Any) -> str:
        """A sent invoice of 100.00, unless said otherwise."""
        return self.api.an_invoice(**more)["id"]

    def paid(self) -> tuple[str, str]:
        """An invoice of 100.00 and the card payment that paid it."""
        made = self.api.an_invoice()
        return made["id"], self.api.paid(10_000, metadata={"invoice": made["number"]})["id"]

    def loose(self) -> str:
        """A payment that names nothing."""
        return self.api.paid(3_000)["id"]

    def claim(self) -> tuple[str, str]:
        """A payment on an invoice, and the allocation that put it there."""
        payment = self.paid()[1]
        return payment, self.scalar("select id from allocation where payment_id = :id", payment)

    def deposit(self) -> tuple[str, str]:
        """A deposit of 100.00 that came in, and an open invoice of its customer."""
        customer = self.api.a_customer()["id"]
        made = self.api.a_deposit(customer_id=customer)["id"]
        self.api.make(f"/deposits/{made}/receipts", RECEIPT | {"amount": 10_000})
        return made, self.invoice(customer_id=customer)

    def milestone(self) -> str:
        """A deposit of 30.00 that a project of 100.00 begins with; nothing asks for it yet."""
        plan = (("deposit", 30), ("final", 70))
        return self.api.a_project(plan=plan)["milestones"][0]["id"]

    def applied(self) -> tuple[str, str]:
        """A deposit, and its use on an invoice."""
        made, target = self.deposit()
        self.api.make(f"/deposits/{made}/applications", {"invoice_id": target, "amount": 100})
        return made, self.scalar("select id from application where deposit_id = :id", made)

    def asked(self) -> str:
        """A refund of 5.00 that a person asked for and a second one has to approve."""
        return self.screens.ask_refund("reconciler", payment_id=self.paid()[1], amount=500)

    def failed(self) -> str:
        """A refund of a customer's invoice that the bank sent back."""
        body = {"invoice_id": self.paid()[0], "amount": 4_000, "reason": "goodwill"}
        refund = self.api.make("/refunds", body)["id"]
        self.api.settle()
        made = self.api.read(f"/refunds/{refund}")["rail_refund_id"]
        self.screens.office.world.advance_refund(made, "failed", "declined")
        self.api.settle()
        return refund

    def by_hand(self) -> str:
        """A refund of cash, which people pay back."""
        target = self.invoice()
        self.api.in_cash(target)
        return self.api.make("/refunds", {"invoice_id": target, "reason": "goodwill"})["id"]

    def lost(self) -> str:
        """A dispute that the bank decided for its customer."""
        world, payment = self.screens.office.world, self.paid()[1]
        intent = self.api.read(f"/payments/{payment}")["rail_payment_id"]
        made = world.dispute(world.get("payment_intent", intent)["latest_charge"])
        world.close_dispute(made, "lost")
        self.api.settle()
        return self.scalar("select id from dispute where rail_dispute_id = :id", made)

    def question(self) -> str:
        """An open question: where a payment's money belongs."""
        return self.scalar("select id from review_item where payment_id = :id", self.loose())

    def outside(self) -> str:
        """An open question: what is owed after a refund that was made outside."""
        payment = self.paid()[1]
        intent = self.api.read(f"/payments/{payment}")["rail_payment_id"]
        self.screens.office.world.refund(intent, 4_000)
        self.api.settle()
        return self.scalar("select id from review_item where payment_id = :id", payment)

    def answered(self) -> str:
        """The same, answered."""
        item = self.outside()
        self.api.make(f"/review-items/{item}/resolve", {"action": "reopen"})
        return item

    def event(self) -> str:
        """An event that was applied."""
        self.loose()
        newest = "select rail_event_id from inbox_event where :id = '' order by seq desc limit 1"
        return self.scalar(newest, "")

    def paid_events(self) -> str:
        """How many events there are that tell of a charge."""
        self.event()
        return self.scalar(
            "select count(*)::text from inbox_event where type = :id", "charge.succeeded"
        )

    def no_run(self) -> None:
        """No run is under way: there is one at a time."""
        while carry_on(self.screens.office.runtime):
            pass

    def bank_line(self) -> tuple[str, str]:
        """A line of a bank's statement that nobody has looked at, and its statement."""
        given = Statement(bank_account="Giro", file_name="november.csv", body=STATEMENT)
        made = self.screens.by("reconciler", lambda work: statements.take(work, given).statement_id)
        return made, self.scalar("select id from bank_line where statement_id = :id", made)

    def held(self) -> None:
        """Restored books whose rail was read again."""
        office = self.screens.office
        office.do(lambda work: restores.suspect(work, "a drill"))
        for _ in range(3):
            reread_rail(office.runtime)
            apply_inbox(office.runtime)
            ask_rail(office.runtime)
            office.clock.advance(seconds=15)

    def rev(self, table: str, row_id: str) -> dict[str, Any]:
        """The revision that a page shows."""
        return {"rev": str(self.screens.rev(table, row_id))}

    def scalar(self, statement: str, name: str) -> str:
        """One value from the database, of what has this name."""
        return str(self.screens.office.scalar(statement, id=name))


def _refund(make: Callable[[House], str], **body: Any) -> Callable[[House], Sent]:
    return lambda house: ({"refund_id": make(house)}, body)


def _refund_form(make: Callable[[House], str], **form: Any) -> Callable[[House], Sent]:
    def sent(house: House) -> Sent:
        refund = make(house)
        return {"refund_id": refund}, form | house.rev("refund", refund)

    return sent


def _item(make: Callable[[House], str], **body: Any) -> Callable[[House], Sent]:
    return lambda house: ({"item_id": make(house)}, body)


def _item_form(make: Callable[[House], str], **form: Any) -> Callable[[House], Sent]:
    def sent(house: House) -> Sent:
        item = make(house)
        return {"item_id": item}, form | house.rev("review_item", item)

    return sent


def _invoice(body: dict[str, Any], **more: Any) -> Callable[[House], Sent]:
    return lambda house: ({"invoice_id": house.invoice(**more)}, body)


def _deposit(body: dict[str, Any]) -> Callable[[House], Sent]:
    return lambda house: ({"deposit_id": house.api.a_deposit()["id"]}, body)


def _applies(house: House) -> Sent:
    made, target = house.deposit()
    return {"deposit_id": made}, {"invoice_id": target, "amount": 100}


def _applies_on_screen(house: House) -> Sent:
    made, target = house.deposit()
    return {"name": made}, {"invoice_id": target, "amount": "1.00"}


def _takes_a_deposit(house: House) -> Sent:
    made, target = house.deposit()
    return {"name": target}, {"deposit_id": made, "amount": "1.00"}


def _attaches(house: House) -> Sent:
    return {"deposit_id": house.api.a_deposit()["id"]}, {"file": (BytesIO(pdf()), "yes.pdf")}


def _attaches_on_screen(house: House) -> Sent:
    made, sent = _attaches(house)
    return {"name": made["deposit_id"]}, sent


def _signs_off(house: House) -> Sent:
    return {"milestone_id": house.milestone()}, {"file": (BytesIO(pdf()), "yes.pdf")}


def _unapplies(house: House) -> Sent:
    made, use = house.applied()
    return {"deposit_id": made, "application_id": use}, {}


def _unapplies_on_screen(house: House) -> Sent:
    made, use = house.applied()
    return {"name": made}, {"application": use}


def _unallocates(house: House) -> Sent:
    payment, claim = house.claim()
    return {"payment_id": payment, "allocation_id": claim}, {}


def _unmatches(house: House) -> Sent:
    payment, claim = house.claim()
    return {"payment_id": payment}, {"allocation": claim} | house.rev("payment", payment)


def _matches(**form: Any) -> Callable[[House], Sent]:
    """`{invoice}` in a name or value of the form is that of an open one."""

    def sent(house: House) -> Sent:
        payment, target = house.loose(), house.invoice()
        filled = {name.format(invoice=target): text.format(invoice=target)
                  for name, text in form.items()}  # fmt: skip
        return {"payment_id": payment}, filled | house.rev("payment", payment)

    return sent


def _holds(house: House) -> Sent:
    payment, customer = house.loose(), house.api.a_customer()["id"]
    return {"payment_id": payment}, {"customer_id": customer} | house.rev("payment", payment)


def _settles_a_line(house: House) -> Sent:
    statement, line = house.bank_line()
    form = {"do": "set_aside", "why": "Not ours"} | house.rev("bank_line", line)
    return {"statement_id": statement, "bank_line_id": line}, form


def _starts_a_run(**body: Any) -> Callable[[House], Sent]:
    def sent(house: House) -> Sent:
        house.no_run()
        return {}, body

    return sent


def _accepts(house: House) -> Sent:
    house.held()
    return {}, {}


_ASKED = {"amount": "5.00", "reason": "goodwill", "treatment": "credit"}
_API = "/api/v1"
_OTHERS = closing_deeds.DEEDS | deeds_mail.DEEDS | deeds_people.DEEDS
DEEDS: dict[str, Callable[[House], Sent]] = _OTHERS | {
    f"POST {_API}/customers": lambda _: ({}, {"name": "Ann Lee"}),
    f"PATCH {_API}/customers/<customer_id>": lambda house: (
        {"customer_id": house.api.a_customer()["id"]}, {"name": "Anna Lee"},
    ),
    **PROJECTS,
    f"POST {_API}/invoices": lambda house: (
        {}, {"customer_id": house.api.a_customer()["id"], "currency": "USD", "total": 100},
    ),
    f"PATCH {_API}/invoices/<invoice_id>": _invoice({"total": 200}, send=False),
    f"POST {_API}/invoices/<invoice_id>/send": _invoice({}, send=False),
    f"POST {_API}/invoices/<invoice_id>/void": _invoice({}),
    f"POST {_API}/invoices/<invoice_id>/credit-notes": _invoice({"amount": 1, "reason": "late"}),
    f"POST {_API}/invoices/<invoice_id>/payments": _invoice(RECEIPT),
    f"POST {_API}/invoices/<invoice_id>/rail-references": _invoice({"object_ids": ["pi_i"]}),
    f"POST {_API}/deposits": lambda house: (
        {}, {"customer_id": house.api.a_customer()["id"], "currency": "USD", "amount": 100},
    ),
    f"PATCH {_API}/deposits/<deposit_id>": _deposit({"amount": 200}),
    f"POST {_API}/deposits/<deposit_id>/applications": _applies,
    f"DELETE {_API}/deposits/<deposit_id>/applications/<application_id>": _unapplies,
    f"POST {_API}/deposits/<deposit_id>/receipts": _deposit(RECEIPT),
    f"POST {_API}/deposits/<deposit_id>/attachments": _attaches,
    f"POST {_API}/deposits/<deposit_id>/rail-references": _deposit({"object_ids": ["pi_d"]}),
    f"POST {_API}/payments/<payment_id>/allocations": lambda house: (
        {"payment_id": house.loose()}, {"allocations": [{"invoice_id": house.invoice()}]},
    ),
    f"DELETE {_API}/payments/<payment_id>/allocations/<allocation_id>": _unallocates,
    f"POST {_API}/refunds": lambda house: (
        {}, {"payment_id": house.paid()[1], "amount": 500, "reason": "goodwill"},
    ),
    f"PATCH {_API}/refunds/<refund_id>": _refund(House.asked, amount=400),
    f"POST {_API}/refunds/<refund_id>/approve": _refund(House.asked),
    f"POST {_API}/refunds/<refund_id>/reject": _refund(House.asked, why="It was delivered"),
    f"POST {_API}/refunds/<refund_id>/cancel": _refund(House.asked),
    f"POST {_API}/refunds/<refund_id>/retry": _refund(House.failed),
    f"POST {_API}/refunds/<refund_id>/paid-back": _refund(House.by_hand, reference="till"),
    f"POST {_API}/refunds/<refund_id>/another-route": _refund(House.failed, method="cash"),
    f"POST {_API}/refunds/<refund_id>/keep": _refund(
        House.failed, kept_as="credit", consent="She wrote so"
    ),
    f"POST {_API}/disputes/<dispute_id>/decide": lambda house: (
        {"dispute_id": house.lost()}, {"decision": "write_off"},
    ),
    f"POST {_API}/review-items/<item_id>/resolve": _item(House.question, action="acknowledge"),
    f"POST {_API}/review-items/<item_id>/undo": _item(House.answered),
    f"POST {_API}/statements": lambda _: (
        {}, {"bank_account": "Safe", "file": (BytesIO(STATEMENT), "january.csv")},
    ),
    f"POST {_API}/reconciliation-runs": _starts_a_run(rail="stripe", since="2026-11-21"),
    f"POST {_API}/events/<event_id>/replay": lambda house: ({"event_id": house.event()}, {}),
    f"POST {_API}/events/replay": lambda house: ({}, {"filter": {"type": "charge.succeeded"}}),
    f"PUT {_API}/switches/<name>": lambda _: (
        {"name": "outbound"}, {"on": True, "reason": "A drill"},
    ),
    "POST /admin/unmatched/<payment_id>/match": _matches(target="{invoice}", amount="100"),
    "POST /admin/unmatched/<payment_id>/split": _matches(
        **{"amount-{invoice}": "1.00", "save": "1"}
    ),
    "POST /admin/unmatched/<payment_id>/hold": _holds,
    "POST /admin/payments/<payment_id>/unmatch": _unmatches,
    "POST /admin/payments/<payment_id>/undo": _unmatches,
    "POST /admin/invoices/<name>/apply": _takes_a_deposit,
    **INVOICES,
    **PURCHASES,
    **DESK,
    "POST /admin/deposits/<name>/apply": _applies_on_screen,
    "POST /admin/deposits/<name>/unapply": _unapplies_on_screen,
    "POST /admin/deposits/<name>/attachments": _attaches_on_screen,
    f"POST {_API}/milestones/<milestone_id>/sign-offs": _signs_off,
    "POST /admin/milestones/<milestone_id>/sign-offs": _signs_off,
    f"POST {_API}/imports": lambda _: (
        {}, {"kind": "customer", "file": (BytesIO(b"id,name\nc-1,Ann Lee\n"), "people.csv")},
    ),
    "POST /admin/refunds/new": lambda house: ({}, _ASKED | {"payment": house.paid()[1]}),
    "POST /admin/refunds/<refund_id>/change": _refund_form(House.asked, **_ASKED | {"amount": "4"}),
    "POST /admin/refunds/<refund_id>/approve": _refund_form(House.asked),
    "POST /admin/refunds/<refund_id>/decline": _refund_form(House.asked, why="It was delivered"),
    "POST /admin/refunds/<refund_id>/cancel": _refund_form(House.asked),
    "POST /admin/refunds/<refund_id>/retry": _refund_form(House.failed),
    "POST /admin/refunds/<refund_id>/paid-back": _refund_form(House.by_hand, reference="till"),
    "POST /admin/refunds/<refund_id>/another-way": _refund_form(House.failed, method="cash"),
    "POST /admin/refunds/<refund_id>/keep": _refund_form(
        House.failed, kept_as="credit", consent="She wrote so"
    ),
    **DISPUTES,
    "POST /admin/questions/<item_id>/acknowledge": _item_form(House.question, note="Seen"),
    "POST /admin/questions/<item_id>/decide": _item_form(House.outside, action="credit"),
    "POST /admin/questions/<item_id>/take-back": _item_form(House.answered),
    "POST /admin/statements": lambda _: (
        {}, {"bank_account": "Till", "file": (BytesIO(STATEMENT), "december.csv")},
    ),
    "POST /admin/statements/<statement_id>/lines/<bank_line_id>": _settles_a_line,
    "POST /admin/reconciliation": _starts_a_run(rail="stripe", since="2026-11-21"),
    "POST /admin/events/replay": lambda house: (
        {},
        {"type": "charge.succeeded", "matching": house.paid_events()},
    ),
    "POST /admin/events/<event_id>/replay": lambda house: ({"event_id": house.event()}, {}),
    "POST /admin/jobs/<name>/run": lambda _: ({"name": "tidy"}, {}),
    "POST /admin/switches/<name>": lambda _: (
        {"name": "outbound"}, {"on": "yes", "reason": "A drill"},
    ),
    "POST /admin/audit/<line_id>/erase": lambda house: (
        {"line_id": house.scalar("select min(seq) from audit_words where :id = ''", "")},
        {"why": "She asked us to"},
    ),
    "POST /admin/restore/accept": _accepts,
    "POST /admin/sign-out": lambda _: ({}, {}),
} | portal_deeds.DEEDS | bank_deeds.DEEDS  # fmt: skip
