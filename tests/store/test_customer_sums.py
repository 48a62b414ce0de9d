"""What is kept of each customer is what their documents come to, whoever changes what and when."""

import pytest
import sqlalchemy as sa

from reconciler.flows.count_figures import count_figures
from reconciler.migrations_runner import migrate
from reconciler.reads import balances, screens_documents
from reconciler.reads.balances import Balance
from reconciler.services import allocations, invoices
from reconciler.services.allocations import Part
from reconciler.store import customer_sums
from tests.builders import captured, customer, invoice, named, observe, refund
from tests.databases import Servers
from tests.runtime import Office

_BY_HAND = """update payment set customer_id = :customer where id = :id"""


def stands(office: Office, who: str) -> Balance:
    with office.runtime.read() as session:
        found = balances.of_customers(session, [who], today=office.clock().date())
    return found[who]["USD"]


def numbers(office: Office) -> dict[str, int]:
    with office.runtime.read() as session:
        return screens_documents.invoice_views(session, office.clock().date())


def rows(office: Office) -> int:
    return office.scalar("select count(*) from customer_sum")


def fold(office: Office) -> None:
    office.do(lambda work: customer_sums.fold(work.session))


def credit_in_the_ledger(office: Office) -> int:
    return -office.scalar(
        """select coalesce(sum(p.amount), 0)::bigint from posting p
        join ledger_account a on a.id = p.account_id where a.role = 'unapplied_cash'"""
    )


def test_each_step_of_an_invoice_is_in_the_sums(office: Office) -> None:
    ann = customer(office)
    bill = invoice(office, "INV-1", 1_000, customer_id=ann, send=False)
    assert stands(office, ann) == Balance(currency="USD")
    assert numbers(office) | {"all": 1, "draft": 1} == numbers(office)
    office.do(lambda work: invoices.send(work, bill))
    assert stands(office, ann) == Balance(currency="USD", billed=1_000, outstanding=1_000)
    observe(office, captured(400, "pi_1", named=named(invoice="INV-1")))
    assert stands(office, ann) == Balance(currency="USD", billed=1_000, paid=400, outstanding=600)
    assert numbers(office) | {"all": 1, "open": 1, "part": 1, "draft": 0} == numbers(office)
    office.do(lambda work: invoices.credit_note(work, bill, amount=600, reason="late"))
    assert stands(office, ann) == Balance(currency="USD", billed=1_000, paid=400, credited=600)
    assert numbers(office) | {"open": 0, "part": 0, "paid": 1} == numbers(office)
    assert office.violations() == []


def test_money_beyond_what_is_owed_is_credit_until_it_goes_somewhere(office: Office) -> None:
    ann = customer(office)
    invoice(office, "INV-1", 300, customer_id=ann)
    (paid,) = observe(office, captured(1_000, "pi_1", named=named(invoice="INV-1")))
    assert stands(office, ann).credit == 700 == credit_in_the_ledger(office)
    later = invoice(office, "INV-2", 250, customer_id=ann)
    (claim,) = office.do(lambda w: allocations.allocate(w, paid, [Part(invoice_id=later)]))
    assert stands(office, ann).credit == 450 == credit_in_the_ledger(office)
    office.do(lambda work: allocations.unallocate(work, paid, claim))
    assert stands(office, ann).credit == 700 == credit_in_the_ledger(office)
    observe(
        office,
        captured(1_000, "pi_1", named=named(invoice="INV-1"), refunds=refund("re_1", 200)),
    )
    assert stands(office, ann).credit == credit_in_the_ledger(office)
    assert office.violations() == []


def test_a_payment_of_nobody_is_in_no_sum_until_its_payer_is_known(office: Office) -> None:
    (held,) = observe(office, captured(500, "pi_1"))
    assert rows(office) == 0
    ann = customer(office)
    bill = invoice(office, "INV-1", 300, customer_id=ann)
    office.do(lambda work: allocations.allocate(work, held, [Part(invoice_id=bill)]))
    assert stands(office, ann) == Balance(currency="USD", billed=300, paid=300, credit=200)
    assert office.violations() == []


