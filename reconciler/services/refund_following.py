"""What happens here when a rail shows a refund: ours takes its status, a stranger's is asked about.

A refund is known to be ours by the reference in the rail's metadata or by the key of the request
that made it (refund_adoption.py), and by nothing else: two refunds of the same amount in the same
second are two refunds. What is seen outranks what was
concluded, so that a refund given up as failed that turns up after all is put right.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from sqlmodel import col, select

from reconciler.books import (
    payments,
    posting_rules,
    refund_sending as sending,
    refunds as rules,
)
from reconciler.books.observations import PaymentFacts, RefundFact, RefundStage
from reconciler.books.refund_routes import Route
from reconciler.books.refunds import RefundStatus
from reconciler.books.reviews import ReviewKind
from reconciler.errors import Refused
from reconciler.money import shown
from reconciler.services import refund_legs, restores, reviews
from reconciler.services.refund_legs import Whole
from reconciler.services.reviews import Question
from reconciler.store.claims import PaymentRow
from reconciler.store.refunds import RefundLeg
from reconciler.work import Work

_NOT_SENT = frozenset({RefundStatus.REQUESTED, RefundStatus.APPROVED, RefundStatus.MANUAL})


def follow(work: Work, rows: Iterable[PaymentRow], before: Mapping[str, PaymentFacts]) -> None:
    """Bring our refunds to what was observed of these locked payments.

    `before` is what was known of each: what a stranger's refund told then was asked about then.
    """
    observed = list(rows)
    with_refunds = [row for row in observed if row.facts.refunds]
    if with_refunds:
        _follow(work, with_refunds, before)
    _crowded_out(work, [row for row in observed if row.facts.refunds or row.facts.disputes])


def _follow(work: Work, with_refunds: list[PaymentRow], before: Mapping[str, PaymentFacts]) -> None:
    legs = _legs(work, with_refunds)
    ours: dict[str, RefundFact] = {}
    questions: list[Question] = []
    for row in with_refunds:
        known = None if row.is_new else before.get(row.id)
        found = _ours(row.facts, [leg for leg in legs if leg.payment_id == row.id])
        ours |= found
        questions += _strangers(row, known, {fact.id for fact in found.values()})
    _take_status(work, legs, ours)
    reviews.close_items(
        work,
        [ReviewKind.EXTERNAL_REFUND],
        _not_asked_any_more(with_refunds, before, {fact.id for fact in ours.values()}),
        resolution="it failed, was canceled, or is one of ours",
    )
    reviews.open_items(work, questions)


def _crowded_out(work: Work, rows: Iterable[PaymentRow]) -> None:
    """What is approved and was not sent, and has no room beside what others took: people decide.

    Left to its sender it would come to the same. Until then more would be on its way than the
    payment has left, which is the sign of a fault for which all refunds are stopped.
    """
    by_id = {row.id: row for row in rows if not row.is_new}
    waiting = _waiting(work, by_id)
    why: dict[str, str] = {}
    for row in by_id.values():
        why |= _without_room(row, [leg for leg in waiting if leg.payment_id == row.id])
    changed = {leg.refund_id for leg in waiting if leg.id in why}
    for whole in refund_legs.lock(work, changed):
        references = {leg.reference for leg in whole.legs}
        for leg in (leg for leg in whole.live if leg.id in why and _is_unsent(leg)):
            # A part of it that we do not know of is a sign of restored books: its sender says so.
            facts = by_id[leg.payment_id].facts
            if not sending.has_forgotten(facts, whole.refund.id, references):
                refund_legs.move(work, leg, RefundStatus.MANUAL, why=why[leg.id])
        refund_legs.follow_legs(work, whole)


def has_room_for(work: Work, rows: Mapping[str, PaymentRow], whole: Whole) -> None:
    """Raises Refused if what is to be approved would be more than its locked payments have left."""
    waiting = _waiting(work, rows)
    for row in rows.values():
        mine = [leg for leg in whole.live if leg.payment_id == row.id]
        others = [leg for leg in waiting if leg.payment_id == row.id and leg not in mine]
        room = _room(row) - sum(leg.amount for leg in others if leg.reference not in _there(row))
        if sum(leg.amount for leg in mine if _is_unsent(leg)) > room:
            left = shown(max(0, room), whole.refund.currency)
            raise Refused(f"only {left} of the payment can still be refunded", field="amount")


def _room(row: PaymentRow) -> int:
    at = posting_rules.position(row.facts)
    return at.captured - at.refunded - at.lost


def _there(row: PaymentRow) -> set[str | None]:
    return {fact.reference for fact in row.facts.refunds.values()}


def _without_room(row: PaymentRow, legs: Iterable[RefundLeg]) -> dict[str, str]:
    """Which of a payment's legs it has not enough left for, and why, by the leg."""
    room, there = _room(row), _there(row)
    why: dict[str, str] = {}
    # What was sent takes its place first: whether it is there, its sender finds out.
    for leg in sorted(legs, key=lambda one: (_is_unsent(one), one.id)):
        if leg.reference in there:
            continue
        if _is_unsent(leg) and leg.amount > room:
            left = shown(max(0, room), row.facts.currency or "")
            why[leg.id] = (
                f"only {left} of the payment can still be refunded: the rest has gone since"
            )
        else:
            room -= leg.amount
    return why


