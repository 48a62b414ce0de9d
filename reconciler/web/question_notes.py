"""Why a question or a bill was put off or assigned: a note, for screens and programs alike."""

from collections.abc import Sequence
from datetime import date

from reconciler.books.reviews import MATCHING_KINDS, ReviewKind
from reconciler.reads import review_queue
from reconciler.reads.notes import NoteRow
from reconciler.reads.review_queue import ReviewRow
from reconciler.services import notes
from reconciler.work import Work

WHY_CHARS_MAX = 900  # with until when before it, as much as the screens take

_ASKED_PAYER = "Asked the payer by mail"


def noted_on(item: ReviewRow) -> str:
    """What a note about a question is kept on: what has a page that shows notes, or itself."""
    if item.kind in MATCHING_KINDS and item.payment_id:
        return item.payment_id
    if item.kind in {ReviewKind.PAYOUT_FAILED, ReviewKind.PAYOUT_DIFFERENCE}:
        return item.subject
    refund = item.refund_id if item.kind is not ReviewKind.EXTERNAL_REFUND else None
    return item.dispute_id or refund or item.id


def keep(work: Work, item_id: str, said: str, *, until: date | None = None) -> None:
    """Note why, if anything was said; and until when it is put off for it."""
    if said:
        subject = noted_on(review_queue.one(work.session, item_id))
        notes.add(work, subject, put_off(until, said))


def keep_asked(work: Work, item_id: str, until: date | None) -> None:
    """Note that the mail which asks the payer was sent, and until when the answer may take."""
    keep(work, item_id, _ASKED_PAYER, until=until)


def was_asked(body: str) -> bool:
    """Whether a note says just that."""
    return body == _ASKED_PAYER or body.endswith(f": {_ASKED_PAYER}")


def why_put_off(noted: Sequence[NoteRow], until: date) -> NoteRow | None:
    """The last of these notes that says why something is put off until just that day."""
    said = [one for one in noted if one.body.startswith(put_off(until, ""))]
    return said[-1] if said else None


def keep_on_bill(work: Work, bill_id: str, said: str, *, until: date | None) -> None:
    """The same of a bill."""
    if said:
        notes.add(work, bill_id, put_off(until, said))


def put_off(until: date | None, said: str) -> str:
    """What was said, after until when something is put off, if it is."""
    return f"Put off until {until.day} {until:%b %Y}: {said}" if until else said
