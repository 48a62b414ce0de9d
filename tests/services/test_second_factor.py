"""A code beside the password: set up, asked for, used once, lost."""

from dataclasses import dataclass
from datetime import timedelta

import pyotp
import pytest

from reconciler.errors import Invalid, NotFound
from reconciler.services import own_account, people
from reconciler.services.guessing import ATTEMPTS_PER_ACCOUNT_MAX, TooManyAttempts
from reconciler.services.people import Halfway, SignedIn
from reconciler.work import Cause

EMAIL, PASSWORD, KEY = "ann@example.com", "seven tall herons", "k" * 40
DOOR = Cause("browser", "sign-in")


@pytest.fixture
def ann(office):
    return office.do(
        lambda work: people.create_user(work, email=EMAIL, password=PASSWORD, role="approver")
    )


@dataclass
class Authenticator:
    """Ann's telephone, and what she wrote down."""

    secret: str
    paper: list[str]

    def at(self, moment) -> str:
        return pyotp.TOTP(self.secret).at(moment)


def authenticator(office, ann) -> Authenticator:
    """Ann's, set up and asked for from now on."""
    uri = office.do(lambda work: own_account.begin_factor(work, ann, PASSWORD, KEY))
    read = pyotp.parse_uri(uri)
    assert (read.name, read.issuer) == (EMAIL, "Reconciler")
    made = Authenticator(read.secret, [])
    made.paper = office.do(lambda w: own_account.confirm_factor(w, ann, shown(office, made), KEY))
    assert len(set(made.paper)) == 10
    office.clock.advance(seconds=30)
    return made


def shown(office, totp, *, later: int = 0) -> str:
    return totp.at(office.clock() + timedelta(seconds=later))


def enter(office) -> SignedIn | Halfway | None:
    return office.do(
        lambda w: people.sign_in(w, email=EMAIL, password=PASSWORD, address="10.0.0.1"), DOOR
    )


def show(office, halfway, code, key=KEY):
    return office.do(
        lambda w: people.show_code(w, halfway.token, code, key=key, address="10.0.0.1"), DOOR
    )


def test_it_is_asked_for_only_after_its_first_code_was_right(office, ann):
    uri = office.do(lambda work: own_account.begin_factor(work, ann, PASSWORD, KEY))
    assert isinstance(enter(office), SignedIn)
    wrong = str((int(shown(office, pyotp.parse_uri(uri))) + 1) % 1_000_000).zfill(6)
    with pytest.raises(Invalid, match="not the one shown now"):
        office.do(lambda work: own_account.confirm_factor(work, ann, wrong, KEY))
    assert isinstance(enter(office), SignedIn)
    with pytest.raises(Invalid):
        office.do(lambda work: own_account.begin_factor(work, ann, "not hers", KEY))


def test_the_password_alone_opens_nothing_and_the_code_does_once(office, ann):
    totp = authenticator(office, ann)
    halfway = enter(office)
    assert isinstance(halfway, Halfway)
    assert office.do(lambda work: people.session_of(work, halfway.token)) is None
    code = shown(office, totp)
    assert isinstance(show(office, halfway, code), SignedIn)
    again = enter(office)
    assert show(office, again, code) is None  # somebody looked over her shoulder
    office.clock.advance(seconds=30)
    assert isinstance(
        show(office, again, f" {shown(office, totp)[:3]} {shown(office, totp)[3:]}"), SignedIn
    )


@pytest.mark.parametrize(("later", "opens"), [(-60, False), (-30, True), (30, True), (60, False)])
def test_a_clock_may_be_half_a_minute_off(office, ann, later, opens):
    totp = authenticator(office, ann)
    office.clock.advance(minutes=5)
    assert (
        isinstance(show(office, enter(office), shown(office, totp, later=later)), SignedIn) == opens
    )


@pytest.mark.parametrize("code", ["", "12345", "1234567", "١٢٣٤٥٦", "abcdef", "0" * 5000])
def test_what_is_no_code_opens_nothing(office, ann, code):
    authenticator(office, ann)
    assert show(office, enter(office), code) is None


def test_a_code_made_from_the_database_alone_opens_nothing(office, ann):
    totp = authenticator(office, ann)
    assert show(office, enter(office), shown(office, totp), key="another key of the server") is None


def test_paper_opens_once_and_new_paper_replaces_it(office, ann):
    totp = authenticator(office, ann)
    first, second = totp.paper[:2]
    assert isinstance(show(office, enter(office), first.upper().replace("-", " ")), SignedIn)
    assert show(office, enter(office), first) is None
    office.do(lambda work: own_account.renew_recovery_codes(work, ann, PASSWORD))
    assert show(office, enter(office), second) is None


def test_guesses_at_the_code_are_slowed_down_though_the_password_is_right(office, ann):
    totp = authenticator(office, ann)
    for _ in range(ATTEMPTS_PER_ACCOUNT_MAX):
        assert show(office, enter(office), "000000") is None
    with pytest.raises(TooManyAttempts):
        enter(office)
    office.clock.advance(minutes=16)
    assert isinstance(show(office, enter(office), shown(office, totp)), SignedIn)


def test_halfway_in_is_over_after_five_minutes_once_used_and_when_shut_out(office, ann):
    totp = authenticator(office, ann)
    late, used, shut = enter(office), enter(office), None
    show(office, used, shown(office, totp))
    office.clock.advance(minutes=6)
    shut = enter(office)
    office.do(
        lambda work: people.create_user(
            work, email="b@example.com", password=PASSWORD, role="admin"
        )
    )
    office.do(lambda work: people.set_disabled(work, ann, disabled=True))
    for halfway in (late, used, shut, Halfway("made up")):
        with pytest.raises(NotFound):
            show(office, halfway, shown(office, totp))


def test_it_is_turned_off_by_herself_and_by_an_admin(office, ann):
    authenticator(office, ann)
    with pytest.raises(Invalid):
        office.do(lambda work: own_account.drop_factor(work, ann, "not hers"))
    office.do(lambda work: own_account.drop_factor(work, ann, PASSWORD))
    signed_in = enter(office)
    assert isinstance(signed_in, SignedIn)
    authenticator(office, ann)
    office.do(lambda work: own_account.drop_lost_factor(work, ann))
    assert office.do(lambda work: people.session_of(work, signed_in.token)) is None
    assert isinstance(enter(office), SignedIn)
    assert office.scalar("select count(*) from recovery_code") == 0


def test_who_vouches_by_a_password_shows_a_code_too(office, ann):
    totp = authenticator(office, ann)

    def vouch(code):
        return office.do(
            lambda w: people.vouched(
                w, email=EMAIL, password=PASSWORD, address="cli", key=KEY, code=code
            ),
            DOOR,
        )

    assert vouch("") is None
    assert vouch(shown(office, totp)).id == ann


def test_neither_secret_nor_paper_is_kept_or_noted(office, ann):
    totp = authenticator(office, ann)
    kept = str(office.rows("select * from user_account")) + str(
        office.rows("select * from recovery_code")
    )
    noted = str(office.rows("select * from audit_line")) + str(
        office.rows("select * from audit_words")
    )
    for secret in (totp.secret, *totp.paper, *(code.replace("-", "") for code in totp.paper)):
        assert secret not in kept + noted
