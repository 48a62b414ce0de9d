"""The first page: what waits for a person, and whether the machine is well."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.reads.asked_back import (
    ASKED_BACK,
    IS_ASKED_AGAIN,
    IS_ASKED_BACK,
    IS_MATCHING,
    IS_WAITING,
    WAITS_AS_REFUND,
)
from reconciler.reads.bills import DUE_SOON
from reconciler.reads.milestones import Drafted, Unsigned
from reconciler.reads.waits_since import WAITS_SINCE
from reconciler.store import inbox_rows, ledger_totals
from reconciler.store.ledger_totals import TOTALS

_IN_SIGHT = "(r.snoozed_until is null or r.snoozed_until <= :today)"
# Of a payment that is asked back whole its refund waits, and not the payment as well.
# That is WAITS_AS_REFUND, but what is asked back is looked for once, and not for each of them.
_REVIEWS = sa.text(
    f"""with asked as materialized ({ASKED_BACK})
    select r.kind, coalesce(r.currency, '') as currency, count(*) as number,
      coalesce(sum(r.amount), 0)::bigint as amount, min({WAITS_SINCE}) as oldest
    from review_item r where r.state = 'open' and {_IN_SIGHT}
      and not ({IS_MATCHING} and r.payment_id in (select payment_id from asked))
      and not (r.kind = 'refund_failed' and r.subject is distinct from r.refund_id
        and {IS_ASKED_AGAIN})
    group by r.kind, r.currency order by 1, 2"""
)
_SNOOZED = sa.text(
    f"""select case when kind = 'refund_failed' and subject is distinct from refund_id
        then 'outside_refund_failed' else kind end as kind, count(*) as number
    from review_item where state = 'open' and snoozed_until > :today group by 1
    union all
    select case when due_on < :today then 'bill_overdue' else 'bill_due' end, count(*)
    from bill where state = 'open' and outstanding > 0 and snoozed_until > :today
      and due_on < cast(:today as date) + {DUE_SOON.days + 1}
    group by 1"""
)
_REFUNDS = sa.text(
    """select 'refund_' || status as kind, currency, count(*) as number,
      sum(amount)::bigint as amount, min(requested_at) as oldest
    from refund where status in ('requested', 'approved', 'submitted', 'unknown', 'manual')
    group by 1, 2 order by 1, 2"""
)
# What of our refunds did not arrive, as the list of them has it, since it is known.
_TROUBLE = sa.text(
    f"""select 'refund_in_trouble' as kind, r.currency, count(distinct r.id) as number,
      sum(l.amount)::bigint as amount, min(s.since) as oldest
    from refund_leg l join refund r on r.id = l.refund_id
      cross join lateral (select coalesce(max(p.at), r.requested_at) as since from refund_step p
        where p.refund_id = r.id and p.leg_id = l.id and p.after = l.status) s
    where {IS_WAITING} and l.status in ('failed', 'manual')
    group by 1, 2 order by 1, 2"""
)
# Refunds that nobody here asked for, or that somebody at the rail called off. One that is asked
# for again waits as that.
_OUTSIDE = sa.text(
    f"""select 'outside_refund_failed' as kind, coalesce(r.currency, '') as currency,
      count(*) as number, coalesce(sum(r.amount), 0)::bigint as amount, min(r.opened_at) as oldest
    from review_item r where r.state = 'open' and r.kind = 'refund_failed'
      and {_IN_SIGHT}
      and r.subject is distinct from r.refund_id and not {WAITS_AS_REFUND}
    group by 1, 2 order by 1, 2"""
)
# Open questions as the page of questions has them in groups.
# What did not go out: mails that nobody took, and programs that do not answer any more.
_OUTBOUND = sa.text(
    """select 'mail_failed' as kind, '' as currency, count(*) as number, 0::bigint as amount,
      min(created_at) as oldest from message where state = 'failed' having count(*) > 0
    union all select 'webhook_failing', '', count(*), 0::bigint,
      min(coalesce(failing_since, created_at)) from webhook_endpoint
    where (is_on and failing_since is not null) or (not is_on and disabled_why is not null)
    having count(*) > 0"""
)
# Money that was taken ahead and that nothing was done with for two months. Nothing was done with
# any before it was there, so of younger ones nothing is looked up.
_DEPOSITS_AT_REST = sa.text(
    """select 'deposit_at_rest' as kind, d.currency, count(*) as number,
      sum(d.received - d.applied - d.refunded)::bigint as amount, min(s.since) as oldest
    from deposit d cross join lateral (
      select greatest((select max(a.created_at) from allocation a where a.deposit_id = d.id
          and a.closed_at is null), (select max(u.created_at) from application u
          where u.deposit_id = d.id)) as since) s
    where d.received > d.applied + d.refunded and s.since < cast(:today as date) - 60
      and d.created_at < cast(:today as date) - 60
    group by 1, 2 order by 1, 2"""
)
# What we have to pay: late, or within a week. The day on the bill is since when it is late; until
# then it waits since it was opened.
_BILLS = sa.text(
    f"""select case when due_on < :today then 'bill_overdue' else 'bill_due' end as kind, currency,
      count(*) as number, sum(outstanding)::bigint as amount,
      min(case when due_on < :today then due_on::timestamptz else opened_at end) as oldest
    from bill where state = 'open' and outstanding > 0
      and (snoozed_until is null or snoozed_until <= :today)
      and due_on < cast(:today as date) + {DUE_SOON.days + 1}
    group by 1, 2 order by 1, 2"""
)
# What a bank says otherwise than before.
_CORRECTED = sa.text(
    """select 'bank_correction' as kind, '' as currency, count(*) as number, 0::bigint as amount,
      min(found_at) as oldest from bank_correction where state = 'open' having count(*) > 0"""
)
# Deposits that were asked for, of which something has not come though it was to, or for a month.
_DEPOSITS_UNPAID = sa.text(
    """select 'deposit_unpaid' as kind, d.currency, count(*) as number,
      sum(d.amount - d.received)::bigint as amount,
      min((coalesce(d.due_on, d.taken_on)::timestamp at time zone 'UTC')) as oldest
    from deposit d where d.received < d.amount and d.ended_at is null
      and coalesce(d.due_on, d.taken_on + 30) < :today
      and not exists (select 1 from payment p where p.bound_for = d.id and p.on_its_way > 0)
    group by 1, 2 order by 1, 2"""
)
# What clients said to proposals in the last seven days; what people here typed in they know.
_PROPOSALS_ANSWERED = sa.text(
    """select 'proposal_' || state as kind, currency, count(*) as number,
      sum(price)::bigint as amount, min(decided_at) as oldest
    from proposal where state in ('accepted', 'declined') and decided_cause_kind <> 'person'
      and decided_at > cast(:today as date) - 7
    group by 1, 2 order by 1, 2"""
)
# Asked for with every page. Questions are counted by kind from an index that holds nothing else
# (ix_review_item_waiting); of what waits as a refund already, the few that do are taken off again.
_COUNTS = sa.text(
    f"""with waiting as (select r.kind, count(*) as number from review_item r
        where r.state = 'open' and {_IN_SIGHT} group by r.kind)
    select
      (select coalesce(sum(number), 0)::bigint from waiting where kind = any(:matching))
        - (select count(*) from review_item r
            where r.state = 'open' and r.kind = any(:matching) and {_IN_SIGHT}
              and {IS_ASKED_BACK}) as unmatched,
      (select count(*) from (select f.id from refund f where :may_settle
          and f.status = 'requested' and f.requested_by <> :person
          and not :person = any(f.edited_by)
        union select l.refund_id from refund_leg l where :may_settle and {IS_WAITING}
          and (l.status = 'failed' or l.status = 'manual'
            and l.routed_by is distinct from :person)) theirs) as refunds,
      (select coalesce(sum(number), 0)::bigint from waiting where kind = 'dispute') as disputes,
      (select count(*) from inbox_outcome where status in ('failed', 'quarantined')) as events,
      (select coalesce(sum(number), 0)::bigint from waiting
          where kind <> all(:matching) and kind not in ('dispute', 'manual_refund'))
        - (select count(*) from review_item r
            where r.state = 'open' and r.kind = 'refund_failed' and {_IN_SIGHT}
              and (r.subject is not distinct from r.refund_id or {IS_ASKED_AGAIN})) as questions"""
)
_TO_APPROVE = sa.text(
    """select count(*) filter (where is_own) as own, count(*) filter (where not is_own) as for_me
    from (select requested_by = :person or :person = any(edited_by) as is_own
      from refund where status = 'requested') r"""
)
_PULSE = sa.text(
    f"""select
      (select received_at from inbox_event order by seq desc limit 1) as last_event_at,
      (select max(applied_at) from (select applied_at from inbox_outcome
        where applied_at is not null order by seq desc limit 50) recent) as last_applied_at,
      (select max(fired_at) from job_tick) as clock_seen_at,
      (select min(e.received_at) from inbox_event e where {inbox_rows.IS_NEW}) as oldest_new_at,
      (select min(e.received_at) from inbox_event e join inbox_outcome o on o.seq = e.seq
        where o.status = 'pending') as oldest_again_at"""
)
_BALANCED = sa.text(
    f"""select coalesce(bool_and(difference = 0), true) from (
      select sum(t.debit - t.credit) as difference from ({TOTALS}) t
      join ledger_account l on l.id = t.account_id group by l.currency) d"""
)


@dataclass(frozen=True, slots=True)
class Heap:
    """What of one kind waits in one currency; `currency` is empty where no money is in question."""

    kind: str
    currency: str
    number: int
    amount: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers beside the navigation: what waits for a deed, each thing on one of them.

    `refunds` are those that whoever looks may approve, or settle after they failed or came to
    people. `questions` are those whose answer is given on the page of questions.
    """

    unmatched: int
    refunds: int
    disputes: int
    events: int
    questions: int


