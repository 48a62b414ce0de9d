"""A restored database has forgotten what it sent: money stops, and nothing doubles."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from psycopg import sql

from reconciler.embedded import postgres
from reconciler.errors import Conflict, Forbidden
from reconciler.flows import release_books
from reconciler.flows.apply_inbox import apply_inbox
from reconciler.flows.ask_rail import ask_rail
from reconciler.flows.recover import sweep
from reconciler.flows.reread_rail import reread_rail
from reconciler.flows.submit_refunds import submit_refunds
from reconciler.flows.watch_books import may_move_money
from reconciler.reads import restore as reads
from reconciler.runtime import make_engine
from reconciler.services import guessing, people, refunds, restores, waiting
from reconciler.work import Task
from tests.refund_stage import ANN, BEN, PROGRAM, open_stage
from tests.tiers import size

PAYMENTS = size(quick=3, full=20)  # of each some are asked back
A_DAY_AND_A_BIT = {"hours": 30}  # by then the rail has forgotten our keys


@pytest.fixture
def stage(database_url, redis_url, backup):
    with open_stage(database_url, redis_url) as opened:
        may_move_money(opened.runtime)  # as the clock does when it starts
        yield opened
    opened.runtime.engine.dispose()  # of the restored database: the books were verified in it


def held(stage):
    with stage.runtime.read() as session:
        return reads.held(session)


def reread(stage):
    """What the workers do while books are held."""
    for _ in range(3):
        reread_rail(stage.runtime)
        apply_inbox(stage.runtime)
        ask_rail(stage.runtime)
        stage.pass_time(seconds=15)


def release(stage):
    stage.do(restores.accept, ANN)
    return stage.do(restores.accept, BEN)


class Backup:
    """A dump of a database, and the way back into the same one or into another."""

    def __init__(self, servers, database, path: Path):
        self.servers, self.database, self.path = servers, database, path
        self.other = f"{database}_back"

    def run(self, tool, *arguments):
        command = [postgres.binary(tool), *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
        assert done.returncode == 0, done.stderr

    def url(self, database):
        return self.servers.url("postgres", database).replace("+psycopg", "", 1)

    def take(self):
        self.run("pg_dump", "-Fc", "-f", str(self.path), self.url(self.database))

    def into_the_same(self):
        """As `pg_restore --clean` does: same cluster, same timeline, same database."""
        self.run("pg_restore", "--clean", "-d", self.url(self.database), str(self.path))

    def into_another(self):
        other = sql.Identifier(self.other)
        with self.servers.connect("postgres") as server:
            server.execute(sql.SQL("create database {}").format(other))
        self.run("pg_restore", "-d", self.url(self.other), str(self.path))
        return self.servers.url(postgres.APP, self.other)


@pytest.fixture
def backup(servers, database, tmp_path):
    made = Backup(servers, database, tmp_path / "backup")
    yield made
    gone = sql.Identifier(made.other)
    with servers.connect("postgres") as server:
        server.execute(sql.SQL("drop database if exists {} with (force)").format(gone))


def restored(stage, backup, how):
    stage.runtime.engine.dispose()
    if how == "same":
        backup.into_the_same()
        return
    url = backup.into_another()
    settings = replace(stage.runtime.settings, database_url=url)
    stage.runtime = replace(stage.runtime, settings=settings, engine=make_engine(url))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("how", ["same", "another"])
def test_of_many_refunds_none_is_doubled_by_a_restored_database(stage, backup, how):
    paid = [stage.paid(1_000) for _ in range(PAYMENTS)]
    asked = [stage.ask(payment_id=payment, amount=10) for payment in paid for _ in range(5)]
    waiting = stage.ask(ANN, payment_id=paid[0], amount=11)
    backup.take()
    submit_refunds(stage.runtime, 60)
    stage.pass_time(**A_DAY_AND_A_BIT)
    restored(stage, backup, how)
    assert {stage.status(refund) for refund in asked} == {"approved"}, "the books have forgotten"
    assert stage.submit() == 0
    assert held(stage) is not None
    with pytest.raises(Conflict, match="still being read"):
        stage.do(restores.accept, ANN)
    reread(stage)
    assert held(stage).may_be_released
    assert stage.submit() == 0
    assert release(stage)
    assert may_move_money(stage.runtime)
    stage.submit()
    references = [one["metadata"]["reconciler_refund_id"] for one in stage.at_the_rail()]
    assert sorted(references) == sorted(asked)
    assert {stage.status(refund) for refund in asked} == {"succeeded"}
    assert stage.status(waiting) == "requested"


def test_what_was_called_off_after_the_backup_waits_for_people_too(stage, backup):
    refund = stage.ask(payment_id=stage.paid(), amount=10)
    backup.take()
    stage.do(lambda work: refunds.cancel(work, refund))
    sweep(stage.runtime)
    restored(stage, backup, "same")
    sweep(stage.runtime)
    assert "not in the books any more" in held(stage).why
    assert stage.submit() == 0
    reread(stage)
    stage.do(lambda work: refunds.cancel(work, refund))
    assert release(stage)
    stage.submit()
    assert stage.at_the_rail() == []


def test_two_people_let_money_move_again_and_no_program(stage, backup):
    stage.do(lambda work: restores.suspect(work, "a drill"))
    reread(stage)
    with pytest.raises(Forbidden, match="a key is not a person"):
        stage.do(restores.accept, PROGRAM)
    assert stage.do(restores.accept, ANN) is False
    with pytest.raises(Forbidden, match="a second person"):
        stage.do(restores.accept, ANN)
    assert held(stage).accepted_by == "usr_ann"
    assert stage.do(restores.accept, BEN) is True
    with pytest.raises(Conflict, match="nothing is held"):
        stage.do(restores.accept, ANN)
    assert may_move_money(stage.runtime)


def test_people_are_asked_once_until_money_moves_again(stage):
    stage.do(lambda work: restores.suspect(work, "a drill"))
    stage.do(lambda work: restores.suspect(work, "a second one"))
    [item] = stage.questions("refunds_stopped")
    assert item.details["why"] == ["a drill"]
    reread(stage)
    assert release(stage)
    assert stage.questions("refunds_stopped") == []


def accounts(stage):
    for name, role in (("ann", "admin"), ("ben", "admin"), ("cid", "approver")):
        made = {"email": f"{name}@example.com", "password": f"{name} and seven herons"}
        stage.do(lambda work, made=made, role=role: people.create_user(work, role=role, **made))


def accepts(stage, name, password=None):
    return release_books.accept_as(
        stage.runtime,
        PROGRAM,
        email=f"{name}@example.com",
        password=password or f"{name} and seven herons",
        address="here",
    )


def test_two_admins_let_it_go_by_their_passwords_and_nobody_else(stage):
    accounts(stage)
    stage.do(lambda work: restores.suspect(work, "a drill"))
    with pytest.raises(Conflict, match="still being read"):
        accepts(stage, "ann")
    reread(stage)
    for name, password in (("cid", None), ("ann", "a guess"), ("nobody", None)):
        with pytest.raises(Forbidden, match="of an admin"):
            accepts(stage, name, password)
    assert held(stage).accepted_by is None
    assert accepts(stage, "ann") is False
    with pytest.raises(Forbidden, match="a second person"):
        accepts(stage, "ann")
    assert accepts(stage, "ben") is True
    assert may_move_money(stage.runtime)


def test_wrong_guesses_of_a_password_are_counted_though_nothing_is_done(stage):
    accounts(stage)
    for _ in range(guessing.ATTEMPTS_PER_ACCOUNT_MAX):
        with pytest.raises(Forbidden):
            accepts(stage, "ann", "a guess")
    with pytest.raises(guessing.TooManyAttempts):
        accepts(stage, "ann")


def test_a_refund_on_the_rail_that_was_never_sent_by_our_books_stops_the_rest(stage):
    """No outside memory is needed for that: the rail's is enough."""
    payment = stage.paid()
    forgotten = stage.ask(payment_id=payment, amount=10)
    stage.world.refund(stage.rail_id(payment), 10, metadata={"reconciler_refund_id": forgotten})
    others = [stage.ask(payment_id=payment, amount=10) for _ in range(3)]
    stage.submit()
    assert stage.status(forgotten) == "succeeded"
    assert {stage.status(refund) for refund in others} == {"approved"}
    assert "never sent" in held(stage).why
    assert len(stage.at_the_rail()) == 1


