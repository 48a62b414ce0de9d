"""The screens of projects: what is planned, billed and changed there."""

import pytest
import sqlalchemy as sa

from reconciler.books import sign_offs as rules
from reconciler.services import sign_offs
from reconciler.store.projects import Milestone
from reconciler.work import Cause
from tests.web import furniture
from tests.web.screens import Screens, said


@pytest.fixture
def workshop(screens: Screens) -> Screens:
    """A company with one project under way."""
    screens.ids["cedar"] = screens.customer("Cedar & Söhne")
    furniture.projects_of(screens)
    return screens


def test_a_project_shows_what_was_agreed_and_what_became_of_it(workshop):
    rae = workshop.as_("reconciler")
    shown = rae.read("/projects/" + workshop.ids["project"])
    for words in ("Kitchen &", "Cedar & Söhne", "$10,000.01", "$4,000.01", "Overdue",
                  "Oak, oiled", "DEP-1001", "Still to be invoiced $6,000.00"):  # fmt: skip
        assert words in shown
    assert "1 project on this page" in rae.read("/projects")


def test_the_list_says_how_many_sign_offs_are_missing(workshop):
    assert "2 sign-offs missing" in workshop.as_("viewer").read("/projects")  # billed, drafted
    workshop.office.clock.advance(days=56)
    assert "3 sign-offs missing" in workshop.as_("viewer").read("/projects")  # the last is due


def test_the_card_of_missing_sign_offs_leads_to_what_it_counts(workshop):
    rae = workshop.as_("reconciler")
    words = rae.read("/")
    assert "Milestones waiting for sign-off 1 $1,000.00" in words, "what is sent waits for none"
    assert "They wait for the client to say so: nobody here has to do anything" in words
    assert "thing waits for a person" not in words, "it is none of the work that is counted"
    assert 'href="/admin/projects?view=unsigned"' in rae.get("/").get_data(as_text=True)
    html = rae.get("/projects?view=unsigned").get_data(as_text=True)
    assert html.count("is drafted") == 1
    assert f'href="/admin/milestones/{workshop.ids["milestone_2"]}/sign-offs"' in html
    words = rae.read("/projects?view=unsigned")
    assert "Waiting for sign-off 1" in words
    assert "Worktop, $1,000.00 is drafted" in words
    assert "sign-offs missing" not in words
    _sign_off(workshop)
    assert "Milestones waiting for sign-off 0" in rae.read("/")
    assert "No milestone waits for its sign-off" in rae.read("/projects?view=unsigned")


def test_nothing_is_headed_signed_off_that_is_not(workshop):
    page = workshop.as_("viewer").read(f"/milestones/{workshop.ids['milestone_2']}/sign-offs")
    assert "The client has signed nothing for this milestone yet." in page
    assert "Signed off" not in page


def test_a_sign_off_of_other_words_is_none(workshop):
    _sign_off(workshop)
    changed = sa.update(Milestone).where(Milestone.id == workshop.ids["milestone_2"])
    workshop.office.do(lambda work: work.session.execute(changed.values(description="Ash, oiled")))
    rae = workshop.as_("reconciler")
    assert "Milestones waiting for sign-off 1 $1,000.00" in rae.read("/")
    assert "Worktop, $1,000.00 is drafted" in rae.read("/projects?view=unsigned")


def test_what_is_signed_off_waits_on_the_first_page_until_it_is_sent(workshop):
    rae, milestone = workshop.as_("reconciler"), workshop.ids["milestone_2"]
    assert "Signed off, and not sent" not in rae.read("/")
    _sign_off(workshop)
    draft = workshop.office.rows("select id, number from invoice where state = 'draft'")[0]
    html, words = rae.get("/").get_data(as_text=True), rae.read("/")
    assert "1 thing waits for a person." in words
    assert "Signed off, and not sent 1 $1,000.00" in words
    assert f"Nobody owes it until it is sent: {draft.number} for Worktop" in words
    assert f'href="/admin/invoices/{draft.id}"' in html
    form = {"invoice_id": draft.id, "due_on": "2026-12-20"}
    assert rae.post(f"/milestones/{milestone}/send", form).status_code == 303
    assert "Signed off, and not sent" not in rae.read("/")


