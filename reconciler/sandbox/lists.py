"""Lists: newest first, by cursor, with the filters that each endpoint knows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciler.sandbox.json_types import Json
from reconciler.sandbox.problems import invalid, missing
from reconciler.sandbox.wire import in_range, integer, only, text, texts
from reconciler.sandbox.world import World

LIMIT_DEFAULT = 10
LIMIT_MAX = 100
_COMMON = ("limit", "starting_after", "ending_before", "expand", "created")

Filter = Callable[[World, Json, Json], bool]


@dataclass(frozen=True, slots=True)
class Listing:
    """One list endpoint: what it lists, which fields filter it, and its odd filters."""

    kind: str
    url: str
    fields: tuple[str, ...] = ()
    others: Mapping[str, Filter] = field(default_factory=dict)
    always: Filter | None = None

    def keeps(self, world: World, kept: Json, params: Json) -> bool:
        """Whether an object passes every filter that was given."""
        if self.always is not None and not self.always(world, kept, params):
            return False
        if "created" in params and not in_range(kept["created"], params["created"]):
            return False
        if any(name in params and kept[name] != params[name] for name in self.fields):
            return False
        return all(
            check(world, kept, params) for name, check in self.others.items() if name in params
        )


def page(world: World, listing: Listing, params: Json) -> tuple[list[Json], bool]:
    """The kept objects of one page, and whether there are more beyond it."""
    only(params, (*_COMMON, *listing.fields, *listing.others))
    limit = integer(params, "limit") or LIMIT_DEFAULT
    if limit > LIMIT_MAX:
        raise invalid(f"Invalid limit: must be at most {LIMIT_MAX}", param="limit")
    after, before = text(params, "starting_after"), text(params, "ending_before")
    if after and before:
        raise invalid("You cannot use both starting_after and ending_before.")
    newest_first = _newest_first(world, listing.kind)
    if after:
        newest_first = newest_first[_place(listing, newest_first, after, "starting_after") + 1 :]
    if before:
        newest_first = newest_first[: _place(listing, newest_first, before, "ending_before")]
    found = [kept for kept in newest_first if listing.keeps(world, kept, params)]
    shown = found[-limit:] if before else found[:limit]
    return shown, len(found) > limit


def _newest_first(world: World, kind: str) -> list[Json]:
    """By second, and within a second by the order of making; stories may be told backdated."""
    kept = list(world.table(kind).values())
    kept.sort(key=lambda one: int(one["created"]))
    kept.reverse()
    return kept


def _place(listing: Listing, objects: list[Json], cursor: str, param: str) -> int:
    for place, kept in enumerate(objects):
        if kept["id"] == cursor:
            return place
    raise missing(listing.kind, cursor, param=param, status=400)


def _of_payout(world: World, row: Json, params: Json) -> bool:
    return world.listed_in_payout(row, str(params["payout"]))


def _of_types(_world: World, event: Json, params: Json) -> bool:
    return event["type"] in texts(params, "types")


def _delivered(world: World, event: Json, params: Json) -> bool:
    wanted = params["delivery_success"] == "true"
    return world.truth.delivered.get(event["id"], False) is wanted


def _arrives(_world: World, payout: Json, params: Json) -> bool:
    return in_range(payout["arrival_date"], params["arrival_date"])


def _pays(_world: World, link: Json, params: Json) -> bool:
    return all(link["payment"].get(name) == value for name, value in params["payment"].items())


def _is_recent(world: World, event: Json, _params: Json) -> bool:
    return world.recent(event)


LISTINGS = {
    "balance_transactions": Listing(
        "balance_transaction",
        "/v1/balance_transactions",
        ("source", "type", "currency"),
        {"payout": _of_payout},
    ),
    "charges": Listing("charge", "/v1/charges", ("customer", "payment_intent", "transfer_group")),
    "checkout/sessions": Listing(
        "checkout.session", "/v1/checkout/sessions", ("customer", "payment_intent", "status")
    ),
    "disputes": Listing("dispute", "/v1/disputes", ("charge", "payment_intent")),
    "events": Listing(
        "event",
        "/v1/events",
        ("type",),
        {"delivery_success": _delivered, "types": _of_types},
        _is_recent,
    ),
    "invoice_payments": Listing(
        "invoice_payment", "/v1/invoice_payments", ("invoice", "status"), {"payment": _pays}
    ),
    "payment_intents": Listing("payment_intent", "/v1/payment_intents", ("customer",)),
    "payouts": Listing(
        "payout", "/v1/payouts", ("destination", "status"), {"arrival_date": _arrives}
    ),
    "refunds": Listing("refund", "/v1/refunds", ("charge", "payment_intent")),
}
