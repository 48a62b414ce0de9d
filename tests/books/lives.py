"""Facts made up by chance: anything at all, and lives that a payment may really have.

`anything` is for the laws of joining, which hold for whatever a rail may say. `pieces` are what is
told, bit by bit, of one payment.
"""

from hypothesis import strategies as st
from msgspec import structs

from reconciler.books.observations import (
    BalanceFact,
    ChargeFact,
    DisputeFact,
    IntentFact,
    PaymentFacts,
    RefundFact,
    RefundStage,
)

AMOUNTS = st.integers(0, 1_000)
TIMES = st.integers(0, 6)
FEW = {"max_size": 2}
CATEGORIES = (
    "charge",
    "partial_capture_reversal",
    "charge_failure",
    "refund",
    "refund_failure",
    "dispute",
    "dispute_reversal",
    "fee",
    "tax",
    "something_new",
)

dated = st.tuples(TIMES, st.sampled_from(["INV-1", "INV-2", "x"]))
shown = st.tuples(TIMES, st.integers(0, 4), st.sampled_from(["pending", "succeeded"]))
words = st.tuples(
    TIMES, st.integers(0, 4), st.sampled_from(["needs_response", "lost", "appealed", "won"])
)


def _sometimes(values):
    return st.none() | values


def _keyed(fact):
    return st.lists(fact, max_size=2).map(lambda found: {one.id: one for one in found})


charges = st.builds(
    ChargeFact,
    id=st.sampled_from(["ch_1", "ch_2"]),
    authorized=AMOUNTS,
    captured=AMOUNTS,
    is_final=st.booleans(),
    is_whole=st.booleans(),
    is_pending=st.booleans(),
    is_failed=st.booleans(),
    is_expired=st.booleans(),
    refunded_hint=AMOUNTS,
    balance_ref=_sometimes(st.sampled_from(["txn_1", "txn_2"])),
    created=TIMES,
)
intents = st.builds(
    IntentFact,
    authorized=AMOUNTS,
    received=AMOUNTS,
    is_final=st.booleans(),
    is_whole=st.booleans(),
    is_processing=st.booleans(),
    is_canceled=st.booleans(),
    is_failed=st.booleans(),
    charges=st.lists(st.sampled_from(["ch_1", "ch_2"]), unique=True).map(sorted).map(tuple),
)
refunds = st.builds(
    RefundFact,
    id=st.sampled_from(["re_1", "re_2", "re_3"]),
    amount=st.integers(1, 600),
    stage=st.sampled_from([int(stage) for stage in RefundStage]),
    shown=shown,
    charge=_sometimes(st.sampled_from(["ch_1", "ch_2"])),
    reference=_sometimes(st.just("leg_1")),
    is_released=st.booleans(),
    is_real=st.booleans(),
    balance_ref=_sometimes(st.sampled_from(["txn_3", "txn_4"])),
    failure_ref=_sometimes(st.sampled_from(["txn_5", "txn_6"])),
    failure_reason=_sometimes(st.sampled_from(["unknown", "declined"])),
    reason=_sometimes(st.just("duplicate")),
    waits=st.tuples(TIMES, st.sampled_from(["", "processing", "insufficient_funds"])),
    created=TIMES,
)
disputes = st.builds(
    DisputeFact,
    id=st.sampled_from(["du_1", "du_2"]),
    amount=AMOUNTS,
    is_inquiry=st.booleans(),
    was_formal=st.booleans(),
    shown=words,
    charge=_sometimes(st.just("ch_1")),
    reason=_sometimes(st.just("fraudulent")),
    evidence_due=_sometimes(st.integers(1, 6)),
    created=TIMES,
)
rows = st.builds(
    BalanceFact,
    id=st.sampled_from([f"txn_{n}" for n in range(1, 9)]),
    amount=st.integers(-1_000, 1_000),
    fee=st.integers(-50, 50),
    currency=st.sampled_from(["USD", "EUR"]),
    category=st.sampled_from(CATEGORIES),
    source=_sometimes(st.sampled_from(["ch_1", "ch_2", "re_1", "re_2", "du_1", "du_2"])),
    created=TIMES,
)
anything = st.builds(
    PaymentFacts,
    rail=st.just("stripe"),
    account=st.just("own"),
    payment_id=st.just("pi_1"),
    currency=_sometimes(st.just("USD")),
    intent=_sometimes(intents),
    charges=_keyed(charges),
    refunds=_keyed(refunds),
    disputes=_keyed(disputes),
    balance=_keyed(rows),
    named=st.dictionaries(st.sampled_from(["invoice", "deposit"]), dated, **FEW),
    texts=st.dictionaries(st.sampled_from(["description", "descriptor"]), dated, **FEW),
    payer=st.dictionaries(st.sampled_from(["customer", "email"]), dated, **FEW),
    sessions=st.lists(st.sampled_from(["cs_1", "cs_2"]), unique=True).map(sorted).map(tuple),
    rail_invoices=st.dictionaries(st.sampled_from(["in_1", "in_2"]), AMOUNTS, **FEW),
    rail_credits=st.dictionaries(
        st.sampled_from(["in_1", "in_2"]), st.tuples(AMOUNTS, AMOUNTS), **FEW
    ),
    livemode=st.booleans(),
    created=TIMES,
)


@st.composite
def pieces(draw) -> list[PaymentFacts]:
    """What is told of one payment, bit by bit. A balance row is told in the same words ever."""
    pool = draw(_keyed(rows))
    told = draw(st.lists(anything, min_size=1, max_size=5))
    return [structs.replace(one, balance=_some_of(pool, one)) for one in told]


def _some_of(pool: dict[str, BalanceFact], told: PaymentFacts) -> dict[str, BalanceFact]:
    return {row_id: row for row_id, row in pool.items() if row_id in told.balance} or pool
