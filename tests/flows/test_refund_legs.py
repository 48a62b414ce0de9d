"""A refund over several payments and rails: whatever becomes of each leg, it can be finished, once.

The customer never gets more than was asked, and when all is done not a unit less.
"""

from datetime import date

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from reconciler.flows import another_route
from reconciler.services import receipts, refund_routes, refunds
from reconciler.services.receipts import Receipt
from tests.refund_stage import ANN, BEN, Stage, open_stage
from tests.tiers import size

DONE, REFUSED, AGAIN, BY_HAND = "succeeded", "refused", "again", "by hand"
ROUNDS_MAX = 6
# What the rail does with a leg at first; for cash there is no rail, and people pay it.
FATES = (DONE, DONE, "requires_action", "failed", REFUSED, "cash")
PARTS = st.lists(
    st.tuples(st.sampled_from(FATES), st.integers(1, 700), st.sampled_from([AGAIN, BY_HAND])),
    min_size=2,
    max_size=4,
)


@pytest.fixture
def stage(database_url, redis_url):
    with open_stage(database_url, redis_url) as opened:
        yield opened


class Told:
    """An invoice that several payments paid, and the refund that asks some or all of it back."""

    def __init__(self, stage: Stage, parts, share: int) -> None:
        self.stage, self.parts = stage, parts
        total = sum(amount for _, amount, _ in parts)
        self.asked = max(1, total * share // 100)
        self.invoice = stage.invoice(stage.customer(), total)
        # payment -> what its rail does with a leg, and how people finish one that did not arrive
        self.fates: dict[str, tuple[str, str]] = {}
        for fate, amount, finish in parts:
            self.fates[self._pay(fate, amount)] = (fate, finish)
            stage.pass_time(minutes=1)
        self.refund = stage.ask(invoice_id=self.invoice, amount=self.asked)

    def _pay(self, fate: str, amount: int) -> str:
        if fate == "cash":
            receipt = Receipt("cash", date(2026, 11, 20), amount)
            return self.stage.do(lambda work: receipts.receive(work, self.invoice, receipt))
        payment = self.stage.paid(amount)
        self.stage.allocate(payment, invoice_id=self.invoice)
        return payment

    def send(self) -> None:
        """To the rail, which refuses a leg while a bank's claim stands on its payment."""
        claims = []
        for leg in self.legs():
            if self.fates[leg.payment_id][0] == REFUSED:
                intent = self.stage.world.get("payment_intent", leg.rail_payment_id)
                claims.append((leg.payment_id, self.stage.world.dispute(intent["latest_charge"])))
        self.stage.submit()
        for payment, claim in claims:
            self.stage.world.close_dispute(claim, "won")
            self.stage.hear_again(payment)

    def legs(self):
        return self.stage.refund(self.refund).legs


def _rails(stage: Stage, told: Told) -> list[dict]:
    """What the rail made for this refund and did not undo."""
    made = [
        m
        for m in stage.at_the_rail()
        if m["metadata"].get("reconciler_refund_id", "").partition(".")[0] == told.refund
    ]
    return [m for m in made if m["status"] not in ("failed", "canceled")]


def _by_hand(stage: Stage, told: Told) -> int:
    return sum(
        leg.amount
        for leg in told.legs()
        if leg.status == DONE and (leg.route == "hand" or leg.rail == "manual")
    )


def _given(stage: Stage, told: Told) -> int:
    return sum(m["amount"] for m in _rails(stage, told)) + _by_hand(stage, told)


def _move(stage: Stage, told: Told) -> None:
    """The rail goes on with what it has: each leg to its fate, or at last to its end."""
    for leg in told.legs():
        if leg.rail_refund_id is None:
            continue
        made = stage.world.get("refund", leg.rail_refund_id)
        fate, way = told.fates[leg.payment_id]
        if fate in ("failed", "requires_action") and made["status"] == DONE:
            # The first one comes to this; what is sent in its place goes through.
            told.fates[leg.payment_id] = (DONE, way)
            stage.world.advance_refund(made["id"], fate)
        elif made["status"] == "requires_action":
            stage.world.advance_refund(made["id"], DONE)
        else:
            continue
        stage.hear_again(leg.payment_id)


def _is_visible(stage: Stage, told: Told) -> None:
    """Whatever did not arrive is asked about, with exactly its amount."""
    stuck = {"refund_failed": "failed", "manual_refund": "manual"}
    for kind, status in stuck.items():
        amount = sum(leg.amount for leg in told.legs() if leg.status == status)
        asked = [q.amount for q in stage.questions(kind) if q.refund_id == told.refund]
        assert asked == ([amount] if amount else []), kind
    if any(leg.status in stuck.values() for leg in told.legs()):
        assert stage.refund(told.refund).next_step != "Nothing to do."


def _finish(stage: Stage, told: Told) -> None:
    """People settle what did not arrive: tried again, or paid by hand by a second person."""
    failed = [leg for leg in told.legs() if leg.status == "failed"]
    ways = {told.fates[leg.payment_id] for leg in failed}
    if failed and all(fate != REFUSED and way == BY_HAND for fate, way in ways):
        looked = another_route.look(stage.runtime, told.refund)
        stage.do(
            lambda work: refund_routes.pay_another_way(
                work, told.refund, looked, method="bank_transfer"
            ),
            ANN,
        )
    elif failed:
        stage.do(lambda work: refunds.retry(work, told.refund), BEN)
    if any(leg.status == "manual" for leg in told.legs()):
        stage.do(
            lambda work: refunds.settle_by_hand(work, told.refund, reference="transfer 7"), BEN
        )
    stage.submit()


@settings(max_examples=size(quick=5, full=12), suppress_health_check=list(HealthCheck))
@given(PARTS, st.integers(1, 100))
@example([("cash", 333, AGAIN), ("failed", 334, BY_HAND), ("succeeded", 333, AGAIN)], 100)
@example([("refused", 7, AGAIN), ("requires_action", 1, AGAIN), ("cash", 1, BY_HAND)], 100)
def test_every_leg_is_finished_and_the_customer_gets_what_was_asked(stage, parts, share) -> None:
    told = Told(stage, parts, share)
    legs = told.legs()
    assert sum(leg.amount for leg in legs) == told.asked
    assert len({leg.payment_id for leg in legs}) == len(legs), "one leg a payment"
    told.send()
    for _ in range(ROUNDS_MAX):
        assert _given(stage, told) <= told.asked
        _is_visible(stage, told)
        if stage.status(told.refund) == DONE:
            break
        _move(stage, told)
        _is_visible(stage, told)
        _finish(stage, told)
    assert stage.status(told.refund) == DONE
    assert _given(stage, told) == told.asked
    with stage.runtime.read() as session:
        paid = session.connection().exec_driver_sql(
            "select paid, credited, outstanding from invoice where id = %s", (told.invoice,)
        )
        total = sum(amount for _, amount, _ in parts)
        assert tuple(paid.one()) == (total - told.asked, told.asked, 0)
    assert stage.violations() == []
