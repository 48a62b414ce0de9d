"""Questions for people: opened once while open, closed when they answer themselves."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa

from reconciler import ids
from reconciler.books.reviews import MATCHING_KINDS, ReviewKind
from reconciler.errors import Conflict, NotFound
from reconciler.work import Work

_OPEN = sa.text(
    """insert into review_item (id, kind, state, subject, payment_id, invoice_id, deposit_id,
      refund_id, event_seq, amount, currency, details, opened_at)
    select n.id, n.kind, 'open', n.subject, n.payment_id, n.invoice_id, n.deposit_id, n.refund_id,
      n.event_seq, n.amount, n.currency, cast(n.details as jsonb), :now
    from unnest(cast(:id as text[]), cast(:kind as text[]), cast(:subject as text[]),
      cast(:payment_id as text[]), cast(:invoice_id as text[]), cast(:deposit_id as text[]),
      cast(:refund_id as text[]), cast(:event_seq as bigint[]), cast(:amount as bigint[]),
      cast(:currency as text[]), cast(:details as text[]))
      as n(id, kind, subject, payment_id, invoice_id, deposit_id, refund_id, event_seq, amount,
        currency, details)
    -- What a person has answered is not asked again in the same words. Money that found a place
    -- answered by itself: taken off it again, it is asked about again.
    where not exists (select 1 from review_item r where r.subject = n.subject and r.kind = n.kind
      and r.state = 'resolved' and r.resolved_by not like 'event/%'
      and r.resolved_by not like 'job/%' and coalesce(r.resolution, '') <> all(:by_itself)
      and r.amount is not distinct from n.amount
      and r.details = cast(n.details as jsonb))
    order by n.kind, n.subject
    on conflict (kind, subject) where state = 'open' do update
      set amount = excluded.amount, details = excluded.details,
        currency = coalesce(excluded.currency, review_item.currency),
        payment_id = coalesce(excluded.payment_id, review_item.payment_id),
        -- Something has happened since it was put off.
        snoozed_until = null,
        rev = review_item.rev + 1
      where (review_item.amount, review_item.details, review_item.currency)
        is distinct from (excluded.amount, excluded.details,
          coalesce(excluded.currency, review_item.currency))"""
)
_CLOSE = sa.text(
    """update review_item set state = 'resolved', resolved_at = :now, resolved_by = :by,
      resolution = :resolution, rev = rev + 1
    where state = 'open' and kind = any(:kinds) and subject = any(:subjects)"""
)
_CLOSE_ONE = sa.text(
    """update review_item set state = 'resolved', resolved_at = :now, resolved_by = :by,
      resolution = :resolution, rev = rev + 1
    where id = :id and state = 'open' and (cast(:rev as bigint) is null or rev = :rev)"""
)
_ASKED_LAST = sa.text(
    """select kind, details -> 'reasons' as reasons, amount from review_item
    where payment_id = :payment and kind = any(:kinds) and state = 'resolved'
    order by resolved_at desc, opened_at desc, id desc limit 1"""
)
PLACED = "its money has found its place"
ASKED_ANEW = "asked anew"
_EXISTS = sa.text("select state from review_item where id = :id")


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is to be asked. `subject` is the id of what it is about."""

    kind: ReviewKind
    subject: str
    payment_id: str | None = None
    invoice_id: str | None = None
    deposit_id: str | None = None
    refund_id: str | None = None
    event_seq: int | None = None
    amount: int | None = None
    currency: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


def open_items(work: Work, questions: Iterable[Question]) -> None:
    """Ask, or bring the amount of an open question up to date."""
    wanted = list(questions)
    if not wanted:
        return
    columns: dict[str, object] = {
        name: [getattr(q, name) for q in wanted]
        for name in (
            "subject", "payment_id", "invoice_id", "deposit_id", "refund_id", "event_seq",
            "amount", "currency",
        )
    }  # fmt: skip
    columns["id"] = [ids.new_id("rev") for _ in wanted]
    columns["kind"] = [q.kind.value for q in wanted]
    columns["details"] = [msgspec.json.encode(q.details).decode() for q in wanted]
    by_itself = [PLACED, ASKED_ANEW]
    work.session.execute(_OPEN, columns | {"now": work.now, "by_itself": by_itself})


def asked_last(
    work: Work, payment_id: str, *, excess: int | None = None
) -> tuple[ReviewKind, list[str]] | None:
    """Why it was asked where a payment's money belongs, before somebody said; None if never.

    Where something of it stays in its place, `excess` is the rest: that was asked about as too much
    only if it was as much then.
    """
    kinds = MATCHING_KINDS if excess is not None else MATCHING_KINDS - {ReviewKind.OVERPAYMENT}
    given = {"payment": payment_id, "kinds": [kind.value for kind in kinds]}
    row = work.session.execute(_ASKED_LAST, given).first()
    if row is None:
        return None
    kind = ReviewKind(row.kind)
    if excess is not None and (kind is not ReviewKind.OVERPAYMENT or row.amount != excess):
        return None
    return kind, list(row.reasons or [])


def close_items(
    work: Work,
    kinds: Collection[ReviewKind],
    subjects: Collection[str],
    *,
    resolution: str,
) -> None:
    """Close the open questions of these kinds about these things, with how it came out."""
    if not subjects:
        return
    work.session.execute(
        _CLOSE,
        {
            "now": work.now,
            "by": f"{work.cause.kind}/{work.cause.id}",
            "resolution": resolution,
            "kinds": [kind.value for kind in kinds],
            "subjects": list(subjects),
        },
    )


def close_matching(work: Work, payments: Collection[str], *, resolution: str) -> None:
    """Close whatever asks where the money of these payments belongs."""
    close_items(work, MATCHING_KINDS, payments, resolution=resolution)


def resolve_item(work: Work, item_id: str, *, resolution: str, rev: int | None = None) -> None:
    """Close one question by a person. Raises NotFound, or Conflict if somebody was first."""
    result = work.session.execute(
        _CLOSE_ONE,
        {
            "id": item_id,
            "rev": rev,
            "now": work.now,
            "by": f"{work.cause.kind}/{work.cause.id}",
            "resolution": resolution,
        },
    )
    if result.rowcount:  # type: ignore[attr-defined]  # a DML result has it, the stub does not say
        return
    if work.session.execute(_EXISTS, {"id": item_id}).first() is None:
        raise NotFound(f"there is no review item {item_id}")
    raise Conflict(f"review item {item_id} was changed by somebody else meanwhile")
