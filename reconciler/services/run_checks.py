"""The ends of a run: what may still change is read again, and the layers below are compared.

Rail against payments is done page by page (run_pages.py). Here follow the inbox against the
payments, the payments against the ledger, the ledger against the payouts (payout_checks.py), these
against the bank's lines (bank_checks.py), and the movements against the rail's own balance.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from reconciler.books.observations import PaymentFacts
from reconciler.books.rail_objects import EVENTS, views
from reconciler.books.reconciliation import Difference, Shown, difference
from reconciler.services import (
    discrepancies,
    inbox,
    payments,
    payout_checks,
    reconciliation,
    verification,
)
from reconciler.services.discrepancies import Found
from reconciler.services.payments import Sighted
from reconciler.services.reconciliation import OPEN_ITEMS, Counted, Run, Step
from reconciler.store import payment_rows
from reconciler.store.claims import decode_facts
from reconciler.store.movement_sums import IS_MOVEMENT
from reconciler.work import Work

PAYMENT, BALANCE = "payment", "balance"
_EVERYWHERE = ((EVENTS, Difference.NOT_APPLIED), (BALANCE, Difference.BALANCE))
OPEN_AT_ONCE = 20
# A refund may fail a month after it succeeded. Of what was begun and never came to money nothing
# says that it is over, so that is looked at for half a year; what is held or being collected, for
# as long as it is.
REFUND_MAY_FAIL = timedelta(days=35)
OPEN_FOR = timedelta(days=180)

Looked = tuple[str, Sighted | None, str | None]  # our payment, what the rail showed, or why not

_OPEN = sa.text(
    """select p.id, p.facts::text as facts from payment p
    where p.id > :after and p.rail <> 'manual' and (
      p.status in ('processing', 'authorized', 'partially_captured') and p.occurred_at > :since
      or p.on_its_way > 0
      or exists (select 1 from rail_object o where o.payment_id = p.id and o.kind = 'dispute'
        and o.state not in ('won', 'lost', 'warning_closed', 'prevented', 'charge_refunded'))
      or exists (select 1 from rail_object o where o.payment_id = p.id and o.kind = 'refund'
        and (o.state = 'promised' or o.state = 'left' and o.made_at > :recently)))
    order by p.id limit :limit"""
)
_UNAPPLIED = sa.text(
    """select e.seq, e.rail_event_id, coalesce(o.status, 'pending') as status, o.error
    from inbox_event e left join inbox_outcome o on o.seq = e.seq
    where e.rail = :rail and e.account = :account
      and coalesce(o.status, 'pending') in ('pending', 'parked', 'failed')
      and e.quarantine is null and e.received_at < :until
    order by e.seq limit :limit"""
)
_LOST = sa.text(
    """select e.seq, e.rail_event_id from inbox_event e
    where e.rail = :rail and e.account = :account and e.quarantine is null
      and e.received_at < :until and e.seq <= (select seq from inbox_horizon)
      and not exists (select 1 from inbox_outcome o where o.seq = e.seq)
    order by e.seq"""
)
_MOVED = sa.text(
    f"""select o.currency, sum(o.amount)::bigint as amount from rail_object o
    where o.rail = :rail and o.account = :account and {IS_MOVEMENT}
      and (cast(:until as timestamptz) is null or o.made_at is null or o.made_at < :until)
    group by o.currency"""
)
_EVENTS_MAX = 1_000


def facts_of(work: Work, payment_id: str | None) -> PaymentFacts | None:
    """What is known of a payment of ours."""
    if payment_id is None:
        return None
    return payment_rows.facts_of(work.session, [payment_id]).get(payment_id)


def open_payments(work: Work, after: str) -> list[tuple[str, PaymentFacts]]:
    """Payments with something that may still change, some at a time, by our id."""
    given = {
        "after": after,
        "since": work.now - OPEN_FOR,
        "recently": work.now - REFUND_MAY_FAIL,
        "limit": OPEN_AT_ONCE,
    }
    return [(row.id, decode_facts(row.facts)) for row in work.session.execute(_OPEN, given)]


def take_open(work: Work, run: Run, step: Step, looks: Sequence[Looked]) -> Step:
    """What the rail shows now of payments that may have changed, through the door."""
    rows = matched = 0
    for payment_id, seen, why in looks:
        if seen is None:
            found = Found(
                PAYMENT,
                payment_id,
                Difference.MISSING_THERE,
                is_healed=False,
                payment_id=payment_id,
                note=why,
            )
            discrepancies.note(work, run.id, found)
            continue
        differing = _differing(work, payment_id, seen)
        rows += 1
        matched += not differing
        for found in differing:
            discrepancies.note(work, run.id, found)
    is_complete = len(looks) < OPEN_AT_ONCE
    cursor = looks[-1][0] if looks else step.cursor
    reconciliation.stepped(work, run, OPEN_ITEMS, cursor, Counted(rows, matched))
    if is_complete:
        reconciliation.step_done(work, run, OPEN_ITEMS)
    return Step(cursor, step.pages + 1, is_complete)


def _differing(work: Work, payment_id: str, seen: Sighted) -> list[Found]:
    """The objects of a payment that were otherwise here, and how they stand after the door."""
    before = _here(facts_of(work, payment_id))
    payments.observe(work, [seen])
    after = _here(facts_of(work, payment_id))
    found = []
    for at, rail in _here(seen[0]).items():
        named = difference(rail, before.get(at))
        if named is None:
            continue
        found.append(
            Found(
                at[0],
                at[1],
                named,
                is_healed=after.get(at) == rail,
                expected=rail,
                actual=before.get(at),
                payment_id=payment_id,
            )
        )
    return found


def _here(facts: PaymentFacts | None) -> dict[tuple[str, str], Shown]:
    if facts is None:
        return {}
    return {(v.kind, v.id): Shown(v.amount, v.currency, v.state) for v in views(facts)}


def find_lost_events(work: Work, run: Run) -> None:
    """Events that nobody ever took up, and that no search comes by any more, are taken up again."""
    given = {"rail": run.rail, "account": run.account, "until": run.window.until}
    lost = work.session.execute(_LOST, given).all()
    if not lost:
        return
    inbox.take_up_again(work, [row.seq for row in lost])
    for row in lost:
        found = Found(
            EVENTS, row.rail_event_id, Difference.NOT_APPLIED, is_healed=True, note="never taken up"
        )
        discrepancies.note(work, run.id, found)


@dataclass(frozen=True, slots=True)
class Held:
    """A rail's own balance, and what of it `moved` from `since` on as its list says.

    By currency, in minor units. What moved that late need not have come here yet: the next run
    looks for it. `since` is None where that could not be told apart.
    """

    balance: dict[str, int]
    moved: dict[str, int]
    since: datetime | None


def close(work: Work, run: Run, held: Held) -> None:
    """Compare the layers below, and finish the run."""
    for row in _unapplied(work, run):
        found = Found(
            EVENTS,
            row.rail_event_id,
            Difference.NOT_APPLIED,
            is_healed=False,
            note=row.error or row.status,
        )
        discrepancies.note(work, run.id, found)
    for payment_id, detail in verification.of_payments(work.session, run.window.since):
        found = Found(
            PAYMENT,
            payment_id,
            Difference.NOT_BOOKED,
            is_healed=False,
            payment_id=payment_id,
            note=detail,
        )
        discrepancies.note(work, run.id, found)
    payout_checks.find(work, run)
    drift = _drift(work, run, held)
    discrepancies.settle(work, run.id, (*payout_checks.EVERYWHERE, *_EVERYWHERE))
    reconciliation.finish(work, run, drift)


def _unapplied(work: Work, run: Run) -> Sequence[sa.Row[tuple[object, ...]]]:
    given = {"rail": run.rail, "account": run.account, "until": run.window.until}
    return work.session.execute(_UNAPPLIED, given | {"limit": _EVENTS_MAX}).all()


def _drift(work: Work, run: Run, held: Held) -> dict[str, int]:
    """The rail's balance less all movements that are known here: what nothing explains."""
    given = {"rail": run.rail, "account": run.account, "until": held.since}
    moved = Counter({row.currency: row.amount for row in work.session.execute(_MOVED, given)})
    moved.update(held.moved)
    drift: dict[str, int] = {}
    for currency in sorted(moved.keys() | held.balance.keys()):
        there, known = held.balance.get(currency, 0), moved[currency]
        if there != known:
            drift[currency] = there - known
            found = Found(
                BALANCE,
                currency,
                Difference.BALANCE,
                is_healed=False,
                expected=Shown(there, currency, ""),
                actual=Shown(known, currency, ""),
            )
            discrepancies.note(work, run.id, found)
    return drift
