"""Questions that are somebody's, put off or old; notes on a record; as people see them."""

import re
from datetime import timedelta
from functools import partial
from html import unescape
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from reconciler.books.plans import Part
from reconciler.flows import keep_file
from reconciler.services import billing, invoices, milestones, people, projects, sign_offs
from reconciler.services.milestones import Stage
from reconciler.services.projects import NewProject
from tests.file_samples import pdf
from tests.watching import Watch
from tests.web.screens import PASSWORD, Screens, said


@pytest.fixture
def queue(screens: Screens) -> Screens:
    """Two payments that name nothing: one of three days ago, and one of now."""
    screens.ids["old"] = screens.paid(10_000, description="thanks")
    screens.office.clock.advance(days=3)
    screens.ids["new"] = screens.paid(20_000, description="danke")
    screens.viewer = screens.as_("viewer")
    return screens


def item_of(screens: Screens, name: str) -> str:
    return screens.office.scalar(
        "select id from review_item where payment_id = :p", p=screens.ids[name]
    )


def amounts(screens: Screens, view: str) -> set[str]:
    """Which of the two payments a view lists."""
    html = screens.viewer.get(f"/unmatched?view={view}").get_data(as_text=True)
    rows = html.partition('id="rows"')[2].partition("</ul>")[0]
    return {name for name in ("old", "new") if screens.ids[name] in rows}


def test_what_is_put_off_leaves_every_queue_and_comes_back_by_itself(queue):
    rae = queue.as_("reconciler")
    until = queue.office.clock().date() + timedelta(days=2)
    form = {"until": until.isoformat(), "back": "/admin/unmatched?view=mine"}
    answer = rae.post(f"/questions/{item_of(queue, 'old')}/snooze", form)
    item = item_of(queue, "old")
    said_so = f"/admin/unmatched?view=mine&snoozed={item}"
    assert (answer.status_code, answer.location) == (303, said_so)
    assert (amounts(queue, "all"), amounts(queue, "snoozed")) == ({"new"}, {"old"})
    words = rae.read("/")
    assert "No sure match 1 $200.00" in words
    assert "seconds, 1 snoozed" in words
    assert "1 thing waits for a person." in words
    assert "out of sight until" in rae.read(f"/unmatched/{queue.ids['old']}")
    assert "A payment names nothing" not in rae.read("/questions?view=old")
    queue.office.clock.advance(days=2)
    queue.viewer = queue.as_("viewer")  # the session has ended meanwhile
    assert amounts(queue, "all") == {"old", "new"}


def test_it_is_said_until_when_something_is_put_off_with_a_way_back(queue):
    rae, item = queue.as_("reconciler"), item_of(queue, "old")
    today = queue.office.clock().date()
    first, then = (today + timedelta(days=days) for days in (2, 5))

    def snooze(**form) -> tuple[str, str]:
        answer = rae.post(f"/questions/{item}/snooze", form | {"back": "/admin/questions"})
        page = rae.client.get(answer.location)
        return said(page), page.get_data(as_text=True)

    words, page = snooze(until=first.isoformat())
    day = "27 Nov 2026"
    assert f"Out of sight until {day}, or until something changes" in words
    assert "A payment names nothing that it is for, $100.00" in words
    assert 'name="wake" value="1"' in page
    assert 'data-key="u">Undo' in page
    words, page = snooze(until=then.isoformat())
    assert "Out of sight until 30 Nov 2026" in words
    assert f'name="until" value="{first.isoformat()}"' in page, "undo: as it was before"
    words, page = snooze(wake="1")
    assert "In sight again: A payment names nothing that it is for, $100.00." in words
    assert "Undo" not in page.partition('id="toasts"')[2].partition("</div>")[0]
    assert "In sight again" not in rae.read(f"/questions?snoozed={item}x")


def test_each_row_of_what_is_put_off_says_until_when_why_and_whose_note_that_is(queue):
    rae, item = queue.as_("reconciler"), item_of(queue, "old")

    def row() -> str:
        html = rae.get("/unmatched?view=snoozed").get_data(as_text=True)
        part = html.partition('id="rows"')[2].partition("</ul>")[0]
        return " ".join(re.sub(r"<[^>]+>", "", part).split())

    form = {"until": "2026-11-27"}
    rae.post(f"/questions/{item}/snooze", form)
    assert "Until 27 Nov 2026, no reason noted" in row()
    rae.post(f"/questions/{item}/snooze", form | {"note": "They: call <us>"})
    queue.office.clock.advance(seconds=1)
    rae.post(f"/notes/{queue.ids['old']}", {"note": "Something else"})
    assert "Until 27 Nov 2026: They: call &lt;us&gt; Rae Lindt" in row()
    rae.post(f"/questions/{item}/snooze", {"until": "2026-11-28"})
    assert "Until 28 Nov 2026, no reason noted" in row()
    form_of = rae.get(f"/unmatched/{queue.ids['old']}").get_data(as_text=True)
    sheet = form_of.partition('class="sheet')[2].partition("</form>")[0]
    places = [sheet.index(one) for one in ('name="note"', ">Assign<", ">Snooze<", ">Bring it")]
    assert places == sorted(places), "the fields first, then what is done with them"


