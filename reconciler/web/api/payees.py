"""The routes under /payee-accounts: to which account a customer or vendor is paid."""

from typing import Annotated

from pydantic import Field

from reconciler.books import payees as rules
from reconciler.books.people import Scope
from reconciler.reads import payees as reads
from reconciler.reads.payees import PayeeRow
from reconciler.services import payees
from reconciler.web.api.fields import Body, Line255
from reconciler.web.api.routes import Look, Resource
from reconciler.work import Work

resource = Resource("payee accounts")

_Rev = Annotated[
    int | None,
    Field(ge=0, le=2**63 - 1, description="The `rev` last read, 0 of none: 409 if it was changed."),
]


class PayeeBody(Body):
    """An account. What begins as an IBAN must be one; any other number needs its `bank`."""

    holder: Annotated[Line255, Field(max_length=rules.HOLDER_CHARS_MAX)]
    number: Annotated[Line255, Field(max_length=80, examples=["DE89 3704 0044 0532 0130 00"])]
    bank: Annotated[Line255, Field(max_length=rules.BANK_CHARS_MAX)] | None = None
    rev: _Rev = None


@resource.get("/payee-accounts/{owner_id}")
def one(look: Look, owner_id: str) -> PayeeRow:
    """Read to which account a customer or vendor is paid: its number is masked."""
    return reads.one(look.session, owner_id)


@resource.put("/payee-accounts/{owner_id}", scope=Scope.WRITE)
def put(work: Work, owner_id: str, body: PayeeBody) -> PayeeRow:
    """Set to which account a customer or vendor is paid."""
    account = rules.read(holder=body.holder, number=body.number, bank=body.bank)
    payees.keep(work, owner_id, account, rev=body.rev)
    return reads.one(work.session, owner_id)


@resource.delete("/payee-accounts/{owner_id}")
def remove(work: Work, owner_id: str) -> PayeeRow:
    """Keep no account of theirs any more: nothing of its number is left."""
    payees.remove(work, owner_id)
    return reads.one(work.session, owner_id)
