"""Projects in a real browser: accessible, on a telephone, and without scripts."""

import pytest

from tests.browser.conftest import SIZES, Site
from tests.web import furniture

pytestmark = pytest.mark.slow


@pytest.fixture
def workshop(site: Site) -> Site:
    """A company with one project under way."""
    site.screens.ids["cedar"] = site.screens.customer('Cedar <b>Söhne</b> & "Partners" Ltd')
    furniture.projects_of(site.screens)
    furniture.proposal_of(site.screens)
    return site


@pytest.mark.thorough  # most of them stand in test_pages.py too
@pytest.mark.parametrize("size", SIZES)
def test_the_pages_of_a_project_are_accessible_fit_and_are_silent(workshop, size):
    window = workshop.window(size=size)
    window.is_in("reconciler")
    paths = (
        "/projects", "/projects/new", "/projects/{project}", "/proposals", "/proposals/new",
        "/proposals/{proposal}",
    )  # fmt: skip
    for path in paths:
        window.go(path.format(**workshop.screens.ids))
        for summary in window.page.query_selector_all("main details > summary"):
            summary.click()
        assert window.faults() == [], path
        assert window.overflow() <= 0, path
    assert window.complaints == []


def test_a_project_is_begun_billed_and_changed_without_scripts(workshop):
    window = workshop.window(script=False)
    window.is_in("reconciler")
    window.go("/projects/new")
    page = window.page
    page.fill("#customer", 'Cedar <b>Söhne</b> & "Partners" Ltd')
    page.fill("#name", "Attic")
    page.fill("#price", "1,000.01")
    page.click("text=Begin the project")
    said = window.text()
    assert "$300.00" in said
    assert "$400.01" in said
    page.click("text=Ask for the deposit")
    assert "The deposit is asked for" in window.text()
    page.locator("li.milestone", has_text="Midpoint").get_by_text("Create invoice").click()
    assert page.inner_text("h1").startswith("INV-")
    page.go_back()
    page.locator("summary", has_text="Change the price").click()
    page.fill("#approved_price", "900.00")
    page.fill("#reason", "No window")
    page.click("text=Move the approved price")
    assert "The milestones would come to $1,000.01" in window.text()
    page.fill("#approved_price", "1200.01")
    page.fill("#share-1", "200")
    page.fill("#name-1", "Window")
    page.click("text=Move the approved price")
    assert "The approved price has moved" in window.text()
    assert "Window" in window.text()
    assert workshop.screens.office.violations() == []


def test_a_proposal_is_written_offered_and_accepted_without_scripts(workshop):
    window = workshop.window(script=False)
    window.is_in("reconciler")
    window.go("/proposals/new")
    page = window.page
    page.fill("#customer", 'Cedar <b>Söhne</b> & "Partners" Ltd')
    page.fill("#name", "Attic")
    page.fill("#description-line-1", "Oak floor")
    page.fill("#quantity-line-1", "2.5")
    page.fill("#unit_price-line-1", "400.00")
    page.click("text=Draft the proposal")
    assert "Oak floor: 2.5 at USD 400.00, USD 1,000.00" in window.text()
    page.click("button:has-text('Offer it')")
    page.fill("#name", "Ann Cedar")
    page.click("text=Record the acceptance")
    assert page.inner_text("h1") == "Attic"
    assert "DEP-" in window.text()
    assert workshop.screens.office.violations() == []
