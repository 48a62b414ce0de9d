"""The readers of Stripe's objects, for tests in which nearly every message has facts."""

from typing import Any

from reconciler.rails.stripe import objects, observe, parts

# Where a message has none, its test says so.
charge_facts: Any = objects.charge_facts
dispute_facts: Any = parts.dispute_facts
intent_facts: Any = objects.intent_facts
invoice_facts: Any = objects.invoice_facts
invoice_payment_facts: Any = objects.invoice_payment_facts
merge: Any = objects.merge
refund_facts: Any = parts.refund_facts
session_facts: Any = objects.session_facts
sighting: Any = observe.sighting
