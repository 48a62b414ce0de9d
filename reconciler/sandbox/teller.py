"""Who the demo is about, and how it is told: things happen on days of the last month, in order."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from reconciler.sandbox.story import (
    DemoApplication,
    DemoCustomer,
    DemoDeposit,
    DemoInvoice,
    DemoPayment,
    DemoProject,
    DemoStory,
)
from reconciler.sandbox.world import Payment, World

_DAY = 86_400
_DAYS = 29  # the API forgets events after 30 days
_CUSTOMERS = (
    ("harbor", "Harbor & Pine Interiors", "accounts@harborpine.example"),
    ("cobalt", "Cobalt Bakery Group", "finance@cobaltbakery.example"),
    ("meridian", "Meridian Dental", "office@meridiandental.example"),
    ("juniper", "Juniper Legal LLP", "billing@juniperlegal.example"),
    ("redwood", "Redwood Cycles", "hello@redwoodcycles.example"),
    ("lumen", "Lumen Films", "production@lumenfilms.example"),
    ("tidewater", "Tidewater Marina", "dock@tidewater.example"),
    ("nordlys", "Nordlys Studio GmbH", "rechnung@nordlys.example"),
    ("sakura", "Sakura Kobo KK", "keiri@sakurakobo.example"),
    ("safat", "Al Safat Trading", "accounts@alsafat.example"),
)
_PROJECTS = (
    ("showroom", "harbor", "Showroom website", "USD"),
    ("ordering", "cobalt", "Online ordering", "USD"),
    ("booking", "meridian", "Patient booking", "USD"),
    ("intake", "juniper", "Client intake forms", "USD"),
    ("catalogue", "redwood", "Bicycle catalogue", "USD"),
    ("trailer", "lumen", "Trailer microsite", "USD"),
    ("berths", "tidewater", "Berth reservations", "USD"),
    ("portfolio", "nordlys", "Portfolio und Blog", "EUR"),
    ("shop", "sakura", "Pottery shop", "JPY"),
    ("inventory", "safat", "Inventory screens", "KWD"),
)
_PROJECT_OF = {customer: (key, name) for key, customer, name, _ in _PROJECTS}
_CURRENCY_OF = {customer: currency for _, customer, _, currency in _PROJECTS}


@dataclass(frozen=True, slots=True)
class _Moment:
    second: int
    happen: Callable[[], None]


class Teller:
    """Collects what happens when, then lets it happen in that order."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rail_ids: dict[str, str] = {}
        self._now = world.now()
        self._story = DemoStory(first_event=world.events_made())
        self._moments: list[_Moment] = []

    def on(self, days_ago: float, happen: Callable[[], None]) -> None:
        """Something that happens so many days ago."""
        self._moments.append(_Moment(self._now - int(days_ago * _DAY), happen))

    def tell(self) -> DemoStory:
        """Everything, oldest first."""
        with self.world.at(self._now - _DAYS * _DAY):
            for key, name, email in _CUSTOMERS:
                self.rail_ids[key] = self.world.create_customer(name, email)
        for moment in sorted(self._moments, key=lambda one: one.second):
            with self.world.at(moment.second):
                moment.happen()
        story = self._story
        story.customers = [DemoCustomer(*one, self.rail_ids[one[0]]) for one in _CUSTOMERS]
        story.projects = [DemoProject(*one, price=self._price(one[0])) for one in _PROJECTS]
        story.invoices.sort(key=lambda one: one.number)
        story.event_count = self.world.events_made() - story.first_event
        return story

    def invoice(
        self, number: int, customer: str, total: int, *, days_ago: float, is_care: bool = False
    ) -> str:
        """An invoice that goes out five days before something happens to it."""
        issued = datetime.fromtimestamp(self._now, UTC) - timedelta(days=days_ago + 5)
        project, name = _PROJECT_OF[customer]
        made = DemoInvoice(
            number=f"INV-{number}",
            customer=customer,
            currency=_CURRENCY_OF[customer],
            total=total,
            issued_on=issued.date().isoformat(),
            due_on=(issued + timedelta(days=30)).date().isoformat(),
            project=None if is_care else project,
            description=f"{name}: monthly care" if is_care else name,
        )
        self._story.invoices.append(made)
        return made.number

    def deposit(self, code: str, customer: str, amount: int, *, days_ago: float) -> str:
        """A deposit asked for a day before it is paid."""
        day = datetime.fromtimestamp(self._now, UTC) - timedelta(days=days_ago + 1)
        date, currency = day.date().isoformat(), _CURRENCY_OF[customer]
        made = DemoDeposit(code, customer, currency, amount, date, _PROJECT_OF[customer][0])
        self._story.deposits.append(made)
        return code

    def apply(self, deposit: str, invoice: str, amount: int) -> None:
        """The deposit is meant for this invoice."""
        self._story.applications.append(DemoApplication(deposit, invoice, amount))

    def note(self, title: str, payment: Payment, target: str | None) -> Payment:
        """Remember what a payment was about."""
        self._story.payments.append(DemoPayment(title, payment.intent, payment.charge, target))
        return payment

    def _price(self, project: str) -> int:
        return sum(one.total for one in self._story.invoices if one.project == project)

    def pay_invoice(self, title: str, number: str, customer: str, amount: int) -> Payment:
        """A card payment that names its invoice."""
        paid = self.world.pay(
            amount,
            _CURRENCY_OF[customer],
            customer=self.rail_ids[customer],
            metadata={"invoice": number},
        )
        return self.note(title, paid, number)


def done(_: object) -> None:
    """What an operation gives back is not needed here."""
