"""What a payment was for: five ways to tell, the first that gives one answer wins.

`decide` ties a payment to its target or says why a person has to; ranking.py orders suggestions
for that person. Both are pure: the documents they choose from are looked up by the caller.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.books.equal_amounts import Standing, Waiting, fitting
from reconciler.books.evidence import (
    CLIENT_REFERENCE,
    USUAL_KEYS,
    by_date,
    fold,
    in_time_until,
    key_of,
    tokens_in,
)
from reconciler.books.observations import Dated, PaymentFacts
from reconciler.books.posting_rules import position
from reconciler.books.reviews import ReviewKind

_NOUNS = (*USUAL_KEYS, "")  # what metadata may name; of one instant, in this order


class Strategy(StrEnum):
    """How a payment came to its target."""

    METADATA = "metadata"
    MADE_HERE = "made_here"
    RAIL_INVOICE = "rail_invoice"
    TEXT = "text"
    CUSTOMER_AMOUNT = "customer_amount"
    BY_HAND = "by_hand"
    PERSON = "person"


BY_PEOPLE = frozenset({Strategy.PERSON, Strategy.BY_HAND})  # what the program never touches
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
    on_hold: str = ""  # why nobody is asked to pay it now; a person is to know, `decide` is not


@dataclass(frozen=True, slots=True)
class Lookup:
    """The documents that a batch of payments may be for, found beforehand."""

    by_name: dict[str, list[Document]] = field(default_factory=dict)  # folded number, code or id
    by_rail_object: dict[str, Document] = field(default_factory=dict)
    open_by_customer: dict[str, list[Document]] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)  # by document
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
    """No certain answer: a person decides, and this is why.

    Where evidence says so, `strategy` and `dated` are of that evidence; `targets` are the
    documents that it names and that will not do.
    """

    kind: ReviewKind
    reasons: tuple[str, ...]
    strategy: Strategy | None = None
    dated: int = 0
    targets: frozenset[str] = frozenset()


def decide(
    facts: PaymentFacts,
    captured: int,
    *,
    is_final: bool,
    among: Lookup,
    standing: Standing | None = None,
) -> Match | Hold:
    """Tie a payment to its target, or say why a person has to. Surest evidence first.

    `standing` is the claim that the program made of it before.

    What was written long after the money came is asked last of all: an edit in the rail's
    dashboard may explain money that nobody could place, but moves none that was.
    """
    in_time, later = by_date(facts)
    answer = _by_evidence(in_time, among)
    if answer is not None:
        return answer
    by_customer = _by_customer(facts, captured, among, standing) if is_final else None
    if isinstance(by_customer, Match):
        return by_customer
    answer = _by_evidence(later, among) if later else None
    nothing = Hold(ReviewKind.UNMATCHED_PAYMENT, ("Nothing on the payment names what it is for",))
    return answer or by_customer or nothing


def _by_evidence(facts: PaymentFacts, among: Lookup) -> Match | Hold | None:
    for way in (_by_metadata, _by_rail_object, _by_text):
        answer = way(facts, among)
        if answer is not None:
            return _checked(answer, facts, among) if isinstance(answer, Match) else answer
    return None


def _by_metadata(facts: PaymentFacts, among: Lookup) -> Match | Hold | None:
    """The earliest wording of any key; of those of one instant, invoices before deposits."""
    for name, (at, value) in sorted(facts.named.items(), key=written_first):
        noun, key = key_of(name)
        found = among.by_name.get(fold(value), [])
        if not noun:
            if found:  # it may as well be the client's own cart number, which tells us nothing
                return _named(found, at, value.strip(), CLIENT_REFERENCE)
            continue
        found = [d for d in found if d.is_deposit is (noun == "deposit")]
        return _named(found, at, f"{noun} {value.strip()}", f"metadata {key}")
    return None


def written_first(written: tuple[str, Dated]) -> tuple[int, int, int, str]:
    """The order of what metadata names: the earliest first, then by what its key stands for."""
    name, (at, _) = written
    noun, key = key_of(name)
    usual = USUAL_KEYS.get(noun, ())
    return at, _NOUNS.index(noun), usual.index(key) if key in usual else len(usual), name


def _named(found: list[Document], at: int, what: str, where: str) -> Match | Hold:
    if len(found) == 1:
        return Match(((found[0], None),), Strategy.METADATA, (f"{where} names {what}",), at)
    kind = ReviewKind.AMBIGUOUS_MATCH if found else ReviewKind.UNMATCHED_PAYMENT
    why = "which is not one thing" if found else "which is not known here"
    return Hold(kind, (f"{where} names {what}, {why}",), Strategy.METADATA, at)


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
    found = {d.id: d for token in tokens_in(facts) for d in among.by_name.get(token, [])}
    if not found:
        return None
    at = min(at for at, _ in facts.texts.values())
    if len(found) > 1:
        numbers = ", ".join(sorted(d.number for d in found.values()))
        reasons = (f"The text names more than one: {numbers}",)
        return Hold(ReviewKind.AMBIGUOUS_MATCH, reasons, Strategy.TEXT, at)
    document = next(iter(found.values()))
    reasons = (f"The description names {document.number}",)
    return Match(((document, None),), Strategy.TEXT, reasons, at)


def _by_customer(
    facts: PaymentFacts, captured: int, among: Lookup, standing: Standing | None
) -> Match | Hold | None:
    customer_id = payer(facts, among)
    if customer_id is None:
        return None
    theirs = {
        d.id: d
        for d in among.open_by_customer.get(customer_id, [])
        if d.currency == facts.currency and d.is_payable
    }
    waiting = [
        among.waiting.get(d.id) or Waiting(d.id, base=d.outstanding) for d in theirs.values()
    ]
    found = fitting(captured, waiting, gone_at=_gone_at(facts), standing=standing)
    if len(found) == 1:
        document = theirs[found[0]]
        reasons = (
            "The rail's customer is known here",
            f"{document.number} is the only one open with exactly this amount",
        )
        return Match(((document, None),), Strategy.CUSTOMER_AMOUNT, reasons)
    if found:
        numbers = ", ".join(sorted(theirs[one].number for one in found))
        why = f"Several open with exactly this amount: {numbers}"
        return Hold(ReviewKind.AMBIGUOUS_MATCH, (why,), Strategy.CUSTOMER_AMOUNT)
    if standing is None:
        return None
    why = "Nothing is open with exactly this amount any more"
    return Hold(ReviewKind.UNMATCHED_PAYMENT, (why,), Strategy.CUSTOMER_AMOUNT)


def _gone_at(facts: PaymentFacts) -> int | None:
    """When the first of it went back, by the rail's clock."""
    at = position(facts)
    lost = [facts.disputes[name].created for name, amount in at.losses.items() if amount]
    return min([*(refund.created for refund in at.refunds), *lost], default=None)


