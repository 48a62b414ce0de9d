"""Hold a payment only as somebody saw it: what they decided was about that and nothing newer."""

import sqlalchemy as sa

from reconciler.errors import Conflict, NotFound
from reconciler.work import Work

_HELD = sa.text("select rev from payment where id = :id for no key update")


def unchanged(work: Work, payment_id: str, rev: int) -> None:
    """Hold the payment until the transaction ends. Raises Conflict if it is not at `rev` any more.

    Payments are the first to be locked everywhere, so this comes before anything else.
    """
    found = work.session.scalar(_HELD, {"id": payment_id})
    if found is None:
        raise NotFound(f"there is no payment {payment_id}")
    if found != rev:
        raise Conflict("the payment was changed meanwhile", field="rev")
