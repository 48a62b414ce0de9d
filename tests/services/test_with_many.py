"""Lists, sums and searches of large books read a few pages of the database, and not all of them."""

from collections.abc import Callable
from datetime import date

import psycopg
import pytest
from sqlmodel import Session

from reconciler.books.reviews import MATCHING_KINDS
from reconciler.flows.count_figures import count_figures
from reconciler.reads import (
    account_statements,
    balances,
    client_statements,
    closings,
    customers,
    reminders,
    screens_documents,
    screens_payments,
    screens_search,
    screens_today,
)
from reconciler.reads.pages import Wanted
from reconciler.reads.screens_today import Onlooker
from tests.runtime import NOON, Office
from tests.watching import Watch

MANY = 50_000
TODAY = NOON.date()
# Pages that a question may touch, each counted as often as it is: a large table has more than that.
PAGES_MAX = 700
# What shows some of several customers touches as much for each of them; of ten reminders to one
# customer, what that one has paid is touched once, and the payment of each open question.
ASKED_ABOUT = 3_000
OF_SEVERAL = {"everybody": 5_000, "reminders": 500 + 4 * ASKED_ABOUT}
# Customers of whom each has as many; of the invoices some owe something, some are drafts.
BOOKS = f"""
    insert into customer (id, name, email, created_at)
      select 'cus_' || n, 'Customer ' || n, n || '@example.com', now()
      from generate_series(0, 999) n;
    insert into invoice (id, number, customer_id, currency, total, paid, state, due_on, created_at)
      select 'inv_' || n, 'INV-' || lpad(n::text, 10, '0'), 'cus_' || n % 1000, 'USD', 100,
        case when n % 1000 < 998 then 100 else 0 end,
        case when n % 1000 = 999 then 'draft' else 'sent' end, date '2026-10-01',
        timestamptz '2026-10-01' + n * interval '1 minute' from generate_series(1, {MANY}) n;
    insert into payment (id, rail, account, rail_payment_id, customer_id, currency, captured,
        status, facts, occurred_at, created_at, updated_at)
      select 'pay_' || n, 'stripe', 'own', 'pi_' || n, 'cus_' || n % 1000, 'USD', 100, 'captured',
        jsonb_build_object('payer', jsonb_build_object('name', jsonb_build_array(1, 'Buyer ' || n)),
          'more', repeat('x', 600)),
        timestamptz '2026-10-01' + n * interval '1 minute', now(), now()
      from generate_series(1, {MANY}) n;
    insert into journal_entry (id, key, invoice_id, cause_kind, cause_id, at, effective_on,
        posted_on)
      select 'je_' || n, 'invoice/inv_' || n || '/sent/1', 'inv_' || n, 'person', 'ann',
        timestamptz '2026-10-01' + n * interval '1 minute', date '2026-10-01', date '2026-10-01'
      from generate_series(1, {MANY}) n;
    insert into ledger_account (role, rail, currency) values
      ('accounts_receivable', '', 'USD'), ('revenue', '', 'USD') on conflict do nothing;
    insert into posting (entry_id, line, account_id, amount)
      select 'je_' || n, l.line, a.id, l.amount from generate_series(1, {MANY}) n
      cross join (values (1, 'accounts_receivable', 100), (2, 'revenue', -100))
        as l (line, role, amount)
      join ledger_account a on a.role = l.role and a.currency = 'USD';
    insert into review_item (id, kind, state, subject, payment_id, amount, details, opened_at)
      select 'rev_' || n, 'unmatched_payment', 'open', 'pay_' || n, 'pay_' || n, 100, '{{}}', now()
      from generate_series(10001, 10000 + {ASKED_ABOUT}) n;
    insert into refund (id, payment_id, amount, currency, reason, treatment, status, requested_by,
        requested_at)
      select 'rfd_' || n, 'pay_' || n, 50, 'USD', 'other', 'credit', 'approved', 'ann', now()
      from generate_series(1, 2000) n;
    insert into refund_leg (id, refund_id, payment_id, amount, status, reference)
      select 'leg_' || n, 'rfd_' || n, 'pay_' || n, 50, 'approved', 'r-' || n
      from generate_series(1, 2000) n;
    insert into reminder_plan (subject, steps) values ('house', '{{0}}') on conflict do nothing;
"""
ASKED: dict[str, Callable[[Session], object]] = {
    "nobody": lambda s: screens_search.look(s, "nobody"),
    "everybody": lambda s: screens_search.look(s, "customer"),
    "a word of all payers": lambda s: screens_search.look(s, "buyer"),
    "an amount": lambda s: screens_search.of_amount(s, "1.00"),
    "a number": lambda s: screens_search.look(s, "inv 29500"),
    "customers": lambda s: customers.page(s, {}, Wanted(50), today=TODAY),
    "totals": lambda s: balances.of_all_invoices(s, today=TODAY),
    "numbers": lambda s: screens_documents.invoice_views(s, TODAY),
    "an account": lambda s: account_statements.one(
        s, ("accounts_receivable", "", "", "USD"), date(2026, 10, 1), TODAY, cursor=None, limit=50
    ),
    "a client's statement": lambda s: client_statements.part_of_customer(
        s, "cus_1", date(2026, 10, 15), TODAY, after=None, lines_max=20
    ),
    "late entries": lambda s: closings.late(s, 20),
    "reminders": lambda s: reminders.looks(s, [f"inv_{n}998" for n in range(10)], NOON),
    "what waits": lambda s: screens_today.counts(
        s, sorted(kind.value for kind in MATCHING_KINDS), TODAY, Onlooker("ann", may_settle=True)
    ),
    "theirs": lambda s: screens_payments.latest(
        s, state=None, customer_id="cus_1", before=None, limit=10
    ),
    **{
        view: lambda s, view=view: screens_documents.invoices(
            s, view=view, customer_id=None, today=TODAY, before=None, limit=50
        )
        for view in ("all", "open", "part", "overdue", "draft")
    },
}


