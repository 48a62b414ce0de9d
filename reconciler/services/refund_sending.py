"""The transactions around sending one leg of a refund: claim, take up, decide, record.

The network is between them, never inside. Each one begins by taking the payment's lock, then the
refund's, and by seeing whether the lease is still ours: a leg that somebody else has taken over
is left alone, except by an answer of the rail, which is welcome whoever brings it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from reconciler import ids
from reconciler.books import refunds as rules
from reconciler.books.consent import RefundPolicy
from reconciler.books.observations import PaymentFacts
from reconciler.books.refunds import Look, RefundStatus, Situation, Step
from reconciler.money import shown
from reconciler.services import (
    disputes,
    payments,
    refund_consent,
    refund_following,
    refund_legs,
    refund_limits,
    switches,
)
from reconciler.services.refund_legs import Whole
from reconciler.services.switches import SwitchName
from reconciler.store import claims
from reconciler.store.claims import PaymentRow
from reconciler.store.refunds import RefundAttempt, RefundLeg
from reconciler.work import Work

_SWITCHED_OFF_FOR = timedelta(minutes=1)
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
class Looked:
    """What a look at the rail has shown."""

    look: Look
    totals_agree: bool = True
    why: str | None = None


@dataclass(frozen=True, slots=True)
class _Scene:
    row: PaymentRow
    whole: Whole
    leg: RefundLeg
    attempt: RefundAttempt


def is_allowed(session: Session) -> bool:
    """Whether refunds may go out at all at this moment."""
    return switches.are_on(session, SwitchName.REFUNDS, SwitchName.OUTBOUND)


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
        _later(work, leg, _SWITCHED_OFF_FOR)
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
    leg = scene.leg
    step = rules.next_step(_situation(work, scene, looked))
    match step:
        case Step.SEND | Step.NEW_GENERATION:
            return _send(work, lease, scene, policy, is_new=step is Step.NEW_GENERATION)
        case Step.WAIT:
            _look_again(work, scene, looked.why)
        case Step.DONE:
            refund_following.follow(work, [scene.row], {scene.row.id: scene.row.facts})
            if RefundStatus(leg.status) in rules.SENDABLE:
                _look_again(work, scene, "the rail shows it, and it cannot be read yet")
        case Step.FAIL:
            _end(work, scene, RefundStatus.FAILED, scene.attempt.outcome or "the rail refused it")
        case Step.MANUAL:
            _end(work, scene, RefundStatus.MANUAL, looked.why or "what came of it is not known")
    return None


def is_still_ours(session: Session, lease: Lease, now: datetime) -> bool:
    """The fence: nobody has taken the leg over, it is approved and undisputed, and may go out."""
    leg = session.get(RefundLeg, lease.leg_id)
    if leg is None or leg.lease_token != lease.token or leg.lease_until is None:
        return False
    is_approved = refund_consent.is_as_approved(session, lease.refund_id)
    is_good = is_approved and not disputes.is_open(session, lease.payment_id)
    return now < leg.lease_until and is_good and is_allowed(session)


def record_answer(work: Work, lease: Lease, facts: PaymentFacts) -> None:
    """The rail made it: through the door, as any other news. Welcome without the lease as well."""
    payments.observe(work, [(facts, ())])
    scene = _scene(work, lease)
    if scene is not None:  # whoever brings news that settles it ends the lease with it
        _look_again(work, scene, "the rail's answer does not show our refund")


def record_unknown(work: Work, lease: Lease, why: str) -> None:
    """Sent, and nobody knows what came of it: look before anything else."""
    scene = _scene(work, lease)
    if scene is not None:
        scene.attempt.outcome = why
        _look_again(work, scene, why)


def record_not_taken(work: Work, lease: Lease, why: str) -> None:
    """The rail did nothing with this very call: it stands as before, and is tried again later."""
    scene = _scene(work, lease)
    if scene is None:
        return
    scene.attempt.outcome = why
    scene.leg.failure = why
    wait = rules.backoff(scene.leg.tries)
    scene.leg.tries += 1
    _later(work, scene.leg, wait)


def record_refused(work: Work, lease: Lease, code: str, why: str) -> bool:
    """The rail said no. Gives whether one more look decides it: it may be our own success."""
    scene = _scene(work, lease)
    if scene is None:
        return False
    scene.attempt.outcome = why
    work.session.add(scene.attempt)
    if rules.needs_a_person(code):
        _end(work, scene, RefundStatus.MANUAL, why)
        return False
    scene.attempt.is_refused = True
    work.session.flush()
    return True


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
        work.session.add(leg)
        work.session.flush()
    else:
        leg.tries += 1
        _later(work, leg, rules.backoff(leg.tries))


def _scene(work: Work, lease: Lease) -> _Scene | None:
    """Everything locked, if the lease is ours and there is something to do; else None."""
    rows = claims.lock_payments(work.session, [lease.payment_id])
    whole = refund_legs.lock_one(work, lease.refund_id)
    leg = whole.leg(lease.leg_id)
    if leg.lease_token != lease.token:
        return None
    if RefundStatus(leg.status) not in rules.SENDABLE and not leg.is_cancel_wanted:
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
        key=rules.idempotency_key(leg.id, leg.generation),
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


def _situation(work: Work, scene: _Scene, looked: Looked) -> Situation:
    attempt, leg = scene.attempt, scene.leg
    since = leg.unsettled_since or scene.whole.refund.approved_at or work.now
    return Situation(
        look=looked.look,
        first_sent=work.now - attempt.first_sent_at if attempt.first_sent_at else None,
        last_sent=work.now - attempt.last_sent_at if attempt.last_sent_at else None,
        unsettled=work.now - since,
        generation=leg.generation,
        generations_max=leg.generations_max,
        totals_agree=looked.totals_agree,
        was_refused=attempt.is_refused,
    )


def _send(
    work: Work, lease: Lease, scene: _Scene, policy: RefundPolicy, *, is_new: bool
) -> Turn | None:
    """The durable intent, if the money is still there and the day's limit allows it."""
    leg = scene.leg
    was_sent = scene.attempt.first_sent_at is not None
    if not is_allowed(work.session):
        _later(work, leg, _SWITCHED_OFF_FOR)
        return None
    if not refund_consent.holds(scene.whole):
        _ask_again(work, scene)
        return None
    if not _is_there(work, scene):
        why = _why_not_there(work, scene)
        if was_sent and not is_new:
            _look_again(work, scene, why)  # it may be our own sending that took it
        else:
            _end(work, scene, RefundStatus.MANUAL, why)
        return None
    if not leg.unsettled_since and refund_limits.hold(work, scene.whole.refund, leg, policy):
        _later(work, leg, refund_limits.until_tomorrow(work.now))
        refund_legs.follow_legs(work, scene.whole)  # so that the refund says why it waits
        return None
    if is_new:
        leg.generation += 1
        leg.probes = leg.tries = 0
    attempt = _attempt(work, leg)
    attempt.first_sent_at = attempt.first_sent_at or work.now
    attempt.last_sent_at = work.now
    attempt.sends += 1
    leg.unsettled_since = leg.unsettled_since or work.now
    leg.lease_until = leg.due_at = work.now + rules.LEASE
    work.session.add(attempt)
    work.session.add(leg)
    refund_legs.move(work, leg, RefundStatus.SUBMITTED)
    refund_legs.follow_legs(work, scene.whole)
    return _turn(lease, _Scene(scene.row, scene.whole, leg, attempt))


