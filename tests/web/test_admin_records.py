"""Payments, invoices, deposits, events and the ledger as people read and correct them."""

import pytest

from reconciler.sandbox.player import body_of
from tests.web.screens import Screens, said


@pytest.fixture
def birch(screens: Screens) -> Screens:
    """A customer who paid 800.00 of 2,000.00, and 600.00 ahead."""
    return _birch(screens)


@pytest.fixture(scope="module")
def still(standing: Screens) -> Screens:
    """The same, for tests that change nothing."""
    return _birch(standing)


def _birch(screens: Screens) -> Screens:
    rail_id = screens.office.world.create_customer(name="Birch", email="till@birch.example")
    customer_id = screens.customer("Birch", rail_customers={"stripe": rail_id})
    screens.ids |= {"cus": rail_id, "birch": customer_id}
    screens.invoice(customer_id, 200_000, "INV-1042")
    screens.invoice(customer_id, 50_000, "INV-1043")
    screens.deposit(customer_id, 60_000, "DEP-1001")
    screens.ids["pay"] = screens.paid(80_000, customer=rail_id, metadata={"invoice": "INV-1042"})
    screens.paid(60_000, customer=rail_id, metadata={"deposit": "DEP-1001"})
    return screens


def _claim(screens: Screens) -> str:
    return screens.office.scalar(
        "select id from allocation where payment_id = :p and closed_at is null",
        p=screens.ids["pay"],
    )


def _apply(screens: Screens, by: str, amount: str, number: str = "INV-1043"):
    form = {"invoice_id": screens.ids.get(number, number), "amount": amount}
    return screens.as_(by).post("/deposits/DEP-1001/apply", form)


# Payments


def test_unmatching_says_beforehand_what_it_will_do_and_does_that(birch):
    somebody = birch.as_("reconciler")
    path = f"/payments/{birch.ids['pay']}"
    words = somebody.read(path)
    assert "A reversing entry will be posted today. INV-1042 goes back to $2,000.00 open" in words
    assert "Unmatch $800.00 from INV-1042" in words
    form = {"rev": birch.rev("payment", birch.ids["pay"]), "allocation": _claim(birch)}
    answer = somebody.post(f"{path}/unmatch", form)
    assert answer.status_code == 303
    words = said(somebody.client.get(answer.location))
    assert "Undone: the payment is off INV-1042 again. A reversing entry was posted" in words
    assert "Tied to nothing. $800.00 is unapplied cash" in words
    assert "Match $800.00" in words
    assert "$2,000.00 left to pay" in somebody.read("/invoices/INV-1042")
    assert birch.office.violations() == []


def test_unmatching_what_has_changed_meanwhile_does_nothing(birch):
    somebody = birch.as_("reconciler")
    path = f"/payments/{birch.ids['pay']}/unmatch"
    form = {"rev": birch.rev("payment", birch.ids["pay"]) - 1, "allocation": _claim(birch)}
    before = birch.books()
    answer = somebody.post(path, form)
    assert answer.status_code == 409
    assert "changed meanwhile. Nothing was undone." in said(answer)
    right = {"rev": birch.rev("payment", birch.ids["pay"])}
    assert somebody.post(path, right).status_code == 422
    assert somebody.post(path, right | {"allocation": "alo_none"}).status_code == 404
    assert somebody.post("/payments/none/unmatch", form).status_code == 404
    assert birch.books() == before


def test_a_payments_page_tells_its_whole_story_in_order(still):
    words = still.as_("viewer").read(f"/payments/{still.ids['pay']}")
    for part in (
        "Of $800.00: $800.00 on invoices",
        "payment_intent.succeeded",
        "Matched $800.00 to INV-1042",
        "Booked $800.00: debit Stripe clearing, credit Unapplied cash",
        "Booked $800.00: debit Unapplied cash, credit Accounts receivable",
        "Booked $23.50: debit Processing fees, credit Stripe clearing",
        "$800.00 could still be given back",
        "Auto: named on the payment itself",
    ):
        assert part in words or part in _html(still, f"/payments/{still.ids['pay']}"), part
    at = words.index("Timeline")
    assert at < words.index("Booked $800.00: debit Stripe", at) < words.index("Processing fees", at)


def _html(screens: Screens, path: str) -> str:
    return screens.as_("viewer").get(path).get_data(as_text=True)


