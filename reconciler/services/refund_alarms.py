"""What speaks for stopping refunds now, what was seen of it before, and the stop itself.

What has stopped refunds once is kept with the question that people are asked about it, so that it
is known again: by the same evidence they are not stopped a second time.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import refund_alarms as rules
from reconciler.books.refund_alarms import LAST, LAST_WITHIN, Alarm, Signs
from reconciler.books.reviews import ReviewKind
from reconciler.services import reviews
from reconciler.services.reviews import Question
from reconciler.store import reconciliation_rows, refund_laws
from reconciler.store.laws import asked_at_once
from reconciler.work import Work

SUBJECT = "refunds/by itself"
# Of each law; beyond that one fault is behind them all.
BROKEN_MAX = 20

_LAWS = asked_at_once(refund_laws.QUERIES, at_most=BROKEN_MAX)
_UNKNOWN = sa.text(
    "select id from refund_leg where status = 'unknown' and due_at is not null"
)  # whoever is unknown is due for a look, and what is due has an index
_FAILED = sa.text(
    """select l.id from (
      select leg_id from refund_attempt where generation = 1 and first_sent_at >= :since
      order by first_sent_at desc limit :last) as t
    join refund_leg l on l.id = t.leg_id where l.status = 'failed'"""
)
_SEEN = sa.text(
    """select jsonb_array_elements_text(details -> 'evidence') from review_item
    where subject = :subject and kind = :kind"""
)
_OPEN = sa.text(
    """select details from review_item
    where subject = :subject and kind = :kind and state = 'open' for update"""
)
_SUBJECT = {"subject": SUBJECT, "kind": ReviewKind.REFUNDS_STOPPED.value}
_ONE_AT_A_TIME = sa.text("select pg_advisory_xact_lock(hashtext('refunds/by itself'))")
_NEXT = "find out what is behind it, then turn refunds on again; only something new stops them"


def fresh(session: Session, now: datetime, unknown_max: int, *, with_laws: bool) -> list[Alarm]:
    """Why refunds should stop now, if there is a reason that has not stopped them before.

    The laws are read over all refunds, which takes longer than the rest.
    """
    signs = replace(_signs(session, now, with_laws=with_laws), unknown_max=unknown_max)
    return rules.fresh(signs, _seen(session)) if rules.alarms(signs) else []


def take_turn(work: Work) -> None:
    """One process at a time stops refunds, so that it is written down once."""
    work.session.execute(_ONE_AT_A_TIME)


def ask(work: Work, found: list[Alarm]) -> None:
    """Ask people about it, and keep by what it is known again."""
    evidence = frozenset().union(*(alarm.evidence for alarm in found))
    _put(work, {"why": [alarm.why for alarm in found], "next": _NEXT}, evidence)


def close(work: Work) -> None:
    """A person lets refunds go on, with all that is unknown or failed at this moment."""
    asked = work.session.execute(_OPEN, _SUBJECT).scalar()
    if asked is None:
        return
    known = rules.taken_as_known(_signs(work.session, work.now, with_laws=False))
    _put(work, asked, known.union(asked["evidence"]))
    resolution = "refunds were turned on again"
    reviews.close_items(work, [ReviewKind.REFUNDS_STOPPED], [SUBJECT], resolution=resolution)


def _put(work: Work, said: Mapping[str, Any], evidence: frozenset[str]) -> None:
    details = {**said, "evidence": sorted(evidence)}
    question = Question(kind=ReviewKind.REFUNDS_STOPPED, subject=SUBJECT, details=details)
    reviews.open_items(work, [question])


def _signs(session: Session, now: datetime, *, with_laws: bool) -> Signs:
    sent = {"last": LAST, "since": now - LAST_WITHIN}
    return Signs(
        broken=frozenset(_broken(session)) if with_laws else frozenset(),
        unknown=frozenset(session.scalars(_UNKNOWN)),
        failed=frozenset(session.scalars(_FAILED, sent)),
        drifts=frozenset(reconciliation_rows.lasting_drifts(session)),
    )


def _broken(session: Session) -> list[str]:
    return [row.detail for row in session.execute(_LAWS)]


def _seen(session: Session) -> frozenset[str]:
    return frozenset(session.scalars(_SEEN, _SUBJECT))
