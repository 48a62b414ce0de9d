"""The screens of bank statements: reading one, tying lines, setting aside, undoing."""

from datetime import date
from io import BytesIO

import pytest

from reconciler.services import receipts, refunds
from reconciler.services.receipts import Receipt
from reconciler.web.admin.blueprint import FORM_BYTES_MAX
from tests.web import furniture
from tests.web.screens import Screens, said
from tests.web.test_admin_refunds import invoice_paid

DAY = date(2026, 11, 20)
HEAD = "Date,Amount,Currency,Description\n"


def upload(somebody, text, *, name="nov.csv", **form):
    body = text if isinstance(text, bytes) else text.encode()
    fields = {"bank_account": "Giro", "form_token": somebody.token} | form
    return somebody.client.post("/admin/statements", data=fields | {"file": (BytesIO(body), name)})


@pytest.fixture
def received(screens: Screens) -> list[str]:
    """Two transfers of one amount, taken in by hand: their payments."""
    customer = screens.customer("Ann")
    made = []
    for number in ("INV-1", "INV-2"):
        screens.invoice(customer, 5_000, number)
        receipt = Receipt("cash", DAY, 5_000, reference=f"by-{number}")
        target = screens.ids[number]
        made.append(screens.by("reconciler", lambda work, t=target, r=receipt: receive(work, t, r)))
    return made


def receive(work, target, receipt):

    return receipts.receive(work, target, receipt)


def lines(screens):
    return screens.office.rows("select * from bank_line order by number")


def settle(screens, somebody, line, do, **more):
    path = f"/statements/{line.statement_id}/lines/{line.id}"
    return somebody.post(path, {"do": do, "rev": line.rev, **more})


def test_a_file_is_read_and_its_page_says_what_each_line_is(screens, received):
    rae = screens.as_("reconciler")
    text = HEAD + f"{DAY},50.00,USD,Transfer INV-1\n{DAY},-3.50,USD,Coffee\n{DAY},x,USD,What\n"
    answer = upload(rae, text)
    assert answer.status_code == 303
    page = rae.read(answer.headers["Location"].removeprefix("/admin"))
    assert "Transfer INV-1" in page
    assert "Tied INV-1 by itself: The bank's text names it, Same amount, Same day" in page
    assert "Coffee 20 Nov 2026 -$3.50" in page.replace("\u2212", "-")
    assert "4 amount 'x' is not an amount" in page
    assert "Giro" in rae.read("/statements")
    again = upload(rae, text)
    assert "This file was read before" in rae.read(again.headers["Location"][len("/admin") :])
    assert len(lines(screens)) == 2


def test_a_person_ties_what_fits_two_and_takes_it_back(screens, received):
    rae = screens.as_("reconciler")
    upload(rae, HEAD + f"{DAY},50.00,USD,Transfer\n")
    (line,) = lines(screens)
    page = rae.read(f"/statements/{line.statement_id}?state=open")
    assert page.count("Same amount") == 2
    assert settle(screens, rae, line, f"receipt {received[1]}").status_code == 303
    (line,) = lines(screens)
    assert line.target_id == received[1]
    page = rae.read(f"/statements/{line.statement_id}")
    assert "Tied INV-2 by Rae Lindt: Same amount, Same day" in page
    assert settle(screens, rae, line, "untie").status_code == 303
    assert lines(screens)[0].state == "open"


def test_setting_aside_takes_a_reason_and_an_old_page_is_told_so(screens):
    rae = screens.as_("reconciler")
    upload(rae, HEAD + f"{DAY},-3.50,USD,Coffee\n")
    (line,) = lines(screens)
    assert settle(screens, rae, line, "set_aside", why=" ").status_code == 422
    assert settle(screens, rae, line, "set_aside", why="Not ours").status_code == 303
    stale = settle(screens, rae, line, "set_aside", why="Not ours")
    assert stale.status_code == 409
    assert "This line was changed meanwhile." in said(stale)
    (line,) = lines(screens)
    assert "Set aside Not ours" in rae.read(f"/statements/{line.statement_id}?state=set_aside")
    assert settle(screens, rae, line, "take_up").status_code == 303
    for do in ("", "receipt", "burn it", "receipt pay_none"):
        assert settle(screens, rae, lines(screens)[0], do).status_code in {404, 422}
    assert lines(screens)[0].state == "open"


def test_what_is_no_statement_is_refused_with_the_reason_and_what_was_typed(screens):
    rae = screens.as_("reconciler")
    answer = upload(rae, "Date,Amount\n03/04/2026,1.00\n", bank_account="Savings", currency="usd")
    assert answer.status_code == 422
    assert "say whether the day or the month comes first" in said(answer)
    html = answer.get_data(as_text=True)
    assert 'value="Savings"' in html
    assert 'value="usd"' in html
    assert "Choose the file" in said(rae.post("/statements", {"bank_account": "Giro"}))
    assert upload(rae, HEAD, currency="zzz").status_code == 422
    assert screens.office.rows("select * from bank_statement") == []


