"""The books made again from what they stand on, and held against what is written.

Three questions, each answered without trusting what was booked: is all that the events told among
the facts; do the facts alone, from nothing, come to what the journal holds; and does settling every
claim again, as people and the matching left them, change anything.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import payments, payouts, posting_rules
from reconciler.books.journal import JournalEntry
from reconciler.books.observations import BalanceFact, PaymentFacts
from reconciler.books.payouts import Movement, PayoutFacts
from reconciler.services import settlement
from reconciler.services.verification import Violation
from reconciler.store.claims import decode_facts
from reconciler.store.payout_rows import decode_facts as decode_payout
from reconciler.store.suspense import IS_MOVE
from reconciler.work import Work

EVENTS_LAW = "what_events_told_is_among_the_facts"
FACTS_LAW = "the_facts_alone_make_what_the_journal_holds"
CLAIMS_LAW = "settling_every_claim_again_changes_nothing"
LAWS = (EVENTS_LAW, FACTS_LAW, CLAIMS_LAW)
_ROWS_AT_A_TIME = 500

Sums = Counter[tuple[str, str, str]]  # by role, rail and currency, debits less credits

_EVENTS = sa.text(
    """select e.seq, e.rail, e.rail_event_id, e.body, p.facts::text as payment,
      o.facts::text as payout
    from inbox_event e join inbox_outcome w on w.seq = e.seq and w.status = 'applied'
    left join payment p on p.id = w.payment_id left join payout o on o.id = w.payout_id
    where e.seq > :after order by e.seq limit :limit"""
)
_BOOKED = """(select jsonb_agg(jsonb_build_array(role, rail, currency, amount)) from (
      select a.role, a.rail, a.currency, sum(x.amount)::bigint as amount
      from posting x join journal_entry e on e.id = x.entry_id
        join ledger_account a on a.id = x.account_id
      where {whose} group by 1, 2, 3) s)::text as booked"""
_PAYMENTS = sa.text(
    f"""select p.id, p.facts::text as facts, {
        _BOOKED.format(
            whose="e.payment_id = p.id and split_part(e.key, '/', 1) = p.rail"
            f" and split_part(e.key, '/', 2) = p.rail_payment_id and not {IS_MOVE}"
        )
    } from payment p order by p.id"""
)
_PAYOUTS = sa.text(
    f"""select p.id, p.facts::text as facts, {_BOOKED.format(whose="e.payout_id = p.id")}
    from payout p order by p.id"""
)
_MOVED = f"""e.payment_id is null and e.payout_id is null and not {IS_MOVE}
  and split_part(e.key, '/', 2) = 'movement'"""
_MOVEMENTS = sa.text(
    """select rail, account, rail_movement_id, amount, fee, currency, category, kind, balance_type
    from balance_movement"""
)
_MOVEMENTS_BOOKED = sa.text(f"select {_BOOKED.format(whose=_MOVED)}")
_STRAYS = sa.text(
    f"""select e.key from journal_entry e
    where split_part(e.key, '/', 1) = any(:rails) and e.payout_id is null and not ({_MOVED})
      and not {IS_MOVE}
      and not exists (select 1 from payment p where p.id = e.payment_id
        and p.rail = split_part(e.key, '/', 1)
        and p.rail_payment_id = split_part(e.key, '/', 2))
    order by e.key"""
)
_PAYMENT_IDS = sa.text("select id from payment where id > :after order by id limit :limit")
_POSTED_NOW = sa.text(
    """select key from journal_entry where xact = pg_current_xact_id()::text::bigint order by key"""
)
_CLAIMS = sa.text(
    """select 'allocation' as what, id, amount, credited, reopened, written_off from allocation
      where payment_id = any(:ids)
    union all select 'application', u.id, u.amount, u.credited, u.reopened, u.written_off
      from application u where u.deposit_id in (
        select deposit_id from allocation where payment_id = any(:ids))
    order by 1, 2"""
)


@dataclass(frozen=True, slots=True)
class Told:
    """An event that was applied, and the facts as they stand of what it is about."""

    seq: int
    rail: str
    rail_event_id: str
    body: bytes
    payment: PaymentFacts | None
    payout: PayoutFacts | None


def applied_events(session: Session, after: int) -> list[Told]:
    """Some of the events that were applied, in their order, after this one."""
    given = {"after": after, "limit": _ROWS_AT_A_TIME}
    return [
        Told(
            r.seq,
            r.rail,
            r.rail_event_id,
            bytes(r.body),
            decode_facts(r.payment) if r.payment else None,
            decode_payout(r.payout) if r.payout else None,
        )
        for r in session.execute(_EVENTS, given)
    ]


def untold(event: Told, facts: PaymentFacts | None, payout: PayoutFacts | None) -> Violation | None:
    """What of an event, read again as `facts` or `payout`, is not among what is known."""
    name = f"event {event.rail_event_id}"
    if payout is not None:
        known_payout = event.payout
        if known_payout is None or payouts.join(known_payout, payout) != known_payout:
            return Violation(EVENTS_LAW, f"{name} tells of {payout.payout_id} what is not known")
    elif facts is not None:
        known = event.payment
        if known is not None:  # it may have named its payment through another object
            facts = msgspec.structs.replace(facts, payment_id=known.payment_id)
        if known is None or payments.join(known, facts) != known:
            return Violation(EVENTS_LAW, f"{name} tells of {facts.payment_id} what is not known")
    return None


def of_facts(session: Session, rails: Collection[str]) -> Iterator[Violation]:
    """The journal's part of each payment, payout and movement, made anew from facts alone."""
    one_by_one = {"yield_per": _ROWS_AT_A_TIME}
    for row in session.execute(_PAYMENTS.execution_options(**one_by_one)):
        due, _ = posting_rules.entries_due(decode_facts(row.facts), {}, ours=row.id)
        yield from _held_against(f"payment {row.id}", _sums(due), _read(row.booked))
    for row in session.execute(_PAYOUTS.execution_options(**one_by_one)):
        due, _ = payouts.entries_due(decode_payout(row.facts), {}, ours=row.id)
        yield from _held_against(f"payout {row.id}", _sums(due), _read(row.booked))
    wanted = Counter[tuple[str, str, str]]()
    for row in session.execute(_MOVEMENTS.execution_options(**one_by_one)):
        wanted.update(_sums(payouts.movement_entries(_movement(row))))
    booked = _read(session.scalar(_MOVEMENTS_BOOKED))
    yield from _held_against("movements of no payment", wanted, booked)
    for key in session.scalars(_STRAYS, {"rails": list(rails)}):
        yield Violation(FACTS_LAW, f"entry {key} belongs to nothing that a rail told")