def test_a_rail_out_of_reach_holds_the_money_until_it_was_read(stage):
    stage.ask(payment_id=stage.paid(), amount=10)
    stage.do(lambda work: restores.suspect(work, "a drill"))
    stage.faults.add("answer", method="GET", status=503, count=None)
    reread(stage)
    assert held(stage).failure
    assert not held(stage).may_be_released
    stage.faults.clear()
    reread(stage)
    assert held(stage).may_be_released
    assert held(stage).failure is None


def test_events_that_were_forgotten_come_in_again(stage):
    heard = stage.world.pay(5_000, "usd")
    stage.pass_time(seconds=5)
    stage.do(lambda work: restores.suspect(work, "a drill"))
    reread(stage)
    with stage.runtime.read() as session:
        found = session.execute(
            sa.text("select captured from payment where rail_payment_id = :id"),
            {"id": heard.intent},
        ).scalar()
    assert found == 5_000


def test_the_sweep_wakes_whoever_reads_the_rail_until_all_is_read(stage):
    def due():
        with stage.runtime.read() as session:
            return set(waiting.tasks_due(session, stage.now))

    assert Task.REREAD_RAIL not in due()
    stage.do(lambda work: restores.suspect(work, "a drill"))
    assert Task.REREAD_RAIL in due()
    reread(stage)
    assert Task.REREAD_RAIL not in due()


def test_books_that_stay_where_they_are_are_never_held(stage):
    refund = stage.ask(payment_id=stage.paid(), amount=10)
    for _ in range(5):
        sweep(stage.runtime)
        stage.submit()
        stage.pass_time(minutes=2)
    assert held(stage) is None
    assert stage.status(refund) == "succeeded"
