"""Done over is what happened in the order in which it took effect, whoever had begun first."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from reconciler.books.consent import RefundPolicy
from reconciler.errors import Refused
from reconciler.flows.apply_inbox import apply_events
from reconciler.flows.find_payments import CAUSE as MATCHING
from reconciler.flows.rebuild import rebuild
from reconciler.services import allocations, finding, inbox, invoices, refunds
from reconciler.services.allocations import Part
from reconciler.services.refunds import RefundAsk
from reconciler.work import Cause, Work
from tests.builders import customer, invoice
from tests.flows.telling import paid
from tests.runtime import Office, may_make_a_schema

pytestmark = pytest.mark.sampled(3)

ANN, BEN = Cause("person", "usr_ann"), Cause("person", "usr_ben")
WORKER = Cause("job", "apply_inbox")
LOOKING = "where lower(btrim(i.number)) = any"  # matching looks for what payments name


@pytest.fixture(autouse=True)
def owned(office: Office, owner_url: str) -> Office:
    """Each of them may be made anew."""
    return may_make_a_schema(office, owner_url)


@contextmanager
def slowly(office: Office, cause: Cause = ANN) -> Iterator[Work]:
    """A transaction that begins now, and goes on once others have begun and ended."""
    with office.runtime.work(cause) as work:
        office.clock.advance(seconds=1)
        yield work


@contextmanager
def once(office: Office, said: str, deed: Callable[[], object]) -> Iterator[None]:
    """Somebody's deed falls between the first statement that says so and the next one."""
    waiting = [deed]

    def happen(_conn, _cursor, statement: str, *_) -> None:
        if said in statement and waiting:
            waiting.pop()()

    sa.event.listen(office.runtime.engine, "after_cursor_execute", happen)
    yield
    sa.event.remove(office.runtime.engine, "after_cursor_execute", happen)
    assert not waiting, "it never came to that"


def differing(office: Office) -> list[str]:
    return [one.detail for one in rebuild(office.runtime)[0]]


def ask(office: Office, payment: str, amount: int) -> RefundAsk:
    return RefundAsk(reason="goodwill", payment_id=payment, amount=amount)


def asked(office: Office, payment: str, amount: int) -> str:
    wanted = ask(office, payment, amount)
    return office.do(lambda work: refunds.request(work, wanted, RefundPolicy()), ANN)


def test_a_refund_of_money_that_was_let_go_meanwhile(office: Office) -> None:
    invoice(office, "INV-1", 10_000)
    payment = paid(office, 10_000, invoice="INV-1")
    first = asked(office, payment, 10_000)
    with slowly(office) as work:
        office.do(lambda other: refunds.reject(other, first), BEN)
        refunds.request(work, ask(office, payment, 8_000), RefundPolicy())
    with pytest.raises(Refused):
        asked(office, payment, 8_000)
    assert office.rows("select amount from refund where status = 'requested'") == [(8_000,)]
    assert differing(office) == []


def test_money_freed_into_deposits_whose_codes_were_given_in_another_order(
    office: Office,
) -> None:
    ann = customer(office)
    slow, quick = (invoice(office, f"INV-{n}", 4_000, customer_id=ann) for n in (1, 2))
    for name in ("INV-1", "INV-2"):
        paid(office, 4_000, invoice=name)
    with slowly(office) as work:
        office.do(lambda other: invoices.void(other, quick, release_to="deposit"), BEN)
        invoices.void(work, slow, release_to="deposit")
    codes = "select code from deposit order by created_at"
    assert office.rows(codes) == [("DEP-1002",), ("DEP-1001",)]
    assert differing(office) == []


def test_two_payments_for_one_invoice_of_which_the_later_one_was_first(office: Office) -> None:
    invoice(office, "INV-1", 5_000)
    made = [office.world.pay(5_000, metadata={"invoice": "INV-1"}).intent for _ in range(2)]
    told = {of: [event for event in office.world.events() if of in str(event)] for of in made}
    office.deliver(*told[made[0]])
    with slowly(office, WORKER) as work:
        held = inbox.claim(work, limit=100)
        office.deliver(*told[made[1]])
        office.apply()
        apply_events(work, office.runtime.rails, held)
    office.drain()
    taken = """select p.rail_payment_id from allocation a join payment p on p.id = a.payment_id
      where a.amount > 0"""
    assert office.rows(taken) == [(made[1],)]
    assert differing(office) == []


