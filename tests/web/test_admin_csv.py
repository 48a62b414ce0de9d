"""Every list is handed out as CSV: by the filters of its page, all of its rows, safe to open."""

import csv
import io
import re

import pytest

from reconciler.services import customers
from reconciler.web.admin.paging import PER_PAGE
from tests.web import furniture
from tests.web.looks import LOOKS
from tests.web.screens import Screens

_LINK = re.compile(r'href="(/admin/[^"]*[?&](?:amp;)?as=csv)"')
LISTS = {
    "/unmatched", "/payments", "/invoices", "/customers", "/deposits", "/refunds", "/disputes",
    "/disputes?view=all", "/projects", "/proposals", "/payouts", "/payouts/{payout}",
    "/portal-links", "/webhooks", "/messages", "/questions", "/reconciliation", "/statements",
    "/statements/{statement}", "/events", "/ledger/entries", "/audit", "/imports",
    "/vendors", "/bills", "/prepayments",
}  # fmt: skip


def rows(somebody, address: str) -> list[dict[str, str]]:
    answer = somebody.get(address.removeprefix("/admin").replace("&amp;", "&"))
    assert answer.status_code == 200, address
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True), newline="")))


@pytest.fixture(scope="module")
def dana(company: Screens):
    furniture.projects_of(company)
    furniture.proposal_of(company)
    furniture.purchases_of(company)
    return company.as_("admin")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("path", sorted(LISTS))
def test_a_list_offers_all_that_it_shows(company: Screens, dana, path: str) -> None:
    html = dana.get(path.format(**company.ids)).get_data(as_text=True)
    (address,) = _LINK.findall(html)
    found = rows(dana, address)
    if path == "/portal-links":
        assert found == []
        return
    assert found, "the company has some of everything"
    assert None not in found[0], "no cell without a column"
    for name in found[0]:
        assert f"{name}_decimal" not in found[0] or "currency" in found[0]


def test_every_page_that_goes_on_is_such_a_list() -> None:
    assert LISTS - {"/disputes?view=all"} <= set(LOOKS)


def test_the_file_holds_the_rows_of_all_pages_and_no_cursor_shortens_it(screens: Screens) -> None:
    def many(work) -> None:
        for number in range(PER_PAGE + 3):
            customers.create(work, name=f"{'Ann' if number % 2 else '=Bo'} {number}")

    screens.office.do(many)
    rae = screens.as_("viewer")
    assert len(rows(rae, "/admin/customers?as=csv")) == PER_PAGE + 3
    only = rows(rae, "/admin/customers?name=bo&as=csv")
    assert len(only) == PER_PAGE // 2 + 2
    assert {row["name"][:4] for row in only} == {"'=Bo"}
    page = rae.get("/customers?name=bo").get_data(as_text=True)
    assert 'href="/admin/customers?name=bo&amp;as=csv"' in page
    second = re.search(r'href="(/admin/customers\?before=[^"]+)"', rae.get("/customers").text)
    assert second
    html = rae.get(second[1].removeprefix("/admin")).get_data(as_text=True)
    assert 'href="/admin/customers?as=csv"' in html


def test_amounts_are_there_in_minor_units_and_as_decimals(screens: Screens) -> None:
    customer = screens.customer("Ann")
    screens.invoice(customer, 12_345, "INV-9")
    (row,) = rows(screens.as_("viewer"), "/admin/invoices?view=open&as=csv")
    assert (row["total"], row["total_decimal"], row["outstanding_decimal"]) == (
        "12345", "123.45", "123.45",
    )  # fmt: skip
    assert row["status"] == "sent"
    assert rows(screens.as_("viewer"), "/admin/invoices?view=paid&as=csv") == []


def test_who_may_not_see_a_list_gets_no_file_of_it(screens: Screens) -> None:
    assert screens.as_("viewer").get("/audit?as=csv").status_code == 403
    assert screens.as_("viewer").get("/exports?noun=audit").status_code == 404
    assert screens.as_("admin").get("/exports?noun=audit").status_code == 200
    assert screens.as_("viewer").get("/payments?status=odd&as=csv").status_code == 422


def test_everything_can_be_taken_out_from_one_page(screens: Screens) -> None:
    customer = screens.customer("Ann")
    screens.invoice(customer, 500, "INV-9")
    rae = screens.as_("viewer")
    html = rae.get("/exports").get_data(as_text=True)
    addresses = re.findall(r'href="(/admin/exports\?noun=[^"]+format=csv)"', html)
    assert len(addresses) > 20
    assert [row["number"] for row in rows(rae, "/admin/exports?noun=invoices")] == ["INV-9"]
    answer = rae.get("/exports?noun=invoices&format=json")
    assert [row["total"] for row in answer.get_json()] == [500]
    assert rae.get("/exports?noun=nothing").status_code == 404
