"""The door: whatever a rail says, however we came to hear of it, enters here.

join → match → post → settle → follow. A webhook, the answer to our own call and a look at the
rail all bring the same kind of facts, so healing a gap is the same path as receiving news.
Many payments go through at once, in one transaction; one payment is a batch of one.
"""

from collections.abc import Sequence
from datetime import timedelta

from reconciler import ids
from reconciler.books import completeness, payments, posting_rules
from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.invoices import InvoiceState
from reconciler.books.journal import JournalEntry
from reconciler.books.matching import Strategy
from reconciler.books.observations import PaymentFacts
from reconciler.books.reviews import MATCHING_KINDS, ReviewKind
from reconciler.errors import Collision
from reconciler.services import (
    credit_notes,
    disputes,
    inbox,
    ledger,
    matching,
    news,
    payment_writing,
    refund_adoption,
    refund_following,
    reviews,
    rivals,
    settlement,
)
from reconciler.services.movements import movement_questions
from reconciler.services.reviews import Question
from reconciler.services.settlement import Scene
from reconciler.store import claims as store, documents, payment_rows
from reconciler.store.claims import AllocationRow, PaymentRow
from reconciler.work import Cause, Task, Work

Sighted = tuple[PaymentFacts, tuple[str, ...]]  # facts, and the rail's ids that lead to them

# What a message leaves open is asked of the rail after a moment in which its siblings arrive.
ASK_AFTER = timedelta(seconds=2)
# What the rail answered and still left open waits for its next turn, ever more patiently.
ASKING = Cause("job", "ask_rail")


def observe(work: Work, sightings: Sequence[Sighted]) -> dict[tuple[str, str, str], str]:
    """Join what is seen with what is known, and bring the books to where that says they should be.

    Gives our id of each payment by (rail, account, rail's payment id). Raises Collision when
    another transaction was in the way; the caller begins again.
    """
    seen = _by_payment(sightings)
    if not seen:
        return {}
    rows = _lock(work, seen)
    seen = refund_adoption.adopt(work, seen, rows)
    before = {row.id: row.facts for row in rows.values()}
    changed: dict[str, PaymentRow] = {}
    for at, facts in seen.items():
        row = rows[at]
        joined = payments.join(row.facts, facts)
        if row.is_new or joined != row.facts:
            row.facts = joined
            changed[row.id] = row
    news.of_payments(work, changed.values(), before)
    _write(work, changed, sightings, rows)
    refund_following.follow(work, list(changed.values()), before)
    return {at: row.id for at, row in rows.items()}


def rematch(work: Work, payment_ids: Sequence[str]) -> None:
    """Decide again where the money belongs of those that are held, on their way or guessed."""
    rows = store.lock_payments(work.session, payment_ids)
    unsure = [
        row
        for row in rows.values()
        if row.is_held or row.strategy == Strategy.CUSTOMER_AMOUNT or payments.on_its_way(row.facts)
    ]
    _write(work, {row.id: row for row in matching.told_anew(work, unsure)}, (), {})


def _by_payment(sightings: Sequence[Sighted]) -> dict[tuple[str, str, str], PaymentFacts]:
    seen: dict[tuple[str, str, str], PaymentFacts] = {}
    for facts, _ in sightings:
        at = (facts.rail, facts.account, facts.payment_id)
        seen[at] = payments.join(seen[at], facts) if at in seen else facts
    return seen


def _lock(
    work: Work, seen: dict[tuple[str, str, str], PaymentFacts]
) -> dict[tuple[str, str, str], PaymentRow]:
    known = store.lock_payments_by_rail_id(work.session, list(seen))
    return {
        at: known.get(at) or PaymentRow(ids.new_id("pay", of=at), facts, {}, is_new=True)
        for at, facts in seen.items()
    }


def _write(
    work: Work,
    changed: dict[str, PaymentRow],
    sightings: Sequence[Sighted],
    rows: dict[tuple[str, str, str], PaymentRow],
) -> None:
    entries: list[JournalEntry] = []
    for row in changed.values():
        due, row.booked = posting_rules.entries_due(row.facts, row.booked, ours=row.id)
        entries += due
        if sightings:  # deciding again is no news, and must not put off what the rail is asked
            _ask_later(work, row)
    current = _claims_of(work, changed)
    guessed = [row for row in changed.values() if row.strategy == Strategy.CUSTOMER_AMOUNT]
    added, held = matching.match(work, changed.values(), current)
    given = credit_notes.given_by_rail(work, changed.values())
    scene = settlement.stage(work, changed, new_claims=added, invoices=given)
    _decide(scene, current)
    _still_fits(work, scene, added, current)
    payment_writing.save(work, changed.values())
    _remember_aliases(work, sightings, rows)
    ledger.post(work, entries)
    credit_notes.follow_rail(work, scene, given)
    settlement.finish(work, scene)
    surer_now = [row for row in guessed if row.strategy != Strategy.CUSTOMER_AMOUNT]
    rivals.seek_again(work, {c.target for row in surer_now for c in scene.claims_by(row.id)})
    _ask_people(work, scene, held)


