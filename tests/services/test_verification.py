"""Each law of the books finds the violation that is planted for it, and sound books break none."""

from collections.abc import Iterator
from datetime import date

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import sign_offs as rules
from reconciler.books.bills import CostLine
from reconciler.books.invoice_lines import Line
from reconciler.books.plans import Part
from reconciler.embedded import postgres
from reconciler.services import (
    bill_payments,
    billing,
    bills,
    change_orders,
    customers,
    invoices,
    milestones,
    prepayments,
    projects,
    sign_offs,
    vendor_credits,
    vendors,
    verification,
)
from reconciler.services.bill_payments import Paid
from reconciler.services.bills import NewBill
from reconciler.services.change_orders import NewChangeOrder
from reconciler.services.milestones import Stage
from reconciler.services.prepayments import NewPrepayment
from reconciler.services.projects import NewProject
from reconciler.services.vendor_credits import NewCredit
from reconciler.services.verification import LAWS
from reconciler.store import refund_laws
from reconciler.work import Work
from tests.builders import deposit, invoice
from tests.runtime import Office, events_of, open_office
from tests.services.planted import PLANTED, WATCHED, no_check


@pytest.fixture
def sound(office: Office) -> Office:
    """Books of this test's own, in order."""
    return in_order(office)


@pytest.fixture(scope="module")
def standing(servers, module_database: str, line, stripe_api) -> Iterator[Office]:
    """Books in order that every test finds as they were."""
    made = open_office(servers.url(postgres.APP, module_database), line, stripe_api)
    yield in_order(made)
    made.runtime.engine.dispose()


@pytest.fixture
def spoiling(servers, module_database: str, standing: Office) -> Iterator[Session]:
    """A transaction in them without walls. Nobody else sees it, and nothing of it stays."""
    engine = sa.create_engine(servers.url("postgres", module_database), poolclass=sa.NullPool)
    with engine.connect() as line, line.begin() as transaction:
        line.exec_driver_sql("set local session_replication_role = replica")
        yield Session(bind=line)
        transaction.rollback()


def plant(session: Session, *statements: str) -> None:
    line = session.connection().connection.driver_connection
    assert line is not None
    for statement in statements:
        line.execute(statement)


def in_order(office: Office) -> Office:
    """With a payment, its fee, invoices, one with tax, and a deposit in its books."""
    invoice(office, "INV-1", 10_000)
    taxed = invoice(
        office, "INV-2", None, lines=(Line(description="Day", unit_price=8_000, tax_rate="19"),)
    )
    office.do(lambda work: invoices.credit_note(work, taxed, amount=1_190, reason="less"))
    deposit(office, "DEP-1", 5_000)
    office.do(_project)
    office.do(_purchases)
    world = office.world
    world.pay(15_000, metadata={"invoice": "INV-1"})
    office.deliver(*events_of(world))
    office.drain()
    return office


def _project(work: Work) -> None:
    """100.00 in two milestones, and 50.00 more by a change; the first is signed off and drafted."""
    owner = customers.create(work, name="Kitchen Ltd")
    new = NewProject(customer_id=owner, name="Kitchen", currency="USD", original_price=10_000)
    project = projects.create(work, new)
    halves = [Stage(kind=kind, part=Part(share=5_000)) for kind in ("midpoint", "final")]
    first, _ = milestones.plan(work, project, halves)
    more = [Stage(kind="named", name="Tap", part=Part(amount=5_000))]
    wanted = NewChangeOrder(approved_price=15_000, reason="A tap", stages=more)
    change_orders.approve(work, project, wanted)
    terms = sign_offs.terms(milestones.lock(work, first)[0])
    sign_offs.sign_off_by_client(work, first, "Ann", seen=rules.digest(terms))
    billing.invoice(work, first)


def _purchases(work: Work) -> None:
    """A bill with tax that is paid in part, by hand and from a prepayment given back in part."""
    on = date(2026, 11, 20)
    oak = vendors.create(work, name="Oak Ltd")
    line = CostLine(description="Oak", unit_price=8_000, tax_rate="19", category="materials")
    made = bills.create(work, NewBill(vendor_id=oak, number="7", currency="USD", lines=(line,)))
    bills.open_(work, made)
    ahead = prepayments.pay(
        work, NewPrepayment(vendor_id=oak, currency="USD", amount=5_000, paid_on=on)
    )
    less = CostLine(description="Bent", unit_price=500, tax_rate="19", category="materials")
    vendor_credits.note(
        work,
        NewCredit(vendor_id=oak, currency="USD", number="CN-1", lines=(less,), issued_on=on),
    )
    prepayments.apply(work, ahead, made, 3_000)
    prepayments.refund(work, ahead, Paid(on=on, amount=500))
    bill_payments.pay(work, made, Paid(on=on, amount=1_000))


