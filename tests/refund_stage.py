"""A whole small company for tests of refunds: our books, Stripe over HTTP, one clock for both."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlmodel import col, select

from reconciler import ids
from reconciler.books.consent import RefundPolicy
from reconciler.books.observations import PaymentFacts
from reconciler.flows.submit_refunds import submit_refunds
from reconciler.rails.manual import ManualRail
from reconciler.rails.stripe.client import StripeApi
from reconciler.rails.stripe.envelope import OWN_ACCOUNT
from reconciler.rails.stripe.rail import StripeRail
from reconciler.reads import ledger, refunds as refund_reads
from reconciler.runtime import Runtime
from reconciler.sandbox.app import create_sandbox
from reconciler.sandbox.faults import Faults
from reconciler.sandbox.server import serve
from reconciler.sandbox.world import World
from reconciler.services import (
    allocations,
    customers,
    invoices,
    payments,
    refunds,
    verification,
)
from reconciler.services.allocations import Part
from reconciler.services.invoices import NewInvoice
from reconciler.services.refunds import RefundAsk
from reconciler.settings import Secret, Settings
from reconciler.store.deposits import Deposit
from reconciler.store.payments import Payment
from reconciler.store.refunds import Refund, RefundAttempt, RefundLeg, RefundStep
from reconciler.store.reviews import ReviewItem
from reconciler.work import Cause
from tests import kept_sessions
from tests.made_once import an_engine
from tests.tiers import size

KEY = "sk_test_sandbox"
WALLS = Path(__file__).parent.parent / "migrations" / "sql" / "refunds.sql"
ANN = Cause("person", "usr_ann")
BEN = Cause("person", "usr_ben")
PROGRAM = Cause("api_key", "key_till")
STEPS_MAX = 200
A_DAY, NAP = timedelta(days=1), size(quick=timedelta(minutes=50), full=timedelta(0))
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass
class Stage:
    """Everything a story needs, with the verbs to tell it in."""

    runtime: Runtime
    world: World
    faults: Faults
    clock: list[datetime]
    policy: RefundPolicy = field(default_factory=RefundPolicy)
    is_broken_on_purpose: bool = False

    @property
    def now(self):
        return self.clock[0]

    def pass_time(self, **much):
        self.clock[0] += timedelta(**much)

    def do(self, step, cause=ANN):
        return self.runtime.do(cause, step)

    def work_for(self, **much):
        """Let time pass with a worker at its place: whatever falls due is done when it is due.

        Where that is asked for days, in `./test` the worker comes late, by less than an hour.
        """
        ends_at = self.now + timedelta(**much)
        sleep = NAP if timedelta(**much) > A_DAY else timedelta(0)
        for _ in range(STEPS_MAX):
            self.submit()
            due = [leg.due_at for leg in self._all(RefundLeg) if leg.due_at is not None]
            if not due or min(due) > ends_at:
                self.clock[0] = ends_at
                return
            wakes_at = min(due) + (sleep if min(due) - self.now > sleep / 3 else timedelta(0))
            self.clock[0] = max(self.now, min(due) if wakes_at > ends_at else wakes_at)
        raise AssertionError("there is always something due: it never comes to rest")

    # What happens at the rail

    def paid(self, amount=10_000, currency="usd", **more):
        """A card payment that we have heard of; gives our id of it."""
        made = self.world.pay(amount, currency, **more)
        return self.hear_of(made.intent or made.charge)

    def hear_of(self, rail_payment_id):
        """What every webhook together would tell: all that the rail knows of one payment."""
        known = PaymentFacts(rail="stripe", account=OWN_ACCOUNT, payment_id=rail_payment_id)
        facts, aliases = self.runtime.rails["stripe"].fetch(known)
        found = self.do(lambda work: payments.observe(work, [(facts, aliases)]))
        return found["stripe", OWN_ACCOUNT, rail_payment_id]

    def hear_again(self, payment_id):
        self.hear_of(self.rail_id(payment_id))

    def rail_id(self, payment_id):
        with self.runtime.read() as session:
            payment = session.get(Payment, payment_id)
            assert payment is not None
            return payment.rail_payment_id

    def at_the_rail(self):
        """Every refund that the rail made, the oldest first."""
        return list(self.world.truth.tables["refund"].values())

    # What people do

    def ask(self, by=PROGRAM, policy=None, **asked):
        wanted = RefundAsk(**({"reason": "goodwill"} | asked))
        return self.do(lambda work: refunds.request(work, wanted, policy or self.policy), by)

    def approve(self, refund_id, by=BEN, **more):
        self.do(lambda work: refunds.approve(work, refund_id, **more), by)

    def submit(self):
        return submit_refunds(self.runtime)

    def customer(self, name="Ada"):
        return self.do(lambda work: customers.create(work, name=name))

    def invoice(self, customer_id, total=10_000, currency="USD"):
        def step(work):
            new = NewInvoice(customer_id=customer_id, currency=currency, total=total)
            made = invoices.create(work, new)
            invoices.send(work, made)
            return made

        return self.do(step)

    def deposit(self, customer_id, amount=10_000, currency="USD"):
        made = ids.new_id("dep")

        def step(work):
            expected = Deposit(
                id=made,
                code=made,
                customer_id=customer_id,
                taken_on=work.now.date(),
                currency=currency,
                amount=amount,
                created_at=work.now,
            )
            work.session.add(expected)

        self.do(step)
        return made

    def allocate(self, payment_id, **part):
        self.do(lambda work: allocations.allocate(work, payment_id, [Part(**part)]))

    # What is so now

    def refund(self, refund_id):
        with self.runtime.read() as session:
            return refund_reads.one(session, refund_id)

    def status(self, refund_id):
        return self.refund(refund_id).status

    def row(self, refund_id):
        return self._all(Refund, Refund.id == refund_id)[0]

    def legs(self, refund_id):
        return self._all(RefundLeg, RefundLeg.refund_id == refund_id)

    def all_legs(self):
        return self._all(RefundLeg)

    def leg(self, refund_id):
        (leg,) = self.legs(refund_id)
        return leg

    def attempts(self, refund_id):
        legs = [leg.id for leg in self.legs(refund_id)]
        made = self._all(RefundAttempt, col(RefundAttempt.leg_id).in_(legs))
        return sorted(made, key=lambda one: (one.leg_id, one.generation))

    def steps(self, refund_id):
        """The refund's own statuses, in the order it had them."""
        found = self._all(RefundStep, RefundStep.refund_id == refund_id)
        own = [step for step in sorted(found, key=lambda s: s.seq) if step.leg_id is None]
        assert [step.before for step in own[1:]] == [step.after for step in own[:-1]]
        return [step.after for step in own]

    def questions(self, kind):
        return self._all(ReviewItem, ReviewItem.kind == kind, ReviewItem.state == "open")

    def books(self, currency="USD"):
        """Balances by role that are not zero: debits positive."""
        with self.runtime.read() as session:
            found = ledger.trial_balance(session)[currency]
        assert found.difference == 0
        return {line.role: line.balance for line in found.accounts if line.balance}

    def violations(self):
        """Whatever law of the books does not hold."""
        with self.runtime.read() as session:
            return verification.violations(session)

    def _all(self, table, *which):
        with self.runtime.read() as session:
            return list(session.exec(select(table).where(*which)))


@contextmanager
def open_stage(database_url: str, redis_url: str) -> Iterator[Stage]:
    """A stage on an empty migrated database."""
    clock = [NOON]
    world, faults = World(lambda: clock[0], seed=1), Faults()
    server = serve(create_sandbox(world, faults, KEY))
    settings = Settings(
        database_url=database_url,
        redis_url=redis_url,
        stripe_secret_key=Secret(KEY),
        stripe_webhook_secrets=(Secret("whsec_test"),),
        stripe_api_base=server.url,
    )
    api = StripeApi(KEY, server.url, (1.0, 2.0), pause=lambda seconds: None)
    rail = StripeRail(settings, lambda: clock[0], api)
    runtime = replace(
        Runtime.from_settings(settings),
        engine=an_engine(database_url),
        ingest=kept_sessions.ingest(database_url),
        rails={"stripe": rail, "manual": ManualRail()},
        clock=lambda: clock[0],
    )
    stage = Stage(runtime, world, faults, clock)
    try:
        yield stage
        assert stage.is_broken_on_purpose or stage.violations() == []
    finally:
        runtime.engine.dispose()
        server.close()
