"""Where money goes and in what order it comes back, against a clerk who moves it coin by coin."""

from itertools import permutations

from hypothesis import given, strategies as st

from reconciler.books import accounts
from reconciler.books.allocations import (
    Claim,
    Claimed,
    Offer,
    Take,
    Treatment,
    fill,
    offers,
    placed,
    settle_deposit,
    settle_invoice,
    unused,
)
from reconciler.money import Money

CENT = Money(1, "USD")
LITTLE = st.integers(0, 12)
TREATMENTS = st.sampled_from(Treatment)
PLACES = {Treatment.CREDIT: 1, Treatment.REOPEN: 2, Treatment.WRITE_OFF: 3}


@st.composite
def payments(draw) -> tuple[list[Claim], int, list[Take], dict[str, int]]:
    """One payment: its claims, what was captured, what was taken back, and unused deposits."""
    targets = draw(st.permutations(["inv_1", "inv_2", "dep_1", "dep_2"]))
    wanted = st.none() | LITTLE
    claims = [
        Claim(f"alo_{place}", target, target.startswith("dep"), draw(wanted))
        for place, target in enumerate(targets[: draw(st.integers(0, 4))])
    ]
    captured = draw(st.integers(0, 20))
    takes: list[Take] = []
    left = captured
    for _ in range(draw(st.integers(0, 3))):
        amount = draw(st.integers(0, left))
        left -= amount
        asked = draw(st.none() | st.sampled_from(["inv_1", "dep_1", "elsewhere"]))
        takes.append(Take(amount, draw(TREATMENTS), asked))
    return claims, captured, takes, {"dep_1": draw(LITTLE), "dep_2": draw(LITTLE)}


def by_the_coin(
    claims: list[Claim], captured: int, takes: list[Take], free: dict[str, int]
) -> dict[str, tuple[int, int, int, int]]:
    """The same, one coin at a time: gross, credited, reopened, written off."""
    piles = {claim.id: [0, 0, 0, 0] for claim in claims}
    free = dict(free)
    loose = captured
    for claim in claims:
        while loose and (claim.wanted is None or piles[claim.id][0] < claim.wanted):
            piles[claim.id][0] += 1
            loose -= 1
    for take in takes:
        for _ in range(take.amount):
            if loose:
                loose -= 1
                continue
            _take_coin(claims, piles, free, take)
    return {claim_id: tuple(pile) for claim_id, pile in piles.items()}


def _take_coin(claims: list[Claim], piles: dict, free: dict[str, int], take: Take) -> None:
    newest_first = claims[::-1]
    ways = (
        lambda c: c.target == take.target,
        lambda c: c.is_deposit and free[c.target] > 0,
        lambda c: not c.is_deposit,
        lambda c: True,
    )
    for way in ways:
        for claim in filter(way, newest_first):
            pile = piles[claim.id]
            if pile[0] > sum(pile[1:]):
                pile[PLACES[take.treatment]] += 1
                if claim.is_deposit:
                    free[claim.target] -= 1
                return
    raise AssertionError("no coin is left to take")


@given(payments())
def test_offers_are_what_a_clerk_counts_out(paid) -> None:
    claims, captured, takes, free = paid
    made = offers(claims, captured, takes, free)
    counted = {name: (o.gross, o.credited, o.reopened, o.written_off) for name, o in made.items()}
    assert counted == by_the_coin(claims, captured, takes, free)


@given(payments())
def test_nothing_is_offered_that_was_not_captured_and_kept(paid) -> None:
    claims, captured, takes, free = paid
    made = offers(claims, captured, takes, free).values()
    assert sum(offer.gross for offer in made) <= captured
    assert sum(offer.net for offer in made) <= captured - sum(take.amount for take in takes)
    assert all(min(o.gross, o.credited, o.reopened, o.written_off, o.net) >= 0 for o in made)


@st.composite
def claimed(draw, at_most: int = 4) -> list[Claimed]:
    """Claims of several payments on one target, with what each held before."""
    found = []
    for place in range(draw(st.integers(0, at_most))):
        gross = draw(LITTLE)
        credited = draw(st.integers(0, gross))
        reopened = draw(st.integers(0, gross - credited))
        written_off = draw(st.integers(0, gross - credited - reopened))
        offer = Offer(gross, credited, reopened, written_off)
        found.append(Claimed(f"alo_{place}", offer, draw(LITTLE)))
    return found


@given(LITTLE, claimed())
def test_an_invoice_takes_all_it_can_and_no_more(capacity: int, claims: list[Claimed]) -> None:
    settled = settle_invoice(capacity, claims)
    net = sum(claim.offer.net for claim in claims)

    assert settled.paid == min(net, capacity - settled.credited - settled.written_off)
    assert all(0 <= settled.amounts[c.id] <= c.offer.net for c in claims)
    assert 0 <= settled.credited <= min(capacity, sum(c.offer.credited for c in claims))
    assert 0 <= settled.written_off <= sum(c.offer.written_off for c in claims)
    assert settled.paid + settled.credited + settled.written_off <= capacity


