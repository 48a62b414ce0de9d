"""What a page shows when there is nothing, when it may not, when it is late, when all is down."""

import re

import pytest

from reconciler.errors import Unavailable
from reconciler.web.admin import errors
from reconciler.web.admin.blueprint import routes
from tests.web.screens import Screens, said
from tests.web.test_admin_refunds import invoice_paid

EMPTY = re.compile(r'<div class="card empty">.*?<h2>([^<]+)</h2><p>([^<]+)</p>', re.DOTALL)
# What has something to show in an empty house, or is a form.
NEVER_EMPTY = {
    "/", "/account", "/people", "/exports", "/jobs", "/switches", "/settings", "/search", "/audit",
    "/reminders/texts", "/ledger/periods", "/events/replay", "/imports", "/figures",
    "/reconciliation", "/reconciliation/tie-out", "/counts", "/paper.css", "/refunds/new",
    "/reminders", "/webhooks", "/keys", "/portal-links", "/statements",
}  # fmt: skip


def lists() -> list[str]:
    """Every page that names no thing and begins none."""
    rules = {route.rule for route in routes() if route.method == "GET"}
    plain = {rule for rule in rules if "<" not in rule and not rule.endswith("/new")}
    return sorted(plain - NEVER_EMPTY)


def test_a_list_of_an_empty_house_says_so_and_what_will_be_there(screens: Screens):
    dana = screens.as_("admin")
    assert len(lists()) > 15
    for path in lists():
        html = dana.get(path, follow_redirects=True).get_data(as_text=True)
        found = EMPTY.search(html)
        assert found, path
        assert len(found[1]) > 5, path
        assert found[2].endswith((".", "?")), path


VIEWS = (
    "/payments?status=canceled", "/events?status=failed",
    "/questions?view=mine", "/unmatched?view=snoozed",
)  # fmt: skip


@pytest.mark.thorough
def test_a_view_that_holds_nothing_says_so_and_leads_back_to_all(company: Screens):
    vera = company.as_("viewer")
    for path in VIEWS:
        main = vera.get(path).get_data(as_text=True).partition("<main")[2]
        assert EMPTY.search(main), path
        home = f'href="/admin{path.partition("?")[0]}"'
        assert home in main.partition("card empty")[2], path


def test_what_changed_meanwhile_is_said_and_what_was_typed_is_kept(screens: Screens):
    invoice_paid(screens)
    refund = screens.ask_refund("reconciler", invoice_id=screens.ids["INV-1041"], amount=30_000,
                                treatment="credit")  # fmt: skip
    old = screens.rev("refund", refund)
    aki = screens.as_("approver")
    assert aki.post(f"/refunds/{refund}/approve", {"rev": old}).status_code == 303
    answer = screens.as_("second").post(
        f"/refunds/{refund}/decline", {"rev": old, "why": "It was delivered on Monday"}
    )
    assert answer.status_code == 409
    assert "Nothing was done. Below is how it stands now." in said(answer)
    assert "It was delivered on Monday" in said(answer)


def test_when_the_database_is_away_the_page_says_that_events_are_still_taken_in(screens: Screens):
    with screens.app.test_request_context("/admin/"):
        answer = errors.page(None, Unavailable("no database"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "We are still taking in events. Only these screens are down" in said(answer)
