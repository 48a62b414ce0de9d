"""The routes under /payouts."""

from typing import Annotated

from pydantic import Field

from reconciler.books.payouts import PayoutStatus
from reconciler.reads import payouts as reads
from reconciler.reads.pages import Page
from reconciler.reads.payouts import LineRow, PayoutRow
from reconciler.web.api.fields import Currency, Line64, Line128, Line255, Paged
from reconciler.web.api.routes import Look, Resource

resource = Resource("payouts")


class PayoutQuery(Paged):
    """Which payouts."""

    rail: Line64 | None = None
    rail_payout_id: Line255 | None = None
    status: PayoutStatus | None = None
    currency: Currency | None = None
    payment_id: Annotated[
        Line128 | None, Field(description="Those that carried this payment, or some of it.")
    ] = None


@resource.get("/payouts")
def listed(look: Look, query: PayoutQuery) -> Page[PayoutRow]:
    """List payouts, the last made first, each with the first of its lines."""
    return reads.page(look.session, query.filters, query.wanted)


@resource.get("/payouts/{payout_id}")
def one(look: Look, payout_id: str) -> PayoutRow:
    """Read one payout: where it stands, what it consists of, and what of it nothing explains."""
    return reads.one(look.session, payout_id)


@resource.get("/payouts/{payout_id}/lines")
def lines(look: Look, payout_id: str, query: Paged) -> Page[LineRow]:
    """List all that a payout consists of, the last moved first."""
    return reads.lines(look.session, payout_id, query.wanted)
