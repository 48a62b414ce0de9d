"""/payouts: where each stands, what it consists of, and what of it nothing explains."""

import pytest


def carried(api, currency="usd", *, is_paid=True):
    """An automatic payout of all that is on the balance, as it is read here."""
    world = api.office.world
    for row in world.table("balance_transaction").values():
        row["available_on"] = min(row["available_on"], world.now())
    made = world.payout(currency)
    if is_paid:
        world.pay_payout(made)
    api.settle()
    [found] = api.read("/payouts", rail_payout_id=made)["data"]
    return made, api.read(f"/payouts/{found['id']}")


def test_a_payout_lists_what_it_consists_of(api):
    invoice = api.an_invoice(8_000)
    payment = api.paid(8_000, metadata={"invoice": invoice["number"]})
    made, payout = carried(api)
    world = api.office.world.get("payout", made)
    assert (payout["rail"], payout["rail_payout_id"], payout["currency"]) == ("stripe", made, "USD")
    assert (payout["amount"], payout["status"]) == (world["amount"], "paid")
    assert (payout["automatic"], payout["lines_can_be_told"]) == (True, True)
    assert payout["difference"] == payout["amount"] - payout["lines_net"] == 0
    assert payout["line_count"] == len(payout["lines"])
    line = next(row for row in payout["lines"] if row["payment_id"] == payment["id"])
    assert (line["amount"], line["net"]) == (8_000, 8_000 - line["fee"])
    assert line["known_net"] == line["net"]
    assert len(payout["arrival_on"]) == len("2026-11-24")
    [found] = api.read("/payouts", payment_id=payment["id"])["data"]
    assert found["id"] == payout["id"]
    api.sound()


def test_lines_come_in_pages(api):
    for amount in (1_000, 2_000, 3_000):
        api.paid(amount)
    _, payout = carried(api)
    seen, cursor = [], None
    while True:
        query = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = api.read(f"/payouts/{payout['id']}/lines", **query)
        seen += page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == payout["lines"]
    assert sum(line["net"] for line in seen) == payout["amount"]


@pytest.mark.thorough
def test_what_lines_leave_unexplained_is_said(api):
    for amount in (1_100, 2_200):
        api.paid(amount)
    world = api.office.world
    hidden = next(reversed(world.table("balance_transaction").values()))
    pays = world.payout
    made, payout = carried(api, is_paid=False)
    assert pays
    assert (payout["status"], payout["difference"], payout["lines"]) == ("pending", None, [])
    hidden["_payout"] = None
    world.pay_payout(made)
    api.settle()
    payout = api.read(f"/payouts/{payout['id']}")
    assert payout["difference"] == hidden["net"]
    item = api.read(f"/review-items/{payout['review_item_id']}")
    assert (item["kind"], item["subject"]) == ("payout_difference", payout["id"])
    assert (item["amount"], item["actions"]) == (hidden["net"], ["acknowledge"])


def test_a_payout_that_came_back_says_why(api):
    made = api.office.world.payout("chf", 700, automatic=False)
    api.office.world.pay_payout(made)
    api.office.world.fail_payout(made, "no_account")
    api.settle()
    [payout] = api.read("/payouts", currency="chf", status="failed")["data"]
    assert (payout["failure"], payout["lines_can_be_told"]) == ("no_account", False)
    assert (payout["difference"], payout["lines"]) == (None, [])
    item = api.read(f"/review-items/{payout['review_item_id']}")
    assert item["kind"] == "payout_failed"
    api.sound()


def test_lists_are_filtered_and_paged(api):
    for amount in (300, 400, -500):
        api.office.world.pay_payout(api.office.world.payout("sek", amount, automatic=False))
    api.settle()
    first = api.read("/payouts", currency="sek", limit=2)
    rest = api.read("/payouts", currency="sek", limit=2, cursor=first["next_cursor"])
    amounts = [one["amount"] for one in first["data"] + rest["data"]]
    assert (sorted(amounts), rest["next_cursor"]) == ([-500, 300, 400], None)
    assert api.read("/payouts", currency="sek", status="pending")["data"] == []
    assert api.read("/payouts", currency="sek", rail="other")["data"] == []


@pytest.mark.parametrize("path", ["/payouts/po_none", "/payouts/po_none/lines"])
def test_no_such_payout(api, path):
    assert api.get(path).status_code == 404


@pytest.mark.parametrize("query", [{"status": "odd"}, {"cursor": "x"}, {"nonsense": 1}])
def test_a_bad_question_is_refused(api, query):
    assert api.get("/payouts", **query).status_code == 422
