"""What rails hold for us, and what refunds are about to take of it: by totals that are kept."""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.rail_balances import NOTHING_ASKED, Asked, RailBalance
from reconciler.store import ledger_totals
from reconciler.store.ledger_totals import TOTALS
from reconciler.store.movement_sums import IS_MOVEMENT

# Statuses of refunds, and of their legs, of which something may still leave the rail.
TO_LEAVE = ("requested", "approved", "submitted", "unknown", "pending", "failed", "manual")

# What is promised is in no rail's name: where two hold one currency, each is taken to owe it.
_ACCOUNTS = sa.text(
    """select id, role, rail, currency from ledger_account
    where role in ('clearing', 'refunds_payable')"""
)
_TOTALS = sa.text(
    f"""select t.account_id, t.debit - t.credit as balance from ({TOTALS}) t
    where t.account_id = any(:accounts)"""
)
# What legs take, and in which currency: a payment that was settled in another one goes back out of
# that, about at the rate at which it came.
_TAKEN = f"""select l.refund_id, p.rail, coalesce(s.currency, r.currency) as currency,
      case when s.currency is null then l.amount
        else ceil(l.amount * s.amount / greatest(p.captured, 1)::numeric) end as amount,
      l.status in ('requested', 'failed', 'manual') as is_more, l.status = 'requested' as is_asked,
      l.status in ('submitted', 'unknown', 'pending') as is_sent
    from refund_leg l join refund r on r.id = l.refund_id join payment p on p.id = l.payment_id
      left join lateral (select o.currency, sum(o.amount) as amount from rail_object o
        where o.payment_id = p.id and {IS_MOVEMENT} and o.amount > 0
        group by 1 order by o.currency = r.currency desc, 2 desc limit 1) s
        on s.currency <> r.currency
    where l.replaced_by is null and l.route = 'rail' and p.rail <> 'manual'"""
_WAITING = sa.text(
    f"""select rail, currency, sum(amount)::bigint as amount from ({_TAKEN}
      and l.rail_refund_id is null and l.status in ('approved', 'submitted', 'unknown')) t
    group by 1, 2"""
)
# What nobody has approved so far, of any refund.
_ASKED = sa.text(
    f"""select rail, currency, sum(amount)::bigint as amount,
      count(distinct refund_id)::bigint as number from ({_TAKEN}
      and r.status = 'requested' and l.status = 'requested') t
    group by 1, 2"""
)
_OF_REFUNDS = sa.text(
    f"""select refund_id, rail, currency,
      coalesce(sum(amount) filter (where is_more), 0)::bigint as more,
      coalesce(sum(amount) filter (where is_asked), 0)::bigint as asked,
      bool_and(is_sent) as is_sent from ({_TAKEN}
      and l.refund_id = any(:ids) and l.status = any(:to_leave)) t
    group by 1, 2, 3 order by 1, 2, 3"""
)


def balances(session: Session) -> list[RailBalance]:
    """Each rail and currency in which anything was ever held, in order."""
    held, promised = _booked(session)
    waiting = {(row.rail, row.currency): row.amount for row in session.execute(_WAITING)}
    return [
        RailBalance(
            rail=rail,
            currency=currency,
            held=held.get((rail, currency), 0),
            waiting=waiting.get((rail, currency), 0) + promised.get(currency, 0),
        )
        for rail, currency in sorted(held.keys() | waiting.keys())
    ]


@dataclass(frozen=True, slots=True)
class Warned:
    """What to know of a refund, in words, and which of its rails cannot carry what was let go."""

    text: str = ""
    short: frozenset[str] = frozenset()


def warnings(session: Session, refund_ids: Collection[str]) -> dict[str, Warned]:
    """By refund, what to know before it is sent, where what its rails hold does not carry it.

    Of one that was sent and has not left: what holds now.
    """
    if not refund_ids:
        return {}
    given = {"ids": list(refund_ids), "to_leave": list(TO_LEAVE)}
    taken = session.execute(_OF_REFUNDS, given).all()
    if not taken:
        return {}
    known = {(one.rail, one.currency): one for one in balances(session)}
    # Of what was sent it does not matter any more what else is asked for.
    others_asked = () if all(row.is_sent for row in taken) else session.execute(_ASKED)
    asked = {(row.rail, row.currency): Asked(row.amount, row.number) for row in others_asked}
    said: dict[str, Warned] = {}
    for row in taken:
        nothing = RailBalance(rail=row.rail, currency=row.currency, held=0)
        balance = known.get((row.rail, row.currency), nothing)
        others = asked.get((row.rail, row.currency), NOTHING_ASKED).without(row.asked)
        sent = row.is_sent
        warning = balance.after_sent() if sent else balance.warning(row.more, asked=others)
        if warning:
            before = said.get(row.refund_id, Warned())
            short = before.short | ({row.rail} if balance.is_short else set())
            said[row.refund_id] = Warned(f"{before.text} {warning}".lstrip(), short)
    return said


def _booked(session: Session) -> tuple[dict[tuple[str, str], int], dict[str, int]]:
    accounts = {row.id: row for row in session.execute(_ACCOUNTS)}
    given = {"accounts": list(accounts)} | ledger_totals.told(session)
    held = {(one.rail, one.currency): 0 for one in accounts.values() if one.role == "clearing"}
    promised: dict[str, int] = {}
    for row in session.execute(_TOTALS, given):
        account = accounts[row.account_id]
        if account.role == "clearing":
            held[account.rail, account.currency] = row.balance
        else:
            promised[account.currency] = max(0, -row.balance)
    return held, promised
