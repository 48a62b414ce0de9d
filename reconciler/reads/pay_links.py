"""Pages of a rail to pay on, as lists and screens show them, and what may be paid there."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import part_payments, pay_links
from reconciler.books.pay_links import PayLinkState
from reconciler.errors import NotFound
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order
from reconciler.work import Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class PayLinkRow:
    """Where `amount`, in minor units, can be paid for an invoice or a deposit while it is `open`.

    `url` is gone once it has ended; `why` says what ended it.
    """

    id: str
    rail: str
    invoice_id: str | None
    deposit_id: str | None
    number: str
    amount: int
    currency: str
    state: PayLinkState
    url: str | None
    why: str | None
    cause: Cause
    created_at: datetime
    expires_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayOffer:
    """What may be paid of a document now, in minor units: from `least` up to `most`.

    `policy` is the one in force; `words` say it to the client, and are empty where any part does.
    """

    policy: str
    least: int
    most: int
    words: str

    @property
    def is_whole(self) -> bool:
        """Whether only all of it will do."""
        return self.least == self.most


LISTING = Listing(
    source="pay_link l",
    order=Order(("l.created_at", "l.id"), ("timestamptz", "text")),
    conditions={
        "invoice_id": "l.invoice_id = :invoice_id",
        "deposit_id": "l.deposit_id = :deposit_id",
        "state": "l.state = :state",
    },
)
_LINKS = sa.text(
    """select l.*, coalesce(i.number, d.code) as number from pay_link l
      left join invoice i on i.id = l.invoice_id left join deposit d on d.id = l.deposit_id
    where l.id = any(:ids)"""
)
_LIVE = sa.text(
    """select id from pay_link where coalesce(invoice_id, deposit_id) = :id
      and state in ('planned', 'open')"""
)
_OFFERS = sa.text(
    """select x.*, coalesce((select sum(p.on_its_way) from payment p
        where p.bound_for = x.id and p.on_its_way > 0), 0)::bigint as coming
    from (
      select i.id, i.currency, i.total, coalesce(i.part_payments, c.part_payments) as policy,
        case when i.state = 'sent' then i.outstanding else 0 end as outstanding
      from invoice i join customer c on c.id = i.customer_id where i.id = any(:ids)
      union all
      select d.id, d.currency, d.amount, c.part_payments,
        case when d.ended_at is null then d.amount - d.received else 0 end
      from deposit d join customer c on c.id = d.customer_id where d.id = any(:ids)) x"""
)
_SAME = (
    "id", "rail", "invoice_id", "deposit_id", "number", "amount", "currency", "url", "why",
    "created_at", "expires_at", "closed_at",
)  # fmt: skip


def page(session: Session, filters: Mapping[str, object], wanted: Wanted) -> Page[PayLinkRow]:
    """Pay links, the newest first."""
    ids, more = LISTING.keys(session, filters, wanted)
    return Page(in_order(ids, _load(session, ids)), more)


def one(session: Session, link_id: str) -> PayLinkRow:
    """One pay link. Raises NotFound."""
    found = _load(session, [link_id])
    if not found:
        raise NotFound(f"there is no pay link {link_id}")
    return found[link_id]


def live(session: Session, target_id: str) -> PayLinkRow | None:
    """The link of an invoice or deposit that can be paid, if there is one."""
    found = session.execute(_LIVE, {"id": target_id}).scalar()
    return one(session, found) if found else None


def offers(session: Session, ids: Collection[str]) -> dict[str, PayOffer]:
    """What may be paid now of each of these invoices and deposits."""
    found: dict[str, PayOffer] = {}
    for row in session.execute(_OFFERS, {"ids": list(ids)}):
        policy = part_payments.read(row.policy)
        room = pay_links.room(outstanding=row.outstanding, on_its_way=row.coming)
        least = part_payments.least(policy, total=row.total, room=room, currency=row.currency)
        words = part_payments.words(policy, total=row.total, room=room, currency=row.currency)
        found[row.id] = PayOffer(policy=row.policy, least=least, most=room, words=words)
    return found


def _load(session: Session, ids: Collection[str]) -> dict[str, PayLinkRow]:
    return {
        row.id: PayLinkRow(
            **{name: getattr(row, name) for name in _SAME},
            state=PayLinkState(row.state),
            cause=Cause(row.cause_kind, row.cause_id),
        )
        for row in session.execute(_LINKS, {"ids": list(ids)})
    }