def _claims_of(work: Work, changed: dict[str, PaymentRow]) -> dict[str, list[AllocationRow]]:
    known = [payment_id for payment_id, row in changed.items() if not row.is_new]
    claims: dict[str, list[AllocationRow]] = {}
    for claim in store.allocations_of(work.session, known):
        claims.setdefault(claim.payment_id, []).append(claim)
    return claims


def _decide(scene: Scene, looked_at: dict[str, list[AllocationRow]]) -> None:
    """What the match decided of claims, put on the rows as they stand under the lock."""
    for claim in (claim for claims in looked_at.values() for claim in claims):
        if claim.is_changed:
            scene.allocations[claim.id].wanted = claim.wanted
            scene.allocations[claim.id].is_changed = True


def _still_fits(
    work: Work,
    scene: Scene,
    added: list[AllocationRow],
    looked_at: dict[str, list[AllocationRow]],
) -> None:
    """A match was decided before the lock: under it the document must still be one to be paid.

    And where the amount alone decided, that must still be equal.
    """
    for claim in added:
        invoice = scene.invoices.get(claim.invoice_id or "")
        if invoice is not None and invoice.state != InvoiceState.SENT:
            raise Collision("what the payment was to pay has changed meanwhile")
    guessed = [
        claim
        for claim in added
        if claim.strategy == Strategy.CUSTOMER_AMOUNT and not looked_at.get(claim.payment_id)
    ]
    now = documents.waiting(work.session, {claim.target for claim in guessed})
    for claim in guessed:
        amount = payments.captured(scene.payments[claim.payment_id].facts)
        if not now[claim.target].waits_for(amount):
            raise Collision("what the payment was to pay has changed meanwhile")


def _remember_aliases(
    work: Work,
    sightings: Sequence[Sighted],
    rows: dict[tuple[str, str, str], PaymentRow],
) -> None:
    aliases = {
        (facts.rail, facts.account, alias, rows[facts.rail, facts.account, facts.payment_id].id)
        for facts, named in sightings
        for alias in named
        if alias != facts.payment_id
    }
    payment_rows.add_aliases(work.session, sorted(aliases))
    # What knows only its charge may wait for the payment's own id: it is one where no intent is.
    inbox.wake(work, {alias for _, _, alias, _ in aliases} | {f.payment_id for f, _ in sightings})


def _ask_later(work: Work, row: PaymentRow) -> None:
    if row.facts.rail == MANUAL_RAIL or not completeness.open_questions(row.facts):
        row.fetch_due_at = None
        row.fetch_attempts = 0
    elif work.cause != ASKING:
        row.fetch_due_at = work.now + ASK_AFTER
        row.fetch_attempts = 0
        work.nudge(Task.ASK_RAIL)


def _ask_people(work: Work, scene: Scene, held: matching.Held) -> None:
    questions: list[Question] = []
    answered: list[str] = []
    for row in scene.payments.values():
        open_amount = settlement.unapplied(scene, row.id)
        if not open_amount:
            if not row.is_new:
                answered.append(row.id)
            continue
        kind = held.get(row.id)
        if kind is None:
            has_claims = any(claim.wanted != 0 for claim in scene.claims_by(row.id))
            kind = ReviewKind.OVERPAYMENT if has_claims else ReviewKind.UNMATCHED_PAYMENT
        questions.append(payment_writing.matching_question(row, kind, open_amount, scene))
    news.of_held(
        work, [(scene.payments[q.subject], q.kind.value, q.amount or 0) for q in questions]
    )
    for question in questions:
        if not scene.payments[question.subject].is_new:
            other_kinds = MATCHING_KINDS - {question.kind}
            reviews.close_items(
                work, other_kinds, [question.subject], resolution=reviews.ASKED_ANEW
            )
    reviews.close_matching(work, answered, resolution=reviews.PLACED)
    for row in scene.payments.values():
        questions += movement_questions(row)
    reviews.open_items(work, questions)
    disputes.follow(work, scene.payments.values())
