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


def test_undo_says_who_stays_where_somebody_was_made_with_it_and_only_there(screens):
    pay, rae = from_somebody(screens), screens.as_("reconciler")
    new = form(screens, pay, name="Meridian", email="till@example.com")
    assert rae.post(f"/unmatched/{pay}/hold", new).status_code == 303

    def undone() -> str:
        last = "select id from allocation where closed_at is null and payment_id = :p"
        claim = screens.office.scalar(last, p=pay)
        answer = rae.post(f"/payments/{pay}/undo", {"allocation": claim})
        return said(rae.client.get(answer.location))

    words = undone()
    assert "Undone: the payment is off DEP-" in words
    assert "The customer Meridian, who was added with it, stays." in words
    screens.office.clock.advance(minutes=1)
    known = {"rev": screens.rev("payment", pay)}
    assert rae.post(f"/unmatched/{pay}/hold", known).status_code == 303
    words = undone()
    assert "the money waits here again" in words
    assert "added with it" not in words, "nobody was"


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


def held(screens: Screens) -> tuple[str, str]:
    """60.00 too much, held as a deposit; gives the payment, and the deposit's code."""
    rail_id = screens.office.world.create_customer(name="Ann", email="ann@example.com")
    ann = screens.customer("Ann", rail_customers={"stripe": rail_id})
    screens.ids["rail"] = rail_id
    screens.invoice(ann, 89_000, "INV-1")
    pay = screens.paid(95_000, customer=rail_id, metadata={"invoice": "INV-1"})
    rae = screens.as_("reconciler")
    assert rae.post(f"/unmatched/{pay}/hold", form(screens, pay)).status_code == 303
    return pay, screens.office.scalar("select code from deposit")


def test_before_a_hold_is_taken_off_it_is_said_that_its_deposit_ends(screens):
    pay, code = held(screens)
    words = screens.as_("reconciler").read(f"/payments/{pay}")
    assert (
        f"A reversing entry will be posted today. {code} ends with that, and nobody is asked for"
        " it, and $60.00 waits under Unmatched payments."
    ) in words
    assert "INV-1 goes back to $890.00 open, and $890.00 waits under Unmatched payments." in words


def test_a_deposit_that_the_client_paid_meanwhile_keeps_that_money_and_it_is_said_before(screens):
    pay, code = held(screens)
    again = screens.paid(6_000, customer=screens.ids["rail"], metadata={"deposit": code})
    rae = screens.as_("reconciler")
    words = rae.read(f"/payments/{pay}")
    assert (
        f"{code} stays as it is, because other money that waits for it takes its place,"
        " and $60.00 waits under Unmatched payments."
    ) in words
    claim = screens.office.scalar(
        "select id from allocation where payment_id = :p and deposit_id is not null", p=pay
    )
    done = {"rev": screens.rev("payment", pay), "allocation": claim}
    assert rae.post(f"/payments/{pay}/unmatch", done).status_code == 303
    assert screens.office.scalar("select ended_at is null from deposit")
    assert "$60.00" in rae.read(f"/deposits/{code}")
    assert f"{code}" in rae.read(f"/payments/{again}").partition("Timeline")[0]
    queue = rae.read("/unmatched")
    assert "1 payment, $60.00 waiting" in queue
    assert screens.office.violations() == []
