"""Payouts and balance rows as Stripe shows them, read as facts; and a look at one over HTTP."""

import pytest

from reconciler.books.payouts import PayoutFacts, PayoutStage
from reconciler.errors import Invalid, NotFound
from reconciler.rails.stripe.evidence import THE_USUAL
from reconciler.rails.stripe.payout_look import look_at_payout
from reconciler.rails.stripe.payouts import payout_facts, row_facts
from tests.rails.stripe_objects import AT, stored


def a_row(**changed):
    return {
        "id": "txn_1",
        "object": "balance_transaction",
        "amount": -900,
        "balance_type": "payments",
        "created": AT,
        "currency": "usd",
        "fee": 0,
        "net": -900,
        "reporting_category": "payout",
        "source": "po_1",
        "type": "payout",
    } | changed


def read(**changed):
    return payout_facts(stored("payout.json") | changed, AT)


def test_stripes_own_example_is_read():
    seen = read()
    assert seen.kept_for is None
    assert seen.payout == PayoutFacts(
        rail="stripe",
        account="own",
        payout_id="po_1Pgc79B7WZ01zgkWu1KToYf4",
        currency="USD",
        amount=1_100,
        stage=PayoutStage.IN_TRANSIT,
        is_automatic=True,
        is_listable=True,
        arrival=(AT, 1_234_567_890),
        balance_ref="txn_1PgaxNB7WZ01zgkWEV3TLf40",
        created=1_234_567_890,
    )


def test_a_payout_that_failed_and_was_made_at_once():
    facts = read(
        amount=-2_000,
        status="failed",
        method="instant",
        automatic=False,
        reconciliation_status="not_applicable",
        failure_code="account_closed",
        balance_transaction=a_row(amount=2_000),
        failure_balance_transaction=a_row(
            id="txn_2", amount=-2_000, reporting_category="payout_reversal", type="payout_failure"
        ),
        original_payout="po_0",
        reversed_by={"id": "po_2", "object": "payout"},
        trace_id={"status": "supported", "value": "0910"},
        statement_descriptor="ACME",
        destination={"id": "ba_1", "last4": "6789"},
        livemode=True,
    ).payout
    assert facts is not None
    assert (facts.amount, facts.stage, facts.failure) == (
        -2_000,
        PayoutStage.FAILED,
        "account_closed",
    )
    assert (facts.is_automatic, facts.is_instant, facts.is_listable) == (False, True, False)
    assert {name: row.amount for name, row in facts.rows.items()} == {
        "txn_1": 2_000,
        "txn_2": -2_000,
    }
    assert (facts.balance_ref, facts.failure_ref) == ("txn_1", "txn_2")
    assert (facts.original, facts.reversed_by) == ("po_0", "po_2")
    assert (facts.trace_id, facts.descriptor) == ("0910", "ACME")
    assert (facts.destination_last4, facts.livemode) == ("6789", True)


def test_a_status_that_nobody_knows_moves_nothing_and_is_for_a_person():
    seen = read(status="returned_by_owl")
    assert seen.payout is not None
    assert seen.payout.stage == PayoutStage.PENDING
    assert "returned_by_owl" in str(seen.kept_for)


@pytest.mark.parametrize("missing", ["amount", "currency"])
def test_a_payout_without_a_sum_is_refused(missing):
    with pytest.raises(Invalid, match="without an amount or a currency"):
        read(**{missing: None})


def test_stripes_own_example_of_a_row_is_read():
    seen = row_facts(stored("balance_transaction.json"))
    assert [seen.facts, seen.payout, seen.movement].count(None) == 2


@pytest.mark.parametrize("category", ["payout", "payout_reversal"])
def test_a_payouts_own_row_is_the_payouts(category):
    seen = row_facts(a_row(reporting_category=category))
    assert seen.payout is not None
    assert (seen.payout.payout_id, seen.payout.amount) == ("po_1", None)
    assert [row.category for row in seen.payout.rows.values()] == [category]


@pytest.mark.parametrize(
    ("category", "source"),
    [("charge", "ch_1"), ("refund", "re_1"), ("dispute", "dp_1"), ("fee", "ch_1")],
)
def test_a_payments_row_leads_to_it_through_its_source(category, source):
    seen = row_facts(a_row(reporting_category=category, source=source))
    assert (seen.via, seen.payout, seen.movement) == (source, None, None)
    assert seen.facts is not None
    assert list(seen.facts.balance) == ["txn_1"]


@pytest.mark.parametrize(
    "changed",
    [
        {"reporting_category": "fee", "source": None},
        {"reporting_category": "topup", "source": "tu_1"},
        {"reporting_category": "hocus", "source": None},
        {"reporting_category": "charge", "source": "ch_1", "balance_type": "issuing"},
    ],
)
def test_a_row_of_neither_is_a_movement_of_the_account(changed):
    seen = row_facts(a_row(**changed))
    assert (seen.facts, seen.payout) == (None, None)
    assert seen.movement is not None
    assert seen.movement.row.category == changed["reporting_category"]
    assert seen.movement.balance_type == changed.get("balance_type", "payments")


class Told:
    """Stripe's answers by path, and no others."""

    def __init__(self, objects, lists):
        self.objects, self.lists, self.asked = objects, lists, []

    def get(self, _kind, _path, object_id, *, expand=()):
        self.asked.append((object_id, expand))
        if object_id not in self.objects:
            raise NotFound("Stripe has no such object")
        return self.objects[object_id]

    def walk(self, path, params):
        self.asked.append((path, params))
        return iter(self.lists.get(next(iter(params)), ()))


KNOWN = PayoutFacts(rail="stripe", account="own", payout_id="po_1")


def a_payout(**changed):
    return stored("payout.json") | {"id": "po_1", "balance_transaction": "txn_1"} | changed


def look(api):
    return look_at_payout(api, KNOWN, AT, THE_USUAL)


def test_links_that_come_back_unexpanded_are_asked_for():
    api = Told({"po_1": a_payout(reconciliation_status="in_progress"), "txn_1": a_row()}, {})
    seen = look(api)
    assert list(seen.facts.rows) == ["txn_1"]
    assert seen.members is None
    assert [what for what, _ in api.asked] == ["po_1", "txn_1"]


def test_a_return_that_no_link_names_is_found_by_its_source():
    failed = a_payout(status="failed", balance_transaction=a_row(), automatic=False)
    back = a_row(id="txn_2", amount=900, reporting_category="payout_reversal")
    other = a_row(id="txn_9", source="po_9")
    seen = look(Told({"po_1": failed}, {"source": [back, other]}))
    assert sorted(seen.facts.rows) == ["txn_1", "txn_2"]


def test_a_row_that_is_not_there_leaves_the_question_open():
    seen = look(Told({"po_1": a_payout(automatic=False)}, {}))
    assert seen.facts.rows == {}


def test_members_are_all_rows_but_the_payouts_own():
    rows = [
        a_row(),
        a_row(id="txn_2", amount=1_000, fee=50, reporting_category="charge", source="ch_1"),
        a_row(id="txn_3", amount=150, reporting_category="payout_reversal", source="po_0"),
    ]
    seen = look(Told({"po_1": a_payout(balance_transaction=a_row())}, {"payout": rows}))
    assert seen.members is not None
    assert [(one.row.id, one.row.net) for one in seen.members] == [("txn_2", 950), ("txn_3", 150)]
    charge, returned = (one.told for one in seen.members)
    assert charge.via == "ch_1"
    assert returned.payout is not None
    assert returned.payout.payout_id == "po_0"
