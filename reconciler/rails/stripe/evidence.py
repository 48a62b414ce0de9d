"""What a payment was for and who paid, as far as a Stripe object tells. Evidence, never money."""

from collections.abc import Mapping, Sequence

from reconciler.books.evidence import USUAL_KEYS, fact_name
from reconciler.books.observations import Dated
from reconciler.rails.stripe.fields import Obj, expanded, link, mapping, text

MetadataKeys = Mapping[str, str]  # a metadata key -> the name it is known by here
TEXTS = (
    "description",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "calculated_statement_descriptor",
)
_BRANDS = {
    "amex": "American Express",
    "cartes_bancaires": "Cartes Bancaires",
    "diners": "Diners Club",
    "eftpos_au": "eftpos",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}
_ABBREVIATIONS = {"ach", "au", "bacs", "becs", "eps", "p24", "sepa", "us"}


def metadata_keys(chosen: Mapping[str, Sequence[str]]) -> MetadataKeys:
    """The keys that name an invoice or a deposit: those chosen, else the usual ones."""
    listed = {noun: keys for noun, keys in USUAL_KEYS.items() if noun not in chosen} | {**chosen}
    return {key: fact_name(noun, key) for noun, keys in listed.items() for key in keys}


THE_USUAL = metadata_keys({})


def named(obj: Obj, at: int, keys: MetadataKeys) -> dict[str, Dated]:
    """What the metadata says it pays for.

    Stripe copies an intent's metadata to its charge once, at confirmation, and a checkout
    session's to neither; so all three are read.
    """
    metadata = mapping(obj, "metadata")
    return _dated({name: text(metadata, key) for key, name in keys.items()}, at)


def texts(obj: Obj, at: int) -> dict[str, Dated]:
    """Free text that may mention an invoice or a deposit."""
    return _dated({key: text(obj, key) for key in TEXTS}, at)


def charge_payer(charge: Obj, at: int) -> dict[str, Dated]:
    """Who paid and how, from a charge."""
    billing = mapping(charge, "billing_details")
    customer = _customer(charge)
    has_paid = charge.get("status") != "failed"  # a card that was declined paid nothing
    return _dated(
        {
            **customer,
            "email": _first(
                text(billing, "email"), text(charge, "receipt_email"), customer["email"]
            ),
            "name": _first(text(billing, "name"), customer["name"]),
            "method": _method(mapping(charge, "payment_method_details")) if has_paid else "",
        },
        at,
    )


def intent_payer(intent: Obj, at: int) -> dict[str, Dated]:
    """Who pays, from a payment intent."""
    customer = _customer(intent)
    email = _first(text(intent, "receipt_email"), customer["email"])
    return _dated({**customer, "email": email}, at)


def session_payer(session: Obj, at: int) -> dict[str, Dated]:
    """Who pays, from a checkout session."""
    details = mapping(session, "customer_details")
    customer = _customer(session)
    return _dated(
        {
            **customer,
            "email": _first(
                text(details, "email"), text(session, "customer_email"), customer["email"]
            ),
            "name": _first(text(details, "name"), customer["name"]),
        },
        at,
    )


def dated_text(name: str, value: str, at: int) -> dict[str, Dated]:
    """One piece of evidence, or none where the value is empty."""
    return _dated({name: value}, at)


def _customer(obj: Obj) -> dict[str, str]:
    whole = expanded(obj, "customer") or {}
    return {
        "customer": link(obj, "customer") or "",
        "email": text(whole, "email"),
        "name": text(whole, "name"),
    }


def _method(details: Obj) -> str:
    """`Visa •• 4242`, `SEPA debit •• 3000`; empty where nothing is known."""
    kind = text(details, "type")
    part = expanded(details, kind) or {}
    brand = text(part, "brand") if kind.startswith("card") else ""
    shown = _BRANDS.get(brand, brand.replace("_", " ").capitalize()) or _spelled(kind)
    last4 = text(part, "last4")
    return f"{shown} •• {last4}" if shown and last4 else shown


def _spelled(kind: str) -> str:
    words = [part.upper() if part in _ABBREVIATIONS else part for part in kind.split("_")]
    phrase = " ".join(words)
    return phrase[:1].upper() + phrase[1:]


def _first(*values: str) -> str:
    return next((value for value in values if value), "")


def _dated(values: Mapping[str, str], at: int) -> dict[str, Dated]:
    return {key: (at, value) for key, value in values.items() if value}
