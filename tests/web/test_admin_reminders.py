"""The screens of reminders and mail: what is coming, a preview, the plan, pauses, what was sent."""

from datetime import date

import pytest
import sqlalchemy as sa

from reconciler.flows.remind import plan_reminders
from reconciler.flows.send_mail import send_mail
from reconciler.services import projects
from reconciler.services.projects import NewProject
from tests.mail_room import open_mail_room
from tests.web.screens import Screens, said


@pytest.fixture
def acme(screens: Screens, tmp_path) -> Screens:
    """Birch owes 400.00 of INV-1050, of which 150.00 came in."""
    customer_id = screens.customer("Birch & Co", email="pay@birch.example")
    screens.invoice(customer_id, 40_000, "INV-1050")
    screens.ids["customer"] = customer_id
    screens.ids["room"] = open_mail_room(screens.office, tmp_path)
    return screens


def work(acme: Screens, **later) -> None:
    acme.office.clock.advance(**later)
    runtime = acme.ids["room"].runtime
    plan_reminders(runtime)
    send_mail(runtime)


def test_deposits_that_are_asked_for_show_when_they_are_reminded_of(acme):
    made = acme.deposit(acme.ids["customer"], 50_000, "DEP-77", due_on=date(2026, 12, 20))
    page = said(acme.as_("viewer").get("/reminders"))
    assert "DEP-77 Deposit of Birch & Co" in page
    shown = acme.as_("viewer").read(f"/reminders/{made}")
    assert "Deposit DEP-77: USD 500.00 due on 20 December 2026" in shown


def test_open_invoices_show_when_they_are_reminded_of_and_what_is_in_the_way(acme):
    page = acme.as_("viewer").read("/reminders")
    for words in ("INV-1050", "Birch & Co", "28 Nov 2026", "$400.00", "Nothing in the way"):
        assert words in page, words
    assert "Keep the plan" not in page
    acme.as_("reconciler").post(
        f"/reminders/{acme.ids['INV-1050']}/pause", {"why": "We are talking", "whose": "customer"}
    )
    page = acme.as_("viewer").read("/reminders")
    assert "Silent" in page
    assert "We are talking" in page


def test_a_preview_shows_what_would_leave_now_and_it_leaves(acme):
    own = f"/reminders/{acme.ids['INV-1050']}"
    rae = acme.as_("reconciler")
    page = rae.read(own)
    for words in ("pay@birch.example", "Invoice INV-1050: USD 400.00 due on 1 December 2026"):
        assert words in page, words
    answer = rae.post(f"{own}/send", {"once": "a"})
    assert answer.status_code == 303
    rae.post(f"{own}/send", {"once": "a"})  # a second click
    work(acme, seconds=1)
    (letter,) = acme.ids["room"].letters()
    assert letter["To"] == "Birch & Co <pay@birch.example>"
    listed = rae.read("/messages")
    assert "Invoice INV-1050: USD 400.00 due on 1 December 2026" in listed
    message_id = acme.office.scalar("select id from message")
    shown = rae.read(f"/messages/{message_id}")
    assert "Billed USD 400.00" in shown
    assert "mail/" in shown


def test_what_would_stay_silent_cannot_be_sent_and_says_why(acme):
    own = f"/reminders/{acme.ids['INV-1050']}"
    rae = acme.as_("reconciler")
    rae.post(f"{own}/pause", {"why": "We are talking"})
    assert "No reminder leaves now: reminders are paused: We are talking" in rae.read(own)
    answer = rae.post(f"{own}/send", {"once": "b"})
    assert answer.status_code == 422
    assert acme.office.scalar("select count(*) from message") == 0
    rae.post(f"/reminders/resume/{acme.ids['INV-1050']}")
    assert "Send this reminder" in rae.read(own)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"steps": "soon", "hour": "8"}, "Write days like -3, 0, 7, 14"),
        ({"steps": "900", "hour": "8"}, "A step is -90 to 365 days"),
        ({"steps": "1", "hour": "24"}, "An hour is 0 to 23"),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused_in_words(acme, form, said):
    rev = acme.office.scalar("select rev from reminder_plan")
    answer = acme.as_("reconciler").post("/reminders/plan", form | {"rev": rev})
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)


def test_the_plan_is_kept_and_two_people_do_not_overwrite_each_other(acme):
    rae, rev = acme.as_("reconciler"), acme.office.scalar("select rev from reminder_plan")
    form = {"steps": "-2, 5", "hour": "6", "rev": rev}
    assert rae.post("/reminders/plan", form).status_code == 303
    assert "30 Nov 2026" not in rae.read("/reminders")
    assert "29 Nov 2026" in rae.read("/reminders")
    assert rae.post("/reminders/plan", form).status_code == 422
    answer = rae.post("/reminders/pause", {"why": "", "until": ""})
    assert answer.status_code == 422
    assert rae.post("/reminders/resume/house").status_code == 409


def test_a_mail_that_failed_can_be_sent_after_all(acme):
    own = f"/reminders/{acme.ids['INV-1050']}"
    rae = acme.as_("reconciler")
    rae.post(f"{own}/send", {"once": "c"})
    message_id = acme.office.scalar("select id from message")
    acme.office.do(
        lambda w: w.session.execute(sa.text("update message set state = 'failed', why = 'away'"))
    )
    assert "Send it after all" in rae.read(f"/messages/{message_id}")
    assert rae.post(f"/messages/{message_id}/retry").status_code == 303
    work(acme, seconds=1)
    assert len(acme.ids["room"].letters()) == 1
    assert rae.get("/messages/msg_none").status_code == 404
    assert rae.get("/reminders/inv_none").status_code == 404


def test_money_that_is_kept_as_a_deposit_keeps_the_projects_invoice_silent(acme):
    birch = acme.ids["customer"]
    site = acme.office.do(
        lambda work: projects.create(
            work, NewProject(customer_id=birch, name="Site", currency="USD", original_price=100_000)
        )
    )
    acme.invoice(birch, 20_000, "INV-1051", project_id=site)
    payment = acme.paid(30_000, description="thanks")
    form = {"rev": acme.rev("payment", payment), "customer_id": birch}
    kept = acme.as_("reconciler").post(f"/unmatched/{payment}/hold", form)
    assert kept.status_code == 303
    acme.office.clock.advance(days=2)
    page = acme.as_("viewer").read("/reminders")
    shown = page.partition("INV-1051")[2].partition("$200.00")[0]
    assert "Silent A deposit that is held covers what is left. $300.00 is held." in shown
    assert "Nothing in the way" in page.partition("INV-1050")[2].partition("$400.00")[0]


def test_the_payment_that_keeps_a_reminder_back_is_named_until_it_is_matched(acme):
    payment = acme.paid(40_000, description="thanks")
    acme.office.clock.advance(days=2)
    vera = acme.as_("viewer")
    shown = vera.get("/reminders").get_data(as_text=True)
    assert f'/admin/payments/{payment}">$400.00 of ' in shown
    assert "A payment that may be for it waits to be matched: $400.00 of " in vera.read(
        "/reminders"
    )
    own = f"/reminders/{acme.ids['INV-1050']}"
    assert f'/admin/payments/{payment}">$400.00 of ' in vera.get(own).get_data(as_text=True)
    form = {"rev": acme.rev("payment", payment), "customer_id": acme.customer("Others")}
    assert acme.as_("reconciler").post(f"/unmatched/{payment}/hold", form).status_code == 303
    acme.office.clock.advance(days=2)
    assert "Nothing in the way" in acme.as_("viewer").read("/reminders")
