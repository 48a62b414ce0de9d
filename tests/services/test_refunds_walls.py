"""The database says the same as books/refunds.py, to whoever goes round it."""

from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest

from reconciler.books import refund_sending as rules
from reconciler.books.refunds import RAIL_WORDS, TRANSITIONS, RefundStatus
from tests.refund_stage import ANN, WALLS, open_stage


@pytest.fixture
def stage(database_url, redis_url):
    with open_stage(database_url, redis_url) as opened:
        opened.is_broken_on_purpose = True  # rows are changed here that nothing else may change
        yield opened


@pytest.fixture
def line(stage, owner_url):
    with psycopg.connect(owner_url.replace("+psycopg", "", 1), autocommit=True) as opened:
        yield opened


def test_both_walls_know_the_same_ways(line):
    words = [status.value for status in RefundStatus]
    allowed = line.execute(
        """select a, b from unnest(%(words)s::text[]) a, unnest(%(words)s::text[]) b
        where refund_leg_may_become(a, b)""",
        {"words": words},
    ).fetchall()
    assert set(allowed) == {(b.value, a.value) for b, ways in TRANSITIONS.items() for a in ways}
    said = line.execute(
        "select a from unnest(%(words)s::text[]) a where refund_is_a_rails_word(a)",
        {"words": words},
    ).fetchall()
    assert {word for (word,) in said} == {word.value for word in RAIL_WORDS}


@contextmanager
def walls_off(line):
    for table in ("refund", "refund_leg"):
        line.execute(f"alter table {table} disable trigger user")
    yield
    for table in ("refund", "refund_leg"):
        line.execute(f"alter table {table} enable trigger user")


def breaks(line, constraint, statement, **values):
    with pytest.raises(psycopg.errors.CheckViolation) as broken:
        line.execute(statement, values)
    assert broken.value.diag.constraint_name == constraint


def test_a_leg_that_was_not_approved_is_not_sent(stage, line):
    refund = stage.ask(ANN, payment_id=stage.paid())
    line.execute("update refund_leg set status = 'approved'")
    send = "update refund_leg set status = 'submitted'"
    breaks(line, "nothing_is_sent_before_its_approval", send)
    line.execute("update refund set approved_at = now() where id = %s", [refund])
    breaks(line, "nothing_is_sent_before_its_approval", send)
    line.execute("update refund set approved_by = 'usr_ben' where id = %s", [refund])
    breaks(line, "what_is_sent_is_what_was_approved", send)
    line.execute("update refund set approved_terms = refund_terms(id) where id = %s", [refund])
    line.execute(send)
    assert stage.leg(refund).status == "submitted"


@pytest.mark.parametrize("name", ["payment_id", "invoice_id", "deposit_id"])
def test_both_walls_read_the_same_terms(stage, line, name):
    customer = stage.customer()
    target = {"invoice_id": stage.invoice, "deposit_id": stage.deposit}.get(name)
    payments = [stage.paid(4_000), stage.paid(4_000)]
    asked_of = target(customer) if target else payments[0]
    for payment in payments if target else ():
        stage.allocate(payment, amount=4_000, **{name: asked_of})
    refund = stage.ask(**{name: asked_of})
    assert len(stage.legs(refund)) == (2 if target else 1)
    said = line.execute("select refund_terms(%s)", [refund]).fetchone()
    assert said == (stage.row(refund).approved_terms,)


def test_a_leg_goes_its_way_and_no_other(stage, line):
    stage.ask(payment_id=stage.paid())
    breaks(line, "refund_leg_goes_its_way", "update refund_leg set status = 'succeeded'")
    breaks(line, "refund_leg_goes_its_way", "update refund_leg set status = 'rejected'")
    line.execute("update refund_leg set status = 'succeeded', rail_refund_id = 're_1'")
    breaks(line, "refund_leg_goes_its_way", "update refund_leg set status = 'approved'")


def test_a_refund_goes_its_way_and_no_other(stage, line):
    stage.ask(payment_id=stage.paid())
    breaks(line, "refund_goes_its_way", "update refund set status = 'succeeded'")
    breaks(line, "refund_goes_its_way", "update refund set status = 'rejected'")


