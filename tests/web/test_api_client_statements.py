"""A client's statement over the API: the figures of their page and of the paper, part by part."""

import pytest

from reconciler import money
from reconciler.books.portal import Scope
from reconciler.services import portal_links
from reconciler.web.admin import words
from tests.web.api import Api, refused
from tests.web.screens import said

YEAR = {"since": "2026-01-01", "until": "2026-12-31"}


@pytest.fixture
def ann(api: Api) -> str:
    """Somebody with 800.00 of 2,000.00 paid in a project, and 5,000 JPY owed besides."""
    customer = api.a_customer()["id"]
    project = api.a_project(200_000, customer_id=customer)
    invoice = api.an_invoice(200_000, customer_id=customer, project_id=project["id"])
    api.in_cash(invoice["id"], 80_000)
    api.an_invoice(5_000, customer_id=customer, currency="JPY")
    return customer


def test_it_says_what_happened_and_what_is_owed(api, ann):
    found = api.read(f"/customers/{ann}/statement", **YEAR)
    assert (found["is_continued"], found["next_cursor"]) == (False, None)
    yen, dollars = found["data"]
    assert (yen["currency"], yen["opening"], yen["closing"]) == ("JPY", 0, 5_000)
    assert [(line["event"], line["amount"], line["balance"]) for line in dollars["lines"]] == [
        ("payment", -80_000, -80_000),  # received on the 20th, before it was invoiced
        ("charge", 200_000, 120_000),
    ]
    assert dollars["closing"] == 120_000


def test_the_clients_page_and_the_paper_say_the_same(api, ann):
    link = api.office.do(
        lambda work: portal_links.create(work, scope=Scope.CUSTOMER, subject_id=ann)
    )[1]
    found = api.read(f"/customers/{ann}/statement", **YEAR)
    for place, shown in (("statement", words.shown), ("statement/print", money.shown)):
        there = said(api.client.get(f"/portal/{link}/{place}", query_string=YEAR))
        for one in found["data"]:
            for line in one["lines"]:
                amounts = (shown(line[name], one["currency"]) for name in ("amount", "balance"))
                assert " ".join((line["text"], *amounts)) in there


def test_in_parts_each_begins_where_the_one_before_ended(api, ann):
    whole = api.read(f"/customers/{ann}/statement", **YEAR)
    lines, balances, cursor = [], {}, None
    for n in range(10):
        asked = {**YEAR, "limit": 1} | ({"cursor": cursor} if cursor else {})
        part = api.read(f"/customers/{ann}/statement", **asked)
        assert part["is_continued"] is bool(n)
        for one in part["data"]:
            assert one["opening"] == balances.get(one["currency"], 0)
            balances[one["currency"]] = one["closing"]
            lines += [(one["currency"], line["text"], line["balance"]) for line in one["lines"]]
        cursor = part["next_cursor"]
        if cursor is None:
            break
    assert sorted(lines) == sorted(
        (one["currency"], line["text"], line["balance"])
        for one in whole["data"]
        for line in one["lines"]
    )
    assert balances == {one["currency"]: one["closing"] for one in whole["data"]}


def test_a_project_has_its_own(api, ann):
    [project] = api.read("/projects", customer_id=ann)["data"]
    [only] = api.read(f"/projects/{project['id']}/statement", **YEAR)["data"]
    assert (only["currency"], only["closing"]) == ("USD", 120_000)


def test_without_days_it_is_this_year_so_far(api, ann):
    found = api.read(f"/customers/{ann}/statement")
    today = api.office.clock().date()
    assert (found["since"], found["until"]) == (f"{today.year}-01-01", today.isoformat())
    assert [one["closing"] for one in found["data"]] == [5_000, 120_000]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"since": "2026-12-02", "until": "2026-12-01"}, "since"),
        ({"since": "2010-01-01", "until": "2026-12-01"}, "since"),
        ({"since": "yesterday"}, "since"),
        ({"cursor": "x"}, "cursor"),
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"page": 2}, "page"),
    ],
)
def test_what_is_wrong_is_named(api, ann, asked, field):
    refused(api.get(f"/customers/{ann}/statement", **asked), 422, field)


def test_a_cursor_of_another_period_is_none(api, ann):
    part = api.read(f"/customers/{ann}/statement", **YEAR, limit=1)
    later = {"since": "2026-12-01", "until": "2026-12-31", "cursor": part["next_cursor"]}
    refused(api.get(f"/customers/{ann}/statement", **later), 422, "cursor")


def test_there_is_none_of_nobody(api):
    refused(api.get("/customers/cust_none/statement"), 404)
    refused(api.get("/projects/proj_none/statement"), 404)


def test_every_key_may_look_and_nobody_without_one(api, ann):
    for scope in ("read", "write", "refund", "admin"):
        assert api.get(f"/customers/{ann}/statement", by=scope).status_code == 200
    assert api.client.get(f"/api/v1/customers/{ann}/statement").status_code == 401
