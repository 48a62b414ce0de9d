"""Deposits under their terms: what may be refunded, what stands once it is paid, what is ended."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from reconciler.books.consent import RefundPolicy
from reconciler.books.deposit_terms import DepositTerms
from reconciler.errors import Conflict, Forbidden, Invalid, Refused
from reconciler.services import deposit_requests, deposits, pay_links, refunds
from reconciler.services.pay_links import PayAsk
from reconciler.services.refunds import RefundAsk
from reconciler.work import Cause
from tests.builders import captured, deposit, held_on, named, observe
from tests.runtime import SOMEBODY, Office

PROGRAM = Cause("api_key", "key_1")
BEGUN = DepositTerms(once_begun=True)
A_FIFTH = DepositTerms(once_begun=True, kept=2_000)
TWO_WEEKS = DepositTerms(within_days=14)


class Held:
    """A deposit of 300 under its terms, all of it received on 22 November."""

    def __init__(self, office: Office, terms: DepositTerms | None) -> None:
        self.office = office
        self.id = deposit(office, "DEP-1", 300, terms=terms)
        (self.payment,) = observe(office, captured(300, named=named(deposit="DEP-1")))

    def begin(self, on: date | None = date(2026, 11, 22)) -> None:
        self.office.do(lambda w: deposit_requests.begin_work(w, self.id, on))

    def ask(self, amount: int | None = None, *, cause=SOMEBODY, of: str = "deposit", **more) -> str:
        named = {"deposit_id": self.id} if of == "deposit" else {"payment_id": self.payment}
        ask = RefundAsk(reason="cancellation", amount=amount, **named, **more)
        return self.office.do(lambda w: refunds.request(w, ask, RefundPolicy()), cause)

    def asked(self, refund_id: str) -> int:
        return self.office.scalar("select amount from refund where id = :id", id=refund_id)


# The terms, what happens, how much is asked for: what is refused, or how much goes back.
STORIES = {
    "no terms": (None, True, 0, None, 300),
    "work has not begun": (BEGUN, False, 0, None, 300),
    "work has begun": (BEGUN, True, 0, None, "nothing can be refunded here: .*work began"),
    "a fifth is kept": (A_FIFTH, True, 0, None, 240),
    "more than is left after a fifth": (A_FIFTH, True, 0, 241, "USD 0.60 is kept"),
    "on the last day": (TWO_WEEKS, False, 14, None, 300),
    "a day later": (TWO_WEEKS, False, 15, None, "refundable until 2026-12-06"),
}


@pytest.mark.parametrize("of", ["deposit", "payment"])
@pytest.mark.parametrize("story", STORIES, ids=str)
def test_what_may_be_refunded_follows_the_terms(office: Office, story: str, of: str) -> None:
    terms, has_begun, days, amount, comes = STORIES[story]
    held = Held(office, terms)
    if has_begun:
        held.begin()
    office.clock.instant += timedelta(days=days)
    if isinstance(comes, str):
        with pytest.raises(Refused, match=comes):
            held.ask(amount, of=of)
    else:
        assert held.asked(held.ask(amount, of=of)) == comes


def test_a_person_sets_the_terms_aside_with_a_reason_and_a_program_does_not(office: Office) -> None:
    held = Held(office, BEGUN)
    held.begin()
    with pytest.raises(Forbidden):
        held.ask(cause=PROGRAM, terms_override="They asked so nicely")
    with pytest.raises(Invalid):
        held.ask(terms_override=" ")
    made = held.ask(terms_override="We began by mistake")
    assert held.asked(made) == 300
    kept = office.scalar("select terms_override from refund where id = :id", id=made)
    assert kept == "We began by mistake"
    body = office.scalar("select body from audit_words order by seq desc limit 1")
    assert "We began by mistake" in body


def test_terms_stand_once_it_is_paid_whoever_changes_them(office: Office) -> None:
    asked = deposit(office, "DEP-1", 300, terms=BEGUN)
    change = {"terms": TWO_WEEKS}
    office.do(lambda w: deposits.patch(w, asked, change))
    observe(office, captured(100, named=named(deposit="DEP-1")))
    with pytest.raises(Refused, match="terms stands"):
        office.do(lambda w: deposits.patch(w, asked, {"terms": None}))
    with (
        pytest.raises(sa.exc.DBAPIError, match="was paid on its terms"),
        office.runtime.engine.begin() as line,
    ):
        line.execute(sa.text("update deposit set forfeit_within_days = 90"))


def test_work_that_began_may_be_taken_back_and_never_lies_ahead(office: Office) -> None:
    held = Held(office, BEGUN)
    with pytest.raises(Invalid):
        held.begin(date(2026, 11, 23))
    held.begin()
    held.begin(None)
    assert held.asked(held.ask()) == 300


def test_what_is_asked_for_no_more_is_taken_all_the_same(office: Office) -> None:
    asked = deposit(office, "DEP-1", 300)
    office.do(lambda w: deposit_requests.end(w, asked, why="They went elsewhere"))
    with pytest.raises(Refused, match="already"):
        office.do(lambda w: deposit_requests.end(w, asked, why="Again"))
    ask = PayAsk(noun="deposit", target_id=asked)
    with pytest.raises(Conflict, match="asked for no more"):
        office.do(lambda w: pay_links.plan(w, ask))
    observe(office, captured(200, named=named(deposit="DEP-1")))
    assert held_on(office, asked) == (200, 0, 0, 200)
    office.do(lambda w: deposit_requests.ask_again(w, asked))
    assert office.do(lambda w: pay_links.plan(w, ask)).amount == 100
    with pytest.raises(Refused, match="is asked for"):
        office.do(lambda w: deposit_requests.ask_again(w, asked))
    assert office.violations() == []


def test_all_of_it_has_come_and_nothing_is_ended(office: Office) -> None:
    held = Held(office, None)
    with pytest.raises(Refused, match="has come"):
        office.do(lambda w: deposit_requests.end(w, held.id, why="So"))
    with pytest.raises(Conflict):
        office.do(lambda w: deposit_requests.begin_work(w, held.id, None, rev=99))
