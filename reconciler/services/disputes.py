"""Disputes: followed as the rail tells them, asked about, and decided when they are lost.

What a dispute takes is booked from the payment's facts (books/posting_rules.py). What becomes of
the invoices that the lost money had paid is a person's decision, which settling reads like a fact:
so it comes out the same whether the loss, the decision or a late win came first.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import disputes as rules, posting_rules, texts
from reconciler.books.disputes import Case, Decision, Stage
from reconciler.books.observations import PaymentFacts
from reconciler.books.reviews import ReviewKind
from reconciler.errors import Conflict, NotFound, Refused
from reconciler.services import audit, news, reviews, rivals, settlement
from reconciler.services.reviews import Question
from reconciler.store import claims, dispute_rows
from reconciler.store.claims import PaymentRow
from reconciler.store.dispute_rows import DisputeRow
from reconciler.timestamps import from_epoch
from reconciler.work import Work

NOTE_CHARS_MAX = 2_000

_ONE = sa.text("select payment_id, rail_dispute_id, rev from dispute where id = :id")
_DECIDE = sa.text(
    """insert into dispute_decision
      (payment_id, rail_dispute_id, decision, cause_kind, cause_id, at)
    values (:payment_id, :dispute_id, :decision, :cause_kind, :cause_id, :now)"""
)
_OPEN = sa.text(
    """select 1 from dispute where payment_id = :payment_id and kind = 'chargeback'
      and stage in ('needs_response', 'under_review', 'unknown')"""
)
_LAST = sa.text(
    """select at, decision from dispute_decision
    where payment_id = :payment_id and rail_dispute_id = :dispute_id order by seq desc limit 1"""
)
_COUNT = sa.text(
    """select count(*) from dispute_decision
    where payment_id = :payment_id and rail_dispute_id = :dispute_id"""
)
_ANSWERED_BEFORE = sa.text(
    """select count(*) from dispute d join dispute_step s on s.dispute_id = d.id
    where d.payment_id = :payment_id and d.rail_dispute_id = :dispute_id
      and s.stage = 'under_review'"""
)


def follow(work: Work, rows: Iterable[PaymentRow]) -> None:
    """Bring the disputes of these locked payments to what their facts say, and ask or stop asking.

    The payments are written already.
    """
    with_cases = [row for row in rows if rules.taken(row.facts)]
    if not with_cases:
        return
    ids = [row.id for row in with_cases]
    decisions = dispute_rows.decisions(work.session, ids)
    known = dispute_rows.of_payments(work.session, ids)
    changes: list[tuple[DisputeRow | None, DisputeRow]] = []
    asked: list[Question] = []
    answered: list[str] = []
    for row in with_cases:
        for case in cases_of(row.facts):
            decision = decisions.get((row.id, case.dispute_id), Decision.UNDECIDED)
            before = known.get((row.id, case.dispute_id))
            after = stored(row.id, row.facts, case, decision)
            if before is None or replace(before, id=None) != after:
                changes.append((before, after))
            if case.needs_a_person(decision):
                asked.append(_question(work, row, case, decision))
            else:
                answered.append(case.dispute_id)
    cause = (work.cause.kind, work.cause.id)
    dispute_rows.put(work.session, changes, cause=cause, now=work.now)
    news.of_disputes(work, changes)
    reviews.close_items(work, [ReviewKind.DISPUTE], answered, resolution="it is settled")
    reviews.open_items(work, asked)


def cases_of(facts: PaymentFacts) -> list[Case]:
    """The disputes and returns of a payment."""
    return rules.cases(facts, posting_rules.position(facts).losses)


def stored(payment_id: str, facts: PaymentFacts, case: Case, decision: Decision) -> DisputeRow:
    """The row that a case of a payment and its decision make."""
    return DisputeRow(
        payment_id=payment_id,
        rail_dispute_id=case.dispute_id,
        kind=case.kind.value,
        stage=case.stage.value,
        status=case.status,
        reason=case.reason,
        amount=case.amount,
        taken=case.taken,
        lost=case.lost,
        currency=facts.currency,
        evidence_due_at=from_epoch(case.due) if case.due else None,
        decision=decision.value,
        is_unsettled=case.is_unsettled(decision),
        opened_at=from_epoch(case.opened),
    )


def decide(
    work: Work, dispute_id: str, decision: Decision, *, note: str = "", rev: int | None = None
) -> None:
    """Say what becomes of a loss, or take back what was said; the books follow by new entries.

    `dispute_id` is ours. Raises NotFound, Invalid, Conflict for an old rev, and Refused where
    nothing is lost or it is decided so already.
    """
    found = work.session.execute(_ONE, {"id": dispute_id}).first()
    if found is None:
        raise NotFound(f"there is no dispute {dispute_id}")
    row = claims.lock_payments(work.session, [found.payment_id])[found.payment_id]
    if rev is not None and rev != work.session.execute(_ONE, {"id": dispute_id}).one().rev:
        raise Conflict("the dispute was changed by somebody else meanwhile", field="rev")
    decide_for(work, row, found.rail_dispute_id, decision, note=note)


def decide_for(
    work: Work, row: PaymentRow, rail_dispute_id: str, decision: Decision, *, note: str = ""
) -> None:
    """The same for a locked payment, by the rail's id of the dispute."""
    case = _case(row, rail_dispute_id)
    standing = _decided(work, row, rail_dispute_id)
    _may_be_decided(case, standing, decision)
    why = texts.words(note, field="note", chars_max=NOTE_CHARS_MAX)
    work.session.execute(
        _DECIDE,
        {
            "payment_id": row.id,
            "dispute_id": rail_dispute_id,
            "decision": decision.value,
            "cause_kind": work.cause.kind,
            "cause_id": work.cause.id,
            "now": work.now,
        },
    )
    audit.note(
        work,
        "dispute.decided",
        rail_dispute_id,
        before={"decision": standing.value},
        after={"decision": decision.value, "payment_id": row.id, "lost": case.lost},
        why=why or None,
    )
    settlement.finish(work, settlement.stage(work, {row.id: row}))
    rivals.ask_about(work, [row.id])
    if decision is not Decision.UNDECIDED:
        said = f"{decision.value}: {why}" if why else decision.value
        reviews.close_items(work, [ReviewKind.DISPUTE], [rail_dispute_id], resolution=said)
    follow(work, [row])


