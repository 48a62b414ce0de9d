"""The routes under /ledger."""

from typing import Annotated

from pydantic import Field

from reconciler.books.accounts import Role
from reconciler.reads import ledger as reads
from reconciler.reads.ledger import AccountRow, EntryRow, TrialBalance
from reconciler.reads.pages import Page
from reconciler.web.api.fields import Currency, Day, End, Line128, Line500, Paged, Query, Start
from reconciler.web.api.routes import Look, Resource

resource = Resource("ledger")


class EntryQuery(Paged):
    """Which journal entries."""

    payment_id: Line128 | None = None
    payout_id: Line128 | None = None
    invoice_id: Line128 | None = None
    deposit_id: Line128 | None = None
    bill_id: Line128 | None = None
    prepayment_id: Line128 | None = None
    key: Line500 | None = None
    role: Role | None = None
    currency: Currency | None = None
    since: Start | None = None
    until: End | None = None
    posted_since: Day | None = None
    posted_until: Day | None = None
    is_late: Annotated[
        bool | None, Field(description="It happened on a closed day, and counts on a later one.")
    ] = None


class TrialBalanceQuery(Query):
    """Up to when."""

    as_of: Annotated[
        End | None,
        Field(description="A day, counted whole, or an instant that is not counted."),
    ] = None


@resource.get("/ledger/accounts")
def accounts(look: Look) -> Page[AccountRow]:
    """List every account with its balance."""
    return Page(reads.accounts(look.session), None)


@resource.get("/ledger/entries")
def entries(look: Look, query: EntryQuery) -> Page[EntryRow]:
    """List journal entries, the newest first."""
    return reads.page(look.session, query.filters, query.wanted)


@resource.get("/ledger/entries/{entry_id}")
def one(look: Look, entry_id: str) -> EntryRow:
    """Read one journal entry."""
    return reads.one(look.session, entry_id)


@resource.get("/ledger/trial-balance")
def trial_balance(look: Look, query: TrialBalanceQuery) -> dict[str, TrialBalance]:
    """Every account's debits and credits, by currency."""
    return reads.trial_balance(look.session, before=query.as_of)
