"""Payouts in a run: what may still change is read again, and the ledger is held against them.

Each thing that differs says in words what a person can do about it.
"""

from collections.abc import Iterable
from datetime import timedelta

import sqlalchemy as sa

from reconciler.books import payouts
from reconciler.books.payout_lines import PayoutLook
from reconciler.books.payouts import DEAD, PayoutFacts
from reconciler.books.rail_objects import ObjectKind, views_of_payout
from reconciler.books.reconciliation import Difference, Shown, difference
from reconciler.books.reviews import ReviewKind
from reconciler.money import decimal_text
from reconciler.services import bank_checks, discrepancies, reconciliation, reviews, verification
from reconciler.services.discrepancies import Found
from reconciler.services.reconciliation import OPEN_PAYOUTS, PAYOUT_LINES, Counted, Run, Step
from reconciler.store import payout_rows as store
from reconciler.store.payout_rows import decode_facts
from reconciler.work import Work

PAYOUTS_AT_ONCE = 10
# Five business days over any holidays: by then a bank has sent back what it does not take.
BANK_MAY_REFUSE = timedelta(days=14)
# Lines that the rail has not shown for so long will not come any more.
LINES_MAY_COME = timedelta(days=60)
FOUND_MAX = 1_000
ACCOUNT = "account"
# What each run looks for among all payouts, so that what it does not find is settled.
EVERYWHERE = (
    (ObjectKind.PAYOUT, Difference.IN_TRANSIT),
    (ObjectKind.PAYOUT, Difference.NOT_BOOKED),
    (ObjectKind.PAYOUT, Difference.NOT_AT_BANK),
    (bank_checks.BANK_LINE, Difference.MISSING_THERE),
    (ACCOUNT, Difference.MISSING_THERE),
)

_At = tuple[ObjectKind, str]

_LINES = sa.text(
    """select l.rail_movement_id, l.amount - l.fee as net, l.currency, l.category,
      w.rail_payout_id, o.payment_id, o.amount as our_net, o.currency as our_currency,
      o.state as our_state
    from payout w join payout_line l on l.payout_id = w.id
      left join rail_object o on o.rail = w.rail and o.account = w.account
        and o.kind = 'balance_transaction' and o.object_id = l.rail_movement_id
    where w.rail = :rail and w.account = :account
      and (w.listed_at >= :since or l.rail_movement_id in (
        select subject from review_item where kind = 'drift' and state = 'open'))
      and (o.amount, o.currency) is distinct from (l.amount - l.fee, l.currency)
    order by l.rail_movement_id limit :limit"""
)
_TRANSIT = sa.text(
    """select w.facts::text as facts, a.currency, sum(p.amount)::bigint as amount
    from ledger_account a join posting p on p.account_id = a.id
      join journal_entry e on e.id = p.entry_id left join payout w on w.id = e.payout_id
    where a.role = 'payouts_in_transit' and (w.id is null
      or w.rail = :rail and w.account = :account)
    group by w.id, a.currency having sum(p.amount) <> 0 order by w.id limit :limit"""
)
# As the law `clearing_belongs_to_something` has it.
_OF_NOTHING = sa.text(
    """select a.currency, sum(p.amount)::bigint as amount, min(e.key) as first, count(*) as n
    from journal_entry e join posting p on p.entry_id = e.id
      join ledger_account a on a.id = p.account_id and a.role = 'clearing' and a.rail = :rail
    where e.payment_id is null and e.payout_id is null
      and not exists (select 1 from balance_movement m where m.rail = a.rail
        and split_part(e.key, '/', 2) = 'movement'
        and m.rail_movement_id = split_part(e.key, '/', 3))
    group by 1 having sum(p.amount) <> 0 order by 1"""
)
_REST = sa.text(
    """select rail_payout_id, amount, lines_net, line_count, currency from payout
    where rail = :rail and account = :account and listed_at is not null and lines_net <> amount
    order by id limit :limit"""
)
_TWICE = sa.text(
    """select l.rail_movement_id, max(l.amount - l.fee) as net, max(l.currency) as currency,
      array_agg(w.rail_payout_id order by w.occurred_at, w.id) as payouts
    from payout_line l join payout w on w.id = l.payout_id
    where w.rail = :rail and w.account = :account and l.rail_movement_id in (
      select n.rail_movement_id from payout m join payout_line n on n.payout_id = m.id
      where m.rail = :rail and m.account = :account and m.listed_at >= :since)
    group by l.rail_movement_id having count(*) > 1 order by 1 limit :limit"""
)
_ASKED_FOR = sa.text(
    """select i.subject from review_item i where i.kind = 'drift' and i.state = 'open'
      and i.details->>'kind' = 'balance_transaction'
      and i.details->>'difference' in ('missing_here', 'amount', 'currency')
      and exists (select 1 from payout_line l join payout w on w.id = l.payout_id
        join rail_object o on o.rail = w.rail and o.account = w.account
          and o.kind = 'balance_transaction' and o.object_id = l.rail_movement_id
        where l.rail_movement_id = i.subject
          and (o.amount, o.currency) = (l.amount - l.fee, l.currency))"""
)


