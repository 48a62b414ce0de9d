"""An undo is of the deed that its line names: a newer one of the same subject is left alone."""

from datetime import timedelta

import pytest

from reconciler.books.bank_lines import TargetKind
from reconciler.books.deeds import Fate
from reconciler.books.portal import Scope
from reconciler.books.reviews import ReviewKind
from reconciler.errors import Conflict
from reconciler.reads import audit, deeds
from reconciler.services import (
    allocations,
    applications,
    bill_payments,
    people,
    portal_links,
    prepayments,
    reminders,
    review_desk,
    reviews,
    statements,
    undoing,
)
from reconciler.services.allocations import Part
from reconciler.services.bill_payments import Paid
from reconciler.services.reviews import Question
from tests.builders import captured, customer, deposit, invoice, named, observe, prepayment, vendor
from tests.runtime import Office
from tests.services.test_decided_under_locks import while_waits
from tests.services.test_purchases import ON, Workshop
from tests.services.test_statements import HEAD, do, lines, take

HELD = (
    "allocation", "application", "bill_payment", "prepayment_application", "vendor_refund",
    "review_item", "reminder_plan", "bank_line", "journal_entry", "audit_line",
)  # fmt: skip


def books(office: Office) -> list:
    return [
        office.scalar(f"select md5(string_agg(t::text, ';' order by t::text)) from {t} t")
        for t in HELD
    ]


def seq_of(office: Office, action: str) -> int:
    return office.scalar("select max(seq) from audit_line where action = :a", a=action)


def fate_of(office: Office, seq: int) -> Fate | None:
    """What the list of one's deeds says of a line; None where it stands."""
    with office.runtime.read() as session:
        return deeds.fates(session, [audit.one(session, str(seq))]).get(str(seq))


def undo(office: Office, seq: int) -> None:
    office.do(lambda work: undoing.undo(work, seq))


def refuses(office: Office, seq: int, words: str) -> None:
    before = books(office)
    with pytest.raises(Conflict, match=words):
        undo(office, seq)
    assert books(office) == before


def matched(office: Office, amount: int) -> tuple[str, list[Part]]:
    """A payment that names nothing, and a part of it for an invoice that owes more."""
    owed = invoice(office, "INV-1", 500)
    (payment,) = observe(office, captured(300))
    return payment, [Part(owed, amount=amount)]


def test_a_match_that_was_given_back_is_not_given_back_twice(office):
    payment, parts = matched(office, 100)
    (made,) = office.do(lambda work: allocations.allocate(work, payment, parts))
    office.do(lambda work: allocations.unallocate(work, payment, made))
    back = seq_of(office, "payment.unallocated")
    undo(office, back)
    refuses(office, back, "taken back already")
    assert office.scalar("select sum(amount) from allocation") == 100


def test_more_of_the_same_amount_put_there_since_is_not_what_the_first_line_put(office):
    payment, parts = matched(office, 100)
    office.do(lambda work: allocations.allocate(work, payment, parts))
    first = seq_of(office, "payment.allocated")
    office.do(lambda work: allocations.allocate(work, payment, parts))
    refuses(office, first, "something newer")
    assert office.scalar("select sum(amount) from allocation") == 200


def test_what_somebody_does_while_an_undo_waits_for_them_is_left_alone(office):
    payment, parts = matched(office, 100)
    (made,) = office.do(lambda work: allocations.allocate(work, payment, parts))
    office.do(lambda work: allocations.unallocate(work, payment, made))
    back, told = seq_of(office, "payment.unallocated"), []

    def late() -> None:
        try:
            undo(office, back)
        except Conflict as refused:
            told.append(str(refused))

    with while_waits(office, late) as work:
        allocations.allocate(work, payment, parts)
    assert told == ["it is taken back already"]
    assert office.scalar("select sum(amount) from allocation") == 100


def test_a_deposit_is_put_back_on_its_invoice_once(office):
    ann = customer(office)
    ahead = deposit(office, "DEP-1", 300, customer_id=ann)
    owed = invoice(office, "INV-1", 500, customer_id=ann)
    observe(office, captured(300, named=named(deposit="DEP-1")))
    use = office.do(lambda work: applications.apply(work, ahead, owed, 100))
    office.do(lambda work: applications.unapply(work, ahead, use))
    off = seq_of(office, "deposit.unapplied")
    undo(office, off)
    refuses(office, off, "taken back already")
    assert office.scalar("select applied from deposit") == 100


