"""Words of reminders: looked at first, kept, said by the next mail, and given up again."""

import pytest

from tests.mail_room import open_mail_room, page, said as words_of
from tests.web.screens import Screens, open_screens, said

PLACE = "/reminders/texts"
WORDS = {
    "subject": "{number} is late",
    "opening": "{customer}, we miss {left} of {billed}.\r\n\r\nYours <b>truly</b>",
    "closing": "Call {house}.",
    "rev": "0",
    "do": "keep",
}


def test_words_are_looked_at_before_they_are_kept(screens: Screens):
    rae = screens.as_("reconciler")
    shown = said(rae.post(f"{PLACE}/after", WORDS | {"do": "look"}))
    assert "As it would read, not kept yet" in shown
    assert "Ann Lee, we miss USD 1,200.00 of USD 2,000.00." in shown
    assert "Left USD 1,200.00" in shown
    assert screens.office.scalar("select count(*) from reminder_text") == 0


def test_the_next_reminder_says_them_with_its_figures_and_the_usual_ones_come_back(
    office, tmp_path
):
    room, screens = open_mail_room(office, tmp_path), open_screens(office)
    rae = screens.as_("reconciler")
    assert rae.post(f"{PLACE}/after", WORDS).status_code == 303
    room.an_invoice("INV-1", 10_000)
    room.on("2026-12-08")
    [letter] = room.work()
    assert letter["Subject"] == "INV-1 is late"
    text = words_of(letter)
    for part in (
        "Hello Ann,", "Ann, we miss USD 100.00 of USD 100.00.", "Yours <b>truly</b>",
        "  Left       USD 100.00", "/portal/", "Call Acme Studio.", "\nAcme Studio",
    ):  # fmt: skip
        assert part in text
    assert "Yours &lt;b&gt;truly&lt;/b&gt;" in page(letter)
    rae = screens.as_("reconciler")
    assert "Your words, by Rae Lindt." in rae.read(PLACE)
    assert rae.post(f"{PLACE}/after", {"do": "usual", "rev": "1"}).status_code == 303
    room.on("2026-12-15")
    assert "was due on" in room.work()[0]["Subject"]


@pytest.mark.parametrize(
    ("change", "status", "why"),
    [
        ({"opening": "{balance}"}, 422, "there is no field {balance}"),
        ({"subject": ""}, 422, "Subject must not be empty"),
        ({"rev": "7"}, 409, "changed by somebody else meanwhile"),
    ],
)
def test_words_that_cannot_be_are_shown_again_with_the_reason(screens, change, status, why):
    answer = screens.as_("reconciler").post(f"{PLACE}/on", WORDS | change)
    assert answer.status_code == status
    assert why in said(answer)
    assert "Call {house}." in said(answer)
    assert screens.as_("reconciler").post(f"{PLACE}/never", WORDS).status_code == 404
