"""The audit trail on screen: readable, narrowed, checked, erased in the open."""

from datetime import UTC, datetime

import psycopg
import pytest

from reconciler.books.invoice_lines import Line
from reconciler.reads import audit
from reconciler.reads.audit import AuditRow
from reconciler.reads.pages import Wanted
from reconciler.services import customers, invoices, people, switches
from reconciler.services.invoices import NewInvoice
from reconciler.web.admin import written_down
from reconciler.work import Cause
from tests.web.screens import Screens, said


@pytest.fixture
def trail(screens: Screens) -> Screens:
    """An admin, a customer renamed by somebody, and an invoice credited by a program."""
    screens.person("admin")
    ann = screens.by("reconciler", lambda w: customers.create(w, name="Ann", email="a@b.example"))
    screens.by("reconciler", lambda w: customers.patch(w, ann, {"name": "Anne"}))
    screens.ids["ann"] = ann
    screens.invoice(ann, 90_000, "INV-1")
    screens.office.clock.advance(days=1)
    note = {"amount": 1_500, "reason": "Logo was late"}
    screens.office.do(
        lambda w: invoices.credit_note(w, screens.ids["INV-1"], **note), Cause("api_key", "key_x")
    )
    return screens


def newest(screens: Screens, **filters) -> audit.AuditRow:
    with screens.office.runtime.read() as session:
        return audit.page(session, filters, Wanted(limit=1)).data[0]


def test_who_did_what_to_what_is_told_in_words(trail: Screens) -> None:
    words = trail.as_("admin").read("/audit")
    assert "Rae Lindt Customer changed" in words
    assert "Name Ann → Anne" in words
    assert f"Key key_x Invoice credited {trail.ids['INV-1']}" in words
    assert "Amount $15.00" in words
    assert "Logo was late" in words
    page = trail.as_("admin").get("/audit").get_data(as_text=True)
    assert f'href="/admin/invoices/{trail.ids["INV-1"]}"' in page


def test_it_says_that_it_is_unbroken_and_where_it_is_not(trail: Screens, servers, database) -> None:
    admin = trail.as_("admin")
    assert "Unbroken: all" in admin.read("/audit")
    with psycopg.connect(servers.url("postgres", database).replace("+psycopg", "", 1)) as line:
        line.execute("set session_replication_role = replica")
        line.execute("update audit_line set subject = 'x' where seq = 2")
    words = admin.read("/audit")
    assert "The trail is not as it was written. Line 2 is not as it was written" in words
    assert "Unbroken" not in words


def test_it_is_narrowed_by_who_what_subject_and_day(trail: Screens) -> None:
    admin = trail.as_("admin")

    def rows(query: str) -> int:
        return admin.get(f"/audit?{query}").get_data(as_text=True).count("<tr data-row>")

    assert rows(f"who={trail.person('reconciler')}") == 2
    assert rows("what=customer.changed") == 1
    assert rows(f"subject={trail.ids['ann']}") == 2
    assert rows("what=invoice.credited&since=2026-11-23") == 1
    assert rows("what=customer.changed&since=2026-11-23") == 0
    assert "No line is like this" in admin.read("/audit?what=nothing.done")
    assert admin.get("/audit?since=soon").status_code == 422
    assert admin.get("/audit?before=x").status_code == 422


def test_more_than_a_page_goes_on_with_the_same_filters(screens: Screens) -> None:
    for number in range(60):
        screens.office.do(lambda w, n=number: customers.create(w, name=f"C{n}"))
    admin = screens.as_("admin")
    page = admin.get("/audit?what=customer.created").get_data(as_text=True)
    assert page.count("<tr data-row>") == 50
    older = page.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
    rest = admin.client.get(older.replace("&amp;", "&")).get_data(as_text=True)
    assert rest.count("<tr data-row>") == 10


def test_words_are_erased_with_a_reason_and_the_trail_stays_whole(trail: Screens) -> None:
    line = newest(trail, action="customer.created")
    admin = trail.as_("admin")
    assert "a@b.example" in admin.read(f"/audit/{line.id}")
    assert admin.post(f"/audit/{line.id}/erase", {"why": " "}).status_code == 422
    answer = admin.post(f"/audit/{line.id}/erase", {"why": "She asked us to"})
    assert (answer.status_code, answer.location) == (303, f"/admin/audit/{line.id}")
    words = admin.read(f"/audit/{line.id}")
    assert "Erased" in words
    assert "a@b.example" not in words
    listed = admin.read("/audit")
    assert f"Dana Cole Audit line erased {line.id}" in listed
    assert "Unbroken: all" in listed
    assert trail.office.violations() == []
    assert admin.post(f"/audit/{line.id}/erase", {"why": "again"}).status_code == 409


