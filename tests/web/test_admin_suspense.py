"""Money in suspense is told in plain words, moved to where it belongs, and put back."""

import pytest

from reconciler.services import rebuild as facts
from tests.web.api import refused
from tests.web.screens import Screens, open_screens, said


@pytest.fixture
def hardware(screens: Screens) -> Screens:
    """The rail took 19.00 for a reason that no rule knows."""
    screens.ids["row"] = screens.office.world.other_row(
        -1_900, kind="hardware_fee", category="hardware"
    )
    screens.run()
    screens.ids["subject"] = f"stripe/movement/{screens.ids['row']}"
    return screens


def holds(screens: Screens, role: str) -> int:
    return screens.office.scalar(
        "select coalesce(sum(p.amount), 0) from posting p join ledger_account a"
        " on a.id = p.account_id where a.role = :role",
        role=role,
    )


def form(screens: Screens, **more) -> dict[str, str]:
    usual = {"subject": screens.ids["subject"], "account": "expenses", "category": "Card readers",
        "why": "The reader for the fair"}  # fmt: skip
    return usual | more


def test_what_stands_in_suspense_is_told_plainly_and_each_page_leads_there(hardware):
    vera = hardware.as_("viewer")
    words = vera.read("/ledger/suspense")
    assert "1 amount, -$19.00 in all, waits for a person to say what it was" in words
    assert f"{hardware.ids['row']} hardware" in words
    there = f"/ledger/suspense/move?movement={hardware.ids['row']}"
    html = hardware.as_("reconciler").get("/questions").get_data(as_text=True)
    assert there in html
    assert "stands in suspense: a note alone leaves it there" in html
    words = vera.read(there)
    assert "$19.00 was taken, called hardware" in words
    assert "Ask an admin for the Reconciler role" in words
    words = vera.read("/ledger/accounts/suspense/USD")
    assert "Money that the payment provider moved and that nobody has placed yet" in words
    assert "Place what stands here" in words
    assert "Trading" not in words


def test_what_moving_it_posts_is_shown_before_and_posted_then(hardware):
    rae = hardware.as_("reconciler")
    before = hardware.books()
    looked = said(rae.post("/ledger/suspense/move", form(hardware, do="look")))
    assert "Expenses: card readers $19.00 Suspense $19.00" in looked
    assert 'value="The reader for the fair"' in rae.post(
        "/ledger/suspense/move", form(hardware, do="look")
    ).get_data(as_text=True)
    assert hardware.books() == before
    assert rae.post("/ledger/suspense/move", form(hardware)).status_code == 303
    assert (holds(hardware, "suspense"), holds(hardware, "expenses")) == (0, 1_900)
    assert "Discrepancies 0 Nothing waits" in rae.read("/")
    words = rae.read("/ledger/suspense?said=moved")
    assert "Nothing is in suspense" in words
    assert "Expenses: card readers The reader for the fair -$19.00" in words
    assert "in suspense until" not in rae.read("/reconciliation/tie-out")
    again = rae.post("/ledger/suspense/move", form(hardware))
    assert again.status_code == 409
    assert hardware.office.violations() == []


def test_it_is_put_back_by_a_mirror_and_asked_about_again(hardware):
    rae = hardware.as_("reconciler")
    for turn in (1, 3):
        assert rae.post("/ledger/suspense/move", form(hardware)).status_code == 303
        page = rae.read(f"/ledger/suspense/move?subject={hardware.ids['subject']}")
        assert "It is in Expenses: card readers" in page
        answer = rae.post("/ledger/suspense/put-back", {"subject": hardware.ids["subject"]})
        assert answer.status_code == 303
        key = f"{hardware.ids['subject']}/moved-{turn}"
        assert hardware.office.scalar("select key from journal_entry where reverses = :k", k=key)
        assert (holds(hardware, "suspense"), holds(hardware, "expenses")) == (1_900, 0)
        assert "Discrepancies 1 -$19.00" in rae.read("/")
    twice = rae.post("/ledger/suspense/put-back", {"subject": hardware.ids["subject"]})
    assert twice.status_code == 409
    assert hardware.office.violations() == []


def test_it_is_moved_in_parts_and_each_is_put_back_by_itself(hardware):
    rae, there = (
        hardware.as_("reconciler"),
        f"/ledger/suspense/move?subject={hardware.ids['subject']}",
    )
    move = "/ledger/suspense/move"
    looked = said(rae.post(move, form(hardware, amount="12.00", do="look")))
    assert "Expenses: card readers $12.00 Suspense $12.00" in looked
    answer = rae.post(move, form(hardware, amount="12.00"))
    assert answer.status_code == 303
    words = rae.read(answer.location.removeprefix("/admin"))
    assert "A part is moved. $7.00 of $19.00 rests here." in words
    assert "Discrepancies 1 -$7.00" in rae.read("/")
    assert "-$7.00 rests of -$19.00" in rae.read("/ledger/suspense")
    before = hardware.books()
    too_much = rae.post(move, form(hardware, amount="7.01"))
    assert (too_much.status_code, hardware.books()) == (422, before)
    assert "There is $7.00 of it to be moved" in said(too_much)
    rest = form(hardware, account="processing_fees", why="The shipping")
    assert rae.post(move, rest).status_code == 303
    assert [holds(hardware, role) for role in ("suspense", "expenses", "processing_fees")] == [
        0, 1_200, 700,
    ]  # fmt: skip
    assert "Discrepancies 0" in rae.read("/")
    words = rae.read(there)
    for one in ("$12.00 of it is in Expenses: card readers The reader", "$7.00 of it is in"):
        assert one in words, words
    back = {"subject": hardware.ids["subject"]}
    assert rae.post("/ledger/suspense/put-back", back).status_code == 422  # which of the two?
    assert rae.post("/ledger/suspense/put-back", back | {"turn": "1"}).status_code == 303
    assert [holds(hardware, role) for role in ("suspense", "expenses")] == [1_200, 0]
    assert rae.post("/ledger/suspense/put-back", back | {"turn": "1"}).status_code == 409
    assert "Discrepancies 1 -$12.00" in rae.read("/")
    lines = hardware.office.rows("select seq from audit_line where action = 'suspense.moved'")
    offered = rae.get("/recent").get_data(as_text=True)
    first, second = sorted(line.seq for line in lines)
    assert f"/recent/{first}/undo" not in offered
    assert f"/recent/{second}/undo" in offered
    assert rae.post(f"/recent/{second}/undo", {"once": "a"}).status_code == 303
    assert holds(hardware, "suspense") == 1_900
    assert hardware.office.violations() == []


