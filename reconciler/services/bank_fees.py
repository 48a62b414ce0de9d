"""A bank's fee is booked when a person ties a line with it, and taken back when it is untied."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from reconciler.books import bank_fees, texts
from reconciler.books.bank_fees import Fee
from reconciler.books.bank_lines import Target, TargetKind
from reconciler.errors import Refused
from reconciler.services import audit, ledger
from reconciler.store import statement_rows as store
from reconciler.store.statement_rows import LineRow
from reconciler.work import Work

WHY_CHARS_MAX = 300


@dataclass(frozen=True, slots=True)
class Granted:
    """A person's word that the difference is the bank's fee. `bounds`: by currency, minor units."""

    why: str
    bounds: Mapping[str, int] = field(default_factory=dict)


# As the sighting of it says, so that the fee is missing where the refund was taken from.
_IS_FROM_BANK = sa.text(
    """select coalesce((y.facts -> 'refunds' -> ('hand_' || substr(p.id, 5))
        ->> 'is_from_bank')::boolean, false)
    from refund_leg p join payment y on y.id = p.payment_id where p.id = :id"""
)


def book(work: Work, row: LineRow, target: Target, granted: Granted) -> None:
    """Post what the bank took, and keep it with the line.

    Raises Invalid without a reason, Refused where the difference is no fee or is above its bound.
    """
    why = texts.line(granted.why, field="fee_why", chars_max=WHY_CHARS_MAX)
    amount = bank_fees.difference(row.line, target)
    if not amount:
        raise Refused("the bank shows more than that, which is no fee", field="target")
    most = bank_fees.bound(target, granted.bounds)
    if amount > most:
        raise Refused(
            f"{amount} is more than a fee may be: BANK_FEE_MAX allows {most} minor units of"
            f" {target.currency} here",
            field="target",
        )
    fee = Fee(
        line_id=row.id,
        turn=row.fee_turns + 1,
        kind=target.kind,
        target_id=target.id,
        amount=amount,
        currency=target.currency,
        is_from_bank=_is_from_bank(work, target.id),
    )
    store.keep_fee(work.session, row.id, amount, why)
    ledger.post(work, [bank_fees.entry(fee)])
    audit.note(work, "bank_fee.booked", fee.line_id, after=_said(fee), why=why)


def take_back(work: Work, row: LineRow) -> None:
    """Take the fee back of a line that is being untied, by a reversing entry."""
    if not row.fee:
        return
    assert row.target_kind is not None, "a fee is of something"
    assert row.target_id is not None, "a fee is of something"
    fee = Fee(
        line_id=row.id,
        turn=row.fee_turns,
        kind=TargetKind(row.target_kind),
        target_id=row.target_id,
        amount=row.fee,
        currency=row.line.currency,
        is_from_bank=_is_from_bank(work, row.target_id),
    )
    store.keep_fee(work.session, row.id, 0, None)
    ledger.post(work, [bank_fees.reversal(fee)])
    audit.note(work, "bank_fee.taken_back", fee.line_id, before=_said(fee))


def _said(fee: Fee) -> dict[str, object]:
    return {
        "kind": fee.kind.value,
        "target": fee.target_id,
        "amount": fee.amount,
        "currency": fee.currency,
        "turn": fee.turn,
    }


def _is_from_bank(work: Work, target_id: str) -> bool:
    return bool(work.session.scalar(_IS_FROM_BANK, {"id": target_id}))
