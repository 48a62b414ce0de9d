"""Refunds that were asked for here: most have gone back, some wait or failed."""

from dataclasses import dataclass

from benchmarks.business import rail
from benchmarks.business.pen import PROGRAM, Pen
from reconciler.services import refund_requests, refunds
from reconciler.services.refund_grounds import RefundAsk
from reconciler.services.refund_limits import policy_of
from reconciler.work import Cause, Work

AMOUNT = 150
_EVERY = 31  # payments: one of so many is asked back
_REASONS = ("goodwill", "partial_scope", "duplicate", "other")
_ASKED_OF = """select rail_payment_id, id from payment where rail_payment_id = any(%s)"""
_LEGS = """select p.rail_payment_id, l.reference from refund r
    join refund_leg l on l.refund_id = r.id join payment p on p.id = l.payment_id
    where r.status = 'approved' and r.requested_by = %s"""


@dataclass(frozen=True, slots=True)
class People:
    """Who asks, and who approves."""

    asker: str
    approver: str


def ask(pen: Pen, people: People) -> None:
    """By programs, which need no second person, and by people, who do; then the rail answers."""
    numbers = range(0, pen.payments - _EVERY, _EVERY)
    by_people = pen.of(1_000, 12)
    ours = _payments(pen, [*numbers][: pen.of(20_000, 60) + by_people])
    pen.each(ours[by_people:], lambda work, at: _ask(pen, work, at), cause=PROGRAM, at_once=100)
    rail.tell(pen, [*_answers(pen)])
    asked = pen.each(
        ours[:by_people],
        lambda work, at: _ask(pen, work, at),
        cause=Cause("person", people.asker),
    )
    pen.each([*enumerate(asked)], _decide, cause=Cause("person", people.approver))


def _payments(pen: Pen, numbers: list[int]) -> list[tuple[int, str]]:
    """Each payment's number among the rail's, and its id here."""
    names = [f"pi_{number:018d}" for number in numbers]
    rows = pen.bench.sql(_ASKED_OF, names)
    return sorted((int(str(name)[3:]), str(payment_id)) for name, payment_id in rows)


def _ask(pen: Pen, work: Work, at: tuple[int, str]) -> str:
    number, payment_id = at
    ask = RefundAsk(
        reason=_REASONS[number % len(_REASONS)], payment_id=payment_id, amount=AMOUNT,
        note=f"Talked about on the telephone, order {number}",
    )  # fmt: skip
    return refund_requests.request(work, ask, policy_of(pen.runtime.settings))


def _answers(pen: Pen) -> list[dict[str, object]]:
    """One refund in a hundred fails, one is on its way; and one in fifty nobody has answered."""
    told = []
    for at, (name, leg) in enumerate(pen.bench.sql(_LEGS, PROGRAM.id)):
        status = {1: "failed", 2: "pending", 3: "", 4: ""}.get(at % 100, "succeeded")
        if status:
            number = int(str(name)[3:])
            told.append(rail.refund(number, AMOUNT, leg=str(leg), status=status))
    return told


def _decide(work: Work, at: tuple[int, str]) -> None:
    """One in ten is rejected, one approved; the others wait for a second person."""
    place, refund_id = at
    if place % 10 == 0:
        refunds.reject(work, refund_id, why="Not agreed with anybody")
    elif place % 10 == 1:
        refunds.approve(work, refund_id)
