"""Payments as Stripe tells them: charges, intents, checkouts and its own invoices, as facts.

The same readers serve an event's snapshot and what the API shows. Two generations of API must give
the same facts, links may be ids or whole objects, and keys may be absent. What is odd about Stripe
is said where it is met. `at` dates what may be worded twice: the event's own instant, or now for
what was just asked for. `keys` are the metadata keys that name an invoice or a deposit.
"""

from collections.abc import Sequence

from reconciler.books.observations import ChargeFact, IntentFact
from reconciler.books.payments import join
from reconciler.errors import Invalid
from reconciler.rails.protocol import Sighting
from reconciler.rails.stripe import evidence
from reconciler.rails.stripe.evidence import THE_USUAL, MetadataKeys
from reconciler.rails.stripe.fields import (
    Obj,
    amount,
    currency,
    expanded,
    identifier,
    link,
    mapping,
    rows,
    seconds,
    signed_amount,
    text,
    word,
)
from reconciler.rails.stripe.parts import (
    dispute_facts,
    expanded_rows,
    facts_of,
    refund_facts,
    unknown_word,
)

Credit = dict[str, tuple[int, int]]

_CHARGE_WORDS = ("succeeded", "pending", "failed")
_INTENT_WORDS = (
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "requires_capture",
    "succeeded",
    "canceled",
)
# Bank transfers show money as received while it still lies in the customer's cash balance.
_INTENT_TAKES = ("requires_capture", "succeeded", "canceled")


def charge_facts(
    charge: Obj,
    at: int,
    *,
    payment_id: str | None = None,
    is_expired: bool = False,
    keys: MetadataKeys = THE_USUAL,
) -> Sighting:
    """One attempt to take money, with the refunds that old API versions embed in it."""
    charge_id = identifier(charge.get("id"), "charge.id")
    payment_id = payment_id or link(charge, "payment_intent") or charge_id
    status = word(charge, "status")
    fact = _charge_fact(charge, charge_id, is_expired=is_expired)
    facts = facts_of(
        payment_id=payment_id,
        currency=currency(charge),
        charges={charge_id: fact} if fact else {},
        balance=expanded_rows(charge, "balance_transaction"),
        named=evidence.named(charge, at, keys),
        texts=evidence.texts(charge, at),
        payer=evidence.charge_payer(charge, at),
        rail_invoices=_invoice(charge, paid=fact.captured if fact else 0),
        livemode=charge.get("livemode") is True,
        created=seconds(charge, "created"),
    )
    told = Sighting(
        facts=facts,
        aliases=(charge_id,),
        kept_for=unknown_word("charge", status, _CHARGE_WORDS),
    )
    dispute = expanded(charge, "dispute")
    parts = [refund_facts(row, at, payment_id=payment_id) for row in rows(charge, "refunds")]
    parts += [dispute_facts(dispute, at, payment_id=payment_id)] if dispute else []
    if dispute is None and (dispute_id := link(charge, "dispute")):
        parts.append(Sighting(aliases=(dispute_id,)))
    return merge(told, *parts)


def intent_facts(
    intent: Obj, at: int, *, is_failed: bool = False, keys: MetadataKeys = THE_USUAL
) -> Sighting:
    """The umbrella over several charges, with those that it shows whole."""
    intent_id = identifier(intent.get("id"), "payment_intent.id")
    latest = expanded(intent, "latest_charge")
    whole_charges = rows(intent, "charges") + ([latest] if latest else [])
    fact = _intent_fact(intent, whole_charges, is_failed=is_failed)
    facts = facts_of(
        payment_id=intent_id,
        currency=currency(intent),
        intent=fact,
        named=evidence.named(intent, at, keys),
        texts=evidence.texts(intent, at),
        payer=evidence.intent_payer(intent, at),
        rail_invoices=_invoice(intent, paid=fact.received),
        livemode=intent.get("livemode") is True,
        created=seconds(intent, "created"),
    )
    told = Sighting(
        facts=facts,
        aliases=fact.charges,
        kept_for=unknown_word("payment intent", word(intent, "status"), _INTENT_WORDS),
    )
    charges = (charge_facts(row, at, payment_id=intent_id, keys=keys) for row in whole_charges)
    return merge(told, *charges)


def session_facts(session: Obj, at: int, *, keys: MetadataKeys = THE_USUAL) -> Sighting:
    """A checkout: what the customer was paying for. Its money is told by the intent and charge."""
    session_id = identifier(session.get("id"), "checkout.session.id")
    intent_id = link(session, "payment_intent")
    if intent_id is None:  # nothing to pay, or not begun yet
        return Sighting()
    reference = text(session, "client_reference_id")
    facts = facts_of(
        payment_id=intent_id,
        named={
            **evidence.named(session, at, keys),
            **evidence.dated_text("client_reference_id", reference, at),
        },
        payer=evidence.session_payer(session, at),
        sessions=(session_id,),
        rail_invoices=_invoice(session, paid=0),
        livemode=session.get("livemode") is True,
    )
    told = Sighting(facts=facts, aliases=(session_id,))
    intent = expanded(session, "payment_intent")
    return merge(told, *([intent_facts(intent, at, keys=keys)] if intent else []))


def invoice_facts(invoice: Obj) -> Sighting:
    """One of Stripe's own invoices was paid: evidence of what for, never the money itself.

    `invoice.paid` and `invoice.payment_succeeded` tell of one payment twice, and an invoice may be
    paid outside Stripe. Where several payments paid it, each tells so itself (`invoice_payment`).
    """
    invoice_id = identifier(invoice.get("id"), "invoice.id")
    credit = invoice_credit(invoice)
    payments = [row for row in rows(invoice, "payments") if word(row, "status") in {None, "paid"}]
    if not payments:
        paid = amount(invoice, "amount_paid")
        return _paid_invoice(invoice, invoice_id, paid=paid, credit=credit)
    paid = amount(payments[0], "amount_paid") if len(payments) == 1 else 0
    return _paid_invoice(mapping(payments[0], "payment"), invoice_id, paid=paid, credit=credit)


