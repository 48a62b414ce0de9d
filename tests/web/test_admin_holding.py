"""Money that waits held as a deposit, of a customer who is there or is made in the same form."""

import pytest

from tests.web.screens import Screens, said

ADDRESS = "Till@meridian.example"


def from_somebody(screens: Screens, amount: int = 32_000) -> str:
    """A payment of a payer whom nobody knows here, with the name and address that came with it."""
    return screens.paid(
        amount, receipt_email=ADDRESS, billing_name="Meridian Ltd", description="thanks"
    )


def chosen(screens: Screens, pay: str) -> str:
    html = screens.as_("reconciler").get(f"/unmatched/{pay}").get_data(as_text=True)
    part = html[html.index('id="customer_id"') :].partition("</select>")[0]
    return part.partition(" selected>")[2].partition("<")[0]


def form(screens: Screens, pay: str, **more: str) -> dict:
    return {"rev": screens.rev("payment", pay), "customer_id": "new"} | more


def test_somebody_new_is_made_with_their_deposit(screens):
    pay = from_somebody(screens)
    rae = screens.as_("reconciler")
    page = rae.get(f"/unmatched/{pay}").get_data(as_text=True)
    assert "Journal entry" in page[page.index('name="notes"') :], "said before anybody is chosen"
    answer = rae.post(
        f"/unmatched/{pay}/hold", form(screens, pay, name="Meridian", email="till@example.com")
    )
    assert answer.status_code == 303
    assert "Held $320.00 as deposit DEP-" in said(rae.client.get(answer.location))
    [row] = screens.office.rows(
        "select c.name, c.email, d.received from deposit d join customer c on c.id = d.customer_id"
    )
    assert tuple(row) == ("Meridian", "till@example.com", 32_000)
    held = screens.office.scalar("select customer_id is not null from payment where id = :p", p=pay)
    assert held, "the payer is known from here on"
    assert screens.office.violations() == []


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": "", "email": "till@example.com"}, "new-name"),
        ({"name": "Meridian", "email": "no address"}, "new-email"),
        ({"customer_id": "", "name": "Meridian"}, "customer_id"),
    ],
)
def test_what_is_missing_is_marked_what_was_typed_stays_and_nobody_is_made(screens, typed, field):
    pay = from_somebody(screens)
    answer = screens.as_("reconciler").post(f"/unmatched/{pay}/hold", form(screens, pay) | typed)
    assert answer.status_code == 422
    html = answer.get_data(as_text=True)
    marked = html[html.index(f'id="{field}"') :].partition(">")[0]
    assert "data-first-error" in marked
    for value in filter(None, (typed.get("name"), typed.get("email"))):
        assert f'value="{value}"' in html
    assert screens.office.scalar("select count(*) from customer") == 0
    assert screens.office.scalar("select count(*) from deposit") == 0


def test_a_deposit_that_cannot_be_made_leaves_no_customer_behind(screens):
    pay = from_somebody(screens)
    stale = form(screens, pay, name="Meridian") | {"rev": 99}
    assert screens.as_("reconciler").post(f"/unmatched/{pay}/hold", stale).status_code == 409
    assert screens.office.scalar("select count(*) from customer") == 0


def test_whoever_has_the_payers_address_is_proposed_unless_several_have(screens):
    pay = from_somebody(screens)
    assert chosen(screens, pay) == "Somebody new, named below"
    html = screens.as_("reconciler").get(f"/unmatched/{pay}").get_data(as_text=True)
    assert 'value="Meridian Ltd"' in html
    assert f'value="{ADDRESS}"' in html
    screens.customer("Meridian", email=ADDRESS.upper().replace("EXAMPLE", "example"))
    assert chosen(screens, pay) == "Meridian"
    page = screens.as_("reconciler").read(f"/unmatched/{pay}")
    assert f"Their mail address is the payer's: {ADDRESS}" in page
    screens.customer("Meridian South", email=ADDRESS)
    assert chosen(screens, pay) == "Somebody new, named below"
