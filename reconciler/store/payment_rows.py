"""Payments written back after a sighting, many at once; and their facts to look at."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.observations import PaymentFacts
from reconciler.store.claims import PaymentRow, decode_facts, encode_facts


@dataclass(frozen=True, slots=True)
class Totals:
    """The columns that follow from a payment's facts. Minor units."""

    authorized: int
    captured: int
    refunded: int
    lost: int
    disputed: int
    on_its_way: int
    fee: int
    fee_currency: str | None
    status: str
    occurred_at: datetime


# column -> its type in PostgreSQL; all of them are written whenever a payment changes
_COLUMNS = {
    "id": "text", "customer_id": "text", "currency": "text", "authorized": "bigint",
    "captured": "bigint", "refunded": "bigint", "lost": "bigint", "disputed": "bigint",
    "on_its_way": "bigint", "bound_for": "text", "fee": "bigint", "fee_currency": "text",
    "status": "text", "facts": "text", "booked": "text",
    "strategy": "text", "match_dated": "bigint", "reasons": "text", "is_held": "boolean",
    "clues": "text", "fetch_due_at": "timestamptz", "fetch_attempts": "bigint",
    "livemode": "boolean", "occurred_at": "timestamptz",
}  # fmt: skip
_FACTS = sa.text("select id, facts::text as facts from payment where id = any(:ids)")
_MADE_ONCE = {"rail": "text", "account": "text", "rail_payment_id": "text"}
_DECODED = {
    "facts": "cast(n.facts as jsonb)",
    "booked": "cast(n.booked as jsonb)",
    # A list cannot be a member of an array of rows of different lengths, so lists travel as JSON.
    "reasons": "array(select jsonb_array_elements_text(cast(n.reasons as jsonb)))",
    "clues": "array(select jsonb_array_elements_text(cast(n.clues as jsonb)))",
}


def _from_arrays(columns: dict[str, str]) -> str:
    arrays = ", ".join(f"cast(:{name} as {kind}[])" for name, kind in columns.items())
    return f"unnest({arrays}) as n({', '.join(columns)})"


def _value(name: str) -> str:
    return _DECODED.get(name, f"n.{name}")


_ALL = _COLUMNS | _MADE_ONCE
_INSERT = sa.text(
    f"""insert into payment ({", ".join(_ALL)}, created_at, updated_at)
    select {", ".join(_value(name) for name in _ALL)}, :now, :now from {_from_arrays(_ALL)}
    order by n.rail, n.account, n.rail_payment_id
    on conflict (rail, account, rail_payment_id) do nothing"""
)
_UPDATE = sa.text(
    f"""update payment p set
      {", ".join(f"{name} = {_value(name)}" for name in _COLUMNS if name != "id")},
      rev = p.rev + 1, updated_at = :now, rank = nextval('rank')
    from {_from_arrays(_COLUMNS)} where p.id = n.id"""
)
_INSERT_ALIASES = sa.text(
    """insert into payment_alias (rail, account, object_id, payment_id)
    select * from unnest(cast(:rail as text[]), cast(:account as text[]),
      cast(:object_id as text[]), cast(:payment_id as text[])) order by 1, 2, 3
    on conflict do nothing"""
)
# A payment's own id leads to it as well: where there is no intent, that is a charge's.
_BY_ALIAS = sa.text(
    """with k as (select * from unnest(cast(:rail as text[]), cast(:account as text[]),
      cast(:object_id as text[])) as k(rail, account, object_id))
    select k.rail, k.account, k.object_id, p.rail_payment_id from k
    join payment_alias a on a.rail = k.rail and a.account = k.account and a.object_id = k.object_id
    join payment p on p.id = a.payment_id
    union select k.rail, k.account, k.object_id, p.rail_payment_id from k join payment p
      on p.rail = k.rail and p.account = k.account and p.rail_payment_id = k.object_id"""
)


def facts_of(session: Session, ids: Collection[str]) -> dict[str, PaymentFacts]:
    """The facts of these payments, unlocked: to look at."""
    return {r.id: decode_facts(r.facts) for r in session.execute(_FACTS, {"ids": list(ids)})}


def insert(session: Session, rows: Sequence[tuple[PaymentRow, Totals]], now: datetime) -> int:
    """Insert new payments; gives how many were. Fewer than asked: somebody else was first."""
    if not rows:
        return 0
    values = _values(rows)
    facts = [row.facts for row, _ in rows]
    values["rail"] = [f.rail for f in facts]
    values["account"] = [f.account for f in facts]
    values["rail_payment_id"] = [f.payment_id for f in facts]
    result = session.execute(_INSERT, values | {"now": now})
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DML result has it


def update(session: Session, rows: Sequence[tuple[PaymentRow, Totals]], now: datetime) -> None:
    """Write changed payments back. The caller holds their locks."""
    if rows:
        session.execute(_UPDATE, _values(rows) | {"now": now})


def add_aliases(session: Session, aliases: Iterable[tuple[str, str, str, str]]) -> None:
    """Remember (rail, account, object, our payment id), so that the object leads to the payment."""
    columns = [list(column) for column in zip(*aliases, strict=True)]
    if columns:
        names = ("rail", "account", "object_id", "payment_id")
        session.execute(_INSERT_ALIASES, dict(zip(names, columns, strict=True)))


def by_alias(
    session: Session, keys: Collection[tuple[str, str, str]]
) -> dict[tuple[str, str, str], str]:
    """The rail's payment id that each known (rail, account, object) leads to."""
    if not keys:
        return {}
    rail, account, object_id = (list(column) for column in zip(*keys, strict=True))
    rows = session.execute(_BY_ALIAS, {"rail": rail, "account": account, "object_id": object_id})
    return {(r.rail, r.account, r.object_id): r.rail_payment_id for r in rows}


def _values(rows: Sequence[tuple[PaymentRow, Totals]]) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: [getattr(totals, name) for _, totals in rows]
        for name in (
            "authorized", "captured", "refunded", "lost", "disputed", "on_its_way", "fee",
            "fee_currency", "status", "occurred_at",
        )
    }  # fmt: skip
    for name in (
        "id", "customer_id", "bound_for", "strategy", "match_dated", "is_held", "fetch_due_at",
        "fetch_attempts",
    ):  # fmt: skip
        values[name] = [getattr(row, name) for row, _ in rows]
    values["currency"] = [row.facts.currency for row, _ in rows]
    values["livemode"] = [row.facts.livemode for row, _ in rows]
    values["facts"] = [encode_facts(row.facts) for row, _ in rows]
    for name in ("booked", "reasons", "clues"):
        values[name] = [msgspec.json.encode(getattr(row, name)).decode() for row, _ in rows]
    return values
