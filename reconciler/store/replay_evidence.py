"""Evidence that is no message, and that a deed rests on: read in one set of books, put into others.

Of the lines of a bank only what the bank said: what they were tied to is done again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.audit import IMPORTED

_ROWS_AT_A_TIME = 1_000
_OPEN_LINE = """'{"state": "open", "target_kind": null, "target_id": null, "tied_by": null,
  "reasons": [], "fee": 0, "fee_why": null, "fee_turns": 0, "why": null, "untied_from": [],
  "settled_at": null, "rev": 1}'"""
_OPEN_CORRECTION = """'{"state": "open", "new_line_id": null, "decided_by": null,
  "decided_at": null, "why": null, "rev": 1}'"""
# A line that a correction brought is made when somebody takes or declines it.
_READ = """from bank_line l where l.statement_id = :id
  and not exists (select 1 from bank_correction c where c.new_line_id = l.id)"""


def _called(kind: str, column: str) -> str:
    """What a file calls it, where it came from one: it may be a row of the same file."""
    return f"""coalesce((select min(x.external_id) from imported_key x
        where x.kind = '{kind}' and x.subject_id = {column}), {column})"""


# Of imports from before rows were kept there is only what they made, as it stands.
_BEFORE_KEPT = f"""select f.id as import_id, row_number() over (order by m.place, m.id) as place,
    m.kind, 'new' as status, m.key, m.id as subject_id, m.entry_id, m.name, m.email, m.customer_key,
    m.project_key, m.currency, m.amount, m.issued_on, m.due_on, m.state, m.words
  from import_file f join lateral (
    select 1 as place, 'customer' as kind, k.external_id as key, c.id, null as entry_id, c.name,
      c.email, null as customer_key, null as project_key, null as currency, null::bigint as amount,
      null::date as issued_on, null::date as due_on, null as state, null as words
    from customer c join imported_key k on k.kind = 'customer' and k.subject_id = c.id
    where c.created_at = f.at
    union all
    select 2, 'project', k.external_id, p.id, null, p.name, null,
      {_called("customer", "p.customer_id")}, null, p.currency, p.original_price, null, null,
      null, null
    from project p join imported_key k on k.kind = 'project' and k.subject_id = p.id
    where p.created_at = f.at
    union all
    select 3, 'invoice', lower(btrim(i.number)), i.id, e.id, i.number, null,
      {_called("customer", "i.customer_id")},
      {_called("project", "i.project_id")}, i.currency, i.total, i.issued_on, i.due_on,
      case when e.id is null then 'draft' else 'sent' end, i.description
    from invoice i left join journal_entry e on e.key = 'invoice/' || i.id || '/sent'
      and i.sent_at = f.at
    where i.created_at = f.at and not exists (select 1 from audit_line a
      where a.subject = i.id and a.action = 'invoice.created')
    union all
    select 4, 'deposit', lower(btrim(d.code)), d.id, null, d.code, null,
      {_called("customer", "d.customer_id")},
      {_called("project", "d.project_id")}, d.currency, d.amount, d.taken_on, null, null, d.notes
    from deposit d where d.created_at = f.at and not exists (select 1 from audit_line a
      where a.subject = d.id and a.action = 'deposit.created')
  ) m on true
  where f.id = :id and not exists (select 1 from imported_row k where k.import_id = f.id)"""
# By the action of the deed: what goes into which table, as JSON, in this order. `id`: its subject.
OF_DEED: Mapping[str, Sequence[tuple[str, str]]] = {
    "statement.read": (
        (
            "bank_statement",
            f"""select to_jsonb(s) || jsonb_build_object('new_count', (select count(*) {_READ}))
            from bank_statement s where s.id = :id""",
        ),
        (
            "bank_line",
            f"select to_jsonb(l) || cast({_OPEN_LINE} as jsonb) {_READ} order by l.identity",
        ),
        (
            "bank_correction",
            f"""select to_jsonb(c) || cast({_OPEN_CORRECTION} as jsonb) from bank_correction c
            where c.statement_id = :id order by c.id""",
        ),
    ),
    IMPORTED: (
        ("imported_row", "select to_jsonb(r) from imported_row r where r.import_id = :id"),
        ("imported_row", f"select to_jsonb(b) from ({_BEFORE_KEPT}) b"),
    ),
}


def of_deed(session: Session, action: str, subject: str) -> Iterator[tuple[str, Sequence[str]]]:
    """Rows that a deed rests on, some at a time: the table, and each row as text."""
    for table, query in OF_DEED.get(action, ()):
        statement = sa.text(f"select x::text from ({query}) y(x)")
        found = session.execute(
            statement.execution_options(yield_per=_ROWS_AT_A_TIME), {"id": subject}
        )
        for rows in found.scalars().partitions(_ROWS_AT_A_TIME):
            yield table, rows


def put(session: Session, evidence: Iterable[tuple[str, Sequence[str]]]) -> None:
    """The same rows here."""
    for table, rows in evidence:
        into = sa.text(
            f"""insert into {table}
            select * from jsonb_populate_recordset(null::{table}, cast(:rows as jsonb))"""
        )
        session.execute(into, {"rows": f"[{','.join(rows)}]"})