def test_nobody_approves_their_own_whoever_asks_the_database(stage, line):
    stage.ask(ANN, payment_id=stage.paid())
    breaks(line, "nobody_approves_their_own", "update refund set approved_by = 'usr_ann'")
    line.execute("update refund set edited_by = '{usr_ben}'")
    breaks(line, "nobody_approves_their_own", "update refund set approved_by = 'usr_ben'")


@pytest.mark.parametrize(
    "change",
    [
        "amount = 200",
        "treatment = 'reopen'",
        "reason = 'fraudulent'",
        "note = 'another'",
        "needs_second_person = true",
        "payment_id = (select max(id) from payment where id <> payment_id)",
    ],
)
def test_what_was_asked_for_changes_only_with_its_approval_gone_and_unsent(stage, line, change):
    stage.paid()
    refund = stage.ask(payment_id=stage.paid(), amount=100)
    wall = "a_change_voids_the_approval"
    breaks(line, wall, f"update refund set {change}")
    breaks(line, wall, f"update refund set {change}, approved_at = null, approved_terms = null")
    void = "status = 'requested', approved_by = null, approved_at = null, approved_terms = null"
    line.execute("update refund_leg set status = 'requested'")
    line.execute(f"update refund set {change}, {void}")
    assert stage.status(refund) == "requested"


def test_what_was_sent_never_changes(stage, line):
    stage.ask(payment_id=stage.paid(), amount=100)
    stage.faults.add("drop_before", method="POST", path="/v1/refunds")
    stage.submit()
    void = "approved_by = null, approved_at = null, approved_terms = null"
    breaks(line, "a_change_voids_the_approval", f"update refund set amount = 200, {void}")
    with walls_off(line):
        line.execute(f"update refund set status = 'requested', {void}")
        line.execute("update refund_leg set status = 'approved'")
    breaks(line, "a_change_voids_the_approval", "update refund set amount = 200")
    again = "update refund_leg set status = 'requested'"
    breaks(line, "what_was_sent_is_not_asked_again", again)
    assert stage.at_the_rail() == []


def test_who_asked_and_what_a_leg_is_for_never_change(stage, line):
    stage.ask(payment_id=stage.paid(), amount=100)
    line.execute("update refund set edited_by = '{usr_ben}'")
    for change in ("currency = 'EUR'", "requested_by = 'usr_eve'", "edited_by = '{}'"):
        breaks(line, "refund_stays_what_it_is", f"update refund set {change}")
    breaks(line, "refund_leg_stays_what_it_is", "update refund_leg set amount = 200")
    breaks(line, "refund_leg_stays_what_it_is", "update refund_leg set reference = 'other'")


def test_no_leg_is_added_beyond_what_was_captured(stage, line):
    refund = stage.ask(payment_id=stage.paid(10_000), amount=6_000)
    add = """insert into refund_leg
        (id, refund_id, payment_id, target_id, amount, status, reference)
      select 'leg_x', refund_id, payment_id, 'elsewhere', %(amount)s, %(status)s, 'ref_x'
      from refund_leg where refund_id = %(refund)s"""
    wall = "no_more_is_refunded_than_was_captured"
    breaks(line, wall, add, refund=refund, amount=4_001, status="requested")
    begins = "refund_leg_begins_as_requested"
    breaks(line, begins, add, refund=refund, amount=4_000, status="approved")
    line.execute(add, {"refund": refund, "amount": 4_000, "status": "requested"})
    assert len(stage.legs(refund)) == 2


def test_no_leg_is_sent_once_its_money_is_gone(stage, line):
    payment = stage.paid(10_000)
    refund = stage.ask(payment_id=payment, amount=6_000)
    line.execute("update payment set refunded = 5_000 where id = %s", [payment])
    send = "update refund_leg set status = 'submitted'"
    breaks(line, "no_more_is_refunded_than_was_captured", send)
    assert stage.leg(refund).status == "approved"


