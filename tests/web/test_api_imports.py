"""Files for import over the API: looked at, taken over once, refused by line and column."""

from io import BytesIO

from tests.web.api import ok, refused

ROWS = b"""kind,external_id,name,number,customer_id,currency,total,state
customer,x-1,Ann Lee,,,,,
invoice,,,X-1,x-1,USD,40000,sent
"""


def post(api, path: str, body: bytes, *, key=None, **form):
    headers = {"Idempotency-Key": key} if key else {}
    return api.call("POST", path, data=form | {"file": (BytesIO(body), "r.csv")}, headers=headers)


def test_a_preview_changes_nothing_and_taking_it_over_does_what_it_said(api):
    with api.unchanged():
        seen = ok(post(api, "/imports/preview", ROWS))
    assert seen["counts"] == {"customer": {"new": 1}, "invoice": {"new": 1}}
    made = ok(post(api, "/imports", ROWS, key="i-1"))
    assert made["counts"] == seen["counts"]
    assert made["import_id"].startswith("imp_")
    assert ok(post(api, "/imports", ROWS, key="i-1")) == made
    again = ok(post(api, "/imports", ROWS))
    assert (again["import_id"], again["imported_before"]) == (None, True)
    found = api.read("/invoices", number="X-1")["data"]
    assert [(one["status"], one["outstanding"]) for one in found] == [("sent", 40_000)]
    api.sound()


def test_rows_that_are_refused_are_named_by_line_and_column(api):
    bad = ROWS.replace(b"40000", b"400.00").replace(b"X-1", b"X-2")
    with api.unchanged():
        refused(post(api, "/imports", bad), 422, "line 3: total")
    seen = ok(post(api, "/imports/preview", bad))
    assert seen["refused"] == 1
    assert [(one["line"], one["field"]) for one in seen["bad"]] == [(3, "total")]


def test_no_file_or_no_table_is_refused(api):
    refused(api.call("POST", "/imports", data={"kind": "customer"}), 422, "file")
    refused(post(api, "/imports", b""), 422, "file")
    refused(post(api, "/imports", ROWS, kind="refund"), 422, "kind")
