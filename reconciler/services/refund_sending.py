"""The transactions around sending one leg of a refund: claim, take up, decide, record.

The network is between them, never inside. Each one begins by taking the payment's lock, then the
refund's, and by seeing whether the lease is still ours: a leg that somebody else has taken over
is left alone, except by an answer of the rail, which is welcome whoever brings it. What is then
decided is `books/refund_sending.py`'s; here it is kept.
"""

from dataclasses import dataclass
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlmodel import Session, col, select

from reconciler import ids
from reconciler.books import refund_sending as rules, refunds
from reconciler.books.consent import RefundPolicy
from reconciler.books.observations import PaymentFacts
from reconciler.books.refund_sending import Look, Looked, Obstacle, Sending, Step
from reconciler.books.refunds import RefundStatus
from reconciler.books.reviews import ReviewKind
from reconciler.money import shown
from reconciler.services import (
    disputes,
    payments,
    refund_consent,
    refund_following,
    refund_legs,
    refund_limits,
    restores,
    reviews,
    switches,
)
from reconciler.services.refund_legs import Whole
from reconciler.services.reviews import Question
from reconciler.services.switches import SwitchName
from reconciler.store import claims
from reconciler.store.claims import PaymentRow
from reconciler.store.refunds import RefundAttempt, RefundLeg
from reconciler.work import Work

_DISPUTED = (
    "the payer's bank disputes the payment and decides who gets the money, so nothing was sent: "
    "try again if the dispute is won; cancel if it is lost, for then the customer has the money"
)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a leg for a while."""

    leg_id: str
    refund_id: str
    payment_id: str
    token: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A leg as it is to be looked for and perhaps sent. `key` and `generation` are the present."""

    lease: Lease
    facts: PaymentFacts
    amount: int
    currency: str
    reason: str
    reference: str
    key: str
    generation: int
    cancels: str | None = None  # the rail's refund that is to be called off instead


@dataclass(frozen=True, slots=True)
class _Scene:
    row: PaymentRow
    whole: Whole
    leg: RefundLeg
    attempt: RefundAttempt

    @property
    def sending(self) -> Sending:
        """Where the leg stands, with what its present key has been through."""
        attempt = self.attempt
        return msgspec.structs.replace(
            sending(self.leg),
            first_sent_at=attempt.first_sent_at,
            last_sent_at=attempt.last_sent_at,
            sends=attempt.sends,
            is_refused=attempt.is_refused,
            outcome=attempt.outcome,
        )


def sending(leg: RefundLeg) -> Sending:
    """Where a leg stands, as its own row says."""
    return Sending(
        status=RefundStatus(leg.status),
        generation=leg.generation,
        generations_max=leg.generations_max,
        unsettled_since=leg.unsettled_since,
        due_at=leg.due_at,
        lease_token=leg.lease_token,
        lease_until=leg.lease_until,
        probes=leg.probes,
        tries=leg.tries,
        failure=leg.failure,
    )


def keep(work: Work, leg: RefundLeg, after: Sending) -> None:
    """Write down where a leg stands now, and the step that led there."""
    leg.generation, leg.generations_max = after.generation, after.generations_max
    leg.unsettled_since, leg.due_at = after.unsettled_since, after.due_at
    leg.lease_token, leg.lease_until = after.lease_token, after.lease_until
    leg.probes, leg.tries = after.probes, after.tries
    leg.failure = after.failure
    work.session.add(leg)
    refund_legs.move(work, leg, after.status, why=after.failure)


def is_allowed(session: Session) -> bool:
    """Whether refunds may go out at all at this moment."""
    is_on = switches.are_on(session, SwitchName.REFUNDS, SwitchName.OUTBOUND)
    return is_on and restores.may_move_money(session)


def claim(work: Work, leg_id: str | None = None) -> Lease | None:
    """Take a leg that is due and that nobody works on, or the one named; None if there is none."""
    free = sa.or_(col(RefundLeg.lease_until).is_(None), col(RefundLeg.lease_until) < work.now)
    which = RefundLeg.id == leg_id if leg_id else col(RefundLeg.due_at) <= work.now
    leg = work.session.exec(
        select(RefundLeg)
        .where(which, free, col(RefundLeg.due_at).is_not(None))
        .order_by(col(RefundLeg.due_at), col(RefundLeg.id))
        .limit(1)
        .with_for_update(key_share=True, skip_locked=True)
    ).first()
    if leg is None:
        return None
    leg.lease_token = ids.new_token()
    leg.lease_until = work.now + rules.LEASE
    work.session.add(leg)
    work.session.flush()
    return Lease(leg.id, leg.refund_id, leg.payment_id, leg.lease_token)


