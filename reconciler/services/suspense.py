"""A person says what something in suspense was, or takes that back; the question follows."""

import sqlalchemy as sa

from reconciler.books import suspense, texts
from reconciler.books.accounts import Account
from reconciler.books.reviews import ReviewKind
from reconciler.books.suspense import Standing
from reconciler.errors import Conflict, NotFound
from reconciler.services import audit, ledger, reviews
from reconciler.services.reviews import Question
from reconciler.store import suspense as store
from reconciler.work import Work

WHY_CHARS_MAX = 300
SUBJECT_CHARS_MAX = 300
_ASKED_LAST = sa.text(
    """select details from review_item where kind = 'unclassified_movement' and subject = :subject
    order by opened_at desc, id desc limit 1"""
)


def move(work: Work, subject: str, to: Account, *, why: str) -> None:
    """Move all that stands in suspense under a subject to this account.

    Raises NotFound, Invalid without a reason, Conflict where nothing stands there any more.
    """
    reason = texts.line(why, field="why", chars_max=WHY_CHARS_MAX)
    standing = _held(work, subject)
    if not standing.amount or standing.moved:
        raise Conflict("nothing of it stands in suspense any more")
    ledger.post(work, [suspense.entry(standing, to)])
    after = {
        "account": to.role.value,
        "category": to.category,
        "amount": standing.amount,
        "currency": standing.currency,
    }
    audit.note(work, "suspense.moved", subject, after=after, why=reason)
    resolution = f"moved to {to.role.value}{'/' + to.category if to.category else ''}: {reason}"
    reviews.close_items(
        work, [ReviewKind.UNCLASSIFIED_MOVEMENT], [standing.movement], resolution=resolution
    )


def put_back(work: Work, subject: str, *, why: str = "") -> None:
    """Take back where it was moved, by the mirror of that entry; it is asked about again.

    Raises NotFound, Conflict where it is moved nowhere.
    """
    reason = texts.words(why, field="why", chars_max=WHY_CHARS_MAX)
    standing = _held(work, subject)
    if standing.moved_to is None:
        raise Conflict("it is in suspense already")
    ledger.post(work, [suspense.reversal(standing)])
    before = {
        "account": standing.moved_to.role.value,
        "category": standing.moved_to.category,
        "amount": standing.moved,
        "currency": standing.currency,
    }
    audit.note(work, "suspense.put_back", subject, before=before, why=reason or None)
    details = work.session.scalar(_ASKED_LAST, {"subject": standing.movement}) or {}
    question = Question(
        kind=ReviewKind.UNCLASSIFIED_MOVEMENT,
        subject=standing.movement,
        payment_id=standing.payment_id,
        amount=-standing.moved,
        currency=standing.currency,
        # Other words than before: the same ones would not be asked a second time.
        details={**details, "times_put_back": (standing.turns + 1) // 2},
    )
    reviews.open_items(work, [question])


def _held(work: Work, subject: str) -> Standing:
    standing = store.hold(work.session, subject)
    if standing is None:
        raise NotFound("nothing of that name is in suspense")
    return standing
