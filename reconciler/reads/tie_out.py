"""Our side of a tie-out: movements that are known, what clearing holds, and where they part."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import completeness, payouts
from reconciler.books.rail_objects import ObjectKind, View
from reconciler.books.tie_out import Here, InSuspense, Reason, Why
from reconciler.store.claims import decode_facts
from reconciler.store.ledger_totals import TOTALS
from reconciler.store.movement_sums import IS_MOVEMENT
from reconciler.store.payout_rows import decode_facts as decode_payout

EXPLAINED_MAX = 500  # of so many the facts are read to say what is awaited

_MOVEMENTS = f"rail_object o where o.rail = :rail and {IS_MOVEMENT}"
_MOVED = sa.text(
    """select currency, sum(amount)::bigint as amount from movement_sum
    where rail = :rail group by 1"""
)
_CLEARING = sa.text(
    f"""select a.currency, coalesce(sum(t.debit - t.credit), 0)::bigint as amount
    from ledger_account a left join ({TOTALS}) t on t.account_id = a.id
    where a.role = 'clearing' and a.rail = :rail group by 1"""
)
# A movement is its payment's, or its payout's, or stands for itself; so is what was booked for it.
_PARTING = sa.text(
    f"""with moved as (
      select coalesce(o.payment_id, w.id, o.object_id) as owner, o.currency, sum(o.amount) as amount
      from {
        _MOVEMENTS.replace(
            " where ",
            ''' left join (select p.id, p.rail, row_id from payout p,
          jsonb_object_keys(coalesce(p.facts -> 'rows', '{}')) row_id) w
        on o.payment_id is null and w.rail = o.rail and w.row_id = o.object_id
      where ''',
            1,
        )
    }
      group by 1, 2),
    booked as (
      select coalesce(e.payment_id, e.payout_id, split_part(e.key, '/', 3)) as owner, a.currency,
        sum(p.amount) as amount
      from posting p join journal_entry e on e.id = p.entry_id
        join ledger_account a on a.id = p.account_id
      where a.role = 'clearing' and a.rail = :rail group by 1, 2)
    select coalesce(m.owner, b.owner) as owner, coalesce(m.currency, b.currency) as currency,
      (coalesce(m.amount, 0) - coalesce(b.amount, 0))::bigint as amount,
      p.id as payment_id, p.rail_payment_id, o.id as payout_id, o.rail_payout_id
    from moved m full join booked b on b.owner = m.owner and b.currency = m.currency
      left join payment p on p.id = coalesce(m.owner, b.owner)
      left join payout o on o.id = coalesce(m.owner, b.owner)
    where coalesce(m.amount, 0) <> coalesce(b.amount, 0)
    order by abs(coalesce(m.amount, 0) - coalesce(b.amount, 0)) desc, 1, 2"""
)
_FACTS = {
    "payment": sa.text("select id, facts::text as facts from payment where id = any(:ids)"),
    "payout": sa.text("select id, facts::text as facts from payout where id = any(:ids)"),
}
_SUSPENSE = sa.text(
    """select regexp_replace(e.key, '/[^/]*$', '') as subject, a.currency,
      sum(-p.amount)::bigint as amount
    from posting p join journal_entry e on e.id = p.entry_id
      join ledger_account a on a.id = p.account_id
    where a.role = 'suspense' and split_part(e.key, '/', 1) = :rail
    group by 1, 2 having sum(p.amount) <> 0 order by 1, 2"""
)
_KNOWN = sa.text(
    f"""select o.object_id, o.amount, o.currency, o.state,
      extract(epoch from o.made_at)::bigint as made
    from {_MOVEMENTS} and (o.object_id = any(:ids)
      or (o.made_at > to_timestamp(:after) and o.made_at <= to_timestamp(:until)))"""
)


def totals(session: Session, rail: str) -> tuple[dict[str, int], dict[str, int]]:
    """What is known to have moved, and what clearing holds, by currency in minor units."""
    given = {"rail": rail}
    moved = {row.currency: row.amount for row in session.execute(_MOVED, given)}
    return moved, {
        row.currency: row.amount for row in session.execute(_CLEARING, given | {"until": None})
    }


def here(session: Session, rail: str) -> Here:
    """Our side of a rail, whole."""
    moved, clearing = totals(session, rail)
    given = {"rail": rail}
    parting = session.execute(_PARTING, given).all()
    open_ = _awaited(session, parting)
    return Here(
        moved=moved,
        clearing=clearing,
        lines=[_line(row, open_.get(row.owner)) for row in parting],
        suspense=[
            InSuspense(currency=r.currency, amount=r.amount, subject=r.subject)
            for r in session.execute(_SUSPENSE, given)
        ],
    )


def known(
    session: Session, rail: str, ids: Collection[str], *, after: int, until: int
) -> dict[str, View]:
    """Movements that are known here: these, and all that were made in (after, until], seconds."""
    rows = session.execute(_KNOWN, {"rail": rail, "ids": list(ids), "after": after, "until": until})
    return {
        r.object_id: View(ObjectKind.MOVEMENT, r.object_id, r.amount, r.currency, r.state, r.made)
        for r in rows
    }


def _awaited(session: Session, parting: Sequence[sa.Row[Any]]) -> Mapping[str, str]:
    """By our id, what the rail still has to tell of a payment or payout."""
    told: dict[str, str] = {}
    first = parting[:EXPLAINED_MAX]
    ids = [row.payment_id for row in first if row.payment_id]
    for row in session.execute(_FACTS["payment"], {"ids": ids}):
        told[row.id] = "; ".join(completeness.open_questions(decode_facts(row.facts)))
    ids = [row.payout_id for row in first if row.payout_id]
    for row in session.execute(_FACTS["payout"], {"ids": ids}):
        told[row.id] = "; ".join(payouts.open_questions(decode_payout(row.facts)))
    return told


def _line(row: sa.Row[Any], awaited: str | None) -> Reason:
    return Reason(
        why=Why.AWAITED if awaited else Why.NOT_BOOKED,
        currency=row.currency,
        amount=row.amount,
        subject=row.rail_payment_id or row.rail_payout_id or row.owner,
        payment_id=row.payment_id,
        payout_id=row.payout_id,
        note=awaited or None,
    )
