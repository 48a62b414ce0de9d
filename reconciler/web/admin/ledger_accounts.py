"""One account and one entry of the ledger, each on a page of its own."""

from datetime import date, timedelta

from flask import Response, request

from reconciler.books.accounts import KINDS, Role
from reconciler.errors import Invalid, NotFound
from reconciler.reads import account_statements, ledger, screens_people
from reconciler.web import forms
from reconciler.web.admin.desk import Desk
from reconciler.web.admin.paging import PER_PAGE, next_page
from reconciler.web.admin.routes import Screens

screens = Screens()

WORD_CHARS_MAX = 100
_FIRST_DAY = date(1970, 1, 2)  # a balance before it is asked for too


@screens.get("/ledger/accounts/<role>/<currency>")
def show_account_statement(desk: Desk, role: str, currency: str) -> Response:
    """What an account began with, each entry on it, and what it came to."""
    if role not in set(Role):
        raise NotFound("There is no such account")
    rail = request.args.get("rail", "")[:WORD_CHARS_MAX]
    category = request.args.get("category", "")[:WORD_CHARS_MAX]
    until = _day("until", desk.today)
    since = _day("since", until.replace(day=1))
    if since > until:
        raise Invalid("The first day is after the last", field="since")
    with desk.runtime.read() as session:
        found = account_statements.one(
            session,
            (role, rail, category, currency),
            since,
            until,
            cursor=request.args.get("before") or None,
            limit=PER_PAGE,
        )
    return desk.page(
        "account_statement.html",
        found=found,
        kind=KINDS[Role(role)],
        since=since,
        until=until,
        is_first="before" not in request.args,
        more=next_page(found.more),
    )


@screens.get("/ledger/entries/<entry_id>")
def show_entry(desk: Desk, entry_id: str) -> Response:
    """One entry: its lines, why it was posted, and what it reverses or is reversed by."""
    with desk.runtime.read() as session:
        entry = ledger.one(session, entry_id)
        chain = ledger.reversals(session, entry)
        names = screens_people.names(session, {entry.cause.id})
    return desk.page("entry.html", entry=entry, chain=chain, names=names)


def _day(field: str, usual: date) -> date:
    if not request.args.get(field, "").strip():
        return usual
    day = forms.day(request.args, field)
    if not _FIRST_DAY <= day <= date.max - timedelta(days=1):
        raise Invalid("That day is too far away", field=field)
    return day