def test_a_view_is_headed_by_what_it_holds(queue):
    rae, item = queue.as_("reconciler"), item_of(queue, "old")
    rae.post(f"/questions/{item}/assign", {"assigned_to": queue.known["reconciler"]})
    assert "1 payment, $100.00 of yours waiting" in rae.read("/unmatched?view=mine")
    assert "1 question of yours waiting" in rae.read("/questions?view=mine")
    assert "1 payment, $100.00 waiting, the oldest for 3 days" in rae.read("/unmatched?view=old")
    until = queue.office.clock().date() + timedelta(days=2)
    rae.post(f"/questions/{item}/snooze", {"until": until.isoformat()})
    assert "1 payment, $100.00 put off until later" in rae.read("/unmatched?view=snoozed")
    assert "1 payment, $200.00 waiting, the oldest" in rae.read("/unmatched")
    assert "2 payments" not in rae.read("/unmatched?view=none")
    words = rae.read("/questions?view=snoozed")
    assert "1 question put off until later" in words
    assert "All 1 Payments to match 1" in words
    rae.post(f"/questions/{item_of(queue, 'new')}/snooze", {"until": until.isoformat()})
    assert "All 2 " in rae.read("/questions?view=snoozed")
    assert "No open question" in rae.read("/questions")


def test_mine_says_what_of_it_is_snoozed(queue):
    rae, item = queue.as_("reconciler"), item_of(queue, "old")
    rae.post(f"/questions/{item}/assign", {"assigned_to": queue.known["reconciler"]})
    until = queue.office.clock().date() + timedelta(days=2)
    rae.post(f"/questions/{item}/snooze", {"until": until.isoformat()})
    words = rae.read("/unmatched?view=mine")
    assert "Mine 0 now, 1 snoozed" in words
    assert "Of yours, 1 payment is snoozed. Show what is snoozed" in words
    assert "Of yours, 1 question is snoozed." in rae.read("/questions?view=mine")
    assert "Mine 0 Snoozed 1" in queue.as_("approver").read("/unmatched?view=mine")


def test_why_something_is_put_off_stays_as_a_note_beside_it_written_once(queue):
    rae, item = queue.as_("reconciler"), item_of(queue, "old")
    html = rae.get("/questions").get_data(as_text=True)
    assert 'name="note" type="text" maxlength="900"' in html
    until = queue.office.clock().date() + timedelta(days=2)
    form = {"until": until.isoformat(), "note": "Asked the <bank>", "once": "s1"}
    for _ in range(2):
        answer = rae.post(f"/questions/{item}/snooze", form | {"back": "/admin/questions"})
        assert answer.location == f"/admin/questions?snoozed={item}"
    day = "27 Nov 2026"
    words = rae.read("/questions?view=snoozed")
    assert f"out of sight until {day} or until something changes" in words
    assert words.count(f"Put off until {day}: Asked the <bank> Rae Lindt") == 1
    assert f"Put off until {day}: Asked the <bank>" in rae.read(f"/unmatched/{queue.ids['old']}")
    rae.post(f"/questions/{item}/snooze", {"wake": "1", "note": "They answered"})
    rae.post(f"/questions/{item}/assign", {"assigned_to": "", "note": "Whoever is first"})
    words = rae.read("/questions")
    assert "They answered" in words
    assert "Whoever is first" in words
    long = {"until": until.isoformat(), "note": "x" * 1001}
    assert rae.post(f"/questions/{item}/snooze", long).status_code == 422
    assert amounts(queue, "snoozed") == set()


