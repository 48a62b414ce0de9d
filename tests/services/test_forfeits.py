"""What a deposit's terms keep becomes income, and is income no more where its money leaves."""

from datetime import date, timedelta

import pytest

from reconciler.books.consent import RefundPolicy
from reconciler.books.deposit_terms import DepositTerms
from reconciler.books.observations import RefundStage
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.reads import client_statements, ledger
from reconciler.services import (
    applications,
    closings,
    deposit_requests,
    deposits,
    forfeits,
    refunds,
    undoing,
)
from reconciler.services.refunds import RefundAsk
from tests.builders import (
    captured,
    customer,
    deposit,
    held_on,
    invoice,
    named,
    observe,
    refund,
)
from tests.runtime import Office

BEGUN = DepositTerms(once_begun=True)
A_FIFTH = DepositTerms(once_begun=True, kept=2_000)
TODAY = date(2026, 11, 22)


class Kept:
    """A deposit of 300, paid on terms that keep it: work has begun."""

    def __init__(self, office: Office, terms: DepositTerms | None = BEGUN) -> None:
        self.office = office
        self.ann = customer(office)
        self.id = deposit(office, "DEP-1", 300, terms=terms, customer_id=self.ann)
        self.see()
        office.do(lambda w: deposit_requests.begin_work(w, self.id, TODAY))

    def see(self, **known) -> str:
        (payment,) = observe(
            self.office, captured(300, **({"named": named(deposit="DEP-1")} | known))
        )
        return payment

    def keep(self, amount: int | None = None, **more) -> str:
        return self.office.do(lambda w: forfeits.keep(w, self.id, amount, **more))

    @property
    def books(self) -> dict[str, int]:
        """Balances of the accounts that can move, where they are not nothing."""
        with self.office.runtime.read() as session:
            found = ledger.accounts(session)
        roles = ("customer_deposits", "forfeited_deposits", "accounts_receivable", "revenue")
        return {a.role: a.balance for a in found if a.role in roles and a.balance}

    @property
    def stands(self) -> tuple[int, int, int]:
        """Applied, of it forfeited, and remaining."""
        _, applied, _, remaining = held_on(self.office, self.id)
        kept = self.office.scalar("select forfeited from deposit where id = :id", id=self.id)
        return applied, kept, remaining


def test_what_the_terms_keep_becomes_income_and_is_taken_back_by_a_reversal(office: Office) -> None:
    held = Kept(office)
    assert held.books == {"customer_deposits": -300}
    made = held.keep()
    assert held.stands == (300, 300, 0)
    assert held.books == {"forfeited_deposits": -300}
    office.do(lambda w: forfeits.take_back(w, held.id, made))
    assert held.stands == (0, 0, 300)
    assert held.books == {"customer_deposits": -300}
    keys = [r.key for r in office.rows("select key from journal_entry where key like 'forfeit%'")]
    assert sorted(keys) == [f"forfeit/{made}/1", f"forfeit/{made}/2"]
    mirrored = office.scalar(
        "select reverses from journal_entry where key = :key", key=f"forfeit/{made}/2"
    )
    assert mirrored == f"forfeit/{made}/1"
    assert office.violations() == []


# The terms, what is used on an invoice first, how much is kept: what is refused, or what stands.
STORIES = {
    "no terms": (None, 0, None, "nothing of deposit DEP-1 is kept"),
    "all of it": (BEGUN, 0, None, (300, 300, 0)),
    "a part of it": (BEGUN, 0, 100, (100, 100, 200)),
    "a fifth": (A_FIFTH, 0, None, (60, 60, 240)),
    "more than a fifth": (A_FIFTH, 0, 61, "USD 0.01 more than its terms keep: work began"),
    "what was used is part of the fifth": (A_FIFTH, 20, None, (60, 40, 240)),
    "nothing": (BEGUN, 0, 0, "more than nothing"),
}


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_no_more_is_kept_than_the_terms_say(office: Office, story: str) -> None:
    terms, used, amount, comes = STORIES[story]
    held = Kept(office, terms)
    if used:
        made = invoice(office, "INV-1", used, customer_id=held.ann)
        office.do(lambda w: applications.apply(w, held.id, made))
    if isinstance(comes, str):
        with pytest.raises((Refused, Invalid), match=comes):
            held.keep(amount)
    else:
        held.keep(amount)
        assert held.stands == comes
    assert office.violations() == []


def test_terms_that_keep_nothing_yet_make_no_income(office: Office) -> None:
    held = Kept(office, DepositTerms(within_days=14))
    with pytest.raises(Refused, match="nothing of deposit DEP-1 is kept"):
        held.keep()
    office.clock.instant += timedelta(days=15)
    held.keep()
    assert held.stands == (300, 300, 0)


def test_what_is_kept_is_neither_applied_nor_refunded_again(office: Office) -> None:
    held = Kept(office)
    held.keep()
    made = invoice(office, "INV-1", 100, customer_id=held.ann)
    with pytest.raises(Refused, match="nothing remains"):
        office.do(lambda w: applications.apply(w, held.id, made))
    payment = office.scalar("select id from payment")
    for what in ({"deposit_id": held.id}, {"payment_id": payment}):
        with pytest.raises(Refused):
            ask = RefundAsk(reason="cancellation", **what)
            office.do(lambda w, ask=ask: refunds.request(w, ask, RefundPolicy()))
    with pytest.raises(Refused, match="work began"):
        office.do(lambda w: deposit_requests.begin_work(w, held.id, None))


