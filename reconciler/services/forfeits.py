"""What a deposit's terms keep becomes income: by somebody's word, and taken back by a reversal.

It is a use of the deposit without an invoice, so that settling treats it as every use: what a
refund or a lost dispute takes from under it is income no more, and comes back with a late win.
"""

from datetime import date

from reconciler.errors import Collision, Invalid, NotFound, Refused
from reconciler.money import shown
from reconciler.services import (
    applications,
    audit,
    closings,
    deposit_terms,
    refund_legs,
    settlement,
)
from reconciler.services.deposit_terms import HeldBack
from reconciler.store import claims
from reconciler.work import Work


def keep(work: Work, deposit_id: str, amount: int | None = None, *, on: date | None = None) -> str:
    """Keep of a deposit as income what its terms keep, or less; gives the id of what was kept.

    `on` is the day on which it counts, today if not said. Raises NotFound, Invalid for a day to
    come, and Refused, naming the field, where the terms keep less, a refund was asked for that
    takes it, or the day is closed.
    """
    paying = claims.allocations_on(work.session, (), [deposit_id])
    rows = claims.lock_payments(work.session, {claim.payment_id for claim in paying})
    day = closings.posting_day(work, on, field="on")
    use = applications.new_use(work, deposit_id, None, on=day)
    scene = settlement.stage(work, {}, new_applications=[use])
    deposit = scene.deposits.get(deposit_id)
    if deposit is None:
        raise NotFound(f"there is no deposit {deposit_id}")
    if {claim.payment_id for claim in scene.claims_by(deposit_id)} - rows.keys():
        raise Collision("another payment came to the deposit meanwhile")
    held = deposit_terms.held_back(work.session, [deposit_id], work.now.date()).get(deposit_id)
    if held is None:
        raise Refused(f"nothing of deposit {deposit.code} is kept under its terms now")
    legs = refund_legs.held_on(work, rows)
    asked_back = sum(leg.amount for leg in legs if leg.target_id == deposit_id)
    left = deposit.received - deposit.applied - deposit.refunded - asked_back
    use.wanted = _fitting(amount, held, left, deposit.currency)
    settlement.finish(work, scene)
    kept: dict[str, object] = {"application": use.id, "amount": use.wanted}
    kept |= {"applied_on": on} if on else {}
    audit.note(work, "deposit.forfeited", deposit_id, after=kept, why=held.why)
    return use.id


def take_back(work: Work, deposit_id: str, forfeit_id: str) -> None:
    """Hold again what was kept, by a reversing entry. Raises NotFound."""
    scene = settlement.stage(work, {}, deposits=[deposit_id])
    use = scene.applications.get(forfeit_id)
    if use is None or use.deposit_id != deposit_id or use.invoice_id is not None:
        raise NotFound(f"of deposit {deposit_id} nothing is kept under {forfeit_id}")
    was: dict[str, object] = {"application": use.id, "amount": use.amount}
    audit.note(work, "deposit.forfeit_reversed", deposit_id, before=was)
    use.wanted = 0
    use.is_changed = True
    settlement.finish(work, scene)


def _fitting(amount: int | None, held: HeldBack, left: int, currency: str) -> int:
    most = min(held.amount, left)
    if most <= 0:
        raise Refused("a refund was asked for that takes what its terms keep", field="amount")
    wanted = most if amount is None else amount
    if wanted <= 0:
        raise Invalid("the amount must be more than nothing", field="amount")
    if wanted > most:
        over = shown(wanted - most, currency)
        raise Refused(f"that is {over} more than its terms keep: {held.why}", field="amount")
    return wanted
