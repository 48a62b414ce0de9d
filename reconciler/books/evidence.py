"""What a payment's evidence says, word by word, and whether it was written in time."""

import re
import unicodedata

from msgspec import structs

from reconciler.books.observations import PaymentFacts

# Metadata keys that name a target, the usual ones. A business may have others of its own: then a
# fact's name says what the key stands for, `invoice:order_no`.
USUAL_KEYS = {
    "invoice": ("invoice", "invoice_number", "invoice_id"),
    "deposit": ("deposit", "deposit_code", "deposit_id"),
}
CLIENT_REFERENCE = "client_reference_id"

# Evidence is in time if it was written within a day of the attempt that took the money.
LATE_SECONDS = 86_400
_NEVER = 1 << 62

_TOKEN = re.compile(r"[^\W_](?:[\w./#-]*[^\W_])?")
_TOKENS_MAX = 40
_BARE_DIGITS_MIN = 4  # "5" in a text is a quantity, not invoice number 5


def fold(name: str) -> str:
    """Numbers and codes are compared without case and surrounding space, as the database does."""
    return unicodedata.normalize("NFC", name.strip()).lower()


def fact_name(noun: str, key: str) -> str:
    """The name in `PaymentFacts.named` of a metadata key that stands for an invoice or deposit."""
    return key if key in USUAL_KEYS[noun] else f"{noun}:{key}"


def key_of(name: str) -> tuple[str, str]:
    """What a name in `PaymentFacts.named` stands for (`invoice`, `deposit`), and the rail's key.

    The noun is empty for what may stand for either.
    """
    for noun, keys in USUAL_KEYS.items():
        if name in keys:
            return noun, name
    noun, _, key = name.rpartition(":")
    return noun, key


def names_in(facts: PaymentFacts) -> list[str]:
    """Every folded name that the payment's evidence holds: what to look documents up by."""
    named = [fold(value) for _, value in facts.named.values()]
    return [*named, *tokens_in(facts)]


def by_date(facts: PaymentFacts) -> tuple[PaymentFacts, PaymentFacts | None]:
    """The payment with what was written in time, and with what was written later, if anything."""
    limit = in_time_until(facts)
    dated = [at for at, _ in (*facts.named.values(), *facts.texts.values())]
    if all(at <= limit for at in dated):
        return facts, None
    return (
        structs.replace(
            facts,
            named={k: v for k, v in facts.named.items() if v[0] <= limit},
            texts={k: v for k, v in facts.texts.items() if v[0] <= limit},
        ),
        structs.replace(
            facts,
            named={k: v for k, v in facts.named.items() if v[0] > limit},
            texts={k: v for k, v in facts.texts.items() if v[0] > limit},
            rail_invoices={},
            sessions=(),
        ),
    )


def in_time_until(facts: PaymentFacts) -> int:
    """The last instant, in whole seconds, at which evidence was written in time."""
    tried = [charge.created for charge in facts.charges.values() if not charge.is_failed]
    begun = max(tried, default=0) or facts.created
    return begun + LATE_SECONDS if begun else _NEVER


def tokens_in(facts: PaymentFacts) -> list[str]:
    """The folded words of the payment's texts that may be numbers or codes."""
    tokens: dict[str, None] = {}
    for _, text in facts.texts.values():
        for token in _TOKEN.findall(unicodedata.normalize("NFC", text))[:_TOKENS_MAX]:
            is_quantity = token.isdigit() and len(token) < _BARE_DIGITS_MIN
            if any(c.isdigit() for c in token) and not is_quantity:
                tokens[fold(token)] = None
    return list(tokens)
