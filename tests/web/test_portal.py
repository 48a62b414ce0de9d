"""The client's page: what a link shows, what every other one is answered, and what never leaks."""

import re

import pytest
from structlog.testing import capture_logs

from reconciler.books.portal import Scope
from reconciler.services import invoices, portal_links
from tests.web.screens import Screens, said

ENDED = "This link has ended. Ask whoever sent it to you for a new one."


def link(screens: Screens, subject_id: str, scope: Scope = Scope.CUSTOMER, **more) -> str:
    """A link's address."""
    made = screens.by(
        "reconciler",
        lambda work: portal_links.create(work, scope=scope, subject_id=subject_id, **more),
    )
    return f"/portal/{made[1]}"


def of_ann(screens: Screens) -> tuple[str, str]:
    """A client with an invoice of 2,000 of which 800 are paid, and the link to her page."""
    ann = screens.customer("Ann Lee")
    screens.invoice(ann, 200_000, "INV-1")
    screens.in_cash("INV-1", 80_000)
    return ann, link(screens, ann)


def see(screens: Screens, path: str):
    return screens.browser().get(path)


def test_a_client_sees_what_is_paid_and_what_is_left(screens: Screens) -> None:
    _, path = of_ann(screens)
    words = said(see(screens, path))
    assert "$1,200.00 left to pay" in words
    assert "Paid $800.00 of $2,000.00. $1,200.00 left, due 1 Dec 2026." in words


def test_every_page_of_a_link_opens(screens: Screens) -> None:
    _, path = of_ann(screens)
    payment = screens.office.scalar("select id from payment")
    assert "Invoice INV-1" in said(see(screens, f"{path}/invoices/{screens.ids['INV-1']}"))
    assert "$800.00 received, thank you" in said(see(screens, f"{path}/receipts/{payment}"))
    words = said(see(screens, f"{path}/statement?since=2026-11-01&until=2026-11-30"))
    assert "Invoice INV-1 $2,000.00 $2,000.00" in words
    assert "Payment received -$800.00 $1,200.00" in words


def test_wrong_and_tampered_tokens_are_answered_alike_and_change_nothing(screens: Screens) -> None:
    _, path = of_ann(screens)
    before = screens.books()
    answers = [
        see(screens, made)
        for made in (
            "/portal/x", "/portal/" + "A" * 43, path[:-1], path + "A", path[:-1] + "%00",
            "/portal/" + path.removeprefix("/portal/").swapcase(), "/portal/" + "A" * 5_000,
        )
    ]  # fmt: skip
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.get_data() for answer in answers}) == 1
    assert "Ann" not in answers[0].get_data(as_text=True)
    assert screens.books() == before


def test_what_belongs_to_others_is_answered_like_nothing(screens: Screens) -> None:
    _, path = of_ann(screens)
    ben = screens.customer("Ben Ode")
    theirs = screens.invoice(ben, 5_000, "INV-2")
    screens.in_cash("INV-2", 5_000)
    payment = screens.office.scalar("select id from payment where captured = 5000")
    draft = screens.invoice(ben, 5_000, "INV-3", draft=True)
    nothing = see(screens, "/portal/x").get_data()
    with capture_logs() as logs:
        assert see(screens, f"{path}/invoices/{theirs}").status_code == 404
    told = [line for line in logs if line["event"] == "portal.not_theirs"]
    link_id = screens.office.scalar("select id from portal_link")
    assert [(one["link"], one["at"], one["asked"]) for one in told] == [
        (link_id, "portal.show_invoice", [theirs])
    ]
    for place in (f"invoices/{theirs}", f"invoices/{draft}", f"receipts/{payment}", "invoices/x"):
        answer = see(screens, f"{path}/{place}")
        assert (answer.status_code, answer.get_data()) == (404, nothing), place


@pytest.mark.parametrize("end", ["expiry", "revoked"])
def test_a_link_that_ended_says_so_to_who_had_it(screens: Screens, end: str) -> None:
    ann, path = of_ann(screens)
    if end == "expiry":
        screens.office.clock.advance(days=30, seconds=1)
    else:
        made = screens.office.scalar("select id from portal_link where customer_id = :c", c=ann)
        screens.by("reconciler", lambda work: portal_links.revoke(work, made))
    for place in ("", f"/invoices/{screens.ids['INV-1']}", "/statement"):
        answer = see(screens, path + place)
        assert answer.status_code == 404
        assert ENDED in said(answer)
        assert "Ann" not in answer.get_data(as_text=True)
    assert ENDED not in said(see(screens, path[:-2] + "__"))


