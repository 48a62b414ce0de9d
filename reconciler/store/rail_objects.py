"""What each object of a rail comes to here: one row for each, made of the payments' facts.

A rail lists objects, and facts are kept by payment. These rows are the facts turned on their side,
so that a listing of any length is compared by one join. They are derived: `reconciler verify`
checks them against the facts.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import Field, Session

from reconciler.books.rail_objects import ObjectKind, View
from reconciler.store import base
from reconciler.store.base import SQLModel, datetime

KINDS = tuple(ObjectKind)

_PUT = sa.text(
    """insert into rail_object
      (rail, account, kind, object_id, payment_id, amount, currency, state, made_at,
       reference)
    select n.rail, n.account, n.kind, n.object_id, n.payment_id, n.amount, n.currency, n.state,
      to_timestamp(n.made), n.reference
    from unnest(cast(:rail as text[]), cast(:account as text[]), cast(:kind as text[]),
      cast(:object_id as text[]), cast(:payment_id as text[]), cast(:amount as bigint[]),
      cast(:currency as text[]), cast(:state as text[]), cast(:made as bigint[]),
      cast(:reference as text[]))
      as n(rail, account, kind, object_id, payment_id, amount, currency, state, made, reference)
    order by 1, 2, 3, 4
    on conflict (rail, account, kind, object_id) do update set payment_id = excluded.payment_id,
      amount = excluded.amount, currency = excluded.currency, state = excluded.state,
      made_at = excluded.made_at, reference = excluded.reference
    where (rail_object.payment_id, rail_object.amount, rail_object.currency, rail_object.state,
        rail_object.made_at, rail_object.reference)
      is distinct from (excluded.payment_id, excluded.amount, excluded.currency, excluded.state,
        excluded.made_at, excluded.reference)"""
)


_NETS = sa.text(
    """select object_id, amount, currency from rail_object
    where rail = :rail and account = :account and kind = :kind and object_id = any(:ids)"""
)


class RailObject(SQLModel, table=True):
    """One object of a rail, as the facts of its payment or payout have it.

    `amount` in minor units of `currency` (empty for a dispute, whose currency nothing tells);
    of a movement it is the net. `state` is books.rail_objects' word. `reference` is that of our
    leg, where the rail shows a refund that was asked for here.
    """

    __tablename__ = "rail_object"
    __table_args__ = (
        base.one_of("rail_object_kind_is_known", "kind", KINDS),
        sa.Index("ix_rail_object_made", "rail", "account", "kind", "made_at"),
        # While refunds are sent it is asked every second whether one of ours is there twice.
        sa.Index(
            "ix_rail_object_reference",
            "reference",
            postgresql_include=["object_id", "payment_id"],
            postgresql_where=sa.text("reference is not null"),
        ),
        # Among all that ever were, those that are under way: they count in every balance.
        sa.Index(
            "ix_rail_object_refund_promised",
            "payment_id",
            postgresql_include=["object_id", "amount"],
            postgresql_where=sa.text("kind = 'refund' and state = 'promised'"),
        ),
    )

    rail: str = Field(sa_type=sa.Text, primary_key=True)
    account: str = Field(sa_type=sa.Text, primary_key=True)
    kind: str = Field(sa_type=sa.Text, primary_key=True)
    object_id: str = Field(sa_type=sa.Text, primary_key=True)
    payment_id: str | None = base.reference("payment.id", nullable=True)
    amount: int = base.minor_units()
    currency: str = base.text()
    state: str = base.text()
    made_at: datetime = base.instant()
    reference: str | None = base.text_or_none()


def put(session: Session, seen: Sequence[tuple[str, str, str | None, View]]) -> None:
    """Write objects: (rail, account, our id of the payment that it is of, view) of each."""
    # Two payments that tell of one object would be one row written twice by one statement.
    once = {(rail, account, v.kind, v.id): (pay, v) for rail, account, pay, v in seen}
    if not once:
        return
    session.execute(
        _PUT,
        {
            "rail": [rail for rail, *_ in once],
            "account": [account for _, account, *_ in once],
            "kind": [kind.value for _, _, kind, _ in once],
            "object_id": [object_id for *_, object_id in once],
            "payment_id": [payment_id for payment_id, _ in once.values()],
            "amount": [view.amount for _, view in once.values()],
            "currency": [view.currency for _, view in once.values()],
            "state": [view.state for _, view in once.values()],
            "made": [view.made for _, view in once.values()],
            "reference": [view.reference for _, view in once.values()],
        },
    )


def nets(
    session: Session, at: tuple[str, str], kind: ObjectKind, ids: Sequence[str]
) -> dict[str, tuple[int, str]]:
    """Amount and currency of those of these objects at (rail, account) that are known here."""
    given = {"rail": at[0], "account": at[1], "kind": kind.value, "ids": list(ids)}
    return {r.object_id: (r.amount, r.currency) for r in session.execute(_NETS, given)}