def _waiting(work: Work, payment_ids: Collection[str]) -> list[RefundLeg]:
    if not payment_ids:
        return []
    return list(
        work.session.exec(
            select(RefundLeg)
            .where(
                col(RefundLeg.payment_id).in_(payment_ids),
                col(RefundLeg.replaced_by).is_(None),
                col(RefundLeg.status).in_([status.value for status in rules.SENDABLE]),
            )
            .execution_options(populate_existing=True)
        )
    )


def _legs(work: Work, rows: Iterable[PaymentRow]) -> list[RefundLeg]:
    references = [f.reference for row in rows for f in row.facts.refunds.values() if f.reference]
    if not references:
        return []
    # Not locked yet: the payments are, and whoever changes a leg that was sent holds its payment.
    return list(
        work.session.exec(
            select(RefundLeg)
            .where(col(RefundLeg.reference).in_(references))
            .execution_options(populate_existing=True)
        )
    )


def _ours(facts: PaymentFacts, legs: Iterable[RefundLeg]) -> dict[str, RefundFact]:
    """The rail's refund of each leg. Should there be two, the first one that lives."""
    found: dict[str, RefundFact] = {}
    for leg in legs:
        told = [f for f in facts.refunds.values() if f.reference == leg.reference]
        same = [fact for fact in told if fact.id == leg.rail_refund_id]
        for fact in same or sorted(
            told, key=lambda f: (f.stage > RefundStage.LEFT, f.created, f.id)
        ):
            found.setdefault(leg.id, fact)
    return found


def _take_status(work: Work, legs: Iterable[RefundLeg], ours: Mapping[str, RefundFact]) -> None:
    changed = {leg.refund_id for leg in legs if leg.id in ours and _differs(leg, ours[leg.id])}
    for whole in refund_legs.lock(work, changed):
        questions: list[Question] = []
        for leg in whole.legs:
            fact = ours.get(leg.id)
            if fact is None or not _differs(leg, fact):
                continue
            if fact.stage == RefundStage.CANCELED and not leg.is_cancel_wanted:
                questions.append(_canceled_by_others(whole, leg, fact))
            if not fact.is_by_hand and _is_unsent(leg):
                restores.suspect(work, "the rail has a refund that these books never sent")
            leg.rail_refund_id = fact.id
            refund_legs.move(work, leg, rules.seen(fact), why=_why(fact))
            if leg.status == RefundStatus.PENDING.value:
                leg.failure = _why(fact)  # also where only the reason of waiting is another
            if leg.replaced_by is not None and fact.stage <= RefundStage.LEFT:
                questions += _take_place_again(work, whole, leg, fact)
        refund_legs.follow_legs(work, whole)
        reviews.open_items(work, questions)


def _differs(leg: RefundLeg, fact: RefundFact) -> bool:
    status = rules.seen(fact)
    is_waiting_otherwise = status is RefundStatus.PENDING and leg.failure != _why(fact)
    return is_waiting_otherwise or (leg.rail_refund_id, leg.status) != (fact.id, status.value)


def _why(fact: RefundFact) -> str | None:
    if fact.stage <= RefundStage.LEFT:
        return rules.why_waiting(fact)
    return fact.failure_reason or f"the rail says {rules.seen(fact).value}"


def _canceled_by_others(whole: Whole, leg: RefundLeg, fact: RefundFact) -> Question:
    return Question(
        kind=ReviewKind.REFUND_FAILED,
        subject=fact.id,
        payment_id=leg.payment_id,
        refund_id=whole.refund.id,
        amount=leg.amount,
        currency=whole.refund.currency,
        details={"why": ["it was canceled on the rail, and nobody here asked for that"]},
    )


