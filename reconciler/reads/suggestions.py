"""Where a held payment's money may belong: candidates looked up for many payments at once.

books/ranking.py ranks them; what is looked up here is every document that any evidence on the
payments, or their amount, points at.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import evidence, matching, ranking
from reconciler.books.matching import Document, Lookup
from reconciler.books.observations import PaymentFacts
from reconciler.books.ranking import Suggestion
from reconciler.reads import invoices
from reconciler.store import documents
from reconciler.store.claims import decode_facts

CANDIDATES_MAX = 60  # for one payment; beyond that nobody reads on
_SAME_AMOUNT_MAX = 12  # for one payment; among more, none is told from another by its amount


@dataclass(frozen=True, slots=True)
class SuggestedPart:
    """What one document would get, in the words that POST …/allocations takes."""

    invoice_id: str | None
    deposit_id: str | None
    number: str
    amount: int


@dataclass(frozen=True, slots=True)
class SuggestedTarget:
    """What a suggestion is for. `kind` is invoice, deposit, or invoices where several add up."""

    kind: str
    id: str
    number: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that `agrees`, `differs` or comes `close`, in words."""

    verdict: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionRow:
    """One way a person may settle it. `amount` is for all of `allocations` together."""

    target: SuggestedTarget
    amount: int
    confidence: str
    reasons: list[str]
    evidence: list[Reason]
    allocations: list[SuggestedPart]


@dataclass(frozen=True, slots=True)
class _Held:
    id: str
    facts: PaymentFacts
    customer_id: str | None
    unapplied: int


Places: TypeAlias = dict[tuple[object, ...], set[int]]
_PAYMENTS = sa.text(
    """select p.id, p.facts::text as facts, p.customer_id,
      (p.captured - p.refunded - p.lost - coalesce((select sum(a.amount) from allocation a
        where a.payment_id = p.id), 0))::bigint as unapplied
    from payment p where p.id = any(:ids)"""
)
_SAME_AMOUNT = sa.text(
    """with w as (select distinct * from unnest(cast(:currencies as text[]),
      cast(:amounts as bigint[])) as w(currency, amount))
    select i.id from w cross join lateral (select id from invoice
      where currency = w.currency and outstanding = w.amount and state = 'sent' and outstanding > 0
      limit :each) i
    union all
    select d.id from w cross join lateral (select id from deposit
      where currency = w.currency and amount - received = w.amount and received < amount
        and ended_at is null limit :each) d"""
)


def for_payments(session: Session, ids: Collection[str]) -> dict[str, list[SuggestionRow]]:
    """Ranked suggestions for the unapplied money of each of these payments, the best first."""
    if not ids:
        return {}
    held = [
        _Held(row.id, decode_facts(row.facts), row.customer_id, row.unapplied)
        for row in session.execute(_PAYMENTS, {"ids": list(ids)})
    ]
    held = [one for one in held if one.unapplied > 0 and one.facts.currency]
    if not held:
        return {}
    among, found = _look_up(session, held)
    places = _places(found)
    return {one.id: _suggestions(one, among, found, places) for one in held}


def _places(found: Sequence[Document]) -> Places:
    """Under what each document is looked for: its name or id, its customer, what is open on it."""
    places: Places = {}
    for at, d in enumerate(found):
        named = (("name", evidence.fold(d.number)), ("name", d.id))
        for key in (*named, ("customer", d.customer_id), ("open", d.currency, d.outstanding)):
            places.setdefault(key, set()).add(at)
    return places


def _look_up(session: Session, held: Collection[_Held]) -> tuple[Lookup, list[Document]]:
    names = {name for one in held for name in evidence.names_in(one.facts)}
    payers: dict[str, set[str]] = {}
    for one in held:
        if "customer" in one.facts.payer:
            payers.setdefault(one.facts.rail, set()).add(one.facts.payer["customer"][1])
    customers = {
        rail_id: customer_id
        for rail, rail_ids in payers.items()
        for rail_id, customer_id in documents.customers_by_rail_id(session, rail, rail_ids).items()
    }
    theirs = {*customers.values(), *(one.customer_id for one in held if one.customer_id)}
    found = [
        *documents.by_names(session, names),
        *documents.open_of_customers(session, theirs),
        *documents.by_names(session, _with_same_amount(session, held)),
    ]
    on_hold = invoices.why_on_hold(session, {d.id for d in found if not d.is_deposit})
    known = {d.id: d for d in found} | {
        d.id: replace(d, on_hold=on_hold[d.id]) for d in found if d.id in on_hold
    }
    return Lookup(customer_by_rail_id=customers), list(known.values())


def _with_same_amount(session: Session, held: Collection[_Held]) -> list[str]:
    given = {
        "currencies": [one.facts.currency for one in held],
        "amounts": [one.unapplied for one in held],
        "each": _SAME_AMOUNT_MAX,
    }
    return list(session.scalars(_SAME_AMOUNT, given))


def _suggestions(
    one: _Held, among: Lookup, found: Sequence[Document], places: Places
) -> list[SuggestionRow]:
    customer_id = one.customer_id or matching.payer(one.facts, among)
    asked = [
        *(("name", name) for name in evidence.names_in(one.facts)),
        ("customer", customer_id),
        ("open", one.facts.currency, one.unapplied),
    ]
    candidates = [found[at] for at in sorted(set().union(*(places.get(key, ()) for key in asked)))]
    ranked = ranking.rank(one.facts, one.unapplied, candidates[:CANDIDATES_MAX], among)
    return [_row(suggestion) for suggestion in ranked]


def _row(suggestion: Suggestion) -> SuggestionRow:
    parts = [
        SuggestedPart(
            None if d.is_deposit else d.id, d.id if d.is_deposit else None, d.number, amount
        )
        for d, amount in suggestion.targets
    ]
    first = suggestion.targets[0][0]
    kind = "deposit" if first.is_deposit else "invoice"
    target = SuggestedTarget(
        kind if len(parts) == 1 else "invoices",
        "+".join(d.id for d, _ in suggestion.targets),
        " + ".join(part.number for part in parts),
    )
    return SuggestionRow(
        target=target,
        amount=sum(part.amount for part in parts),
        confidence=suggestion.confidence,
        reasons=[text for _, text in suggestion.reasons],
        evidence=[Reason(verdict, text) for verdict, text in suggestion.reasons],
        allocations=[part for part in parts if part.amount],
    )
