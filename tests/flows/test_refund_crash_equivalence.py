"""Wherever a process dies, what becomes of a refund is what would have become of it anyway.

Each life is lived once undisturbed, noting every place that a process passes; then once for every
such place, with the process dying there and another taking over. In the end the books, the rail,
the documents and the open questions have to be the same.

In `./test` a life is lived for every third of its places, beginning with another one than the life
before it: each place is deadly in several lives, and not in all of them.
"""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import sqlalchemy as sa

from reconciler.failpoints import armed
from reconciler.services import refunds
from tests.refund_stage import ANN, BEN, PROGRAM, Stage, open_stage
from tests.tiers import size

pytestmark = pytest.mark.usefixtures("unmeasured")
POST = {"method": "POST", "path": "/v1/refunds"}
LEASE_IS_OVER = timedelta(seconds=121)
EACH = size(quick=6, full=1)
PLACES = (
    "approve.before_commit",
    "refund.after_probe",
    "refund.after_intent_commit",
    "refund.before_fence",
    "refund.after_fence",
    "refund.after_send",
    "refund.after_response",
    "refund.before_record",
    "refund.after_record",
    "refund.after_cancel",
)


class _Killed(BaseException):
    """A process that is gone: nothing after it runs, no handler, no rollback of ours."""


@dataclass
class Life:
    """One refund, from asking to its end. `dies_at`: the how-manyth place passed is deadly."""

    stage: Stage
    dies_at: int | None = None
    passed: list[str] = field(default_factory=list)
    payments: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    refund: str = ""

    def paid(self, amount=10_000):
        self.payments.append(self.stage.paid(amount))
        return self.payments[-1]

    def ask(self, by=PROGRAM, **asked):
        self.refund = self.stage.ask(by, **asked)

    def work(self, **much):
        """So much time, with a worker at its place; one that dies is missed for two minutes."""
        ends_at = self.stage.now + timedelta(**much)
        while self.stage.now < ends_at:
            try:
                self._watched(lambda: self.stage.work_for(seconds=self._seconds_to(ends_at)))
            except _Killed:
                self.stage.clock[0] += LEASE_IS_OVER

    def do(self, step, by=BEN):
        """What a person does; who sees it fail does it again."""
        try:
            self._watched(lambda: self.stage.do(lambda work: step(work, self.refund), by))
        except _Killed:
            self.stage.do(lambda work: step(work, self.refund), by)

    def made(self):
        """The refunds that the rail made of these payments, the greatest first."""
        intents = {self.stage.rail_id(payment) for payment in self.payments}
        made = [one for one in self.stage.at_the_rail() if one["payment_intent"] in intents]
        return sorted(made, key=lambda one: one["amount"], reverse=True)

    def advance(self, status, **more):
        """The rail's smallest refund goes on, and we hear of it."""
        self.stage.world.advance_refund(self.made()[-1]["id"], status, **more)
        for payment in self.payments:
            self.stage.hear_again(payment)

    def _seconds_to(self, ends_at):
        return (ends_at - self.stage.now).total_seconds()

    def _watched(self, step):
        def at(place):
            self.passed.append(place)
            if len(self.passed) - 1 == self.dies_at:
                raise _Killed

        with armed({place: lambda place=place: at(place) for place in PLACES}):
            step()


def two_people(life):
    life.ask(ANN, payment_id=life.paid())
    life.do(refunds.approve)
    life.work(minutes=10)
    return "succeeded"


def waits_and_arrives(life):
    life.stage.world.plan_refund(status="pending")
    life.ask(payment_id=life.paid(), amount=2_500)
    life.work(minutes=10)
    assert life.stage.status(life.refund) == "pending"
    life.advance("succeeded")
    return "succeeded"


def waits_and_fails(life):
    life.stage.world.plan_refund(status="pending")
    life.ask(payment_id=life.paid(), amount=2_500)
    life.work(minutes=10)
    life.advance("failed", failure_reason="insufficient_funds")
    return "failed"


def asks_the_customer(life):
    life.stage.world.plan_refund(status="requires_action")
    life.ask(payment_id=life.paid(), amount=2_500)
    life.work(minutes=10)
    assert life.stage.status(life.refund) == "requires_action"
    life.advance("succeeded")
    return "succeeded"


def asks_the_customer_and_is_called_off(life):
    life.stage.world.plan_refund(status="requires_action")
    life.ask(payment_id=life.paid(), amount=2_500)
    life.work(minutes=10)
    life.do(refunds.cancel)
    life.work(minutes=10)
    return "canceled"


def fails_later_and_is_tried_again(life):
    life.ask(payment_id=life.paid(), amount=2_500)
    life.work(minutes=10)
    life.advance("failed", failure_reason="declined")
    assert life.stage.status(life.refund) == "failed"
    life.do(refunds.retry)
    life.work(minutes=10)
    return "succeeded"


def is_refused(life):
    payment = life.paid()
    intent = life.stage.world.get("payment_intent", life.stage.rail_id(payment))
    life.stage.world.dispute(intent["latest_charge"])  # we have not heard of it
    life.ask(payment_id=payment, amount=2_500)
    life.work(hours=3)
    return "failed"