def test_only_what_is_legal_now_is_offered(birch):
    somebody = birch.as_("reconciler")
    words = somebody.read(f"/payments/{birch.ids['pay']}")
    assert "Request refund" in words
    assert "Match $" not in words.replace("Unmatch $", "")
    birch.office.world.refund(_rail_id(birch), 80_000)
    birch.hear("")
    words = somebody.read(f"/payments/{birch.ids['pay']}")
    assert "Request refund" not in words
    assert "Unmatch $" not in words
    assert "Refunded" in words


def _rail_id(screens: Screens) -> str:
    return screens.office.scalar(
        "select rail_payment_id from payment where id = :i", i=screens.ids["pay"]
    )


def test_a_disputed_payment_says_so(birch):
    birch.office.world.dispute(_rail_id(birch))
    birch.hear("")
    words = birch.as_("viewer").read(f"/payments/{birch.ids['pay']}")
    assert "The payer's bank disputes this payment" in words
    assert "Disputes" in birch.as_("viewer").read("/")


def test_payments_are_listed_by_status(still):
    somebody = still.as_("viewer")
    assert somebody.get("/payments").get_data(as_text=True).count("data-row") == 2
    assert "No payment is like this" in somebody.read("/payments?status=failed")


# Invoices


def test_an_invoice_shows_what_paid_it_and_what_is_left(still):
    words = still.as_("viewer").read("/invoices/inv-1042")
    assert "$1,200.00 left to pay" in words
    assert "$800.00 of $2,000.00 paid" in words
    assert "Total $2,000.00 Credited $0.00 Paid $800.00 Left to pay $1,200.00" in words
    html = still.as_("viewer").get("/invoices/INV-1042").get_data(as_text=True)
    assert '<rect class="some" x="0.000" width="40.000"' in html
    assert 'aria-label="$800.00 of $2,000.00 paid"' in html


def test_stripes_are_for_part_and_solid_is_for_all(birch):
    birch.paid(120_000, customer=birch.ids["cus"], metadata={"invoice": "INV-1042"})
    html = birch.as_("viewer").get("/invoices/INV-1042").get_data(as_text=True)
    assert '<rect class="paid" x="0.000" width="100.000"' in html
    assert 'class="some"' not in html


def test_the_totals_are_those_of_all_sent_invoices(birch):
    birch.invoice(birch.ids["birch"], 999, "INV-9000", draft=True)
    words = birch.as_("viewer").read("/invoices")
    assert "Invoiced $2,500.00 Collected $800.00 Credited $0.00 Outstanding $1,700.00" in words
    assert "Overdue $0.00" in words
    birch.office.clock.advance(days=11)
    assert "Overdue $1,700.00" in birch.as_("viewer").read("/invoices")


def test_a_view_of_invoices_holds_what_it_says(birch):
    birch.invoice(birch.ids["birch"], 999, "INV-9000", draft=True)
    somebody = birch.as_("viewer")
    everything = {"INV-1042", "INV-1043", "INV-9000"}
    for view, numbers in {
        "all": everything,
        "open": {"INV-1042", "INV-1043"},
        "part": {"INV-1042"},
        "draft": {"INV-9000"},
        "paid": set(),
        "rubbish": everything,
    }.items():
        words = somebody.read(f"/invoices?view={view}")
        theirs = somebody.read(f"/invoices?view={view}&customer={birch.customer('Nobody')}")
        assert "All 0 Open 0 Partly paid 0" in theirs
        assert {number for number in everything if number in words} == numbers, view


def test_a_deposit_is_applied_from_the_invoices_page(birch):
    somebody = birch.as_("reconciler")
    assert "has $600.00 on deposit" in somebody.read("/invoices/INV-1043")
    form = {"deposit_id": birch.ids["DEP-1001"], "amount": "150.00"}
    answer = somebody.post(f"/invoices/{birch.ids['INV-1043']}/apply", form)
    assert "INV-1043 has $350.00 left to pay" in said(somebody.client.get(answer.location))
    too_much = somebody.post("/invoices/INV-1043/apply", form | {"amount": "350.01"})
    assert too_much.status_code == 422
    assert "$0.01 more than is owed on the invoice" in said(too_much)
    assert 'value="350.01"' in too_much.get_data(as_text=True)
    assert somebody.post("/invoices/none/apply", form).status_code == 404


# Deposits


