"""Rows for import beside the books: judged and taken over by statements on all of them at once."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.store.ledger_totals import FIRST_FREE

COLUMNS = (
    "line", "kind", "key", "id", "entry_id", "name", "email", "customer_key", "project_key",
    "currency", "amount", "issued_on", "due_on", "state", "words",
)  # fmt: skip

_MAKE = """create temporary table import_row (
    line bigint, kind text, key text, id text, entry_id text, name text, email text,
    customer_key text, project_key text, currency text, amount bigint, issued_on date, due_on date,
    state text, words text,
    found_id text, customer_id text, project_id text, status text, field text, why text
  ) on commit drop""".replace("\n", " ")
_COPY = f"copy import_row ({', '.join(COLUMNS)}) from stdin"

# A row is judged by the first of these that finds something wrong with it.
_REFUSED = "update import_row r set status = 'refused'"
_JUDGE = (
    "create index on import_row (kind, key)",
    "analyze import_row",
    """update import_row r set found_id = x.id from (
      select r.line, coalesce(k.subject_id, c.id, p.id, i.id, d.id) as id from import_row r
      left join imported_key k on k.kind = r.kind and k.external_id = r.key
        and r.kind in ('customer', 'project')
      left join customer c on r.kind = 'customer' and c.id = r.key
      left join project p on r.kind = 'project' and p.id = r.key
      left join invoice i on r.kind = 'invoice' and lower(btrim(i.number)) = r.key
      left join deposit d on r.kind = 'deposit' and lower(btrim(d.code)) = r.key) x
    where x.line = r.line and x.id is not null""",
    # Nobody changes these meanwhile; in the order of locks.
    """select count(*) from (select d.id from deposit d join import_row r
      on r.kind = 'deposit' and r.found_id = d.id order by d.id for no key update of d) x""",
    """select count(*) from (select i.id from invoice i join import_row r
      on r.kind = 'invoice' and r.found_id = i.id order by i.id for no key update of i) x""",
    # Whoever is named: somebody in this file, in an earlier one, or in our books.
    """update import_row r set customer_id = x.id from (
      select r.line, coalesce(n.found_id, n.id, k.subject_id, c.id) as id from import_row r
      left join (select distinct on (key) key, found_id, id from import_row
        where kind = 'customer' order by key, line) n on n.key = r.customer_key
      left join imported_key k on k.kind = 'customer' and k.external_id = r.customer_key
      left join customer c on c.id = r.customer_key
      where r.customer_key is not null) x where x.line = r.line and x.id is not null""",
    """update import_row r set project_id = x.id from (
      select r.line, coalesce(n.found_id, n.id, k.subject_id, p.id) as id from import_row r
      left join (select distinct on (key) key, found_id, id from import_row
        where kind = 'project' order by key, line) n on n.key = r.project_key
      left join imported_key k on k.kind = 'project' and k.external_id = r.project_key
      left join project p on p.id = r.project_key
      where r.project_key is not null) x where x.line = r.line and x.id is not null""",
    f"""{_REFUSED}, field = 'file', why = 'the same as line ' || x.first
    from (select line, min(line) over (partition by kind, key) as first from import_row) x
    where x.line = r.line and x.first < r.line""",
    f"""{_REFUSED}, field = 'customer_id', why = format('there is no customer %s', customer_key)
    where status is null and customer_key is not null and customer_id is null""",
    f"""{_REFUSED}, field = 'project_id', why = format('there is no project %s', project_key)
    where status is null and project_key is not null and project_id is null""",
    f"""{_REFUSED}, field = 'project_id',
      why = 'the project is another customer''s, or in another currency'
    from (select id, customer_id, currency from project
      union all select id, customer_id, currency from import_row
      where kind = 'project' and found_id is null) p
    where r.status is null and p.id = r.project_id and r.kind in ('invoice', 'deposit')
      and (p.customer_id, p.currency) is distinct from (r.customer_id, r.currency)""",
    # What is there already.
    """update import_row r set status = case
        when (c.name, c.email) is not distinct from (r.name, coalesce(r.email, c.email))
        then 'unchanged' else 'changed' end
    from customer c where r.status is null and r.kind = 'customer' and c.id = r.found_id""",
    """update import_row r set
      status = case when (p.customer_id, p.currency, p.original_price)
          is distinct from (r.customer_id, r.currency, r.amount) then 'refused'
        when p.name = r.name then 'unchanged' else 'changed' end,
      field = 'original_price',
      why = 'is there with another customer or price; a change order moves a price'
    from project p where r.status is null and r.kind = 'project' and p.id = r.found_id""",
    """update import_row r set status = case
        when (i.customer_id, i.currency, i.total, i.project_id, i.issued_on, i.due_on,
            i.description) is not distinct from (r.customer_id, r.currency, r.amount,
            coalesce(r.project_id, i.project_id), coalesce(r.issued_on, i.issued_on),
            coalesce(r.due_on, i.due_on), coalesce(r.words, i.description))
          and (r.state = 'draft' or i.state = 'sent') then 'unchanged'
        when i.state = 'draft' and r.state = 'draft' and i.tax = 0 and i.milestone_id is null
          and not exists (select 1 from invoice_line l where l.invoice_id = i.id) then 'changed'
        else 'refused' end,
      field = 'number',
      why = format('%s is there, is %s, and says something else', i.number, i.state)
    from invoice i where r.status is null and r.kind = 'invoice' and i.id = r.found_id""",
    """update import_row r set status = case
        when (d.customer_id, d.currency, d.amount, d.project_id, d.taken_on, d.notes)
          is not distinct from (r.customer_id, r.currency, r.amount,
            coalesce(r.project_id, d.project_id), coalesce(r.issued_on, d.taken_on),
            coalesce(r.words, d.notes)) then 'unchanged'
        when d.received = 0 and d.milestone_id is null then 'changed' else 'refused' end,
      field = 'code', why = format('%s has received money, and says something else', d.code)
    from deposit d where r.status is null and r.kind = 'deposit' and d.id = r.found_id""",
    "update import_row set status = 'new' where status is null",
    # No project is billed beyond what was approved.
    f"""{_REFUSED}, field = 'total',
      why = 'more than the project''s approved price would be billed'
    from (select x.project_id from (
        select project_id, total from invoice i where state <> 'void' and project_id is not null
          and not exists (select 1 from import_row n
            where n.found_id = i.id and n.status = 'changed')
        union all select project_id, amount from import_row
        where kind = 'invoice' and status in ('new', 'changed') and project_id is not null) x
      join (select id, approved_price from project
        union all select id, amount from import_row where kind = 'project' and status = 'new') p
        on p.id = x.project_id
      group by x.project_id, p.approved_price having sum(x.total) > p.approved_price) o
    where r.kind = 'invoice' and r.status in ('new', 'changed') and r.project_id = o.project_id""",
)
_COUNTS = "select kind, status, count(*) as rows from import_row group by 1, 2 order by 1, 2"
_REFUSALS = """select line, field, why from import_row where status = 'refused'
    order by line limit :most"""
_SOME = """select line, kind, name, status from import_row where status in ('new', 'changed')
    order by status = 'new', line limit :most"""

_TAKE = (
    """insert into customer (id, name, email, seeks_payment, created_at)
    select id, name, email, false, :now from import_row
    where kind = 'customer' and status = 'new' order by line""",
    """update customer c set name = r.name, email = coalesce(r.email, c.email), rev = c.rev + 1
    from import_row r where r.kind = 'customer' and r.status = 'changed' and c.id = r.found_id""",
    """insert into project (id, customer_id, name, currency, original_price, approved_price,
      created_at) select id, customer_id, name, currency, amount, amount, :now from import_row
    where kind = 'project' and status = 'new' order by line""",
    """update project p set name = r.name, rev = p.rev + 1
    from import_row r where r.kind = 'project' and r.status = 'changed' and p.id = r.found_id""",
    """insert into imported_key (kind, external_id, subject_id)
    select kind, key, id from import_row
    where kind in ('customer', 'project') and status = 'new' order by 1, 2""",
    """insert into invoice (id, number, customer_id, project_id, currency, total, state,
      description, issued_on, due_on, created_at, sent_at, seeks_payment)
    select id, name, customer_id, project_id, currency, amount, state, words,
      case when state = 'sent' then coalesce(issued_on, cast(:now as timestamptz)::date)
        else issued_on end,
      due_on, :now, case when state = 'sent' then cast(:now as timestamptz) end, state = 'sent'
    from import_row where kind = 'invoice' and status = 'new' order by line""",
    """update invoice i set customer_id = r.customer_id, currency = r.currency, total = r.amount,
      project_id = coalesce(r.project_id, i.project_id),
      issued_on = coalesce(r.issued_on, i.issued_on), due_on = coalesce(r.due_on, i.due_on),
      description = coalesce(r.words, i.description), rev = i.rev + 1
    from import_row r where r.kind = 'invoice' and r.status = 'changed' and i.id = r.found_id""",
    """insert into deposit (id, code, customer_id, project_id, taken_on, currency, amount, notes,
      created_at, seeks_payment)
    select id, name, customer_id, project_id,
      coalesce(issued_on, cast(:now as timestamptz)::date), currency, amount, words, :now, true
    from import_row where kind = 'deposit' and status = 'new' order by line""",
    """update deposit d set customer_id = r.customer_id, currency = r.currency, amount = r.amount,
      project_id = coalesce(r.project_id, d.project_id), notes = coalesce(r.words, d.notes),
      taken_on = coalesce(r.issued_on, d.taken_on), seeks_payment = true, rev = d.rev + 1
    from import_row r where r.kind = 'deposit' and r.status = 'changed' and d.id = r.found_id""",
    # As books.invoices.sent_entry says it: owed, and earned.
    """insert into ledger_account (role, rail, currency)
    select distinct role, '', currency from import_row,
      (values ('accounts_receivable'), ('revenue')) as x (role)
    where kind = 'invoice' and status = 'new' and state = 'sent' order by 1, 3
    on conflict do nothing""",
    f"""insert into journal_entry (id, key, invoice_id, cause_kind, cause_id, at)
    select entry_id, 'invoice/' || id || '/sent', id, :cause_kind, :cause_id,
      greatest(:now, {FIRST_FREE})
    from import_row
    where kind = 'invoice' and status = 'new' and state = 'sent' order by line""",
    """insert into posting (entry_id, line, account_id, amount)
    select r.entry_id, x.line, a.id, x.sign * r.amount from import_row r
    cross join (values (1, 'accounts_receivable', 1), (2, 'revenue', -1)) as x (line, role, sign)
    join ledger_account a on a.role = x.role and a.rail = '' and a.currency = r.currency
    where r.kind = 'invoice' and r.status = 'new' and r.state = 'sent'""",
)  # fmt: skip


# What a row said, beside what it made or changed.
_SAID = """kind, key, entry_id, name, email, customer_key, project_key, currency, amount, issued_on,
  due_on, state, words"""
_KEEP = sa.text(
    f"""insert into imported_row (import_id, line, status, subject_id, {_SAID})
    select :import, line, status, coalesce(found_id, id), {_SAID} from import_row
    where status in ('new', 'changed') order by line"""
)
_PUT_KEPT = sa.text(
    f"""insert into import_row (line, id, {_SAID}) select line, subject_id, {_SAID}
    from imported_row where import_id = :import order by line"""
)
_OTHERWISE = sa.text(
    """select r.line, r.status as now, k.status as then, r.why from import_row r
    join imported_row k on k.import_id = :import and k.line = r.line
    where r.status <> k.status or coalesce(r.found_id, r.id) <> k.subject_id
    order by r.line limit 1"""
)
_ERASE = sa.text("delete from imported_row where import_id = :import")


def make_room(session: Session) -> None:
    """Make room for rows, which ends with the transaction. It may take as long as it takes."""
    session.execute(sa.text("set local statement_timeout = 0"))
    session.execute(sa.text("set local idle_in_transaction_session_timeout = 0"))
    session.execute(sa.text("drop table if exists pg_temp.import_row"))
    session.execute(sa.text(_MAKE))


def put(session: Session, rows: Iterable[tuple[object, ...]]) -> None:
    """Take rows in, one after the other."""
    driver = session.connection().connection.driver_connection
    assert driver is not None, "a session that works has a connection"
    with driver.cursor() as cursor, cursor.copy(_COPY) as into:
        for row in rows:
            into.write_row(row)


def put_kept(session: Session, import_id: str) -> None:
    """Take in again what an import took over."""
    session.execute(_PUT_KEPT, {"import": import_id})


def keep(session: Session, import_id: str) -> None:
    """Keep what the rows said that make or change something."""
    session.execute(_KEEP, {"import": import_id})


def judged_otherwise(session: Session, import_id: str) -> sa.Row[tuple[int, str, str, str]] | None:
    """The first row that is judged otherwise than when it was kept."""
    return session.execute(_OTHERWISE, {"import": import_id}).first()


def erase(session: Session, import_id: str) -> None:
    """Take away what the rows of an import said. A line of the audit trail has to say so."""
    session.execute(_ERASE, {"import": import_id})


def judge(session: Session) -> list[sa.Row[tuple[str, str, int]]]:
    """Say of each row whether it is new, changed, unchanged or refused; how many of each."""
    for statement in _JUDGE:
        session.execute(sa.text(statement))
    return list(session.execute(sa.text(_COUNTS)))


def refusals(session: Session, most: int) -> list[sa.Row[tuple[int, str, str]]]:
    """The first rows that are refused."""
    return list(session.execute(sa.text(_REFUSALS), {"most": most}))


def some(session: Session, most: int) -> list[sa.Row[tuple[int, str, str, str]]]:
    """Some of what would change: what is there first."""
    return list(session.execute(sa.text(_SOME), {"most": most}))


def take(session: Session, given: dict[str, object]) -> None:
    """Take over all rows that are new or changed."""
    for statement in _TAKE:
        session.execute(sa.text(statement), given)
