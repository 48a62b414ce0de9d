"""Answers beyond what a program can say over HTTP; those are in tests/web/test_api_review_items."""

from collections.abc import Iterator

import pytest

from reconciler.books.consent import RefundPolicy
from reconciler.books.reviews import ACTIONS, ReviewKind
from reconciler.errors import Conflict, NotFound, Refused
from reconciler.services import customers, invoices, resolutions, reviews
from reconciler.services.allocations import Part
from reconciler.services.invoices import NewInvoice
from reconciler.services.resolutions import Resolution
from reconciler.services.reviews import Question
from tests.runtime import Office, open_office

POLICY = RefundPolicy()


@pytest.fixture(scope="module")
def house(module_database_url, line, stripe_api) -> Iterator[Office]:
    """An office for tests that leave nothing behind, or mind nobody's."""
    made = open_office(module_database_url, line, stripe_api)
    yield made
    made.runtime.engine.dispose()


def resolve(office, item_id, **said):
    return office.do(lambda work: resolutions.resolve(work, item_id, Resolution(**said), POLICY))


def ask(office, kind, **about):
    office.do(lambda work: reviews.open_items(work, [Question(kind, "thing", **about)]))
    return office.scalar(
        """select id from review_item
        where kind = :kind and subject = 'thing' and state = 'open'""",
        kind=kind.value,
    )


@pytest.mark.parametrize("kind", list(ReviewKind))
def test_every_question_takes_what_its_kind_says_and_nothing_else(house, kind):
    item_id = ask(house, kind)
    for action in ("match", "refund", "retry", "paid_back", "replay", "forget"):
        if action not in ACTIONS[kind]:
            with pytest.raises(Refused) as refusal:
                resolve(house, item_id, action=action)
            assert refusal.value.field == "action"
    resolve(house, item_id, action="acknowledge", note="seen")
    [item] = house.rows(
        "select state, resolution, resolved_by from review_item where id = :id", id=item_id
    )
    assert tuple(item) == ("resolved", "acknowledge: seen", "person/usr_ann")
    with pytest.raises(Conflict):
        resolve(house, item_id, action="acknowledge")


def test_a_refund_that_was_not_asked_for_here_is_not_tried_again_here(office):
    item_id = ask(office, ReviewKind.REFUND_FAILED)
    with pytest.raises(Refused):
        resolve(office, item_id, action="retry")
    assert office.scalar("select state from review_item") == "open"


def test_there_is_no_such_question(office):
    with pytest.raises(NotFound):
        resolve(office, "rev_none", action="acknowledge")


def test_an_event_that_failed_is_done_over_from_its_question(office):
    office.world.pay(500, "usd")
    office.deliver(*office.world.events())
    office.drain()
    seq = office.scalar("select min(seq) from inbox_event")
    item_id = ask(office, ReviewKind.EVENT_FAILED, event_seq=seq)
    resolve(office, item_id, action="replay")
    assert office.scalar("select status from inbox_outcome where seq = :seq", seq=seq) == "pending"
    office.drain()
    assert office.scalar("select status from inbox_outcome where seq = :seq", seq=seq) == "applied"
    assert office.violations() == []


def test_an_answer_that_cannot_be_carried_out_leaves_the_question_open(office):
    office.world.pay(500, "usd")
    office.deliver(*office.world.events())
    office.drain()
    customer_id = office.do(lambda work: customers.create(work, name="Ann"))
    new = NewInvoice(customer_id=customer_id, currency="EUR", total=500)
    invoice_id = office.do(lambda work: invoices.create(work, new))
    item_id = office.scalar("select id from review_item where state = 'open'")
    with pytest.raises(Refused):
        resolve(office, item_id, action="match", parts=(Part(invoice_id=invoice_id),))
    assert office.scalar("select state from review_item where id = :id", id=item_id) == "open"
