"""The ledger: what every account holds, and the entries behind it. Nothing here is edited."""

from datetime import UTC, date, datetime, time, timedelta

from flask import Response, request

from reconciler.books.accounts import Role
from reconciler.errors import Invalid
from reconciler.reads import closings, exports, ledger, screens_people
from reconciler.reads.ledger import EntryRow
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.web import forms
from reconciler.web.admin import paging
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
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


_LISTED = Listed(
    "entries",
    exports.JOURNAL.columns,
    tuple(exports.JOURNAL.money),
    told=lambda _, entry: exports.lines_of(entry),
)


def _filters() -> dict[str, str]:
    filters = {
        name: request.args[name][:FILTER_CHARS_MAX] for name in _FILTERS if request.args.get(name)
    }
    if filters.get("role") not in {None, *Role}:
        raise Invalid("There is no such account", field="role")
    return filters


def _rows(desk: Desk, session: Session, wanted: Wanted) -> Page[EntryRow]:
    del desk
    return ledger.page(session, _filters(), wanted)


@screens.get("/ledger/entries")
@offers_csv(_LISTED, _rows)
def list_entries(desk: Desk) -> Response:
    """Entries of an account, a payment, an invoice or a deposit, the newest first."""
    filters = _filters()
    with desk.runtime.read() as session:
        page = _rows(desk, session, paging.wanted())
        people = {entry.cause.id for entry in page.data if entry.cause.kind == "person"}
        names = screens_people.names(session, people)
    return desk.page(
        "entries.html",
        entries=page.data,
        names=names,
        filters=dict.fromkeys(_FILTERS) | filters,
        is_filtered=bool(filters),
        older=paging.next_page(page.next_cursor),
    )


def _after(typed: str) -> datetime | None:
    if not typed:
        return None
    day = forms.day(request.args, "as_of")
    if day == date.max:
        raise Invalid("That day is too far away", field="as_of")
    return datetime.combine(day + timedelta(days=1), time(), UTC)