@given(LITTLE, claimed())
def test_credits_eat_what_is_too_much_before_they_lower_what_is_owed(
    capacity: int, claims: list[Claimed]
) -> None:
    settled = settle_invoice(capacity, claims)
    gross = sum(claim.offer.gross for claim in claims)
    to_credit = sum(claim.offer.credited for claim in claims)
    to_write_off = sum(claim.offer.written_off for claim in claims)
    # Coin by coin: each credited coin, then each that is written off, is taken from the excess.
    owed_less = borne = 0
    excess = max(0, gross - capacity)
    for _ in range(to_credit):
        if excess:
            excess -= 1
        elif owed_less < capacity:
            owed_less += 1
    for _ in range(to_write_off):
        if excess:
            excess -= 1
        elif owed_less + borne < capacity:
            borne += 1
    assert (settled.credited, settled.written_off) == (owed_less, borne)


@given(LITTLE, claimed(3))
def test_which_payment_came_first_changes_no_sum(capacity: int, claims: list[Claimed]) -> None:
    sums = {
        (settled.paid, settled.credited, settled.written_off)
        for order in permutations(claims)
        for settled in [settle_invoice(capacity, order)]
    }
    assert len(sums) == 1


@given(LITTLE, claimed())
def test_settling_again_changes_nothing(capacity: int, claims: list[Claimed]) -> None:
    settled = settle_invoice(capacity, claims)
    again = [Claimed(c.id, c.offer, settled.amounts[c.id]) for c in claims]
    assert settle_invoice(capacity, again) == settled


def test_either_of_two_payments_may_go_back_and_the_invoice_stays_paid() -> None:
    for gone in ("one", "other"):
        claims = [
            Claimed("one", Offer(100, 100 if gone == "one" else 0), amount=100),
            Claimed("other", Offer(100, 100 if gone == "other" else 0), amount=0),
        ]
        settled = settle_invoice(100, claims)
        assert (settled.paid, settled.credited) == (100, 0)


def test_what_a_claim_holds_stays_with_it_and_the_oldest_is_next() -> None:
    claims = [
        Claimed("first", Offer(50), amount=10),
        Claimed("second", Offer(50), amount=40),
        Claimed("third", Offer(50), amount=0),
    ]
    assert fill(70, claims) == {"first": 30, "second": 40, "third": 0}
    assert fill(20, claims) == {"first": 10, "second": 10, "third": 0}


@st.composite
def uses(draw) -> list[Claim]:
    """Uses of a deposit on invoices, the oldest first."""
    count = draw(st.integers(0, 3))
    return [
        Claim(f"app_{n}", f"inv_{n}", is_deposit=False, wanted=draw(LITTLE)) for n in range(count)
    ]


@given(LITTLE, claimed(), uses())
def test_a_deposit_is_used_refunded_or_remains(
    expected: int, claims: list[Claimed], applied: list[Claim]
) -> None:
    settled = settle_deposit(expected, claims, applied)
    gross = sum(claim.offer.gross for claim in claims)
    in_use = sum(offer.net for offer in settled.applications.values())

    assert settled.received == min(gross, expected)
    assert 0 <= settled.refunded <= settled.received
    assert in_use <= settled.received - settled.refunded
    assert sum(settled.amounts.values()) == settled.received - settled.refunded
    assert all(0 <= settled.amounts[c.id] <= c.offer.net for c in claims)
    assert all(
        offer.net <= use.wanted for use in applied for offer in [settled.applications[use.id]]
    )


@given(LITTLE, claimed(3), uses())
def test_which_payment_filled_a_deposit_changes_no_sum(
    expected: int, claims: list[Claimed], applied: list[Claim]
) -> None:
    sums = {
        (settled.received, settled.refunded, tuple(settled.applications.values()))
        for order in permutations(claims)
        for settled in [settle_deposit(expected, order, applied)]
    }
    assert len(sums) == 1


def test_what_goes_back_beyond_the_unused_part_leaves_the_newest_use_first() -> None:
    claims = [Claimed("alo_1", Offer(100, credited=50), amount=100)]
    applied = [Claim("old", "inv_1", False, 40), Claim("new", "inv_2", False, 30)]
    assert unused(100, 100, applied) == 30
    settled = settle_deposit(100, claims, applied)
    assert settled.refunded == 50
    assert settled.applications == {"old": Offer(40), "new": Offer(30, credited=20)}


def test_a_use_that_is_taken_back_is_owed_again_or_credited_as_it_was_asked() -> None:
    claims = [Claimed("alo_1", Offer(100, credited=30, reopened=30), amount=100)]
    settled = settle_deposit(100, claims, [Claim("app_1", "inv_1", False, 100)])
    assert settled.applications == {"app_1": Offer(100, credited=30, reopened=30)}


def test_more_than_was_asked_for_is_eaten_first() -> None:
    claims = [
        Claimed("alo_1", Offer(100), amount=100),
        Claimed("alo_2", Offer(100, credited=100), amount=0),
    ]
    settled = settle_deposit(100, claims, [Claim("app_1", "inv_1", False, 100)])
    assert (settled.received, settled.refunded) == (100, 0)
    assert settled.amounts == {"alo_1": 100, "alo_2": 0}
    assert settled.applications == {"app_1": Offer(100)}


def test_what_is_taken_up_leaves_unapplied_cash_and_goes_back_there() -> None:
    for is_deposit, to in (
        (False, accounts.ACCOUNTS_RECEIVABLE),
        (True, accounts.CUSTOMER_DEPOSITS),
    ):
        there, back = (placed(amount, is_deposit=is_deposit) for amount in (CENT, -CENT))
        assert {line.account: line.signed for line in there} == {accounts.UNAPPLIED_CASH: 1, to: -1}
        assert {line.account: line.signed for line in back} == {accounts.UNAPPLIED_CASH: -1, to: 1}
