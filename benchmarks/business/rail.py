"""What the rail tells beside payments that find their invoice: the messages, and payouts.

Messages go into the inbox by COPY, and the worker applies them as it would any others. Payouts and
what they consist of go through the door that looks at the rail go through.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from benchmarks import senders
from benchmarks.business.pen import COMMAND, Pen
from benchmarks.stage import Processes, drained, into_inbox, plain
from reconciler.books.observations import BalanceFact
from reconciler.books.payout_lines import Member, PayoutLook
from reconciler.books.payouts import Movement, PayoutFacts, PayoutStage
from reconciler.books.rail_objects import Listed
from reconciler.flows.take_payout import take_payout
from reconciler.services import payouts
from reconciler.work import Work

Charge = dict[str, Any]
_DAY = 86_400
_OF_A_PAYOUT = 600  # movements: a million payments in some sixteen hundred payouts
_MOVEMENTS = """select object_id, amount, currency, payment_id from rail_object
    where rail = 'stripe' and kind = 'balance_transaction' and object_id like 'txn_of_pi_%'
    order by rail, account, kind, object_id"""
_DISPUTES = ("needs_response", "needs_response", "under_review", "lost", "won")
# How a payment fares whose invoice is not found, and how often among a million.
HELD: tuple[tuple[str, int], ...] = (
    ("unmatched_payment", 3_000),
    ("ambiguous_match", 500),
    ("overpayment", 500),
    ("currency_mismatch", 300),
    ("invoice_not_payable", 300),
)


def tell(pen: Pen, events: list[dict[str, Any]]) -> None:
    """Have the worker apply them."""
    into_inbox(pen.bench, events)
    with working(pen):
        drained(pen.bench, minutes=30)


def working(pen: Pen) -> Processes:
    """A worker that applies messages, and the clock that wakes it."""
    return Processes(pen.bench, ["worker", "clock"])


def happened(number: int, what: str, kind: str, told: dict[str, Any]) -> dict[str, Any]:
    """A message about payment `number`: `what` is its own name among that payment's."""
    return senders.event(number, 2) | {
        "id": f"evt_{number:018d}{what}",
        "type": kind,
        "data": {"object": told},
    }


def held(pen: Pen, void: str) -> list[dict[str, Any]]:
    """Payments that wait for a person, of each kind; `void` is an invoice that takes no money."""
    told = []
    for kind, in_a_million in HELD:
        for number in pen.bench.numbers(pen.of(in_a_million)):
            charge = senders.charge(number, 2)
            _UNLIKE[kind](charge, number % pen.payments, void)
            told.append(happened(number, "2", "charge.captured", charge))
    return told


def _unlike_any(charge: Charge, number: int, _void: str) -> None:
    """One in three says in words who it is of; one in three has a slip of the pen."""
    charge["metadata"] = {}
    said = (
        f"Payment of customer {number % 1_000}", f"Invoice INF-{number:010d}", "Thank you",
    )  # fmt: skip
    charge["description"] = said[number % len(said)]
    charge["billing_details"]["name"] = f"Customer {number % 1_000}"


def _names_two(charge: Charge, number: int, _void: str) -> None:
    charge["metadata"] = {}
    charge["description"] = f"For INV-{number:010d} and INV-{number // 2:010d}"


def _names_a_paid_one(charge: Charge, number: int, _void: str) -> None:
    """Payments whose number leaves three when divided by four were captured whole."""
    charge["metadata"] = {"invoice_number": f"INV-{number // 4 * 4 + 3:010d}"}


def _is_in_euro(charge: Charge, number: int, _void: str) -> None:
    charge["currency"] = "eur"
    charge["metadata"] = {"invoice_number": f"INV-{number:010d}"}


def _names_a_void_one(charge: Charge, _number: int, void: str) -> None:
    charge["metadata"] = {"invoice_number": void}


_UNLIKE: dict[str, Callable[[Charge, int, str], None]] = {
    "unmatched_payment": _unlike_any,
    "ambiguous_match": _names_two,
    "overpayment": _names_a_paid_one,
    "currency_mismatch": _is_in_euro,
    "invoice_not_payable": _names_a_void_one,
}


def refund(
    number: int, amount: int, *, leg: str = "", status: str = "succeeded", what: str = "refund"
) -> dict[str, Any]:
    """A refund of a payment, with its movement where it left; one of ours bears the leg's name."""
    refund_id, made = f"re_{number:018d}", 1_790_000_000 + number % 1_000_000 + _DAY
    told = {
        "id": refund_id, "object": "refund", "amount": amount, "currency": "usd",
        "charge": f"ch_{number:018d}", "payment_intent": f"pi_{number:018d}", "created": made,
        "status": status, "metadata": {"reconciler_refund_id": leg} if leg else {},
        "balance_transaction": movement(f"txn_of_re_{number:018d}", -amount, "refund", refund_id),
    }  # fmt: skip
    if status == "pending":
        told["balance_transaction"] = None  # nothing has left yet
    if status == "failed":
        told["failure_reason"] = "lost_or_stolen_card"
        back = movement(f"txn_back_{number:018d}", amount, "refund_failure", refund_id)
        told["failure_balance_transaction"] = back
    return happened(number, what, f"refund.{'failed' if status == 'failed' else 'created'}", told)


