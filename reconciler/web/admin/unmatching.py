"""What taking a payment off a document will do, in words: found by doing it and giving that up.

What waits for the same document may step in, and a deposit that was made only to hold the money
ends with it: so what stands there afterwards is no sum that could be worked out from the page.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.errors import ReconcilerError, Refused
from reconciler.reads import screens_payments, screens_unmatched
from reconciler.reads.screens_payments import ClaimLine, PaymentLine
from reconciler.reads.screens_unmatched import Target
from reconciler.services import matches
from reconciler.web.admin import errors, words
from reconciler.web.admin.desk import Desk
from reconciler.work import Cause, Work


@dataclass(frozen=True, slots=True)
class _Stands:
    """The document, and what of the payment is for nothing."""

    target: Target
    unapplied: int


def foretold(desk: Desk, payment: PaymentLine, claims: Iterable[ClaimLine]) -> dict[str, str]:
    """What taking each of these claims back will do, by its id."""
    return {one.id: _foretold(desk, payment, one) for one in claims if one.amount}


def _foretold(desk: Desk, payment: PaymentLine, claim: ClaimLine) -> str:
    def step(work: Work) -> tuple[_Stands, _Stands]:
        before = _stands(work, claim)
        matches.take_back(work, payment.id, claim.id)
        work.session.flush()
        return before, _stands(work, claim)

    try:
        before, after = desk.runtime.rehearse(Cause("person", desk.person.id), step)
    except Refused as refused:
        return errors.sentence(refused)
    except ReconcilerError:  # somebody holds it just now: the page is shown without
        return "A reversing entry will be posted today. Nothing is sent to the customer."
    waits = words.shown(after.unapplied - before.unapplied, payment.currency)
    return (
        f"A reversing entry will be posted today. {_then(before.target, after.target)}, "
        f"and {waits} waits under Unmatched payments. Nothing is sent to the customer."
    )


def _then(before: Target, after: Target) -> str:
    opened = after.outstanding - before.outstanding
    if not opened:
        return (
            f"{after.number} stays as it is, because other money that waits for it takes its place"
        )
    if not after.is_deposit:
        left = words.shown(after.outstanding, after.currency)
        return f"{after.number} goes back to {left} open"
    if after.state == "ended":
        return f"{after.number} ends with that, and nobody is asked for it"
    return f"{words.shown(after.outstanding, after.currency)} is expected on {after.number} again"


def _stands(work: Work, claim: ClaimLine) -> _Stands:
    name = claim.invoice_id or claim.deposit_id or ""
    payment = screens_payments.payment(work.session, claim.payment_id)
    assert payment is not None, "a claim has its payment"
    return _Stands(screens_unmatched.targets(work.session, [name])[name], payment.unapplied)