def _checked(answer: Match, facts: PaymentFacts, among: Lookup) -> Match | Hold:
    customer_id = payer(facts, among)
    for document, _ in answer.targets:
        if document.currency != facts.currency:
            kind, why = ReviewKind.CURRENCY_MISMATCH, f"is in {document.currency}"
        elif customer_id and customer_id != document.customer_id:
            kind, why = ReviewKind.AMBIGUOUS_MATCH, "is another customer's"
        elif not document.is_payable:
            kind, why = ReviewKind.INVOICE_NOT_PAYABLE, f"is {document.state}"
        else:
            continue
        reasons = (*answer.reasons, f"{document.number} {why}")
        targets = frozenset(d.id for d, _ in answer.targets)
        return Hold(kind, reasons, answer.strategy, answer.dated, targets)
    return answer


def payer(facts: PaymentFacts, among: Lookup) -> str | None:
    """Our customer that the rail's customer is known as, if it is."""
    dated = facts.payer.get("customer")
    return among.customer_by_rail_id.get(dated[1]) if dated else None


def is_surer(new: Match | Hold, strategy: Strategy, dated: int, *, facts: PaymentFacts) -> bool:
    """Whether an answer should take the place of a match that the program made before.

    Only evidence that goes before, or as far, does: what all evidence together says is then what
    stands at the end, in whatever order it arrived. Where nothing says anything, a match stands.
    """
    if new.strategy is None:
        return False
    if new.strategy is Strategy.CUSTOMER_AMOUNT and strategy is not Strategy.CUSTOMER_AMOUNT:
        return False  # a guess goes before nothing that was said, however late
    limit = in_time_until(facts)
    mine = (new.dated > limit, STRENGTH[new.strategy], new.dated)
    return mine <= (dated > limit, STRENGTH[strategy], dated)
