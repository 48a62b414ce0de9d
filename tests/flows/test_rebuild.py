"""The books made anew are the books, and a difference that is planted anywhere is found."""

from functools import partial

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.reviews import ReviewKind
from reconciler.flows.rebuild import rebuild
from reconciler.reads import proposals as reads
from reconciler.services import allocations, proposals, rebuild as service, replaying
from reconciler.services.allocations import Part
from reconciler.work import Cause
from tests.builders import deposit, invoice
from tests.flows.test_reconcile import a_busy_week, run
from tests.runtime import Office, may_make_a_schema
from tests.web import furniture
from tests.web.screens import open_screens

POST = """with e as (insert into journal_entry (id, key, payment_id, cause_kind, cause_id, at)
    values ('je_x', :key, {payment}, 'person', 'usr_x', now()) returning id)
  insert into posting (entry_id, line, account_id, amount)
  select e.id, n, a.id, case n when 1 then 100 else -100 end from e
  cross join (values (1, 'clearing'), (2, 'unapplied_cash')) x(n, role)
  join ledger_account a on a.role = x.role and a.currency = 'USD'"""
A_PAYMENT = "(select min(id) from payment where rail = 'stripe' and currency = 'USD')"


@pytest.fixture(autouse=True)
def owned(office: Office, owner_url: str) -> Office:
    """Each of them may be made anew."""
    return may_make_a_schema(office, owner_url)


@pytest.fixture
def busy(office: Office) -> Office:
    """Payments of many kinds, an invoice, a deposit used on another, a payout, and a fee."""
    world = office.world
    a_busy_week(office)
    invoice(office, "INV-1", 9_000)
    world.pay(5_000, metadata={"invoice": "INV-1"})
    world.payout("usd", 300, automatic=False)
    world.other_row(-250)
    world.other_row(-40, kind="mystery", category="mystery")
    office.deliver(*world.events())
    office.drain()
    run(office)
    assert office.violations() == []
    return office


def change(office: Office, statement: str, **values: object) -> None:
    """Something goes wrong behind everybody's back."""
    with Session(office.runtime.engine) as session:
        session.execute(sa.text(statement), values)
        session.commit()


def found(office: Office) -> set[tuple[str, str]]:
    return {(one.invariant, one.detail) for one in rebuild(office.runtime)[0]}


def test_books_made_anew_are_the_same_and_nothing_is_kept_of_them(busy: Office) -> None:
    def size() -> list:
        return busy.rows("select count(*), max(key) from journal_entry")

    before = size()
    assert found(busy) == set()
    assert size() == before
    assert busy.scalar("select count(*) from allocation where amount > 0") > 0


@pytest.mark.spoilt
def test_what_an_event_told_and_the_facts_have_lost_is_found(busy: Office) -> None:
    change(
        busy,
        """update payment set facts = facts #- '{refunds}' where facts -> 'refunds' is not null
        and id = (select min(id) from payment where facts -> 'refunds' is not null)""",
    )
    laws = [law for law, _ in found(busy)]
    assert service.EVENTS_LAW in laws
    assert service.FACTS_LAW in laws


@pytest.mark.thorough
@pytest.mark.spoilt
def test_an_entry_that_no_fact_calls_for_is_found(busy: Office) -> None:
    payment = busy.scalar(f"select rail_payment_id from payment where id = {A_PAYMENT}")
    change(busy, POST.format(payment=A_PAYMENT), key=f"stripe/{payment}/captured/1")
    details = {law: detail for law, detail in found(busy) if "clearing" in detail}
    assert set(details) == {service.FACTS_LAW, replaying.LAW}


@pytest.mark.spoilt
def test_an_entry_of_a_rail_that_belongs_to_nothing_is_found(busy: Office) -> None:
    change(busy, POST.format(payment="null"), key="stripe/pi_nobody/captured/1")
    detail = "entry stripe/pi_nobody/captured/1 belongs to nothing that a rail told"
    told = found(busy)
    assert (service.FACTS_LAW, detail) in told
    assert {law for law, _ in told} == {service.FACTS_LAW, replaying.LAW}


@pytest.mark.thorough
@pytest.mark.spoilt
def test_a_movement_that_was_booked_otherwise_is_found(busy: Office) -> None:
    change(busy, POST.format(payment="null"), key="stripe/movement/txn_x/unclassified")
    about = {detail.split(":")[0] for law, detail in found(busy) if law == service.FACTS_LAW}
    assert about == {"movements of no payment"}


@pytest.mark.spoilt
def test_a_claim_that_holds_less_than_it_should_is_found(busy: Office) -> None:
    claim = busy.scalar("select id from allocation where amount > 0")
    change(busy, "update allocation set amount = amount - 1 where id = :id", id=claim)
    told = found(busy)
    assert {law for law, _ in told} == {service.CLAIMS_LAW, replaying.LAW}
    assert any(f"would post allocation/{claim}/" in detail for _, detail in told)
    assert any(f"allocation {claim} would take up" in detail for _, detail in told)


def test_what_people_decided_is_settled_again_as_they_left_it(office: Office) -> None:
    invoice_id = invoice(office, "INV-7", 4_000)
    deposit_id = deposit(office, "DEP-7", 2_000)
    office.world.pay(5_000)
    office.deliver(*office.world.events())
    office.drain()
    payment = office.scalar("select id from payment")
    assert office.scalar("select kind from review_item") == ReviewKind.UNMATCHED_PAYMENT
    wanted = [
        Part(invoice_id=invoice_id, amount=3_000),
        Part(deposit_id=deposit_id, amount=2_000),
    ]
    office.do(lambda work: allocations.allocate(work, payment, wanted))
    assert office.violations() == []
    assert found(office) == set()


def test_what_a_client_accepted_on_their_page_is_there_again(office: Office) -> None:
    screens = open_screens(office)
    screens.ids["cedar"] = screens.customer("Cedar")
    furniture.proposal_of(screens)
    proposal_id = screens.ids["proposal"]
    with office.runtime.read() as session:
        seen = reads.one(session, proposal_id, today=office.clock().date()).sha256
    client = Cause("portal", "ptl_1")
    accept = partial(proposals.accept, proposal_id=proposal_id, name="Cara", seen=seen)
    office.do(accept, client)
    code = office.scalar("select code from deposit")
    office.world.pay(30_000, metadata={"deposit": code})
    office.deliver(*office.world.events())
    office.drain()
    assert office.scalar("select received from deposit") == 30_000
    assert office.violations() == []
    assert found(office) == set()
