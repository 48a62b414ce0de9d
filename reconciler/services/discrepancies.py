"""What a run finds: noted once, settled when the rail was asked, and asked about if it is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from reconciler.books.reconciliation import Difference, Shown, difference
from reconciler.books.reviews import ReviewKind
from reconciler.services import reviews
from reconciler.services.reviews import Question
from reconciler.store.reconciliation_rows import Pair
from reconciler.work import Work

QUESTIONS_MAX = 500  # of one run: beyond that one cause is behind them all

_NOTE = sa.text(
    """insert into reconciliation_discrepancy (run_id, kind, rail_object, payment_id, difference,
      expected, actual, is_healed, is_looked_at, note, at)
    values (:run, :kind, :rail_object, :payment_id, :difference, cast(:expected as jsonb),
      cast(:actual as jsonb), :is_healed, :is_looked_at, :note, :now)
    on conflict (run_id, kind, rail_object) do update set is_healed = excluded.is_healed,
      is_looked_at = excluded.is_looked_at, payment_id = excluded.payment_id,
      difference = excluded.difference, expected = excluded.expected, actual = excluded.actual,
      note = excluded.note"""
)
_DOUBTS = sa.text(
    """select kind, rail_object, payment_id, difference, expected, actual, note
    from reconciliation_discrepancy where run_id = :run and not is_looked_at and not is_healed
    order by seq limit :limit"""
)
_DROP = sa.text(
    """delete from reconciliation_discrepancy
    where run_id = :run and kind = :kind and rail_object = :rail_object"""
)
_LEFT = sa.text(
    """select rail_object, kind, payment_id, difference, expected, actual, note
    from reconciliation_discrepancy where run_id = :run and not is_healed
      and difference <> 'payout'  -- asked about where its lines were listed
    order by seq limit :limit"""
)
# What earlier runs asked about, of what every run looks for everywhere.
_SETTLED = sa.text(
    """select i.subject from review_item i where i.kind = 'drift' and i.state = 'open'
      and concat(i.details->>'kind', '/', i.details->>'difference') = any(:looked_for)
      and not exists (select 1 from reconciliation_discrepancy d where d.run_id = :run
        and d.rail_object = i.subject and not d.is_healed)"""
)
# The same of what a run looks at in its window only: there it has found nothing the matter with it.
_AGREES = sa.text(
    """select i.subject from review_item i where i.kind = 'drift' and i.state = 'open'
      and not exists (select 1 from reconciliation_discrepancy d where d.run_id = :run
        and d.rail_object = i.subject and not d.is_healed)
      and (i.details->>'kind' in ('charge', 'refund', 'dispute')
        and i.details->>'difference' in ('missing_there', 'amount', 'currency', 'state')
        and exists (select 1 from rail_object o where o.rail = :rail and o.account = :account
          and o.kind = i.details->>'kind' and o.kind = any(:kinds) and o.object_id = i.subject
          and o.made_at >= :since and o.made_at < :until)
      or i.details->>'kind' = 'event' and i.details->>'difference' = 'missing_there'
        and 'event' = any(:kinds)
        and exists (select 1 from inbox_event e where e.rail = :rail and e.account = :account
          and e.rail_event_id = i.subject
          and e.created >= :heard_since and e.created < :heard_until)
      or i.details->>'kind' = 'payment' and i.details->>'difference' = 'not_booked'
        and exists (select 1 from payment p where p.id = i.subject and p.rail = :rail
          and p.account = :account and p.occurred_at >= :since))"""
)
# What an earlier run asked about and this one found right, or healed.
_HEALED = sa.text(
    """select i.subject from review_item i join reconciliation_discrepancy d
      on d.rail_object = i.subject and d.run_id = :run and d.is_healed
    where i.kind = 'drift' and i.state = 'open'"""
)


@dataclass(frozen=True, slots=True)
class Found:
    """A discrepancy: `expected` is what the rail shows, `actual` what is here."""

    kind: str
    rail_object: str
    difference: Difference
    is_healed: bool
    is_looked_at: bool = True
    expected: Shown | None = None
    actual: Shown | None = None
    payment_id: str | None = None
    note: str | None = None


def doubt(kind: str, pair: Pair) -> Found:
    """A pair that differs, before the rail was asked about that one object."""
    named = difference(pair.rail, pair.ours)
    assert named is not None, "a pair that agrees is no doubt"
    return Found(
        kind,
        pair.object_id,
        named,
        is_healed=False,
        is_looked_at=False,
        expected=pair.rail,
        actual=pair.ours,
        payment_id=pair.payment_id,
    )


def note(work: Work, run_id: str, found: Found) -> None:
    """Write down a discrepancy, or what became of it."""
    work.session.execute(
        _NOTE,
        {
            "run": run_id,
            "kind": found.kind,
            "rail_object": found.rail_object,
            "payment_id": found.payment_id,
            "difference": found.difference.value,
            "expected": _json(found.expected),
            "actual": _json(found.actual),
            "is_healed": found.is_healed,
            "is_looked_at": found.is_looked_at,
            "note": found.note,
            "now": work.now,
        },
    )


def doubts(work: Work, run_id: str, limit: int) -> list[Found]:
    """Some of what the rail is still to be asked about."""
    found = work.session.execute(_DOUBTS, {"run": run_id, "limit": limit})
    return [
        Found(
            row.kind,
            row.rail_object,
            Difference(row.difference),
            is_healed=False,
            is_looked_at=False,
            expected=_shown(row.expected),
            actual=_shown(row.actual),
            payment_id=row.payment_id,
            note=row.note,
        )
        for row in found
    ]


def drop(work: Work, run_id: str, found: Found) -> None:
    """There was no discrepancy: the listing was older than what we know."""
    given = {"run": run_id, "kind": found.kind, "rail_object": found.rail_object}
    work.session.execute(_DROP, given)


def ask(work: Work, run_id: str) -> None:
    """Ask people about what is left of a run, and no more about what is right by now."""
    found = work.session.execute(_LEFT, {"run": run_id, "limit": QUESTIONS_MAX})
    reviews.open_items(work, [_question(row) for row in found])
    healed = work.session.scalars(_HEALED, {"run": run_id})
    reviews.close_items(work, [ReviewKind.DRIFT], list(healed), resolution="both sides agree now")


def settle(work: Work, run_id: str, looked_for: Sequence[tuple[str, Difference]]) -> None:
    """Ask no more about what a run did not find any more, of kinds and differences that it knows.

    Only for what a run looks for everywhere, and not just in its window.
    """
    named = [f"{kind}/{difference.value}" for kind, difference in looked_for]
    given = {"run": run_id, "looked_for": named}
    gone = list(work.session.scalars(_SETTLED, given))
    reviews.close_items(work, [ReviewKind.DRIFT], gone, resolution="both sides agree now")


def settle_in(work: Work, run_id: str, window: Mapping[str, object]) -> None:
    """Ask no more about what lies in a run's window, if it found nothing the matter with it there.

    `window`: its rail, account, since and until, the kinds of which it was shown everything, and
    the rail's seconds from `heard_since` to `heard_until` of which it was shown every event.
    """
    gone = list(work.session.scalars(_AGREES, {"run": run_id, **window}))
    reviews.close_items(work, [ReviewKind.DRIFT], gone, resolution="both sides agree now")


def _question(row: sa.Row[Any]) -> Question:
    sides = [side for side in (row.expected, row.actual) if side]
    return Question(
        ReviewKind.DRIFT,
        row.rail_object,
        payment_id=row.payment_id,
        amount=sides[0]["amount"] if sides else None,
        currency=(sides[0]["currency"] or None) if sides else None,
        details={
            "kind": row.kind,
            "difference": row.difference,
            "expected": row.expected,
            "actual": row.actual,
            "note": row.note,
        },
    )


def _json(side: Shown | None) -> str | None:
    return None if side is None else msgspec.json.encode(side).decode()


def _shown(side: dict[str, Any] | None) -> Shown | None:
    return None if side is None else Shown(**side)
