"""The screens of runs: up to when nothing is missing, what is planned, what each run found."""

import json
from dataclasses import asdict
from datetime import timedelta

import pytest

from reconciler.books.reconciliation import IN_WORDS, Difference
from reconciler.flows import reconcile as flow
from reconciler.reads import reconciliation as reads
from reconciler.services import reconciliation, run_plans
from reconciler.services.bank_checks import BANK_LINE
from reconciler.services.payout_checks import ACCOUNT
from reconciler.services.reconciliation import BACKFILL, OPEN_ITEMS, OPEN_PAYOUTS, WINDOW
from reconciler.services.run_checks import BALANCE, PAYMENT
from reconciler.web.admin import (
    plain_words,
    question_words as screen,
    words,
)
from tests.web.screens import Screens, said

DAY = timedelta(days=1)


def told(screens: Screens, run_id: str) -> reads.RunRow:
    with screens.office.runtime.read() as session:
        return reads.one(session, run_id)


def hear(screens: Screens) -> None:
    screens.office.deliver(*screens.office.world.events())
    screens.office.drain()


@pytest.fixture
def amiss(screens: Screens) -> str:
    """A run that finds a payment nobody told of, another amount, and money without a reason."""
    world = screens.office.world
    other = world.pay(5_000)
    hear(screens)
    world.truth.tables["charge"][other.charge]["amount_captured"] -= 100
    screens.ids["other"] = other.charge
    screens.ids["missed"] = world.pay(4_200).charge
    with world.at(int((screens.office.clock() - 30 * DAY).timestamp())):
        world.other_row(-250)
    return screens.run()


def test_before_the_first_run_nothing_is_certain_and_all_is_due(screens):
    vera = screens.as_("viewer")
    page = vera.read("/reconciliation")
    assert page.count("Nothing compared yet") == len(run_plans.KINDS)
    assert page.count("Due now") == page.count("Not yet") == len(run_plans.PLANS)
    assert "No run yet" in page
    assert "Compared with the provider Not yet" in vera.read("/")


def test_after_a_run_it_says_up_to_when_until_that_is_long_ago(screens):
    run = told(screens, screens.run())
    vera, until = screens.as_("viewer"), words.short(run.until)
    page = vera.read("/reconciliation")
    assert page.count(f"{until} Nothing missing") == len(run_plans.KINDS)
    assert f"Compared with the provider Complete up to {until} Nothing that" in vera.read("/")
    screens.office.clock.advance(hours=5)
    vera = screens.as_("viewer")
    page = vera.read("/reconciliation")
    assert page.count(f"{until} Gap the last 5 hours") == len(run_plans.KINDS)
    assert f"Complete up to {until} The last 5 hours are still" in vera.read("/")


def test_a_kind_that_was_never_compared_keeps_the_whole_from_being_complete(screens):
    run = told(screens, screens.run())
    with screens.office.runtime.read() as session:
        known = reads.complete(session)
    assert reads.complete_up_to(known, run_plans.KINDS) == run.until
    assert reads.complete_up_to(known[1:], run_plans.KINDS) is None
    assert reads.complete_up_to([], run_plans.KINDS) is None


def test_what_is_planned_says_when_it_was_begun_and_when_it_is_next(screens):
    office = screens.office
    for _ in range(len(run_plans.PLANS) + 1):
        flow.reconcile(office.runtime)
    now = office.clock()
    page = screens.as_("viewer").read("/reconciliation")
    assert "Due now" not in page
    for plan in run_plans.PLANS:
        then = words.short(plan.tick(now) + plan.every)
        assert f"{words.short(now)} {then}" in page, plan.name
    office.clock.advance(minutes=15)
    assert screens.as_("viewer").read("/reconciliation").count("Due now") == 1
    assert "What may still change" in page
    assert "Reconciler" in page