def test_payments_and_uses_of_bills_are_noted_again_once(office):
    shop = Workshop(office)
    paid = shop.pay(shop.first, 100)
    shop.take_back(shop.first, paid)
    use = shop.apply(shop.second, 100)
    shop.unapply(use)
    back = Paid(on=ON, amount=50)
    refund = office.do(lambda work: prepayments.refund(work, shop.ahead, back))
    office.do(lambda work: prepayments.take_refund_back(work, shop.ahead, refund))
    for action in ("bill.paid", "prepayment.applied", "prepayment.refunded"):
        assert fate_of(office, seq_of(office, action)) is Fate.TAKEN_BACK, "and no Undo is offered"
        refuses(office, seq_of(office, action), "taken back already")
    for action in (
        "bill.payment_taken_back", "prepayment.unapplied", "prepayment.refund_taken_back",
    ):  # fmt: skip
        assert fate_of(office, seq_of(office, action)) is None
        seq = seq_of(office, action)
        undo(office, seq)
        refuses(office, seq, "taken back already")
    assert office.violations() == []


@pytest.fixture
def asked(office: Office) -> str:
    """A question, and two who may answer it."""
    for name in ("rae", "bo"):
        office.do(
            lambda work, name=name: people.create_user(
                work,
                email=f"{name}@example.com",
                password="seven tall herons",
                role="reconciler",
                name=name,
            )
        )
    question = Question(kind=ReviewKind.EVENT_FAILED, subject="evt_1", payment_id=None, amount=1)
    office.do(lambda work: reviews.open_items(work, [question]))
    return office.scalar("select id from review_item")


def test_whose_a_question_is_by_now_is_not_changed_by_an_older_line(office, asked):
    seqs = []
    for who in ("rae@example.com", "bo@example.com", None, "rae@example.com"):
        office.do(lambda work, who=who: review_desk.assign(work, asked, who))
        seqs.append(seq_of(office, "review_item.assigned"))
    refuses(office, seqs[0], "something newer")
    refuses(office, seqs[1], "something newer")
    undo(office, seqs[3])
    refuses(office, seqs[3], "taken back already")


def test_a_question_put_off_anew_stays_so_and_so_does_one_that_news_brought_back(office, asked):
    today, seqs = office.clock().date(), []
    for days in (2, 4):
        until = today + timedelta(days=days)
        office.do(lambda work, until=until: review_desk.snooze(work, asked, until))
        seqs.append(seq_of(office, "review_item.snoozed"))
    refuses(office, seqs[0], "something newer")
    news = Question(kind=ReviewKind.EVENT_FAILED, subject="evt_1", payment_id=None, amount=2)
    office.do(lambda work: reviews.open_items(work, [news]))
    refuses(office, seqs[1], "something newer")
    assert office.scalar("select snoozed_until from review_item") is None


def test_a_pause_said_anew_is_not_ended_by_the_line_of_the_first(office):
    owed = invoice(office, "INV-1", 500)
    pause = {"until": None, "why": "They asked"}
    office.do(lambda work: reminders.pause(work, owed, **pause))
    first = seq_of(office, "reminders.paused")
    office.do(lambda work: reminders.resume(work, owed))
    refuses(office, first, "taken back already")
    office.do(lambda work: reminders.pause(work, owed, **pause))
    refuses(office, first, "taken back already")
    assert office.scalar("select is_paused from reminder_plan where subject = :id", id=owed)


def test_a_link_is_revoked_once(office):
    ann = customer(office)
    office.do(lambda work: portal_links.create(work, scope=Scope.CUSTOMER, subject_id=ann))
    made = seq_of(office, "portal_link.created")
    undo(office, made)
    refuses(office, made, "taken back already")


def test_a_bank_line_tied_or_set_aside_anew_is_left_so(office):
    day = office.clock().date()
    oak = vendor(office)
    ahead, _ = (prepayment(office, 700, vendor_id=oak, paid_on=day) for _ in range(2))
    take(office, HEAD + f"{day},-7.00,USD,Transfer\n")
    (row,) = lines(office)
    for _ in range(2):
        do(office, statements.tie, row.id, TargetKind.PREPAYMENT, ahead, rev=None)
        do(office, statements.untie, row.id, rev=None)
    tied, untied = seq_of(office, "bank_line.tied"), seq_of(office, "bank_line.untied")
    do(office, statements.tie, row.id, TargetKind.PREPAYMENT, ahead, rev=None)
    refuses(office, tied, "taken back already")
    refuses(office, untied, "taken back already")
    do(office, statements.untie, row.id, rev=None)
    for _ in range(2):
        do(office, statements.set_aside, row.id, "Not ours", rev=None)
        aside = seq_of(office, "bank_line.set_aside")
        do(office, statements.take_up, row.id, rev=None)
    do(office, statements.set_aside, row.id, "Not ours", rev=None)
    refuses(office, aside, "taken back already")


def test_a_payment_of_a_bill_made_anew_is_not_what_the_first_line_paid(office):
    shop = Workshop(office)
    paid = shop.pay(shop.first, 100)
    first = seq_of(office, "bill.paid")
    shop.take_back(shop.first, paid)
    office.do(lambda work: bill_payments.pay(work, shop.first, Paid(on=ON, amount=100)))
    refuses(office, first, "taken back already")
