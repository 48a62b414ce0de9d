"""Our side of a tie-out: movements that are known, what clearing holds, and where they part."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import completeness, payouts
from reconciler.books.rail_objects import ObjectKind, View
from reconciler.books.tie_out import Here, InSuspense, Reason, Why
from reconciler.store import ledger_totals, untied
from reconciler.store.claims import decode_facts
from reconciler.store.ledger_totals import TOTALS
from reconciler.store.movement_sums import IS_MOVEMENT
from reconciler.store.payout_rows import decode_facts as decode_payout
from reconciler.store.untied import UNTIED

EXPLAINED_MAX = 500  # of so many the facts are read to say what is awaited

_MOVED = sa.text(
    """select currency, sum(amount)::bigint as amount from movement_sum
    where rail = :rail group by 1"""
)
_CLEARING = sa.text(
    f"""select a.currency, coalesce(sum(t.debit - t.credit), 0)::bigint as amount
    from ledger_account a left join ({TOTALS}) t on t.account_id = a.id
    where a.role = 'clearing' and a.rail = :rail group by 1"""
)
# Each difference is looked up by itself: there are few, and a million payments.
_PARTING = sa.text(
    f"""select d.subject as owner, d.currency, d.amount,
      (select p.rail_payment_id from payment p where p.id = d.subject) as rail_payment_id,
      (select o.rail_payout_id from payout o where o.id = d.subject) as rail_payout_id
    from (select subject, currency, sum(amount)::bigint as amount from ({UNTIED}) u
      where kind = 'clearing' and rail = :rail group by 1, 2 having sum(amount) <> 0) d
    order by abs(d.amount) desc, 1, 2"""
)
_FACTS = {
    "payment": sa.text("select id, facts::text as facts from payment where id = any(:ids)"),
    "payout": sa.text("select id, facts::text as facts from payout where id = any(:ids)"),
}
_SUSPENSE = sa.text(
    f"""select subject, currency, sum(amount)::bigint as amount from ({UNTIED}) u
    where kind = 'suspense' and rail = :rail group by 1, 2 having sum(amount) <> 0 order by 1, 2"""
)
_KNOWN = sa.text(
    f"""select o.object_id, o.amount, o.currency, o.state,
      extract(epoch from o.made_at)::bigint as made
    from rail_object o where o.rail = :rail and {IS_MOVEMENT} and (o.object_id = any(:ids)
      or (o.made_at > to_timestamp(:after) and o.made_at <= to_timestamp(:until)))"""
)


def totals(session: Session, rail: str) -> tuple[dict[str, int], dict[str, int]]:
    """What is known to have moved, and what clearing holds, by currency in minor units."""
    given = {"rail": rail}
    moved = {row.currency: row.amount for row in session.execute(_MOVED, given)}
    return moved, {
        row.currency: row.amount
        for row in session.execute(_CLEARING, given | ledger_totals.told(session))
    }


def here(session: Session, rail: str) -> Here:
    """Our side of a rail, whole."""
    moved, clearing = totals(session, rail)
    given = {"rail": rail, "since": untied.mark(session)}
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
    ids = [row.owner for row in first if row.rail_payment_id]
    for row in session.execute(_FACTS["payment"], {"ids": ids}):
        told[row.id] = "; ".join(completeness.open_questions(decode_facts(row.facts)))
    ids = [row.owner for row in first if row.rail_payout_id]
    for row in session.execute(_FACTS["payout"], {"ids": ids}):
        told[row.id] = "; ".join(payouts.open_questions(decode_payout(row.facts)))
    return told


def _line(row: sa.Row[Any], awaited: str | None) -> Reason:
    return Reason(
        why=Why.AWAITED if awaited else Why.NOT_BOOKED,
        currency=row.currency,
        amount=row.amount,
        subject=row.rail_payment_id or row.rail_payout_id or row.owner,
        payment_id=row.owner if row.rail_payment_id else None,
        payout_id=row.owner if row.rail_payout_id else None,
        note=awaited or None,
    )