def test_a_run_is_begun_now_and_watched(screens):
    screens.office.world.pay(4_200)
    rae = screens.as_("reconciler")
    since = screens.office.clock().date() - 3 * DAY
    screens.office.clock.advance(minutes=3)
    answer = rae.post("/reconciliation", {"rail": "stripe", "since": since})
    assert answer.status_code == 303
    path = answer.location.removeprefix("/admin")
    run_id = path.rpartition("/")[2]
    run = told(screens, run_id)
    assert (run.since.date(), run.status, run.cause.kind) == (since, "running", "person")
    html = rae.get(path).get_data(as_text=True)
    assert '<meta http-equiv="refresh"' in html
    assert "Under way" in html
    assert '<meta http-equiv="refresh"' not in rae.get(f"{path}?still=1").get_data(as_text=True)
    again = rae.post("/reconciliation", {"rail": "stripe", "since": since})
    assert again.status_code == 409
    assert "A run over this payment provider's account is under way; let it finish first." in said(
        again
    )
    assert flow.carry_on(screens.office.runtime)
    done = rae.get(path)
    assert '<meta http-equiv="refresh"' not in done.get_data(as_text=True)
    assert "Done Both sides agree" in said(done)
    assert "Rae Lindt" in said(done)
    assert "The payment provider has it, and it was missing here" in said(done)


def test_a_run_with_nothing_to_check_says_so_and_not_that_both_sides_agree(screens):
    run_id = screens.run()
    assert told(screens, run_id).checked == 0
    rae = screens.as_("viewer")
    for path in ("/reconciliation", f"/reconciliation/{run_id}"):
        words = rae.read(path)
        assert "Done Nothing to check in that time" in words, path
        assert "Both sides agree" not in words, path


def test_while_it_goes_on_it_says_how_far_it_has_come(screens, monkeypatch):
    for _ in range(3):
        screens.office.world.pay(4_200)
    run_id = screens.begin_run()
    rail = screens.office.runtime.rails["stripe"]
    listed = rail.list_page

    def slow(kind, *given):
        if kind == "dispute":
            screens.office.clock.advance(seconds=60)
        return listed(kind, *given)

    monkeypatch.setattr(rail, "list_page", slow, raising=False)
    flow.carry_on(screens.office.runtime, ends_at=screens.office.clock() + timedelta(seconds=30))
    run = told(screens, run_id)
    assert (run.status, run.checked) == ("running", 3)
    html = screens.as_("viewer").get(f"/reconciliation/{run_id}").get_data(as_text=True)
    steps = html.partition('<ol class="steps"')[2].partition("</ol>")[0]
    assert steps.count('class="done"') == 3
    assert steps.count('aria-current="step"') == 1
    assert "Checked</dt><dd>3</dd>" in html


@pytest.mark.parametrize(
    ("form", "words_"),
    [
        ({"rail": "stripe", "since": "yesterday"}, "Write the day like 2026-11-22."),
        ({"rail": "stripe", "since": "9999-12-31"}, "Since is not before until."),
        ({"rail": "manual", "since": "2026-11-01"}, "Choose a payment provider."),
        ({}, "Choose a payment provider."),
    ],
)
def test_what_cannot_be_run_is_said_and_nothing_begins(screens, form, words_):
    answer = screens.as_("reconciler").post("/reconciliation", form)
    assert answer.status_code == 422
    assert words_ in said(answer)
    assert screens.office.scalar("select count(*) from reconciliation_run") == 0


