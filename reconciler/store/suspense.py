"""What stands in suspense, by the key of its entries without their last word."""

from dataclasses import replace

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.accounts import Account, Role
from reconciler.books.suspense import MOVED, MovedPart, Standing
from reconciler.store.ledger import TOUCHES_SUSPENSE
from reconciler.store.ledger_totals import ITS_POSTINGS

# An entry by which a person moved something out of suspense, or put it back: no rail told it.
IS_MOVE = f"(e.key ~ '/{MOVED}[0-9]+$')"
_SUBJECT = "regexp_replace(e.key, '/[^/]*$', '')"
_IS_OURS = f"a.role = 'suspense' and {TOUCHES_SUSPENSE.format('e.')}"
# Its entries first, by their index, and the postings of each: they are few, which PostgreSQL does
# not know, and the postings of the rest are all the others.
_STANDING = f"""with ours as materialized (select * from journal_entry e
      where {TOUCHES_SUSPENSE.format("e.")})
    select {_SUBJECT} as subject, a.currency, sum(p.amount)::bigint as amount,
      count(distinct e.key) filter (where {IS_MOVE}) as turns, max(e.payment_id) as payment_id,
      coalesce(-sum(p.amount) filter (where {IS_MOVE}), 0)::bigint as moved,
      min(e.effective_on) as since, max(e.at) as changed_at
    from ours e cross join {ITS_POSTINGS} join ledger_account a on a.id = p.account_id
    where a.role = 'suspense'"""
_ONE = sa.text(
    f"""{_STANDING} and {_SUBJECT} = :subject group by 1, 2 order by abs(sum(p.amount)) desc"""
)
_OF_MOVEMENT = sa.text(
    f"""select distinct {_SUBJECT} as subject from journal_entry e cross join {ITS_POSTINGS}
      join ledger_account a on a.id = p.account_id
    where {_IS_OURS} and right({_SUBJECT}, length(:movement) + 1) = '/' || :movement
    order by 1 limit 1"""
)
_TURNS = sa.text(
    """select e.key, e.reverses, a.role, a.rail, a.category, p.amount
    from journal_entry e join posting p on p.entry_id = e.id
      join ledger_account a on a.id = p.account_id
    where e.key = any(:keys) and a.role <> 'suspense'"""
)
_ONE_AT_A_TIME = sa.text("select pg_advisory_xact_lock(hashtext('suspense/' || :subject))")
_ALL = sa.text(
    f"""{_STANDING} group by 1, 2 having sum(p.amount) <> 0
      or coalesce(-sum(p.amount) filter (where {IS_MOVE}), 0) <> 0
    order by (sum(p.amount) = 0), max(e.at) desc, 1 limit :limit"""
)
_SUMS = sa.text(
    f"""select s.currency, count(*) as number, sum(s.amount)::bigint as amount
    from ({_STANDING} group by 1, 2 having sum(p.amount) <> 0) s group by 1 order by 1"""
)


def hold(session: Session, subject: str) -> Standing | None:
    """What stands under a subject, held until the transaction ends; None where nothing ever did."""
    session.execute(_ONE_AT_A_TIME, {"subject": subject})
    return one(session, subject)


def one(session: Session, subject: str) -> Standing | None:
    """What stands under a subject; None where nothing ever did."""
    row = session.execute(_ONE, {"subject": subject}).first()
    return None if row is None else _standing(session, row)


def every(session: Session, limit: int) -> list[Standing]:
    """All that stands in suspense or was moved out of it: first what stands, the last first."""
    return [_standing(session, row) for row in session.execute(_ALL, {"limit": limit})]


def sums(session: Session) -> list[tuple[str, int, int]]:
    """How many stand there in each currency, and what they come to."""
    return [(row.currency, row.number, row.amount) for row in session.execute(_SUMS)]


def of_movement(session: Session, movement: str) -> str | None:
    """The subject of what the rail calls so; None where nothing of it is in suspense."""
    found: str | None = session.scalar(_OF_MOVEMENT, {"movement": movement})
    return found


def _standing(session: Session, row: sa.Row[tuple[object, ...]]) -> Standing:
    found = Standing(
        subject=row.subject,
        currency=row.currency,
        amount=row.amount,
        turns=row.turns,
        payment_id=row.payment_id,
    )
    return replace(found, parts=_parts(session, found)) if row.moved else found


def _parts(session: Session, of: Standing) -> tuple[MovedPart, ...]:
    """The moves that no later turn took back."""
    keys = {of.key(turn): turn for turn in range(1, of.turns + 1)}
    rows = session.execute(_TURNS, {"keys": list(keys)}).all()
    back = {row.reverses for row in rows}
    found = [
        MovedPart(keys[row.key], Account(Role(row.role), row.rail, row.category), row.amount)
        for row in rows
        if row.reverses is None and row.key not in back
    ]
    return tuple(sorted(found, key=lambda part: part.turn))
