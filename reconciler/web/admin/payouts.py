"""Payouts: what the rails sent to the bank, what each consists of, and what nothing explains."""

from dataclasses import dataclass

from flask import Response, request

from reconciler.errors import Invalid
from reconciler.reads import ledger, payouts as reads, screens_people
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.reads.payouts import LineRow, PayoutRow, Sum
from reconciler.web import rail_pages
from reconciler.web.admin import paging, timeline, words
from reconciler.web.admin.desk import Desk
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.routes import Screens
from reconciler.web.admin.words import Pill

screens = Screens()

# Which payouts a view shows: its word in the address, its name, and its filter.
VIEWS: dict[str, tuple[str, dict[str, object]]] = {
    "": ("All", {}),
    "under_way": ("Under way", {"under_way": True}),
    "came_back": ("Came back", {"came_back": True}),
}
# What a line is, by the rail's word for it; one that nobody has worded is shown as it is.
CATEGORIES = {
    "charge": "Payments",
    "charge_failure": "Payments that failed later",
    "refund": "Refunds",
    "refund_failure": "Refunds that came back",
    "partial_capture_reversal": "Released remainders",
    "dispute": "Taken by disputes",
    "dispute_reversal": "Given back by disputes",
    "fee": "Fees of the payment provider",
    "network_cost": "Costs of card networks",
    "tax": "Taxes on fees",
    "topup": "Sent to the payment provider",
    "topup_reversal": "Sent to the payment provider, and taken back",
    "payout_reversal": "Earlier payouts that came back",
}


@dataclass(frozen=True, slots=True)
class Total:
    """What the lines of one category come to, or all of them."""

    name: str
    number: int
    amount: int
    fee: int
    net: int


_LISTED = Listed(
    "payouts",
    (
        "id", "rail", "rail_payout_id", "status", "currency", "amount", "line_count", "lines_net",
        "difference", "automatic", "instant", "arrival_on", "trace_id", "failure", "created_at",
        "listed_at",
    ),
    ("amount", "lines_net", "difference"),
)  # fmt: skip
_LISTED_LINES = Listed(
    "payout-lines",
    (
        "id", "category", "source", "payment_id", "payout_id", "payer", "currency", "amount",
        "fee", "net", "moved_at",
    ),
    ("amount", "fee", "net"),
)  # fmt: skip


def _view() -> str:
    view = request.args.get("view", "")
    if view not in VIEWS:
        raise Invalid("There is no such view", field="view")
    return view


def _rows(desk: Desk, session: Session, wanted: Wanted) -> Page[PayoutRow]:
    del desk
    return reads.page(session, VIEWS[_view()][1], wanted, shown=0)


def _lines(desk: Desk, session: Session, wanted: Wanted, payout_id: str) -> Page[LineRow]:
    del desk
    return reads.lines(session, payout_id, wanted)


@screens.get("/payouts")
@offers_csv(_LISTED, _rows)
def list_payouts(desk: Desk) -> Response:
    """Payouts, the last made first."""
    view = _view()
    with desk.runtime.read() as session:
        page = _rows(desk, session, paging.wanted())
    return desk.page(
        "payouts.html",
        lines=page.data,
        view=view,
        views=[(word, name) for word, (name, _) in VIEWS.items()],
        adds_up=adds_up,
        older=paging.next_page(page.next_cursor),
    )


@screens.get("/payouts/<payout_id>")
@offers_csv(_LISTED_LINES, _lines)
def show_payout(desk: Desk, payout_id: str) -> Response:
    """One payout."""
    with desk.runtime.read() as session:
        payout = reads.one(session, payout_id, shown=0)
        page = _lines(desk, session, paging.wanted(), payout_id)
        sums = reads.sums(session, payout_id)
        events = reads.events(session, payout_id)
        entries = ledger.entries_of(session, "payout_id", [payout_id]).get(payout_id, [])
        names = screens_people.names(session, timeline.causes(entries))
    return desk.page(
        "payout.html",
        payout=payout,
        heading=_heading(payout),
        sums=[_total(one) for one in sums],
        whole=_whole(sums),
        lines=page.data,
        categories=CATEGORIES,
        adds_up=adds_up(payout),
        url=rail_pages.of_payout(payout, desk.runtime.settings),
        moments=timeline.in_order(timeline.of_events(events), timeline.of_entries(entries, names)),
        older=paging.next_page(page.next_cursor),
    )


def adds_up(payout: PayoutRow) -> Pill:
    """Whether its lines come to it, in words."""
    if not payout.lines_can_be_told:
        return Pill("Cannot be told")
    if payout.difference is None:
        return Pill("Not listed yet", "info")
    if payout.difference == 0:
        return Pill("Adds up", "pos")
    return Pill(f"{words.shown(payout.difference, payout.currency)} unexplained", "neg")


def _heading(payout: PayoutRow) -> str:
    way = "to" if payout.amount >= 0 else "from"
    return f"{words.shown(abs(payout.amount), payout.currency)} {way} the bank"


def _total(one: Sum) -> Total:
    name = CATEGORIES.get(one.category, one.category.replace("_", " ").capitalize())
    return Total(name, one.number, one.amount, one.fee, one.net)


def _whole(sums: list[Sum]) -> Total:
    return Total(
        "All lines",
        sum(one.number for one in sums),
        sum(one.amount for one in sums),
        sum(one.fee for one in sums),
        sum(one.net for one in sums),
    )
