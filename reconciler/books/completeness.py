"""What the rail still has to be asked, because no message so far told.

An event is a hint: it may be missing, late, or too coarse to tell a released remainder from a
refund. Each question here is answered by one look at the payment on the rail.
"""

from reconciler.books import disputes, payments
from reconciler.books.observations import ChargeFact, PaymentFacts, RefundFact, RefundStage
from reconciler.books.posting_rules import CHARGE_CATEGORIES, charge_rows


def open_questions(facts: PaymentFacts) -> list[str]:
    """What is not known of a payment, in words; empty when its money is fully explained."""
    questions: list[str] = []
    taken_by_charges = sum(charge.captured for charge in facts.charges.values())
    if taken_by_charges < payments.captured(facts):
        questions.append("the charge behind the captured amount")
    for charge in facts.charges.values():
        questions += _of_charge(charge, facts)
    for refund in facts.refunds.values():
        questions += _of_refund(refund, facts)
    questions += [f"the money of {dispute_id}" for dispute_id in disputes.awaited(facts)]
    if facts.disputes and not payments.captured(facts):
        questions.append("the capture that a bank disputes")
    untold = sorted({*facts.rail_invoices} - {*facts.rail_credits})
    questions += [f"what credit paid of {invoice_id}" for invoice_id in untold]
    by_the_rail = (r.amount for r in payments.counted_refunds(facts) if not r.is_by_hand)
    if sum(by_the_rail) > payments.captured(facts):
        questions.append("the capture that a refund takes from")
    return questions


def _of_charge(charge: ChargeFact, facts: PaymentFacts) -> list[str]:
    questions = []
    if charge.captured and not _is_explained(charge, facts):
        questions.append(f"the balance movements of {charge.id}")
    moved = sum(row.amount for row in charge_rows(charge, facts))
    if charge.is_failed and not charge.captured and moved:
        questions.append(f"what took {charge.id} back")
    listed = sum(
        r.amount
        for r in facts.refunds.values()
        if r.charge in (charge.id, None) and not r.is_by_hand
    )
    if charge.refunded_hint > listed and (charge.captured or not charge.is_expired):
        questions.append(f"the refunds of {charge.id}")
    return questions


def _is_explained(charge: ChargeFact, facts: PaymentFacts) -> bool:
    sources = {charge.id} | {r.id for r in facts.refunds.values() if payments.is_released(r, facts)}
    rows = [
        row
        for row in facts.balance.values()
        if row.source in sources and row.category in CHARGE_CATEGORIES
    ]
    if not rows:
        return False
    if any(row.currency != facts.currency for row in rows):
        return True  # converted by the rail: amounts of two currencies cannot be compared
    return sum(row.amount for row in rows) == charge.captured


def _of_refund(refund: RefundFact, facts: PaymentFacts) -> list[str]:
    if refund.is_by_hand:
        return []
    is_released = payments.is_released(refund, facts)
    if is_released is None:
        return [f"whether {refund.id} is a refund or a released remainder"]
    never_took_money = is_released and not payments.captured(facts)
    has_left = refund.stage == RefundStage.LEFT and not never_took_money
    if has_left and not _has_row(refund.id, refund.balance_ref, facts):
        return [f"the balance movement of {refund.id}"]
    came_back = refund.stage in (RefundStage.FAILED, RefundStage.CANCELED) and refund.balance_ref
    if came_back and not (refund.failure_ref and refund.failure_ref in facts.balance):
        return [f"the return of {refund.id}"]
    return []


def _has_row(source: str, named: str | None, facts: PaymentFacts) -> bool:
    return (named is not None and named in facts.balance) or any(
        row.source == source for row in facts.balance.values()
    )
