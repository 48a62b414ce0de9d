"""Who signed in a while ago shows it again: once, slowly guessed, and with another cookie after."""

from datetime import timedelta

import pytest

from reconciler.errors import NotFound
from reconciler.services import people, proofs
from reconciler.services.guessing import ATTEMPTS_PER_ACCOUNT_MAX, TooManyAttempts
from reconciler.work import Cause
from tests.services.test_second_factor import (
    KEY,
    PASSWORD,
    ann,
    authenticator,
    enter,
    show as show_code,
    shown,
)

__all__ = ["ann"]

BROWSER = Cause("browser", "proof")


def signed_in(office) -> str:
    """The token of a browser of Ann's."""
    made = enter(office)
    assert isinstance(made, people.SignedIn)
    return made.token


def show(office, token, password=PASSWORD, code=""):
    return office.do(
        lambda work: proofs.show(
            work, token, password=password, code=code, key=KEY, address="10.0.0.1"
        ),
        BROWSER,
    )


def session(office, token):
    return office.do(lambda work: people.session_of(work, token))


def test_what_was_shown_counts_for_five_minutes_and_no_longer(office, ann):
    token = signed_in(office)
    office.clock.advance(minutes=5)
    assert not proofs.is_recent(session(office, token), office.clock())
    fresh = show(office, token)
    office.clock.instant += proofs.LIFE - timedelta(seconds=1)
    assert proofs.is_recent(session(office, fresh), office.clock())
    office.clock.advance(seconds=1)
    assert not proofs.is_recent(session(office, fresh), office.clock())


def test_whoever_copied_the_cookie_before_is_out(office, ann):
    token = signed_in(office)
    before = session(office, token)
    fresh = show(office, token)
    assert fresh != token
    assert session(office, token) is None
    after = session(office, fresh)
    assert (after.person, after.form_token) == (before.person, before.form_token)
    with pytest.raises(NotFound):
        show(office, token)


def test_a_wrong_password_changes_nothing_is_noted_and_is_slowed_down(office, ann):
    token = signed_in(office)
    noted = "select count(*) from audit_line where action = 'person.sign_in_refused'"
    for _ in range(ATTEMPTS_PER_ACCOUNT_MAX):
        assert show(office, token, "not it") is None
    assert office.scalar(noted) == ATTEMPTS_PER_ACCOUNT_MAX
    with pytest.raises(TooManyAttempts):
        show(office, token)
    for _ in range(2):  # somebody is there all the while
        assert session(office, token) is not None
        office.clock.advance(minutes=8)
    assert show(office, token)


def test_it_takes_the_code_too_where_one_is_asked_for_and_each_but_once(office, ann):
    totp = authenticator(office, ann)
    token = show_code(office, enter(office), shown(office, totp)).token
    office.clock.advance(minutes=6)
    code = shown(office, totp)
    assert show(office, token) is None
    assert show(office, token, "not it", code) is None
    office.clock.advance(minutes=1)
    code = shown(office, totp)
    token = show(office, token, code=code)
    assert token
    assert show(office, token, code=code) is None


def test_after_five_codes_that_do_not_fit_the_password_is_asked_for_again(office, ann):
    totp = authenticator(office, ann)
    halfway = enter(office)
    for _ in range(people.HALFWAY_TRIES_MAX):
        assert show_code(office, halfway, "000000") is None
    with pytest.raises(NotFound):
        show_code(office, halfway, shown(office, totp))
    assert show_code(office, enter(office), shown(office, totp)) is not None