def dispute(number: int, amount: int) -> Iterator[dict[str, Any]]:
    """A bank takes a payment back, and how that ends."""
    ends = _DISPUTES[number // 7 % len(_DISPUTES)]
    dispute_id, made = f"dp_{number:018d}", 1_790_000_000 + number % 1_000_000 + _DAY
    rows = [movement(f"txn_of_dp_{number:018d}", -amount, "dispute", dispute_id, fee=1_500)]
    told = {
        "id": dispute_id, "object": "dispute", "amount": amount, "currency": "usd",
        "charge": f"ch_{number:018d}", "payment_intent": f"pi_{number:018d}", "created": made,
        "reason": "fraudulent", "status": "needs_response", "balance_transactions": rows,
        "evidence_details": {"due_by": made + 90 * _DAY},
    }  # fmt: skip
    yield happened(number, "dispute", "charge.dispute.created", told)
    if ends == "won":
        won = movement(f"txn_won_{number:018d}", amount, "dispute_reversal", dispute_id)
        told = told | {"balance_transactions": [*rows, won]}
    if ends != "needs_response":
        yield happened(number, "ended", "charge.dispute.closed", told | {"status": ends})


def spoilt(number: int) -> dict[str, Any]:
    """A message that cannot be applied, or only in part: its words are none that are known."""
    if number % 2:
        charge = senders.charge(number, 2) | {"amount_captured": "many"}
        return happened(number, "odd", "charge.updated", charge)
    return refund(number, 100, status="lost_in_the_mail", what="unknown")


def movement(name: str, amount: int, category: str, source: str, *, fee: int = 0) -> dict[str, Any]:
    """A row of the rail's balance."""
    return {
        "id": name, "object": "balance_transaction", "amount": amount, "fee": fee,
        "net": amount - fee, "currency": "usd", "reporting_category": category, "source": source,
        "created": 1_790_000_000,
    }  # fmt: skip


def pay_out(pen: Pen) -> int:
    """All movements go out, so many a day; one payout in fifteen differs, one in fifty failed."""
    made = 0
    for at, rows in enumerate(_some_a_day(pen)):
        members = tuple(Member(row=row, told=Listed(id=row.id, made=row.created)) for row in rows)
        amount = sum(row.net for row in rows) + (at % 15 == 7)
        look = PayoutLook(facts=_payout(at, amount, rows[0].currency), members=members)
        take_payout(lambda step: pen.runtime.do(COMMAND, step), look)
        made += 1
    return made


def _some_a_day(pen: Pen) -> Iterator[list[BalanceFact]]:
    """Smaller payouts where there is little to pay out, so that there are several."""
    size = min(_OF_A_PAYOUT, max(20, pen.payments // 40))
    with psycopg.connect(plain(pen.bench.owner_url)) as line, line.cursor(name="moved") as cursor:
        cursor.itersize = size
        cursor.execute(_MOVEMENTS)
        while rows := cursor.fetchmany(size):
            yield [
                BalanceFact(
                    id=name, amount=amount, fee=0, currency=currency, category="charge",
                    source=f"ch_{name.removeprefix('txn_of_pi_')}", created=1_790_000_000,
                )
                for name, amount, currency, _ in rows
            ]  # fmt: skip


def _payout(at: int, amount: int, currency: str) -> PayoutFacts:
    payout_id, made = f"po_{at:018d}", int(time.time()) - 60 * _DAY + at * 3_000
    rows = {f"txn_of_{payout_id}": _row(f"txn_of_{payout_id}", -amount, "payout", made)}
    is_dead = at % 50 == 9
    if is_dead:
        back = f"txn_back_{payout_id}"
        rows[back] = _row(back, amount, "payout_reversal", made)
    return PayoutFacts(
        rail="stripe", account="own", payout_id=payout_id, currency=currency, amount=amount,
        stage=PayoutStage.FAILED if is_dead else PayoutStage.PAID, is_automatic=True,
        is_listable=True, arrival=(made, made + _DAY), rows=rows, created=made,
        failure="account_closed" if is_dead else None, descriptor=f"PAYOUT {at:06d}",
    )  # fmt: skip


def _row(name: str, amount: int, category: str, made: int) -> BalanceFact:
    return BalanceFact(
        id=name, amount=amount, fee=0, currency="USD", category=category, created=made
    )


def unclassified(pen: Pen) -> None:
    """Movements of no payment: what the rail calls them nobody here knows."""

    def step(work: Work, at: int) -> None:
        row = _row(f"txn_odd_{at:012d}", 100 + at, "reserve_transaction", 1_790_000_000 + at)
        odd = Movement(rail="stripe", account="own", row=row, kind="reserve")
        payouts.observe_movements(work, [odd])

    pen.each(range(pen.of(200)), step)