def take_up(work: Work, lease: Lease) -> Turn | None:
    """What is to be looked for on the rail; None where nothing is to be done with the leg now."""
    scene = _scene(work, lease)
    if scene is None:
        return None
    leg = scene.leg
    if not is_allowed(work.session):
        _keep(work, scene, rules.put_off(scene.sending, rules.SWITCHED_OFF_FOR, work.now))
        return None
    return _turn(lease, scene, cancels=leg.rail_refund_id if leg.is_cancel_wanted else None)


def decide(work: Work, lease: Lease, looked: Looked, policy: RefundPolicy) -> Turn | None:
    """After a look: what is to be sent now, or None.

    What it gives back may be sent: that is written down before it returns, so that after a crash
    at any point from here on the leg is one that may have been sent.
    """
    scene = _scene(work, lease)
    if scene is None:
        return None
    if looked.look is not Look.UNANSWERED:
        reviews.close_items(
            work,
            [ReviewKind.REFUNDS_STOPPED],
            [f"rail/{scene.row.facts.rail}"],
            resolution="the rail takes our key",
        )
    at, released_at = scene.sending, scene.whole.refund.approved_at
    step = rules.next_step(rules.situation(at, looked, work.now, released_at=released_at))
    match step:
        case Step.SEND | Step.NEW_GENERATION:
            if _is_hindered(work, scene, step, policy):
                return None
            return _turn(lease, _keep(work, scene, rules.intended(at, step, work.now)))
        case Step.DONE:
            refund_following.follow(work, [scene.row], {scene.row.id: scene.row.facts})
            if RefundStatus(scene.leg.status) in refunds.SENDABLE:
                why = "the rail shows it, and it cannot be read yet"
                _keep(work, scene, rules.look_again(scene.sending, work.now, why))
        case Step.WAIT | Step.FAIL | Step.MANUAL:
            _keep(work, scene, rules.after_look(at, step, looked, work.now))
    return None


def is_still_ours(session: Session, lease: Lease, now: datetime) -> bool:
    """The fence: nobody has taken the leg over, it is approved and undisputed, and may go out."""
    leg = session.get(RefundLeg, lease.leg_id)
    if leg is None:
        return False
    is_approved = refund_consent.is_as_approved(session, lease.refund_id)
    is_good = is_approved and not disputes.is_open(session, lease.payment_id)
    return rules.is_held(sending(leg), lease.token, now) and is_good and is_allowed(session)


def record_answer(work: Work, lease: Lease, facts: PaymentFacts) -> None:
    """The rail made it: through the door, as any other news. Welcome without the lease as well."""
    payments.observe(work, [(facts, ())])
    scene = _scene(work, lease)
    if scene is not None:  # whoever brings news that settles it ends the lease with it
        why = "the rail's answer does not show our refund"
        _keep(work, scene, rules.look_again(scene.sending, work.now, why))


def record_unknown(work: Work, lease: Lease, why: str) -> None:
    """Sent, and nobody knows what came of it: look before anything else."""
    scene = _scene(work, lease)
    if scene is not None:
        _keep(work, scene, rules.unanswered(scene.sending, work.now, why))


def record_not_taken(work: Work, lease: Lease, why: str, *, is_busy: bool = False) -> None:
    """The rail did nothing with this very call. `is_busy`: perhaps with an earlier one of ours."""
    scene = _scene(work, lease)
    if scene is not None:
        after = rules.in_the_way if is_busy else rules.not_taken
        _keep(work, scene, after(scene.sending, work.now, why))


def record_key_refused(work: Work, lease: Lease, why: str) -> None:
    """The rail does not take our key: the leg stands as before, and people are asked to mend it."""
    scene = _scene(work, lease)
    if scene is None:
        return
    _keep(work, scene, rules.not_taken(scene.sending, work.now, why))
    question = Question(
        kind=ReviewKind.REFUNDS_STOPPED,
        subject=f"rail/{scene.row.facts.rail}",
        details={"why": [why], "next": "refunds go on by themselves once the rail takes the key"},
    )
    reviews.open_items(work, [question])


def record_refused(work: Work, lease: Lease, code: str, why: str) -> bool:
    """The rail said no. Gives whether one more look decides it: it may be our own success."""
    scene = _scene(work, lease)
    if scene is None:
        return False
    after = rules.refused(scene.sending, code, why)
    _keep(work, scene, after)
    return after.is_refused


def record_not_canceled(work: Work, lease: Lease, why: str, *, is_final: bool) -> None:
    """The rail did not call it off: for good, or not yet."""
    scene = _scene(work, lease)
    if scene is None:
        return
    leg = scene.leg
    leg.failure = why
    if is_final:
        leg.is_cancel_wanted = False
        leg.due_at = leg.lease_token = leg.lease_until = None
    else:
        leg.tries += 1
        leg.due_at = work.now + rules.backoff(leg.tries)
        leg.lease_token = leg.lease_until = None
    work.session.add(leg)
    work.session.flush()


