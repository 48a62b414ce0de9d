"""Suggestions for a person who has to say what a payment was for, the best first.

Each says what agrees and what does not. Strong ones are taken many at once, so nothing may speak
against them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from reconciler.books.evidence import fold, key_of, names_in
from reconciler.books.matching import Document, Lookup, payer, written_first
from reconciler.books.observations import PaymentFacts

SUGGESTIONS_MAX = 10
# Sums over several invoices: 2^12 subsets are tried in milliseconds, and nobody pays more
# than a handful of invoices at once.
SUBSET_CANDIDATES_MAX = 12
SUBSET_SIZE_MAX = 4


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One way a person may settle it. `reasons` are (agrees | differs | close, sentence)."""

    targets: tuple[tuple[Document, int], ...]
    confidence: str
    score: int
    reasons: tuple[tuple[str, str], ...]

    @property
    def is_named(self) -> bool:
        """Whether the payment itself says that it is for this."""
        return ("agrees", NUMBER_IS_ON_IT) in self.reasons


@dataclass(frozen=True, slots=True)
class _Paid:
    """What documents are held against: read from the payment once, not again for each of them."""

    currency: str | None
    unapplied: int
    names: frozenset[str]
    customer_id: str | None


NUMBER_IS_ON_IT = "Its number is on the payment"
ANOTHER_FITS = "Another fits as well"
ANOTHER_CUSTOMER = "Another customer"
ON_HOLD = "On hold: "


def rank(
    facts: PaymentFacts, unapplied: int, candidates: Sequence[Document], among: Lookup
) -> list[Suggestion]:
    """Suggestions for a person, the best first; of several, what is due first comes first."""
    candidates = sorted(candidates, key=lambda d: (d.due_on, d.number, d.id))
    paid = _Paid(facts.currency, unapplied, frozenset(names_in(facts)), payer(facts, among))
    singles = _told_apart([_suggest(paid, d) for d in candidates])
    sums = _subset_sums(unapplied, [d for d in candidates if d.currency == facts.currency])
    # What the payment names is shown whatever speaks against it: a person is to see why not.
    found = [s for s in singles if s.score > 0 or s.is_named] + [
        _suggest_sum(s, paid.customer_id) for s in sums
    ]
    found = [_held_back(one) for one in found]
    unknown = _named_and_unknown(facts, candidates)
    if unknown:
        found = [
            _doubted(one, f"The payment names {unknown}, which is not known here") for one in found
        ]
    ranked = sorted(found, key=_place)
    kept = sorted(ranked, key=lambda s: not s.is_named)[:SUGGESTIONS_MAX]
    return sorted(kept, key=_place)


def _place(suggestion: Suggestion) -> tuple[int, str]:
    return -suggestion.score, suggestion.targets[0][0].number


def _named_and_unknown(facts: PaymentFacts, candidates: Sequence[Document]) -> str:
    """What the payment says that it is for, where nothing is called that; the earliest word of it.

    Candidates are all that is called what the payment names, whatever has become of it.
    """
    known = {name for d in candidates for name in (fold(d.number), d.id)}
    named = [
        value.strip()
        for name, (_, value) in sorted(facts.named.items(), key=written_first)
        if key_of(name)[0]
    ]
    return "" if any(fold(one) in known for one in named) else next(iter(named), "")


def _doubted(suggestion: Suggestion, why: str) -> Suggestion:
    """A suggestion that something on the payment speaks against: never one of many at once."""
    confidence = "possible" if suggestion.confidence == "strong" else suggestion.confidence
    return replace(
        suggestion, confidence=confidence, reasons=(*suggestion.reasons, ("differs", why))
    )


def _held_back(suggestion: Suggestion) -> Suggestion:
    """What nobody is asked to pay now is doubted, and comes after what fits as well."""
    why = next((d.on_hold for d, _ in suggestion.targets if d.on_hold and d.is_payable), "")
    if not why:
        return suggestion
    return _doubted(replace(suggestion, score=suggestion.score - 1), ON_HOLD + why)


def _told_apart(suggestions: list[Suggestion]) -> list[Suggestion]:
    """Where two fit equally well, neither is strong: that is what a person is asked for."""
    strong = [s.score for s in suggestions if s.confidence == "strong"]
    if not strong or strong.count(max(strong)) == 1:
        return suggestions
    tied = ("close", ANOTHER_FITS)
    return [
        replace(s, confidence="possible", reasons=(*s.reasons, tied))
        if s.score == max(strong)
        else s
        for s in suggestions
    ]


def _suggest(paid: _Paid, document: Document) -> Suggestion:
    reasons: list[tuple[str, str]] = []
    score = 0
    if fold(document.number) in paid.names or document.id in paid.names:
        score += 4
        reasons.append(("agrees", NUMBER_IS_ON_IT))
    if paid.customer_id == document.customer_id:
        score += 2
        reasons.append(("agrees", "Same customer"))
    elif paid.customer_id:
        score -= 2
        reasons.append(("differs", ANOTHER_CUSTOMER))
    if document.currency != paid.currency:
        reasons.append(("differs", f"It is in {document.currency}, paid in {paid.currency}"))
        return Suggestion(((document, 0),), "weak", score - 3, tuple(reasons))
    points, reason = _amount_reason(paid.unapplied, document)
    score += points
    if not document.is_payable:  # whatever its amount, none of it is open
        reasons.append(("differs", f"It is {document.state}"))
        return Suggestion(((document, 0),), "weak", score - 4, tuple(reasons))
    reasons.append(reason)
    amount = min(paid.unapplied, document.outstanding)
    return Suggestion(((document, amount),), _confidence(score, reasons), score, tuple(reasons))


def _amount_reason(unapplied: int, document: Document) -> tuple[int, tuple[str, str]]:
    if document.outstanding == unapplied:
        return 3, ("agrees", "Amount equals what is open")
    if document.outstanding > unapplied:
        return 1, ("close", "Amount is less than what is open, a part payment")
    if document.outstanding:
        return 0, ("differs", "Amount is more than what is open")
    return -3, ("differs", "Nothing is open on it")


def _confidence(score: int, reasons: Iterable[tuple[str, str]]) -> str:
    """Strong ones are taken many at once, so nothing may speak against them."""
    if score >= 5 and all(kind != "differs" for kind, _ in reasons):
        return "strong"
    return "possible" if score >= 3 else "weak"


def _subset_sums(amount: int, candidates: Iterable[Document]) -> list[tuple[Document, ...]]:
    """Sets of several documents of one customer whose open amounts add up exactly."""
    by_customer: dict[str, list[Document]] = {}
    for d in candidates:
        if d.is_payable and not d.is_deposit and 0 < d.outstanding < amount:
            by_customer.setdefault(d.customer_id, []).append(d)
    found = []
    for documents in by_customer.values():
        few = documents[:SUBSET_CANDIDATES_MAX]
        amounts = [d.outstanding for d in few]
        for size in range(2, SUBSET_SIZE_MAX + 1):
            pairs = zip(combinations(few, size), combinations(amounts, size), strict=True)
            found += [some for some, parts in pairs if sum(parts) == amount]
    return found


def _suggest_sum(some: tuple[Document, ...], customer_id: str | None) -> Suggestion:
    reason = ("agrees", f"Together they are open with exactly this amount ({len(some)} of them)")
    targets = tuple((d, d.outstanding) for d in some)
    if customer_id and customer_id != some[0].customer_id:
        return Suggestion(targets, "weak", 1, (reason, ("differs", ANOTHER_CUSTOMER)))
    return Suggestion(targets, "possible", 3, (reason,))
