"""A refund with its legs: held, moved from status to status, every step written down.

The refund's own status follows from its legs', and so do the questions that people are asked
about it. Nothing else writes a status.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlmodel import col, select

from reconciler.books import refunds as rules
from reconciler.books.refunds import RefundStatus
from reconciler.books.reviews import ReviewKind
from reconciler.errors import Conflict, NotFound
from reconciler.services import news, notices, reviews
from reconciler.services.reviews import Question
from reconciler.store.refunds import Refund, RefundLeg, RefundStep
from reconciler.work import Work

_ASKED = (ReviewKind.REFUND_FAILED, ReviewKind.MANUAL_REFUND, ReviewKind.REFUNDS_HELD)


@dataclass(frozen=True, slots=True)
class Whole:
    """A locked refund and all its legs, the replaced ones too."""

    refund: Refund
    legs: list[RefundLeg]

    @property
    def live(self) -> list[RefundLeg]:
        """The legs that count: those which no later one has replaced."""
        return [leg for leg in self.legs if leg.replaced_by is None]

    @property
    def status(self) -> RefundStatus:
        """The refund's own status."""
        return RefundStatus(self.refund.status)

    def leg(self, leg_id: str) -> RefundLeg:
        """One of its legs."""
        return next(leg for leg in self.legs if leg.id == leg_id)