def open_payouts(work: Work, after: str) -> list[tuple[str, PayoutFacts]]:
    """Payouts that may still change, some at a time, by our id."""
    return store.open_payouts(
        work.session,
        after,
        recently=work.now - BANK_MAY_REFUSE,
        not_old=work.now - LINES_MAY_COME,
        limit=PAYOUTS_AT_ONCE,
    )


def compare(work: Work, run: Run, payout_id: str, before: PayoutFacts, look: PayoutLook) -> int:
    """Note how what the rail shows of a payout differs from what was known before the look.

    Whatever could be healed is by now. Gives how many differences there are.
    """
    known, now = _here(before), _here(store.facts_of(work.session, payout_id))
    found = []
    for (kind, name), rail in _here(look.facts).items():
        named = difference(rail, known.get((kind, name)))
        if named is not None:
            is_healed = now.get((kind, name)) == rail
            ours = known.get((kind, name))
            found.append(Found(kind, name, named, is_healed, expected=rail, actual=ours))
    found += _no_longer_listed(work, payout_id, look)
    for one in found:
        discrepancies.note(work, run.id, one)
    return len(found)


def unseen(work: Work, run: Run, facts: PayoutFacts, why: str) -> None:
    """The rail does not show a payout that is known here."""
    ours = _here(facts).get((ObjectKind.PAYOUT, facts.payout_id))
    found = Found(
        ObjectKind.PAYOUT,
        facts.payout_id,
        Difference.MISSING_THERE,
        is_healed=False,
        actual=ours,
        note=f"{why}: see at the rail whether it was removed, or belongs to another account",
    )
    discrepancies.note(work, run.id, found)


def stepped(work: Work, run: Run, step: Step, last: str | None, counted: Counted) -> Step:
    """Some payouts were read again, the `last` one of them by our id; None: there were none."""
    cursor = last or step.cursor
    reconciliation.stepped(work, run, OPEN_PAYOUTS, cursor, counted)
    is_complete = counted.rows < PAYOUTS_AT_ONCE
    if is_complete:
        reconciliation.step_done(work, run, OPEN_PAYOUTS)
    return Step(cursor, step.pages + 1, is_complete)


def doubt_lines(work: Work, run: Run) -> None:
    """Each line of what was listed lately has to be in the books as it was listed.

    What is not is a doubt: the rail is asked to which payment it belongs, and that one is healed.
    """
    if reconciliation.step(work, run, PAYOUT_LINES).is_complete:
        return
    for row in work.session.execute(_LINES, _given(run) | {"since": run.window.since}):
        rail = Shown(row.net, row.currency, row.category)
        is_known = row.our_net is not None
        ours = Shown(row.our_net, row.our_currency, row.our_state) if is_known else None
        named = difference(rail, ours)
        assert named is not None, "a line that agrees is not looked for"
        found = Found(
            ObjectKind.MOVEMENT,
            row.rail_movement_id,
            named,
            is_healed=False,
            is_looked_at=False,
            expected=rail,
            actual=ours,
            payment_id=row.payment_id,
        )
        discrepancies.note(work, run.id, found)
    known = list(work.session.scalars(_ASKED_FOR))
    reviews.close_items(work, [ReviewKind.DRIFT], known, resolution="both sides agree now")
    reconciliation.step_done(work, run, PAYOUT_LINES)