def is_lost_on_the_way_back(life):
    life.stage.faults.add("drop_after", **POST)
    life.ask(payment_id=life.paid(), amount=2_500)
    life.work(minutes=10)
    return "succeeded"


def is_lost_on_the_way_there(life):
    life.stage.faults.add("drop_before", **POST)
    life.ask(payment_id=life.paid(), amount=2_500)
    life.work(minutes=10)
    return "succeeded"


def needs_a_new_key(life):
    life.stage.faults.add("saved_500", effect=False, **POST)
    life.ask(payment_id=life.paid(), amount=2_500)
    life.work(minutes=3)
    life.stage.pass_time(hours=25)
    life.work(hours=4)
    return "succeeded"


def meets_a_key_that_is_not_taken(life):
    life.stage.faults.add("answer", status=401, count=2, **POST)
    life.ask(payment_id=life.paid(), amount=2_500)
    life.work(hours=1)
    return "succeeded"


def one_of_two_payments_fails_later(life):
    customer = life.stage.customer()
    life.documents.append(life.stage.invoice(customer))
    for amount in (4_000, 6_000):
        part = {"amount": amount, "invoice_id": life.documents[0]}
        life.stage.allocate(life.paid(amount), **part)
    life.ask(invoice_id=life.documents[0], amount=7_000)
    life.work(minutes=10)
    assert life.stage.status(life.refund) == "succeeded"
    life.advance("failed", failure_reason="declined")
    assert life.stage.status(life.refund) == "failed"
    life.do(refunds.retry)
    life.work(minutes=10)
    return "succeeded"


def is_called_off_before_it_goes(life):
    life.ask(ANN, payment_id=life.paid(), amount=2_500)
    life.do(refunds.approve)
    life.do(refunds.cancel)
    life.work(minutes=10)
    return "canceled"


def is_left_to_a_person_and_called_off(life):
    life.ask(payment_id=life.paid(), amount=6_000)
    life.stage.world.refund(life.stage.rail_id(life.payments[0]), 6_000)  # in the dashboard
    life.work(minutes=10)
    assert life.stage.status(life.refund) == "manual"
    life.work(hours=26)
    life.do(refunds.cancel)
    return "canceled"


def meets_a_small_one_in_the_dashboard(life):
    life.ask(payment_id=life.paid(), amount=6_000)
    life.stage.world.refund(life.stage.rail_id(life.payments[0]), 1_000)
    life.work(minutes=10)
    return "succeeded"


LIVES = (
    two_people,
    waits_and_arrives,
    waits_and_fails,
    asks_the_customer,
    asks_the_customer_and_is_called_off,
    fails_later_and_is_tried_again,
    is_refused,
    is_lost_on_the_way_back,
    is_lost_on_the_way_there,
    needs_a_new_key,
    meets_a_key_that_is_not_taken,
    one_of_two_payments_fails_later,
    is_called_off_before_it_goes,
    is_left_to_a_person_and_called_off,
    meets_a_small_one_in_the_dashboard,
)

ENTRIES = """select array_agg(a.role || a.rail || ' ' || p.amount order by p.line)::text
    from journal_entry e join posting p on p.entry_id = e.id join ledger_account a
      on a.id = p.account_id
    where e.payment_id = any(:payments) or e.invoice_id = any(:documents)
    group by e.id order by 1"""
END = {
    "refund": "select status, amount, treatment from refund where id = :refund",
    "legs": """select status, amount, reference, replaced_by from refund_leg
        where refund_id = :refund order by reference""",
    "entries": ENTRIES,
    "payments": """select captured, refunded, lost, fee, status from payment
        where id = any(:payments) order by 1, 2""",
    "claims": """select gross, credited, amount from allocation
        where payment_id = any(:payments) order by 1, 2""",
    "invoices": """select state, paid, credit_notes, refund_credits, write_offs from invoice
        where id = any(:documents)""",
    "questions": """select kind, state, amount from review_item
        where payment_id = any(:payments) or refund_id = :refund order by 1, 2, 3""",
}


def end(life):
    """All that has come of it, without names and times."""
    of = {"payments": life.payments, "documents": life.documents, "refund": life.refund}
    with life.stage.runtime.read() as session:
        rows = {name: session.execute(sa.text(query), of).all() for name, query in END.items()}
    shown = [(one["status"], one["amount"], dict(one["metadata"])) for one in life.made()]
    return str(rows | {"rail": shown}).replace(life.refund, "<the refund>")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("live", LIVES, ids=lambda live: live.__name__)
def test_a_death_at_any_place_changes_nothing_in_the_end(database_url, redis_url, live):
    with open_stage(database_url, redis_url) as stage:
        undisturbed = Life(stage)
        status = live(undisturbed)
        assert stage.status(undisturbed.refund) == status
        expected = end(undisturbed)
        first = LIVES.index(live) % EACH
        for place, name in list(enumerate(undisturbed.passed))[first::EACH]:
            stage.faults.clear()
            stage.world.refund_plans.clear()
            stage.pass_time(days=31)  # so many that fail in one month would stop them all
            disturbed = Life(stage, dies_at=place)
            live(disturbed)
            assert disturbed.passed[place] == name
            assert end(disturbed) == expected, f"killed at {name}, the {place + 1}. place passed"
