"""What the screens show of refunds: cards with their legs, and how much could still go back."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import refunds as rules
from reconciler.books.refund_routes import Method
from reconciler.books.refunds import HOLDING, Reserved
from reconciler.reads import payees, refund_books, refunds, screens_payments
from reconciler.reads.asked_back import IS_WAITING
from reconciler.reads.payees import PayeeRow
from reconciler.reads.refund_books import RefundBooks
from reconciler.reads.refunds import Outline, RefundRow
from reconciler.reads.screens_payments import PaymentLine
from reconciler.store.claims import decode_facts

T = TypeVar("T")

# Some of it did not arrive, and somebody has to do something about that: also while another part
# is still on its way.
_IN_TROUBLE = """exists (select 1 from refund_leg l where l.refund_id = r.id
      and l.replaced_by is null and l.status in ('failed', 'manual'))"""
_LISTED = sa.text(
    f"""select r.id, r.requested_at from refund r
    where case cast(:trouble as text) when 'only' then {_IN_TROUBLE}
        when 'past' then r.status = any(:statuses) or (r.status = 'failed' and not {_IN_TROUBLE})
        else r.status = any(:statuses) end
      and (cast(:mine as text) is null or (r.requested_by = :mine
        or :mine = any(r.edited_by)) = :is_mine)
      and (cast(:before as timestamptz) is null
        or (r.requested_at, r.id) < (cast(:before as timestamptz), cast(:before_id as text)))
    order by r.requested_at desc, r.id desc limit :limit"""
)
# What is done is nearly all there is, and is counted from the index of states; few others are read.
_COUNTS = sa.text(
    f"""select count(*) filter (where requested_by <> :me and not :me = any(edited_by)) as me,
      count(*) filter (where requested_by = :me or :me = any(edited_by)) as others,
      (select count(*) from refund where status = any(:sent)) as sent,
      (select count(distinct l.refund_id) from refund_leg l where {IS_WAITING}
        and l.status in ('failed', 'manual')) as trouble,
      (select count(*) from refund where status = any(:done))
        + (select count(*) from refund r where status = 'failed' and not {_IN_TROUBLE}) as done
    from refund where status = 'requested'"""
)
_AROUND = sa.text(
    """select r.id, c.name as customer, coalesce(u.name, k.name, r.requested_by) as asked_by,
      coalesce(a.name, r.approved_by) as approved_by, i.number, d.code,
      coalesce(o.name, r.terms_overridden_by) as overridden_by,
      (select string_agg(coalesce(e.name, x), ', ' order by x) from unnest(r.edited_by) x
        left join user_account e on e.id = x) as edited_by
    from refund r left join customer c on c.id = r.customer_id
      left join user_account u on u.id = r.requested_by
      left join api_key k on k.id = r.requested_by
      left join user_account a on a.id = r.approved_by
      left join user_account o on o.id = r.terms_overridden_by
      left join invoice i on i.id = r.invoice_id left join deposit d on d.id = r.deposit_id
    where r.id = any(:ids)"""
)
_OF_PAYMENTS = sa.text(
    """select w.id as payment_id, f.id from unnest(cast(:ids as text[])) w(id) cross join lateral (
      select distinct r.id, r.requested_at from refund r join refund_leg l on l.refund_id = r.id
      where l.payment_id = w.id order by r.requested_at desc, r.id desc limit 50) f
    order by f.requested_at desc, f.id desc"""
)
# Asked of the invoice itself, or of a payment of which it takes more than pays nothing.
_OF_INVOICE = sa.text(
    """select r.id from refund r
    where r.status = any(:statuses) and r.id in (
      select id from refund where invoice_id = :id
      union all
      select f.id from allocation a join payment p on p.id = a.payment_id
        join refund_leg l on l.payment_id = p.id join refund f on f.id = l.refund_id
      where a.invoice_id = :id and a.amount > 0 and f.payment_id is not null
        and l.replaced_by is null and l.rail_refund_id is null
        and l.amount > p.captured - p.refunded - p.lost - (select sum(o.amount)
          from allocation o where o.payment_id = p.id))
    order by r.requested_at desc, r.id desc limit 20"""
)
_FACTS = sa.text("select id, facts::text as facts from payment where id = any(:ids)")
_HELD = sa.text(
    """select payment_id, target_id, reference, amount from refund_leg
    where payment_id = any(:ids) and replaced_by is null and rail_refund_id is null
      and status = any(:holding)"""
)
_INVOICE_CLAIMS = sa.text(
    """select a.payment_id, a.invoice_id as target_id, a.amount from allocation a
    where a.invoice_id = :id and a.amount > 0
    union all
    select a.payment_id, a.deposit_id, least(a.amount, x.amount) from application x
      join allocation a on a.deposit_id = x.deposit_id and a.amount > 0
    where x.invoice_id = :id and x.amount > 0"""
)
_DEPOSIT_CLAIMS = sa.text(
    """select a.payment_id, a.deposit_id as target_id, a.amount from allocation a
    where a.deposit_id = :id and a.amount > 0"""
)

SENT = ("approved", "submitted", "unknown", "pending", "requires_action")
DONE = ("succeeded", "rejected", "canceled")


@dataclass(frozen=True, slots=True)
class Around:
    """Names for what a refund only has ids of."""

    id: str
    customer: str | None
    asked_by: str
    approved_by: str | None
    number: str | None
    code: str | None
    overridden_by: str | None
    edited_by: str | None


@dataclass(frozen=True, slots=True)
class RefundCard:
    """A refund with the names around it; `payments` are those that its money came with, by id.

    `payee` is what is known of the account it goes to, where people pay a part of it back.
    """

    refund: RefundRow
    around: Around
    books: RefundBooks
    payments: Mapping[str, PaymentLine]
    payee: PayeeRow | None = None

    @property
    def needs_transfer(self) -> bool:
        """Whether somebody has still to pay a part of it back, and may do so by bank transfer."""
        return _needs_transfer(self.refund)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many refunds each tab has."""

    me: int
    others: int
    sent: int
    trouble: int
    done: int


