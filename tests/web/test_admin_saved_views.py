"""Filters under a name: one's own, shared ones, replaced, removed, and never another's."""

import pytest

from reconciler.services import saved_views
from tests.web.screens import Screens


def save(by, name: str, query: str, page: str = "/admin/payments", **more):
    return by.post("/account/views", {"page": page, "query": query, "name": name} | more)


def test_a_view_is_kept_shared_replaced_and_removed(screens: Screens):
    vera, rae = screens.as_("viewer"), screens.as_("reconciler")
    answer = save(vera, "Refunded ones", "status=refunded&before=abc", shared="1")
    assert (answer.status_code, answer.location) == (303, "/admin/payments?status=refunded")
    save(vera, "Mine alone", "status=failed")
    assert "Refunded ones" in vera.read("/payments")
    theirs = rae.read("/payments?status=refunded")
    assert "Refunded ones Vera Noor" in theirs
    assert "Mine alone" not in theirs
    save(vera, "refunded ONES", "status=disputed")
    assert screens.office.scalar("select count(*) from saved_view") == 2
    assert "Refunded ones" not in rae.read("/payments")  # shared no longer
    view = screens.office.scalar("select id from saved_view where name = 'refunded ONES'")
    assert rae.post(f"/account/views/{view}/remove", {}).status_code == 404
    assert vera.post(f"/account/views/{view}/remove", {}).location == "/admin/payments"
    assert screens.office.scalar("select count(*) from saved_view") == 1
    assert "Mine alone" not in vera.read("/invoices")


@pytest.mark.parametrize(
    ("page", "query", "name"),
    [
        ("https://evil.example/", "a=b", "x"),
        ("/admin/payments/../../x", "a=b", "x"),
        ("/admin/payments", "a" * (saved_views.QUERY_CHARS_MAX + 1), "x"),
        ("/admin/payments", "a=b", " "),
        ("/admin/payments", "a=b", "x" * (saved_views.NAME_CHARS_MAX + 1)),
    ],
)
def test_only_lists_of_ours_are_kept_under_a_short_name(standing, page, query, name):
    assert save(standing.as_("viewer"), name, query, page).status_code == 422
    kept = "select count(*) from saved_view where page <> '/admin/events'"
    assert standing.office.scalar(kept) == 0


def test_nobody_keeps_more_than_they_can_find(standing):
    vera = standing.as_("viewer")
    for number in range(saved_views.VIEWS_MAX):
        assert save(vera, f"View {number}", "status=failed", "/admin/events").status_code == 303
    assert save(vera, "One more", "status=failed", "/admin/events").status_code == 409
    assert save(vera, "View 0", "status=pending", "/admin/events").status_code == 303
