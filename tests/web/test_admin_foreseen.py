"""The entries that a page shows before a deed are those that the deed then posts."""

import re

import pytest

from reconciler.flows.submit_refunds import submit_refunds
from reconciler.services import refunds
from tests.watching import Watch
from tests.web.screens import Screens, said

pytestmark = pytest.mark.sampled(2)

# Of the page of a payment with one suggestion, its rehearsal included; it was 104 with two of them.
STATEMENTS_MAX = 56
_CELL = re.compile(r"<td[^>]*>(.*?)</td>", re.DOTALL)


@pytest.fixture
def acme(screens: Screens) -> Screens:
    """A customer with an open invoice, and 850.00 of theirs that names nothing."""
    rail_id = screens.office.world.create_customer(name="Acme")
    screens.ids["acme"] = screens.customer("Acme", rail_customers={"stripe": rail_id})
    screens.invoice(screens.ids["acme"], 120_000, "INV-1042")
    screens.ids["pay"] = screens.paid(85_000, customer=rail_id, description="thanks")
    return screens


def shown(html: str, title: str = "") -> list[tuple[str, str, str]]:
    """The lines of the first entry that a page foresees, under this title."""
    after = html.partition(f'class="entry"{title}')[2].partition("</details>")[0]
    cells = [cell.strip() for cell in _CELL.findall(after)]
    return sorted(zip(cells[::3], cells[1::3], cells[2::3], strict=True))


def posted(screens: Screens, since: int) -> list[tuple[str, str, str]]:
    """The lines that were posted since, as a page writes them."""
    html = screens.as_("viewer").get("/ledger/entries").get_data(as_text=True)
    bodies = html.split("<tbody data-row>")[1 : 1 + count(screens) - since]
    cells = [c.strip() for body in bodies for c in _CELL.findall(body)]
    return sorted(zip(cells[::3], cells[1::3], cells[2::3], strict=True))


def count(screens: Screens) -> int:
    return screens.office.scalar("select count(*) from journal_entry")


def test_a_match_a_hold_and_a_split_post_what_was_shown(acme):
    rae, pay = acme.as_("reconciler"), acme.ids["pay"]
    before, books = count(acme), acme.books()
    html = rae.get(f"/unmatched/{pay}").get_data(as_text=True)
    assert acme.books() == books
    match, hold = html.partition("Hold $850.00 as a deposit")[::2]
    foreseen = shown(match)
    assert ("Accounts receivable", "", "$850.00") in foreseen
    assert ("Customer deposits", "", "$850.00") in shown(hold)
    typed = {f"amount-{acme.ids['INV-1042']}": "850.00", "rev": acme.rev("payment", pay)}
    split = rae.post(f"/unmatched/{pay}/split", typed | {"rest": "1"}).get_data(as_text=True)
    assert shown(split, " open") == foreseen
    form = {"rev": acme.rev("payment", pay), "target": acme.ids["INV-1042"], "amount": 85_000}
    assert rae.post(f"/unmatched/{pay}/match", form).status_code == 303
    assert posted(acme, before) == foreseen


@pytest.mark.sampled(2)
@pytest.mark.parametrize("before", ["nothing", "a part on an invoice", "a part given back"])
def test_a_hold_posts_what_was_shown_whatever_came_before_it(acme, before):
    rae, pay = acme.as_("reconciler"), acme.ids["pay"]
    if before == "a part on an invoice":
        part = {"rev": acme.rev("payment", pay), f"amount-{acme.ids['INV-1042']}": "500.00"}
        assert rae.post(f"/unmatched/{pay}/split", part | {"save": "1"}).status_code == 303
    if before == "a part given back":
        acme.office.world.refund(next(iter(acme.office.world.table("charge"))), 7_000)
        acme.hear("")
    entries = count(acme)
    html = rae.get(f"/unmatched/{pay}").get_data(as_text=True)
    foreseen = shown(html.partition(" as a deposit <kbd")[2])
    assert [line[0] for line in foreseen] == ["Customer deposits", "Unapplied cash"]
    form = {"rev": acme.rev("payment", pay), "customer_id": acme.ids["acme"]}
    assert rae.post(f"/unmatched/{pay}/hold", form).status_code == 303
    assert posted(acme, entries) == foreseen
    assert acme.office.violations() == []


def test_of_the_opened_payment_one_deed_is_rehearsed(acme):
    rae, pay = acme.as_("reconciler"), acme.ids["pay"]
    with Watch(acme.office.runtime.engine) as asked:
        html = rae.get(f"/unmatched/{pay}").get_data(as_text=True)
    assert "as it would be posted" in html
    assert sum("insert into posting" in text for text, _ in asked) == 1
    assert len(asked) < STATEMENTS_MAX


