"""The routes under /ledger/suspense: what a rail moved for a reason that no rule knows, placed."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from reconciler.books import suspense as rules
from reconciler.books.suspense import Standing
from reconciler.reads import screens_suspense as reads
from reconciler.services import suspense
from reconciler.web.api.fields import Body, Line255
from reconciler.web.api.routes import Look, Resource
from reconciler.work import Work

resource = Resource("suspense")


class MoveForm(Body):
    """What it was: all of it goes to `account`; only for `expenses` with a `category`."""

    subject: Line255
    account: Line255
    category: Line255 | None = None
    why: Annotated[Line255, Field(description="What you found out. It is kept with the deed.")]


class PutBackForm(Body):
    """What was moved to the wrong place."""

    subject: Line255
    why: Line255 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspenseRow:
    """Something in suspense: `amount` of it stands there, debits less credits, in minor units.

    `movement` is the rail's id of what moved. `account` and `category` say where `moved` of it is
    instead, if a person moved it.
    """

    subject: str
    movement: str
    currency: str
    amount: int
    payment_id: str | None
    moved: int
    account: str | None
    category: str | None


@resource.get("/ledger/suspense")
def every(look: Look) -> list[SuspenseRow]:
    """Read what stands in suspense, then what was moved out of it; 200 of them at most."""
    return [_row(line.standing) for line in reads.lines(look.session)]


@resource.post("/ledger/suspense/move")
def move(work: Work, body: MoveForm) -> SuspenseRow:
    """Move all of it to the account it belongs to, by an entry that can be taken back."""
    to = rules.target(body.account, body.category or "")
    suspense.move(work, body.subject, to, why=body.why)
    return _row(reads.one(work.session, body.subject).standing)


@resource.post("/ledger/suspense/put-back")
def put_back(work: Work, body: PutBackForm) -> SuspenseRow:
    """Take a move back by its mirror. People are asked about it again."""
    suspense.put_back(work, body.subject, why=body.why or "")
    return _row(reads.one(work.session, body.subject).standing)


def _row(standing: Standing) -> SuspenseRow:
    to = standing.moved_to
    return SuspenseRow(
        subject=standing.subject,
        movement=standing.movement,
        currency=standing.currency,
        amount=standing.amount,
        payment_id=standing.payment_id,
        moved=standing.moved,
        account=to.role.value if to else None,
        category=(to.category or None) if to else None,
    )
