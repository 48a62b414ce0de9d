"""What is kept of what is not tied is what all movements and postings come to, at every moment."""

import random
from collections.abc import Callable

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings, strategies as st

from reconciler.flows.count_figures import count_figures
from reconciler.reads import tie_out
from reconciler.store import untied
from tests.flows.test_reconcile import run
from tests.runtime import Office
from tests.services.test_with_many import Watch, pages_read

LAW = "what_is_not_tied_is_kept"
# All movements beside all that clearing holds, as it was asked before anything was kept.
PARTING = """with moved as (
      select coalesce(o.payment_id, w.id, o.object_id) as owner, o.currency, sum(o.amount) as amount
      from rail_object o left join (select p.id, p.rail, row_id from payout p,
          jsonb_object_keys(coalesce(p.facts -> 'rows', '{}')) row_id) w
        on o.payment_id is null and w.rail = o.rail and w.row_id = o.object_id
      where o.rail = 'stripe' and o.kind = 'balance_transaction' and o.state not like '%/%'
      group by 1, 2),
    booked as (
      select coalesce(e.payment_id, e.payout_id, split_part(e.key, '/', 3)) as owner, a.currency,
        sum(p.amount) as amount
      from posting p join journal_entry e on e.id = p.entry_id
        join ledger_account a on a.id = p.account_id
      where a.role = 'clearing' and a.rail = 'stripe' group by 1, 2)
    select coalesce(m.owner, b.owner), coalesce(m.currency, b.currency),
      (coalesce(m.amount, 0) - coalesce(b.amount, 0))::bigint
    from moved m full join booked b on b.owner = m.owner and b.currency = m.currency
    where coalesce(m.amount, 0) <> coalesce(b.amount, 0) order by 1, 2"""
SUSPENSE = """select regexp_replace(e.key, '/[^/]*$', ''), a.currency, sum(-p.amount)::bigint
    from posting p join journal_entry e on e.id = p.entry_id
      join ledger_account a on a.id = p.account_id
    where a.role = 'suspense' and split_part(e.key, '/', 1) = 'stripe'
    group by 1, 2 having sum(p.amount) <> 0 order by 1, 2"""
SPOIL = {
    "moves": """update rail_object o set payment_id = (select min(id) from payment)
      where o.kind = 'balance_transaction' and o.object_id = (
        select max(object_id) from rail_object where kind = 'balance_transaction')""",
    "grows": """update rail_object o set amount = amount + 7 where o.kind = 'balance_transaction'
      and o.object_id = (
        select min(object_id) from rail_object where kind = 'balance_transaction')""",
    "elsewhere": """update rail_object o set state = case when state like '%/%' then 'fee'
        else 'fee/issuing' end
      where o.object_id = (
        select min(object_id) from rail_object where kind = 'balance_transaction')""",
}
STEPS = (
    "pays", "refunds", "loses", "is paid out", "costs", "is a mystery", "is heard", "is half heard",
    "is listed", "is counted", "is counted later", *SPOIL,
)  # fmt: skip


def kept(office: Office) -> tuple[list[tuple], list[tuple]]:
    with office.runtime.read() as session:
        here = tie_out.here(session, "stripe")
    lines = sorted(
        (one.payment_id or one.payout_id or one.subject, one.currency, one.amount)
        for one in here.lines
    )
    return lines, [(one.subject, one.currency, one.amount) for one in here.suspense]


def whole(office: Office) -> tuple[list[tuple], list[tuple]]:
    both = [[tuple(row) for row in office.rows(text)] for text in (PARTING, SUSPENSE)]
    return sorted(both[0]), both[1]


def broken(office: Office) -> list[str]:
    return [found.detail for found in office.violations() if found.invariant == LAW]


def hear(office: Office, then: Callable[[], object]) -> None:
    office.deliver(*office.world.events())
    then()


def count_later(office: Office) -> None:
    office.clock.advance(hours=1)
    count_figures(office.runtime)


def do(office: Office, step: str, rng: random.Random) -> None:
    world = office.world
    happens: dict[str, Callable[[], object]] = {
        "pays": lambda: world.pay(1_000 + rng.randrange(9_000), rng.choice(("usd", "eur"))),
        "refunds": lambda: world.refund(world.pay(2_000).charge, 300),
        "loses": lambda: world.close_dispute(
            world.dispute(world.pay(3_000).charge), rng.choice(("lost", "won"))
        ),
        "is paid out": lambda: (world.pay(5_000), world.payout("usd", 100, automatic=False)),
        "costs": lambda: world.other_row(-rng.randrange(1, 500)),
        "is a mystery": lambda: world.other_row(
            -rng.randrange(1, 500), kind="mystery", category="mystery"
        ),
        "is half heard": lambda: hear(office, office.apply),
        "is heard": lambda: hear(office, office.drain),
        "is listed": lambda: run(office),
        "is counted": lambda: count_figures(office.runtime),
        "is counted later": lambda: count_later(office),
    }
    if step in happens:
        happens[step]()
    else:
        office.do(lambda work: work.session.execute(sa.text(SPOIL[step])))


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.sampled_from(STEPS), min_size=4, max_size=14), st.randoms(use_true_random=False))
def test_what_is_kept_is_the_whole_join_whatever_happens_and_whenever_it_is_counted(
    office: Office, steps: list[str], rng: random.Random
) -> None:
    for step in steps:
        do(office, step, rng)
        assert kept(office) == whole(office), step
    assert broken(office) == []