def test_what_a_view_is_sifted_by_is_looked_up_once(acme):
    rae, pay = acme.as_("reconciler"), acme.ids["pay"]
    stranger = acme.paid(1_234, description="who knows")
    asked = {}
    for view in ("all", "none"):
        with Watch(acme.office.runtime.engine) as found:
            html = rae.get(f"/unmatched/{pay}?view={view}").get_data(as_text=True)
        assert f'name="payment" value="{stranger}"' in html
        assert (f'name="payment" value="{pay}"' in html) is (view == "all")
        asked[view] = len(found)
    assert asked["none"] == asked["all"]


@pytest.mark.parametrize("treatment", ["credit", "reopen"])
def test_a_refund_posts_what_was_shown_once_it_has_arrived(acme, treatment):
    rae, pay = acme.as_("reconciler"), acme.ids["pay"]
    form = {"rev": acme.rev("payment", pay), "target": acme.ids["INV-1042"], "amount": 85_000}
    rae.post(f"/unmatched/{pay}/match", form)
    ask = {"payment": pay, "amount": "50", "reason": "goodwill", "treatment": treatment}
    before, books = count(acme), acme.books()
    looked = rae.post("/refunds/new", ask | {"do": "look"})
    assert "asking posts nothing" in said(looked)
    assert "come to the same here" not in said(looked)
    assert acme.books() == books
    assert rae.post("/refunds/new", ask).status_code == 303
    refund = acme.office.scalar("select id from refund")
    acme.by("approver", lambda work: refunds.approve(work, refund))
    submit_refunds(acme.office.runtime)
    acme.hear("")
    html = looked.get_data(as_text=True)
    assert shown(html, " open")
    assert posted(acme, before) == shown(html, " open")


def test_where_it_does_not_matter_what_becomes_of_the_invoice_it_is_said(acme):
    rae, pay = acme.as_("reconciler"), acme.ids["pay"]
    split = {"rev": acme.rev("payment", pay), f"amount-{acme.ids['INV-1042']}": "500.00"}
    rae.post(f"/unmatched/{pay}/split", split | {"save": "1"})
    ask = {"payment": pay, "amount": "350", "reason": "duplicate", "treatment": "reopen"}
    looked = rae.post("/refunds/new", ask | {"do": "look"})
    assert "Reducing and reopening come to the same here" in said(looked)
    more = rae.post("/refunds/new", ask | {"amount": "351", "do": "look"})
    assert "come to the same here" not in said(more)


def test_a_credit_note_shows_its_entry_and_refuses_in_words(acme):
    rae = acme.as_("reconciler")
    form = {"amount": "100", "reason": "Late", "do": "look"}
    looked = rae.post("/invoices/INV-1042/credit", form)
    assert ("Credits", "$100.00", "") in shown(looked.get_data(as_text=True), " open")
    refused = rae.post("/invoices/INV-1042/credit", form | {"amount": "9999"})
    assert refused.status_code == 200
    assert "as it would be posted" not in said(refused)


def test_a_payment_says_what_was_asked_back_and_offers_no_more_than_the_rest(acme):
    rae, pay = acme.as_("reconciler"), acme.ids["pay"]
    assert "Request refund" in rae.read(f"/unmatched/{pay}")
    ask = {"payment": pay, "amount": "850.00", "reason": "duplicate", "note": ""}
    asked = rae.post("/refunds/new", ask | {"treatment": "reopen"})
    assert asked.status_code == 303
    words = rae.read(f"/unmatched/{pay}")
    assert "$850.00 is asked to go back. Rae Lindt asked" in words
    assert "duplicate" in words
    assert "Request refund" not in words
    refund = rae.read("/refunds/" + asked.location.rpartition("/")[2])
    assert "Debit Unapplied cash $850.00, credit Stripe clearing $850.00." in refund
    assert "Accounts receivable" not in refund


def test_of_a_refund_that_took_both_each_account_is_named_and_still_when_it_is_done(acme):
    rae, pay = acme.as_("reconciler"), acme.ids["pay"]
    half = {"rev": acme.rev("payment", pay), f"amount-{acme.ids['INV-1042']}": "500.00"}
    assert rae.post(f"/unmatched/{pay}/split", half | {"save": "1"}).status_code == 303
    ask = {"payment": pay, "amount": "600.00", "reason": "duplicate", "note": ""}
    asked = rae.post("/refunds/new", ask | {"treatment": "reopen"})
    page = "/refunds/" + asked.location.rpartition("/")[2].partition("?")[0]
    both = "Debit Unapplied cash $350.00 and Accounts receivable $250.00, credit Stripe clearing"
    assert f"{both} $600.00. What is unapplied is taken first." in rae.read(page)
    assert "Request refund" in rae.read(f"/unmatched/{pay}")
    refund_id = page.rpartition("/")[2]
    yes = {"rev": acme.rev("refund", refund_id)}
    assert acme.as_("approver").post(f"{page}/approve", yes).status_code == 303
    acme.office.drain()
    acme.hear("")
    done = rae.read(page)
    assert f"{both} $600.00." in done
    assert "is taken first" not in done
