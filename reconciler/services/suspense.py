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


def move(work: Work, subject: str, to: Account, *, why: str, amount: int | None = None) -> None:
    """Move what rests in suspense under a subject to this account: all of it, or `amount` of it.

    The question about it is closed once nothing rests. Raises NotFound, Invalid without a reason
    and for more than rests, Conflict where nothing stands there any more.
    """
    reason = texts.line(why, field="why", chars_max=WHY_CHARS_MAX)
    standing = _held(work, subject)
    if not standing.amount:
        raise Conflict("nothing of it stands in suspense any more")
    part = suspense.share(standing, amount)
    ledger.post(work, [suspense.entry(standing, to, part)])
    after = {
        "account": to.role.value,
        "category": to.category,
        "amount": part,
        "currency": standing.currency,
        "turn": standing.turns + 1,
    }
    audit.note(work, "suspense.moved", subject, after=after, why=reason)
    if rests := standing.amount - part:
        reviews.open_items(work, [_question(work, standing, rests)])
        return
    resolution = f"moved to {to.role.value}{'/' + to.category if to.category else ''}: {reason}"
    reviews.close_items(
        work, [ReviewKind.UNCLASSIFIED_MOVEMENT], [standing.movement], resolution=resolution
    )


def put_back(work: Work, subject: str, *, turn: int | None = None, why: str = "") -> None:
    """Take back where it was moved, by the mirror of that entry; it is asked about again.

    `turn` names the part; None for the only one. Raises NotFound, Invalid where several were moved
    and none is named, Conflict where it is moved nowhere.
    """
    reason = texts.words(why, field="why", chars_max=WHY_CHARS_MAX)
    standing = _held(work, subject)
    part = suspense.part_of(standing, turn)
    ledger.post(work, [suspense.reversal(standing, part)])
    before = {
        "account": part.to.role.value,
        "category": part.to.category,
        "amount": part.amount,
        "currency": standing.currency,
        "turn": part.turn,
    }
    audit.note(work, "suspense.put_back", subject, before=before, why=reason or None)
    times = (standing.turns - len(standing.parts)) // 2 + 1
    # Other words than before: the same ones would not be asked a second time.
    question = _question(work, standing, standing.amount + part.amount, times_put_back=times)
    reviews.open_items(work, [question])


def _question(work: Work, standing: Standing, rests: int, **more: int) -> Question:
    details = work.session.scalar(_ASKED_LAST, {"subject": standing.movement}) or {}
    return Question(
        kind=ReviewKind.UNCLASSIFIED_MOVEMENT,
        subject=standing.movement,
        payment_id=standing.payment_id,
        amount=-rests,
        currency=standing.currency,
        details=details | more,
    )


def _held(work: Work, subject: str) -> Standing:
    standing = store.hold(work.session, subject)
    if standing is None:
        raise NotFound("nothing of that name is in suspense")
    return standing