def invoice_credit(invoice: Obj) -> Credit:
    """What of one of Stripe's invoices no payment has to pay, and what is left to be paid.

    Empty until it is finalized.

    Stripe keeps credit of a customer as a negative balance and uses it on the next invoice: then
    `ending_balance` is nearer to nothing than `starting_balance`, and `amount_due` is less than
    `total`. A balance above nothing is carried-over debt and no credit. Credit notes that were
    written before the payment lower what is due as well.
    """
    if invoice.get("ending_balance") is None:
        return {}
    before, after = (
        min(0, signed_amount(invoice, name)) for name in ("starting_balance", "ending_balance")
    )
    noted = amount(invoice, "pre_payment_credit_notes_amount")
    used = min(max(0, after - before) + noted, amount(invoice, "total"))
    due = amount(invoice, "amount_due")
    return {identifier(invoice.get("id"), "invoice.id"): (used, due)}


def invoice_payment_facts(part: Obj) -> Sighting:
    """What of one of Stripe's own invoices one payment paid."""
    invoice_id = identifier(link(part, "invoice"), "invoice")
    paid = amount(part, "amount_paid")
    return _paid_invoice(mapping(part, "payment"), invoice_id, paid=paid, credit={})


def merge(first: Sighting, *others: Sighting) -> Sighting:
    """All of them as one. Raises Invalid where they speak of one payment in two currencies."""
    facts, aliases, kept_for = first.facts, set(first.aliases), first.kept_for
    for other in others:
        aliases.update(other.aliases)
        kept_for = kept_for or other.kept_for
        if facts is None or other.facts is None:
            facts = facts or other.facts
            continue
        if facts.currency and other.facts.currency and facts.currency != other.facts.currency:
            raise Invalid("one payment in two currencies", field="currency")
        facts = join(facts, other.facts)
    return Sighting(facts=facts, via=first.via, aliases=tuple(sorted(aliases)), kept_for=kept_for)


def _charge_fact(charge: Obj, charge_id: str, *, is_expired: bool) -> ChargeFact | None:
    status = word(charge, "status") or "succeeded"
    if status not in _CHARGE_WORDS:
        return None
    is_good = status == "succeeded"
    asked, told = amount(charge, "amount"), amount(charge, "amount_captured")
    has_told = charge.get("amount_captured") is not None
    is_captured = charge.get("captured") is True
    # A pending or failed debit says captured too, though no money has come.
    taken = (told if has_told else asked if is_captured else 0) if is_good else 0
    # Over-capture and increments: what was authorized stands with the card.
    details = mapping(charge, "payment_method_details")
    card = mapping(details, "card") or mapping(details, "card_present")
    authorized = max(asked, amount(card, "amount_authorized"))
    # An old version shows a void, also one by expiry, as a full refund of nothing.
    is_void = charge.get("refunded") is True and charge.get("captured") is False and not taken
    return ChargeFact(
        id=charge_id,
        # While a debit is pending it is processing, not a hold.
        authorized=authorized if is_good else 0,
        pending=asked if status == "pending" else 0,
        captured=taken,
        is_final=is_good and is_captured,  # while captures in steps go on, it says false
        is_whole=has_told and 0 < authorized <= taken,
        is_pending=status == "pending",
        is_failed=status == "failed",
        is_expired=is_expired or is_void,
        refunded_hint=amount(charge, "amount_refunded"),
        balance_ref=link(charge, "balance_transaction"),
        created=seconds(charge, "created"),
    )


def _intent_fact(intent: Obj, charges: Sequence[Obj], *, is_failed: bool) -> IntentFact:
    status = word(intent, "status")
    asked, received = amount(intent, "amount"), amount(intent, "amount_received")
    if status and status not in _INTENT_TAKES:
        received = 0
    is_waiting_anew = status == "requires_payment_method"
    charge_ids = {link(intent, "latest_charge"), *(link(row, "id") for row in charges)}
    return IntentFact(
        # Only asked for, until a charge holds it.
        authorized=asked if status in {"requires_capture", "succeeded"} else 0,
        pending=asked if status == "processing" else 0,
        received=received,
        is_final=status == "succeeded",
        is_whole=0 < asked <= received,  # over-capture rewrites `amount` to what was taken
        is_processing=status == "processing",
        is_canceled=status == "canceled",
        is_failed=is_failed or (is_waiting_anew and bool(mapping(intent, "last_payment_error"))),
        charges=tuple(sorted(filter(None, charge_ids))),
    )


def _paid_invoice(paying: Obj, invoice_id: str, *, paid: int, credit: Credit) -> Sighting:
    """`paying` links to the payment: an invoice payment's part, or an old invoice itself."""
    intent_id, charge_id = link(paying, "payment_intent"), link(paying, "charge")
    if intent_id is None and charge_id is None:
        return Sighting()  # paid from credit, or outside Stripe
    facts = facts_of(
        payment_id=intent_id or "", rail_invoices={invoice_id: paid}, rail_credits=credit
    )
    return Sighting(facts=facts, via=None if intent_id else charge_id)


def _invoice(obj: Obj, *, paid: int) -> dict[str, int]:
    """The `invoice` link that charges and intents had before 2025-03-31 (and sessions still)."""
    invoice_id = link(obj, "invoice")
    return {invoice_id: paid} if invoice_id else {}