def _is_there(work: Work, scene: _Scene) -> bool:
    return scene.leg.amount <= _left(work, scene)


def _left(work: Work, scene: _Scene) -> int:
    others = [
        held.reserved
        for held in refund_legs.held_on(work, [scene.row.id])
        if held.id != scene.leg.id
    ]
    return rules.refundable(scene.row.facts, others)


def _why_not_there(work: Work, scene: _Scene) -> str:
    if rules.is_disputed(scene.row.facts):
        return _DISPUTED
    left = shown(_left(work, scene), scene.whole.refund.currency)
    return (
        f"only {left} of the payment can still be refunded: the rest went back meanwhile, in the "
        "rail's dashboard or by another refund"
    )


def _ask_again(work: Work, scene: _Scene) -> None:
    """What it asks for is not what was approved: nothing goes, and a person is asked."""
    why = "it is not what was approved any more"
    if refund_consent.was_sent(work.session, scene.whole.refund.id):
        _end(work, scene, RefundStatus.MANUAL, why)
        return
    refund_legs.ask_again(work, scene.whole, why=why)
    refund_legs.follow_legs(work, scene.whole)


def _look_again(work: Work, scene: _Scene, why: str | None) -> None:
    leg = scene.leg
    wait = rules.probe_wait(leg.probes)
    leg.probes += 1
    if scene.attempt.first_sent_at is not None and not leg.is_cancel_wanted:
        refund_legs.move(work, leg, RefundStatus.UNKNOWN, why=why)
        refund_legs.follow_legs(work, scene.whole)
    leg.failure = why
    _later(work, leg, wait)


def _later(work: Work, leg: RefundLeg, wait: timedelta) -> None:
    leg.due_at = work.now + wait
    leg.lease_token = leg.lease_until = None
    work.session.add(leg)
    work.session.flush()


def _end(work: Work, scene: _Scene, status: RefundStatus, why: str) -> None:
    refund_legs.move(work, scene.leg, status, why=why)
    refund_legs.follow_legs(work, scene.whole)
