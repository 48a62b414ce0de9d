"""All that happened, done over beside the books: people's deeds too, in their order."""

from datetime import date

import psycopg
import pytest
import sqlalchemy as sa

from reconciler.books.consent import RefundPolicy
from reconciler.books.invoice_lines import Line
from reconciler.errors import Conflict
from reconciler.flows.replay_books import DoneOver, replay
from reconciler.flows.submit_refunds import submit_refunds
from reconciler.migrations_runner import SCRATCH, scratch
from reconciler.services import (
    allocations,
    applications,
    audit,
    customers,
    deposits,
    invoices,
    receipts,
    refunds,
    resolutions,
)
from reconciler.services.allocations import Part
from reconciler.services.receipts import Receipt
from reconciler.services.refunds import RefundAsk
from reconciler.services.resolutions import Resolution
from reconciler.settings import SettingsError
from reconciler.work import Cause
from tests import made_once
from tests.builders import customer, deposit, invoice
from tests.runtime import Office, may_make_a_schema

PROGRAM = Cause("api_key", "key_1")
POSTED = """with e as (
    insert into journal_entry (id, key, invoice_id, cause_kind, cause_id, at)
    values ('je_x', 'invoice/' || %(id)s || '/otherwise', %(id)s, 'person', 'usr_x', now())
    returning id)
  insert into posting (entry_id, line, account_id, amount)
  select e.id, n, a.id, case n when 1 then 100 else -100 end from e
  cross join (values (1, 'accounts_receivable'), (2, 'revenue')) x(n, role)
  join ledger_account a on a.role = x.role and a.currency = 'USD'"""


@pytest.fixture
def busy(office: Office, owner_url: str) -> Office:
    """Everything that people can do to documents and money, among what a rail tells."""
    may_make_a_schema(office, owner_url)
    _documents(office)
    _money(office)
    assert office.violations() == []
    return office


def _documents(office: Office) -> None:
    ann = customer(office, "Ann", "cus_ann")
    office.do(lambda work: customers.patch(work, ann, {"email": "ann@example.com"}))
    lines = (Line(description="Work", unit_price=8_000, tax_rate="25"),)
    invoice(office, "INV-1", None, customer_id=ann, lines=lines)
    draft = invoice(office, "INV-2", 4_000, customer_id=ann, send=False)
    office.do(lambda work: invoices.patch(work, draft, {"total": 5_000}))
    office.do(lambda work: invoices.send(work, draft))
    gone = invoice(office, "INV-3", 700)
    office.do(lambda work: invoices.void(work, gone))
    less = invoice(office, "INV-4", 900)
    office.do(lambda work: invoices.credit_note(work, less, amount=200, reason="late"))
    office.do(lambda work: invoices.add_references(work, less, "stripe", ["cs_x"]))
    ahead = deposit(office, "DEP-1", 3_000, customer_id=ann)
    office.do(lambda work: deposits.patch(work, ahead, {"notes": "by phone"}))


def _money(office: Office) -> None:
    world, do = office.world, office.do
    first = world.pay(10_000, metadata={"invoice": "INV-1"})
    world.pay(3_000, metadata={"deposit": "DEP-1"})
    unnamed = world.pay(6_000)
    tell(office)
    ours = _ids(office)
    do(lambda work: applications.apply(work, ours["DEP-1"], ours["INV-2"], 2_000))
    use = office.scalar("select id from application")
    do(lambda work: applications.unapply(work, ours["DEP-1"], use))
    do(lambda work: applications.apply(work, ours["DEP-1"], ours["INV-2"], 1_000))
    held = office.scalar("select id from payment where is_held")
    both = [Part(invoice_id=ours["INV-2"], amount=4_000), Part(invoice_id=ours["INV-4"])]
    do(lambda work: allocations.allocate(work, held, both))
    wrong = office.scalar("select id from allocation where invoice_id = :id", id=ours["INV-4"])
    do(lambda work: allocations.unallocate(work, held, wrong))
    cash = Receipt("cash", date(2026, 11, 22), amount=800, reference="till", may_overpay=True)
    do(lambda work: receipts.receive(work, ours["INV-4"], cash))
    world.refund(first.charge, 1_000)  # in the dashboard
    tell(office)
    item = office.scalar("select id from review_item where kind = 'external_refund'")
    reopen = Resolution(action="reopen")
    do(lambda work: resolutions.resolve(work, item, reopen, RefundPolicy()))
    ask = RefundAsk(reason="goodwill", payment_id=held, amount=500)
    do(lambda work: refunds.request(work, ask, RefundPolicy()), PROGRAM)
    submit_refunds(office.runtime)
    lost = world.pay(2_000, metadata={"invoice": "INV-1"})
    world.close_dispute(world.dispute(lost.charge), "lost")
    world.payout("usd", 300, automatic=False)
    tell(office)
    assert unnamed.charge


def tell(office: Office) -> None:
    office.deliver(*office.news())
    office.drain()


def _ids(office: Office) -> dict[str, str]:
    rows = office.rows("select number, id from invoice union all select code, id from deposit")
    return {row.number: row.id for row in rows}


