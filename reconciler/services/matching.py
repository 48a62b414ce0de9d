"""Tie payments to their targets, or hold their money and ask a person.

books/matching.py decides; here the documents are looked up for a whole batch at once and the
decision becomes a claim, or a held payment with the clues by which a document that appears
later finds it again.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from reconciler import ids
from reconciler.books import evidence, matching, payments
from reconciler.books.allocations import Offer
from reconciler.books.equal_amounts import Standing
from reconciler.books.matching import BY_PEOPLE, Hold, Lookup, Match, Strategy
from reconciler.books.observations import PaymentFacts
from reconciler.books.reviews import ReviewKind
from reconciler.store import claims as store, documents
from reconciler.store.claims import AllocationRow, PaymentRow
from reconciler.work import Work

Held = dict[str, ReviewKind]  # our payment id -> why a person is asked
# Since when a payment has its claim on a target, by their ids; None: it has it not yet.
Since = Callable[[str, str], datetime | None]
_SINCE = ContextVar[Since | None]("since", default=None)


@contextmanager
def claims_made(since: Since) -> Iterator[None]:
    """Within it, each claim is made when it was made: where a past is done over.

    Matching looks for documents without holding them. What appeared while it looked it found a
    moment later, and somebody may have acted in between.
    """
    token = _SINCE.set(since)
    try:
        yield
    finally:
        _SINCE.reset(token)


def look_up(work: Work, facts: Collection[PaymentFacts]) -> Lookup:
    """Find every document that the evidence of these payments could mean."""
    names = {name for one in facts for name in evidence.names_in(one)}
    by_name: dict[str, list[matching.Document]] = {}
    for document in documents.by_names(work.session, names):
        for name in {evidence.fold(document.number), document.id}:
            by_name.setdefault(name, []).append(document)
    rail = next(iter(facts)).rail if facts else ""
    objects = {
        object_id
        for one in facts
        for object_id in (one.payment_id, *one.sessions, *one.rail_invoices)
    }
    payers = {one.payer["customer"][1] for one in facts if "customer" in one.payer}
    customers = documents.customers_by_rail_id(work.session, rail, payers)
    known = set(customers.values())
    amounts = {payments.captured(one) for one in facts}
    theirs = {
        document.id: document
        for document in (
            *documents.open_of_customers(work.session, known),
            *documents.guessed_of_customers(work.session, known, amounts),
        )
    }
    open_by_customer: dict[str, list[matching.Document]] = {}
    for document in theirs.values():
        open_by_customer.setdefault(document.customer_id, []).append(document)
    return Lookup(
        by_name=by_name,
        by_rail_object=documents.by_rail_objects(work.session, rail, objects),
        open_by_customer=open_by_customer,
        waiting=documents.waiting(work.session, theirs),
        customer_by_rail_id=customers,
    )


def told_anew(work: Work, rows: Sequence[PaymentRow]) -> list[PaymentRow]:
    """Those of these payments that would be decided otherwise now."""
    rows = [row for row in rows if row.strategy not in BY_PEOPLE]
    if not rows:
        return []
    among = look_up(work, [row.facts for row in rows])
    claims = {
        claim.payment_id: claim
        for claim in store.allocations_of(work.session, [row.id for row in rows])
    }
    answers = [(row, _decide(row, among, claims.get(row.id))) for row in rows]
    return [
        row
        for row, answer in answers
        if _bound(row, answer) != row.bound_for
        or (payments.captured(row.facts) and list(answer.reasons) != row.reasons)
    ]


def _decide(row: PaymentRow, among: Lookup, claim: AllocationRow | None) -> Match | Hold:
    standing = Standing(row.id, claim.target, claim.created_at) if claim else None
    return matching.decide(
        row.facts,
        payments.captured(row.facts),
        is_final=payments.is_final(row.facts),
        among=among,
        standing=standing,
    )


def match(
    work: Work, rows: Iterable[PaymentRow], claims: dict[str, list[AllocationRow]]
) -> tuple[list[AllocationRow], Held]:
    """Decide for each payment. Gives the claims to add, and who is held and why.

    A match that a person made is never touched. One that the program made gives way to evidence
    that goes before: its old claim is emptied, which posts the reversal.
    """
    undecided = [row for row in rows if row.strategy not in BY_PEOPLE]
    if not undecided:
        return [], {}
    among = look_up(work, [row.facts for row in undecided])
    added: list[AllocationRow] = []
    held: Held = {}
    for row in undecided:
        row.customer_id = row.customer_id or matching.payer(row.facts, among)
        current = claims.get(row.id, [])
        answer = _decide(row, among, current[0] if current else None)
        row.bound_for = _bound(row, answer)
        if not payments.captured(row.facts):
            row.clues = clues(row.facts) if payments.on_its_way(row.facts) else []
            continue
        if current and not _overrules(answer, row, current):
            continue
        if isinstance(answer, Match) and not _is_made_by_now(work, row, answer, current):
            if current:
                continue
            answer = Hold(ReviewKind.UNMATCHED_PAYMENT, ())  # and without its reasons: not yet
        if isinstance(answer, Match):
            added += _claim(work, row, answer, current)
        else:
            held[row.id] = _hold(row, answer, current)
    return added, held


def _bound(row: PaymentRow, answer: Match | Hold) -> str | None:
    """The document that money on its way is for, where that is certain and one."""
    if not payments.on_its_way(row.facts) or not isinstance(answer, Match):
        return None
    return answer.targets[0][0].id if len(answer.targets) == 1 else None


def _is_made_by_now(
    work: Work, row: PaymentRow, answer: Match, current: list[AllocationRow]
) -> bool:
    standing = {claim.target for claim in current}
    return all(
        document.id in standing or _made_at(work, row.id, document.id)
        for document, _ in answer.targets
    )


def _made_at(work: Work, payment_id: str, target: str) -> datetime | None:
    since = _SINCE.get()
    return since(payment_id, target) if since else work.now


def _overrules(answer: Match | Hold, row: PaymentRow, current: list[AllocationRow]) -> bool:
    if isinstance(answer, Hold) and answer.targets == {claim.target for claim in current}:
        return False  # a doubt about the very target does not undo what was done when it was good
    strategy = Strategy(row.strategy or current[0].strategy)
    return matching.is_surer(answer, strategy, row.match_dated, facts=row.facts)


def _claim(
    work: Work, row: PaymentRow, answer: Match, current: list[AllocationRow]
) -> list[AllocationRow]:
    wanted = {document.id: amount for document, amount in answer.targets}
    for claim in current:
        _want(claim, wanted.get(claim.target, 0))
    kept = {claim.target for claim in current if claim.target in wanted}
    row.strategy, row.match_dated = answer.strategy.value, answer.dated
    row.reasons = list(answer.reasons)
    row.is_held, row.clues = False, []
    row.customer_id = row.customer_id or answer.targets[0][0].customer_id
    return [
        new_claim(work, row.id, document, amount, answer.strategy)
        for document, amount in answer.targets
        if document.id not in kept
    ]


def _want(claim: AllocationRow, wanted: int | None) -> None:
    if claim.wanted != wanted:
        claim.wanted = wanted
        claim.is_changed = True


def new_claim(
    work: Work,
    payment_id: str,
    document: matching.Document,
    wanted: int | None,
    strategy: Strategy,
) -> AllocationRow:
    """A claim to be settled and written; it offers nothing until it is settled."""
    return AllocationRow(
        id=ids.new_id("alo", of=(payment_id, document.id)),
        payment_id=payment_id,
        invoice_id=None if document.is_deposit else document.id,
        deposit_id=document.id if document.is_deposit else None,
        wanted=wanted,
        offer=Offer(),
        amount=0,
        turns=0,
        strategy=strategy.value,
        created_at=_made_at(work, payment_id, document.id) or work.now,
        is_new=True,
    )


def _hold(row: PaymentRow, answer: Hold, current: list[AllocationRow]) -> ReviewKind:
    for claim in current:
        _want(claim, 0)
    row.strategy = None
    row.reasons = list(answer.reasons)
    row.is_held = True
    row.clues = clues(row.facts)
    return answer.kind


def clues(facts: PaymentFacts) -> list[str]:
    """By what a document that appears later can find this payment again."""
    payers = [value for kind, (_, value) in facts.payer.items() if kind in ("customer", "email")]
    objects = [facts.payment_id, *facts.sessions, *facts.rail_invoices]
    return sorted({*evidence.names_in(facts), *(evidence.fold(p) for p in payers), *objects})
