"""The ledger: what every account holds, and the entries behind it. Nothing here is edited."""

from datetime import UTC, date, datetime, time, timedelta

from flask import Response, request

from reconciler.books.accounts import Role
from reconciler.errors import Invalid
from reconciler.reads import closings, ledger, screens_people
from reconciler.reads.pages import Wanted
from reconciler.web import forms
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.paging import PER_PAGE, next_page
from reconciler.web.admin.routes import Screens

screens = Screens()

_FILTERS = (
    "payment_id", "invoice_id", "deposit_id", "payout_id", "bill_id", "prepayment_id", "role",
    "currency", "key",
)  # fmt: skip
FILTER_CHARS_MAX = 200


@screens.get("/ledger")
def show_ledger(desk: Desk) -> Response:
    """The ledger begins with its trial balance."""
    del desk
    return go("show_trial_balance")


@screens.get("/ledger/trial-balance")
def show_trial_balance(desk: Desk) -> Response:
    """Debits and credits of every account, by currency, up to a day."""
    typed = request.args.get("as_of", "").strip()
    until = _after(typed)
    with desk.runtime.read() as session:
        balances = ledger.trial_balance(session, until)
        closed_through = closings.through(session)
    return desk.page(
        "trial_balance.html",
        balances=dict(sorted(balances.items())),
        as_of=typed,
        until=until,
        closed_through=closed_through,
    )


@screens.get("/ledger/entries")
def list_entries(desk: Desk) -> Response:
    """Entries of an account, a payment, an invoice or a deposit, the newest first."""
    filters = {
        name: request.args[name][:FILTER_CHARS_MAX] for name in _FILTERS if request.args.get(name)
    }
    if filters.get("role") not in {None, *Role}:
        raise Invalid("There is no such account", field="role")
    wanted = Wanted(limit=PER_PAGE, cursor=request.args.get("before") or None)
    with desk.runtime.read() as session:
        page = ledger.page(session, filters, wanted)
        people = {entry.cause.id for entry in page.data if entry.cause.kind == "person"}
        names = screens_people.names(session, people)
    return desk.page(
        "entries.html",
        entries=page.data,
        names=names,
        filters=dict.fromkeys(_FILTERS) | filters,
        is_filtered=bool(filters),
        older=next_page(page.next_cursor),
    )


def _after(typed: str) -> datetime | None:
    if not typed:
        return None
    day = forms.day(request.args, "as_of")
    if day == date.max:
        raise Invalid("That day is too far away", field="as_of")
    return datetime.combine(day + timedelta(days=1), time(), UTC)