@pytest.mark.thorough
def test_news_that_came_while_a_person_was_slow(office: Office) -> None:
    invoice_id = invoice(office, "INV-1", 5_000)
    office.world.pay(2_000, metadata={"invoice": "INV-1"})
    office.deliver(*office.world.events())
    with slowly(office) as work:
        office.apply()
        invoices.credit_note(work, invoice_id, amount=5_000, reason="bad work", freed_to="deposit")
    office.drain()
    assert office.rows("select code, received from deposit") == [("DEP-1001", 2_000)]
    assert differing(office) == []


def test_a_person_who_was_quicker_than_matching(office: Office) -> None:
    payment = paid(office, 3_000, invoice="INV-7")
    invoice_id = invoice(office, "INV-7", 9_000)
    part = Part(invoice_id=invoice_id, amount=1_000)
    office.do(lambda work: allocations.allocate(work, payment, [part]), ANN)
    office.drain()
    assert office.rows("select strategy, amount from allocation") == [("person", 1_000)]
    assert differing(office) == []


def test_matching_that_was_slower_than_news_of_the_same_invoice(office: Office) -> None:
    early = paid(office, 3_000, invoice="INV-7")
    invoice(office, "INV-7", 3_000)
    with slowly(office, MATCHING) as work:
        later = office.world.pay(3_000, metadata={"invoice": "INV-7"}).intent
        office.deliver(*office.world.events()[-20:])
        office.apply()
        finding.match_for_seekers(work)
    office.drain()
    claims = """select p.rail_payment_id, a.amount from allocation a
      join payment p on p.id = a.payment_id order by a.amount"""
    assert [row[1] for row in office.rows(claims)] == [0, 3_000]
    assert office.rows(claims)[1][0] == later
    assert office.scalar("select rail_payment_id from payment where id = :id", id=early) != later
    assert differing(office) == []


def test_an_invoice_that_appeared_while_matching_looked_and_was_credited_first(
    office: Office,
) -> None:
    office.world.pay(3_000, metadata={"invoice": "INV-7"})
    office.deliver(*office.world.events())
    with once(office, LOOKING, lambda: invoice(office, "INV-7", 3_000)):
        office.apply()
    invoice_id = office.scalar("select id from invoice")
    office.do(lambda work: invoices.credit_note(work, invoice_id, amount=800, reason="less"), BEN)
    office.drain()
    assert office.rows("select strategy, amount from allocation") == [("metadata", 2_200)]
    assert differing(office) == []


def test_a_person_who_placed_the_money_before_matching_saw_its_invoice(office: Office) -> None:
    ann = customer(office)
    other = invoice(office, "INV-1", 5_000, customer_id=ann)
    office.world.pay(3_000, metadata={"invoice": "INV-7"})
    office.deliver(*office.world.events())
    with once(office, LOOKING, lambda: invoice(office, "INV-7", 3_000, customer_id=ann)):
        office.apply()
    payment = office.scalar("select id from payment where is_held")
    part = Part(invoice_id=other, amount=3_000)
    office.do(lambda work: allocations.allocate(work, payment, [part]), ANN)
    office.drain()
    taken = "select i.number, a.amount from allocation a join invoice i on i.id = a.invoice_id"
    assert office.rows(taken) == [("INV-1", 3_000)]
    assert differing(office) == []


def test_an_invoice_that_was_made_void_while_matching_looked(office: Office) -> None:
    invoice_id = invoice(office, "INV-1", 3_000)
    office.world.pay(3_000, metadata={"invoice": "INV-1"})
    office.deliver(*office.world.events())
    with once(office, LOOKING, lambda: office.do(lambda w: invoices.void(w, invoice_id), BEN)):
        office.apply()
    office.drain()
    assert office.rows("select strategy, is_held from payment") == [(None, True)]
    assert office.rows("select kind from review_item") == [("invoice_not_payable",)]
    assert differing(office) == []


@pytest.mark.thorough
def test_events_that_were_done_over_after_people_had_acted(office: Office) -> None:
    invoice(office, "INV-1", 5_000)
    for _ in range(2):
        office.world.pay(5_000, metadata={"invoice": "INV-1"})
    office.deliver(*office.world.events())
    office.drain()
    left = """select p.id from payment p where not exists (
      select 1 from allocation a where a.payment_id = p.id and a.amount > 0)"""
    asked(office, office.scalar(left), 1_000)
    office.clock.advance(hours=1)
    office.replay()
    assert differing(office) == []
