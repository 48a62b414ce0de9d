"""Statements about bank lines, and about what they are tied to."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.bank_lines import LATE, BankLine, LineState, Target

_ADD_STATEMENT = sa.text(
    """insert into bank_statement (id, bank_account, file_name, digest, form, line_count,
      bad_count, bad_rows, read_at)
    values (:id, :bank_account, :file_name, :digest, :form, :line_count, :bad_count,
      cast(:bad_rows as jsonb), :read_at)"""
)
_ADD_LINES = sa.text(
    """insert into bank_line (id, statement_id, bank_account, identity, number, booked_on, amount,
      currency, text, reference, counterparty, bank_reference, state)
    select n.id, :statement, :account, n.identity, n.number, n.booked_on, n.amount, n.currency,
      n.text, n.reference, n.counterparty, n.bank_reference, 'open'
    from json_to_recordset(cast(:lines as json)) as n(id text, identity text, number bigint,
      booked_on date, amount bigint, currency text, text text, reference text, counterparty text,
      bank_reference text)
    order by n.identity on conflict (bank_account, identity) do nothing returning id"""
)
_COUNT = sa.text("update bank_statement set new_count = :new where id = :id")
_BY_DIGEST = sa.text(
    "select id from bank_statement where bank_account = :account and digest = :digest"
)
# `giro` is `Giro`: the first spelling stays.
_ACCOUNT = sa.text(
    """select bank_account from bank_statement where lower(bank_account) = lower(:account)
    order by read_at, id limit 1"""
)
_COLUMNS = """id, number, booked_on, amount, currency, text, reference, counterparty,
  bank_reference, state, target_kind, target_id, untied_from, fee, fee_turns, rev"""
_OF_STATEMENT = sa.text(
    f"""select {_COLUMNS}, identity from bank_line where statement_id = :id
    order by number, id"""
)
_ACCOUNT_OF = sa.text("select bank_account from bank_statement where id = :id")
_LOCK = sa.text(f"select {_COLUMNS} from bank_line where id = :id for no key update")
_OPEN = sa.text(
    f"""select {_COLUMNS} from bank_line
    where state = 'open' and (booked_on, id) > (cast(:day as date), :after)
    order by booked_on, id limit :limit"""
)
_TAKE_TURN = sa.text("select pg_advisory_xact_lock(hashtext('bank lines'))")
_TRY_TURN = sa.text("select pg_try_advisory_xact_lock(hashtext('bank lines'))")
_HAS_OPEN = sa.text("select exists (select 1 from bank_line where state = 'open')")
# Payouts that the rail calls paid, and that no line shows of an account on which payouts of that
# rail were seen before. Lines around the day on which one was expected show that the days between
# were read in; a file that begins before it and ends long enough after it shows that by itself.
COVERED = {"before": 10, "late": LATE.days, "until": 12}
UNSHOWN = """with home as (select distinct t.bank_account, t.currency, p.rail, p.account
      from bank_line t join payout p on p.id = t.target_id and t.target_kind = 'payout'),
    unshown as (select p.id, p.rail, p.account, p.rail_payout_id, p.amount, p.currency,
        coalesce(p.arrival_at, p.occurred_at)::date as arrived_on
      from payout p
      where p.status = 'paid' and p.amount <> 0
        and not exists (select 1 from bank_line t where t.target_kind = 'payout'
          and t.target_id = p.id)
        and not exists (select 1 from bank_line_part t where t.target_kind = 'payout'
          and t.target_id = p.id))
    select u.*, h.bank_account from unshown u
    join home h on (h.rail, h.account, h.currency) = (u.rail, u.account, u.currency)
    where exists (select 1 from bank_line b join bank_line a on a.bank_account = b.bank_account
      where b.bank_account = h.bank_account and b.booked_on <= u.arrived_on
        and a.booked_on >= u.arrived_on + cast(:late as integer)
        and (a.statement_id = b.statement_id
          or b.booked_on >= u.arrived_on - cast(:before as integer)
            and a.booked_on <= u.arrived_on + cast(:until as integer)))"""
_TIE = sa.text(
    """update bank_line set state = 'tied', target_kind = :kind, target_id = :target,
      tied_by = :by, reasons = :reasons, settled_at = :now, rev = rev + 1 where id = :id"""
)
_TIE_MANY = sa.text(
    """update bank_line l set state = 'tied', target_kind = n.kind, target_id = n.target,
      tied_by = null, settled_at = :now, rev = l.rev + 1,
      reasons = array(select jsonb_array_elements_text(cast(n.reasons as jsonb)))
    from unnest(cast(:ids as text[]), cast(:kinds as text[]), cast(:targets as text[]),
      cast(:reasons as text[])) as n(id, kind, target, reasons)
    where l.id = n.id and l.state = 'open' returning l.id"""
)
_ADD_PARTS = sa.text(
    """insert into bank_line_part (target_kind, target_id, line_id, amount)
    select n.kind, n.target, n.line, n.amount
    from unnest(cast(:kinds as text[]), cast(:targets as text[]), cast(:lines as text[]),
      cast(:amounts as bigint[])) as n(kind, target, line, amount)"""
)
_DROP_PARTS = sa.text("delete from bank_line_part where line_id = :id")
_REOPEN = sa.text(
    """update bank_line set state = 'open', target_kind = null, target_id = null, tied_by = null,
      reasons = '{}', why = null, settled_at = null, rev = rev + 1,
      untied_from = case when cast(:untied as text) is null then untied_from
        else array_append(untied_from, cast(:untied as text)) end
    where id = :id"""
)
_KEEP_FEE = sa.text(
    """update bank_line set fee = :fee, fee_why = cast(:why as text),
      fee_turns = fee_turns + case when :fee > 0 then 1 else 0 end where id = :id"""
)
_SET_ASIDE = sa.text(
    """update bank_line set state = 'set_aside', why = :why, settled_at = :now, rev = rev + 1
    where id = :id"""
)


@dataclass(frozen=True, slots=True)
class LineRow:
    """A locked line, and where it stands."""

    id: str
    line: BankLine
    state: LineState
    target_kind: str | None
    target_id: str | None
    untied_from: Sequence[str]
    fee: int
    fee_turns: int
    rev: int


def account_like(session: Session, typed: str) -> str | None:
    """How this bank account was spelled first."""
    return session.execute(_ACCOUNT, {"account": typed}).scalar()


def by_digest(session: Session, account: str, digest: str) -> str | None:
    """The statement that this file was read as."""
    return session.execute(_BY_DIGEST, {"account": account, "digest": digest}).scalar()


def add_statement(session: Session, values: Mapping[str, object]) -> None:
    """A file that was read. Two readers of one file cannot both add it."""
    session.execute(_ADD_STATEMENT, {**values, "bad_rows": json.dumps(values["bad_rows"])})


def add_lines(
    session: Session, statement_id: str, account: str, lines: Iterable[Mapping[str, object]]
) -> int:
    """Keep the lines that are not there yet; gives how many."""
    rows = json.dumps(list(lines), default=str)
    given = {"statement": statement_id, "account": account, "lines": rows}
    new = len(session.execute(_ADD_LINES, given).all())
    session.execute(_COUNT, {"id": statement_id, "new": new})
    return new


def lines_of(session: Session, statement_id: str) -> tuple[str, list[tuple[LineRow, str]]]:
    """A statement's account, and the lines that it brought, each with what makes it itself."""
    account = session.execute(_ACCOUNT_OF, {"id": statement_id}).scalar_one()
    rows = session.execute(_OF_STATEMENT, {"id": statement_id})
    return account, [(_row(row), row.identity) for row in rows]