def test_a_link_is_good_until_its_last_moment(screens: Screens) -> None:
    _, path = of_ann(screens)
    screens.office.clock.advance(days=29, hours=23)
    assert see(screens, path).status_code == 200


def test_a_void_invoice_says_so_and_is_no_longer_listed(screens: Screens) -> None:
    ann = screens.customer("Ann Lee")
    made = screens.invoice(ann, 5_000, "INV-1")
    path = link(screens, ann)
    screens.by("reconciler", lambda work: invoices.void(work, made))
    assert "INV-1" not in said(see(screens, path))
    words = said(see(screens, f"{path}/invoices/{made}"))
    assert "$0.00 left to pay" in words
    assert "This invoice is void: nobody owes it any more." in words


def test_nothing_of_a_page_is_kept_found_or_told_to_others(screens: Screens) -> None:
    _, path = of_ann(screens)
    for place in (path, f"{path}/statement", "/portal/x"):
        answer = see(screens, place)
        headers = answer.headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in headers["X-Robots-Tag"]
        assert headers["X-Frame-Options"] == "DENY"
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script" not in policy
        assert "Set-Cookie" not in headers
        page = answer.get_data(as_text=True)
        assert not re.search(r"<script|style=|onclick|https?://(?!www\.w3\.org)", page)
        assert "/admin" not in page


def test_looking_has_no_effect(screens: Screens) -> None:
    _, path = of_ann(screens)
    before = screens.books()
    for _ in range(3):  # a mail scanner opens it as well
        assert see(screens, path).status_code == 200
    assert screens.books() == before
    assert screens.office.scalar("select count(*) from portal_link where revoked_at is null") == 1


def test_a_token_is_kept_as_a_hash_alone(screens: Screens) -> None:
    _, path = of_ann(screens)
    token = path.removeprefix("/portal/")
    assert len(token) >= 43  # 256 bits
    everything = screens.office.scalar(
        "select string_agg(l::text, '') || (select string_agg(w::text, '') from audit_words w)"
        " from portal_link l"
    )
    assert token not in everything


def test_a_visit_is_remembered_and_a_wrong_one_is_not(screens: Screens) -> None:
    _, path = of_ann(screens)
    see(screens, path[:-1])
    assert screens.office.scalar("select last_seen_at from portal_link") is None
    see(screens, path)
    assert screens.office.scalar("select last_seen_at from portal_link") is not None


def test_a_period_that_is_none_is_said_beside_the_form(screens: Screens) -> None:
    _, path = of_ann(screens)
    for asked, words in (
        ("since=2026-12-01&until=2026-11-01", "The first day has to come before the last"),
        ("since=1900-01-01", "Ask for at most ten years at once"),
        ("since=yesterday", "Write the day like 2026-11-22"),
    ):
        answer = see(screens, f"{path}/statement?{asked}")
        assert answer.status_code == 422
        assert words in said(answer)


def test_an_admin_makes_a_link_sees_it_once_and_ends_it(screens: Screens) -> None:
    ann = screens.customer("Ann Lee")
    rae = screens.as_("reconciler")
    form = {"scope": "customer", "subject_id": ann, "days": "7"}
    page = rae.post("/portal-links", form).get_data(as_text=True)
    path = re.search(r"/portal/[\w-]{43}", page)[0]
    assert '<div class="stack">\n<section class="card stack" aria-labelledby="new-link">' in page
    assert see(screens, path).status_code == 200
    listed = rae.get("/portal-links").get_data(as_text=True)
    assert path not in listed
    assert "Ann Lee" in listed
    made = screens.office.scalar("select id from portal_link")
    assert rae.post(f"/portal-links/{made}/revoke").status_code == 303
    assert see(screens, path).status_code == 404
    assert rae.post("/portal-links", form | {"days": "0"}).status_code == 422
    assert rae.post("/portal-links", form | {"subject_id": "cus_none"}).status_code == 404