def test_it_is_taken_back_from_the_list_of_what_one_did(hardware):
    rae = hardware.as_("reconciler")
    rae.post("/ledger/suspense/move", form(hardware, account="processing_fees"))
    assert (holds(hardware, "suspense"), holds(hardware, "processing_fees")) == (0, 1_900)
    line = hardware.office.scalar("select max(seq) from audit_line where action = 'suspense.moved'")
    assert f"/recent/{line}/undo" in rae.get("/recent").get_data(as_text=True)
    assert rae.post(f"/recent/{line}/undo", {"once": "a"}).status_code == 303
    assert (holds(hardware, "suspense"), holds(hardware, "processing_fees")) == (1_900, 0)
    assert f"/recent/{line}/undo" not in rae.get("/recent").get_data(as_text=True)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"account": ""}, "Say which account it belongs to"),
        ({"account": "unapplied_cash"}, "Say which account it belongs to"),
        ({"category": " "}, "A category is a few words"),
        ({"why": ""}, "Why must not be empty"),
        ({"amount": "0"}, "An amount must be more than zero"),
    ],
)
def test_what_cannot_be_moved_says_why_and_keeps_what_was_typed(hardware, wrong, words):
    before = hardware.books()
    answer = hardware.as_("reconciler").post("/ledger/suspense/move", form(hardware, **wrong))
    assert answer.status_code == 422
    assert words in said(answer)
    assert hardware.books() == before


def test_what_is_not_there_is_no_page(hardware):
    rae = hardware.as_("reconciler")
    assert rae.get("/ledger/suspense/move?subject=stripe/movement/none").status_code == 404
    assert rae.get("/ledger/suspense/move?movement=none").status_code == 404
    assert rae.post("/ledger/suspense/move", form(hardware, subject="none")).status_code == 404


def test_no_rail_is_missed_for_what_a_person_moved(hardware):
    hardware.as_("reconciler").post("/ledger/suspense/move", form(hardware))
    with hardware.office.runtime.read() as session:
        assert list(facts.of_facts(session, ["stripe"])) == []


def test_programs_place_it_and_put_it_back_likewise(empty_api):
    api = empty_api
    row = api.office.world.other_row(-1_900, kind="hardware_fee", category="hardware")
    open_screens(api.office).run()
    (found,) = api.read("/ledger/suspense")
    assert (found["movement"], found["amount"], found["moved"]) == (row, 1_900, 0)
    to = {"subject": found["subject"], "account": "expenses", "category": "Readers", "why": "Fair"}
    moved = api.make("/ledger/suspense/move", to)
    assert (moved["amount"], moved["moved"], moved["category"]) == (0, 1_900, "readers")
    assert api.post("/ledger/suspense/move", to).status_code == 409
    back = api.make("/ledger/suspense/put-back", {"subject": found["subject"]})
    assert (back["amount"], back["account"]) == (1_900, None)
    with api.unchanged():
        for wrong in (1_901, 0, -1, "5"):
            refused(api.post("/ledger/suspense/move", to | {"amount": wrong}), 422, "amount")
    api.make("/ledger/suspense/move", to | {"amount": 1_200})
    both = api.make("/ledger/suspense/move", to | {"account": "bank", "amount": 600})
    assert (both["amount"], both["moved"], both["account"]) == (100, 1_800, None)
    assert [(one["turn"], one["account"], one["amount"]) for one in both["parts"]] == [
        (3, "expenses", 1_200), (4, "bank", 600),
    ]  # fmt: skip
    refused(api.post("/ledger/suspense/put-back", {"subject": found["subject"]}), 422, "turn")
    one = api.make("/ledger/suspense/put-back", {"subject": found["subject"], "turn": 3})
    assert (one["amount"], one["account"]) == (1_300, "bank")
    api.sound()


def test_of_more_than_is_shown_all_are_counted_and_summed(screens):
    for _ in range(205):
        screens.office.world.other_row(-100, kind="hardware_fee", category="hardware")
    screens.run()
    vera = screens.as_("viewer")
    page = vera.get("/ledger/suspense")
    words = said(page)
    assert "205 amounts, -$205.00 in all, wait for a person" in words
    assert "the last 120 that changed; more come as these are placed" in words
    assert page.get_data(as_text=True).count("<tr data-row>") == 120
    tied = vera.get("/reconciliation/tie-out")
    assert ": 20 of 205, the others" in said(tied)
    assert tied.get_data(as_text=True).count("/admin/ledger/suspense/move?subject=") == 20