def _scene(work: Work, lease: Lease) -> _Scene | None:
    """Everything locked, if the lease is ours and there is something to do; else None."""
    rows = claims.lock_payments(work.session, [lease.payment_id])
    whole = refund_legs.lock_one(work, lease.refund_id)
    leg = whole.leg(lease.leg_id)
    if leg.lease_token != lease.token:
        return None
    if RefundStatus(leg.status) not in refunds.SENDABLE and not leg.is_cancel_wanted:
        leg.due_at = leg.lease_token = leg.lease_until = None
        work.session.add(leg)
        return None
    return _Scene(rows[lease.payment_id], whole, leg, _attempt(work, leg))


def _attempt(work: Work, leg: RefundLeg) -> RefundAttempt:
    wanted = select(RefundAttempt).where(
        RefundAttempt.leg_id == leg.id, RefundAttempt.generation == leg.generation
    )
    found = work.session.exec(wanted).first()
    if found is not None:
        return found
    made = RefundAttempt(
        id=ids.new_id("rat"),
        leg_id=leg.id,
        generation=leg.generation,
        key=refunds.idempotency_key(leg.id, leg.generation),
    )
    work.session.add(made)
    work.session.flush()
    return made


def _turn(lease: Lease, scene: _Scene, *, cancels: str | None = None) -> Turn:
    return Turn(
        lease=lease,
        facts=scene.row.facts,
        amount=scene.leg.amount,
        currency=scene.whole.refund.currency,
        reason=scene.whole.refund.reason,
        reference=scene.leg.reference,
        key=scene.attempt.key,
        generation=scene.attempt.generation,
        cancels=cancels,
    )


def _keep(work: Work, scene: _Scene, after: Sending) -> _Scene:
    """Write down where the leg stands now; gives the scene with the attempt that then counts."""
    leg, shown = scene.leg, (scene.leg.status, scene.leg.failure)
    keep(work, leg, after)
    attempt = _attempt(work, leg)
    attempt.first_sent_at, attempt.last_sent_at = after.first_sent_at, after.last_sent_at
    attempt.sends, attempt.is_refused = after.sends, after.is_refused
    attempt.outcome = after.outcome
    work.session.add(attempt)
    if shown != (leg.status, leg.failure):
        refund_legs.follow_legs(work, scene.whole)
    work.session.flush()
    return _Scene(scene.row, scene.whole, leg, attempt)


def _is_hindered(work: Work, scene: _Scene, step: Step, policy: RefundPolicy) -> bool:
    """Whether something stands in the way of sending now; then that is written down."""
    if is_allowed(work.session) and not refund_consent.holds(scene.whole):
        _ask_again(work, scene)
        return True
    obstacle, why = _obstacle(work, scene, policy)
    if obstacle is not None:
        _keep(work, scene, rules.hindered(scene.sending, step, obstacle, work.now, why))
    return obstacle is not None


def _obstacle(
    work: Work, scene: _Scene, policy: RefundPolicy
) -> tuple[Obstacle | None, str | None]:
    """What stands in the way, and what is to be said about it beyond that."""
    whole, leg = scene.whole, scene.leg
    if not is_allowed(work.session):
        return Obstacle.SWITCHED_OFF, None
    references = {each.reference for each in whole.legs}
    if rules.has_forgotten(scene.row.facts, whole.refund.id, references):
        restores.suspect(work, "the rail has a part of a refund that these books do not know")
        return Obstacle.FORGOTTEN, None
    if not _is_there(work, scene):
        return Obstacle.NOTHING_LEFT, _why_not_there(work, scene)
    why = None if leg.unsettled_since else refund_limits.hold(work, whole.refund, leg, policy)
    return Obstacle.DAY_IS_FULL if why else None, why


def _ask_again(work: Work, scene: _Scene) -> None:
    """What it asks for is not what was approved: nothing goes, and a person is asked."""
    why = "it is not what was approved any more"
    if refund_consent.was_sent(work.session, scene.whole.refund.id):
        _keep(work, scene, rules.ended(scene.sending, RefundStatus.MANUAL, why))
        return
    refund_legs.ask_again(work, scene.whole, why=why)
    refund_legs.follow_legs(work, scene.whole)


def _is_there(work: Work, scene: _Scene) -> bool:
    return scene.leg.amount <= _left(work, scene)


def _left(work: Work, scene: _Scene) -> int:
    others = [
        held.reserved
        for held in refund_legs.held_on(work, [scene.row.id])
        if held.id != scene.leg.id
    ]
    return refunds.refundable(scene.row.facts, others)


def _why_not_there(work: Work, scene: _Scene) -> str:
    if refunds.is_disputed(scene.row.facts):
        return _DISPUTED
    left = shown(_left(work, scene), scene.whole.refund.currency)
    return (
        f"only {left} of the payment can still be refunded: the rest went back meanwhile, in the "
        "rail's dashboard or by another refund"
    )
