"""What refunds take back, as they were asked for or as a person decided."""

from dataclasses import replace

from hypothesis import given, strategies as st

from reconciler.books.allocations import (
    Claim,
    Claimed,
    Offer,
    Take,
    Treatment,
    offers,
    settle_invoice,
    taken_from,
)
from reconciler.books.observations import RefundFact, RefundStage
from reconciler.books.posting_rules import Position
from reconciler.books.refund_terms import Taken, Terms, beyond, of_payment, split, taken, takes
from reconciler.books.refunds import idempotency_key, leg_of_key

LITTLE = st.integers(1, 12)
TREATMENTS = st.sampled_from(list(Treatment))
TARGETS = st.sampled_from([None, "inv_1", "inv_2", "dep_1"])
parts = st.builds(Take, LITTLE, TREATMENTS, TARGETS)
refunds = st.builds(
    RefundFact,
    id=st.sampled_from(["re_1", "re_2", "re_3"]),
    amount=LITTLE,
    stage=st.just(RefundStage.LEFT),
    reference=st.sampled_from([None, "rfd_1", "rfd_2"]),
)
terms = st.builds(
    Terms,
    asked=st.dictionaries(st.just("rfd_1"), st.tuples(TREATMENTS, TARGETS)),
    decided=st.dictionaries(st.sampled_from(["re_1", "re_2"]), st.lists(parts, max_size=3)),
)
CLAIMS = [
    Claim("alo_1", "inv_1", is_deposit=False, wanted=9),
    Claim("alo_2", "dep_1", is_deposit=True, wanted=6),
    Claim("alo_3", "inv_2", is_deposit=False, wanted=None),
]


@given(refunds, terms)
def test_whatever_was_decided_a_refund_takes_its_amount_and_no_unit_else(refund, known) -> None:
    assert sum(take.amount for take in takes(refund, known)) == refund.amount


@given(refunds, terms)
def test_what_was_asked_for_here_stands_before_any_decision(refund, known) -> None:
    if refund.reference in known.asked:
        assert takes(refund, known) == [Take(refund.amount, *known.asked[refund.reference])]


def test_a_strangers_refund_lowers_what_is_owed_until_a_person_decides() -> None:
    refund = RefundFact(id="re_1", amount=10)
    assert takes(refund, Terms()) == [Take(10, Treatment.CREDIT)]
    decided = Terms(decided={"re_1": [Take(7, Treatment.REOPEN, "inv_1")]})
    assert takes(refund, decided) == [
        Take(3, Treatment.CREDIT),
        Take(7, Treatment.REOPEN, "inv_1"),
    ]


several = st.lists(refunds, max_size=3, unique_by=lambda r: r.id)


@given(several, terms, st.integers(0, 5), st.integers(0, 4))
def test_a_split_names_all_that_was_not_unapplied(made, known, loose, lost) -> None:
    captured = 25 + lost + sum(refund.amount for refund in made)
    at = Position(captured, tuple(made), lost, lost, {"dp_1": lost} if lost else {})
    claims = [*CLAIMS[:2], Claim("alo_3", "inv_2", is_deposit=False, wanted=captured - 15 - loose)]
    found = taken(at, claims, {"dp_1": 6}, known)
    gone = sum(refund.amount for refund in made) + lost
    assert sum(one.amount for one in found) == max(0, gone - loose)
    of_refunds = split(at, claims, {"dp_1": 6}, known)
    assert of_refunds.keys() == {refund.id for refund in made}
    for name, parts in of_refunds.items():
        assert sum(parts.values()) == sum(one.amount for one in found if one.name == name)
    for name, amount in ({refund.id: refund.amount for refund in made} | {"dp_1": lost}).items():
        assert sum(one.amount for one in found if one.name == name) <= amount


@given(several, terms, st.integers(0, 4), st.integers(1, 40), st.integers(0, 6))
def test_what_is_beyond_an_excess_is_what_the_documents_lose(made, known, lost, most, more) -> None:
    """A part of the money that another payment brought, `more`, is on the same invoice."""
    captured = 10 + lost + sum(refund.amount for refund in made)
    at = Position(captured, tuple(made), lost, lost, {"dp_1": lost} if lost else {})
    claim = Claim("alo_1", "inv_1", is_deposit=False, wanted=None)
    found = taken(at, [claim], {}, known)
    offer = offers([claim], captured, of_payment(at, known), {})["alo_1"]
    held = [Claimed("alo_1", offer, 0), Claimed("alo_2", Offer(more), 0)]
    settled = settle_invoice(most, held)
    excess = max(0, captured + more - most)
    rest = beyond(found, {"inv_1": excess})
    by = {
        treatment: sum(one.amount for one in rest if one.treatment is treatment)
        for treatment in Treatment
    }
    assert by[Treatment.CREDIT] == settled.credited
    assert by[Treatment.WRITE_OFF] == settled.written_off
    assert sum(by.values()) == min(most, captured + more) - settled.paid


def test_the_older_refund_eats_what_was_paid_too_much() -> None:
    def of(name: str, at: int | None) -> Taken:
        return Taken(name, "inv_1", 5, Treatment.CREDIT, at)

    found = [of("lost", None), of("later", 20), of("first", 10)]
    assert beyond(found, {"inv_1": 6}) == [replace(of("later", 20), amount=4), of("lost", None)]
    assert beyond(found, {}) == [found[2], found[1], found[0]]


@given(st.lists(parts, max_size=4), st.integers(0, 30))
def test_what_is_taken_from_targets_is_what_their_offers_lack(took, more) -> None:
    captured = sum(take.amount for take in took) + more
    made = offers(CLAIMS, captured, took, {"dep_1": 6})
    by_take = taken_from(CLAIMS, captured, took, {"dep_1": 6})
    for claim in CLAIMS:
        offer = made[claim.id]
        assert offer.gross - offer.net == sum(of.get(claim.target, 0) for of in by_take)


def test_what_disputes_took_is_owed_again_after_all_refunds() -> None:
    at = Position(20, (RefundFact(id="re_1", amount=5),), 8, 8, {"dp_1": 8})
    assert of_payment(at, Terms()) == [Take(5, Treatment.CREDIT), Take(8, Treatment.REOPEN)]
    assert of_payment(Position(20, (), 0, 0, {}), Terms()) == []


def test_a_key_tells_its_leg_and_no_other_key_does() -> None:
    assert leg_of_key(idempotency_key("leg_7", 2)) == "leg_7"
    for other in ("", "rr", "rr:", "rr::1", "rr:leg_7", "rr:leg_7:", "rr:leg_7:x", "xx:leg_7:1"):
        assert leg_of_key(other) is None
