"""What the clock counts is counted in pieces of a bounded size, however much there is to count."""

from itertools import pairwise

import psycopg
import pytest

from reconciler.services import figures as counting
from reconciler.store import customer_sums, ledger_totals, untied
from tests.runtime import Office

MANY = 25_000
# In seven hours, of ten customers: more of everything than one piece takes.
BOOKS = f"""
    insert into customer (id, name, created_at)
      select 'cus_' || n, 'Customer ' || n, now() from generate_series(0, 9) n;
    insert into payment (id, rail, account, rail_payment_id, customer_id, currency, captured,
        status, facts, occurred_at, created_at, updated_at)
      select 'pay_' || n, 'stripe', 'own', 'pi_' || n, 'cus_' || n % 10, 'USD', 100, 'captured',
        '{{}}', timestamptz '2026-11-01' + n * interval '1 second', now(), now()
      from generate_series(1, {MANY}) n;
    insert into customer_sum (customer_id, currency, credit)
      select 'cus_' || n % 10, 'USD', 100 from generate_series(1, {MANY}) n;
    insert into journal_entry (id, key, payment_id, cause_kind, cause_id, at)
      select 'je_' || n, 'stripe/pi_' || n || '/captured/100', 'pay_' || n, 'person', 'ann',
        timestamptz '2026-11-01' + n * interval '1 second' from generate_series(1, {MANY}) n
"""


@pytest.mark.thorough
@pytest.mark.slow
def test_no_piece_is_larger_than_its_bound_and_all_of_them_count_everything(
    office: Office, surgeon: psycopg.Connection
) -> None:
    for part in BOOKS.split(";\n"):
        surgeon.execute(part)
    surgeon.execute("analyze")
    behind = "select count(*) from journal_entry where at > coalesce((select {}), '2000-01-01')"
    steps = {
        behind.format("noted_to from figure_round"): counting.ENTRIES_AT_ONCE,
        behind.format("counted_to from ledger_mark"): ledger_totals.ENTRIES_AT_ONCE,
        behind.format("counted_to from untied_mark"): untied.ROWS_MAX,
        "select count(*) from customer_sum": customer_sums.FOLDED_MAX,
    }
    left = {question: [MANY] for question in steps}
    hours = []
    while (counted := office.do(counting.go_on)) is not None:
        hours.append(counted)
        for question, seen in left.items():
            seen.append(office.scalar(question))
    assert [one for one in hours if one] == [3, 3, 1]  # ten thousand are in less than three
    for question, most in steps.items():
        seen = left[question]
        assert max(before - after for before, after in pairwise(seen)) <= most + 1, question
        assert min(seen) <= 10, question
    assert office.scalar("select sum(amount) from figure where kind = 'taken'") == 100 * MANY