def done_over(office: Office) -> DoneOver:
    return replay(office.runtime)


def details(office: Office) -> list[str]:
    return [one.detail for one in done_over(office).differing]


def schemas(owner_url: str) -> list[str]:
    with psycopg.connect(owner_url.replace("+psycopg", "", 1)) as owner:
        named = owner.execute("select nspname from pg_namespace where nspname = %s", (SCRATCH,))
        return [name for (name,) in named]


def as_owner(owner_url: str, statement: str, **values: str) -> None:
    """Something goes wrong behind everybody's back."""
    with psycopg.connect(owner_url.replace("+psycopg", "", 1), autocommit=True) as owner:
        owner.execute(statement, values)


def test_all_that_happened_done_over_makes_the_same_books(busy: Office, owner_url: str) -> None:
    before = busy.rows("select * from journal_entry order by id"), busy.line.calls[:]
    done = done_over(busy)
    assert done.differing == []
    assert done.done["deeds"] >= 20
    assert done.done["events"] >= 10
    assert done.taken["answers of rails to refunds"] == 2
    after = busy.rows("select * from journal_entry order by id"), busy.line.calls[:]
    assert after == before, "the books are only read, and the rail is not asked"
    assert schemas(owner_url) == []


@pytest.mark.spoilt
def test_what_is_wrong_is_named(busy: Office, owner_url: str) -> None:
    ours = _ids(busy)
    as_owner(owner_url, POSTED, id=ours["INV-2"])  # booked by a rule that was another
    claim = f"(select max(id) from allocation where invoice_id = '{ours['INV-2']}')"
    as_owner(owner_url, f"update allocation set amount = amount - 1 where id = {claim}")
    as_owner(owner_url, "update invoice set credit_notes = 0 where number = 'INV-4'")
    said = details(busy)
    assert [one for one in said if one.startswith("the journal ") and ours["INV-2"] in one]
    assert [one for one in said if one.startswith("claim ") and ours["INV-2"] in one]
    assert [one for one in said if one.startswith(f"invoice {ours['INV-4']} INV-4 USD: ")]
    nouns = {one.split()[0] for one in said}
    assert nouns <= {"the", "claim", "invoice", "question"}


@pytest.mark.thorough
def test_a_document_that_nobody_made_and_a_payment_that_is_gone_are_named(
    office: Office, owner_url: str
) -> None:
    may_make_a_schema(office, owner_url)
    invoice(office, "INV-1", 500)
    office.world.pay(500)
    tell(office)
    as_owner(
        owner_url,
        """insert into invoice (id, number, customer_id, currency, total, state, created_at)
        select 'inv_x', 'INV-X', customer_id, 'USD', 7, 'draft', now() from invoice""",
    )
    said, ann = details(office), office.scalar("select id from customer")
    as_it_stands = f"draft/7/0/0/0/0/0/0/7/{ann}/-"
    assert said == [f"invoice inv_x INV-X USD: {as_it_stands} in the books, nothing made anew"]


@pytest.mark.thorough
@pytest.mark.spoilt
def test_an_event_whose_news_are_in_no_fact_is_named(office: Office, owner_url: str) -> None:
    may_make_a_schema(office, owner_url)
    office.world.pay(500)
    tell(office)
    lost = "facts = facts - 'charges' - 'intent', captured = 0, status = 'authorized'"
    as_owner(owner_url, f"update payment set {lost}")
    payment = office.scalar("select id from payment")
    assert [one for one in details(office) if one.startswith(f"payment {payment} USD: ")]


@pytest.mark.thorough
def test_a_deed_whose_words_were_erased_is_named(office: Office, owner_url: str) -> None:
    may_make_a_schema(office, owner_url)
    ann = customer(office)
    line = office.scalar("select seq::text from audit_line where subject = :id", id=ann)
    office.do(lambda work: audit.erase(work, line, why="she asked for it"))
    said = details(office)
    assert said == [
        f"customer.created {ann} of 2026-11-22 12:00: what was said was erased",
        f"customer {ann}: Ann/hold/automatic/any in the books, nothing made anew",
    ]


def test_what_a_crash_left_is_dropped_and_two_do_not_meet(office: Office, owner_url: str) -> None:
    may_make_a_schema(office, owner_url)
    as_owner(owner_url, f"create schema {SCRATCH}")
    as_owner(owner_url, f"create table {SCRATCH}.left_behind (id int)")
    assert details(office) == []
    assert schemas(owner_url) == []
    with scratch(owner_url), pytest.raises(Conflict, match="anew already"):
        done_over(office)


@pytest.mark.thorough
def test_tables_that_tests_make_in_one_go_are_as_migrations_make_them(owner_url: str) -> None:
    made_once._beside.clear()
    told = []
    for _ in range(2):
        with scratch(owner_url):
            told.append(made_once._tables_beside(sa.make_url(owner_url)))
    assert "CREATE TABLE" in told[0]
    assert told[0] == told[1]


def test_a_login_that_may_make_no_schema_is_refused(office: Office) -> None:
    with pytest.raises(SettingsError, match="MIGRATION_DATABASE_URL"):
        done_over(office)
