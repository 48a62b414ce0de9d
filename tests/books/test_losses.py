"""From what a bank said, and what people decided about it, to what an invoice is owed."""

import functools
from dataclasses import dataclass

from hypothesis import given, strategies as st

from reconciler.books import disputes
from reconciler.books.allocations import Claim, Claimed, InvoiceSettled, offers, settle_invoice
from reconciler.books.disputes import Decision, Stage
from reconciler.books.observations import PaymentFacts
from reconciler.books.payments import join
from reconciler.books.posting_rules import entries_due, position
from reconciler.books.refund_terms import Terms, of_payment
from tests.books.lives import anything
from tests.books.test_posting_rules import tally
from tests.builders import charge, dispute, facts, row

PAID = 1_000
DECISIONS = st.sampled_from(Decision)
AFTER_A_LOSS = ("lost", "won late", "on appeal", "lost on appeal", "won on appeal")
WHOLE = facts(charges=charge(captured=PAID, is_whole=True))


@dataclass(frozen=True)
class Life:
    """One dispute: what is told of it, bit by bit, and what it takes for good."""

    id: str
    told: list[PaymentFacts]
    takes: int
    is_over: bool


@st.composite
def lives(draw, dispute_id: str) -> Life:
    """An inquiry that lapses; or a chargeback: open, lost or won, perhaps on appeal."""
    amount = draw(st.integers(1, PAID + 500))  # a bank may take several payments back at once

    def said(at: int, word: str, **more) -> PaymentFacts:
        shown = (at, at, word)
        return facts(disputes=dispute(dispute_id, amount, **{"shown": shown} | more))

    asked = {"was_formal": False, "is_inquiry": True}
    told = [said(1, "warning_needs_response", **asked)] if draw(st.booleans()) else []
    end = draw(st.sampled_from(["lapsed", "open", "won", *AFTER_A_LOSS]))
    if end == "lapsed" or draw(st.booleans()):  # a bank may take the money after all
        told += [said(2, "warning_closed", **asked)]
    if end == "lapsed":
        return Life(dispute_id, told, 0, is_over=True)
    told += [said(3, "needs_response")]
    if end in AFTER_A_LOSS:
        told += [said(4, "lost")]
    if "appeal" in end:
        told += [said(5, "appeal_needs_response"), said(6, "appeal_under_review")]
    if end == "lost on appeal":
        told += [said(7, "lost")]
    if end.startswith("won"):
        told += [said(8, "won")]
    if draw(st.booleans()):
        told = [told[0], told[-1]]  # what came in between is never told
    about = {"source": dispute_id, "fee": 15}
    told += [facts(balance=row(f"txn_{dispute_id}", -amount, "dispute", **about))]
    back = draw(st.integers(1, amount)) if end.startswith("won") else 0
    if back:
        told += [facts(balance=row(f"back_{dispute_id}", back, "dispute_reversal", **about))]
    return Life(dispute_id, told, amount - back, is_over=end not in ("open", "on appeal"))


@st.composite
def several(draw) -> list[Life]:
    """One to three disputes of the same payment."""
    return [draw(lives(f"du_{n}")) for n in range(draw(st.integers(1, 3)))]


def losses(of: list[Life]) -> dict[str, int]:
    """What the payment lost by each, counted by hand: no more than it had."""
    left, found = PAID, {}
    for life in of:
        found[life.id] = min(life.takes, left) if life.is_over else 0
        left -= found[life.id]
    return found


def known_of(told: list[PaymentFacts]) -> PaymentFacts:
    """All of it, put together."""
    return functools.reduce(join, told)


def settled(known: PaymentFacts, decided: dict[str, Decision], before: int = 0) -> InvoiceSettled:
    """An invoice of just the payment's amount, which holds `before` of it already."""
    at = position(known)
    terms = Terms(losses={of: disputes.treatment(said) for of, said in decided.items()})
    claim = Claim("alo_1", "inv_1", is_deposit=False, wanted=None)
    offer = offers([claim], at.captured, of_payment(at, terms), {})["alo_1"]
    return settle_invoice(PAID, [Claimed("alo_1", offer, before)])


@given(several(), st.data())
def test_each_loss_becomes_what_was_decided_and_no_unit_else(made: list[Life], data) -> None:
    decided = {life.id: data.draw(DECISIONS) for life in made}
    end = settled(known_of([WHOLE, *(bit for life in made for bit in life.told)]), decided)

    def lost_to(*decisions: Decision) -> int:
        return sum(lost for of, lost in losses(made).items() if decided[of] in decisions)

    assert end.written_off == lost_to(Decision.WRITE_OFF)
    assert end.credited == lost_to(Decision.CREDIT)
    owed = PAID - end.paid - end.credited - end.written_off
    assert owed == lost_to(Decision.UNDECIDED, Decision.CHASE)


