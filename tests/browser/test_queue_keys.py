"""The queue by keys in a real browser: what the address names, what keys open, what stays said."""


def test_the_address_names_what_is_shown_and_not_what_was_done(acme):
    window = acme.window()
    window.is_in("reconciler")
    window.go("/unmatched?view=all&sort=largest")
    window.open("Acme")
    matched = window.page.url
    window.keys("m")
    window.page.wait_for_selector(".toast:has-text('Matched $850.00')")
    shown = window.page.get_attribute(".item.sel a", "href")
    window.page.wait_for_url(f"{window.url}{shown}")
    assert matched != f"{window.url}{shown}"
    assert "matched=" not in window.page.url
    window.page.go_back()
    window.page.wait_for_url(matched)
    window.page.go_forward()
    window.page.wait_for_url(f"{window.url}{shown}")
    assert window.complaints == []


def test_what_is_said_to_be_opened_goes_when_another_is(acme):
    acme.screens.paid(1_000, description="who")
    window = acme.window()
    window.is_in("reconciler")
    window.go("/unmatched")
    window.open("Acme")
    window.keys("m")
    window.page.wait_for_selector(".toast:has-text('Next, opened here')")
    window.page.click(".item:not(.sel) a")
    window.page.wait_for_selector(".toast:not(:has-text('Next, opened here'))")
    assert window.page.is_visible(".toast >> text=Undo")


def test_keys_open_what_moves_money_or_puts_off_and_send_nothing(acme):
    window = acme.window()
    window.is_in("reconciler")
    window.go("/unmatched")
    window.open("Unknown payer")
    for key, words in (("h", "Hold $"), ("z", "Assign or snooze")):
        window.keys(key)
        window.page.wait_for_selector(f"details[open] > summary:has-text('{words}')")
    window.go("/questions")
    window.keys("j", "j", "z")
    opened = window.page.locator("details[open] > summary:has-text('Assign, snooze or note')")
    assert opened.count() == 1
    second = window.page.locator("article[data-row]").nth(1)
    assert second.locator("details[open]").count() == 1
    ask = acme.screens.ask_refund("reconciler", payment_id=acme.screens.ids["pay"], amount=1_000)
    boss = acme.window()
    boss.is_in("approver")
    boss.go(f"/refunds/{ask}")
    boss.keys("a")
    boss.page.wait_for_selector("details[open] > summary:has-text('Approve and refund $10.00')")
    boss.keys("?")
    assert "Approve a refund" in boss.page.inner_text("dialog[open]")
    assert acme.screens.office.scalar("select status from refund") == "requested"


def test_several_are_picked_by_keys_counted_summed_and_stay_picked_where_another_is_opened(acme):
    acme.screens.paid(5_000, description="who", currency="eur")
    window = acme.window()
    window.is_in("reconciler")
    window.go("/unmatched")
    page = window.page
    assert not page.is_visible(".picks"), "nothing is picked"
    window.keys("x", "j", "x")  # the one that is open, and the next
    page.wait_for_selector(".picks:has-text('2 picked, $862.34')")
    window.keys("j", "x")
    page.wait_for_selector(".picks:has-text('3 picked, €50.00 + $862.34')")
    page.keyboard.press("Enter")
    page.wait_for_selector("#detail-title:focus")
    assert page.locator("#rows :checked").count() == 3
    page.wait_for_selector(".picks:has-text('3 picked, €50.00 + $862.34')")
    assert "payment=" not in page.url
    window.keys("x")
    page.wait_for_selector(".picks:has-text('2 picked')")
    assert window.faults() == []
    page.click("text=Put off")
    page.wait_for_selector("h1:has-text('Picked payments')")
    assert page.evaluate("document.activeElement.id") == "until"
    assert window.complaints == []
