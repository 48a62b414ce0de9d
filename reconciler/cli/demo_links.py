"""What the demo shows of clients' pages: links said once, an offer to answer, an endpoint told."""

from dataclasses import dataclass
from datetime import timedelta

from reconciler.books.invoice_lines import Line
from reconciler.books.plans import Part
from reconciler.books.portal import Scope
from reconciler.cli import demo_steps
from reconciler.reads import invoices as invoice_reads
from reconciler.seals import Seals
from reconciler.services import portal_links, proposals, webhooks
from reconciler.services.milestones import Stage
from reconciler.services.proposals import NewProposal
from reconciler.work import Work

PARTLY_PAID = "INV-1001"
GIVEN_BACK = "INV-1004"  # too much was paid, and that part goes back
_DAYS = 30
_TERMS = """Called off within 14 days, the deposit goes back whole. After that it pays for the work
that was done, and its rest goes back.

Changes are written down as change orders, with their price, before they are made."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A link to a client's page, and what is to be seen there."""

    title: str
    token: str


def make(work: Work, seals: Seals) -> list[Shown]:
    """Two customers' pages and a proposal's; and an endpoint that nobody listens at yet."""
    first, second = (_customer_of(work, number) for number in (PARTLY_PAID, GIVEN_BACK))
    offer = _offer(work, first)
    url = "https://hooks.studio.example/books"
    made, _ = webhooks.create(work, seals, url=url, note="The shop")
    webhooks.change(work, made, {"is_on": False})
    return [
        _link(work, "a client's page", Scope.CUSTOMER, first),
        _link(work, "one whose money goes back", Scope.CUSTOMER, second),
        _link(work, "a proposal to accept", Scope.PROPOSAL, offer),
    ]


def _link(work: Work, title: str, scope: Scope, subject_id: str) -> Shown:
    return Shown(title, portal_links.create(work, scope=scope, subject_id=subject_id)[1])


def _customer_of(work: Work, number: str) -> str:
    today = work.now.date()
    invoice = demo_steps.invoice_id(work, number)
    return invoice_reads.one(work.session, invoice, today=today).customer_id


def _offer(work: Work, customer_id: str) -> str:
    today = work.now.date()
    new = NewProposal(
        customer_id=customer_id,
        name="Online shop, second stage",
        currency="USD",
        lines=[
            Line(description="Design of six pages", unit_price=120_000),
            Line(description="Building them, hours", quantity="32", unit_price=9_500),
        ],
        stages=[
            Stage(kind="deposit", part=Part(share=3_000)),
            Stage(kind="midpoint", part=Part(share=4_000), description="The pages, to click"),
            Stage(
                kind="final",
                part=Part(share=3_000),
                description="The shop, open",
                due_on=today + timedelta(days=2 * _DAYS),
            ),
        ],
        introduction="As we spoke of it: six pages more, and the shop open before spring.",
        conditions=_TERMS,
        valid_until=today + timedelta(days=_DAYS),
    )
    made = proposals.create(work, new)
    proposals.send(work, made)
    return made
