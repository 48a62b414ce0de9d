"""The door for payouts and for balance movements of no payment: join, then post what is due.

What an event leaves open of a payout (its balance row, what it consists of) is asked of the rail
after a moment in which its siblings arrive.
"""

from collections.abc import Sequence

from reconciler import ids
from reconciler.books import payout_lines, payouts
from reconciler.books.journal import JournalEntry
from reconciler.books.payout_lines import Lines
from reconciler.books.payouts import Movement, PayoutFacts
from reconciler.books.rail_objects import view_of_movement, views_of_payout
from reconciler.books.reviews import ReviewKind
from reconciler.errors import Collision
from reconciler.services import ledger, reviews
from reconciler.services.payments import ASK_AFTER, ASKING
from reconciler.services.reviews import Question
from reconciler.store import payout_rows as store, rail_objects
from reconciler.store.payout_rows import Key, PayoutRow, Shown
from reconciler.work import Task, Work


def observe(work: Work, sightings: Sequence[PayoutFacts]) -> dict[Key, str]:
    """Join what is seen with what is known, and bring the books to where that says they should be.

    Gives our id of each payout by (rail, account, the rail's payout id). Raises Collision when
    another transaction was in the way; the caller begins again.
    """
    seen: dict[Key, PayoutFacts] = {}
    for facts in sightings:
        at = (facts.rail, facts.account, facts.payout_id)
        seen[at] = payouts.join(seen[at], facts) if at in seen else facts
    if not seen:
        return {}
    known = store.lock(work.session, sorted(seen))
    entries: list[JournalEntry] = []
    ours: dict[Key, str] = {}
    for at, facts in seen.items():
        row = known.get(at) or PayoutRow(ids.new_id("po", of=at), facts, {}, is_new=True)
        joined = payouts.join(row.facts, facts)
        if row.is_new or joined != row.facts:
            row.facts = joined
            entries += _write(work, row)
        ours[at] = row.id
    ledger.post(work, entries)
    return ours


def observe_movements(work: Work, movements: Sequence[Movement]) -> int:
    """Keep and book movements that belong to no payment; gives how many are new.

    A person is asked about one of a kind that nobody has classified.
    """
    new = [one for one in movements if store.add_movement(work.session, one, work.now)]
    rail_objects.put(
        work.session, [(one.rail, one.account, None, view_of_movement(one)) for one in new]
    )
    ledger.post(work, [entry for one in new for entry in payouts.movement_entries(one)])
    reviews.open_items(
        work,
        [
            Question(
                kind=ReviewKind.UNCLASSIFIED_MOVEMENT,
                subject=one.row.id,
                amount=one.row.amount,
                currency=one.row.currency,
                details={"category": one.row.category},
            )
            for one in new
            if payouts.is_unclassified(one)
        ],
    )
    return len(new)


def count_lines(work: Work, at: Key) -> None:
    """All that a payout consists of was listed and kept: whether it adds up is plain now.

    What does not is a rest that people are asked about, until a later listing explains it.
    """
    (row,) = store.lock(work.session, [at]).values()
    count, net = store.count_lines(work.session, row, payouts.currency_of(row.facts))
    lines = Lines(count=count, net=net, is_whole=True)
    if lines == row.lines:
        return
    row.lines, row.listed_at = lines, work.now
    entries = _write(work, row)
    assert not entries, "lines book nothing: what they move is booked as what it is"
    _ask_about_rest(work, row)


def _ask_about_rest(work: Work, row: PayoutRow) -> None:
    rest = payout_lines.difference(row.facts, row.lines)
    if not rest:
        reviews.close_items(
            work, [ReviewKind.PAYOUT_DIFFERENCE], [row.id], resolution="its lines come to it now"
        )
        return
    details = {
        "payout": row.facts.payout_id,
        "lines": row.lines.count,
        "payout_amount": payouts.amount(row.facts),
        "lines_net": row.lines.net,
    }
    currency = payouts.currency_of(row.facts)
    question = Question(
        ReviewKind.PAYOUT_DIFFERENCE, row.id, amount=rest, currency=currency, details=details
    )
    reviews.open_items(work, [question])


def _ask_later(work: Work, row: PayoutRow) -> None:
    if not (payouts.open_questions(row.facts) or payout_lines.open_questions(row.facts, row.lines)):
        row.fetch_due_at, row.fetch_attempts = None, 0
    elif work.cause != ASKING:
        row.fetch_due_at, row.fetch_attempts = work.now + ASK_AFTER, 0
        work.nudge(Task.ASK_RAIL)


def _write(work: Work, row: PayoutRow) -> list[JournalEntry]:
    facts = row.facts
    due, row.booked = payouts.entries_due(facts, row.booked, ours=row.id)
    _ask_later(work, row)
    status = payouts.status(facts)
    shown = Shown(payouts.currency_of(facts), payouts.amount(facts) or 0, status.value)
    if not store.save(work.session, row, shown, work.now):
        raise Collision(f"payout {facts.payout_id} was heard of by somebody else meanwhile")
    seen = [(facts.rail, facts.account, None, view) for view in views_of_payout(facts)]
    rail_objects.put(work.session, seen)
    work.nudge(Task.TIE_BANK_LINES)
    if status in payouts.DEAD:
        question = Question(
            ReviewKind.PAYOUT_FAILED,
            row.id,
            amount=shown.amount,
            currency=shown.currency,
            details={"payout": facts.payout_id, "status": status.value, "why": facts.failure},
        )
        reviews.open_items(work, [question])
    return due
