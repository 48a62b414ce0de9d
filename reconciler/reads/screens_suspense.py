"""What the screens show of suspense: what stands there, since when, and what was moved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.suspense import Standing
from reconciler.errors import NotFound
from reconciler.reads import audit
from reconciler.store import suspense as store

LINES_MAX = 200  # more than that stands there of no books that anybody looks after
_ASKED = sa.text(
    """select distinct on (subject) subject, details ->> 'category' as category, opened_at,
      resolution, state from review_item
    where kind = 'unclassified_movement' and subject = any(:subjects)
    order by subject, opened_at desc, id desc"""
)
_PAYERS = sa.text(
    """select p.id, coalesce(c.name, p.rail_payment_id) as who
    from payment p left join customer c on c.id = p.customer_id where p.id = any(:ids)"""
)


@dataclass(frozen=True, slots=True)
class SuspenseLine:
    """Something in suspense, or moved out of it. `category` is what its rail calls it.

    `whys` is what people found out of each part, by its turn.
    """

    standing: Standing
    category: str
    since: datetime | None
    who: str = ""
    resolution: str = ""
    whys: Mapping[int, str] = field(default_factory=dict)


def lines(session: Session) -> list[SuspenseLine]:
    """All that stands in suspense, then what was moved, the last changed first."""
    return _told(session, store.every(session, LINES_MAX))


def sums(session: Session) -> list[tuple[str, int, int]]:
    """How many stand there in each currency, and what they come to: all, however many are shown."""
    return store.sums(session)


def one(session: Session, subject: str) -> SuspenseLine:
    """One of them. Raises NotFound."""
    standing = store.one(session, subject)
    if standing is None:
        raise NotFound("Nothing of that name is in suspense")
    return _told(session, [standing])[0]


def subject_of(session: Session, movement: str) -> str:
    """The subject of what the rail calls so. Raises NotFound."""
    found = store.of_movement(session, movement)
    if found is None:
        raise NotFound("Nothing of that name is in suspense")
    return found


def _told(session: Session, found: list[Standing]) -> list[SuspenseLine]:
    given = {"subjects": [one.movement for one in found]}
    asked = {row.subject: row for row in session.execute(_ASKED, given)}
    whys: dict[str, dict[int, str]] = {}
    for line in audit.about(
        session, [one.subject for one in found if one.parts], ["suspense.moved"]
    ):
        if "turn" in line.after:
            whys.setdefault(line.subject, {})[line.after["turn"]] = line.why or ""
    ids = [one.payment_id for one in found if one.payment_id]
    payers = {row.id: row.who for row in session.execute(_PAYERS, {"ids": ids})}
    return [
        SuspenseLine(
            one,
            (asked[one.movement].category or "") if one.movement in asked else "",
            asked[one.movement].opened_at if one.movement in asked else None,
            payers.get(one.payment_id or "", ""),
            (asked[one.movement].resolution or "") if one.movement in asked else "",
            whys.get(one.subject, {}),
        )
        for one in found
    ]