def test_whose_customer_is_another_takes_all_of_it_along(office: Office) -> None:
    """Nothing in the program does so; the sums stay true all the same."""
    ann, bob = customer(office), customer(office, "Bob")
    invoice(office, "INV-1", 300, customer_id=ann)
    (paid,) = observe(office, captured(1_000, "pi_1", named=named(invoice="INV-1")))
    for who in (None, bob):
        office.do(
            lambda work, who=who: work.session.execute(
                sa.text(_BY_HAND), {"customer": who, "id": paid}
            )
        )
        assert office.violations() == []
    assert (stands(office, ann).credit, stands(office, bob).credit) == (0, 700)


def test_putting_rows_together_changes_no_sum(office: Office) -> None:
    ann, bob = customer(office), customer(office, "Bob")
    for n in range(4):
        who = (ann, bob)[n % 2]
        invoice(office, f"INV-{n}", 100 * (n + 1), customer_id=who)
        observe(office, captured(150, f"pi_{n}", named=named(invoice=f"INV-{n}")))
    before = stands(office, ann), stands(office, bob), numbers(office)
    assert rows(office) > 4
    count_figures(office.runtime)
    assert rows(office) == 2
    assert (stands(office, ann), stands(office, bob), numbers(office)) == before
    assert office.violations() == []


def test_two_who_pay_for_one_customer_at_once_do_not_wait_for_each_other(office: Office) -> None:
    ann = customer(office)
    for number in ("INV-1", "INV-2"):
        invoice(office, number, 100, customer_id=ann)
    sums = "update invoice set paid = 40 where number = :number"
    with office.runtime.engine.connect() as one, office.runtime.engine.connect() as other:
        for line, number in ((one, "INV-1"), (other, "INV-2")):
            line.execute(sa.text("set local lock_timeout = '200ms'"))
            line.execute(sa.text(sums), {"number": number})
        fold(office)  # sees neither, and takes nothing of theirs
        one.commit()
        other.commit()
    assert stands(office, ann).paid == 80
    fold(office)
    assert stands(office, ann).paid == 80


@pytest.mark.parametrize(
    "spoilt",
    ["credit = credit + 1", "billed = billed - 1", "open = open + 1", "drafts = drafts + 1"],
)
def test_a_sum_that_is_out_by_one_is_found(office: Office, spoilt: str) -> None:
    ann = customer(office)
    invoice(office, "INV-1", 300, customer_id=ann)
    fold(office)
    spoil = sa.text(f"update customer_sum set {spoilt}")
    office.do(lambda work: work.session.execute(spoil))
    (found,) = office.violations()
    assert found.invariant == "sums_of_customers_are_their_documents"
    assert spoilt.partition(" ")[0] in found.detail
    assert ann in found.detail


def test_a_table_that_was_emptied_is_written_anew_at_the_next_start(
    office: Office, servers: Servers, database: str, owner_url: str
) -> None:
    invoice(office, "INV-1", 1_000, customer_id=customer(office))
    with servers.connect(database) as surgeon:
        surgeon.execute("""insert into customer_sum (customer_id, currency, billed)
            select customer_id, currency, 1 from customer_sum, generate_series(1, 200000)""")
        surgeon.execute("delete from customer_sum where id < (select max(id) from customer_sum)")
        surgeon.execute("analyze customer_sum")
    kept = office.rows("select * from customer_sum")
    pages = "select pg_relation_size('customer_sum') / 8192"
    assert office.scalar(pages) > 1_000
    with servers.connect(database) as somebody, somebody.transaction():
        somebody.execute("select count(*) from customer_sum")
        migrate(owner_url)
        assert office.scalar(pages) > 1_000, "whoever is in it goes on"
    migrate(owner_url)
    assert office.scalar(pages) == 1
    assert office.rows("select * from customer_sum") == kept