def payment_ids(session: Session, after: str) -> list[str]:
    """Some payments, by our id, after this one."""
    return list(session.scalars(_PAYMENT_IDS, {"after": after, "limit": _ROWS_AT_A_TIME}))


def settled_again(work: Work, payments_: Sequence[str]) -> list[Violation]:
    """Settle all claims of these payments as they stand; to be rehearsed, and not kept.

    What it would post or change is what people's decisions and the facts call for and the books
    have not got.
    """
    before = _claims(work, payments_)
    settlement.settle(work, payments=payments_)
    work.session.flush()
    found = [
        Violation(CLAIMS_LAW, f"settling again would post {key}")
        for key in work.session.scalars(_POSTED_NOW)
    ]
    after = _claims(work, payments_)
    found += [
        Violation(CLAIMS_LAW, f"{what} {claim} would take up {after.get(at)} and not {amounts}")
        for at, amounts in before.items()
        for what, claim in [at]
        if after.get(at) != amounts
    ]
    return found


def _claims(work: Work, ids: Sequence[str]) -> Mapping[tuple[str, str], tuple[int, ...]]:
    rows = work.session.execute(_CLAIMS, {"ids": list(ids)})
    return {(r.what, r.id): (r.amount, r.credited, r.reopened, r.written_off) for r in rows}


def _held_against(what: str, wanted: Sums, booked: Sums) -> Iterator[Violation]:
    for at in sorted(wanted.keys() | booked.keys()):
        if wanted[at] != booked[at]:
            role, _, currency = at
            yield Violation(
                FACTS_LAW,
                f"{what}: {role} holds {booked[at]} {currency}, its facts make {wanted[at]}",
            )


def _sums(entries: Iterable[JournalEntry]) -> Sums:
    found = Counter[tuple[str, str, str]]()
    for entry in entries:
        for line in entry.postings:
            account = line.account
            found[account.role.value, account.rail, line.amount.currency] += line.signed
    return found


def _read(text: str | None) -> Sums:
    rows = msgspec.json.decode(text, type=list[tuple[str, str, str, int]]) if text else []
    return Counter({(role, rail, currency): amount for role, rail, currency, amount in rows})


def _movement(row: sa.Row[Any]) -> Movement:
    return Movement(
        rail=row.rail,
        account=row.account,
        kind=row.kind,
        balance_type=row.balance_type,
        row=BalanceFact(
            id=row.rail_movement_id,
            amount=row.amount,
            fee=row.fee,
            currency=row.currency,
            category=row.category,
        ),
    )
