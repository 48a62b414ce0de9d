"""One telling of a story: its own customer, documents and payments in a world that is shared."""

from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.books.consent import RefundPolicy
from reconciler.books.disputes import Decision
from reconciler.sandbox.world import Payment
from reconciler.services import (
    applications,
    customers,
    deposits,
    disputes,
    invoices,
    refunds,
    resolutions,
)
from reconciler.services.deposits import NewDeposit
from reconciler.services.invoices import NewInvoice
from reconciler.services.refunds import RefundAsk
from reconciler.services.resolutions import Resolution
from reconciler.work import Cause, Work
from tests.oracle import Document
from tests.runtime import Meanwhile, Office

SENDING = "POST /v1/refunds"
SAME = (Decision.UNDECIDED, Decision.CHASE)  # either way it is owed again


@dataclass
class Telling:
    """One telling: customers, documents and payments of its own."""

    office: Office
    tag: str
    documents: dict[str, str] = field(default_factory=dict)  # name in the story -> our id
    known: list[Document] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    targets: dict[str, list[tuple[str, int | None]]] = field(default_factory=dict)
    reopening: set[str] = field(default_factory=set)  # payments whose refunds are owed again
    decided: dict[str, str] = field(
        default_factory=dict
    )  # the rail's dispute -> what a person said
    order: list[list[str]] = field(default_factory=list)
    _told: int = 0
    _more: list[dict] = field(default_factory=list)
    _customer: str | None = None

    @property
    def world(self):
        """The rail's world."""
        return self.office.world

    @property
    def customer(self) -> str:
        """Our customer in this telling."""
        if self._customer is None:
            self._customer = self.another_customer()
        return self._customer

    @customer.setter
    def customer(self, customer_id: str) -> None:
        self._customer = customer_id

    def another_customer(self, rail_id: str | None = None) -> str:
        """A customer, perhaps one that the rail knows; gives our id."""
        known = {"stripe": rail_id} if rail_id else None
        return self.office.do(
            lambda work: customers.create(work, name=f"Ann {self.tag}", rail_customers=known)
        )

    def number(self, name: str) -> str:
        """How the story's INV-1 is called in this telling."""
        return f"{name}-{self.tag}"

    def invoice(self, name: str, total: int, currency: str = "USD", **more) -> str:
        """An invoice that is owed; with `draft=True` it is not sent yet. Gives our id."""
        is_draft = more.pop("draft", False)
        new = NewInvoice(
            **{"customer_id": self.customer, "number": self.number(name)}
            | {"total": total, "currency": currency}
            | more
        )

        def make(work: Work) -> str:
            made = invoices.create(work, new)
            if not is_draft:
                invoices.send(work, made)
            return made

        made = self.office.do(make)
        self.documents[name] = made
        self.known.append(
            Document(
                self.number(name),
                currency,
                total,
                is_sent=not is_draft,
                rail_invoice=more.get("rail_invoice_id"),
            )
        )
        return made

    def deposit(self, name: str, amount: int, currency: str = "USD", **more) -> str:
        """A deposit that is asked for; gives our id."""
        new = NewDeposit(
            **{"customer_id": self.customer, "code": self.number(name)}
            | {"amount": amount, "currency": currency}
            | more
        )
        made = self.office.do(lambda work: deposits.create(work, new))
        self.documents[name] = made
        self.known.append(Document(self.number(name), currency, amount, is_deposit=True))
        return made

    def apply(self, deposit: str, invoice: str, amount: int) -> None:
        """A person uses a deposit on an invoice."""
        self.office.do(
            lambda work: applications.apply(
                work, self.documents[deposit], self.documents[invoice], amount
            )
        )
        self._of(deposit).uses.append((self.number(invoice), amount))

    def pay(self, amount: int, name: str | None = None, **more) -> Payment:
        """A card payment, whose metadata names what it is for."""
        currency = more.pop("currency", "usd")
        return self.noted(self.world.pay(amount, currency, **self._metadata(name), **more), name)

    def authorize(self, amount: int, name: str | None = None, **more) -> str:
        """A hold on a card; gives the intent's id."""
        made = self.noted(self.world.authorize(amount, **self._metadata(name), **more), name)
        return str(made.intent)

    def while_sending(
        self,
        *,
        before: Callable[[], object] | None = None,
        after: Callable[[], object] | None = None,
    ) -> None:
        """Something happens as the next refund of ours reaches the rail, or before its answer."""
        self.office.line.expected.append(Meanwhile(SENDING, self._names(), before, after))

    def sendings(self) -> int:
        """How often we asked the rail to refund a payment of this telling."""
        return sum(any(name in said for name in self._names()) for said in self.office.line.sent)

    def owed_again(self, rail_refund_id: str) -> None:
        """A person decides that the client still owes what a refund made outside took."""
        item = self.office.scalar(
            "select id from review_item where subject = :id and state = 'open'", id=rail_refund_id
        )
        answer = Resolution(action="reopen")
        self.office.do(
            lambda work: resolutions.resolve(work, item, answer, RefundPolicy()),
            Cause("person", "usr_ann"),
        )
        self.reopening.add(str(self.payments[0].intent))

    def ask_back(self, name: str, amount: int | None = None, **more) -> str:
        """Our own refund of an invoice or deposit, let go at once; gives our id."""
        noun = "deposit_id" if name.startswith("DEP") else "invoice_id"
        return self.ask(**{noun: self.documents[name], "amount": amount} | more)

    def ask(self, **more) -> str:
        """Our own refund, asked for by a program; gives our id."""
        asked = RefundAsk(**{"reason": "goodwill"} | more)
        return self.office.do(
            lambda work: refunds.request(work, asked, RefundPolicy()), Cause("api_key", "key_1")
        )

    def decide(self, rail_dispute_id: str, decision: str) -> None:
        """A person says what becomes of a loss, or with `undecided` takes it back."""
        ours = str(
            self.office.scalar(
                "select id from dispute where rail_dispute_id = :id", id=rail_dispute_id
            )
        )
        self.office.do(lambda work: disputes.decide(work, ours, Decision(decision), note="so"))
        self.decided[rail_dispute_id] = "reopen" if decision in SAME else decision

    def payment_id(self, place: int = 0) -> str:
        """Our id of a payment of this telling."""
        paid = self.payments[place]
        return str(
            self.office.scalar(
                "select id from payment where rail_payment_id = :id", id=paid.intent or paid.charge
            )
        )

    def hear_of_refunds(self) -> None:
        """The news of every refund of this telling's payments, also of those made for us."""
        ours = {paid.charge for paid in self.payments}
        for event in self.world.events():
            about = event["data"]["object"]
            if about.get("charge" if about["object"] == "refund" else "id") in ours:
                self.also(event)

    def noted(self, payment: Payment, *names: str | None) -> Payment:
        """Remember a payment, and what the clerk is to be told that it was for."""
        key = str(payment.intent or payment.charge)
        if payment not in self.payments:
            self.payments.append(payment)
        self.targets[key] = [(self.number(name), None) for name in names if name]
        return payment

    def also(self, event: dict) -> None:
        """One more event, made by hand."""
        self._more.append(event)

    def only(self, *kinds: str) -> None:
        """Of the news so far only these arrive; the others are lost for ever."""
        self._more = [event for event in self.news() if event["type"] in kinds]

    def lose(self, *kinds: str) -> None:
        """Of the news so far these are lost for ever."""
        self._more = [event for event in self.news() if event["type"] not in kinds]

    def news(self) -> list[dict]:
        """What was told since this was last asked. Tellings never overlap.

        What workers of ours bring about at the rail is only told by `hear_of_refunds`: they may be
        at it while another telling goes on.
        """
        made = [event for event in self.world.events(self._told) if not _is_ours(event)]
        found, self._more = [*self._more, *made], []
        self._told = self.world.events_made()
        return found

    def begin(self) -> None:
        """Events from here on are this telling's."""
        self._told = self.world.events_made()

    def _names(self) -> list[str]:
        return [name for paid in self.payments for name in (paid.intent, paid.charge) if name]

    def _metadata(self, name: str | None) -> dict:
        if name is None:
            return {}
        noun = "deposit" if name.startswith("DEP") else "invoice"
        return {"metadata": {noun: self.number(name)}}

    def _of(self, name: str) -> Document:
        return next(d for d in self.known if d.number == self.number(name))


def _is_ours(event: dict) -> bool:
    """Whether a request for a refund of ours made it."""
    return str(event["request"]["idempotency_key"]).startswith("rr:")
