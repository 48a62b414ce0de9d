"""Whatever rails told and people did, in whatever order: done over, it makes the same books."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from reconciler.books.consent import RefundPolicy
from reconciler.books.invoice_lines import Line
from reconciler.embedded import postgres
from reconciler.errors import ReconcilerError
from reconciler.flows.rebuild import rebuild
from reconciler.services import allocations, applications, closings, customers, invoices, refunds
from reconciler.services.allocations import Part
from reconciler.services.refunds import RefundAsk
from reconciler.work import Cause
from tests.builders import customer, deposit, invoice
from tests.databases import Databases, Servers
from tests.flows.telling import in_cash
from tests.oracle import Document
from tests.runtime import Office, may_make_a_schema, open_office
from tests.stories.lives import KINDS, Life

pytestmark = pytest.mark.usefixtures("unmeasured")
ANN, BEN = Cause("person", "usr_ann"), Cause("person", "usr_ben")
LIVES = max(2, settings().max_examples // 15)  # each makes all its tables anew


class House:
    """People at their work, and a rail that tells of its own; both by chance."""

    def __init__(self, office: Office, chance: random.Random) -> None:
        self.office, self.chance = office, chance
        self.ann = customer(office, rail_id="cus_ann")
        self.life = Life(office.world, [], office.clock, customer_id=self.ann)
        self.heard = 0
        self.done = 0
        self.bill()
        self.expect()

    def one_of(self, query: str) -> str | None:
        """One of what is found, if anything is."""
        found = [row[0] for row in self.office.rows(f"{query} order by 1")]
        return self.chance.choice(found) if found else None

    def bill(self) -> None:
        name, total = f"INV-{len(self.life.documents)}", self.chance.randint(1, 9) * 1_500
        if self.chance.random() < 0.3:
            lines = (Line(description="Work", unit_price=total, tax_rate="19"),)
            invoice(self.office, name, None, customer_id=self.ann, lines=lines)
        else:
            invoice(self.office, name, total, customer_id=self.ann)
        self.life.documents.append(Document(name, "USD", total))

    def expect(self) -> None:
        name, amount = f"DEP-{len(self.life.documents)}", self.chance.randint(1, 9) * 1_000
        deposit(self.office, name, amount, customer_id=self.ann)
        self.life.documents.append(Document(name, "USD", amount, is_deposit=True))

    def hear(self) -> None:
        """Some of what the rail has told since, shuffled; the rest is heard later or never."""
        news = self.office.world.events(self.heard)
        self.heard = self.office.world.events_made()
        self.chance.shuffle(news)
        self.office.deliver(*news[: self.chance.randint(0, len(news))])
        self.office.apply()

    def rest(self) -> None:
        self.office.drain(within=timedelta(hours=self.chance.randint(0, 6)))

    def take_cash(self) -> None:
        target = self.one_of("select id from invoice where state = 'sent'")
        if target:
            in_cash(self.office, target, self.chance.randint(1, 40) * 100)

    def place(self) -> None:
        payment = self.one_of("select id from payment where is_held")
        target = self.one_of("select id from invoice where state = 'sent' and outstanding > 0")
        if payment and target:
            part = Part(invoice_id=target, amount=self.chance.randint(1, 20) * 100)
            self.office.do(lambda w: allocations.allocate(w, payment, [part]), ANN)

    def take_back(self) -> None:
        claim = self.one_of("select id from allocation where amount > 0")
        if claim:
            payment = self.office.scalar(
                "select payment_id from allocation where id = :id", id=claim
            )
            self.office.do(lambda w: allocations.unallocate(w, payment, claim), BEN)

    def use(self) -> None:
        source = self.one_of("select id from deposit where received > applied")
        target = self.one_of("select id from invoice where state = 'sent' and outstanding > 0")
        if source and target:
            self.office.do(lambda w: applications.apply(w, source, target, 500), ANN)

    def stop_using(self) -> None:
        use = self.one_of("select id from application where amount > 0 and invoice_id is not null")
        if use:
            source = self.office.scalar("select deposit_id from application where id = :id", id=use)
            self.office.do(lambda w: applications.unapply(w, source, use), ANN)

    def credit(self) -> None:
        target = self.one_of("select id from invoice where state = 'sent' and outstanding > 0")
        if target:
            credit = self.chance.randint(1, 9) * 100
            self.office.do(
                lambda w: invoices.credit_note(w, target, amount=credit, reason="less"), BEN
            )

    def void(self) -> None:
        target = self.one_of("select id from invoice where state = 'sent'")
        way = self.chance.choice([None, "credit", "deposit"])
        if target:
            self.office.do(lambda w: invoices.void(w, target, release_to=way), ANN)

    def ask_back(self) -> None:
        payment = self.one_of("select id from payment where captured > refunded")
        if payment:
            ask = RefundAsk(
                reason="goodwill", payment_id=payment, amount=self.chance.randint(1, 20) * 100
            )
            policy = RefundPolicy()
            self.office.do(lambda w: refunds.request(w, ask, policy), ANN)

    def approve(self) -> None:
        refund = self.one_of("select id from refund where status = 'requested'")
        if refund:
            deed = self.chance.choice([refunds.approve, refunds.approve, refunds.reject])
            self.office.do(lambda w: deed(w, refund), BEN)

    def rename(self) -> None:
        name = f"Ann {self.chance.randint(1, 99)}"
        self.office.do(lambda w: customers.patch(w, self.ann, {"name": name}), BEN)

    def close(self) -> None:
        self.office.clock.advance(days=2)
        yesterday = self.office.clock().date() - timedelta(days=1)
        self.office.do(lambda w: closings.close(w, yesterday), ANN)

    def reopen(self) -> None:
        self.office.do(lambda w: closings.reopen(w, None, reason="something came late"), BEN)


PEOPLE = (
    "bill", "expect", "take_cash", "place", "take_back", "use", "stop_using", "credit", "void",
    "ask_back", "approve", "rename", "close", "reopen",
)  # fmt: skip
OFTEN = ("hear", "hear", "rest")
happenings = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(KINDS), st.integers(0, 5), st.integers(0, 5),
                  st.integers(1, 9).map(lambda n: n * 1_000)),
        st.tuples(st.sampled_from(PEOPLE + OFTEN), st.just(0), st.just(0), st.just(0)),
    ),
    min_size=8, max_size=40,
)  # fmt: skip


@contextmanager
def an_office(databases: Databases, servers: Servers, line, stripe_api) -> Iterator[Office]:
    """An empty one for each life: what a life leaves behind is nothing to the next."""
    name = databases.take()
    made = open_office(servers.url(postgres.APP, name), line, stripe_api)
    yield may_make_a_schema(made, servers.url(postgres.OWNER, name))
    made.runtime.engine.dispose()
    databases.give_back(name)


@settings(
    max_examples=LIVES,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large,
    ],
)  # fmt: skip
@given(happenings, st.integers(0, 1 << 32))
def test_any_life_done_over_makes_the_same_books(
    databases: Databases, servers: Servers, line, stripe_api, told, seed
) -> None:
    with an_office(databases, servers, line, stripe_api) as office:
        house = House(office, random.Random(seed))
        for what, place, how, amount in told:
            if what in KINDS:
                house.life.live([(what, place, how, amount)])
            else:
                deed: Callable[[], None] = getattr(house, what)
                with suppress(ReconcilerError):  # what is refused did not happen
                    deed()
            office.clock.advance(seconds=house.chance.choice([1, 60, 3_600]))
        office.drain()
        found, done = rebuild(office.runtime)
        assert [one.detail for one in found] == []
        assert done.done["deeds"] >= 2
        assert office.violations() == []
