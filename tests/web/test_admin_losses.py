"""What a bank keeps of a payment for good is called lost, where it is shown, and not disputed."""

import re

import pytest
import sqlalchemy as sa

from reconciler.flows.count_figures import count_figures
from tests.web.screens import Screens

LOST = "Lost to a dispute"


@pytest.fixture
def taken(screens: Screens) -> Screens:
    """Birch paid 400.00 on INV-1, and their bank has taken it until the dispute is decided."""
    rail_id = screens.office.world.create_customer(name="Birch", email="pay@birch.example")
    birch = screens.customer("Birch", rail_customers={"stripe": rail_id})
    screens.invoice(birch, 40_000, "INV-1")
    pay = screens.paid(40_000, customer=rail_id, metadata={"invoice": "INV-1"})
    screens.ids |= {"cus": rail_id, "birch": birch, "pay": pay}
    screens.ids["rail"] = screens.office.world.dispute(_charge(screens))
    screens.hear("")
    return screens


def _charge(screens: Screens) -> str:
    return next(reversed(screens.office.world.table("charge")))


def _lose(screens: Screens) -> None:
    screens.office.world.close_dispute(screens.ids["rail"], "lost")
    screens.hear("")


def _decide(screens: Screens, decision: str) -> None:
    dispute, rev = screens.office.rows("select id, rev from dispute")[0]
    form = {"decision": decision, "note": "so it is", "rev": rev}
    assert screens.as_("admin").post(f"/disputes/{dispute}/decide", form).status_code == 303


def _shown(screens: Screens) -> dict[str, str]:
    """The payment's row in lists, and its page."""
    vera = screens.as_("viewer")
    return {
        "list": vera.read("/payments").partition("Unapplied")[2],
        "customer": vera.read(f"/customers/{screens.ids['birch']}"),
        "page": vera.read(f"/payments/{screens.ids['pay']}").partition("Timeline")[0],
    }


def test_while_the_bank_has_not_decided_it_is_disputed(taken):
    shown = _shown(taken)
    assert all("Disputed" in words for words in shown.values())
    assert all(LOST not in words for words in shown.values())
    assert "Disputed $400.00" in shown["page"]
    assert "booked as disputed funds until that is decided" in shown["page"]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("decision", "words"),
    [
        ("", "Nobody has said yet what becomes of the loss."),
        ("write_off", "It is written off: nobody is asked for it."),
        ("credit", "It is credited: the customer does not owe it."),
        ("chase", "The customer still owes it."),
    ],
)
def test_what_is_lost_says_so_and_what_became_of_it(taken, decision, words):
    _lose(taken)
    if decision:
        _decide(taken, decision)
    shown = _shown(taken)
    assert all(LOST in said for said in shown.values()), shown
    assert all("Disputed" not in said for said in shown.values()), shown
    assert f"The payer's bank keeps $400.00 of it for good. {words}" in shown["page"]
    assert "Lost to disputes $400.00" in shown["page"]
    assert taken.office.violations() == []


def test_what_is_on_hold_gets_no_older_and_the_sum_of_the_debts_is_the_same(taken):
    _lose(taken)
    taken.invoice(taken.ids["birch"], 9_000, "INV-2")
    taken.office.do(
        lambda work: work.session.execute(
            sa.text("update invoice set due_on = :day"), {"day": "2026-10-15"}
        )
    )
    count_figures(taken.office.runtime)
    words = taken.as_("viewer").read("/figures")
    assert "31 to 60 days late $90.00 1" in words
    assert "On hold, whenever it was due $400.00 1" in words
    assert "it counts as late nowhere" in words
    owed = taken.office.scalar("select sum(amount) from figure where kind = 'owed'")
    assert owed == taken.office.scalar("select sum(outstanding) from invoice") == 49_000
    _decide(taken, "chase")
    count_figures(taken.office.runtime)
    words = taken.as_("viewer").read("/figures")
    assert "31 to 60 days late $490.00 2" in words
    assert "On hold" not in words