def find(work: Work, run: Run) -> None:
    """Hold the ledger against the payouts, these against what they consist of, and the bank."""
    # The weightiest of a payout last: of each only one is kept in a run.
    for found in (
        *_twice(work, run),
        *_rests(work, run),
        *_in_clearing(work, run),
        *bank_checks.find(work, run),
        *_in_transit(work, run),
    ):
        discrepancies.note(work, run.id, found)
    for facts, detail in verification.of_payouts(work.session):
        if (facts.rail, facts.account) == (run.rail, run.account):
            discrepancies.note(
                work, run.id, _payout(facts.payout_id, Difference.NOT_BOOKED, detail)
            )


def _in_clearing(work: Work, run: Run) -> Iterable[Found]:
    """What the ledger says that the rail holds, and no payment, payout or movement does."""
    for row in work.session.execute(_OF_NOTHING, {"rail": run.rail}):
        yield Found(
            ACCOUNT,
            f"clearing {row.currency}",
            Difference.MISSING_THERE,
            is_healed=False,
            actual=Shown(row.amount, row.currency, ""),
            note=f"{row.n} entries for nothing that the rail has, the first of them {row.first}:"
            " look at them, and reverse what is wrong",
        )


def _in_transit(work: Work, run: Run) -> Iterable[Found]:
    for row in work.session.execute(_TRANSIT, _given(run)):
        if row.facts is None:
            yield Found(
                ACCOUNT,
                f"payouts_in_transit {row.currency}",
                Difference.MISSING_THERE,
                is_healed=False,
                actual=Shown(row.amount, row.currency, ""),
                note="booked for no payout: look at its entries, and reverse what is wrong",
            )
            continue
        facts = decode_facts(row.facts)
        status = payouts.status(facts)
        is_over = status in DEAD or status is payouts.PayoutStatus.PAID
        if is_over or payouts.is_late(facts, work.now):
            named = Difference.NOT_BOOKED if is_over else Difference.IN_TRANSIT
            trace = f" for {facts.trace_id}" if facts.trace_id else ""
            yield Found(
                ObjectKind.PAYOUT,
                facts.payout_id,
                named,
                is_healed=False,
                expected=Shown(0, row.currency, "paid"),
                actual=Shown(row.amount, row.currency, status.value),
                note=f"ask the bank{trace}; if it has it, the rail has to say so",
            )


def _rests(work: Work, run: Run) -> Iterable[Found]:
    for row in work.session.execute(_REST, _given(run)):
        rest = decimal_text(row.amount - row.lines_net, row.currency)
        yield Found(
            ObjectKind.PAYOUT,
            row.rail_payout_id,
            Difference.PAYOUT,
            is_healed=False,
            expected=Shown(row.amount, row.currency, ""),
            actual=Shown(row.lines_net, row.currency, ""),
            note=f"{rest} {row.currency} is in none of its {row.line_count} lines: ask the rail",
        )


def _twice(work: Work, run: Run) -> Iterable[Found]:
    for row in work.session.execute(_TWICE, _given(run) | {"since": run.window.since}):
        yield Found(
            ObjectKind.MOVEMENT,
            row.rail_movement_id,
            Difference.TWICE,
            is_healed=False,
            actual=Shown(row.net, row.currency, ""),
            note=f"in {' and '.join(row.payouts)}: ask the rail which of them carried it",
        )


def _no_longer_listed(work: Work, payout_id: str, look: PayoutLook) -> Iterable[Found]:
    if look.members is None:
        return
    shown = {member.row.id for member in look.members}
    for name, (net, currency) in store.kept_lines(work.session, payout_id).items():
        if name not in shown:
            yield Found(
                ObjectKind.MOVEMENT,
                name,
                Difference.MISSING_THERE,
                is_healed=False,
                actual=Shown(net, currency, ""),
                note=f"{look.facts.payout_id} consisted of it, and does not any more: ask the rail",
            )


def _payout(name: str, named: Difference, note: str) -> Found:
    return Found(ObjectKind.PAYOUT, name, named, is_healed=False, note=note)


def _here(facts: PayoutFacts) -> dict[_At, Shown]:
    seen = views_of_payout(facts)
    return {(v.kind, v.id): Shown(v.amount, v.currency, v.state) for v in seen}


def _given(run: Run) -> dict[str, object]:
    return {"rail": run.rail, "account": run.account, "limit": FOUND_MAX}