@given(several(), st.data())
def test_no_order_of_facts_and_decisions_changes_what_is_owed_or_booked(
    made: list[Life], data
) -> None:
    """Facts come in any order and more than once; only what one person says keeps its order."""
    bits = [WHOLE, *(bit for life in made for bit in life.told)]
    said = [(life.id, word) for life in made for word in data.draw(st.lists(DECISIONS, max_size=3))]
    steps = data.draw(st.permutations([*bits, *bits, *said]))
    words = iter(said)
    known, decided, done, held, entries = facts(), {}, {}, 0, []
    for step in steps:
        if isinstance(step, PaymentFacts):
            known = join(known, step)
            due, done = entries_due(known, done, ours="pay_1")
            entries += due
        else:
            decided |= dict([next(words)])
        held = settled(known, decided, held).paid

    end = settled(known_of(bits), dict(said))
    assert settled(known, decided, held) == end
    assert held == end.paid
    assert tally(entries) == tally(entries_due(known_of([facts(), *bits]), {}, ours="pay_1")[0])


@given(several(), st.data())
def test_money_that_comes_back_undoes_whatever_was_decided(made: list[Life], data) -> None:
    decided = {life.id: data.draw(DECISIONS) for life in made}
    told = [WHOLE, *(bit for life in made for bit in life.told)]
    for life in made:
        if life.takes:
            won = {"shown": (9, 9, "won")}
            told.append(facts(disputes=dispute(life.id, life.takes, **won)))
            about = {"source": life.id}
            told.append(
                facts(balance=row(f"all_{life.id}", life.takes, "dispute_reversal", **about))
            )
    end = settled(known_of(told), decided)
    assert (end.paid, end.credited, end.written_off) == (PAID, 0, 0)


@given(several())
def test_disputed_funds_hold_what_is_open_and_nothing_of_what_is_over(made: list[Life]) -> None:
    known = known_of([WHOLE, *(bit for life in made for bit in life.told)])
    held = tally(entries_due(known, {}, ours="pay_1")[0])
    still_out = sum(life.takes for life in made if not life.is_over)
    assert held["disputed_funds", "", "USD"] == still_out
    lost = losses(made)
    beyond = sum(life.takes - lost[life.id] for life in made if life.is_over)
    assert held["chargeback_losses", "", "USD"] == beyond


@given(several(), DECISIONS)
def test_nobody_is_chased_while_it_is_open_or_undecided_and_who_can_act_is_asked(
    made: list[Life], said: Decision
) -> None:
    known = known_of([WHOLE, *(bit for life in made for bit in life.told)])
    lost = losses(made)
    cases = {case.dispute_id: case for case in disputes.cases(known, position(known).losses)}
    for life in made:
        is_undecided = lost[life.id] > 0 and said is Decision.UNDECIDED
        waits = is_undecided or not life.is_over
        assert cases[life.id].is_unsettled(said) is waits
        is_with_bank = cases[life.id].stage is Stage.UNDER_REVIEW
        assert cases[life.id].needs_a_person(said) is not is_with_bank or not waits


@given(anything, DECISIONS)
def test_whatever_is_told_a_case_loses_at_most_what_was_taken(
    known: PaymentFacts, said: Decision
) -> None:
    at = position(known)
    cases = disputes.cases(known, at.losses)
    assert sum(case.lost for case in cases) == at.lost <= at.captured
    for case in cases:
        assert 0 <= case.lost <= case.taken
        assert case.needs_a_person(said) or case.stage is not Stage.UNKNOWN


@given(DECISIONS, st.permutations([(1, "lost"), (2, "appeal_needs_response")]), st.booleans())
def test_an_appeal_holds_the_loss_and_the_invoice_until_the_bank_says_again(
    said: Decision, words: list[tuple[int, str]], is_loss_told: bool
) -> None:
    """Nobody is to be chased for what may still come back, whatever was decided before."""
    taken = facts(balance=row("txn_1", -PAID, "dispute", source="du_1"))
    told = [
        facts(disputes=dispute("du_1", PAID, shown=(at, at, word)))
        for at, word in words
        if is_loss_told or word != "lost"
    ]
    known = known_of([WHOLE, taken, *told])
    (case,) = disputes.cases(known, position(known).losses)
    assert (case.stage, case.taken, case.lost) == (Stage.NEEDS_RESPONSE, PAID, 0)
    assert case.is_unsettled(said)
    assert case.needs_a_person(said)
    assert settled(known, {"du_1": said}).paid == PAID
    again = known_of([known, facts(disputes=dispute("du_1", PAID, shown=(3, 3, "lost")))])
    (case,) = disputes.cases(again, position(again).losses)
    assert (case.stage, case.lost) == (Stage.LOST, PAID)
    assert settled(again, {"du_1": said}).paid == 0
