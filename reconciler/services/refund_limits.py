"""The house's limits for a day, counted where a refund is about to leave and under one lock."""

from datetime import datetime, time

import sqlalchemy as sa

from reconciler.books.consent import RefundPolicy, SentToday
from reconciler.books.reviews import ReviewKind
from reconciler.services import reviews
from reconciler.services.reviews import Question
from reconciler.settings import Settings
from reconciler.store.refunds import Refund, RefundLeg
from reconciler.work import Work

# Refunds of other payments are not locked by us: one at a time is counted and noted.
_ONE_AT_A_TIME = sa.text("select pg_advisory_xact_lock(hashtext('refunds/today'))")
# What failed has moved no money, but somebody tried: it counts as one.
_SENT = sa.text(
    """select
      coalesce(sum(l.amount) filter (where r.currency = :currency
        and l.status not in ('failed', 'canceled')), 0)::bigint as amount,
      count(*) as count,
      count(*) filter (where l.payment_id = :payment_id) as of_payment,
      count(*) filter (where r.customer_id = :customer_id) as of_customer
    from refund_attempt t join refund_leg l on l.id = t.leg_id join refund r on r.id = l.refund_id
    where t.generation = 1 and t.first_sent_at >= :midnight"""
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
    work.session.execute(_ONE_AT_A_TIME)
    given = {
        "currency": refund.currency,
        "payment_id": leg.payment_id,
        "customer_id": refund.customer_id,
        "midnight": _midnight(work.now),
    }
    sent = SentToday(*work.session.execute(_SENT, given).one())
    why = policy.why_not_today(leg.amount, refund.currency, sent)
    if why is None:
        return None
    question = Question(
        kind=ReviewKind.REFUNDS_HELD,
        subject=f"refunds/{work.now.date()}",
        details={"why": [why], "next": f"they leave from tomorrow on; {_NEXT}"},
    )
    reviews.open_items(work, [question])
    return why


def _midnight(now: datetime) -> datetime:
    return datetime.combine(now.date(), time(), now.tzinfo)