def pages_read(line: psycopg.Connection, asked: list[tuple[str, dict]]) -> int:
    total = 0
    for text, values in asked:
        if not text.lstrip().lower().startswith(("select", "with")):
            line.execute(text, values)
            continue
        explained = f"explain (analyze, buffers, format json) {text}"
        (plan,) = line.execute(explained, values).fetchone()[0]
        total += plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    return total


@pytest.mark.slow
@pytest.mark.thorough  # of the largest tables: tests/reads/test_found_by_index.py
def test_no_question_of_a_page_reads_a_whole_table(
    office: Office, surgeon: psycopg.Connection, database_url: str
) -> None:
    surgeon.execute("set session_replication_role = origin")
    *parts, plan = [part for part in BOOKS.split(";\n") if part.strip()]
    for part in (*parts, plan):
        is_partial = any(table in part for table in ("journal_entry", "posting", "refund"))
        role = "replica" if is_partial else "origin"
        surgeon.execute(f"set session_replication_role = {role}")
        surgeon.execute(part)
    count_figures(office.runtime)
    surgeon.execute("vacuum analyze")
    sizes = surgeon.execute(
        """select min(relpages) from pg_class
        where relname in ('invoice', 'payment', 'journal_entry')"""
    ).fetchone()
    read = {}
    with psycopg.connect(database_url.replace("+psycopg", "", 1)) as line:
        for name, question in ASKED.items():
            with Watch(office.runtime.engine) as asked, office.runtime.read() as session:
                assert question(session) is not None
            read[name] = pages_read(line, asked)
            line.rollback()
    assert {
        name: count for name, count in read.items() if count > OF_SEVERAL.get(name, PAGES_MAX)
    } == {}
    assert sizes[0] > PAGES_MAX, sizes
