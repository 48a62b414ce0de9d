"""What the demo is about: who owes what. Plain data, so that the books can be given it first."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DemoCustomer:
    """A client; `rail_id` is the customer at Stripe, if they have one there."""

    key: str
    name: str
    email: str
    rail_id: str


@dataclass(frozen=True, slots=True)
class DemoProject:
    """A project whose price is the sum of its invoices."""

    key: str
    customer: str
    name: str
    currency: str
    price: int


@dataclass(frozen=True, slots=True)
class DemoInvoice:
    """An invoice to be sent before the payments are played; care has no project."""

    number: str
    customer: str
    currency: str
    total: int
    issued_on: str
    due_on: str
    project: str | None
    description: str


@dataclass(frozen=True, slots=True)
class DemoDeposit:
    """A deposit that is expected before the payments are played."""

    code: str
    customer: str
    currency: str
    amount: int
    date: str
    project: str


@dataclass(frozen=True, slots=True)
class DemoApplication:
    """A use of a deposit on an invoice, to be made once the deposit's payment has arrived."""

    deposit: str
    invoice: str
    amount: int


@dataclass(frozen=True, slots=True)
class DemoPayment:
    """What one payer did, in words and by its ids; `target` is what it was meant for."""

    title: str
    intent: str
    charge: str
    target: str | None


@dataclass(slots=True)
class DemoStory:
    """The whole story. Its events are the `event_count` ones after the first `first_event`."""

    first_event: int
    customers: list[DemoCustomer] = field(default_factory=list)
    projects: list[DemoProject] = field(default_factory=list)
    invoices: list[DemoInvoice] = field(default_factory=list)
    deposits: list[DemoDeposit] = field(default_factory=list)
    applications: list[DemoApplication] = field(default_factory=list)
    payments: list[DemoPayment] = field(default_factory=list)
    event_count: int = 0
