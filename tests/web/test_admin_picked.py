"""Several payments of the queue at once: counted, summed, put off, assigned, matched if strong."""

import re

import pytest

from tests.web.screens import Screens, said

AWAY = "Out of sight until 30 Nov 2026, or until something changes."


@pytest.fixture
def queue(screens: Screens) -> Screens:
    """Two payments that each fit an invoice, one of another currency, one that fits nothing."""
    rail_id = screens.office.world.create_customer(name="Acme")
    customer = screens.customer("Acme", rail_customers={"stripe": rail_id})
    for number, amount in (("INV-1", 10_000), ("INV-2", 20_000)):
        screens.ids[f"for {number}"] = screens.paid(amount, customer=rail_id)
    screens.ids["euro"] = screens.paid(4_200, currency="eur")
    screens.ids["odd"] = screens.paid(777)
    screens.ids["acme"] = customer
    return screens


def picked(queue: Screens, *names: str) -> str:
    return "&".join(f"payment={queue.ids[name]}" for name in names)


def sent(queue: Screens, names: tuple[str, ...], **form: str) -> list[tuple[str, str]]:
    return [*(("payment", queue.ids[name]) for name in names), *form.items()]


def rows(queue: Screens) -> dict[str, tuple[str | None, str | None]]:
    found = queue.office.rows(
        "select payment_id, assigned_to, snoozed_until::text as until from review_item"
    )
    names = {payment: name for name, payment in queue.ids.items()}
    return {names[row.payment_id]: (row.assigned_to, row.until) for row in found}


def test_each_row_is_picked_by_a_box_and_what_is_picked_is_counted_and_summed(queue):
    rae = queue.as_("reconciler")
    html = rae.get("/unmatched").get_data(as_text=True)
    assert len(re.findall(r'<input type="checkbox" name="payment"', html)) == 4
    assert 'aria-label="Pick Unknown payer, $7.77"' in html
    words = rae.read(f"/unmatched/picked?{picked(queue, 'for INV-1', 'euro', 'odd')}")
    assert "3 picked, €42.00 + $107.77" in words
    assert 'name="payment"' not in queue.as_("viewer").get("/unmatched").get_data(as_text=True)
    assert queue.as_("viewer").get("/unmatched/picked").status_code == 403
    kept = rae.get(f"/unmatched?{picked(queue, 'odd')}").get_data(as_text=True)
    assert kept.count(" checked ") == 1, "where the page is drawn anew the picks stay"


def test_several_are_put_off_with_a_reason_once_and_each_is_told(queue):
    rae, books = queue.as_("reconciler"), queue.books()
    form = sent(
        queue, ("odd", "euro"), do="off", until="2026-11-30", note="Asked the bank", once="p1"
    )
    for _ in range(2):
        answer = rae.post("/unmatched/picked", form)
        assert answer.status_code == 200
        words = said(answer)
        assert "2 of 2 payments put off" in words
        assert words.count(AWAY) == 2
    assert rows(queue)["odd"] == (None, "2026-11-30")
    assert rows(queue)["for INV-1"] == (None, None)
    notes = queue.office.rows("select body from record_note")
    assert [n.body for n in notes] == ["Put off until 30 Nov 2026: Asked the bank"] * 2
    assert "Snoozed 2" in rae.read("/unmatched")
    assert [a == b for a, b in zip(queue.books(), books, strict=True)].count(False) <= 1
    back = re.search(r'action="/admin(/questions/[^"]+/snooze)"', answer.get_data(as_text=True))
    assert rae.post(back[1], {"wake": "1"}).status_code == 303
    assert "Snoozed 1" in rae.read("/unmatched")


def test_what_does_not_wait_any_more_is_left_alone_and_the_others_are_done(queue):
    rae = queue.as_("reconciler")
    owner = queue.customer("Birch")
    queue.invoice(owner, 777, "INV-9")
    match = {"rev": queue.rev("payment", queue.ids["odd"]), "target": queue.ids["INV-9"]}
    assert rae.post(f"/unmatched/{queue.ids['odd']}/match", match | {"amount": 777}).status_code
    words = rae.read(f"/unmatched/picked?{picked(queue, 'odd', 'euro')}")
    assert "1 picked, €42.00 . 1 other does not wait any more" in words
    who = queue.person("reconciler")
    answer = rae.post(
        "/unmatched/picked", sent(queue, ("odd", "euro"), do="assign", assigned_to=who)
    )
    words = said(answer)
    assert "1 of 2 payments assigned" in words
    assert "Left alone It does not wait any more. Nothing was done." in words
    assert "Assigned to Rae Lindt." in words
    assert rows(queue)["euro"] == (who, None)
    alone = rae.post("/unmatched/picked", sent(queue, ("odd",), do="assign", assigned_to=who))
    assert "0 of 1 payment assigned" in said(alone)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"do": "off", "until": "2026-11-01"}, "Choose a day after today"),
        ({"do": "off", "until": ""}, "Day"),
        ({"do": "assign", "assigned_to": "usr_none"}, "There is nobody of that name here"),
        ({"do": "x"}, "Choose what to do"),
    ],
)
def test_what_cannot_be_is_done_to_none_and_stays_typed(queue, form, words):
    rae, before = queue.as_("reconciler"), queue.books()
    answer = rae.post("/unmatched/picked", sent(queue, ("odd", "euro"), note="Why", **form))
    assert answer.status_code == 422
    assert words.lower() in said(answer).lower()
    assert 'value="Why"' in answer.get_data(as_text=True)
    assert answer.get_data(as_text=True).count(" checked ") == 2
    assert queue.books() == before
    assert rae.post("/unmatched/picked", {"do": "off"}).status_code == 422


def test_of_the_picked_only_what_is_strongly_suggested_is_offered_to_be_matched(queue):
    for number, amount in (("INV-1", 10_000), ("INV-2", 20_000)):
        queue.invoice(queue.ids["acme"], amount, number)
    rae = queue.as_("reconciler")
    where = f"/unmatched/strong?{picked(queue, 'for INV-2', 'odd')}"
    words = rae.read(where)
    assert "Among the 2 payments that you picked." in words
    assert "Match 1 strong suggestion, $200.00" in words
    assert "INV-1" not in words
    assert "Nothing is strongly suggested for Unknown payer, $7.77" in words
    main = rae.get(where).get_data(as_text=True).partition("<main")[2]
    form = re.findall(r'name="((?:payment|rev-|parts-)[^"]*)" value="([^"]*)"', main)
    assert "1 of 1 payment matched" in said(rae.post("/unmatched/strong", form))
    assert queue.office.violations() == []