@pytest.mark.thorough
def test_a_question_takes_a_note_where_it_stands_and_shows_the_last_of_them(queue):
    rae, item = queue.as_("reconciler"), item_of(queue, "new")
    assert f'/notes/{queue.ids["new"]}"' in rae.get("/questions").get_data(as_text=True)
    for number in range(4):
        form = {"note": f"Called, number {number}", "back": "/admin/questions"}
        assert rae.post(f"/notes/{queue.ids['new']}", form).status_code == 303
        queue.office.clock.advance(seconds=1)
    words = rae.read("/questions")
    assert "number 0" not in words
    for number in (1, 2, 3):
        assert f"Called, number {number}" in words
    assert rae.post(f"/questions/{item}/assign", {"assigned_to": ""}).status_code == 303
    assert rae.read("/questions").count("Called, number") == 3


def test_what_is_put_off_can_be_brought_back_at_once(queue):
    rae, item = queue.as_("reconciler"), item_of(queue, "old")
    tomorrow = queue.office.clock().date() + timedelta(days=1)
    rae.post(f"/questions/{item}/snooze", {"until": tomorrow.isoformat()})
    assert rae.post(f"/questions/{item}/snooze", {"wake": "1"}).status_code == 303
    assert amounts(queue, "all") == {"old", "new"}
    assert rae.post(f"/questions/{item}/snooze", {"until": "soon"}).status_code == 422
    assert amounts(queue, "all") == {"old", "new"}


def test_who_is_chosen_stays_who_it_is_when_another_of_that_name_comes(queue):
    rae, path = queue.as_("reconciler"), f"/questions/{item_of(queue, 'new')}/assign"
    html = rae.get("/questions").get_data(as_text=True)
    found = re.search(r'<option value="(\w+)">Rae Lindt</option>', html)
    assert found
    twin = queue.office.do(
        lambda work: people.create_user(
            work, email="twin@example.com", password=PASSWORD, role="admin", name="Rae Lindt"
        )
    )
    assert rae.post(path, {"assigned_to": found[1]}).status_code == 303, "the page is an older one"
    whose = "select assigned_to from review_item where id = :id"
    item = item_of(queue, "new")
    assert queue.office.scalar(whose, id=item) == queue.known["reconciler"]
    html = rae.get("/questions").get_data(as_text=True)
    assert f'<option value="{found[1]}" selected>Rae Lindt (reconciler@example.com)' in html
    other = re.search(r'<option value="(\w+)">Rae Lindt \(twin@example.com\)', html)
    assert other
    assert rae.post(path, {"assigned_to": other[1]}).status_code == 303
    assert queue.office.scalar(whose, id=item) == twin
    assert rae.post(path, {"assigned_to": "Rae Lindt"}).status_code == 422


def test_somebodys_questions_are_in_their_own_view_and_nobody_elses(queue):
    dana, rae = queue.as_("admin"), queue.as_("reconciler")
    form = {"assigned_to": queue.known["reconciler"]}
    assert dana.post(f"/questions/{item_of(queue, 'new')}/assign", form).status_code == 303
    mine = rae.read("/unmatched?view=mine")
    assert "$200.00" in mine
    assert "Assigned to Rae Lindt" in mine
    assert "Mine 1" in mine
    assert "Nothing in this view" in dana.read("/unmatched?view=mine")
    assert "A payment names nothing that it is for $200.00" in rae.read("/questions?view=mine")
    assert "See what fits" in rae.read("/questions?view=mine")
    assert "No question in this view" in dana.read("/questions?view=mine")


@pytest.mark.thorough
def test_what_is_older_than_two_days_has_a_view(queue):
    assert amounts(queue, "old") == {"old"}
    words = queue.viewer.read("/questions?view=old")
    assert "$100.00" in words
    assert "$200.00" not in words


def test_a_note_stands_on_the_record_once_however_often_it_is_sent(queue):
    rae, payment = queue.as_("reconciler"), queue.ids["new"]
    form = {"note": "Ann says it is for <b>May</b>", "once": "n1"}
    form["back"] = f"/admin/payments/{payment}"
    for _ in range(2):
        answer = rae.post(f"/notes/{payment}", form)
        assert (answer.status_code, answer.location) == (
            303,
            f"/admin/payments/{payment}#notes",
        )
    page = queue.viewer.get(f"/payments/{payment}")
    assert said(page).count("Ann says it is for <b>May</b>") == 1
    assert "<b>May</b>" not in page.get_data(as_text=True)
    assert "Ann says it is for" in rae.read(f"/unmatched/{payment}")


def test_a_form_leads_back_to_a_page_of_ours_only(queue):
    rae = queue.as_("reconciler")
    form = {"note": "Hello", "back": "https://evil.example/"}
    assert rae.post(f"/notes/{queue.ids['new']}", form).location == "/admin/#notes"