def sent_raw(somebody, body: bytes) -> int:
    """As a browser writes it, without the temporary files of the test client."""
    part = '--b\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n'
    head = part.format("form_token", "") + somebody.token + "\r\n"
    head += part.format("bank_account", "") + "Giro\r\n" + part.format("file", '; filename="a"')
    whole = head.encode() + body + b"\r\n--b--\r\n"
    answer = somebody.client.post(
        "/admin/statements", data=whole, content_type="multipart/form-data; boundary=b"
    )
    return answer.status_code


@pytest.mark.thorough
def test_more_than_a_statement_can_be_is_not_taken_in(screens):
    rae = screens.as_("reconciler")
    assert sent_raw(rae, b"x" * (FORM_BYTES_MAX + 1)) == 413
    assert sent_raw(rae, HEAD.encode() + b"2026-11-20,1.00,USD,x\n" * 480_000) == 422
    assert sent_raw(rae, HEAD.encode() + b"2026-11-20,1.00,USD,x\n" * 8_000) == 303


def test_a_payout_that_is_not_at_the_bank_is_named(screens):
    office = screens.office
    screens.paid(90_000)
    office.clock.advance(days=3)
    shown = []
    for _ in range(2):
        made = office.world.payout()
        office.world.pay_payout(made)
        shown.append(made)
        screens.paid(50_000)
        office.clock.advance(days=3)
    screens.paid(1_000)
    found = {row.rail_payout_id: row for row in office.rows("select * from payout")}
    assert set(shown) <= set(found)
    first, second = (found[name] for name in shown)
    days = [row.arrival_at.date() for row in (first, second)]
    text = HEAD + f"{days[0]},{first.amount / 100:.2f},USD,STRIPE\n2026-01-01,1.00,USD,Old\n"
    rae = screens.as_("reconciler")
    late = date.fromordinal(days[1].toordinal() + 6)
    upload(rae, text + f"{late},1.00,USD,Late\n")
    page = rae.read("/statements")
    assert "In the books, and not at the bank 1" in page
    assert second.rail_payout_id in page
    assert first.rail_payout_id not in page


def test_payments_to_vendors_are_tied_shown_and_named_while_the_bank_shows_none(screens):
    furniture.purchases_of(screens)
    ids, rae = screens.ids, screens.as_("reconciler")
    day = "2026-11-18"
    text = HEAD + f"{day},-200.00,USD,Oak 2026-118\n{day},-600.00,USD,Ahead\n"
    upload(rae, text + f"{day},-3.50,USD,Coffee\n2026-12-09,-1.00,USD,Coffee\n")
    first = lines(screens)[0]
    page = f"/statements/{first.statement_id}"
    words = rae.read(page)
    assert "Tied Payment of bill 2026-118, Oak & <em>Ash</em> Ltd by itself" in words
    html = rae.get(page).get_data(as_text=True)
    assert f'href="/admin/bills/{ids["bill"]}"' in html
    assert f'href="/admin/prepayments/{ids["prepayment"]}"' in html
    bill = rae.get(f"/bills/{ids['bill']}").get_data(as_text=True)
    assert f'<a href="/admin{page}">on the bank statement</a>' in bill
    ahead = rae.get(f"/prepayments/{ids['prepayment']}").get_data(as_text=True)
    assert ahead.count("on the bank statement") == 1, "what came back is not there yet"
    missing = rae.read("/statements")
    assert "In the books, and not at the bank 1" in missing
    assert "Given back of PRE-1001, Oak" in missing
    assert settle(screens, rae, first, "untie").status_code == 303
    assert "on the bank statement" not in rae.read(f"/bills/{ids['bill']}")
    words = rae.read(f"{page}?state=open")
    assert "Payment of bill 2026-118, Oak & <em>Ash</em> Ltd -$200.00" in words.replace(
        "\u2212", "-"
    )
    (line, *_) = lines(screens)
    target = f"bill_payment {ids['bill_payment']}"
    assert settle(screens, rae, line, target).status_code == 303
    assert lines(screens)[0].target_id == ids["bill_payment"]
    undo = screens.office.scalar("select max(seq) from audit_line where action = 'bank_line.tied'")
    assert "Tied a bank line" in rae.read("/recent")
    assert rae.post(f"/recent/{undo}/undo", {"once": "u1"}).status_code == 303
    assert lines(screens)[0].state == "open"


def test_a_refund_that_was_transferred_is_tied_and_leads_to_its_page(screens):
    invoice_paid(screens)
    asked = screens.ask_refund(
        "reconciler", invoice_id=screens.ids["INV-1041"], amount=4_000, method="hand"
    )
    screens.by("approver", lambda work: refunds.approve(work, asked))
    screens.by("second", lambda work: refunds.settle_by_hand(work, asked, reference="RF-17"))
    rae = screens.as_("reconciler")
    day = screens.office.clock().date()
    upload(rae, HEAD + f"{day},-40.00,USD,Birch RF-17\n")
    (line,) = lines(screens)
    page = f"/statements/{line.statement_id}"
    assert "Tied Refund of INV-1041, Birch by itself" in rae.read(page)
    assert f'href="/admin/refunds/{asked}"' in rae.get(page).get_data(as_text=True)
    assert settle(screens, rae, line, "untie").status_code == 303
    assert "Refund of INV-1041, Birch -$40.00" in rae.read(page).replace("\u2212", "-")
