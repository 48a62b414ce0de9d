"""Which of what somebody did still stands, and what it was on."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.deeds import TOLD_BY, Deed, Fate, fate
from reconciler.books.suspense import MOVED
from reconciler.reads.audit import AuditRow
from reconciler.store import audit as trail

_CLAIMS = sa.text(
    """select a.id, coalesce(i.number, d.code) as target, coalesce(i.currency, d.currency) as
      currency, a.closed_at is null and a.amount > 0 as is_live
    from allocation a left join invoice i on i.id = a.invoice_id
      left join deposit d on d.id = a.deposit_id where a.id = any(:ids)
    union all
    select u.id, coalesce(i.number, d.code), d.currency, u.closed_at is null and u.amount > 0
    from application u join deposit d on d.id = u.deposit_id
      left join invoice i on i.id = u.invoice_id where u.id = any(:ids)"""
)


_STANDING = sa.text(
    """select 'refund.requested' as action, id as subject, null as said from refund
      where id = any(:subjects) and status in ('requested', 'approved', 'requires_action', 'manual')
    union all select 'review_item.assigned', id, coalesce(assigned_to, '') from review_item
      where id = any(:subjects) and state = 'open'
    union all select 'review_item.snoozed', id, coalesce(snoozed_until::text, '') from review_item
      where id = any(:subjects) and state = 'open'
    union all select 'bill.snoozed', id, coalesce(snoozed_until::text, '') from bill
      where id = any(:subjects) and state = 'open' and outstanding > 0
    union all select 'review_item.resolved', review_item_id, null from refund_decision
      where review_item_id = any(:subjects) and closed_at is null
    union all select 'review_item.resolved', r.id, null from review_item r
      cross join lateral (select d.at, d.decision from dispute_decision d
        where d.payment_id = r.payment_id and d.rail_dispute_id = r.subject
        order by d.seq desc limit 1) last
      where r.id = any(:subjects) and r.kind = 'dispute' and r.state = 'resolved'
        and last.at = r.resolved_at and last.decision <> 'undecided'
    union all select 'review_item.resolved', r.id, null from review_item r
        join dispute d on d.payment_id = r.payment_id and d.rail_dispute_id = r.subject
      where r.id = any(:subjects) and r.kind = 'dispute' and r.resolution like 'answered%'
        and d.stage = 'needs_response' and not exists (select 1 from review_item n
          where n.kind = 'dispute' and n.subject = r.subject and n.id <> r.id
            and (n.state = 'open' or n.resolved_at > r.resolved_at))
    union all select 'dispute.decided', rail_dispute_id, decision from dispute
      where rail_dispute_id = any(:subjects)
    union all select 'reminders.paused', subject, null from reminder_plan
      where subject = any(:subjects) and is_paused
    union all select 'portal_link.created', id, null from portal_link
      where id = any(:subjects) and revoked_at is null
    union all select action, subject, null from (
        select distinct on (subject) action, subject from audit_line
        where subject = any(:subjects) and action in ('suspense.moved', 'suspense.put_back')
        order by subject, seq desc) x where action = 'suspense.moved'
    union all select 'suspense.moved', e.key, null from journal_entry e
      where e.key = any(:subjects)
      and not exists (select 1 from journal_entry r where r.reverses = e.key)
    union all select 'payment.received_by_hand', id, null from payment
      where id = any(:subjects) and captured > 0
    union all select 'invoice.credited', id, null from credit_note n where id = any(:subjects)
      and not exists (select 1 from credit_note_taken_back t where t.credit_note_id = n.id)
    union all select 'invoice.short_payment_accepted', id, null from short_payment
      where id = any(:subjects) and closed_at is null"""
)
_LEFT = sa.text(
    """select p.id, p.captured - p.refunded - p.lost - coalesce((select sum(a.amount)
        from allocation a where a.payment_id = p.id), 0) as unapplied
    from payment p where p.id = any(:ids)"""
)
# What of a deed's line is what it made so.
_SAID = {
    "review_item.assigned": "assigned_to",
    "review_item.snoozed": "snoozed_until",
    "bill.snoozed": "snoozed_until",
    "dispute.decided": "decision",
}
_TOLD = frozenset({
    "refund.requested", "review_item.assigned", "review_item.snoozed", "review_item.resolved",
    "dispute.decided", "reminders.paused", "portal_link.created", "suspense.moved",
    "invoice.credited", "invoice.short_payment_accepted", "payment.received_by_hand",
    "bill.snoozed",
})  # fmt: skip
# What stands until it is taken back itself.
_ONCE = frozenset({
    "invoice.credited", "invoice.short_payment_accepted", "payment.received_by_hand",
    "review_item.resolved", "portal_link.created",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClaimTold:
    """What an allocation or application is on; `is_live` says whether it holds money still."""

    id: str
    target: str
    currency: str
    is_live: bool


def claims(session: Session, ids: Collection[str]) -> dict[str, ClaimTold]:
    """These allocations and applications, by id."""
    rows = session.execute(_CLAIMS, {"ids": sorted(ids)})
    return {row.id: ClaimTold(**row._asdict()) for row in rows}


def fates(session: Session, lines: Iterable[AuditRow]) -> dict[str, Fate]:
    """What became of what these lines say, by the line; only of what does not stand any more."""
    kept = list(lines)
    later = trail.since(session, [int(line.id) for line in kept], TOLD_BY)
    found = {line.id: fate(_deed(line), later[int(line.id)]) for line in kept}
    for line in _passed(session, kept):
        if found[line.id] is Fate.STANDS:
            found[line.id] = Fate.TAKEN_BACK if line.action in _ONCE else Fate.OVERTAKEN
    return {line_id: became for line_id, became in found.items() if became is not Fate.STANDS}


def _deed(line: AuditRow) -> Deed:
    return Deed(line.action, line.subject, line.before, line.after, is_erased=line.is_erased)


def _passed(session: Session, lines: Iterable[AuditRow]) -> list[AuditRow]:
    """Which of these lines say what is not so any more, whoever changed it."""
    kept = list(lines)
    asked = [line for line in kept if line.action in _TOLD]
    rows = session.execute(_STANDING, {"subjects": sorted({_made(line) for line in asked})})
    now = {(row.action, row.subject): row.said for row in rows}
    passed = [line for line in asked if not _is_so(line, now)]
    return passed + _placed_since(session, kept)


def _placed_since(session: Session, lines: Iterable[AuditRow]) -> list[AuditRow]:
    """Matches that were taken back, of which the money is not there any more to be put back."""
    taken = [line for line in lines if line.action == "payment.unallocated"]
    if not taken:
        return []
    rows = session.execute(_LEFT, {"ids": sorted({line.subject for line in taken})})
    left = {row.id: row.unapplied for row in rows}
    return [line for line in taken if left.get(line.subject, 0) < line.before.get("amount", 0)]


def _made(line: AuditRow) -> str:
    """What stands or not: of a credit note or a bank's fee its own id, and not its invoice's."""
    if line.action == "suspense.moved" and "turn" in line.after:
        return f"{line.subject}/{MOVED}{line.after['turn']}"  # the key of its entry
    note = line.after.get("credit_note") or line.after.get("short_payment")
    return note if isinstance(note, str) else line.subject


def _is_so(line: AuditRow, now: dict[tuple[str, str], str | None]) -> bool:
    at = (line.action, _made(line))
    if at not in now:
        return False
    name = _SAID.get(line.action)
    return name is None or now[at] == (line.after.get(name) or "")
