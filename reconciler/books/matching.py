"""What a payment was for: five ways to tell, the first that gives one answer wins.

`decide` ties a payment to its target or says why a person has to. `rank` orders suggestions
for that person, each with what agrees and what does not. Both are pure: the documents they
choose from are looked up by the caller.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations

from reconciler.books.observations import PaymentFacts
from reconciler.books.reviews import ReviewKind

INVOICE_KEYS = ("invoice", "invoice_number", "invoice_id")
DEPOSIT_KEYS = ("deposit", "deposit_code", "deposit_id")
CLIENT_REFERENCE = "client_reference_id"

SUGGESTIONS_MAX = 10
# Sums over several invoices: 2^12 subsets are tried in milliseconds, and nobody pays more
# than a handful of invoices at once.
SUBSET_CANDIDATES_MAX = 12
SUBSET_SIZE_MAX = 4

_TOKEN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/#-]*[A-Za-z0-9])?")
_TOKENS_MAX = 40
_BARE_DIGITS_MIN = 4  # "5" in a text is a quantity, not invoice number 5


class Strategy(StrEnum):
    """How a payment came to its target."""

    METADATA = "metadata"
    MADE_HERE = "made_here"
    RAIL_INVOICE = "rail_invoice"
    TEXT = "text"
    CUSTOMER_AMOUNT = "customer_amount"
    BY_HAND = "by_hand"
    PERSON = "person"


# Automatic strategies, the surest first: later evidence may improve a match, never weaken it.
STRENGTH = {
    strategy: rank
    for rank, strategy in enumerate(
        (
            Strategy.PERSON,
            Strategy.BY_HAND,
            Strategy.METADATA,
            Strategy.MADE_HERE,
            Strategy.RAIL_INVOICE,
            Strategy.TEXT,
            Strategy.CUSTOMER_AMOUNT,
        )
    )
}


@dataclass(frozen=True, slots=True)
class Document:
    """An invoice or deposit that money may be for. Amounts in minor units of `currency`."""

    id: str
    number: str
    customer_id: str
    currency: str
    is_deposit: bool
    is_payable: bool  # sent, not void; a deposit that is expected
    state: str
    outstanding: int
    due_on: str = ""


@dataclass(frozen=True, slots=True)
class Lookup:
    """The documents that a batch of payments may be for, found beforehand."""

    by_name: dict[str, list[Document]] = field(default_factory=dict)  # folded number, code or id
    by_rail_object: dict[str, Document] = field(default_factory=dict)
    open_by_customer: dict[str, list[Document]] = field(default_factory=dict)
    customer_by_rail_id: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """One answer: where the money goes. `wanted` None is as much as the target takes."""

    targets: tuple[tuple[Document, int | None], ...]
    strategy: Strategy
    reasons: tuple[str, ...]
    dated: int = 0


@dataclass(frozen=True, slots=True)
class Hold:
    """No certain answer: a person decides, and this is why."""

    kind: ReviewKind
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One way a person may settle it. `reasons` are (agrees | differs | close, sentence)."""

    targets: tuple[tuple[Document, int], ...]
    confidence: str
    score: int
    reasons: tuple[tuple[str, str], ...]


def fold(name: str) -> str:
    """Numbers and codes are compared without case and surrounding space."""
    return name.strip().casefold()


def names_in(facts: PaymentFacts) -> list[str]:
    """Every folded name that the payment's evidence holds: what to look documents up by."""
    named = [fold(value) for _, value in facts.named.values()]
    return [*named, *_tokens(facts)]


def decide(facts: PaymentFacts, captured: int, *, is_final: bool, among: Lookup) -> Match | Hold:
    """Tie a payment to its target, or say why a person has to. Surest evidence first."""
    for way in (_by_metadata, _by_rail_object, _by_text):
        answer = way(facts, among)
        if answer is not None:
            return _checked(answer, facts, among) if isinstance(answer, Match) else answer
    if is_final:
        by_customer = _by_customer(facts, captured, among)
        if by_customer is not None:
            return by_customer
    return Hold(ReviewKind.UNMATCHED_PAYMENT, ("Nothing on the payment names what it is for",))


