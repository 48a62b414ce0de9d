"""A person says what a client owes after a refund that was made outside, and may take it back.

The decision is written down beside the facts and read by settling, so that whatever comes later,
in whatever order, ends in the same books. Taking it back closes it; the books follow by entries
that reverse.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from reconciler import ids
from reconciler.books.allocations import Take, Treatment
from reconciler.books.observations import RefundFact
from reconciler.books.posting_rules import position
from reconciler.books.refund_terms import Terms
from reconciler.errors import Conflict, NotFound, Refused
from reconciler.money import shown
from reconciler.services import audit, rivals, settlement
from reconciler.services.settlement import Scene
from reconciler.store import claims, refund_terms
from reconciler.store.claims import PaymentRow
from reconciler.store.refund_terms import RefundDecision
from reconciler.work import Work

_LEG = sa.text("select refund_id from refund_leg where reference = :reference")
_CLOSED = sa.text(
    """update refund_decision set closed_at = :now, closed_by = :by
    where payment_id = :payment and rail_refund_id = :refund and closed_at is null
      and review_item_id = coalesce(cast(:item as text), review_item_id) returning id"""
)


@dataclass(frozen=True, slots=True)
class Decided:
    """What is owed after a refund: one treatment for all of it, or for the `parts` named.

    `parts` are (invoice or deposit, minor units); empty leaves it to the rule what it takes from.
    """

    treatment: Treatment
    parts: tuple[tuple[str, int], ...] = ()


def decide(
    work: Work, payment_id: str, rail_refund_id: str, decided: Decided, *, item_id: str
) -> None:
    """Set the decision down and bring the books to it. One decided before is closed.

    Raises NotFound, Conflict for a refund that is ours or takes nothing any more, and Refused,
    naming `allocations`, for parts that it cannot have taken.
    """
    scene = settlement.stage(work, _locked(work, payment_id))
    row = scene.payments[payment_id]
    fact = _stranger(work, row, rail_refund_id)
    takes = [Take(amount, decided.treatment, target) for target, amount in decided.parts]
    if takes:
        _can_have_taken(work, scene, row, fact, takes)
    _close(work, payment_id, rail_refund_id)
    for place, take in enumerate(takes or [Take(fact.amount, decided.treatment)]):
        work.session.add(
            RefundDecision(
                id=ids.new_id("rdc"),
                payment_id=payment_id,
                rail_refund_id=rail_refund_id,
                review_item_id=item_id,
                place=place,
                target_id=take.target,
                amount=take.amount,
                treatment=take.treatment.value,
                cause_kind=work.cause.kind,
                cause_id=work.cause.id,
                created_at=work.now,
            )
        )
    work.session.flush()
    said = {"refund": rail_refund_id, "treatment": decided.treatment, "parts": decided.parts}
    audit.note(work, "outside_refund.decided", payment_id, after=said)
    _follow(work, scene, payment_id)


def take_back(work: Work, payment_id: str, rail_refund_id: str, *, item_id: str) -> None:
    """Undo what was decided by that question: the refund is treated as a stranger's again.

    Raises Conflict where that does not stand any more, whatever was decided since.
    """
    scene = settlement.stage(work, _locked(work, payment_id))
    if not _close(work, payment_id, rail_refund_id, item_id=item_id):
        raise Conflict("nothing is decided about this refund, or that was taken back already")
    _follow(work, scene, payment_id)


def _locked(work: Work, payment_id: str) -> dict[str, PaymentRow]:
    rows = claims.lock_payments(work.session, [payment_id])
    if not rows:
        raise NotFound(f"there is no payment {payment_id}")
    return rows


def _stranger(work: Work, row: PaymentRow, rail_refund_id: str) -> RefundFact:
    fact = row.facts.refunds.get(rail_refund_id)
    if fact is None:
        raise NotFound(f"payment {row.id} has no refund {rail_refund_id}")
    given = {"reference": fact.reference or ""}
    if work.session.execute(_LEG, given).first():
        raise Conflict("this refund was asked for here: what it does to the invoice stands there")
    if rail_refund_id not in {refund.id for refund in position(row.facts).refunds}:
        raise Conflict("this refund moves no money now: it failed, or was canceled")
    return fact


def _can_have_taken(
    work: Work, scene: Scene, row: PaymentRow, fact: RefundFact, takes: list[Take]
) -> None:
    """The parts are what it really takes under this decision, no more and no less."""
    known = refund_terms.of(work.session, {row.id: row.facts})
    stands = settlement.taken_from(scene, row, known)[fact.id]
    decided = Terms(known.asked, {**known.decided, fact.id: takes})
    currency = row.facts.currency or ""
    wanted, whole = sum(take.amount for take in takes), sum(stands.values())
    if wanted != whole:
        raise Refused(
            f"the parts come to {shown(wanted, currency)}; the refund took {shown(whole, currency)}"
            " from invoices and deposits",
            field="allocations",
        )
    said = {take.target: take.amount for take in takes}
    if settlement.taken_from(scene, row, decided)[fact.id] != said:
        raise Refused(
            "the payment did not put that much there, so the refund cannot have taken it",
            field="allocations",
        )


def _close(work: Work, payment_id: str, rail_refund_id: str, *, item_id: str | None = None) -> bool:
    given: dict[str, object] = {"now": work.now, "by": f"{work.cause.kind}/{work.cause.id}"}
    given |= {"payment": payment_id, "refund": rail_refund_id, "item": item_id}
    return bool(work.session.execute(_CLOSED, given).all())


def _follow(work: Work, scene: Scene, payment_id: str) -> None:
    settlement.finish(work, scene)
    rivals.ask_about(work, [payment_id])
