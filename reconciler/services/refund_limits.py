"""The house's limits for a day, counted where a refund is about to leave and under one lock."""

from datetime import datetime, time

import sqlalchemy as sa

from reconciler.books.consent import RefundPolicy, SentToday
from reconciler.books.refund_routes import Route
from reconciler.books.refunds import RefundStatus
from reconciler.books.reviews import ReviewKind
from reconciler.errors import Refused
from reconciler.services import reviews
from reconciler.services.refund_legs import Whole
from reconciler.services.reviews import Question
from reconciler.settings import Settings
from reconciler.store.refunds import Refund, RefundLeg
from reconciler.work import Work

# Refunds of other payments are not locked by us: one at a time is counted and noted.
_ONE_AT_A_TIME = sa.text("select pg_advisory_xact_lock(hashtext('refunds/today'))")
# What failed has moved no money, but somebody tried: it counts as one. What people are to pay was
# let go by its approval, for nothing of it is sent.
_SENT = sa.text(
    """with gone as (
      select l.amount, l.payment_id, r.currency, r.customer_id,
        l.status not in ('failed', 'canceled') as moves
      from refund_attempt t join refund_leg l on l.id = t.leg_id join refund r on r.id = l.refund_id
      where t.generation = 1 and t.first_sent_at >= :midnight
      union all
      select l.amount, l.payment_id, r.currency, r.customer_id, true
      from refund_leg l join refund r on r.id = l.refund_id
      where l.route = 'hand' and r.method = 'hand' and l.replaced_by is null
        and l.status in ('manual', 'succeeded') and r.approved_at >= :midnight)
    select coalesce(sum(amount) filter (where currency = :currency and moves), 0)::bigint as amount,
      count(*) as count, count(*) filter (where payment_id = :payment_id) as of_payment,
      count(*) filter (where customer_id = :customer_id) as of_customer
    from gone"""
)
_NEXT = "cancel those that should not go, or raise the limit (REFUND_DAILY_… in the settings)"


def policy_of(settings: Settings) -> RefundPolicy:
    """The limits that the settings give."""
    return RefundPolicy(
        settings.refund_approval_threshold,
        settings.refund_daily_limit,
        settings.refund_daily_count,
        settings.refund_daily_count_per_customer,
    )


def hold(work: Work, refund: Refund, leg: RefundLeg, policy: RefundPolicy) -> str | None:
    """Why the leg has to wait for tomorrow, if it has to; then a person hears of it."""
    why = policy.why_not_today(leg.amount, refund.currency, _sent_today(work, refund, leg))
    if why is None:
        return None
    question = Question(
        kind=ReviewKind.REFUNDS_HELD,
        subject=f"refunds/{work.now.date()}",
        details={"why": [why], "next": f"they leave from tomorrow on; {_NEXT}"},
    )
    reviews.open_items(work, [question])
    return why


def hold_by_hand(work: Work, whole: Whole, policy: RefundPolicy) -> None:
    """Of a refund about to be let go: raises Refused for more by hand than may leave today."""
    refund, before = whole.refund, SentToday()
    for leg in whole.live:
        if leg.route != Route.HAND.value or leg.status != RefundStatus.REQUESTED.value:
            continue
        sent = _sent_today(work, refund, leg)
        # Each leg is on a payment of its own; the others of this refund leave beside it.
        beside = SentToday(
            sent.amount + before.amount,
            sent.count + before.count,
            sent.of_payment,
            sent.of_customer + before.count,
        )
        why = policy.why_not_today(leg.amount, refund.currency, beside)
        if why is not None:
            raise Refused(f"{why}; it can be let go from tomorrow on", field="amount")
        before = SentToday(before.amount + leg.amount, before.count + 1)


def _sent_today(work: Work, refund: Refund, leg: RefundLeg) -> SentToday:
    work.session.execute(_ONE_AT_A_TIME)
    given = {
        "currency": refund.currency,
        "payment_id": leg.payment_id,
        "customer_id": refund.customer_id,
        "midnight": _midnight(work.now),
    }
    return SentToday(*work.session.execute(_SENT, given).one())


def _midnight(now: datetime) -> datetime:
    return datetime.combine(now.date(), time(), now.tzinfo)