def _by_metadata(facts: PaymentFacts, among: Lookup) -> Match | Hold | None:
    for keys, is_deposit in ((INVOICE_KEYS, False), (DEPOSIT_KEYS, True)):
        dated = [(*facts.named[key], key) for key in keys if key in facts.named]
        if dated:
            at, value, key = min(dated)
            found = [d for d in among.by_name.get(fold(value), []) if d.is_deposit is is_deposit]
            noun = "deposit" if is_deposit else "invoice"
            return _named(found, at, f"{noun} {value.strip()}", f"metadata {key}")
    if CLIENT_REFERENCE in facts.named:
        at, value = facts.named[CLIENT_REFERENCE]
        found = among.by_name.get(fold(value), [])
        if found:  # it may as well be the client's own cart number, which tells us nothing
            return _named(found, at, value.strip(), CLIENT_REFERENCE)
    return None


def _named(found: list[Document], at: int, what: str, where: str) -> Match | Hold:
    if len(found) == 1:
        return Match(((found[0], None),), Strategy.METADATA, (f"{where} names {what}",), at)
    if found:
        return Hold(ReviewKind.AMBIGUOUS_MATCH, (f"{where} names {what}, which is not one thing",))
    return Hold(ReviewKind.UNMATCHED_PAYMENT, (f"{where} names {what}, which is not known here",))


def _by_rail_object(facts: PaymentFacts, among: Lookup) -> Match | Hold | None:
    for object_id in (facts.payment_id, *facts.sessions):
        document = among.by_rail_object.get(object_id)
        if document:
            reason = f"{object_id} was made for {document.number}"
            return Match(((document, None),), Strategy.MADE_HERE, (reason,))
    mapped = [
        (among.by_rail_object[object_id], amount or None)
        for object_id, amount in sorted(facts.rail_invoices.items())
        if object_id in among.by_rail_object
    ]
    if not mapped:
        return None
    if len(mapped) == 1:
        mapped = [(mapped[0][0], None)]
    reasons = tuple(f"The rail's own invoice is mapped to {d.number}" for d, _ in mapped)
    return Match(tuple(mapped), Strategy.RAIL_INVOICE, reasons)


def _by_text(facts: PaymentFacts, among: Lookup) -> Match | Hold | None:
    found = {d.id: d for token in _tokens(facts) for d in among.by_name.get(token, [])}
    if not found:
        return None
    if len(found) > 1:
        numbers = ", ".join(sorted(d.number for d in found.values()))
        return Hold(ReviewKind.AMBIGUOUS_MATCH, (f"The text names more than one: {numbers}",))
    document = next(iter(found.values()))
    return Match(((document, None),), Strategy.TEXT, (f"The description names {document.number}",))


def _by_customer(facts: PaymentFacts, captured: int, among: Lookup) -> Match | Hold | None:
    customer_id = payer(facts, among)
    if customer_id is None:
        return None
    fitting = [
        d
        for d in among.open_by_customer.get(customer_id, [])
        if d.currency == facts.currency and d.outstanding == captured and d.is_payable
    ]
    if len(fitting) == 1:
        reasons = (
            "The rail's customer is known here",
            f"{fitting[0].number} is the only one open with exactly this amount",
        )
        return Match(((fitting[0], None),), Strategy.CUSTOMER_AMOUNT, reasons)
    if fitting:
        numbers = ", ".join(sorted(d.number for d in fitting))
        return Hold(
            ReviewKind.AMBIGUOUS_MATCH, (f"Several of this customer's are as large: {numbers}",)
        )
    return None


def _checked(answer: Match, facts: PaymentFacts, among: Lookup) -> Match | Hold:
    customer_id = payer(facts, among)
    for document, _ in answer.targets:
        if document.currency != facts.currency:
            return Hold(
                ReviewKind.CURRENCY_MISMATCH,
                (*answer.reasons, f"{document.number} is in {document.currency}"),
            )
        if customer_id and customer_id != document.customer_id:
            return Hold(
                ReviewKind.AMBIGUOUS_MATCH,
                (*answer.reasons, f"{document.number} is another customer's"),
            )
        if not document.is_payable:
            return Hold(
                ReviewKind.INVOICE_NOT_PAYABLE,
                (*answer.reasons, f"{document.number} is {document.state}"),
            )
    return answer


