"""What happened to a payment or a document, in order: evidence, decisions, bookings."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.reads import ledger
from reconciler.reads.ledger import EntryRow, PostingLine
from reconciler.work import Cause

# Within one instant: first what was heard, then what was decided, then what was booked.
_RANK = {"event": 0, "decision": 1, "refund": 2, "question": 3, "entry": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One line of a history. `ref` is the id or key of what the line is about.

    `kind` is event, decision, refund, question or entry.
    """

    at: datetime
    kind: str
    text: str
    ref: str
    amount: int | None = None
    currency: str | None = None
    cause: Cause | None = None


Histories = dict[str, list[Happening]]

_EVENTS = sa.text(
    """select o.payment_id as owner, e.received_at, e.rail_event_id, e.type, o.status
    from inbox_outcome o join inbox_event e on e.seq = o.seq where o.payment_id = any(:ids)"""
)
_CLAIMS = """select {owner} as owner, {other} as other, c.id, c.created_at, c.closed_at, c.amount,
    c.cause_kind, c.cause_id, {strategy} as strategy from {table} c where {owner} = any(:ids)"""
_DECISIONS = {
    "payment_id": (("allocation", "coalesce(c.invoice_id, c.deposit_id)", "c.strategy"),),
    "invoice_id": (
        ("allocation", "c.payment_id", "c.strategy"),
        ("application", "c.deposit_id", "'applied'"),
    ),
    "deposit_id": (
        ("allocation", "c.payment_id", "c.strategy"),
        ("application", "c.invoice_id", "'applied'"),
    ),
    "bill_id": (),  # what is decided of these two is booked at once
    "prepayment_id": (),
}
_STEPS = sa.text(
    """select distinct on (s.seq) l.payment_id as owner, s.at, s.refund_id, s.before, s.after,
      s.why, s.cause_kind, s.cause_id, l.amount
    from refund_leg l join refund_step s on s.refund_id = l.refund_id
      and (s.leg_id is null or s.leg_id = l.id)
    where l.payment_id = any(:ids) order by s.seq"""
)
_QUESTIONS = sa.text(
    """select payment_id as owner, id, kind, amount, currency, opened_at, resolved_at, resolved_by,
      resolution from review_item where payment_id = any(:ids)"""
)


def of_payments(session: Session, ids: Collection[str]) -> Histories:
    """The history of each of these payments."""
    found: list[tuple[str, Happening]] = [
        *_events(session, ids),
        *_decisions(session, "payment_id", ids),
        *_refunds(session, ids),
        *_questions(session, ids),
        *_entries(session, "payment_id", ids),
    ]
    return by_owner(found)


def of_documents(session: Session, owner: str, ids: Collection[str]) -> Histories:
    """The history of each of these invoices (`invoice_id`), deposits (`deposit_id`) and so on."""
    return by_owner([*_decisions(session, owner, ids), *_entries(session, owner, ids)])


def by_owner(found: Iterable[tuple[str, Happening]]) -> Histories:
    """Histories in order, by what they are about."""
    histories: Histories = {}
    for owner, happening in found:
        histories.setdefault(owner, []).append(happening)
    for history in histories.values():
        history.sort(key=lambda h: (h.at, _RANK[h.kind], h.ref))
    return histories


def _events(session: Session, ids: Collection[str]) -> Iterable[tuple[str, Happening]]:
    for row in session.execute(_EVENTS, {"ids": list(ids)}):
        yield row.owner, Happening(
            at=row.received_at, kind="event", text=f"{row.type} ({row.status})",
            ref=row.rail_event_id, cause=Cause("event", row.rail_event_id),
        )  # fmt: skip


def _decisions(
    session: Session, owner: str, ids: Collection[str]
) -> Iterable[tuple[str, Happening]]:
    for table, other, strategy in _DECISIONS[owner]:
        sql = _CLAIMS.format(owner=f"c.{owner}", other=other, strategy=strategy, table=table)
        for row in session.execute(sa.text(sql), {"ids": list(ids)}):
            cause = Cause(row.cause_kind, row.cause_id)
            made = f"{table} to or from {row.other} ({row.strategy})"
            yield (
                row.owner,
                Happening(at=row.created_at, kind="decision", text=made, ref=row.id, cause=cause),
            )
            if row.closed_at:
                text = f"{table} to or from {row.other} taken back"
                yield row.owner, Happening(at=row.closed_at, kind="decision", text=text, ref=row.id)


def _refunds(session: Session, ids: Collection[str]) -> Iterable[tuple[str, Happening]]:
    for row in session.execute(_STEPS, {"ids": list(ids)}):
        text = f"refund {row.before or 'new'} → {row.after}" + (f": {row.why}" if row.why else "")
        yield row.owner, Happening(
            at=row.at, kind="refund", text=text, ref=row.refund_id, amount=row.amount,
            cause=Cause(row.cause_kind, row.cause_id),
        )  # fmt: skip


def _questions(session: Session, ids: Collection[str]) -> Iterable[tuple[str, Happening]]:
    for row in session.execute(_QUESTIONS, {"ids": list(ids)}):
        yield row.owner, Happening(
            at=row.opened_at, kind="question", text=row.kind, ref=row.id, amount=row.amount,
            currency=row.currency,
        )  # fmt: skip
        if row.resolved_at:
            kind, _, who = (row.resolved_by or "").partition("/")
            yield row.owner, Happening(
                at=row.resolved_at, kind="question", text=f"{row.kind}: {row.resolution}",
                ref=row.id, cause=Cause(kind, who) if who else None,
            )  # fmt: skip


def _entries(session: Session, owner: str, ids: Collection[str]) -> Iterable[tuple[str, Happening]]:
    for owner_id, entries in ledger.entries_of(session, owner, ids).items():
        for entry in entries:
            yield owner_id, _booked(entry)


def _booked(entry: EntryRow) -> Happening:
    debits = [p for p in entry.postings if p.debit]
    text = f"debit {_names(debits)}, credit {_names(p for p in entry.postings if p.credit)}"
    currency = entry.postings[0].currency
    return Happening(
        at=entry.at, kind="entry", text=text, ref=entry.key,
        amount=sum(p.debit for p in debits if p.currency == currency), currency=currency,
        cause=entry.cause,
    )  # fmt: skip


def _names(postings: Iterable[PostingLine]) -> str:
    within = ((p.role, p.rail or p.category) for p in postings)
    return " and ".join(f"{role} ({one})" if one else role for role, one in within)