def test_a_deposit_is_applied_and_taken_off_again(birch):
    assert _apply(birch, "reconciler", "200").status_code == 303
    somebody = birch.as_("reconciler")
    words = somebody.read("/deposits/DEP-1001")
    assert "$400.00 left to apply" in words
    assert "INV-1043 goes back to $500.00 open, and $200.00 is left on DEP-1001 again" in words
    use = birch.office.scalar("select id from application")
    path = f"/deposits/{birch.ids['DEP-1001']}/unapply"
    answer = somebody.post(path, {"application": use})
    assert "Taken off the invoice again" in said(somebody.client.get(answer.location))
    assert "$600.00 left to apply" in somebody.read("/deposits/DEP-1001")
    again = somebody.post(path, {"application": use})
    assert again.status_code == 409
    assert "taken off already" in said(again)
    assert birch.office.violations() == []


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("600.01", "more than remains of the deposit"),
        ("500.01", "more than is owed on the invoice"),
        ("0", "more than zero"),
        ("", "Write an amount"),
        ("a lot", "is not an amount"),
    ],
)
def test_a_deposit_that_does_not_fit_is_not_applied(still, amount, words):
    before = still.books()
    answer = _apply(still, "reconciler", amount)
    assert answer.status_code == 422
    assert words in said(answer)
    assert still.books() == before


def test_a_deposit_goes_to_no_strangers_invoice(birch):
    birch.invoice(birch.customer("Cedar"), 10_000, "INV-2000")
    assert _apply(birch, "reconciler", "1", "INV-2000").status_code == 422
    assert _apply(birch, "reconciler", "1", "none").status_code == 422
    answer = birch.as_("reconciler").post("/deposits/none/apply", {"invoice_id": "a"})
    assert answer.status_code == 404


def test_deposits_are_listed_with_their_sums(birch):
    _apply(birch, "reconciler", "200")
    words = birch.as_("viewer").read("/deposits")
    assert "Partly applied" in words
    assert "All on this page $200.00 $600.00 $400.00" in words
    assert "DEP-1001" in birch.as_("viewer").read("/deposits?view=left")


# Events


def test_an_event_shows_what_became_of_it_and_what_it_said(still):
    somebody = still.as_("viewer")
    row = still.office.rows("select rail_event_id from inbox_event where type like 'charge.%'")[0]
    words = somebody.read(f"/events/{row.rail_event_id}")
    assert "Outcome Applied" in words
    assert "Attempts 1" in words
    assert '"object": "charge"' in words
    assert "About the same payment" in words
    assert "payment_intent.succeeded" in words


def test_half_of_a_character_does_not_spoil_the_page_of_an_event(screens):
    screens.office.world.pay(500, description="for the roof")
    event = screens.office.world.events()[1]
    screens.office.post(body_of(event).replace(b"the roof", b"the \\ud83d"))
    assert '"description": "for the ?"' in screens.as_("viewer").read(f"/events/{event['id']}")


def test_events_are_filtered_by_what_the_address_says(still):
    somebody = still.as_("viewer")
    assert "charge.succeeded" in somebody.read("/events?type=charge.succeeded")
    assert "No event is like this" in somebody.read("/events?type=charge.refunded")
    assert "No event is like this" in somebody.read("/events?status=failed")
    assert "charge.succeeded" in somebody.read(f"/events?about={_rail_id(still)}")
    assert "charge.succeeded" in somebody.read("/events?status=applied")


def test_an_event_is_done_over_and_nothing_is_booked_twice(birch):
    admin = birch.as_("admin")
    event = birch.office.scalar("select rail_event_id from inbox_event where type like 'charge.s%'")
    before = birch.office.rows("select key from journal_entry order by key")
    answer = admin.post(f"/events/{event}/replay")
    assert answer.status_code == 303
    words = said(admin.client.get(answer.location))
    assert "It is being applied again" in words
    assert "Received" in words
    birch.office.drain()
    assert "Outcome Applied" in admin.read(f"/events/{event}")
    assert birch.office.rows("select key from journal_entry order by key") == before
    assert admin.post("/events/evt_none/replay").status_code == 404


def test_a_payload_is_shown_as_text(screens):
    screens.paid(1_000, description="<script>alert(1)</script>")
    admin = screens.as_("admin")
    event = screens.office.scalar("select rail_event_id from inbox_event where type like 'charge%'")
    html = admin.get(f"/events/{event}").get_data(as_text=True)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


# The ledger


def test_debits_equal_credits_and_each_account_leads_to_its_entries(still):
    somebody = still.as_("viewer")
    words = somebody.read("/ledger/trial-balance")
    assert "Debits equal credits." in words
    assert "Accounts receivable $2,500.00 $800.00 $1,700.00" in words
    assert "Unapplied cash" not in words.partition("at zero, with $1,400.00 on each side")[0]
    assert "Customer deposits $0.00 $600.00 -$600.00" in words
    entries = somebody.read("/ledger/entries?role=customer_deposits&currency=USD")
    assert "Entries on Customer deposits in USD" in entries
    assert "Unapplied cash $600.00 Customer deposits $600.00" in entries
    assert "No entry is like this" in somebody.read("/ledger/entries?role=bank&currency=USD")


