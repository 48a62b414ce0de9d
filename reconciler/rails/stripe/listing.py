"""Stripe's listings, page by page, read as facts.

Listings are newest first and go on from the last object of a page; their window is by the object's
creation and never by its change. The caller freezes the window, so that pages do not shift.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from reconciler.books.observations import RailEvent
from reconciler.books.rail_objects import (
    EVENTS,
    Listed,
    ObjectKind,
    View,
    view_of_movement,
    views,
    views_of_payout,
)
from reconciler.errors import Invalid
from reconciler.rails.protocol import Page, Sighting
from reconciler.rails.stripe import objects, parts, payouts
from reconciler.rails.stripe.evidence import MetadataKeys
from reconciler.rails.stripe.fields import Obj, identifier, seconds

if TYPE_CHECKING:
    from reconciler.rails.stripe.client import StripeApi

Reader = Callable[[Obj, int, MetadataKeys], Sighting]


@dataclass(frozen=True, slots=True)
class Reading:
    """How rows are read: the second that it is now, metadata keys, and the reader of events."""

    at: int
    keys: MetadataKeys
    event_of: Callable[[Obj], RailEvent]


# kind -> where it is listed, what is shown whole, and how a row is read
_LISTINGS: dict[str, tuple[str, tuple[str, ...], Reader]] = {
    ObjectKind.CHARGE: (
        "charges",
        ("data.balance_transaction",),
        lambda row, at, keys: objects.charge_facts(row, at, keys=keys),
    ),
    ObjectKind.REFUND: (
        "refunds",
        ("data.balance_transaction",),
        lambda row, at, _: parts.refund_facts(row, at),
    ),
    ObjectKind.DISPUTE: ("disputes", (), lambda row, at, _: parts.dispute_facts(row, at)),
    ObjectKind.MOVEMENT: ("balance_transactions", (), lambda row, _at, _: payouts.row_facts(row)),
    ObjectKind.PAYOUT: ("payouts", (), lambda row, at, _: payouts.payout_facts(row, at)),
}


def list_page(
    api: "StripeApi",
    kind: str,
    window: tuple[int, int],
    cursor: str | None,
    reading: Reading,
) -> Page:
    """Objects of `kind` made in [since, until), seconds; those after `cursor`, newest first."""
    created = {"created": {"gte": window[0], "lt": window[1]}}
    if kind == EVENTS:
        found, following = api.page("events", created, cursor)
        return _page([_heard(reading.event_of(row)) for row in found], window, following)
    path, shown, read = _LISTINGS[kind]
    asked = {**created, "expand": list(shown)} if shown else created
    found, following = api.page(path, asked, cursor)
    row_of = partial(_listed, kind, read, reading.at, reading.keys)
    return _page(list(map(row_of, found)), window, following)


def listed_movement(row: Obj, at: int, keys: MetadataKeys) -> Listed:
    """One row of the balance, as a listing of them would show it."""
    *_, read = _LISTINGS[ObjectKind.MOVEMENT]
    return _listed(ObjectKind.MOVEMENT, read, at, keys, row)


def _page(rows: list[Listed], window: tuple[int, int], cursor: str | None) -> Page:
    # A filter that is not honoured must not bring in what was made outside the window.
    return Page(rows=tuple(r for r in rows if window[0] <= r.made < window[1]), cursor=cursor)


def _heard(event: RailEvent) -> Listed:
    return Listed(id=event.id, made=event.created, event=event)


def _listed(kind: str, read: Reader, at: int, keys: MetadataKeys, row: Obj) -> Listed:
    object_id = identifier(row.get("id"), f"{kind}.id")
    made = seconds(row, "created")
    try:
        seen = read(row, at, keys)
    except Invalid as problem:
        return Listed(id=object_id, made=made, why_unread=str(problem))
    view = next((v for v in _views(seen) if (v.kind, v.id) == (kind, object_id)), None)
    return Listed(
        id=object_id,
        made=made,
        view=view,
        facts=seen.facts,
        via=seen.via,
        aliases=seen.aliases,
        payout=seen.payout,
        movement=seen.movement,
        why_unread=seen.kept_for,
    )


def _views(seen: Sighting) -> Iterator[View]:
    if seen.facts is not None:
        yield from views(seen.facts)
    if seen.payout is not None:
        yield from views_of_payout(seen.payout)
    if seen.movement is not None:
        yield view_of_movement(seen.movement)
