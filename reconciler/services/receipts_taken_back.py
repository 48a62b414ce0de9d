"""Money noted by hand that never came, or was noted twice: the receipt is taken back.

What it did is reversed: the entry of the receipt, and what of it invoices and deposits took up. The
payment stays, with nothing in it. What the money was used for since is taken back first.
"""

import msgspec
import sqlalchemy as sa

from reconciler.books import posting_rules, texts
from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.matching import Strategy
from reconciler.books.receipts import KEPT_FROM
from reconciler.errors import Conflict, NotFound, Refused
from reconciler.services import (
    allocations,
    audit,
    ledger,
    payment_writing,
    settlement,
    short_payments,
)
from reconciler.services.settlement import Scene
from reconciler.store import claims, statement_rows
from reconciler.store.claims import PaymentRow
from reconciler.timestamps import to_epoch
from reconciler.work import Work

REASON_CHARS_MAX = 500
GONE = "it is taken back already"

_REFUND = sa.text(
    """select refund_id from refund_leg where payment_id = :id and replaced_by is null
      and status not in ('failed', 'canceled', 'rejected') limit 1"""
)
_AT_THE_BANK = sa.text(
    """select 1 from bank_line l where l.state = 'tied' and (
        (l.target_kind, l.target_id) = ('receipt', :id)
        or l.id in (select t.line_id from bank_line_part t
          where (t.target_kind, t.target_id) = ('receipt', :id))) limit 1"""
)
_NOT_TOLD = sa.text(
    """update message set state = 'dropped', why = 'the money had not come', rev = rev + 1
    where once = 'receipt/' || cast(:id as text) and state = 'waiting'"""
)


def take_back(work: Work, payment_id: str, *, reason: str | None = None) -> None:
    """Reverse what was noted as received by hand.

    Raises NotFound, Invalid, Refused for money that came by a rail or that a refund left here, and
    Conflict where it is taken back already or the money was used since.
    """
    why = texts.line(reason, field="reason", chars_max=REASON_CHARS_MAX) if reason else None
    row = claims.lock_payments(work.session, [payment_id]).get(payment_id)
    if row is None:
        raise NotFound(f"there is no payment {payment_id}")
    amount = posting_rules.position(row.facts).captured
    _may_be_taken_back(work, row, amount)
    scene = settlement.stage(work, {row.id: row})
    _not_used_since(scene, row)
    at = to_epoch(work.now)
    row.facts = msgspec.structs.replace(
        row.facts,
        charges={
            name: msgspec.structs.replace(one, taken_back_at=at)
            for name, one in row.facts.charges.items()
        },
    )
    entries, row.booked = posting_rules.entries_due(row.facts, row.booked, ours=row.id)
    for claim in scene.claims_by(row.id):
        claim.wanted, claim.is_changed = 0, True
    row.reasons = ["It was taken back: the money had not come"]
    row.is_held, row.clues = False, []
    payment_writing.save(work, [row])
    ledger.post(work, entries)
    settlement.finish(work, scene)
    payment_writing.ask_about_unapplied(work, scene, row)
    short_payments.take_back_with(work, row.id)
    work.session.execute(_NOT_TOLD, {"id": row.id})
    said = {"amount": amount, "currency": row.facts.currency}
    audit.note(work, "payment.receipt_taken_back", row.id, before=said, why=why)


def _may_be_taken_back(work: Work, row: PaymentRow, amount: int) -> None:
    if row.facts.rail != MANUAL_RAIL:
        raise Refused(f"payment {row.id} came by {row.facts.rail}: what came is refunded")
    if not amount:
        raise Conflict(GONE)
    if row.facts.texts.get("reference", (0, ""))[1].startswith(KEPT_FROM):
        raise Refused("a refund left this money here: apply it, or ask for its refund")
    statement_rows.take_turn(work.session)  # nobody ties a line to it while we look
    if work.session.execute(_AT_THE_BANK, {"id": row.id}).first():
        raise Conflict("a line of the bank says that it came: untie that first")
    refund = work.session.scalar(_REFUND, {"id": row.id})
    if refund is not None or posting_rules.position(row.facts).refunded:
        named = f" ({refund})" if refund else ""
        raise Conflict(f"of it a refund was made or asked for{named}: that stands on it")


def _not_used_since(scene: Scene, row: PaymentRow) -> None:
    for claim in scene.claims_by(row.id):
        if not claim.amount:
            continue
        if claim.deposit_id:
            allocations.still_unused(scene, claim)
        if claim.strategy == Strategy.PERSON:
            number = (
                scene.deposits[claim.deposit_id].code
                if claim.deposit_id
                else scene.invoices[claim.target].number
            )
            raise Conflict(f"its money was put on {number} since: unmatch it there first")