def test_the_trial_balance_goes_back_in_time(still):
    somebody = still.as_("viewer")
    assert "Nothing is booked yet" in somebody.read("/ledger/trial-balance?as_of=2026-11-01")
    # What is owed counts from the day of its invoice on, what was paid from the rail's day on.
    assert "Unapplied cash" not in somebody.read("/ledger/trial-balance?as_of=2026-11-21")
    assert "Debits equal credits." in somebody.read("/ledger/trial-balance?as_of=2026-11-22")


@pytest.mark.parametrize(
    ("name", "part"),
    [("payment_id", "pay"), ("invoice_id", "INV-1042"), ("deposit_id", "DEP-1001")],
)
def test_the_entries_of_one_thing_are_listed_with_a_way_back(still, name, part):
    words = still.as_("viewer").read(f"/ledger/entries?{name}={still.ids[part]}")
    assert "of one" in words
    assert "show all" in words


def test_a_long_journal_goes_on_on_the_next_page(birch):
    for n in range(60):
        birch.invoice(birch.ids["birch"], 100, f"INV-3{n:03}")
    somebody = birch.as_("viewer")
    first = somebody.get("/ledger/entries").get_data(as_text=True)
    older = first.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
    assert older.startswith("/admin/ledger/entries?before=")
    second = somebody.client.get(older.replace("&amp;", "&"))
    assert second.status_code == 200
    assert "Stripe clearing" in said(second)
    hostile = somebody.get("/ledger/entries?_external=1&_scheme=javascript&endpoint=x")
    next_one = hostile.get_data(as_text=True).partition('rel="next"')[0].rpartition('href="')[2]
    assert next_one.startswith("/admin/ledger/entries?")


# Search


@pytest.mark.parametrize("query", ["INV-1042", " inv-1042 ", "DEP-1001"])
def test_a_number_leads_straight_to_its_page(still, query):
    answer = still.as_("viewer").get("/search", query_string={"q": query})
    assert answer.status_code == 303
    assert still.ids[query.strip().upper()] in answer.location


def test_a_rails_id_leads_straight_to_its_page(still):
    somebody = still.as_("viewer")
    charge = still.office.scalar("select object_id from payment_alias where object_id like 'ch_%'")
    event = still.office.scalar("select rail_event_id from inbox_event limit 1")
    for query in (_rail_id(still), charge, event, still.ids["pay"]):
        answer = somebody.get("/search", query_string={"q": query})
        assert answer.status_code == 303, query
        assert somebody.client.get(answer.location).status_code == 200


def test_words_list_what_holds_them(still):
    somebody = still.as_("viewer")
    words = somebody.read("/search?q=bir")
    assert "INV-1042" in words
    assert "DEP-1001" in words
    assert "Nothing is called that" in somebody.read("/search?q=%25")
    assert "Nothing is called that" in somebody.read("/search?q=zzz")
    assert "Write an id, a number or a name" in somebody.read("/search?q=+")


# Questions


def test_a_question_is_closed_with_a_note(birch):
    birch.office.world.dispute(_rail_id(birch))
    birch.hear("")
    somebody = birch.as_("reconciler")
    assert "A customer's bank disputes a payment" in somebody.read("/questions?kind=dispute")
    html = somebody.get("/questions?kind=dispute").get_data(as_text=True)
    assert 0 < html.find(">Answer the dispute</a>") < html.find("Close it with a note alone")
    assert 'data-count="questions" hidden' in html, "a dispute is counted with the disputes"
    item = birch.office.rows("select id, rev from review_item where kind = 'dispute'")[0]
    path = f"/questions/{item.id}/acknowledge"
    assert somebody.post(path, {"rev": item.rev, "note": " "}).status_code == 422
    assert somebody.post(path, {"rev": item.rev + 1, "note": "x"}).status_code == 409
    answer = somebody.post(path, {"rev": item.rev, "note": "Evidence sent", "kind": "dispute"})
    assert answer.status_code == 303
    assert "No open question" in said(somebody.client.get(answer.location))
    assert somebody.post(path, {"rev": item.rev, "note": "again"}).status_code == 409
    assert somebody.post("/questions/none/acknowledge", {"rev": 1, "note": "x"}).status_code == 404