def test_a_refund_begins_as_requested_and_unapproved(stage, line):
    stage.ask(payment_id=stage.paid())
    names = "payment_id, amount, currency, reason, treatment, requested_by, requested_at, edited_by"
    for column, value in (
        ("status, approved_by", "'requested', 'usr_ben'"),
        ("status, approved_at", "'requested', now()"),
        ("status", "'approved'"),
        ("status", "'succeeded'"),
    ):
        add = f"insert into refund (id, {names}, needs_second_person, rev, {column})"
        copied = f"select 'rfd_x', {names}, true, 1, {value} from refund"
        breaks(line, "refund_begins_as_requested", f"{add} {copied}")


def sent(stage):
    refund = stage.ask(payment_id=stage.paid(), amount=100)
    stage.faults.add("drop_before", method="POST", path="/v1/refunds")
    stage.submit()
    return refund


@pytest.mark.parametrize(
    "change",
    ["first_sent_at = null", "first_sent_at = now()", "sends = 0", "key = 'k'", "generation = 2"],
)
def test_what_was_sent_and_when_is_not_forgotten(stage, line, change):
    sent(stage)
    breaks(line, "refund_attempt_stays_what_it_is", f"update refund_attempt set {change}")


@pytest.mark.parametrize("change", ["rail_refund_id = null", "unsettled_since = null"])
def test_a_leg_forgets_nothing(stage, line, change):
    stage.ask(payment_id=stage.paid(), amount=100)
    stage.submit()
    breaks(line, "refund_leg_forgets_nothing", f"update refund_leg set {change}")
    line.execute("update refund_leg set generation = 2")
    breaks(line, "refund_leg_forgets_nothing", "update refund_leg set generation = 1")


A_MINUTE = timedelta(minutes=1)
SEND_AGAIN = "update refund_attempt set sends = sends + 1, last_sent_at = first_sent_at + %(after)s"
A_SECOND_KEY = """insert into refund_attempt (id, leg_id, generation, key, sends, is_refused)
    select 'rat_x', leg_id, 2, 'k', 0, false from refund_attempt"""
SEND_WITH_IT = """update refund_attempt a set sends = 1,
    (first_sent_at, last_sent_at) = (b.first_sent_at + %(after)s, b.first_sent_at + %(after)s)
    from refund_attempt b where a.generation = 2 and b.generation = 1"""


def test_no_key_is_used_again_that_the_rail_may_have_forgotten(stage, line):
    sent(stage)
    late = rules.KEY_IS_SAFE + A_MINUTE
    breaks(line, "a_key_is_used_for_twenty_hours", SEND_AGAIN, after=late)
    line.execute(SEND_AGAIN, {"after": rules.KEY_IS_SAFE})
    assert line.execute("select sends from refund_attempt").fetchall() == [(2,)]


def test_no_new_key_is_used_that_would_not_meet_the_old_one(stage, line):
    sent(stage)
    begun = A_SECOND_KEY.replace("2, 'k', 0", "2, 'k', 1")
    breaks(line, "refund_attempt_begins_unsent", begun)
    line.execute(A_SECOND_KEY)
    early = rules.KEY_IS_FORGOTTEN - A_MINUTE
    wall = "a_new_key_waits_for_the_old_to_be_forgotten"
    breaks(line, wall, SEND_WITH_IT, after=early)
    line.execute(SEND_WITH_IT, {"after": rules.KEY_IS_FORGOTTEN})
    assert line.execute("select sum(sends) from refund_attempt").fetchone() == (2,)


@pytest.mark.parametrize(
    "statement",
    [
        "update refund_step set after = 'approved'",
        "delete from refund_step",
        "truncate refund_step",
        "delete from refund_leg",
        "delete from refund_attempt",
        "delete from refund",
    ],
)
def test_history_stays(stage, line, statement):
    refund = stage.ask(payment_id=stage.paid())
    breaks(line, "refund_history_stays", statement)
    assert stage.steps(refund) == ["requested", "approved"]


def test_the_walls_may_be_built_any_number_of_times(line):
    line.execute(WALLS.read_bytes())
    found = line.execute(
        "select count(*) from pg_trigger where tgname = 'refund_leg_wall'"
    ).fetchone()
    assert found == (1,)