def test_what_has_no_due_day_is_sent_with_one(workshop):
    _sign_off(workshop)
    rae, project = workshop.as_("reconciler"), f"/projects/{workshop.ids['project']}"
    draft = workshop.office.rows("select id, number from invoice where state = 'draft'")[0]
    page = rae.get(project).get_data(as_text=True)
    assert page.count("To be paid until") == 1, "the others say until when"
    path, form = f"/milestones/{workshop.ids['milestone_2']}/send", {"invoice_id": draft.id}
    refused = rae.post(path, form)
    assert refused.status_code == 422
    assert f"Say until when {draft.number} is to be paid" in said(refused)
    assert "Write the day like" in said(rae.post(path, form | {"due_on": "soon"}))
    assert workshop.office.scalar("select state from invoice where id = :i", i=draft.id) == "draft"
    done = rae.post(path, form | {"due_on": "2026-12-20"})
    assert "Nothing was mailed: its own page does that." in said(rae.client.get(done.location))
    row = workshop.office.rows("select state, due_on from invoice where id = :i", i=draft.id)[0]
    assert (row.state, str(row.due_on)) == ("sent", "2026-12-20")
    assert workshop.office.violations() == []


def _sign_off(made: Screens) -> None:
    milestone = made.ids["milestone_2"]

    def step(work) -> None:
        seen = rules.digest(sign_offs.terms(work.session.get(Milestone, milestone)))
        sign_offs.sign_off_by_client(work, milestone, "Ann Lee", seen=seen)

    made.office.do(step, Cause("client", "portal"))


def test_who_may_only_look_is_told_so(workshop):
    shown = workshop.as_("viewer").read("/projects/" + workshop.ids["project"])
    assert "Create invoice" not in shown
    assert "Reconciler" in shown


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"customer": "Nobody"}, "There is no customer called Nobody"),
        ({"price": "10.001"}, "USD has 2 decimals"),
        ({"currency": "XXQ"}, "XXQ"),
        ({"share-1": "70 %"}, "come to 70, not to 100"),
        ({"share-1": "99.99"}, "the plan comes to $99.99"),
        ({"share-1": "-5"}, "more than zero"),
        ({"due_on-1": "soon"}, "Write the day like"),
    ],
)
def test_a_project_that_cannot_be_is_shown_again_with_the_reason(workshop, form, says):
    usual = {"customer": "Cedar & Söhne", "name": "Attic", "currency": "USD", "price": "100",
             "kind-1": "final", "share-1": "100 %"}  # fmt: skip
    answer = workshop.as_("reconciler").post("/projects/new", usual | form)
    assert answer.status_code == 422
    assert says.lower() in said(answer).lower()
    assert 'value="Attic"' in answer.get_data(as_text=True)


def test_a_form_of_an_older_milestone_is_refused(workshop):
    last = workshop.ids["milestone_3"]
    answer = workshop.as_("reconciler").post(f"/milestones/{last}/invoice", {"rev": "99"})
    assert answer.status_code == 409
    assert "was changed meanwhile" in said(answer)


def test_a_milestone_is_billed_once_from_one_form(workshop):
    rae, last = workshop.as_("reconciler"), workshop.ids["milestone_3"]
    form = {"once": "a-form", "rev": "1"}
    first = rae.post(f"/milestones/{last}/invoice", form)
    again = rae.post(f"/milestones/{last}/invoice", form)
    assert first.status_code == again.status_code == 303
    assert first.location == again.location
    assert rae.post(f"/milestones/{last}/invoice", {"rev": "1"}).status_code == 409
    assert workshop.office.violations() == []
