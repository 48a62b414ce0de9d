"""What pages look for among a million things is found by an index."""

from dataclasses import asdict, replace
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from reconciler.embedded import postgres
from reconciler.reads import (
    account_statements,
    balances,
    on_hold,
    question_order,
    rail_balances,
    reminders,
    review_queue,
    screens_refunds,
    screens_today,
    screens_unmatched,
    suggestions,
    timeline,
)
from reconciler.reads.pages import Wanted
from reconciler.reads.screens_unmatched import Sort, Which
from reconciler.runtime import make_engine
from reconciler.store import suspense
from tests.databases import Servers

_ACCOUNTS = {"accounts": [1, 2], "until": None, "counted_to": datetime(2026, 1, 1, tzinfo=UTC)}
_AMOUNTS = {"currencies": ["USD"], "amounts": [5_000], "each": 20}
# Of so many rows PostgreSQL looks for one by an index of its own accord, as of a million; of a
# table with next to nothing in it, it reads all or takes whichever index it thinks of first.
_MANY = """
    insert into inbox_event (rail, account, rail_event_id, type, livemode, created, headers, body)
      select 'stripe', 'own', 'evt_' || n, 'charge.captured', false, n, '{}', 'x'
      from generate_series(1, 3000) n;
    insert into inbox_outcome (seq, status, attempts, payment_id)
      select seq, 'applied', 1, 'pay_' || seq from inbox_event;
    insert into customer (id, name, created_at) values ('cus_1', 'Ann', now());
    insert into invoice (id, number, customer_id, currency, total, state, created_at)
      select 'inv_' || n, 'INV-' || n, 'cus_1', 'USD', n, 'sent', now()
      from generate_series(1, 6000) n;
    insert into deposit (id, code, customer_id, taken_on, currency, amount, created_at)
      select 'dep_' || n, 'DEP-' || n, 'cus_1', '2026-12-01', 'USD', n, now()
      from generate_series(1, 6000) n;
    insert into payment (id, rail, account, rail_payment_id, status, facts, occurred_at, created_at,
        updated_at)
      select 'pay_' || n, 'stripe', 'own', 'pi_' || n, 'captured', '{}', now(), now(), now()
      from generate_series(1, 6000) n;
    insert into allocation (id, payment_id, invoice_id, strategy, cause_kind, cause_id, created_at)
      select 'alo_' || n, 'pay_' || n, 'inv_' || n, 'number', 'event', 'evt_' || n, now()
      from generate_series(1, 6000) n;
    insert into dispute (id, payment_id, rail_dispute_id, kind, stage, status, decision,
        is_unsettled, opened_at, updated_at)
      select 'dsp_' || n, 'pay_' || n * 20, 'du_' || n, 'chargeback', 'needs_response', 'open',
        'undecided', true, now(), now() from generate_series(1, 300) n;
    insert into refund (id, payment_id, amount, currency, reason, treatment, status, requested_by,
        requested_at)
      select 'rfd_' || n, 'pay_' || n, 100, 'USD', 'other', 'credit', 'approved', 'ann', now()
      from generate_series(1, 6000) n;
    insert into refund_leg (id, refund_id, payment_id, amount, status, reference)
      select 'leg_' || n, 'rfd_' || n, 'pay_' || n, 100,
        case when n % 1000 = 0 then 'approved' else 'succeeded' end, 'r-' || n
      from generate_series(1, 6000) n;
    insert into rail_object (rail, account, kind, object_id, payment_id, amount, currency, state,
        made_at)
      select 'stripe', 'own', 'refund', 're_' || n, 'pay_' || n, 100, 'USD',
        case when n % 1000 = 0 then 'promised' else 'settled' end, now()
      from generate_series(1, 6000) n;
    insert into journal_entry (id, key, cause_kind, cause_id, at)
      select 'je_' || n, 'stripe/txn_' || n || case when n % 100 = 0 then '/unclassified/' || n
        else '/captured/' || n end, 'event', 'evt_' || n, now() from generate_series(1, 6000) n;
    insert into posting (entry_id, line, account_id, amount)
      select 'je_' || n, l, l, 100 from generate_series(1, 6000) n, generate_series(1, 2) l;
    insert into posting (entry_id, line, account_id, amount)
      select 'je_' || n * 1000, 3, 3, 100 from generate_series(1, 6) n;
    insert into ledger_day (account_id, day, debit, credit)
      select a, date '2020-01-01' + d, 1, 0
      from generate_series(1, 30) a, generate_series(1, 400) d;
    insert into review_item (id, kind, state, subject, payment_id, details, opened_at, happened_at)
      select 'rev_' || n, 'unmatched_payment', 'open', 'pay_' || n, 'pay_' || n,
        jsonb_build_object('why', repeat('x', 300)), now(), now() - n * interval '1 minute'
      from generate_series(1, 6000) n;
    analyze
"""
_OF_FEW = {
    "account": 3, "since": date(2020, 1, 1), "until": date(2026, 12, 1),
    "after_at": datetime(2020, 1, 1, tzinfo=UTC), "after_id": "", "limit": 51,
}  # fmt: skip
_ONLOOKER = {
    "matching": ["unmatched_payment"], "today": date(2026, 12, 1), "person": "ann",
    "may_settle": True,
}  # fmt: skip
_QUEUE = asdict(Which(kinds=["unmatched_payment"], today=date(2026, 12, 1), asked=[])) | {
    "after": None, "after_id": None, "limit": 25,
}  # fmt: skip