def test_what_a_refund_was_asked_for_is_not_kept_meanwhile(office: Office) -> None:
    held = Kept(office)
    ask = RefundAsk(
        reason="goodwill", deposit_id=held.id, amount=250, terms_override="They asked so nicely"
    )
    asked = office.do(lambda w: refunds.request(w, ask, RefundPolicy()))
    with pytest.raises(Refused, match="more than its terms keep"):
        held.keep(51)
    held.keep()
    assert held.stands == (50, 50, 250)
    office.do(lambda w: refunds.cancel(w, asked))
    held.keep()
    assert held.stands == (300, 300, 0)


def test_money_that_leaves_from_under_it_is_income_no_more(office: Office) -> None:
    held = Kept(office)
    held.keep()
    held.see(refunds=refund("re_1", 120))  # somebody refunded it in the rail's dashboard
    assert held.stands == (180, 180, 0)
    assert held.books == {"forfeited_deposits": -180}
    held.see(refunds=refund("re_1", 120, RefundStage.FAILED))
    assert held.stands == (300, 300, 0)
    assert held.books == {"forfeited_deposits": -300}


def test_a_lost_dispute_takes_it_and_a_late_win_brings_it_back(office: Office) -> None:
    held = Kept.__new__(Kept)
    held.office, held.ann = office, customer(office)
    held.id = deposit(office, "DEP-1", 30_000, terms=BEGUN, customer_id=held.ann)
    paid = office.world.pay(30_000, "usd", metadata={"deposit": "DEP-1"})
    heard(office)
    office.do(lambda w: deposit_requests.begin_work(w, held.id, TODAY))
    held.keep()
    claim = office.world.dispute(str(paid.charge), 30_000)
    office.world.close_dispute(claim, "lost")
    heard(office)
    assert held.stands == (0, 0, 0)
    assert held.books == {}
    office.world.late_win(claim)
    heard(office)
    assert held.stands == (30_000, 30_000, 0)
    assert held.books == {"forfeited_deposits": -30_000}
    assert office.violations() == []


def heard(office: Office) -> None:
    """All that the rail has to tell, told and worked off."""
    known = {row.rail_event_id for row in office.rows("select rail_event_id from inbox_event")}
    office.deliver(*(one for one in office.world.events() if one["id"] not in known))
    office.drain()


def test_the_day_on_which_it_counts_is_an_open_one(office: Office) -> None:
    held = Kept(office)
    office.clock.instant += timedelta(days=20)
    office.do(lambda w: closings.close(w, date(2026, 11, 30), note=None))
    with pytest.raises(Refused, match="closed"):
        held.keep(on=date(2026, 11, 29))
    with pytest.raises(Invalid, match="to come"):
        held.keep(on=date(2027, 1, 1))
    held.keep(on=date(2026, 12, 2))
    posted = office.scalar("select posted_on from journal_entry where key like 'forfeit%'")
    assert posted == date(2026, 12, 2)


def test_the_clients_statement_says_what_was_kept_and_ends_at_nothing_held(office: Office) -> None:
    held = Kept(office)
    made = held.keep(200)

    def statement():
        with office.runtime.read() as session:
            return client_statements.of_customer(session, held.ann, TODAY, TODAY)[0]

    assert [(one.text, one.amount) for one in statement().lines] == [
        ("Payment received", -300),
        ("Deposit DEP-1 kept under its terms", 200),
    ]
    assert statement().closing == -100
    office.do(lambda w: forfeits.take_back(w, held.id, made))
    assert statement().lines[-1].text == "Deposit DEP-1 held again"
    assert statement().closing == -300


def test_who_kept_it_takes_it_back_once(office: Office) -> None:
    held = Kept(office)
    held.keep()
    seq = office.scalar("select max(seq) from audit_line where action = 'deposit.forfeited'")
    office.do(lambda w: undoing.undo(w, seq))
    assert held.stands == (0, 0, 300)
    with pytest.raises(Conflict):
        office.do(lambda w: undoing.undo(w, seq))
    with pytest.raises(NotFound):
        office.do(lambda w: forfeits.take_back(w, held.id, "app_none"))
    with pytest.raises(NotFound):
        held_elsewhere = "dep_none"
        office.do(lambda w: forfeits.keep(w, held_elsewhere))


def test_an_application_is_taken_off_as_one_and_a_forfeit_as_the_other(office: Office) -> None:
    held = Kept(office)
    made = invoice(office, "INV-1", 100, customer_id=held.ann)
    use = office.do(lambda w: applications.apply(w, held.id, made))
    kept = held.keep()
    with pytest.raises(NotFound):
        office.do(lambda w: forfeits.take_back(w, held.id, use))
    with pytest.raises(NotFound):
        office.do(lambda w: applications.unapply(w, held.id, kept))
    assert held.stands == (300, 200, 0)


def test_what_is_asked_for_is_patched_and_what_is_kept_stays(office: Office) -> None:
    held = Kept(office)
    held.keep(100)
    office.do(lambda w: deposits.patch(w, held.id, {"notes": "Kept for the plans"}))
    assert held.stands == (100, 100, 200)


@pytest.mark.parametrize("said", ["forfeited = 0", "forfeited = applied, applied = applied"])
def test_what_is_said_to_be_kept_is_what_the_books_hold_of_it(
    office: Office, surgeon, said: str
) -> None:
    held = Kept(office)
    held.keep(100)
    made = invoice(office, "INV-1", 50, customer_id=held.ann)
    office.do(lambda w: applications.apply(w, held.id, made))
    assert office.violations() == []
    surgeon.execute(f"update deposit set {said}")
    laws = {violation.invariant for violation in office.violations()}
    assert laws == {"deposits_are_applied_refunded_or_remain"}
