"""What the facts of a payment or payout say of each single object of the rail."""

from reconciler.books.observations import RefundStage
from reconciler.books.payouts import PayoutFacts
from reconciler.books.rail_objects import ObjectKind, View, views, views_of_payout
from tests.builders import AT, charge, dispute, facts, refund, row

PAID_BY_HAND = refund("re_hand", 50, is_by_hand=True)


def test_each_object_of_a_payment_is_viewed_and_what_people_paid_is_not():
    told = facts(
        charges=charge(captured=900),
        refunds=refund("re_1", 300, RefundStage.FAILED, reference="leg_1") | PAID_BY_HAND,
        disputes=dispute("du_1", 700, shown=(1, 7, "lost")),
        balance=row("txn_1", 900, "charge", fee=30, created=AT),
    )
    failed = View(ObjectKind.REFUND, "re_1", 300, "USD", "failed", AT)
    assert list(views(told)) == [
        View(ObjectKind.CHARGE, "ch_1", 900, "USD", "", AT),
        failed,
        View(ObjectKind.DISPUTE, "du_1", 700, "", "lost", AT),
        View(ObjectKind.MOVEMENT, "txn_1", 870, "USD", "charge", AT),
    ]
    assert [one.reference for one in views(told) if one == failed] == ["leg_1"]


def test_without_a_currency_an_object_is_viewed_with_none():
    (view,) = views(facts(currency=None, charges=charge(captured=900)))
    assert view.currency == ""


def test_a_payout_is_viewed_once_its_amount_is_known_and_its_movements_always():
    moved = row("txn_9", -500, "payout", created=AT)
    known = {"rail": "stripe", "account": "own", "payout_id": "po_1", "rows": moved}
    movement = View(ObjectKind.MOVEMENT, "txn_9", -500, "USD", "payout", AT)
    assert list(views_of_payout(PayoutFacts(**known))) == [movement]

    made, seen = views_of_payout(PayoutFacts(**known, created=AT, amount=500, currency="USD"))
    assert (made.kind, made.id, made.amount, made.made) == (ObjectKind.PAYOUT, "po_1", 500, AT)
    assert seen == movement


def test_a_movement_says_whether_it_is_on_the_balance_of_payments() -> None:
    on_it = View(ObjectKind.MOVEMENT, "txn_1", 100, "USD", "charge", AT)
    elsewhere = View(ObjectKind.MOVEMENT, "txn_2", 100, "USD", "charge/issuing", AT)
    assert (on_it.is_of_payments, elsewhere.is_of_payments) == (True, False)