def test_of_two_that_are_alike_neither_is_the_best_and_the_split_proposes_nothing(screens):
    rail_id = screens.office.world.create_customer(name="Juniper")
    owner = screens.customer("Juniper", rail_customers={"stripe": rail_id})
    for number in ("INV-1005", "INV-1006"):
        screens.invoice(owner, 75_000, number)
    pay = screens.paid(75_000, customer=rail_id)
    html = screens.as_("reconciler").get(f"/unmatched/{pay}").get_data(as_text=True)
    assert "INV-1005 and INV-1006 are the same in customer, amount and due day" in html
    assert "Either will do." in html
    assert 'data-key="m"' not in html
    assert "Match $750.00 to INV-1006" in html
    assert f'id="amount-{screens.ids["INV-1005"]}"' in html
    assert 'value="750.00"' not in html
    screens.invoice(owner, 20_000, "INV-1007")
    less = screens.paid(60_000, customer=rail_id)
    html = screens.as_("reconciler").get(f"/unmatched/{less}").get_data(as_text=True)
    assert "are the same in" not in html


def test_of_two_for_different_things_it_is_said_what_each_is_for_and_not_that_either_does(screens):
    rail_id = screens.office.world.create_customer(name="Juniper")
    owner = screens.customer("Juniper", rail_customers={"stripe": rail_id})
    new = NewProject(customer_id=owner, name="Shop", currency="USD", original_price=150_000)
    stages = [
        Stage(kind=kind, name=name, part=Part(share=5_000))
        for kind, name in (("midpoint", "Design"), ("final", "Build"))
    ]

    def step(work) -> list[str]:
        project = projects.create(work, new)
        return milestones.plan(work, project, stages)

    design, build = screens.office.do(step)
    for stage in (design, build):
        made = screens.office.do(lambda work, stage=stage: billing.invoice(work, stage))
        send = partial(invoices.send, invoice_id=made, without_sign_off="Half ahead")
        screens.office.do(send)
    with keep_file.kept(screens.office.runtime, pdf()) as file:
        screens.office.do(lambda work: sign_offs.sign_off_by_file(work, design, "ok.pdf", file))
    pay = screens.paid(75_000, customer=rail_id)
    words = screens.as_("reconciler").read(f"/unmatched/{pay}")
    assert "are the same in customer, amount and due day, and not for the same" in words
    assert "Either will do" not in words
    assert "Project Shop, milestone “Design”, signed off" in words
    assert "milestone “Build”, not signed off yet" in words


@pytest.mark.thorough
def test_a_page_of_many_questions_asks_no_more_than_one_of_few(queue):
    rae, engine = queue.as_("reconciler"), queue.office.runtime.engine

    def statements() -> int:
        with Watch(engine) as asked:
            rae.read("/questions")
        return len(asked)

    few = statements()
    for _ in range(4):
        queue.paid(30_000, description="merci")
    assert statements() == few
    assert rae.read("/questions").count("A payment names nothing") > 5


def test_the_payer_is_asked_by_a_mail_that_says_which_money_it_is_about(screens):
    pay = screens.paid(39_000, description="Danke & Gruß", receipt_email="m.o'k@post.example")
    html = screens.as_("reconciler").get(f"/unmatched/{pay}").get_data(as_text=True)
    asked = re.search(r'href="(mailto:[^"]+)"[^>]*>Ask the payer by mail', html)
    assert asked
    address = urlsplit(unescape(asked[1]))
    said_there = parse_qs(address.query)
    assert unquote(address.path) == "m.o'k@post.example"
    assert said_there["subject"] == ["About your payment of $390.00"]
    (text,) = said_there["body"]
    rail_id = screens.office.scalar("select rail_payment_id from payment where id = :p", p=pay)
    for words in ("$390.00", "22 Nov 2026", rail_id, "\u201cDanke & Gruß\u201d", "\r\n"):
        assert words in text, words
    assert "mailto:" not in screens.as_("viewer").get(f"/unmatched/{pay}").get_data(as_text=True)
    unknown = screens.paid(100)
    assert "Ask the payer" not in screens.as_("reconciler").read(f"/unmatched/{unknown}")


@pytest.mark.thorough
def test_a_customers_own_address_will_do_where_the_payment_names_none(screens):
    rail_id = screens.office.world.create_customer(name="Acme")
    screens.customer("Acme", email="pay@acme.example", rail_customers={"stripe": rail_id})
    pay = screens.paid(39_000, customer=rail_id)
    html = screens.as_("reconciler").get(f"/unmatched/{pay}").get_data(as_text=True)
    assert "mailto:pay@acme.example?" in html
