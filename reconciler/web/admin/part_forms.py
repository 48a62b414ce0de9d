"""What part of a document may be paid at a time, as people choose and type it."""

from collections.abc import Mapping

from reconciler import currencies, money
from reconciler.books import part_payments as rules
from reconciler.errors import Invalid
from reconciler.web.admin import words as screen_words

AT_LEAST = "at_least"
AS_CUSTOMER = ""
RULES = {
    rules.ANY: "Any part",
    rules.FULL: "Only in full",
    AT_LEAST: "At least so much at a time",
}
RULES_OF_INVOICE = {AS_CUSTOMER: "As the customer's"} | RULES


def read(form: Mapping[str, str]) -> str | None:
    """What was chosen, as it is kept; None where the customer's is to hold. Raises Invalid."""
    rule, typed = form.get("parts", "").strip(), form.get("least", "").strip()
    if rule == AS_CUSTOMER:
        return None
    if rule != AT_LEAST:
        return rules.read(rule, field="parts").text
    if typed.endswith("%"):
        return rules.read(f"at_least:{typed.replace(' ', '')}", field="least").text
    amount, _, code = typed.rpartition(" ")
    if not amount:
        raise Invalid("Write the least as 25% or 50.00 USD", field="least")
    currency = currencies.code(code)
    minor = money.parse(amount, currency, field="least").minor
    return rules.read(f"at_least:{minor}:{currency}", field="least").text


def typed(kept: str | None) -> dict[str, str]:
    """What is kept, as the form has it."""
    if kept is None or kept in {rules.ANY, rules.FULL}:
        return {"parts": kept or AS_CUSTOMER, "least": ""}
    return {"parts": AT_LEAST, "least": _least(kept)}


def words(kept: str) -> str:
    """What is kept, in words for people here."""
    if kept in {rules.ANY, rules.FULL}:
        return RULES[kept]
    return f"At least {_least(kept)} at a time"


def _least(kept: str) -> str:
    policy = rules.read(kept)
    if policy.amount is None or policy.currency is None:
        return kept.removeprefix("at_least:")
    return f"{screen_words.typed(policy.amount, policy.currency)} {policy.currency}"
