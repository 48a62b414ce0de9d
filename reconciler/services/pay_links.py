"""Pay links: planned in one transaction, made at the rail between, recorded in the next.

A document has at most one link that can be paid: another amount ends the one before. What is paid
through a link names its document twice, by metadata and by the checkout itself, so that matching
is certain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import part_payments, pay_links as rules
from reconciler.books.pay_links import CheckoutOrder, PayLinkState
from reconciler.errors import Conflict, NotFound
from reconciler.ids import new_id
from reconciler.services import audit, rail_references
from reconciler.store import holds
from reconciler.store.holds import ON_HOLD
from reconciler.store.pay_links import PayLink
from reconciler.work import Work

# A rail keeps a checkout open for a day at most, and forgets a key after that.
LIVES = timedelta(hours=23)
# Nobody is sent to a page that ends while they look for their card.
LEFT_AT_LEAST = timedelta(minutes=15)
HOURLY_MAX = 30  # through one link of a client
STALE_MAX = 50

_TARGETS = {
    "invoice": sa.text(
        """select i.id, i.number, i.customer_id, i.currency, i.state, i.outstanding, c.email,
          i.total, coalesce(i.part_payments, c.part_payments) as part_payments,
          false as is_deposit from invoice i join customer c on c.id = i.customer_id
        where i.id = :id for no key update of i"""
    ),
    "deposit": sa.text(
        """select d.id, d.code as number, d.customer_id, d.currency,
          case when d.ended_at is null then 'sent' else 'asked for no more' end as state,
          d.amount - d.received as outstanding, c.email, d.amount as total, c.part_payments,
          true as is_deposit
        from deposit d join customer c on c.id = d.customer_id
        where d.id = :id for no key update of d"""
    ),
}
_COMING = sa.text(
    "select coalesce(sum(on_its_way), 0)::bigint from payment"
    " where bound_for = :id and on_its_way > 0"
)
_LIVE = sa.text(
    """select id from pay_link where coalesce(invoice_id, deposit_id) = :id
      and state in ('planned', 'open')"""
)
_IS_USED = sa.text("select exists (select 1 from payment_alias where object_id = :object_id)")
_HOURLY = sa.text(
    "select count(*) from pay_link where portal_link_id = :link and created_at > :since"
)
# What can no longer be paid as it was meant: it ended, less is owed than it asks for, or it is on
# hold, so that nobody is asked to pay it.
_STALE = sa.text(
    f"""select l.id from pay_link l
      left join invoice i on i.id = l.invoice_id left join deposit d on d.id = l.deposit_id
    where l.state <> 'closed' and (l.state = 'closing' or l.expires_at <= :now or {ON_HOLD}
      or l.amount > coalesce(case when i.state = 'sent' then i.outstanding else 0 end,
        d.amount - d.received)
      or exists (select 1 from payment_alias a where a.object_id = l.object_id))
    order by l.id limit :limit"""
)
_IS_STALE = sa.text(f"select exists ({_STALE.text})")


@dataclass(frozen=True, slots=True, kw_only=True)
class PayAsk:
    """What is to be paid: an invoice or a deposit, all that is left or a part, in minor units."""

    noun: str
    target_id: str
    amount: int | None = None
    portal_link_id: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """A link as it stands; without a `url` the rail has to be asked. `to_end` come before it."""

    id: str
    rail: str
    amount: int
    currency: str
    number: str
    url: str | None
    order: CheckoutOrder
    to_end: tuple[str, ...]


def plan(work: Work, ask: PayAsk) -> Planned:
    """The link for this; the one that is open where it asks for the same.

    Raises NotFound, Conflict where nothing may be asked for or one client asks too often, Invalid
    for an amount that cannot be.
    """
    target = work.session.execute(_TARGETS[ask.noun], {"id": ask.target_id}).first()
    if target is None:
        raise NotFound(f"there is no {ask.noun} {ask.target_id}")
    amount = _agreed(work, target, ask)
    live = [_row(work, link_id) for link_id in work.session.scalars(_LIVE, {"id": target.id})]
    kept = [row for row in live if row.amount == amount and _may_be_paid(work, row)]
    for row in live:
        if row not in kept:
            row.state, row.why = PayLinkState.CLOSING.value, "another link took its place"
    work.session.flush()
    work.has_only_looked = bool(kept)
    row = kept[0] if kept else _make(work, ask, target, amount)
    ending = tuple(one.id for one in live if one is not row)
    return Planned(
        row.id, row.rail, amount, row.currency, target.number, row.url, _order(row, target), ending
    )


def record(work: Work, link_id: str, object_id: str, url: str) -> None:
    """The rail made it: money through it is for its document from now on."""
    row = _row(work, link_id)
    rail_references.add(
        work, row.rail, [object_id], invoice_id=row.invoice_id, deposit_id=row.deposit_id
    )
    row.object_id, row.url = object_id, url
    if row.state == PayLinkState.PLANNED:
        row.state = PayLinkState.OPEN.value
    after = {"object_id": object_id, "rail": row.rail, "target": row.invoice_id or row.deposit_id}
    audit.note(work, "pay_link.opened", row.id, after=after)
    work.session.flush()


def revoke(work: Work, link_id: str) -> None:
    """Nobody is to pay through it any more: it is ended at the rail as soon as that answers.

    Raises NotFound, and Conflict for one that has ended or is being ended.
    """
    row = _row(work, link_id)
    if row.state not in {PayLinkState.PLANNED, PayLinkState.OPEN}:
        raise Conflict(f"the pay link {link_id} has ended")
    row.state, row.why = PayLinkState.CLOSING.value, "somebody revoked it"
    audit.note(work, "pay_link.revoked", link_id, after={"amount": row.amount})
    work.session.flush()


def end_those_of(work: Work, target_id: str, why: str) -> None:
    """The links of an invoice or deposit that can be paid are to be ended."""
    for link_id in work.session.scalars(_LIVE, {"id": target_id}).all():
        row = _row(work, link_id)
        row.state, row.why = PayLinkState.CLOSING.value, why
    work.session.flush()


def close(work: Work, link_id: str, why: str) -> None:
    """Nothing can be paid through it any more. Twice is once."""
    row = _row(work, link_id)
    if row.state == PayLinkState.CLOSED:
        work.has_only_looked = True
        return
    row.state, row.why, row.closed_at = PayLinkState.CLOSED.value, row.why or why, work.now
    row.url = None
    audit.note(work, "pay_link.closed", row.id, after={"why": row.why})
    work.session.flush()


def stale(work: Work) -> Sequence[str]:
    """Links that are to be ended: their time has come, or less is owed than they ask for."""
    return list(work.session.scalars(_STALE, {"now": work.now, "limit": STALE_MAX}))


def is_due(session: Session, now: datetime) -> bool:
    """Whether a link is to be ended."""
    return bool(session.scalar(_IS_STALE, {"now": now, "limit": 1}))


@dataclass(frozen=True, slots=True)
class Ending:
    """A link to be ended at its rail. Without an `object_id` nobody knows whether it is there."""

    rail: str
    object_id: str | None
    order: CheckoutOrder
    is_over: bool


def ending(work: Work, link_id: str) -> Ending:
    """What is to be said to the rail; `is_over`: nothing, it was used or has ended by itself."""
    row = _row(work, link_id)
    noun, at = ("invoice", row.invoice_id) if row.invoice_id else ("deposit", row.deposit_id)
    target = work.session.execute(_TARGETS[noun], {"id": at}).one()
    is_used = row.object_id is not None and _is_used(work, row.object_id)
    return Ending(
        row.rail, row.object_id, _order(row, target), is_used or row.expires_at <= work.now
    )


def _agreed(work: Work, target: sa.Row[Any], ask: PayAsk) -> int:
    if target.state != "sent":
        raise Conflict(f"{target.number} is {target.state}: nobody owes it")
    if why := holds.why(work.session, [target.id]).get(target.id):
        raise Conflict(
            f"{target.number} is on hold: {why}. Nobody is asked to pay it until that is decided",
            field="invoice_id",
        )
    if ask.portal_link_id is not None:
        since = work.now - timedelta(hours=1)
        given = {"link": ask.portal_link_id, "since": since}
        if work.session.execute(_HOURLY, given).scalar_one() >= HOURLY_MAX:
            raise Conflict("That was tried too often. Wait an hour, or ask us.")
    coming = work.session.execute(_COMING, {"id": target.id}).scalar_one()
    free = rules.room(outstanding=target.outstanding, on_its_way=coming)
    policy = part_payments.read(target.part_payments)
    least = part_payments.least(policy, total=target.total, room=free, currency=target.currency)
    return rules.agreed(ask.amount, room=free, currency=target.currency, least=least)


def _may_be_paid(work: Work, row: PayLink) -> bool:
    if row.expires_at < work.now + LEFT_AT_LEAST:
        return False
    return row.object_id is None or not _is_used(work, row.object_id)


def _is_used(work: Work, object_id: str) -> bool:
    return bool(work.session.scalar(_IS_USED, {"object_id": object_id}))


def _make(work: Work, ask: PayAsk, target: sa.Row[Any], amount: int) -> PayLink:
    row = PayLink(
        id=new_id("pln"),
        rail="stripe",
        invoice_id=None if target.is_deposit else target.id,
        deposit_id=target.id if target.is_deposit else None,
        amount=amount,
        currency=target.currency,
        state=PayLinkState.PLANNED.value,
        key=new_id("checkout"),
        portal_link_id=ask.portal_link_id,
        cause_kind=work.cause.kind,
        cause_id=work.cause.id,
        created_at=work.now,
        expires_at=work.now + LIVES,
    )
    work.session.add(row)
    work.session.flush()
    after = {"target": target.id, "amount": amount, "currency": target.currency}
    audit.note(work, "pay_link.planned", row.id, after=after)
    return row


def _order(row: PayLink, target: sa.Row[Any]) -> CheckoutOrder:
    return CheckoutOrder(
        link_id=row.id,
        noun="deposit" if target.is_deposit else "invoice",
        number=target.number,
        amount=row.amount,
        currency=row.currency,
        email=target.email,
        expires_at=row.expires_at,
        key=row.key,
    )


def _row(work: Work, link_id: str) -> PayLink:
    row = work.session.get(PayLink, link_id, with_for_update={"key_share": True})
    if row is None:
        raise NotFound(f"there is no pay link {link_id}")
    return row