@pytest.mark.thorough
def test_an_appeal_makes_it_disputed_again_and_a_late_win_paid(taken):
    _lose(taken)
    taken.office.clock.advance(hours=1)
    taken.office.world.appeal(taken.ids["rail"])
    taken.hear("")
    assert LOST not in _shown(taken)["list"]
    taken.office.world.close_dispute(taken.ids["rail"], "won")
    taken.hear("")
    shown = _shown(taken)
    assert all("Disputed" not in words and LOST not in words for words in shown.values())
    assert taken.office.violations() == []


def test_a_part_that_is_lost_and_a_debit_that_came_back_have_words_of_their_own(taken):
    world, known = taken.office.world, {"customer": taken.ids["cus"]}
    taken.invoice(taken.ids["birch"], 9_000, "INV-2")
    taken.invoice(taken.ids["birch"], 7_000, "INV-3")
    taken.paid(9_000, metadata={"invoice": "INV-2"}, **known)
    world.close_dispute(world.dispute(_charge(taken), 2_000), "lost")
    debit = world.pay(7_000, method="delayed", metadata={"invoice": "INV-3"}, **known)
    world.settle_delayed(debit.charge)
    taken.hear("")
    world.return_debit(debit.charge)
    taken.office.ask_soon([debit.intent])
    taken.hear("")
    listed = _shown(taken)["list"]
    assert taken.office.scalar("select count(*) from payment where lost > 0") == 2
    assert listed.count("Partly lost to a dispute") == 1
    assert listed.count("Returned by the bank") == 1
    assert listed.count("Disputed") == 1


def test_both_are_found_under_one_word(taken):
    _lose(taken)
    words = taken.as_("viewer").read("/payments?status=disputed")
    assert "Disputed or lost" in words
    assert LOST in words


def test_a_decision_has_its_undo_at_once_and_nothing_beside_it_says_that_there_is_none(taken):
    _lose(taken)
    rae, undo = taken.as_("admin"), "Undo : take the decision back"
    dispute = taken.office.scalar("select id from dispute")
    path = f"/disputes/{dispute}"
    assert "Decide nothing yet" in rae.read(path)
    _decide(taken, "chase")
    words = rae.read(f"{path}?said=chase")
    assert undo in words.partition("In the books")[0]
    assert "Leave it as decided. The words stand under Notes." in words
    assert "Decide nothing yet" not in words
    for later in ("", "?said=credit", "?said=undecided"):
        assert undo not in rae.read(path + later), later
    assert undo not in taken.as_("viewer").read(f"{path}?said=chase")


@pytest.mark.parametrize("is_late", [False, True])
def test_what_happened_is_told_by_its_days_and_in_words_whenever_it_was_heard(screens, is_late):
    """Where all news comes at once, days later, it is told as where each came on its day."""
    world, clock = screens.office.world, screens.office.clock
    screens.invoice(screens.customer("Birch"), 40_000, "INV-1")
    screens.paid(40_000, metadata={"invoice": "INV-1"})
    clock.advance(days=2)
    name = world.dispute(_charge(screens))
    if not is_late:
        screens.hear("")
    clock.advance(days=2)
    world.close_dispute(name, "lost")
    if not is_late:
        screens.hear("")
    if is_late:
        clock.advance(days=2)
        screens.office.deliver(*reversed(list(world.events())))
        screens.office.drain()
    path = f"/disputes/{screens.office.scalar('select id from dispute')}"
    html = screens.as_("viewer").get(path).get_data(as_text=True)
    told = html.partition('<ol class="timeline">')[2].partition("</ol>")[0]
    assert "/dispute/" not in told, "no key of an entry"
    titles = re.findall(r"<strong>([^<]+)</strong>", told)
    assert [one for one in titles if one != "The bank waits for an answer"] == [
        "Opened: the bank claims $400.00",
        "Booked $400.00: debit Disputed funds, credit Stripe clearing",
        "Decided for the customer",
        "Booked $400.00: debit Unapplied cash, credit Disputed funds",
    ]
    assert "For what the bank took" in told
    assert "For what is lost for good" in told
    assert ("26 Nov 2026<span" in told) is is_late, "on its day, heard of later"