def payer(facts: PaymentFacts, among: Lookup) -> str | None:
    """Our customer that the rail's customer is known as, if it is."""
    dated = facts.payer.get("customer")
    return among.customer_by_rail_id.get(dated[1]) if dated else None


def is_surer(new: Match, strategy: Strategy, dated: int) -> bool:
    """Whether evidence that came later should move a match that the program made itself.

    Only surer evidence, or an earlier wording of the same kind, moves it: then the end is the
    same in whatever order the evidence arrived, and an edit made afterwards changes nothing.
    """
    if STRENGTH[new.strategy] != STRENGTH[strategy]:
        return STRENGTH[new.strategy] < STRENGTH[strategy]
    return new.strategy is Strategy.METADATA and new.dated < dated


def _tokens(facts: PaymentFacts) -> list[str]:
    tokens: dict[str, None] = {}
    for _, text in facts.texts.values():
        for token in _TOKEN.findall(text)[:_TOKENS_MAX]:
            if any(c.isdigit() for c in token) and not (
                token.isdigit() and len(token) < _BARE_DIGITS_MIN
            ):
                tokens[fold(token)] = None
                tokens[fold(token.lstrip("#"))] = None
    return list(tokens)


def rank(
    facts: PaymentFacts, unapplied: int, candidates: Sequence[Document], among: Lookup
) -> list[Suggestion]:
    """Suggestions for a person, the best first: single targets, then sums over several."""
    singles = [_suggest(facts, unapplied, d, among) for d in candidates]
    sums = _subset_sums(unapplied, [d for d in candidates if d.currency == facts.currency])
    found = [s for s in singles if s.score > 0] + [_suggest_sum(s) for s in sums]
    return sorted(found, key=lambda s: (-s.score, s.targets[0][0].number))[:SUGGESTIONS_MAX]


def _suggest(facts: PaymentFacts, unapplied: int, document: Document, among: Lookup) -> Suggestion:
    reasons: list[tuple[str, str]] = []
    score = 0
    if fold(document.number) in names_in(facts) or document.id in names_in(facts):
        score += 4
        reasons.append(("agrees", "Its number is on the payment"))
    customer_id = payer(facts, among)
    if customer_id == document.customer_id:
        score += 2
        reasons.append(("agrees", "Same customer"))
    elif customer_id:
        score -= 2
        reasons.append(("differs", "Another customer"))
    if document.currency != facts.currency:
        reasons.append(("differs", f"It is in {document.currency}, paid in {facts.currency}"))
        return Suggestion(((document, 0),), "weak", score - 4, tuple(reasons))
    points, reason = _amount_reason(unapplied, document)
    score += points
    reasons.append(reason)
    if not document.is_payable:
        score -= 4
        reasons.append(("differs", f"It is {document.state}"))
    amount = min(unapplied, document.outstanding)
    return Suggestion(((document, amount),), _confidence(score), score, tuple(reasons))


def _amount_reason(unapplied: int, document: Document) -> tuple[int, tuple[str, str]]:
    if document.outstanding == unapplied:
        return 3, ("agrees", "Amount equals what is open")
    if document.outstanding > unapplied:
        return 1, ("close", "Amount is less than what is open, a part payment")
    if document.outstanding:
        return 0, ("differs", "Amount is more than what is open")
    return -3, ("differs", "Nothing is open on it")


def _confidence(score: int) -> str:
    if score >= 5:
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
        for size in range(2, SUBSET_SIZE_MAX + 1):
            found += [
                some
                for some in combinations(documents[:SUBSET_CANDIDATES_MAX], size)
                if sum(d.outstanding for d in some) == amount
            ]
    return found


def _suggest_sum(some: tuple[Document, ...]) -> Suggestion:
    reason = ("agrees", f"Together they are open with exactly this amount ({len(some)} of them)")
    return Suggestion(tuple((d, d.outstanding) for d in some), "possible", 3, (reason,))