def lock(session: Session, line_id: str) -> LineRow | None:
    """Hold a line until the transaction ends."""
    row = session.execute(_LOCK, {"id": line_id}).first()
    return None if row is None else _row(row)


def take_turn(session: Session) -> None:
    """What adds or ties lines is done one transaction after the other: wait for it."""
    session.execute(_TAKE_TURN)


def is_our_turn(session: Session) -> bool:
    """The same without waiting: whether nobody else is at it."""
    return bool(session.scalar(_TRY_TURN))


def has_open(session: Session) -> bool:
    """Whether there is a line that nobody knows yet."""
    return bool(session.scalar(_HAS_OPEN))


def open_lines(session: Session, after: tuple[str, str] | None, limit: int) -> list[LineRow]:
    """Some open lines, those after (day, id), in that order. None is locked."""
    day, line_id = after or ("0001-01-01", "")
    given = {"day": day, "after": line_id, "limit": limit}
    return [_row(row) for row in session.execute(_OPEN, given)]


def tie(
    session: Session,
    line_id: str,
    to: Target,
    *,
    by: str | None,
    reasons: Sequence[str],
    now: datetime,
) -> None:
    """This line is the bank's side of that."""
    given = {"id": line_id, "kind": to.kind.value, "target": to.id, "by": by, "now": now}
    session.execute(_TIE, {**given, "reasons": list(reasons)})


def tie_many(
    session: Session, ties: Sequence[tuple[str, Target, Sequence[str]]], now: datetime
) -> list[str]:
    """Lines that tie themselves: (line, target, reasons). Gives those that were still open."""
    given = {
        "ids": [line_id for line_id, *_ in ties],
        "kinds": [target.kind.value for _, target, _ in ties],
        "targets": [target.id for _, target, _ in ties],
        "reasons": [json.dumps(list(reasons)) for *_, reasons in ties],
        "now": now,
    }
    return list(session.scalars(_TIE_MANY, given)) if ties else []


def add_parts(session: Session, parts: Sequence[tuple[str, Target]]) -> None:
    """What else these lines are the bank's side of, besides their first target."""
    given = {
        "kinds": [target.kind.value for _, target in parts],
        "targets": [target.id for _, target in parts],
        "lines": [line_id for line_id, _ in parts],
        "amounts": [target.amount for _, target in parts],
    }
    if parts:
        session.execute(_ADD_PARTS, given)


def keep_fee(session: Session, line_id: str, fee: int, why: str | None) -> None:
    """What the bank took off what this line is tied to, and who says so why; 0 for nothing."""
    session.execute(_KEEP_FEE, {"id": line_id, "fee": fee, "why": why})


def reopen(session: Session, line_id: str, *, untied_from: str | None) -> None:
    """Nobody knows what this line is."""
    session.execute(_DROP_PARTS, {"id": line_id})
    session.execute(_REOPEN, {"id": line_id, "untied": untied_from})


def set_aside(session: Session, line_id: str, why: str, now: datetime) -> None:
    """A person says that this line is no business of the books."""
    session.execute(_SET_ASIDE, {"id": line_id, "why": why, "now": now})


def _row(row: sa.Row[tuple[object, ...]]) -> LineRow:
    line = BankLine(
        number=row.number,
        booked_on=row.booked_on,
        amount=row.amount,
        currency=row.currency,
        text=row.text,
        reference=row.reference,
        counterparty=row.counterparty,
        bank_reference=row.bank_reference,
    )
    state = LineState(row.state)
    return LineRow(
        row.id, line, state, row.target_kind, row.target_id, row.untied_from, row.fee,
        row.fee_turns, row.rev,
    )  # fmt: skip