def lost(office: Office) -> None:
    """The payment of these books is disputed, and the bank decides for its customer."""
    [charge] = office.world.table("charge")
    told = office.world.events_made()
    office.world.close_dispute(office.world.dispute(charge), "lost")
    office.deliver(*events_of(office.world, told))
    office.drain()


# Each makes the books of a loss say something else than its facts and what people decided.
PLANTED_ON_A_LOSS = {
    "decided-and-nothing-followed": """insert into dispute_decision (payment_id, rail_dispute_id,
        decision, cause_kind, cause_id, at)
      select payment_id, rail_dispute_id, 'write_off', 'person', 'ann', now() from dispute""",
    "credited-and-nobody-decided-so": """update allocation set credited = reopened, reopened = 0
      where reopened > 0""",
    "the-row-says-otherwise": "update dispute set decision = 'write_off'",
    "the-row-is-gone": "delete from dispute",
    "another-stage": "update dispute set stage = 'won'",
}


@pytest.mark.parametrize("case", PLANTED_ON_A_LOSS, ids=str)
def test_what_was_decided_of_a_loss_is_what_the_books_say(
    case: str, sound: Office, surgeon
) -> None:
    lost(sound)
    assert sound.violations() == []
    surgeon.execute(PLANTED_ON_A_LOSS[case])
    laws = {violation.invariant for violation in sound.violations()}
    decided, shown = "losses_are_taken_back_as_decided", "disputes_say_what_facts_and_people_say"
    wanted = {"credited-and-nobody-decided-so": {decided}}
    wanted["decided-and-nothing-followed"] = {decided, shown}
    wanted["the-row-is-gone"] = {decided, shown, "questions_are_as_old_as_what_they_are_about"}
    assert laws == wanted.get(case, {shown})


def test_every_law_has_its_violation_planted() -> None:
    assert set(PLANTED) == set(LAWS)


def test_sound_books_break_no_law(sound: Office) -> None:
    assert sound.violations() == []


@pytest.mark.parametrize("law", refund_laws.QUERIES)
def test_what_is_read_while_refunds_are_sent_says_the_same(law: str, spoiling: Session) -> None:
    def watched() -> list[str]:
        return list(spoiling.scalars(sa.text(refund_laws.QUERIES[law])))

    assert watched() == []
    plant(spoiling, no_check("payment", "payment_gives_back_no_more_than_it_took"))
    plant(spoiling, *PLANTED[law], *WATCHED.get(law, ()))
    wanted = [found.detail for found in verification.violations(spoiling) if found.invariant == law]
    assert watched() == wanted
    assert wanted


def test_a_refund_is_known_by_the_reference_that_its_facts_have(sound: Office, surgeon) -> None:
    made = sound.world.refund(
        sound.scalar("select rail_payment_id from payment"),
        500,
        metadata={"reconciler_refund_id": "rfd_1"},
    )
    sound.deliver(*events_of(sound.world))
    sound.drain()
    kept = "select reference from rail_object where kind = 'refund'"
    assert (sound.scalar(kept), sound.violations()) == ("rfd_1", [])
    surgeon.execute("update rail_object set reference = 'rfd_2' where kind = 'refund'")
    (found,) = sound.violations()
    assert found.invariant == "rail_objects_are_those_of_the_facts"
    assert found.detail.endswith(f"refund {made} is not known by our reference")


@pytest.mark.parametrize("law", LAWS)
def test_a_planted_violation_is_found(law: str, spoiling: Session) -> None:
    for table, name in (
        ("payment", "payment_gives_back_no_more_than_it_took"),
        ("invoice", "invoice_is_not_paid_beyond_its_total"),
        ("allocation", "allocation_takes_up_what_is_offered"),
    ):
        plant(spoiling, no_check(table, name))
    plant(spoiling, *PLANTED[law])
    found = [one for one in verification.violations(spoiling) if one.invariant == law]
    assert found, f"{law} did not see what was planted"
    assert all(violation.detail for violation in found)
