"""The rail's own balance against clearing: what differs is named, movement by movement."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.tie_out import Reason, TiedOut, Why
from reconciler.flows.tie_out import RailTied, tie_out
from tests.flows.test_reconcile import run
from tests.runtime import Office


def tied(office: Office) -> dict[str, TiedOut]:
    (found,) = tie_out(office.runtime)
    assert (found.rail, found.why_not, found.is_still) == ("stripe", None, True)
    return {one.currency: one for one in found.tied}


def hear(office: Office) -> None:
    office.deliver(*office.world.events())
    office.drain()


def change(office: Office, statement: str, **values: object) -> None:
    """Something goes wrong behind everybody's back."""
    with Session(office.runtime.engine) as session:
        session.execute(sa.text(statement), values)
        session.commit()


def named(line: Reason) -> tuple[Why, int, str]:
    return line.why, line.amount, line.subject


@pytest.mark.thorough
def test_a_busy_day_ties_out_to_the_unit(office: Office) -> None:
    world = office.world
    made = [world.pay(1_000 + 10 * n, ("usd", "eur", "jpy")[n % 3]) for n in range(9)]
    world.refund(made[0].charge, 300)
    world.close_dispute(world.dispute(made[1].charge), "lost")
    world.payout("usd", 500, automatic=False)
    hear(office)
    found = tied(office)
    assert set(found) == {"USD", "EUR", "JPY"}
    for one in found.values():
        assert (one.difference, one.unexplained, one.lines) == (0, 0, [])
        assert one.balance == one.moved == one.clearing != 0
    assert one.balance == world.net()[one.currency.lower()]


def test_before_anything_moved_there_is_nothing_to_tie(office: Office) -> None:
    assert all(one.difference == 0 and one.lines == [] for one in tied(office).values())


@pytest.mark.thorough
def test_a_movement_that_nobody_here_heard_of_is_named_whatever_its_age(office: Office) -> None:
    world = office.world
    with world.at(int((office.clock() - timedelta(days=400)).timestamp())):
        old = world.other_row(-250)
    for n in range(120):  # it stands on the second page
        world.other_row(1_000 + n)
    run(office)  # no event tells of those, and it looks back for some days
    found = tied(office)["USD"]
    assert list(map(named, found.lines)) == [(Why.NOT_HERE, -250, old)]
    assert (found.difference, found.unexplained) == (-250, 0)


def test_a_payment_nobody_told_of_is_named_with_all_its_movements(office: Office) -> None:
    world = office.world
    world.pay(5_000)
    hear(office)
    missed = world.pay(4_200)
    found = tied(office)["USD"]
    (line,) = found.lines
    row = world.truth.tables["balance_transaction"][line.subject]
    assert (line.why, line.amount, row["source"]) == (Why.NOT_HERE, row["net"], missed.charge)
    assert found.difference == row["net"]
    assert found.unexplained == 0


def test_a_surplus_here_is_named_as_well(office: Office) -> None:
    world = office.world
    world.pay(5_000)
    gone = world.pay(700)
    world.pay(6_000)
    hear(office)
    rows = world.truth.tables["balance_transaction"]
    (taken,) = [name for name, row in rows.items() if row["source"] == gone.charge]
    net = rows.pop(taken)["net"]
    found = tied(office)["USD"]
    assert list(map(named, found.lines)) == [(Why.NOT_THERE, -net, taken)]
    assert (found.difference, found.unexplained) == (-net, 0)


@pytest.mark.thorough
def test_an_unknown_category_stands_in_suspense_and_ties(office: Office) -> None:
    office.world.pay(5_000)
    other = office.world.other_row(-250, kind="mystery", category="mystery")
    hear(office)
    assert list(map(named, tied(office)["USD"].lines)) == [(Why.NOT_HERE, -250, other)]
    run(office)  # no event tells of such a movement: its listing does
    found = tied(office)["USD"]
    assert (found.difference, found.lines) == (0, [])
    assert [(one.amount, one.subject) for one in found.suspense] == [
        (-250, f"stripe/movement/{other}")
    ]


def test_what_is_booked_before_its_movement_is_read_is_awaited(office: Office) -> None:
    payment = office.world.pay(5_000)
    office.deliver(*office.world.events())
    office.apply()  # the rail was not asked for the fee yet
    found = tied(office)["USD"]
    awaited = [line for line in found.lines if line.why is Why.AWAITED]
    assert [(line.subject, line.amount) for line in awaited] == [(payment.intent, -5_000)]
    assert f"the balance movements of {payment.charge}" in str(awaited[0].note)
    assert found.unexplained == 0
    office.drain()
    assert tied(office)["USD"].lines == []


@pytest.mark.spoilt
def test_what_the_ledger_says_otherwise_is_named_though_the_sums_agree(office: Office) -> None:
    one, other = office.world.pay(5_000), office.world.pay(6_000)
    hear(office)
    change(
        office,
        """update rail_object set payment_id = (select id from payment where rail_payment_id = :to)
        where kind = 'balance_transaction'
          and payment_id = (select id from payment where rail_payment_id = :of)""",
        of=one.intent,
        to=other.intent,
    )
    found = tied(office)["USD"]
    assert (found.difference, found.unexplained) == (0, 0)
    assert {(line.why, line.subject) for line in found.lines} == {
        (Why.NOT_BOOKED, one.intent),
        (Why.NOT_BOOKED, other.intent),
    }
    assert sum(line.amount for line in found.lines) == 0


def test_news_that_come_while_the_rail_is_asked_are_no_difference(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, rail = office.world, office.runtime.rails["stripe"]
    world.pay(5_000)
    hear(office)
    asked = rail.balance

    def meanwhile() -> dict[str, int]:
        if len(world.events()) < 10:
            world.pay(900)
            hear(office)
        return asked()

    monkeypatch.setattr(rail, "balance", meanwhile, raising=False)
    found = tied(office)["USD"]
    assert (found.difference, found.lines) == (0, [])


def test_books_that_never_stand_still_are_said_to(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, rail = office.world, office.runtime.rails["stripe"]
    asked = rail.balance

    def meanwhile() -> dict[str, int]:
        world.pay(900)
        hear(office)
        return asked()

    monkeypatch.setattr(rail, "balance", meanwhile, raising=False)
    (found,) = tie_out(office.runtime)
    assert not found.is_still
    assert [one.difference for one in found.tied] == [0]


def test_a_rail_that_is_down_is_said_to_be(office: Office) -> None:
    office.world.pay(5_000)
    hear(office)
    office.line.app = lambda _environ, start: (start("503 Down", []), [b"{}"])[1]
    found = tie_out(office.runtime)
    assert [(one.rail, one.tied) for one in found] == [("stripe", [])]
    assert isinstance(found[0], RailTied)
    assert found[0].why_not
