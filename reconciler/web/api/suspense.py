"""The routes under /ledger/suspense: what a rail moved for a reason that no rule knows, placed."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from reconciler.books import suspense as rules
from reconciler.books.suspense import Standing
from reconciler.reads import screens_suspense as reads
from reconciler.services import suspense
from reconciler.web.api.fields import Amount, Body, Line255
from reconciler.web.api.routes import Look, Resource
from reconciler.work import Work

resource = Resource("suspense")


class MoveForm(Body):
    """What it was: it goes to `account`; only for `expenses` with a `category`."""

    subject: Line255
    account: Line255
    category: Line255 | None = None
    amount: Annotated[
        Amount | None, Field(description="So much of it; all that rests, if left out.")
    ] = None
    why: Annotated[Line255, Field(description="What you found out. It is kept with the deed.")]


class PutBackForm(Body):
    """What was moved to the wrong place."""

    subject: Line255
    turn: Annotated[
        int | None, Field(ge=1, description="Which part, where several were moved.")
    ] = None
    why: Line255 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    """A part that a person moved, by which turn, and where it stands now."""

    turn: int
    account: str
    category: str | None
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspenseRow:
    """Something in suspense: `amount` of it stands there, debits less credits, in minor units.

    `movement` is the rail's id of what moved. `parts` say where `moved` of it is instead, if a
    person moved it; `account` and `category` where all of that is, if it is one part.
    """

    subject: str
    movement: str
    currency: str
    amount: int
    payment_id: str | None
    moved: int
    account: str | None
    category: str | None
    parts: list[PartRow]


@resource.get("/ledger/suspense")
def every(look: Look) -> list[SuspenseRow]:
    """Read what stands in suspense, then what was moved out of it; 200 of them at most."""
    return [_row(line.standing) for line in reads.lines(look.session)]


@resource.post("/ledger/suspense/move")
def move(work: Work, body: MoveForm) -> SuspenseRow:
    """Move it, or a part, to the account it belongs to, by an entry that can be taken back."""
    to = rules.target(body.account, body.category or "")
    suspense.move(work, body.subject, to, why=body.why, amount=body.amount)
    return _row(reads.one(work.session, body.subject).standing)


@resource.post("/ledger/suspense/put-back")
def put_back(work: Work, body: PutBackForm) -> SuspenseRow:
    """Take a move back by its mirror. People are asked about it again."""
    suspense.put_back(work, body.subject, turn=body.turn, why=body.why or "")
    return _row(reads.one(work.session, body.subject).standing)


def _row(standing: Standing) -> SuspenseRow:
    parts = [
        PartRow(
            turn=part.turn,
            account=part.to.role.value,
            category=part.to.category or None,
            amount=part.amount,
        )
        for part in standing.parts
    ]
    only = parts[0] if len(parts) == 1 else None
    return SuspenseRow(
        subject=standing.subject,
        movement=standing.movement,
        currency=standing.currency,
        amount=standing.amount,
        payment_id=standing.payment_id,
        moved=standing.moved,
        account=only.account if only else None,
        category=only.category if only else None,
        parts=parts,
    )
