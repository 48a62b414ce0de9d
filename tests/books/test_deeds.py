"""Laws of what became of a deed: only later ones about the same touch it."""

import pytest
from hypothesis import given, strategies as st

from reconciler.books.deeds import TOLD_BY, Deed, Fate, fate

OTHER = Deed("note.added", "x", {}, {})


def deed(action: str, before: dict | None = None, after: dict | None = None, **more) -> Deed:
    return Deed(action, "x", before or {}, after or {}, **more)


def put(allocation: str, target: str) -> Deed:
    return deed(
        "payment.allocated",
        after={"allocations": [{"allocation": allocation, "target": target, "amount": 5}]},
    )


def off(target: str) -> Deed:
    return deed("payment.unallocated", {"allocation": "alo_1", "target": target, "amount": 5})


CASES = (
    (put("alo_1", "inv_1"), put("alo_1", "inv_1"), Fate.OVERTAKEN),
    (put("alo_1", "inv_1"), put("alo_2", "inv_1"), Fate.STANDS),
    (off("inv_1"), put("alo_2", "inv_1"), Fate.TAKEN_BACK),
    (off("inv_1"), put("alo_2", "inv_2"), Fate.STANDS),
    (off("inv_1"), off("inv_1"), Fate.OVERTAKEN),
    (
        deed("deposit.unapplied", after={"invoice": "inv_1", "amount": 5}),
        deed("deposit.applied", after={"invoice": "inv_1", "amount": 5}),
        Fate.TAKEN_BACK,
    ),
    (
        deed("prepayment.unapplied", after={"bill": "bil_1", "amount": 5}),
        deed("prepayment.applied", after={"bill": "bil_2", "amount": 5}),
        Fate.STANDS,
    ),
    (
        deed("bill.payment_taken_back", {"amount": 5}),
        deed("bill.paid", after={"amount": 5}),
        Fate.TAKEN_BACK,
    ),
    (
        deed("bill.payment_taken_back", {"amount": 5}),
        deed("bill.paid", after={"amount": 6}),
        Fate.STANDS,
    ),
    (
        deed("bill.paid", after={"payment": "bpm_1", "amount": 5}),
        deed("bill.payment_taken_back", {"payment": "bpm_1", "amount": 5}),
        Fate.TAKEN_BACK,
    ),
    (
        deed("bill.paid", after={"payment": "bpm_1", "amount": 5}),
        deed("bill.payment_taken_back", {"payment": "bpm_2", "amount": 5}),
        Fate.STANDS,
    ),
    (
        deed("prepayment.applied", after={"application": "pap_1"}),
        deed("prepayment.unapplied", after={"application": "pap_1"}),
        Fate.TAKEN_BACK,
    ),
    (
        deed("prepayment.refunded", after={"refund": "vrf_1"}),
        deed("prepayment.refund_taken_back", {"refund": "vrf_1"}),
        Fate.TAKEN_BACK,
    ),
    (deed("vendor_credit.noted"), deed("prepayment.voided"), Fate.TAKEN_BACK),
    (deed("refund.requested"), deed("refund.canceled"), Fate.TAKEN_BACK),
    (deed("refund.requested"), deed("refund.retried"), Fate.OVERTAKEN),
    (
        deed("dispute.decided", {"decision": "undecided"}, {"decision": "chase"}),
        deed("dispute.decided", {"decision": "chase"}, {"decision": "undecided"}),
        Fate.TAKEN_BACK,
    ),
    (
        deed("dispute.decided", {"decision": "undecided"}, {"decision": "chase"}),
        deed("dispute.decided", {"decision": "chase"}, {"decision": "credit"}),
        Fate.OVERTAKEN,
    ),
    (
        deed("review_item.assigned", {"assigned_to": None}, {"assigned_to": "usr_1"}),
        deed("review_item.assigned", {"assigned_to": "usr_1"}, {"assigned_to": None}),
        Fate.TAKEN_BACK,
    ),
    (deed("suspense.moved"), deed("suspense.put_back"), Fate.TAKEN_BACK),
    (deed("suspense.moved", after={"turn": 1}), deed("suspense.put_back"), Fate.STANDS),
    (deed("reminders.paused"), deed("reminders.paused"), Fate.OVERTAKEN),
    (deed("invoice.sent"), deed("invoice.sent"), Fate.STANDS),
)


@pytest.mark.parametrize(("first", "then", "became"), CASES)
def test_what_came_of_it_is_told_by_what_is_about_the_same(first, then, became):
    assert fate(first, [then]) is became
    assert fate(first, [OTHER, then, deed("refund.approved"), then]) in {became, Fate.OVERTAKEN}
    assert fate(first, []) is Fate.STANDS


@given(st.sampled_from([case[:2] for case in CASES]))
def test_what_was_said_and_is_erased_counts_as_about_the_same(pair):
    first, then = pair
    erased = Deed(then.action, then.subject, {}, {}, is_erased=True)
    is_bound = first.action == "suspense.moved" and "turn" in first.after
    stands = is_bound or then.action not in TOLD_BY
    assert (fate(first, [erased]) is Fate.STANDS) is stands


def test_the_first_of_them_tells():
    back, anew = deed("reminders.resumed"), deed("reminders.paused")
    assert fate(deed("reminders.paused"), [back, anew]) is Fate.TAKEN_BACK
    assert fate(deed("reminders.paused"), [anew, back]) is Fate.OVERTAKEN