@dataclass(frozen=True, slots=True)
class ToApprove:
    """How many refunds wait for approval: those of somebody's `own`, and those left for them."""

    own: int
    for_me: int


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Who sees the numbers, and whether they approve and settle refunds."""

    id: str
    may_settle: bool


@dataclass(frozen=True, slots=True)
class Pulse:
    """When the parts of the machine were last seen at work."""

    last_event_at: datetime | None
    last_applied_at: datetime | None
    clock_seen_at: datetime | None
    oldest_pending_at: datetime | None
    is_balanced: bool


_OF_A_DAY = (_REVIEWS, _OUTSIDE, _BILLS, _DEPOSITS_UNPAID, _PROPOSALS_ANSWERED, _DEPOSITS_AT_REST)
_OTHERS = (_REFUNDS, _TROUBLE, _OUTBOUND, _CORRECTED)


def heaps(
    session: Session, today: date, unsigned: Sequence[Unsigned], to_send: Sequence[Drafted]
) -> list[Heap]:
    """All that waits for a person and is not put off, by kind and currency."""
    return [
        *(Heap(*row) for q in _OF_A_DAY for row in session.execute(q, {"today": today})),
        *(Heap(*row) for q in _OTHERS for row in session.execute(q)),
        *(
            Heap("milestone_unsigned", one.currency, one.number, one.amount, one.since)
            for one in unsigned
        ),
        *_to_send(to_send),
    ]


def _to_send(signed: Sequence[Drafted]) -> list[Heap]:
    found: dict[str, list[tuple[int, datetime]]] = {}
    for one in signed:
        found.setdefault(one.currency, []).append((one.amount, one.since))
    return [
        Heap(
            "milestone_to_send",
            currency,
            len(its),
            sum(amount for amount, _ in its),
            min(since for _, since in its),
        )
        for currency, its in sorted(found.items())
    ]


def snoozed(session: Session, today: date) -> dict[str, int]:
    """How many questions and bills of each kind are put off until a day to come."""
    return {row.kind: row.number for row in session.execute(_SNOOZED, {"today": today})}


def counts(session: Session, matching_kinds: Sequence[str], today: date, who: Onlooker) -> Counts:
    """The numbers beside the navigation."""
    given = {
        "matching": list(matching_kinds), "today": today, "person": who.id,
        "may_settle": who.may_settle,
    }  # fmt: skip
    return Counts(*session.execute(_COUNTS, given).one())


def to_approve(session: Session, person: str) -> ToApprove:
    """How many refunds wait for this person to approve them, and how many of theirs for others."""
    return ToApprove(*session.execute(_TO_APPROVE, {"person": person}).one())


def pulse(session: Session) -> Pulse:
    """When the parts of the machine were last seen at work, and whether the books balance."""
    row = session.execute(_PULSE).one()
    waiting = [at for at in (row.oldest_new_at, row.oldest_again_at) if at]
    return Pulse(
        row.last_event_at,
        row.last_applied_at,
        row.clock_seen_at,
        min(waiting, default=None),
        bool(session.execute(_BALANCED, ledger_totals.told(session)).scalar_one()),
    )