def test_who_is_no_person_is_named_too(screens: Screens) -> None:
    for cause in (Cause("command", "people"), Cause("job", "invariants")):
        screens.office.do(lambda w: switches.change(w, "refunds", on=True, reason="a drill"), cause)
    made = {"email": "eve@example.com", "password": "seven tall herons", "role": "viewer"}
    screens.office.do(lambda w: people.create_user(w, **made))
    wrong = {"email": "eve@example.com", "password": "x", "address": "10.0.0.1"}
    screens.office.do(lambda w: people.sign_in(w, **wrong), Cause("browser", "sign-in"))
    words = screens.as_("admin").read("/audit")
    assert "Command people Switch turned on" in words
    assert "Reconciler Switch turned on" in words
    assert "Somebody Person created" in words
    assert "Somebody not signed in Person sign in refused" in words


@pytest.mark.parametrize("role", ["viewer", "reconciler", "approver"])
def test_others_do_not_see_it_nor_the_way_to_it(trail: Screens, role: str) -> None:
    somebody = trail.as_(role)
    assert somebody.get("/audit").status_code == 403
    assert somebody.get("/audit/1").status_code == 403
    assert somebody.post("/audit/1/erase", {"why": "x"}).status_code == 403
    assert "Audit trail" not in somebody.get("/").get_data(as_text=True)


def test_there_is_no_such_line(screens: Screens) -> None:
    admin = screens.as_("admin")
    assert admin.get("/audit/999").status_code == 404
    assert admin.get("/audit/one").status_code == 404
    assert "There is no such thing" in said(admin.post("/audit/999/erase", {"why": "x"}))


def test_what_a_deed_says_inside_of_a_value_is_read_line_by_line(screens: Screens) -> None:
    screens.person("admin")
    owner = screens.customer("Ann")
    lines = [Line(description="Logo", quantity="2", unit_price=4_500)] + [
        Line(description=f"Icon {n}", quantity="1", unit_price=100) for n in range(14)
    ]
    new = NewInvoice(customer_id=owner, number="INV-7", currency="USD", lines=lines)
    made = screens.by("reconciler", lambda work: invoices.create(work, new))
    screens.by("reconciler", lambda w: invoices.patch(w, made, {"lines": lines[:1]}))
    admin = screens.as_("admin")
    words = admin.read("/audit?what=invoice.created")
    assert "Line 1 description: Logo; quantity: 2; tax rate: 0; unit price: $45.00" in words
    assert "Line 12 description: Icon 10" in words
    assert "Line 13" not in words
    assert "Lines, further 3 more" in words
    of_it = newest(screens, action="invoice.created")
    assert "Line 15 description: Icon 13" in admin.read(f"/audit/{of_it.id}")
    changed = newest(screens, action="invoice.changed")
    assert "Total $104.00 → $90.00" in admin.read(f"/audit/{changed.id}")
    assert "Line 15" in admin.get("/audit?as=csv").get_data(as_text=True)
    own = screens.as_("reconciler").read("/recent")
    assert "Line 1 description: Logo; quantity: 2; tax rate: 0; unit price: $45.00" in own


def test_what_is_inside_is_covered_where_it_says_who_somebody_is() -> None:
    said = {
        "currency": "JPY",
        "terms": {
            "stages": [{"name": "Design", "amount": 4_500, "email": "ann@a.example"}],
            "signed": {"by": "Ann", "ip": "192.0.2.7", "user_agent": ""},
            "codes": ["A", "B"],
            "none": [],
        },
    }
    line = AuditRow(
        id="1", at=datetime(2026, 11, 2, tzinfo=UTC), cause=Cause("person", "usr_1"), name="Rae",
        action="proposal.created", subject="prop_1", before={}, after=said, why=None,
        request_id=None, is_erased=False, hash="",
    )  # fmt: skip
    assert [(one.name, one.after) for one in written_down.changes(line)] == [
        ("Currency", "JPY"),
        ("Terms, stage 1", "name: Design; amount: ¥4,500; email: •••"),
        ("Terms, signed, by", "Ann"),
        ("Terms, signed, ip", "•••"),
        ("Terms, codes", "A; B"),
    ]
