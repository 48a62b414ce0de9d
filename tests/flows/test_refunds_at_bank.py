"""Refunds that people paid meet the bank's lines: by name, by amount and day; no money moves."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from reconciler.books.bank_lines import TargetKind
from reconciler.flows import another_route
from reconciler.reads import statements as reads
from reconciler.services import refund_routes, refunds, statements
from reconciler.services.bank_fees import Granted
from reconciler.services.statements import Statement
from tests.refund_stage import ANN, BEN, open_stage

HEAD = "Date,Amount,Currency,Description\n"


@pytest.fixture
def stage(database_url, redis_url):
    with open_stage(database_url, redis_url) as opened:
        yield opened


def by_transfer(stage, amount, reference, *, days=0, of=None):
    """A refund that somebody transferred; gives its leg's id."""
    payment = of or stage.paid(10_000)
    refund = stage.ask(ANN, payment_id=payment, amount=amount, method="hand")
    stage.approve(refund)
    day = stage.now.date() + timedelta(days=days)
    stage.do(
        lambda work: refunds.settle_by_hand(work, refund, reference=reference, paid_on=day), BEN
    )
    [leg] = stage.legs(refund)
    return leg.id


def read(stage, *rows, name="november.csv"):
    body = HEAD + "".join(
        f"{stage.now.date() + timedelta(days=days)},{amount},USD,{text}\n"
        for amount, text, days in rows
    )
    given = Statement(bank_account="Giro", file_name=name, body=body.encode())
    return stage.do(lambda work: statements.take(work, given))


def lines(stage):
    with stage.runtime.read() as session:
        ids = list(session.scalars(sa.text("select id from bank_line order by text")))
        found = reads.some_lines(session, ids)
    return [found[one] for one in ids]


def test_a_transfer_is_tied_to_the_refund_that_its_text_names_and_nothing_is_posted(stage):
    leg = by_transfer(stage, 4_000, "RF-2026-17")
    by_transfer(stage, 4_000, "RF-2026-18")
    before = stage.books()
    assert read(stage, ("-40.00", "Transfer RF-2026-17", 1)).tied == 1
    [line] = lines(stage)
    assert (line.target_kind, line.target_id, line.tied_by) == ("refund", leg, None)
    assert line.document_id in {one.refund_id for one in stage.all_legs() if one.id == leg}
    assert not line.has_failed
    assert stage.books() == before


def test_one_that_the_statement_does_not_show_is_named_by_its_day(stage):
    payment = stage.paid(10_000)
    stage.pass_time(days=20)
    by_transfer(stage, 3_000, "RF-1", days=-15, of=payment)
    late = by_transfer(stage, 2_000, "RF-2", days=-9, of=payment)
    read(stage, ("-30.00", "RF-1", -15), ("-1.00", "Coffee", 0))
    with stage.runtime.read() as session:
        missing = reads.missing(session)
    assert [(one.kind, one.id, one.amount) for one in missing] == [("refund", late, -2_000)]


def test_what_the_bank_took_for_a_transfer_is_missing_at_the_bank(stage):
    leg = by_transfer(stage, 4_000, "RF-2026-17")
    read(stage, ("-41.50", "Out", 0))
    [line] = lines(stage)
    assert line.state == "open"
    fee = Granted("A foreign transfer", {"USD": 200})
    stage.do(
        lambda work: statements.tie(work, line.id, TargetKind.REFUND, leg, rev=line.rev, fee=fee)
    )
    books = stage.books()
    assert (books["bank"], books["bank_fees"]) == (-4_150, 150)
    assert stage.violations() == []
    [line] = lines(stage)
    stage.do(lambda work: statements.untie(work, line.id, rev=line.rev))
    assert stage.books()["bank"] == -4_000


def test_cash_never_goes_over_the_bank(stage):
    payment = stage.paid(10_000)
    refund = stage.ask(ANN, payment_id=payment, amount=4_000)
    stage.approve(refund)
    stage.submit()
    [made] = stage.at_the_rail()
    stage.world.advance_refund(made["id"], "failed", "lost_or_stolen_card")
    stage.hear_again(payment)
    looked = another_route.look(stage.runtime, refund)
    stage.do(lambda work: refund_routes.pay_another_way(work, refund, looked, method="cash"))
    stage.do(lambda work: refunds.settle_by_hand(work, refund, reference="Till"), BEN)
    assert read(stage, ("-40.00", "Till", 0)).tied == 0
    books = stage.books()
    assert (books["undeposited"], books.get("bank", 0)) == (-4_000, 0), "it left the drawer"