_CUSTOMERS = {"ids": ["cus_1", "cus_2"], "today": date(2026, 12, 1)}
_REMINDED = {
    "ids": [f"inv_{n}" for n in range(50)], "today": date(2026, 12, 1), "named_max": 3,
    "quiet_since": datetime(2026, 11, 30, tzinfo=UTC),
}  # fmt: skip


@pytest.fixture(scope="module")
def full_url(servers: Servers, module_database: str) -> str:
    """Books of which every table is full. Nothing is changed in them: plans are asked for."""
    with servers.connect(module_database) as surgeon:
        surgeon.execute("set session_replication_role = replica; set synchronous_commit = on")
        surgeon.execute(_MANY)
        # An index alone does where vacuum knows that all is seen by all: once it is on disk.
        surgeon.execute("vacuum review_item, refund")
    return servers.url(postgres.APP, module_database)


@pytest.mark.parametrize(
    ("statement", "values", "index"),
    [
        (timeline._EVENTS, {"ids": ["pay_1"]}, "ix_inbox_outcome_payment"),
        (rail_balances._WAITING, {}, "ix_refund_leg_"),
        (rail_balances._TOTALS, _ACCOUNTS, "pk_ledger_day"),
        (suggestions._SAME_AMOUNT, _AMOUNTS, "ix_invoice_open_amount"),
        (suggestions._SAME_AMOUNT, _AMOUNTS, "ix_deposit_open_amount"),
        (suspense._SUMS, {}, "pk_posting"),
        (
            account_statements._ARE_FEW,
            {"account": 3, "few": 100, "limit": 51},
            "ix_posting_account",
        ),
        (account_statements._LINES_OF_FEW, _OF_FEW, "ix_posting_account"),
        (account_statements._LINES_OF_FEW, _OF_FEW, "pk_journal_entry"),
        (screens_today._COUNTS, _ONLOOKER, "Index Only Scan using ix_refund_leg_waiting"),
        (screens_today._COUNTS, _ONLOOKER, "Index Only Scan using ix_review_item_waiting"),
        (
            screens_refunds._COUNTS,
            {"me": "ann", "sent": ["submitted"], "done": ["succeeded"]},
            "Index Only Scan using ix_refund_status",
        ),
        (
            on_hold._HELD,
            {"customers": None, "today": date(2026, 12, 1)},
            "Index Cond: (payment_id = x.payment_id)",
        ),
        (screens_unmatched._SORTED[Sort.OLDEST, False], _QUEUE, "ix_review_item_happened"),
        (balances._OF_CUSTOMERS, _CUSTOMERS, "ix_rail_object_refund_promised"),
        (balances._OF_CUSTOMERS, _CUSTOMERS, "ix_refund_leg_rail_refund"),
        (balances._OF_CUSTOMERS, _CUSTOMERS, "Index Only Scan using ix_refund_leg_to_arrive"),
        (reminders._UNTIED, {"currencies": ["USD"], "limit": 50}, "ix_payment_of_nobody"),
        (reminders._STANDING, _REMINDED, "ix_review_item_document"),
    ],
    ids=[
        "events",
        "waiting refunds",
        "totals of accounts",
        "amounts",
        "deposits",
        "suspense",
        "number of postings",
        "postings of an account",
        "entries of those",
        "legs by the index alone",
        "questions by the index alone",
        "refunds by the index alone",
        "claims on disputed payments",
        "queue",
        "refunds made at the rail",
        "those that we asked for",
        "what is going back",
        "money of nobody",
        "documents in question",
    ],
)
def test_it_is_found_by_an_index(
    full_url: str, statement: sa.TextClause, values: dict, index: str
) -> None:
    engine = make_engine(full_url)
    with engine.begin() as line:
        plan = "\n".join(line.scalars(sa.text(f"explain {statement.text}"), values))
    engine.dispose()
    assert index in plan


@pytest.mark.parametrize(
    ("sort", "index"),
    [
        (question_order.Sort.URGENT, "ix_review_item_urgent"),
        (question_order.Sort.OLDEST, "ix_review_item_happened"),
        (question_order.Sort.NEWEST, "ix_review_item_happened"),
        (question_order.Sort.LARGEST, "ix_review_item_largest"),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_page_of_questions_is_read_in_its_order(
    full_url: str, sort: question_order.Sort, index: str, *, is_first: bool
) -> None:
    """The statement is made from filters, so that what was really asked is explained."""
    engine = make_engine(full_url)
    listing = replace(review_queue.LISTING, order=question_order.ORDERS[sort])
    shown = {"state": "open", "in_sight_on": date(2026, 12, 1), "waits_as_refund": False}
    with Session(engine) as session:
        _, cursor = listing.keys(session, shown, Wanted(20))
        wanted = Wanted(200, None if is_first else cursor)

        @sa.event.listens_for(engine, "before_cursor_execute", retval=True)
        def explain(line, cursor, statement, values, *rest):
            return f"explain {statement}", {**values, "limit": 20}

        plan, _ = listing.keys(session, shown, wanted)
    engine.dispose()
    assert index in "\n".join(plan)
    assert "Sort" not in "\n".join(plan).partition("SubPlan")[0]


def test_no_worker_is_started_for_what_takes_milliseconds(full_url: str) -> None:
    engine = make_engine(full_url)
    asked = sa.text("explain select count(*) from posting p, generate_series(1, 100) n")
    with engine.begin() as line:
        line.execute(sa.text("set local min_parallel_table_scan_size = 0"))
        line.execute(sa.text("set local parallel_tuple_cost = 0"))
        usual = "\n".join(line.scalars(asked))
        line.execute(sa.text("set local parallel_setup_cost = 1000"))
        assert "Gather" in "\n".join(line.scalars(asked)), "so this could be taken apart"
    engine.dispose()
    assert "Gather" not in usual
