"""Where the rails' own pages about a thing are, for people who have to act there."""

from urllib.parse import quote

from reconciler.books.disputes import Kind
from reconciler.reads.disputes import DisputeRow
from reconciler.reads.payouts import PayoutRow
from reconciler.settings import Settings

_STRIPE = "https://dashboard.stripe.com/"


# What the rail's ids begin with, and the part of its dashboard that shows what they name. What has
# no page of its own there is found by the dashboard's search, which jumps to an id.
_PAGES = {
    "pi": "payments/{}", "ch": "payments/{}", "py": "payments/{}",
    "cus": "customers/{}", "in": "invoices/{}", "po": "payouts/{}", "evt": "events/{}",
    "dp": "disputes/{}", "du": "disputes/{}",
    "re": "search?query={}", "pyr": "search?query={}", "cs": "search?query={}",
    "txn": "search?query={}",
}  # fmt: skip


def of_id(rail: str, object_id: str, *, livemode: bool, is_sandbox: bool) -> str | None:
    """Where the rail shows what has this id; None where there is no such page."""
    page = _PAGES.get(object_id.partition("_")[0]) if "_" in object_id else None
    if rail != "stripe" or is_sandbox or page is None:
        return None
    return f"{_STRIPE}{'' if livemode else 'test/'}{page.format(quote(object_id, safe=''))}"


def of_dispute(row: DisputeRow, settings: Settings) -> str | None:
    """Where evidence is handed in; None where there is no such page, as in the sandbox."""
    if row.rail != "stripe" or settings.is_sandbox:
        return None
    mode = "" if row.livemode else "test/"
    if row.kind is Kind.RETURN:  # nothing can be handed in: the payment tells of it
        return f"{_STRIPE}{mode}payments/{quote(row.rail_payment_id, safe='')}"
    return f"{_STRIPE}{mode}disputes/{quote(row.rail_dispute_id, safe='')}"


def of_payout(row: PayoutRow, settings: Settings) -> str | None:
    """Where the rail shows a payout; None where there is no such page, as in the sandbox."""
    if row.rail != "stripe" or settings.is_sandbox:
        return None
    mode = "" if row.livemode else "test/"
    return f"{_STRIPE}{mode}payouts/{quote(row.rail_payout_id, safe='')}"