def lock(work: Work, refund_ids: Collection[str]) -> list[Whole]:
    """Hold these refunds until the transaction ends. Their payments, if at all, are held before."""
    held = (
        select(Refund)
        .where(col(Refund.id).in_(refund_ids))
        .order_by(col(Refund.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    refunds = work.session.exec(held).all()
    legs = (
        select(RefundLeg)
        .where(col(RefundLeg.refund_id).in_([refund.id for refund in refunds]))
        .order_by(col(RefundLeg.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    found = work.session.exec(legs).all()
    return [Whole(r, [leg for leg in found if leg.refund_id == r.id]) for r in refunds]


def lock_one(work: Work, refund_id: str, *, rev: int | None = None) -> Whole:
    """Hold one. Raises NotFound, or Conflict if it is not at `rev` any more."""
    found = lock(work, [refund_id])
    if not found:
        raise NotFound(f"there is no refund {refund_id}")
    whole = found[0]
    if rev is not None and rev != whole.refund.rev:
        raise Conflict(f"refund {refund_id} was changed by somebody else meanwhile")
    return whole


def payments_of(work: Work, refund_id: str) -> list[str]:
    """The payments that a refund's legs are on: those never change, so no lock is needed."""
    legs = select(RefundLeg.payment_id).where(RefundLeg.refund_id == refund_id).distinct()
    return list(work.session.exec(legs))


def move(work: Work, leg: RefundLeg, after: RefundStatus, *, why: str | None = None) -> None:
    """Take a leg to another status, if it is not there yet, and write the step down."""
    before = RefundStatus(leg.status)
    if before is after:
        return
    legal = rules.may_become(before, after, is_seen=leg.rail_refund_id is not None)
    assert legal, f"leg {leg.id} does not go from {before} to {after}"
    leg.status = after.value
    leg.failure = why
    if after not in rules.SENDABLE:
        leg.due_at = leg.lease_token = leg.lease_until = None
        leg.is_cancel_wanted = False
    work.session.add(leg)
    write_step(work, leg.refund_id, before, after, leg_id=leg.id, why=why)


def void_approval(refund: Refund) -> None:
    """It is as if nobody had approved it."""
    refund.approved_by = refund.approved_at = refund.approved_terms = None


def ask_again(work: Work, whole: Whole, *, why: str) -> None:
    """Its terms are others now: nobody has approved them, and no leg of it may go."""
    refund, before = whole.refund, whole.status
    refund.status, refund.failure = RefundStatus.REQUESTED.value, None
    void_approval(refund)
    work.session.add(refund)
    work.session.flush()  # by itself: the database lets terms change only as the approval goes
    write_step(work, refund.id, before, RefundStatus.REQUESTED, why=why)
    for leg in whole.live:
        if leg.status == RefundStatus.APPROVED.value:
            move(work, leg, RefundStatus.REQUESTED, why=why)
    work.session.flush()


def write_step(
    work: Work,
    refund_id: str,
    before: RefundStatus | None,
    after: RefundStatus,
    *,
    leg_id: str | None = None,
    why: str | None = None,
) -> None:
    """Write down one change of status. Each one reaches the database by itself, in its order."""
    work.session.add(
        RefundStep(
            refund_id=refund_id,
            leg_id=leg_id,
            before=before.value if before else None,
            after=after.value,
            why=why,
            cause_kind=work.cause.kind,
            cause_id=work.cause.id,
            at=work.now,
        )
    )
    work.session.flush()


def follow_legs(work: Work, whole: Whole) -> None:
    """Give the refund the status that follows from its legs, and ask people what needs asking."""
    refund, before = whole.refund, whole.status
    after = rules.overall(RefundStatus(leg.status) for leg in whole.live)
    refund.status = after.value
    refund.failure = next((leg.failure for leg in whole.live if leg.failure), None)
    refund.rev += 1
    work.session.add(refund)
    if after is before:
        work.session.flush()
    else:
        write_step(work, refund.id, before, after, why=refund.failure)
        notices.of_refund(work, refund)
        news.of_refund(work, refund)
    _ask(work, whole)


def _ask(work: Work, whole: Whole) -> None:
    questions = []
    for kind in _ASKED:
        legs = [leg for leg in whole.live if _asked_of(leg) is kind]
        if legs:
            questions.append(_question(kind, whole.refund, legs))
        else:
            reviews.close_items(
                work, [kind], [whole.refund.id], resolution=f"the refund is {whole.refund.status}"
            )
    reviews.open_items(work, questions)


def _asked_of(leg: RefundLeg) -> ReviewKind | None:
    """What people are asked about a leg as it stands."""
    match RefundStatus(leg.status):
        case RefundStatus.FAILED:
            return ReviewKind.REFUND_FAILED
        case RefundStatus.MANUAL:
            return ReviewKind.MANUAL_REFUND
        case RefundStatus.REQUIRES_ACTION:
            return ReviewKind.REFUNDS_HELD
        case RefundStatus.PENDING:
            return ReviewKind.REFUNDS_HELD if leg.failure else None
        case _:
            return None


def _why(leg: RefundLeg) -> str | None:
    if leg.status == RefundStatus.REQUIRES_ACTION.value:
        return "the customer has to follow the rail's e-mail"
    return leg.failure


def _question(kind: ReviewKind, refund: Refund, legs: list[RefundLeg]) -> Question:
    return Question(
        kind=kind,
        subject=refund.id,
        payment_id=legs[0].payment_id,
        invoice_id=refund.invoice_id,
        deposit_id=refund.deposit_id,
        refund_id=refund.id,
        amount=sum(leg.amount for leg in legs),
        currency=refund.currency,
        details={"why": sorted({why for leg in legs if (why := _why(leg))})},
    )


@dataclass(frozen=True, slots=True)
class Held:
    """A live leg that the rail has not shown us yet: its money is spoken for."""

    id: str
    payment_id: str
    target_id: str | None
    reference: str
    amount: int
    invoice_id: str | None

    @property
    def reserved(self) -> rules.Reserved:
        """The same, as the rule of the cap wants it."""
        return rules.Reserved(self.reference, self.amount)


def held_on(work: Work, payment_ids: Iterable[str], *, without: str | None = None) -> list[Held]:
    """The legs that hold money of these payments. Asked under the payments' locks.

    Those of the refund `without` are left out: something else is asked instead of it.
    """
    holding = (
        select(RefundLeg, Refund.invoice_id)
        .join(Refund, col(Refund.id) == col(RefundLeg.refund_id))
        .where(
            col(RefundLeg.payment_id).in_(list(payment_ids)),
            RefundLeg.refund_id != (without or ""),
            col(RefundLeg.replaced_by).is_(None),
            col(RefundLeg.rail_refund_id).is_(None),
            col(RefundLeg.status).in_([status.value for status in rules.HOLDING]),
        )
        .execution_options(populate_existing=True)
    )
    return [
        Held(leg.id, leg.payment_id, leg.target_id, leg.reference, leg.amount, invoice_id)
        for leg, invoice_id in work.session.exec(holding)
    ]