@pytest.mark.thorough
def test_every_step_that_matters_leaves_something_untied_and_counting_takes_away_the_rest(
    office: Office,
) -> None:
    rng = random.Random(1)
    for step in ("pays", "pays", "is paid out", "costs", "is heard", "is a mystery", "is listed"):
        do(office, step, rng)
    do(office, "is counted", rng)
    assert office.scalar("select count(*) from untied_batch") == 0
    assert office.scalar("select count(*) from untied where kind = 'clearing'") > 3
    do(office, "is counted later", rng)
    lines, suspense = kept(office)
    assert (lines, len(suspense)) == ([], 1)
    assert office.rows("select kind, amount from untied") == [("suspense", suspense[0][2])]
    do(office, "grows", rng)
    do(office, "is counted later", rng)
    (line,), _ = kept(office)
    assert line[2] == 7
    assert office.scalar("select count(*) from untied") == 2
    assert broken(office) == []


def test_the_movement_of_a_payout_is_the_payouts_and_nobody_elses(office: Office) -> None:
    office.world.pay(5_000)
    office.world.payout("usd", 100, automatic=False)
    office.deliver(*office.world.events())
    office.drain()
    (subjects,) = zip(*office.rows("select unnest(subjects) from untied_batch"), strict=True)
    assert office.scalar("select id from payout") in subjects
    assert kept(office) == ([], [])


@pytest.mark.sampled(2)
@pytest.mark.parametrize("kind", ["clearing", "suspense"])
def test_a_kept_row_that_is_out_by_one_is_found(office: Office, kind: str) -> None:
    rng = random.Random(2)
    for step in ("pays", "is heard", "is a mystery", "is listed", "grows", "is counted later"):
        do(office, step, rng)
    spoil = sa.text(f"update untied set amount = amount + 1 where kind = '{kind}'")
    office.do(lambda work: work.session.execute(spoil))
    (found,) = broken(office)
    assert found.startswith(kind)


MANY = 20_000
PAGES_MAX = 400
BOOKS = f"""
    insert into ledger_account (role, rail, currency) values ('clearing', 'stripe', 'USD'),
      ('unapplied_cash', '', 'USD');
    insert into payment (id, rail, account, rail_payment_id, currency, captured, status, facts,
        occurred_at, created_at, updated_at)
      select 'pay_' || n, 'stripe', 'own', 'pi_' || n, 'USD', 100, 'captured', jsonb_build_object(
          'rail', 'stripe', 'account', 'own', 'payment_id', 'pi_' || n),
        timestamptz '2026-10-01' + n * interval '1 minute', now(), now()
      from generate_series(1, {MANY}) n;
    insert into rail_object (rail, account, kind, object_id, payment_id, amount, currency, state,
        made_at)
      select 'stripe', 'own', 'balance_transaction', 'txn_' || n, 'pay_' || n,
        case when n % 10000 = 0 then 99 else 100 end, 'USD', 'charge',
        timestamptz '2026-10-01' + n * interval '1 minute' from generate_series(1, {MANY}) n;
    insert into journal_entry (id, key, payment_id, cause_kind, cause_id, at, effective_on,
        posted_on)
      select 'je_' || n, 'stripe/pi_' || n || '/captured/100', 'pay_' || n, 'person', 'ann',
        timestamptz '2026-10-01' + n * interval '1 minute', date '2026-10-01', date '2026-10-01'
      from generate_series(1, {MANY}) n;
    insert into posting (entry_id, line, account_id, amount)
      select 'je_' || n, l, a.id, case l when 1 then 100 else -100 end
      from generate_series(1, {MANY}) n, generate_series(1, 2) l
        join ledger_account a on a.role = case l when 1 then 'clearing' else 'unapplied_cash' end
"""


@pytest.mark.slow
@pytest.mark.thorough
def test_a_tie_out_reads_what_differs_and_not_all_there_is(
    office: Office, surgeon, database_url: str
) -> None:
    for part in BOOKS.split(";\n"):
        role = "origin" if "rail_object" in part else "replica"  # written in another transaction
        surgeon.execute(f"set session_replication_role = {role}")
        surgeon.execute(part)
    count_figures(office.runtime)
    surgeon.execute("vacuum full untied")  # what came to nothing leaves its room behind
    surgeon.execute("vacuum analyze")
    with Watch(office.runtime.engine) as asked, office.runtime.read() as session:
        here = tie_out.here(session, "stripe")
    parting = sorted((one.payment_id, one.amount) for one in here.lines)
    assert parting == [("pay_10000", -1), ("pay_20000", -1)]
    assert (here.moved, here.clearing) == ({"USD": 100 * MANY - 2}, {"USD": 100 * MANY})
    with psycopg.connect(database_url.replace("+psycopg", "", 1)) as line:
        ours = [one for one in asked if "untied" in one[0]]
        assert len(ours) == 3
        assert pages_read(line, ours) < PAGES_MAX
        assert pages_read(line, [(PARTING.replace("%", "%%"), {})]) > PAGES_MAX
    assert broken(office) == []
    assert untied.ROWS_MAX < MANY  # it took several pieces to count
