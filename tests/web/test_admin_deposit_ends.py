"""A deposit that is asked for no more says so on its page, in the list and after the click."""

from reconciler.books.receipts import ReceiptSource
from reconciler.services import receipts
from reconciler.services.receipts import Receipt
from tests.web.screens import Screens, said
from tests.web.test_portal import link


def test_it_is_said_what_was_kept(screens: Screens) -> None:
    made = screens.deposit(screens.customer("Acme"), 5_000, "DEP-7")
    rae = screens.as_("reconciler")

    def notice(path: str, **form: str) -> str:
        answer = rae.post(f"/deposits/{made}/{path}", form | {"rev": screens.rev("deposit", made)})
        assert answer.status_code == 303
        return rae.client.get(answer.location).get_data(as_text=True)

    page = notice("terms", due_on="2026-12-06", expires_on="", kept="25", within_days="14")
    assert "Terms changed: due 6 Dec 2026; " in page
    assert "14 days" in page.partition("Terms changed")[2].partition("</p>")[0]
    page = notice("terms", due_on="", expires_on="2026-12-20", kept="")
    assert (
        "Terms changed: no due day; asked for until 20 Dec 2026; all that remains of it is given"
        " back." in page
    )
    assert (
        "Work began on 20 Nov 2026." in notice("work-began", on="2026-11-20").partition("</h1>")[2]
    )
    assert "Noted that no work has begun." in notice("work-began", on="")
    owed = screens.invoice(screens.customer("Birch"), 9_000, "INV-7")
    form = {"parts": "at_least", "least": "25%", "rev": screens.rev("invoice", owed)}
    answer = rae.post(f"/invoices/{owed}/part-payments", form)
    page = rae.client.get(answer.location).get_data(as_text=True)
    assert "Part payments changed: at least 25% at a time. A page" in page


def test_what_is_asked_for_no_more_says_so_where_it_stood_as_pending(screens: Screens) -> None:
    made = screens.deposit(screens.customer("Acme"), 5_000, "DEP-7")
    rae = screens.as_("reconciler")
    assert "$50.00 was asked for and has not come yet" in rae.read(f"/deposits/{made}")

    def press(do: str) -> str:
        form = {"rev": screens.rev("deposit", made), "do": do, "why": "They went elsewhere"}
        answer = rae.post(f"/deposits/{made}/end", form)
        assert answer.status_code == 303
        return rae.client.get(answer.location).get_data(as_text=True)

    page = press("end")
    assert "It is asked for no more: no reminder and no page to pay on asks for it." in page
    assert "Kept." not in page
    words = rae.read(f"/deposits/{made}")
    assert "has not come yet" not in words
    assert "Pending" not in words
    assert "it is asked for no more. They went elsewhere." in words
    assert "Asked for no more" in rae.read("/deposits")
    assert "It is asked for again." in press("again")
    assert "Pending" in rae.read(f"/deposits/{made}")


def test_of_what_came_in_part_the_rest_is_asked_for_no_more(screens: Screens) -> None:
    customer = screens.customer("Acme")
    made = screens.deposit(customer, 5_000, "DEP-7")
    receipt = Receipt(ReceiptSource.CASH.value, screens.office.clock().date(), 2_000)
    screens.by("reconciler", lambda work: receipts.receive(work, made, receipt))
    rae = screens.as_("reconciler")
    form = {"rev": screens.rev("deposit", made), "do": "end", "why": "Smaller now"}
    assert rae.post(f"/deposits/{made}/end", form).status_code == 303
    assert rae.read(f"/deposits/{made}").count("Smaller now") == 1
    page = said(screens.browser().get(link(screens, customer)))
    assert "$20.00 is held for you. The rest of it is asked for no more." in page