def test_the_page_says_what_the_command_prints(screens, amiss):
    run = json.loads(json.dumps(asdict(told(screens, amiss)), default=str))
    page = screens.as_("viewer").read(f"/reconciliation/{amiss}")
    figures = " ".join(
        f"{name} {run[key]:,}"
        for name, key in (
            ("Checked", "checked"),
            ("Matched", "matched"),
            ("Healed", "healed"),
            ("Left", "unhealed"),
        )
    )
    assert figures in page
    assert run["healed"] > 0
    assert run["unhealed"] > 1
    assert run["drift"] == {"USD": -250}
    assert "Unexplained at the payment provider: -$2.50" in page
    assert run["discrepancies"]
    for found in run["discrepancies"]:
        text = plain_words.plain(IN_WORDS[Difference(found["kind"])])
        assert text[1:] in page
        assert found["rail_object"] in page
        for side in (found["expected"], found["actual"]):
            if side and side["currency"]:
                assert words.shown(side["amount"], side["currency"]) in page
    assert page.count("Left for a person") == run["unhealed"]
    listed = screens.as_("viewer").read("/reconciliation")
    row = f"{run['checked']:,} {run['matched']:,} {run['healed']:,} {run['unhealed']:,} -$2.50"
    assert row in listed


def test_what_is_left_leads_to_the_payment_and_to_the_question(screens, amiss):
    rae, subject = screens.as_("reconciler"), screens.ids["other"]
    html = rae.get(f"/reconciliation/{amiss}").get_data(as_text=True)
    payment = screens.office.scalar("select id from payment where captured = 5000")
    assert f'href="/admin/payments/{payment}"' in html
    question = f"/questions?kind=drift&subject={subject}"
    assert f'href="/admin{question.replace("&", "&amp;")}"' in html
    assert "$49.00 $50.00 Left for a person" in said(rae.get(f"/reconciliation/{amiss}"))
    page = rae.read(question)
    assert page.count("The payment provider says something else than our books") == 1
    assert "What is the matter The amounts differ." in page
    assert "At the payment provider Here Apart $49.00 $50.00 -$1.00" in page
    for raw in ("{", "'amount'", "currency", "Expected", "Difference"):
        assert raw not in page.partition("What is the matter")[2].partition("Assign")[0], raw
    item = "select id, rev from review_item where subject = :s and state = 'open'"
    (row,) = screens.office.rows(item, s=subject)
    answer = {"note": "booked by hand there", "rev": row.rev}
    assert rae.post(f"/questions/{row.id}/acknowledge", answer).status_code == 303
    assert question.replace("&", "&amp;") not in rae.get(f"/reconciliation/{amiss}").text


def test_a_run_that_waits_or_was_given_up_says_why(screens):
    run_id, why = screens.begin_run(), "the rail does not answer"
    held = screens.office.do(reconciliation.take_waiting)
    screens.office.do(lambda work: reconciliation.put_off(work, held, why))
    vera = screens.as_("viewer")
    assert f"Put off for a minute: {why}" in vera.read(f"/reconciliation/{run_id}")
    screens.office.do(lambda work: reconciliation.fail(work, held, why))
    page = vera.read(f"/reconciliation/{run_id}")
    assert f"Given up: {why}" in page
    assert "Both sides agree" not in page


@pytest.mark.parametrize(
    ("side", "other", "text"),
    [
        (None, None, "\N{EN DASH}"),
        (None, ("USD", 1, "left"), "Not there"),
        (("USD", 250, "left"), ("USD", 250, "left"), "$2.50"),
        (("USD", 250, "left"), ("USD", 250, "failed"), "$2.50, left"),
        (("", 250, "lost"), ("", 250, "won"), "250 in the smallest unit, lost"),
        (("", 0, ""), None, "There"),
        (("", 0, "under_review"), None, "under review"),
    ],
)
def test_a_side_is_said_in_words(side, other, text):
    def shown(one):
        return one and dict(zip(("currency", "amount", "state"), one, strict=True))

    assert screen.side(shown(side), shown(other)) == text


def test_every_kind_that_is_compared_has_its_words():
    assert {*run_plans.KINDS, OPEN_ITEMS, OPEN_PAYOUTS} == set(words.RAIL_OBJECTS)
    kinds = {*run_plans.KINDS, PAYMENT, BALANCE, ACCOUNT, BANK_LINE}
    assert kinds == set(words.RAIL_OBJECT)
    assert {WINDOW, OPEN_ITEMS, BACKFILL} == set(words.RUNS)
    assert set(Difference) == set(IN_WORDS)