@dataclass(frozen=True, slots=True)
class WantedRefunds:
    """Which refunds: in these states, and those that `mine` asked for or did not.

    `trouble`: "only" those of which a part did not arrive, in whatever state; "past", besides, what
    failed in part and waits for nobody any more.
    """

    statuses: Sequence[str] = ()
    mine: str | None = None
    is_mine: bool = False
    trouble: str = ""


def cards(
    session: Session,
    wanted: WantedRefunds,
    *,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[RefundCard]:
    """Refunds, the last asked for first."""
    at, refund_id = before or (None, None)
    given = {
        "statuses": list(wanted.statuses), "mine": wanted.mine, "is_mine": wanted.is_mine,
        "before": at, "before_id": refund_id, "limit": limit, "trouble": wanted.trouble,
    }  # fmt: skip
    return some(session, [row.id for row in session.execute(_LISTED, given)])


def of_payment(session: Session, payment_id: str) -> list[RefundCard]:
    """The refunds that have a leg on a payment, the last asked for first."""
    return of_payments(session, [payment_id]).get(payment_id, [])


def of_payments(session: Session, payment_ids: Collection[str]) -> dict[str, list[RefundCard]]:
    """By payment, the refunds that have a leg on it, the last asked for first."""
    rows = session.execute(_OF_PAYMENTS, {"ids": sorted(set(payment_ids))}).all()
    known = {card.refund.id: card for card in some(session, list({row.id for row in rows}))}
    return _by_payment(rows, known)


def outlines(session: Session, payment_ids: Collection[str]) -> dict[str, list[Outline]]:
    """By payment, in outline the refunds that have a leg on it, the last asked for first."""
    if not payment_ids:
        return {}
    rows = session.execute(_OF_PAYMENTS, {"ids": sorted(set(payment_ids))}).all()
    return _by_payment(rows, refunds.outlines(session, {row.id for row in rows}))


def _by_payment(rows: Iterable[sa.Row[Any]], known: Mapping[str, T]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = {}
    for row in rows:
        found.setdefault(row.payment_id, []).append(known[row.id])
    return found


def of_invoice(session: Session, invoice_id: str) -> list[RefundCard]:
    """The refunds of an invoice that have not come to their end, the last asked for first."""
    given = {"id": invoice_id, "statuses": ["requested", *SENT, "manual"]}
    return some(session, list(session.scalars(_OF_INVOICE, given)))


def some(session: Session, ids: Sequence[str]) -> list[RefundCard]:
    """These refunds, in this order; unknown ones are left out."""
    if not ids:
        return []
    rows = refunds.load(session, ids)
    around = {r.id: Around(**r._asdict()) for r in session.execute(_AROUND, {"ids": list(ids)})}
    whose = [leg.payment_id for row in rows.values() for leg in row.legs]
    paid = screens_payments.payments(session, whose)
    books = refund_books.of(session, list(rows.values()))
    whom = {row.id: row.customer_id for row in rows.values() if _needs_transfer(row)}
    known = payees.of(session, {one for one in whom.values() if one})
    return [
        RefundCard(rows[one], around[one], books[one], paid, known.get(whom.get(one) or ""))
        for one in ids
        if one in rows
    ]


def _needs_transfer(refund: RefundRow) -> bool:
    return refund.status not in DONE and any(
        leg.is_for_people and leg.method in {None, Method.BANK_TRANSFER} and leg.status not in DONE
        for leg in refund.legs
    )


def counts(session: Session, me: str) -> Counts:
    """How many refunds each tab has for this person."""
    given = {"me": me, "sent": list(SENT), "done": list(DONE)}
    return Counts(*session.execute(_COUNTS, given).one())


def refundable(session: Session, payment_ids: Collection[str]) -> dict[str, int]:
    """What of each payment could still be given back."""
    held: dict[str, list[Reserved]] = {}
    for row in _held(session, payment_ids):
        held.setdefault(row.payment_id, []).append(Reserved(row.reference, row.amount))
    return {
        row.id: rules.refundable(decode_facts(row.facts), held.get(row.id, []))
        for row in session.execute(_FACTS, {"ids": list(payment_ids)})
    }


def most_of_invoice(session: Session, invoice_id: str) -> int:
    """About what could be given back of an invoice; asking for it counts exactly."""
    return _most(session, session.execute(_INVOICE_CLAIMS, {"id": invoice_id}).all())


def most_of_deposit(session: Session, deposit_id: str, remaining: int) -> int:
    """About what could be given back of a deposit's unused part."""
    return min(
        remaining, _most(session, session.execute(_DEPOSIT_CLAIMS, {"id": deposit_id}).all())
    )


def _held(session: Session, payment_ids: Collection[str]) -> Sequence[sa.Row[Any]]:
    given = {"ids": list(payment_ids), "holding": [status.value for status in HOLDING]}
    return session.execute(_HELD, given).all()


def _most(session: Session, rows: Sequence[sa.Row[Any]]) -> int:
    """What the payments put there, less what is asked back of that already."""
    paid: dict[str, int] = {}
    for row in rows:
        paid[row.payment_id] = paid.get(row.payment_id, 0) + row.amount
    targets = {row.target_id for row in rows}
    for leg in _held(session, paid):
        if leg.target_id in targets:
            paid[leg.payment_id] -= leg.amount
    can: Mapping[str, int] = refundable(session, paid)
    return sum(max(0, min(paid[one], can.get(one, 0))) for one in paid)