def take_back(
    work: Work, row: PaymentRow, rail_dispute_id: str, *, answered_at: datetime | None
) -> None:
    """Undo what was decided about a loss of a locked payment by an answer given then.

    Raises NotFound, and Conflict where that does not stand: a newer decision is left alone.
    """
    given = {"payment_id": row.id, "dispute_id": rail_dispute_id}
    last = work.session.execute(_LAST, given).first()
    if last is None or last.at != answered_at or last.decision == Decision.UNDECIDED:
        raise Conflict("nothing is decided about this loss, or that was taken back already")
    decide_for(work, row, rail_dispute_id, Decision.UNDECIDED)


def is_open(session: Session, payment_id: str) -> bool:
    """Whether a bank has yet to decide about money of this payment. Inquiries take none."""
    return session.execute(_OPEN, {"payment_id": payment_id}).first() is not None


def is_undecided(work: Work, row: PaymentRow, rail_dispute_id: str) -> bool:
    """Whether there is a loss of this dispute that somebody has yet to decide about."""
    is_lost = any(c.dispute_id == rail_dispute_id and c.is_lost for c in cases_of(row.facts))
    return is_lost and _decided(work, row, rail_dispute_id) is Decision.UNDECIDED


def waits_for_us(row: PaymentRow, rail_dispute_id: str) -> bool:
    """Whether the bank waits for an answer to this dispute, as far as is known here."""
    found = (case.stage for case in cases_of(row.facts) if case.dispute_id == rail_dispute_id)
    return Stage.NEEDS_RESPONSE in found


def _decided(work: Work, row: PaymentRow, rail_dispute_id: str) -> Decision:
    standing = dispute_rows.decisions(work.session, [row.id])
    return standing.get((row.id, rail_dispute_id), Decision.UNDECIDED)


def _case(row: PaymentRow, rail_dispute_id: str) -> Case:
    for case in cases_of(row.facts):
        if case.dispute_id == rail_dispute_id:
            return case
    raise NotFound(f"payment {row.id} has no dispute {rail_dispute_id}")


def _may_be_decided(case: Case, before: Decision, after: Decision) -> None:
    if after is before:
        raise Refused(f"the dispute stands at {after.value} already", field="decision")
    if after is not Decision.UNDECIDED and not case.is_lost:
        raise Refused(
            f"the dispute is {case.stage.value}: only what was lost is decided about",
            field="decision",
        )


def _question(work: Work, row: PaymentRow, case: Case, decision: Decision) -> Question:
    given = {"payment_id": row.id, "dispute_id": case.dispute_id}
    details = {
        "kind": case.kind.value,
        "stage": case.stage.value,
        "status": case.status,
        "is_known_status": case.is_known_word,
        "reason": case.reason,
        "evidence_due": case.due,
        "is_lost": case.is_lost,
        "decision": decision.value,
    }
    if case.stage is Stage.NEEDS_RESPONSE and (
        count := work.session.execute(_ANSWERED_BEFORE, given).scalar_one()
    ):
        details["answered_before"] = count  # so that it is asked when an answer is due once more
    if case.is_lost and (count := work.session.execute(_COUNT, given).scalar_one()):
        details["decided_before"] = count  # so that it is asked again after it was taken back
    return Question(
        kind=ReviewKind.DISPUTE,
        subject=case.dispute_id,
        payment_id=row.id,
        amount=case.lost or case.taken or case.amount,
        currency=row.facts.currency,
        details=details,
    )
