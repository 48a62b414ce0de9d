"""Statements about corrections that a bank sent, and about the lines that they are of."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.bank_corrections import Known
from reconciler.books.bank_lines import BankLine
from reconciler.store.statements import BankCorrection

# What a file may correct: lines of its days, and those that the bank calls by the same name.
_KNOWN = sa.text(
    """select id, statement_id, identity, number, booked_on, amount, currency, text, reference,
      counterparty, bank_reference
    from bank_line where bank_account = :account and state <> 'withdrawn'
      and (booked_on between :first and :last
        or (bank_reference <> '' and bank_reference = any(:names)))
    order by booked_on, id limit :most"""
)
_ADD = sa.text(
    """insert into bank_correction (id, statement_id, line_id, kind, state, number, identity,
      currency, booked_on, amount, text, reference, counterparty, bank_reference, found_at)
    values (:id, :statement_id, :line_id, :kind, 'open', :number, :identity, :currency, :booked_on,
      :amount, :text, :reference, :counterparty, :bank_reference, :found_at)
    on conflict (line_id) where state = 'open' do nothing returning id"""
)
_WAITING = sa.text("select id from bank_correction where line_id = :line and state = 'open'")
# A correction that was declined before is not asked about again.
_DECLINED = sa.text(
    """select line_id, identity from bank_correction
    where state = 'declined' and line_id = any(:lines)"""
)
_WITHDRAW = sa.text(
    """update bank_line set state = 'withdrawn', why = null, settled_at = :now, rev = rev + 1
    where id = :id"""
)
_NEW = sa.text(
    """insert into bank_line (id, statement_id, bank_account, identity, number, booked_on, amount,
      currency, text, reference, counterparty, bank_reference, state)
    select :id, c.statement_id, l.bank_account, c.identity, c.number, c.booked_on, c.amount,
      c.currency, c.text, c.reference, c.counterparty, c.bank_reference, 'open'
    from bank_correction c join bank_line l on l.id = c.line_id where c.id = :correction
    on conflict (bank_account, identity) do nothing returning id"""
)
_MORE = sa.text("update bank_statement set new_count = new_count + 1 where id = :id")


def known(
    session: Session,
    account: str,
    days: tuple[date, date],
    names: Sequence[str],
    most: int,
) -> list[Known]:
    """Lines of an account that a file of these days could correct, at most so many."""
    given = {
        "account": account, "first": days[0], "last": days[1], "names": list(names), "most": most,
    }  # fmt: skip
    return [
        Known(
            row.id,
            row.statement_id,
            row.identity,
            BankLine(
                number=row.number,
                booked_on=row.booked_on,
                amount=row.amount,
                currency=row.currency,
                text=row.text,
                reference=row.reference,
                counterparty=row.counterparty,
                bank_reference=row.bank_reference,
            ),
        )
        for row in session.execute(_KNOWN, given)
    ]


def declined(session: Session, line_ids: Sequence[str]) -> set[tuple[str, str | None]]:
    """Of these lines, what somebody has said no to: the line, and what it would have become."""
    rows = session.execute(_DECLINED, {"lines": list(line_ids)})
    return {(row.line_id, row.identity) for row in rows}


def add(session: Session, rows: Iterable[Mapping[str, object]]) -> int:
    """Note corrections; one of a line that waits already is left alone. Gives how many are new."""
    return sum(session.execute(_ADD, dict(row)).first() is not None for row in rows)


def waiting(session: Session, line_id: str) -> str | None:
    """The correction of a line that waits for a person."""
    return session.execute(_WAITING, {"line": line_id}).scalar()


def lock(session: Session, correction_id: str) -> BankCorrection | None:
    """Hold a correction until the transaction ends."""
    return session.get(BankCorrection, correction_id, with_for_update=True, populate_existing=True)


def withdraw(session: Session, line_id: str, now: datetime) -> None:
    """The bank shows this line no more."""
    session.execute(_WITHDRAW, {"id": line_id, "now": now})


def add_line(session: Session, correction: BankCorrection, line_id: str) -> str | None:
    """Keep the line that a correction brought; None if it is there already."""
    given = {"id": line_id, "correction": correction.id}
    made = session.execute(_NEW, given).scalar()
    if made is not None:
        session.execute(_MORE, {"id": correction.statement_id})
    return made
