"""Writing payments back, and asking a person where money that nobody claims belongs."""

from collections.abc import Iterable, Iterator

from reconciler.books import payments, posting_rules
from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.rail_objects import View, views
from reconciler.books.reviews import MATCHING_KINDS, ReviewKind
from reconciler.errors import Collision
from reconciler.services import reviews, settlement
from reconciler.services.reviews import Question
from reconciler.services.settlement import Scene
from reconciler.store import payment_rows, rail_objects
from reconciler.store.claims import AllocationRow, PaymentRow
from reconciler.store.payment_rows import Totals
from reconciler.timestamps import from_epoch
from reconciler.work import Work

LEFT_OVER = " takes no more: this is left over"


def save(work: Work, rows: Iterable[PaymentRow]) -> None:
    """Insert new payments and write changed ones, with the columns that follow from facts."""
    new: list[tuple[PaymentRow, Totals]] = []
    known: list[tuple[PaymentRow, Totals]] = []
    for row in rows:
        (new if row.is_new else known).append((row, _totals(row)))
    if payment_rows.insert(work.session, new, work.now) != len(new):
        raise Collision("a payment was first seen by somebody else meanwhile")
    payment_rows.update(work.session, known, work.now)
    rail_objects.put(work.session, [seen for row, _ in (*new, *known) for seen in _objects(row)])


def _objects(row: PaymentRow) -> Iterator[tuple[str, str, str, View]]:
    facts = row.facts
    if facts.rail != MANUAL_RAIL:
        yield from ((facts.rail, facts.account, row.id, view) for view in views(facts))


def _totals(row: PaymentRow) -> Totals:
    at = posting_rules.position(row.facts)
    fees: dict[str, int] = {}
    for movement in row.facts.balance.values():
        if movement.fee:
            fees[movement.currency] = fees.get(movement.currency, 0) + movement.fee
    fee_currency = max(fees, key=lambda currency: fees[currency]) if fees else None
    return Totals(
        authorized=payments.authorized(row.facts),
        captured=at.captured,
        refunded=at.refunded,
        lost=at.lost,
        disputed=at.disputed,
        on_its_way=payments.on_its_way(row.facts),
        fee=fees.get(fee_currency or "", 0),
        fee_currency=fee_currency,
        status=payments.status(row.facts, refunded=at.refunded, disputed=at.disputed).value,
        occurred_at=from_epoch(row.facts.created),
    )


def ask_about_unapplied(
    work: Work,
    scene: Scene,
    row: PaymentRow,
    *,
    kind: ReviewKind = ReviewKind.UNMATCHED_PAYMENT,
) -> None:
    """After a person moved money: ask about the rest, or close the question."""
    left = settlement.unapplied(scene, row.id)
    if not left:
        reviews.close_matching(work, [row.id], resolution=reviews.PLACED)
        return
    question = matching_question(row, kind, left, scene)
    reviews.close_items(
        work, MATCHING_KINDS - {question.kind}, [row.id], resolution=reviews.ASKED_ANEW
    )
    reviews.open_items(work, [question])


def matching_question(row: PaymentRow, kind: ReviewKind, amount: int, scene: Scene) -> Question:
    """The question where `amount` of a payment belongs."""
    claims = [claim for claim in scene.claims_by(row.id) if claim.wanted != 0]
    reasons = list(row.reasons)
    if kind is ReviewKind.OVERPAYMENT and claims:
        reasons.append(f"{_name(scene, claims[-1])}{LEFT_OVER}")
    return Question(
        kind=kind,
        subject=row.id,
        payment_id=row.id,
        invoice_id=claims[-1].invoice_id if claims else None,
        deposit_id=claims[-1].deposit_id if claims else None,
        amount=amount,
        currency=row.facts.currency,
        details={"reasons": reasons},
    )


def _name(scene: Scene, claim: AllocationRow) -> str:
    if claim.invoice_id:
        return scene.invoices[claim.invoice_id].number
    return scene.deposits[claim.deposit_id or ""].code
