"""/metrics: its names are those that are written down, and each moves when it should."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from reconciler import tally
from reconciler.errors import Unavailable
from reconciler.flows import reconcile as flow
from reconciler.flows.schedule import SCHEDULE
from reconciler.flows.ticking import fire_due, in_turn
from reconciler.queue import Queue
from reconciler.reads.measures import measures
from reconciler.services import api_keys
from reconciler.store import refund_laws
from reconciler.web.metrics import PREFIX
from reconciler.work import Task
from tests.watching import Watch
from tests.web.screens import Screens

OF_REDIS = {"workers", "queue_waiting", "clocks"}  # there while it answers
PARTS = re.compile(r"_(bucket|count|sum)$")  # of what is timed
_ROOT = Path(__file__).parents[2]
_LINE = re.compile(rf"{PREFIX}(\w+)(?:{{(.*)}})? (\S+)")


def scraped(screens: Screens, key: str = "") -> dict[tuple[str, str], float]:
    """Every figure by its name and labels, amounts too where a program's key is sent."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    text = screens.app.test_client().get("/metrics", headers=headers).get_data(as_text=True)
    found = [_LINE.fullmatch(row) for row in text.splitlines()]
    return {(m[1], m[2] or ""): float(m[3]) for m in found if m}


def scraped_by_a_program(screens: Screens) -> dict[tuple[str, str], float]:
    """The same, seen with a key that may read."""
    key = screens.office.do(lambda work: api_keys.create(work, name="monitor", scope="read")[1])
    return scraped(screens, key)


def change(screens: Screens, statement: str, **values: object) -> None:
    with Session(screens.office.runtime.engine) as session:
        session.execute(sa.text(statement), values)
        session.commit()


@pytest.fixture(scope="module")
def at_work(company: Screens) -> Screens:
    """The company when its clock has struck once: a second comparison would close its break."""
    flow.reconcile(company.office.runtime)
    fire_due(company.office.runtime, SCHEDULE)
    return company


def test_what_is_measured_is_what_is_written_down(at_work: Screens) -> None:
    paper = (_ROOT / "docs" / "operations.md").read_text()
    table = paper.partition("<!-- metrics -->")[2].partition("<!-- end of metrics -->")[0]
    written = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    found = {PARTS.sub("", name) for name, _ in scraped_by_a_program(at_work)}
    assert found | OF_REDIS | set(tally.FAMILIES) == written
    promised = set(re.findall(rf"`{PREFIX}(\w+)`", paper))
    assert promised - written == set()


def test_labels_are_those_that_are_written_down(at_work: Screens) -> None:
    paper = (_ROOT / "docs" / "operations.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|", paper, re.MULTILINE)
    written = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    found = {
        PARTS.sub("", name): set(re.findall(r"(\w+)=", labels)) - {"le"}
        for name, labels in scraped_by_a_program(at_work)
    }
    found |= {name: set(family.labels) for name, family in tally.FAMILIES.items()}
    assert found == {name: written[name] for name in found}


def test_a_run_that_explains_all_is_fresh_and_without_drift(screens: Screens) -> None:
    screens.paid(5_000)
    screens.run()
    screens.office.clock.advance(minutes=10)
    found = scraped(screens)
    assert found["recon_drift_minor", 'currency="USD",rail="stripe"'] == 0
    assert 600 <= found["recon_last_run_seconds", 'rail="stripe"'] < 900
    age = found["recon_last_complete_age_seconds", 'kind="charge",rail="stripe"']
    assert 700 < age < 1_200
    assert found["recon_healed_total", 'rail="stripe"'] == 0


def test_drift_what_is_left_and_what_was_healed_are_counted(screens: Screens) -> None:
    world, office = screens.office.world, screens.office
    screens.paid(5_000)
    with world.at(int((office.clock() - timedelta(days=30)).timestamp())):
        world.other_row(-250)
    missed = world.pay(4_200)
    screens.run()
    found = scraped(screens)
    assert missed.charge
    assert found["recon_drift_minor", 'currency="USD",rail="stripe"'] == -250
    assert found["recon_breaks_open", 'reason="balance"'] == 1
    assert found["recon_healed_total", 'rail="stripe"'] > 0


def test_a_payout_that_never_arrives_is_overdue_after_five_business_days(screens: Screens) -> None:
    screens.office.world.payout("usd", 9_000, automatic=False)
    screens.hear("")
    overdue = ("clearing_overdue_minor", 'currency="USD"')
    assert scraped(screens)[overdue] == 0
    screens.office.clock.advance(days=12)
    assert scraped(screens)[overdue] == 9_000
    change(screens, "update payout set status = 'paid'")
    assert scraped(screens)[overdue] == 0


