"""Every law of the books, against the database.

Most laws are queries (store/invariants.py). Three need the rules themselves and are checked payment
by payment: that the columns and the ledger say what the facts call for, likewise the disputes with
what people decided about them, and that clearing equals the rail's own movements wherever nothing
is still waiting to be told. One walks the audit trail, line by line, because it
has to hash.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import completeness, payouts, posting_rules
from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.audit import Seal, breaks
from reconciler.books.disputes import Decision
from reconciler.books.observations import BalanceFact, PaymentFacts
from reconciler.books.payouts import PayoutFacts
from reconciler.books.rail_objects import ObjectKind, View, views
from reconciler.services import disputes
from reconciler.store import audit, dispute_rows, invariants, reconciliation_rows, refund_laws
from reconciler.store.claims import decode_facts
from reconciler.store.laws import asked_at_once
from reconciler.store.payout_rows import decode_facts as decode_payout

FACTS_LAW = "payments_say_what_their_facts_say"
CLEARING_LAW = "clearing_equals_the_rails_movements"
AUDIT_LAW = "the_audit_trail_is_unbroken"
DISPUTES_LAW = "disputes_say_what_facts_and_people_say"
PAYOUTS_LAW = "payouts_say_what_their_facts_say"
DRIFT_LAW = "what_a_rail_holds_is_explained"
OBJECTS_LAW = "rail_objects_are_those_of_the_facts"
LAWS = (
    *invariants.QUERIES,
    FACTS_LAW,
    CLEARING_LAW,
    DISPUTES_LAW,
    PAYOUTS_LAW,
    OBJECTS_LAW,
    AUDIT_LAW,
)

_ROWS_AT_A_TIME = 1_000
_QUERIES = asked_at_once(invariants.QUERIES)
_View = tuple[ObjectKind, str, int, str, str, int, str | None]


@dataclass(frozen=True, slots=True)
class Violation:
    """A law that does not hold, and where."""

    invariant: str
    detail: str


def violations(session: Session) -> list[Violation]:
    """All that is wrong; empty when the books are right."""
    # Checking a large ledger takes longer than any request may.
    session.execute(sa.text("set local statement_timeout = 0"))
    found = [Violation(row.law, row.detail) for row in session.execute(_QUERIES)]
    return [*found, *_payments(session), *_payouts(session), *_trail(session)]


def waiting(session: Session) -> list[str]:
    """What is not known yet, and would be wrong if all of it had happened: no law is broken."""
    return list(session.scalars(sa.text(refund_laws.WAITING)))


def differing_head(session: Session, kept: Seal) -> Violation | None:
    """Whether the audit trail still has the line that was its last when `kept` was written down.

    A chain that somebody with the owner's login has made anew closes in itself; it differs only
    from what they could not reach.
    """
    if audit.seal_of(session, kept.seq) == kept:
        return None
    return Violation(AUDIT_LAW, f"line {kept.seq} is not the one whose hash was kept elsewhere")


def lasting_drifts(session: Session) -> list[Violation]:
    """What rails held and two runs in a row could not explain: the books lack something.

    It is no law of the database: only a rail can say it. What one run saw may be news on its way.
    """
    return [
        Violation(DRIFT_LAW, f"two runs in a row could not explain {said} minor units")
        for said in reconciliation_rows.lasting_drifts(session)
    ]


def _trail(session: Session) -> Iterator[Violation]:
    return (Violation(AUDIT_LAW, detail) for detail in breaks(audit.kept(session)))


def of_payments(session: Session, since: datetime | None = None) -> Iterator[tuple[str, str]]:
    """What of payments made since is not as their facts call for: our id, and what is wrong."""
    stored, decisions = dispute_rows.of_payments(session), dispute_rows.decisions(session)
    for payment_id, found in _payments_since(session, since, stored, decisions):
        yield payment_id, found.detail


def _payments(session: Session) -> Iterator[Violation]:
    stored, decisions = dispute_rows.of_payments(session), dispute_rows.decisions(session)
    for _, found in _payments_since(session, None, stored, decisions):
        yield found
    for payment_id, dispute_id in stored:
        yield Violation(DISPUTES_LAW, f"payment {payment_id} knows no dispute {dispute_id}")


def _payments_since(
    session: Session,
    since: datetime | None,
    stored: dict[dispute_rows.Key, dispute_rows.DisputeRow],
    decisions: dict[dispute_rows.Key, Decision],
) -> Iterator[tuple[str, Violation]]:
    """Disputes that were found are taken out of `stored`."""
    # Of this query alone: set on the connection it would hold for what the caller does next.
    query = sa.text(invariants.PAYMENTS).execution_options(yield_per=_ROWS_AT_A_TIME)
    for row in session.execute(query, {"since": since}):
        facts = decode_facts(row.facts)
        for found in (*_of_facts(row, facts), *_disputes(row.id, facts, stored, decisions)):
            yield row.id, found


def _of_facts(row: sa.Row[Any], facts: PaymentFacts) -> Iterator[Violation]:
    at = posting_rules.position(facts)
    if (row.captured, row.refunded, row.lost) != (at.captured, at.refunded, at.lost):
        yield Violation(
            FACTS_LAW,
            f"payment {row.id} says captured {row.captured}, refunded {row.refunded}, lost "
            f"{row.lost}; its facts say {at.captured}, {at.refunded}, {at.lost}",
        )
    booked = msgspec.json.decode(row.booked, type=dict[str, tuple[int, int]])
    due, _ = posting_rules.entries_due(facts, booked, ours=row.id)
    for entry in due:
        yield Violation(FACTS_LAW, f"payment {row.id} lacks the entry {entry.key}")
    yield from _clearing(row.id, facts, msgspec.json.decode(row.clearing, type=dict[str, int]))
    yield from _objects(row, facts)


def _objects(row: sa.Row[Any], facts: PaymentFacts) -> Iterator[Violation]:
    """What a comparison with the rail takes for ours has to be what the facts say."""
    kept = {View(*one) for one in msgspec.json.decode(row.objects, type=list[_View])}
    wanted = set(views(facts)) if facts.rail != MANUAL_RAIL else set()
    for view in sorted(kept ^ wanted, key=lambda v: (v.kind, v.id, v.amount, v.state)):
        what = "should not be there" if view in kept else "is not there"
        detail = f"payment {row.id}: {view.kind} {view.id} as {view.amount} {view.state} {what}"
        yield Violation(OBJECTS_LAW, detail)
    names = {(view.kind, view.id): view.reference for view in wanted}
    for view in sorted(kept, key=lambda v: v.id):
        if view in wanted and names[view.kind, view.id] != view.reference:
            detail = f"payment {row.id}: {view.kind} {view.id} is not known by our reference"
            yield Violation(OBJECTS_LAW, detail)


def _disputes(
    payment_id: str,
    facts: PaymentFacts,
    stored: dict[dispute_rows.Key, dispute_rows.DisputeRow],
    decisions: dict[dispute_rows.Key, Decision],
) -> Iterator[Violation]:
    for case in disputes.cases_of(facts):
        decision = decisions.get((payment_id, case.dispute_id), Decision.UNDECIDED)
        known = stored.pop((payment_id, case.dispute_id), None)
        wanted = disputes.stored(payment_id, facts, case, decision)
        if known is None or replace(known, id=None) != wanted:
            detail = f"payment {payment_id}: dispute {case.dispute_id} does not stand as it should"
            yield Violation(DISPUTES_LAW, detail)


def _clearing(payment_id: str, facts: PaymentFacts, booked: dict[str, int]) -> Iterator[Violation]:
    if facts.rail == MANUAL_RAIL or completeness.open_questions(facts):
        return  # it still waits for a movement: listed by `waiting`, and asked of the rail
    announced = posting_rules.announced(facts)
    rows = [row for row in facts.balance.values() if row.id not in announced]
    yield from _tie(f"payment {payment_id}", rows, booked)


def _payouts(session: Session) -> Iterator[Violation]:
    return (found for _, found in _payouts_by_id(session))


def of_payouts(session: Session) -> Iterator[tuple[PayoutFacts, str]]:
    """What of payouts is not as their facts call for: the payout, and what is wrong."""
    for facts, found in _payouts_by_id(session):
        yield facts, found.detail


def _payouts_by_id(session: Session) -> Iterator[tuple[PayoutFacts, Violation]]:
    for row in session.execute(sa.text(invariants.PAYOUTS)):
        facts = decode_payout(row.facts)
        yield from ((facts, found) for found in _of_payout(row, facts))


def _of_payout(row: sa.Row[Any], facts: PayoutFacts) -> Iterator[Violation]:
    said = (payouts.amount(facts) or 0, payouts.status(facts))
    if (row.amount, row.status) != said:
        detail = f"payout {row.id} says {row.amount}, {row.status}; its facts say {said}"
        yield Violation(PAYOUTS_LAW, detail)
    booked = msgspec.json.decode(row.booked, type=posting_rules.Booked)
    for entry in payouts.entries_due(facts, booked, ours=row.id)[0]:
        yield Violation(PAYOUTS_LAW, f"payout {row.id} lacks the entry {entry.key}")
    if not payouts.open_questions(facts):
        clearing = msgspec.json.decode(row.clearing, type=dict[str, int])
        yield from _tie(f"payout {row.id}", facts.rows.values(), clearing)


def _tie(what: str, rows: Iterable[BalanceFact], booked: dict[str, int]) -> Iterator[Violation]:
    """What the rail moved, against what clearing holds, in each currency."""
    moved: dict[str, int] = {}
    for row in rows:
        moved[row.currency] = moved.get(row.currency, 0) + row.net
    for currency in moved.keys() | booked.keys():
        if moved.get(currency, 0) != booked.get(currency, 0):
            yield Violation(
                CLEARING_LAW,
                f"{what}: clearing holds {booked.get(currency, 0)} {currency}, the "
                f"rail moved {moved.get(currency, 0)}",
            )
