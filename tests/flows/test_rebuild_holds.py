"""A hold that was taken back, put back and taken back again makes the same books once more."""

from reconciler.books.deposits import HELD_NO_MORE
from reconciler.flows.rebuild import rebuild
from reconciler.services import allocations, deposits, matches, undoing
from reconciler.services.allocations import Part
from reconciler.services.deposits import NewDeposit
from reconciler.work import Work
from tests.builders import customer, invoice
from tests.flows.telling import paid
from tests.runtime import Office, may_make_a_schema


def test_a_hold_taken_back_is_made_anew_with_its_deposit_ended(
    office: Office, owner_url: str
) -> None:
    may_make_a_schema(office, owner_url)
    ann = customer(office, rail_id="cus_1")
    invoice(office, "INV-H", 400, customer_id=ann)
    payment = paid(office, 450, invoice="INV-H")

    def hold(work: Work) -> str:
        made = deposits.create(work, NewDeposit(customer_id=ann, currency="USD", amount=50))
        return allocations.allocate(work, payment, [Part(deposit_id=made)])[0]

    claim = office.do(hold)
    office.clock.advance(minutes=1)
    office.do(lambda w: matches.take_back(w, payment, claim))
    last = "select max(seq) from audit_line where action = :a"
    for action in ("payment.unallocated", "payment.allocated"):
        office.clock.advance(minutes=1)
        seq = office.scalar(last, a=action)
        office.do(lambda w: undoing.undo(w, seq))  # noqa: B023  at once
    assert office.scalar("select ended_why from deposit") == HELD_NO_MORE
    assert office.violations() == []
    found, done = rebuild(office.runtime)
    assert [one.detail for one in found] == []
    assert done.done["deeds"] >= 6