@pytest.mark.parametrize("minutes", [20, 40])
def test_what_the_rail_does_not_tell_is_missing_after_half_an_hour(
    screens: Screens, minutes: int
) -> None:
    office = screens.office
    office.world.pay(5_000)
    office.deliver(*office.world.events())
    office.apply()  # the fee is still to be asked for
    office.clock.advance(minutes=minutes)
    found = scraped(screens)
    assert found["completeness_missing_facts", 'of="payment"'] == (minutes > 30)
    assert found["completeness_missing_facts", 'of="payout"'] == 0
    assert found["completeness_missing_facts", 'of="object"'] == 0


def test_the_lag_is_from_receipt_to_the_books(screens: Screens) -> None:
    assert scraped(screens)["apply_lag_seconds", 'share="0.99"'] == 0
    screens.paid(5_000)
    change(
        screens,
        """update inbox_outcome o set applied_at = e.received_at + interval '90.5 seconds'
        from inbox_event e where e.seq = o.seq""",
    )
    found = scraped(screens)
    assert found["apply_lag_seconds", 'share="0.5"'] == 91
    assert found["apply_lag_seconds", 'share="0.99"'] == 91


def test_an_event_that_is_set_aside_and_mail_that_does_not_leave_are_counted(
    screens: Screens,
) -> None:
    old = scraped(screens)
    assert (old["poison_total", ""], old["outbox_oldest_seconds", 'of="mail"']) == (0, 0)
    screens.paid(5_000)
    change(
        screens,
        """insert into review_item (id, kind, subject, state, details, opened_at)
        select 'rev_1', 'event_failed', 'evt_1', 'resolved', '{}', now()""",
    )
    screens.office.clock.advance(seconds=90)
    found = scraped(screens)
    assert found["poison_total", ""] == 1
    assert found["outbox_oldest_seconds", 'of="webhook"'] == 0


def test_a_clock_that_stands_is_seen(screens: Screens) -> None:
    flow.reconcile(screens.office.runtime)
    screens.office.clock.advance(hours=2)
    ages = [age for (name, _), age in scraped(screens).items() if name == "job_last_seconds"]
    assert ages
    assert min(ages) == 7_200


def test_turns_of_timed_jobs_are_measured_with_how_they_ended(screens: Screens) -> None:
    office = screens.office
    fire_due(office.runtime, SCHEDULE)
    in_turn(office.runtime, Task.TIDY, lambda _: office.clock.advance(seconds=7))

    def fails(_runtime: object) -> None:
        raise Unavailable("the rail did not answer")

    with pytest.raises(Unavailable):
        in_turn(office.runtime, Task.SUBMIT_REFUNDS, fails)
    found = scraped(screens)
    assert found["job_took_seconds", 'job="tidy"'] == 7
    assert [found["job_failed", f'job="{name}"'] for name in ("tidy", "submit_refunds")] == [0, 1]
    assert [found["job_open_seconds", f'job="{name}"'] for name in ("tidy", "reconcile")] == [0, 7]


def test_a_second_refund_under_one_reference_is_measured(screens: Screens) -> None:
    screens.paid(5_000)
    law = "refund_law_broken", 'law="one_refund_asked_for_is_one_on_the_rail"'
    assert scraped(screens)[law] == 0
    for name in ("re_1", "re_2"):
        change(
            screens,
            """insert into rail_object (rail, account, kind, object_id, payment_id, amount,
              currency, state, made_at, reference)
            select 'stripe', 'own', 'refund', :name, id, 1, 'USD', 'left', now(), 'rfd_1'
            from payment limit 1""",
            name=name,
        )
    assert scraped(screens)[law] == 1


def test_all_laws_about_refunds_are_counted_in_one_statement(screens: Screens) -> None:
    with Watch(screens.office.runtime.engine) as asked, screens.office.runtime.read() as session:
        found = measures(session, screens.office.clock())
    told = {one.labels[0][1] for one in found if one.name == "refund_law_broken"}
    assert told == set(refund_laws.QUERIES)
    sent = [text.replace("%%", "%") for text, _ in asked]
    assert sum(any(law in text for law in refund_laws.QUERIES.values()) for text in sent) == 1


def test_queues_and_clocks_are_measured_while_redis_answers(
    screens: Screens, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scraped(screens)["redis_up", ""] == 0
    queue = Queue(redis_url)
    monkeypatch.setattr(screens.office.runtime.queue, "_redis", queue._redis)
    queue.beat("here:1", screens.office.clock())
    queue.nudge([Task.SEND_MAIL])  # for books the bell of another test may ring once more
    found = scraped(screens)
    assert (found["redis_up", ""], found["clocks", ""]) == (1, 1)
    of_mail = 'queue="outbound"'
    assert (found["queue_waiting", of_mail], found["workers", of_mail]) == (1, 0)