def _take_place_again(
    work: Work, whole: Whole, leg: RefundLeg, fact: RefundFact
) -> Iterator[Question]:
    """A leg given up as failed was paid after all: what was to replace it must not go too."""
    other = next(each for each in whole.legs if each.reference == leg.replaced_by)
    if _asks(other) != _asks(leg):
        yield from _sent_before_it_was_changed(work, whole, leg, fact)
        return
    if other.route != Route.RAIL.value:
        yield _went_by_the_rail_too(whole, leg, other, fact)
    if _is_unsent(other):
        why = "the leg it was to replace was paid after all"
        refund_legs.move(work, other, RefundStatus.CANCELED, why=why)
        other.replaced_by = leg.reference
        work.session.flush()  # one of the two counts at any moment
        leg.replaced_by = None
        work.session.flush()
        return
    if other.route != Route.RAIL.value:
        return
    why = "taken for failed and sent again, it was carried out after all"
    yield _left_unasked(whole, leg, fact, why)


def _asks(leg: RefundLeg) -> tuple[str, str | None, int]:
    return leg.payment_id, leg.target_id, leg.amount


def _is_unsent(leg: RefundLeg) -> bool:
    return RefundStatus(leg.status) in _NOT_SENT and leg.unsettled_since is None


def _sent_before_it_was_changed(
    work: Work, whole: Whole, leg: RefundLeg, fact: RefundFact
) -> Iterator[Question]:
    """What was asked for at first has left, though our books said not: the rest must not go too.

    That takes a database that has forgotten a sending, as a restored one has.
    """
    for each in whole.live:
        if _is_unsent(each):
            why = "what was asked for before the change was paid"
            refund_legs.move(work, each, RefundStatus.CANCELED, why=why)
    why = "it was carried out as it was asked for before it was changed"
    yield _left_unasked(whole, leg, fact, why)


def _left_unasked(whole: Whole, leg: RefundLeg, fact: RefundFact, why: str) -> Question:
    return Question(
        kind=ReviewKind.EXTERNAL_REFUND,
        subject=fact.id,
        payment_id=leg.payment_id,
        refund_id=whole.refund.id,
        amount=fact.amount,
        currency=whole.refund.currency,
        details={"why": [why]},
    )


def _went_by_the_rail_too(
    whole: Whole, leg: RefundLeg, other: RefundLeg, fact: RefundFact
) -> Question:
    """Proven absent, and there after all: never silent, whether the other way was paid or not."""
    is_paid = other.status == RefundStatus.SUCCEEDED.value
    why = {
        (True, Route.HAND.value): "the customer was paid twice: by hand, and by the rail after all",
        (True, Route.KEPT.value): "the customer keeps a credit, and the rail paid after all",
    }.get((is_paid, other.route), "the rail paid after all: do not pay it by hand any more")
    return Question(
        kind=ReviewKind.DRIFT,
        subject=fact.id,
        payment_id=leg.payment_id,
        refund_id=whole.refund.id,
        amount=fact.amount,
        currency=whole.refund.currency,
        details={"why": [why], "paid_by_hand": other.settled_reference},
    )


def _strangers(row: PaymentRow, known: PaymentFacts | None, ours: set[str]) -> Iterator[Question]:
    asked_before = _asked(known) if known else {}
    for refund_id, kind in _asked(row.facts).items():
        if refund_id in ours or asked_before.get(refund_id) is kind:
            continue
        fact = row.facts.refunds[refund_id]
        yield Question(
            kind=kind,
            subject=refund_id,
            payment_id=row.id,
            amount=fact.amount,
            currency=row.facts.currency,
            details={
                "why": [fact.failure_reason] if fact.failure_reason else [],
                "reference": fact.reference,
            },
        )


def _not_asked_any_more(
    rows: Iterable[PaymentRow], before: Mapping[str, PaymentFacts], ours: set[str]
) -> list[str]:
    """Refunds that were taken for a stranger's live ones, and are not that now."""
    gone = []
    for row in rows:
        known = None if row.is_new else before.get(row.id)
        asked = _asked(row.facts)
        if known is None:
            continue
        for refund_id, kind in _asked(known).items():
            is_adopted = refund_id in ours and known.refunds[refund_id].reference is None
            is_over = asked.get(refund_id) is not kind
            if kind is ReviewKind.EXTERNAL_REFUND and (is_adopted or is_over):
                gone.append(refund_id)
    return gone


def _asked(facts: PaymentFacts) -> dict[str, ReviewKind]:
    """What a person is asked of each refund that nobody here asked for, by the rail's id."""
    return {
        fact.id: (
            ReviewKind.EXTERNAL_REFUND
            if fact.stage <= RefundStage.LEFT
            else ReviewKind.REFUND_FAILED
        )
        for fact in facts.refunds.values()
        if payments.is_released(fact, facts) is False
    }
